"""Error codes of `monitor`. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [
        Explanation(
            "monitor-unread",
            5,
            tr("A repository could not be read, so no metric was put: a sum would be too small."),
            (tr("the role may not read one of the repositories"),),
            (
                tr(
                    "give the role the policy that `longshore iam policy monitor REPOSITORY` prints"
                ),
                tr("run the same command again; what was counted is kept for two hours"),
            ),
        ),
    ]
