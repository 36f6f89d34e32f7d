"""`migrate` and `status`: the whole way, and where one stands on it. I/O."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from longshore.cli.tree_journey import TreePart, finish_tree
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

if TYPE_CHECKING:
    from longshore.provision.settings import Config
    from longshore.transfer.plan import PairPlan


@command(
    "migrate",
    help=tr(
        "The whole journey in order: assess, plan, apply, verify, the tree's patch, summary. "
        "Resumes where it stopped. Files of the tree change with --write only."
    ),
    examples=[
        "longshore migrate",
        "longshore migrate . --yes --summary migration.md --patch ecr.patch",
        "longshore migrate --write",
    ],
)
@click.argument("tree", required=False)
@click.option("--summary", metavar="FILE", help=tr("write the summary as Markdown too"))
@click.option("--patch", metavar="FILE", help=tr("write the tree's patch to a file"))
@click.option("--write", is_flag=True, help=tr("edit the tree's files at the end"))
@click.option("--no-tree", is_flag=True, help=tr("do not look into the tree"))
@click.option("--dry-run", is_flag=True, help=tr("only show the plan"))
def migrate(
    app: App,
    tree: str | None,
    summary: str | None,
    patch: str | None,
    write: bool,
    no_tree: bool,
    dry_run: bool,
) -> None:
    from longshore.provision.changes import NO_LIMITS

    began = time.monotonic()
    if tree is not None and app.settings.config is None:
        app.settings = replace(app.settings, config=str(Path(tree) / "longshore.yaml"))
    if summary is not None and not dry_run:
        check_writable(Path(summary))
    work = open_work(app)
    part = None if no_tree else tree_of(app, work.config_folder, work.config)
    made = make_plan(work, ("aws", "images"), NO_LIMITS, run_commands=not dry_run)
    lines = [*plan_lines(made.whole, made.both.aws), *plan_summary(made), *_tree_line(part, write)]
    if dry_run:
        app.output.result(made.whole.as_json(), lines, place=work.opened.place)
        return
    if made.whole.changes or (write and part is not None and part.made.changes):
        app.output.confirm(tr("carry this out?"), [work.opened.place.as_line(), *lines])
    document = carry_out(work, made)
    error: LongshoreError | None = document.pop("_error")
    if error is not None:
        app.output.result(document, apply_lines(document), place=work.opened.place)
        end_with(app, error)
        return
    done = _proved(work, made, document, began)
    if part is not None and not (done.verify["missing"] or done.verify["different"]):
        registry = work.opened.endpoint.registry
        moved_tree = finish_tree(app, part, work.opener, registry, write=write, patch=patch)
        done = replace(done, tree=moved_tree)
    human = {"bytes": size(done.copy["bytes"]), "seconds": duration(done.seconds)}
    if summary is not None:
        write_file(Path(summary), summary_markdown(done, human))
    _show_summary(work, done, human)


def tree_of(app: App, folder: Path, config: Config) -> TreePart | None:
    """The tree around longshore.yaml; None when it names nothing at Docker Hub."""
    from longshore.cli.tree_journey import look_at_tree

    part = look_at_tree(app, folder, config)
    return part if part.matters else None


def _tree_line(part: TreePart | None, write: bool) -> list[str]:
    if part is None:
        return []
    verb = tr("will be edited") if write else tr("stay as they are (--write edits them)")
    return [
        tr(
            "tree: {count} files name Docker Hub images and {verb}; {before} pulls per pipeline "
            "run now, {after} with the patch",
            count=len(part.made.changes),
            verb=verb,
            before=part.before,
            after=part.after,
        )
    ]


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
        next="longshore sync" if broken else _after(done),
    )
    if broken:
        raise_findings(app, proof)


def _after(done: Summary) -> str:
    tree = done.tree
    if tree is None or tree.written or not tree.files:
        return "longshore status"
    folder = "" if tree.tree == "." else f" {tree.tree}"
    return f"longshore rewrite{folder} --write"


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
            **_moved_since(plan),
        }
        for plan in made.both.images
    ]
    part = tree_of(app, work.config_folder, work.config)
    left = sum(row["left"] for row in rows)
    next_command = "longshore migrate" if aws and left else "longshore apply"
    if not aws:
        next_command = "longshore sync" if left else "longshore verify"
        if not left and part is not None and part.made.changes:
            next_command = "longshore rewrite --write"
    app.output.result(
        {
            "schema": "longshore.status/1",
            "aws": {"changes": [one.as_json() for one in aws]},
            "images": rows,
            "pulls_needed": made.whole.pulls,
            "notes": list(made.whole.notes),
            "tree": None if part is None else _tree_status(part),
        },
        [*_status_lines(aws, rows), *_tree_status_lines(part)],
        place=work.opened.place,
        next=next_command,
    )


def _moved_since(plan: PairPlan) -> dict[str, list[str]]:
    """What is to be copied once more, and what for the first time, of tags that may move."""
    there = plan.view.tags
    left = [step for step in plan.wanted if step.action == "copy"]
    # With chosen platforms an index that was not read yet may be what the target has.
    sure = [step for step in left if not plan.pair.platforms or step.digest in plan.narrowed]
    return {
        "moved": [step.target_tag for step in sure if step.target_tag in there],
        "new": [step.target_tag for step in left if step.target_tag not in there],
    }


def _tree_status(part: TreePart) -> dict[str, Any]:
    return {
        "tree": str(part.folder),
        "to_change": sum(one.changes for one in part.made.plan.decisions),
        "files": [one.path for one in part.made.changes],
        "stay": len(part.made.plan.left),
        "pulls_per_run": {"now": part.before, "with_patch": part.after},
    }


def _tree_status_lines(part: TreePart | None) -> list[str]:
    if part is None:
        return [tr("tree: names nothing at Docker Hub")]
    found = _tree_status(part)
    return [
        tr(
            "tree: {count} places still to change, {stay} stay at Docker Hub; {now} pulls per "
            "pipeline run now, {then} with the patch",
            count=found["to_change"],
            stay=found["stay"],
            now=part.before,
            then=part.after,
        )
    ]


def _status_lines(aws: list[Any], rows: list[dict[str, Any]]) -> list[str]:
    lines = [f"{tr('to do')}  {one.action} {one.resource}  ({one.reason})" for one in aws[:12]]
    if not aws:
        lines = [tr("AWS is as the config wants it")]
    for row in rows:
        state = tr("{copied} tags copied, {left} left", copied=row["copied"], left=row["left"])
        skipped = tr(", {count} stay out", count=row["skipped"]) if row["skipped"] else ""
        cut = tr("; the last run did not end") if row["unfinished"] and row["left"] else ""
        lines.append(f"{row['source']} -> {row['target']}  {state}{skipped}{cut}")
        if (row["copied"] or row["moved"]) and not row["unfinished"]:
            lines += _moved_lines(row)
    return lines or [tr("the config names no image yet")]


def _moved_lines(row: dict[str, Any]) -> list[str]:
    """The source went on after the last copy."""
    found = []
    if row["moved"]:
        found.append(
            tr("  moved at the source since the last copy: {tags}", tags=_names(row["moved"]))
        )
    if row["new"]:
        found.append(tr("  new at the source since then: {tags}", tags=_names(row["new"])))
    return found


def _names(tags: Sequence[str]) -> str:
    return ", ".join(tags[:8]) + (", ..." if len(tags) > 8 else "")
