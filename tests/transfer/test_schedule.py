"""The schedule: every image arrives whole, once, in an order no reader can trip over."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from longshore.errors import LoginError, RegistryError
from longshore.oci.digest import Digest
from longshore.oci.store import TagSeen
from longshore.transfer.plan import Pair, TargetView, plan_pair
from longshore.transfer.schedule import Schedule

from .world import Holder, World, content_error, drive, image, index, limit_error

PAIR = Pair("hub/a", "ecr/a", "hub", "ecr")
FRESH = TargetView(fresh=True, digests=frozenset())


def copy(source: Holder, target: Holder | None = None, *, digests=True, seed=0, view=None, **how):
    target = target or Holder()
    fails = how.pop("fails", {})
    skipped = how.pop("skipped", None)
    world = World({"hub/a": source}, {"ecr/a": target}, fails=fails)
    plan = plan_pair(PAIR, source.seen(digests), view or FRESH, skipped)
    schedule = Schedule([plan], **how)
    events = drive(schedule, world, seed)
    return world, schedule, events


def view_of(target: Holder, listed: bool = True) -> TargetView:
    return TargetView(dict(target.tags), frozenset(target.manifests) if listed else None)


def test_one_image_takes_one_pull_and_one_put() -> None:
    source = Holder()
    source.add(image("base", "app"), "v1")
    world, schedule, _ = copy(source)
    assert world.targets["ecr/a"].tags == source.tags
    assert len(world.pulls) == 1
    assert len(world.puts) == 1
    assert schedule.totals().blobs == {"copied": 3, "mounted": 0, "existing": 0}


def test_tags_with_one_digest_are_fetched_once() -> None:
    source = Holder()
    source.add(image("base"), "latest", "1", "1.2")
    world, schedule, _ = copy(source)
    assert len(world.pulls) == 1
    assert len(world.puts) == 3
    assert schedule.totals().tags["copied"] == 3
    assert schedule.totals().manifests == 1


def test_an_index_with_everything_on_it() -> None:
    source = Holder()
    amd, arm = source.add(image("a")), source.add(image("b"))
    top = source.add(index(amd, arm), "v1", "latest")
    signature = source.add(image("sig", subject=top))
    source.add(image("sig2", subject=signature))
    source.add(image("sbom", subject=arm))
    source.add(image("cosign"), f"sha256-{top.digest.partition(':')[2]}.sig")
    source.add(image("child-cosign"), f"sha256-{arm.digest.partition(':')[2]}.sig")
    for seed in range(20):
        world, schedule, _ = copy(source, Holder(), seed=seed)
        assert world.targets["ecr/a"].tags == source.tags
        assert set(world.targets["ecr/a"].manifests) == set(source.manifests)
        assert len(world.pulls) == len(source.manifests)
        assert schedule.totals().tags["copied"] == 4


def test_companions_of_images_that_stay_out_stay_out() -> None:
    source = Holder()
    kept, left = source.add(image("a"), "v1"), source.add(image("b"), "dev")
    for found in (kept, left):
        source.add(image(f"s{found.digest}"), f"sha256-{found.digest.partition(':')[2]}.sig")
    world, schedule, _ = copy(source, skipped={"dev": "not allowed"})
    assert set(world.targets["ecr/a"].tags) == {"v1", f"sha256-{kept.digest[7:]}.sig"}
    assert schedule.totals().tags["skipped"] == 2


def test_a_second_run_pulls_and_writes_nothing() -> None:
    source = Holder()
    amd = source.add(image("a"))
    top = source.add(index(amd), "v1", "latest")
    source.add(image("sig", subject=top))
    first, _, _ = copy(source)
    target = first.targets["ecr/a"]
    world, schedule, _ = copy(source, target, view=view_of(target))
    assert (world.pulls, world.puts, world.copied) == ([], [], [])
    assert schedule.totals().tags["unchanged"] == 2


def test_a_signature_made_later_is_found() -> None:
    source = Holder()
    top = source.add(image("a"), "v1")
    target = copy(source)[0].targets["ecr/a"]
    late = source.add(image("late", subject=top))
    world, _, _ = copy(source, target, view=view_of(target))
    assert world.pulls == [late.digest]
    assert late.digest in target.manifests


def test_a_new_tag_on_a_known_manifest_spends_no_pull() -> None:
    source = Holder()
    source.add(image("a"), "v1")
    target = copy(source)[0].targets["ecr/a"]
    source.tags["stable"] = source.tags["v1"]
    world, schedule, _ = copy(source, target, view=view_of(target))
    assert world.pulls == []
    assert target.tags["stable"] == source.tags["v1"]
    assert schedule.totals().tags == {
        "copied": 1, "unchanged": 1, "skipped": 0, "failed": 0, "left": 0,
    }  # fmt: skip


def test_temporary_errors_are_tried_again_and_then_fail() -> None:
    source = Holder()
    source.add(image("a"), "v1")
    broken = RegistryError("reset", temporary=True)
    world, schedule, _ = copy(source, fails={f"fetch {source.tags['v1']}": [broken] * 3})
    assert world.targets["ecr/a"].tags == source.tags
    world, schedule, _ = copy(source, fails={f"fetch {source.tags['v1']}": [broken] * 4})
    assert schedule.totals().tags["failed"] == 1


def test_one_broken_blob_fails_its_images_only() -> None:
    source = Holder()
    bad = source.add(image("bad"), "v1")
    source.add(image("good"), "v2")
    layer = bad.layers[0].digest
    world, schedule, _ = copy(source, fails={f"blob {layer}": [content_error()]})
    assert set(world.targets["ecr/a"].tags) == {"v2"}
    assert [failure.source for failure in schedule.failures] == ["hub/a:v1"]
    assert "wrong bytes" in schedule.failures[0].reason


def test_a_refused_tag_does_not_hold_the_others_back() -> None:
    source = Holder()
    source.add(image("a"), "v1", "v2", "v3")
    refused = RegistryError("immutable", code="tag-immutable", side="target", status=400)
    for seed in range(10):
        world, schedule, _ = copy(source, seed=seed, fails={"put v1": [refused]})
        assert set(world.targets["ecr/a"].tags) == {"v2", "v3"}
        assert schedule.totals().tags["failed"] == 1


def test_a_pull_limit_leaves_the_rest_for_later() -> None:
    source = Holder()
    for name in "abcd":
        source.add(image(name), name)
    wanted = source.tags["c"]
    world, schedule, _ = copy(source, fails={f"fetch {wanted}": [limit_error()]})
    assert set(world.targets["ecr/a"].tags) == {"a", "b", "d"}
    assert schedule.limit is not None
    assert schedule.totals().tags["left"] == 1
    assert schedule.totals().tags["failed"] == 0


def test_a_wrong_login_ends_everything() -> None:
    source = Holder()
    for name in "abcd":
        source.add(image(name), name)
    fails = {f"fetch {digest}": [LoginError("no")] for digest in source.tags.values()}
    world, schedule, _ = copy(source, fails=fails)
    assert isinstance(schedule.fatal, LoginError)
    assert world.puts == []


def test_a_stale_listing_is_asked_again_by_tag() -> None:
    source = Holder()
    source.add(image("new"), "v1", "latest")
    seen = source.seen()
    stale = [type(tag)(tag.tag, "sha256:" + "0" * 64) for tag in seen]
    world = World({"hub/a": source}, {"ecr/a": Holder()})
    schedule = Schedule([plan_pair(PAIR, stale, FRESH)])
    drive(schedule, world)
    assert world.targets["ecr/a"].tags == source.tags


@pytest.mark.parametrize("mount", ["after-blob", "after-manifest", "refuse"])
def test_repositories_of_one_registry_mount_shared_blobs(mount: str) -> None:
    names = [f"r{number}" for number in range(6)]
    sources = {f"hub/{name}": Holder() for name in names}
    for name, holder in sources.items():
        holder.add(image("base1", "base2", name), "v1")
    world = World(sources, {f"ecr/{name}": Holder() for name in names}, mount=mount)
    plans = [
        plan_pair(_pair(n, "after-blob" if mount == "refuse" else mount), holder.seen(), FRESH)
        for n, holder in zip(names, sources.values(), strict=True)
    ]
    schedule = Schedule(plans)
    drive(schedule, world, seed=4)
    totals = schedule.totals()
    assert totals.tags["copied"] == 6
    if mount == "refuse":
        assert totals.blobs == {"copied": 24, "mounted": 0, "existing": 0}
    else:
        assert totals.blobs == {"copied": 9, "mounted": 15, "existing": 0}


def _dated(source: Holder, order: dict[str, int]):
    return [
        TagSeen(tag, digest, pushed_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(order[tag]))
        for tag, digest in source.tags.items()
    ]


def test_images_are_written_oldest_first_where_it_matters() -> None:
    """ECR's rules count by when ECR got an image: a copy must not shuffle what is newest."""
    for seed in range(25):
        dice = random.Random(seed)
        source = Holder()
        for number in range(8):
            top = source.add(image(f"a{number}"), f"t{number}")
            if dice.random() < 0.5:
                source.add(image(f"s{number}", subject=top))
            if dice.random() < 0.3:
                source.tags[f"t{number}-amd64"] = top.digest
        inner = source.manifests[source.tags["t7"]]
        source.add(index(inner), "old-index")
        names = list(source.tags)
        dice.shuffle(names)
        order = {name: place for place, name in enumerate(names)}
        world = World({"hub/a": source}, {"ecr/a": Holder()})
        if dice.random() < 0.5:
            broken = dice.choice(names)
            world.fails[f"fetch {source.tags[broken]}"] = [RegistryError("reset", temporary=True)]
        plan = replace(plan_pair(PAIR, _dated(source, order), FRESH), in_order=True)
        schedule = Schedule([plan])
        drive(schedule, world, seed)
        assert world.targets["ecr/a"].tags == source.tags
        came: dict[str, int] = {}
        for place, (_, digest, _) in enumerate(world.puts):
            came.setdefault(digest, place)
        inside = {child.digest for m in source.manifests.values() for child in m.children}
        free = {name for name in names if source.tags[name] not in inside}
        first = {source.tags[name]: order[name] for name in reversed(names) if name in free}
        wanted = sorted(first, key=lambda digest: first[digest])
        assert sorted(wanted, key=lambda digest: came[digest]) == wanted


def test_one_that_fails_does_not_hold_up_those_behind_it() -> None:
    source = Holder()
    for number in range(5):
        source.add(image(f"a{number}"), f"t{number}")
    order = {f"t{number}": number for number in range(5)}
    world = World({"hub/a": source}, {"ecr/a": Holder()})
    world.fails[f"blob {source.manifests[source.tags['t1']].layers[0].digest}"] = [content_error()]
    plan = replace(plan_pair(PAIR, _dated(source, order), FRESH), in_order=True)
    schedule = Schedule([plan])
    drive(schedule, world)
    assert set(world.targets["ecr/a"].tags) == {"t0", "t2", "t3", "t4"}


def _pair(name: str, mounting: str) -> Pair:
    return Pair(f"hub/{name}", f"ecr/{name}", "hub", "ecr", mounting=mounting)


def _random_world(dice: random.Random) -> dict[str, Holder]:
    holders = {}
    for number in range(dice.randint(1, 3)):
        holder = holders[f"hub/r{number}"] = Holder()
        images = []
        for _ in range(dice.randint(1, 6)):
            layers = dice.sample([f"l{n}" for n in range(8)], dice.randint(0, 4))
            images.append(holder.add(image(*layers, note=str(dice.random()))))
        for _ in range(dice.randint(0, 3)):
            below = dice.sample(images, dice.randint(1, len(images)))
            images.append(holder.add(index(*below, note=str(dice.random()))))
        for _ in range(dice.randint(0, 4)):
            subject = dice.choice(images)
            images.append(holder.add(image("s", subject=subject, note=str(dice.random()))))
        for _ in range(dice.randint(0, 3)):
            served = dice.choice(images).digest.partition(":")[2]
            holder.add(image(f"c{dice.random()}"), f"sha256-{served}.sig")
        for place in range(dice.randint(1, 6)):
            holder.tags[f"t{place}"] = dice.choice(images).digest
    return holders


@settings(max_examples=150, deadline=None)
@given(seed=some.integers(0, 10**9))
def test_any_world_arrives_whole_in_any_order_with_faults(seed: int) -> None:
    dice = random.Random(seed)
    sources = _random_world(dice)
    targets = {name.replace("hub", "ecr"): Holder() for name in sources}
    mounting = dice.choice(["never", "after-blob", "after-manifest"])
    world = World(sources, targets, mount=dice.choice(["after-blob", "after-manifest", "refuse"]))
    dated = dice.random() < 0.4
    digests, listed = dice.random() < 0.6, dice.random() < 0.6
    everything = [digest for holder in sources.values() for digest in holder.manifests]
    for name in dice.sample(everything, min(3, len(everything))):
        world.fails[f"fetch {name}"] = [RegistryError("reset", temporary=True)]
    broken: set[Digest] = set()
    if dice.random() < 0.4:
        victim = dice.choice(list(sources.values()))
        blobs = sorted(victim.blobs)
        broken.add(dice.choice(blobs))
        world.fails[f"blob {next(iter(broken))}"] = [content_error()] * 50
    for attempt in range(2):
        plans = []
        for name, holder in sources.items():
            pair = _pair(name.removeprefix("hub/"), mounting)
            target = targets[pair.target]
            fresh = not target.manifests and not target.blobs
            view = TargetView(
                dict(target.tags), frozenset(target.manifests) if listed else None, fresh
            )
            seen = holder.seen(digests or attempt > 0)
            if dated:
                seen = _dated(holder, {tag: dice.randint(0, 9) for tag in holder.tags})
            plans.append(replace(plan_pair(pair, seen, view), in_order=dated))
        schedule = Schedule(plans)
        drive(schedule, world, seed + attempt)
        if not broken:
            assert schedule.failures == []
        world.fails.clear()
        broken.clear()
    for name, holder in sources.items():
        assert targets[name.replace("hub", "ecr")].tags == holder.tags
    assert schedule.totals().tags["failed"] == schedule.totals().tags["left"] == 0
