"""Listing both sides: what is asked for, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshore.errors import RegistryError
from longshore.oci.digest import Digest
from longshore.transfer.carry import Stores
from longshore.transfer.gather import gather
from longshore.transfer.journal import Journal
from longshore.transfer.plan import Pair, PairPlan, Wish, companion_tags

from .memory import MemoryRepository
from .world import image

PAIR = Pair("hub/a", "ecr/a")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


def both(*, digests: bool = True) -> tuple[MemoryRepository, MemoryRepository]:
    """v1 is equal, v2 has moved, v3 is new; the target has `old` besides."""
    source, target = (MemoryRepository(lists_digests=digests) for _ in range(2))
    one, two, new = image("1"), image("2"), image("2b")
    source.add(one, "v1")
    source.add(new, "v2")
    source.add(image("3"), "v3")
    target.add(one, "v1")
    target.add(two, "v2", "old")
    return source, target


def actions(plan: PairPlan) -> dict[str, str]:
    return {step.source_tag: step.action for step in plan.steps}


@pytest.mark.parametrize("digests", [True, False])
def test_tags_are_compared_by_digest_without_a_pull(journal: Journal, digests: bool) -> None:
    source, target = both(digests=digests)
    plan = gather(Wish(PAIR), Stores(source, target), journal)
    assert actions(plan) == {"v1": "unchanged", "v2": "copy", "v3": "copy"}
    assert source.counts["pull"] == target.counts["pull"] == 0
    assert source.counts["head"] == (0 if digests else 2)


def test_a_metered_source_is_asked_for_every_digest(journal: Journal) -> None:
    source, target = both(digests=False)
    plan = gather(Wish(PAIR, metered=True), Stores(source, target), journal)
    assert all(step.digest for step in plan.steps)
    assert source.counts["head"] == 3


def test_chosen_tags_and_their_companions(journal: Journal) -> None:
    source, target = both()
    signature = companion_tags(source.tags["v3"])[1]
    source.add(image("sig"), signature)
    plan = gather(Wish(PAIR, ("v1", "v3", "gone")), Stores(source, target), journal)
    assert actions(plan) == {"v1": "unchanged", "v3": "copy", "gone": "copy"}
    assert [s.source_tag for found in plan.companions.values() for s in found] == [signature]


def test_without_referrers_signatures_stay_out_with_a_reason(journal: Journal) -> None:
    source, target = both()
    signature = companion_tags(source.tags["v3"])[1]
    source.add(image("sig"), signature)
    plan = gather(Wish(PAIR, referrers=False), Stores(source, target), journal)
    assert actions(plan)[signature] == "skip"
    assert not plan.referrers


def test_filters_give_reasons(journal: Journal) -> None:
    source, target = both()
    wish = Wish(PAIR, choose=lambda tags: {tag.tag: "too old" for tag in tags if tag.tag < "v3"})
    plan = gather(wish, Stores(source, target), journal)
    assert {s.source_tag: s.reason for s in plan.steps if s.action == "skip"} == {
        "v1": "too old", "v2": "too old",
    }  # fmt: skip


def test_a_repository_that_is_not_there_yet_counts_as_empty_only_if_it_may(journal) -> None:
    source, target = both()
    missing = RegistryError("no", status=404, code="repository-not-found", side="target")
    target.fails["list"] = [missing, missing]
    assert gather(Wish(PAIR), Stores(source, target), journal).view.fresh
    with pytest.raises(RegistryError):
        gather(Wish(PAIR, target_may_be_absent=False), Stores(source, target), journal)


def test_an_empty_repository_of_a_broken_run_is_not_trusted(journal: Journal) -> None:
    source = both()[0]
    assert gather(Wish(PAIR), Stores(source, MemoryRepository()), journal).view.fresh
    journal.begin(PAIR.target)
    assert not gather(Wish(PAIR), Stores(source, MemoryRepository()), journal).view.fresh
    assert journal.open_runs() == [PAIR.target]
    journal.end(PAIR.target)
    assert gather(Wish(PAIR), Stores(source, MemoryRepository()), journal).view.fresh


def test_one_image_by_digest(journal: Journal) -> None:
    source, target = both()
    digest = source.tags["v3"]
    wish = Wish(PAIR, (digest,), {digest: ("pinned",)})
    (step,) = gather(wish, Stores(source, target), journal).steps
    assert (step.digest, step.target_tag, step.action) == (Digest(digest), "pinned", "copy")
