"""Whether requests are allowed: tables of cases from IAM's evaluation logic."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.policy.access.conditions import Context, UnknownOperator, is_met
from longshore.policy.access.document import Condition, DocumentRefused, parse_document
from longshore.policy.access.evaluate import Caller, Policies, Request, decide, refusal
from longshore.policy.access.roles import ROLES, Scope, actions_of, role_policy
from longshore.policy.access.wildcards import matches_arn, matches_text

HOME, OTHER = "123456789012", "210987654321"
REPOSITORY = f"arn:aws:ecr:ap-northeast-2:{HOME}:repository/shop"
USER = Caller(f"arn:aws:iam::{HOME}:user/kim")
SESSION = Caller(f"arn:aws:sts::{HOME}:assumed-role/github-actions/run-1")
STRANGER = Caller(f"arn:aws:iam::{OTHER}:user/lee")


def document(*statements: dict[str, Any]) -> Any:
    return parse_document(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(action: str = "ecr:PutImage", resource: str = REPOSITORY, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def grant(principal: Any, action: str = "ecr:PutImage", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def deny(statement: dict[str, Any]) -> dict[str, Any]:
    return {**statement, "Effect": "Deny"}


def ask(caller: Caller = USER, action: str = "ecr:PutImage", **context: str) -> Request:
    values = Context({key.replace("_", ":", 1): (value,) for key, value in context.items()})
    return Request(caller, action, REPOSITORY, values)


ROOT = {"AWS": f"arn:aws:iam::{HOME}:root"}
CASES = [
    ("nothing allows", USER, Policies(), False, "identity"),
    ("own policy", USER, Policies((document(allow()),)), True, "identity"),
    ("another action", USER, Policies((document(allow("ecr:BatchGetImage")),)), False, "identity"),
    ("action in any case", USER, Policies((document(allow("ECR:putimage")),)), True, "identity"),
    ("action by star", USER, Policies((document(allow("ecr:Put*")),)), True, "identity"),
    ("another repository", USER, Policies((document(allow(resource=REPOSITORY + "2")),)), False,
     "identity"),
    ("deny wins", USER, Policies((document(allow("*", "*"), deny(allow())),)), False, "identity"),
    ("deny of the resource wins", USER,
     Policies((document(allow()),), document(deny(grant("*")))), False, "resource"),
    ("resource policy names the user", USER, Policies((), document(grant({"AWS": USER.arn}))),
     True, "resource"),
    ("resource policy names the account only", USER, Policies((), document(grant(ROOT))), False,
     "identity"),
    ("account and own policy", USER, Policies((document(allow()),), document(grant(ROOT))), True,
     "identity"),
    ("everyone", USER, Policies((), document(grant("*"))), True, "resource"),
    ("the role behind a session", SESSION,
     Policies((), document(grant({"AWS": f"arn:aws:iam::{HOME}:role/github-actions"}))), True,
     "resource"),
    ("a role with a path", SESSION,
     Policies((), document(grant({"AWS": f"arn:aws:iam::{HOME}:role/ci/github-actions"}))), True,
     "resource"),
    ("another role", SESSION,
     Policies((), document(grant({"AWS": f"arn:aws:iam::{HOME}:role/github"}))), False,
     "identity"),
    ("from outside, own policy only", STRANGER, Policies((document(allow()),)), False, "resource"),
    ("from outside, resource policy only", STRANGER,
     Policies((), document(grant({"AWS": STRANGER.arn}))), False, "identity"),
    ("from outside, both", STRANGER,
     Policies((document(allow()),), document(grant({"AWS": OTHER}))), True, "identity"),
    ("a boundary that does not allow", USER,
     Policies((document(allow()),), boundary=document(allow("s3:*", "*"))), False, "boundary"),
    ("a boundary that allows", USER,
     Policies((document(allow()),), boundary=document(allow("ecr:*", "*"))), True, "identity"),
    ("an organization that does not allow", USER,
     Policies((document(allow()),), organization=(document(allow("s3:*", "*")),)), False,
     "organization"),
    ("all but one action", USER,
     Policies((document({"Effect": "Allow", "NotAction": "ecr:PutImage", "Resource": "*"}),)),
     False, "identity"),
    ("all but another action", USER,
     Policies((document({"Effect": "Allow", "NotAction": "ecr:Delete*", "Resource": "*"}),)),
     True, "identity"),
    ("all but this repository", USER,
     Policies((document({"Effect": "Allow", "Action": "*", "NotResource": REPOSITORY}),)), False,
     "identity"),
    ("deny to all but the user", USER,
     Policies((document(allow()),), document({"Effect": "Deny", "Action": "*",
                                              "NotPrincipal": {"AWS": USER.arn}})), True,
     "identity"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "caller", "policies", "allowed", "side"), CASES)
def test_decisions(name: str, caller: Caller, policies: Policies, allowed: bool, side: str) -> None:
    decision = decide(ask(caller), policies)
    assert (decision.allowed, decision.side) == (allowed, side), name


def test_root_of_the_account_needs_no_policy() -> None:
    root = Caller(f"arn:aws:iam::{HOME}:root")
    assert decide(ask(root), Policies()).because == "root"
    assert not decide(ask(root), Policies(resource=document(deny(grant("*"))))).allowed


def test_a_refusal_reads_as_that_of_aws() -> None:
    decision = decide(ask(), Policies())
    assert refusal(ask(), decision) == (
        f"User: {USER.arn} is not authorized to perform: ecr:PutImage on resource: {REPOSITORY} "
        "because no identity-based policy allows the ecr:PutImage action"
    )
    denied = decide(ask(), Policies((document(deny(allow())),)))
    assert refusal(ask(), denied).endswith("with an explicit deny in an identity-based policy")


def test_the_nearest_allow_names_the_condition_that_failed() -> None:
    condition = {"StringEquals": {"aws:ResourceTag/team": "shop"}}
    decision = decide(ask(), Policies((document(allow(Condition=condition)),)))
    assert decision.nearest is not None
    assert decision.nearest.condition is not None
    assert decision.nearest.condition.key == "aws:ResourceTag/team"


CONDITIONS = [
    ("StringEquals", ("a", "b"), ("b",), True),
    ("StringEquals", ("a",), ("A",), False),
    ("StringEqualsIgnoreCase", ("a",), ("A",), True),
    ("StringEquals", ("repo:*",), ("repo:x",), False),
    ("StringLike", ("repo:*",), ("repo:x",), True),
    ("StringLike", ("r?po",), ("repo",), True),
    ("StringNotEquals", ("a", "b"), ("b",), False),
    ("StringNotEquals", ("a",), ("b",), True),
    ("StringNotEquals", ("a",), None, True),
    ("StringEquals", ("a",), None, False),
    ("StringEqualsIfExists", ("a",), None, True),
    ("StringEqualsIfExists", ("a",), ("b",), False),
    ("Null", ("true",), None, True),
    ("Null", ("true",), ("x",), False),
    ("Null", ("false",), ("x",), True),
    ("Bool", ("true",), ("true",), True),
    ("Bool", ("true",), ("false",), False),
    ("NumericLessThan", ("5",), ("4",), True),
    ("NumericGreaterThanEquals", ("5",), ("4",), False),
    ("DateGreaterThan", ("2026-01-01T00:00:00Z",), ("2026-11-24T00:00:00Z",), True),
    ("IpAddress", ("10.0.0.0/8",), ("10.1.2.3",), True),
    ("NotIpAddress", ("10.0.0.0/8",), ("10.1.2.3",), False),
    ("ArnLike", ("arn:aws:iam::*:role/x",), ("arn:aws:iam::1:role/x",), True),
    ("ForAnyValue:StringEquals", ("a",), ("a", "z"), True),
    ("ForAllValues:StringEquals", ("a",), ("a", "z"), False),
    ("ForAllValues:StringEquals", ("a",), None, True),
    ("ForAnyValue:StringEquals", ("a",), None, False),
    ("StringEquals", ("${aws:username}",), ("kim",), True),
    ("StringEquals", ("${aws:unknown}",), ("kim",), False),
    ("StringEquals", ("${aws:unknown, 'kim'}",), ("kim",), True),
]


@pytest.mark.parametrize(("operator", "wanted", "found", "met"), CONDITIONS)
def test_conditions(
    operator: str, wanted: tuple[str, ...], found: tuple[str, ...] | None, met: bool
) -> None:
    values = {"aws:username": ("kim",)} | ({} if found is None else {"x:key": found})
    assert is_met(Condition(operator, "X:Key", wanted), Context(values)) is met


def test_an_unknown_operator_is_never_guessed() -> None:
    for operator in ("StringEqual", "ForSomeValues:StringEquals", "NullIfExists"):
        with pytest.raises(UnknownOperator):
            is_met(Condition(operator, "k", ("v",)), Context({}))


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        ("*", REPOSITORY, True),
        (f"arn:aws:ecr:*:{HOME}:repository/*", REPOSITORY, True),
        ("arn:aws:ecr:*", REPOSITORY, True),
        (f"arn:aws:ecr:ap-*-2:{HOME}:repository/shop", REPOSITORY, True),
        (f"arn:aws:ecr:*x:{HOME}:repository/shop", REPOSITORY, False),
        (f"arn:aws:ecr:ap-northeast-2:{HOME}:repository/sh?p", REPOSITORY, True),
        (f"arn:aws:ecr:ap-northeast-2:{HOME}:repository", REPOSITORY, False),
    ],
)
def test_arns(pattern: str, arn: str, matches: bool) -> None:
    assert matches_arn(pattern, arn) is matches


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_wildcards_are_those_of_a_plain_matcher(pattern: str, text: str) -> None:
    def plain(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return plain(p[1:], t) or (bool(t) and plain(p, t[1:]))
        return bool(t) and p[0] in ("?", t[0]) and plain(p[1:], t[1:])

    assert matches_text(pattern, text) is plain(pattern, text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", ""),
        ("[]", ""),
        ("{}", "Statement"),
        ('{"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}',
         "Statement[0].Effect"),
        ('{"Statement": {"Effect": "Allow", "Resource": "*"}}', "Statement"),
        ('{"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*"}}', "Statement"),
        ('{"Statement": {"Effect": "Allow", "Action": 1}}', "Statement.Action"),
        ('{"Statement": {"Effect": "Allow", "Action": "*", "Principals": "*"}}',
         "Statement.Principals"),
        ('{"Statement": {"Effect": "Allow", "Action": "*", "Principal": {"Aws": "*"}}}',
         "Statement.Principal.Aws"),
        ('{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Bool": true}}}',
         "Statement.Condition.Bool"),
    ],
)  # fmt: skip
def test_flaws_name_their_place(text: str, place: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        parse_document(text)
    assert caught.value.flaws[0].path == place


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_its_actions_on_its_repositories_only(role: Any) -> None:
    scope = Scope("aws", "ap-northeast-2", HOME, ("shop", "team/*"))
    own = Policies((parse_document(json.dumps(role_policy(role, scope))),))
    for action in actions_of(role):
        resource = "*" if action.endswith(_WITHOUT_RESOURCE) else REPOSITORY
        assert decide(Request(USER, action, resource), own).allowed, action
        other = REPOSITORY.replace("/shop", "/shop2")
        if resource != "*" and action != "ecr:DescribeRepositories":  # it may list them all
            assert not decide(Request(USER, action, other), own).allowed, action
    for action in ("ecr:DeleteRepository", "ecr:SetRepositoryPolicy", "ecr:BatchDeleteImage"):
        if action not in actions_of(role):
            assert not decide(Request(USER, action, REPOSITORY), own).allowed


_WITHOUT_RESOURCE = (
    "GetAuthorizationToken",
    "AccountSetting",
    "RegistryScanningConfiguration",
    "MetricData",
)
