"""From a plan to edits that are proved: what does not prove right is left out, the rest goes. Pure.

Every edited file is read again (`check`). Where a file fails, each of its decisions is tried alone;
those that fail alone stay as they are, with the reason. If none is to blame, the whole file stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from longshore.rewrite.check import Failed, Finding, Proof, check_edits
from longshore.rewrite.edits import ChangedFile, Edit, apply_all
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.plan import Decision, Key, RewritePlan
from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.uses import Use
from longshore.text import tr

_MOST_TRIED = 80
_MOST_TURNS = 5
Around = Callable[[Sequence[Decision]], RewritePlan]
Reading = Callable[[Sequence[Decision], Mapping[str, SourceFile]], Proof]
More = Callable[[Sequence[ChangedFile]], Sequence[Failed]]


@dataclass(frozen=True)
class Proved:
    """A plan whose every edit was read again, the files as they become, and what failed."""

    plan: RewritePlan
    changes: tuple[ChangedFile, ...]
    failed: tuple[Failed, ...] = ()


@dataclass
class _Left:
    """What is left out: single decisions with the reason, and whole files; and what comes along."""

    single: dict[Key, str] = field(default_factory=dict)
    files: dict[str, Failed] = field(default_factory=dict)
    along: frozenset[Key] = frozenset()

    def of(self, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
        """The decisions without those that are left out."""
        reason = tr("the edited file did not read as meant, so it stays")
        found = []
        for one in decisions:
            if one.key in self.single:
                one = one.kept(self.single[one.key])
            elif any(edit.file in self.files for edit in one.edits):
                one = one.kept(reason)
            elif one.key in self.along and not one.changes:
                one = one.carried()
            found.append(one)
        return tuple(found)

    def plan(self, plan: RewritePlan) -> RewritePlan:
        """The plan without what touches files that are left out."""
        edits = tuple(edit for edit in plan.step_edits if edit.file not in self.files)
        notes = tuple(one for one in plan.step_changes if one.file not in self.files)
        return replace(
            plan, decisions=self.of(plan.decisions), step_edits=edits, step_changes=notes
        )


def prove(
    tree: Tree,
    uses: Sequence[Use],
    decisions: Sequence[Decision],
    around: Around,
    find: Finding,
    registry: str = "",
    more: More | None = None,
) -> Proved:
    """Splice in memory and read again, until all that remains is right.

    `around` gives the plan with what changes around the references. `more` looks at files that
    have passed (linters) and may refuse some. `registry` is what a variable would be set to.
    """

    def read(some: Sequence[Decision], texts: Mapping[str, SourceFile]) -> Proof:
        return check_edits(tree, uses, some, texts, find, registry)

    left = _Left()
    turns = _MOST_TURNS
    while True:
        plan = left.plan(around(left.of(decisions)))
        changes = spliced(tree, plan.edits)
        proof = read(plan.decisions, sources_of(changes))
        failed = [one for one in proof.failed if one.file not in left.files]
        if failed:
            _leave_out(tree, plan.decisions, failed, read, left)
            continue
        if proof.along != left.along and turns:
            left.along = proof.along
            turns -= 1
            continue
        refused = more(changes) if more is not None else ()
        new = [one for one in refused if one.file not in left.files]
        if new:
            left.files.update({one.file: one for one in new})
            continue
        return Proved(plan, tuple(changes), tuple(left.files.values()))


def _leave_out(
    tree: Tree,
    decisions: Sequence[Decision],
    failed: Sequence[Failed],
    read: Reading,
    left: _Left,
) -> None:
    """Leave out the decisions that fail alone; a file in which none does, as a whole."""
    for path, one in {one.file: one for one in failed}.items():
        blamed = _alone(tree, decisions, path, read)
        if blamed:
            left.single.update(blamed)
        else:
            left.files[path] = one


def _alone(
    tree: Tree, decisions: Sequence[Decision], path: str, read: Reading
) -> Mapping[Key, str]:
    """The decisions that touch a file and fail when nothing else changes, with what went wrong."""
    groups: dict[tuple[Edit, ...], list[Decision]] = {}
    for one in decisions:
        if any(edit.file == path for edit in one.edits):
            groups.setdefault(one.edits, []).append(one)
    if len(groups) > _MOST_TRIED:
        return {}
    found: dict[Key, str] = {}
    for edits, some in groups.items():
        kept = {one.key for one in some}
        tried = [one if one.key in kept else replace(one, edits=()) for one in decisions]
        proof = read(tried, sources_of(spliced(tree, edits)))
        if proof.failed:
            why = tr("tried, and not written: {why}", why=proof.failed[0].reason)
            found |= {one.key: why for one in some}
    return found


def spliced(tree: Tree, edits: Sequence[Edit]) -> list[ChangedFile]:
    """Every file with its edits."""
    files = {edit.file: file for edit in edits if (file := tree.file(edit.file)) is not None}
    return apply_all(files, [edit for edit in edits if edit.file in files])


def sources_of(changes: Sequence[ChangedFile]) -> dict[str, SourceFile]:
    """The changed files as texts."""
    read = {one.path: read_source(one.path, one.after) for one in changes}
    return {path: file for path, file in read.items() if file is not None}
