"""What is wrong with a lifecycle policy's text: ECR's words, the place, and a remedy. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longshore.errors import ConfigError, Problem, Where
from longshore.text import tr

_PREFIX = (
    "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
    "'Lifecycle policy validation failure: "
)


@dataclass(frozen=True)
class Flaw:
    """One thing that ECR refuses: where in the document, and `detail` as ECR words it.

    `known` is False when ECR's wording was never seen in public; then the words are ours. `ours`
    says that ECR may even take it. `remedy` is what to do; line and column count from 1.
    """

    path: str
    detail: str
    known: bool = True
    remedy: str = ""
    ours: bool = False
    line: int = 1
    column: int = 1

    def words(self) -> str:
        """Path and detail, as a list of several flaws shows them."""
        return f"{self.path}: {self.detail}" if self.path else self.detail


def refusal(flaw: Flaw) -> str:
    """The message of ECR's InvalidParameterException for the flaw."""
    return f"{_PREFIX}{flaw.detail}'"


class PolicyRefused(ConfigError):
    """The policy has flaws; `what` is ECR's whole message, `detail` the part of it that varies.

    All flaws are among the problems, each with its place in `filename` (if there is one).
    """

    default_code = "lifecycle-policy-invalid"

    def __init__(self, flaws: Sequence[Flaw], filename: str | None = None) -> None:
        self.flaws = tuple(flaws)
        self.detail = flaws[0].detail
        super().__init__(
            [_problem(flaw, filename) for flaw in flaws],
            flaws[0].words() if flaws[0].ours else refusal(flaws[0]),
        )


def _problem(flaw: Flaw, filename: str | None) -> Problem:
    where = Where(resource=flaw.path or tr("lifecycle policy"))
    if filename is not None:
        where = Where(filename, flaw.line, flaw.column)
    remedy = flaw.remedy or tr("correct {path} in the policy", path=flaw.path or tr("the text"))
    return Problem(where, flaw.words(), PolicyRefused.default_code, remedy)
