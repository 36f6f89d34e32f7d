"""Alerts planned and applied at the embedded account: drift, foreign parts, failures, the chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from longshore.provision.actual import read_actual
from longshore.provision.alerts import subscription_of
from longshore.provision.apply import apply
from longshore.provision.changes import Plan
from longshore.provision.config import parse_config
from longshore.provision.desired import desired
from longshore.provision.journal import Journal
from longshore.provision.plan import plan
from longshore.provision.resources import Alert, Desired
from longshore.provision.settings import Target
from longshore.remote.aws import AwsKeys, AwsOptions, open_session
from longshore.remote.ecr import Ecr
from tests.embedded.aws_world import ACCOUNT, REGION, ROOT, World, running
from tests.embedded.scanning.test_parts import osv
from tests.embedded.scanning.test_scans import OPENSSL, debian, give, image

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:ops"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:longshore-alerts"
CONFIG = f"""version: 1
targets: {{t: {{kind: ecr, account: "{ACCOUNT}", region: {REGION}}}}}
repositories: {{shop: {{scan: on-push}}}}
alerts:
  subscribers: [{QUEUE}, "mailto:ops@example.com"]
  storage_gb: 50
  scan: {{critical: 0, medium: 0}}
  pulls: {{anomaly: 3}}
"""
PARTS = [
    "topic/longshore-alerts",
    *(f"rule/longshore-{one}" for one in ("protected-gone", "scan-findings", "scan-unfinished")),
    "rule/longshore-weakened",
    *(f"alarm/longshore-{one}" for one in ("collector", "image-quota", "pulls-shop", "storage")),
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path / "data") as one:
        yield one


@pytest.fixture
def ecr(world: World) -> Ecr:
    keys = AwsKeys(ROOT.access_key, ROOT.secret_key)
    return Ecr(open_session(AwsOptions(region=REGION, endpoint_url=world.endpoint, keys=keys)))


def want(text: str = CONFIG) -> Desired:
    config = parse_config(text)
    return desired(config, Target("t", "ecr", ACCOUNT, REGION))


def made_plan(ecr: Ecr, text: str = CONFIG) -> Plan:
    wanted = want(text)
    return plan(wanted, read_actual(ecr, wanted))


@pytest.fixture
def bring(ecr: Ecr, tmp_path: Path) -> Any:
    def about(text: str = CONFIG) -> list[tuple[str, str]]:
        planned = made_plan(ecr, text)
        with Journal(tmp_path / "apply.jsonl") as journal:
            list(apply(planned, ecr, journal))
        return rows(planned)

    return about


def rows(planned: Plan) -> list[tuple[str, str]]:
    return [(one.name, one.action) for one in planned.changes if one.kind == "alert"]


def test_all_is_made_and_a_second_plan_has_nothing_to_do(ecr: Ecr, bring: Any) -> None:
    assert bring() == [(name, "create") for name in PARTS]
    assert made_plan(ecr).changes == ()
    assert bring(CONFIG.split("alerts:")[0]) == [], "what the config no longer names stays"


def test_what_is_made(world: World, bring: Any) -> None:
    bring()
    sns = world.client("sns")
    policy = json.loads(sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    services = {
        one["Principal"].get("Service"): one["Condition"]
        for one in policy["Statement"]
        if one["Sid"].startswith("Longshore")
    }
    assert set(services) == {"events.amazonaws.com", "cloudwatch.amazonaws.com"}
    assert services["cloudwatch.amazonaws.com"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert len(policy["Statement"]) == 3, "the topic's own first statement stays"
    found = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    assert {(one["Protocol"], one["Endpoint"]) for one in found} == {
        ("sqs", QUEUE),
        ("email", "ops@example.com"),
    }
    alarms = world.client("cloudwatch").describe_alarms()["MetricAlarms"]
    of = {one["AlarmName"]: one for one in alarms}
    assert of["longshore-storage"]["Threshold"] == 50 * 2**30
    assert of["longshore-collector"]["TreatMissingData"] == "breaching"
    assert of["longshore-pulls-shop"]["Threshold"] == 600
    assert {tuple(one["AlarmActions"]) for one in alarms} == {(TOPIC,)}


def test_drift_is_seen_in_each_part_and_set_right(world: World, ecr: Ecr, bring: Any) -> None:
    bring()
    sns, events = world.client("sns"), world.client("events")
    for one in sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    sns.set_topic_attributes(
        TopicArn=TOPIC,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )
    events.disable_rule(Name="longshore-scan-findings")
    events.remove_targets(Rule="longshore-weakened", Ids=["longshore"])
    world.client("cloudwatch").delete_alarms(AlarmNames=["longshore-collector"])
    world.client("cloudwatch").disable_alarm_actions(AlarmNames=["longshore-storage"])
    planned = {one.name: one for one in made_plan(ecr).changes}
    assert {name: (one.action, sorted(one.diff)) for name, one in planned.items()} == {
        "topic/longshore-alerts": ("update", ["policy", "subscribers"]),
        "rule/longshore-scan-findings": ("update", ["state"]),
        "rule/longshore-weakened": ("update", ["target"]),
        "alarm/longshore-collector": ("create", sorted(planned["alarm/longshore-collector"].diff)),
        "alarm/longshore-storage": ("update", ["ActionsEnabled"]),
    }
    bring()
    assert made_plan(ecr).changes == ()
    assert bring(CONFIG.replace("storage_gb: 50", "storage_gb: 60")) == [
        ("alarm/longshore-storage", "update")
    ]


def test_what_others_made_stays(world: World, ecr: Ecr, bring: Any) -> None:
    cloudwatch, sns = world.client("cloudwatch"), world.client("sns")
    theirs = {
        "AlarmName": "longshore-storage",
        "Namespace": "Theirs",
        "MetricName": "m",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch.put_metric_alarm(**theirs)
    made = bring()
    assert ("alarm/longshore-storage", "create") not in made
    [seen] = cloudwatch.describe_alarms(AlarmNames=["longshore-storage"])["MetricAlarms"]
    assert seen["Namespace"] == "Theirs"
    notes = [one.message for one in made_plan(ecr).notes if one.resource.endswith("storage")]
    assert any("left as it is" in one for one in notes)
    sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="boss@example.com")
    statement = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish",
                 "Resource": TOPIC}  # fmt: skip
    policy = json.loads(sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    ours = [one for one in policy["Statement"] if one["Sid"] != "LongshoreRules"]
    sns.set_topic_attributes(
        TopicArn=TOPIC,
        AttributeName="Policy",
        AttributeValue=json.dumps({**policy, "Statement": [*ours, statement]}),
    )
    assert bring() == [("topic/longshore-alerts", "update")]
    after = json.loads(sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    assert {"Theirs", "LongshoreRules"} <= {one["Sid"] for one in after["Statement"]}
    endpoints = [
        one["Endpoint"] for one in sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    ]
    assert "boss@example.com" in endpoints
    assert made_plan(ecr).changes == ()


def test_a_stopped_apply_goes_on(
    world: World, ecr: Ecr, bring: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longshore.errors import AwsError
    from longshore.remote import aws

    call = aws.AwsClient.call
    failed: set[tuple[str, str]] = set()

    def failing(self: Any, operation: str, given: Any, **more: Any) -> Any:
        key = (operation, more.get("resource", ""))
        if key not in failed:
            failed.add(key)
            raise AwsError("later", temporary=True)
        return call(self, operation, given, **more)

    monkeypatch.setattr(aws.AwsClient, "call", failing)
    for _ in range(200):
        try:
            bring()
            break
        except AwsError:
            continue
    assert {"CreateTopic", "SetTopicAttributes", "Subscribe", "PutRule", "PutTargets"} <= {
        operation for operation, _ in failed
    }
    monkeypatch.undo()
    assert made_plan(ecr).changes == ()


def messages(world: World) -> list[Any]:
    url = world.client("sqs").get_queue_url(QueueName="ops")["QueueUrl"]
    found: list[Any] = []
    while got := world.client("sqs").receive_message(QueueUrl=url).get("Messages"):
        for one in got:
            found.append(json.loads(json.loads(one["Body"])["Message"]))
            world.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return found


def test_the_alert_arrives_and_a_healthy_day_raises_nothing(world: World, bring: Any) -> None:
    world.client("sqs").create_queue(QueueName="ops")
    bring()
    messages(world)
    mended = osv("openssl", "Debian:12", events=[{"introduced": "0"}, {"fixed": "1.0"}])
    give(world, mended)
    image(world, debian(), "v1")
    world.client().put_image(
        repositoryName="shop",
        imageManifest=world.client().batch_get_image(
            repositoryName="shop", imageIds=[{"imageTag": "v1"}]
        )["images"][0]["imageManifest"],
        imageTag="live-prod",
    )
    put(world, "StorageBytesLogical", 2**30)
    put(world, "ImageCountLargest", 2)
    settle(world)
    assert [one for one in messages(world) if one.get("NewStateValue") != "OK"] == []

    give(world, OPENSSL)
    image(world, debian("v2"), "v2")
    settle(world)
    [found] = messages(world)
    assert found["detail"]["finding-severity-counts"] == {"MEDIUM": 1}
    image(world, {"x": b"static"}, "v3")
    settle(world)
    [found] = messages(world)
    assert found["detail"]["scan-status"] == "UNSUPPORTED_IMAGE"
    world.client().batch_delete_image(
        repositoryName="shop", imageIds=[{"imageTag": "live-prod"}, {"imageTag": "v2"}]
    )
    settle(world)
    [found] = messages(world)
    assert found["detail"]["image-tag"] == "live-prod"
    put(world, "StorageBytesLogical", 51 * 2**30)
    [found] = messages(world)
    assert (found["AlarmName"], found["NewStateValue"]) == ("longshore-storage", "ALARM")
    for _ in range(601):
        world.aws.ecr.pulled(world.aws.ecr.served, "shop")
    world.aws.alarms.look()
    [found] = messages(world)
    assert found["AlarmName"] == "longshore-pulls-shop"


def put(world: World, name: str, value: float) -> None:
    world.client("cloudwatch").put_metric_data(
        Namespace="Longshore/ECR",
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": "Registry", "Value": ACCOUNT}],
                "Timestamp": world.aws.clock.now() - timedelta(seconds=1),
                "Value": value,
            }
        ],
    )


def settle(world: World) -> None:
    world.aws.scanning.wait()
    world.aws.telling.tell()


def test_notes_say_who_is_told_and_what_it_costs(ecr: Ecr) -> None:
    said = "\n".join(one.message for one in made_plan(ecr).notes)
    assert "4 alarms cost $0.00 a month" in said
    assert "CloudTrail" in said
    nobody = "version: 1\ntargets: {t: {kind: local}}\nalerts: {storage_gb: 1}\n"
    said = "\n".join(one.message for one in want(nobody).notes)
    assert "nobody subscribes" in said
    other = nobody.replace("{storage_gb: 1}", f"{{subscribers: ['{TOPIC}']}}")
    assert "cannot subscribe" in "\n".join(one.message for one in want(other).notes)
    assert want(nobody.split("alerts")[0]).resources == ()


@pytest.mark.parametrize(
    ("scan", "detail"),
    [
        ("{high: 5}", {"finding-severity-counts": {"HIGH": [{"numeric": [">", 5]}]}}),
        (
            "{high: 5, low: 9}",
            {
                "$or": [
                    {"finding-severity-counts": {"HIGH": [{"numeric": [">", 5]}]}},
                    {"finding-severity-counts": {"LOW": [{"numeric": [">", 9]}]}},
                ]
            },
        ),
    ],
)
def test_one_limit_needs_no_or(scan: str, detail: dict[str, Any]) -> None:
    text = CONFIG.replace("{critical: 0, medium: 0}", scan)
    of = {one.name: one for one in want(text).resources}
    rule = of["rule/longshore-scan-findings"]
    assert isinstance(rule, Alert)
    assert rule.document["pattern"]["detail"] == {"scan-status": ["COMPLETE"], **detail}


@pytest.mark.parametrize(
    ("subscriber", "wanted"),
    [
        ("https://example.com/hook", ("https", "https://example.com/hook")),
        (QUEUE, ("sqs", QUEUE)),
        ("arn:aws:lambda:r:1:function:f", ("lambda", "arn:aws:lambda:r:1:function:f")),
        ("arn:aws:sns:r:1:t", None),
        ("arn:aws", None),
    ],
)
def test_subscribers(subscriber: str, wanted: tuple[str, str] | None) -> None:
    assert subscription_of(subscriber) == wanted


def test_no_alerts_means_no_question(world: World, ecr: Ecr) -> None:
    text = CONFIG.split("alerts:")[0]
    assert read_actual(ecr, want(text)).alerts == {}
