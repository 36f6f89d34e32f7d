"""The answer of `monitor check` as lines and as JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from longshore.cli.typeset import moment
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.cli.monitor_check import Sweep


def as_json(sweep: Sweep, now: datetime) -> dict[str, Any]:
    """The whole answer."""
    counts = Counter(one.severity for one in sweep.findings)
    return {
        "schema": "longshore.monitor.check/1",
        "at": moment(now),
        "repositories": sweep.repositories,
        "findings": [one.as_json() for one in sweep.findings],
        "summary": {name: counts[name] for name in ("critical", "high", "medium", "low")},
        "unchecked": [{"name": one.what, "why": one.why} for one in sweep.unchecked],
        "not_looked_at": sweep.not_looked,
    }


def lines_of(sweep: Sweep) -> Iterator[str]:
    """For people, and for a mail from a schedule."""
    for one in sweep.findings:
        yield f"{one.severity.ljust(8)}  {one.code}  {one.where}"
        yield f"          {one.message}"
        yield "          " + tr("do: {fix}", fix=one.fix)
    for two in sweep.unchecked:
        yield tr("{name} could not be looked at: {why}", name=two.what, why=two.why)
    for words in sweep.not_looked:
        yield tr("not looked at: {what}", what=words)
    yield tr(
        "{count} repositories looked at, {findings} findings",
        count=sweep.repositories,
        findings=len(sweep.findings),
    )
