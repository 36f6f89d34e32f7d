"""The driver and the carrier: real threads, bytes that flow, and everything that can break."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from longshore.errors import (
    InterruptedByUser,
    LimitError,
    LoginError,
    PartialError,
    RefusedError,
    RegistryError,
)
from longshore.journey.images import why_unfinished
from longshore.oci.digest import digest_of
from longshore.transfer.budget import Widths
from longshore.transfer.carry import Carrier, Stores
from longshore.transfer.gather import gather
from longshore.transfer.journal import Journal
from longshore.transfer.plan import Pair, Wish
from longshore.transfer.prove import Proof, ProveOptions
from longshore.transfer.run import CopyOptions, CopyResult, CopyRun
from longshore.transfer.verify import count

from .memory import MemoryRepository
from .world import image, index

PAIR = Pair("hub/a", "ecr/a", "hub", "ecr")


def layer(name: str) -> bytes:
    """What `world.image` refers to under the name: a blob's content is its name."""
    return name.encode()


def big(name: str) -> str:
    return name * 1500


def fill(tags: int = 12) -> MemoryRepository:
    """Indexes of two platforms over shared layers, each signed, and moving tags."""
    source = MemoryRepository()
    blobs = [layer(name) for name in ("config", big("base"))]
    for number in range(tags):
        own = [big(f"amd{number}"), big(f"arm{number}")]
        children = [source.add(image(big("base"), name)) for name in own]
        top = source.add(index(*children), f"v{number}")
        source.add(image(f"sig{number}", subject=top))
        blobs += [layer(name) for name in (*own, f"sig{number}")]
    source.tags["latest"] = source.tags[f"v{tags - 1}"]
    for content in blobs:
        source.contents[digest_of(content)] = content
    return source


def run(
    source: MemoryRepository,
    target: MemoryRepository,
    journal: Journal,
    *,
    jobs: int = 8,
    on_event=None,
    wish: Wish | None = None,
) -> tuple[CopyResult, list]:
    stores = Stores(source, target)
    wish = wish or Wish(PAIR)
    plan = gather(wish, stores, journal)
    copy = CopyRun([plan], {plan.pair: stores}, journal, CopyOptions(Widths(jobs)))
    events = []
    for event in copy.events():
        events.append(event)
        if on_event is not None:
            on_event(copy, event)
    assert copy.result is not None
    return copy.result, events


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state")


def test_everything_arrives_and_a_second_run_has_nothing_to_do(journal: Journal) -> None:
    source, target = fill(), MemoryRepository()
    result, _ = run(source, target, journal)
    assert why_unfinished(result) is None
    assert target.tags == source.tags
    assert set(target.manifests) == set(source.manifests)
    assert source.counts["pull"] == len(source.manifests)
    assert max(n for name, n in target.counts.items() if name.startswith("stored ")) == 1
    before = dict(source.counts)
    result, _ = run(source, target, journal)
    assert result.totals.tags["unchanged"] == 13
    assert source.counts["pull"] == before["pull"]
    assert source.counts["blob"] == before["blob"]


def test_a_fresh_target_is_asked_for_nothing(journal: Journal) -> None:
    target = MemoryRepository()
    run(fill(), target, journal)
    assert target.counts["check"] == target.counts["head"] == 0


def test_a_cut_blob_goes_on_where_it_broke(journal: Journal) -> None:
    source, target = fill(2), MemoryRepository()
    victim = digest_of(layer(big("base")))
    offsets: list[int] = []

    def cut(content: bytes, offset: int) -> bytes:
        offsets.append(offset)
        return content[offset : offset + 1700] if len(offsets) < 3 else content[offset:]

    source.bad[victim] = cut
    result, _ = run(source, target, journal)
    assert why_unfinished(result) is None
    assert offsets[:3] == [0, 1700, 3400]


@pytest.mark.parametrize(
    ("name", "spoil", "code"),
    [
        ("flipped", lambda content, offset: b"\0" + content[1:], "digest-mismatch"),
        ("endless", lambda content, offset: content + b"x" * 5000, "blob-too-long"),
        ("truncated", lambda content, offset: content[offset : offset + 1], "blob-truncated"),
    ],
)
def test_wrong_bytes_never_reach_the_target(journal: Journal, name, spoil, code) -> None:
    source, target = fill(3), MemoryRepository()
    victim = digest_of(layer(big("amd1")))
    source.bad[victim] = spoil
    result, _ = run(source, target, journal)
    assert victim not in target.contents
    assert set(target.tags) == {"v0", "v2", "latest"}
    assert {error.code for error in result.errors} == {code}
    error = why_unfinished(result)
    assert isinstance(error, PartialError)
    assert error.exit_code == 5
    source.bad.clear()
    result, _ = run(source, target, journal)
    assert why_unfinished(result) is None
    assert target.tags == source.tags


def test_an_interrupt_keeps_the_state_and_the_next_run_pulls_nothing_twice(
    journal: Journal,
) -> None:
    source, target = fill(30), MemoryRepository()
    dice = random.Random(5)
    rounds = 0
    while set(target.tags) != set(source.tags):
        rounds += 1
        stop_after = dice.randint(3, 40)
        seen = []

        def stop(copy: CopyRun, event: object, seen=seen, limit=stop_after) -> None:
            seen.append(event)
            if len(seen) == limit:
                copy.interrupt()

        result, _ = run(source, target, journal, on_event=stop, jobs=3)
        assert all(target.is_whole(tag) for tag in target.tags)
        if result.fatal is not None:
            assert isinstance(result.fatal, InterruptedByUser)
            assert why_unfinished(result).exit_code == 130
        assert rounds < 100
    assert rounds > 1
    assert source.counts["pull"] == len(source.manifests)
    assert all(n == 1 for name, n in target.counts.items() if name.startswith("stored "))


def test_a_pull_limit_ends_with_what_could_be_done(journal: Journal) -> None:
    source, target = fill(6), MemoryRepository()
    children = list(source.manifests[source.tags["v3"]].children)
    limit = LimitError("no pulls left", retry_at="2026-11-23T06:00:00Z", code="hub-pull-limit")
    source.fails[f"pull {children[0].digest}"] = [limit]
    result, _ = run(source, target, journal, jobs=2)
    error = why_unfinished(result)
    assert error is limit
    assert error.exit_code == 6
    assert result.totals.tags["left"] >= 1
    assert all(target.is_whole(tag) for tag in target.tags)
    result, _ = run(source, target, journal)
    assert why_unfinished(result) is None
    assert target.tags == source.tags
    assert source.counts["pull"] == len(source.manifests) + 1


def test_a_bound_of_the_users_own_is_kept_and_the_next_run_goes_on(journal: Journal) -> None:
    source, target = fill(6), MemoryRepository()
    rounds = 0
    while target.tags != source.tags:
        before, rounds = source.counts["pull"], rounds + 1
        stores = Stores(source, target)
        plan = gather(Wish(PAIR), stores, journal)
        options = CopyOptions(Widths(4), max_pulls={"hub": 7})
        copy = CopyRun([plan], {PAIR: stores}, journal, options)
        list(copy.events())
        assert source.counts["pull"] - before <= 7
        assert rounds < 9
    assert rounds > 2
    assert source.counts["pull"] == len(source.manifests)


def test_an_interrupt_does_not_wait_for_what_hangs(journal: Journal) -> None:
    source, target = fill(3), MemoryRepository()
    hanging, release = threading.Event(), threading.Event()

    def hang(step: str) -> None:
        if step.startswith("pull"):
            hanging.set()
            release.wait(30)

    source.on_step = hang
    stores = Stores(source, target)
    plan = gather(Wish(PAIR), stores, journal)
    copy = CopyRun([plan], {PAIR: stores}, journal, CopyOptions(Widths(2)))
    began = time.monotonic()
    for _ in copy.events():
        if hanging.is_set():
            copy.interrupt()
    release.set()
    assert time.monotonic() - began < 15
    assert isinstance(copy.result.fatal, InterruptedByUser)


def test_no_login_ends_at_once(journal: Journal) -> None:
    source, target = fill(6), MemoryRepository()
    for digest in source.manifests:
        source.fails[f"pull {digest}"] = [LoginError("log in")]
    result, _ = run(source, target, journal, jobs=2)
    assert why_unfinished(result).exit_code == 4
    assert source.counts["pull"] <= 4
    assert target.tags == {}


def test_temporary_trouble_is_ridden_out(journal: Journal) -> None:
    source, target = fill(4), MemoryRepository()
    for digest in list(source.manifests)[::3]:
        source.fails[f"pull {digest}"] = [RegistryError("reset", temporary=True)]
        target.fails[f"put {digest}"] = [RegistryError("502", side="target", temporary=True)]
    result, _ = run(source, target, journal)
    assert why_unfinished(result) is None


def test_a_bug_in_a_worker_is_raised_and_not_waited_for(journal: Journal) -> None:
    source = fill(2)

    def explode(step: str) -> None:
        if step.startswith("blob"):
            raise ZeroDivisionError

    source.on_step = explode
    with pytest.raises(ZeroDivisionError):
        run(source, MemoryRepository(), journal)


def test_two_writers_of_one_repository_are_refused(journal: Journal) -> None:
    with journal.writing(["ecr/a"]):
        other = Journal(journal.folder)
        with pytest.raises(RefusedError, match="already") as caught, other.writing(["ecr/a"]):
            pass
        assert caught.value.code == "already-running"
        with other.writing(["ecr/b"]):
            pass
    with journal.writing(["ecr/a"]):
        pass


def test_chosen_platforms_make_a_smaller_index(journal: Journal) -> None:
    source, target = MemoryRepository(), MemoryRepository()
    platforms = [{"platform": {"os": "linux", "architecture": name}} for name in ("amd64", "arm64")]
    children = [source.add(image(name)) for name in ("x", "y")]
    source.add(index(*children, platforms=platforms), "v1")
    for name in ("config", "x", "y"):
        source.contents[digest_of(layer(name))] = layer(name)
    pair = Pair("hub/a", "ecr/a", "hub", "ecr", ("linux/arm64",))
    result, _ = run(source, target, journal, wish=Wish(pair))
    assert why_unfinished(result) is None
    top = target.manifests[target.tags["v1"]]
    assert [child.digest for child in top.children] == [children[1].digest]
    assert children[0].digest not in target.manifests
    result, _ = run(source, target, journal, wish=Wish(pair))
    assert result.totals.tags["unchanged"] == 1
    assert target.counts["put"] == 2


def prove(source: MemoryRepository, target: MemoryRepository, journal: Journal, pull="sample"):
    stores = Stores(source, target)
    plan = gather(Wish(PAIR), stores, journal)
    carrier = Carrier({PAIR: stores}, journal, threading.Event())
    proof = Proof([plan], {PAIR: stores}, journal, carrier, ProveOptions(pull))
    list(proof.events())
    return proof.items


def test_verify_proves_and_finds_each_kind_of_harm(journal: Journal) -> None:
    source, target = fill(4), MemoryRepository()
    run(source, target, journal)
    items = prove(source, target, journal, "all")
    assert count(items, "equal") == 5
    assert all(item.closure.referrers == 1 for item in items)
    assert all(item.closure.pulled_bytes > 0 for item in items)
    assert source.counts["pull"] == len(source.manifests)

    del target.tags["v0"]
    target.tags["v1"] = target.tags["v2"]
    lost = target.manifests[target.tags["v3"]].children[0].digest
    signature = next(
        m.digest
        for m in source.manifests.values()
        if m.subject and m.subject.digest == source.tags["v2"]
    )
    del target.manifests[lost], target.manifests[signature]
    found = {item.target.partition(":")[2]: item for item in prove(source, target, journal)}
    assert {tag: item.status for tag, item in found.items()} == {
        "v0": "missing", "v1": "different", "v2": "different", "v3": "different",
        "latest": "different",
    }  # fmt: skip
    assert signature in found["v2"].reason
    assert lost in found["v3"].reason


def test_kept_manifests_that_rotted_are_fetched_again(journal: Journal, tmp_path: Path) -> None:
    source, target = fill(1), MemoryRepository()
    run(source, target, journal)
    for path in (tmp_path / "state" / "manifests").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1])
    assert journal.recall(source.tags["v0"]) is None
    result, _ = run(source, MemoryRepository(), journal)
    assert why_unfinished(result) is None


@pytest.mark.parametrize("metered", [True, False])
def test_single_images_come_with_their_companions(journal: Journal, metered: bool) -> None:
    source, target = fill(3), MemoryRepository()
    wish = Wish(PAIR, ("v1",), {"v1": ("stable",)}, metered=metered)
    served = source.tags["v1"].partition(":")[2]
    source.add(image("cosign"), f"sha256-{served}.sig")
    source.contents[digest_of(b"cosign")] = b"cosign"
    result, _ = run(source, target, journal, wish=wish)
    assert why_unfinished(result) is None
    assert set(target.tags) == {"stable", f"sha256-{served}.sig"}
    assert source.counts["list"] == (0 if metered else 1)
    assert target.counts["list"] == 0
    result, _ = run(source, target, journal, wish=wish)
    assert result.totals.tags["unchanged"] == 2
    assert result.totals.tags["copied"] == 0


def test_an_absent_tag_is_named(journal: Journal) -> None:
    result, _ = run(fill(1), MemoryRepository(), journal, wish=Wish(PAIR, ("nope",)))
    assert why_unfinished(result).code == "manifest-not-found"
