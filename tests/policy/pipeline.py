"""A pipeline that builds, tags and pushes, ECR that expires each day, and longshore's prune.

Tags come from `tags compute` itself, verdicts from the evaluator, prunes from `plan_prune`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from longshore.facts import ImageSeen
from longshore.policy.build_tags import backup_tag, compute
from longshore.policy.builds import Build, TagRules
from longshore.policy.lifecycle.compile import Compiled, compile_standard
from longshore.policy.lifecycle.evaluate import Evaluation, evaluate
from longshore.policy.lifecycle.grammar import Policy, parse_policy
from longshore.policy.lifecycle.preset import Families
from longshore.policy.lifecycle.pruning import plan_prune

BEGAN = datetime(2026, 1, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
BRANCHES = ("develop", "feature/login", "day2-advanced", "release/2.1", "한글-branch")


@dataclass(frozen=True)
class Gone:
    """What left the repository: by which rule of ECR's, or by prune."""

    image: ImageSeen
    why: str


class Pipeline:
    """A repository and all that happens to it. The clock only goes forward."""

    def __init__(self, policy: Compiled | None = None, markers: str = "all") -> None:
        rules = Families(branches=("main",), markers=markers)  # type: ignore[arg-type]
        self.made = policy or compile_standard(rules)
        self.tags = TagRules(markers=markers)  # type: ignore[arg-type]
        self.now = BEGAN
        self.images: dict[str, ImageSeen] = {}
        self.releases: tuple[str, ...] = ()
        self.gone: list[Gone] = []
        self._numbers = count(1)

    @property
    def policy(self) -> Policy:
        return parse_policy(self.made.text or "")

    def push(self, ref: str = "main", *, pull_request: int | None = None) -> str:
        """Build a branch, a version (`v1.2.0`), a pull request or the night; the digest."""
        self.wait(minutes=1)
        number = next(self._numbers)
        sha = f"{number * 7919:07x}{'0' * 33}"
        event, full = "push", f"refs/heads/{ref}"
        if pull_request is not None:
            event, full = "pull_request", f"refs/pull/{pull_request}/merge"
        elif ref == "nightly":
            event, full = "schedule", "refs/heads/main"
        elif ref[0] == "v" and ref[1:2].isdigit():
            self.releases, full = (*self.releases, ref), f"refs/tags/{ref}"
        build = Build(
            event, full, sha, at=self.now, pull_request=pull_request, default_branch="main",
            releases=self.releases,
        )  # fmt: skip
        found = compute(build, self.tags)
        assert found.push
        digest = f"sha256:{number:064x}"
        self.images[digest] = ImageSeen(digest, (), pushed_at=self.now)
        self.tag(digest, *found.tags)
        return digest

    def tag(self, digest: str, *tags: str) -> None:
        """Tags move here from where they were; what loses its last one stays, untagged."""
        for one in self.images.values():
            left = tuple(tag for tag in one.tags if tag not in tags)
            self.images[one.digest] = replace(one, tags=left)
        image = self.images[digest]
        self.images[digest] = replace(image, tags=(*image.tags, *tags))

    def deploy(self, digest: str) -> None:
        """As a release does it: back up what runs, then move live and rollback."""
        running = self.tagged("live-prod")
        if running:
            self.tag(running, backup_tag(self.now), "rollback-prod")
        self.tag(digest, "live-prod")

    def wait(self, *, days: float = 0, minutes: float = 0) -> None:
        self.now += timedelta(days=days, minutes=minutes)

    def night(self, *, prune: bool = True) -> None:
        """The next day comes: longshore prunes, then ECR runs its rules."""
        self.wait(days=1)
        if prune:
            self.prune()
        self.expire()

    def evaluate(self) -> Evaluation:
        return evaluate(self.policy, list(self.images.values()), self.now)

    def expire(self) -> None:
        """One run of ECR's."""
        for verdict in self.evaluate().acted("expire"):
            self.gone.append(Gone(verdict.image, verdict.reason))
            del self.images[verdict.image.digest]

    def prune(self) -> None:
        """One run of longshore's."""
        images = list(self.images.values())
        for step in plan_prune(self.made.prune, images, [], self.now, self.made.protected).steps:
            left = tuple(tag for tag in step.image.tags if tag not in step.tags)
            self.images[step.digest] = replace(step.image, tags=left)
            if step.deletes_image:
                self.gone.append(Gone(step.image, step.reason))
                del self.images[step.digest]

    def tagged(self, tag: str) -> str:
        """The digest that has the tag; empty when none has."""
        return next((one.digest for one in self.images.values() if tag in one.tags), "")

    def with_tags(self, *prefixes: str) -> list[str]:
        """The images that have a tag with one of these beginnings, newest first."""
        found = [
            one for one in self.images.values() if any(t.startswith(prefixes) for t in one.tags)
        ]
        found.sort(key=lambda one: one.pushed_at or BEGAN, reverse=True)
        return [one.digest for one in found]

    @property
    def untagged(self) -> list[str]:
        return [one.digest for one in self.images.values() if not one.tags]
