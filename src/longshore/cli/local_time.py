"""`longshore local clock lifecycle`: the servers' time, and the policies that run by it. I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from longshore.cli.frame import App
from longshore.cli.local_frame import (
    ask,
    folder_of,
    in_folder,
    in_same_folder,
    local,
    parse_duration,
)
from longshore.cli.moments import parse_moment
from longshore.cli.typeset import table
from longshore.errors import UsageError
from longshore.text import tr


@local.command(
    "clock",
    help=tr(
        "Shows or moves the servers' clock: tokens and uploads end, pull windows pass, images age, "
        "and lifecycle policies run, day after day. Going back brings no image back."
    ),
    examples=(
        "longshore local clock",
        "longshore local clock +2d",
        "longshore local clock --advance=-6h",
        "longshore local clock --to 2027-01-31T09:00:00Z",
        "longshore local clock --reset",
    ),
)
@click.argument("move", required=False, metavar="[+TIME]")
@click.option("--advance", "by", metavar="TIME", help=tr("90s, 15m, 6h or 2d; -6h goes back"))
@click.option("--to", "moment", metavar="TIME", help=tr("make it that time: 2027-01-31T09:00:00Z"))
@click.option("--reset", "back", is_flag=True, help=tr("back to real time"))
@in_folder
def clock(
    app: App,
    data_dir: Path | None,
    move: str | None,
    by: str | None,
    moment: str | None,
    back: bool,
) -> None:
    if sum((move is not None, by is not None, moment is not None, back)) > 1:
        raise UsageError(
            tr("the clock can be moved in one way at a time"),
            tr("give only one of +TIME, --advance, --to and --reset"),
            code="usage",
        )
    folder = folder_of(app, data_dir)
    question: dict[str, Any] = {"do": "clock", "reset": back}
    if by or move:
        question["advance"] = parse_duration(by or move or "")
    if moment:
        question["to"] = parse_moment(moment, _now(folder)).isoformat()
    answer = ask(folder, question)
    ran = answer["lifecycle"]
    document = {
        "schema": "longshore.local.clock/1",
        "now": answer["now"],
        "ahead_seconds": answer["ahead_seconds"],
        "lifecycle": ran,
    }
    app.output.result(document, [_time_line(answer), *_ran_lines(ran)])


@local.command(
    "lifecycle",
    help=tr(
        "When the lifecycle policies of the embedded ECR run, and what they did. Each runs by "
        "itself a day after it was put, and every day then; --run does it now."
    ),
    examples=(
        "longshore local lifecycle",
        "longshore local lifecycle --run",
        "longshore local lifecycle --run acme/shop",
        "longshore local lifecycle --records --json",
    ),
)
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option(
    "--run", "is_run", is_flag=True, help=tr("run them now; of all repositories, or these")
)
@click.option(
    "--records", is_flag=True, help=tr("the runs and previews that CloudTrail would show")
)
@in_folder
def lifecycle(
    app: App, data_dir: Path | None, repositories: tuple[str, ...], is_run: bool, records: bool
) -> None:
    question = {"do": "lifecycle", "run": is_run, "records": records, "repositories": repositories}
    answer = ask(folder_of(app, data_dir), question)
    document: dict[str, Any] = {"schema": "longshore.local.lifecycle/1"}
    document["policies"] = _chosen(answer["policies"], repositories)
    lines = [tr("EMBEDDED lifecycle policies"), *_policy_lines(document["policies"])]
    if is_run:
        document["ran"] = answer["ran"]
        lines += ["", *(_ran_lines(answer["ran"]) or [tr("no policy to run")])]
    if records:
        kept = [one for one in answer["records"] if _is_of(one, repositories)]
        document["records"] = kept
        lines += ["", *_record_lines(kept)]
    app.output.result(document, lines, next=in_same_folder("longshore local clock +1d", data_dir))


def _now(folder: Path) -> datetime:
    return datetime.fromisoformat(ask(folder, {"do": "clock"})["now"])


def _time_line(answer: Mapping[str, Any]) -> str:
    ahead = timedelta(seconds=round(answer["ahead_seconds"]))
    if ahead < timedelta():
        return tr("EMBEDDED clock: {now} ({behind} behind)", now=answer["now"], behind=-ahead)
    return tr("EMBEDDED clock: {now} ({ahead} ahead)", now=answer["now"], ahead=ahead)


def _ran_lines(ran: Iterable[Mapping[str, Any]]) -> list[str]:
    """What lifecycle policies did, a line for each repository."""
    expired: Counter[str] = Counter()
    archived: Counter[str] = Counter()
    for one in ran:
        expired[one["repository"]] += one["expired"]
        archived[one["repository"]] += one["archived"]
    return [
        tr(
            "lifecycle policy of {repository}: {expired} images expired, {archived} archived",
            repository=name,
            expired=expired[name],
            archived=archived[name],
        )
        for name in sorted(expired)
    ]


def _chosen(
    policies: Iterable[Mapping[str, Any]], repositories: tuple[str, ...]
) -> list[Mapping[str, Any]]:
    return [one for one in policies if not repositories or one["repository"] in repositories]


def _policy_lines(policies: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = [(one["repository"], one["last_run"] or "-", one["next_run"]) for one in policies]
    if not rows:
        return [tr("no repository has one")]
    return table([tr("REPOSITORY"), tr("LAST RUN"), tr("NEXT RUN")], rows)


def _is_of(record: Mapping[str, Any], repositories: tuple[str, ...]) -> bool:
    return not repositories or record["serviceEventDetails"]["repositoryName"] in repositories


def _record_lines(records: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = [
        (
            one["eventTime"],
            one["eventName"],
            one["serviceEventDetails"]["repositoryName"],
            len(one["serviceEventDetails"]["lifecycleEventImageActions"]),
        )
        for one in records
    ]
    return table([tr("TIME"), tr("EVENT"), tr("REPOSITORY"), tr("IMAGES")], rows)
