"""What becomes of a repository's images by a policy, as a value and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from longshore.cli.lifecycle_inputs import Subject
from longshore.cli.lifecycle_timeline import steps_json
from longshore.cli.typeset import moment
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.comparison import Doubt, question
from longshore.policy.lifecycle.evaluate import Action
from longshore.policy.lifecycle.forecast import Course, Fate, Forecast
from longshore.policy.lifecycle.invented import Rate
from longshore.policy.lifecycle.readings import Readings, as_pairs

ACTIONS: tuple[Action, ...] = ("expire", "transition", "keep")


@dataclass(frozen=True)
class Ahead:
    """A look ahead; `untried`: there was too much of it to try the open points too."""

    course: Course
    forecast: Forecast
    rates: tuple[Rate, ...] = ()
    untried: bool = False


@dataclass(frozen=True)
class Judged:
    """A subject with what becomes of its images, at once or `ahead` along time."""

    subject: Subject
    readings: Readings
    fates: tuple[Fate, ...]
    doubts: tuple[Doubt, ...] = ()
    ahead: Ahead | None = None

    def of(self, action: Action) -> list[Fate]:
        """The fates with this action."""
        return [one for one in self.fates if one.verdict.action == action]

    def count(self, action: Action) -> int:
        """How many images fare so."""
        return sum(1 for one in self.fates if one.verdict.action == action)

    def bytes_of(self, action: Action) -> int | None:
        """How large they are, layers that they share counted each time."""
        return whole_size(one.image for one in self.fates if one.verdict.action == action)


def whole_size(images: Iterable[ImageSeen]) -> int | None:
    """The sizes together; None when a listing has none of them."""
    sizes = [one.size for one in images]
    return sum(sizes) if any(sizes) or not sizes else None


def judged_json(judged: Judged) -> dict[str, Any]:
    """One repository's part of the answer, its images aside."""
    chosen = judged.subject.chosen
    return {
        "policy": chosen.as_json() if chosen else None,
        "counts": {
            "images": len(judged.fates),
            **{action: judged.count(action) for action in ACTIONS},
            "unreached": sum(1 for one in judged.fates if one.verdict.because == "no-rule"),
        },
        "bytes": {
            "total": whole_size(one.image for one in judged.fates),
            **{action: judged.bytes_of(action) for action in ACTIONS},
        },
        "remarks": list(judged.subject.remarks),
        "open_points": [doubt_json(one) for one in judged.doubts],
        "readings": as_pairs(judged.readings),
        **({"look_ahead": _ahead_json(judged.ahead)} if judged.ahead else {}),
    }


def image_json(fate: Fate) -> dict[str, Any]:
    """One image with what becomes of it."""
    image, verdict = fate.image, fate.verdict
    return {
        "digest": image.digest,
        "tags": list(image.tags),
        "action": verdict.action,
        "rule": verdict.rule.priority if verdict.rule else None,
        "reason": verdict.reason,
        "because": verdict.because,
        "status": image.status,
        "pushed_at": moment(image.pushed_at) or None,
        "size": image.size,
        "goes_at": moment(fate.goes_at) or None,
        "archived_at": moment(fate.archived_at) or None,
    }


def doubt_json(doubt: Doubt) -> dict[str, Any]:
    """An open point that matters, with the images that fare differently."""
    return {
        "point": doubt.point,
        "question": question(doubt.point),
        "read_as": doubt.choice,
        "images": [
            {
                "digest": mine.image.digest,
                "tags": list(mine.image.tags),
                "action": mine.action,
                "rule": mine.rule.priority if mine.rule else None,
                "action_then": other.action,
                "rule_then": other.rule.priority if other.rule else None,
            }
            for mine, other in doubt.pairs
        ],
    }


def _ahead_json(ahead: Ahead) -> dict[str, Any]:
    return {
        "from": moment(ahead.course.start),
        "until": moment(ahead.course.until),
        "every_s": ahead.course.every.total_seconds(),
        "push_rate": [
            {"tags": list(one.patterns), "every_s": one.every.total_seconds()}
            for one in ahead.rates
        ],
        "open_points_tried": not ahead.untried,
        "steps": steps_json(ahead.forecast),
    }
