"""`id-token: write` for jobs that log in with OIDC; what else they may do stays. Pure.

A job's `permissions` replace the workflow's as a whole, so what holds now is written out. Where
nothing is written the repository's default holds, which nobody can read here: then the job gets
what its steps are seen to need, and that is said. A workflow that is called can do no more than
its caller allows, so callers of this tree are given the permission too.

Syntax: docs.github.com, "Workflow syntax" (`permissions`), "Reusing workflow configurations".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from longshore.rewrite.edits import Edit
from longshore.rewrite.plan import StepChange
from longshore.rewrite.source import SourceFile
from longshore.rewrite.step_edits import append_pair, below_key
from longshore.rewrite.syntax.workflow import Job, Workflow
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Node, Scalar
from longshore.text import tr

OIDC = "id-token"
_SEEN = (
    (r"ghcr\.io", "packages", "write"),
    (r"codeql-action/(?:upload-sarif|analyze)", "security-events", "write"),
    (r"attest-(?:build-provenance|sbom)", "attestations", "write"),
    (r"action-gh-release|\bgh release (?:create|upload|edit)|goreleaser", "contents", "write"),
    (r"git push\b|git-auto-commit|create-pull-request|release-please", "contents", "write"),
    (r"create-pull-request|\bgh pr (?:create|edit|comment|merge)|release-please|actions/labeler"
     r"|pull-request-comment|comment-pull-request|sticky-pull-request", "pull-requests", "write"),
    (r"\bgh issue|actions/stale|create-issue", "issues", "write"),
    (r"actions/deploy-pages", "pages", "write"),
    (r"test-reporter|publish-unit-test-result|github-checks|reviewdog", "checks", "write"),
)  # fmt: skip
_TOKEN_USED = re.compile(r"GITHUB_TOKEN|github\.token|actions/github-script")


@dataclass(frozen=True)
class Allowed:
    """What changes so that a job may ask for a token."""

    edits: tuple[Edit, ...] = ()
    notes: tuple[StepChange, ...] = ()


def allow_token(workflow: Workflow, job: Job) -> Allowed:
    """OIDC needs `id-token: write`; the job's other permissions stay as they are."""
    held = job.permissions if job.permissions is not None else workflow.permissions
    own = job.permissions is not None
    if isinstance(held, Scalar):
        return _by_word(workflow, job, held)
    if isinstance(held, YamlMapping):
        if own:
            return _extended(workflow, job, held)
        return _written_out(workflow, job, {key.value: _text(node) for key, node in held.items()})
    return _seen(workflow, job)


def allow_callers(
    workflows: Sequence[Workflow], asking: Iterable[tuple[Workflow, Job]]
) -> Iterator[Allowed]:
    """The same for jobs of this tree that call a workflow in which a job asks for a token."""
    called = {workflow.file.path for workflow, _ in asking}
    waiting, seen = list(called), set(called)
    while waiting:
        path = waiting.pop()
        for workflow in workflows:
            for job in workflow.jobs:
                if job.uses is None or not job.uses.is_local or job.uses.folder != path:
                    continue
                allowed = allow_token(workflow, job)
                secret = _inherits(workflow, job)
                yield Allowed(allowed.edits, (*allowed.notes, *secret))
                if workflow.file.path not in seen:
                    seen.add(workflow.file.path)
                    waiting.append(workflow.file.path)


def _inherits(workflow: Workflow, job: Job) -> Iterator[StepChange]:
    if isinstance(job.secrets, Scalar) and job.secrets.value == "inherit":
        return
    what = tr(
        "job {job}: the workflow that it calls needs AWS_ACCOUNT_ID and AWS_REGION: as variables, "
        "or with `secrets: inherit`",
        job=job.id,
    )
    yield _note(workflow.file, job.key, what)


def _by_word(workflow: Workflow, job: Job, held: Scalar) -> Allowed:
    """`read-all` lacks it; `write-all` has it."""
    if held.value == "write-all":
        return Allowed()
    what = tr(
        "job {job}: permissions are `{word}`; the AWS login needs `id-token: write` beside what "
        "the job uses",
        job=job.id,
        word=held.value,
    )
    return Allowed(notes=(_note(workflow.file, held, what),))


def _extended(workflow: Workflow, job: Job, held: YamlMapping) -> Allowed:
    if OIDC in set(held.keys()):
        return Allowed()
    edit = append_pair(workflow.file, held, f"{OIDC}: write")
    if edit is None:
        what = tr("job {job}: add `id-token: write` to its permissions", job=job.id)
        return Allowed(notes=(_note(workflow.file, job.key, what),))
    return Allowed((edit,))


def _seen(workflow: Workflow, job: Job) -> Allowed:
    """Nothing is written: what the steps are seen to need, and a word about the rest."""
    span = job.node.span
    text = workflow.file.text[span.start : span.end]
    pairs = {"contents": "read"}
    for pattern, name, level in _SEEN:
        if re.search(pattern, text):
            pairs[name] = level
    made = _written_out(workflow, job, pairs)
    if made.edits and _TOKEN_USED.search(text):
        what = tr(
            "job {job}: it uses GITHUB_TOKEN, which had the repository's default permissions; "
            "see that the written ones are enough",
            job=job.id,
        )
        made = Allowed(made.edits, (*made.notes, _note(workflow.file, job.key, what)))
    return made


def _written_out(workflow: Workflow, job: Job, kept: Mapping[str, str]) -> Allowed:
    if kept.get(OIDC) == "write":
        return Allowed()
    pairs = {**kept, OIDC: "write"}
    lines = ["permissions:", *(f"  {name}: {value}" for name, value in pairs.items())]
    edit = below_key(workflow.file, job.key, job.node, lines)
    if edit is None:
        what = tr("job {job}: add `id-token: write` to its permissions", job=job.id)
        return Allowed(notes=(_note(workflow.file, job.key, what),))
    names = ", ".join(f"{name}: {value}" for name, value in pairs.items())
    what = tr("job {job}: permissions {names}, and no others", job=job.id, names=names)
    return Allowed((edit,), (_note(workflow.file, job.key, what),))


def _note(file: SourceFile, node: Node, what: str) -> StepChange:
    return StepChange(file.path, file.place(node.span.start)[0], what)


def _text(node: Node) -> str:
    return node.value if isinstance(node, Scalar) else ""
