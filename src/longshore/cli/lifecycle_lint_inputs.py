"""What `lifecycle lint` looks at: policy texts, images, the tag strategy. I/O.

Other lifecycle commands need a policy that ECR takes; lint reads the text as it stands, for what is
wrong with it is what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.lifecycle_images import from_the_future, read_images, read_listing
from longshore.cli.lifecycle_inputs import Asked, check_together
from longshore.cli.lifecycle_policies import no_policy, of_config, of_preset, read_text
from longshore.cli.lifecycle_readings import parse_readings
from longshore.cli.moments import parse_moment
from longshore.errors import AwsError, UsageError
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.grammar import Policy, find_flaws, parse_policy
from longshore.policy.lifecycle.lint_subject import Given
from longshore.policy.lifecycle.strategy import Strategy, strategy_of
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config

Kind = Literal["file", "preset", "config", "repository"]
StrategyChoice = Literal["standard", "none"]


@dataclass(frozen=True)
class PolicyText:
    """A policy as it stands. `is_file`: its lines are those of the file `source`."""

    text: str
    kind: Kind
    source: str
    is_file: bool = False


@dataclass(frozen=True)
class Looked:
    """One policy with what it is judged by. `policy` None: the repository has none.

    `images_of` says where the images came from, `strategy_of` the strategy; empty: none.
    """

    name: str
    policy: PolicyText | None
    given: Given
    images_of: str = ""
    strategy_of: str = ""
    remarks: tuple[str, ...] = ()

    def checked(self) -> list[dict[str, Any]]:
        """What was looked at, for the key `checked`."""
        found: list[dict[str, Any]] = []
        if self.policy is not None:
            found.append({"what": "policy", "source": self.policy.source})
        if self.given.images is not None:
            count = len(self.given.images)
            found.append({"what": "images", "source": self.images_of, "count": count})
        if self.given.strategy is not None:
            found.append({"what": "strategy", "source": self.strategy_of})
        return found


@dataclass(frozen=True)
class Missed:
    """A repository that could not be looked at, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Gathered:
    """All that is to be judged. `target` is None where nothing was asked of one."""

    looked: tuple[Looked, ...]
    missed: tuple[Missed, ...] = ()
    target: wiring.OpenTarget | None = None


def gather_texts(
    app: App, asked: Asked, names: Sequence[str], strategy: StrategyChoice | None, *, every: bool
) -> Gathered:
    """Policies and what each is judged by. Raises UsageError, ConfigError, FileError, AwsError."""
    _check(asked, names, every)
    config = wiring.find_config(app.settings, app.environ)
    made, made_of = _strategy(config, strategy)
    if asked.images is not None or (not names and not every):
        return Gathered(tuple(_offline(asked, names, config, made, made_of)))
    target = wiring.open_target(app.settings, app.environ, region=asked.region)
    now = wiring.target_now(target)
    at = parse_moment(asked.at, now) if asked.at else now
    if every:
        names = sorted(seen.name for seen in target.ecr.describe_repositories())
    reader = _Reader(asked, config, target, at, made, made_of)
    unique = tuple(dict.fromkeys(names))
    if len(unique) == 1 and not every:
        return Gathered((reader.look(unique[0]),), (), target)
    looked, missed = reader.look_at_all(unique)
    return Gathered(looked, missed, target)


def _strategy(config: Config | None, choice: StrategyChoice | None) -> tuple[Strategy | None, str]:
    """The tags that builds get, and where that is said; nothing where nobody says so."""
    from longshore.provision.tag_rules import tag_rules

    if choice == "none" or (choice is None and config is None):
        return None, ""
    branches = config.ci.branches if config is not None and config.ci else ()
    source = config.filename if config is not None else tr("the defaults")
    return strategy_of(tag_rules(config), branches), source


def _offline(
    asked: Asked,
    names: Sequence[str],
    config: Config | None,
    made: Strategy | None,
    made_of: str,
) -> Iterator[Looked]:
    """A policy that is told, or all of longshore.yaml; with a saved listing or without images."""
    now = datetime.now(UTC)
    at = parse_moment(asked.at, now) if asked.at else now
    told = _told(asked, config)
    texts = [told] if told else _of_config(config, names)
    if not texts and names:
        raise no_policy(names[0])
    if not texts:
        raise UsageError(
            tr("it is not said which policy to check"),
            tr("name one: --policy FILE, or --preset standard; or a repository"),
            code="no-policy",
        )
    if asked.images is not None and len(texts) > 1:
        raise UsageError(
            tr("it is not said of which repository {file} is a listing", file=asked.images),
            tr("name the repository too, or a policy with --policy"),
        )
    images: tuple[ImageSeen, ...] | None = None
    remarks: tuple[str, ...] = ()
    source = ""
    if asked.images is not None:
        images, remarks = read_listing(asked.images)
        remarks = (*remarks, *from_the_future(images, at))
        source = tr("standard input") if asked.images == "-" else asked.images
    given = Given(at, images, made, parse_readings(asked.reading))
    for name, policy in texts:
        yield Looked(name or policy.source, policy, given, source, made_of, remarks)


def _told(asked: Asked, config: Config | None) -> tuple[str, PolicyText] | None:
    """The policy that a flag names."""
    if asked.policy is not None:
        text = read_text(asked.policy, tr("name a file with ECR's lifecycle policy text"))
        source = tr("standard input") if asked.policy == "-" else asked.policy
        return "", PolicyText(text, "file", source, is_file=True)
    if asked.preset is not None:
        found = of_preset(asked.preset, config)
        return "", PolicyText(found.text, "preset", found.source)
    return None


def _of_config(config: Config | None, names: Sequence[str]) -> list[tuple[str, PolicyText]]:
    """What longshore.yaml wants for the repositories named, or for all of them."""
    if config is None:
        return []
    wanted = names or sorted(config.repositories)
    found = ((name, _config_text(config, name)) for name in wanted)
    return [(name, one) for name, one in found if one is not None]


def _config_text(config: Config, name: str) -> PolicyText | None:
    from longshore.provision.policy_files import read_policy_files

    settings = config.repositories.get(name)
    if settings is None or settings.lifecycle is None:
        return None
    file = settings.lifecycle.file
    if file is not None:
        folder = Path(config.filename).parent
        text = read_policy_files(config, folder)[file]
        return PolicyText(text, "config", str(folder / file), is_file=True)
    found = of_config(config, name)
    return PolicyText(found.text, "config", found.source) if found else None


@dataclass(frozen=True)
class _Reader:
    """Reads repositories of a target."""

    asked: Asked
    config: Config | None
    target: wiring.OpenTarget
    at: datetime
    made: Strategy | None
    made_of: str

    def look(self, name: str) -> Looked:
        """One repository with its policy and images. Raises AwsError."""
        policy = self._policy(name)
        rules = Policy(())
        if policy is not None and not find_flaws(policy.text):
            rules = parse_policy(policy.text)
        indexes = self.asked.read_indexes
        images, remarks = read_images(self.target, name, rules, read_indexes=indexes)
        remarks = (*remarks, *from_the_future(images, self.at))
        given = Given(self.at, images, self.made, parse_readings(self.asked.reading))
        return Looked(name, policy, given, name, self.made_of, remarks)

    def look_at_all(self, names: Sequence[str]) -> tuple[tuple[Looked, ...], tuple[Missed, ...]]:
        """Every repository that can be read, and those that cannot."""
        looked: list[Looked] = []
        missed: list[Missed] = []
        for name in names:
            try:
                looked.append(self.look(name))
            except AwsError as error:
                missed.append(Missed(name, error.what))
        return tuple(looked), tuple(missed)

    def _policy(self, name: str) -> PolicyText | None:
        if told := _told(self.asked, self.config):
            return told[1]
        if self.config is not None and not self.asked.in_force:
            found = _config_text(self.config, name)
            if found is not None:
                return found
        text = self.target.ecr.get_lifecycle_policy(name)
        if text is None:
            return None
        return PolicyText(text, "repository", tr("in force at {name}", name=name))


def _check(asked: Asked, names: Sequence[str], every: bool) -> None:
    check_together(asked, names, every)
    if asked.in_force and not names and not every:
        raise UsageError(
            tr("it is not said whose policy in force is meant"),
            tr("name a repository, or all of them with --all"),
        )
