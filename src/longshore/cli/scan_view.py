"""Scans and the gate's verdict as lines, JSON and SARIF. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from longshore.cli.typeset import moment, short_digest, table
from longshore.facts import Finding, ScanSeen
from longshore.policy.gate import (
    FINISHED,
    SEVERITIES,
    GateRules,
    GateVerdict,
    why_not,
    worst_first,
)
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.cli.scan_subject import Subject

_SHOWN = 30
_LEVELS = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning"}
_SCORES = {"CRITICAL": "9.5", "HIGH": "8.0", "MEDIUM": "5.5", "LOW": "3.0"}


def report_lines(subject: Subject, scans: Sequence[ScanSeen]) -> list[str]:
    """What the scans found, one block per platform."""
    lines = [tr("{image}  {digest}", image=subject.reference, digest=short_digest(subject.digest))]
    for scan in scans:
        lines.append(f"{scan.platform or short_digest(scan.digest)}: {_state(scan)}")
        if scan.looked_at:
            lines.append(f"  {scan.looked_at}")
        lines += _findings_table(scan.findings)
    return lines


def _state(scan: ScanSeen) -> str:
    if scan.status not in FINISHED:
        return tr("NOT CHECKED: {why}", why=why_not(scan))
    said = f" ({scan.description})" if scan.description else ""
    counts = _counts(scan.findings)
    when = moment(scan.completed_at) or "-"
    if not scan.findings:
        return tr("no finding, scanned {when}", when=when) + said
    return tr("{counts}, scanned {when}", counts=counts, when=when) + said


def _counts(findings: Iterable[Finding]) -> str:
    found = Counter(one.severity for one in findings)
    ordered = [name for name in SEVERITIES if found[name]]
    ordered += [name for name in found if name not in SEVERITIES]
    return ", ".join(f"{found[name]} {name}" for name in ordered)


def _findings_table(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    ordered = sorted(findings, key=worst_first)
    rows = [
        (one.severity, one.name, one.package or "-", one.version or "-", one.fixed_in or "-")
        for one in ordered[:_SHOWN]
    ]
    heads = [tr("SEVERITY"), tr("FINDING"), tr("PACKAGE"), tr("VERSION"), tr("FIXED IN")]
    lines = [f"  {line}" for line in table(heads, rows)]
    if len(ordered) > _SHOWN:
        lines.append(tr("  and {count} more: --json shows all", count=len(ordered) - _SHOWN))
    return lines


def gate_lines(subject: Subject, verdict: GateVerdict, rules: GateRules) -> list[str]:
    """The gate's answer, then why."""
    head = tr("PASSED") if verdict.passed else tr("STOPPED")
    lines = [f"{head}  {subject.reference}  {short_digest(subject.digest)}"]
    limits = ", ".join(f"{name.lower()}={number}" for name, number in rules.most)
    counts = ", ".join(f"{number} {name}" for name, number in verdict.counts().items())
    lines.append(
        tr("findings: {counts}; allowed: {limits}", counts=counts or "0", limits=limits or "-")
    )
    lines += [
        tr("x {found} {severity}, {most} allowed", found=one.found, severity=one.severity,
           most=one.most)
        for one in verdict.over
    ]  # fmt: skip
    lines += [
        f"? {one.platform or short_digest(one.digest)}: {one.reason}" for one in verdict.not_checked
    ]
    stopping = {one.severity for one in verdict.over}
    lines += _findings_table([one for one in verdict.counted if one.severity in stopping])
    lines += [
        tr("waived: {name} in {package} until {day} ({reason})", name=finding.name,
           package=finding.package or "-", day=waiver.until, reason=waiver.reason)
        for finding, waiver in verdict.waived
    ]  # fmt: skip
    lines += [
        tr("waiver over since {day}: {name} ({reason})", day=one.until, name=one.name,
           reason=one.reason)
        for one in verdict.expired
    ]  # fmt: skip
    lines += [tr("waiver for nothing: {name}", name=one.name) for one in verdict.unused]
    if verdict.unfixable:
        lines.append(
            tr("{count} findings without a mended version do not count",
               count=len(verdict.unfixable))
        )  # fmt: skip
    if verdict.compared is not None:
        new, gone = verdict.compared.new, verdict.compared.gone
        lines.append(tr("against what runs: {new} new, {gone} gone", new=len(new), gone=len(gone)))
        lines += _findings_table(new)
    return lines


def verdict_as_json(verdict: GateVerdict, rules: GateRules) -> dict[str, Any]:
    """The verdict's part of the answer."""
    compared = verdict.compared
    return {
        "passed": verdict.passed,
        "checked": verdict.checked,
        "limits": {name.lower(): number for name, number in rules.most},
        "counts": {name.lower(): number for name, number in verdict.counts().items()},
        "over": [
            {"severity": one.severity.lower(), "found": one.found, "max": one.most}
            for one in verdict.over
        ],
        "not_checked": [
            {"digest": one.digest, "platform": one.platform, "status": one.status,
             "reason": one.reason}
            for one in verdict.not_checked
        ],
        "findings": [_as_finding(one) for one in verdict.counted],
        "waived": [
            {**finding_as_json(finding), "reason": waiver.reason, "until": str(waiver.until)}
            for finding, waiver in verdict.waived
        ],
        "expired_waivers": [{"id": one.name, "until": str(one.until)} for one in verdict.expired],
        "unused_waivers": [{"id": one.name, "until": str(one.until)} for one in verdict.unused],
        "new": [finding_as_json(one) for one in compared.new] if compared else [],
        "gone": [finding_as_json(one) for one in compared.gone] if compared else [],
        "compared": compared is not None,
    }  # fmt: skip


def _as_finding(one: Finding) -> dict[str, Any]:
    """A finding in the shape that all findings have, with its own members beside."""
    fixed = one.fixed_in
    return {
        **finding_as_json(one),
        "code": one.name,
        "where": {"resource": f"{one.package} {one.version}".strip()},
        "message": one.description or one.name,
        "fix": tr("take {package} {version}", package=one.package, version=fixed) if fixed else "",
    }


def finding_as_json(one: Finding) -> dict[str, Any]:
    """One finding."""
    return {
        "id": one.name,
        "severity": one.severity.lower(),
        "package": one.package,
        "version": one.version,
        "fixed_in": one.fixed_in,
        "uri": one.uri,
    }


def scan_as_json(scan: ScanSeen) -> dict[str, Any]:
    """One scan with its findings."""
    return {
        "digest": scan.digest,
        "platform": scan.platform,
        "status": scan.status,
        "checked": scan.status in FINISHED,
        "description": scan.description,
        "completed_at": moment(scan.completed_at) or None,
        "data_of": moment(scan.data_of) or None,
        "looked_at": scan.looked_at,
        "findings": [finding_as_json(one) for one in sorted(scan.findings, key=worst_first)],
    }


def sarif_of(subject: Subject, scans: Sequence[ScanSeen], version: str) -> dict[str, Any]:
    """SARIF 2.1.0 for GitHub's code scanning; scans that did not look are notifications."""
    findings = sorted({one for scan in scans for one in scan.findings}, key=worst_first)
    rules = {one.name: one for one in reversed(findings)}
    names = sorted(rules)
    unchecked = [scan for scan in scans if scan.status not in FINISHED]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "longshore scan",
                        "semanticVersion": version,
                        "rules": [_rule(rules[name]) for name in names],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not unchecked,
                        "toolExecutionNotifications": [
                            {"level": "error", "message": {"text": f"{one.digest}: {why_not(one)}"}}
                            for one in unchecked
                        ],
                    }
                ],
                "results": [_result(one, names, subject) for one in findings],
            }
        ],
    }


def _rule(one: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": one.name,
        "shortDescription": {"text": one.name},
        "properties": {
            "security-severity": _SCORES.get(one.severity, "0.0"),
            "tags": ["security", one.severity.lower()],
        },
    }
    return {**rule, "helpUri": one.uri} if one.uri.startswith("https://") else rule


def _result(one: Finding, names: Sequence[str], subject: Subject) -> dict[str, Any]:
    identity = f"{subject.repository}\0{one.name}\0{one.package}"
    mended = tr("mended in {version}", version=one.fixed_in) if one.fixed_in else ""
    return {
        "ruleId": one.name,
        "ruleIndex": names.index(one.name),
        "level": _LEVELS.get(one.severity, "note"),
        "message": {"text": f"{one.name}: {one.package} {one.version} {mended}".strip()},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": subject.repository},
                    "region": {"startLine": 1},
                },
                "message": {"text": subject.reference},
            }
        ],
        "partialFingerprints": {"longshore/v1": hashlib.sha256(identity.encode()).hexdigest()},
    }
