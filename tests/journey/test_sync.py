"""sync and verify: what moves, what a second run costs, limits, two at once, findings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from longshore.embedded.stack import Stack
from longshore.embedded.state import UpOptions
from longshore.transfer.journal import Journal
from tests.journey.images import Shelf, company
from tests.journey.lab import Lab, open_lab

APP = "from: docker.io/acme/app, to: app"
MUTABLE = "repositories: {app: {mutability: mutable}}\n"
FIXED = "repositories: {app: {mutability: {default: immutable, except: [latest]}}}\n"


def ready(lab: Lab, *images: str, text: str = "") -> Shelf:
    """A filled Hub, a config, and the repositories made at the ECR."""
    shelf = company(lab.hub)
    lab.write(*(images or (APP,)), text=text)
    lab.done("apply", "--only", "aws", "--yes")
    return shelf


def test_the_answer_has_every_key(lab: Lab) -> None:
    ready(lab)
    answer = lab.done("sync")
    assert set(answer) >= {
        *("schema", "tags", "manifests", "blobs", "bytes", "source", "target"),
        *("seconds", "failures", "place", "next"),
    }
    assert answer["schema"] == "longshore.copy/1"
    assert set(answer["tags"]) >= {"copied", "unchanged", "skipped", "failed"}
    assert set(answer["blobs"]) >= {"copied", "mounted", "existing"}
    assert set(answer["source"]) >= {"requests", "pulls"}
    assert answer["place"]["mark"] == "EMBEDDED"
    assert answer["next"] == "longshore verify"


def test_what_is_counted_is_what_the_servers_saw(lab: Lab) -> None:
    ready(lab)
    with lab.asked() as asked:
        answer = lab.done("sync")
    assert answer["source"]["pulls"] == asked.pulls == 8
    assert answer["manifests"]["copied"] == 8
    assert answer["bytes"] == sum(size for _, size in lab.ecr.list_blobs("app"))
    assert answer["blobs"]["copied"] == len(lab.ecr.list_blobs("app"))
    seen = (
        sum(asked.count(name) for name in ("hub", "hub-api", "hub-cdn"))
        - asked.count("hub-api", "", "token")
        - asked.count("hub-api", "", "login")
    )
    assert answer["source"]["requests"] - asked_401(asked) == seen


def asked_401(asked: object) -> int:
    counts = asked.counts  # type: ignore[attr-defined]
    return sum(n for one, n in counts.items() if one.listener == "hub" and one.status == 401)


def test_the_last_json_line_is_the_answer(lab: Lab) -> None:
    ready(lab)
    done = lab("sync", "--jsonl")
    assert done.code == 0
    *events, answer = done.events
    assert answer["schema"] == "longshore.copy/1"
    kinds = {one["event"] for one in events}
    assert {"tag-done", "blob-done"} <= kinds
    tags = [one for one in events if one["event"] == "tag-done"]
    assert len(tags) == answer["tags"]["copied"] == 6


def test_quiet_says_nothing_but_the_result(lab: Lab) -> None:
    ready(lab)
    done = lab("sync", "--quiet")
    assert done.code == 0
    assert done.err == ""
    assert "6 copied" in done.out


def test_a_dry_run_writes_and_pulls_nothing(lab: Lab) -> None:
    ready(lab)
    with lab.asked() as asked:
        shown = lab.done("sync", "--dry-run")
    assert shown["schema"] == "longshore.copy.plan/1"
    assert {one["action"] for one in shown["tags"]} == {"copy"}
    assert lab.held("app") == {}
    assert asked.pulls == 0


def test_only_one_rule(lab: Lab) -> None:
    Shelf(lab.hub, "acme/other").image(b"other", tags=("v1",))
    ready(lab, APP, "from: docker.io/acme/other, to: other")
    lab.done("sync", "--only", "other")
    assert lab.held("app") == {}
    assert lab.held("other")
    wrong = lab("sync", "--only", "othr", "--json")
    assert (wrong.code, wrong.json["code"]) == (2, "unknown-image")
    assert "app, other" in wrong.json["hint"]


def test_filters_of_the_config(lab: Lab) -> None:
    rule = 'from: docker.io/acme/app, to: app, tags: {allow: ["v*"], deny: ["v1.0.*"], newest: 2}'
    shelf = ready(lab, rule, text=MUTABLE)
    v1 = shelf.tags()["v1.0.0"]
    shelf.image(b"of a tag that stays out", tags=(f"{v1.replace(':', '-')}.sig",))
    answer = lab.done("sync")
    held = lab.held("app")
    assert sorted(tag for tag in held if tag.startswith("v")) == ["v1.2.0", "v2.0.0"]
    assert len(held) == 3
    assert (answer["tags"]["copied"], answer["tags"]["failed"]) == (3, 0)
    assert lab.done("plan")["changes"] == []
    [row] = lab.done("status")["images"]
    assert (row["copied"], row["left"]) == (3, 0)
    assert lab.done("verify")["equal"] == 3


def test_platforms_of_the_config(lab: Lab) -> None:
    shelf = ready(lab, f"{APP}, platforms: [linux/arm64]", text=MUTABLE)
    top = shelf.tags()["latest"]
    lab.done("sync")
    held = lab.held("app")
    assert held["latest"] == held["v2.0.0"] != top
    assert [tag for tag in held if tag.startswith("sha256-")] == []
    assert lab.done("plan")["changes"] == []
    assert lab.done("status")["images"][0]["left"] == 0
    proof = lab.done("verify")
    assert (proof["equal"], proof["missing"], proof["different"]) == (5, 0, 0)
    before = len(lab.ecr.list_manifests("app"))
    with lab.asked() as asked:
        again = lab.done("sync")
    assert again["tags"]["copied"] == asked.pulls == 0
    assert len(lab.ecr.list_manifests("app")) == before
    newer = {"linux/arm64": shelf.image(b"newer arm"), "linux/amd64": shelf.image(b"newer amd")}
    shelf.index(newer, tags=("latest",))
    [change] = lab.done("plan")["changes"]
    assert list(change["diff"]) == ["latest"]
    lab.done("sync")
    assert lab.held("app")["latest"] != held["latest"]


def test_all_platforms_by_name_keep_their_signatures(lab: Lab) -> None:
    shelf = ready(lab, f"{APP}, platforms: [linux/arm64, linux/amd64]", text=MUTABLE)
    lab.done("sync")
    assert lab.held("app") == shelf.tags()
    assert len(lab.ecr.referrers("app", shelf.tags()["latest"])) == 1
    assert lab.done("plan")["changes"] == []
    assert lab.done("verify")["equal"] == 6
    with lab.asked() as asked:
        assert lab.done("sync")["tags"]["copied"] == 0
    assert asked.pulls == 0


def test_no_referrers_when_the_config_says_so(lab: Lab) -> None:
    shelf = ready(lab, f"{APP}, referrers: false")
    lab.done("sync")
    held = lab.held("app")
    assert not [tag for tag in held if tag.startswith("sha256-")]
    assert lab.ecr.referrers("app", shelf.tags()["latest"]) == []


def test_a_second_run_costs_no_pull_and_writes_nothing(lab: Lab) -> None:
    ready(lab)
    lab.done("sync")
    with lab.asked() as asked:
        answer = lab.done("sync")
    assert answer["tags"] == {"copied": 0, "unchanged": 6, "skipped": 0, "failed": 0, "left": 0}
    assert asked.pulls == 0
    assert {one.method for one in asked.counts if one.listener == "ecr"} <= {"HEAD"}
    assert asked.count("hub-cdn") == 0


def test_moved_and_new_tags_and_late_signatures_follow(lab: Lab) -> None:
    shelf = ready(lab, text=MUTABLE)
    lab.done("sync")
    moved = shelf.image(b"base " * 4000, b"newest", tags=("latest", "v3.0.0"))
    late = shelf.image(b"late", subject=shelf.tags()["v1.0.0"])
    with lab.asked() as asked:
        answer = lab.done("sync")
    assert answer["tags"]["copied"] == 2
    assert lab.held("app")["latest"] == lab.held("app")["v3.0.0"] == moved
    assert [one.digest for one in lab.ecr.referrers("app", shelf.tags()["v1.0.0"])] == [late]
    assert asked.pulls == 2
    assert answer["blobs"] == {"copied": 2, "mounted": 0, "existing": 2}


def test_a_tag_that_went_away_at_the_hub_stays(lab: Lab) -> None:
    shelf = ready(lab)
    lab.done("sync")
    before = lab.held("app")
    lab.hub.delete_tag("acme/app", "v1.0.0")
    lab.done("sync")
    assert lab.held("app") == before
    proof = lab.done("verify")
    assert proof["extra"] == 1
    assert shelf.tags()


def test_a_hub_that_lists_nothing_deletes_nothing(lab: Lab) -> None:
    ready(lab)
    lab.done("sync")
    before = lab.held("app")
    lab.hub.delete_repository("acme/app")
    Shelf(lab.hub, "acme/app")
    assert lab("sync", "--json").code == 0
    assert lab.held("app") == before


def test_an_immutable_tag_that_moved_fails_alone(lab: Lab) -> None:
    shelf = ready(lab, text=FIXED)
    lab.done("sync")
    before = lab.held("app")
    shelf.image(b"moved", tags=("v1.0.0",))
    newer = shelf.image(b"new", tags=("v4.0.0",))
    latest = shelf.image(b"latest", tags=("latest",))
    ended = lab("sync", "--json")
    assert ended.code == 5
    assert ended.json["error"]["code"] == "partly-done"
    [failure] = ended.json["failures"]
    assert failure["source"] == "docker.io/acme/app:v1.0.0"
    assert "may not be moved" in failure["reason"]
    held = lab.held("app")
    assert held["v1.0.0"] == before["v1.0.0"]
    assert (held["v4.0.0"], held["latest"]) == (newer, latest)
    with lab.asked() as asked:
        again = lab("sync", "--json")
    assert again.code == 5
    assert asked.pulls == 0
    proof = lab("verify", "--json")
    assert (proof.code, proof.json["different"]) == (3, 1)


def test_verify_finds_what_is_missing_and_different(lab: Lab) -> None:
    shelf = ready(lab, text=MUTABLE)
    lab.done("sync")
    there = Shelf(lab.ecr, "app")
    lab.ecr.delete_tag("app", "v1.0.0")
    there.image(b"other", tags=("v1.1.0",))
    there.image(b"own", tags=("mine",))
    [referrer] = lab.ecr.referrers("app", shelf.tags()["latest"])
    lab.ecr.delete_manifest("app", referrer.digest)
    ended = lab("verify", "--json")
    assert ended.code == 3
    proof = ended.json
    assert set(proof) >= {"schema", "equal", "missing", "different", "extra", "items"}
    by_tag = {one["source"].rpartition(":")[2]: one for one in proof["items"]}
    assert by_tag["v1.0.0"]["status"] == "missing"
    assert by_tag["v1.1.0"]["status"] == "different"
    assert by_tag["latest"]["status"] != "equal"
    assert referrer.digest in by_tag["latest"]["reason"]
    assert by_tag["v1.2.0"]["status"] == "equal"
    assert proof["extra_tags"] == [f"{lab.stack.state.ecr_registry}/app:mine"]
    assert lab.done("sync")["tags"]["failed"] == 0
    assert lab.done("verify")["equal"] == 6


def test_verify_really_pulls(lab: Lab) -> None:
    ready(lab)
    lab.done("sync")
    with lab.asked() as asked:
        proof = lab.done("verify", "--pull", "all")
    assert proof["pulled_bytes"] > 0
    assert asked.count("layers") > 3
    assert lab.done("verify", "--pull", "none")["pulled_bytes"] == 0
    lab.fault(listener="layers", method="GET", times=None, flip_at=5)
    ended = lab("verify", "--pull", "all", "--json")
    assert ended.code != 0
    assert "digest" in ended.out


@pytest.fixture
def limited(tmp_path: Path) -> object:
    with Stack(UpOptions(tmp_path / "local", account_pull_limit=5)) as made:
        yield made


def test_the_pull_limit_stops_well_and_a_later_run_goes_on(limited: Stack, tmp_path: Path) -> None:
    with open_lab(limited, tmp_path) as lab:
        shelf = ready(lab, text=MUTABLE)
        seen: list[str] = []
        with lab.asked() as asked:
            ended = lab("sync", "--json")
        seen += asked.pulled
        assert ended.code == 6
        error = ended.json["error"]
        assert error["code"] == "hub-pull-limit"
        retry_at = datetime.fromisoformat(error["retry_at"])
        wait = retry_at - datetime.now(UTC)
        assert timedelta(hours=5) < wait < timedelta(hours=7)
        assert asked.pulls == 5
        tags = ended.json["tags"]
        assert 0 < tags["copied"] == len(lab.held("app"))
        assert tags["left"] > 0
        with lab.asked() as asked:
            assert lab("sync", "--json").code == 6
        assert asked.pulls == 0
        limited.clock.advance(wait.total_seconds() + 60)
        with lab.asked() as asked:
            answer = lab.done("sync")
        seen += asked.pulled
        assert answer["tags"]["failed"] == 0
        assert lab.held("app") == shelf.tags()
        assert len(seen) == len(set(seen)) == 8
        assert lab.done("verify")["equal"] == 6


@pytest.mark.parametrize("command", ["sync", "apply", "migrate"])
def test_a_second_run_is_refused(lab: Lab, command: str) -> None:
    ready(lab)
    journal = Journal(Path(lab.environ["LONGSHORE_STATE_DIR"]) / "copy")
    with journal.writing([f"{lab.stack.state.ecr_registry}/app"]):
        ended = lab(command, "--yes", "--json")
    assert ended.code == 3
    assert ended.json["code"] == "already-running"
    assert lab.held("app") == {}
    assert lab(command, "--yes", "--json").code == 0


def test_a_cached_rule_is_not_copied(lab: Lab) -> None:
    company(lab.hub)
    lab.write("from: docker.io/acme/app, to: app, mode: cache")
    with lab.asked() as asked:
        lab("sync", "--json")
    assert asked.pulls == 0
    assert lab.held("app") == {}


# --- the freeze before the cut-over --------------------------------------------------------------


def test_the_freeze_check_is_zero_only_when_nobody_pushed(lab: Lab) -> None:
    shelf = ready(lab, text=MUTABLE)
    check = ("sync", "--dry-run", "--exit-code")
    first = lab(*check)
    assert first.code == 3
    assert "6 tags are not at the target" in first.err
    lab.done("sync")
    assert lab(*check).code == 0
    shelf.image(b"late", tags=("v9",))
    late = lab(*check, "--json")
    assert late.code == 3
    left = [one["target"] for one in late.json["tags"] if one["action"] == "copy"]
    assert [one.rpartition(":")[2] for one in left] == ["v9"]
    lab.done("sync")
    assert lab(*check).code == 0
    assert lab("sync", "--exit-code").code == 2


def test_status_says_what_moved_at_the_source_since(lab: Lab) -> None:
    shelf = ready(lab, text=MUTABLE)
    before = lab("status")
    assert "at the source since" not in before.out
    lab.done("sync")
    assert "at the source since" not in lab("status").out
    shelf.image(b"later", tags=("v9", "latest"))
    [row] = lab.done("status")["images"]
    assert (row["moved"], row["new"]) == (["latest"], ["v9"])
    text = lab("status").out
    assert "  moved at the source since the last copy: latest" in text
    assert "  new at the source since then: v9" in text
