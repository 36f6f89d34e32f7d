"""What is in use, and whether a policy reaches it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from longshore.facts import ImageSeen, InUse
from longshore.policy.in_use import find_in_use, releases_by_tags, uses_by_tags
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import Policy, parse_policy
from longshore.policy.lifecycle.readings import Readings
from longshore.policy.reach import Ahead, judge

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def image(name: str, *tags: str, age: float = 0.0, **more) -> ImageSeen:
    return ImageSeen(f"sha256:{name}", tags, 1, NOW - timedelta(days=age), **more)


def runs(tag: str | None = None, digest: str | None = None, by: str = "compose") -> InUse:
    return InUse("shop", by, "compose.yml:3", f"sha256:{digest}" if digest else None, tag)


def policy(*rules: dict) -> Policy:
    written = [
        {
            "rulePriority": place,
            "selection": {key: value for key, value in rule.items() if key != "action"},
            "action": rule.get("action", {"type": "expire"}),
        }
        for place, rule in enumerate(rules, 1)
    ]
    return parse_policy(json.dumps({"rules": written}))


def keep(count: int, *patterns: str) -> dict:
    return {
        "tagStatus": "tagged",
        "tagPatternList": list(patterns),
        "countType": "imageCountMoreThan",
        "countNumber": count,
    }


def older(days: int, *patterns: str, **more) -> dict:
    chosen = {"tagStatus": "tagged", "tagPatternList": list(patterns)} if patterns else {}
    chosen = chosen or {"tagStatus": more.pop("status", "untagged")}
    return {
        **chosen,
        "countType": more.pop("since", "sinceImagePushed"),
        "countUnit": "days",
        "countNumber": days,
        **more,
    }


def judged(rules: Policy, images: list[ImageSeen], *uses: InUse, ahead: Ahead | None = None):
    found = find_in_use("shop", uses, images)
    return judge(rules, images, found, NOW, ahead or Ahead())


# --- what is in use -----------------------------------------------------------------------------


def test_tags_are_looked_up_and_what_is_not_there_is_told() -> None:
    images = [image("a", "v1"), image("b", "latest")]
    uses = [runs("v1"), runs(None), runs("v9"), runs(digest="zz"), InUse("other", "ecs", "x")]
    found = find_in_use("shop", uses, images)
    assert set(found.held) == {"sha256:a", "sha256:b"}
    assert [(use.tag, use.digest) for use in found.absent] == [("v9", None), (None, "sha256:zz")]


def test_an_index_holds_its_manifests_and_a_manifest_that_runs_holds_its_index() -> None:
    images = [
        image("index", "v1", children=("sha256:amd", "sha256:arm")),
        image("amd"),
        image("arm"),
        image("outer", children=("sha256:index",)),
        image("alone"),
    ]
    by_index = find_in_use("shop", [runs("v1")], images)
    assert {digest: one.via for digest, one in by_index.held.items()} == {
        "sha256:index": "",
        "sha256:outer": "sha256:index",
        "sha256:amd": "sha256:index",
        "sha256:arm": "sha256:index",
    }
    by_child = find_in_use("shop", [runs(digest="arm")], images)
    assert set(by_child.held) == {f"sha256:{one}" for one in ("arm", "index", "outer", "amd")}
    assert [one.image.digest for one in by_child.direct] == ["sha256:arm"]


def test_live_rollback_and_the_three_newest_backups_count_as_in_use() -> None:
    images = [
        image("live", "v2", "live-prod"),
        image("back", "rollback-prod"),
        *(image(f"b{day}", f"backup-2026110{day}-120000") for day in range(1, 6)),
        image("odd", "backup-99999999-999999", "backup-x"),
        image("base", "base-1"),
    ]
    found = releases_by_tags("shop", images, NOW)
    assert [(use.by, use.tag) for use in found] == [
        ("release", "live-prod"),
        ("release", "rollback-prod"),
        ("backup", "backup-20261105-120000"),
        ("backup", "backup-20261104-120000"),
        ("backup", "backup-20261103-120000"),
    ]
    assert [use.digest for use in uses_by_tags("shop", images, ["base-*"])] == ["sha256:base"]


def test_backups_of_a_time_to_come_do_not_take_the_places_of_the_true_ones() -> None:
    true = [f"backup-2026110{day}-120000" for day in range(1, 5)]
    ahead = ["backup-20270101-000000", "backup-29980101-000000", "backup-29990101-000000"]
    images = [image(tag, tag) for tag in (*ahead, *true)]
    found = releases_by_tags("shop", images, NOW)
    assert {use.tag for use in found} == {*ahead, *true[1:]}


# --- what reaches it ----------------------------------------------------------------------------


def test_an_image_over_the_count_is_hit_now_with_rule_place_and_name() -> None:
    images = [image(f"{n}", f"v{n}", age=9 - n) for n in range(1, 6)]
    (hit,) = judged(policy(keep(3, "v*")), images, runs("v1")).hits
    assert (hit.when, hit.rule, hit.action, hit.held.image.tags) == ("now", 1, "expire", ("v1",))
    assert "v1 is in use (compose.yml:3); it would be deleted now: rule 1" in hit.sentence
    assert "this is the 5th" in hit.sentence


def test_an_image_below_the_count_is_hit_after_so_many_pushes() -> None:
    images = [image(f"{n}", f"v{n}", age=9 - n) for n in range(1, 4)]
    (hit,) = judged(policy(keep(3, "v*")), images, runs("v2")).hits
    assert (hit.when, hit.pushes) == ("pushes", 2)
    more = [*images, image("8", "v8", age=0), image("9", "v9", age=0)]
    (now,) = judged(policy(keep(3, "v*")), more, runs("v2")).hits
    assert now.when == "now"
    (one_less,) = judged(policy(keep(3, "v*")), more[:-1], runs("v2")).hits
    assert (one_less.when, one_less.pushes) == ("pushes", 1)
    assert "after 1 more push:" in one_less.sentence


def test_pushes_beyond_the_look_ahead_are_told_and_not_refused() -> None:
    found = judged(policy(keep(50, "v*")), [image("a", "v1")], runs("v1"))
    assert found.hits == ()
    assert [(hit.when, hit.pushes) for hit in found.beyond] == [("pushes", 50)]
    nearer = judged(policy(keep(50, "v*")), [image("a", "v1")], runs("v1"), ahead=Ahead(30, 50))
    assert len(nearer.hits) == 1


def test_a_keep_rule_before_the_others_shields() -> None:
    rules = policy(keep(9999, "live-*"), keep(1, "v*"), older(1, status="any"))
    images = [image("a", "v1", "live-prod", age=90), image("b", "v2", age=80)]
    assert judged(rules, images, runs("v1"), *releases_by_tags("shop", images, NOW)).hits == ()
    assert judged(rules, images, runs("v1")).beyond == ()
    assert [hit.held.image.digest for hit in judged(rules, images, runs("v2")).hits] == ["sha256:b"]


@pytest.mark.parametrize(
    ("age", "when", "day"),
    [(8, "now", None), (7.5, "now", None), (6.9, "later", 1), (0, "later", 8), (-24, None, None)],
)
def test_days_are_looked_ahead(age: float, when: str | None, day: int | None) -> None:
    found = judged(
        policy(older(7, "backup-*")), [image("a", "backup-1", age=age)], runs("backup-1")
    )
    if when is None:
        assert found.hits == ()
        return
    (hit,) = found.hits
    assert hit.when == when
    assert hit.at == (None if day is None else NOW + timedelta(days=day))


def test_to_archive_an_image_in_use_is_a_hit_too() -> None:
    rules = policy(
        older(
            30,
            "v*",
            since="sinceImagePulled",
            action={"type": "transition", "targetStorageClass": "archive"},
        )
    )
    (hit,) = judged(rules, [image("a", "v1", age=100)], runs("v1")).hits
    assert hit.action == "transition"
    assert "would be archived now" in hit.sentence


def test_any_reading_counts_and_is_named() -> None:
    same = NOW - timedelta(days=1)
    images = [ImageSeen(f"sha256:{name}", (f"v{name}",), 1, same) for name in ("a", "b")]
    rules = policy(keep(1, "v*"))
    for name in ("a", "b"):
        (hit,) = judged(rules, images, runs(f"v{name}")).hits
        assert hit.when == "now"
    (by_default,) = judged(rules, images, runs("vb")).hits
    (otherwise,) = judged(rules, images, runs("va")).hits
    assert by_default.reading == ()
    assert otherwise.reading == (("ties", "higher-digest-is-newer"),)
    assert "if ECR reads ties=higher-digest-is-newer" in otherwise.sentence


def test_an_index_that_goes_under_a_running_manifest_is_a_hit() -> None:
    images = [
        image("index", "v1", age=9, children=("sha256:amd", "sha256:arm")),
        image("amd", age=9),
        image("arm", age=9),
        image("new", "v2"),
    ]
    rules = policy(keep(1, "v*"), older(1))
    index, manifest = judged(rules, images, runs(digest="amd")).hits
    assert (index.held.image.digest, index.held.via) == ("sha256:index", "sha256:amd")
    assert "v1 belongs to sha256:amd, which is in use" in index.sentence
    assert (manifest.held.image.digest, manifest.reading) == (
        "sha256:amd",
        (("children_go", "same-run"),),
    )
    # The other way round, what hangs on the index is not told beside it.
    assert [one.held.via for one in judged(rules, images, runs("v1")).hits] == [""]


def test_latest_protects_what_it_points_to_and_not_what_runs() -> None:
    rules = policy(keep(9999, "latest"), keep(5, "v*"), older(1))
    images = [image("a", "latest", age=9), image("b", "v1", "latest-2", age=8)]
    assert judged(rules, images, runs("latest")).hits == ()  # a file that follows the tag
    (hit,) = judged(rules, images, runs(digest="a", by="ecs")).hits
    assert (hit.when, hit.pushes, hit.rule) == ("pushes", 1, 3)
    assert "once latest is on another image: rule 3 expires untagged images" in hit.sentence
    both = [image("a", "latest", "v2", age=9), image("b", "v1", age=10)]
    (later,) = judged(rules, both, runs(digest="a", by="ecs")).hits
    assert (later.when, later.pushes, later.rule) == ("pushes", 6, 2)


def test_nothing_in_use_is_no_hit() -> None:
    assert judged(policy(older(1)), [image("a", age=9)]).hits == ()
    assert judged(Policy(()), [image("a", "v1", age=9)], runs("v1")).hits == ()


ages = some.integers(0, 40)
tags = some.sampled_from(["v", "main-", "live-", ""])
rule = some.one_of(
    some.builds(keep, some.integers(1, 4), some.sampled_from(["v*", "main-*", "live-*", "*"])),
    some.builds(older, some.integers(1, 20), some.sampled_from(["v*", "main-*", "*"])),
)


@given(some.lists(some.tuples(ages, tags), max_size=12), some.lists(rule, min_size=1, max_size=4))
def test_what_no_reading_reaches_in_thirty_days_is_no_hit_and_what_one_does_is(made, rules) -> None:
    images = [
        image(f"{place:02}", *([f"{kind}{place}"] if kind else []), age=age)
        for place, (age, kind) in enumerate(made)
    ]
    uses = [runs(digest=one.digest.removeprefix("sha256:")) for one in images]
    found = judged(policy(*rules), images, *uses, ahead=Ahead(30, 0))
    hit = {one.held.image.digest: one for one in found.hits}
    for readings in (Readings(), Readings(day="calendar"), Readings(ties="higher-digest-is-newer")):
        reached: set[str] = set()
        for day in range(31):
            acted = evaluate(policy(*rules), images, NOW + timedelta(days=day), readings).acted()
            for one in acted:
                first = hit[one.image.digest].at
                assert first is None or first <= NOW + timedelta(days=day)
            reached |= {one.image.digest for one in acted}
        assert reached <= set(hit)
