"""The plan of a rewrite: every Docker Hub use with what becomes of it, and why. Pure.

gather   the survey of the tree (judged uses), the user's wish, the destination
decide   `plan_rewrite`: one decision a use; edits that contradict one another are left out
act      `run` writes the edits that `check` has proved
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from longshore.rewrite.edits import Edit
from longshore.rewrite.places import STAYS, Destination, Mode, Placed, Wish, place
from longshore.rewrite.rename import rename
from longshore.rewrite.uses import Use
from longshore.text import tr

_MOVING_ROLES = ("pull", "push", "tag", "cache", "build-output")
Key = tuple[object, ...]


def key_of(use: Use) -> Key:
    """What tells the uses of a tree apart."""
    return use.file, use.mention.span, use.mention.kind, use.image, use.tag


def with_rest(name: str, use: Use) -> str:
    """A new name with the tag and digest of a use."""
    name += f":{use.tag}" if use.tag else ""
    return name + (f"@{use.digest}" if use.digest else "")


@dataclass(frozen=True)
class Decision:
    """One use: it changes (`edits`), or stays, with the reason.

    `new` is the whole new reference as far as it is known. `wanted` is what it would be where it
    has no edit of its own; `along`: it becomes that by an edit that another use needs (they share
    a variable).
    """

    use: Use
    mode: Mode
    new: str
    reason: str
    edits: tuple[Edit, ...] = ()
    wanted: Placed = STAYS
    along: bool = False

    @property
    def changes(self) -> bool:
        """Whether it fetches from somewhere else afterwards."""
        return bool(self.edits) or self.along

    @property
    def key(self) -> Key:
        """What tells uses apart."""
        return key_of(self.use)

    @property
    def name(self) -> str:
        """The new name, without tag and digest."""
        if self.wanted.new:
            return self.wanted.new
        name = self.new.partition("@")[0]
        return name.removesuffix(f":{self.use.tag}") if self.use.tag else name

    def kept(self, reason: str) -> Decision:
        """The same use, left as it is."""
        return replace(self, mode="keep", new="", reason=reason, edits=(), along=False)

    def carried(self) -> Decision:
        """The same use, changed by another one's edit."""
        new = with_rest(self.wanted.new, self.use)
        reason = tr("{why}; it shares what changes", why=self.wanted.reason)
        return replace(self, mode=self.wanted.mode, new=new, reason=reason, along=True)

    def as_json(self) -> dict[str, Any]:
        """One entry of `decisions` (longshore.rewrite/1)."""
        use = self.use
        return {
            "file": use.file,
            "line": use.line,
            "column": use.column,
            "text": use.mention.text,
            "image": use.image,
            "kind": use.mention.kind,
            "action": "change" if self.changes else "leave",
            "mode": self.mode,
            "new": self.new or None,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class StepChange:
    """One change of a job's steps around the references (logins, permissions), in words."""

    file: str
    line: int
    what: str


@dataclass(frozen=True)
class RewritePlan:
    """All decisions, and the images that must be at the target before anything is written.

    `step_edits` are what changes around the references, `step_changes` the same in words.
    """

    decisions: tuple[Decision, ...]
    step_edits: tuple[Edit, ...] = ()
    step_changes: tuple[StepChange, ...] = ()

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Every edit once, in the order of files and places."""
        found = dict.fromkeys(edit for one in self.decisions for edit in one.edits)
        found |= dict.fromkeys(self.step_edits)
        return tuple(sorted(found, key=lambda edit: (edit.file, edit.span)))

    @property
    def needed(self) -> tuple[Needed, ...]:
        """What the target must hold."""
        return needed_images(self.decisions)

    @property
    def left(self) -> tuple[Decision, ...]:
        """The uses that go on fetching from Docker Hub."""
        return tuple(one for one in self.decisions if not one.changes and one.use.pulls_hub)


@dataclass(frozen=True)
class Needed:
    """An image that is rewritten to the target: source name, target name, and the tags in use.

    `digests` are pinned ones. `all_tags`: some use leaves the tag open, so any may be asked for.
    """

    image: str
    target: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    all_tags: bool = False


def plan_rewrite(uses: Sequence[Use], wish: Wish, destination: Destination) -> RewritePlan:
    """Decide for every Docker Hub use of a tree. Where a variable is to decide, no edit is made
    yet: `public_default` makes it."""
    pushed = {use.image for use in uses if use.status == "hub" and use.mention.role == "push"}
    decisions = [_decide(use, wish, destination) for use in uses if _moves(use, pushed)]
    return RewritePlan(tuple(without_conflicts(decisions)))


def _moves(use: Use, pushed: set[str | None]) -> bool:
    """Whether a use is Docker Hub's, or builds what is pushed there by another command."""
    if use.status == "hub":
        return use.mention.role in _MOVING_ROLES
    return use.status == "local" and use.mention.role == "build-output" and use.image in pushed


def _decide(use: Use, wish: Wish, destination: Destination) -> Decision:
    placed = place(use, wish, destination)
    if placed.mode == "keep" or not placed.new:
        return Decision(use, "keep", "", placed.reason)
    if placed.mode == "variable":
        return Decision(use, "variable", with_rest(placed.new, use), placed.reason)
    renaming = rename(use, placed)
    if not renaming.edits:
        reason = renaming.reason or tr("it is there already")
        return Decision(use, "keep", "", reason, wanted=placed)
    new = with_rest(placed.new, use)
    return Decision(use, placed.mode, new, placed.reason, renaming.edits, placed)


def without_conflicts(decisions: Sequence[Decision]) -> list[Decision]:
    """One text cannot become two: where uses share it and disagree, all of them stay."""
    wanted: dict[tuple[str, int, int], set[str]] = defaultdict(set)
    for one in decisions:
        for edit in one.edits:
            wanted[edit.file, edit.span.start, edit.span.end].add(edit.new)
    torn = {key for key, texts in wanted.items() if len(texts) > 1}
    reason = tr("the same text also stands for an image that becomes something else")
    return [
        one.kept(reason)
        if any((edit.file, edit.span.start, edit.span.end) in torn for edit in one.edits)
        else one
        for one in decisions
    ]


def needed_images(decisions: Sequence[Decision]) -> tuple[Needed, ...]:
    """What `sync` must have copied before the decisions are written (pulls from the mirror)."""
    found: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for one in decisions:
        if one.changes and one.mode in ("mirror", "variable") and one.use.mention.role == "pull":
            found[str(one.use.image), one.name].append(one.use)
    return tuple(
        Needed(
            image,
            target,
            tuple(sorted({tag for use in uses for tag in use.tags})),
            tuple(sorted({use.digest for use in uses if use.digest})),
            any(use.tag_is_open for use in uses),
        )
        for (image, target), uses in sorted(found.items())
    )
