"""The linters: which files each takes, how it is called, what its answers mean. Pure.

Only what a linter calls an error counts. A rule is told apart without places and texts of the
file, so that an edit which moves a line, or renames an image, is no new complaint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from longshore.rewrite.finders.dockerfile import is_template
from longshore.rewrite.finders.dockerfile import takes as is_dockerfile
from longshore.rewrite.syntax.workflow import is_action_path, is_workflow_path

_COMPOSE = re.compile(r"(?:docker-)?compose(?:[._-][\w.-]*)?\.ya?ml\Z")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|\d+")
_INDEX = re.compile(r"\[\d+\]")
_LONGEST = 300
_GITHUB = re.compile(r"\.github/workflows/")


@dataclass(frozen=True)
class Complaint:
    """One error: in which file of which side, by which rule, in the linter's words."""

    side: str
    file: str
    rule: str
    line: int
    text: str


Reader = Callable[[str, str], list[Complaint] | None]


@dataclass(frozen=True)
class Linter:
    """A program with its fixed arguments; `read` gives None for an answer that is none."""

    program: str
    folder: str
    arguments: tuple[str, ...]
    takes: Callable[[str], bool]
    read: Reader


def _hadolint(text: str, place: str) -> list[Complaint] | None:
    found = _loaded(text)
    if not isinstance(found, list):
        return None
    return [
        _complaint(place, one["file"], one["code"], one["line"], f"{one['code']} {one['message']}")
        for one in found
        if isinstance(one, dict) and one.get("level") == "error"
    ]


def _zizmor(text: str, place: str) -> list[Complaint] | None:
    found = _loaded(text)
    if not isinstance(found, list):
        return None
    made = []
    for one in found:
        location = (one.get("locations") or [{}])[0]
        path = location.get("symbolic", {}).get("key", {}).get("Local", {}).get("verbatim_path", "")
        if one.get("determinations", {}).get("severity") == "High" and not one.get("ignored"):
            row = location.get("concrete", {}).get("location", {}).get("start_point", {})
            said = f"{one['ident']}: {one['desc']}"
            made.append(_complaint(place, path, one["ident"], row.get("row", 0) + 1, said))
    return made


def _actionlint(text: str, place: str) -> list[Complaint] | None:
    found = _loaded(text)
    if not isinstance(found, list):
        return None
    return [
        _complaint(
            place,
            one["filepath"],
            f"{one['kind']} {_QUOTED.sub('_', one['message'])}",
            one["line"],
            one["message"],
        )
        for one in found
    ]


def _schema(text: str, place: str) -> list[Complaint] | None:
    found = _loaded(text)
    if not isinstance(found, dict):
        return None
    made = [
        _complaint(place, one["filename"], f"unreadable {one['message'][:20]}", 1, one["message"])
        for one in found.get("parse_errors") or ()
    ]
    for one in found.get("errors") or ():
        deep = one.get("best_deep_match") or one
        rule = f"{_INDEX.sub('', deep['path'])} {_QUOTED.sub('_', deep['message'])[:60]}"
        said = f"{deep['path']}: {deep['message'][:200]}"
        made.append(_complaint(place, one["filename"], rule, 1, said))
    return made


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _complaint(place: str, path: str, rule: str, line: int, text: str) -> Complaint:
    """`place/before/x` is the file `x` as it was."""
    side, _, file = path.removeprefix(place).lstrip("/\\").replace("\\", "/").partition("/")
    words = " ".join(text.replace(place, "").split())
    return Complaint(side, file, rule, line, words[:_LONGEST])


def _schemas() -> Iterator[Linter]:
    known: dict[str, tuple[Callable[[str], bool], tuple[str, ...]]] = {
        "github-workflows": (lambda path: _GITHUB.match(path) is not None, ()),
        "github-actions": (is_action_path, ()),
        "compose-spec": (lambda path: _COMPOSE.match(path.rpartition("/")[2]) is not None, ()),
        "gitlab-ci": (
            lambda path: path.rpartition("/")[2] == ".gitlab-ci.yml",
            ("--data-transform", "gitlab-ci"),
        ),
    }
    for name, (takes, more) in known.items():
        arguments = ("-o", "json", "--builtin-schema", f"vendor.{name}", *more)
        yield Linter("check-jsonschema", f"schema-{name}", arguments, takes, _schema)


LINTERS: tuple[Linter, ...] = (
    Linter(
        "hadolint",
        "hadolint",
        ("--no-fail", "--format", "json"),
        lambda path: is_dockerfile(path) and not is_template(path),
        _hadolint,
    ),
    Linter(
        "actionlint",
        "actionlint",
        ("-format", "{{json .}}", "-no-color", "-shellcheck=", "-pyflakes="),
        lambda path: _GITHUB.match(path) is not None and is_workflow_path(path),
        _actionlint,
    ),
    Linter(
        "zizmor",
        "zizmor",
        ("--offline", "--no-config", "--no-progress", "--format", "json", "--no-exit-codes"),
        lambda path: _GITHUB.match(path) is not None or is_action_path(path),
        _zizmor,
    ),
    *_schemas(),
)
