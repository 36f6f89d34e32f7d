"""Runs of GitHub Actions: the event files of this folder, with the variables that go with them.

The files have the shape of GitHub's webhooks; the names in them are made up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SHA = "abc1234def5678abc1234def5678abc1234def56"
MERGE = "feed5eed" * 5
QUEUE = "refs/heads/gh-readonly-queue/main/pr-123-0f1e2d3c4b5a69788796a5b4c3d2e1f001234567"

# File: event, ref, commit of the run, actor.
RUNS = {
    "push-branch": ("push", "refs/heads/main", SHA, "octocat"),
    "push-new-branch": ("push", "refs/heads/feature/login-form", SHA, "octocat"),
    "push-tag": ("push", "refs/tags/v2.0.0", SHA, "octocat"),
    "push-deleted": ("push", "refs/heads/old", SHA, "octocat"),
    "pull-request-opened": ("pull_request", "refs/pull/123/merge", MERGE, "octocat"),
    "pull-request-synchronize": ("pull_request", "refs/pull/123/merge", MERGE, "octocat"),
    "pull-request-closed": ("pull_request", "refs/pull/123/merge", MERGE, "octocat"),
    "pull-request-fork": ("pull_request", "refs/pull/123/merge", MERGE, "stranger"),
    "pull-request-fork-gone": ("pull_request", "refs/pull/123/merge", MERGE, "ghost"),
    "pull-request-dependabot": ("pull_request", "refs/pull/123/merge", MERGE, "octocat"),
    "pull-request-target": ("pull_request_target", "refs/heads/main", SHA, "stranger"),
    "merge-group": ("merge_group", QUEUE, SHA, "octocat"),
    "release-published": ("release", "refs/tags/v2.0.0", SHA, "octocat"),
    "release-prerelease": ("release", "refs/tags/v2.1.0-rc.1", SHA, "octocat"),
    "release-edited": ("release", "refs/tags/v2.0.0", SHA, "octocat"),
    "workflow-dispatch-branch": ("workflow_dispatch", "refs/heads/main", SHA, "octocat"),
    "workflow-dispatch-tag": ("workflow_dispatch", "refs/tags/v2.0.0", SHA, "octocat"),
    "schedule": ("schedule", "refs/heads/main", SHA, "octocat"),
    "workflow-run": ("workflow_run", "refs/heads/main", SHA, "octocat"),
    "repository-dispatch": ("repository_dispatch", "refs/heads/main", SHA, "octocat"),
}


def payload(name: str) -> Any:
    """The event file, read."""
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def run(name: str) -> dict[str, str]:
    """The variables of a run; the event file is the one of this folder."""
    event, ref, sha, actor = RUNS[name]
    kind, _, short = ref.removeprefix("refs/").partition("/")
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": str(FOLDER / f"{name}.json"),
        "GITHUB_REF": ref,
        "GITHUB_REF_NAME": short,
        "GITHUB_REF_TYPE": "tag" if kind == "tags" else "branch",
        "GITHUB_SHA": sha,
        "GITHUB_ACTOR": actor,
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_RUN_ATTEMPT": "1",
    }
