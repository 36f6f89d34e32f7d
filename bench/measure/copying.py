"""Copying between two registries on loopback: time, requests, pulls, bytes, memory. I/O.

Each run of a tool begins with an empty target registry and an empty home. Three phases follow:
cold, then the same command with nothing to do, then again after one tag has moved at the source.
After each phase the digests of all tags are compared; a wrong one is counted, never dropped. Runs
of the tools are interleaved, so that whatever else the machine does hits all of them alike.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure.images import Workload, make_workload, move_tag
from measure.processes import Spent, clean_environment, run
from measure.registry import DockerRegistry, Traffic, docker_registry
from measure.tools import TOOLS, Task

PHASES = ("cold", "no-op", "one tag moved")


@dataclass(frozen=True)
class CopyRuns:
    """What to run: `tools` are names and programs, `rtt_ms` the distance to each registry."""

    workloads: Sequence[str]
    tools: dict[str, str]
    runs: int
    scale: float
    rtt_ms: float = 0.0


def measure_copying(wanted: CopyRuns, folder: Path) -> Iterator[dict[str, object]]:
    """One record for each phase of each run."""
    with docker_registry(folder / "source", wanted.rtt_ms) as source:
        for name in wanted.workloads:
            workload = make_workload(name, source, wanted.scale)
            for number in range(wanted.runs):
                for tool, program in wanted.tools.items():
                    place = folder / "target"
                    with docker_registry(place, wanted.rtt_ms) as target:
                        task = Task(source.address, target.address, workload.tags, place / "home")
                        for record in _phases(tool, program, workload, source, target, task):
                            yield {**record, "run": number, "load": os.getloadavg()[0]}
                    shutil.rmtree(place)


def _phases(
    tool: str, program: str, workload: Workload, source: DockerRegistry, target: DockerRegistry,
    task: Task,
) -> Iterator[dict[str, object]]:  # fmt: skip
    task.home.mkdir()
    words = TOOLS[tool].words(program, task)
    before = workload.tags[workload.moved_repository][workload.moved_tag]
    for phase in PHASES:
        expected = workload.tags
        if phase == "one tag moved":
            move_tag(source, workload, workload.moved_digest)
            expected = workload.moved
        for registry in (source, target):
            registry.traffic()
        spent = run(words, clean_environment(task.home), task.home)
        seen = source.traffic(), target.traffic()
        wrong = _wrong_tags(target, expected, workload.kind)
        if spent.code or wrong:
            tail = (spent.stderr or spent.stdout)[-600:].decode("utf-8", "replace")
            ended = f"exit {spent.code}, {wrong} tags wrong"
            print(f"{tool}, {workload.name}, {phase}: {ended}\n{tail}", file=sys.stderr)
        yield _record(tool, workload, phase, spent, seen, wrong)
    move_tag(source, workload, before)


def _wrong_tags(target: DockerRegistry, expected: dict[str, dict[str, str]], kind: str) -> int:
    found = [
        target.digest_of(repository, tag, kind) == digest
        for repository, tags in expected.items()
        for tag, digest in tags.items()
    ]
    return found.count(False)


def _record(
    tool: str, workload: Workload, phase: str, spent: Spent, seen: tuple[Traffic, Traffic],
    wrong: int,
) -> dict[str, object]:  # fmt: skip
    source, target = seen
    return {
        "workload": workload.name,
        "tool": tool,
        "phase": phase,
        "exit": spent.code,
        "wrong_tags": wrong,
        "wall_s": round(spent.wall_s, 4),
        "cpu_s": round(spent.cpu_s, 4),
        "rss_mib": spent.rss_mib and round(spent.rss_mib, 1),
        "source_requests": source.requests,
        "target_requests": target.requests,
        "pulls": source.pulls,
        "source_bytes": source.blob_bytes,
        "unique_bytes": workload.content.blob_bytes,
        "source_classes": source.classes,
        "target_classes": target.classes,
        "minimum_cold": workload.minimum_cold(),
    }
