"""Whether a move is over: nothing left in the trees, nobody at the Hub, and what to revoke. Pure.

Three questions, each answered by what was read: does a tree still fetch from Docker Hub, push or
log in there; has anybody pulled from or pushed to the team's own repositories there in the last
days; which credentials are of no use then. What could not be read is never taken for a no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from longshore.facts import HubUsage, TagUsage
from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.hub_credentials import Credential
from longshore.rewrite.skipped import Skipped
from longshore.rewrite.uses import Use
from longshore.text import tr

Verdict = Literal["done", "not-done", "unknown"]
State = Literal["quiet", "pulled", "pushed", "unknown"]
_LEFT_ROLES = ("pull", "push", "login", "cache")


@dataclass(frozen=True)
class Remains:
    """What of Docker Hub one tree still has; `open` may be the Hub, `unread` may hold more."""

    tree: str
    left: tuple[Use, ...] = ()
    open: tuple[Use, ...] = ()
    unread: tuple[Skipped, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """One entry of `trees`."""
        return {
            "tree": self.tree,
            "left": [one.as_json() for one in self.left],
            "open": [one.as_json() for one in self.open],
            "unread": [one.as_json() for one in self.unread],
        }


@dataclass(frozen=True)
class Quiet:
    """How one repository of the Hub was used lately. `tag` and `at` are the last pull or push."""

    repository: str
    state: State
    reason: str
    tag: str = ""
    at: datetime | None = None
    pull_count: int | None = None

    def as_json(self) -> dict[str, Any]:
        """One entry of `hub.repositories`."""
        return {
            "repository": self.repository,
            "state": self.state,
            "tag": self.tag or None,
            "last": self.at.isoformat(timespec="seconds") if self.at else None,
            "pull_count": self.pull_count,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Ending:
    """The whole answer. `unasked` says why the Hub was not asked, when it was not.

    `others` are repositories that are not the team's: half the world pulls them. `embedded` is
    whether the embedded Hub answered.
    """

    trees: tuple[Remains, ...]
    repositories: tuple[Quiet, ...]
    credentials: tuple[Credential, ...]
    quiet_days: int
    unasked: str = ""
    others: tuple[str, ...] = ()
    allow_open: bool = False
    logins: tuple[str, ...] = ()
    embedded: bool = False

    @property
    def left(self) -> list[Use]:
        """Every place of every tree that still needs Docker Hub."""
        return [use for tree in self.trees for use in tree.left]

    @property
    def active(self) -> list[Quiet]:
        """The repositories that somebody used lately."""
        return [one for one in self.repositories if one.state in ("pulled", "pushed")]

    @property
    def doubts(self) -> list[str]:
        """What could not be checked, each as a sentence."""
        found = [self.unasked] if self.unasked else []
        found += [
            f"{one.repository}: {one.reason}" for one in self.repositories if one.state == "unknown"
        ]
        for tree in self.trees:
            if tree.open and not self.allow_open:
                found.append(
                    tr(
                        "{tree}: {count} references stay open, the first at {place} (--allow-open "
                        "when none of them is Docker Hub)",
                        tree=tree.tree,
                        count=len(tree.open),
                        place=f"{tree.open[0].file}:{tree.open[0].line}",
                    )
                )
            found += [
                tr("{tree}: {path} was not read ({why})", tree=tree.tree, path=one.path,
                   why=one.sentence)
                for one in tree.unread
            ]  # fmt: skip
        return found

    @property
    def verdict(self) -> Verdict:
        """What is left counts more than what is not known."""
        if self.left or self.active:
            return "not-done"
        return "unknown" if self.doubts else "done"

    def as_json(self) -> dict[str, Any]:
        """`longshore.assess.done/1`."""
        return {
            "schema": "longshore.assess.done/1",
            "verdict": self.verdict,
            "quiet_days": self.quiet_days,
            "trees": [one.as_json() for one in self.trees],
            "hub": {
                "asked": not self.unasked,
                "embedded": self.embedded,
                "repositories": [one.as_json() for one in self.repositories],
                "others": list(self.others),
            },
            "doubts": self.doubts,
            "revoke": {
                "now": self.verdict == "done",
                "credentials": [one.as_json() for one in self.credentials],
                "logins": list(self.logins),
                "still_copied": list(self.others),
            },
        }


def remains_of(tree: str, uses: Iterable[Use], skipped: Iterable[Skipped]) -> Remains:
    """What a tree still wants of Docker Hub."""
    left, open_ = [], []
    for use in uses:
        role = use.mention.role
        counts = role in _LEFT_ROLES or (role == "tag" and use.mention.kind.startswith("gha-"))
        if not counts:
            continue
        if use.status == "hub" and use.registry == DOCKER_HUB:
            left.append(use)
        elif use.status == "unresolved":
            open_.append(use)
    unread = (one for one in skipped if not one.expected and one.reason != "binary")
    return Remains(tree, tuple(left), tuple(open_), tuple(unread))


def judge_usage(usage: HubUsage, quiet_days: int) -> Quiet:
    """Whether nobody has used a repository for so many days."""
    name, count = f"{DOCKER_HUB}/{usage.repository}", usage.pull_count
    since = usage.asked_at - timedelta(days=quiet_days)
    last = _last(usage.tags, lambda one: one.pulled_at)
    if last is not None and last[0] > since:
        why = tr("pulled; the Hub does not say by whom")
        return Quiet(name, "pulled", why, last[1], last[0], count)
    pushed = _last(usage.tags, lambda one: one.pushed_at)
    if pushed is not None and pushed[0] > since:
        return Quiet(name, "pushed", tr("still pushed to"), pushed[1], pushed[0], count)
    silent = [one.tag for one in usage.tags if not one.told]
    if silent:
        why = tr(
            "the Hub does not say when {count} of its tags were pulled, {tag} for one",
            count=len(silent),
            tag=silent[0],
        )
        return Quiet(name, "unknown", why, pull_count=count)
    if last is not None:
        return Quiet(name, "quiet", tr("last pulled long ago"), last[1], last[0], count)
    if count == 0:
        return Quiet(name, "quiet", tr("never pulled"), pull_count=0)
    why = tr("pulls are counted, but no tag says when the last one was")
    if count is None:
        why = tr("the Hub says neither how often it was pulled nor when")
    return Quiet(name, "unknown", why, pull_count=count)


def not_asked(repository: str, why: str) -> Quiet:
    """A repository about which the Hub gave no answer."""
    return Quiet(f"{DOCKER_HUB}/{repository}", "unknown", why)


def _last(
    tags: Sequence[TagUsage], when: Callable[[TagUsage], datetime | None]
) -> tuple[datetime, str] | None:
    found = [(at, one.tag) for one in tags if (at := when(one)) is not None]
    return max(found, default=None)
