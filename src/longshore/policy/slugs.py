"""Names of branches and of the tree's tags, made into tags of images. Pure.

A slug is in lower case; runs of other characters than `a-z 0-9 . _ -` become one `-`; `.` and `-`
go at both ends. A name of which nothing is left becomes `br-` and 8 digits of its SHA-256. One that
would fall into a class that means something else gets `br-` in front: what begins with `latest` or
`v`, a version (`2.1`), `pr-`, `backup-`, `nightly-`, `live-`, `rollback-`, `sha256-`, the markers
`prod-` and `branch-`, and a production branch's name (`main-fix` is no build of `main`).

Where a commit follows, two branches that slug alike (`a-b` and `a/b`) share a tag only at one and
the same commit. Where none follows and something was lost, 6 digits of the SHA-256 keep them apart.
No tag is longer than 128 characters.

>>> branch_tag("release/2.1", "abc1234")
'release-2.1-abc1234'
>>> branch_tag("prod/x", "abc1234"), branch_tag("main/x", "abc1234")
('br-prod-x-abc1234', 'br-main-x-abc1234')
>>> branch_tag("기능", "abc1234").startswith("br-")
True
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Literal

from longshore.policy.families import MAIN
from longshore.policy.versions import Version, parse_version

LONGEST = 128
FeatureNames = Literal["class", "slug"]
_FOREIGN = re.compile(r"[^a-z0-9._-]+")
_CLASSES = ("pr", "prod", "branch", "backup", "nightly", "live", "rollback", "sha256")
_RESERVED = re.compile(
    rf"latest|v|[0-9]+(?:\.[0-9]+){{1,2}}(?:[-_]|\Z)|(?:{'|'.join(_CLASSES)})(?:-|\Z)"
)
_METADATA = re.compile(r"v?[0-9]+(?:\.[0-9]+){1,2}[0-9A-Za-z.-]*\+[0-9A-Za-z.-]+\Z", re.ASCII)
_RELEASE = re.compile(
    r"(?:[vV][0-9]+|[vV]?[0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:-[0-9A-Za-z.-]+)?\Z", re.ASCII
)
# What the digits of a commit, or those of a slug, look like at the end of a tag.
_DIGITS = re.compile(r"-[0-9a-f]{6,64}\Z")
_COMPONENT = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*\Z")
_LONGEST_COMPONENT = 40


def branch_tag(
    branch: str,
    sha: str,
    develop: Sequence[str] = ("develop",),
    *,
    main: Collection[str] = MAIN,
    feature: FeatureNames = "class",
    room: int = LONGEST,
) -> str:
    """The tag of a branch's build: what the branch is, and the commit, in `room` characters."""
    slug = branch_slug(branch, develop, main=main, feature=feature)
    return f"{_cut(slug, room - len(sha) - 1)}-{sha}"


def branch_slug(
    branch: str,
    develop: Sequence[str] = ("develop",),
    *,
    main: Collection[str] = MAIN,
    feature: FeatureNames = "class",
) -> str:
    """What the tags of a branch begin with.

    >>> branch_slug("feature/login-form"), branch_slug("feature/login-form", feature="slug")
    ('feature', 'feature-login-form')
    """
    if branch in develop:
        return "develop"
    first, slash, _ = branch.lower().partition("/")
    if slash and first == "feature" and feature == "class":
        return first
    return _guarded(branch, main)


def tag_slug(name: str, *, main: Collection[str] = MAIN, room: int = LONGEST) -> str:
    """The tag of a build of a tag that is no plain version; nothing follows, so nothing is lost.

    `v1.0.0+b1` becomes `v1.0.0_b1`, as Helm writes it: with `-` it would look like a prerelease.
    """
    if has_metadata(name) and len(name) <= room:
        return name.replace("+", "_")
    slug = _guarded(name, main)
    if slug != name or len(slug) > room or _DIGITS.search(slug):
        slug = f"{_cut(slug, room - 7)}-{_digits(name, 6)}"
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


def release_of(name: str, component: str) -> str | None:
    """The version that a tag of the tree gives a component; None when it is another's.

    >>> release_of("svc-a/v1.2.0", "svc-a"), release_of("svc-a-v1.2.0", "svc-a")
    ('v1.2.0', 'v1.2.0')
    >>> release_of("svc-a-b/v1.2.0", "svc-a"), release_of("v1.2.0", "")
    (None, 'v1.2.0')
    """
    if not component:
        return name if is_release(name) else None
    for separator in "/-@":
        rest = name.removeprefix(f"{component}{separator}")
        if rest != name and is_release(rest):
            return rest
    return None


def is_component(name: str, main: Collection[str] = MAIN) -> bool:
    """Whether tags may begin with this name: no class of tags and no branch is meant by it."""
    taken = {*_CLASSES, *main, "latest", "develop", "feature", "br"}
    return (
        bool(_COMPONENT.match(name))
        and len(name) <= _LONGEST_COMPONENT
        and name not in taken
        and not any(f"{name}-".startswith(f"{one}-") for one in taken)
        and not is_release(name)
    )


def _guarded(name: str, main: Collection[str]) -> str:
    if not (slug := _slug(name)):
        return f"br-{_digits(name, 8)}"
    mains = {_slug(one) for one in main}
    of_main = name not in main and any(f"{slug}-".startswith(f"{one}-") for one in mains)
    return f"br-{slug}" if of_main or _RESERVED.match(slug) else slug


def _slug(name: str) -> str:
    return _FOREIGN.sub("-", name.lower()).strip(".-")


def _cut(slug: str, room: int) -> str:
    return slug[:room].rstrip(".-")


def _digits(name: str, count: int) -> str:
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:count]
