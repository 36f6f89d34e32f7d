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
from longshore.rewrite.places import Destination, Mode, Wish, place
from longshore.rewrite.rename import rename
from longshore.rewrite.uses import Use
from longshore.text import tr

_MOVING_ROLES = ("pull", "push", "tag", "cache")


@dataclass(frozen=True)
class Decision:
    """One use: it changes (`edits`), or stays, with the reason.

    `new` is the whole new reference as far as it is known.
    """

    use: Use
    mode: Mode
    new: str
    reason: str
    edits: tuple[Edit, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether something is written for it."""
        return bool(self.edits)

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
    """Decide for every Docker Hub use of a tree."""
    decisions = [
        _decide(use, wish, destination)
        for use in uses
        if use.status == "hub" and use.mention.role in _MOVING_ROLES
    ]
    return RewritePlan(tuple(_without_conflicts(decisions)))


def _decide(use: Use, wish: Wish, destination: Destination) -> Decision:
    placed = place(use, wish, destination)
    if placed.mode == "keep" or not placed.new:
        return Decision(use, "keep", "", placed.reason)
    renaming = rename(use, placed)
    new = placed.new
    new += f":{use.tag}" if use.tag else ""
    new += f"@{use.digest}" if use.digest else ""
    if not renaming.edits:
        return Decision(use, "keep", "", renaming.reason or tr("it is there already"))
    return Decision(use, placed.mode, new, placed.reason, renaming.edits)


def _without_conflicts(decisions: Sequence[Decision]) -> list[Decision]:
    """One text cannot become two: where uses share it and disagree, all of them stay."""
    wanted: dict[tuple[str, int, int], set[str]] = defaultdict(set)
    for one in decisions:
        for edit in one.edits:
            wanted[edit.file, edit.span.start, edit.span.end].add(edit.new)
    torn = {key for key, texts in wanted.items() if len(texts) > 1}
    reason = tr("the same text also stands for an image that becomes something else")
    return [
        replace(one, mode="keep", new="", reason=reason, edits=())
        if any((edit.file, edit.span.start, edit.span.end) in torn for edit in one.edits)
        else one
        for one in decisions
    ]


def needed_images(decisions: Sequence[Decision]) -> tuple[Needed, ...]:
    """What `sync` must have copied before the decisions are written (pulls from the mirror)."""
    found: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for one in decisions:
        if one.changes and one.mode == "mirror" and one.use.mention.role == "pull":
            target = one.new.partition("@")[0]
            name = target.removesuffix(f":{one.use.tag}") if one.use.tag else target
            found[str(one.use.image), name].append(one.use)
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
