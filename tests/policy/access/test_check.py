"""`iam check`: good policies give no finding, each mistake gives its own, and its fix is one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

import longshore.policy.access.check as check_module
from longshore.cli.explanations import explanations
from longshore.policy.access.check import check
from longshore.policy.access.check_form import _PLAIN
from longshore.policy.access.check_subject import Asked, Finding, Home, Subject, kind_of
from longshore.policy.access.conditions import is_known
from longshore.policy.access.document import parse_document
from longshore.policy.access.ecr_actions import ACTIONS, ONLY_RIGHTS
from longshore.policy.access.evaluate import Caller
from longshore.policy.access.roles import ROLES, Scope, role_policy
from longshore.policy.access.trust import Trusted, trust_policy

ACCOUNT, OTHER = "123456789012", "210987654321"
SHOP = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/shop"
HOME = Home("aws", "eu-west-1", ACCOUNT, ("shop",))
HUB = "token.actions.githubusercontent.com"
PROVIDER = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HUB}"}
PUSH = [
    f"ecr:{name}"
    for name in ("BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload")
] + ["ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
LOGIN = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}


def allow(action: Any, resource: Any = SHOP, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def grant(principal: Any, action: Any = "ecr:BatchGetImage", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def deny(action: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": action, **more}


def trusts(operator: str = "StringEquals", **claims: Any) -> dict[str, Any]:
    keys = {f"{HUB}:{name}": value for name, value in claims.items()}
    aud = {f"{HUB}:aud": "sts.amazonaws.com"}
    block = {operator: keys} if operator != "StringEquals" else {}
    equal = {**aud, **(keys if operator == "StringEquals" else {})}
    return {
        "Effect": "Allow",
        "Principal": PROVIDER,
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": equal, **{k: v for k, v in block.items() if v}},
    }


def subject(
    *statements: dict[str, Any], version: str | None = "2012-10-17", **more: Any
) -> Subject:
    whole: dict[str, Any] = {"Statement": list(statements)}
    if version:
        whole["Version"] = version
    text = json.dumps(whole)
    document = parse_document(text)
    values = {"name": "it", "kind": kind_of(document), "size": len(text), "least": len(text)}
    return Subject(document=document, **{**values, **more})


def found(*statements: dict[str, Any], asked: Asked | None = None, **more: Any) -> list[Finding]:
    return [one for _, one in check([subject(*statements, **more)], asked or Asked(HOME))]


# --- good ones ------------------------------------------------------------------------------------

MAIN = "repo:acme/shop:ref:refs/heads/main"
GOOD: list[tuple[dict[str, Any], ...]] = [
    (LOGIN, allow(PUSH)),
    (LOGIN, allow(PULL)),
    (LOGIN, allow([*PULL, "ecr:BatchImportUpstreamImage"], SHOP.replace("shop", "docker-hub/*"))),
    (allow("ecr:Describe*"), allow(["ecr:List*", "ecr:Get*"]), LOGIN),
    (allow(PUSH, "*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}), LOGIN),
    ({**allow(["s3:*"], "arn:aws:s3:::logs/*")},),
    (LOGIN, allow(PUSH), {"Effect": "Deny", "Action": "ecr:*", "NotResource": SHOP}),
    (grant({"AWS": f"arn:aws:iam::{ACCOUNT}:role/run"}, PULL),),
    (grant("*", PULL, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-acme12345"}}),),
    (grant({"Service": "lambda.amazonaws.com"}, PULL,
           Condition={"StringLike": {"aws:sourceArn": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:*"}}),),
    (deny("ecr:BatchDeleteImage"),),
    (deny("ecr:*", Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-acme12345"}}),),
    ({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
      "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
      "Resource": SHOP.replace("shop", "*")},),
    (trusts(sub=MAIN),),
    (trusts("StringLike", sub="repo:acme/shop:ref:refs/tags/v*"),),
    (trusts(sub=["repo:acme/shop:environment:production",
                 "repo:acme@1001/shop@2002:environment:production"], repository_id="2002"),),
    ({"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
      "Action": "sts:AssumeRole"},),
    ({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
      "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}},),
]  # fmt: skip


@pytest.mark.parametrize("statements", GOOD)
def test_good_policies_give_no_finding(statements: tuple[dict[str, Any], ...]) -> None:
    assert found(*statements) == []


@pytest.mark.parametrize("role", ROLES)
def test_what_longshore_writes_is_good_and_enough(role: Any) -> None:
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
    scope = Scope("aws", "eu-west-1", ACCOUNT, ("shop",), (key,), ("docker-hub",), in_use=True)
    statements = role_policy(role, scope)["Statement"]
    asked = Asked(HOME, role=role, caches=("docker-hub",), in_use=True)
    assert found(*statements, asked=asked) == []


@pytest.mark.parametrize("form", ["name", "id", "both"])
def test_the_trust_that_longshore_writes_is_good(form: Any) -> None:
    trusted = Trusted("acme", "shop", ("ref:refs/heads/main", "ref:refs/tags/v*"), "1", "2", form)
    assert found(*trust_policy(trusted, "aws", ACCOUNT)["Statement"]) == []


# --- bad ones -------------------------------------------------------------------------------------

ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
BAD: list[tuple[str, str, tuple[dict[str, Any], ...]]] = [
    ("wide-action", "high", (ALL,)),
    ("wide-action", "high", (allow("ecr:*", "*"),)),
    ("wide-action", "high", (allow("ecr:*", "arn:aws:ecr:*:*:repository/*"),)),
    ("wide-action", "medium", (LOGIN, allow("ecr:*"))),
    ("wide-action", "medium", (allow("ecr:Put*"),)),
    ("wide-action", "medium", (allow("ecr:Batch*"),)),
    ("any-resource", "medium", (allow(["ecr:GetAuthorizationToken", *PUSH], "*"),)),
    ("any-resource", "medium", (LOGIN, allow(PUSH, "arn:aws:ecr:*"))),
    ("any-resource", "low", (LOGIN, allow(PULL, "*"))),
    ("allow-not-action", "high", ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},)),
    ("allow-not-resource", "high", ({"Effect": "Allow", "Action": PULL, "NotResource": SHOP},)),
    ("allow-not-principal", "high",
     ({"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": PULL},)),
    ("unknown-action", "medium", (allow("ecr:BatchGetImages"),)),
    ("unknown-action", "medium", (allow("ecr:PullImage*"),)),
    ("unknown-action", "medium", (allow("PutImage"),)),
    ("unknown-action", "medium", ({**trusts(sub=MAIN), "Action":
                                   ["sts:AssumeRoleWithWebIdentity", "sts:TagSesion"]},)),
    ("unknown-operator", "high",
     (allow("ecr:PutImage", Condition={"StringMatches": {"aws:username": "a"}}),)),
    ("unknown-operator", "high", (deny("ecr:PutImage", Condition={"stringequal": {"a": "b"}}),)),
    ("literal-wildcard", "medium",
     (allow("ecr:DescribeImages", Condition={"StringEquals": {"aws:userid": "ci-*"}}),)),
    ("literal-wildcard", "high", (trusts(sub="repo:acme/shop:*"),)),
    ("not-a-repository", "high", (allow(PULL, f"arn:aws:ecr:eu-west-1:{ACCOUNT}:shop"),)),
    ("not-a-repository", "high", (allow(PULL, f"arn:aws:ecr:eu-west-1:{ACCOUNT}:registry/x"),)),
    ("not-a-repository", "high", (allow(PULL, f"arn:aws:ecr:eu-west-1:{ACCOUNT}"),)),
    ("not-a-repository", "high", (allow(PULL, "arn:aws:ecr:::repository/shop"),)),
    ("not-a-repository", "high",
     (allow(PULL, f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/shop"),)),
    ("token-on-repository", "high", (allow(["ecr:GetAuthorizationToken", *PULL]),)),
    ("needs-any-resource", "medium", (allow("ecr:DescribeRegistry"),)),
    ("push-without-get", "medium",
     (LOGIN, allow([one for one in PUSH if one != "ecr:BatchGetImage"]))),
    ("half-a-push", "medium", (LOGIN, allow([one for one in PUSH if "Complete" not in one]))),
    ("half-a-pull", "medium", (LOGIN, allow("ecr:GetDownloadUrlForLayer"))),
    ("cache-without-import", "medium", (LOGIN, allow(PULL, SHOP.replace("shop", "docker-hub/*")))),
    ("public", "high", (grant("*", PULL),)),
    ("public", "high", (grant({"AWS": "*"}, PULL),)),
    ("public", "high", (grant("*", PULL, Condition={"StringEqualsIfExists":
                                                    {"aws:PrincipalOrgID": "o-acme12345"}}),)),
    ("public", "high", (grant("*", PULL, Condition={"StringLike": {"aws:PrincipalArn": "*"}}),)),
    ("public", "high", (grant("*", PULL, Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),)),
    ("public", "high", (grant("*", PULL, Condition={"Bool": {"aws:SecureTransport": "true"}}),)),
    ("any-source", "medium", (grant({"Service": "lambda.amazonaws.com"}, PULL),)),
    ("other-account", "low", (grant({"AWS": OTHER}, PULL),)),
    ("other-account", "medium", (grant({"AWS": f"arn:aws:iam::{OTHER}:root"}, PUSH),)),
    ("principal-gone", "medium", (grant({"AWS": "AROAEXAMPLEID"}, PULL),)),
    ("principal-wildcard", "high", (grant({"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}, PULL),)),
    ("resource-not-taken", "medium", (grant({"AWS": ACCOUNT}, PULL, Resource=SHOP),)),
    ("right-not-here", "low", (grant({"AWS": ACCOUNT}, "ecr:GetAuthorizationToken"),)),
    ("locks-out", "high", (deny("ecr:*"),)),
    ("locks-out", "high", (deny(["ecr:PutImage", "ecr:Set*"]),)),
    ("trust-no-subject", "high", (trusts(),)),
    ("trust-no-subject", "high", (trusts("ForAllValues:StringLike", sub="repo:acme/shop:*"),)),
    ("trust-no-subject", "high", (trusts("StringLikeIfExists", sub=MAIN),)),
    ("trust-wide-subject", "high", (trusts("StringLike", sub="repo:acme/*"),)),
    ("trust-wide-subject", "high", (trusts("StringLike", sub="*"),)),
    ("trust-wide-subject", "high", (trusts("StringLike", sub="repo:acme*/shop:ref:refs/heads/m"),)),
    ("trust-wide-subject", "medium", (trusts("StringLike", sub="repo:acme/shop:*"),)),
    ("trust-subject", "high", (trusts(sub="acme/shop:ref:refs/heads/main"),)),
    ("trust-no-audience", "medium",
     ({**trusts(), "Condition": {"StringEquals": {f"{HUB}:sub": MAIN}}},)),
    ("trust-audience", "medium", ({**trusts(), "Condition": {"StringEquals": {
        f"{HUB}:sub": MAIN, f"{HUB}:aud": "https://github.com/acme"}}},)),
    ("trust-provider", "high", ({**trusts(sub=MAIN), "Principal": {"Federated": HUB}},)),
    ("trust-action", "high", ({**trusts(sub=MAIN), "Action": "sts:AssumeRole"},)),
    ("trust-claim", "high", (trusts(sub=MAIN, repository_owner="acme"),)),
    ("trust-everyone", "high", ({"Effect": "Allow", "Principal": {"AWS": "*"},
                                 "Action": "sts:AssumeRole"},)),
]  # fmt: skip


def _statements_of(fix: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(f"[{fix}]"))
    except ValueError:
        return []


@pytest.mark.parametrize(("code", "severity", "statements"), BAD)
def test_each_mistake_has_its_finding_and_a_fix(
    code: str, severity: str, statements: tuple[dict[str, Any], ...]
) -> None:
    seen = [one for one in found(*statements) if one.code == f"iam-{code}"]
    assert [one.severity for one in seen] == [severity], found(*statements)
    assert seen[0].path.startswith("Statement[")
    assert seen[0].message
    fixed = _statements_of(seen[0].fix)
    if fixed:
        again = found(*fixed)
        assert (f"iam-{code}", severity) not in {(one.code, one.severity) for one in again}
    else:
        assert seen[0].fix  # words: nothing is to be pasted


def test_nearly_every_fix_is_a_statement() -> None:
    words = {code for code, _, statements in BAD for one in found(*statements)
             if one.code == f"iam-{code}" and not _statements_of(one.fix)}  # fmt: skip
    assert words == {"principal-gone", "right-not-here", "unknown-action", "other-account",
                     "trust-claim"} & words  # fmt: skip


def test_every_code_is_explained_and_has_a_case() -> None:
    folder = Path(check_module.__file__).parent
    texts = "".join(one.read_text() for one in folder.glob("check_*.py"))
    codes = set(re.findall(r'"(iam-[a-z-]+)"', texts))
    assert codes <= set(explanations())
    elsewhere = {"iam-old-version", "iam-too-long", "iam-missing-action", "iam-more-than-needed",
                 "iam-one-side-only", "iam-other-side"}  # fmt: skip
    assert {f"iam-{code}" for code, _, _ in BAD} == codes - elsewhere


# --- sizes and versions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "size", "least", "severity"),
    [
        ("repository", 10_240, 9_000, None),
        ("repository", 10_241, 9_000, "medium"),
        ("repository", 12_000, 10_241, "high"),
        ("registry", 12_000, 10_241, "high"),
        ("identity", 20_000, 6_144, None),
        ("identity", 20_000, 6_145, "low"),
        ("identity", 20_000, 10_241, "high"),
        ("trust", 9_000, 2_048, None),
        ("trust", 9_000, 2_049, "medium"),
    ],
)
def test_sizes(kind: Any, size: int, least: int, severity: str | None) -> None:
    made = subject(deny("ecr:BatchDeleteImage"), kind=kind, size=size, least=least)
    seen = [one for _, one in check([made], Asked(HOME)) if one.code == "iam-too-long"]
    assert [one.severity for one in seen] == ([severity] if severity else [])


def test_variables_need_the_version() -> None:
    personal = allow("ecr:PutImage", SHOP + "/${aws:username}")
    assert "iam-old-version" in {one.code for one in found(personal, version=None)}
    assert "iam-old-version" not in {one.code for one in found(personal)}
    assert "iam-old-version" not in {one.code for one in found(allow(PULL), version=None)}


# --- a role's work --------------------------------------------------------------------------------


def codes(seen: list[Finding]) -> list[tuple[str, str]]:
    return [(one.code.removeprefix("iam-"), one.severity) for one in seen]


def test_for_a_role() -> None:
    asked = Asked(HOME, role="pull")
    assert found(LOGIN, allow(PULL), asked=asked) == []
    seen = found(allow(PULL), asked=asked)
    assert codes(seen) == [("missing-action", "medium")]
    assert json.loads(seen[0].fix) == LOGIN
    assert codes(found(LOGIN, allow([*PULL, "ecr:PutImage"]), asked=asked)) == [
        ("more-than-needed", "medium")
    ]
    seen = found(LOGIN, allow([*PULL, "ecr:BatchDeleteImage"]), asked=asked)
    assert codes(seen) == [("more-than-needed", "high")]
    assert json.loads(seen[0].fix)["Action"] == sorted(PULL)
    elsewhere = found(LOGIN, allow(PULL, SHOP + "2"), asked=asked)
    assert codes(elsewhere) == [("missing-action", "medium")]
    assert json.loads(elsewhere[0].fix)["Resource"] == SHOP


def test_policies_of_one_role_count_together() -> None:
    parts = [subject(LOGIN, name="a"), subject(allow(PULL), name="b")]
    assert check(parts, Asked(HOME, role="pull")) == []
    denied = [*parts, subject({"Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*"},
                              name="c")]  # fmt: skip
    assert [one.code for _, one in check(denied, Asked(HOME, role="pull"))] == [
        "iam-missing-action"
    ]


# --- locking out ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "locked"),
    [
        ({"StringNotEquals": {"aws:username": "ops"}}, False),
        ({"StringNotEquals": {"aws:username": "another"}}, True),
        ({"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/*"}}, False),
        ({"StringNotSame": {"aws:username": "another"}}, False),  # not known: said elsewhere
    ],
)
def test_who_sets_it_may_be_spared(condition: dict[str, Any], locked: bool) -> None:
    asked = Asked(HOME, Caller(f"arn:aws:iam::{ACCOUNT}:user/ops"))
    seen = found(deny("ecr:*", Condition=condition), asked=asked)
    assert ("iam-locks-out" in {one.code for one in seen}) is locked


# --- both sides -----------------------------------------------------------------------------------

ROLE = f"arn:aws:iam::{OTHER}:role/ci"


def sides(own: list[str], theirs: list[str], principal: str = ROLE, **more: Any) -> list[Any]:
    documents = [
        subject(LOGIN, allow(own), name="own"),
        subject(grant({"AWS": principal}, theirs), name="theirs"),
    ]
    seen = check(documents, Asked(HOME, **more))
    return [(one.name, each) for one, each in seen if each.code == "iam-one-side-only"]


@pytest.mark.parametrize("principal", [ROLE, OTHER, f"arn:aws:iam::{OTHER}:root"])
def test_both_sides_must_allow(principal: str) -> None:
    assert sides(PULL, PULL, principal) == []
    ((side, finding),) = sides(PULL, PULL[:1], principal)
    assert (side, json.loads(finding.fix)["Action"]) == ("theirs", PULL[1:])
    ((side, finding),) = sides(PULL[:2], PULL, principal)
    assert (side, json.loads(finding.fix)) == ("own", allow(PULL[2]))


def test_a_caller_and_a_role_decide_what_is_needed() -> None:
    asked: dict[str, Any] = {"caller": Caller(ROLE), "role": "pull"}
    assert sides(PULL, PULL, **asked) == []
    assert [side for side, _ in sides(PULL[:1], PULL[:1], **asked)] == ["own", "theirs"]
    assert sides(PULL, PULL[:1], caller=Caller(f"arn:aws:iam::{ACCOUNT}:role/home")) != []


def test_the_other_side_unseen() -> None:
    asked = Asked(HOME, Caller(ROLE))
    seen = found(LOGIN, allow(PULL), asked=asked)
    assert codes(seen) == [("other-side", "low")]
    assert json.loads(seen[0].fix)["Principal"] == {"AWS": ROLE}


# --- anything at all ------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    ["*", "ecr:*", "ecr:PutImage", "ecr:GetAuthorizationToken", "ecr:Set*", "sts:AssumeRole",
     "iam:*", "arn:", "arn:aws:ecr", SHOP, SHOP + "*", "arn:aws:ecr:*:*:*", "${aws:username}",
     ":", "", "ecr:", ROLE, OTHER, HUB, "AROAX", "repo:acme/*", "repo:", "docker-hub/*"]
)  # fmt: skip
_MANY = _WORDS | st.lists(_WORDS, min_size=1, max_size=3)
_CONDITION = st.dictionaries(
    st.sampled_from(["StringEquals", "StringLike", "ForAllValues:StringLike", "Null", "Odd",
                     "IpAddress", "NumericLessThan", "StringEqualsIfExists"]),
    st.dictionaries(
        st.sampled_from([f"{HUB}:sub", f"{HUB}:aud", f"{HUB}:x", "sub", "aws:PrincipalOrgID", ":"]),
        _MANY, min_size=1, max_size=2,
    ),
    max_size=2,
)  # fmt: skip
_PRINCIPAL = st.just("*") | st.dictionaries(
    st.sampled_from(["AWS", "Service", "Federated"]), _MANY, min_size=1
)
_STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional={"Condition": _CONDITION, "Sid": st.just("It")},
).flatmap(
    lambda begin: st.tuples(
        st.sampled_from(["Action", "NotAction"]), _MANY,
        st.sampled_from(["Resource", "NotResource", ""]), _MANY,
        st.sampled_from(["Principal", "NotPrincipal", ""]), _PRINCIPAL,
    ).map(lambda parts: {**begin, **{parts[at]: parts[at + 1] for at in (0, 2, 4) if parts[at]}})
)  # fmt: skip


@given(
    st.lists(_STATEMENTS, min_size=1, max_size=3),
    st.sampled_from([None, *ROLES]),
    st.sampled_from([None, ROLE, f"arn:aws:iam::{ACCOUNT}:root"]),
    st.sampled_from([HOME, Home()]),
)
def test_any_policy_is_judged(
    statements: list[dict[str, Any]], role: Any, caller: str | None, home: Home
) -> None:
    """No check fails, and what is to be pasted is JSON that IAM can read."""
    for one in statements:
        one.pop("Sid", None)
    asked = Asked(home, Caller(caller) if caller else None, role)
    documents = [subject(one, name=str(place)) for place, one in enumerate(statements)]
    for _, finding in check(documents, asked):
        assert finding.fix
        if finding.fix.startswith("{"):
            fixed = {"Statement": _statements_of(finding.fix)}
            assert parse_document(json.dumps(fixed)).statements


# --- names ----------------------------------------------------------------------------------------


def test_actions_are_those_of_the_service_model() -> None:
    operations = Loader().load_service_model("ecr", "service-2")["operations"]
    assert {f"ecr:{name}" for name in operations} == ACTIONS - ONLY_RIGHTS


def test_operators_are_those_of_the_evaluator() -> None:
    assert all(is_known(one) for one in _PLAIN)
    assert not is_known("StringMatches")
