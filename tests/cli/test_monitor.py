"""`longshore monitor` against the embedded account: what is put, resuming, files, calls."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import RunCli
from tests.embedded.aws_world import World, index_of
from tests.watch import grammar

from longshore.errors import AwsError
from longshore.remote import aws

NAMES = ("api", "shop")


@pytest.fixture
def registry(account: World) -> World:
    """Two repositories: `api` with an index of two platforms, `shop` with four images."""
    account.aws.clock.reset()
    for name in NAMES:
        account.client().create_repository(repositoryName=name)
    for number in range(3):
        account.push("shop", f"v{number}", f"v{number}")
    account.push("shop", "v2", "backup-20261101T000000Z-aaaaaaa")
    account.push("shop", "untagged")
    children = [account.manifest("api", one) for one in ("amd64", "arm64")]
    for content in children:
        account.put("api", content)
    account.put("api", index_of(*children), "v1")
    return account


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every AWS operation that is asked."""
    asked: list[str] = []
    call = aws.AwsClient.call

    def heard(self: Any, operation: str, *given: Any, **more: Any) -> Any:
        asked.append(operation)
        return call(self, operation, *given, **more)

    monkeypatch.setattr(aws.AwsClient, "call", heard)
    return asked


def points(world: World, name: str, *more: tuple[str, str]) -> list[float]:
    """The values of a metric of ours."""
    dimensions = [("Registry", "123456789012"), *more]
    now = world.aws.clock.now()
    found = world.client("cloudwatch").get_metric_statistics(
        Namespace="Longshore/ECR",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=10),
        Period=60,
        Statistics=["Maximum"],
    )
    return [one["Maximum"] for one in found["Datapoints"]]


def test_what_is_put(cli: RunCli, registry: World) -> None:
    done = cli("monitor", "publish", "--yes", "--json", "--per-repository", "--unique")
    assert done.code == 0, done.err
    found = done.json
    assert found["total"] | {"logical_bytes": 0, "unique_bytes": 0} == {
        "images": 7,
        "backups": 1,
        "logical_bytes": 0,
        "unique_bytes": 0,
        "at_most": False,
        "critical": None,
        "high": None,
        "scans_unfinished": 0,
        "scans_read": 5,
        "images_left_out": 0,
    }
    images = [
        one for name in NAMES for one in registry.aws.ecr.served.contents.list_manifests(name)
    ]
    plain = [one for one in images if "index" not in one.media_type]
    assert found["total"]["logical_bytes"] == sum(one.size for one in plain)
    assert points(registry, "StorageBytesLogical") == [found["total"]["logical_bytes"]]
    assert points(registry, "ImageCount", ("Repository", "shop")) == [4]
    assert points(registry, "ImageCountLargest") == [4]
    assert points(registry, "CollectorHeartbeat") == [1]
    assert points(registry, "FindingsHigh") == []
    assert found["put"] == len(found["metrics"])


def test_unique_bytes_are_those_of_different_layers(cli: RunCli, account: World) -> None:
    account.client().create_repository(repositoryName="shop")
    account.push("shop", "same", "v1")
    account.push("shop", "same", "v2", annotations={"a": "b"})
    found = cli("monitor", "publish", "--dry-run", "--json", "--unique").json["total"]
    assert found["images"] == 2
    assert found["logical_bytes"] > found["unique_bytes"] > 0
    [one, _] = account.aws.ecr.served.contents.list_manifests("shop")
    document = json.loads(one.content)
    assert found["unique_bytes"] == sum(layer["size"] for layer in document["layers"])


def test_a_second_run_asks_for_little(cli: RunCli, registry: World, calls: list[str]) -> None:
    assert cli("monitor", "publish", "--yes").code == 0
    first = list(calls)
    assert first.count("DescribeImages") == len(NAMES)
    assert first.count("DescribeImageScanFindings") == 5
    assert first.count("BatchGetImage") == 1
    assert first.count("PutMetricData") == 1
    calls.clear()
    assert cli("monitor", "publish", "--yes").code == 0
    assert calls.count("BatchGetImage") == 0


def test_policies_that_go_by_pulls_are_left_in_peace(
    cli: RunCli, registry: World, calls: list[str]
) -> None:
    rule = {
        "rulePriority": 1,
        "selection": {
            "tagStatus": "any",
            "countType": "sinceImagePulled",
            "countNumber": 90,
            "countUnit": "days",
        },
        "action": {"type": "transition", "targetStorageClass": "archive"},
    }
    registry.client().put_lifecycle_policy(
        repositoryName="api", lifecyclePolicyText=json.dumps({"rules": [rule]})
    )
    found = cli("monitor", "publish", "--dry-run", "--json").json["total"]
    assert "BatchGetImage" not in calls
    assert (found["scans_read"], found["images_left_out"]) == (3, 1)
    assert cli("monitor", "publish", "--dry-run", "--unique").code == 0
    assert calls.count("BatchGetImage") == 2


def test_nothing_is_put_without_a_yes_or_in_a_dry_run(
    cli: RunCli, registry: World, calls: list[str]
) -> None:
    assert cli("monitor", "publish").code == 3
    assert cli("monitor", "publish", "--dry-run").code == 0
    assert "PutMetricData" not in calls


def test_openmetrics(cli: RunCli, registry: World, calls: list[str]) -> None:
    printed = cli("monitor", "publish", "--openmetrics", "-", "--per-repository")
    assert printed.code == 0
    found = grammar.read(printed.out)
    labels = (("registry", "123456789012"), ("repository", "shop"))
    assert found["longshore_ecr_images"][labels] == 4
    done = cli("monitor", "publish", "--openmetrics", "ecr.prom", "--json")
    assert (done.code, done.json["put"]) == (0, 0)
    assert grammar.read(Path("ecr.prom").read_text())["longshore_ecr_backups"]
    assert "PutMetricData" not in calls
    Path("link.prom").symlink_to("ecr.prom")
    assert (
        cli("monitor", "publish", "--openmetrics", "link.prom", "--json").json["code"] == "symlink"
    )


def refuse(monkeypatch: pytest.MonkeyPatch, operation: str, repository: str) -> None:
    """Let one operation on one repository be denied."""
    call = aws.AwsClient.call

    def denied(self: Any, asked: str, parameters: Any, **more: Any) -> Any:
        if asked == operation and parameters.get("repositoryName") == repository:
            raise AwsError("denied", code="access-denied")
        return call(self, asked, parameters, **more)

    monkeypatch.setattr(aws.AwsClient, "call", denied)


def test_a_repository_that_cannot_be_read_stops_it_and_the_same_command_goes_on(
    cli: RunCli, registry: World, calls: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        refuse(patch, "DescribeImages", "shop")
        done = cli("monitor", "publish", "--yes", "--json")
        assert (done.code, done.json["code"]) == (5, "monitor-unread")
        assert "shop" in done.json["message"]
    assert "PutMetricData" not in calls
    calls.clear()
    done = cli("monitor", "publish", "--yes")
    assert done.code == 0
    assert "1 repositories were counted already" in done.err
    assert calls.count("DescribeImages") == 1
    assert points(registry, "ImageCount") == [7]
    calls.clear()
    assert cli("monitor", "publish", "--yes").code == 0
    assert calls.count("DescribeImages") == 2, "a finished run leaves nothing to go on with"


def test_the_memory_must_be_writable(cli: RunCli, registry: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cli("monitor", "publish", "--yes", "--json", LONGSHORE_STATE_DIR=str(tmp_path / "file"))
    assert (done.code, done.json["code"]) == (1, "file")
