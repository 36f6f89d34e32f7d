"""Linters asked about edited files: new errors are refused, old ones are not, nothing leaks."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from longshore.rewrite.edits import ChangedFile
from longshore.rewrite.lint import find_program, lint
from longshore.rewrite.lint_rules import LINTERS, Linter

WORKFLOW = b"""\
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo
"""
COMPOSE = b"services:\n  a:\n    image: node:18\n"

NEW = [
    ("hadolint", "Dockerfile", b"FROM node:18\n", b"FROM node:18\nFRM x\n", "DL1000"),
    ("check-jsonschema", "compose.yml", COMPOSE, COMPOSE.replace(b"image", b"imge"), "imge"),
    (
        "check-jsonschema",
        ".github/workflows/a.yml",
        WORKFLOW,
        WORKFLOW.replace(b"runs-on", b"runson"),
        "runs",
    ),
    (
        "check-jsonschema",
        ".gitlab-ci.yml",
        b"a: {image: x, script: [a]}\n",
        b"a: {image: x, script: 3}\n",
        "script",
    ),
    (
        "zizmor",
        ".github/workflows/a.yml",
        WORKFLOW,
        WORKFLOW.replace(b"run: echo", b"run: echo ${{ github.event.issue.title }}"),
        "template-injection",
    ),
]


def need(program: str) -> None:
    if find_program(program, Path("/nonexistent"), os.environ) is None:
        pytest.skip(f"{program} is not installed")


@pytest.mark.parametrize(("program", "path", "before", "after", "words"), NEW)
def test_a_new_error_is_refused_in_the_linter_s_words(
    program: str, path: str, before: bytes, after: bytes, words: str, tmp_path: Path
) -> None:
    need(program)
    made = lint([ChangedFile(path, before, after)], tmp_path, os.environ)
    (failed,) = made.failed
    assert failed.file == path
    assert failed.reason.startswith(f"{program}: ")
    assert words in failed.reason
    assert {one.outcome for one in made.ran} == {"ran"}


@pytest.mark.parametrize(("program", "path", "before", "after", "words"), NEW)
def test_an_error_that_was_there_is_the_team_s_own(
    program: str, path: str, before: bytes, after: bytes, words: str, tmp_path: Path
) -> None:
    need(program)
    changed = after.replace(b"node:18", b"host.example/node:18") + b"# edited\n"
    made = lint([ChangedFile(path, after, changed)], tmp_path, os.environ)
    assert made.ran
    assert made.failed == ()
    assert before
    assert words


def test_configs_of_the_tree_are_not_read(tmp_path: Path) -> None:
    need("hadolint")
    (tmp_path / ".hadolint.yaml").write_text("ignored: [DL1000]\n")
    changes = [ChangedFile("Dockerfile", b"FROM a:1\n", b"FROM a:1\nFRM x\n")]
    assert lint(changes, tmp_path, os.environ).failed


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def only_fake(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = next(one for one in LINTERS if one.program == "hadolint")
    fake = Linter("fake-linter", "fake", wanted.arguments, wanted.takes, wanted.read)
    monkeypatch.setattr("longshore.rewrite.lint.LINTERS", (fake,))


CHANGE = [ChangedFile("Dockerfile", b"FROM a:1\n", b"FROM b:1\n")]


@pytest.mark.usefixtures("only_fake")
def test_a_linter_that_hangs_or_answers_nothing_is_no_reason(tmp_path: Path) -> None:
    program = script(tmp_path / "bin" / "fake-linter", "import time\ntime.sleep(60)\n")
    environ = {"PATH": str(program.parent)}
    made = lint(CHANGE, tmp_path / "tree", environ, limit_s=0.5)
    assert [(one.name, one.outcome) for one in made.ran] == [("fake-linter", "timeout")]
    script(program, "print('no json')\n")
    made = lint(CHANGE, tmp_path / "tree", environ)
    assert [(one.outcome, made.failed) for one in made.ran] == [("failed", ())]


@pytest.mark.usefixtures("only_fake")
def test_a_linter_gets_nothing_of_the_user_s(tmp_path: Path) -> None:
    text = (
        "import json, os\n"
        "said = ' '.join(sorted(os.environ)) + ' ' + os.getcwd() + str(os.listdir('.'))\n"
        "print(json.dumps([{'file': __import__('sys').argv[-1], 'code': 'X', 'line': 1,"
        " 'level': 'error', 'message': said}]))\n"
    )
    program = script(tmp_path / "bin" / "fake-linter", text)
    environ = {"PATH": str(program.parent), "GH_TOKEN": "t", "AWS_SECRET_ACCESS_KEY": "s"}
    (failed,) = lint(CHANGE, tmp_path / "tree", environ).failed
    assert "TOKEN" not in failed.reason
    assert "SECRET" not in failed.reason
    assert str(tmp_path / "tree") not in failed.reason
    assert failed.reason.endswith("[]")


def test_programs_of_the_tree_and_of_the_folder_are_never_run(tmp_path: Path) -> None:
    inside = script(tmp_path / "tree" / "bin" / "own-linter", "")
    outside = script(tmp_path / "bin" / "own-linter", "")
    tree = tmp_path / "tree"
    assert find_program("own-linter", tree, {"PATH": f"bin:{inside.parent}"}) is None
    path = os.pathsep.join(["", ".", str(inside.parent), str(outside.parent)])
    assert find_program("own-linter", tree, {"PATH": path}) == str(outside)
