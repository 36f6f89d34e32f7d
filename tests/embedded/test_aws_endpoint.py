"""The AWS endpoint: whose request it is, which service it is for, and what a refusal looks like."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.embedded.aws_world import ACCOUNT, REGION, ROOT, World
from tests.embedded.test_ecr_repositories import refused

from longshore.embedded.aws import RootKey, aws_app
from longshore.embedded.ecr_api import OPERATIONS, SCANS
from longshore.embedded.model import load_model
from longshore.embedded.server import Listener
from longshore.embedded.wire import text_response

TARGET = load_model("ecr").target_prefix


def ask(world: World, operation: str, body: Any = "{}", **more: Any) -> tuple[int, Any]:
    """A signed request to ECR, whatever its body."""
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    headers = {"X-Amz-Target": f"{TARGET}.{operation}", "Content-Type": "x/json", **more}
    request = AWSRequest("POST", world.endpoint + "/", headers, content)
    botocore.auth.SigV4Auth(Credentials(ROOT.access_key, ROOT.secret_key), "ecr", REGION).add_auth(
        request
    )
    answer = world.http.request(
        "POST", world.endpoint + "/", body=content, headers=dict(request.headers.items())
    )
    return answer.status, json.loads(answer.data)


def test_every_operation_answers(shop: World) -> None:
    """Each of the 62 answers JSON: by its model, or that it is not here yet."""
    model, not_here = load_model("ecr"), set()
    for operation in sorted(model.operations):
        status, answer = ask(shop, operation)
        if status == 501:
            assert answer["__type"] == "NotImplementedByEmbeddedServer"
            assert operation in answer["message"]
            not_here.add(operation)
        elif status != 200:
            assert model.is_error_of(operation, answer["__type"]), (operation, answer)
    assert not_here == model.operations - set(OPERATIONS) - SCANS - {"GetAuthorizationToken"}
    assert (len(model.operations), len(not_here)) == (62, 17)


def test_operations_that_are_not_here(shop: World) -> None:
    status, answer = ask(shop, "GetSigningConfiguration", {})
    assert (status, answer["__type"]) == (501, "NotImplementedByEmbeddedServer")
    assert "GetSigningConfiguration of ECR" in answer["message"]
    code, _ = refused(shop.client().get_signing_configuration)
    assert code == "NotImplementedByEmbeddedServer"


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("ListImages", "{", "SerializationException"),
        ("ListImages", "[]", "SerializationException"),
        ("ListImages", {"repositoryName": 7}, "SerializationException"),
        ("ListImages", {}, "InvalidParameterException"),
        ("ListImages", {"repositoryName": "shop", "maxResults": 0}, "InvalidParameterException"),
        ("Nonsense", {}, "UnknownOperationException"),
    ],
)
def test_malformed_requests(shop: World, operation: str, body: Any, code: str) -> None:
    status, answer = ask(shop, operation, body)
    assert (status, answer["__type"]) == (400, code)


WRONG_KEY = RootKey("AKIANOBODYKNOWSME234", "x")
WRONG_SECRET = replace(ROOT, secret_key="wrong")
STS_XML = "text/xml"


def test_refused_signatures_in_json(shop: World) -> None:
    assert refused(shop.client(key=WRONG_KEY).describe_repositories) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
    code, message = refused(shop.client(key=WRONG_SECRET).describe_repositories)
    assert code == "InvalidSignatureException"
    assert message.startswith("The request signature we calculated does not match")
    token = shop.client(token="x").describe_repositories
    assert refused(token)[0] == "UnrecognizedClientException"
    unsigned = shop.http.request(
        "POST", shop.endpoint, headers={"X-Amz-Target": f"{TARGET}.DescribeRepositories"}
    )
    assert json.loads(unsigned.data)["__type"] == "MissingAuthenticationTokenException"


def test_refused_signatures_in_xml(shop: World) -> None:
    assert refused(shop.client("sts", WRONG_KEY).get_caller_identity)[0] == "InvalidClientTokenId"
    secret = shop.client("sts", WRONG_SECRET).get_caller_identity
    assert refused(secret)[0] == "SignatureDoesNotMatch"
    answer = shop.http.request("GET", shop.endpoint + "/?Action=GetCallerIdentity")
    assert (answer.status, answer.headers["Content-Type"]) == (403, STS_XML)
    assert b"<Code>MissingAuthenticationToken</Code>" in answer.data


def test_refused_signatures_in_cbor(shop: World) -> None:
    code, message = refused(shop.client("cloudwatch", WRONG_KEY).list_metrics)
    assert code in ("UnrecognizedClientException", "InvalidClientTokenId")
    assert message == "The security token included in the request is invalid."


def test_a_stale_signature(shop: World) -> None:
    credentials = Credentials(ROOT.access_key, ROOT.secret_key)
    request = AWSRequest("POST", shop.endpoint + "/", {"X-Amz-Target": f"{TARGET}.X"}, b"")
    botocore.auth.SigV4Auth(credentials, "ecr", REGION).add_auth(request)
    headers = dict(request.headers.items())
    signed_at = headers["X-Amz-Date"]
    headers["X-Amz-Date"] = "20200101T000000Z"
    headers["Authorization"] = headers["Authorization"].replace(signed_at[:8], "20200101")
    answer = shop.http.request("POST", shop.endpoint, headers=headers)
    found = json.loads(answer.data)
    assert found["__type"] == "InvalidSignatureException"
    assert found["message"].startswith("Signature expired: 20200101T000000Z is now earlier than")


def test_moving_the_clock_does_not_break_signatures(shop: World) -> None:
    try:
        shop.aws.clock.advance(86400)
        assert shop.client().describe_repositories()["repositories"]
    finally:
        shop.aws.clock.reset()


def test_regions_have_their_own_repositories(shop: World) -> None:
    other = shop.client(region="us-east-1")
    assert other.describe_repositories()["repositories"] == []
    made = other.create_repository(repositoryName="there")["repository"]
    assert made["repositoryArn"] == f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/there"
    assert made["repositoryUri"] == f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/there"
    names = [one["repositoryName"] for one in shop.client().describe_repositories()["repositories"]]
    assert names == ["shop"]
    other.delete_repository(repositoryName="there")
    assert (
        shop.client(region="cn-north-1")
        .create_repository(repositoryName="xx")["repository"]["repositoryArn"]
        .startswith("arn:aws-cn:ecr:cn-north-1:")
    )
    for odd in ("etc", "a-b-c-1x"):
        assert refused(shop.client(region=odd).describe_repositories)[0] == (
            "InvalidSignatureException"
        )


def test_who_calls(shop: World) -> None:
    identity = shop.client("sts").get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert identity["UserId"] == ACCOUNT


def test_no_web_page_may_read_answers(shop: World) -> None:
    answer = shop.client("sns").list_topics()["ResponseMetadata"]["HTTPHeaders"]
    assert not [name for name in answer if name.startswith("access-control")]


@pytest.mark.parametrize("service", ["lambda", "batch", "s3"])
def test_services_that_are_not_offered(shop: World, service: str) -> None:
    call = {
        "lambda": lambda client: client.list_functions(),
        "batch": lambda client: client.describe_job_queues(),
        "s3": lambda client: client.list_buckets(),
    }[service]
    with pytest.raises(ClientError) as caught:
        call(shop.client(service))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.parametrize("path", ["/moto-api/", "/moto-api/reset", "/moto-api/data.json"])
def test_motos_own_control_is_closed(shop: World, path: str) -> None:
    answer = shop.http.request("POST", shop.endpoint + path)
    assert answer.status == 501
    assert "moto's own control" in json.loads(answer.data)["message"]


def test_control_routes_are_the_callers(shop: World) -> None:
    seen = []

    def control(request: Any) -> Any:
        seen.append(request.path)
        return text_response("ok")

    listener = Listener(aws_app(shop.aws, control)).start()
    try:
        assert shop.http.request("GET", f"{listener.url}/_longshore/clock").data == b"ok"
        assert seen == ["/_longshore/clock"]
        assert shop.http.request("GET", f"{listener.url}/").status == 400
    finally:
        listener.stop(grace_s=0)


# --- the registry as a whole --------------------------------------------------------------------


def test_account_settings(shop: World) -> None:
    ecr = shop.client()
    assert ecr.get_account_setting(name="BASIC_SCAN_TYPE_VERSION")["value"] == "AWS_NATIVE"
    assert ecr.get_account_setting(name="REGISTRY_POLICY_SCOPE")["value"] == "V2"
    for name, value in (("BASIC_SCAN_TYPE_VERSION", "CLAIR"), ("NOPE", "x")):
        code, _ = refused(ecr.put_account_setting, name=name, value=value)
        assert code == "InvalidParameterException"


def test_registry_policy_and_rules(shop: World) -> None:
    ecr = shop.client()
    assert refused(ecr.get_registry_policy) == (
        "RegistryPolicyNotFoundException",
        f"Registry policy does not exist in the registry with id '{ACCOUNT}'",
    )
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:ReplicateImage"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ecr.put_registry_policy(policyText=text)
    assert ecr.get_registry_policy()["policyText"] == text
    ecr.delete_registry_policy()
    assert refused(ecr.put_registry_policy, policyText="{}")[0] == "InvalidParameterException"

    filters = [{"filter": "sh*", "filterType": "WILDCARD"}]
    rules = [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}]
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=rules)
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"]["rules"] == rules
    answer = ecr.batch_get_repository_scanning_configuration(repositoryNames=["shop"])
    (effective,) = answer["scanningConfigurations"]
    assert effective["scanOnPush"]
    assert effective["appliedScanFilters"] == filters
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[])

    replication = {"rules": [{"destinations": [{"region": "us-east-1", "registryId": ACCOUNT}]}]}
    ecr.put_replication_configuration(replicationConfiguration=replication)
    assert ecr.describe_registry()["replicationConfiguration"] == replication
    same = {"rules": [{"destinations": [{"region": REGION, "registryId": ACCOUNT}]}]}
    code, _ = refused(ecr.put_replication_configuration, replicationConfiguration=same)
    assert code == "InvalidParameterException"
    ecr.put_replication_configuration(replicationConfiguration={"rules": []})


def test_templates(shop: World) -> None:
    ecr = shop.client()
    made = ecr.create_repository_creation_template(
        prefix="team", description="x", appliedFor=["REPLICATION", "CREATE_ON_PUSH"]
    )["repositoryCreationTemplate"]
    assert made["imageTagMutability"] == "MUTABLE"
    twice = refused(
        ecr.create_repository_creation_template, prefix="team", appliedFor=["REPLICATION"]
    )
    assert twice[0] == "TemplateAlreadyExistsException"
    changed = ecr.update_repository_creation_template(
        prefix="team", imageTagMutability="IMMUTABLE"
    )["repositoryCreationTemplate"]
    assert (changed["description"], changed["imageTagMutability"]) == ("x", "IMMUTABLE")
    assert changed["createdAt"] == made["createdAt"]
    listed = ecr.describe_repository_creation_templates(prefixes=["team", "nope"])
    assert listed["repositoryCreationTemplates"] == [changed]
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"] == [changed]
    tags = [{"Key": "a", "Value": "b"}]
    for wrong in ({"resourceTags": tags}, {"lifecyclePolicy": "{}"}, {"repositoryPolicy": "{}"}):
        call = ecr.update_repository_creation_template
        assert "Exception" in refused(call, prefix="team", **wrong)[0]
    ecr.delete_repository_creation_template(prefix="team")
    gone = refused(ecr.delete_repository_creation_template, prefix="team")
    assert gone[0] == "TemplateNotFoundException"
