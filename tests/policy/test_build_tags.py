"""The tags of a build: the table by event, names made into tags, and what latest follows."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.oci.reference import is_tag
from longshore.policy.build_tags import Build, TagRules, backup_tag, compute
from longshore.policy.slugs import branch_tag, is_release, tag_slug

SHA = "abc1234def5678abc1234def5678abc1234def56"
AT = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
MAIN, HEAD, TAG = "refs/heads/main", "refs/heads/", "refs/tags/"


def tags_of(event: str, ref: str, **rest: object) -> tuple[str, ...]:
    rules = rest.pop("rules", None)
    return compute(Build(event, ref, SHA, at=AT, **rest), rules).tags  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("branch", "tag"),
    [
        ("main", "main-abc1234"),
        ("master", "master-abc1234"),
        ("trunk", "trunk-abc1234"),
        ("develop", "develop-abc1234"),
        ("feature/login-form", "feature-abc1234"),
        ("Feature/Login", "feature-abc1234"),
        ("feature/로그인", "feature-abc1234"),
        ("feature", "feature-abc1234"),
        ("release/2.1", "release-2.1-abc1234"),
        ("day2-advanced", "day2-advanced-abc1234"),
        ("Fix/UPPER Case", "fix-upper-case-abc1234"),
        ("fix/#42--again", "fix-42--again-abc1234"),
        (".hidden", "hidden-abc1234"),
        ("a/b/c.", "a-b-c-abc1234"),
        ("_x", "_x-abc1234"),
        ("latest", "br-latest-abc1234"),
        ("v2", "br-v2-abc1234"),
        ("pr-12", "br-pr-12-abc1234"),
        ("pr", "br-pr-abc1234"),
        ("backup/old", "br-backup-old-abc1234"),
        ("nightly-x", "br-nightly-x-abc1234"),
        ("live-prod", "br-live-prod-abc1234"),
        ("vendor", "vendor-abc1234"),
        ("prod", "prod-abc1234"),
        ("기능", "br-0e09e85c-abc1234"),
    ],
)
def test_branches(branch: str, tag: str) -> None:
    assert branch_tag(branch, "abc1234") == tag
    made = compute(Build("push", HEAD + branch, SHA))
    assert (made.push, made.immutable) == (True, (tag,))


def test_branches_that_count_as_development_share_a_class() -> None:
    rules = TagRules(develop=("dev", "develop"))
    assert tags_of("push", HEAD + "dev", rules=rules) == ("develop-abc1234",)
    assert tags_of("push", HEAD + "dev") == ("dev-abc1234",)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("v2.0.0", ("v2.0.0", "latest")),
        ("2.0.0", ("2.0.0", "latest")),
        ("v2", ("v2", "latest")),
        ("v2.1.0-rc.1", ("v2.1.0-rc.1",)),
        ("V3.0.0-RC.1", ("V3.0.0-RC.1",)),
        ("Beta", ("beta-#",)),
        ("v1.0.0+b1", ("v1.0.0_b1",)),
        ("20261123", ("20261123",)),
        ("nightly", ("br-nightly-#",)),
        ("app/v1.2.0", ("app-v1.2.0-#",)),
        ("stable", ("stable",)),
    ],
)
def test_tags_of_the_tree(name: str, tags: tuple[str, ...]) -> None:
    made = compute(Build("push", TAG + name, SHA))
    digits = sha256(name.encode()).hexdigest()[:6]
    assert made.tags == tuple(tag.replace("#", digits) for tag in tags)
    assert [one.code for one in made.remarks if "metadata" in one.code] == (
        ["tag-build-metadata"] if "+" in name else []
    )
    assert ("latest" in made.tags) != any(one.tag == "latest" for one in made.skipped)


@pytest.mark.parametrize(
    ("name", "releases", "latest"),
    [
        ("v2.0.0", ("v1.0.0", "v1.9.9"), True),
        ("v1.9.9", ("v1.0.0", "v2.0.0"), False),
        ("v2.0.0", ("v2.0.0",), True),
        ("v2.0.0", ("v3.0.0-rc.1", "docs-7", "20261231"), True),
        ("v10.0.0", ("v9.0.0",), True),
        ("v2.0.0-rc.1", ("v1.0.0",), False),
        ("v2.0.0", None, False),
        ("v2.0.0", (), True),
    ],
)
def test_latest_is_the_newest_stable_release(
    name: str, releases: tuple[str, ...] | None, latest: bool
) -> None:
    made = compute(Build("push", TAG + name, SHA, releases=releases))
    assert (made.moving == ("latest",)) is latest
    assert made.immutable == (name,)


def test_a_release_marked_as_prerelease_is_never_latest() -> None:
    release = Build("release", TAG + "v2.0.0", SHA, action="published")
    assert compute(release).tags == ("v2.0.0", "latest")
    marked = Build("release", TAG + "v2.0.0", SHA, action="published", prerelease=True)
    assert compute(marked).tags == ("v2.0.0",)
    assert compute(Build("release", TAG + "v2.0.0", SHA, action="edited")).tags == ()


def test_a_push_to_main_says_which_release_is_latest() -> None:
    made = compute(Build("push", MAIN, SHA, releases=("v2.0.0", "v1.0.0")))
    assert made.tags == ("main-abc1234",)
    assert [(one.tag, one.reason) for one in made.skipped] == [
        ("latest", "v2.0.0 is the newest release")
    ]


@pytest.mark.parametrize(
    ("branch", "default", "attempt", "latest"),
    [
        ("main", "main", 1, True),
        ("trunk", "trunk", 1, True),
        ("main", "trunk", 1, False),
        ("master", "", 1, True),
        ("develop", "main", 1, False),
        ("main", "main", 2, False),
    ],
)
def test_latest_may_follow_the_default_branch(
    branch: str, default: str, attempt: int, latest: bool
) -> None:
    rules = TagRules(latest="main")
    made = compute(
        Build("push", HEAD + branch, SHA, default_branch=default, attempt=attempt), rules
    )
    assert ("latest" in made.tags) is latest
    assert "latest" not in tags_of("push", TAG + "v9.0.0", rules=rules)
    never = TagRules(latest="never")
    assert "latest" not in tags_of("push", HEAD + branch, default_branch=default, rules=never)


def test_pull_requests() -> None:
    request = Build("pull_request", "refs/pull/123/merge", SHA, pull_request=123)
    made = compute(request)
    assert (made.push, made.tags) == (False, ("pr-123-abc1234", "pr-123"))
    assert [one.code for one in made.remarks] == ["pull-requests-build-only"]
    asked = compute(request, TagRules(push_pull_requests=True))
    assert (asked.push, asked.tags, asked.remarks) == (True, made.tags, ())


@pytest.mark.parametrize(
    "build",
    [
        Build("pull_request", "refs/pull/1/merge", SHA, pull_request=1, fork=True),
        Build("pull_request", "refs/pull/1/merge", SHA, pull_request=1, actor="dependabot[bot]"),
        Build("push", HEAD + "dependabot/npm/x-1", SHA, actor="dependabot[bot]"),
        Build("push", HEAD + "gh-readonly-queue/main/pr-1-abc", SHA),
        Build("merge_group", HEAD + "gh-readonly-queue/main/pr-1-abc", SHA),
        Build("pull_request_target", MAIN, SHA, pull_request=1),
        Build("issue_comment", MAIN, SHA),
        Build("workflow_run", MAIN, SHA),
        Build("repository_dispatch", MAIN, SHA),
        Build("no_such_event", MAIN, SHA),
        Build("push", MAIN, "0" * 40, deleted=True),
    ],
    ids=lambda build: f"{build.event}-{build.actor}",
)
def test_what_never_gets_an_image(build: Build) -> None:
    made = compute(build, TagRules(latest="main", push_pull_requests=True))
    assert (made.push, made.tags) == (False, ())
    assert made.skipped[0].reason


def test_a_scheduled_build_has_its_day() -> None:
    assert tags_of("schedule", MAIN) == ("nightly-20261123",)
    assert backup_tag(AT) == "backup-20261123-010203"


def test_a_dispatch_is_as_a_push_of_its_ref() -> None:
    assert tags_of("workflow_dispatch", MAIN) == tags_of("push", MAIN)
    assert tags_of("workflow_dispatch", TAG + "v2.0.0") == ("v2.0.0", "latest")


@pytest.mark.parametrize(
    "build",
    [
        Build("push", MAIN, "xyz"),
        Build("push", MAIN, "abc123"),
        Build("pull_request", MAIN, SHA),
        Build("schedule", MAIN, SHA),
    ],
)
def test_what_is_missing_is_said(build: Build) -> None:
    with pytest.raises(UsageError) as error:
        compute(build)
    assert error.value.code == "bad-build"


NAMES = st.text(min_size=1, max_size=300)


@given(NAMES)
def test_every_tag_of_a_branch_is_one(branch: str) -> None:
    tag = branch_tag(branch, "abc1234")
    assert is_tag(tag)
    assert len(tag) <= 128
    assert tag.endswith("-abc1234")
    assert not tag.startswith(("latest", "pr-", "backup-", "nightly-", "live-", "rollback-", "-"))
    assert branch_tag(branch, "abc1234") == tag


@given(NAMES)
def test_every_tag_of_a_tag_is_one(name: str) -> None:
    made = compute(Build("push", TAG + name, SHA))
    for tag in made.tags:
        assert is_tag(tag)
        assert len(tag) <= 128
    assert is_release(name) == (made.immutable == (name,) and not made.remarks)


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_two_tags_of_the_tree_never_share_a_tag(names: list[str]) -> None:
    first, second = (compute(Build("push", TAG + name, SHA)).immutable for name in names)
    assert first != second


@pytest.mark.parametrize(("one", "other"), [("a-b", "a/b"), ("A", "a"), ("x" * 200, "x" * 201)])
def test_names_that_would_collide_are_kept_apart(one: str, other: str) -> None:
    assert tag_slug(one) != tag_slug(other)
