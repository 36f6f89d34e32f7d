"""What the schedule keeps of a manifest and of a tag on their way. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from longshore.events import Event
from longshore.oci.digest import Digest
from longshore.transfer.plan import Pair, TagStep
from longshore.transfer.steps import Step
from longshore.transfer.waiting import Key


@dataclass
class Turn:
    """What is to be done next, and what there is to tell."""

    steps: list[Step] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass
class ManifestNode:
    """A manifest on its way.

    `digest` is the source's, `stored` what the target gets (another one for a narrowed index).
    `roots` are the tags that wait for it; `children` the keys of what belongs to it, referrers
    included. `present`: the target holds it. `readable`: its bytes are kept here. `ready`: nothing
    is missing that it refers to.
    """

    pair: Pair
    digest: Digest
    key: Key
    stored: Digest
    roots: dict[Key, None] = field(default_factory=dict)
    children: list[Key] = field(default_factory=list)
    blobs: list[Digest] = field(default_factory=list)
    present: bool = False
    readable: bool = False
    reading: bool = False
    ready: bool = False
    put_pending: bool = False
    is_attestation: bool = False
    subject_key: Key | None = None


@dataclass
class TagNode:
    """A tag on its way: where it points at the target now, its manifest, and how it ended."""

    step: TagStep
    key: Key
    there: Digest | None = None
    root: Key | None = None
    outcome: str = ""
    put_pending: bool = False
