"""Which tags move, which are there already, which stay out, and why. Pure.

The plan knows only what listings and HEADs told: making it costs no pull. Tags of the cosign
scheme (`sha256-<hex>.sig`, `.att`, `.sbom`) go with the image they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from longshore.oci.digest import Digest
from longshore.oci.store import TagSeen
from longshore.text import tr

Action = Literal["copy", "unchanged", "skip"]
Mounting = Literal["never", "after-blob", "after-manifest"]

_COMPANION = re.compile(r"sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom)|)\Z")


@dataclass(frozen=True, order=True)
class Pair:
    """A source repository and the target repository that its images go to.

    `mounting` says when the target's registry mounts a blob from another of its repositories.
    """

    source: str
    target: str
    source_registry: str = ""
    target_registry: str = ""
    platforms: tuple[str, ...] = ()
    mounting: Mounting = "after-blob"


@dataclass(frozen=True)
class TargetView:
    """What the target repository holds, as far as a listing told.

    `digests` is None when the listing names no digests. `fresh` says that the repository was
    listed empty and that no earlier run left blobs in it, so that nothing needs to be looked for.
    """

    tags: Mapping[str, Digest | None] = field(default_factory=dict)
    digests: frozenset[Digest] | None = None
    fresh: bool = False

    def has(self, digest: Digest) -> bool | None:
        """Whether the manifest is there; None when unknown."""
        if digest in self.tags.values() or (self.digests is not None and digest in self.digests):
            return True
        return False if self.digests is not None or self.fresh else None


@dataclass(frozen=True)
class TagStep:
    """One tag's verdict. `digest` is None when only the manifest itself will tell.

    `pushed_at` is when the source got it, `children` the digests of an index's manifests; both as
    far as the listing tells.
    """

    pair: Pair
    source_tag: str
    target_tag: str
    action: Action
    digest: Digest | None = None
    reason: str = ""
    size: int | None = None
    pushed_at: datetime | None = None
    children: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairPlan:
    """Everything about one pair: verdicts, and companions by the hex of the digest they serve.

    `orphans` says whether companions of images that no chosen tag reaches are copied too.
    `unjudged` are companions that are at the source but were not compared (None: nobody listed the
    source); they are asked for by name once it is known whose they are. `referrers` says whether
    signatures and SBOMs are copied along. `narrowed` says what chosen platforms make of an index,
    for those that were read before. `in_order` asks that the older of two images is written first:
    ECR's lifecycle rules count by the time at which ECR got an image.
    """

    pair: Pair
    steps: tuple[TagStep, ...]
    view: TargetView
    companions: Mapping[str, tuple[TagStep, ...]] = field(default_factory=dict)
    orphans: bool = False
    unjudged: frozenset[str] | None = frozenset()
    referrers: bool = True
    narrowed: Mapping[Digest, Digest] = field(default_factory=dict)
    in_order: bool = False

    def companions_to_ask(self, digest: Digest) -> tuple[str, ...]:
        """The companions of a digest that have to be asked for by name."""
        if self.unjudged is None:
            return tuple(companion_tags(digest))
        if not self.unjudged:
            return ()
        return tuple(name for name in companion_tags(digest) if name in self.unjudged)

    @property
    def wanted(self) -> tuple[TagStep, ...]:
        """The tags that are to be on both sides, as far as the listings tell.

        Companions of an index's children go along with the index, but which they are is known only
        when it was read; unless all companions are copied anyway, they are not named here.
        """
        chosen = tuple(step for step in self.steps if step.action != "skip")
        served = {
            (step.digest or "").partition(":")[2] for step in chosen if self._keeps_digest(step)
        }
        along = [
            step
            for hexed, steps in self.companions.items()
            if self.orphans or hexed in served
            for step in steps
        ]
        return (*chosen, *along)

    @property
    def to_copy(self) -> tuple[TagStep, ...]:
        """Those of them that will be written."""
        return tuple(step for step in self.wanted if step.action == "copy")

    def _keeps_digest(self, step: TagStep) -> bool:
        """Whether the image is known to arrive under its own digest."""
        if step.digest is None:
            return False
        return not self.pair.platforms or self.narrowed.get(step.digest) == step.digest


Choose = Callable[[Sequence[TagSeen]], Mapping[str, str]]
"""Says which tags stay out: tag -> reason."""


@dataclass(frozen=True)
class Wish:
    """What of a pair is wanted: some tags by name (None: all that `choose` lets through).

    `rename` names the target tags of a source tag, for those that do not just keep their name.
    """

    pair: Pair
    tags: tuple[str, ...] | None = None
    rename: Mapping[str, tuple[str, ...]] | None = None
    choose: Choose | None = None
    referrers: bool = True
    target_may_be_absent: bool = True
    metered: bool = False
    in_order: bool = False


def companion_tags(digest: Digest) -> list[str]:
    """The names that a digest's companions would have."""
    stem = "sha256-" + digest.partition(":")[2]
    return [stem, *(f"{stem}.{kind}" for kind in ("sig", "att", "sbom"))]


def companion_of(tag: str) -> str | None:
    """The hex digest that a cosign-scheme or referrers-fallback tag belongs to, or None.

    >>> companion_of("sha256-" + "a" * 64 + ".sig") == "a" * 64
    True
    >>> companion_of("v1") is None
    True
    """
    match = _COMPANION.match(tag)
    return match[1] if match else None


def plan_pair(
    pair: Pair,
    tags: Sequence[TagSeen],
    view: TargetView,
    skipped: Mapping[str, str] | None = None,
    rename: Mapping[str, tuple[str, ...]] | None = None,
    companions: bool = True,
    unjudged: frozenset[str] | None = frozenset(),
    narrowed: Mapping[Digest, Digest] | None = None,
) -> PairPlan:
    """Judge every tag of the source. `skipped` maps tags that filters leave out to the reason.

    `rename` maps source tags to target tags. With `companions` off, signatures in the tag scheme
    are tags like any other.
    """
    skipped, rename, narrowed = skipped or {}, rename or {}, narrowed or {}
    steps: list[TagStep] = []
    serving: dict[str, list[TagStep]] = {}
    for seen in sorted(tags, key=lambda seen: seen.tag):
        served = companion_of(seen.tag) if companions else None
        if served is not None:
            serving.setdefault(served, []).append(_judge(pair, seen, view, None, seen.tag, {}))
        else:
            for target_tag in rename.get(seen.tag, (seen.tag,)):
                skip = skipped.get(seen.tag)
                steps.append(_judge(pair, seen, view, skip, target_tag, narrowed))
    served_by = {served: tuple(found) for served, found in serving.items()}
    orphans = not skipped and not pair.platforms
    return PairPlan(pair, tuple(steps), view, served_by, orphans, unjudged, narrowed=dict(narrowed))


def _judge(
    pair: Pair,
    seen: TagSeen,
    view: TargetView,
    skip: str | None,
    target_tag: str,
    narrowed: Mapping[Digest, Digest],
) -> TagStep:
    digest = Digest(seen.digest) if seen.digest else None

    def step(action: Action, reason: str) -> TagStep:
        return TagStep(
            pair,
            seen.tag,
            target_tag,
            action,
            digest,
            reason,
            seen.size,
            seen.pushed_at,
            seen.children,
        )

    if skip is not None:
        return step("skip", skip)
    there = view.tags.get(target_tag)
    if digest is not None and there == narrowed.get(digest, digest):
        return step("unchanged", tr("the target's tag has the same digest"))
    if target_tag in view.tags and pair.platforms and digest not in narrowed:
        return step("copy", tr("the index has to be read to know what its platforms make of it"))
    if target_tag in view.tags:
        return step("copy", tr("the tag moved at the source"))
    return step("copy", tr("not at the target"))


def tags_without_digest(tags: Sequence[TagSeen], view: TargetView) -> list[str]:
    """Tags whose digests a HEAD has to tell before they can be compared: those at both sides."""
    return [seen.tag for seen in tags if seen.digest is None and seen.tag in view.tags]
