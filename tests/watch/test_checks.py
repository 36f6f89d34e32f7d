"""Each worry of `monitor check`, with the neighbour that is none."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from longshore.cli.explanations import monitoring
from longshore.facts import Finding as Vulnerability
from longshore.facts import ImageSeen, RepositorySeen, ScanSeen
from longshore.oci.manifest import OCI_MANIFEST
from longshore.policy.access.document import parse_document
from longshore.policy.gate import GateRules, Waiver
from longshore.policy.prices import GB
from longshore.provision.resources import LifecyclePolicy, Repository
from longshore.watch.checks import images, protection, pulls
from longshore.watch.contents import Contents, Looked
from longshore.watch.findings import AlertLimits, Before, Unchecked, Watched, read_before

NOW = datetime(2026, 11, 24, 12, 20, tzinfo=UTC)
POLICY = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 1,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)
OTHER = POLICY.replace('"countNumber": 1', '"countNumber": 9')


def image(name: str, *tags: str, age_min: int = 600, size: int = 1) -> ImageSeen:
    pushed = NOW - timedelta(minutes=age_min)
    return ImageSeen(f"sha256:{name}", tags, size, pushed, OCI_MANIFEST)


def watched(
    *there: ImageSeen, looked: tuple[Looked, ...] = (), unique: int | None = None, **more: Any
) -> Watched:
    settings: dict[str, Any] = {}
    settings |= {key: more.pop(key) for key in ("mutability", "exclusions") if key in more}
    for key in ("lifecycle_policy", "repository_policy"):
        if key in more:
            settings[key] = more.pop(key)
    seen = RepositorySeen("shop", "arn", "uri", **settings)
    return Watched(seen, Contents("shop", there, looked, 0, unique), **more)


def codes(found: Any) -> list[str]:
    return [one.code for one in found]


def test_storage() -> None:
    half = image("a", "v1", size=GB // 2)
    limits = AlertLimits(storage_gb=1)
    assert codes(images.check_storage([watched(half, half)], limits)) == []
    [found] = images.check_storage([watched(half, half), watched(half)], limits)
    assert "1.5 GB" in found.message
    assert "--unique" in found.message
    assert codes(images.check_storage([watched(half, half, half, unique=GB)], limits)) == []
    [found] = images.check_storage([watched(half, unique=2 * GB)], limits)
    assert "--unique" not in found.message
    assert codes(images.check_storage([watched(half, half, half)], AlertLimits())) == []
    assert codes(images.check_storage([], limits)) == []


def test_the_quota_of_images() -> None:
    one = image("a")
    assert codes(images.check_quota(watched(*[one] * 80_000))) == []
    assert codes(images.check_quota(watched(*[one] * 80_001))) == ["monitor-image-quota"]


def test_backups() -> None:
    live, backup = image("a", "live-prod"), image("b", "backup-20261101T000000Z-a")
    assert codes(images.check_backups(watched(live))) == ["monitor-no-backup"]
    assert codes(images.check_backups(watched(live, backup))) == []
    assert codes(images.check_backups(watched(image("a", "rollback-prod")))) == []


def scan(status: str, *severities: str, age_min: int = 600, name: str = "a") -> Looked:
    found = tuple(Vulnerability(f"CVE-{n}", severity, "p") for n, severity in enumerate(severities))
    one = ScanSeen(f"sha256:{name}", status, findings=found)
    return Looked(image(name, f"v-{name}", age_min=age_min), (one,))


@pytest.mark.parametrize(
    ("looked", "wanted"),
    [
        ([scan("COMPLETE")], []),
        ([scan("COMPLETE", "HIGH", "LOW", "LOW")], []),
        ([scan("COMPLETE", "HIGH", "HIGH")], [("monitor-scan-findings", "high")]),
        ([scan("COMPLETE", "CRITICAL")], [("monitor-scan-findings", "critical")]),
        ([scan("IN_PROGRESS", age_min=30)], []),
        ([scan("IN_PROGRESS", age_min=31)], [("monitor-scan-unfinished", "high")]),
        ([scan("", age_min=31)], [("monitor-scan-unfinished", "high")]),
        ([scan("FAILED", age_min=1)], [("monitor-scan-failed", "high")]),
        ([scan("SCAN_ELIGIBILITY_EXPIRED")], [("monitor-scan-failed", "high")]),
        ([scan("UNSUPPORTED_IMAGE")], [("monitor-scan-unsupported", "medium")]),
        ([scan("FAILED", name=n) for n in "abcde"], [("monitor-scan-failed", "high")]),
        ([Looked(image("i", "v1"), unread=True)], []),
    ],
)
def test_scans(looked: list[Looked], wanted: list[tuple[str, str]]) -> None:
    rules = GateRules((("CRITICAL", 0), ("HIGH", 1)))
    found = list(images.check_scans(watched(looked=tuple(looked)), rules, NOW))
    assert [(one.code, one.severity) for one in found] == wanted
    if len(looked) == 5:
        assert "v-a, v-b, v-c +2" in found[0].message


def test_waivers_count() -> None:
    waiver = Waiver("CVE-0", "not reachable", date(2027, 1, 1))
    rules = GateRules((("CRITICAL", 0),), waivers=(waiver,))
    one = watched(looked=(scan("COMPLETE", "CRITICAL"),))
    assert codes(images.check_scans(one, rules, NOW)) == []
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert codes(images.check_scans(one, rules, later)) == ["monitor-scan-findings"]


@pytest.mark.parametrize(
    ("live", "config", "before", "wanted"),
    [
        (POLICY, POLICY, None, []),
        (POLICY, json.dumps(json.loads(POLICY), indent=4), None, []),
        (OTHER, POLICY, None, ["monitor-lifecycle-changed"]),
        (None, POLICY, None, ["monitor-lifecycle-missing"]),
        (None, "", None, []),
        (POLICY, "", None, ["monitor-lifecycle-changed"]),
        (None, None, POLICY, ["monitor-lifecycle-missing"]),
        (OTHER, None, POLICY, ["monitor-lifecycle-changed"]),
        (POLICY, None, POLICY, []),
        (POLICY, None, None, []),
        (POLICY, POLICY, OTHER, []),
    ],
)
def test_lifecycle_policies(
    live: str | None, config: str | None, before: str | None, wanted: list[str]
) -> None:
    one = watched(
        lifecycle_policy=live,
        lifecycle=None if config is None else LifecyclePolicy("shop", config or None),
        before=None if before is None else Before(lifecycle=before),
    )
    assert codes(protection.check_lifecycle(one)) == wanted


@pytest.mark.parametrize(
    ("before", "now", "is_loosened"),
    [
        (("IMMUTABLE", ()), ("IMMUTABLE", ()), False),
        (("IMMUTABLE", ()), ("MUTABLE", ()), True),
        (("IMMUTABLE", ()), ("IMMUTABLE_WITH_EXCLUSION", ("latest",)), True),
        (("IMMUTABLE", ()), ("MUTABLE_WITH_EXCLUSION", ("v*",)), True),
        (("IMMUTABLE_WITH_EXCLUSION", ("latest",)), ("IMMUTABLE", ()), False),
        (("IMMUTABLE_WITH_EXCLUSION", ("a", "b")), ("IMMUTABLE_WITH_EXCLUSION", ("a",)), False),
        (("MUTABLE_WITH_EXCLUSION", ("v*",)), ("MUTABLE", ()), True),
        (("MUTABLE_WITH_EXCLUSION", ("v*",)), ("IMMUTABLE", ()), False),
        (("MUTABLE_WITH_EXCLUSION", ("v*",)), ("MUTABLE_WITH_EXCLUSION", ("v*", "x")), False),
        (("MUTABLE", ()), ("MUTABLE", ()), False),
        (("MUTABLE", ()), ("IMMUTABLE", ()), False),
    ],
)
def test_tags_that_can_be_moved(before: Any, now: Any, is_loosened: bool) -> None:
    mutability, exclusions = now
    settings = {"mutability": mutability, "exclusions": exclusions}
    by_config = watched(**settings, repository=Repository("shop", *before))
    by_memory = watched(**settings, before=Before(frozenset(), *before))
    for one in (by_config, by_memory):
        assert bool(codes(protection.check_mutability(one))) is is_loosened
    assert codes(protection.check_mutability(watched(**settings))) == []


def allow(principal: Any, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "ecr:*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        (allow("*"), True),
        (allow({"AWS": "*"}), True),
        (allow({"AWS": ["arn:aws:iam::123456789012:root", "*"]}), True),
        (allow({"AWS": "arn:aws:iam::123456789012:root"}), False),
        (allow("*", Condition=ORG), False),
        (allow("*", Condition={"Bool": {"aws:SecureTransport": "true"}}), True),
        (allow("*", Effect="Deny"), False),
        (allow({"Service": "codebuild.amazonaws.com"}), False),
    ],
)
def test_policies_that_let_everyone_in(text: str, is_open: bool) -> None:
    assert bool(list(protection.open_statements(parse_document(text)))) is is_open
    found = codes(protection.check_policy(watched(repository_policy=text)))
    assert found == (["monitor-public"] if is_open else [])


def test_a_policy_that_cannot_be_read_is_said() -> None:
    [found] = protection.check_policy(watched(repository_policy="{"))
    assert isinstance(found, Unchecked)
    assert list(protection.check_policy(watched())) == []


def test_protected_tags_and_repositories_that_are_gone() -> None:
    before = Before(frozenset({"live-prod", "rollback-prod"}))
    moved = watched(image("b", "live-prod"), image("a", "rollback-prod"), before=before)
    assert codes(protection.check_protected(moved)) == []
    [found] = protection.check_protected(watched(image("b", "live-prod"), before=before))
    assert (found.code, "rollback-prod" in found.message) == ("monitor-protected-gone", True)
    assert codes(protection.check_protected(watched())) == []
    gone = list(protection.check_gone({"a": before, "b": Before(), "c": before}, {"c": 1}))
    assert [(one.where, one.severity) for one in gone] == [("a", "high"), ("b", "low")]


def test_what_is_remembered_comes_back() -> None:
    one = watched(image("a", "live-prod", "v1"), mutability="IMMUTABLE", lifecycle_policy=POLICY)
    assert read_before(json.loads(json.dumps(one.now.as_document()))) == one.now
    assert read_before({}) == Before()


# --- pulls ---------------------------------------------------------------------------------------

HOUR = timedelta(hours=1)
END = pulls.whole_hour(NOW)


def history(values: list[float]) -> list[tuple[datetime, float]]:
    """One value an hour; the last is the hour before now."""
    return [(END - HOUR * (len(values) - n), value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "is_spike"),
    [
        ([100.0] * 200 + [299], False),
        ([100.0] * 200 + [301], True),
        ([5.0] * 200 + [200], False),
        ([5.0] * 200 + [201], True),
        ([1000.0, 100.0] * 100 + [2999], False),
        ([100.0] * 199 + [9000.0] + [250], False),
        ([100.0] * 10 + [200], False),
        ([100.0] * 10 + [201], True),
        ([0.0] * 200 + [150], False),
        ([], False),
    ],
)
def test_unusual_pulls(values: list[float], is_spike: bool) -> None:
    found = pulls.check_pulls("shop", history(values), END - HOUR, 3)
    assert codes(found) == (["monitor-pull-spike"] if is_spike else [])


def test_the_hours_since_the_last_check_are_judged() -> None:
    assert pulls.first_hour(NOW, None) == END - HOUR
    assert pulls.first_hour(NOW, NOW - timedelta(minutes=5)) == END - HOUR
    assert pulls.first_hour(NOW, NOW - 5 * HOUR) == END - 5 * HOUR
    assert pulls.first_hour(NOW, NOW - 99 * HOUR) == END - 24 * HOUR
    values = history([5.0] * 100 + [900.0] + [5.0] * 3)
    assert codes(pulls.check_pulls("shop", values, END - HOUR, 3)) == []
    assert codes(pulls.check_pulls("shop", values, END - 4 * HOUR, 3)) == ["monitor-pull-spike"]


@pytest.mark.parametrize(
    ("hours_ago", "is_dead"),
    [([], False), ([1, 2], False), ([3], False), ([4], True), ([99], True)],
)
def test_a_collector_that_stopped(hours_ago: list[int], is_dead: bool) -> None:
    points = [(END - HOUR * n, 1.0) for n in hours_ago]
    assert bool(codes(pulls.check_heartbeat(points, NOW))) is is_dead


def test_every_code_is_explained() -> None:
    import ast
    from pathlib import Path

    folder = Path(images.__file__).parent
    texts = {
        node.value
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and str(node.value).startswith("monitor-")
    }
    assert len(texts) == 15
    assert texts <= {one.code for one in monitoring.entries()}
