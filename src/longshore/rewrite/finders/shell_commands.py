"""Image references in shell text: docker, podman, crane, skopeo and their like. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from longshore.rewrite.mentions import Mention, Pulled
from longshore.rewrite.source import Span


@dataclass(frozen=True)
class Script:
    """Shell text that stands somewhere in a file (a `run:` step, a script, a recipe).

    `locate` gives the file's span for characters of `text`; None when they cannot be placed.
    `variables` are values that are known from outside (env, matrix); they may hold OPEN.
    """

    text: str
    locate: Callable[[int, int], Span | None]
    kind: str
    pulled: Pulled
    job: str = ""
    times: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)


def mentions_in(script: Script) -> list[Mention]:
    """Every image that the commands of a script name."""
    return []
