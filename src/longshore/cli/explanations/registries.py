"""Error codes of registries. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return []
