"""What happens to an image by a lifecycle policy, with the reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from longshore.facts import ImageSeen
from longshore.policy.lifecycle import words
from longshore.policy.lifecycle.grammar import Policy, Rule
from longshore.policy.lifecycle.readings import Readings

Action = Literal["expire", "transition", "keep"]
Because = Literal[
    "count", "age", "no-rule", "undated", "in-index", "subject", "restoring", "circle"
]


class Verdict(NamedTuple):
    """What happens to an image, and why. (A tuple, because there may be a million.)

    `rule` is the rule that decides about the image, also when it keeps it; None: no rule reaches
    it. `because` says what decided: the `count` (`rank`: 1 is the newest), the `age` in seconds,
    the index or subject in `other`. `behind` is the verdict that a subject hands on: its own, or
    when it only does what its own subject does, the one that it follows.
    """

    image: ImageSeen
    action: Action
    rule: Rule | None
    because: Because
    rank: int = 0
    age_s: float = 0.0
    other: str = ""
    behind: Verdict | None = None

    @property
    def reason(self) -> str:
        """The reason in a sentence."""
        return words.reason(self)


@dataclass(frozen=True)
class Evaluation:
    """The verdicts, in the order of the images that were given."""

    policy: Policy
    at: datetime
    readings: Readings
    verdicts: tuple[Verdict, ...]

    def acted(self, action: Action = "expire") -> tuple[Verdict, ...]:
        """The verdicts with this action."""
        return tuple(one for one in self.verdicts if one.action == action)
