"""The five numbers of the standard preset, proved on simulated pipelines."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from longshore.policy.lifecycle.compile import compile_standard
from longshore.policy.lifecycle.preset import Families

from .pipeline import BRANCHES, DAY, Pipeline

PRODUCTION = ("v", "main-", "prod-")


def test_production_has_one_limit_of_10_over_releases_and_main() -> None:
    line = Pipeline()
    pushed = []
    for number in range(20):
        pushed += [line.push("main"), line.push("main"), line.push(f"v1.{number}.0")]
        line.night()
    assert line.with_tags(*PRODUCTION) == pushed[:-11:-1]
    assert line.tagged("latest") == pushed[-1]


def test_branches_have_one_limit_of_5_whatever_they_are_called() -> None:
    line = Pipeline()
    pushed = [line.push(branch) for _ in range(4) for branch in BRANCHES]
    line.night()
    assert line.with_tags("branch-") == pushed[:-6:-1]
    assert len(line.images) == 5


@pytest.mark.parametrize("branch", [*BRANCHES, "vnext", "main-rework", "prod/x", "pr-7", "x" * 300])
def test_every_branch_is_reached_by_the_rule_of_branches(branch: str) -> None:
    line = Pipeline()
    pushed = [line.push(branch) for _ in range(6)]
    line.night()
    assert list(line.images) == pushed[1:]
    (gone,) = line.gone
    assert gone.why.startswith("rule 6 keeps the 5 newest of branch-*")


def test_pull_requests_have_one_limit_of_3() -> None:
    line = Pipeline()
    for number in range(1, 7):
        line.push(pull_request=number)
    line.night()
    assert [line.images[one].tags for one in line.with_tags("pr-")] == [
        ("pr-6",),
        ("pr-5",),
        ("pr-4",),
    ]


def test_a_second_push_of_a_pull_request_takes_no_place_and_the_first_goes_in_a_day() -> None:
    line = Pipeline()
    first = line.push(pull_request=1)
    second = line.push(pull_request=1)
    assert (line.untagged, line.with_tags("pr-")) == ([first], [second])
    line.now = (line.images[first].pushed_at or line.now) + DAY
    line.expire()
    assert line.untagged == [first]
    line.wait(minutes=1)
    line.expire()
    assert (line.untagged, line.with_tags("pr-")) == ([], [second])


def test_backups_go_after_7_days_by_the_time_in_their_tag_and_never_the_last_3() -> None:
    line = Pipeline()
    running = line.push("main")
    line.deploy(running)
    for _ in range(10):
        line.night()
    for _ in range(6):
        following = line.push("main")
        line.deploy(following)  # backs up what has run: pushed days ago
        line.night()
    backups = line.with_tags("backup-")
    assert len(backups) == 6
    ages = []
    for _ in range(12):
        line.night()
        ages.append(len(line.with_tags("backup-")))
    assert ages == [5, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    assert line.with_tags("backup-") == backups[:3]
    lost = [one for one in line.gone if one.image.digest in backups]
    assert lost == []  # only the tags went: as production images they are among the 10 newest


def test_a_production_image_that_leaves_the_10_newest_does_not_take_its_backup_along() -> None:
    line = Pipeline()
    line.deploy(line.push("v1.0.0"))
    line.deploy(line.push("main"))  # v1.0.0 is backed up, and the rollback target
    line.deploy(line.push("main"))  # now it is only a backup
    (backup, *_) = line.with_tags("v1.0.0")
    line.tag(line.push("v1.1.0"))  # takes latest
    for _ in range(15):
        line.push("main")
    for _ in range(5):
        line.night()
    assert [tag for tag in line.images[backup].tags if tag.startswith("backup-")]


def test_without_prune_ecr_bounds_backups_and_takes_none_of_the_newest_50() -> None:
    line = Pipeline()
    for _ in range(60):
        line.deploy(line.push("main"))
        line.night(prune=False)
    assert len(line.with_tags("backup-")) == 50


def test_what_runs_and_what_a_rollback_needs_outlive_100_pushes_that_nobody_deployed() -> None:
    line = Pipeline()
    release = line.push("v1.0.0")
    rollback, live = line.push("main"), line.push("main")
    line.deploy(rollback)
    line.deploy(live)
    for _ in range(100):
        line.push("main")
    for _ in range(30):
        line.night()
    assert line.tagged("live-prod") == live
    assert line.tagged("rollback-prod") == rollback
    assert line.tagged("latest") == release
    assert len(line.with_tags("prod-")) == 13  # the 10 newest, and these three


def test_families_take_no_places_from_each_other() -> None:
    line = Pipeline()
    branches = [line.push(branch) for branch in BRANCHES]
    requests = [line.push(pull_request=number) for number in (1, 2, 3)]
    night = [line.push("nightly")]
    production = [line.push("main") for _ in range(40)] + [line.push("v1.0.0")]
    line.night()
    assert set(line.images) == {*branches, *requests, *night, *production[-10:]}
    for _ in range(20):
        branches += [line.push(branch) for branch in BRANCHES]
        requests += [line.push(pull_request=len(requests) + 1)]
        line.night()
    assert set(line.images) == {*branches[-5:], *requests[-3:], *night, *production[-10:]}


def test_without_markers_production_is_up_to_20_and_the_answer_says_so() -> None:
    line = Pipeline(markers="none")
    for number in range(30):
        line.push("main")
        line.push(f"v1.{number}.0")
        line.push("develop")
        line.push("feature/login")
    line.night()
    assert len(line.with_tags("v", "main-")) == 20
    assert len(line.with_tags("develop-", "feature-")) == 10
    notes = compile_standard(Families(branches=("main",), markers="none")).notes
    assert notes[0] == "production: up to 20 images, because v* and main-* carry no marker"


def test_markers_where_needed_reach_the_branches_that_no_plain_rule_reaches() -> None:
    line = Pipeline(markers="needed")
    for _ in range(8):
        for branch in BRANCHES:
            line.push(branch)
    line.night()
    marked, plain = line.with_tags("branch-"), line.with_tags("develop-", "feature-")
    assert (len(marked), len(plain)) == (5, 10)


steps = st.integers(0, 2**32).map(Random)


@given(steps)
@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_any_history_leaves_exactly_the_newest_of_each_family(roll: Random) -> None:
    line = Pipeline()
    production, branches = [], []
    running = ""
    numbers = iter(range(1000))
    for _ in range(roll.randint(1, 60)):
        match roll.choice(["main", "release", "branch", "branch", "request", "deploy", "night"]):
            case "main":
                production.append(line.push("main"))
            case "release":
                production.append(line.push(f"v1.{next(numbers)}.0"))
            case "branch":
                branches.append(line.push(roll.choice(BRANCHES)))
            case "request":
                line.push(pull_request=roll.randint(1, 9))
            case "deploy" if line.with_tags("prod-"):
                running = roll.choice(line.with_tags("prod-"))
                line.deploy(running)
            case _:
                line.night()
    line.night()
    held = {
        one.digest
        for one in line.images.values()
        if any(tag.startswith(("live-", "rollback-", "latest", "backup-")) for tag in one.tags)
    }
    assert set(line.with_tags("prod-")) - held == set(production[-10:]) - held
    assert line.tagged("live-prod") == running
    assert bool(line.tagged("latest")) == bool(production)
    assert set(line.with_tags("branch-")) == set(branches[-5:])
    assert len(line.with_tags("pr-")) <= 3
    for digest in line.untagged:
        assert line.now - (line.images[digest].pushed_at or line.now) <= timedelta(days=1)
