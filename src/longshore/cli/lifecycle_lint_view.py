"""The findings of `lifecycle lint` as lines, as JSON, and as SARIF. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from longshore.cli.lifecycle_lint_inputs import Looked, Missed
from longshore.errors import Where
from longshore.policy.lifecycle.findings import SEVERITIES, Severity
from longshore.policy.lifecycle.lint import Placed, Report
from longshore.text import tr


@dataclass(frozen=True)
class Linted:
    """One policy, and what was found."""

    looked: Looked
    report: Report

    def where(self, one: Placed) -> Where:
        """A place in the policy's file, or a member of a policy that stands in none."""
        policy = self.looked.policy
        if policy is not None and policy.is_file:
            return Where(policy.source, one.line, one.column)
        path = one.finding.path
        source = policy.source if policy is not None else self.looked.name
        return Where(resource=f"{source}: {path}" if path else source)


def as_json(linted: Sequence[Linted], missed: Sequence[Missed]) -> dict[str, Any]:
    """The whole answer."""
    return {
        "schema": "longshore.lifecycle.lint/1",
        "findings": [entry for one in linted for entry in _entries(one)],
        "summary": {severity: _count(linted, severity) for severity in SEVERITIES},
        "checked": [
            {"name": one.looked.name, **part} for one in linted for part in one.looked.checked()
        ],
        "unchecked": [
            *({"name": one.name, "why": one.why} for one in missed),
            *(
                {"name": one.looked.name, "why": _too_tangled(check)}
                for one in linted
                for check in one.report.unfinished
            ),
        ],
    }


def _entries(linted: Linted) -> Iterator[dict[str, Any]]:
    name = linted.looked.name
    if linted.looked.policy is None:
        yield {
            "code": "lifecycle-missing",
            "severity": "medium",
            "where": {"resource": name},
            "message": _missing(),
            "fix": "",
            "advice": f"longshore lifecycle apply {name}",
            "name": name,
            "rule": None,
            "example": "",
        }
    for one in linted.report.findings:
        yield {
            "code": one.finding.code,
            "severity": one.finding.severity,
            "where": linted.where(one).as_json(),
            "message": one.finding.message,
            "fix": one.fix,
            "advice": one.finding.advice,
            "name": name,
            "rule": one.finding.rule,
            "example": one.finding.example,
        }


def lines_of(linted: Sequence[Linted], missed: Sequence[Missed]) -> Iterator[str]:
    """The answer for people: each policy with its findings, worst first."""
    for place, one in enumerate(linted):
        if place:
            yield ""
        yield _head(one.looked)
        if one.looked.policy is None:
            yield f"  {_severity('medium')}  lifecycle-missing"
            yield f"    {_missing()}"
            continue
        for found in one.report.findings:
            yield from _finding(one, found)
        if not one.report.findings:
            yield "  " + tr("no finding")
        for check in one.report.unfinished:
            yield "  " + tr("not checked: {why}", why=_too_tangled(check))
    for two in missed:
        yield tr("{name} could not be looked at: {why}", name=two.name, why=two.why)
    yield summary(linted)


def summary(linted: Sequence[Linted]) -> str:
    """`2 high, 1 medium, 0 low`."""
    counts = {severity: _count(linted, severity) for severity in SEVERITIES}
    return tr("{high} high, {medium} medium, {low} low", **counts)


def _count(linted: Sequence[Linted], severity: Severity) -> int:
    missing = sum(1 for one in linted if one.looked.policy is None) if severity == "medium" else 0
    return missing + sum(len(one.report.of(severity)) for one in linted)


def _head(looked: Looked) -> str:
    """The policy and what it was judged by."""
    parts = [tr("the policy alone")]
    if looked.given.images is not None:
        parts = [
            tr("{count} images ({source})", count=len(looked.given.images), source=looked.images_of)
        ]
    if looked.given.strategy is not None:
        known = [] if looked.given.images is None else parts
        parts = [*known, tr("the tag strategy ({source})", source=looked.strategy_of)]
    source = looked.policy.source if looked.policy is not None else looked.name
    return tr("{source}, judged by {parts}", source=source, parts=tr(" and ").join(parts))


def _finding(linted: Linted, one: Placed) -> Iterator[str]:
    where = str(linted.where(one))
    yield f"  {_severity(one.finding.severity)}  {one.finding.code}  {where}"
    yield f"    {one.finding.message}"
    yield "    " + tr("do: {advice}", advice=one.finding.advice)
    for line in _rules(one.fix):
        yield f"      {line}"


def _severity(severity: Severity) -> str:
    names = {"high": tr("high"), "medium": tr("medium"), "low": tr("low")}
    return names[severity].ljust(6)


def _rules(fix: str) -> Iterator[str]:
    """The corrected rules, one a line."""
    if not fix:
        return
    found = json.loads(fix)
    for rule in found if isinstance(found, list) else [found]:
        yield json.dumps(rule, ensure_ascii=False)


def _missing() -> str:
    return tr("it has no lifecycle policy: everything stays, and is paid for")


def _too_tangled(check: str) -> str:
    return tr("the patterns are too tangled for the check `{check}`", check=check)


def as_sarif(linted: Sequence[Linted], version: str) -> dict[str, Any]:
    """Findings in files as SARIF 2.1.0; those of live policies have no file to point at."""
    from longshore.rewrite.hazards.hazard import Check, Hazard
    from longshore.rewrite.sarif import sarif

    hazards: list[Hazard] = []
    checks: dict[str, Check] = {}
    for one in linted:
        policy = one.looked.policy
        if policy is None or not policy.is_file:
            continue
        for found in one.report.findings:
            finding = found.finding
            checks[finding.code] = Check(finding.code, finding.severity, finding.code, lambda _: ())
            hazards.append(
                Hazard(
                    finding.code,
                    finding.severity,
                    policy.source,
                    found.line,
                    found.column,
                    finding.message,
                    finding.advice,
                )
            )
    return sarif(hazards, list(checks.values()), version)
