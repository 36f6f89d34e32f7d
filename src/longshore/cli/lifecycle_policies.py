"""Where a lifecycle policy comes from: a file, a preset, longshore.yaml, or the repository. I/O.

Every command that judges a policy finds it here, and says where it found it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from longshore.cli import wiring
from longshore.cli.files import read_at_most
from longshore.cli.frame import App
from longshore.errors import FileError, UsageError, Where
from longshore.policy.lifecycle.grammar import Policy, find_size_flaws, parse_policy
from longshore.policy.lifecycle.preset import canonical_text
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config

_MAX_BYTES = 1024 * 1024
Kind = Literal["file", "preset", "config", "repository"]


@dataclass(frozen=True)
class Chosen:
    """A policy, its text as it was found, and where that was, in words.

    `notes` say what a policy of ours cannot do, or who does it instead.
    """

    text: str
    policy: Policy
    kind: Kind
    source: str
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The key `policy` of an answer."""
        return {
            "from": self.kind,
            "source": self.source,
            "rules": len(self.policy.rules),
            "notes": list(self.notes),
        }

    def as_line(self) -> str:
        """`policy: standard preset, 12 rules`."""
        rules = len(self.policy.rules)
        if rules == 1:
            return tr("policy: {source}, 1 rule", source=self.source)
        return tr("policy: {source}, {count} rules", source=self.source, count=rules)


def of_file(name: str) -> Chosen:
    """The policy of a file; `-` is standard input. Raises FileError, PolicyRefused."""
    text = read_text(name, tr("name a file with ECR's lifecycle policy text"))
    source = tr("standard input") if name == "-" else name
    policy = parse_policy(text, source)
    flaws = find_size_flaws(canonical_text(json.loads(text)))
    notes = tuple(tr("ECR refuses this policy: {why}", why=flaw.detail) for flaw in flaws)
    return Chosen(text, policy, "file", source, notes)


def of_preset(name: str = "standard", config: Config | None = None) -> Chosen:
    """A policy of ours, for the branches and markers of longshore.yaml when there is one."""
    from longshore.policy.lifecycle.compile import compile_standard
    from longshore.policy.lifecycle.preset import DEFAULT

    families = DEFAULT
    if config is not None:
        from longshore.provision.desired import families_of

        families = families_of(config.tags, config.ci)
    made = compile_standard(families)
    text, source = made.text or "", tr("preset {name}", name=name)
    return Chosen(text, parse_policy(text, source), "preset", source, made.notes)


def of_config(config: Config, repository: str) -> Chosen | None:
    """What longshore.yaml wants for the repository; None when it says nothing of it."""
    from longshore.provision.desired import compile_repository
    from longshore.provision.policy_files import read_policy_files

    files = read_policy_files(config, Path(config.filename).parent)
    made = compile_repository(config, repository, files)
    if made is None or made.text is None:
        return None
    source = tr("{file}, repository {name}", file=config.filename, name=repository)
    return Chosen(made.text, parse_policy(made.text, source), "config", source, made.notes)


def of_repository(target: wiring.OpenTarget, repository: str) -> Chosen | None:
    """The policy that is in force at the repository; None when there is none."""
    text = target.ecr.get_lifecycle_policy(repository)
    if text is None:
        return None
    source = tr("in force at {name}", name=repository)
    return Chosen(text, parse_policy(text, source), "repository", source)


def _none_at(repository: str) -> Chosen:
    """A repository without a policy: nothing goes, and that can be compared too."""
    source = tr("no policy at {name}", name=repository)
    return Chosen('{"rules":[]}', Policy(()), "repository", source)


def of_words(app: App, words: str, region: str | None = None) -> Chosen:
    """A policy as `diff` names it: FILE, `-`, preset:NAME, config:REPOSITORY, live:REPOSITORY.

    Raises UsageError when there is none.
    """
    kind, colon, name = words.partition(":")
    if not colon or kind not in ("preset", "config", "live") or Path(words).exists():
        return of_file(words)
    if kind == "preset":
        from longshore.policy.lifecycle.preset import PRESETS

        if name not in PRESETS:
            raise UsageError(
                tr("there is no preset '{name}'", name=name),
                tr("choose one of: {names}", names=", ".join(PRESETS)),
                code="no-policy",
            )
        return of_preset(name, wiring.find_config(app.settings, app.environ))
    found: Chosen | None
    if kind == "config":
        found = of_config(wiring.need_config(app.settings, app.environ), name)
    else:
        target = wiring.open_target(app.settings, app.environ, region=region)
        found = of_repository(target, name) or _none_at(name)
    if found is None:
        raise UsageError(
            tr("there is no lifecycle policy for {name}", name=words),
            tr("name another: a file, preset:standard, config:NAME or live:NAME"),
            code="no-policy",
            where=Where(resource=words),
        )
    return found


def is_same_policy(text: str, other: str) -> bool:
    """Whether two texts are the same document."""
    try:
        return bool(json.loads(text) == json.loads(other))
    except (ValueError, RecursionError):
        return text == other


def no_policy(name: str) -> UsageError:
    """Nothing says which policy to judge."""
    return UsageError(
        tr("there is no lifecycle policy for {name}", name=name),
        tr("name one: --policy FILE, or --preset standard"),
        code="no-policy",
        where=Where(resource=name),
    )


def read_text(name: str, hint: str, most: int = _MAX_BYTES) -> str:
    """The text of a file, or of standard input for `-`. Raises FileError."""
    shown = tr("standard input") if name == "-" else name
    try:
        content = sys.stdin.buffer.read(most + 1) if name == "-" else read_at_most(name, most + 1)
        if len(content) > most:
            raise _unreadable(shown, tr("it is larger than {most} bytes", most=most), hint)
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else tr("it is not UTF-8 text")
        raise _unreadable(shown, str(why), hint) from None


def _unreadable(name: str, why: str, hint: str) -> FileError:
    return FileError(
        tr("{file} cannot be read: {why}", file=name, why=why), hint, where=Where(file=name)
    )
