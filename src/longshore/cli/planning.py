"""`plan` and `apply`: everything that is to change as one diff, then exactly that. I/O."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from longshore.cli import wiring
from longshore.cli.copying import copy_lines
from longshore.cli.files import write_file
from longshore.cli.frame import App, command
from longshore.cli.in_use import COLLECTORS, IMAGES
from longshore.cli.typeset import size
from longshore.cli.work import (
    Work,
    only_writer,
    open_work,
    pull_sentence,
    pulls_needed,
    read_allowance,
    run_copy,
)
from longshore.errors import FileError, FindingsError, LongshoreError, UsageError, Where
from longshore.journey.changes import (
    Part,
    WholePlan,
    parse_plan,
    refuse_stale,
    values_used,
)
from longshore.journey.images import Job, copy_document, gather_all, why_unfinished
from longshore.journey.planning import Both, place_head, plan_lines, whole_plan
from longshore.text import tr
from longshore.transfer.budget import PullBudget
from longshore.transfer.run import CopyResult

if TYPE_CHECKING:
    from longshore.cli.tree_journey import TreePart
    from longshore.provision.changes import Limits

_ALL: tuple[Part, ...] = ("aws", "images")
# Keys of a saved plan's `allowed`, and the limits that they are.
_ALLOWED = {
    "delete": "allow_delete",
    "replace": "allow_replace",
    "delete_images": "delete_images",
    "in_use": "allow_in_use",
    "unread": "allow_unread",
}

with_parts = click.option(
    "--only",
    type=click.Choice(["aws", "images", "tree"]),
    multiple=True,
    help=tr("only this part; the tree changes only when it is named here"),
)
with_limits = [
    click.option(
        "--allow-delete", multiple=True, metavar="NAME", help=tr("this repository may be deleted")
    ),
    click.option(
        "--allow-replace", multiple=True, metavar="NAME", help=tr("this one may be made anew")
    ),
    click.option(
        "--delete-images", multiple=True, metavar="NAME", help=tr("its images may be lost")
    ),
    click.option(
        "--allow-in-use",
        multiple=True,
        metavar="NAME",
        help=tr("its lifecycle policy may reach images in use"),
    ),
    click.option(
        "--allow-unread",
        multiple=True,
        type=click.Choice([*COLLECTORS, IMAGES]),
        help=tr("where images in use are looked for need not be readable here"),
    ),
]


def _limited(function: Callable[..., None]) -> Callable[..., None]:
    """The options of the limits; the command gets them as one argument, `limits`."""

    @functools.wraps(function)
    def run(app: App, **values: Any) -> None:
        from longshore.provision.changes import Limits

        names = {name: frozenset(values.pop(name)) for name in Limits.__dataclass_fields__}
        function(app, limits=Limits(**names), **values)

    decorated: Callable[..., None] = run
    for option in reversed(with_limits):
        decorated = option(decorated)
    return decorated


@dataclass(frozen=True)
class Made:
    """A plan with what is needed to carry it out."""

    whole: WholePlan
    both: Both
    jobs: Sequence[Job]
    limits: Limits
    tree: TreePart | None = None


@command(
    "plan",
    help=tr("Shows everything that is to change, as one diff; changes nothing."),
    examples=[
        "longshore plan",
        "longshore plan -o plan.json",
        "longshore plan --only aws --json",
        "longshore plan --only tree",
    ],
)
@click.option("-o", "--out", metavar="FILE", help=tr("save the plan for `longshore apply FILE`"))
@with_parts
@_limited
@click.option("--exit-code", is_flag=True, help=tr("exit 3 when there is something to do"))
def plan(
    app: App,
    out: str | None,
    only: tuple[str, ...],
    limits: Limits,
    exit_code: bool,
) -> None:
    work = open_work(app)
    made = make_plan(work, _parts(only), limits)
    if out is not None:
        save_plan(made, Path(out))
    apply_it = f"longshore apply {out}" if out else "longshore apply"
    show_plan(app, work, made, apply_it if made.whole.changes else "longshore verify")
    if exit_code and made.whole.changes:
        if app.output.machine:
            click.get_current_context().exit(FindingsError.exit_code)
        raise FindingsError(
            tr("{count} changes are to be made", count=len(made.whole.changes)),
            tr("carry them out: {command}", command=apply_it),
            code="changes-planned",
        )


@command(
    "apply",
    help=tr("Carries out a plan: the saved one, or the one it makes and shows first."),
    examples=["longshore apply", "longshore apply plan.json --yes", "longshore apply --only aws"],
)
@click.argument("file", required=False)
@with_parts
@_limited
@click.option("--dry-run", is_flag=True, help=tr("only show the plan"))
def apply(
    app: App,
    file: str | None,
    only: tuple[str, ...],
    limits: Limits,
    dry_run: bool,
) -> None:
    from longshore.provision.changes import NO_LIMITS

    work = open_work(app)
    saved = read_plan(file) if file else None
    if saved is not None:
        if only or limits != NO_LIMITS:
            raise UsageError(
                tr("a saved plan is carried out as it is"),
                tr("leave the other options out, or make a new plan with them"),
            )
        limits = _saved_limits(file or "")
    parts = saved.only if saved else _parts(only)
    made = make_plan(work, parts, limits, run_commands=not dry_run)
    if saved is not None:
        refuse_stale(saved, made.whole)
    if dry_run:
        show_plan(app, work, made, "" if made.whole.changes else "longshore verify")
        return
    if not made.whole.changes:
        nothing = {"schema": "longshore.apply/1", "applied": []}
        app.output.result(
            nothing, no_change_lines(made.whole), place=work.opened.place, next="longshore verify"
        )
        return
    if saved is None:
        app.output.confirm(
            tr("carry out these {count} changes?", count=len(made.whole.changes)),
            [work.opened.place.as_line(), *plan_lines(made.whole, made.both.aws)],
        )
    else:
        app.output.confirm(tr("carry out the saved plan?"), [work.opened.place.as_line()])
    document = carry_out(work, made)
    error: LongshoreError | None = document.pop("_error")
    app.output.result(
        document,
        apply_lines(document),
        place=work.opened.place,
        next="" if error else "longshore verify",
    )
    end_with(app, error)


def end_with(app: App, error: LongshoreError | None) -> None:
    """Exit as the error deserves, after the result was shown."""
    if error is None:
        return
    if not app.output.machine:
        app.output.error(error)
    click.get_current_context().exit(error.exit_code)


def make_plan(
    work: Work, only: tuple[Part, ...], limits: Limits, *, run_commands: bool = False
) -> Made:
    """Gather both sides and decide. Changes nothing.

    With `run_commands` the programs that the config names for images in use are run.
    """
    aws = None
    policies: dict[str, str] = {}
    if "aws" in only:
        from longshore.cli.in_use_guard import guard_one
        from longshore.provision.actual import read_actual
        from longshore.provision.desired import desired
        from longshore.provision.plan import plan as plan_aws
        from longshore.provision.policy_files import read_policy_files
        from longshore.provision.resources import LifecyclePolicy

        texts = read_policy_files(work.config, work.config_folder)
        wanted = desired(
            work.config, work.target, texts, endpoint=work.opened.endpoint.aws_endpoint
        )
        aws = plan_aws(wanted, read_actual(work.opened.ecr, wanted), limits)
        aws = guard_one(work.app, work.opened, aws, run_commands=run_commands)
        policies = {
            one.name: one.text
            for one in wanted.resources
            if isinstance(one, LifecyclePolicy) and one.text is not None
        }
    jobs = work.image_jobs() if "images" in only else []
    plans = gather_all(jobs, work.journal)
    allowance = read_allowance(plans, jobs)
    both = Both(aws, plans, pulls_needed(plans, work.journal), policies, allowance)
    head = place_head(work.opened.name, work.opened.endpoint)
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    whole = whole_plan(head, both, only, now)
    values = values_used(work.config.text, work.app.environ)
    whole = replace(whole, values=values)
    if "tree" not in only:
        return Made(whole, both, jobs, limits)
    from longshore.cli.tree_journey import look_at_tree, tree_changes

    part = look_at_tree(work.app, work.config_folder, work.config)
    whole = replace(whole, changes=(*whole.changes, *tree_changes(part)))
    return Made(whole, both, jobs, limits, part)


def carry_out(work: Work, made: Made) -> dict[str, Any]:
    """AWS first, then the images. The answer's `_error` says why it ended early, if it did."""
    applied: list[dict[str, Any]] = []
    if made.both.aws is not None:
        from longshore.provision.apply import apply as apply_aws
        from longshore.provision.journal import Journal

        path = wiring.state_dir(work.app.environ) / "apply" / f"{_place_name(work)}.jsonl"
        with Journal(path) as journal:
            for event in apply_aws(made.both.aws, work.opened.ecr, journal):
                work.app.output.show(event)
                known = event.as_json()
                if known["event"] == "change-applied":
                    applied.append({key: known[key] for key in ("resource", "action", "already")})
    document: dict[str, Any] = {"schema": "longshore.apply/1", "applied": applied, "_error": None}
    if made.jobs:
        result = _copy_images(work, made)
        opener = work.opener
        document["copy"] = copy_document(result, opener.traffic("source"), opener.traffic("target"))
        error = document["_error"] = why_unfinished(result)
        if error is not None:
            known = {"code": error.code, "message": error.what, "hint": error.hint}
            document["error"] = {**known, **error.details()}
    if made.tree is not None and document["_error"] is None:
        document["tree"] = _write_tree(work, made.tree)
    return document


def _write_tree(work: Work, part: TreePart) -> dict[str, Any]:
    """The tree last: what it names must be at the target by then."""
    from longshore.cli.tree_journey import finish_tree

    registry = work.opened.endpoint.registry
    return finish_tree(work.app, part, work.opener, registry, write=True, patch=None).as_json()


def _copy_images(work: Work, made: Made) -> CopyResult:
    with only_writer(work.journal, made.jobs):
        return run_copy(
            work.app, made.both.images, made.jobs, work.journal, work.copy_options(), work.opener
        )


def _place_name(work: Work) -> str:
    end = work.opened.endpoint
    return f"{end.kind}-{end.account}-{end.region}"


def show_plan(app: App, work: Work, made: Made, next: str) -> None:
    """The plan on screen or as JSON."""
    whole = made.whole
    if not whole.changes:
        lines = no_change_lines(whole)
    else:
        lines = [*plan_lines(whole, made.both.aws), "", *summary_lines(made)]
    app.output.result(whole.as_json(), lines, place=work.opened.place, next=next)


def no_change_lines(whole: WholePlan) -> list[str]:
    """What a plan without changes says."""
    nothing = tr("nothing to do: what is there is what the config wants")
    return [nothing, *(f"i {note}" for note in whole.notes)]


def summary_lines(made: Made) -> list[str]:
    """Counts, weight, pulls against what is left, and checksum."""
    whole, left = made.whole, made.both.allowance
    tags = sum(len(one.diff) for one in whole.changes if one.resource.startswith("images/"))
    aws = sum(not one.resource.startswith(("images/", "tree/")) for one in whole.changes)
    lines = [
        tr(
            "plan: {aws} changes at AWS, {tags} tags to copy (at most {size}); checksum {checksum}",
            aws=aws,
            tags=tags,
            size=size(whole.bytes),
            checksum=whole.checksum[7:19],
        )
    ]
    if tags:
        lines.append(pull_sentence(PullBudget(whole.pulls, left, exact=False)))
    return lines


def apply_lines(document: dict[str, Any]) -> list[str]:
    """What was carried out, as text."""
    lines = [tr("changes    {count} carried out", count=len(document["applied"]))]
    if "tree" in document:
        lines.append(tr("tree       {files}", files=", ".join(document["tree"]["written"]) or "-"))
    return lines + (copy_lines(document["copy"]) if "copy" in document else [])


def save_plan(made: Made, path: Path) -> None:
    """Write the plan's JSON. Raises FileError."""
    import json

    allowed = {name: sorted(getattr(made.limits, field)) for name, field in _ALLOWED.items()}
    document = made.whole.as_json() | {"allowed": allowed}
    write_file(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def read_plan(file: str) -> WholePlan:
    """A saved plan. Raises FileError or ConfigError."""
    return parse_plan(_plan_text(file), file)


def _plan_text(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            tr("the plan {file} cannot be read: {why}", file=file, why=error),
            tr("make one: longshore plan -o {file}", file=file),
            where=Where(file=file),
        ) from error


def _saved_limits(file: str) -> Limits:
    import json

    from longshore.provision.changes import Limits

    allowed = json.loads(_plan_text(file)).get("allowed") or {}
    names = {field: frozenset(map(str, allowed.get(key, ()))) for key, field in _ALLOWED.items()}
    return Limits(**names)


def _parts(only: tuple[str, ...]) -> tuple[Part, ...]:
    wanted = only or _ALL
    return cast("tuple[Part, ...]", tuple(part for part in (*_ALL, "tree") if part in wanted))
