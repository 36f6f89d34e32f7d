"""`longshore monitor check` against the embedded account: a healthy day, and each loss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import RunCli
from tests.embedded.aws_world import REGION, ROOT, World, running
from tests.embedded.scanning.test_parts import osv
from tests.embedded.scanning.test_scans import OPENSSL, debian, give, image

from longshore.errors import AwsError
from longshore.remote import aws

MENDED = osv("openssl", "Debian:12", events=[{"introduced": "0"}, {"fixed": "1.0"}])
CONFIG = """version: 1
targets: {t: {kind: ecr, account: "123456789012", region: ap-northeast-2}}
repositories:
  shop:
    mutability: {default: immutable, except: [latest, "live-*", "rollback-*"]}
    scan: on-push
    lifecycle: {preset: standard}
alerts: {storage_gb: 1, scan: {medium: 0}, pulls: {anomaly: 3}}
"""


@pytest.fixture
def own(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """An account of this test's own, to which the environment of `cli` leads."""
    with running(tmp_path / "aws") as world:
        environ |= {
            "AWS_ENDPOINT_URL": world.endpoint,
            "AWS_ACCESS_KEY_ID": ROOT.access_key,
            "AWS_SECRET_ACCESS_KEY": ROOT.secret_key,
            "AWS_REGION": REGION,
            "LONGSHORE_STATE_DIR": str(tmp_path / "state"),
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        yield world


@pytest.fixture
def shop(cli: RunCli, own: World) -> World:
    """One repository as longshore.yaml wants it, with a release that runs and its backup."""
    Path("longshore.yaml").write_text(CONFIG)
    give(own, MENDED)
    assert cli("apply", "--yes").code == 0
    image(own, debian(), "v1")
    tag(own, "live-prod")
    tag(own, "backup-20261101T000000Z-aaaaaaa")
    own.aws.scanning.wait()
    return own


def tag(world: World, name: str) -> None:
    [one] = world.client().batch_get_image(repositoryName="shop", imageIds=[{"imageTag": "v1"}])[
        "images"
    ]
    text = one["imageManifest"]
    world.client().put_image(repositoryName="shop", imageManifest=text, imageTag=name)


def codes(done: Any) -> list[str]:
    return [one["code"] for one in done.json["findings"]]


def test_a_healthy_day_raises_nothing(cli: RunCli, shop: World) -> None:
    for _ in range(3):
        done = cli("monitor", "check", "--json")
        assert (done.code, codes(done), done.json["unchecked"]) == (0, [], []), done.out
        shop.aws.clock.advance(3600)
    assert done.json["repositories"] == 1
    assert any("monitor publish" in one for one in done.json["not_looked_at"])


def test_what_is_lost_is_told_once_and_what_the_config_wants_always(
    cli: RunCli, shop: World
) -> None:
    ecr = shop.client()
    assert cli("monitor", "check").code == 0
    ecr.batch_delete_image(repositoryName="shop", imageIds=[{"imageTag": "live-prod"}])
    ecr.delete_lifecycle_policy(repositoryName="shop")
    ecr.put_image_tag_mutability(repositoryName="shop", imageTagMutability="MUTABLE")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ecr.set_repository_policy(repositoryName="shop", policyText=text)
    done = cli("monitor", "check", "--json")
    always = ["monitor-public", "monitor-lifecycle-missing", "monitor-tags-mutable"]
    once = "monitor-protected-gone"
    assert (done.code, codes(done)) == (3, [*always[:2], once, always[2]])
    assert done.json["summary"] == {"critical": 1, "high": 3, "medium": 0, "low": 0}
    assert codes(cli("monitor", "check", "--json")) == always
    people = cli("monitor", "check")
    assert people.code == 3
    assert "critical  monitor-public  shop" in people.out
    assert "longshore explain monitor-findings" in people.err


def test_scans(cli: RunCli, shop: World) -> None:
    give(shop, OPENSSL)
    image(shop, debian("v2"), "v2")
    image(shop, {"x": b"static"}, "v3")
    shop.aws.scanning.wait()
    done = cli("monitor", "check", "--json")
    assert (done.code, codes(done)) == (3, ["monitor-scan-findings", "monitor-scan-unsupported"])
    assert done.json["findings"][0]["fix"] == "longshore scan report shop:v2"
    shop.client().create_repository(repositoryName="other")
    shop.push("other", "one", "v1")
    assert "other" not in json.dumps(cli("monitor", "check", "--json").json["findings"])
    shop.aws.clock.advance(31 * 60)
    found = cli("monitor", "check", "--json").json["findings"]
    assert {"resource": "other"} in [one["where"] for one in found]
    assert "monitor-scan-unfinished" in [one["code"] for one in found]


def test_storage_over_its_limit(cli: RunCli, shop: World) -> None:
    Path("longshore.yaml").write_text(CONFIG.replace("storage_gb: 1", "storage_gb: 0.0000001"))
    done = cli("monitor", "check", "--json")
    assert (done.code, codes(done)) == (3, ["monitor-storage"])
    assert "alerts.storage_gb" in done.json["findings"][0]["message"]


def put_pulls(world: World, at: datetime, pulls: float) -> None:
    """What ECR itself would put."""
    world.client("cloudwatch").put_metric_data(
        Namespace="AWS/ECR",
        MetricData=[
            {
                "MetricName": "RepositoryPullCount",
                "Dimensions": [{"Name": "RepositoryName", "Value": "shop"}],
                "Timestamp": at,
                "Value": pulls,
            }
        ],
    )


def test_unusual_pulls(cli: RunCli, shop: World) -> None:
    hour = shop.aws.clock.now().replace(minute=5, second=0, microsecond=0)
    for number in range(1, 60):
        put_pulls(shop, hour - timedelta(hours=number), 100)
    assert cli("monitor", "check").code == 0
    put_pulls(shop, hour - timedelta(hours=1), 250)
    done = cli("monitor", "check", "--json")
    assert codes(done) == ["monitor-pull-spike"]
    assert "350 pulls" in done.json["findings"][0]["message"]
    Path("longshore.yaml").write_text(CONFIG.replace(", pulls: {anomaly: 3}", ""))
    assert cli("monitor", "check").code == 0


def test_a_collector_that_stopped(cli: RunCli, shop: World) -> None:
    assert cli("monitor", "publish", "--yes").code == 0
    assert cli("monitor", "check").code == 0
    shop.aws.clock.advance(5 * 3600)
    assert codes(cli("monitor", "check", "--json")) == ["monitor-heartbeat"]
    assert cli("monitor", "publish", "--yes").code == 0
    assert cli("monitor", "check").code == 0


def test_a_repository_that_is_gone(cli: RunCli, shop: World) -> None:
    assert cli("monitor", "check").code == 0
    shop.client().delete_repository(repositoryName="shop", force=True)
    done = cli("monitor", "check", "--json")
    assert (done.code, codes(done)) == (3, ["monitor-repository-gone"])
    again = cli("monitor", "check", "--json")
    assert (again.code, codes(again)) == (1, []), "longshore.yaml names it, and it cannot be read"
    assert again.json["unchecked"][0]["name"] == "shop"


@pytest.mark.parametrize("operation", ["DescribeImages", "GetRepositoryPolicy", "GetMetricData"])
def test_what_cannot_be_read_is_never_clean(
    cli: RunCli, shop: World, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    call = aws.AwsClient.call

    def denied(self: Any, asked: str, *given: Any, **more: Any) -> Any:
        if asked == operation:
            raise AwsError("denied", code="access-denied")
        return call(self, asked, *given, **more)

    monkeypatch.setattr(aws.AwsClient, "call", denied)
    done = cli("monitor", "check", "--json")
    assert (done.code, codes(done), len(done.json["unchecked"])) == (1, [], 1)
    assert cli("monitor", "check").code == 1


def test_without_a_file_the_last_check_is_what_counts(cli: RunCli, shop: World) -> None:
    Path("longshore.yaml").unlink()
    first = cli("monitor", "check", "--json")
    assert (first.code, codes(first)) == (0, [])
    assert any("longshore.yaml" in one for one in first.json["not_looked_at"])
    shop.client().put_image_tag_mutability(repositoryName="shop", imageTagMutability="MUTABLE")
    assert codes(cli("monitor", "check", "--json")) == ["monitor-tags-mutable"]
    assert codes(cli("monitor", "check", "--json")) == []


def test_what_publish_puts_flips_an_alarm_and_the_queue_gets_it(cli: RunCli, shop: World) -> None:
    url = shop.client("sqs").create_queue(QueueName="ops")["QueueUrl"]
    topic = shop.client("sns").create_topic(Name="alerts")["TopicArn"]
    arn = f"arn:aws:sqs:{REGION}:123456789012:ops"
    shop.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def messages() -> list[str]:
        found = shop.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(one["Body"])["Subject"] for one in found.get("Messages", [])]

    for name, threshold in (("roomy", 2.0**30), ("full", 1.0)):
        shop.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="Longshore/ECR",
            MetricName="StorageBytesUnique",
            Dimensions=[{"Name": "Registry", "Value": "123456789012"}],
            Statistic="Maximum",
            Period=3600,
            EvaluationPeriods=1,
            Threshold=threshold,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[topic],
        )
    assert cli("monitor", "publish", "--yes").code == 0
    assert messages() == [], "unique bytes were not put, so nothing is known of them"
    assert cli("monitor", "publish", "--yes", "--unique").code == 0
    assert messages() == [f'ALARM: "full" in {REGION}']


def test_alerts_as_they_stand(cli: RunCli, shop: World) -> None:
    done = cli("monitor", "alerts", "--json")
    assert {one["status"] for one in done.json["alerts"]} == {"there"}
    assert done.json["alerts"][0]["name"] == "topic/longshore-alerts"
    shop.client("cloudwatch").delete_alarms(AlarmNames=["longshore-storage"])
    shop.client("events").disable_rule(Name="longshore-weakened")
    shop.client("sns").delete_topic(TopicArn=f"arn:aws:sns:{REGION}:123456789012:longshore-alerts")
    shop.client("sns").create_topic(Name="longshore-alerts")
    found = {one["name"]: one for one in cli("monitor", "alerts", "--json").json["alerts"]}
    assert found["alarm/longshore-storage"]["status"] == "missing"
    assert found["rule/longshore-weakened"]["differs"] == ["state"]
    assert found["topic/longshore-alerts"]["status"] == "foreign"
    assert found["alarm/longshore-collector"]["state"] == "ALARM"
    people = cli("monitor", "alerts")
    assert (people.code, "somebody else's" in people.out) == (0, True)
    Path("longshore.yaml").write_text(CONFIG.split("alerts:")[0])
    assert "no alerts" in cli("monitor", "alerts").out
