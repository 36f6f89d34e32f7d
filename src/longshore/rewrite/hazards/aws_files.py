"""The files of a tree that speak of AWS (policies, scripts), found in one pass. Pure."""

from __future__ import annotations

import re

from longshore.rewrite.hazards.hazard import Surveyed

LIFECYCLE, STATEMENT, ACTION, IMMUTABLE = b"rulePriority", b"Statement", b"ecr:", b"IMMUTABLE"
_MARKS = (LIFECYCLE, STATEMENT, ACTION, IMMUTABLE)
_FIRST = (".tf", ".json", ".sh", ".hcl", ".template")
_THEN = (".yml", ".yaml", ".bash", ".py", ".ts", ".js", ".ps1")
_NAMES = ("Makefile", "Jenkinsfile", "justfile")
_FOREIGN = re.compile(
    r"(?:^|/)(?:vendor|node_modules|third[_-]party|testdata|fixtures?|__tests__|tests?|"
    r"\.terraform)/"
)
_MOST_FILES = 20_000
_MOST_BYTES = 400_000


def files_with(surveyed: Surveyed, mark: bytes) -> list[str]:
    """The paths of files that hold one of the marks above, in order."""
    return surveyed.once("files that speak of AWS", _look).get(mark, [])


def _look(surveyed: Surveyed) -> dict[bytes, list[str]]:
    found: dict[bytes, list[str]] = {}
    for path in sorted(_candidates(surveyed)):
        file = surveyed.tree.file(path)
        if file is None or len(file.data) > _MOST_BYTES:
            continue
        for mark in _MARKS:
            if mark in file.data:
                found.setdefault(mark, []).append(path)
    return found


def _candidates(surveyed: Surveyed) -> list[str]:
    """The paths worth reading; those of infrastructure first, should there be too many."""
    paths = [one for one in surveyed.tree.paths if not _FOREIGN.search(one)]
    first = [one for one in paths if one.endswith(_FIRST) or one.rpartition("/")[2] in _NAMES]
    return [*first, *(one for one in paths if one.endswith(_THEN))][:_MOST_FILES]
