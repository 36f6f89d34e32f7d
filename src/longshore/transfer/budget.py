"""How much at once, how fast, and how many pulls. Pure.

Widths bound the steps of a kind that run at the same time; a bucket bounds their rate (ECR takes
10 PutImage a second by default); the pull budget says before the start whether a copy fits into
what Docker Hub has left. Times are seconds of any monotonic clock, given as arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from longshore.oci.store import PullAllowance
from longshore.transfer import steps as st

ECR_PUT_IMAGE_PER_S = 8.0


@dataclass(frozen=True)
class Widths:
    """How many steps may run at once, in all (`jobs` threads) and of some kinds."""

    jobs: int = 24
    reading: int = 8
    writing: int = 12

    def of(self, step: st.Step) -> int:
        """The bound for steps of this kind."""
        if isinstance(step, st.FetchManifest | st.FindReferrers):
            return min(self.jobs, max(self.reading, self.jobs // 2))
        if isinstance(step, st.PutManifest):
            return min(self.jobs, max(self.writing, self.jobs // 2))
        return self.jobs


# What ends an image goes before what begins one.
KINDS: tuple[type[st.Step], ...] = (
    st.PutManifest,
    st.MountBlob,
    st.PeekManifest,
    st.FindManifest,
    st.CheckBlobs,
    st.FindReferrers,
    st.CopyBlob,
    st.FetchManifest,
)


def order(step: st.Step) -> int:
    """Which of two ready steps of one kind goes first: the larger blob."""
    return -step.blob.size if isinstance(step, st.CopyBlob) else 0


@dataclass
class Bucket:
    """A token bucket: `rate` per second, up to `burst` saved up. `rate` None means no bound."""

    rate: float | None
    burst: float = 1.0
    _level: float = field(default=0.0, init=False)
    _at: float | None = field(default=None, init=False)

    def wait_s(self, now: float) -> float:
        """Take a token: 0 if there is one, else how long to wait before asking again."""
        if self.rate is None:
            return 0.0
        if self._at is None:
            self._level = self.burst
        else:
            self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now
        if self._level >= 1.0:
            self._level -= 1.0
            return 0.0
        return (1.0 - self._level) / self.rate


@dataclass(frozen=True)
class PullBudget:
    """Pulls that a copy will spend at most, against what is left. `needed` counts manifest GETs.

    The number of an index's children is known only when it was read: `needed` is a lower bound
    where `exact` is False.
    """

    needed: int
    allowance: PullAllowance | None
    exact: bool = True

    @property
    def fits(self) -> bool:
        """Whether the copy fits into what is left now."""
        return self.allowance is None or self.needed <= self.allowance.remaining

    @property
    def windows(self) -> int:
        """How many limit windows the copy needs, the present one included."""
        if self.allowance is None or self.fits:
            return 1
        later = self.needed - self.allowance.remaining
        return 1 + -(-later // max(1, self.allowance.limit))


def retry_delay_s(attempt: int, spread: float) -> float:
    """How long to wait before the attempt: doubling from half a second, with full jitter.

    `spread` is a random number from 0 to 1.
    """
    return float(min(20.0, 0.5 * 2.0**attempt) * spread) if attempt else 0.0
