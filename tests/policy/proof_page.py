"""What the page about the preset shows, made by the evaluator: `python -m tests.policy.proof_page`.

`test_proof_page` compares the page with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.compile import Compiled
from longshore.policy.lifecycle.preset import numbered

from .pipeline import BRANCHES, Pipeline

# --- the five numbers ---------------------------------------------------------------------------


def numbers(markers: str = "all", days: tuple[int, ...] = (1, 3, 7, 14, 30, 60)) -> str:
    """What is left after so many days of a busy team."""
    line = Pipeline(markers=markers)
    rows = ["| after | production | branches | pull requests | nightly | untagged | backups |",
            "|---|---|---|---|---|---|---|"]  # fmt: skip
    for day in range(1, days[-1] + 1):
        one_day(line, day)
        line.night()
        if day in days:
            rows.append(_row(line, day))
    return "\n".join(rows)


def one_day(line: Pipeline, day: int) -> None:
    """Three pushes to main, one to each of five branches, two pull requests, a night build; a
    release and a deployment every third day."""
    for _ in range(3):
        built = line.push("main")
    for branch in BRANCHES:
        line.push(branch)
    line.push(pull_request=day)
    line.push(pull_request=day // 2 + 1)
    line.push("nightly")
    if day % 3 == 0:
        built = line.push(f"v1.{day // 3}.0")
    if day % 3 == 0 or day == 1:
        line.deploy(built)


def _row(line: Pipeline, day: int) -> str:
    """Production in two numbers: what its limits keep, and what stays on top as it is in use."""
    groups = [("v", "main-")] if line.tags.markers == "all" else [("v",), ("main-",)]
    within = {digest for group in groups for digest in line.with_tags(*group)[:10]}
    more = len(set(line.with_tags("v", "main-")) - within)
    branches = ("branch-",) if line.tags.markers == "all" else ("develop-", "feature-")
    others = [line.with_tags(*one) for one in (branches, ("pr-",), ("nightly-",))]
    cells = [
        "1 day" if day == 1 else f"{day} days",
        f"{len(within)} + {more}" if more else str(len(within)),
        *(str(len(one)) for one in (*others, line.untagged, line.with_tags("backup-"))),
    ]
    return f"| {' | '.join(cells)} |"


# --- the obvious rules --------------------------------------------------------------------------


@dataclass(frozen=True)
class Contrast:
    """A policy that looks right, and a history after which it is not."""

    title: str
    policy: Compiled
    happens: Callable[[Pipeline], str]


def rule(count: int, *prefixes: str, days: bool = False, pattern: str = "") -> dict[str, Any]:
    """A rule as one writes it at first."""
    lists = {"tagPatternList": [pattern]} if pattern else {"tagPrefixList": list(prefixes)}
    kind = {"countType": "sinceImagePushed", "countUnit": "days"} if days else {
        "countType": "imageCountMoreThan"
    }  # fmt: skip
    selection = {"tagStatus": "tagged", **lists, **kind, "countNumber": count}
    return {"selection": selection, "action": {"type": "expire"}}


def _thirty_pushes(line: Pipeline) -> str:
    first = line.push("main")
    for number in range(29):
        line.push("main" if number % 2 else f"v1.{number}.0")
    return first


def _backed_up_today(line: Pipeline) -> str:
    running = line.push("main")
    line.tag(running, "live-prod")
    line.wait(days=8)
    line.tag(running, f"backup-{line.now:%Y%m%d-%H%M%S}")
    return running


def _ten_more(line: Pipeline) -> str:
    running = line.push("main")
    line.tag(running, "live-prod")
    for _ in range(10):
        line.push("main")
    return running


def _one_branch(line: Pipeline) -> str:
    branch = line.push("day2-advanced")
    for _ in range(5):
        line.push("main")
    return branch


CONTRASTS = (
    Contrast(
        "several prefixes in one rule: the first of 30 production images",
        Compiled(numbered([rule(10, "latest", "v", "main-")])),
        _thirty_pushes,
    ),
    Contrast(
        "backups by age: an image that runs, pushed 8 days ago, backed up today",
        Compiled(numbered([rule(10, "main-"), rule(7, "backup-", days=True)][::-1])),
        _backed_up_today,
    ),
    Contrast(
        "keep 10: an image that runs, then ten pushes that nobody deployed",
        Compiled(numbered([rule(10, "main-")])),
        _ten_more,
    ),
    Contrast(
        "a catch-all for other branches: one push to day2-advanced, then five to main",
        Compiled(numbered([rule(10, "main-"), rule(5, pattern="*")])),
        _one_branch,
    ),
)


def contrast(one: Contrast) -> str:
    """What the obvious policy and the preset do to the same image."""
    lines = [f"# {one.title}"]
    for name, line in (("obvious", Pipeline(one.policy, "none")), ("standard", Pipeline())):
        digest = one.happens(line)
        verdict = next(v for v in line.evaluate().verdicts if v.image.digest == digest)
        what = "goes" if verdict.action == "expire" else "stays"
        lines += [f"{name:<9} {_tags(verdict.image)}", f"{'':<9} {what}: {verdict.reason}"]
    return "\n".join(lines)


def _tags(image: ImageSeen) -> str:
    return " ".join(image.tags)


def contrasts() -> str:
    return "\n\n".join(contrast(one) for one in CONTRASTS)


def obvious_policies() -> Iterator[str]:
    for one in CONTRASTS:
        yield json.dumps(one.policy.policy)


if __name__ == "__main__":
    print(numbers(), numbers("none"), contrasts(), sep="\n\n")
