"""Events that may start a workflow, each with what its expressions and its shell then know. Pure.

One event of each sort that matters: a push to the default branch, to another one, to one whose name
holds a slash, of a tag; a pull request of this repository and one from a fork; and the rest. What
a sample does not know stays unknown, so that only what is sure is told.

Contexts: docs.github.com, "Contexts reference", "Events that trigger workflows".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from longshore.rewrite.syntax.expressions import (
    Contexts,
    Items,
    Table,
    Text,
    Unknown,
    Value,
    plain,
)
from longshore.rewrite.syntax.workflow import Event, Workflow, inputs_of
from longshore.rewrite.triggers import Trigger, matches_pattern, starts

SHA = "c0ffee1234567890abcdef1234567890abcdef12"
WITH_SLASH = "feature/login"
VERSION = "v1.2.3"
PULL_REQUESTS = ("pull_request", "pull_request_target")
_NOTHING = Text((), "null")
_ON_DEFAULT = ("schedule", "workflow_run", "repository_dispatch")
_REPOSITORY = re.compile(r"github\.repository\s*==\s*['\"]([\w.-]+/[\w.-]+)['\"]")
_OWNER = re.compile(r"github\.repository_owner\s*==\s*['\"]([\w.-]+)['\"]")
_MOST = 24


@dataclass(frozen=True)
class Sample:
    """One event. `default`: it is on the default branch. `known` is false for unknown events."""

    event: str
    branch: str = ""
    tag: str = ""
    default: bool = False
    fork: bool = False
    known: bool = True

    def __str__(self) -> str:
        if self.fork:
            return "a pull request from a fork"
        if self.event in PULL_REQUESTS:
            return "a pull request"
        if self.tag:
            return f"tag {self.tag}"
        return f"branch {self.branch}" if self.branch else self.event

    @property
    def is_pull_request(self) -> bool:
        """Whether it is one, of whatever sort."""
        return self.event in PULL_REQUESTS

    @property
    def ref(self) -> str:
        """`GITHUB_REF`."""
        if self.event == "pull_request":
            return "refs/pull/12/merge"
        return f"refs/tags/{self.tag}" if self.tag else f"refs/heads/{self.branch}"

    @property
    def ref_name(self) -> str:
        """`GITHUB_REF_NAME`."""
        return "12/merge" if self.event == "pull_request" else self.tag or self.branch

    @property
    def head(self) -> str:
        """`GITHUB_HEAD_REF`."""
        return WITH_SLASH if self.is_pull_request else ""

    @property
    def environment(self) -> dict[str, str]:
        """What the shell of every step knows."""
        if not self.known:
            return {"GITHUB_SHA": SHA}
        return {
            "GITHUB_SHA": SHA,
            "GITHUB_REF": self.ref,
            "GITHUB_REF_NAME": self.ref_name,
            "GITHUB_HEAD_REF": self.head,
            "GITHUB_BASE_REF": self.branch if self.is_pull_request else "",
            "GITHUB_EVENT_NAME": self.event,
        }

    def contexts(self, workflow: Workflow, default: str) -> Contexts:
        """The contexts `github` and (from a fork) `secrets`."""
        inputs = Table({"inputs": inputs_of(workflow.events)}, open=True)
        if not self.known:
            entries: dict[str, Value] = {"sha": plain(SHA), "event": inputs}
            if self.event != "workflow_call":
                entries["event_name"] = plain(self.event)
            return {"github": Table(entries, open=True)}
        repository, owner = _repository(workflow)
        found = {
            "event_name": plain(self.event),
            "sha": plain(SHA),
            "ref": plain(self.ref),
            "ref_name": plain(self.ref_name),
            "ref_type": plain("tag" if self.tag else "branch"),
            "head_ref": plain(self.head),
            "base_ref": plain(self.branch if self.is_pull_request else ""),
            "repository": repository,
            "repository_owner": owner,
            "event": Table({**inputs.entries, **self._event(repository, owner, default)}, True),
        }
        made: dict[str, Value] = {"github": Table(found, open=True)}
        if self.fork and self.event == "pull_request":
            made["secrets"] = Table({"GITHUB_TOKEN": Unknown("secrets.GITHUB_TOKEN")})
        return made

    def _event(self, repository: Value, owner: Value, default: str) -> Mapping[str, Value]:
        ours = Table({"default_branch": plain(default)}, open=True)
        if not self.is_pull_request:
            return {"repository": ours, "pull_request": _NOTHING}
        name, login = (plain("other/fork"), plain("other")) if self.fork else (repository, owner)
        head_repository: dict[str, Value] = {
            "full_name": name,
            "fork": plain("true" if self.fork else "false", "boolean"),
            "owner": Table({"login": login}, open=True),
        }
        head: dict[str, Value] = {
            "ref": plain(WITH_SLASH),
            "sha": plain(SHA),
            "repo": Table(head_repository, open=True),
            "user": Table({"login": login}, open=True),
        }
        request: dict[str, Value] = {
            "number": plain("12", "number"),
            "head": Table(head, open=True),
            "base": Table({"ref": plain(self.branch)}, open=True),
        }
        if self.fork:
            request |= {"labels": Items(()), "author_association": plain("NONE")}
        return {
            "repository": ours,
            "number": plain("12", "number"),
            "pull_request": Table(request, open=True),
        }


def samples_of(workflow: Workflow, default: str, more: Iterable[str] = ()) -> list[Sample]:
    """The events that may start a workflow. `more` are names of branches and tags to try too."""
    names = list(dict.fromkeys(more))
    found = [one for event in workflow.events for one in _of_event(workflow, event, default, names)]
    return list(dict.fromkeys(found))


def default_branch(workflows: Iterable[Workflow]) -> str:
    """The default branch, as far as the filters of all workflows tell."""
    names = {
        pattern.value
        for workflow in workflows
        for event in workflow.events
        if event.name in ("push", *PULL_REQUESTS)
        for pattern in event.patterns("branches")
        if re.fullmatch(r"[\w./-]+", pattern.value)
    }
    known = [one for one in ("main", "master", "trunk") if one in names]
    return known[0] if known else names.pop() if len(names) == 1 else "main"


def _of_event(workflow: Workflow, event: Event, default: str, more: list[str]) -> Iterator[Sample]:
    if event.name == "push":
        for name in _branches(workflow, event, default, more):
            yield Sample("push", branch=name, default=name == default)
        for name in _tags(workflow, event, more):
            yield Sample("push", tag=name)
    elif event.name in PULL_REQUESTS:
        for name in _branches(workflow, event, default, more):
            yield Sample(event.name, branch=name)
            yield Sample(event.name, branch=name, fork=True)
    elif event.name == "workflow_dispatch":
        for name in dict.fromkeys([default, WITH_SLASH, *more]):
            yield Sample(event.name, branch=name, default=name == default)
        for name in more:
            yield Sample(event.name, tag=name)
    elif event.name == "release":
        for name in dict.fromkeys([VERSION, *more]):
            yield Sample(event.name, tag=name)
    elif event.name in _ON_DEFAULT:
        yield Sample(event.name, branch=default, default=True)
    elif event.name == "merge_group":
        queue = f"gh-readonly-queue/{default}/pr-12-{SHA}"
        yield Sample(event.name, branch=queue)
    else:
        yield Sample(event.name, known=False)


def _branches(workflow: Workflow, event: Event, default: str, more: list[str]) -> list[str]:
    wanted = [default, WITH_SLASH, *more]
    for one in event.patterns("branches"):
        wanted += _sample(one.value, "x")
    starting = [one for one in wanted if starts(Trigger(event.name, branch=one), workflow)]
    return list(dict.fromkeys(starting))[:_MOST]


def _tags(workflow: Workflow, event: Event, more: list[str]) -> list[str]:
    wanted = [VERSION, *more]
    for one in event.patterns("tags"):
        wanted += _sample(one.value, "1")
    starting = [one for one in wanted if starts(Trigger("push", tag=one), workflow)]
    return list(dict.fromkeys(starting))[:_MOST]


def _sample(pattern: str, fill: str) -> Iterator[str]:
    """A name that fits a pattern, when one is easily made."""
    sample = re.sub(r"\[[^\]]*\][+?]?", "1", pattern)
    sample = re.sub(r"\*+", fill, sample).replace("?", "").replace("+", "")
    if not pattern.startswith("!") and sample and matches_pattern(sample, pattern):
        yield sample


def _repository(workflow: Workflow) -> tuple[Value, Value]:
    """The repository that a workflow is for, by its own conditions; any one if it does not say."""
    names = set(_REPOSITORY.findall(workflow.file.text))
    owners = set(_OWNER.findall(workflow.file.text))
    if len(names) > 1 or len(owners) > 1:
        return Unknown("github.repository"), Unknown("github.repository_owner")
    owner = owners.pop() if owners else "acme"
    name = names.pop() if names else f"{owner}/shop"
    return plain(name), plain(name.partition("/")[0])
