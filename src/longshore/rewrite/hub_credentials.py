"""The Docker Hub credentials that pipelines name: secrets and variables, used or left over. Pure.

A secret counts when a login to Docker Hub reads it, or when its own name speaks of the Hub. Their
values are never seen: a tree holds names only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.workflow_login import LOGINS
from longshore.rewrite.hazards.leftover_words import is_hub_secret
from longshore.rewrite.judge import judge_server
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.shell import parse_shell
from longshore.rewrite.syntax.workflow import (
    Scalars,
    Step,
    is_action_path,
    is_workflow_path,
    parse_action,
    parse_workflow,
)

Store = Literal["secret", "variable"]
_STORED = re.compile(r"\b(?P<store>secrets|vars)(?:\.(?P<name>\w+)|\[['\"](?P<quoted>\w+)['\"]\])")
_OTHER_PIPELINE = re.compile(
    r"(?:.*/)?(?:\.gitlab-ci[^/]*\.ya?ml|\.gitlab/.*\.ya?ml|\.circleci/[^/]+\.ya?ml|"
    r"azure-pipelines[^/]*\.ya?ml|bitbucket-pipelines\.ya?ml|\.drone\.ya?ml|\.travis\.ya?ml|"
    r"\.woodpecker(?:/[^/]+)?\.ya?ml|cloudbuild[^/]*\.ya?ml|Jenkinsfile[^/]*)\Z"
)
_WORD = re.compile(r"\b[A-Z][A-Z0-9_]{2,80}\b")


@dataclass(frozen=True)
class Credential:
    """One secret or variable by name, where it is named, and whether a Hub login reads it there.

    `place` is `file:line`. `past` is for a file that has been rewritten since.
    """

    name: str
    store: Store
    places: tuple[str, ...]
    used: bool
    past: bool = False

    def as_json(self) -> dict[str, Any]:
        """One entry of `credentials`."""
        return {
            "name": self.name,
            "store": self.store,
            "places": list(self.places),
            "used": self.used,
            "past": self.past,
        }


def hub_credentials(tree: Tree) -> list[Credential]:
    """Those of a tree's pipelines."""
    paths = sorted(path for path in tree.paths if _is_pipeline(path))
    files = (tree.file(path) for path in paths)
    return merge_credentials(found for one in files if one is not None for found in _of_file(one))


def past_credentials(files: Iterable[SourceFile]) -> list[Credential]:
    """Those of files as they were before they were rewritten."""
    found = (one for file in files if _is_pipeline(file.path) for one in _of_file(file))
    return [replace(one, past=True) for one in merge_credentials(found)]


def merge_credentials(found: Iterable[Credential]) -> list[Credential]:
    """Each once, with all its places; what stands in the tree wins over what stood there."""
    merged: dict[tuple[str, str], Credential] = {}
    for one in found:
        key = (one.store, one.name)
        known = merged.get(key)
        if known is None or (known.past and not one.past):
            merged[key] = one
        elif known.past == one.past:
            places = tuple(dict.fromkeys((*known.places, *one.places)))
            merged[key] = replace(known, places=places, used=known.used or one.used)
    return sorted(merged.values(), key=lambda one: (one.store, one.name))


def _is_pipeline(path: str) -> bool:
    return is_workflow_path(path) or is_action_path(path) or bool(_OTHER_PIPELINE.match(path))


def _of_file(file: SourceFile) -> Iterator[Credential]:
    if _OTHER_PIPELINE.match(file.path):
        yield from _by_word(file)
        return
    workflow, action = parse_workflow(file), parse_action(file)
    if workflow is None and action is None:
        return
    for job in workflow.jobs if workflow is not None else ():
        env = {**(workflow.env if workflow is not None else {}), **job.env}
        for step in job.steps:
            yield from _of_step(file, step, env)
        for container in (job.container, *job.services):
            if container is not None and container.credentials is not None:
                host = container.image.value.partition("/")[0]
                if not any(mark in host for mark in ".:$") or host == DOCKER_HUB:
                    yield from _named(file, container.credentials.span, used=True)
    for step in action.steps if action is not None else ():
        yield from _of_step(file, step, {})
    for match in _STORED.finditer(file.text):
        if is_hub_secret(_name(match)):
            yield _made(file, match, used=False)


def _of_step(file: SourceFile, step: Step, env: Scalars) -> Iterator[Credential]:
    """What a step's login to Docker Hub reads."""
    if not _logs_in_to_hub(step):
        return
    for scalar in step.with_.values():
        yield from _named(file, scalar.span, used=True)
    if step.run is None:
        return
    yield from _named(file, step.run.span, used=True)
    for name, scalar in {**env, **step.env}.items():
        if re.search(rf"\$\{{?{re.escape(name)}\b|\benv\.{re.escape(name)}\b", step.run.value):
            yield from _named(file, scalar.span, used=True)


def _logs_in_to_hub(step: Step) -> bool:
    if step.uses is not None:
        login = LOGINS.get(step.uses.repository)
        if login is None or (login.when and step.input(login.when) is None):
            return False
        return judge_server(step.input_text(login.registry)).status == "hub"
    if step.run is None or "login" not in step.run.value:
        return False
    for command in parse_shell(step.run.value).commands:
        words = [word.literal or "?" for word in command.words]
        if command.name in ("docker", "podman", "buildah", "skopeo") and "login" in words[:3]:
            return judge_server(_server(words[words.index("login") + 1 :])).status == "hub"
    return False


_WITH_VALUE = frozenset({"-u", "--username", "-p", "--password", "--authfile", "--cert-dir"})


def _server(words: list[str]) -> str:
    """The server among the words of a login command; empty when none is named."""
    skip = False
    for word in words:
        if skip or word.startswith("-"):
            skip = not skip and word in _WITH_VALUE
            continue
        return word
    return ""


def _named(file: SourceFile, span: Span, *, used: bool) -> Iterator[Credential]:
    for match in _STORED.finditer(file.text, span.start, span.end):
        yield _made(file, match, used=used)


def _by_word(file: SourceFile) -> Iterator[Credential]:
    """Other pipelines name their variables plainly: those whose name speaks of the Hub."""
    for match in _WORD.finditer(file.text):
        if is_hub_secret(match[0]):
            line, _ = file.place(match.start())
            yield Credential(match[0], "variable", (f"{file.path}:{line}",), used=True)


def _name(match: re.Match[str]) -> str:
    return match["name"] or match["quoted"]


def _made(file: SourceFile, match: re.Match[str], *, used: bool) -> Credential:
    line, _ = file.place(match.start())
    store: Store = "secret" if match["store"] == "secrets" else "variable"
    return Credential(_name(match), store, (f"{file.path}:{line}",), used)
