#!/usr/bin/env python3
"""Measures how the finders' time grows with the length of one hostile line.

    python bench/long_lines.py                      # every finder, the three worst inputs of each
    python bench/long_lines.py --finder dockerfile --all
    python bench/long_lines.py --sizes 0.1,0.2

Every finder is given files that it takes, whose last line repeats one unit (`${a:-`, `[`, ...) up
to a quarter, a half and a whole MB. Linear time gives the same seconds per MB at each size; a
growth of 2 with each doubling is quadratic. A size is left out (`-`) once the one before took more
than `--patience` seconds. Times are of the processor. The table goes to the screen and to
bench/results/long_lines.md, the record beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measure.tables import table
from run import RESULTS, as_sentence, machine

from longshore.rewrite.finders.finder import Finder, TreeOfTexts
from longshore.rewrite.finders.registry import FINDERS
from longshore.rewrite.source import SourceFile, read_source

UNITS = (
    "a", "a/", " ", "[", "{", "(", '"', "'", '\\"', "$", "$(", "${", "${a:-", "{{ ", "{{ a }}", "%",
    "/*", "<a", "<<E ", "|", "a||", "- ", "a: ", "a = ", "-e A ", ", image: x", "docker run ",
    "FROM a ",
)  # fmt: skip
# What stands before the line, so that a finder of these files goes on to read it.
HEADS = {
    "Dockerfile": ("FROM a\nRUN ", "FROM ", "ARG A="),
    "Earthfile": ("a:\n  FROM ", "a:\n  BUILD "),
    "web.docker": ("FROM a\nRUN ",),
    "Makefile": ("up:\n\tdocker run ", "IMAGE = "),
    "justfile": ("up:\n  docker run ",),
    "Jenkinsfile": ("pipeline { agent { docker { image ",),
    "Vagrantfile": ("docker.image = ",),
    "Tiltfile": ("docker_build(",),
    "a.sh": ("#!/bin/sh\ndocker run ",),
    "a.ps1": ("docker run ",),
    "a.service": ("[Service]\nExecStart=docker run ",),
    "a.container": ("[Container]\nImage=",),
    "Procfile": ("web: docker run ",),
    ".env": ("A_IMAGE=",),
    "images.txt": ("nginx:1\n",),
    "compose.yml": ("services:\n  a:\n    image: ", "services: {a: "),
    "stack.yml": ("services:\n  a:\n    image: ",),
    "values.yaml": ("image: ", "image: {repository: "),
    "Chart.yaml": ("dependencies: [",),
    "chart/templates/a.yaml": ("image: {{ ", "image: "),
    "chart/templates/a.tpl": ("image: {{ ",),
    "helmfile.yaml": ("releases: [",),
    "kustomization.yaml": ("images: [", "images:\n- name: "),
    "a.yaml": ("apiVersion: v1\nkind: Pod\nimage: ", "image: ", "docker run image: "),
    "a.json": ('{"apiVersion": "v1", "image": ', '{"containers": [{"image": '),
    "a.yml.j2": ("image: x\n{% ",),
    ".github/workflows/a.yml": (
        "jobs:\n  a:\n    container: ",
        "jobs:\n  a:\n    steps:\n    - run: ",
    ),
    "action.yml": ("runs:\n  using: docker\n  image: ",),
    ".gitlab-ci.yml": ("image: ", "a:\n  script: docker run "),
    ".circleci/config.yml": ("jobs: {a: {docker: [image: ",),
    ".drone.yml": ("steps:\n- image: ",),
    "azure-pipelines.yml": ("container: ", "steps:\n- script: docker run "),
    "cloudbuild.yaml": ("steps:\n- name: ",),
    "bake.hcl": ('target "a" { tags = [',),
    "docker-bake.hcl": ('target "a" { tags = [',),
    "a.tf": ('resource "docker_image" "a" { image = ', "image = "),
    "a.nomad": ('job "a" { image = ',),
    "a.pkr.hcl": ('source "docker" "a" { image = ',),
    "A.java": ("import org.testcontainers.x;\nnew GenericContainer(", "testcontainers\n"),
    "a.go": ('import "github.com/docker/docker/x"\nImage := ', "testcontainers-go\n"),
    "a.py": ("import docker\nclient.containers.run(", "testcontainers\nx = "),
    "a.ts": ("import testcontainers;\nnew GenericContainer(", "aws-cdk\nimage: "),
    "a.jsonnet": ("{ image: ",),
    "a.cue": ("image: ",),
    "a.nix": ("imageName = ",),
    "a.dhall": ("image = ",),
    "BUILD.bazel": ("oci_pull(",),
    "a.gradle": ("jib { from { image = ",),
    "pom.xml": ("<plugin>jib-maven-plugin<from><image>",),
    "fly.toml": ('[build]\nimage = "',),
    "package.json": ('{"scripts": {"a": "docker run ',),
    "Taskfile.yml": ("tasks: {a: {cmds: [docker run ",),
    "roles/a/tasks/main.yml": ("- docker_container:\n    image: ",),
    "template.yaml": ("Resources:\n  A:\n    Type: AWS::ECS::TaskDefinition\n    Image: ",),
    "a.def": ("Bootstrap: docker\nFrom: ",),
}
NO_TREE = TreeOfTexts({}, {})
_PROBE = 0.02  # MB


@dataclass(frozen=True)
class Measured:
    """One input of one finder: seconds for each size, as far as patience reached."""

    finder: str
    path: str
    head: str
    unit: str
    seconds: tuple[float, ...]
    sizes: tuple[float, ...]

    @property
    def worst(self) -> float:
        """Seconds per MB at the last size."""
        return self.seconds[-1] / self.sizes[len(self.seconds) - 1]

    @property
    def growth(self) -> float:
        """How much longer a MB takes at the last size than at the one before."""
        if len(self.seconds) < 2 or self.seconds[-2] < 0.02:
            return 1.0
        ratio = self.seconds[-1] / self.seconds[-2]
        return ratio / (self.sizes[len(self.seconds) - 1] / self.sizes[len(self.seconds) - 2])

    def row(self) -> list[str]:
        """As a line of the table."""
        times = [f"{one:.2f}" for one in self.seconds]
        times += ["-"] * (len(self.sizes) - len(times))
        shown = f"`{self.head.splitlines()[-1][:24]}` + `{self.unit}`"
        return [self.finder, self.path, shown, *times, f"{self.worst:.1f}", f"{self.growth:.1f}"]


def main() -> None:
    options = parse()
    sizes = tuple(float(one) for one in options.sizes.split(","))
    chosen = [one for one in FINDERS if options.finder in ("", one.name)]
    found = [one for finder in chosen for one in measure(finder, sizes, options)]
    head = ["finder", "file", "line", *(f"{one:g} MB" for one in sizes), "s per MB", "growth"]
    here = machine()
    rows = [one.row() for one in sorted(found, key=lambda one: -one.worst)]
    untried = sorted({one.name for one in chosen} - {one.finder for one in found})
    shown = f"## long lines\n\n{as_sentence(here)}\n\n{table(head, rows)}\n"
    shown += (
        f"\nNot measured, for no input here is theirs: {', '.join(untried)}.\n" if untried else ""
    )
    options.results.mkdir(exist_ok=True)
    record = {
        "schema": "longshore.bench.long-lines/1",
        **here,
        "found": [vars(one) for one in found],
    }
    (options.results / "long_lines.json").write_text(json.dumps(record, indent=1) + "\n")
    (options.results / "long_lines.md").write_text(shown)
    print(shown, end="")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--finder", default="", help="one finder's name")
    parser.add_argument("--sizes", default="0.25,0.5,1", help="MB, each larger than the one before")
    parser.add_argument("--patience", type=float, default=4, help="seconds")
    parser.add_argument("--all", action="store_true", help="all inputs, not the worst three")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for results")
    return parser.parse_args()


def measure(
    finder: Finder, sizes: tuple[float, ...], options: argparse.Namespace
) -> list[Measured]:
    """The inputs of one finder at a small size; the worst of them at all sizes."""
    tried = sorted(
        (seconds_of(finder, path, head, unit, _PROBE), path, head, unit)
        for path, head, unit in inputs(finder)
    )
    kept = tried if options.all else tried[-3:]
    return [_grown(finder, *one[1:], sizes, options.patience) for one in kept]


def inputs(finder: Finder) -> Iterator[tuple[str, str, str]]:
    """What a finder takes, and does not put away for lack of its marks."""
    for path, heads in HEADS.items():
        for head in heads if finder.takes(path) else ():
            if finder.may_find(head.encode()):
                yield from ((path, head, unit) for unit in UNITS)


def _grown(
    finder: Finder, path: str, head: str, unit: str, sizes: tuple[float, ...], patience: float
) -> Measured:
    seconds: list[float] = []
    for size in sizes:
        seconds.append(seconds_of(finder, path, head, unit, size))
        if seconds[-1] > patience:
            break
    return Measured(finder.name, path, head, unit, tuple(seconds), sizes)


def seconds_of(finder: Finder, path: str, head: str, unit: str, size: float) -> float:
    """How long a finder takes for a line of so many MB."""
    text = head + unit * (int(size * 1_000_000) // len(unit)) + "\n"
    file = read_source(path, text.encode())
    assert isinstance(file, SourceFile)
    began = time.process_time()
    list(finder.find(file, NO_TREE) or ())
    return time.process_time() - began


if __name__ == "__main__":
    main()
