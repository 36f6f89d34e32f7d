"""What a sync with nothing to do asks of a Docker Hub and an ECR. I/O.

Runs against the embedded servers, which write down each request; that record is counted, not what
a tool says of itself.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from measure.images import KIB, Content, LayoutFolder, Shape, fill
from measure.processes import clean_environment, find_program, run
from measure.tools import TOOLS, Task

SOURCE = "bench/many"
SHAPE = Shape(1, 0, (4 * KIB,) * 2, (4 * KIB,))
# skopeo drops all but the last part of a repository's name, crane is told to keep the whole.
TARGETS = {"longshore": "moved/many", "crane": SOURCE, "skopeo sync": "many"}
_HOSTS = {"hub": "hub", "hub-cdn": "hub", "hub-api": "hub", "ecr": "ecr", "layers": "ecr"}


def measure_nothing_to_do(
    program: str, peers: Mapping[str, str], tags: int, folder: Path
) -> Iterator[dict[str, object]]:
    """Copy once, then count what a second run asks for; one record for each tool."""
    layout = LayoutFolder(folder / "layout")
    wanted = fill(layout, "many", SHAPE, 1.0, tags, Content())
    layout.close()
    home = folder / "home"
    home.mkdir()
    environ = clean_environment(home, LONGSHORE_LOCAL_DIR=str(folder / "local"))

    def longshore(*words: str) -> dict[str, Any]:
        done = run([program, *words, "--json"], environ, home)
        if done.code:
            sys.exit(f"longshore {' '.join(words)}: {done.stderr.decode()[-600:]}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    state = longshore("local", "up")
    log = folder / "local" / "access.jsonl"
    try:
        longshore("local", "seed", "--from", str(layout.root), "--as", SOURCE)
        longshore("local", "login")
        (home / "longshore.yaml").write_text(_config())
        task = Task(state["hub_registry"], state["ecr_registry"], {SOURCE: wanted}, home)
        with_login = {**environ, "DOCKER_CONFIG": str(folder / "local" / "docker")}
        longshore("migrate", "--yes")
        yield _second(log, tags, "longshore", [program, "sync", "--json"], environ, home)
        for name, peer in peers.items():
            longshore("repo", "create", TARGETS[name], "--yes")
            words = TOOLS[name].words(peer, task)
            first = run(words, with_login, home)
            if first.code:
                print(f"{name} cannot copy: {first.stderr.decode()[-300:]}", file=sys.stderr)
                continue
            yield _second(log, tags, name, words, with_login, home)
    finally:
        longshore("local", "down")


def _second(
    log: Path, tags: int, tool: str, words: list[str], environ: dict[str, str], home: Path
) -> dict[str, object]:
    before = log.stat().st_size
    spent = run(words, environ, home)
    with log.open("rb") as file:
        file.seek(before)
        lines = [json.loads(line) for line in file]
    classes = Counter(f"{one['listener']} {one['method']} {one['kind']}" for one in lines)
    tokens = sum(one["kind"] == "token" for one in lines)
    hosts = Counter(_HOSTS.get(one["listener"], "aws") for one in lines if one["kind"] != "token")
    pulls = sum(
        (one["listener"], one["method"], one["kind"]) == ("hub", "GET", "manifest")
        and one["status"] == 200
        for one in lines
    )
    return {
        "tool": tool,
        "tags": tags,
        "exit": spent.code,
        "wall_s": round(spent.wall_s, 3),
        "hub_requests": hosts["hub"],
        "pulls": pulls,
        "ecr_registry_requests": hosts["ecr"],
        "aws_calls": hosts["aws"],
        "token_requests": tokens,
        "classes": dict(sorted(classes.items())),
    }


def _config() -> str:
    document = {
        "version": 1,
        "targets": {"local": {"kind": "local"}},
        "images": [{"from": f"docker.io/{SOURCE}", "to": TARGETS["longshore"]}],
        "repositories": {TARGETS["longshore"]: {}},
    }
    return json.dumps(document)


def peers_present() -> dict[str, str]:
    """The other tools that are installed, with their programs."""
    found = {name: find_program(TOOLS[name].program) for name in TARGETS if name != "longshore"}
    return {name: program for name, program in found.items() if program}
