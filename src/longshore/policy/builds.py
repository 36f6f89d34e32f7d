"""A run of the pipeline, the rules for its tags, and the tags it got, as values. Pure.

What the tags are is decided in `build_tags`; whoever fills a `Build` looks at GitHub, git and the
registry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from longshore.policy.families import MAIN, Family, MarkerMode
from longshore.policy.slugs import FeatureNames

LatestRule = Literal["newest-release", "main", "never"]
TagKind = Literal["own", "moving", "marker"]
LATEST = "latest"
SHORT = 7
HEADS, TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True)
class TagRules:
    """What the file says about tags: section `tags` of longshore.yaml.

    `component` is the part of a monorepo that is built: only its tags (`svc-a/v1.2.0`) are its
    releases, and with `component_prefix` its image's tags begin with it.
    """

    main: tuple[str, ...] = MAIN
    develop: tuple[str, ...] = ("develop",)
    latest: LatestRule = "newest-release"
    push_pull_requests: bool = True
    pull_request_commits: bool = False
    markers: MarkerMode = "needed"
    sha_length: int = SHORT
    feature: FeatureNames = "class"
    component: str = ""
    component_prefix: bool = True
    ladder: bool = False

    @property
    def prefix(self) -> str:
        """What the image's tags begin with; empty without a component."""
        return f"{self.component}-" if self.component and self.component_prefix else ""


@dataclass(frozen=True)
class Build:
    """One run of the pipeline: what happened, to which ref, at which commit.

    `releases` are the tree's tags that are known, None when they are not; `why_unknown` says why
    then. `author` opened the pull request, `action` is what happened to it or to a release.
    `attempt` is above 1 when an old run is run again. `commits` are commits of the tree and of the
    registry's images, `branches` the tree's, `taken` tags that hold images of other commits.
    `latest_there`: whether the registry has `latest`; None when nobody looked.
    """

    event: str
    ref: str
    sha: str
    at: datetime | None = None
    pull_request: int | None = None
    fork: bool = False
    actor: str = ""
    author: str = ""
    default_branch: str = ""
    action: str = ""
    prerelease: bool = False
    deleted: bool = False
    attempt: int = 1
    releases: tuple[str, ...] | None = ()
    why_unknown: str = ""
    commits: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    taken: frozenset[str] = frozenset()
    latest_there: bool | None = None

    def short(self, length: int) -> str:
        """The commit as tags have it: longer where another commit begins alike."""
        others = [one for one in self.commits if one != self.sha]
        while length < len(self.sha) and any(one.startswith(self.sha[:length]) for one in others):
            length += 1
        return self.sha[:length]


@dataclass(frozen=True)
class Tag:
    """A tag that a build gets, and why. `moves`: another image may have had it before."""

    name: str
    kind: TagKind
    reason: str
    moves: bool = False


@dataclass(frozen=True)
class Skipped:
    """A tag that the build does not get, and why."""

    tag: str
    reason: str


@dataclass(frozen=True)
class Remark:
    """Something to know about the tags of this build; the build goes on."""

    code: str
    message: str


@dataclass(frozen=True)
class BuildTags:
    """The tags of a build: its own first, then those that move, the markers last."""

    push: bool
    given: tuple[Tag, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    remarks: tuple[Remark, ...] = field(default=())
    family: Family | None = None
    short: str = ""

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags; the first one names this very build."""
        return _names(self.given)

    @property
    def own(self) -> str:
        """The tag that names this very build; empty without tags."""
        return next((tag.name for tag in self.given if tag.kind == "own"), "")

    @property
    def immutable(self) -> tuple[str, ...]:
        """Those that are pushed once and never move, markers among them."""
        return _names(tag for tag in self.given if not tag.moves)

    @property
    def moving(self) -> tuple[str, ...]:
        """Those that other images may have had before."""
        return _names(tag for tag in self.given if tag.moves)

    @property
    def markers(self) -> tuple[str, ...]:
        """Those that only say which family the image belongs to."""
        return _names(tag for tag in self.given if tag.kind == "marker")

    @property
    def at_once(self) -> tuple[str, ...]:
        """Those that the build itself pushes: its own ones and the markers."""
        return _names(tag for tag in self.given if tag.kind != "moving")

    @property
    def afterwards(self) -> tuple[str, ...]:
        """Those that move to the image once it has passed all checks: `latest`, `v2`."""
        return _names(tag for tag in self.given if tag.kind == "moving")


def _names(tags: Iterable[Tag]) -> tuple[str, ...]:
    return tuple(tag.name for tag in tags)
