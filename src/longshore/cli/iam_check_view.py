"""The findings of `iam check` as lines and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from longshore.errors import Where
from longshore.policy.access.check_subject import SEVERITIES, Finding, Severity, Subject
from longshore.text import tr


@dataclass(frozen=True)
class Judged:
    """A finding with its place, for people and machines; `kind` is empty for no policy at all."""

    finding: Finding
    where: Where
    name: str
    kind: str = ""

    def as_json(self) -> dict[str, Any]:
        """The finding as INTERFACE has it."""
        return {
            "code": self.finding.code,
            "severity": self.finding.severity,
            "where": self.where.as_json(),
            "message": self.finding.message,
            "fix": self.finding.fix,
            "name": self.name,
            "kind": self.kind,
            "path": self.finding.path,
        }


def count(judged: Sequence[Judged], *severities: Severity) -> int:
    """How many findings are of these severities."""
    return sum(1 for one in judged if one.finding.severity in severities)


def as_json(
    judged: Sequence[Judged],
    subjects: Sequence[Subject],
    missed: Mapping[str, str],
    passed_over: Sequence[str],
) -> dict[str, Any]:
    """The whole answer."""
    return {
        "schema": "longshore.iam.check/1",
        "findings": [one.as_json() for one in judged],
        "summary": {severity: count(judged, severity) for severity in SEVERITIES},
        "checked": [{"name": one.name, "kind": one.kind} for one in subjects],
        "unchecked": [{"name": name, "why": why} for name, why in missed.items()],
        "passed_over": list(passed_over),
    }


def lines_of(
    judged: Sequence[Judged],
    subjects: Sequence[Subject],
    missed: Mapping[str, str],
    passed_over: Sequence[str],
) -> Iterator[str]:
    """The answer for people: each finding with its correction, then what was looked at."""
    for one in judged:
        yield f"{_name(one.finding.severity)}  {one.finding.code}  {one.where}"
        yield f"  {one.finding.message}"
        for line in one.finding.fix.splitlines():
            yield f"    {line}"
    for subject in subjects:
        if not any(one.name == subject.name for one in judged):
            yield tr("{name} ({kind}): no finding", name=subject.name, kind=subject.kind)
    for name, why in missed.items():
        yield tr("{name} could not be looked at: {why}", name=name, why=why)
    if passed_over:
        yield tr("no policies: {names}", names=", ".join(passed_over))
    counts = {severity: count(judged, severity) for severity in SEVERITIES}
    checked = tr("1 policy") if len(subjects) == 1 else tr("{n} policies", n=len(subjects))
    yield tr("{checked}: {high} high, {medium} medium, {low} low", checked=checked, **counts)


def _name(severity: Severity) -> str:
    names = {"high": tr("high"), "medium": tr("medium"), "low": tr("low")}
    return names[severity].ljust(6)
