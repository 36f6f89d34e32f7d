"""A second evaluator, slow and plain, written from the sentences of ECR's documents.

It shares no code and no structure with `policy/lifecycle/evaluate`: it asks each image after each
rule, compares every image with every other one, and looks at everything again until nothing
changes. The sentences are quoted in their gist above what they became.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.grammar import Policy, Rule
from longshore.policy.lifecycle.readings import DEFAULT, Readings

Fate = tuple[str, int | None]
NO_RULE: Fate = ("keep", None)
DAY = timedelta(days=1)


def fates(
    policy: Policy, images: Sequence[ImageSeen], at: datetime, readings: Readings = DEFAULT
) -> dict[str, Fate]:
    """Action and deciding rule by digest."""
    world = World(policy, images, at, readings)
    final: dict[str, Fate] = {}
    changed = True
    while changed:
        changed = False
        for image in images:
            if image.digest not in final and all(one in final for one in world.needs(image)):
                final[image.digest] = world.fate(image, final)
                changed = True
    rest = {image.digest: world.fate(image, final) for image in images if image.digest not in final}
    return final | rest


class World:
    def __init__(
        self, policy: Policy, images: Sequence[ImageSeen], at: datetime, readings: Readings
    ) -> None:
        self.rules, self.images, self.at, self.readings = policy.rules, images, at, readings
        self.named = {image.digest: image for image in images}

    def needs(self, image: ImageSeen) -> list[str]:
        """Whose fate must be known first: the indexes that name it, and its subject."""
        indexes = [one.digest for one in self.images if image.digest in one.children]
        return indexes + [one for one in [image.subject or ""] if one in self.named]

    def fate(self, image: ImageSeen, final: dict[str, Fate]) -> Fate:
        action, rule = self.with_subject(image, self.by_rules(image), final)
        if any(self.holds(index, image, action, final) for index in self.images):
            return "keep", rule
        return action, rule

    # "A manifest referenced by an index cannot be expired or archived before the index is."
    def holds(
        self, index: ImageSeen, image: ImageSeen, action: str, final: dict[str, Fate]
    ) -> bool:
        if image.digest not in index.children or action == "keep":
            return False
        if action == "transition" and index.status == "ARCHIVED":
            return False
        if self.readings.children_go == "same-run":
            fate = final.get(index.digest, NO_RULE)[0]
            return not (fate == "expire" or fate == action == "transition")
        return True

    # "Referrers are removed or archived after their subject."
    def with_subject(self, image: ImageSeen, own: Fate, final: dict[str, Fate]) -> Fate:
        if not image.subject:
            return own
        subject = final.get(image.subject, NO_RULE)
        if self.follows(image):
            taken = subject[0]
            if taken == "transition" and image.status != "ACTIVE":
                taken = "keep"
            return taken, subject[1]
        if own[0] != "expire":
            if subject[0] == "expire":
                return subject
            if subject[0] == "transition" and image.status == "ACTIVE":
                return subject
        return own

    def follows(self, image: ImageSeen) -> bool:
        return bool(image.subject) and not image.tags and self.readings.referrers == "follow"

    # "An image is acted on by exactly one or zero rules." "An image that matches the tagging
    # requirements of a rule cannot be expired by a rule with a lower priority."
    def by_rules(self, image: ImageSeen) -> Fate:
        for rule in sorted(self.rules, key=lambda one: one.priority):
            if self.matches(rule, image):
                return (rule.action if self.marks(rule, image) else "keep"), rule.priority
        return NO_RULE

    def matches(self, rule: Rule, image: ImageSeen) -> bool:
        chosen = rule.selection
        if self.follows(image):
            return False
        if image.status != {"standard": "ACTIVE", "archive": "ARCHIVED"}[chosen.storage_class]:
            return False
        if chosen.tag_status == "untagged":
            return image.tags == ()
        if chosen.tag_status == "any":
            return True
        return all(
            [any(like(pattern, tag) for tag in image.tags) for pattern in chosen.patterns]
            + [any(tag[: len(one)] == one for tag in image.tags) for one in chosen.prefixes]
        )

    # "Lower-priority rules still identify images that higher rules matched": all images count here.
    def marks(self, rule: Rule, image: ImageSeen) -> bool:
        kind, number = rule.selection.count_type, rule.selection.count_number
        if kind == "imageCountMoreThan":
            if order_time(image) is None or not self.counts(rule, image):
                return False
            newer = [
                other
                for other in self.images
                if self.matches(rule, other)
                and self.counts(rule, other)
                and self.newer(other, image)
            ]
            return len(newer) >= number
        time = self.age_time(rule, image)
        return time is not None and self.older(time, number)

    def counts(self, rule: Rule, image: ImageSeen) -> bool:
        if order_time(image) is None:
            return False
        is_child = any(image.digest in other.children for other in self.images)
        takes_none = self.readings.children == "do-not-count" and is_child and not image.tags
        return rule.selection.tag_status == "tagged" or not takes_none

    def newer(self, one: ImageSeen, other: ImageSeen) -> bool:
        first, second = order_time(one), order_time(other)
        assert first is not None
        assert second is not None
        if first != second:
            return first > second
        if self.readings.ties == "lower-digest-is-newer":
            return one.digest < other.digest
        return one.digest > other.digest

    def older(self, time: datetime, days: int) -> bool:
        if self.readings.day == "calendar":
            return (day_of(self.at) - day_of(time)).days > days
        return (self.at - time) / DAY > days

    # "Never pulled: the push counts. Restored and not pulled since: last_activated_at counts."
    def age_time(self, rule: Rule, image: ImageSeen) -> datetime | None:
        kind = rule.selection.count_type
        if kind == "sinceImageTransitioned":
            return image.archived_at
        if kind == "sinceImagePushed":
            if image.activated_at and self.readings.restored_age == "since-restored":
                return image.activated_at
            return image.pushed_at
        if image.activated_at and (not image.pulled_at or image.pulled_at < image.activated_at):
            return image.activated_at
        return image.pulled_at or image.pushed_at


# "An image that was archived and restored is ordered by last_activated_at."
def order_time(image: ImageSeen) -> datetime | None:
    return image.activated_at if image.activated_at else image.pushed_at


def day_of(time: datetime) -> date:
    return time.astimezone(UTC).date()


def like(pattern: str, tag: str) -> bool:
    """Whether the whole tag is the pattern, where * is any number of any characters."""
    if not pattern:
        return not tag
    if pattern[0] == "*":
        return any(like(pattern[1:], tag[at:]) for at in range(len(tag) + 1))
    return tag[:1] == pattern[0] and like(pattern[1:], tag[1:])
