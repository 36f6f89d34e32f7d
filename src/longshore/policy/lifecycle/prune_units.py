"""Tags that go together, the group that they belong to, and the time in their name. Pure.

A marker tag stands beside the tag that it marks and goes with it (`policy/families.py`). A group
is what a rule counts within: a branch, a minor version, a pull request. What a name does not say
is None, and the caller keeps it.

>>> group_of("main-abc1234", "branch"), group_of("pr-5-abc1234", "pull-request")
('main', 'pr-5')
>>> time_in("backup-20241201-143022").isoformat()
'2024-12-01T14:30:22+00:00'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from longshore.policy.families import MARKERS, marker_tag

Per = Literal["family", "branch", "minor-version", "pull-request"]

_TIME = re.compile(r"(?:.*-)?([0-9]{8}-[0-9]{6})", re.ASCII | re.DOTALL)
_BUILD = re.compile(r"(.+)-[0-9a-f]{7,64}", re.DOTALL)
_PULL_REQUEST = re.compile(r"((?:.+-)?pr-[0-9]+)(?:-[0-9a-f]{7,64})?", re.DOTALL)
_VERSION = re.compile(r"([vV]?[0-9]+\.[0-9]+)\.[0-9]+(?:[-._+].*)?", re.DOTALL)
_PREFIXED = re.compile(r"(.+?-[vV]?[0-9]+\.[0-9]+)\.[0-9]+(?:[-._+].*)?", re.DOTALL)
_COMPANION = re.compile(r"sha256-[0-9a-f]{64}(?:\..+)?")
_SHAPES: dict[Per, tuple[re.Pattern[str], ...]] = {
    "branch": (_BUILD,),
    "minor-version": (_VERSION, _PREFIXED),
    "pull-request": (_PULL_REQUEST,),
}


def units_of(tags: Sequence[str]) -> list[tuple[str, ...]]:
    """The tags of one image, each with the markers that stand beside it.

    >>> units_of(["main-abc1234", "latest", "prod-main-abc1234"])
    [('main-abc1234', 'prod-main-abc1234'), ('latest',)]
    """
    if len(tags) == 1:
        return [(tags[0],)]
    present = set(tags)
    marked = {
        marker: tag for tag in tags for family in MARKERS if (marker := marker_tag(family, tag))
    }
    units: dict[str, list[str]] = {}
    for tag in tags:
        root = tag
        while marked.get(root) in present:
            root = marked[root]
        units.setdefault(root, [])
        if tag != root:
            units[root].append(tag)
    return [(root, *markers) for root, markers in units.items()]


def group_of(tag: str, per: Per) -> str | None:
    """The group of a tag; None when its name does not say one.

    A marker that stands alone is read as the tag that it marks.
    """
    if per == "family":
        return ""
    for name in (_unmarked(tag), tag):
        for shape in _SHAPES[per]:
            if found := shape.fullmatch(name):
                return found[1]
    return None


def time_in(tag: str) -> datetime | None:
    """The UTC time at the end of a tag's name; None without one, or with an impossible one."""
    found = _TIME.fullmatch(tag)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def is_companion(tag: str) -> bool:
    """Whether a tag is the kind that signing tools give to what belongs to another image."""
    return _COMPANION.fullmatch(tag) is not None


def _unmarked(tag: str) -> str:
    for marker in MARKERS.values():
        if tag.startswith(marker):
            return tag.removeprefix(marker)
    return tag
