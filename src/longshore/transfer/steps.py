"""The instructions of a copy, and what came of each. Pure.

A step names what is to be done; it holds no connection and no bytes. An outcome names the step it
answers. Manifests' bytes live in the journal's cache, so that a large copy stays small in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from longshore.errors import LongshoreError, Side
from longshore.oci.digest import Digest
from longshore.oci.manifest import Descriptor, Manifest
from longshore.transfer.plan import Pair


@dataclass(frozen=True)
class Step:
    """The root of all steps. `attempt` counts from 0."""

    pair: Pair
    attempt: int = field(default=0, kw_only=True)


@dataclass(frozen=True)
class FetchManifest(Step):
    """Read a manifest by digest (from the cache if it is there) or, without one, by tag.

    From the target when it is known to be there: that spends no pull.
    """

    digest: Digest | None
    tag: str | None = None
    side: Side = "source"


@dataclass(frozen=True)
class PeekManifest(Step):
    """Read a manifest from the cache only: it is at the target already."""

    digest: Digest


@dataclass(frozen=True)
class FindManifest(Step):
    """Ask the target whether it holds a manifest."""

    digest: Digest


@dataclass(frozen=True)
class FindReferrers(Step):
    """Ask the source for the manifests whose subject is the digest.

    `tags` are companions that both sides are asked for by name.
    """

    digest: Digest
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckBlobs(Step):
    """Ask the target which of the blobs it lacks."""

    digests: tuple[Digest, ...]


@dataclass(frozen=True)
class CopyBlob(Step):
    """Stream a blob from the source to the target."""

    blob: Descriptor


@dataclass(frozen=True)
class MountBlob(Step):
    """Take a blob over from another repository of the target's registry."""

    blob: Descriptor
    holder: Pair


@dataclass(frozen=True)
class PutManifest(Step):
    """Write a manifest's bytes, under a tag or only under its digest."""

    digest: Digest
    tag: str | None = None


@dataclass(frozen=True)
class Companion:
    """A cosign-scheme tag at the source, and what the target's tag of that name points to."""

    tag: str
    digest: Digest
    there: Digest | None


@dataclass(frozen=True)
class Outcome:
    """The root of all outcomes."""

    step: Step


@dataclass(frozen=True)
class Fetched(Outcome):
    """The manifest; for a pair with chosen platforms an index comes narrowed."""

    manifest: Manifest


@dataclass(frozen=True)
class Peeked(Outcome):
    """The cached manifest, or None."""

    manifest: Manifest | None


@dataclass(frozen=True)
class Found(Outcome):
    """Whether the target holds it."""

    present: bool


@dataclass(frozen=True)
class ReferrersFound(Outcome):
    """The referrers, in the source's order, and companions found by name."""

    referrers: tuple[Descriptor, ...]
    companions: tuple[Companion, ...] = ()


@dataclass(frozen=True)
class Checked(Outcome):
    """Those of the blobs that the target lacks."""

    missing: frozenset[Digest]


@dataclass(frozen=True)
class Done(Outcome):
    """A blob is there (`how`: copied or mounted), or a manifest was written."""

    how: str = "copied"


@dataclass(frozen=True)
class Mounted(Outcome):
    """Whether the registry mounted the blob; if not, it has to be copied."""

    mounted: bool


@dataclass(frozen=True)
class Failed(Outcome):
    """The step failed, for good unless the error is temporary."""

    error: LongshoreError
