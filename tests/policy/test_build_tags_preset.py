"""Every tag that a build can get is reached by a rule of the standard policy, the family's own."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.facts import ImageSeen
from longshore.oci.reference import is_tag
from longshore.policy.build_tags import Build, BuildTags, TagRules, compute
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import Policy, parse_policy
from longshore.policy.lifecycle.preset import standard_policy

SHA = "abc1234def5678abc1234def5678abc1234def56"
AT = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
POLICY = parse_policy(json.dumps(standard_policy()))
OF_FAMILY = {
    "production": ("prod-*", "v*", "main-*", "master-*"),
    "branch": ("branch-*", "develop-*", "feature-*"),
    "pull-request": ("pr-*",),
    None: ("nightly-*",),
}

NAMES = st.text(min_size=1, max_size=200) | st.from_regex(
    r"\A(prod|branch|main|master|trunk|develop|feature|v|pr|latest|live|rollback|backup|nightly|2)"
    r"[/.-]?[a-zA-Z0-9/_.+-]{0,20}\Z"
)
RELEASES = st.none() | st.lists(
    st.sampled_from(["v1.0.0", "v9.0.0", "v2", "svc-a/v3.0.0", "docs"]), max_size=3
).map(tuple)
BUILDS = st.builds(
    Build,
    event=st.sampled_from(["push", "pull_request", "schedule", "workflow_dispatch", "release"]),
    ref=st.tuples(
        st.sampled_from(["refs/heads/", "refs/tags/", "refs/tags/svc-a/", "refs/tags/v"]),
        NAMES | st.sampled_from(["main", "v1.2.3", "2.0.0", "1.2.3-rc.1", "develop", "0.1.0+b1"]),
    ).map("".join),
    sha=st.just(SHA),
    at=st.just(AT),
    pull_request=st.integers(1, 10**6),
    default_branch=st.sampled_from(["", "main", "trunk", "develop", "release/1"]),
    releases=RELEASES,
    attempt=st.integers(1, 2),
)
RULES = st.builds(
    TagRules,
    main=st.sampled_from([("main", "master"), ("main", "master", "prod")]),
    latest=st.sampled_from(["newest-release", "main", "never"]),
    markers=st.sampled_from(["all", "needed"]),
    pull_request_commits=st.booleans(),
    sha_length=st.integers(7, 40),
    feature=st.sampled_from(["class", "slug"]),
    component=st.sampled_from(["", "svc-a", "vault"]),
    component_prefix=st.booleans(),
    ladder=st.booleans(),
)


def reached_by(made: BuildTags, policy: Policy) -> list[str]:
    """The patterns of the rule that decides about the image once `latest` has moved on."""
    image = ImageSeen("sha256:1", made.at_once, pushed_at=AT)
    rule = evaluate(policy, [image], AT).verdicts[0].rule
    return list(rule.selection.patterns) if rule else []


@given(BUILDS, RULES)
def test_each_image_is_reached_by_its_family_s_rule(build: Build, rules: TagRules) -> None:
    made = compute(build, rules)
    assert all(is_tag(tag) for tag in made.tags)
    assert len(set(made.tags)) == len(made.tags)
    assert not made.push or made.tags
    if made.tags:
        [pattern] = reached_by(made, POLICY)
        assert pattern in OF_FAMILY[made.family], made.tags


@given(BUILDS, RULES)
def test_with_markers_on_all_a_family_is_reached_by_one_rule(build: Build, rules: TagRules) -> None:
    made = compute(build, replace(rules, markers="all"))
    if made.family in ("production", "branch"):
        [pattern] = reached_by(made, POLICY)
        assert pattern == OF_FAMILY[made.family][0]
        assert len(made.markers) == 1


@pytest.mark.parametrize("name", ["day2-advanced", "release/2.1", "vendor"])
def test_without_markers_other_branches_are_reached_by_no_rule(name: str) -> None:
    made = compute(Build("push", f"refs/heads/{name}", SHA), TagRules(markers="none"))
    assert reached_by(made, POLICY) == []


@given(NAMES)
def test_no_branch_enters_the_production_family(name: str) -> None:
    """Nor what is protected: only the production branches themselves."""
    for mode in ("all", "needed", "none"):
        made = compute(Build("push", f"refs/heads/{name}", SHA), TagRules(markers=mode))  # type: ignore[arg-type]
        allowed = [*OF_FAMILY["branch"], *OF_FAMILY["production"] * (name in ("main", "master"))]
        assert set(reached_by(made, POLICY)) <= set(allowed), made.tags
