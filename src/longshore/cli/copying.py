"""`copy`: one image, whole repositories, or a file of pairs. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from longshore.cli import wiring
from longshore.cli.frame import App, command
from longshore.cli.stores import Opener, parse
from longshore.errors import FileError, UsageError, Where
from longshore.journey.images import (
    Job,
    chooser,
    copy_document,
    gather_all,
    stores_of,
    why_unfinished,
)
from longshore.oci.platforms import parse_platform
from longshore.oci.reference import Reference
from longshore.policy.tags import TagFilter
from longshore.text import tr
from longshore.transfer.budget import Widths
from longshore.transfer.carry import Stores
from longshore.transfer.gather import Wish
from longshore.transfer.journal import Journal
from longshore.transfer.plan import Pair, PairPlan
from longshore.transfer.run import CopyOptions, CopyResult, CopyRun


@command(
    "copy",
    help=tr("Copies one image, or whole repositories, with signatures and all platforms."),
    examples=[
        "longshore copy docker.io/library/alpine:3.20 registry.example.com/alpine:3.20",
        "longshore copy --all-tags docker.io/acme/shop registry.example.com/shop",
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
@click.option("--jobs", type=click.IntRange(1, 128), default=24, help=tr("steps at once"))
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
    couples = _couples(source, target, pairs)
    opener = Opener(app.environ, threads=jobs)
    chosen = tuple(str(parse_platform(text)) for text in platforms)
    work = _jobs(couples, all_tags, wanted, chosen, opener, referrers=not no_referrers)
    journal = Journal(wiring.state_dir(app.environ) / "copy")
    options = CopyOptions(Widths(jobs))
    with journal.writing(job.wish.pair.target for job in work):
        plans = gather_all(work, journal)
        if dry_run:
            show_plan(app, plans)
            return
        result = run_copy(app, plans, work, journal, options, opener)
    finish(app, result, opener)


def _couples(
    source: str | None, target: str | None, pairs: str | None
) -> list[tuple[Reference, Reference]]:
    if pairs is not None:
        if source is not None:
            raise UsageError(tr("--pairs stands alone"), tr("leave SOURCE and TARGET out"))
        return _read_pairs(pairs)
    if source is None or target is None:
        raise UsageError(
            tr("SOURCE and TARGET are missing"),
            tr("type `longshore copy SOURCE TARGET`, or `longshore copy --pairs FILE`"),
        )
    return [(parse(source), parse(target))]


def _read_pairs(name: str) -> list[tuple[Reference, Reference]]:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            tr("cannot read {file}: {why}", file=name, why=error),
            tr("name a text file with one `SOURCE TARGET` a line"),
            where=Where(file=name),
        ) from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if words and len(words) != 2:
            raise UsageError(
                tr("a line must be `SOURCE TARGET`, this one has {count} words", count=len(words)),
                tr("write the two references with a space between"),
                code="bad-pairs-file",
                where=Where(name, number, 1),
            )
        if words:
            found.append((parse(words[0]), parse(words[1])))
    if not found:
        raise UsageError(
            tr("{file} names no pair", file=name), code="bad-pairs-file", where=Where(name, 1, 1)
        )
    return found


def _jobs(
    couples: Sequence[tuple[Reference, Reference]],
    all_tags: bool,
    wanted: TagFilter,
    platforms: tuple[str, ...],
    opener: Opener,
    *,
    referrers: bool,
) -> list[Job]:
    """One job per pair of repositories; images of one pair are copied together."""
    choose = chooser(wanted)
    grouped: dict[Pair, dict[str, str]] = {}
    ends: dict[Pair, tuple[Reference, Reference]] = {}
    for source, target in couples:
        pair = Pair(source.name, target.name, source.registry, target.registry, platforms)
        ends[pair] = (source, target)
        names = grouped.setdefault(pair, {})
        if not all_tags and choose is None:
            names[source.wanted] = (
                target.tag
                or (source.tag if source.digest is None else None)
                or (target.wanted if target.tag else source.wanted)
            )
    jobs = []
    for pair, names in grouped.items():
        source, target = ends[pair]
        stores = Stores(opener.source(source), opener.target(target))
        rename = {old: new for old, new in names.items() if old != new}
        wish = Wish(pair, tuple(names) or None, rename, choose, referrers)
        jobs.append(Job(wish, stores))
    return jobs


def run_copy(
    app: App,
    plans: Sequence[PairPlan],
    work: Sequence[Job],
    journal: Journal,
    options: CopyOptions,
    opener: Opener,
) -> CopyResult:
    """Copy with progress on screen; Ctrl-C stops it and keeps the state."""

    def pulls() -> tuple[int, int | None]:
        return opener.traffic("source").pulls, None

    run = CopyRun(plans, stores_of(work), journal, options, pulls)
    events = run.events()
    while True:
        try:
            event = next(events, None)
        except KeyboardInterrupt:
            run.interrupt()
            continue
        if event is None:
            break
        app.output.show(event)
    assert run.result is not None  # noqa: S101 - events() ended
    return run.result


def show_plan(app: App, plans: Sequence[PairPlan]) -> None:
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
    app.output.result(document, lines)


def finish(app: App, result: CopyResult, opener: Opener) -> None:
    """The answer of a copy, then the exit code it deserves."""
    source, target = opener.traffic("source"), opener.traffic("target")
    document = copy_document(result, source, target)
    error = why_unfinished(result)
    if error is not None:
        document["error"] = {"code": error.code, "message": error.what, "hint": error.hint}
    app.output.result(document, copy_lines(document))
    if error is not None:
        if not app.output.machine:
            app.output.error(error)
        click.get_current_context().exit(error.exit_code)


def copy_lines(document: dict) -> list[str]:  # type: ignore[type-arg]
    """The answer as text."""
    tags, blobs = document["tags"], document["blobs"]
    return [
        tr("tags      {tags}", tags=", ".join(f"{n} {name}" for name, n in tags.items() if n)),
        tr("manifests {count} copied", count=document["manifests"]["copied"]),
        tr("blobs     {blobs}", blobs=", ".join(f"{n} {name}" for name, n in blobs.items() if n)),
        tr(
            "bytes     {bytes} in {seconds} s, {pulls} pulls",
            bytes=document["bytes"],
            seconds=document["seconds"],
            pulls=document["source"]["pulls"],
        ),
    ]
