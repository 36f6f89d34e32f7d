"""Digests for `rewrite`: as they are at the target now. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from longshore.oci.reference import Reference
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.cli.stores import Opener
    from longshore.rewrite.pinning import Asked
    from longshore.rewrite.plan import Decision


@dataclass(frozen=True)
class Pins:
    """What became of the wish for digests. `why_not`: why the target was not asked."""

    wanted: bool = False
    pinned: int = 0
    absent: tuple[str, ...] = ()
    why_not: str = ""

    def as_json(self) -> dict[str, Any]:
        """`pins` of longshore.rewrite/1."""
        return {
            "wanted": self.wanted,
            "pinned": self.pinned,
            "absent": list(self.absent),
            "why_not": self.why_not,
        }

    @property
    def lines(self) -> list[str]:
        """The same for people."""
        if not self.wanted:
            return []
        if self.why_not:
            return [tr("no digests: {why}", why=self.why_not)]
        lines = [tr("digests beside the tags: {count}", count=self.pinned)]
        if self.absent:
            names = ", ".join(self.absent[:5]) + (", ..." if len(self.absent) > 5 else "")
            lines.append(tr("not at the target, so without a digest: {names}", names=names))
        return lines


NO_PINS = Pins()


def ask_digests(opener: Opener, asked: Sequence[Asked], registry: str) -> dict[Asked, str]:
    """The digest of each tag that the target holds. Asks the target only."""
    found: dict[Asked, str] = {}
    for one in asked:
        seen = opener.target(Reference(registry, one.repository)).resolve(one.tag)
        if seen is not None:
            found[one] = str(seen.digest)
    return found


def count_pinned(decisions: Sequence[Decision]) -> int:
    """The changed uses that got a digest."""
    return sum(one.changes and "@" in one.new and one.use.digest is None for one in decisions)
