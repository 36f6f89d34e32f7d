"""Which commands there are and where each lives, so that help loads none of them. Pure.

`longshore --help` reads this table only; a command's module is imported when it is typed. A name
of the contract that this version does not have yet stands in `_LATER`: help does not show it, and
typing it says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from longshore.errors import UsageError
from longshore.text import tr


@dataclass(frozen=True)
class Entry:
    """One command: `target` is `module:object` below `longshore.cli`, `section` a title of help."""

    name: str
    target: str
    summary: str
    section: str


def entries() -> list[Entry]:
    """All commands in the order that help shows them."""
    journey, operate, other = tr("Journey"), tr("Operate"), tr("Other")
    return [
        Entry("init", "starting:init", tr("Looks around and writes longshore.yaml"), journey),
        Entry("assess", "assess:assess", tr("Image references, pulls per run, hazards"), journey),
        Entry("plan", "planning:plan", tr("Everything that is to change, as one diff"), journey),
        Entry("apply", "planning:apply", tr("Carries out exactly the reviewed plan"), journey),
        Entry("login", "login:login", tr("docker, podman and skopeo credentials for ECR"), journey),
        Entry("copy", "copying:copy", tr("Copies one image, or whole repositories"), journey),
        Entry("sync", "copying:sync", tr("Copies all images that the config names"), journey),
        Entry("verify", "copying:verify", tr("Proves source and target equal"), journey),
        Entry("rewrite", "rewriting:rewrite", tr("The tree's references as a patch"), journey),
        Entry("migrate", "journey:migrate", tr("The whole journey in order, resumable"), journey),
        Entry("status", "journey:status", tr("What is done, what is left, what next"), journey),
        Entry("repo", "repo:repo", tr("Repositories: ls, show, create"), operate),
        Entry("tags", "tags_commands:tags", tr("Tags: compute, ls, show, protect"), operate),
        Entry("lifecycle", "lifecycle_commands:lifecycle", tr("Lifecycle policies"), operate),
        Entry("scan", "scan_commands:scan", tr("Scans: run, report, gate"), operate),
        Entry("iam", "iam_commands:iam", tr("Access: policy, trust, check"), operate),
        Entry("monitor", "monitor_commands:monitor", tr("Metrics and the hourly check"), operate),
        Entry("ci", "ci_commands:ci", tr("The pipeline: emit, secrets"), operate),
        Entry("local", "local:local", tr("The embedded Docker Hub and ECR"), operate),
        Entry("config", "config_commands:config", tr("The file: show, check, schema"), other),
        Entry("explain", "explain:explain", tr("What an error code means, what to do"), other),
        Entry("completion", "completion:completion", tr("Completion for a shell"), other),
    ]


_LATER = frozenset(
    {
        *("scan waive", "backup", "cost", "deploy"),
        *("rollback", "releases", "worker", "doctor", "report"),
        "monitor dashboard",
    }
)


def why_missing(path: str) -> UsageError | None:
    """The error for a command of a later version, or None when the name means nothing."""
    if path not in _LATER:
        return None
    return UsageError(
        tr("this version of longshore does not have `longshore {path}` yet", path=path),
        tr("`longshore --help` lists what it has"),
        code="not-yet",
    )
