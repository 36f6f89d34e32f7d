"""Check of the actions that a workflow runs: fixed to a commit, or whatever a tag says today. Pure.

Only workflows that handle images or credentials are looked at. One hazard a workflow and action.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.hazards.hazard import Check, Hazard, Severity, Surveyed
from longshore.rewrite.hazards.workflows import handles_images, workflows_of
from longshore.rewrite.syntax.workflow import Uses, Workflow
from longshore.rewrite.syntax.yaml_nodes import Scalar
from longshore.text import tr

_WELL_KNOWN = ("actions", "docker", "github", "aws-actions")
_TAG = re.compile(r"v?\d+(?:\.\d+)*(?:[-+.][\w.]+)?\Z")


def _not_pinned(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        if not handles_images(surveyed, workflow) and not _has_secrets(workflow):
            continue
        seen: set[str] = set()
        for uses in _uses(workflow):
            if uses.is_pinned or not uses.name or uses.repository in seen or not uses.reference:
                continue
            seen.add(uses.repository)
            worth: Severity = "low" if uses.owner in _WELL_KNOWN else "medium"
            yield NOT_PINNED.at(workflow.file, uses.node.span, _why(uses), _remedy(uses), worth)


def _uses(workflow: Workflow) -> Iterator[Uses]:
    for job in workflow.jobs:
        if job.uses is not None:
            yield job.uses
        for step in job.steps:
            if step.uses is not None:
                yield step.uses


def _has_secrets(workflow: Workflow) -> bool:
    found = re.findall(r"\bsecrets\.([A-Za-z_]\w*)", workflow.file.text)
    inherits = any(
        isinstance(job.secrets, Scalar) and job.secrets.value == "inherit" for job in workflow.jobs
    )
    return inherits or any(name.upper() != "GITHUB_TOKEN" for name in found)


def _why(uses: Uses) -> str:
    if _TAG.match(uses.reference):
        return tr(
            "{action} runs at tag {tag}, which its owner (or whoever takes over the account) can "
            "move: the new code gets this workflow's secrets",
            action=uses.name,
            tag=uses.reference,
        )
    return tr(
        "{action} runs at {name}, which is meant to move: whatever stands there next runs here at "
        "once, with this workflow's secrets",
        action=uses.name,
        name=uses.reference,
    )


def _remedy(uses: Uses) -> str:
    return tr(
        "write the commit, and the version as a comment: `{action}@<40 characters>  # {version}`; "
        "Dependabot and Renovate keep both up to date",
        action=uses.name,
        version=uses.reference,
    )


NOT_PINNED = Check(
    "action-not-pinned", "medium", tr("An action is not fixed to a commit"), _not_pinned
)
CHECKS = (NOT_PINNED,)
