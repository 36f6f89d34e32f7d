"""The services behind moto: what they do here that moto alone does not."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.embedded.aws_world import ACCOUNT, ALL_OF_ECR, REGION, ROOT, World, running
from tests.embedded.test_ecr_repositories import refused

from longshore.embedded.aws import RootKey
from longshore.embedded.event_input import target_input
from longshore.embedded.fetch import is_allowed

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        ],
    }
)


def session(world: World, role_arn: str, name: str = "ci") -> tuple[RootKey, str]:
    """Key and token of a role's session."""
    found = world.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=name)["Credentials"]
    return RootKey(found["AccessKeyId"], found["SecretAccessKey"]), found["SessionToken"]


def role(world: World, name: str = "deployer") -> Any:
    return world.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]


def receive(world: World, url: str, wait: int = 2) -> list[Any]:
    found = world.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=wait)
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def queue(world: World, name: str) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    return (
        world.client("sqs").create_queue(QueueName=name)["QueueUrl"],
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
    )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path) as started:
        yield started


def test_credentials_decide_who_calls(world: World) -> None:
    iam = world.client("iam")
    user = iam.create_user(UserName="ci")["User"]
    iam.put_user_policy(UserName="ci", PolicyName="ecr", PolicyDocument=ALL_OF_ECR)
    made = iam.create_access_key(UserName="ci")["AccessKey"]
    key = RootKey(made["AccessKeyId"], made["SecretAccessKey"])
    identity = world.client("sts", key).get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (user["Arn"], user["UserId"])
    assert world.client(key=key).describe_repositories()["repositories"] == []
    iam.update_access_key(UserName="ci", AccessKeyId=key.access_key, Status="Inactive")
    assert refused(world.client(key=key).describe_repositories)[0] == "UnrecognizedClientException"

    made_role = role(world)
    iam.put_role_policy(RoleName="deployer", PolicyName="ecr", PolicyDocument=ALL_OF_ECR)
    key, token = session(world, made_role["Arn"])
    identity = world.client("sts", key, token=token).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ci"
    ecr = world.client(key=key, token=token)
    assert ecr.describe_repositories()["repositories"] == []
    expires = ecr.get_authorization_token()["authorizationData"][0]["expiresAt"]
    assert (expires - world.aws.clock.now()).total_seconds() <= 3600
    assert refused(world.client(key=key).describe_repositories)[0] == "UnrecognizedClientException"
    world.aws.clock.advance(3601)
    code, message = refused(ecr.describe_repositories)
    assert code == "ExpiredTokenException"
    assert message == "The security token included in the request is expired"


def test_one_key_pair_for_all_is_not_handed_out(world: World) -> None:
    assert refused(world.client("sts").get_session_token)[0] == "NotImplementedByEmbeddedServer"


def everything(world: World) -> list[Any]:
    """What was made in `test_state_survives_kill`, as each service tells it."""
    told = [
        world.client("iam").get_role(RoleName="deployer")["Role"],
        world.client("iam").list_access_keys(UserName="ci")["AccessKeyMetadata"],
        world.client("sns").list_topics()["Topics"],
        world.client("sns").list_subscriptions()["Subscriptions"],
        world.client("sqs").list_queues()["QueueUrls"],
        world.client("secretsmanager").describe_secret(SecretId="hub"),
        world.client("kms").list_keys()["Keys"],
        world.client("events").list_rules()["Rules"],
        world.client("cloudwatch").describe_alarms()["MetricAlarms"],
    ]
    text = json.dumps(told, default=str).replace(world.endpoint, "ENDPOINT")
    for answer in (found := json.loads(text)):
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
            answer.pop("RoleLastUsed", None)
    return list(found)


@contextmanager
def process(folder: Path) -> Iterator[tuple[World, subprocess.Popen[str]]]:
    """The account in a process of its own."""
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.embedded.aws_world", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stdout is not None
        endpoint, registry, layers = json.loads(started.stdout.readline())
        yield World(None, endpoint, registry, layers, folder), started  # type: ignore[arg-type]
    finally:
        started.kill()
        started.communicate()


@pytest.mark.kill
def test_state_survives_kill(tmp_path: Path) -> None:
    with process(tmp_path) as (world, running_process):
        iam, sns = world.client("iam"), world.client("sns")
        arn = role(world)["Arn"]
        iam.create_user(UserName="ci")
        iam.create_access_key(UserName="ci")
        topic = sns.create_topic(Name="alerts")["TopicArn"]
        queue_arn = queue(world, "inbox")[1]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
        sns.publish(TopicArn=topic, Message="hello")
        world.client("secretsmanager").create_secret(Name="hub", SecretString="s")
        cipher = world.client("kms").encrypt(
            KeyId=world.client("kms").create_key()["KeyMetadata"]["KeyId"], Plaintext=b"p"
        )["CiphertextBlob"]
        world.client("events").put_rule(Name="r", EventPattern='{"source": ["aws.ecr"]}')
        world.client("cloudwatch").put_metric_alarm(
            AlarmName="a",
            Namespace="n",
            MetricName="m",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        key, token = session(world, arn)
        before = everything(world)
        running_process.kill()
        running_process.wait()
    with process(tmp_path) as (world, _):
        assert everything(world) == before
        identity = world.client("sts", key, token=token).get_caller_identity()
        assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ci"
        (message,) = receive(world, f"{world.endpoint}/{ACCOUNT}/inbox")
        assert (message["Message"], message["TopicArn"]) == ("hello", topic)
        assert world.client("kms").decrypt(CiphertextBlob=cipher)["Plaintext"] == b"p"
        first = role(world, "first-after-the-restart")
        assert first["RoleId"] != before[0]["RoleId"]


def test_two_folders_have_two_states(tmp_path: Path) -> None:
    with running(tmp_path / "a") as a, running(tmp_path / "b") as b:
        role(a)
        assert refused(b.client("iam").get_role, RoleName="deployer")[0] == "NoSuchEntity"
        role(b, "other")
        assert [one["RoleName"] for one in a.client("iam").list_roles()["Roles"]] == ["deployer"]


def test_a_refused_call_is_not_kept(world: World) -> None:
    iam = world.client("iam")
    role(world)
    kept = len(list(world.aws.services._journal.entries()))
    with pytest.raises(ClientError):
        role(world)
    iam.get_role(RoleName="deployer")
    assert len(list(world.aws.services._journal.entries())) == kept == 1


def test_times_are_the_clocks(world: World) -> None:
    world.aws.clock.advance(-86400 * 30)
    made = role(world)["CreateDate"]
    assert abs((made - world.aws.clock.now()).total_seconds()) < 60


# --- messages -----------------------------------------------------------------------------------


def test_a_topic_reaches_a_queue(world: World) -> None:
    sns = world.client("sns")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    url, arn = queue(world, "inbox")
    assert url == f"{world.endpoint}/{ACCOUNT}/inbox"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="hello", Subject="s")
    (message,) = receive(world, url)
    assert (message["Message"], message["Subject"]) == ("hello", "s")
    assert receive(world, url, wait=0) == []


def test_waiting_for_a_message_holds_nobody_up(world: World) -> None:
    url, _ = queue(world, "inbox")
    kept = len(list(world.aws.services._journal.entries()))
    got: list[Any] = []
    waiter = threading.Thread(target=lambda: got.extend(receive(world, url, wait=10)))
    began = time.monotonic()
    waiter.start()
    time.sleep(0.3)
    assert len(list(world.aws.services._journal.entries())) == kept
    world.client("sqs").send_message(QueueUrl=url, MessageBody='"now"')
    waiter.join()
    assert got == ["now"]
    assert time.monotonic() - began < 5


def test_an_event_reaches_topics_and_queues(world: World) -> None:
    sns, events = world.client("sns"), world.client("events")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    by_topic, by_topic_arn = queue(world, "by-topic")
    direct, direct_arn = queue(world, "direct")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=by_topic_arn)
    pattern = {"source": ["aws.ecr"], "detail": {"action-type": ["PUSH"]}}
    events.put_rule(Name="pushes", EventPattern=json.dumps(pattern))
    targets = [
        {"Id": "1", "Arn": topic},
        {"Id": "2", "Arn": direct_arn},
        {"Id": "3", "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"},
        {"Id": "5", "Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:pushes"},
        {
            "Id": "4",
            "Arn": topic,
            "InputTransformer": {
                "InputPathsMap": {"r": "$.detail.repository-name"},
                "InputTemplate": '{"pushed": "<r>"}',
            },
        },
    ]
    logs = world.client("logs")
    logs.create_log_group(logGroupName="pushes")
    events.put_targets(Rule="pushes", Targets=targets)
    for kind in ("PUSH", "DELETE"):
        detail = {"action-type": kind, "repository-name": "shop"}
        entry = {
            "Source": "aws.ecr",
            "DetailType": "ECR Image Action",
            "Detail": json.dumps(detail),
        }
        answer = events.put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0
    (event,) = receive(world, direct)
    (logged,) = logs.filter_log_events(logGroupName="pushes")["events"]
    assert json.loads(logged["message"])["id"] == event["id"]
    assert event["detail"]["repository-name"] == "shop"
    messages = [*receive(world, by_topic), *receive(world, by_topic)]
    bodies = [json.loads(message["Message"]) for message in messages]
    assert {"pushed": "shop"} in bodies
    (whole,) = [body for body in bodies if "detail" in body]
    assert whole["detail-type"] == "ECR Image Action"
    assert whole["time"].endswith("Z")
    assert receive(world, direct, wait=0) == []


@contextmanager
def subscriber() -> Iterator[tuple[str, list[Any]]]:
    """An HTTP server that keeps what it is sent."""
    got: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        server.server_close()


def test_deliveries_go_to_loopback_only_and_once(tmp_path: Path) -> None:
    with subscriber() as (url, got):
        with running(tmp_path) as world:
            sns = world.client("sns")
            topic = sns.create_topic(Name="alerts")["TopicArn"]
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
            for away in ("http://192.0.2.1/x", "http://example.com/x"):
                sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=away)
            began = time.monotonic()
            sns.publish(TopicArn=topic, Message="hello")
            while not got and time.monotonic() - began < 5:
                time.sleep(0.02)
            assert [one["Message"] for one in got] == ["hello"]
            assert time.monotonic() - began < 4
        with running(tmp_path) as world:
            assert len(world.client("sns").list_subscriptions()["Subscriptions"]) == 3
        assert len(got) == 1


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1/", True),
        ("http://127.8.8.8:81/x", True),
        ("http://localhost:8080", True),
        ("http://[::1]:80/", True),
        ("https://127.0.0.1/", False),
        ("http://10.0.0.1/", False),
        ("http://127.0.0.1.example.com/", False),
        ("http://user@example.com/127.0.0.1", False),
        ("ftp://127.0.0.1/", False),
        ("nonsense", False),
    ],
)
def test_where_deliveries_may_go(url: str, allowed: bool) -> None:
    assert is_allowed(url) is allowed


EVENT = {"source": "s", "detail": {"n": 1, "text": 'a "b"', "list": [{"x": "y"}]}}


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({}, json.dumps(EVENT)),
        ({"Input": "{}"}, "{}"),
        ({"InputPath": "$.detail.list[0].x"}, '"y"'),
        ({"InputPath": "$.nope.x"}, "null"),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {
                        "n": "$.detail.n",
                        "t": "$.detail.text",
                        "l": "$.detail.list",
                    },
                    "InputTemplate": '{"n": <n>, "t": <t>, "q": "n=<n> t=<t>", "u": "<u>"}',
                }
            },
            '{"n": 1, "t": "a \\"b\\"", "q": "n=1 t=a \\"b\\"", "u": "<u>"}',
        ),
    ],
)
def test_what_a_target_is_sent(target: dict[str, Any], text: str) -> None:
    assert target_input(target, EVENT) == text


# --- what is not here ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "asked"),
    [
        (
            "iam",
            "simulate_principal_policy",
            {"PolicySourceArn": "arn:aws:iam::1:user/x" + "y" * 9, "ActionNames": ["ecr:PutImage"]},
        ),
        ("events", "test_event_pattern", {"EventPattern": "{}", "Event": "{}"}),
        ("cloudwatch", "describe_alarm_history", {}),
        ("pricing", "describe_services", {}),
        ("sts", "get_federation_token", {"Name": "xx"}),
    ],
)
def test_named_errors(world: World, service: str, operation: str, asked: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(world.client(service), operation)(**asked)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "NotImplementedByEmbeddedServer"
    assert "does not have" in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_secrets_stay_in_private_files(world: World) -> None:
    session(world, role(world)["Arn"])
    for name in ("aws-calls.sqlite", "ecr-token.key"):
        assert (world.folder / name).stat().st_mode & 0o077 == 0
    assert ROOT.secret_key not in repr(world.aws.find_principal(ROOT.access_key))
