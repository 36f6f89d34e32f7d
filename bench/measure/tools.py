"""How each copier is told to copy all tags of some repositories. I/O.

A tool prepares its files once a target registry and gives the command that is then run for the
cold copy, for the one with nothing to do and for the one with one moved tag. Programs that copy a
single tag are run once for each tag, one after the other, as a script would; they are given the
list of tags.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from measure.processes import find_program


@dataclass(frozen=True)
class Task:
    """What is to be copied: repositories keep their names. `home` is the tool's own."""

    source: str
    target: str
    tags: Mapping[str, Mapping[str, str]]
    home: Path


@dataclass(frozen=True)
class Tool:
    """A copier: its program and what makes the command."""

    name: str
    program: str
    words: Callable[[str, Task], list[str]]
    version: tuple[str, ...] = ("--version",)


def _longshore(program: str, task: Task, *more: str) -> list[str]:
    words = [program, "copy", "--all-tags", "--json", *more]
    if len(task.tags) == 1:
        return [*words, *(f"{host}/{name}" for name in task.tags for host in _ends(task))]
    pairs = task.home / "pairs.txt"
    pairs.write_text("".join(f"{task.source}/{name} {task.target}/{name}\n" for name in task.tags))
    return [*words, "--pairs", str(pairs)]


def _crane(program: str, task: Task, *more: str) -> list[str]:
    words = [program, "copy", "--all-tags", *more]
    return _script([*words, *(f"{host}/{name}" for host in _ends(task))] for name in task.tags)


def _crane_wide(program: str, task: Task) -> list[str]:
    return _crane(program, task, "-j", "32")


def _skopeo(program: str, task: Task) -> list[str]:
    config = {task.source: {"tls-verify": False, "images": {name: [] for name in task.tags}}}
    file = task.home / "sync.yaml"
    file.write_text(json.dumps(config))
    options = ["--all", "--src", "yaml", "--dest", "docker", "--dest-tls-verify=false"]
    return [program, "--insecure-policy", "sync", *options, str(file), task.target]


def _regsync(program: str, task: Task) -> list[str]:
    config = {
        "version": 1,
        "creds": [{"registry": host, "tls": "disabled"} for host in _ends(task)],
        "sync": [
            {
                "source": f"{task.source}/{name}",
                "target": f"{task.target}/{name}",
                "type": "repository",
            }
            for name in task.tags
        ],
    }
    file = task.home / "regsync.yml"
    file.write_text(json.dumps(config))
    return [program, "once", "-c", str(file)]


def _regctl(program: str, task: Task) -> list[str]:
    folder = task.home / ".regctl"
    folder.mkdir(exist_ok=True)
    hosts = {host: {"tls": "disabled"} for host in _ends(task)}
    (folder / "config.json").write_text(json.dumps({"hosts": hosts}))
    return _script([program, "image", "copy", *ends] for ends in _each_tag(task))


def _oras(program: str, task: Task) -> list[str]:
    words = [program, "cp", "--from-plain-http", "--to-plain-http"]
    return _script([*words, *ends] for ends in _each_tag(task))


def _ends(task: Task) -> tuple[str, str]:
    return task.source, task.target


def _each_tag(task: Task) -> Iterator[list[str]]:
    for name, tags in task.tags.items():
        for tag in tags:
            yield [f"{task.source}/{name}:{tag}", f"{task.target}/{name}:{tag}"]


def _script(commands: Iterable[list[str]]) -> list[str]:
    """One shell that runs them all; what it starts counts as its own CPU time and memory."""
    return ["sh", "-ec", "\n".join(shlex.join(words) for words in commands) + "\n:"]


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("longshore", "longshore", _longshore),
        Tool("crane", "crane", _crane, ("version",)),
        Tool("crane -j 32", "crane", _crane_wide, ("version",)),
        Tool("regsync", "regsync", _regsync, ("version",)),
        Tool("regctl", "regctl", _regctl, ("version",)),
        Tool("skopeo sync", "skopeo", _skopeo),
        Tool("oras", "oras", _oras, ("version",)),
    )
}


def present(names: list[str]) -> dict[str, str]:
    """Those of the tools that are installed, with their programs; all when none is named."""
    found = {name: find_program(TOOLS[name].program) for name in names or TOOLS}
    return {name: program for name, program in found.items() if program}
