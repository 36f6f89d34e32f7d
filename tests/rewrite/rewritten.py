"""A small tree rewritten in memory, as `rewrite` does it, and what became of each file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from longshore.cli.emitting import read_pins
from longshore.rewrite.decide import decide
from longshore.rewrite.edits import apply_all
from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.generate.options import Auth, PipelineOptions
from longshore.rewrite.job_steps import plan_steps
from longshore.rewrite.looking import Found, find_uses, merge_arguments
from longshore.rewrite.pinning import Asked, pinned
from longshore.rewrite.places import Destination, Wish
from longshore.rewrite.plan import Decision, RewritePlan
from longshore.rewrite.prove import Proved, prove
from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.survey import judge_sightings, settle
from longshore.rewrite.uses import Use

HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
HUB = f"{HOST}/docker-hub"
TO = Destination(HOST, {"docker.io/acme/shop": "shop"})
pins = lru_cache(maxsize=1)(read_pins)


@dataclass(frozen=True)
class Rewritten:
    """The proved plan, and every file's text afterwards."""

    proved: Proved
    texts: Mapping[str, str]
    data: Mapping[str, bytes]

    @property
    def notes(self) -> list[str]:
        return [one.what for one in self.proved.plan.step_changes]

    @property
    def reasons(self) -> dict[str, str]:
        """Why what stays does, by the text at its place."""
        kept = [one for one in self.proved.plan.decisions if not one.changes]
        return {one.use.mention.text: one.reason for one in kept}

    def decision(self, text: str) -> Decision:
        return next(one for one in self.proved.plan.decisions if one.use.mention.text == text)


def tree_of(files: Mapping[str, str | bytes]) -> TreeOfTexts:
    """A tree that knows its build arguments."""
    made: dict[str, SourceFile] = {}
    for path, text in files.items():
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        file = read_source(path, data)
        assert file is not None
        made[path] = file
    bare = TreeOfTexts(made, {})
    found = [_found(file, bare) for file in made.values()]
    return TreeOfTexts(made, merge_arguments(found))


def _found(file: SourceFile, tree: TreeOfTexts) -> Found:
    said = tuple(sightings(file, tree, finders_for(file.path)))
    return Found(file.path, said, tuple(judge_sightings(file, said)))


def uses_of(tree: TreeOfTexts) -> list[Use]:
    """Every judged use."""
    return settle([use for file in tree.files.values() for use in _found(file, tree).uses])


def rewritten(
    files: Mapping[str, str | bytes],
    wish: Wish | None = None,
    to: Destination = TO,
    auth: Auth = "oidc",
    digests: Mapping[Asked, str] | None = None,
) -> Rewritten:
    """Decide, splice and prove."""
    tree = tree_of(files)
    uses = uses_of(tree)
    decisions = pinned(decide(tree, uses, wish or Wish(), to), digests or {})
    options = PipelineOptions(pins(), auth=auth)

    def around(some: Sequence[Decision]) -> RewritePlan:
        steps = plan_steps(tree, uses, some, to, options)
        return RewritePlan(steps.decisions, steps.edits, steps.changes)

    proved = prove(tree, uses, decisions, around, find_uses, to.registry)
    data = {path: file.data for path, file in tree.files.items()}
    data |= {one.path: one.after for one in apply_all(dict(tree.files), proved.plan.edits)}
    texts = {path: tree.files[path].text for path in data}
    for path, after in data.items():
        file = read_source(path, after)
        assert file is not None
        texts[path] = file.text
    return Rewritten(proved, texts, data)


def after(path: str, text: str, wish: Wish | None = None, **files: str) -> str:
    """One file afterwards."""
    return rewritten({path: text, **files}, wish).texts[path]
