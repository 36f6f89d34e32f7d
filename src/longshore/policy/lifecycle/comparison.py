"""Two verdicts about the same images: of two policies, or of two readings of one. Pure.

`compare_rules` says how the rules differ, `compare` what that means for each image. Rules are the
same when they select and do the same; their numbers and descriptions do not matter, their order
does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import Evaluation, Verdict, evaluate
from longshore.policy.lifecycle.forecast import Prospect, prospect
from longshore.policy.lifecycle.grammar import Policy, Rule
from longshore.policy.lifecycle.readings import Readings, open_points, others
from longshore.text import tr

RuleKind = Literal["same", "moved", "changed", "added", "removed"]
ImageKind = Literal[
    "newly-expired",
    "no-longer-expired",
    "newly-archived",
    "no-longer-archived",
    "sooner",
    "later",
    "other-rule",
]
IMAGE_KINDS: tuple[ImageKind, ...] = (
    "newly-expired",
    "no-longer-expired",
    "newly-archived",
    "no-longer-archived",
    "sooner",
    "later",
    "other-rule",
)


@dataclass(frozen=True)
class RuleChange:
    """A rule of one policy, or of both. `changed`: the same images, another limit or action."""

    kind: RuleKind
    old: Rule | None
    new: Rule | None


@dataclass(frozen=True)
class ImageChange:
    """An image that fares differently, with both verdicts and when it goes by each."""

    kind: ImageKind
    old: Verdict
    new: Verdict
    old_prospect: Prospect
    new_prospect: Prospect


class Doubt(NamedTuple):
    """An open point that matters: read as `choice`, these images fare differently."""

    point: str
    choice: str
    pairs: tuple[tuple[Verdict, Verdict], ...]


def compare_rules(old: Policy, new: Policy) -> tuple[RuleChange, ...]:
    """How the rules differ, in the order of the new policy, removed ones where they stood."""
    pairs = _same_rules(old, new)
    in_order = {place for pair in _in_order(old, new) for place in [pair]}
    taken_old, taken_new = {a for a, _ in pairs}, {b for _, b in pairs}
    changed = _changed_rules(old, new, taken_old, taken_new)
    found: list[tuple[float, RuleChange]] = []
    for a, b in pairs:
        kind: RuleKind = "same" if (a, b) in in_order else "moved"
        found.append((b, RuleChange(kind, old.rules[a], new.rules[b])))
    for a, b in changed:
        found.append((b, RuleChange("changed", old.rules[a], new.rules[b])))
    matched_old = taken_old | {a for a, _ in changed}
    matched_new = taken_new | {b for _, b in changed}
    for b, rule in enumerate(new.rules):
        if b not in matched_new:
            found.append((b, RuleChange("added", None, rule)))
    for a, rule in enumerate(old.rules):
        if a not in matched_old:
            found.append((_place_of(a, [*pairs, *changed]), RuleChange("removed", rule, None)))
    return tuple(change for _, change in sorted(found, key=lambda pair: pair[0]))


def compare(old: Evaluation, new: Evaluation) -> tuple[ImageChange, ...]:
    """The images that fare differently; both evaluations are of the same images in one order."""
    found = []
    for before, after in zip(old.verdicts, new.verdicts, strict=True):
        was, will = prospect(before, old.at, old.readings), prospect(after, new.at, new.readings)
        kind = _kind(before, after, was, will)
        if kind is not None:
            found.append(ImageChange(kind, before, after, was, will))
    return tuple(found)


def doubts(evaluation: Evaluation, images: Sequence[ImageSeen]) -> tuple[Doubt, ...]:
    """The open points that change what happens to some image, each read the other way alone."""
    policy, at = evaluation.policy, evaluation.at

    def judge(readings: Readings) -> Sequence[Verdict]:
        return evaluate(policy, images, at, readings).verdicts

    points = open_points(policy, images)
    return doubts_of(judge, evaluation.verdicts, evaluation.readings, points)


def doubts_of(
    judge: Callable[[Readings], Sequence[Verdict]],
    mine: Sequence[Verdict],
    chosen: Readings,
    points: Sequence[str],
) -> tuple[Doubt, ...]:
    """The same for any way to judge; `mine` are the verdicts by the chosen readings."""
    found = []
    for point, readings in others(chosen, points):
        pairs = tuple(
            (one, other)
            for one, other in zip(mine, judge(readings), strict=True)
            if one.action != other.action
        )
        if pairs:
            found.append(Doubt(point, str(getattr(readings, point)), pairs))
    return tuple(found)


def is_same_rule(one: Rule | None, other: Rule | None) -> bool:
    """Whether two rules select and do the same."""
    if one is None or other is None:
        return one is other
    return _key(one) == _key(other)


def _kind(before: Verdict, after: Verdict, was: Prospect, will: Prospect) -> ImageKind | None:
    if before.action != after.action:
        return _of_actions(before, after)
    if before.action == "keep" and (moved := _earlier_or_later(was, will)):
        return moved
    return None if _is_about_the_same(before.rule, after.rule) else "other-rule"


def _is_about_the_same(one: Rule | None, other: Rule | None) -> bool:
    """Whether it is the same rule, or one with another limit."""
    if one is None or other is None:
        return one is other
    return _images_of(one) == _images_of(other)


def _of_actions(before: Verdict, after: Verdict) -> ImageKind:
    if after.action == "expire":
        return "newly-expired"
    if before.action == "expire":
        return "no-longer-expired"
    return "newly-archived" if after.action == "transition" else "no-longer-archived"


def _earlier_or_later(was: Prospect, will: Prospect) -> Literal["sooner", "later"] | None:
    """How the time differs, where the two can be compared."""
    if was.is_never != will.is_never:
        return "sooner" if was.is_never else "later"
    if was.is_never:
        return None
    if was.kind == will.kind == "time" and was.at and will.at and was.at != will.at:
        return "sooner" if will.at < was.at else "later"
    if was.kind == will.kind == "pushes" and was.rule and will.rule:
        same = _images_of(was.rule) == _images_of(will.rule)
        if same and was.pushes != will.pushes:
            return "sooner" if will.pushes < was.pushes else "later"
    return None


# --- rules -------------------------------------------------------------------------------------


def _images_of(rule: Rule) -> tuple[object, ...]:
    selection = rule.selection
    patterns = {*selection.patterns, *(f"{one}*" for one in selection.prefixes)}
    return selection.tag_status, frozenset(patterns), selection.storage_class


def _key(rule: Rule) -> tuple[object, ...]:
    selection = replace(rule.selection, patterns=(), prefixes=())
    return _images_of(rule), selection, rule.action


def _in_order(old: Policy, new: Policy) -> Iterator[tuple[int, int]]:
    """The pairs of equal rules that stand in the same order in both."""
    before, after = [_key(rule) for rule in old.rules], [_key(rule) for rule in new.rules]
    for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            yield block.a + step, block.b + step


def _same_rules(old: Policy, new: Policy) -> list[tuple[int, int]]:
    pairs = list(_in_order(old, new))
    free_old = set(range(len(old.rules))) - {a for a, _ in pairs}
    free_new = set(range(len(new.rules))) - {b for _, b in pairs}
    for b in sorted(free_new):
        same = [a for a in sorted(free_old) if _key(old.rules[a]) == _key(new.rules[b])]
        if same:
            pairs.append((same[0], b))
            free_old.discard(same[0])
    return pairs


def _changed_rules(
    old: Policy, new: Policy, taken_old: set[int], taken_new: set[int]
) -> list[tuple[int, int]]:
    """Pairs of what is left that are about the same images."""
    free, pairs = [a for a in range(len(old.rules)) if a not in taken_old], []
    for b, rule in enumerate(new.rules):
        if b in taken_new:
            continue
        like = [a for a in free if _images_of(old.rules[a]) == _images_of(rule)]
        if like:
            pairs.append((like[0], b))
            free.remove(like[0])
    return pairs


def _place_of(a: int, pairs: Sequence[tuple[int, int]]) -> float:
    """Where a removed rule is shown: behind the rule that it followed."""
    before = [place for place in pairs if place[0] < a]
    return max(before)[1] + 0.5 if before else -0.5


# --- words ---------------------------------------------------------------------------------------


def question(point: str) -> str:
    """What ECR's documents leave open, as a question."""
    match point:
        case "day":
            return tr("is a day 24 hours, or a day of the UTC calendar?")
        case "ties":
            return tr("which of two images pushed in the same instant is the newer one?")
        case "children":
            return tr("do the manifests of an index count among the images that a rule keeps?")
        case "children_go":
            return tr("do the manifests of an index that expires go in the same run?")
        case "referrers":
            return tr("is an untagged image with a subject (a signature) also an ordinary one?")
        case _:
            return tr("does the age of a restored image begin with its restore?")
