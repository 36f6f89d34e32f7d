"""The images that the tag strategy makes, as lint needs them: what tags each kind has. Pure.

The tags are those that `tags compute` gives to a build of each kind (`policy.build_tags`), with the
markers of families, and those that deploys and backups put on images. Tags that move on to the next
image (`latest`) are left out: the image must have its rule without them.

>>> [kind.tags for kind in strategy_of(TagRules(markers="all")).of("production")]
[('v2.0.0', 'prod-v2.0.0'), ('main-abc1234', 'prod-main-abc1234')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from longshore.policy.build_tags import TagRules, backup_tag, compute
from longshore.policy.builds import HEADS, LATEST, TAGS, Build
from longshore.policy.families import MARKERS
from longshore.policy.lifecycle.overlap import DIGIT, HEX, Pattern, shape
from longshore.text import tr

Role = Literal["production", "branch", "pull-request", "nightly", "backup"]

SHIELDED = ("live-*", "rollback-*")
_SHA = "abc1234" + "0" * 33
_AT = datetime(2024, 12, 1, 14, 30, 22, tzinfo=UTC)
_OTHER = "day2-advanced"
_VERSION = "v2.0.0"
BACKUP = backup_tag(_AT)

__all__ = ["BACKUP", "LATEST", "SHIELDED", "Kind", "Role", "Strategy", "TagRules", "strategy_of"]


@dataclass(frozen=True)
class Kind:
    """One kind of image: its role, the tags of an example, and every name of its first tag.

    `pattern` is what a rule for this kind says, `keep` how many the standard preset keeps.
    """

    name: str
    role: Role
    tags: tuple[str, ...]
    language: Pattern
    pattern: str
    keep: int


@dataclass(frozen=True)
class Strategy:
    """All kinds of images that come into a repository, ever more of each.

    `seldom` are names of tags that may come too: of branches that are not built yet, markers.
    """

    kinds: tuple[Kind, ...]
    seldom: tuple[Pattern, ...] = ()

    def of(self, *roles: Role) -> tuple[Kind, ...]:
        """The kinds with one of these roles."""
        return tuple(kind for kind in self.kinds if kind.role in roles)


def strategy_of(rules: TagRules, branches: Sequence[str] = ()) -> Strategy:
    """What `tags compute` makes by these rules, and backups.

    `branches` are the filters of the pipeline (`feature/*`); none: any branch may be built.
    """
    others = (compute(_push(HEADS + name, name), rules) for name in rules.main[1:])
    seldom: tuple[Pattern, ...] = tuple(_language(one.own, "") for one in others)
    seldom += tuple(kind.language for kind in _built(replace(rules, push_pull_requests=True), ()))
    if rules.markers != "none":
        seldom += tuple(f"{marker}*" for marker in MARKERS.values())
    return Strategy((*_built(rules, branches), _backups()), seldom)


def _built(rules: TagRules, branches: Sequence[str]) -> Iterator[Kind]:
    main = rules.main[0] if rules.main else "main"
    component = f"{rules.component}/" if rules.component else ""
    release = _push(f"{TAGS}{component}{_VERSION}", main)
    yield _kind(tr("releases"), "production", 10, rules, release)
    yield _kind(tr("images of the main branch"), "production", 10, rules, _push(HEADS + main, main))
    for filter_, branch, varies in _branches(rules, branches):
        name = tr("images of {branch}", branch=filter_)
        if filter_ == "*":
            name = tr("images of other branches")
        yield _kind(name, "branch", 5, rules, _push(HEADS + branch, main), varies)
    if rules.push_pull_requests:
        build = Build("pull_request", "refs/pull/123/merge", _SHA, _AT, pull_request=123)
        yield _kind(tr("images of pull requests"), "pull-request", 3, rules, build)
    nightly = Build("schedule", HEADS + main, _SHA, _AT, default_branch=main)
    yield _kind(tr("nightly builds"), "nightly", 5, rules, nightly)


def _branches(rules: TagRules, branches: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Filters besides main, a branch of each, and the part of its name that may be another."""
    for filter_ in branches or (*rules.develop[:1], "feature/*", "*"):
        if filter_ not in rules.main and not filter_.startswith("!"):
            varies = _OTHER if "*" in filter_ else ""
            yield filter_, re.sub(r"\*+", _OTHER, filter_, count=1).replace("*", ""), varies


def _push(ref: str, main: str) -> Build:
    return Build("push", ref, _SHA, _AT, default_branch=main, releases=(_VERSION,))


def _kind(
    name: str, role: Role, keep: int, rules: TagRules, build: Build, varies: str = ""
) -> Kind:
    tags = compute(build, rules).at_once
    own, marked = tags[0], tags[1:]
    pattern = _rule_pattern(own, varies)
    if pattern == "*":
        pattern = f"{marked[0].partition('-')[0]}-*" if marked else "*-*"
    return Kind(name, role, tags, _language(own, varies), pattern, keep)


_VARYING: tuple[tuple[str, tuple[str | frozenset[str], ...]], ...] = (
    (_SHA, (HEX,) * len(_SHA)),
    (_VERSION, ("v", DIGIT, "*")),
    (f"{_AT:%Y%m%d}", (DIGIT,) * 8),
    ("pr-123", ("pr-", DIGIT, "*")),
)


def _language(own: str, varies: str) -> Pattern:
    """Every tag of the same make: another commit, version, day or number in its place."""
    parts: list[str | frozenset[str]] = [own]
    other: tuple[str | frozenset[str], ...] = ("*",)
    for known, varying in (*_VARYING, *_shortened(), *([(varies, other)] if varies else [])):
        split: list[str | frozenset[str]] = []
        for part in parts:
            if isinstance(part, str) and known in part:
                before, _, after = part.partition(known)
                split += [before, *varying, after]
            else:
                split.append(part)
        parts = split
    return shape(*parts)


def _shortened() -> Iterator[tuple[str, tuple[frozenset[str], ...]]]:
    """The commit in each of its lengths, the longest first."""
    for length in range(len(_SHA) - 1, 6, -1):
        yield _SHA[:length], (HEX,) * length


def _rule_pattern(own: str, varies: str) -> str:
    """What a rule for such tags says: `main-*`, `v*`, `pr-*`."""
    if varies and varies in own:
        return own.partition(varies)[0] + "*"
    for known in (_SHA[:7], f"{_AT:%Y%m%d}", "123", _VERSION.removeprefix("v")):
        if known in own:
            return own.partition(known)[0] + "*"
    return own


def _backups() -> Kind:
    language = shape("backup-", *(DIGIT,) * 8, "-", *(DIGIT,) * 6)
    return Kind(tr("backups"), "backup", (BACKUP,), language, "backup-*", 50)
