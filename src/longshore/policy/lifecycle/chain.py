"""Why one image fares as it does: each rule of the policy in its turn. Pure.

A rule's own rank of an image comes from evaluating that rule alone: a rule counts also the images
that an earlier rule has taken out of its reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from longshore.facts import ImageSeen
from longshore.policy.lifecycle import words
from longshore.policy.lifecycle.comparison import Doubt, doubts
from longshore.policy.lifecycle.evaluate import Evaluation, Verdict, evaluate
from longshore.policy.lifecycle.forecast import ENDLESS, Prospect, prospect
from longshore.policy.lifecycle.grammar import Policy, Rule
from longshore.policy.lifecycle.matching import matches_tag, patterns_of
from longshore.text import tr

Role = Literal["decides", "shielded", "no-match", "other-storage", "follows"]


@dataclass(frozen=True)
class Link:
    """One rule and the image.

    `decides`: its word counts. `shielded`: it matches, but the rule `by` came first. `no-match`:
    `missing` is the pattern that no tag meets, or "" when tagged or untagged is the matter.
    `other-storage`: it selects another storage class. `follows`: the image follows its subject.
    `matched` pairs patterns with the tag that meets each; `rank` of `among` where it counts;
    `alone` is what it would do if it were the only rule.
    """

    rule: Rule
    role: Role
    matched: tuple[tuple[str, str], ...] = ()
    missing: str = ""
    by: int | None = None
    rank: int = 0
    among: int = 0
    alone: Verdict | None = None

    def sentence(self) -> str:
        """What the rule has to do with the image, in words."""
        match self.role:
            case "decides":
                return tr("DECIDES: {why}", why=self._standing())
            case "shielded":
                return tr(
                    "matches ({why}), but may not act: rule {by} comes first",
                    by=self.by,
                    why=self._standing(),
                )
            case "follows":
                return tr("not looked at: it only follows its subject")
            case "other-storage":
                storage = self.rule.selection.storage_class
                return tr("not looked at: the rule is about {storage} storage", storage=storage)
            case _:
                return self._no_match()

    def _standing(self) -> str:
        parts = [
            tag if pattern == tag else tr("{tag} matches {pattern}", tag=tag, pattern=pattern)
            for pattern, tag in self.matched
        ]
        if self.rank:
            place = words.ordinal(self.rank)
            keeps = self.rule.selection.count_number
            parts.append(
                tr(
                    "{place} newest of {among}, limit {keeps}",
                    place=place,
                    among=self.among,
                    keeps=keeps,
                )
            )
        elif self.alone is not None and self.alone.because == "age":
            parts.append(
                tr(
                    "{since} {age} ago, limit {days}",
                    since=words.since(self.rule),
                    age=words.age(self.alone.age_s),
                    days=words.days(self.rule.selection.count_number),
                )
            )
        return ", ".join(parts)

    def _no_match(self) -> str:
        if self.missing:
            return tr("no tag meets {pattern}", pattern=self.missing)
        if self.rule.selection.tag_status == "untagged":
            return tr("the image has a tag")
        return tr("the image has no tag")


@dataclass(frozen=True)
class Account:
    """All there is to say about one image.

    `holders` are the indexes that name it, `referrers` what has it as subject; `then` is what
    follows when it is archived. An image that is kept for ever by a tag which may move on, as
    `live-prod` or `latest`, has those tags in `moving`, and in `without` its verdict without them.
    `doubts` are the open points by which it fares differently.
    """

    verdict: Verdict
    links: tuple[Link, ...]
    prospect: Prospect
    holders: tuple[ImageSeen, ...] = ()
    referrers: tuple[ImageSeen, ...] = ()
    behind: tuple[Verdict, ...] = ()
    then: Prospect | None = None
    moving: tuple[str, ...] = ()
    without: Verdict | None = None
    doubts: tuple[Doubt, ...] = ()


def account_for(evaluation: Evaluation, images: Sequence[ImageSeen], image: ImageSeen) -> Account:
    """Every rule's view of the image, its relations, its future, and what is in doubt."""
    by_digest = {one.image.digest: one for one in evaluation.verdicts}
    verdict = by_digest[image.digest]
    holders = tuple(one for one in images if image.digest in one.children)
    moving = _moving_tags(evaluation.policy, verdict)
    others = [one.digest for one in holders] + ([image.subject] if image.subject else [])
    return Account(
        verdict,
        _links(evaluation, images, verdict),
        prospect(verdict, evaluation.at, evaluation.readings),
        holders,
        tuple(one for one in images if one.subject == image.digest),
        tuple(by_digest[digest] for digest in others if digest in by_digest),
        _when_archived(evaluation, images, verdict),
        moving,
        _without(evaluation, images, verdict, moving),
        tuple(
            Doubt(doubt.point, doubt.choice, pairs)
            for doubt in doubts(evaluation, images)
            if (pairs := tuple(p for p in doubt.pairs if p[0].image.digest == image.digest))
        ),
    )


def find_images(images: Sequence[ImageSeen], text: str) -> tuple[ImageSeen, ...]:
    """The images that a tag, a digest, or the beginning of one (6 hex digits) means.

    >>> found = find_images([ImageSeen("sha256:abcdef12", ("v1",))], "abcdef")
    >>> found[0].tags
    ('v1',)
    """
    by_tag = tuple(one for one in images if text in one.tags)
    if by_tag:
        return by_tag
    hex_digits = text.removeprefix("sha256:").lower()
    if len(hex_digits) < 6:
        return ()
    return tuple(one for one in images if one.digest.partition(":")[2].startswith(hex_digits))


def _links(
    evaluation: Evaluation, images: Sequence[ImageSeen], verdict: Verdict
) -> tuple[Link, ...]:
    image, found, first = verdict.image, [], None
    follows = bool(evaluation.readings.referrers == "follow" and image.subject and not image.tags)
    for rule in evaluation.policy.rules:
        link = Link(rule, "follows") if follows else _look(rule, image)
        if link.role == "decides":
            link = _ranked(link, evaluation, images, image)
            if first is not None:
                link = replace(link, role="shielded", by=first)
            first = rule.priority if first is None else first
        found.append(link)
    return tuple(found)


def _look(rule: Rule, image: ImageSeen) -> Link:
    """Whether the rule matches the image; `decides` when it does."""
    selection = rule.selection
    world = {"ACTIVE": "standard", "ARCHIVED": "archive"}.get(image.status)
    if world != selection.storage_class:
        return Link(rule, "other-storage")
    if selection.tag_status == "untagged":
        return Link(rule, "no-match" if image.tags else "decides")
    if selection.tag_status == "any":
        return Link(rule, "decides")
    matched: list[tuple[str, str]] = []
    for pattern in patterns_of(selection):
        tag = next((one for one in image.tags if matches_tag(pattern, one)), None)
        if tag is None:
            missing = pattern if image.tags else ""
            return Link(rule, "no-match", tuple(matched), missing)
        matched.append((pattern, tag))
    return Link(rule, "decides", tuple(matched))


def _ranked(
    link: Link, evaluation: Evaluation, images: Sequence[ImageSeen], image: ImageSeen
) -> Link:
    rule = link.rule
    alone = evaluate(Policy((rule,)), images, evaluation.at, evaluation.readings).verdicts
    mine = next(one for one in alone if one.image.digest == image.digest)
    if rule.selection.count_type != "imageCountMoreThan":
        return replace(link, alone=mine)
    among = max((one.rank for one in alone), default=0)
    return replace(link, alone=mine, rank=mine.rank, among=among)


def _when_archived(
    evaluation: Evaluation, images: Sequence[ImageSeen], verdict: Verdict
) -> Prospect | None:
    """What becomes of an image that is archived now."""
    if verdict.action != "transition":
        return None
    image = replace(verdict.image, status="ARCHIVED", archived_at=evaluation.at)
    then = _evaluated_with(evaluation, images, image)
    return prospect(then, evaluation.at, evaluation.readings)


def _moving_tags(policy: Policy, verdict: Verdict) -> tuple[str, ...]:
    """The tags by which a rule without a real limit keeps the image."""
    rule, image = verdict.rule, verdict.image
    if rule is None or verdict.action != "keep" or verdict.because != "count":
        return ()
    if rule.selection.tag_status != "tagged" or rule.selection.count_number < ENDLESS:
        return ()
    patterns = patterns_of(rule.selection)
    return tuple(tag for tag in image.tags if any(matches_tag(one, tag) for one in patterns))


def _without(
    evaluation: Evaluation, images: Sequence[ImageSeen], verdict: Verdict, moving: Sequence[str]
) -> Verdict | None:
    """The verdict about the image once these tags are another image's."""
    if not moving:
        return None
    image = verdict.image
    left = tuple(tag for tag in image.tags if tag not in moving)
    return _evaluated_with(evaluation, images, replace(image, tags=left))


def _evaluated_with(
    evaluation: Evaluation, images: Sequence[ImageSeen], changed: ImageSeen
) -> Verdict:
    then = [changed if one.digest == changed.digest else one for one in images]
    verdicts = evaluate(evaluation.policy, then, evaluation.at, evaluation.readings).verdicts
    return next(one for one in verdicts if one.image.digest == changed.digest)
