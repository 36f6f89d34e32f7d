"""`longshore monitor publish`: computes the metrics that AWS lacks, and puts them. I/O.

Everything is counted before anything is put, and the heartbeat is put last; a repository that
could not be read stops the run, since a sum without it would be wrong. What was counted is kept,
so that the same command goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from longshore.cli.files import refuse_existing, write_file
from longshore.cli.frame import App, command
from longshore.cli.monitor_run import Watch, some
from longshore.cli.typeset import moment, size, table
from longshore.errors import PartialError
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.facts import MetricValue
    from longshore.watch.inventory import InventoryOptions, Unreadable
    from longshore.watch.memory import Memory
    from longshore.watch.metrics import RepositoryCount


@command(
    "publish",
    help=tr(
        "Counts storage, images, backups and findings of all repositories, and puts them into "
        "CloudWatch as metrics of the namespace Longshore/ECR, with a heartbeat; for a schedule, "
        "once an hour. One set for the registry, or with --per-repository one for each repository "
        "too: each metric is billed. --openmetrics writes them for Prometheus instead. Stopped, "
        "the same command goes on."
    ),
    examples=[
        "longshore monitor publish --dry-run",
        "longshore monitor publish --yes",
        "longshore monitor publish --openmetrics /var/lib/node_exporter/ecr.prom --per-repository",
    ],
)
@click.option("--openmetrics", "file", metavar="FILE", help=tr("for Prometheus instead; - prints"))
@click.option("--per-repository", is_flag=True, help=tr("also one set for each repository"))
@click.option(
    "--unique",
    is_flag=True,
    help=tr("also count shared layers once; reads each manifest once, which ECR counts as a pull"),
)
@click.option(
    "--newest",
    type=click.IntRange(0, 1000),
    default=5,
    metavar="N",
    help=tr("read scans of so many images a repository besides those that run (default: 5)"),
)
@click.option("--region", metavar="REGION", help=tr("the AWS Region, if not the target's"))
@click.option("--dry-run", is_flag=True, help=tr("only show what would be put"))
def publish(
    app: App,
    file: str | None,
    per_repository: bool,
    unique: bool,
    newest: int,
    region: str | None,
    dry_run: bool,
) -> None:
    from longshore.watch.inventory import InventoryOptions
    from longshore.watch.metrics import metrics_of
    from longshore.watch.openmetrics import render

    if file not in (None, "-"):
        refuse_existing([Path(str(file))], force=True)
    watch = Watch(app, region)
    with watch.open_memory() as memory:
        counts = _counted(watch, memory, InventoryOptions(unique, newest))
        registry = watch.target.endpoint.account
        values = metrics_of(counts, registry, watch.now, per_repository=per_repository)
        if file == "-" and not app.output.machine:
            app.output.text(render(values))
        elif file not in (None, "-"):
            write_file(Path(str(file)), render(values))
        requests = 0
        if file is None and not dry_run:
            requests = _put(watch, values)
        if not dry_run:
            memory.forget_counts()
    if file != "-" or app.output.machine:
        _tell(watch, counts, values, file, requests, dry_run)


def _counted(watch: Watch, memory: Memory, options: InventoryOptions) -> list[RepositoryCount]:
    """The numbers of all repositories; those of a run that was stopped are taken over."""
    from longshore.watch.contents import Contents
    from longshore.watch.metrics import count

    key = f"unique={options.unique} newest={options.newest}"
    names = list(watch.repositories)
    known = memory.counts(key, watch.now)
    found = {name: known[name] for name in names if name in known}
    if found:
        watch.app.output.say(tr("{count} repositories were counted already", count=len(found)))
    missed: list[Unreadable] = []
    inventory = watch.inventory(memory, options)
    for one in inventory.read_all([name for name in names if name not in found]):
        if isinstance(one, Contents):
            found[one.repository] = count(one, watch.now)
            memory.keep_count(key, found[one.repository], watch.now)
            watch.app.output.detail(f"{one.repository} ({len(found)}/{len(names)})")
        elif not one.is_gone:
            missed.append(one)
    if missed:
        raise PartialError(
            tr(
                "{count} repositories could not be read ({names}): {why}; nothing was put",
                count=len(missed),
                names=some([one.repository for one in missed]),
                why=missed[0].why,
            ),
            tr("give the role what `longshore iam policy monitor '*'` prints, then run it again"),
            code="monitor-unread",
        )
    return [found[name] for name in sorted(found)]


def _put(watch: Watch, values: Sequence[MetricValue]) -> int:
    """Ask, then put; how many requests that took."""
    from longshore.remote.metrics import Metrics
    from longshore.watch.metrics import NAMESPACE, monthly_usd

    metrics = len({(one.name, one.dimensions) for one in values})
    question = tr(
        "Put {count} metrics into {namespace}? They cost at most ${usd} a month",
        count=metrics,
        namespace=NAMESPACE,
        usd=f"{monthly_usd(values):.2f}",
    )
    watch.app.output.confirm(question)
    return Metrics(watch.target.session).put(NAMESPACE, values)


def _tell(
    watch: Watch,
    counts: Sequence[RepositoryCount],
    values: Sequence[MetricValue],
    file: str | None,
    requests: int,
    dry_run: bool,
) -> None:
    from longshore.watch.metrics import NAMESPACE, monthly_usd, total

    whole = total(counts)
    put = 0 if dry_run or file is not None else len(values)
    document = {
        "schema": "longshore.monitor.publish/1",
        "namespace": NAMESPACE,
        "at": moment(watch.now),
        "dry_run": dry_run,
        "file": file,
        "put": put,
        "requests": requests,
        "monthly_usd": monthly_usd(values),
        "total": {key: value for key, value in asdict(whole).items() if key != "repository"},
        "repositories": [asdict(one) for one in counts],
        "metrics": [
            {
                "name": one.name,
                "value": one.value,
                "unit": one.unit,
                "dimensions": dict(one.dimensions),
            }
            for one in values
        ],
    }
    lines = [*_lines(whole, len(counts)), "", _outcome(file, put, len(values))]
    watch.app.output.result(
        document, lines, place=watch.target.place, next=_next(file, dry_run=dry_run)
    )


def _next(file: str | None, *, dry_run: bool) -> str:
    return "longshore monitor publish --yes" if dry_run and file is None else ""


def _outcome(file: str | None, put: int, count: int) -> str:
    if file is not None:
        return tr("wrote {file}", file=file)
    if put:
        return tr("put {count} values", count=put)
    return tr("{count} values would be put; nothing was (--dry-run)", count=count)


def _lines(whole: RepositoryCount, repositories: int) -> list[str]:
    unknown = tr("not known")
    unique = tr("not read (--unique)") if whole.unique_bytes is None else size(whole.unique_bytes)
    rows = [
        (tr("repositories"), repositories),
        (tr("images"), whole.images),
        (tr("backups"), whole.backups),
        (tr("storage, layers counted with each image"), size(whole.logical_bytes)),
        (tr("storage, shared layers counted once"),
         tr("at most {size}", size=unique) if whole.at_most else unique),
        (tr("critical findings"), unknown if whole.critical is None else whole.critical),
        (tr("high findings"), unknown if whole.high is None else whole.high),
        (tr("scans that did not end"),
         unknown if whole.scans_unfinished is None else whole.scans_unfinished),
    ]  # fmt: skip
    lines = table([tr("METRIC"), tr("VALUE")], rows, right=[1])
    if whole.images_left_out:
        lines.append(
            tr(
                "scans of {count} more images were not looked at (--newest says how many are)",
                count=whole.images_left_out,
            )
        )
    return lines
