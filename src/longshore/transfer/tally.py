"""What a copy has come to: events to tell, counts of tags, manifests, blobs and bytes. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from longshore.events import BlobDone, Event, TagDone
from longshore.oci.manifest import Descriptor
from longshore.transfer.plan import Pair, TagStep

OUTCOMES = ("copied", "unchanged", "skipped", "failed", "left")
WAYS = ("copied", "mounted", "existing")


@dataclass(frozen=True)
class Totals:
    """Counts so far, for progress and for the answer. Bytes are those of copied blobs."""

    tags: dict[str, int]
    manifests: int
    blobs: dict[str, int]
    bytes: int
    bytes_expected: int


@dataclass
class Tally:
    """Counts, and the events that nobody has taken yet."""

    events: list[Event] = field(default_factory=list)
    failures: list[TagDone] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _bytes: int = 0
    _expected: int = 0

    def tag(self, step: TagStep, outcome: str, reason: str, digest: str = "") -> None:
        """A tag has come to its end."""
        pair = step.pair
        done = TagDone(
            f"{pair.source}:{step.source_tag}",
            f"{pair.target}:{step.target_tag}",
            outcome,
            digest,
            reason,
        )
        self._counts[f"tag {outcome}"] += 1
        self.events.append(done)
        if outcome == "failed":
            self.failures.append(done)

    def manifest(self) -> None:
        """A manifest was written."""
        self._counts["manifest"] += 1

    def expect(self, blob: Descriptor) -> None:
        """A blob is needed."""
        self._expected += blob.size

    def blob(self, pair: Pair, blob: Descriptor, how: str) -> None:
        """A blob is there; only copied ones moved bytes."""
        self._counts[f"blob {how}"] += 1
        if how == "copied":
            self._bytes += blob.size
        else:
            self._expected -= blob.size
        self.events.append(BlobDone(pair.target, blob.digest, blob.size, how))

    def take(self) -> list[Event]:
        """The events since the last time."""
        events, self.events = self.events, []
        return events

    def totals(self) -> Totals:
        """Counts so far."""
        return Totals(
            {name: self._counts[f"tag {name}"] for name in OUTCOMES},
            self._counts["manifest"],
            {name: self._counts[f"blob {name}"] for name in WAYS},
            self._bytes,
            self._expected,
        )
