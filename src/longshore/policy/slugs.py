"""Names of branches and of the tree's tags, made into tags of images. Pure.

A slug is in lower case; runs of other characters than `a-z 0-9 . _ -` become one `-`; `.` and `-`
go at both ends. A name of which nothing is left becomes `br-` and 8 digits of its SHA-256. One that
would fall into a class that means something else (`latest`, `v1`, `pr-1`, `backup-...`) gets `br-`
in front. Where no commit follows and something was lost, 6 digits of the SHA-256 keep `a-b` and
`a/b` apart. No tag is longer than 128 characters.

>>> branch_tag("release/2.1", "abc1234")
'release-2.1-abc1234'
>>> branch_tag("기능", "abc1234").startswith("br-")
True
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from longshore.policy.versions import Version, parse_version

LONGEST = 128
_FOREIGN = re.compile(r"[^a-z0-9._-]+")
_RESERVED = re.compile(r"(?:latest|v[0-9]|(?:pr|backup|nightly|live|rollback|sha256)(?:-|\Z))")
_METADATA = re.compile(r"v?[0-9]+(?:\.[0-9]+){1,2}[0-9A-Za-z.-]*\+[0-9A-Za-z.-]+\Z", re.ASCII)
_RELEASE = re.compile(
    r"(?:[vV][0-9]+|[vV]?[0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:-[0-9A-Za-z.-]+)?\Z", re.ASCII
)


def branch_tag(branch: str, sha: str, develop: Sequence[str] = ("develop",)) -> str:
    """The tag of a branch's build: what the branch is, and the commit."""
    return f"{_branch_slug(branch, LONGEST - len(sha) - 1, develop)}-{sha}"


def tag_slug(name: str) -> str:
    """The tag of a build of a tag that is no plain version; nothing follows, so nothing is lost.

    `v1.0.0+b1` becomes `v1.0.0_b1`, as Helm writes it: with `-` it would look like a prerelease.
    """
    if has_metadata(name) and len(name) <= LONGEST:
        return name.replace("+", "_")
    slug = _guarded(_slug(name), name)
    if slug != name or len(slug) > LONGEST:
        slug = f"{_cut(slug, LONGEST - 7)}-{_digits(name, 6)}"
    return slug


def is_release(name: str) -> bool:
    """Whether a tag of the tree is a version: `v2`, `2.1`, `v2.0.0`, `v2.0.0-rc.1`."""
    return len(name) <= LONGEST and bool(_RELEASE.match(name)) and parse_version(name) is not None


def has_metadata(name: str) -> bool:
    """Whether a tag of the tree is a version with build metadata: `v1.0.0+b1`."""
    return _METADATA.match(name) is not None


def release_key(name: str) -> Version:
    """What releases are ordered by."""
    return parse_version(name) or Version(0)


def _branch_slug(branch: str, room: int, develop: Sequence[str]) -> str:
    if branch in develop:
        return "develop"
    first, slash, _ = branch.lower().partition("/")
    if slash and first == "feature":
        return first
    return _cut(_guarded(_slug(branch), branch), room)


def _slug(name: str) -> str:
    return _FOREIGN.sub("-", name.lower()).strip(".-")


def _guarded(slug: str, name: str) -> str:
    if not slug:
        return f"br-{_digits(name, 8)}"
    return f"br-{slug}" if _RESERVED.match(slug) else slug


def _cut(slug: str, room: int) -> str:
    return slug[:room].rstrip(".-")


def _digits(name: str, count: int) -> str:
    return sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:count]
