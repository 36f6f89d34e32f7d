"""How many Docker Hub pulls one pipeline run costs, what that means, and what saves most. Pure.

The headline is the dearest single push or pull request, over all workflows that it starts; other
pipelines of the tree (GitLab and its like) run on the same push and are added. A tree without any
pipeline, or with one that is seen to pull nothing, is counted as one build of every Dockerfile and
one start of every Compose file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.given_registries import without_public_default
from longshore.rewrite.pipeline_builds import Build, Composed
from longshore.rewrite.pipeline_elsewhere import pulls_elsewhere
from longshore.rewrite.pipeline_jobs import (
    Event,
    Pull,
    Uses,
    once_a_job,
    pulls_of_work,
    pulls_of_workflow,
)
from longshore.rewrite.pull_limits import ANONYMOUS, AS_OF, LIMITS, SOURCE, WINDOW_S
from longshore.rewrite.syntax.workflow import Workflow, is_workflow_path, parse_workflow
from longshore.rewrite.triggers import Trigger, started_by, triggers_of
from longshore.rewrite.uses import Use
from longshore.text import tr

Basis = Literal["pipelines", "builds", "nothing"]
_SHOWN = 6
_BUILDS = Trigger("build")


@dataclass(frozen=True)
class RunCost:
    """One run of one workflow (or other pipeline file), started by an event."""

    workflow: str
    trigger: str
    lines: tuple[Pull, ...]

    @property
    def pulls(self) -> int:
        """All pulls of the run."""
        return sum(one.pulls for one in self.lines)

    @property
    def by_job(self) -> dict[str, int]:
        """Pulls of each job."""
        found: dict[str, int] = {}
        for one in self.lines:
            found[one.job] = found.get(one.job, 0) + one.pulls
        return found

    def as_json(self) -> dict[str, Any]:
        """One entry of `runs`."""
        return {
            "workflow": self.workflow,
            "trigger": self.trigger,
            "pulls": self.pulls,
            "jobs": self.by_job,
            "lines": [_line(one) for one in self.lines],
        }


@dataclass(frozen=True)
class BestChange:
    """The one image whose move saves most pulls of the headline run."""

    image: str
    references: tuple[str, ...]
    saves: int
    of: int
    how: str

    def as_json(self) -> dict[str, Any]:
        """The key `best_change`."""
        return {
            "image": self.image,
            "references": list(self.references),
            "saves": self.saves,
            "of": self.of,
            "how": self.how,
        }

    def __str__(self) -> str:
        return tr("{how}: -{saves} of {all}", how=self.how, saves=self.saves, all=self.of)


@dataclass(frozen=True)
class PipelineCost:
    """What a run costs: `runs` are those of the dearest event, `others` the dearest of each other.

    `basis` says what was counted: pipelines, or (where none pulls) the tree's builds.
    """

    trigger: str
    runs: tuple[RunCost, ...]
    basis: Basis
    others: tuple[tuple[str, int], ...] = ()

    @property
    def per_run(self) -> int:
        """Docker Hub pulls of the dearest single push or pull request."""
        return sum(one.pulls for one in self.runs)

    @property
    def pulls(self) -> list[Pull]:
        """Every pull of that run."""
        return [one for run in self.runs for one in run.lines]

    @property
    def best_change(self) -> BestChange | None:
        """What saves most, or None when nothing is pulled."""
        return best_change(self.pulls)

    def as_json(self) -> dict[str, Any]:
        """The key `pulls` of longshore.assess/1."""
        best = self.best_change
        return {
            "per_run": self.per_run,
            "limit": ANONYMOUS.pulls,
            "window_s": WINDOW_S,
            "trigger": self.trigger,
            "basis": self.basis,
            "runs": [one.as_json() for one in self.runs],
            "others": [{"trigger": name, "pulls": count} for name, count in self.others],
            "best_change": best.as_json() if best else None,
            "forecast": [
                {"plan": one.plan, "limit": one.pulls, "per": one.per, "runs": self._runs(one)}
                for one in LIMITS
            ],
            "limits_source": f"{SOURCE} ({AS_OF})",
        }

    def lines(self) -> list[str]:
        """What a terminal shows: the headline, the dearest images, the one change."""
        found = [*self._headline(), *self._dearest()]
        best = self.best_change
        if best is not None:
            found.append(tr("saves most: {change}", change=best))
        return found

    def _runs(self, limit: Any) -> int | None:
        runs: int | None = limit.runs(self.per_run)
        return runs

    def _headline(self) -> list[str]:
        if not self.per_run:
            return [tr("0 Docker Hub pulls in a pipeline run")]
        what = {
            "pipelines": tr("a pipeline run ({trigger})", trigger=self.trigger),
            "builds": tr("a build of everything (no pipeline is seen to do it)"),
        }.get(self.basis, self.trigger)
        runs = [str(one.runs(self.per_run)) for one in LIMITS if one.pulls is not None]
        if runs[-1] == "0":
            limit = tr("that is more than a free account may pull in 6 hours: no run can end")
            return [tr("{pulls} Docker Hub pulls in {what}", pulls=self.per_run, what=what), limit]
        limit = tr(
            "the limit is reached after {anonymous} runs in 6 hours without a login, {account} "
            "with a free account",
            anonymous=runs[0],
            account=runs[1],
        )
        return [tr("{pulls} Docker Hub pulls in {what}", pulls=self.per_run, what=what), limit]

    def _dearest(self) -> list[str]:
        groups = _by_image(self.pulls)
        found = []
        for image, pulls in groups[:_SHOWN]:
            reasons = list(dict.fromkeys(one.reason for one in pulls))
            more = tr(" and {count} more", count=len(reasons) - 2) if len(reasons) > 2 else ""
            count = sum(one.pulls for one in pulls)
            name = image.removeprefix(f"{DOCKER_HUB}/").removeprefix("library/")
            found.append(f"  {count:>4}  {name} ({', '.join(reasons[:2])}{more})")
        if len(groups) > _SHOWN:
            found.append(tr("        and more images: {count}", count=len(groups) - _SHOWN))
        return found


def pipeline_cost(uses: Iterable[Use], tree: Tree) -> PipelineCost:
    """The pulls of one pipeline run of a tree."""
    uses = list(uses)
    known = Uses(uses)
    workflows = _workflows(tree)
    elsewhere = pulls_elsewhere(known, tree)
    first = Event(tree, known, _BUILDS)
    events = [
        _event_cost(replace(first, trigger=trigger), workflows)
        for trigger in triggers_of(workflows)
    ]
    events = [one for one in events if one[1]]
    if not elsewhere and not any(run.pulls for _, runs in events for run in runs):
        known = Uses(without_public_default(uses)) if workflows else known
        return _without_pipeline(known, tree, bool(workflows))
    usual = [one for one in events if one[0].is_usual] or events
    usual = usual if any(run.pulls for _, runs in usual for run in runs) else events
    trigger, runs = max(usual, key=_dearer) if usual else (Trigger("push", "main"), ())
    more = tuple(RunCost(file, str(trigger), tuple(pulls)) for file, pulls in elsewhere if pulls)
    runs = tuple(one for one in runs if one.pulls)
    others = [
        (str(one), sum(run.pulls for run in found)) for one, found in events if one != trigger
    ]
    return PipelineCost(str(trigger), (*runs, *more), "pipelines", tuple(others))


def best_change(pulls: Sequence[Pull]) -> BestChange | None:
    """The one image whose move saves most of these pulls."""
    groups = _by_image(pulls)
    if not groups:
        return None
    image, lines = groups[0]
    saves = sum(one.pulls for one in lines)
    references = tuple(dict.fromkeys(one.reference for one in lines))
    how = _how(image, references, lines)
    return BestChange(image, references, saves, sum(one.pulls for one in pulls), how)


def _how(image: str, references: tuple[str, ...], lines: list[Pull]) -> str:
    name = image.removeprefix(f"{DOCKER_HUB}/").removeprefix("library/")
    shown = name
    if len(references) == 1:
        shown = references[0].removeprefix(f"{DOCKER_HUB}/").removeprefix("library/")
    kinds = {one.use.mention.kind for one in lines}
    moments = {one.use.mention.pulled for one in lines}
    if kinds == {"dockerfile-syntax"}:
        return tr("remove the syntax line {image}", image=shown)
    if kinds == {"gha-implicit"}:
        return tr("name {image} in ECR at the action that pulls it unasked", image=shown)
    if moments == {"job-start"} and is_official(name):
        return tr("take {image} from public.ecr.aws/docker/library", image=shown)
    return tr("use ECR for {image}", image=shown)


def _by_image(pulls: Sequence[Pull]) -> list[tuple[str, list[Pull]]]:
    """The pulls of each image, the dearest first."""
    groups: dict[str, list[Pull]] = {}
    for one in pulls:
        groups.setdefault(one.use.image or one.reference, []).append(one)
    return sorted(groups.items(), key=lambda one: (-sum(p.pulls for p in one[1]), one[0]))


def _event_cost(event: Event, workflows: list[Workflow]) -> tuple[Trigger, tuple[RunCost, ...]]:
    runs = tuple(
        RunCost(one.file.path, str(event.trigger), tuple(pulls_of_workflow(event, one)))
        for one in started_by(event.trigger, workflows)
    )
    return event.trigger, runs


def _dearer(one: tuple[Trigger, tuple[RunCost, ...]]) -> tuple[int, bool]:
    trigger, runs = one
    return sum(run.pulls for run in runs), trigger.event == "push" and not trigger.tag


def _workflows(tree: Tree) -> list[Workflow]:
    found = []
    for path in sorted(one for one in tree.paths if is_workflow_path(one)):
        file = tree.file(path)
        workflow = parse_workflow(file) if file is not None else None
        if workflow is not None:
            found.append(workflow)
    return found


def _without_pipeline(uses: Uses, tree: Tree, has_workflows: bool) -> PipelineCost:
    """A tree that no event starts: every Dockerfile built, every Compose file started, once."""
    event = Event(tree, uses, _BUILDS)
    pulls: list[Pull] = []
    for file in uses.files:
        kinds = {one.mention.kind.partition("-")[0] for one in uses.of(file)}
        if "dockerfile" in kinds:
            pulls += pulls_of_work(event, Build(file), "", 1)
        elif "compose" in kinds:
            pulls += pulls_of_work(event, Composed(file), "", 1)
    if not pulls:
        basis: Basis = "pipelines" if has_workflows else "nothing"
        return PipelineCost("", (), basis)
    run = RunCost("", "build", tuple(once_a_job(pulls)))
    return PipelineCost("build", (run,), "builds")


def _line(pull: Pull) -> dict[str, Any]:
    return {
        "job": pull.job,
        "reference": pull.reference,
        "tags": list(pull.use.tags),
        "pulls": pull.pulls,
        "reason": pull.reason,
        "file": pull.use.file,
        "line": pull.use.line,
    }
