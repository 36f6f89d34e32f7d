"""Trust in GitHub's tokens: what is written lets the right runs in, and the reasons are right."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from longshore.errors import UsageError
from longshore.policy.access.document import parse_document
from longshore.policy.access.trust import Trusted, explain_token, trust_policy

HOME = "123456789012"
MAIN = "ref:refs/heads/main"


def token(sub: str = f"repo:acme/shop:{MAIN}", **more: Any) -> dict[str, Any]:
    return {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "sts.amazonaws.com",
        "sub": sub,
        "repository_id": "2002",
        "exp": 1_800_000_000,
        **more,
    }


def policy(**more: Any) -> Any:
    values = {"owner": "acme", "repository": "shop", "uses": (MAIN,)}
    document = trust_policy(Trusted(**{**values, **more}), "aws", HOME)
    return parse_document(json.dumps(document))


NUMBERS = {"owner_id": "1001", "repository_id": "2002"}
BY_ID = f"repo:acme@1001/shop@2002:{MAIN}"


@pytest.mark.parametrize(
    ("written", "sub", "taken", "hint"),
    [
        ({}, f"repo:acme/shop:{MAIN}", True, ""),
        ({}, "repo:acme/shop:ref:refs/heads/dev", False, "what runs does not"),
        ({}, "repo:acme/shop:pull_request", False, "what runs does not"),
        ({}, f"repo:evil/shop:{MAIN}", False, "another repository"),
        ({}, f"repo:Acme/shop:{MAIN}", False, "upper and lower case"),
        ({}, BY_ID, False, "form with numbers"),
        ({"form": "id", **NUMBERS}, BY_ID, True, ""),
        ({"form": "id", **NUMBERS}, f"repo:acme/shop:{MAIN}", False, "form without numbers"),
        ({"form": "both", **NUMBERS}, BY_ID, True, ""),
        ({"form": "both", **NUMBERS}, f"repo:acme/shop:{MAIN}", True, ""),
        ({"uses": ("ref:refs/tags/v*",)}, "repo:acme/shop:ref:refs/tags/v1", True, ""),
        ({"uses": ("environment:production",)}, f"repo:acme/shop:{MAIN}", False, "what runs"),
    ],
)
def test_who_is_let_in(written: dict[str, Any], sub: str, taken: bool, hint: str) -> None:
    tested = explain_token(policy(**written), token(sub))
    assert tested.taken is taken
    failing = [one for one in tested.statements[0].conditions if not one.met]
    assert bool(failing) is not taken
    assert all(hint in one.hint for one in failing)


def test_a_renamed_namesake_is_kept_out_by_the_number() -> None:
    written = policy(form="name", repository_id="2002")
    assert explain_token(written, token()).taken
    assert not explain_token(written, token(repository_id="6666")).taken


def test_a_star_with_string_equals_is_found() -> None:
    document = trust_policy(Trusted("acme", "shop", ("ref:refs/heads/*",)), "aws", HOME)
    condition = document["Statement"][0]["Condition"]
    condition["StringEquals"] |= condition.pop("StringLike")
    tested = explain_token(parse_document(json.dumps(document)), token())
    hints = [one.hint for one in tested.statements[0].conditions if not one.met]
    assert hints == ["with StringEquals a * is only itself: use StringLike"]


def test_a_claim_that_sts_does_not_pass_on_is_found() -> None:
    document = trust_policy(Trusted("acme", "shop", (MAIN,)), "aws", HOME)
    key = "token.actions.githubusercontent.com:repository_owner"
    document["Statement"][0]["Condition"]["StringEquals"][key] = "acme"
    tested = explain_token(parse_document(json.dumps(document)), token(repository_owner="acme"))
    assert not tested.taken
    assert "STS passes no claim repository_owner on" in tested.statements[0].conditions[-1].hint


def test_problems_of_the_token_itself() -> None:
    after = datetime(2030, 1, 1, tzinfo=UTC)
    assert "expired" in explain_token(policy(), token(), after).problems[0]
    other = explain_token(policy(), token(aud="https://github.com/acme"))
    assert not other.taken
    assert "client id" in other.problems[0]
    assert explain_token(policy(), token(iss="https://evil.example")).problems


@pytest.mark.parametrize(
    "more", [{"uses": ()}, {"uses": ("*",)}, {"form": "id"}, {"form": "both", "owner_id": "1"}]
)
def test_what_is_not_written(more: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        policy(**more)
