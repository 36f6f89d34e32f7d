"""ECR's own preview of a policy beside our verdicts: where they differ, what would fit. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from longshore.facts import ImageSeen, LifecyclePreview, PreviewedImage
from longshore.policy.lifecycle.evaluate import Verdict, evaluate
from longshore.policy.lifecycle.grammar import Policy
from longshore.policy.lifecycle.readings import Readings, every_reading, open_points
from longshore.text import tr

_MOST_WORK = 2_000_000


@dataclass(frozen=True)
class Difference:
    """An image about which ECR and we do not agree.

    `ours` is None when ECR names an image that was not listed, `ecr` when ECR would leave it alone.
    """

    digest: str
    tags: tuple[str, ...]
    ours: Verdict | None
    ecr: PreviewedImage | None

    def our_words(self) -> str:
        """What we say, with the reason."""
        if self.ours is None:
            return tr("the image was not there when it was listed")
        match self.ours.action:
            case "expire":
                return tr("expires: {reason}", reason=self.ours.reason)
            case "transition":
                return tr("archived: {reason}", reason=self.ours.reason)
            case _:
                return tr("stays: {reason}", reason=self.ours.reason)

    def ecr_words(self) -> str:
        """What ECR says; it gives the rule and no further reason."""
        if self.ecr is None:
            return tr("stays: it is not in the preview")
        if self.ecr.action == "transition":
            return tr("archived by rule {rule}", rule=self.ecr.rule)
        return tr("expires by rule {rule}", rule=self.ecr.rule)


def differences(verdicts: Sequence[Verdict], preview: LifecyclePreview) -> tuple[Difference, ...]:
    """Every image that fares differently, or by another rule."""
    theirs = {one.digest: one for one in preview.images}
    found = []
    for ours in verdicts:
        ecr = theirs.pop(ours.image.digest, None)
        rule = ours.rule.priority if ours.rule else 0
        if ours.action == "keep" and ecr is None:
            continue
        if ecr is None or (ours.action, rule) != (ecr.action, ecr.rule):
            found.append(Difference(ours.image.digest, ours.image.tags, ours, ecr))
    found += [Difference(one.digest, one.tags, None, one) for one in theirs.values()]
    return tuple(found)


def fitting(
    policy: Policy, images: Sequence[ImageSeen], at: datetime, preview: LifecyclePreview
) -> tuple[Readings, ...]:
    """The readings of the open points by which our verdicts are ECR's; empty when none fits."""
    points = open_points(policy, images)
    if not points or len(images) << len(points) > _MOST_WORK:
        return ()
    return tuple(
        readings
        for readings in every_reading(points)
        if not differences(evaluate(policy, images, at, readings).verdicts, preview)
    )
