"""`longshore monitor check`: the hourly sweep, with exit codes for a schedule. I/O.

0: nothing found; 3: findings; 1: no finding, but something could not be checked. What is not
looked at, by choice or for want of a setting, is said and changes no exit code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import click

from longshore.cli import wiring
from longshore.cli.frame import App, command
from longshore.cli.monitor_run import Watch
from longshore.cli.monitor_view import as_json, lines_of
from longshore.cli.scan_waivers import waivers_that_count
from longshore.errors import AwsError, FindingsError, LongshoreError
from longshore.facts import RepositorySeen
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.resources import LifecyclePolicy, Repository
    from longshore.watch.findings import AlertLimits, Before, Finding, Unchecked, Watched
    from longshore.watch.inventory import InventoryOptions
    from longshore.watch.memory import Memory

_CHECKED = "checked"
_THREADS = 8


@dataclass
class Sweep:
    """What one check came to."""

    findings: list[Finding] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    not_looked: list[str] = field(default_factory=list)
    repositories: int = 0


@command(
    "check",
    help=tr(
        "Looks at the whole registry, for a schedule: storage over alerts.storage_gb, a full "
        "repository, scans with too many findings, that failed, or did not end half an hour after "
        "the push, lifecycle policies and fixed tags that are not as longshore.yaml wants, "
        "policies that let everyone in, protected tags that are gone, missing backups, unusual "
        "numbers of pulls (alerts.pulls), a collector that stopped. Exit 3 with findings, 1 when "
        "something could not be checked. Changes nothing."
    ),
    examples=["longshore monitor check", "longshore monitor check --json --newest 20"],
)
@click.option(
    "--unique",
    is_flag=True,
    help=tr("count shared layers once; reads each manifest once, which ECR counts as a pull"),
)
@click.option(
    "--newest",
    type=click.IntRange(0, 1000),
    default=5,
    metavar="N",
    help=tr("read scans of so many images a repository besides those that run (default: 5)"),
)
@click.option("--region", metavar="REGION", help=tr("the AWS Region, if not the target's"))
def check(app: App, unique: bool, newest: int, region: str | None) -> None:
    from longshore.watch.findings import worst_first
    from longshore.watch.inventory import InventoryOptions

    watch = Watch(app, region)
    with watch.open_memory() as memory:
        sweep = _sweep(watch, memory, InventoryOptions(unique, newest))
    sweep.findings = worst_first(sweep.findings)
    first = sweep.findings[0].code if sweep.findings else ""
    app.output.result(
        as_json(sweep, watch.now),
        lines_of(sweep),
        place=watch.target.place,
        next=f"longshore explain {first}" if first else "",
    )
    _end(app, sweep)


def _sweep(watch: Watch, memory: Memory, options: InventoryOptions) -> Sweep:
    """Gather, judge, and remember how it is for the next time."""
    from longshore.watch.checks.protection import check_gone
    from longshore.watch.findings import read_before

    sweep = Sweep()
    before = {name: read_before(found) for name, found in memory.seen().items()}
    limits, notes = _limits(watch.app)
    sweep.not_looked += notes
    watched = list(_watched(watch, memory, options, before, sweep))
    sweep.repositories = len(watched)
    sweep.findings += check_gone(before, watch.repositories)
    _judge(watch, watched, limits, sweep)
    _judge_metrics(watch, memory, watched, limits, sweep)
    memory.keep_seen(watch.now, {one.name: one.now.as_document() for one in watched})
    memory.forget_seen(set(before) - set(watch.repositories))
    memory.note(_CHECKED, watch.now)
    return sweep


def _limits(app: App) -> tuple[AlertLimits, list[str]]:
    """The config's limits, and what is not looked at for want of them."""
    from longshore.watch.findings import AlertLimits

    config = wiring.find_config(app.settings, app.environ)
    rules, notes = waivers_that_count(app)
    if config is None:
        no_file = tr("storage and pulls: there is no longshore.yaml with alerts")
        return AlertLimits(rules=rules), [*notes, no_file]
    alerts = config.alerts
    most = tuple((name.upper(), number) for name, number in alerts.scan)
    if alerts.storage_gb is None:
        notes.append(tr("storage: alerts.storage_gb is not set"))
    if alerts.pulls_anomaly is None:
        notes.append(tr("pulls: alerts.pulls is not set"))
    rules = replace(rules, most=most) if most else rules
    return AlertLimits(alerts.storage_gb, rules, alerts.pulls_anomaly), notes


# --- gathering -----------------------------------------------------------------------------------


def _watched(
    watch: Watch,
    memory: Memory,
    options: InventoryOptions,
    before: dict[str, Before],
    sweep: Sweep,
) -> Iterator[Watched]:
    from longshore.watch.contents import Contents
    from longshore.watch.findings import Unchecked, Watched

    policies, repositories = _wanted(watch)
    settings = _with_policies(watch, sweep)
    missing = sorted(set(repositories) - set(watch.repositories))
    sweep.unchecked += [Unchecked(name, tr("there is no such repository")) for name in missing]
    for one in watch.inventory(memory, options).read_all(list(settings)):
        if isinstance(one, Contents):
            name = one.repository
            yield Watched(
                settings[name], one, before.get(name), repositories.get(name), policies.get(name)
            )
        elif not one.is_gone:
            sweep.unchecked.append(Unchecked(one.repository, one.why))


def _wanted(watch: Watch) -> tuple[dict[str, LifecyclePolicy], dict[str, Repository]]:
    """What longshore.yaml says of repositories, by name."""
    from pathlib import Path

    from longshore.provision.desired import desired
    from longshore.provision.policy_files import read_policy_files
    from longshore.provision.resources import LifecyclePolicy, Repository

    config = wiring.find_config(watch.app.settings, watch.app.environ)
    if config is None:
        return {}, {}
    files = read_policy_files(config, Path(config.filename).parent)
    found = desired(config, config.target(watch.app.settings.target), files).resources
    return (
        {one.name: one for one in found if isinstance(one, LifecyclePolicy)},
        {one.name: one for one in found if isinstance(one, Repository)},
    )


def _with_policies(watch: Watch, sweep: Sweep) -> dict[str, RepositorySeen]:
    """All repositories with the texts of their policies; a call for each text."""
    from longshore.watch.findings import Unchecked

    def read(seen: RepositorySeen) -> RepositorySeen | AwsError:
        try:
            lifecycle = watch.target.ecr.get_lifecycle_policy(seen.name)
            policy = watch.target.ecr.get_repository_policy(seen.name)
        except AwsError as error:
            if error.code not in ("access-denied", "repository-not-found"):
                raise
            return error
        return replace(seen, lifecycle_policy=lifecycle, repository_policy=policy)

    every = list(watch.repositories.values())
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(read, every))
    for seen, one in zip(every, found, strict=True):
        if isinstance(one, AwsError) and one.code == "access-denied":
            sweep.unchecked.append(Unchecked(seen.name, one.what))
    return {one.name: one for one in found if isinstance(one, RepositorySeen)}


# --- judging -------------------------------------------------------------------------------------


def _judge(watch: Watch, watched: Sequence[Watched], limits: AlertLimits, sweep: Sweep) -> None:
    """All checks of what ECR says."""
    from longshore.watch.checks import images, protection
    from longshore.watch.findings import Unchecked

    sweep.findings += images.check_storage(watched, limits)
    for one in watched:
        sweep.findings += images.check_quota(one)
        sweep.findings += images.check_backups(one)
        sweep.findings += images.check_scans(one, limits.rules, watch.now)
        sweep.findings += protection.check_lifecycle(one)
        sweep.findings += protection.check_mutability(one)
        sweep.findings += protection.check_protected(one)
        for found in protection.check_policy(one):
            if isinstance(found, Unchecked):
                sweep.unchecked.append(found)
            else:
                sweep.findings.append(found)
    rest, unread = images.left_out(watched)
    if rest:
        sweep.not_looked.append(tr("scans of {count} older images (--newest)", count=rest))
    if unread:
        sweep.not_looked.append(
            tr("scans of {count} indexes: reading them renews pull times, by which a lifecycle "
               "policy goes (--unique reads them)", count=unread)
        )  # fmt: skip


def _judge_metrics(
    watch: Watch, memory: Memory, watched: Sequence[Watched], limits: AlertLimits, sweep: Sweep
) -> None:
    """The checks of what CloudWatch says: pulls, when asked for, and the heartbeat."""
    from longshore.remote.metrics import Metrics
    from longshore.watch.checks import pulls
    from longshore.watch.findings import Unchecked

    times = limits.pulls_anomaly
    names = [one.name for one in watched] if times is not None else []
    asked = [pulls.heartbeat_of(watch.target.endpoint.account), *map(pulls.pulls_of, names)]
    end = pulls.whole_hour(watch.now)
    first = pulls.first_hour(watch.now, memory.noted(_CHECKED))
    try:
        beats, *series = Metrics(watch.target.session).read(
            asked, end - pulls.HISTORY, end + pulls.HOUR
        )
    except AwsError as error:
        if error.code != "access-denied":
            raise
        sweep.unchecked.append(Unchecked("CloudWatch", error.what))
        return
    if not beats:
        sweep.not_looked.append(tr("the collector: nobody runs `longshore monitor publish` yet"))
    sweep.findings += pulls.check_heartbeat(beats, watch.now)
    for name, points in zip(names, series, strict=True):
        closed = [one for one in points if one[0] < end]
        sweep.findings += pulls.check_pulls(name, closed, first, times or 0)


def _end(app: App, sweep: Sweep) -> None:
    error: LongshoreError | None = None
    if sweep.findings:
        count = len(sweep.findings)
        error = FindingsError(
            tr("1 finding") if count == 1 else tr("{count} findings", count=count),
            tr("`longshore explain CODE` says more about each"),
            code="monitor-findings",
        )
    elif sweep.unchecked:
        error = LongshoreError(
            tr("not everything could be checked"),
            tr("the answer names what, and why"),
            code="monitor-unchecked",
        )
    if error is None:
        return
    if app.output.machine:
        click.get_current_context().exit(error.exit_code)
    raise error
