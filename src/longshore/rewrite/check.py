"""Proves an edit before it is written: read again, the tree must say exactly what was meant. Pure.

Every file that holds a use of an edited file's text is read again with the edits in place. The
same uses must be found in the same order; those that were to change name the new image with the
old tag and digest, all others are untouched, and YAML that could be read can still be read. A file
that fails is not written, and says why.

A use without an edit of its own may come along when it shares what changes (a variable): it must
then read as what the user's wish makes of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.mentions import BuildArgument
from longshore.rewrite.plan import Decision, Key, key_of, with_rest
from longshore.rewrite.public_default import as_set
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.yaml_nodes import documents
from longshore.rewrite.uses import Use
from longshore.text import tr

Finding = Callable[[SourceFile, Tree], Iterable[Use]]
_SHIFTING = ("gha-login", "gha-implicit")


@dataclass(frozen=True)
class Failed:
    """A file that is not written: what was found there after the edit was not what was meant."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Proof:
    """What went wrong, by file; nothing when every edit does exactly what was decided.

    `along` are the uses that another one's edit takes with it.
    """

    failed: tuple[Failed, ...] = ()
    along: frozenset[Key] = frozenset()


@dataclass(frozen=True)
class Overlay:
    """A tree in which some files say something else."""

    tree: Tree
    changed: Mapping[str, SourceFile]

    @property
    def paths(self) -> frozenset[str]:
        return self.tree.paths

    def file(self, path: str) -> SourceFile | None:
        return self.changed.get(path) or self.tree.file(path)

    def build_arguments(self, dockerfile: str) -> Mapping[str, BuildArgument]:
        """Those of the tree; what a changed file gives is read from its new text."""
        known = dict(self.tree.build_arguments(dockerfile))
        for name, one in known.items():
            if one.file in self.changed:
                known[name] = self._given(one)
        return known

    def _given(self, old: BuildArgument) -> BuildArgument:
        file = self.changed[old.file]
        given = file.once("build-arguments", lambda one: _arguments(one, self.tree))
        before = self.tree.file(old.file)
        was = (
            ()
            if before is None
            else before.once("build-arguments", lambda one: _arguments(one, self.tree))
        )
        place = next((at for at, one in enumerate(was) if one == old), len(given))
        return given[place] if place < len(given) and len(given) == len(was) else old


def _arguments(file: SourceFile, tree: Tree) -> list[BuildArgument]:
    """The build arguments that a text gives, in the order in which they are said."""
    said = sightings(file, tree, finders_for(file.path))
    return [one for one in said if isinstance(one, BuildArgument)]


def check_edits(
    tree: Tree,
    uses: Sequence[Use],
    decisions: Sequence[Decision],
    changed: Mapping[str, SourceFile],
    find: Finding,
    registry: str = "",
) -> Proof:
    """Read the edited files again and compare with what was decided.

    Where a variable decides, they are read twice: as they stand, and with the variable set to
    `registry`.
    """
    overlay = Overlay(tree, changed)
    by_use = {one.key: one for one in decisions}
    touching: dict[str, set[str]] = defaultdict(set)
    for one in decisions:
        for edit in one.edits:
            touching[one.use.file].add(edit.file)
    before: dict[str, list[Use]] = defaultdict(list)
    for use in uses:
        before[use.file].append(use)
    broken = [_broken(path, tree, file) for path, file in changed.items()]
    failed = [one for one in broken if one is not None]
    along: set[Key] = set()
    for path in sorted({*changed, *touching}):
        file = overlay.file(path)
        if file is None:
            continue
        found = _known(list(find(file, overlay)), path, decisions)
        compared = _compare(before[path], found, by_use)
        along |= compared.along
        if not compared.why and any(_is_variable(one, path) for one in decisions):
            given = as_set(file, registry)
            given_tree = Overlay(tree, {**changed, path: given})
            found = _known(list(find(given, given_tree)), path, decisions)
            compared = _compare(before[path], found, by_use, registry)
        if compared.why:
            blamed = touching[path] or {path}
            failed += [Failed(one, compared.line, compared.why) for one in sorted(blamed)]
    return Proof(tuple(failed), frozenset(along))


def _is_variable(one: Decision, path: str) -> bool:
    return one.mode == "variable" and bool(one.edits) and one.use.file == path


def _known(found: list[Use], path: str, decisions: Sequence[Decision]) -> list[Use]:
    """What was found without the inputs that name the actions' own images, which are new."""
    hidden = [one for one in decisions if one.use.mention.implicit and one.use.file == path]
    added = [one.new for one in hidden] + [one.use.reference for one in hidden if one.edits]
    kept = []
    for use in found:
        if use.reference in added and use.mention.kind == "gha-input":
            added.remove(use.reference)
        else:
            kept.append(use)
    return kept


def _broken(path: str, tree: Tree, file: SourceFile) -> Failed | None:
    """YAML that could be read before and cannot be read now."""
    if not path.endswith((".yml", ".yaml")):
        return None
    old = tree.file(path)
    now = documents(file)
    if old is not None and now.problem and not documents(old).problem:
        return Failed(path, now.problem_line, tr("no YAML any more: {why}", why=now.problem))
    return None


@dataclass(frozen=True)
class _Compared:
    """What differs first, and where; which uses came along."""

    line: int = 0
    why: str = ""
    along: frozenset[Key] = frozenset()


def _compare(
    before: Sequence[Use],
    after: Sequence[Use],
    by_use: Mapping[Key, Decision],
    given: str = "",
) -> _Compared:
    """`given`: what the registry's variable was set to for this reading."""
    old = [use for use in before if use.mention.kind not in _SHIFTING]
    new = [use for use in after if use.mention.kind not in _SHIFTING]
    if len(old) != len(new):
        line = old[0].line if old else 1
        sentence = tr(
            "{before} references before the edit, {after} after it",
            before=len(old),
            after=len(new),
        )
        return _Compared(line, sentence)
    along: set[Key] = set()
    for was, now in zip(old, new, strict=True):
        decision = by_use.get(key_of(was))
        wanted = was.reference
        if decision and decision.edits and (given or decision.mode != "variable"):
            wanted = decision.new
        if now.reference == wanted and now.mention.kind == was.mention.kind:
            continue
        if given and now.reference == _behind(given, was):
            continue
        if decision and _comes_along(decision, now):
            along.add(decision.key)
            continue
        why = tr("reads as {now} after the edit, not as {wanted}", now=now.reference, wanted=wanted)
        return _Compared(was.line, why)
    return _Compared(along=frozenset(along))


def _behind(registry: str, use: Use) -> str:
    """The same image below another registry."""
    return with_rest(f"{registry}/{(use.image or '').partition('/')[2]}", use)


def _comes_along(decision: Decision, now: Use) -> bool:
    """Whether a use without an edit reads as it would have been written."""
    if decision.edits or not decision.wanted.new or now.mention.kind != decision.use.mention.kind:
        return False
    return now.reference == with_rest(decision.wanted.new, decision.use)
