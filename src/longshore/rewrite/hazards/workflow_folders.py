"""Checks of workflows that do not run as they should: in a folder nobody reads, or twice. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.named_tags import NamedTag
from longshore.rewrite.hazards.workflows import (
    is_ecr,
    logs_in_to_ecr,
    moved,
    names_given,
    runs_of,
    workflows_of,
)
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.workflow import Workflow, is_workflow_path
from longshore.rewrite.syntax.yaml_nodes import Mapping, documents
from longshore.text import tr

_WRONG = re.compile(
    r"(?:\.github/workflow/[^/]+|\.github/workflows/.+/[^/]+|\.github/[^/]+|\.github/action/[^/]+|"
    r"(?:github|\.githubs|\.gihub|\.gitub)/workflows?/[^/]+|workflows?/[^/]+|"
    r"\.workflows?/[^/]+)\.ya?ml\Z",
    re.IGNORECASE,
)
_PUT_ASIDE = re.compile(
    r"(?:^|[/._-])(?:archived?|disabled?|old|backups?|deprecated|templates?|examples?|samples?|"
    r"unused|legacy|inactive|draft|reusable|shared|tests?|fixtures?|docs?)(?:[/._-]|\Z)",
    re.IGNORECASE,
)


def _never_read(surveyed: Surveyed) -> Iterator[Hazard]:
    for path in sorted(surveyed.tree.paths):
        if not _WRONG.match(path) or is_workflow_path(path) or _PUT_ASIDE.search(path):
            continue
        file = surveyed.tree.file(path)
        span = _of_workflow(file) if file is not None else None
        if file is not None and span is not None:
            yield NEVER_READ.at(
                file,
                span,
                tr(
                    "this is a workflow, and GitHub reads workflows only directly in "
                    ".github/workflows: it never runs"
                ),
                tr(
                    "move it to .github/workflows/{name}; remove it when another one does its work",
                    name=file.name,
                ),
            )


def _of_workflow(file: SourceFile) -> Span | None:
    """Where the jobs begin, when it is a workflow that an event would start."""
    if "runs-on" not in file.text:
        return None
    for root in documents(file).documents:
        jobs = root.get("jobs") if isinstance(root, Mapping) else None
        if not isinstance(root, Mapping) or not isinstance(jobs, Mapping):
            continue
        started = root.get("on")
        if started is None or (
            isinstance(started, Mapping) and started.keys() == ["workflow_call"]
        ):
            continue
        key = root.key("on")
        runs = any(
            isinstance(one, Mapping) and one.get("runs-on") is not None for _, one in jobs.items()
        )
        if key is not None and runs:
            return key.span
    return None


def _old_one_left(surveyed: Surveyed) -> Iterator[Hazard]:
    if not moved(surveyed):
        return
    pushed = {one.file.path: _pushed(surveyed, one) for one in workflows_of(surveyed)}
    for old in workflows_of(surveyed):
        to_hub = [one for one in pushed[old.file.path] if _is_hub(one.name)]
        if not to_hub or any(logs_in_to_ecr(surveyed.tree, job) for job in old.jobs):
            continue
        for new in workflows_of(surveyed):
            if new is old or not _share_an_event(surveyed, old, new):
                continue
            to_ecr = {_last(one.name) for one in pushed[new.file.path] if is_ecr(one.name)}
            same = next((one for one in to_hub if _last(one.name) in to_ecr), None)
            if same is not None:
                yield OLD_LEFT.at(
                    old.file,
                    same.span,
                    tr(
                        "the same push also starts {file}, which pushes {name} to ECR: two builds "
                        "of one commit, and whoever still pulls from Docker Hub notices nothing",
                        file=new.file.path,
                        name=_last(same.name),
                    ),
                    tr(
                        "while both are wanted, push twice from one build; at the cut-over remove "
                        "this workflow and its secrets"
                    ),
                )
                break


def _pushed(surveyed: Surveyed, workflow: Workflow) -> list[NamedTag]:
    return [one for one in names_given(surveyed, workflow) if one.pushed]


def _share_an_event(surveyed: Surveyed, one: Workflow, other: Workflow) -> bool:
    wanted = {run.sample for run in runs_of(surveyed, one) if run.sample.event == "push"}
    return any(run.sample in wanted for run in runs_of(surveyed, other))


def _is_hub(name: str) -> bool:
    host, slash, _ = name.partition("/")
    is_host = "." in host or ":" in host or host == "localhost"
    return bool(slash) and OPEN not in name.rpartition("/")[2] and (
        host.endswith(DOCKER_HUB) or (not is_host and host != "")
    )  # fmt: skip


def _last(name: str) -> str:
    return name.rpartition("/")[2]


NEVER_READ = Check(
    "workflow-never-read", "high", tr("A workflow lies where GitHub never looks"), _never_read
)
OLD_LEFT = Check(
    "old-workflow-left",
    "medium",
    tr("The old workflow still runs beside the new one"),
    _old_one_left,
)
CHECKS = (NEVER_READ, OLD_LEFT)
