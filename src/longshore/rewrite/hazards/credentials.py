"""Checks of how workflows come by rights at AWS and GitHub: keys, OIDC, token permissions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.hazards.hazard import Check, Hazard, Severity, Surveyed
from longshore.rewrite.hazards.workflows import (
    AWS_LOGIN,
    handles_images,
    is_ecr,
    is_hosted,
    uses_of,
    workflows_of,
)
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.workflow import Job, Scalars, Step, Workflow
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar
from longshore.text import tr

_SECRET = re.compile(r"\$\{\{[ \t]*secrets\.")
_WRITTEN_KEY = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")
_EXAMPLE = "EXAMPLE"
_OTHER_WAYS = ("web-identity-token-file", "role-chaining", "aws-session-token", "aws-profile")
_OTHER_PACKAGES = re.compile(
    r"ghcr\.io|pkg\.github\.com|GITHUB_TOKEN[^\n]*(?:docker|helm|podman) login|\b(?:npm|pnpm|yarn) "
    r"publish|semantic-release|goreleaser|gradlew? publish|mvn\w* .*deploy|nuget push|gem push|"
    r"helm push|oras push|cosign|container-registry|packages/|delete-package|cleanup",
    re.IGNORECASE,
)


def _static_keys(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        keys = [key for key in _keys(workflow) if _SECRET.search(key.value) or _is_written(key)]
        if not keys:
            continue
        written = next((key for key in keys if _is_written(key)), None)
        if written is not None:
            yield STATIC_KEYS.at(
                workflow.file,
                written.span,
                tr("an access key of AWS stands in the file: everybody who reads the tree has it"),
                tr("revoke the key now, remove it, and let the job assume a role through OIDC"),
                "high",
            )
            continue
        yield STATIC_KEYS.at(
            workflow.file,
            keys[0].span,
            tr(
                "the keys of an IAM user never expire by themselves: whoever reads them once, in a "
                "log or through a changed action, can use them until somebody notices"
            ),
            tr(
                "let the job assume a role: `permissions: id-token: write` and `role-to-assume` "
                "instead of the keys; `longshore ci emit` writes such a workflow"
            ),
        )


def _keys(workflow: Workflow) -> Iterator[Scalar]:
    yield from _in_environment(workflow.env)
    for job in workflow.jobs:
        yield from _in_environment(job.env)
        for step in job.steps:
            yield from _in_environment(step.env)
            if step.uses is None:
                continue
            for name in ("aws-access-key-id", "aws_access_key_id"):
                found = step.input(name)
                if found is not None and step.input("aws-session-token") is None:
                    yield found


def _in_environment(env: Scalars) -> Iterator[Scalar]:
    found = env.get("AWS_ACCESS_KEY_ID")
    if found is not None and "AWS_SESSION_TOKEN" not in env:
        yield found


def _is_written(key: Scalar) -> bool:
    return _WRITTEN_KEY.search(key.value) is not None and _EXAMPLE not in key.value


def _no_id_token(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        for job in workflow.jobs:
            step = _by_oidc(workflow, job)
            if step is None or step.uses is None or not is_hosted(job):
                continue
            wanted = job.permissions if job.permissions is not None else workflow.permissions
            if wanted is None and workflow.event("workflow_call") is not None:
                continue
            if not _grants(wanted, "id-token"):
                yield NO_ID_TOKEN.at(
                    workflow.file,
                    step.uses.node.span,
                    tr(
                        "the job wants to assume a role but may not ask GitHub for an identity "
                        'token: without `id-token: write` the step ends with "Credentials could '
                        'not be loaded"'
                    ),
                    tr(
                        "add to the job: `permissions:` with `id-token: write` and "
                        "`contents: read` (a job's list replaces the workflow's)"
                    ),
                )


def _by_oidc(workflow: Workflow, job: Job) -> Step | None:
    """The step that assumes a role with GitHub's token and with nothing else."""
    if any("AWS_ACCESS_KEY_ID" in one for one in (workflow.env, job.env)):
        return None
    for step in job.steps:
        if step.uses is None or step.uses.repository != AWS_LOGIN:
            continue
        if step.input("role-to-assume") is None or step.input("aws-access-key-id") is not None:
            return None
        if any(step.input(name) is not None for name in _OTHER_WAYS):
            return None
        return None if "AWS_ACCESS_KEY_ID" in step.env else step
    return None


def _grants(node: Node | None, scope: str) -> bool:
    if isinstance(node, Mapping):
        return (node.text(scope) or "").strip() == "write"
    return isinstance(node, Scalar) and node.value.strip() == "write-all"


def _packages(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        text = workflow.file.text
        pushes = [
            one for one in uses_of(surveyed, workflow.file.path) if one.mention.role == "push"
        ]
        to_ecr = is_ecr(text) or "amazon-ecr-login" in text or "ecr get-login" in text
        if not to_ecr or _OTHER_PACKAGES.search(text) or _calls_others(workflow):
            continue
        if any((one.registry or "").endswith(("ghcr.io", "pkg.github.com")) for one in pushes):
            continue
        for node in (workflow.permissions, *(job.permissions for job in workflow.jobs)):
            span = _packages_span(node)
            if span is not None:
                yield PACKAGES.at(
                    workflow.file,
                    span,
                    tr(
                        "the token may write GitHub packages, and nothing here does: a right that "
                        "stayed behind when the images moved"
                    ),
                    tr("remove `packages: write`"),
                )
                break


def _calls_others(workflow: Workflow) -> bool:
    """Whether something of the workflow cannot be seen: called workflows, local actions."""
    steps = (step.uses for _, step in workflow.steps)
    return any(job.uses is not None for job in workflow.jobs) or any(
        uses is not None and uses.is_local for uses in steps
    )


def _packages_span(node: Node | None) -> Span | None:
    if isinstance(node, Mapping) and _grants(node, "packages"):
        key = node.key("packages")
        return key.span if key is not None else None
    return None


def _no_permissions(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        if workflow.permissions is not None or not handles_images(surveyed, workflow):
            continue
        bare = [job for job in workflow.jobs if job.permissions is None and job.uses is None]
        if not bare:
            continue
        called = workflow.event("workflow_call") is not None and len(workflow.events) == 1
        worth: Severity = "low"
        if not called:
            yield NO_PERMISSIONS.at(
                workflow.file,
                bare[0].key.span,
                tr(
                    "nothing limits the token of this workflow: where the repository's default is "
                    "still read and write, every action in it may push code and releases"
                ),
                tr(
                    "write `permissions: contents: read` at the top, and what a job needs beyond "
                    "that at the job"
                ),
                worth,
            )


STATIC_KEYS = Check(
    "static-keys", "medium", tr("A workflow uses the keys of an IAM user"), _static_keys
)
NO_ID_TOKEN = Check(
    "id-token-missing",
    "high",
    tr("A role is to be assumed without the right to ask for a token"),
    _no_id_token,
)
PACKAGES = Check(
    "packages-write-left",
    "low",
    tr("The right to write GitHub packages is left over"),
    _packages,
)
NO_PERMISSIONS = Check(
    "permissions-missing",
    "low",
    tr("A workflow that handles images does not limit its token"),
    _no_permissions,
)
CHECKS = (NO_ID_TOKEN, STATIC_KEYS, PACKAGES, NO_PERMISSIONS)
