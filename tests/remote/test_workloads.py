"""ECS and Lambda as places of use: recorded shapes, checked against botocore's own models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import botocore.session
import pytest
from botocore.validate import validate_parameters

from longshore.facts import Endpoint, InUse, UsesSeen
from longshore.oci.digest import digest_of
from longshore.remote import ecs, functions
from longshore.remote.aws import AwsKeys, AwsOptions, AwsSession, open_session
from longshore.remote.ecs import EcsLook, read_ecs
from longshore.remote.functions import read_functions
from longshore.remote.workloads import watch
from tests.embedded.aws_world import ROOT, World, running
from tests.remote.scripted import Asked, Say, Scripted, serving

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
HERE = Endpoint("ecr", ACCOUNT, REGION, HOST)
WATCHED = watch(HERE)
D1, D2, D3 = (digest_of(name) for name in (b"1", b"2", b"3"))
_MODELS = botocore.session.get_session()


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def session(url: str) -> AwsSession:
    keys = AwsKeys("AKIAEXAMPLE", "secret-key")
    return open_session(AwsOptions(REGION, endpoint_url=url, keys=keys, max_attempts=1))


def as_of_the_model(service: str, operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, when the SDK's own model has every one of its members."""
    model = _MODELS.get_service_model(service).operation_model(operation)
    validate_parameters(answer, model.output_shape)
    return answer


class StubEcs:
    """An ECS whose answers are functions of what is asked."""

    def __init__(self, answers: dict[str, Callable[[dict[str, Any]], Any]]) -> None:
        self.answers = answers
        self.calls: list[str] = []
        self.server: Scripted

    def __call__(self, asked: Asked) -> Say:
        operation = asked.headers["x-amz-target"].rpartition(".")[2]
        self.calls.append(operation)
        answer = self.answers[operation](json.loads(asked.body))
        if isinstance(answer, Say):
            return answer
        body = json.dumps(as_of_the_model("ecs", operation, answer)).encode()
        return Say(200, {"Content-Type": "application/x-amz-json-1.1"}, body)


def denied(_: dict[str, Any]) -> Say:
    body = json.dumps({"__type": "AccessDeniedException", "message": "not authorized"}).encode()
    return Say(400, {}, body)


CLUSTER = arn("ecs", "cluster/prod")
SERVICE = arn("ecs", "service/prod/web")
TASK = arn("ecs", "task/prod/0123456789abcdef")
REVISIONS = [arn("ecs", f"service-revision/prod/web/{n}") for n in range(5)]


def definition(family: str, number: int) -> str:
    return arn("ecs", f"task-definition/{family}:{number}")


IMAGES = {
    definition("web", 8): [f"{HOST}/shop:v8", "docker.io/library/nginx:1"],
    definition("web", 7): [f"{HOST}/shop:v7"],
    definition("web", 6): [f"{HOST}/shop:v6"],
    definition("web", 5): [f"{HOST}/shop:v5"],
    definition("nightly", 2): [f"{HOST}/jobs/nightly@{D3}"],
    definition("nightly", 1): [f"{HOST}/jobs/nightly:old"],
}


def account() -> dict[str, Callable[[dict[str, Any]], Any]]:
    """A cluster with a service, its task, and a family that only a schedule runs."""

    def definitions(given: dict[str, Any]) -> dict[str, Any]:
        named = [one for one in IMAGES if f"/{given['familyPrefix']}:" in one]
        assert given["sort"] == "DESC"
        return {"taskDefinitionArns": named}

    def describe(given: dict[str, Any]) -> dict[str, Any]:
        images = IMAGES[given["taskDefinition"]]
        containers = [{"name": f"c{place}", "image": one} for place, one in enumerate(images)]
        return {"taskDefinition": {"containerDefinitions": containers}}

    def revisions(given: dict[str, Any]) -> dict[str, Any]:
        found = [
            {
                "serviceRevisionArn": one,
                "taskDefinition": definition("web", 8),
                "containerImages": [
                    {"containerName": "web", "image": f"{HOST}/shop:v{one[-1]}", "imageDigest": D2}
                ],
            }
            for one in given["serviceRevisionArns"]
        ]
        return {"serviceRevisions": found, "failures": []}

    def clusters(given: dict[str, Any]) -> dict[str, Any]:
        if "nextToken" not in given:
            return {"clusterArns": [], "nextToken": "more"}
        return {"clusterArns": [CLUSTER]}

    return {
        "ListClusters": clusters,
        "ListTasks": lambda _: {"taskArns": [TASK]},
        "DescribeTasks": lambda _: {
            "tasks": [
                {
                    "taskArn": TASK,
                    "taskDefinitionArn": definition("web", 7),
                    "containers": [
                        {"image": f"{HOST}/shop:v7", "imageDigest": D1},
                        {"image": "docker.io/library/nginx:1", "imageDigest": D3},
                    ],
                }
            ],
            "failures": [{"arn": "gone", "reason": "MISSING"}],
        },
        "ListServices": lambda _: {"serviceArns": [SERVICE]},
        "DescribeServices": lambda _: {
            "services": [
                {
                    "serviceArn": SERVICE,
                    "clusterArn": CLUSTER,
                    "status": "ACTIVE",
                    "taskDefinition": definition("web", 8),
                    "deployments": [{"taskDefinition": definition("web", 7)}],
                    "currentServiceRevisions": [{"arn": REVISIONS[4], "runningTaskCount": 1}],
                }
            ]
        },
        "ListServiceDeployments": lambda _: {
            "serviceDeployments": [{"targetServiceRevisionArn": one} for one in reversed(REVISIONS)]
        },
        "DescribeServiceRevisions": revisions,
        "ListTaskDefinitionFamilies": lambda _: {"families": ["web", "nightly"]},
        "ListTaskDefinitions": definitions,
        "DescribeTaskDefinition": describe,
    }


def read(stub: StubEcs, look: EcsLook | None = None) -> UsesSeen:
    with serving(stub) as stub.server:
        return read_ecs(session(stub.server.url), WATCHED, look)


def test_ecs_tasks_revisions_and_task_definitions_count() -> None:
    found = read(StubEcs(account()), EcsLook(revisions=3))
    assert found.unread == ()
    assert set(found.uses) == {
        InUse("shop", "ecs", TASK, D1, "v7"),
        *(InUse("shop", "ecs", one, D2, f"v{one[-1]}") for one in REVISIONS[2:]),
        *(InUse("shop", "ecs", definition("web", n), None, f"v{n}") for n in (6, 7, 8)),
        InUse("jobs/nightly", "ecs", definition("nightly", 2), D3),
    }


def test_ecs_looks_at_the_clusters_that_are_named() -> None:
    stub = StubEcs(account())
    found = read(stub, EcsLook(("prod",), revisions=1))
    assert "ListClusters" not in stub.calls
    assert InUse("shop", "ecs", definition("web", 6), None, "v6") not in found.uses
    assert InUse("shop", "ecs", REVISIONS[4], D2, "v4") in found.uses


@pytest.mark.parametrize("operation", sorted(ecs.IAM_ACTIONS))
def test_what_ecs_does_not_tell_is_unread_with_the_action_that_lacks(operation: str) -> None:
    found = read(StubEcs({**account(), operation: denied}))
    assert found.unread
    assert all(ecs.IAM_ACTIONS[operation] in one.why for one in found.unread)
    if operation not in ("DescribeTaskDefinition", "ListClusters"):
        assert found.uses  # the others still tell theirs


def test_a_service_that_cannot_be_described_is_unread() -> None:
    failing = {"services": [], "failures": [{"arn": SERVICE, "reason": "MISSING"}]}
    found = read(StubEcs({**account(), "DescribeServices": lambda _: failing}))
    assert [(one.where, one.why) for one in found.unread] == [(SERVICE, "MISSING")]


@pytest.mark.parametrize("actions", [ecs.IAM_ACTIONS, functions.IAM_ACTIONS])
def test_every_action_is_an_operation_of_the_model(actions: dict[str, str]) -> None:
    for operation, action in actions.items():
        service, _, name = action.partition(":")
        assert name == operation
        assert operation in _MODELS.get_service_model(service).operation_names


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("aws")) as made:
        yield made


def test_the_embedded_account_answers_and_what_it_does_not_offer_runs_nothing(world: World) -> None:
    raw = world.client("ecs")
    raw.create_cluster(clusterName="prod")
    for tag in ("v1", "v2"):
        raw.register_task_definition(
            family="web",
            containerDefinitions=[
                {"name": "web", "image": f"{world.registry}/shop:{tag}", "memory": 128}
            ],
        )
    raw.create_service(cluster="prod", serviceName="web", taskDefinition="web:2", desiredCount=1)
    here = Endpoint("local", ACCOUNT, REGION, world.registry, world.endpoint)
    keys = AwsKeys(ROOT.access_key, ROOT.secret_key)
    opened = open_session(AwsOptions(REGION, endpoint_url=world.endpoint, keys=keys))
    found = read_ecs(opened, watch(here))
    assert found.unread == ()
    assert {use.tag for use in found.uses} == {"v1", "v2"}
    assert read_functions(opened, watch(here)) == UsesSeen()


# --- Lambda -------------------------------------------------------------------------------------


def function(name: str, version: str, kind: str = "Image") -> dict[str, Any]:
    return {
        "FunctionName": name,
        "FunctionArn": arn("lambda", f"function:{name}:{version}"),
        "Version": version,
        "PackageType": kind,
    }


PAGES = {
    "": ([function("resize", "$LATEST"), function("zip", "$LATEST", "Zip")], "2"),
    "2": ([function("resize", "3"), function("resize", "2")], None),
}
CODES = {
    "$LATEST": {"ImageUri": f"{HOST}/resize:dev", "ResolvedImageUri": f"{HOST}/resize@{D1}"},
    "3": {"ImageUri": f"{HOST}/resize:v3", "ResolvedImageUri": f"{HOST}/resize@{D2}"},
    "2": {"ImageUri": f"{HOST}/resize:v2"},
}
ALIASES = [
    {
        "Name": "live",
        "FunctionVersion": "3",
        "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}},
    }
]


def lambda_service(asked: Asked) -> Say:
    path = unquote(asked.path)
    if path.endswith("/aliases"):
        answer = as_of_the_model("lambda", "ListAliases", {"Aliases": ALIASES})
    elif path.endswith("/functions"):
        assert asked.query["FunctionVersion"] == ["ALL"]
        items, following = PAGES[asked.query.get("Marker", [""])[0]]
        answer = {"Functions": items, **({"NextMarker": following} if following else {})}
        as_of_the_model("lambda", "ListFunctions", answer)
    else:
        code = CODES[asked.query["Qualifier"][0]]
        answer = as_of_the_model("lambda", "GetFunction", {"Code": code})
    return Say(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())


def test_every_version_of_an_image_function_counts_by_what_it_was_bound_to() -> None:
    with serving(lambda_service) as server:
        found = read_functions(session(server.url), WATCHED)
    live = arn("lambda", "function:resize:")
    assert found == UsesSeen(
        (
            InUse("resize", "lambda", f"{live}$LATEST", D1),
            InUse("resize", "lambda", f"{live}3 (alias live)", D2),
            InUse("resize", "lambda", f"{live}2 (alias live)", None, "v2"),
        )
    )
    assert not any("zip" in line for line in server.lines())


@pytest.mark.parametrize(
    ("refused", "uses", "action"),
    [("/functions", 0, "lambda:ListFunctions"), ("/versions/3", 2, "lambda:GetFunction")],
)
def test_what_lambda_does_not_tell_is_unread(refused: str, uses: int, action: str) -> None:
    def answer(asked: Asked) -> Say:
        is_version = asked.query.get("Qualifier") == ["3"]
        if asked.path.endswith(refused) or (is_version and refused == "/versions/3"):
            headers = {"x-amzn-ErrorType": "AccessDeniedException"}
            return Say(403, headers, b'{"Message": "not authorized"}')
        return lambda_service(asked)

    with serving(answer) as server:
        found = read_functions(session(server.url), WATCHED)
    assert len(found.uses) == uses
    (unread,) = found.unread
    assert action in unread.why


def test_a_marker_that_comes_twice_does_not_go_on_for_ever() -> None:
    def answer(asked: Asked) -> Say:
        body = json.dumps({"Functions": [], "NextMarker": "same"}).encode()
        return Say(200, {"Content-Type": "application/json"}, body)

    with serving(answer) as server:
        found = read_functions(session(server.url), WATCHED)
    assert "again and again" in found.unread[0].why


# --- names of the registry ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (f"{HOST}/shop:v1", InUse("shop", "x", "y", None, "v1")),
        (f"{HOST}/team/shop", InUse("team/shop", "x", "y", None, None)),
        (f"{HOST}/shop:v1@{D1}", InUse("shop", "x", "y", D1, "v1")),
        (
            f"{ACCOUNT}.dkr.ecr-fips.{REGION}.amazonaws.com/shop:v1",
            InUse("shop", "x", "y", None, "v1"),
        ),
        (f"{ACCOUNT}.dkr-ecr.{REGION}.on.aws/shop:v1", InUse("shop", "x", "y", None, "v1")),
        (f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/shop:v1", None),
        (f"210987654321.dkr.ecr.{REGION}.amazonaws.com/shop:v1", None),
        ("shop:v1", None),
        ("", None),
        ("not an image", None),
    ],
)
def test_only_the_names_of_the_target_count(uri: str, expected: InUse | None) -> None:
    assert WATCHED.use(uri, "x", "y") == expected
