"""The embedded ECR runs lifecycle policies: when, what is gone, what is told, after kills."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.embedded.lifecycle_world import (
    DAY,
    START,
    Store,
    actions,
    copied,
    opened,
    policy,
    rule,
)

from longshore.embedded import ecr_repositories
from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.ecr_lifecycle import note_quiet_runs, run_policy, schedule_of
from longshore.embedded.rows import ADDED
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import find_flaws, parse_policy

ROOT = Path(__file__).parent.parent.parent
NEWEST = policy(rule(1, "tagged", "imageCountMoreThan", 2, "v*"))
OLD = policy(rule(1, "any", "sinceImagePushed", 5))
AGED_OUT = policy(
    rule(1, "tagged", "sinceImagePushed", 3, "*", action="transition"),
    rule(2, "any", "sinceImageTransitioned", 90, storage="archive"),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path, listening=True, start=START) as made:
        yield made


def shown(ran: list[Any]) -> list[tuple[str, int, int]]:
    return [(one.at.strftime("%m-%d %H"), one.expired, one.archived) for one in ran]


# --- when ---------------------------------------------------------------------------------------


def test_a_policy_runs_a_day_after_it_was_put(store: Store) -> None:
    store.create(text=NEWEST)
    for number in range(4):
        store.push(f"{number}", [f"v{number}"], timedelta(days=9 - number))
    assert store.lifecycle.catch_up() == []
    store.clock.advance(86_390)
    assert store.lifecycle.catch_up() == []
    store.clock.advance(10)
    assert shown(store.lifecycle.catch_up()) == [("03-02 09", 2, 0)]
    assert store.tags() == ["v2", "v3"]
    assert store.lifecycle.catch_up() == []
    store.push("4", ["v4"])
    store.clock.advance(86_400)
    assert shown(store.lifecycle.catch_up()) == [("03-03 09", 1, 0)]
    assert store.tags() == ["v3", "v4"]


def test_late_runs_are_made_for_their_time(store: Store) -> None:
    store.create(text=OLD)
    for hours in (12, 36, 60):
        store.push(f"{hours}", [f"t{hours}"], timedelta(hours=hours))
    store.clock.advance(30 * 86_400)
    assert [one for one in shown(store.lifecycle.catch_up()) if one[1]] == [
        ("03-04 09", 1, 0),  # sixty hours old at first: over five days on the third day
        ("03-05 09", 1, 0),
        ("03-06 09", 1, 0),
    ]
    assert len(store.records()) == 30
    assert schedule_of(store.region.repository("shop")).evaluated_at == store.anchor()  # type: ignore[union-attr]


def test_repositories_take_turns_by_time(store: Store) -> None:
    for name in ("b", "a"):
        store.create(name, NEWEST)
        store.clock.advance(3600)
    store.create("never")
    store.clock.advance(2 * 86_400)
    ran = store.lifecycle.catch_up()
    assert [(one.repository, one.at.hour) for one in ran] == [("b", 9), ("a", 10)]
    assert [record["eventTime"][8:13] for record in store.telling.records()] == [
        *("02T09", "03T09", "02T10", "03T10"),
    ]


def test_a_new_text_keeps_the_time_of_day_and_a_deleted_policy_runs_no_more(store: Store) -> None:
    store.create(text=OLD)
    before = store.anchor()
    store.clock.advance(3600)
    store.put_policy(NEWEST)
    assert store.anchor() == before
    ecr_repositories.delete_lifecycle_policy(store.region, {"repositoryName": "shop"})
    store.clock.advance(30 * 86_400)
    assert store.lifecycle.catch_up() == []
    store.put_policy(NEWEST)
    assert store.anchor() > before
    asked = {"repositoryName": "shop"}
    assert ecr_repositories.get_lifecycle_policy(store.region, asked)["lastEvaluatedAt"] is None


def test_when_the_clock_goes_back_the_day_begins_anew(store: Store) -> None:
    store.create(text=NEWEST)
    store.clock.advance(30 * 86_400)
    store.lifecycle.catch_up()
    store.clock.set(START)
    assert store.lifecycle.catch_up() == []
    for number in range(3):
        store.push(f"{number}", [f"v{number}"], timedelta(hours=9 - number))
    store.clock.advance(86_400)
    assert shown(store.lifecycle.catch_up()) == [("03-02 09", 1, 0)]
    assert store.tags() == ["v1", "v2"]


def test_a_policy_that_a_template_put_runs_a_day_after_the_repository_was_made(
    store: Store,
) -> None:
    store.region.contents.create_repository("made", {"lifecycle_policy": NEWEST})
    for number in range(3):
        store.push(f"{number}", [f"v{number}"], timedelta(9 - number), name="made")
    store.clock.advance(86_401)
    assert shown(store.lifecycle.catch_up()) == [("03-02 09", 1, 0)]


def test_other_regions_run_too(store: Store) -> None:
    other = store.ecr.region("eu-west-1")
    ecr_repositories.create_repository(other, {"repositoryName": "shop"})
    asked = {"repositoryName": "shop", "lifecyclePolicyText": NEWEST}
    ecr_repositories.put_lifecycle_policy(other, asked)
    store.clock.advance(86_401)
    assert [(one.region, one.repository) for one in store.lifecycle.catch_up()] == [
        ("eu-west-1", "shop")
    ]


def test_what_was_due_while_the_servers_were_down_runs_at_the_next_start(tmp_path: Path) -> None:
    with opened(tmp_path, start=START) as store:
        store.create(text=OLD)
        store.ecr.region("eu-west-1")
        store.push("a", ["a"], timedelta(days=3))
        store.clock.advance(10 * 86_400)
    with opened(tmp_path) as store:
        assert sum(one.expired for one in store.lifecycle.catch_up()) == 1
        assert store.images() == []
        assert len(store.records()) == 10


def test_a_folder_of_an_earlier_version(tmp_path: Path) -> None:
    with opened(tmp_path, start=START) as store:
        store.create()
        digest = store.push("a", ["v1"], DAY)
        settings = {**store.region.repository("shop").settings, "lifecycle_policy": OLD}
        store.region.contents.update_repository("shop", settings)
    with closing(sqlite3.connect(tmp_path / "ecr" / "index.sqlite")) as database:
        for table, columns in ADDED.items():
            for column in columns:
                database.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        database.execute("DROP TABLE outbox")
        database.commit()
    for expected in ({digest: "ACTIVE"}, {}):
        with opened(tmp_path) as store:
            assert store.statuses() == expected
            store.clock.advance(5 * 86_400)
            store.lifecycle.catch_up()


def test_run_now_leaves_the_time_of_day(store: Store) -> None:
    store.create(text=NEWEST)
    store.create("other", NEWEST)
    for number in range(3):
        store.push(f"{number}", [f"v{number}"], timedelta(9 - number))
    before = store.anchor()
    [ran] = store.lifecycle.run_now(("shop",))
    assert (ran.repository, ran.expired) == ("shop", 1)
    assert store.anchor() == before
    [shop, other] = [one for one in store.lifecycle.plan() if True][::-1]
    assert (shop["repository"], shop["next_run"]) == ("shop", "2026-03-02T09:00:00Z")
    assert shop["last_run"] == "2026-03-01T09:00:00Z"
    assert (other["repository"], other["last_run"]) == ("other", None)
    assert [one.repository for one in store.lifecycle.run_now()] == ["other", "shop"]
    with pytest.raises(AwsRefusal) as caught:
        store.lifecycle.run_now(("nope",))
    assert caught.value.code == "RepositoryNotFoundException"


def test_the_thread_runs_what_a_move_of_the_clock_makes_due(store: Store) -> None:
    store.create(text=OLD)
    store.push("a", ["a"], timedelta(days=9))
    gone = threading.Event()
    told = store.telling.tell

    def tell() -> None:
        told()
        if not store.images():
            gone.set()

    store.telling.tell = tell  # type: ignore[method-assign]
    store.lifecycle.start()
    store.clock.advance(86_401)
    assert gone.wait(20)


def test_a_policy_that_cannot_run_does_not_keep_others_from_it(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.create("bad", NEWEST)
    store.create("good", NEWEST)
    broken = {**store.region.repository("bad").settings, "lifecycle_policy": "{"}
    store.region.contents.update_repository("bad", broken)
    store.clock.advance(86_401)
    assert [one.repository for one in store.lifecycle.catch_up()] == ["good"]
    assert "the lifecycle policy of bad could not be run" in caplog.text


def test_somebody_changes_the_registry_during_an_evaluation(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest of two goes away in between: the other one is then kept."""
    from longshore.embedded import ecr_lifecycle

    store.create(text=policy(rule(1, "tagged", "imageCountMoreThan", 1, "v*")))
    store.push("old", ["v1"], timedelta(days=3))
    newest = store.push("new", ["v2"], timedelta(days=2))
    real, calls = ecr_lifecycle.evaluate, [0]

    def disturbed(*args: Any) -> Any:
        found = real(*args)
        calls[0] += 1
        if calls[0] == 1:
            store.region.contents.delete_manifest("shop", newest)
        return found

    monkeypatch.setattr(ecr_lifecycle, "evaluate", disturbed)
    ran = run_policy(store.region, "shop", store.clock.now())
    assert (ran and ran.expired, calls, store.tags()) == (0, [2], ["v1"])
    # A registry that never rests is held for the last try.
    monkeypatch.setattr(
        ecr_lifecycle,
        "evaluate",
        lambda *args: (store.region.contents.set_pulled("shop", "none"), real(*args))[1],
    )
    assert run_policy(store.region, "shop", store.clock.now()) is not None
    store.region.contents.delete_repository("shop")
    assert run_policy(store.region, "shop", store.clock.now()) is None
    note_quiet_runs(store.region, "shop", [store.clock.now()])
    assert store.records()[-1]["eventTime"] == "2026-03-01T09:00:00Z"


# --- what ---------------------------------------------------------------------------------------


def test_an_index_goes_before_its_manifests_and_referrers_with_their_subject(store: Store) -> None:
    store.create(text=policy(rule(1, "any", "sinceImagePushed", 5)))
    children = [store.push(f"child {number}", age=DAY * 9) for number in (1, 2)]
    index = store.push("index", ["v1"], DAY * 9, children=children)
    signature = store.push("signature", age=DAY, subject=index)
    young = store.push("young", ["v2"])
    store.clock.advance(86_401)
    store.lifecycle.catch_up()
    assert set(store.statuses()) == {*children, young}
    store.clock.advance(86_401)
    store.lifecycle.catch_up()
    assert set(store.statuses()) == {young}
    first, second = store.records()
    assert actions(first) == {index: 1, signature: 1}
    assert set(actions(second)) == set(children)


def test_archive_then_expire(store: Store) -> None:
    store.create(text=AGED_OUT)
    digest = store.push("a", ["v1"])
    store.clock.advance(4 * 86_400)
    store.lifecycle.catch_up()
    assert store.statuses() == {digest: "ARCHIVED"}
    [image] = store.images()
    assert image.archived_at == store.anchor()
    store.clock.advance(90 * 86_400)
    store.lifecycle.catch_up()
    assert store.statuses() == {digest: "ARCHIVED"}
    store.clock.advance(86_400)
    store.lifecycle.catch_up()
    assert store.statuses() == {}


def test_the_store_stays_whole(store: Store) -> None:
    """Nothing points to what has gone."""
    store.create(text=OLD)
    store.push("a", ["a", "b"], DAY * 9)
    store.push("c", ["c"])
    store.clock.advance(86_401)
    store.lifecycle.catch_up()
    contents = store.region.contents
    assert [row.tag for row in contents.list_tags("shop")] == ["c"]
    assert contents.manifest("shop", "a") is None


# --- what is told -------------------------------------------------------------------------------


def test_records_and_events_of_a_run(store: Store) -> None:
    text = policy(
        {**rule(3, "tagged", "sinceImagePushed", 5, "v*"), "description": "old ones"},
        rule(5, "tagged", "imageCountMoreThan", 1, "main-*", action="transition"),
    )
    store.create(text=text)
    gone = store.push("a", ["v1", "v1.0"], DAY * 9)
    store.push("b", ["main-b"], DAY)
    moved = store.push("c", ["main-c"], DAY * 2)
    signature = store.push("s", age=DAY * 2, subject=gone)
    store.clock.advance(86_401)
    store.lifecycle.catch_up()
    [record] = store.records()
    assert record["eventName"] == "PolicyExecutionEvent"
    assert (record["eventTime"], record["awsRegion"]) == ("2026-03-02T09:00:00Z", "ap-northeast-2")
    details = record["serviceEventDetails"]
    assert details["lifecycleEventPolicy"]["lifecycleEventRules"][0] == {
        "rulePriority": 3,
        "description": "old ones",
        "lifecycleEventSelection": {
            "tagStatus": "Tagged",
            "tagPrefixList": [],
            "tagPatternList": ["v*"],
            "storageClass": "standard",
            "countType": "Since image pushed",
            "countNumber": 5,
        },
        "action": "expire",
    }
    assert details["lifecycleEventPolicy"]["lastEvaluatedAt"] == 0
    assert actions(record) == {gone: 3, signature: 3, moved: 5}
    [image] = [
        one["lifecycleEventImage"]
        for one in details["lifecycleEventImageActions"]
        if one["lifecycleEventImage"]["digest"] == gone
    ]
    assert (image["tagStatus"], image["tagList"]) == ("Tagged", ["v1", "v1.0"])
    told = {
        (one["detail-type"], one["detail"]["action-type"], one["detail"].get("image-tag"))
        for one in store.events
    }
    assert told == {
        ("ECR Image Action", "DELETE", "v1"),
        ("ECR Image Action", "DELETE", "v1.0"),
        ("ECR Referrer Action", "DELETE", None),
        ("ECR Image Action", "UPDATE_STORAGE_CLASS", "main-c"),
    }
    [change] = [one for one in store.events if "target-storage-class" in one["detail"]]
    assert change["detail"]["target-storage-class"] == "ARCHIVE"
    assert change["at"] == store.anchor().timestamp()


def test_a_run_of_ten_images_is_two_records(store: Store) -> None:
    store.create(text=OLD)
    digests = {store.push(f"{number}", [f"t{number}"], DAY * 9) for number in range(10)}
    store.clock.advance(86_401)
    store.lifecycle.catch_up()
    first, second = store.records()
    assert {*actions(first), *actions(second)} == digests
    assert first["eventID"] != second["eventID"]
    assert len(actions(first)) == 9


def test_quiet_days_leave_records_too_but_no_more_than_cloudtrail_shows(store: Store) -> None:
    store.create(text=OLD)
    store.clock.advance(1000 * 86_400 + 1)
    assert len(store.lifecycle.catch_up()) == 1
    records = store.records()
    assert len(records) == 1 + 90
    assert [actions(record) for record in records] == [{}] * 91
    ends = datetime.fromisoformat(records[-1]["eventTime"])
    assert ends == START + DAY * 1000
    assert store.anchor().replace(microsecond=0) == ends
    assert records[-1]["serviceEventDetails"]["lifecycleEventPolicy"]["lastEvaluatedAt"] == (
        int((store.anchor() - DAY).timestamp() * 1000)
    )


def test_events_are_told_when_their_time_has_come(store: Store) -> None:
    store.region.tell([{"at": (START + DAY).timestamp(), "detail-type": "later"}])
    store.region.tell([{"at": START.timestamp(), "detail-type": "now"}])
    store.lifecycle.catch_up()
    assert [one["detail-type"] for one in store.events] == ["now"]
    store.clock.advance(86_400)
    store.lifecycle.catch_up()
    assert [one["detail-type"] for one in store.events] == ["now", "later"]


def test_deliveries_that_fail_are_logged(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fail(region: str, events: Any) -> None:
        raise OSError("no way")

    store.telling._deliver = fail
    store.region.tell([{"at": 0.0, "detail-type": "x"}])
    store.telling.tell()
    assert "1 events could not be delivered" in caplog.text
    assert store.region.contents.outbox.first(9, store.clock.timestamp()) == []


def test_a_journal_that_was_cut_or_grew_too_large(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longshore.embedded import ecr_telling

    journal = store.telling.journal
    assert list(journal.read()) == []
    journal.append([{"eventID": "1"}, {"eventID": "2"}])
    path = store.folder / ecr_telling.JOURNAL
    path.write_bytes(path.read_bytes()[:-3])
    journal.append([{"eventID": "3"}])
    assert [one["eventID"] for one in journal.read()] == ["1", "3"]
    # What was written, but not forgotten in the outbox, is not written again after a kill.
    ecr_telling.RecordJournal(path).append([{"eventID": "3"}, {"eventID": "4"}])
    assert [one["eventID"] for one in journal.read()] == ["1", "3", "4"]
    monkeypatch.setattr(ecr_telling, "_LIMIT", 1)
    journal.append([{"eventID": "5"}])
    assert [one["eventID"] for one in journal.read()] == ["5"]
    assert path.with_suffix(".old").exists()


# --- kills --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], list[Any]]:
    """A folder where runs are due, and what they come to."""
    folder = tmp_path_factory.mktemp("due") / "due"
    with opened(folder, start=START) as store:
        store.create(
            text=policy(
                rule(1, "tagged", "sinceImagePushed", 7, "v*"),
                rule(2, "tagged", "sinceImagePushed", 5, "m*", action="transition"),
            )
        )
        for number in range(4):
            store.push(f"v{number}", [f"v{number}"], timedelta(days=9 - number))
            store.push(f"m{number}", [f"m{number}"], timedelta(days=7 - number))
        store.clock.advance(3 * 86_400 + 3600)
    done = copied(folder, folder.with_name("done"))
    with opened(done) as store:
        assert len(store.lifecycle.catch_up()) == 3
        return folder, store.statuses(), store.records()


@pytest.mark.parametrize(
    ("where", "nth"),
    [
        *(("delete", 1), ("delete", 3), ("archive", 1), ("archive", 2)),
        *(("add", 1), ("add", 2), ("append", 1), ("drop", 1)),
    ],
)
def test_a_kill_in_the_middle_of_a_run(
    undisturbed: tuple[Path, dict[str, str], list[Any]], tmp_path: Path, where: str, nth: int
) -> None:
    due, statuses, records = undisturbed
    folder = copied(due, tmp_path / "local")
    words = [sys.executable, "-m", "tests.embedded.lifecycle_world", str(folder), where, str(nth)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (-9, ""), done.stderr
    with opened(folder) as store:
        # All or nothing of each day: so many images as after some number of whole runs.
        before = store.statuses()
        assert len(before) in (8, 6, 5, 4)
        store.lifecycle.catch_up()
        assert store.statuses() == statuses
        assert store.records() == records


# --- properties ---------------------------------------------------------------------------------

TAGS = ("v1", "v2", "v3", "main-a", "main-b", "latest")
RULES = st.builds(
    lambda status, count, number, pattern, action: (status, count, number, pattern, action),
    st.sampled_from(("tagged", "tagged", "untagged", "any")),
    st.sampled_from(("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "archived")),
    st.integers(1, 6),
    st.sampled_from(("v*", "main-*", "*", "*a*")),
    st.sampled_from(("expire", "expire", "transition")),
)
IMAGES = st.lists(
    st.tuples(
        st.sets(st.sampled_from(TAGS), max_size=2),  # tags
        st.integers(0, 240),  # hours since the push
        st.none() | st.integers(0, 200),  # hours since the last pull
        st.sampled_from(("plain", "plain", "plain", "index", "referrer")),
        st.sampled_from(("active", "active", "active", "archived", "restoring", "restored")),
    ),
    max_size=9,
)


def policy_of(drawn: list[Any]) -> str:
    """The policy of drawn rules; those that ECR refuses are left out by the caller."""
    rules = []
    for priority, (status, count, number, pattern, action) in enumerate(drawn, 1):
        patterns = (pattern,) if status == "tagged" else ()
        if count == "archived":
            made = rule(
                *(priority, status, "sinceImageTransitioned", 89 + number, *patterns),
                storage="archive",
            )
        else:
            action = "transition" if count == "sinceImagePulled" else action
            made = rule(priority, status, count, number, *patterns, action=action)
        rules.append(made)
    return policy(*rules)


def fill(store: Store, name: str, images: Any) -> None:
    """Push what was drawn; the same in each store."""
    start, made = store.clock.now(), []
    contents = store.region.contents
    for place, (tags, hours, pulled, kind, storage) in enumerate(images):
        digest = store.push(
            f"{name} {place}",
            sorted(tags),
            timedelta(hours=hours),
            children=made[-2:] if kind == "index" else (),
            subject=made[-1] if kind == "referrer" and made else None,
            name=name,
        )
        made.append(digest)
        if pulled is not None:
            store.clock.set(START - timedelta(hours=pulled))
            contents.set_pulled(name, digest)
            store.clock.set(START)
        if storage != "active":
            contents.images.archive(name, [digest], START - DAY * 3)
        if storage == "restoring":
            contents.images.activate(name, digest, START + DAY + timedelta(hours=place))
        if storage == "restored":
            contents.images.activate(name, digest, START - timedelta(hours=place))
        contents.set_pushed(name, digest, START - timedelta(hours=hours))
    assert start.year == START.year


def plainly(
    text: str, images: list[ImageSeen], restores: dict[str, datetime], times: list[datetime]
) -> dict[str, str]:
    """What the policy leaves when it is evaluated at these times, one after the other."""
    rules = parse_policy(text)
    for at in times:
        images = [
            replace(one, status="ACTIVE", activated_at=restores[one.digest])
            if one.status == "ACTIVATING" and restores[one.digest] <= at
            else one
            for one in images
        ]
        verdicts = evaluate(rules, images, at).verdicts
        moved = {one.image.digest for one in verdicts if one.action == "transition"}
        gone = {one.image.digest for one in verdicts if one.action == "expire"}
        images = [
            replace(one, status="ARCHIVED", archived_at=at) if one.digest in moved else one
            for one in images
            if one.digest not in gone
        ]
    return {one.digest: one.status for one in images}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    with (
        opened(tmp_path_factory.mktemp("jumps")) as jumps,
        opened(tmp_path_factory.mktemp("steps")) as steps,
    ):
        yield jumps, steps


@settings(max_examples=40, deadline=None)
@given(images=IMAGES, rules=st.lists(RULES, min_size=1, max_size=4))
def test_one_jump_is_as_many_days_and_as_a_plain_loop(
    stores: tuple[Store, Store], images: Any, rules: list[Any]
) -> None:
    text = policy_of(rules)
    assume(not find_flaws(text))
    jump, step = stores
    for store in stores:
        for repository in store.region.contents.list_repositories():
            store.region.contents.delete_repository(repository.name)
        store.clock.set(START)
        store.create("shop", text)
        fill(store, "shop", images)
        # The same time of day in both, to the microsecond.
        settings = {**store.region.repository("shop").settings}
        settings["lifecycle_anchor"] = START.timestamp()
        store.region.contents.update_repository("shop", settings)
    rows = jump.region.contents.list_manifests("shop")
    restores = {row.digest: row.activated_at for row in rows if row.activated_at}
    times = [START + DAY * number for number in range(1, 31)]
    expected = plainly(text, jump.region.contents.images.read("shop", START), restores, times)
    jump.clock.set(START + DAY * 30)
    jump.lifecycle.catch_up()
    for at in times:
        step.clock.set(at)
        step.lifecycle.catch_up()
    assert jump.statuses() == step.statuses() == expected
    [by_jump, by_steps] = [
        [(one["eventTime"], actions(one)) for one in store.records()[-30:]] for store in stores
    ]
    assert [at for at, _ in by_jump] == [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in times]
    assert by_jump == by_steps


def test_what_the_property_draws_is_not_all_quiet(stores: tuple[Store, Store]) -> None:
    """The tests above can fail: some of what is drawn expires, moves, and is restored."""
    text = policy_of([("any", "imageCountMoreThan", 1, "", "expire")])
    store, _ = stores
    for repository in store.region.contents.list_repositories():
        store.region.contents.delete_repository(repository.name)
    store.clock.set(START)
    store.create("shop", text)
    fill(store, "shop", [(set(), 5, None, "plain", kind) for kind in ("active", "restoring")])
    assert sorted(store.statuses().values()) == ["ACTIVATING", "ACTIVE"]
    store.clock.set(START + DAY * 3)
    store.lifecycle.catch_up()
    assert list(store.statuses().values()) == ["ACTIVE"]
    assert json.loads(text)["rules"]
    assert START.tzinfo is UTC
