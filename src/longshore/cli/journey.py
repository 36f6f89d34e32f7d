"""`migrate` and `status`: the whole way, and where one stands on it. I/O."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from longshore.cli.copying import raise_findings, verify_lines, verify_once
from longshore.cli.files import check_writable, write_file
from longshore.cli.frame import App, command
from longshore.cli.planning import (
    Made,
    apply_lines,
    carry_out,
    end_with,
    make_plan,
)
from longshore.cli.planning import (
    summary_lines as plan_summary,
)
from longshore.cli.typeset import duration, size
from longshore.cli.work import Work, open_work
from longshore.errors import (
    LongshoreError,
)
from longshore.journey.planning import plan_lines
from longshore.journey.summary import Summary, moved, summary_lines, summary_markdown
from longshore.oci.reference import DOCKER_HUB
from longshore.oci.store import PullAllowance
from longshore.text import tr


@command(
    "migrate",
    help=tr("The whole journey in order: plan, apply, verify, summary. Resumes where it stopped."),
    examples=["longshore migrate", "longshore migrate --yes --summary migration.md"],
)
@click.argument("tree", required=False)
@click.option("--summary", metavar="FILE", help=tr("write the summary as Markdown too"))
@click.option("--dry-run", is_flag=True, help=tr("only show the plan"))
def migrate(app: App, tree: str | None, summary: str | None, dry_run: bool) -> None:
    from longshore.provision.changes import NO_LIMITS

    began = time.monotonic()
    if tree is not None and app.settings.config is None:
        app.settings = replace(app.settings, config=str(Path(tree) / "longshore.yaml"))
    if summary is not None and not dry_run:
        check_writable(Path(summary))
    work = open_work(app)
    made = make_plan(work, ("aws", "images"), NO_LIMITS)
    lines = [*plan_lines(made.whole, made.both.aws), *plan_summary(made)]
    if dry_run:
        app.output.result(made.whole.as_json(), lines, place=work.opened.place)
        return
    if made.whole.changes:
        app.output.confirm(tr("carry this out?"), [work.opened.place.as_line(), *lines])
    document = carry_out(work, made)
    error: LongshoreError | None = document.pop("_error")
    if error is not None:
        app.output.result(document, apply_lines(document), place=work.opened.place)
        end_with(app, error)
        return
    done = _proved(work, made, document, began)
    human = {"bytes": size(done.copy["bytes"]), "seconds": duration(done.seconds)}
    if summary is not None:
        write_file(Path(summary), summary_markdown(done, human))
    _show_summary(work, done, human)


def _proved(work: Work, made: Made, document: dict[str, Any], began: float) -> Summary:
    """Verify what was carried out, and put the whole run together."""
    proof = verify_once(work)
    return Summary(
        work.opened.place.as_json(),
        moved(made.both.images),
        len(document["applied"]),
        document["copy"] if "copy" in document else _nothing_copied(),
        proof,
        time.monotonic() - began,
        _allowance(work, made),
        _secrets(work),
    )


def _show_summary(work: Work, done: Summary, human: dict[str, str]) -> None:
    """The end of the journey; exit 3 when the proof found something."""
    app, proof = work.app, done.verify
    broken = bool(proof["missing"] or proof["different"])
    app.output.result(
        done.as_json(),
        [*summary_lines(done, human), *(verify_lines(proof) if broken else [])],
        place=work.opened.place,
        next="longshore sync" if broken else "longshore status",
    )
    if broken:
        raise_findings(app, proof)


def _nothing_copied() -> dict[str, Any]:
    names = ("copied", "unchanged", "skipped", "failed", "left")
    return {
        "tags": dict.fromkeys(names, 0),
        "bytes": 0,
        "source": {"requests": 0, "pulls": 0},
        "target": {"requests": 0},
    }


def _allowance(work: Work, made: Made) -> PullAllowance | None:
    for job in made.jobs:
        if job.wish.pair.source_registry == DOCKER_HUB:
            return job.stores.source.read_allowance()
    return None


def _secrets(work: Work) -> dict[str, str]:
    """The values that the pipeline's settings need; none of them is secret."""
    end = work.opened.endpoint
    names = sorted({rule.target for rule in work.config.images})
    found = {"AWS_ACCOUNT_ID": end.account, "AWS_REGION": end.region}
    return found | ({"ECR_REPOSITORY": names[0]} if len(names) == 1 else {})


@command(
    "status",
    help=tr("One screen: what is done, what is left, what has drifted, and what comes next."),
    examples=["longshore status", "longshore status --json"],
)
def status(app: App) -> None:
    from longshore.provision.changes import NO_LIMITS

    work = open_work(app)
    made = make_plan(work, ("aws", "images"), NO_LIMITS)
    aws = [one for one in made.whole.changes if not one.resource.startswith("images/")]
    rows: list[dict[str, Any]] = [
        {
            "source": plan.pair.source,
            "target": plan.pair.target,
            "copied": sum(step.action == "unchanged" for step in plan.wanted),
            "left": sum(step.action == "copy" for step in plan.wanted),
            "skipped": sum(step.action == "skip" for step in plan.steps),
            "unfinished": work.journal.is_open(plan.pair.target),
        }
        for plan in made.both.images
    ]
    left = sum(row["left"] for row in rows)
    next_command = "longshore migrate" if aws and left else "longshore apply"
    if not aws:
        next_command = "longshore sync" if left else "longshore verify"
    app.output.result(
        {
            "schema": "longshore.status/1",
            "aws": {"changes": [one.as_json() for one in aws]},
            "images": rows,
            "pulls_needed": made.whole.pulls,
            "notes": list(made.whole.notes),
        },
        _status_lines(aws, rows),
        place=work.opened.place,
        next=next_command,
    )


def _status_lines(aws: list[Any], rows: list[dict[str, Any]]) -> list[str]:
    lines = [f"{tr('to do')}  {one.action} {one.resource}  ({one.reason})" for one in aws[:12]]
    if not aws:
        lines = [tr("AWS is as the config wants it")]
    for row in rows:
        state = tr("{copied} tags copied, {left} left", copied=row["copied"], left=row["left"])
        skipped = tr(", {count} stay out", count=row["skipped"]) if row["skipped"] else ""
        cut = tr("; the last run did not end") if row["unfinished"] and row["left"] else ""
        lines.append(f"{row['source']} -> {row['target']}  {state}{skipped}{cut}")
    return lines or [tr("the config names no image yet")]
