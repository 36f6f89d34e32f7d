"""Prune against the embedded ECR: moved tags, indexes, refusals, faults, kills, the record."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from longshore.embedded.faults import Fault
from longshore.embedded.stack import Stack
from longshore.embedded.state import UpOptions
from longshore.errors import AwsError, FileError, LimitError, LongshoreError, RefusedError
from longshore.events import Notice, StepDone
from longshore.facts import ImageSeen, InUse
from longshore.oci.digest import digest_of
from longshore.policy.lifecycle.pruning import BACKUP_RULE, PrunePlan, PruneRule, PruneStep
from longshore.provision.prune_journal import Outcome, PruneRecord, Removal, has_unsettled
from longshore.provision.pruning import BATCH, PruneRun, batches
from longshore.remote.ecr import Ecr
from tests.provision.prune_world import PruneWorld, backup

OLD = PruneRule("old", ("*",), keep_for_days=7)
_names = itertools.count(1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(UpOptions(tmp_path_factory.mktemp("prune") / "local")) as made:
        yield made


@pytest.fixture
def world(servers: Stack) -> Iterator[PruneWorld]:
    yield PruneWorld(servers, f"shop-{next(_names)}")
    servers.faults.clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prune" / "shop.jsonl"


def run(
    world: PruneWorld, plan: PrunePlan, file: Path, name: str = "run-1", ecr: Ecr | None = None
) -> list[Outcome]:
    with PruneRecord(file) as record:
        made = PruneRun(plan, world.name, ecr or world.ecr, record, name)
        list(made.events())
    return made.outcomes


def test_tags_go_and_images_only_with_their_last_one(world: PruneWorld, file: Path) -> None:
    kept = world.push("a", backup(20), "v1")
    gone = world.push("b", backup(21), backup(22))
    last = [world.push(f"c{n}", backup(n)) for n in (8, 9, 10)]
    outcomes = run(world, world.plan(BACKUP_RULE), file)
    assert world.tags() == {"v1": kept, **{backup(n): last[n - 8] for n in (8, 9, 10)}}
    assert gone not in world.digests()
    assert {(one.digest, one.deleted) for one in outcomes} == {(kept, False), (gone, True)}
    assert run(world, world.plan(BACKUP_RULE), file) == []


def test_the_record_holds_what_is_gone(world: PruneWorld, file: Path) -> None:
    gone = world.push("b", "x", "y")
    world.push("c", "z", "live-prod")
    (content,) = world.ecr.batch_get_image(world.name, [gone])
    run(world, world.plan(OLD), file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    (intended, settled) = lines
    assert (intended["word"], settled["word"]) == ("intend", "settle")
    assert digest_of(intended["manifest"].encode()) == gone
    assert intended["manifest"].encode() == content.content
    assert (intended["tags"], intended["deletes_image"]) == (["x", "y"], True)
    assert intended["pushed_at"] == "2026-10-24T12:00:00+00:00"
    assert (settled["removed"], settled["deleted"]) == (["x", "y"], True)
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_index_goes_before_its_manifests(world: PruneWorld, file: Path) -> None:
    children = [world.push(arch, f"x-{arch}") for arch in ("amd64", "arm64")]
    index = world.push_index(*children, tags=["x"])
    outcomes = run(world, world.plan(OLD), file)
    assert outcomes[0].digest == index
    assert world.digests() == set()


def test_referrers_and_untagged_children_are_left_to_ecr(world: PruneWorld, file: Path) -> None:
    subject, child = world.push("s", "x"), world.push("child")
    world.push_index(child, tags=["y"])
    pointer = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1}
    signature = world.push("sig", subject={**pointer, "digest": subject})
    run(world, world.plan(OLD), file)
    assert world.digests() == {child, signature}


# --- what changes between plan and act ------------------------------------------------------------


def move_tag(world: PruneWorld) -> None:
    world.push("other", "x", days=1)


def add_tag(world: PruneWorld) -> None:
    world.push("a", "x", "y", "live-prod")


def drop_tag(world: PruneWorld) -> None:
    world.ecr.batch_delete_image(world.name, tags=["y"])


def delete(world: PruneWorld) -> None:
    world.ecr.batch_delete_image(world.name, tags=["x", "y"])


@pytest.mark.parametrize(
    ("change", "reason", "left"),
    [
        (move_tag, "x is not on this image any more", {"x", "y"}),
        (add_tag, "it got the tag live-prod meanwhile", {"x", "y", "live-prod"}),
        (drop_tag, "y is not on this image any more", {"x"}),
        (delete, "the image is gone already", set()),
    ],
)
def test_an_image_that_changed_since_the_plan_stays(
    world: PruneWorld, file: Path, change: Callable[[PruneWorld], None], reason: str, left: set[str]
) -> None:
    digest = world.push("a", "x", "y")
    plan = world.plan(OLD)
    change(world)
    before = world.tags()
    assert run(world, plan, file) == [Outcome(digest, (), (("x", reason), ("y", reason)))]
    assert world.tags() == before
    assert set(before) == left
    assert file.read_text() == ""


def test_a_tag_alone_is_not_removed_once_it_is_the_last(world: PruneWorld, file: Path) -> None:
    digest = world.push("a", "pr-1", "other")
    plan = world.plan(PruneRule("pr", ("pr-*",), keep_for_days=7))
    world.ecr.batch_delete_image(world.name, tags=["other"])
    (outcome,) = run(world, plan, file)
    assert outcome.left == (("pr-1", "it lost another tag meanwhile"),)
    assert world.digests() == {digest}


class Meddling(Ecr):
    """Somebody else is at work right before ECR is asked to delete."""

    meddle: Callable[[], None]

    def batch_delete_image(self, name: str, **ids: Any) -> list[tuple[str, str]]:
        self.meddle()
        return super().batch_delete_image(name, **ids)


@pytest.mark.parametrize(
    ("meddle", "left"),
    [
        (lambda world: world.push("other", "x", days=1), {"x"}),
        (lambda world: world.push("a", "live-prod"), {"live-prod"}),
        (delete, set()),
    ],
    ids=["moved", "protected", "deleted"],
)
def test_what_happens_in_the_very_last_moment_harms_nobody(
    world: PruneWorld,
    file: Path,
    meddle: Callable[[PruneWorld], Any],
    left: set[str],
) -> None:
    digest = world.push("a", "x", "y")
    ecr = Meddling(world.ecr.session)
    ecr.meddle = lambda: meddle(world)
    run(world, world.plan(OLD), file, ecr=ecr)
    assert set(world.tags()) == left
    assert (digest in world.digests()) is ("live-prod" in left)


def test_an_index_that_came_since_the_plan_is_heard(world: PruneWorld, file: Path) -> None:
    digest = world.push("a", "x")
    plan = world.plan(OLD)
    world.push_index(digest, tags=["new"], days=0)
    (outcome,) = run(world, plan, file)
    assert outcome.left == (("x", "an index names the image (ImageReferencedByManifestList)"),)
    assert digest in world.digests()


def test_what_an_index_names_stays_when_the_index_does(world: PruneWorld, file: Path) -> None:
    child = world.push("amd64", "x-amd64")
    index = world.push_index(child, tags=["x"])
    plan = world.plan(OLD)
    world.stack.ecr.put_manifest(
        world.name, world.ecr.batch_get_image(world.name, [index])[0].content, "", "live-prod"
    )
    outcomes = run(world, plan, file)
    assert outcomes[1].left == (("x-amd64", "an index that names it stays"),)
    assert world.digests() == {child, index}


# --- batches --------------------------------------------------------------------------------------


def step(name: str, count: int, behind: tuple[str, ...] = ()) -> PruneStep:
    tags = tuple(f"{name}-{n}" for n in range(count))
    return PruneStep(ImageSeen(name, tags), tags, True, "r", "", behind)


def test_batches() -> None:
    plan = [step("a", 60), step("b", 40), step("c", 1), step("d", 150), step("e", 1, ("c",))]
    found = [[one.digest for one in batch] for batch in batches(plan)]
    assert found == [["a", "b"], ["c"], ["d"], ["e"]]
    assert [len(list(batches([step(f"{n}", 1) for n in range(count)]))) for count in (0, 100, 101)]
    assert sum(1 for _ in batches([step(f"{n}", 1) for n in range(250)])) == 3
    assert [[s.digest for s in b] for b in batches([step("i", 1), step("m", 1, ("i",))])] == [
        ["i"],
        ["m"],
    ]


def test_more_than_a_batch(world: PruneWorld, file: Path) -> None:
    digests = [world.push(f"{n}", f"t{n}") for n in range(BATCH + 5)]
    plan = world.plan(OLD)
    for gone in (3, 50, 104):
        world.ecr.batch_delete_image(world.name, digests=[digests[gone]])
    outcomes = run(world, plan, file)
    assert (len(outcomes), sum(one.deleted for one in outcomes)) == (BATCH + 5, BATCH + 2)
    assert world.digests() == set()


# --- faults ---------------------------------------------------------------------------------------

THROTTLED = '{"__type": "ThrottlingException", "message": "Rate exceeded"}'
DENIED = '{"__type": "AccessDeniedException", "message": "no"}'
BROKEN = '{"__type": "ServerException", "message": "sorry"}'


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(400, THROTTLED, LimitError), (400, DENIED, AwsError), (500, BROKEN, AwsError)],
)
@pytest.mark.parametrize(
    ("after", "applies"), [*((after, False) for after in range(6)), (2, True), (5, True)]
)
def test_a_fault_anywhere_and_the_same_again(
    world: PruneWorld,
    file: Path,
    status: int,
    body: str,
    kind: type[LongshoreError],
    after: int,
    applies: bool,
) -> None:
    """Two batches of three requests each: read, read manifests, delete."""
    children = [world.push("m", "x-amd64")]
    world.push_index(*children, tags=["x"])
    kept = world.push("kept", "live-prod", "y")
    plan = world.plan(OLD)
    world.stack.faults.add(
        Fault(listener="aws", after=after, status=status, body=body, applies=applies)
    )
    with pytest.raises(kind):
        run(world, plan, file)
    assert has_unsettled(file) is (after in (2, 5))
    run(world, world.plan(OLD), file, "run-2")
    assert world.digests() == {kept}
    check_record(file, {"x", "x-amd64"})


def check_record(file: Path, tags: set[str]) -> None:
    """Each tag that is gone stands in the record exactly once, and nothing is open."""
    with PruneRecord(file) as record:
        settled = [line.what for line in record.lines() if isinstance(line.what, Outcome)]
        assert record.unsettled() == {}
    removed = [tag for one in settled for tag in one.removed]
    assert sorted(removed) == sorted(tags)


def test_a_request_that_was_sent_twice_is_done(world: PruneWorld, file: Path) -> None:
    """The answer is lost, the SDK asks again: what is gone is gone by us."""
    digest, other = world.push("a", "x"), world.push("b", "y", "live-prod")
    session = world.ecr.session
    patient = Ecr(type(session)(session._raw, session.region, _retrying(session), ("aws", "x")))
    rule = PruneRule("both", ("x", "y"), keep_for_days=7)
    plan = PrunePlan(
        world.plan(rule).at,
        2,
        tuple(
            PruneStep(one, (tag,), tag == "x", "r", "")
            for one in world.ecr.describe_images(world.name)
            for tag in one.tags
            if tag in "xy"
        ),
    )
    world.stack.faults.add(Fault(listener="aws", after=2, status=500, body=BROKEN, applies=True))
    outcomes = {one.digest: one for one in run(world, plan, file, ecr=patient)}
    assert outcomes[digest] == Outcome(digest, ("x",), (), True)
    assert outcomes[other] == Outcome(other, ("y",), (), False)


def _retrying(session: Any) -> Any:
    from dataclasses import replace

    return replace(session.options, max_attempts=2)


# --- killed ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


class Dying(Ecr):
    """An ECR whose caller dies at a call: before it is asked, or before it hears the answer."""

    left: int
    asks: bool

    def _call(self, *words: Any) -> dict[str, Any]:
        self.left -= 1
        if self.left < 0:
            if self.asks:
                super()._call(*words)
            raise Killed
        return super()._call(*words)


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("calls", range(4))
def test_killed_at_any_call_the_same_again_ends_it(
    world: PruneWorld, file: Path, calls: int, asks: bool
) -> None:
    child = world.push("m", "x-amd64")
    world.push_index(child, tags=["x"])
    world.push("b", "z", "pr-1")
    dying = Dying(world.ecr.session)
    dying.left, dying.asks = calls, asks
    with pytest.raises(Killed):
        run(world, world.plan(OLD), file, ecr=dying)
    run(world, world.plan(OLD), file, "run-2")
    assert world.digests() == set()
    check_record(file, {"x", "x-amd64", "z", "pr-1"})


def test_a_line_that_a_kill_cut_off_is_left_out(file: Path) -> None:
    with PruneRecord(file) as record:
        record.intend("r", [Removal("sha256:1", ("x",), True, manifest="{}")])
    whole = file.read_bytes()
    for cut in range(1, len(whole), 17):
        file.write_bytes(whole + whole[:cut])
        with PruneRecord(file) as record:
            assert len(record.unsettled()) == 1
            record.settle("r", [Outcome("sha256:1", ("x",), deleted=True)])
            assert record.unsettled() == {}


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"word": "intend"}', "\x00", '"x"', "null"])
def test_lines_of_nobody(file: Path, line: str) -> None:
    file.parent.mkdir()
    file.write_text(line)
    with PruneRecord(file) as record:
        assert list(record.lines()) == []


def test_what_an_earlier_run_left_open_is_told(world: PruneWorld, file: Path) -> None:
    digest = world.push("a", "x")
    with PruneRecord(file) as record:
        record.intend(
            "r", [Removal(digest, ("x",), True), Removal("sha256:" + "0" * 64, ("y",), True)]
        )
        made = PruneRun(PrunePlan(world.plan().at, 1), world.name, world.ecr, record, "r2")
        events = list(made.events())
        assert record.unsettled() == {}
    assert isinstance(events[0], Notice)
    assert events[1:] == [StepDone("deleted", f"{world.name}@sha256:000000000000", "y")]


def test_two_at_once(file: Path) -> None:
    with PruneRecord(file), pytest.raises(RefusedError) as caught:
        PruneRecord(file)
    assert caught.value.code == "already-running"


def test_a_record_that_cannot_be_written_stops_everything(world: PruneWorld, file: Path) -> None:
    digest = world.push("a", "x")
    with PruneRecord(file) as record:
        record._file.close()
        record._file = file.open("rb")
        made = PruneRun(world.plan(OLD), world.name, world.ecr, record, "r")
        with pytest.raises(FileError):
            list(made.events())
    assert world.digests() == {digest}


def test_a_manifest_that_is_not_what_its_digest_says_is_not_deleted(
    world: PruneWorld, file: Path
) -> None:
    class Lying(Ecr):
        def batch_get_image(self, name: str, digests: Any) -> Any:
            from dataclasses import replace

            return [replace(one, content=b"{}") for one in super().batch_get_image(name, digests)]

    digest = world.push("a", "x")
    (outcome,) = run(world, world.plan(OLD), file, ecr=Lying(world.ecr.session))
    assert not outcome.deleted
    assert world.digests() == {digest}


def test_images_in_use_stay(world: PruneWorld, file: Path) -> None:
    child = world.push("m")
    index = world.push_index(child, tags=["x"])
    use = InUse(world.name, "ecs", "service web", digest=child)
    assert run(world, world.plan(OLD, in_use=[use]), file) == []
    assert world.digests() == {child, index}
