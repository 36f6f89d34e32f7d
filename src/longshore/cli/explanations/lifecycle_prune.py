"""Error codes of `lifecycle prune`. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [
        Explanation(
            "prune-too-much",
            3,
            tr("A prune would delete more images of a repository at once than is usual."),
            (
                tr("the first prune of an old repository"),
                tr("a rule that is about more tags than was meant"),
            ),
            (
                tr("look at each: longshore lifecycle prune REPOSITORY --dry-run --verbose"),
                tr("if it is right, say how many may go: --at-most 200, or --at-most 80%"),
            ),
        ),
    ]
