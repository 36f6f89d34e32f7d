"""Servers and wires that fail in mid-copy: what is tried again, what is said, what is left."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.journey.images import Shelf, company
from tests.journey.lab import Asked, Lab

APP = "from: docker.io/acme/app, to: app"
PULL_LIMIT = (
    '{"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your pull rate limit."}]}'
)


@pytest.fixture
def shelf(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A small company at the Hub, its repository at the ECR; waits are short."""
    made = company(lab.hub)
    lab.write(APP)
    lab.done("apply", "--only", "aws", "--yes")
    monkeypatch.setattr("longshore.remote.transport.backoff", lambda *_: 0.01)
    monkeypatch.setattr("longshore.remote.uploads.backoff", lambda *_: 0.01)
    monkeypatch.setattr("longshore.transfer.run.retry_delay_s", lambda *_: 0.0)
    return made


def arrives(lab: Lab, shelf: Shelf) -> Asked:
    """sync succeeds and everything is there."""
    with lab.asked() as asked:
        answer = lab.done("sync")
    assert answer["tags"]["failed"] == answer["tags"]["left"] == 0
    assert lab.held("app") == shelf.tags()
    return asked


# What passes by itself


@pytest.mark.parametrize(
    "rule",
    [
        {"listener": "hub", "method": "GET", "path": "/manifests/", "status": 503},
        {"listener": "hub", "method": "GET", "path": "/manifests/", "reset": True},
        {"listener": "hub", "method": "GET", "path": "/manifests/", "status": 429},
        {"listener": "hub", "path": "/referrers/", "status": 502},
        {"listener": "hub-api", "path": "/tags", "status": 500},
        {"listener": "hub-api", "path": "/tags", "status": 429, "headers": {"Retry-After": "1"}},
        {"listener": "hub-api", "path": "/token", "status": 503},
        {"listener": "hub-cdn", "reset": True},
        {"listener": "hub-cdn", "cut_after": 100},
        {"listener": "hub-cdn", "status": 503},
        {"listener": "ecr", "method": "POST", "status": 500},
        {"listener": "ecr", "method": "PUT", "path": "/blobs/", "status": 503},
        {"listener": "ecr", "method": "PUT", "path": "/blobs/", "reset": True},
        {"listener": "ecr", "method": "PUT", "path": "/blobs/", "reset": True, "applies": True},
        {"listener": "ecr", "method": "PUT", "path": "/manifests/", "status": 429},
        {"listener": "ecr", "method": "PUT", "path": "/manifests/", "reset": True, "applies": True},
        {"listener": "aws", "path": "/", "status": 500, "after": 2},
    ],
    ids=lambda rule: "-".join(str(one) for one in rule.values() if not isinstance(one, dict)),
)
def test_what_goes_wrong_twice_goes_well_then(lab: Lab, shelf: Shelf, rule: dict[str, Any]) -> None:
    lab.fault(times=2, **rule)
    arrives(lab, shelf)


def test_a_cut_blob_goes_on_where_it_broke(lab: Lab, shelf: Shelf) -> None:
    lab.fault(listener="hub-cdn", times=None, cut_after=10_000)
    asked = arrives(lab, shelf)
    statuses = [one["status"] for one in asked.lines if one["listener"] == "hub-cdn"]
    assert 206 in statuses


def test_the_ecr_password_runs_out_in_mid_copy(lab: Lab, shelf: Shelf) -> None:
    """Twelve hours pass between two uploads: a new one is asked for once, nothing fails."""
    lab.fault(listener="hub-cdn", times=None, delay_ms=30)
    before = lab.stack.access.count("ecr", kind="upload", statuses=[201])

    def advance() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if lab.stack.access.count("ecr", kind="upload", statuses=[201]) - before >= 2:
                lab.stack.clock.advance(timedelta(hours=12, minutes=5).total_seconds())
                return
            time.sleep(0.002)

    hand = threading.Thread(target=advance)
    hand.start()
    with lab.asked() as asked:
        answer = lab.done("sync", "--jobs", "2")
    hand.join()
    assert answer["tags"]["failed"] == 0
    assert lab.held("app") == shelf.tags()
    assert any(one["status"] == 403 for one in asked.lines if one["listener"] == "ecr")
    assert asked.count("aws", "", "ecr:GetAuthorizationToken") <= 4


# What does not


def ends(lab: Lab, code: int, word: str, **rule: Any) -> dict[str, Any]:
    """sync with a lasting fault ends with this code; its JSON error."""
    lab.fault(times=None, **rule)
    ended = lab("sync", "--json")
    assert ended.code == code, ended.out
    answer = ended.json
    found: dict[str, Any] = answer.get("error") or answer
    assert found["hint"]
    told = [one["reason"] for one in answer.get("failures", [])] or [found["message"]]
    assert word in " ".join([found["code"], *told]), ended.out
    lab.stack.faults.clear()
    return answer


def test_wrong_bytes_of_a_blob(lab: Lab, shelf: Shelf) -> None:
    answer = ends(lab, 1, "digest-mismatch", listener="hub-cdn", flip_at=7)
    assert lab.held("app") == {}
    assert answer["blobs"]["copied"] == 0
    assert lab.ecr.list_blobs("app") == []
    arrives(lab, shelf)


def test_wrong_bytes_of_a_manifest(lab: Lab, shelf: Shelf) -> None:
    ends(lab, 1, "digest", listener="hub", method="GET", path="/manifests/", flip_at=40)
    assert lab.ecr.list_manifests("app") == []
    arrives(lab, shelf)


def test_a_blob_that_is_always_cut(lab: Lab, shelf: Shelf) -> None:
    ends(lab, 1, "blob-truncated", listener="hub-cdn", cut_after=0)
    assert lab.held("app") == {}
    arrives(lab, shelf)


def test_a_blob_without_end(lab: Lab, shelf: Shelf) -> None:
    began = time.monotonic()
    ends(lab, 1, "blob-too-long", listener="hub-cdn", endless=True)
    assert time.monotonic() - began < 10
    assert lab.ecr.list_blobs("app") == []
    arrives(lab, shelf)


def test_a_manifest_without_end(lab: Lab, shelf: Shelf) -> None:
    rule = {"listener": "hub", "method": "GET", "path": "/manifests/"}
    ends(lab, 1, "4 MiB", endless=True, **rule)
    assert lab.held("app") == {}
    arrives(lab, shelf)


def test_the_target_says_it_stored_something_else(lab: Lab, shelf: Shelf) -> None:
    other = "sha256:" + "0" * 64
    ends(
        lab,
        1,
        "under another digest",
        listener="ecr",
        method="PUT",
        path="/manifests/",
        status=201,
        headers={"Docker-Content-Digest": other},
    )
    arrives(lab, shelf)


def test_the_target_received_other_bytes(lab: Lab, shelf: Shelf) -> None:
    """What a registry says when a proxy on the way has changed a blob."""
    body = json.dumps({"errors": [{"code": "DIGEST_INVALID", "message": "digest invalid"}]})
    rule = {"listener": "ecr", "method": "PUT", "path": "/blobs/"}
    ends(lab, 1, "digest-invalid", status=400, body=body, **rule)
    assert lab.held("app") == {}
    arrives(lab, shelf)


def test_no_room_at_the_target(lab: Lab, shelf: Shelf) -> None:
    body = json.dumps({"errors": [{"code": "UNKNOWN", "message": "no space left"}]})
    rule = {"listener": "ecr", "method": "PUT", "path": "/blobs/"}
    ends(lab, 1, "no space left", status=507, body=body, **rule)
    assert lab.held("app") == {}
    arrives(lab, shelf)


def test_a_target_that_denies(lab: Lab, shelf: Shelf) -> None:
    message = "User: arn:aws:iam::1:user/x is not authorized to perform: ecr:PutImage on it"
    body = json.dumps({"errors": [{"code": "DENIED", "message": message}]})
    rule = {"listener": "ecr", "method": "PUT", "path": "/manifests/"}
    answer = ends(lab, 1, "denied", status=403, body=body, **rule)
    assert "ecr:PutImage" in json.dumps(answer)
    assert lab.held("app") == {}
    arrives(lab, shelf)


def limit(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer.get("error") or answer
    assert "retry_at" in found
    return found


def test_the_pull_limit_with_a_time(lab: Lab, shelf: Shelf) -> None:
    rule = {"listener": "hub", "method": "GET", "path": "/manifests/"}
    with lab.asked() as asked:
        answer = ends(
            lab,
            6,
            "hub-pull-limit",
            status=429,
            headers={"Retry-After": "3600"},
            body=PULL_LIMIT,
            **rule,
        )
    wait = datetime.fromisoformat(limit(answer)["retry_at"]) - datetime.now(UTC)
    assert timedelta(minutes=58) < wait < timedelta(minutes=61)
    assert len([one for one in asked.lines if one["status"] == 429]) <= 8
    assert lab.held("app") == {}
    arrives(lab, shelf)


def test_the_pull_limit_without_a_time(lab: Lab, shelf: Shelf) -> None:
    rule = {"listener": "hub", "method": "GET", "path": "/manifests/"}
    answer = ends(lab, 6, "hub-pull-limit", status=429, body=PULL_LIMIT, **rule)
    assert limit(answer)["retry_at"] == ""
    arrives(lab, shelf)


def test_a_hub_whose_listing_fails_is_asked_in_another_way(lab: Lab, shelf: Shelf) -> None:
    """The registry lists tags too, without digests: a HEAD for each."""
    page = "<html>Welcome to the hotel</html>"
    for rule in (
        {"status": 429, "headers": {"Retry-After": "7200"}},
        {"status": 200, "body": page},
    ):
        lab.fault(listener="hub-api", path="/tags", times=None, **rule)
    arrives(lab, shelf)


def test_too_many_requests_to_the_ecr(lab: Lab, shelf: Shelf) -> None:
    rule = {"listener": "ecr", "method": "PUT", "headers": {"Retry-After": "600"}}
    answer = ends(lab, 6, "too-many-requests", status=429, **rule)
    assert limit(answer)["retry_at"]
    assert lab.held("app") == {}
    arrives(lab, shelf)


def test_a_hub_that_is_gone(lab: Lab, shelf: Shelf) -> None:
    gone = "127.0.0.1:1"
    with lab.asked() as asked:
        ended = lab(
            "sync", "--json", LONGSHORE_HUB_REGISTRY=gone, LONGSHORE_HUB_API=f"http://{gone}"
        )
    assert ended.code == 1
    assert gone in ended.out
    assert asked.count("ecr") == 0
    arrives(lab, shelf)


def test_a_login_page_in_the_way(lab: Lab, shelf: Shelf) -> None:
    """A hotel's network answers everything with 200 and HTML."""
    page = "<html>Welcome to the hotel</html>"
    rule = {"listener": "hub", "method": "GET", "path": "/manifests/"}
    answer = ends(lab, 1, "", status=200, body=page, **rule)
    assert "<html>" not in json.dumps(answer)
    assert lab.held("app") == {}
    arrives(lab, shelf)
