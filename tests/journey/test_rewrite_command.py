"""`rewrite` as a command: digests from the target, linters, a public default, who else names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from longshore.embedded.seed.load import seed_named
from tests.journey.lab import Lab

RULES = (
    "from: docker.io/library/node, to: docker-hub/library/node",
    "from: docker.io/library/redis, to: docker-hub/library/redis",
)
DOCKERFILE = "FROM node:18 AS a\nFROM redis\n"


@pytest.fixture
def small(lab: Lab) -> Lab:
    """A Dockerfile, its images at the Hub, and rules for them."""
    list(seed_named(lab.hub, {"library/node": ["18"], "library/redis": ["latest"]}))
    (lab.folder / "Dockerfile").write_text(DOCKERFILE)
    lab.write(*RULES)
    return lab


def dockerfile(lab: Lab) -> str:
    return (lab.folder / "Dockerfile").read_text()


def write(lab: Lab, *more: str) -> dict[str, object]:
    return lab.done("rewrite", "--write", "--yes", "--allow-dirty", *more)


def test_digests_are_those_of_the_target(small: Lab) -> None:
    small.done("apply", "--yes")
    made = write(small, "--pin")
    digest = small.held("docker-hub/library/node")["18"]
    assert f"/docker-hub/library/node:18@{digest} AS a\n" in dockerfile(small)
    assert "/docker-hub/library/redis:latest@sha256:" in dockerfile(small)
    assert made["pins"] == {"wanted": True, "pinned": 2, "absent": [], "why_not": ""}
    assert write(small, "--pin")["written"] == []
    small.done("rewrite", "--revert", "--yes")
    assert dockerfile(small) == DOCKERFILE


def test_a_look_without_the_target_says_why_there_are_no_digests(small: Lab) -> None:
    small.write(*RULES, text="rewrite: {pin_digests: true}\n")
    seen = small.done("rewrite")
    assert seen["pins"]["absent"] == [
        "docker-hub/library/node:18",
        "docker-hub/library/redis:latest",
    ]
    unchecked = small.done("rewrite", "--unchecked")
    assert "--unchecked" in unchecked["pins"]["why_not"]
    assert "no digests" in small("rewrite", "--unchecked").out
    assert small.done("rewrite", "--no-pin")["pins"]["wanted"] is False


def test_migrate_writes_digests_after_the_copy(small: Lab) -> None:
    small.write(*RULES, text="rewrite: {pin_digests: true}\n")
    small.done("migrate", "--yes", "--write", "--patch", "../ecr.patch")
    assert dockerfile(small).count("@sha256:") == 2
    assert (small.folder / "../ecr.patch").read_text().count("@sha256:") == 2


def test_a_public_default_in_the_file(small: Lab) -> None:
    small.write(*RULES, text="rewrite: {public_default: true}\n")
    write(small, "--unchecked")
    assert dockerfile(small) == (
        "ARG DOCKER_HUB=docker.io\nFROM ${DOCKER_HUB}/library/node:18 AS a\n"
        "FROM ${DOCKER_HUB}/library/redis\n"
    )
    assert write(small, "--unchecked")["written"] == []


def test_linters_that_ran_are_in_the_answer(small: Lab) -> None:
    made = small.done("rewrite", "--unchecked")
    ran = {one["name"]: one["outcome"] for one in made["linters"]}
    if ran:
        assert ran == {"hadolint": "ran"}
        assert "linters that saw the edited files: hadolint" in small("rewrite").out
    assert small.done("rewrite", "--unchecked", "--no-lint")["linters"] == []


def test_a_file_that_a_linter_refuses_is_not_written(small: Lab, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "actionlint"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\nfor path; do :; done\n"
        'printf \'[{"message": "m", "filepath": "%s", "line": 3, "kind": "k"}]\' "$path"\n'
    )
    program.chmod(0o755)
    workflow = small.folder / ".github" / "workflows" / "a.yml"
    workflow.parent.mkdir(parents=True)
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: docker build .\n"
    workflow.write_text(text)
    path = f"{program.parent}:{small.environ['PATH']}"
    ended = small(
        "rewrite", "--write", "--unchecked", "--allow-dirty", "--yes", "--json", PATH=path
    )
    assert ended.code == 3
    assert ended.json["failed"] == [
        {"file": ".github/workflows/a.yml", "line": 3, "reason": "actionlint: m"}
    ]
    assert ended.json["written"] == ["Dockerfile"]
    assert workflow.read_text() == text


def test_who_else_names_it(small: Lab) -> None:
    (small.folder / "check.py").write_text("assert text == 'node:18'\n")
    (small.folder / "README.md").write_text("Built on node:18.\n")
    made = small.done("rewrite", "--unchecked")
    assert made["also_named"]["lines"] == [{"file": "check.py", "line": 1, "text": "node:18"}]
    assert made["also_named"]["docs"] == ["README.md"]
    assert re.search(r"also names it: check\.py:1", small("rewrite", "--unchecked").out)
