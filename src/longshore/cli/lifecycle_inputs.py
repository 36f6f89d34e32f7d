"""What the lifecycle commands look at: images, a policy for them, a moment, readings. I/O.

    @lifecycle.command("lint", help=..., examples=[...])
    @click.argument("names", nargs=-1)
    @with_inputs
    def lint(app: App, names: tuple[str, ...], asked: Asked) -> None:
        seen = gather(app, asked, names)
        for one in seen.subjects: ...

Images come from a saved listing or from repositories of the target; the policy from a file, a
preset, longshore.yaml, or the repository itself, in this order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.lifecycle_images import from_the_future, read_images, read_listing
from longshore.cli.lifecycle_policies import (
    Chosen,
    is_same_policy,
    no_policy,
    of_config,
    of_file,
    of_preset,
    of_repository,
)
from longshore.cli.lifecycle_readings import parse_readings
from longshore.cli.moments import parse_moment
from longshore.cli.output import Place
from longshore.errors import UsageError
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.grammar import Policy
from longshore.policy.lifecycle.readings import Readings, as_pairs
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config


Maker = Callable[[datetime], tuple[tuple[ImageSeen, ...], tuple[str, ...]]]


@dataclass(frozen=True)
class Asked:
    """The shared options as they were typed."""

    policy: str | None = None
    preset: str | None = None
    in_force: bool = False
    images: str | None = None
    at: str | None = None
    reading: tuple[str, ...] = ()
    read_indexes: bool = False
    region: str | None = None


@dataclass(frozen=True)
class Subject:
    """A repository, or a saved listing, with the policy that is asked about.

    `chosen` is None where there is no policy and the command can do without one; `remarks` are
    what a reader has to know about the images.
    """

    name: str
    images: tuple[ImageSeen, ...]
    chosen: Chosen | None
    remarks: tuple[str, ...] = ()

    @property
    def policy(self) -> Policy:
        """The policy to judge; one without rules when there is none."""
        return self.chosen.policy if self.chosen else Policy(())


@dataclass(frozen=True)
class Inputs:
    """All that a lifecycle command was given. `target` is None for saved listings."""

    subjects: tuple[Subject, ...]
    now: datetime
    at: datetime
    readings: Readings
    target: wiring.OpenTarget | None = None
    config: Config | None = field(default=None, repr=False)

    @property
    def place(self) -> Place | None:
        """What answers about a live repository head with."""
        return self.target.place if self.target else None

    @property
    def readings_json(self) -> dict[str, str]:
        """The key `readings` of an answer."""
        return as_pairs(self.readings)


_OF_POLICY = (
    click.option("--policy", metavar="FILE", help=tr("a file with ECR's policy text; - is stdin")),
    click.option("--preset", type=click.Choice(["standard"]), help=tr("a policy of ours")),
    click.option("--in-force", is_flag=True, help=tr("the repository's own policy, as it is now")),
)
_OF_IMAGES = (
    click.option(
        "--images",
        metavar="FILE",
        help=tr("a saved `aws ecr describe-images` instead of a repository; - is stdin"),
    ),
    click.option("--at", metavar="TIME", help=tr("when: 2026-12-24T09:00:00Z, or +30d, +12h")),
    click.option(
        "--reading",
        multiple=True,
        metavar="NAME=CHOICE",
        help=tr("how to read what ECR's documents leave open"),
    ),
    click.option(
        "--read-indexes",
        is_flag=True,
        help=tr("read what indexes contain even if that renews their pull times"),
    ),
    click.option("--region", metavar="REGION", help=tr("the AWS Region, if not the target's")),
)


def with_inputs(function: Callable[..., None]) -> Callable[..., None]:
    """The options of policy and images; the command gets them as one argument, `asked`."""
    return _with(function, (*_OF_POLICY, *_OF_IMAGES))


def with_images(function: Callable[..., None]) -> Callable[..., None]:
    """The options of images alone, for a command that is told its policies otherwise."""
    return _with(function, _OF_IMAGES)


def _with(function: Callable[..., None], options: Sequence[Any]) -> Callable[..., None]:
    @functools.wraps(function)
    def run(app: App, **values: Any) -> None:
        mine = {name: values.pop(name) for name in Asked.__dataclass_fields__ if name in values}
        function(app, asked=Asked(**mine), **values)

    decorated: Callable[..., None] = run
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def gather(
    app: App,
    asked: Asked,
    names: Sequence[str] = (),
    *,
    every: bool = False,
    needs_policy: bool = True,
    make: Maker | None = None,
    policies: Sequence[Policy] = (),
) -> Inputs:
    """Images and policy of each repository named (`every`: of all), or of a saved listing.

    With --images one name may be given: the repository of longshore.yaml whose policy is meant.
    `make` makes images up, given the end of their history: a told --at, else last midnight.
    With `policies` the images are read for these, and none is looked for.
    Raises UsageError, FileError, AwsError, PolicyRefused.
    """
    _check(asked, names, every, make is not None)
    readings = parse_readings(asked.reading)
    if make is not None or asked.images is not None:
        return _saved(app, asked, names, make, readings, needs_policy=needs_policy)
    config = wiring.find_config(app.settings, app.environ)
    target = wiring.open_target(app.settings, app.environ, region=asked.region)
    now = wiring.target_now(target)
    if every:
        names = sorted(seen.name for seen in target.ecr.describe_repositories())
    inputs = Inputs((), now, _at(asked, now), readings, target, config)
    unique = dict.fromkeys(names)
    wanted = needs_policy and not every
    subjects = tuple(_live(inputs, asked, name, wanted, policies) for name in unique)
    return replace(inputs, subjects=subjects)


def choose_policy(
    asked: Asked, name: str, config: Config | None, target: wiring.OpenTarget | None
) -> Chosen | None:
    """The policy that is meant: the flags', else longshore.yaml's, else the repository's own."""
    if asked.policy is not None:
        return of_file(asked.policy)
    if asked.preset is not None:
        return of_preset(asked.preset, config)
    found = of_config(config, name) if config is not None and not asked.in_force else None
    if found is None and target is not None:
        return of_repository(target, name)
    return found


def _live(
    inputs: Inputs, asked: Asked, name: str, needs_policy: bool, policies: Sequence[Policy]
) -> Subject:
    target = inputs.target
    assert target is not None  # noqa: S101
    chosen = None if policies else choose_policy(asked, name, inputs.config, target)
    if chosen is None and needs_policy:
        raise no_policy(name)
    rules = tuple(rule for one in policies for rule in one.rules)
    policy = chosen.policy if chosen else Policy(rules)
    images, remarks = read_images(target, name, policy, read_indexes=asked.read_indexes)
    other = _other_policy(target, name, chosen)
    return Subject(name, images, chosen, (*other, *remarks, *from_the_future(images, inputs.at)))


def _other_policy(target: wiring.OpenTarget, name: str, chosen: Chosen | None) -> tuple[str, ...]:
    """What to know when longshore.yaml's policy is judged and another one is in force."""
    if chosen is None or chosen.kind != "config":
        return ()
    text = target.ecr.get_lifecycle_policy(name)
    if text is None:
        return (tr("no policy is in force at {name} yet; this one would be", name=name),)
    if is_same_policy(text, chosen.text):
        return ()
    return (
        tr(
            "another policy is in force at {name}: compare with `longshore lifecycle diff "
            "live:{name} config:{name}`, or judge that one with --in-force",
            name=name,
        ),
    )


def _saved(
    app: App,
    asked: Asked,
    names: Sequence[str],
    make: Maker | None,
    readings: Readings,
    *,
    needs_policy: bool,
) -> Inputs:
    """Images of a listing, or made up; the policy first, for it is the quicker to be wrong."""
    config = None if asked.policy is not None else wiring.find_config(app.settings, app.environ)
    now = datetime.now(UTC)
    if make is not None:
        now = now.replace(hour=0, minute=0, second=0, microsecond=0)
        now = _at(asked, now) if asked.at and asked.at[0] not in "+-" else now
    at, shown = _at(asked, now), _shown(asked)
    chosen = choose_policy(asked, names[0] if names else "", config, None)
    if chosen is None and needs_policy:
        raise no_policy(names[0] if names else shown)
    images, remarks = make(now) if make else read_listing(asked.images or "")
    remarks = (*remarks, *from_the_future(images, at))
    subject = Subject(names[0] if names else shown, images, chosen, remarks)
    return Inputs((subject,), now, at, readings, None, config)


def _shown(asked: Asked) -> str:
    if asked.images is None:
        return tr("invented images")
    return tr("standard input") if asked.images == "-" else asked.images


def _at(asked: Asked, now: datetime) -> datetime:
    return parse_moment(asked.at, now) if asked.at else now


def check_together(asked: Asked, names: Sequence[str], every: bool) -> None:
    """Raise UsageError for inputs that do not go together."""
    if sum((asked.policy is not None, asked.preset is not None, asked.in_force)) > 1:
        raise _both(tr("--policy, --preset and --in-force exclude each other"))
    if asked.policy == "-" and asked.images == "-":
        raise _both(tr("only one of --policy and --images can be standard input"))
    if asked.images is not None and (every or asked.in_force or len(names) > 1):
        raise _both(tr("--images is a saved listing; it does not go with repositories"))
    if every and names:
        raise _both(tr("--all means every repository; name none beside it"))


def _check(asked: Asked, names: Sequence[str], every: bool, made: bool) -> None:
    check_together(asked, names, every)
    if made and (asked.in_force or len(names) > 1):
        raise _both(tr("invented images do not go with repositories"))
    if asked.images is None and not names and not every and not made:
        raise UsageError(
            tr("it is not said which images to look at"),
            tr("name a repository, or a saved listing with --images FILE"),
            code="usage",
        )


def _both(what: str) -> UsageError:
    return UsageError(what, tr("leave one of them out"), code="usage")
