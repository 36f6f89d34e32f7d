"""Retention of other registries as an ECR policy, prune rules, and what is lost. Pure.

Other registries say which tags stay; the rest goes. Where something cannot be said here, what it
was about stays: an import never deletes what the other registry would have kept.

Their patterns are regular expressions or shell patterns, ours know `*` only. A pattern becomes one
or several of ours; where that is not exact, ours match more (`Globs.exact` says so).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from longshore.errors import UsageError, Where
from longshore.policy.lifecycle.preset import (
    PROTECTED,
    Rule,
    keep_for,
    keep_newest,
    numbered,
    protecting,
    untagged,
)
from longshore.policy.lifecycle.pruning import PruneRule
from longshore.text import tr

_DAY = timedelta(days=1)
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|s|m|h|d|w)")
_SECONDS: dict[str, float] = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
}


@dataclass(frozen=True)
class Lost:
    """Something that could not be carried over, or not exactly: what it was, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Imported:
    """What an import gives."""

    prune: tuple[PruneRule, ...] = ()
    untagged_days: int | None = None
    lost: tuple[Lost, ...] = ()

    @property
    def native(self) -> Rule | None:
        """The one rule that ECR can do as well: one limit for all tags."""
        if len(self.prune) != 1:
            return None
        (rule,) = self.prune
        if rule.patterns != ("*",) or rule.excluding or rule.at_least:
            return None
        if rule.keep_for_days is None and rule.keep_newest:
            return keep_newest("*", rule.keep_newest, rule.name)
        if rule.keep_newest is None and rule.keep_for_days:
            return keep_for("*", rule.keep_for_days, rule.name)
        return None

    @property
    def rules(self) -> tuple[PruneRule, ...]:
        """What is left to prune."""
        return () if self.native else self.prune

    @property
    def policy(self) -> dict[str, Any]:
        """The policy for ECR."""
        rules = protecting(PROTECTED)
        if self.native:
            rules.append(self.native)
        if self.untagged_days is not None:
            rules.append(untagged(self.untagged_days))
        return numbered(rules)


@dataclass(frozen=True)
class Globs:
    """Patterns of ours; not `exact`: they match more than what they stand for."""

    patterns: tuple[str, ...]
    exact: bool = True


@dataclass
class Notes:
    """What is lost, collected on the way."""

    lost: list[Lost] = field(default_factory=list)

    def add(self, what: str, why: str) -> None:
        """One more; each is said once."""
        if Lost(what, why) not in self.lost:
            self.lost.append(Lost(what, why))


def of_expression(expression: str) -> Globs:
    r"""Patterns for a regular expression that is looked for anywhere in the tag.

    >>> of_expression("^v2\\..*"), of_expression("^v[0-9]+$")
    (Globs(patterns=('v2.*',), exact=True), Globs(patterns=('v*',), exact=False))
    """
    body, anchored = expression, False
    if body.startswith("^"):
        body, anchored = body[1:], True
    ended = body.endswith("$") and not body.endswith("\\$")
    body = body[:-1] if ended else body
    if "|" in body:
        return Globs(("*",), exact=body in (".*", ""))
    glob, exact = _glob_of(body)
    glob = glob if anchored else f"*{glob}"
    glob = glob if ended else f"{glob}*"
    return Globs((re.sub(r"\*+", "*", glob),), exact)


def _glob_of(body: str) -> tuple[str, bool]:
    """A pattern for the inside of an expression: up to what it cannot say."""
    glob, place = "", 0
    while place < len(body):
        if body.startswith(".*", place) and body[place + 2 : place + 3] not in ("?", "+", "*"):
            glob, place = f"{glob}*", place + 2
            continue
        char, width = body[place], 1
        if char == "\\" and place + 1 < len(body) and not body[place + 1].isalnum():
            char, width = body[place + 1], 2
        elif not re.fullmatch(r"[\w\-/:@]", char):
            return f"{glob}*", False
        if body[place + width : place + width + 1] in ("*", "+", "?", "{"):
            return f"{glob}*", False
        glob, place = glob + char, place + width
    return glob, True


def of_doublestar(pattern: str) -> Globs:
    """Patterns for a shell pattern with `{a,b}`, over a whole tag (which has no slash).

    >>> of_doublestar("{v*,latest}"), of_doublestar("v?")
    (Globs(patterns=('v*', 'latest'), exact=True), Globs(patterns=('v*',), exact=False))
    """
    found: list[str] = []
    exact = True
    for one in _alternatives(pattern):
        special = re.search(r"[?\[\]\\{}]", one)
        if special:
            one, exact = f"{one[: special.start()]}*", False
        found.append(re.sub(r"\*+", "*", one))
    return Globs(tuple(dict.fromkeys(found)), exact)


def _alternatives(pattern: str) -> list[str]:
    braces = re.search(r"\{([^{}]*)\}", pattern)
    if braces is None or "\\" in pattern:
        return [pattern]
    head, tail = pattern[: braces.start()], pattern[braces.end() :]
    return [one for word in braces[1].split(",") for one in _alternatives(head + word + tail)]


def matches_path(pattern: str, name: str) -> bool:
    """Whether a shell pattern matches a repository's name: `*` within one part, `**` over parts."""
    words = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    for one in _alternatives(pattern):
        pieces = re.split(r"(\*\*|\*|\?)", one)
        expression = "".join(words.get(piece, re.escape(piece)) for piece in pieces)
        if re.fullmatch(expression.replace("/.*/", "/(?:.*/)?"), name):
            return True
    return False


def whole_days(length: timedelta) -> int:
    """The length in days, rounded up: what is young enough there is young enough here."""
    return max(1, -(-length // _DAY))


def parse_duration(text: object) -> timedelta | None:
    """A length of time as other registries write it (`720h`, `1h30m`, `7d`); None when it is none.

    >>> parse_duration("720h")
    datetime.timedelta(days=30)
    """
    if not isinstance(text, str) or not re.fullmatch(f"(?:{_LENGTH.pattern})+", text):
        return None
    try:
        return timedelta(
            seconds=sum(float(number) * _SECONDS[unit] for number, unit in _LENGTH.findall(text))
        )
    except OverflowError:
        return None


def read_document(text: str, where: str) -> Any:
    """JSON. Raises UsageError with line and column."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            tr("{file} is not JSON: {why}", file=where, why=error.msg),
            tr("give the registry's own file; zot's may have to be written as JSON first"),
            code="import-unreadable",
            where=Where(where, error.lineno, error.colno),
        ) from None
    except (ValueError, RecursionError):
        raise unreadable(where, "", tr("it is nested too deeply")) from None


def unreadable(where: str, path: str, why: str) -> UsageError:
    """The file is not what it should be: where in it, and why."""
    return UsageError(
        tr("{file} cannot be read: {why}", file=where, why=f"{path}: {why}" if path else why),
        tr("name the registry that it is from: --from zot, harbor or quay"),
        code="import-unreadable",
        where=Where(where),
    )


def entries_of(value: Any, where: str, path: str) -> list[dict[str, Any]]:
    """A list of objects. Raises UsageError."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise unreadable(where, path, tr("it is not a list of objects"))
    return value


def texts_of(value: Any, where: str, path: str) -> list[str]:
    """A list of texts. Raises UsageError."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise unreadable(where, path, tr("it is not a list of texts"))
    return value


def everything_else(patterns: Sequence[str], name: str) -> PruneRule:
    """The rule for tags that no other one is about: they go."""
    return PruneRule(name, ("*",), keep_newest=0, excluding=tuple(dict.fromkeys(patterns)))
