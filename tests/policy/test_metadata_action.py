"""The lines for docker/metadata-action give, for each run, the tags that `compute` gives.

The action is imitated: its guards are evaluated as GitHub does, its values filled in as its own
documentation says (type=raw, type=ref, type=match).
"""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from longshore.cli.github_run import build_of
from longshore.policy.build_tags import Build, TagRules, compute
from longshore.policy.metadata_action import metadata_action, pushes
from tests.events import RUNS, payload, run
from tests.rewrite.runner import evaluate, filled

DAY = "20261123"


def github(name: str) -> dict[str, Any]:
    """GitHub's context of a run."""
    said = run(name)
    return {
        "event_name": said["GITHUB_EVENT_NAME"],
        "ref": said["GITHUB_REF"],
        "ref_name": said["GITHUB_REF_NAME"],
        "sha": said["GITHUB_SHA"],
        "actor": said["GITHUB_ACTOR"],
        "repository": said["GITHUB_REPOSITORY"],
        "event": payload(name),
    }


def action_tags(rules: TagRules, context: dict[str, Any], sha: str) -> list[str]:
    """What the action makes of the lines, in its order: highest priority first."""
    found = []
    for line in metadata_action(rules).tags:
        text = filled(line, {"github": context})
        parts = dict(part.split("=", 1) for part in text.split(","))
        if parts["enable"] != "true":
            continue
        rank = int(parts.get("priority", {"raw": 200, "ref": 600, "match": 800}[parts["type"]]))
        value = value_of(parts, context)
        value = parts.get("prefix", "") + value.replace("{{sha}}", sha[: rules.sha_length])
        value = value.replace("{{branch}}", re.sub("[^A-Za-z0-9._-]+", "-", context["ref_name"]))
        found.append((-rank, value.replace("{{date 'YYYYMMDD' tz='UTC'}}", DAY)))
    return [value for _, value in sorted(found, key=lambda one: one[0])]


def value_of(parts: dict[str, str], context: dict[str, Any]) -> str:
    if parts["type"] == "raw":
        return parts["value"]
    name = str(context["ref"]).removeprefix("refs/tags/")
    if parts["type"] == "ref":
        return name
    matched = re.match(parts["pattern"], name)
    assert matched
    return matched[int(parts["group"])]


def build(name: str, **more: Any) -> Build:
    from dataclasses import replace
    from datetime import UTC, datetime

    made = build_of(run(name), payload(name))
    return replace(made, at=datetime(2026, 11, 23, tzinfo=UTC), **more)


CHOICES = [
    TagRules(markers=markers, feature=feature, pull_request_commits=commits, component=component)
    for markers, feature, commits, component in product(
        ("all", "needed", "none"), ("class", "slug"), (True, False), ("", "svc-a")
    )
]


@pytest.mark.parametrize("name", RUNS)
def test_the_same_tags_except_latest(name: str) -> None:
    for rules in CHOICES:
        context, wanted = github(name), compute(build(name), rules)
        sha = build(name).sha
        pushed = evaluate(pushes(rules), {"github": context})
        made = action_tags(rules, context, sha) if pushed else []
        expected = [tag for tag in wanted.tags if tag.removeprefix("svc-a-") != "latest"]
        if wanted.push:
            if rules.feature == "slug" and rules.markers == "needed":
                made = [tag for tag in made if not tag.startswith("branch-feature-")]
            assert made == expected, rules
        else:
            assert made == [], rules


def test_the_version_is_the_build_s_own_tag() -> None:
    """The first tag names labels and outputs; so the markers come behind."""
    for name in ("push-branch", "push-tag", "pull-request-opened"):
        rules = TagRules(markers="all", pull_request_commits=True)
        made = action_tags(rules, github(name), build(name).sha)
        assert made[0] == compute(build(name), rules).own


@pytest.mark.parametrize("branch", ["develop", "day2-advanced", "trunk", "master", "dev"])
def test_branches(branch: str) -> None:
    for markers in ("all", "needed", "none"):
        rules = TagRules(markers=markers, develop=("develop", "dev"))  # type: ignore[arg-type]
        context = github("push-branch")
        context |= {"ref": f"refs/heads/{branch}", "ref_name": branch}
        context["event"]["repository"]["default_branch"] = "trunk"
        one = build("push-branch", ref=f"refs/heads/{branch}", default_branch="trunk")
        wanted = [tag for tag in compute(one, rules).tags if tag != "latest"]
        assert action_tags(rules, context, one.sha) == wanted


def test_latest_by_the_default_branch() -> None:
    rules = TagRules(latest="main")
    for name, moves in (("push-branch", True), ("push-tag", False), ("schedule", False),
                        ("pull-request-opened", False), ("merge-group", False)):  # fmt: skip
        assert ("latest" in action_tags(rules, github(name), "abc1234")) is moves


def test_what_cannot_be_expressed_is_said() -> None:
    said = " ".join(metadata_action(TagRules(ladder=True)).cannot)
    for word in ("latest", "ladder", "Korean", "second run"):
        assert word in said
    assert "ladder" not in " ".join(metadata_action(TagRules()).cannot)
