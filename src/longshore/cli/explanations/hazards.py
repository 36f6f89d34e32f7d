"""The hazards that `assess` names, as entries of the catalogue. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr

PAGE = "docs/hazards.md"


def entries() -> Iterator[Explanation]:
    """One entry for each check; the page has a section under the same name."""
    from longshore.rewrite.hazards.registry import CHECKS

    for check in CHECKS:
        yield Explanation(
            check.code,
            None,
            tr("{title} ({severity} hazard of a tree)", title=check.title, severity=check.severity),
            what_to_do=(
                tr("see where: `longshore assess --all`"),
                tr(
                    "read why, and what to write instead: {page}#{code}", page=PAGE, code=check.code
                ),
            ),
        )
