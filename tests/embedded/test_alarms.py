"""Alarms that live: values flip them, topics are told; pushes and pulls are counted as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.embedded.aws_world import ACCOUNT, OCI, REGION, World, index_of, running
from tests.embedded.test_aws_services import queue, receive
from tests.embedded.test_ecr_repositories import refused

STORAGE = {
    "AlarmName": "storage",
    "Namespace": "Longshore/ECR",
    "MetricName": "StorageBytesUnique",
    "Dimensions": [{"Name": "Registry", "Value": ACCOUNT}],
    "Statistic": "Maximum",
    "Period": 3600,
    "EvaluationPeriods": 1,
    "Threshold": 100.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "missing",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path / "data") as one:
        one.client().create_repository(repositoryName="shop")
        yield one


@pytest.fixture
def told(world: World) -> Any:
    """`told()` gives what a queue that subscribed to the topic `alerts` got since."""
    url, arn = queue(world, "ops")
    sns = world.client("sns")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def messages() -> list[Any]:
        found = []
        while got := world.client("sqs").receive_message(QueueUrl=url).get("Messages"):
            for one in got:
                body = json.loads(one["Body"])
                found.append((body["Subject"], json.loads(body["Message"])))
                world.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return found

    return messages


TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"


def alarm(world: World, **changes: Any) -> None:
    asked = {**STORAGE, "AlarmActions": [TOPIC], "OKActions": [TOPIC], **changes}
    world.client("cloudwatch").put_metric_alarm(**asked)


def put(world: World, value: float, name: str = "StorageBytesUnique", ago_s: float = 0) -> None:
    world.client("cloudwatch").put_metric_data(
        Namespace="Longshore/ECR",
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": "Registry", "Value": ACCOUNT}],
                "Timestamp": world.aws.clock.now() - timedelta(seconds=ago_s),
                "Value": value,
            }
        ],
    )


def state(world: World, name: str = "storage") -> str:
    [found] = world.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found["StateValue"])


def test_storage_over_the_threshold_notifies_and_back_again(world: World, told: Any) -> None:
    alarm(world)
    assert state(world) == "INSUFFICIENT_DATA"
    put(world, 100)
    assert state(world) == "OK"
    assert [subject for subject, _ in told()] == [f'OK: "storage" in {REGION}']
    put(world, 101)
    assert state(world) == "ALARM"
    [(subject, message)] = told()
    assert subject == f'ALARM: "storage" in {REGION}'
    assert (message["OldStateValue"], message["NewStateValue"]) == ("OK", "ALARM")
    assert message["Trigger"]["Threshold"] == 100
    assert "101.0" in message["NewStateReason"]
    put(world, 150)
    assert told() == [], "a state that stays is told once"
    world.aws.clock.advance(3 * 3600 + 1)
    put(world, 5)
    world.aws.alarms.look()
    assert [subject.split(":")[0] for subject, _ in told()] == ["OK"]


def test_the_clock_alone_flips_an_alarm(world: World, told: Any) -> None:
    alarm(
        world,
        AlarmName="dead",
        MetricName="CollectorHeartbeat",
        Statistic="Sum",
        EvaluationPeriods=3,
        Threshold=1.0,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
        OKActions=[],
    )
    assert state(world, "dead") == "ALARM"
    for _ in range(4):
        world.aws.clock.advance(3600)
        put(world, 1, "CollectorHeartbeat")
    assert state(world, "dead") == "OK"
    told()
    world.aws.clock.advance(2 * 3600)
    world.aws.alarms.look()
    assert told() == []
    world.aws.clock.advance(5 * 3600)
    world.aws.alarms.look()
    assert [subject for subject, _ in told()] == [f'ALARM: "dead" in {REGION}']


def test_other_metrics_flip_nothing(world: World, told: Any) -> None:
    alarm(world)
    put(world, 999, "StorageBytesLogical")
    world.client("cloudwatch").put_metric_data(
        Namespace="Longshore/ECR", MetricData=[{"MetricName": "StorageBytesUnique", "Value": 999}]
    )
    put(world, 999, ago_s=4 * 3600)
    assert state(world) == "INSUFFICIENT_DATA"
    assert told() == []


def test_m_of_n(world: World, told: Any) -> None:
    alarm(world, Period=60, EvaluationPeriods=3, DatapointsToAlarm=2, OKActions=[])
    for value, wanted in ((5, "OK"), (500, "OK"), (5, "OK"), (500, "ALARM"), (500, "ALARM")):
        world.aws.clock.advance(60)
        put(world, value)
        assert state(world) == wanted


def test_actions_can_be_off_and_topics_can_be_gone(world: World, told: Any) -> None:
    alarm(world, ActionsEnabled=False)
    put(world, 101)
    assert (state(world), told()) == ("ALARM", [])
    alarm(world, AlarmName="lost", AlarmActions=[f"{TOPIC}-gone", f"{TOPIC}"])
    assert state(world, "lost") == "ALARM"
    assert [message["AlarmName"] for _, message in told()] == ["lost"]


def test_a_state_that_is_set_by_hand_is_told(world: World, told: Any) -> None:
    alarm(world)
    put(world, 1)
    told()
    world.client("cloudwatch").set_alarm_state(
        AlarmName="storage", StateValue="ALARM", StateReason="a test"
    )
    assert state(world) == "ALARM"
    [(_, message)] = told()
    assert message["NewStateReason"] == "a test"
    world.aws.alarms.look()
    assert state(world) == "OK"


def test_an_alarm_that_is_put_again_keeps_its_state(world: World, told: Any) -> None:
    alarm(world)
    put(world, 101)
    told()
    alarm(world)
    assert (state(world), told()) == ("ALARM", [])
    alarm(world, Threshold=1000.0)
    assert state(world) == "OK"


def test_states_and_messages_survive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        url, arn = queue(world, "ops")
        world.client("sns").create_topic(Name="alerts")
        world.client("sns").subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn)
        alarm(world)
        put(world, 101)
    with running(tmp_path) as world:
        assert state(world) == "ALARM"
        world.aws.alarms.look()
        assert len(receive(world, url.replace(url.split("/")[2], world.endpoint[7:]))) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Statistic": None, "ExtendedStatistic": "p90"}, "NotImplementedByEmbeddedServer"),
        ({"DatapointsToAlarm": 2}, "ValidationError"),
        ({"Namespace": None}, "ValidationError"),
        ({"Threshold": None}, "ValidationError"),
        ({"TreatMissingData": "never"}, "ValidationError"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "ValidationError"),
    ],
)
def test_alarms_that_could_not_be_judged_are_refused(
    world: World, changes: dict[str, Any], code: str
) -> None:
    asked = {key: value for key, value in {**STORAGE, **changes}.items() if value is not None}
    assert refused(world.client("cloudwatch").put_metric_alarm, **asked)[0] == code
    assert world.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_metric_math_and_composite_alarms_are_refused_by_name(world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    metric = {"Namespace": "AWS/ECR", "MetricName": "RepositoryPullCount"}
    asked = {
        "AlarmName": "spike",
        "ComparisonOperator": "GreaterThanUpperThreshold",
        "EvaluationPeriods": 1,
        "ThresholdMetricId": "ad1",
        "Metrics": [
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}},
            {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 3)"},
        ],
    }
    code, message = refused(cloudwatch.put_metric_alarm, **asked)
    assert code == "NotImplementedByEmbeddedServer"
    assert "anomaly detection" in message
    composite = {"AlarmName": "both", "AlarmRule": "ALARM(a)"}
    assert refused(cloudwatch.put_composite_alarm, **composite)[0] == code


# --- pushes and pulls ----------------------------------------------------------------------------


def pulls(world: World, repository: str = "shop") -> float:
    """What CloudWatch says of the last hour."""
    now = world.aws.clock.now()
    found = world.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/ECR",
                        "MetricName": "RepositoryPullCount",
                        "Dimensions": [{"Name": "RepositoryName", "Value": repository}],
                    },
                    "Period": 3600,
                    "Stat": "Sum",
                },
            }
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
    )
    return float(sum(found["MetricDataResults"][0]["Values"]))


@pytest.mark.parametrize(("pushed", "pulled"), [(3, 7), (1, 0)])
def test_so_many_pushes_and_pulls_are_so_many(world: World, pushed: int, pulled: int) -> None:
    url, arn = queue(world, "pushes")
    events = world.client("events")
    pattern = {
        "source": ["aws.ecr"],
        "detail-type": ["ECR Image Action"],
        "detail": {"action-type": ["PUSH"], "result": ["SUCCESS"]},
    }
    events.put_rule(Name="pushes", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="pushes", Targets=[{"Id": "q", "Arn": arn}])
    world.client().create_repository(repositoryName="other")
    for number in range(pushed):
        world.push("shop", f"image-{number}", f"v{number}")
    world.aws.telling.tell()
    told = []
    while got := receive(world, url, wait=0):
        told += got
    assert len(told) == pushed
    for number in range(pulled):
        if number % 2:
            asked = {"imageIds": [{"imageTag": "v0"}]}
            world.client().batch_get_image(repositoryName="shop", **asked)
        else:
            assert world.v2("GET", "/v2/shop/manifests/v0").status == 200
    assert world.v2("HEAD", "/v2/shop/manifests/v0").status == 200
    assert world.v2("GET", "/v2/shop/manifests/none").status == 404
    assert pulls(world) == pulled
    assert pulls(world, "other") == 0
    assert pulls(world) == pulled, "asking twice counts nothing twice"


def test_an_index_is_pulled_with_its_platforms(world: World) -> None:
    children = [world.manifest("shop", one) for one in ("amd64", "arm64")]
    digests = [world.put("shop", content) for content in children]
    index = world.put("shop", index_of(*children), "v1")
    for name in ("v1", index, digests[0]):
        accept = {"Accept": f"{OCI}, application/vnd.oci.image.index.v1+json"}
        assert world.v2("GET", f"/v2/shop/manifests/{name}", headers=accept).status == 200
    assert pulls(world) == 3


def test_pulls_survive_a_restart_and_flip_an_alarm(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        world.client().create_repository(repositoryName="shop")
        world.push("shop", "one", "v1")
        for _ in range(5):
            world.v2("GET", "/v2/shop/manifests/v1")
    with running(tmp_path) as world:
        world.client("cloudwatch").put_metric_alarm(
            AlarmName="pulls",
            Namespace="AWS/ECR",
            MetricName="RepositoryPullCount",
            Dimensions=[{"Name": "RepositoryName", "Value": "shop"}],
            Statistic="Sum",
            Period=3600,
            EvaluationPeriods=1,
            Threshold=6.0,
            ComparisonOperator="GreaterThanThreshold",
        )
        assert (pulls(world), state(world, "pulls")) == (5, "OK")
        for _ in range(2):
            world.v2("GET", "/v2/shop/manifests/v1")
        world.aws.alarms.look()
        assert (pulls(world), state(world, "pulls")) == (7, "ALARM")


def test_who_uses_no_cloudwatch_loads_nothing_of_it(world: World) -> None:
    world.push("shop", "one", "v1")
    world.v2("GET", "/v2/shop/manifests/v1")
    world.aws.alarms.look()
    assert not world.aws.services.has_calls_to("monitoring")
