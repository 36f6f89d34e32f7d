"""One error code explained. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """A code with the exit code it ends with, its meaning, usual causes, and what to do.

    A hazard of `assess` is no error: its exit code is None.
    """

    code: str
    exit_code: int | None
    meaning: str
    causes: tuple[str, ...] = ()
    what_to_do: tuple[str, ...] = ()
