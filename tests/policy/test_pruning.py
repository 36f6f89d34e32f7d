"""The prune decision: tables of cases, properties, and a naive second reading of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.facts import ImageSeen, InUse
from longshore.oci.manifest import OCI_INDEX
from longshore.policy.lifecycle.prune_units import group_of, time_in, units_of
from longshore.policy.lifecycle.prune_words import rule_words
from longshore.policy.lifecycle.pruning import (
    BACKUP_RULE,
    PrunePlan,
    PruneRule,
    indexes_to_read,
    plan_prune,
)

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
PR = PruneRule("pr", ("pr-*",), keep_newest=1)
OLD = PruneRule("old", ("*",), keep_for_days=7)


def image(name: str, *tags: str, days: float | None = 30, **more: Any) -> ImageSeen:
    pushed = None if days is None else AT - timedelta(days=days)
    return ImageSeen(f"sha256:{name}", tags, pushed_at=pushed, **more)


def backup(days: float) -> str:
    return f"backup-{AT - timedelta(days=days):%Y%m%d-%H%M%S}"


def steps(plan: PrunePlan) -> dict[str, tuple[str, ...]]:
    return {step.digest.removeprefix("sha256:"): step.tags for step in plan.steps}


def prune(rules: Sequence[PruneRule], *images: ImageSeen, **more: Any) -> PrunePlan:
    return plan_prune(rules, images, more.pop("in_use", ()), AT, **more)


def why(plan: PrunePlan, name: str) -> set[str]:
    return {one.because for one in plan.kept if one.digest == f"sha256:{name}"}


# --- what a rule says -----------------------------------------------------------------------------


def test_patterns_of_a_rule_are_or() -> None:
    rule = PruneRule("two", ("a-*", "b-*"), keep_for_days=7)
    assert steps(prune([rule], image("1", "a-1"), image("2", "b-1"), image("3", "c-1"))) == {
        "1": ("a-1",),
        "2": ("b-1",),
    }


def test_a_tag_goes_alone_when_the_image_has_others() -> None:
    plan = prune([PruneRule("a", ("a-*",), keep_for_days=7)], image("1", "a-1", "other"))
    (step,) = plan.steps
    assert (step.tags, step.deletes_image) == (("a-1",), False)
    assert plan.deleted == ()


def test_the_last_tag_takes_the_image_along_and_the_plan_says_so() -> None:
    (step,) = prune([PruneRule("a", ("a-*",), keep_for_days=7)], image("1", "a-1", "a-2")).steps
    assert (step.tags, step.deletes_image) == (("a-1", "a-2"), True)
    assert step.reason == (
        "rule a (a-*: stays: pushed less than 7 days ago); this is the 1st, 30 days old"
    )


def test_a_rule_without_a_limit_takes_nothing() -> None:
    plan = prune([PruneRule("none", ("*",))], image("1", "x"))
    assert (plan.steps, why(plan, "1")) == ((), {"no-limit"})


def test_what_one_rule_keeps_another_does_not_take() -> None:
    rules = [PruneRule("v", ("v*",), keep_newest=1), OLD]
    found = [image("1", "v1", days=90), image("2", "v2", days=80), image("3", "x", days=90)]
    for order in (rules, rules[::-1]):
        assert steps(prune(order, *found)) == {"1": ("v1",), "3": ("x",)}


@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        (PruneRule("r", ("t*",), keep_newest=2), {"3", "4"}),
        (PruneRule("r", ("t*",), keep_newest=0), {"1", "2", "3", "4"}),
        (PruneRule("r", ("t*",), keep_for_days=20), {"3", "4"}),
        (PruneRule("r", ("t*",), keep_for_days=20, keep_newest=3), {"4"}),
        (PruneRule("r", ("t*",), keep_for_days=20, at_least=4), set()),
        (PruneRule("r", ("t*",), keep_newest=1, at_least=2), {"3", "4"}),
        (PruneRule("r", ("t1",), keep_for_days=1), {"1"}),
    ],
)
def test_limits(rule: PruneRule, gone: set[str]) -> None:
    found = [image(f"{n}", f"t{n}", days=n * 10) for n in range(1, 5)]
    assert set(steps(prune([rule], *found))) == gone


def test_older_is_strict() -> None:
    exact = image("1", "x", days=7)
    assert prune([OLD], exact).steps == ()
    assert plan_prune([OLD], [exact], [], AT + timedelta(microseconds=1)).steps


def test_excluded_tags_are_not_the_rules() -> None:
    rule = PruneRule("rest", ("*",), keep_newest=0, excluding=("v*", "*-rc"))
    found = [image("1", "v1"), image("2", "x-rc"), image("3", "x"), image("4", "y", "v2")]
    plan = prune([rule], *found)
    assert steps(plan) == {"3": ("x",), "4": ("y",)}
    assert rule_words(rule) == "* without v*, *-rc: stays: nothing"


def test_a_rule_excluded_by_a_marker_leaves_the_pair_alone() -> None:
    rule = PruneRule("rest", ("*",), keep_newest=0, excluding=("prod-*",))
    assert prune([rule], image("1", "main-abc1234", "prod-main-abc1234")).steps == ()


def test_ties_stay_together() -> None:
    plan = prune([PR], *(image(f"{n}", f"pr-{n}", days=5) for n in range(3)), image("o", "pr-9"))
    assert steps(plan) == {"o": ("pr-9",)}


# --- groups, markers, times -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "per", "group"),
    [
        ("main-abc1234", "branch", "main"),
        ("branch-day2-advanced-abc1234", "branch", "day2-advanced"),
        ("prod-main-abc1234", "branch", "main"),
        ("branch-abc1234", "branch", "branch"),
        ("nightly-20261123", "branch", "nightly"),
        ("main", "branch", None),
        ("main-xyz", "branch", None),
        ("v1.2.3", "minor-version", "v1.2"),
        ("1.2.3-rc.1", "minor-version", "1.2"),
        ("prod-v1.2.3", "minor-version", "v1.2"),
        ("api-v1.2.3", "minor-version", "api-v1.2"),
        ("v1.2.3-beta-4.5.6", "minor-version", "v1.2"),
        ("v1.2", "minor-version", None),
        ("latest", "minor-version", None),
        ("pr-5", "pull-request", "pr-5"),
        ("pr-5-abc1234", "pull-request", "pr-5"),
        ("pr-x", "pull-request", None),
        ("anything", "family", ""),
    ],
)
def test_groups(tag: str, per: Any, group: str | None) -> None:
    assert group_of(tag, per) == group


def test_each_group_has_its_own_limit() -> None:
    rule = PruneRule("minor", ("v*",), keep_newest=1, per="minor-version")
    found = [image(f"{n}", f"v1.{n // 2}.{n % 2}", days=40 - n) for n in range(4)]
    plan = prune([rule], *found, image("odd", "v7"))
    assert steps(plan) == {"0": ("v1.0.0",), "2": ("v1.1.0",)}
    assert why(plan, "odd") == {"group-unknown"}


def test_the_two_tags_of_a_pull_request_take_one_place() -> None:
    rule = PruneRule("pr", ("pr-*",), keep_newest=2, per="pull-request")
    found = [
        image("1", "pr-5-aaaaaaa", days=9),
        image("2", "pr-5-bbbbbbb", days=8),
        image("3", "pr-5", "pr-5-ccccccc", days=7),
    ]
    assert steps(prune([rule], *found)) == {"1": ("pr-5-aaaaaaa",)}


@pytest.mark.parametrize("pattern", ["day2-*", "branch-*"])
def test_markers_go_with_the_tag_that_they_mark(pattern: str) -> None:
    rule = PruneRule("branch", (pattern,), keep_for_days=7)
    tags = ("day2-advanced-abc1234", "branch-day2-advanced-abc1234")
    assert steps(prune([rule], image("1", *tags, "other"))) == {"1": tags}


def test_a_long_tags_marker_is_known_too() -> None:
    long = "x" * 125
    (unit,) = [one for one in units_of((long, "other", *_markers(long))) if one[0] == long]
    assert len(unit) == 3


def _markers(tag: str) -> tuple[str, ...]:
    from longshore.policy.families import marker_tag

    return marker_tag("production", tag), marker_tag("branch", tag)


@pytest.mark.parametrize(
    ("tag", "time"),
    [
        ("backup-20241201-143022", "2024-12-01T14:30:22+00:00"),
        ("backup-shop-20241201-143022", "2024-12-01T14:30:22+00:00"),
        ("20241201-143022", "2024-12-01T14:30:22+00:00"),
        ("backup-20240229-000000", "2024-02-29T00:00:00+00:00"),
        ("backup-20230229-000000", None),
        ("backup-20241301-000000", None),
        ("backup-20241201-246000", None),
        ("backup-00000101-000000", None),
        ("backup-20241201", None),
        ("backup-20241201-143022-x", None),
        ("backup-120241201-143022", None),
        ("backup-20241201-143022\n", None),
    ],
)
def test_times_in_names(tag: str, time: str | None) -> None:
    found = time_in(tag)
    assert (found.isoformat() if found else None) == time


# --- backups --------------------------------------------------------------------------------------


def test_backups_go_by_the_time_in_their_name_and_never_the_last_three() -> None:
    found = [image(f"{n}", backup(n), "v1", days=100) for n in (1, 2, 9, 10, 11)]
    assert steps(prune([BACKUP_RULE], *found)) == {"10": (backup(10),), "11": (backup(11),)}
    alone = [image(f"{n}", backup(n), days=1) for n in (8, 9, 10, 11)]
    plan = prune([BACKUP_RULE], *alone)
    assert steps(plan) == {"11": (backup(11),)}
    assert plan.steps[0].deletes_image


def test_backups_of_one_image_count_one_by_one() -> None:
    tags = [backup(n) for n in (20, 21, 22, 23)]
    assert steps(prune([BACKUP_RULE], image("1", *tags, "v1"))) == {"1": (tags[3],)}


@pytest.mark.parametrize(
    ("tag", "because"),
    [
        (backup(-1), "in-the-future"),
        ("backup-20240231-000000", "time-unknown"),
        ("backup-final", "time-unknown"),
    ],
)
def test_backups_of_unknown_or_future_time_stay_and_take_no_place(tag: str, because: str) -> None:
    found = [image("odd", tag), *(image(f"{n}", backup(n), "v1") for n in (20, 21, 22, 23))]
    plan = prune([BACKUP_RULE], *found)
    assert steps(plan) == {"23": (backup(23),)}
    assert why(plan, "odd") == {because}


def test_another_rule_does_not_take_the_last_backups_either() -> None:
    found = [image(f"{n}", backup(n)) for n in (20, 21, 22, 23)]
    plan = prune([OLD], *found, image("odd", "backup-final"))
    assert steps(plan) == {"23": (backup(23),)}
    assert why(plan, "20") == why(plan, "odd") == {"last-backup"}


# --- what nothing may touch -----------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["live-prod", "rollback-prod", "latest"])
def test_protected_images_lose_no_tag(tag: str) -> None:
    plan = prune([OLD], image("1", "x", tag))
    assert (plan.steps, why(plan, "1")) == ((), {"protected"})


def test_own_patterns_protect_besides_the_fixed_ones() -> None:
    found = [image("1", "gold-1"), image("2", "latest"), image("3", "x")]
    assert steps(prune([OLD], *found, protected=("gold-*",))) == {"3": ("x",)}


@pytest.mark.parametrize(
    "use",
    [
        InUse("shop", "ecs", "service web", digest="sha256:1"),
        InUse("shop", "compose", "compose.yml:3", tag="x"),
    ],
)
def test_images_in_use_lose_no_tag(use: InUse) -> None:
    plan = prune([OLD], image("1", "x", "y"), in_use=[use])
    assert (plan.steps, why(plan, "1")) == ((), {"in-use"})
    assert use.where in plan.kept[0].reason


def index(name: str, *tags: str, children: Sequence[str] = (), **more: Any) -> ImageSeen:
    digests = tuple(f"sha256:{one}" for one in children)
    return image(name, *tags, media_type=OCI_INDEX, children=digests, **more)


def test_the_index_of_a_running_manifest_and_its_other_manifests_stay() -> None:
    found = [index("i", "x", children=["a", "b"]), image("a"), image("b", "x-arm64")]
    plan = prune([OLD], *found, in_use=[InUse("shop", "ecs", "web", digest="sha256:a")])
    assert (plan.steps, why(plan, "i")) == ((), {"belongs-to-protected"})
    assert why(plan, "b") == {"belongs-to-protected"}


def test_a_manifest_shared_with_a_kept_index_does_not_keep_the_other_index() -> None:
    found = [
        index("live", "live-prod", children=["a"]),
        index("old", "x", children=["a"]),
        image("a"),
    ]
    assert steps(prune([OLD], *found)) == {"old": ("x",)}


def test_the_manifest_of_an_index_that_stays_keeps_its_tags() -> None:
    found = [index("i", "y", children=["a"], days=1), image("a", "x", "x2")]
    plan = prune([OLD], *found)
    assert (plan.steps, why(plan, "a")) == ((), {"in-index"})


def test_an_index_goes_before_what_it_names() -> None:
    found = [
        image("a", "x-amd64", days=50),
        index("in", "x", children=["a"], days=20),
        index("out", "z", children=["in"], days=10),
    ]
    plan = prune([OLD], *found)
    assert [step.digest for step in plan.steps] == ["sha256:out", "sha256:in", "sha256:a"]
    assert plan.steps[2].behind == ("sha256:in",)


def test_what_nobody_read_counts_as_in_use() -> None:
    unread = image("i", "x", "z", media_type=OCI_INDEX)
    plan = prune([OLD], unread, image("a", "y"))
    assert plan.steps == ()
    assert why(plan, "i") == why(plan, "a") == {"index-not-read"}
    assert indexes_to_read([OLD], [unread, image("a", "y")], [], AT) == ("sha256:i",)
    assert indexes_to_read([OLD], [image("i", "x", media_type=OCI_INDEX, days=1)], [], AT) == ()
    tags_only = prune([PruneRule("y", ("y",), keep_for_days=1)], unread, image("a", "y", "other"))
    assert steps(tags_only) == {"a": ("y",)}


def test_a_subject_stays_while_something_tagged_hangs_on_it() -> None:
    signature = image("sig", "keep", subject="sha256:1", days=1)
    plan = prune([OLD], image("1", "x"), signature)
    assert (plan.steps, why(plan, "1")) == ((), {"takes-others-along"})
    assert steps(prune([OLD], image("1", "x"), replace(signature, tags=()))) == {"1": ("x",)}


def test_the_subject_of_a_protected_image_stays_and_so_do_its_signatures() -> None:
    found = [
        image("1", "x"),
        image("sbom", "live-sbom", subject="sha256:1"),
        image("sig", "y", subject="sha256:1"),
    ]
    assert prune([OLD], *found).steps == ()


@pytest.mark.parametrize("status", ["ARCHIVED", "ACTIVATING"])
def test_archived_images_stay(status: str) -> None:
    plan = prune([OLD], image("1", "x", status=status))
    assert (plan.steps, why(plan, "1")) == ((), {"archived"})


def test_an_image_without_a_push_time_stays() -> None:
    assert why(prune([OLD], image("1", "x", days=None)), "1") == {"time-unknown"}


def test_signatures_by_tag_are_not_counted() -> None:
    companion = "sha256-" + "a" * 64 + ".sig"
    plan = prune([OLD], image("1", companion))
    assert (plan.steps, why(plan, "1")) == ((), {"companion"})


def test_nothing_is_there() -> None:
    plan = prune([OLD, BACKUP_RULE])
    assert (plan.steps, plan.kept, plan.images) == ((), (), 0)


def test_rules_in_words() -> None:
    said = [rule_words(one) for one in (BACKUP_RULE, PR, PruneRule("", ("x",)))]
    assert said == [
        "backup-*: stays: younger than 7 days by the name or the last 3",
        "pr-*: stays: the 1 newest",
        "x: stays: all",
    ]


# --- properties -----------------------------------------------------------------------------------

TAGS = (
    *("latest", "live-prod", "rollback-prod", "v1.0.0", "v1.0.1", "v1.1.0", "prod-v1.0.0"),
    *("main-aaaaaaa", "main-bbbbbbb", "branch-main-aaaaaaa", "develop-ccccccc", "pr-1"),
    *("pr-1-ddddddd", "pr-2", "x", "backup-final", backup(-1), "backup-20230229-000000"),
    *(backup(days) for days in (1, 6, 8, 9, 10, 11, 12)),
)
RULES = st.lists(
    st.builds(
        PruneRule,
        st.sampled_from(["a", "b"]),
        st.lists(
            st.sampled_from(["*", "v*", "pr-*", "main-*", "backup-*", "prod-*"]), max_size=2
        ).map(tuple),
        st.none() | st.integers(0, 3),
        st.none() | st.integers(1, 12),
        st.sampled_from(["family", "branch", "minor-version", "pull-request"]),
        st.integers(0, 3),
        st.sampled_from(["push", "tag-name"]),
        st.lists(st.sampled_from(["v1.0*", "prod-*", "x"]), max_size=1).map(tuple),
    ),
    max_size=3,
)


@st.composite
def repositories(draw: st.DrawFn) -> list[ImageSeen]:
    """Up to 8 images, each tag once, some of them indexes of later ones, some with subjects."""
    count = draw(st.integers(0, 8))
    digests = [f"sha256:{n}" for n in range(count)]
    owners = draw(st.lists(st.integers(-3, max(0, count - 1)), min_size=len(TAGS)))
    found = []
    for n, digest in enumerate(digests):
        tags = tuple(tag for tag, owner in zip(TAGS, owners, strict=False) if owner == n)
        later = digests[n + 1 :]
        is_index = bool(later) and draw(st.integers(0, 4)) == 0
        has_subject = bool(n) and draw(st.integers(0, 5)) == 0
        found.append(
            ImageSeen(
                digest,
                tags,
                pushed_at=draw(
                    st.none()
                    | st.integers(0, 14).map(lambda days: AT - timedelta(days=days, hours=1))
                ),
                media_type=OCI_INDEX if is_index else "",
                children=tuple(draw(st.lists(st.sampled_from(later), max_size=3, unique=True)))
                if is_index
                else (),
                subject=draw(st.sampled_from(digests[:n])) if has_subject else None,
                status=draw(st.sampled_from(["ACTIVE"] * 5 + ["ARCHIVED"])),
            )
        )
    return found


USES = st.lists(
    st.integers(0, 7).map(lambda n: InUse("shop", "ecs", "web", digest=f"sha256:{n}")), max_size=2
)


def carried_out(images: Sequence[ImageSeen], plan: PrunePlan) -> list[ImageSeen]:
    """The repository afterwards: referrers go with their subjects."""
    lost = {step.digest: set(step.tags) for step in plan.steps}
    gone = {step.digest for step in plan.deleted}
    while more := {i.digest for i in images if i.subject in gone and i.digest not in gone}:
        gone |= more
    return [
        replace(one, tags=tuple(tag for tag in one.tags if tag not in lost.get(one.digest, ())))
        for one in images
        if one.digest not in gone
    ]


@given(RULES, repositories(), USES)
def test_protected_tags_and_images_in_use_are_all_there_afterwards(
    rules: list[PruneRule], images: list[ImageSeen], in_use: list[InUse]
) -> None:
    plan = plan_prune(rules, images, in_use, AT)
    after = {one.digest: one for one in carried_out(images, plan)}
    used = {use.digest for use in in_use}
    for one in images:
        holy = any(fnmatchcase(tag, p) for tag in one.tags for p in ("live-*", "rollback-*"))
        if holy or "latest" in one.tags or one.digest in used or one.status != "ACTIVE":
            assert after[one.digest].tags == one.tags
            assert not set(one.children) & {step.digest for step in plan.steps}
    backups = sorted(
        (time, tag)
        for one in images
        for tag in one.tags
        if tag.startswith("backup-") and (time := time_in(tag)) and time <= AT
    )
    left = {tag for one in after.values() for tag in one.tags}
    assert {tag for _, tag in backups[-3:]} <= left
    assert {"backup-final", backup(-1)} & {t for i in images for t in i.tags} <= left


@given(RULES, repositories(), USES)
def test_no_image_goes_by_accident(
    rules: list[PruneRule], images: list[ImageSeen], in_use: list[InUse]
) -> None:
    plan = plan_prune(rules, images, in_use, AT)
    by_digest = {one.digest: one for one in images}
    after = carried_out(images, plan)
    for step in plan.steps:
        assert step.deletes_image == (set(step.tags) == set(by_digest[step.digest].tags))
        assert step.tags
    tags = {tag for one in images for tag in one.tags}
    removed = [tag for step in plan.steps for tag in step.tags]
    assert len(removed) == len(set(removed))
    assert {tag for one in after for tag in one.tags} == tags - set(removed)
    going = [step.digest for step in plan.deleted]
    for place, digest in enumerate(going):
        parents = {one.digest for one in images if digest in one.children}
        assert parents <= set(going[:place])


@given(RULES, repositories(), USES)
def test_a_second_run_finds_nothing(
    rules: list[PruneRule], images: list[ImageSeen], in_use: list[InUse]
) -> None:
    after = carried_out(images, plan_prune(rules, images, in_use, AT))
    assert plan_prune(rules, after, in_use, AT).steps == ()


@given(RULES, repositories(), USES, st.randoms())
def test_order_does_not_matter(
    rules: list[PruneRule], images: list[ImageSeen], in_use: list[InUse], chance: Any
) -> None:
    first = plan_prune(rules, images, in_use, AT)
    mixed, other = list(images), list(rules)
    chance.shuffle(mixed)
    chance.shuffle(other)
    again = plan_prune(other, mixed, in_use, AT)
    assert steps(again) == steps(first)
    assert [one.digest for one in again.steps] == [one.digest for one in first.steps]


@given(RULES, repositories(), st.sets(st.integers(0, 7)))
def test_a_listing_that_lacks_images_takes_nothing_more(
    rules: list[PruneRule], images: list[ImageSeen], missing: set[int]
) -> None:
    """Without indexes and referrers, which ECR itself guards."""
    plain = [replace(one, children=(), subject=None, media_type="") for one in images]
    whole = {(s.digest, t) for s in plan_prune(rules, plain, [], AT).steps for t in s.tags}
    short = [one for n, one in enumerate(plain) if n not in missing]
    # What stands in for a backup that nobody saw may only be kept.
    lacking = {(s.digest, t) for s in plan_prune(rules, short, [], AT).steps for t in s.tags}
    assert lacking <= whole


@given(RULES, repositories(), USES)
def test_use_only_ever_keeps(
    rules: list[PruneRule], images: list[ImageSeen], in_use: list[InUse]
) -> None:
    free = {(s.digest, t) for s in plan_prune(rules, images, [], AT).steps for t in s.tags}
    used = {(s.digest, t) for s in plan_prune(rules, images, in_use, AT).steps for t in s.tags}
    assert used <= free


def naive(rules: Sequence[PruneRule], images: Sequence[ImageSeen]) -> set[str]:
    """The tags that go, of images without ties to others; tag by tag, nothing sorted."""
    gone = set()
    for one in images:
        for tag in one.tags:
            about = [rule for rule in rules if naive_is_about(rule, tag)]
            if about and not any(naive_keeps(rule, one, tag, images) for rule in about):
                gone.add(tag)
    return gone


def naive_is_about(rule: PruneRule, tag: str) -> bool:
    about = any(fnmatchcase(tag, pattern) for pattern in rule.patterns)
    return about and not any(fnmatchcase(tag, pattern) for pattern in rule.excluding)


def naive_keeps(rule: PruneRule, one: ImageSeen, tag: str, images: Sequence[ImageSeen]) -> bool:
    if one.pushed_at is None or (rule.keep_newest is None and rule.keep_for_days is None):
        return True
    group = group_of(tag, rule.per)
    rivals = {
        other.digest
        for other in images
        if other.pushed_at is not None and other.pushed_at > one.pushed_at
        for name in other.tags
        if naive_is_about(rule, name) and group_of(name, rule.per) == group
    }
    most = max(rule.keep_newest or 0, rule.at_least)
    young = rule.keep_for_days is not None and one.pushed_at >= AT - timedelta(rule.keep_for_days)
    return group is None or young or len(rivals) < most


@given(RULES, repositories())
def test_as_a_naive_reading_has_it(rules: list[PruneRule], images: list[ImageSeen]) -> None:
    plain = [
        replace(
            one,
            children=(),
            subject=None,
            media_type="",
            status="ACTIVE",
            tags=tuple(t for t in one.tags if t.startswith(("v", "main", "pr-", "x", "develop"))),
        )
        for one in images
    ]
    by_push = [replace(rule, clock="push") for rule in rules]
    found = {tag for step in plan_prune(by_push, plain, [], AT).steps for tag in step.tags}
    assert found == naive(by_push, plain)


def test_ten_thousand_images() -> None:
    found = [
        image(f"{n}", f"pr-{n % 500}-{n:07x}", f"main-{n:07x}", days=n / 100 + 0.001)
        for n in range(10_000)
    ]
    rules = [
        PruneRule("pr", ("pr-*",), keep_newest=3, per="pull-request"),
        PruneRule("main", ("main-*",), keep_for_days=30, keep_newest=10),
    ]
    plan = prune(rules, *found)
    assert sum("pr-" in tag for step in plan.steps for tag in step.tags) == 10_000 - 3 * 500
    assert len(plan.deleted) == 10_000 - 3_000
