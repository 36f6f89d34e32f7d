"""`longshore lifecycle simulate`: what a policy would do, image by image, now or later. I/O."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from shlex import quote
from typing import Any

import click

from longshore.cli.frame import App, command
from longshore.cli.lifecycle_inputs import Asked, Inputs, Subject, gather, with_inputs
from longshore.cli.lifecycle_judged import Ahead, Judged, image_json, judged_json
from longshore.cli.lifecycle_preview import (
    Compared,
    compare_with_preview,
    compared_json,
    compared_lines,
)
from longshore.cli.lifecycle_timeline import bar_lines, levels, step_lines
from longshore.cli.lifecycle_view import head_lines, judged_lines, total_lines, when
from longshore.cli.moments import parse_length, parse_moment
from longshore.cli.output import is_terminal
from longshore.cli.typeset import moment, size
from longshore.errors import UsageError
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.comparison import doubts_of
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.forecast import Course, Fate, fates, fates_now, look_ahead
from longshore.policy.lifecycle.invented import ASSUMED_SIZE, Rate, parse_rates, pushes
from longshore.policy.lifecycle.readings import Readings, open_points
from longshore.text import tr

_MOST_WORK = 2_000_000  # images looked at when the open points are tried along a course
_AHEAD = timedelta(days=30)


@dataclass(frozen=True)
class Along:
    """The options of a look ahead, as they were typed."""

    rates: str | None = None
    until: str | None = None
    every: str = "1d"

    @property
    def is_wanted(self) -> bool:
        """Whether time is to be run along."""
        return self.rates is not None or self.until is not None


@command(
    "simulate",
    help=tr(
        "Shows what a lifecycle policy would do to each image, now or at another time; nothing is "
        "changed. Of repositories of the target, a saved `aws ecr describe-images`, or an invented "
        "history. The policy is the flags', else longshore.yaml's, else the repository's own. "
        "--push-rate and --until run the policy day after day and show when each image goes."
    ),
    examples=[
        "longshore lifecycle simulate shop",
        "longshore lifecycle simulate shop --preset standard --at +30d",
        "longshore lifecycle simulate --all",
        "longshore lifecycle simulate --images images.json --policy policy.json --json",
        "longshore lifecycle simulate shop --push-rate main=3/day --until +30d",
        "longshore lifecycle simulate --preset standard "
        "--invent 'main-*=2/day,v*=1/week,pr-*=5/day,untagged=10/day' --since 90d",
        "longshore lifecycle simulate shop --preview",
    ],
)
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option("--all", "every", is_flag=True, help=tr("every repository of the target"))
@with_inputs
@click.option(
    "--invent", "spec", metavar="RATES", help=tr("an invented history: main-*=2/day,untagged=9/day")
)
@click.option("--since", default="90d", metavar="TIME", help=tr("how long it goes back (90d)"))
@click.option("--push-rate", "rates", metavar="RATES", help=tr("what is pushed: main=3/day"))
@click.option("--until", metavar="TIME", help=tr("look ahead until then (with pushes: +30d)"))
@click.option("--every", "step", default="1d", metavar="TIME", help=tr("in such steps (1d)"))
@click.option("--preview", is_flag=True, help=tr("let ECR work it out too, and compare"))
def simulate(
    app: App,
    repositories: tuple[str, ...],
    every: bool,
    asked: Asked,
    spec: str | None,
    since: str,
    rates: str | None,
    until: str | None,
    step: str,
    preview: bool,
) -> None:
    along = Along(rates, until, step)
    if preview and (spec or asked.images or asked.at or along.is_wanted):
        raise UsageError(
            tr("--preview asks ECR about the images of a repository as they are now"),
            tr("leave --images, --invent, --at, --until and --push-rate out"),
        )
    if spec is not None:
        inputs = _invented(app, asked, repositories, spec, since, every=every)
    else:
        inputs = gather(app, asked, repositories, every=every)
    judged = [_judge(inputs, one, along, asked) for one in inputs.subjects]
    compared = [_preview(app, inputs, one) if preview else None for one in judged]
    _show(app, asked, inputs, judged, compared)


def _preview(app: App, inputs: Inputs, judged: Judged) -> Compared | None:
    """ECR's own word; None where there is no policy."""
    if judged.subject.chosen is None:
        return None
    verdicts = [one.verdict for one in judged.fates]
    return compare_with_preview(app, inputs, judged.subject, verdicts)


def _invented(
    app: App, asked: Asked, names: Sequence[str], spec: str, since: str, *, every: bool
) -> Inputs:
    """Inputs whose images are invented; the history ends at a told --at, else last midnight."""
    if asked.images is not None or every:
        raise UsageError(
            tr("--invent makes up the images; it goes with neither --images nor --all"),
            tr("leave one of them out"),
        )

    def make(now: datetime) -> tuple[tuple[ImageSeen, ...], tuple[str, ...]]:
        start = now - parse_length(since)
        made = pushes(parse_rates(spec), start, now)
        remark = tr(
            "the images are invented, pushed since {day}, each taken as {size}",
            day=f"{start:%Y-%m-%d}",
            size=size(ASSUMED_SIZE),
        )
        return made, (remark,)

    return gather(app, asked, names, make=make)


def _judge(inputs: Inputs, subject: Subject, along: Along, asked: Asked) -> Judged:
    images, policy, readings = subject.images, subject.policy, inputs.readings
    points = open_points(policy, images)
    if not along.is_wanted:
        mine = evaluate(policy, images, inputs.at, readings).verdicts

        def verdicts(other: Readings) -> Any:
            return evaluate(policy, images, inputs.at, other).verdicts

        doubts = doubts_of(verdicts, mine, readings, points)
        return Judged(subject, readings, fates_now(mine, inputs.at), doubts)
    course = _course(inputs, along, asked)
    rates = _rates(along, images)
    arriving = pushes(rates, course.start, course.until, images)

    def run(other: Readings) -> tuple[Fate, ...]:
        return fates(images, look_ahead(policy, images, course, arriving, other))

    forecast = look_ahead(policy, images, course, arriving, readings)
    found = fates(images, forecast)
    work = (len(images) + len(arriving)) * len(course.moments()) * len(points)
    untried = work > _MOST_WORK
    doubts = doubts_of(
        lambda other: [one.verdict for one in run(other)],
        [one.verdict for one in found],
        readings,
        () if untried else points,
    )
    return Judged(subject, readings, found, doubts, Ahead(course, forecast, rates, untried))


def _course(inputs: Inputs, along: Along, asked: Asked) -> Course:
    """From now (or --at) until --until; with --at alone, until that."""
    every = parse_length(along.every)
    if along.until is not None:
        course = Course(inputs.at, parse_moment(along.until, inputs.at), every)
    elif asked.at is not None and inputs.at > inputs.now:
        course = Course(inputs.now, inputs.at, every)
    else:
        course = Course(inputs.at, inputs.at + _AHEAD, every)
    course.moments()
    return course


def _rates(along: Along, images: Sequence[ImageSeen]) -> tuple[Rate, ...]:
    if along.rates is None:
        return ()
    return parse_rates(along.rates, images)


def _show(
    app: App,
    asked: Asked,
    inputs: Inputs,
    judged: Sequence[Judged],
    compared: Sequence[Compared | None],
) -> None:
    several = len(judged) != 1
    document: dict[str, Any] = {
        "schema": "longshore.lifecycle.simulate/1",
        "at": moment(_end(inputs, judged)),
        "images": [
            {**({"repository": one.subject.name} if inputs.target else {}), **image_json(fate)}
            for one in judged
            if app.output.machine  # the screen needs none of them, and there may be many
            for fate in one.fates
        ],
    }
    parts = [
        {**judged_json(one), **({"preview": compared_json(beside)} if beside else {})}
        for one, beside in zip(judged, compared, strict=True)
    ]
    if several:
        names = [one.subject.name for one in judged]
        document["repositories"] = [
            {"repository": name, **part} for name, part in zip(names, parts, strict=True)
        ]
    else:
        document |= parts[0]
    lines = _lines(app, inputs, judged)
    for beside in compared:
        lines += compared_lines(beside, verbose=app.settings.verbose) if beside else []
    app.output.result(document, lines, place=inputs.place, next=_next(inputs, judged, asked))


def _next(inputs: Inputs, judged: Sequence[Judged], asked: Asked) -> str:
    """To look closer at the first image that goes."""
    going = ((one, fate) for one in judged for fate in one.fates if fate.verdict.action != "keep")
    one, fate = next(going, (None, None))
    if one is None or fate is None:
        return ""
    tag, digest = next(iter(fate.image.tags), ""), fate.image.digest[:19]
    if inputs.target is not None:
        which = f":{tag}" if tag else f"@{digest}"
        return f"longshore lifecycle explain {one.subject.name}{which}"
    if not asked.images or "-" in (asked.images, asked.policy):
        return ""
    policy = f"--policy {quote(asked.policy)}" if asked.policy else ""
    policy = policy or (f"--preset {asked.preset}" if asked.preset else "")
    if not policy:
        return ""
    return f"longshore lifecycle explain {tag or digest} {policy} --images {quote(asked.images)}"


def _end(inputs: Inputs, judged: Sequence[Judged]) -> datetime:
    """The moment that the verdicts are of."""
    ahead = judged[0].ahead if judged else None
    return ahead.course.until if ahead else inputs.at


def _lines(app: App, inputs: Inputs, judged: Sequence[Judged]) -> list[str]:
    lines = [_time_line(inputs, judged)]
    if len(judged) != 1:
        lines += total_lines(judged) if judged else [tr("there is no repository yet")]
        if not app.settings.verbose:
            return lines
    columns = _columns()
    for one in judged:
        lines += [""] if len(judged) > 1 else []
        lines += head_lines(one)
        if one.ahead is not None:
            forecast, bars = one.ahead.forecast, levels(getattr(sys.stdout, "encoding", None))
            policy, whole = one.subject.policy, app.settings.verbose
            lines += ["", *step_lines(forecast, policy, columns, whole=whole)]
            lines += ["", *bar_lines(forecast, columns, bars)]
        lines += judged_lines(one, verbose=app.settings.verbose)
    return lines


def _time_line(inputs: Inputs, judged: Sequence[Judged]) -> str:
    ahead = judged[0].ahead if judged else None
    if ahead is None:
        return when(inputs.at, inputs.now)
    course = ahead.course
    return tr(
        "from {start} to {end} UTC, the policy run every {hours} hours",
        start=f"{course.start:%Y-%m-%d %H:%M}",
        end=f"{course.until:%Y-%m-%d %H:%M}",
        hours=f"{course.every.total_seconds() / 3600:g}",
    )


def _columns() -> int:
    """How wide the table may be: the terminal's width, or a page's."""
    import shutil

    return shutil.get_terminal_size((100, 24)).columns if is_terminal(sys.stdout) else 100
