"""The tags of a build: the table by event, names made into tags, markers, what latest follows."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.oci.reference import is_tag
from longshore.policy.build_tags import Build, TagRules, backup_tag, compute
from longshore.policy.slugs import branch_tag, is_component, is_release, release_of, tag_slug

SHA = "abc1234def5678abc1234def5678abc1234def56"
AT = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
MAIN, HEAD, TAG = "refs/heads/main", "refs/heads/", "refs/tags/"
PLAIN = TagRules(markers="none")


def tags_of(event: str, ref: str, **rest: object) -> tuple[str, ...]:
    rules = rest.pop("rules", PLAIN)
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
        ("a..b", "a..b-abc1234"),
        ("a\nb\x1b[31m", "a-b-31m-abc1234"),
        ("fix/🚀-launch", "fix--launch-abc1234"),
        ("_x", "_x-abc1234"),
        ("latest", "br-latest-abc1234"),
        ("v2", "br-v2-abc1234"),
        ("vendor", "br-vendor-abc1234"),
        ("2.1", "br-2.1-abc1234"),
        ("pr-12", "br-pr-12-abc1234"),
        ("pr", "br-pr-abc1234"),
        ("prod", "br-prod-abc1234"),
        ("prod/x", "br-prod-x-abc1234"),
        ("production", "production-abc1234"),
        ("branch/x", "br-branch-x-abc1234"),
        ("backup/old", "br-backup-old-abc1234"),
        ("nightly-x", "br-nightly-x-abc1234"),
        ("live-prod", "br-live-prod-abc1234"),
        ("rollback/1", "br-rollback-1-abc1234"),
        ("main/x", "br-main-x-abc1234"),
        ("main-fix", "br-main-fix-abc1234"),
        ("Main", "br-main-abc1234"),
        ("maintenance", "maintenance-abc1234"),
        ("기능", "br-0e09e85c-abc1234"),
        ("x" * 300, "x" * 120 + "-abc1234"),
    ],
)
def test_branches(branch: str, tag: str) -> None:
    assert branch_tag(branch, "abc1234") == tag
    made = compute(Build("push", HEAD + branch, SHA), PLAIN)
    assert (made.push, made.immutable, made.own) == (True, (tag,), tag)


@pytest.mark.parametrize("branch", ["..", "...", "-", "\ud800", "🚀", "//", "\udcff\udcfe"])
def test_names_of_which_nothing_is_left(branch: str) -> None:
    tag = branch_tag(branch, "abc1234")
    assert tag.startswith("br-")
    assert len(tag) == len("br-12345678-abc1234")
    assert is_tag(tag)


def test_features_by_class_or_by_name() -> None:
    by_name = TagRules(markers="none", feature="slug")
    assert tags_of("push", HEAD + "feature/login-form") == ("feature-abc1234",)
    assert tags_of("push", HEAD + "feature/login-form", rules=by_name) == (
        "feature-login-form-abc1234",
    )


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
        ("1.0.0_b1", ("br-1.0.0_b1-#",)),
        ("20261123", ("20261123",)),
        ("nightly", ("br-nightly-#",)),
        ("app/v1.2.0", ("app-v1.2.0-#",)),
        ("main-abc1234", ("br-main-abc1234-#",)),
        ("x-abc1234", ("x-abc1234-#",)),
        ("stable", ("stable",)),
    ],
)
def test_tags_of_the_tree(name: str, tags: tuple[str, ...]) -> None:
    made = compute(Build("push", TAG + name, SHA), PLAIN)
    digits = sha256(name.encode()).hexdigest()[:6]
    assert made.tags == tuple(tag.replace("#", digits) for tag in tags)
    assert [one.code for one in made.remarks if "metadata" in one.code] == (
        ["tag-build-metadata"] if "+" in name else []
    )
    assert ("latest" in made.tags) != any(one.tag == "latest" for one in made.skipped)


# --- markers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "all_", "needed"),
    [
        (MAIN, "prod-main-abc1234", ""),
        (TAG + "v2.0.0", "prod-v2.0.0", ""),
        (TAG + "2.0.0", "prod-2.0.0", "prod-2.0.0"),
        (TAG + "V2.0.0", "prod-V2.0.0", "prod-V2.0.0"),
        (TAG + "v1.0.0+b1", "prod-v1.0.0_b1", ""),
        (TAG + "stable", "branch-stable", "branch-stable"),
        (HEAD + "develop", "branch-develop-abc1234", ""),
        (HEAD + "feature/x", "branch-feature-abc1234", ""),
        (HEAD + "day2-advanced", "branch-day2-advanced-abc1234", "branch-day2-advanced-abc1234"),
        (HEAD + "vendor", "branch-br-vendor-abc1234", "branch-br-vendor-abc1234"),
        (HEAD + "prod/x", "branch-br-prod-x-abc1234", "branch-br-prod-x-abc1234"),
    ],
)
def test_markers_say_the_family(ref: str, all_: str, needed: str) -> None:
    build = Build("push", ref, SHA)
    for rules, marker in ((TagRules(markers="all"), all_), (TagRules(), needed), (PLAIN, "")):
        made = compute(build, rules)
        assert made.markers == ((marker,) if marker else ())
        assert made.tags[len(made.tags) - len(made.markers) :] == made.markers
        assert set(made.markers) <= set(made.immutable)


def test_the_order_is_own_moving_markers() -> None:
    made = compute(
        Build("push", TAG + "v2.1.0", SHA), TagRules(markers="all", ladder=True, latest="main")
    )
    assert made.tags == ("v2.1.0", "v2.1", "v2", "prod-v2.1.0")
    assert (made.immutable, made.moving) == (("v2.1.0", "prod-v2.1.0"), ("v2.1", "v2"))
    assert (made.at_once, made.afterwards) == (("v2.1.0", "prod-v2.1.0"), ("v2.1", "v2"))


def test_the_default_branch_is_production_whatever_its_name() -> None:
    build = Build("push", HEAD + "trunk", SHA, default_branch="trunk")
    assert compute(build).tags == ("trunk-abc1234", "latest", "prod-trunk-abc1234")
    other = Build("push", HEAD + "trunk/x", SHA, default_branch="trunk")
    assert compute(other).tags == ("br-trunk-x-abc1234", "branch-br-trunk-x-abc1234")
    develops = Build("push", HEAD + "develop", SHA, default_branch="develop")
    assert compute(develops).family == "branch"


# --- latest --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "releases", "latest"),
    [
        ("v2.0.0", ("v1.0.0", "v1.9.9"), True),
        ("v1.9.9", ("v1.0.0", "v2.0.0"), False),
        ("v2.0.0", ("v2.0.0",), True),
        ("v2.0.0", ("v3.0.0-rc.1", "docs-7", "20261231"), True),
        ("v10.0.0", ("v9.0.0",), True),
        ("v2.0.0-rc.1", ("v1.0.0",), False),
        ("v2.0.0-rc.1", (), False),
        ("v2.0.0", None, False),
        ("v2.0.0", (), True),
    ],
)
@pytest.mark.parametrize("attempt", [1, 2])
def test_latest_is_the_newest_stable_release(
    name: str, releases: tuple[str, ...] | None, latest: bool, attempt: int
) -> None:
    made = compute(Build("push", TAG + name, SHA, releases=releases, attempt=attempt), PLAIN)
    assert (made.moving == ("latest",)) is latest
    assert made.immutable == (name,)
    assert bool(made.skipped) is not latest


def test_a_release_marked_as_prerelease_is_never_latest() -> None:
    release = Build("release", TAG + "v2.0.0", SHA, action="published")
    assert compute(release).tags == ("v2.0.0", "latest")
    marked = Build("release", TAG + "v2.0.0", SHA, action="published", prerelease=True)
    assert compute(marked).tags == ("v2.0.0",)
    for action in ("edited", "created", "deleted", "unpublished", "prereleased"):
        assert compute(Build("release", TAG + "v2.0.0", SHA, action=action)).tags == ()


def test_a_push_to_main_says_which_release_is_latest() -> None:
    made = compute(Build("push", MAIN, SHA, releases=("v2.0.0", "v1.0.0")))
    assert made.tags == ("main-abc1234",)
    assert [(one.tag, one.reason) for one in made.skipped] == [
        ("latest", "v2.0.0 is the newest release")
    ]


@pytest.mark.parametrize(
    ("branch", "default", "attempt", "there", "latest"),
    [
        ("main", "main", 1, None, True),
        ("trunk", "trunk", 1, None, True),
        ("main", "trunk", 1, None, False),
        ("master", "", 1, None, True),
        ("develop", "main", 1, None, False),
        ("main", "main", 2, None, False),
        ("main", "main", 2, True, False),
        ("main", "main", 2, False, True),
    ],
)
def test_the_default_branch_moves_latest_until_there_is_a_version(
    branch: str, default: str, attempt: int, there: bool | None, latest: bool
) -> None:
    def takes(rule: str, releases: tuple[str, ...] | None) -> bool:
        build = Build(
            "push", HEAD + branch, SHA, default_branch=default, attempt=attempt,
            latest_there=there, releases=releases,
        )  # fmt: skip
        rules = TagRules(latest=rule)  # type: ignore[arg-type]
        return "latest" in compute(build, rules).tags

    assert takes("newest-release", ()) is latest
    assert takes("newest-release", ("v2.0.0-rc.1",)) is latest
    assert not takes("newest-release", ("v0.1.0",))
    assert not takes("newest-release", None)
    assert takes("main", ("v2.0.0",)) is latest
    assert takes("main", None) is latest
    assert not takes("never", ())


def test_latest_may_follow_the_default_branch_only() -> None:
    assert "latest" not in tags_of("push", TAG + "v9.0.0", rules=TagRules(latest="main"))
    assert "latest" not in tags_of("push", TAG + "v9.0.0", rules=TagRules(latest="never"))


@pytest.mark.parametrize(
    ("name", "releases", "moves"),
    [
        ("v2.1.3", ("v2.1.2", "v2.0.9"), ("latest", "v2.1", "v2")),
        ("v2.0.9", ("v2.1.2",), ("v2.0",)),
        ("v1.9.9", ("v2.0.0", "v1.9.8"), ("v1.9", "v1")),
        ("v2.1.3-rc.1", (), ()),
        ("v2.1.3", ("v2.1.4-rc.1",), ("latest", "v2.1", "v2")),
        ("v2.1.3", ("v2", "v2.1", "v3"), ("latest", "v2.1", "v2")),
        ("0.3.1", (), ("latest", "0.3")),
        ("v2.1.3", None, ()),
    ],
)
def test_a_ladder(name: str, releases: tuple[str, ...] | None, moves: tuple[str, ...]) -> None:
    rules = TagRules(markers="none", ladder=True)
    made = compute(Build("push", TAG + name, SHA, releases=releases), rules)
    assert made.moving == moves
    assert len(moves) + len(made.skipped) == 3


def test_a_rung_of_the_ladder_is_no_release() -> None:
    for name in ("v2", "v2.1", "v2-rc"):
        assert tags_of("push", TAG + name, rules=TagRules(ladder=True)) == ()
        assert tags_of("push", TAG + name)


# --- pull requests, and what never gets an image -------------------------------------------------


def test_pull_requests() -> None:
    request = Build("pull_request", "refs/pull/123/merge", SHA, pull_request=123)
    made = compute(request)
    assert (made.push, made.tags, made.moving, made.markers) == (True, ("pr-123",), ("pr-123",), ())
    assert made.at_once == ("pr-123",)
    built = compute(request, TagRules(push_pull_requests=False))
    assert (built.push, built.tags) == (False, ("pr-123",))
    assert [one.code for one in built.remarks] == ["pull-requests-build-only"]
    each = compute(request, TagRules(pull_request_commits=True))
    assert (each.immutable, each.moving) == (("pr-123-abc1234",), ("pr-123",))


@pytest.mark.parametrize(
    "build",
    [
        Build("pull_request", "refs/pull/1/merge", SHA, pull_request=1, fork=True),
        Build("pull_request", "refs/pull/1/merge", SHA, pull_request=1, actor="dependabot[bot]"),
        Build("pull_request", "refs/pull/1/merge", SHA, pull_request=1, author="dependabot[bot]"),
        Build("pull_request", "refs/pull/1/merge", SHA, pull_request=1, action="closed"),
        Build("push", HEAD + "dependabot/npm/x-1", SHA, actor="dependabot[bot]"),
        Build("push", HEAD + "gh-readonly-queue/main/pr-1-abc", SHA),
        Build("push", "refs/notes/commits", SHA),
        Build("merge_group", HEAD + "gh-readonly-queue/main/pr-1-abc", SHA),
        Build("pull_request_target", MAIN, SHA, pull_request=1),
        Build("issue_comment", MAIN, SHA),
        Build("workflow_run", MAIN, SHA),
        Build("repository_dispatch", MAIN, SHA),
        Build("no_such_event", MAIN, ""),
        Build("push", MAIN, "0" * 40, deleted=True),
    ],
    ids=lambda build: f"{build.event}-{build.actor}{build.author}",
)
def test_what_never_gets_an_image(build: Build) -> None:
    made = compute(build, TagRules(latest="main", markers="all"))
    assert (made.push, made.tags) == (False, ())
    assert made.skipped[0].reason


def test_a_scheduled_build_has_its_day() -> None:
    assert tags_of("schedule", MAIN) == ("nightly-20261123",)
    taken = frozenset({"nightly-20261123"})
    assert tags_of("schedule", MAIN, taken=taken) == ("nightly-20261123-abc1234",)
    assert backup_tag(AT) == "backup-20261123-010203"


def test_a_dispatch_is_as_a_push_of_its_ref() -> None:
    assert tags_of("workflow_dispatch", MAIN) == tags_of("push", MAIN)
    assert tags_of("workflow_dispatch", TAG + "v2.0.0") == ("v2.0.0", "latest")


@pytest.mark.parametrize(
    ("build", "code"),
    [
        (Build("push", MAIN, "xyz"), "bad-build"),
        (Build("push", MAIN, "abc123"), "bad-build"),
        (Build("push", MAIN, "0" * 65), "bad-build"),
        (Build("pull_request", MAIN, SHA), "bad-build"),
        (Build("schedule", MAIN, SHA), "bad-build"),
    ],
)
def test_what_is_missing_is_said(build: Build, code: str) -> None:
    with pytest.raises(UsageError) as error:
        compute(build)
    assert error.value.code == code


@pytest.mark.parametrize(
    "rules",
    [
        TagRules(sha_length=6),
        TagRules(sha_length=41),
        TagRules(component="prod"),
        TagRules(component="main"),
        TagRules(component="pr-x"),
        TagRules(component="A"),
        TagRules(component="x" * 41),
        TagRules(component="2.1"),
    ],
)
def test_rules_that_make_no_tags(rules: TagRules) -> None:
    with pytest.raises(UsageError) as error:
        compute(Build("push", MAIN, SHA), rules)
    assert error.value.code == "bad-tag-rules"
    assert not rules.component or not is_component(rules.component)


# --- commits, components, names alike ------------------------------------------------------------


def test_the_commit_is_as_long_as_asked_and_longer_where_another_begins_alike() -> None:
    assert tags_of("push", MAIN, rules=TagRules(sha_length=12))[0] == f"main-{SHA[:12]}"
    others = (SHA, SHA[:9] + "0" * 31, SHA[:7] + "0" * 33, "f" * 40)
    made = compute(Build("push", MAIN, SHA, commits=others))
    assert (made.own, made.short) == (f"main-{SHA[:10]}", SHA[:10])
    assert SHA[:10] in made.given[0].reason
    request = Build("pull_request", "refs/pull/1/merge", SHA, pull_request=1, commits=others)
    each = compute(request, TagRules(pull_request_commits=True))
    assert each.immutable == (f"pr-1-{SHA[:10]}",)
    assert compute(Build("push", MAIN, SHA[:8]), TagRules(sha_length=40)).own == "main-abc1234d"


PART = TagRules(component="svc-a", markers="needed")


@pytest.mark.parametrize(
    ("event", "ref", "tags"),
    [
        ("push", TAG + "svc-a/v1.2.0", ("svc-a-v1.2.0", "svc-a-latest", "prod-svc-a-v1.2.0")),
        ("push", TAG + "svc-a-v1.2.0", ("svc-a-v1.2.0", "svc-a-latest", "prod-svc-a-v1.2.0")),
        ("push", TAG + "svc-b/v1.2.0", ()),
        ("push", TAG + "v1.2.0", ()),
        ("push", TAG + "svc-a-b/v1.2.0", ()),
        ("push", MAIN, ("svc-a-main-abc1234", "prod-svc-a-main-abc1234")),
        ("push", HEAD + "feature/x", ("svc-a-feature-abc1234", "branch-svc-a-feature-abc1234")),
        ("pull_request", "refs/pull/7/merge", ("pr-7-svc-a",)),
        ("schedule", MAIN, ("nightly-svc-a-20261123",)),
    ],
)
def test_a_part_of_a_monorepo(event: str, ref: str, tags: tuple[str, ...]) -> None:
    releases = ("svc-a/v1.1.0", "svc-a-v1.0.0", "svc-b/v9.0.0", "v8.0.0")
    number = 7 if event == "pull_request" else None
    build = Build(event, ref, SHA, at=AT, pull_request=number, releases=releases)
    assert compute(build, PART).tags == tags


def test_a_part_in_a_repository_of_its_own() -> None:
    rules = TagRules(component="svc-a", component_prefix=False)
    made = compute(Build("push", TAG + "svc-a/v1.2.0", SHA, releases=("svc-b/v9.0.0",)), rules)
    assert made.tags == ("v1.2.0", "latest")
    made = compute(Build("push", TAG + "svc-a/v1.2.0", SHA, releases=("svc-a/v1.3.0",)), rules)
    assert made.tags == ("v1.2.0",)


def test_branches_that_slug_alike_are_named() -> None:
    build = Build("push", HEAD + "a/b", SHA, branches=("a-b", "a/b", "A_B", "main"))
    [remark] = compute(build).remarks
    assert (remark.code, "a-b" in remark.message) == ("branches-alike", True)
    assert compute(Build("push", HEAD + "a/b", SHA, branches=("a/b", "b"))).remarks == ()
    features = Build("push", HEAD + "feature/b", SHA, branches=("feature/a", "feature/b"))
    assert compute(features).remarks == ()


# --- properties ----------------------------------------------------------------------------------

NAMES = st.text(min_size=1, max_size=300) | st.from_regex(
    r"\A(prod|branch|main|v|pr|latest|live|2\.1)[/.-]?[a-zA-Z0-9/_.+-]{0,20}\Z"
)
CLASSES = ("latest", "v", "pr-", "prod-", "branch-", "backup-", "nightly-", "live-", "rollback-")


@given(NAMES)
def test_every_tag_of_a_branch_is_one(branch: str) -> None:
    tag = branch_tag(branch, "abc1234")
    assert is_tag(tag)
    assert len(tag) <= 128
    assert tag.endswith("-abc1234")
    assert not tag.startswith((*CLASSES, "-"))
    assert branch in ("main", "master") or not tag.startswith(("main-", "master-"))
    assert branch_tag(branch, "abc1234") == tag


@given(NAMES)
def test_every_tag_of_a_tag_is_one(name: str) -> None:
    made = compute(Build("push", TAG + name, SHA), TagRules(markers="all"))
    for tag in made.tags:
        assert is_tag(tag)
        assert len(tag) <= 128
    assert is_release(name) == (made.own == name and not made.remarks)


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_two_tags_of_the_tree_never_share_a_tag(names: list[str]) -> None:
    rules = TagRules(markers="all")
    first, second = (compute(Build("push", TAG + name, SHA), rules).immutable for name in names)
    assert not set(first) & set(second)


@given(NAMES, NAMES)
def test_a_tag_of_the_tree_never_has_the_tags_of_a_branch(name: str, branch: str) -> None:
    rules = TagRules(markers="all")
    of_tag = compute(Build("push", TAG + name, SHA), rules).immutable
    of_branch = compute(Build("push", HEAD + branch, SHA), rules).immutable
    assert not set(of_tag) & set(of_branch)


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_two_commits_never_share_a_tag(names: list[str]) -> None:
    rules, other = TagRules(markers="all"), "0123456" + SHA[7:]
    first = compute(Build("push", HEAD + names[0], SHA), rules).immutable
    second = compute(Build("push", HEAD + names[1], other), rules).immutable
    assert not set(first) & set(second)


@pytest.mark.parametrize(("one", "other"), [("a-b", "a/b"), ("A", "a"), ("x" * 200, "x" * 201)])
def test_names_that_would_collide_are_kept_apart(one: str, other: str) -> None:
    assert tag_slug(one) != tag_slug(other)


@given(st.from_regex(r"\A[a-z0-9]{1,5}(-[a-z0-9]{1,5}){0,2}\Z"), NAMES)
def test_a_version_belongs_to_one_part(component: str, name: str) -> None:
    found = release_of(name, component)
    assert found is None or (is_release(found) and name.startswith(component))
