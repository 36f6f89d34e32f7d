"""Who may take a role at the embedded STS: trust policies, tokens, and STS's own words."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from tests.embedded.aws_world import ACCOUNT, ALL_OF_ECR, REGION, World, running

from longshore.embedded.aws import RootKey
from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.sts_trust import claims_of
from longshore.policy.access.trust import AUDIENCE, ISSUER, Trusted, trust_policy

MAIN = "repo:acme/shop:ref:refs/heads/main"
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("sts")
    with running(folder) as one:
        one.client("iam").create_open_id_connect_provider(
            Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE]
        )
        yield one


def jwt(world: World, **claims: Any) -> str:
    """A token with these claims; None takes one away. Nobody has signed it."""
    now = world.aws.clock.now().timestamp()
    whole = {"iss": f"https://{ISSUER}", "aud": AUDIENCE, "sub": MAIN, "exp": now + 600, **claims}
    parts = ({"alg": "RS256"}, {name: one for name, one in whole.items() if one is not None})
    encoded = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts
    ]
    return ".".join([*encoded, "c2lnbmVk"])


def role(world: World, *statements: dict[str, Any]) -> str:
    """The ARN of a new role with a trust policy."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    name = f"role-{next(NUMBERS)}"
    iam = world.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    iam.put_role_policy(RoleName=name, PolicyName="ecr", PolicyDocument=ALL_OF_ECR)
    return str(made["Role"]["Arn"])


def for_github(world: World, **more: Any) -> str:
    trusted = Trusted(**{"owner": "acme", "repository": "shop",
                         "uses": ("ref:refs/heads/main",), **more})  # fmt: skip
    return role(world, *trust_policy(trusted, "aws", ACCOUNT)["Statement"])


def with_token(world: World, arn: str, token: str) -> Any:
    sts = botocore.session.Session().create_client(
        "sts",
        region_name=REGION,
        endpoint_url=world.endpoint,
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )
    return sts.assume_role_with_web_identity(
        RoleArn=arn, RoleSessionName="gha", WebIdentityToken=token
    )["Credentials"]


def refusal(call: Any, *args: Any, **values: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(*args, **values)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


# --- tokens ---------------------------------------------------------------------------------------


def test_a_run_that_is_trusted_gets_credentials_that_work(world: World) -> None:
    found = with_token(world, for_github(world), jwt(world))
    key = RootKey(found["AccessKeyId"], found["SecretAccessKey"])
    ecr = world.client(key=key, token=found["SessionToken"])
    assert ecr.describe_repositories()["repositories"] == []


NOT_AUTHORIZED = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
BY_ID = "repo:acme@1001/shop@2002:ref:refs/heads/main"


@pytest.mark.parametrize(
    ("written", "claims", "taken"),
    [
        ({}, {}, True),
        ({}, {"sub": "repo:acme/shop:ref:refs/heads/dev"}, False),
        ({}, {"sub": "repo:acme/shop:pull_request"}, False),
        ({}, {"sub": "repo:evil/shop:ref:refs/heads/main"}, False),
        ({}, {"sub": BY_ID}, False),
        ({"form": "both", "owner_id": "1001", "repository_id": "2002"},
         {"sub": BY_ID, "repository_id": "2002"}, True),
        ({"form": "both", "owner_id": "1001", "repository_id": "2002"},
         {"sub": BY_ID, "repository_id": "666"}, False),
        ({"uses": ("ref:refs/tags/v*",)}, {"sub": "repo:acme/shop:ref:refs/tags/v1"}, True),
        ({"uses": ("ref:refs/tags/v*",)}, {}, False),
        ({}, {"aud": [AUDIENCE, "another"]}, False),  # StringEquals wants all of them
    ],
)  # fmt: skip
def test_the_trust_policy_decides(
    world: World, written: dict[str, Any], claims: dict[str, Any], taken: bool
) -> None:
    arn = for_github(world, **written)
    if taken:
        assert with_token(world, arn, jwt(world, **claims))["AccessKeyId"]
    else:
        assert refusal(with_token, world, arn, jwt(world, **claims)) == NOT_AUTHORIZED


@pytest.mark.parametrize(
    ("claims", "code", "message"),
    [
        ({"iss": "https://gitlab.example"}, "InvalidIdentityToken",
         "No OpenIDConnect provider found in your account for https://gitlab.example"),
        ({"aud": "another"}, "InvalidIdentityToken", "Incorrect token audience"),
        ({"sub": None}, "InvalidIdentityToken", "Missing a required claim: sub"),
        ({"exp": None}, "InvalidIdentityToken", "Missing a required claim: exp"),
        ({"exp": "soon"}, "InvalidIdentityToken", "Missing a required claim: exp"),
        ({"exp": 1}, "ExpiredTokenException", "Token expired: current date/time"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_token_is_said_first(
    world: World, claims: dict[str, Any], code: str, message: str
) -> None:
    found = refusal(with_token, world, for_github(world), jwt(world, **claims))
    assert found[0] == code
    assert found[1].startswith(message)


@pytest.mark.parametrize(
    "token", ["opaque-token", "header.claims.signature", "a.bc", "eyJ9.W10.x", "e30.W10.x", "...."]
)
def test_no_token_at_all(world: World, token: str) -> None:
    found = refusal(with_token, world, for_github(world), token)
    assert found[0] == "InvalidIdentityToken"
    assert "is not a valid JWT" in found[1]


@given(st.text(max_size=60) | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True))
def test_any_text_is_read_or_refused(token: str) -> None:
    try:
        found: object = claims_of(token)
    except AwsRefusal as error:
        found = error.code
    assert found == "InvalidIdentityToken" or isinstance(found, dict)


def test_a_role_that_is_not_there_is_not_told_of(world: World) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    assert refusal(with_token, world, arn, jwt(world)) == NOT_AUTHORIZED


def test_a_role_for_others_takes_no_token(world: World) -> None:
    arn = role(world, {"Effect": "Allow", "Principal": {"AWS": ACCOUNT},
                       "Action": "sts:AssumeRole"})  # fmt: skip
    assert refusal(with_token, world, arn, jwt(world)) == NOT_AUTHORIZED


def test_a_deny_of_the_trust_policy_wins(world: World) -> None:
    (allow,) = trust_policy(Trusted("acme", "shop", ("ref:refs/heads/main",)), "aws", ACCOUNT)[
        "Statement"
    ]
    actor = {"StringEquals": {f"{ISSUER}:actor": "mallory"}}
    arn = role(world, allow, {**allow, "Sid": "No", "Effect": "Deny", "Condition": actor})
    assert with_token(world, arn, jwt(world, actor="kim"))["AccessKeyId"]
    assert refusal(with_token, world, arn, jwt(world, actor="mallory")) == NOT_AUTHORIZED


def test_another_provider(world: World) -> None:
    host = "oidc.example/id/1"
    iam = world.client("iam")
    iam.create_open_id_connect_provider(Url=f"https://{host}", ClientIDList=["it"])
    arn = role(world, {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{host}:sub": "system:serviceaccount:a:b"}},
    })  # fmt: skip
    claims = {"iss": f"https://{host}", "aud": "it"}
    good = jwt(world, **claims, sub="system:serviceaccount:a:b")
    assert with_token(world, arn, good)["AccessKeyId"]
    assert refusal(with_token, world, arn, jwt(world, **claims, sub="x")) == NOT_AUTHORIZED


# --- callers of AWS -------------------------------------------------------------------------------


def user(world: World, *statements: dict[str, Any]) -> tuple[str, Any]:
    """The ARN of a new user, and STS with its key."""
    iam, name = world.client("iam"), f"user-{next(NUMBERS)}"
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="it", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    sts = world.client("sts", key=RootKey(key["AccessKeyId"], key["SecretAccessKey"]))
    return str(arn), sts


def trusting(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}


def assume(sts: Any, arn: str, **more: Any) -> Any:
    return sts.assume_role(RoleArn=arn, RoleSessionName="it", **more)["Credentials"]


def test_a_user_that_is_named_needs_no_policy_of_its_own(world: World) -> None:
    who, sts = user(world)
    assert assume(sts, role(world, trusting({"AWS": who})))["AccessKeyId"]
    other = role(world, trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:user/somebody"}))
    assert refusal(assume, sts, other) == (
        "AccessDenied",
        f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {other}",
    )


def test_a_trusted_account_decides_by_its_own_policies(world: World) -> None:
    arn = role(world, trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    _, plain = user(world)
    assert refusal(assume, plain, arn)[0] == "AccessDenied"
    _, allowed = user(world, {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
    assert assume(allowed, arn)["AccessKeyId"]
    _, wrong = user(world, {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"{arn}x"})
    assert refusal(assume, wrong, arn)[0] == "AccessDenied"


def test_a_policy_of_ones_own_is_not_enough(world: World) -> None:
    """Within the account too, the role itself must trust."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    _, sts = user(world, everything)
    arn = role(world, trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:user/somebody"}))
    assert refusal(assume, sts, arn)[0] == "AccessDenied"


def test_ones_own_deny_counts(world: World) -> None:
    who, sts = user(world, {"Effect": "Deny", "Action": "sts:*", "Resource": "*"})
    assert refusal(assume, sts, role(world, trusting({"AWS": who})))[0] == "AccessDenied"


def test_an_external_id_is_a_condition(world: World) -> None:
    who, sts = user(world)
    secret = {"StringEquals": {"sts:ExternalId": "of-both"}}
    arn = role(world, trusting({"AWS": who}, Condition=secret))
    assert refusal(assume, sts, arn)[0] == "AccessDenied"
    assert refusal(assume, sts, arn, ExternalId="else")[0] == "AccessDenied"
    assert assume(sts, arn, ExternalId="of-both")["AccessKeyId"]


def test_root_comes_in_where_its_account_is_trusted(world: World) -> None:
    root = world.client("sts")
    assert assume(root, role(world, trusting({"AWS": ACCOUNT})))["AccessKeyId"]
    service = role(world, trusting({"Service": "ecs-tasks.amazonaws.com"}))
    assert refusal(assume, root, service)[0] == "AccessDenied"
    missing = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    assert refusal(assume, root, missing)[0] == "AccessDenied"


def test_a_role_takes_another(world: World) -> None:
    first = role(world, trusting({"AWS": ACCOUNT}))
    second = role(world, trusting({"AWS": first}))
    found = assume(world.client("sts"), first)
    key = RootKey(found["AccessKeyId"], found["SecretAccessKey"])
    chained = world.client("sts", key=key, token=found["SessionToken"])
    assert assume(chained, second)["AccessKeyId"]
    assert refusal(assume, world.client("sts", key=key, token=found["SessionToken"]), first)


def test_saml_is_not_offered(world: World) -> None:
    arn = role(world, trusting({"AWS": ACCOUNT}))
    call = world.client("sts").assume_role_with_saml
    values = {"RoleArn": arn, "PrincipalArn": arn.replace("role", "saml-provider"),
              "SAMLAssertion": base64.b64encode(b"<x/>").decode()}  # fmt: skip
    assert refusal(call, **values)[0] == "NotImplementedByEmbeddedServer"
