"""Which workflows one push or pull request starts, and what their expressions then know. Pure.

Branch filters are matched, path filters are taken as met: the question is what a run can cost.
Rules: docs.github.com, "Events that trigger workflows", "Filter pattern cheat sheet".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from longshore.rewrite.syntax.expressions import Table, Value, plain
from longshore.rewrite.syntax.workflow import Workflow
from longshore.rewrite.syntax.yaml_nodes import Scalar

_MAIN = ("main", "master")
_MOST = 12
_PULL_REQUESTS = ("pull_request", "pull_request_target")
_OTHERS = ("schedule", "workflow_dispatch", "release", "merge_group", "repository_dispatch")


@dataclass(frozen=True, order=True)
class Trigger:
    """One event: `push` to a branch or of a tag, `pull_request` into a branch, or another."""

    event: str
    branch: str = ""
    tag: str = ""

    def __str__(self) -> str:
        if self.tag:
            return f"{self.event} of tag {self.tag}"
        if self.event == "push":
            return f"push to {self.branch}"
        if self.event in _PULL_REQUESTS:
            return f"{self.event} into {self.branch}"
        return self.event

    @property
    def is_usual(self) -> bool:
        """Whether it is a push or a pull request."""
        return self.event in ("push", *_PULL_REQUESTS)

    def github(self) -> Table:
        """What the context `github` says in a run that it starts."""
        found: dict[str, Value] = {"event_name": plain(self.event)}
        if self.event == "push":
            kind, name = ("tag", self.tag) if self.tag else ("branch", self.branch)
            folder = "tags" if self.tag else "heads"
            found |= {"ref": plain(f"refs/{folder}/{name}"), "ref_name": plain(name)}
            found |= {"ref_type": plain(kind), "base_ref": plain(""), "head_ref": plain("")}
        elif self.event in _PULL_REQUESTS:
            found |= {"base_ref": plain(self.branch)}
            if self.event == "pull_request":
                found |= {"ref": plain("refs/pull/1/merge"), "ref_type": plain("branch")}
        return Table(found, open=True)


def triggers_of(workflows: Iterable[Workflow]) -> list[Trigger]:
    """The events worth counting: the default branch, every branch and tag that filters name."""
    found = list(workflows)
    names = {name for one in found for event in one.events for name in _branches(event.name, one)}
    branches = list(dict.fromkeys([_default_branch(names), *sorted(names)]))[:_MOST]
    made = [Trigger("push", one) for one in branches]
    made += [Trigger(event, one) for event in _PULL_REQUESTS for one in branches]
    made += [Trigger("push", tag=one) for one in sorted(_tags(found))[:_MOST]]
    return made + [Trigger(event) for event in _OTHERS]


def started_by(trigger: Trigger, workflows: Iterable[Workflow]) -> list[Workflow]:
    """The workflows that an event starts, and those that follow on them."""
    waiting = list(workflows)
    started = [one for one in waiting if starts(trigger, one)]
    for one in started:
        waiting = [other for other in waiting if other not in started]
        started += [other for other in waiting if _follows(other, one)]
    return started


def starts(trigger: Trigger, workflow: Workflow) -> bool:
    """Whether an event starts a workflow."""
    event = workflow.event(trigger.event)
    if event is None:
        return False
    if trigger.event not in ("push", *_PULL_REQUESTS):
        return True
    branches, not_branches = event.patterns("branches"), event.patterns("branches-ignore")
    tags, not_tags = event.patterns("tags"), event.patterns("tags-ignore")
    if trigger.tag:
        if tags or not_tags:
            return _matches(trigger.tag, tags, not_tags)
        return not branches and not not_branches
    if branches or not_branches:
        return _matches(trigger.branch, branches, not_branches)
    return not tags and not not_tags


def matches_pattern(name: str, pattern: str) -> bool:
    """Whether a name fits a filter pattern: `*`, `**`, `?`, `+`, `[...]`."""
    made = ""
    at = 0
    while at < len(pattern):
        if pattern.startswith("**", at):
            made, at = made + ".*", at + 2
            continue
        one = pattern[at]
        at += 1
        end = pattern.find("]", at)
        if one == "[" and end > 0:
            made += "[" + re.escape(pattern[at:end]).replace(r"\-", "-") + "]"
            at = end + 1
        else:
            made += "[^/]*" if one == "*" else one if one in "?+" and made else re.escape(one)
    try:
        return re.fullmatch(made, name) is not None
    except re.error:
        return name == pattern


def _matches(name: str, wanted: tuple[Scalar, ...], unwanted: tuple[Scalar, ...]) -> bool:
    if unwanted:
        return not any(matches_pattern(name, one.value) for one in unwanted)
    found = False
    for one in wanted:
        if one.value.startswith("!"):
            found = found and not matches_pattern(name, one.value[1:])
        else:
            found = found or matches_pattern(name, one.value)
    return found


def _follows(workflow: Workflow, first: Workflow) -> bool:
    event = workflow.event("workflow_run")
    if event is None or not first.name:
        return False
    return any(one.value == first.name for one in event.patterns("workflows"))


def _branches(event: str, workflow: Workflow) -> Iterator[str]:
    found = workflow.event(event)
    if found is not None and event in ("push", *_PULL_REQUESTS):
        for one in found.patterns("branches"):
            if not one.value.startswith("!"):
                yield from _sample(one.value, "x")


def _tags(workflows: list[Workflow]) -> set[str]:
    found: set[str] = set()
    for workflow in workflows:
        event = workflow.event("push")
        for one in event.patterns("tags") if event is not None else ():
            if not one.value.startswith("!"):
                found.update(_sample(one.value, "1"))
    return found


def _sample(pattern: str, fill: str) -> Iterator[str]:
    """A name that fits a pattern, when one is easily made."""
    sample = re.sub(r"\[[^\]]*\]\+?", "1", pattern)
    sample = re.sub(r"\*+", fill, sample).replace("?", "").replace("+", "")
    if matches_pattern(sample, pattern):
        yield sample


def _default_branch(names: set[str]) -> str:
    return next((one for one in _MAIN if one in names), _MAIN[0])
