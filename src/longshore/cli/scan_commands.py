"""`longshore scan`: start scans, show what they found, and stop a release that should not go. I/O.

What could not be looked at is never clean: `gate` ends with 3 when an image has too many findings,
and with 1 when something could not be checked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import click

from longshore import __version__
from longshore.cli.files import refuse_existing, write_file
from longshore.cli.frame import App, group
from longshore.cli.scan_subject import Scanner, Subject
from longshore.cli.scan_view import (
    gate_lines,
    report_lines,
    sarif_of,
    scan_as_json,
    verdict_as_json,
)
from longshore.cli.scan_waivers import waivers_that_count
from longshore.facts import ScanSeen
from longshore.policy.gate import FINISHED, GateRules, judge, parse_most
from longshore.text import tr

scan = group(
    "scan",
    help=tr("Scans of images: run one, read what it found, and gate a release on it."),
    examples=[
        "longshore scan report github-actions-demo-day2:v2.0.0",
        "longshore scan gate github-actions-demo-day2:v2.0.0 --max critical=0,high=5",
    ],
)

_region = click.option("--region", metavar="REGION", help=tr("the AWS Region, if not the target's"))
_wait = click.option(
    "--wait",
    "timeout_s",
    type=click.FloatRange(0, 3600),
    default=300.0,
    metavar="SECONDS",
    help=tr("how long to wait for scans that run (default: 300)"),
)


@scan.command(
    "run",
    help=tr(
        "Starts a basic scan of an image, or of each platform of an index, and waits for it. ECR "
        "scans an image once in 24 hours: a second try shows the scan that is there."
    ),
    examples=["longshore scan run shop:v1.2.0", "longshore scan run shop@sha256:... --wait 60"],
)
@click.argument("image")
@_wait
@_region
def run(app: App, image: str, timeout_s: float, region: str | None) -> None:
    scanner = Scanner(app, region)
    subject = scanner.find(image)
    scanner.start(subject, app.output.say)
    scans = scanner.wait(subject, timeout_s)
    _show(app, scanner, subject, scans)
    if any(one.status not in FINISHED for one in scans):
        raise click.exceptions.Exit(1)


@scan.command(
    "report",
    help=tr(
        "Shows what the scans of an image found, worst first, and what was not looked at. --sarif "
        "writes a file for GitHub's code scanning."
    ),
    examples=[
        "longshore scan report shop:v1.2.0",
        "longshore scan report shop:v1.2.0 --sarif findings.sarif",
    ],
)
@click.argument("image")
@click.option("--sarif", "sarif", metavar="FILE", help=tr("write the findings as SARIF"))
@_region
def report(app: App, image: str, sarif: str | None, region: str | None) -> None:
    scanner = Scanner(app, region)
    subject = scanner.find(image)
    scans = scanner.read(subject)
    if sarif is not None:
        refuse_existing([Path(sarif)], force=True)
        write_file(Path(sarif), json.dumps(sarif_of(subject, scans, __version__), indent=1) + "\n")
    _show(app, scanner, subject, scans)
    if any(one.status not in FINISHED for one in scans):
        raise click.exceptions.Exit(1)


@scan.command(
    "gate",
    help=tr(
        "Lets an image pass, or not: exit code 3 when it has more findings than allowed, 1 when a "
        "platform could not be checked. Limits and waivers come from `scan` in longshore.yaml; in "
        "pull requests waivers are taken from the base branch only."
    ),
    examples=[
        "longshore scan gate shop:v1.2.0",
        "longshore scan gate shop@sha256:... --max high=0,medium=10 --only-fixable",
        "longshore scan gate shop:v1.3.0 --against live-prod",
    ],
)
@click.argument("image")
@click.option("--max", "most", metavar="LIMITS", help=tr("findings that pass: high=0,medium=10"))
@click.option("--only-fixable", is_flag=True, help=tr("count only what a newer version mends"))
@click.option("--against", metavar="TAG", help=tr("compare with this release that runs"))
@click.option("--start", is_flag=True, help=tr("start scans of what was never scanned"))
@_wait
@_region
def gate(
    app: App,
    image: str,
    most: str | None,
    only_fixable: bool,
    against: str | None,
    start: bool,
    timeout_s: float,
    region: str | None,
) -> None:
    rules, notes = _rules(app, most, only_fixable)
    scanner = Scanner(app, region)
    subject = scanner.find(image)
    if start and any(not one.status for one in scanner.read(subject)):
        scanner.start(subject, app.output.say)
    scans = scanner.wait(subject, timeout_s)
    running = None
    if against is not None:
        separator = "@" if against.startswith("sha256:") else ":"
        running = scanner.read(scanner.find(f"{subject.repository}{separator}{against}"))
    verdict = judge(scans, rules, _today(), running)
    app.output.result(
        {
            "schema": "longshore.scan.gate/1",
            "image": subject.reference,
            "digest": subject.digest,
            **verdict_as_json(verdict, rules),
            "scans": [scan_as_json(one) for one in scans],
            "notes": notes,
        },
        [*gate_lines(subject, verdict, rules), *(f"i {note}" for note in notes)],
        place=scanner.target.place,
        next="" if verdict.passed else f"longshore scan report {image}",
    )
    if verdict.over:
        raise click.exceptions.Exit(3)
    if not verdict.checked:
        raise click.exceptions.Exit(1)


def _show(app: App, scanner: Scanner, subject: Subject, scans: Sequence[ScanSeen]) -> None:
    app.output.result(
        {
            "schema": "longshore.scan.report/1",
            "image": subject.reference,
            "digest": subject.digest,
            "scans": [scan_as_json(one) for one in scans],
        },
        report_lines(subject, scans),
        place=scanner.target.place,
        next=f"longshore scan gate {subject.reference}",
    )


def _rules(app: App, most: str | None, only_fixable: bool) -> tuple[GateRules, list[str]]:
    """The rules of flags and file, and what is to be said of the waivers."""
    rules, notes = waivers_that_count(app)
    limits = rules.most if most is None else parse_most(most)
    return GateRules(limits, only_fixable or rules.only_fixable, rules.waivers), notes


def _today() -> date:
    return datetime.now(UTC).date()
