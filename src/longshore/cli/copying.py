"""`copy`, `sync` and `verify`: images from one registry to another, and the proof. I/O."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import click

from longshore.cli import wiring
from longshore.cli.frame import App, command
from longshore.cli.interrupts import interruptible
from longshore.cli.output import Place
from longshore.cli.pairs import (
    End,
    as_reference,
    open_source,
    open_target,
    read_couples,
    refuse_collisions,
    target_tag,
)
from longshore.cli.stores import Opener
from longshore.cli.typeset import size
from longshore.cli.work import DEFAULT_JOBS, Work, only_writer, open_work, run_copy
from longshore.errors import FindingsError, UsageError
from longshore.journey.images import (
    Job,
    copy_document,
    gather_all,
    stores_of,
    why_unfinished,
)
from longshore.journey.wishes import chooser
from longshore.oci.platforms import parse_platform
from longshore.oci.reference import Reference
from longshore.policy.tags import TagFilter
from longshore.text import tr
from longshore.transfer.budget import Widths
from longshore.transfer.carry import Carrier, Stores
from longshore.transfer.journal import Journal
from longshore.transfer.plan import Pair, PairPlan, Wish
from longshore.transfer.prove import Proof, ProveOptions, PullTest
from longshore.transfer.run import CopyOptions, CopyResult
from longshore.transfer.verify import count, extra_tags


@command(
    "copy",
    help=tr("Copies one image, or whole repositories, with signatures and all platforms."),
    examples=[
        "longshore copy docker.io/library/alpine:3.20 registry.example.com/alpine:3.20",
        "longshore copy --all-tags docker.io/acme/shop registry.example.com/shop",
        "longshore copy oci:./build:v1 registry.example.com/shop:v1",
        "longshore copy --pairs pairs.txt",
    ],
)
@click.argument("source", required=False)
@click.argument("target", required=False)
@click.option("--pairs", metavar="FILE", help=tr("a file with one `SOURCE TARGET` a line"))
@click.option("--all-tags", is_flag=True, help=tr("every tag of the repository"))
@click.option("--allow", multiple=True, metavar="GLOB", help=tr("only tags that match"))
@click.option("--deny", multiple=True, metavar="GLOB", help=tr("no tags that match"))
@click.option("--semver", default="", metavar="RANGE", help=tr("only versions in the range"))
@click.option("--newest", type=click.IntRange(1), help=tr("only the newest N tags"))
@click.option("--platform", "platforms", multiple=True, help=tr("only these platforms"))
@click.option("--no-referrers", is_flag=True, help=tr("leave signatures and SBOMs behind"))
@click.option("--jobs", type=click.IntRange(1, 128), default=DEFAULT_JOBS, help=tr("steps at once"))
@click.option("--dry-run", is_flag=True, help=tr("only show what would be copied"))
def copy(
    app: App,
    source: str | None,
    target: str | None,
    pairs: str | None,
    all_tags: bool,
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    semver: str,
    newest: int | None,
    platforms: tuple[str, ...],
    no_referrers: bool,
    jobs: int,
    dry_run: bool,
) -> None:
    wanted = TagFilter(allow, deny, semver, newest)
    opened = wiring.open_target(app.settings, app.environ) if app.settings.local else None
    opener = Opener(app.settings, app.environ, jobs, opened, tell=app.output.show)
    chosen = tuple(str(parse_platform(text)) for text in platforms)
    couples = read_couples(source, target, pairs)
    whole = all_tags or not wanted.takes_all
    work = copy_jobs(couples, wanted, chosen, opener, whole=whole, referrers=not no_referrers)
    journal = Journal(wiring.state_dir(app.environ) / "copy")
    with only_writer(journal, work):
        plans = gather_all(work, journal)
        if dry_run:
            show_plans(app, plans)
            return
        result = run_copy(app, plans, work, journal, CopyOptions(Widths(jobs)), opener)
    finish(app, result, opener)


def copy_jobs(
    couples: Sequence[tuple[End, End]],
    wanted: TagFilter,
    platforms: tuple[str, ...],
    opener: Opener,
    *,
    whole: bool,
    referrers: bool,
) -> list[Job]:
    """One job per pair of repositories; images of one pair are copied together."""
    grouped: dict[Pair, dict[str, tuple[str, ...]]] = {}
    ends: dict[Pair, tuple[End, End]] = {}
    for source, target in couples:
        pair = Pair(source.name, target.name, source.registry, target.registry, platforms)
        ends[pair] = (source, target)
        names = grouped.setdefault(pair, {})
        if not whole:
            known = names.get(source.wanted, ())
            names[source.wanted] = tuple(dict.fromkeys((*known, target_tag(source, target))))
    if not whole:
        refuse_collisions(couples)
    jobs = []
    for pair, names in grouped.items():
        source, target = ends[pair]
        hub = as_reference(source)
        same = source.registry == target.registry and as_reference(target) is not None
        stores = Stores(
            open_source(source, opener),
            open_target(target, opener),
            opener.target(hub) if same and hub is not None else None,
        )
        metered = hub is not None and hub.is_hub
        absent = not opener.is_ecr(target.registry)
        if not whole and isinstance(target, Reference):
            opener.need_repository(target)
        wish = Wish(pair, tuple(names) or None, names, chooser(wanted), referrers, absent, metered)
        wish = replace(wish, in_order=not absent)
        jobs.append(Job(wish, stores))
    return jobs


@command(
    "sync",
    help=tr("Copies all images that the config names; what is there already costs no pull."),
    examples=[
        "longshore sync",
        "longshore sync --only shop --dry-run",
        "longshore sync --dry-run --exit-code",
        "longshore sync --watch",
    ],
)
@click.option("--only", multiple=True, metavar="NAME", help=tr("only the rules of this target"))
@click.option("--jobs", type=click.IntRange(1, 128), default=DEFAULT_JOBS, help=tr("steps at once"))
@click.option("--dry-run", is_flag=True, help=tr("only show what would be copied"))
@click.option("--exit-code", is_flag=True, help=tr("with --dry-run: exit 3 when a tag is left"))
@click.option("--watch", is_flag=True, help=tr("keep going"))
@click.option("--every", type=click.IntRange(10), default=300, help=tr("seconds between rounds"))
def sync(
    app: App,
    only: tuple[str, ...],
    jobs: int,
    dry_run: bool,
    exit_code: bool,
    watch: bool,
    every: int,
) -> None:
    if exit_code and not dry_run:
        raise UsageError(tr("--exit-code needs --dry-run"), tr("add --dry-run"))
    work = open_work(app, jobs)
    if dry_run:
        plans = gather_all(work.image_jobs(only), work.journal)
        show_plans(app, plans, work.opened.place)
        if exit_code:
            _refuse_unfinished(app, plans)
        return
    stop = threading.Event()
    while True:
        result = sync_once(work, only)
        error = why_unfinished(result)
        if not watch or (error is not None and error.exit_code in (4, 130)):
            finish(app, result, work.opener, work.opened.place, next="longshore verify")
            return
        if error is not None:
            app.output.warn(error.what)
        with interruptible(stop.set):
            stop.wait(every)
        if stop.is_set():
            finish(app, result, work.opener, work.opened.place, next="longshore sync --watch")
            return


def _refuse_unfinished(app: App, plans: Sequence[PairPlan]) -> None:
    """The freeze check: end with exit 3 when the target is not what the source is now."""
    left = sum(len(plan.to_copy) for plan in plans)
    if not left:
        return
    if app.output.machine:
        click.get_current_context().exit(FindingsError.exit_code)
    raise FindingsError(
        tr("{count} tags are not at the target as the source has them now", count=left),
        tr("`longshore sync` copies them; while somebody still pushes, this comes again"),
        code="tags-left",
    )


def sync_once(work: Work, only: Sequence[str] = ()) -> CopyResult:
    """One round over all image rules."""
    jobs = work.image_jobs(only, must_exist=True)
    with only_writer(work.journal, jobs):
        plans = gather_all(jobs, work.journal)
        options = work.copy_options()
        return run_copy(work.app, plans, jobs, work.journal, options, work.opener)


@command(
    "verify",
    help=tr("Proves source and target equal: digests, whole closure, referrers, a test pull."),
    examples=["longshore verify", "longshore verify --pull all --json"],
)
@click.option("--only", multiple=True, metavar="NAME", help=tr("only the rules of this target"))
@click.option(
    "--pull",
    type=click.Choice(["none", "sample", "all"]),
    default="sample",
    help=tr("images that are really pulled: none, one a repository, or all"),
)
@click.option("--jobs", type=click.IntRange(1, 128), default=16, help=tr("checks at once"))
def verify(app: App, only: tuple[str, ...], pull: str, jobs: int) -> None:
    work = open_work(app, jobs)
    document = verify_once(work, only, cast(PullTest, pull), jobs)
    app.output.result(
        document,
        verify_lines(document),
        place=work.opened.place,
        next="longshore login" if not _broken(document) else "longshore sync",
    )
    if _broken(document):
        raise_findings(app, document)


def verify_once(
    work: Work, only: Sequence[str] = (), pull: PullTest = "sample", jobs: int = 16
) -> dict[str, Any]:
    """`longshore.verify/1`."""
    began = time.monotonic()
    todo = work.image_jobs(only)
    plans = gather_all(todo, work.journal)
    stop = threading.Event()
    stores = stores_of(todo)
    carrier = Carrier(stores, work.journal, stop)
    proof = Proof(plans, stores, work.journal, carrier, ProveOptions(pull, jobs))
    with interruptible(stop.set):
        for event in proof.events():
            work.app.output.show(event)
    items = proof.items
    extra = extra_tags(plans)
    return {
        "schema": "longshore.verify/1",
        "equal": count(items, "equal"),
        "missing": count(items, "missing"),
        "different": count(items, "different"),
        "extra": len(extra),
        "extra_tags": extra,
        "referrers": sum(item.closure.referrers for item in items),
        "pulled_bytes": sum(item.closure.pulled_bytes for item in items),
        "seconds": round(time.monotonic() - began, 3),
        "items": [item.as_json() for item in items],
    }


def _broken(document: Mapping[str, Any]) -> bool:
    return bool(document["missing"] or document["different"])


def raise_findings(app: App, document: Mapping[str, Any]) -> None:
    """End with exit 3; with --json the answer itself says what was found."""
    if app.output.machine:
        click.get_current_context().exit(FindingsError.exit_code)
    raise FindingsError(
        tr(
            "{missing} missing, {different} different",
            missing=document["missing"],
            different=document["different"],
        ),
        tr("`longshore sync` copies what is missing; then verify again"),
        code="not-equal",
    )


def verify_lines(document: Mapping[str, Any]) -> list[str]:
    """The proof as text: what is wrong in full, the rest as counts."""
    bad = [item for item in document["items"] if item["status"] != "equal"]
    lines = [f"{item['status']:<9} {item['target']}  {item['reason']}" for item in bad]
    return [
        *lines,
        tr(
            "{equal} equal, {missing} missing, {different} different, {extra} only at the target",
            equal=document["equal"],
            missing=document["missing"],
            different=document["different"],
            extra=document["extra"],
        ),
        tr(
            "{referrers} signatures and SBOMs; {size} pulled and hashed as a test",
            referrers=document["referrers"],
            size=size(document["pulled_bytes"]),
        ),
    ]


def show_plans(app: App, plans: Sequence[PairPlan], place: Place | None = None) -> None:
    """What `--dry-run` prints."""
    steps = [step for plan in plans for step in plan.steps]
    document = {
        "schema": "longshore.copy.plan/1",
        "tags": [
            {
                "source": f"{step.pair.source}:{step.source_tag}",
                "target": f"{step.pair.target}:{step.target_tag}",
                "action": step.action,
                "digest": step.digest,
                "reason": step.reason,
            }
            for step in steps
        ],
    }
    lines = [
        f"{step.action:<9} {step.pair.source}:{step.source_tag} -> "
        f"{step.pair.target}:{step.target_tag}  ({step.reason})"
        for step in steps
    ]
    app.output.result(document, lines, place=place)


def finish(
    app: App, result: CopyResult, opener: Opener, place: Place | None = None, next: str = ""
) -> None:
    """The answer of a copy, then the exit code it deserves."""
    document = copy_document(result, opener.traffic("source"), opener.traffic("target"))
    error = why_unfinished(result)
    if error is not None:
        known = {"code": error.code, "message": error.what, "hint": error.hint}
        document["error"] = {**known, **error.details()}
    app.output.result(document, copy_lines(document), place=place, next="" if error else next)
    if error is not None:
        if not app.output.machine:
            app.output.error(error)
        click.get_current_context().exit(error.exit_code)


def copy_lines(document: Mapping[str, Any]) -> list[str]:
    """The answer as text."""

    def counts(found: Mapping[str, int]) -> str:
        return ", ".join(f"{number} {name}" for name, number in found.items() if number) or "0"

    return [
        tr("tags       {tags}", tags=counts(document["tags"])),
        tr("manifests  {count} copied", count=document["manifests"]["copied"]),
        tr("blobs      {blobs}", blobs=counts(document["blobs"])),
        tr(
            "moved      {size} in {seconds} s",
            size=size(document["bytes"]),
            seconds=document["seconds"],
        ),
        tr(
            "requests   {source} to the source ({pulls} pulls), {target} to the target",
            source=document["source"]["requests"],
            pulls=document["source"]["pulls"],
            target=document["target"]["requests"],
        ),
        *[f"failed     {one['source']}: {one['reason']}" for one in document["failures"][:20]],
    ]
