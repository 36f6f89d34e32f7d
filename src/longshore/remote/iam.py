"""The policies of a role, as IAM holds them: its trust, inline ones, attached ones. I/O.

`IAM_ACTIONS` names what each call must be allowed. IAM is one for all Regions of a partition.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from longshore.errors import AwsError
from longshore.remote.aws import AwsClient, AwsSession
from longshore.text import tr

IAM_ACTIONS = {
    "GetRole": "iam:GetRole",
    "ListRolePolicies": "iam:ListRolePolicies",
    "GetRolePolicy": "iam:GetRolePolicy",
    "ListAttachedRolePolicies": "iam:ListAttachedRolePolicies",
    "GetPolicy": "iam:GetPolicy",
    "GetPolicyVersion": "iam:GetPolicyVersion",
}


@dataclass(frozen=True)
class PolicyHeld:
    """One policy of a role: its trust policy, or one that says what it may. `arn` is the role's."""

    name: str
    kind: Literal["identity", "trust"]
    text: str
    arn: str


@dataclass(frozen=True)
class PolicyUnread:
    """A policy that could not be read, and why."""

    name: str
    why: str


def read_role(session: AwsSession, name: str) -> tuple[list[PolicyHeld], list[PolicyUnread]]:
    """A role's policies, and those that the caller may not read.

    Raises AwsError when there is no such role or the role itself may not be read.
    """
    client = session.client("iam")
    role = _call(client, "GetRole", {"RoleName": name}, name)["Role"]
    arn = str(role["Arn"])
    trust = PolicyHeld(f"{name}: trust", "trust", _text(role["AssumeRolePolicyDocument"]), arn)
    held, unread = [trust], []
    for part, read in (("inline", _inline), ("attached", _attached)):
        try:
            held += [PolicyHeld(*pair, arn) for pair in read(client, name)]
        except AwsError as error:
            unread.append(PolicyUnread(tr("{role}: {part} policies", role=name, part=part),
                                       error.what))  # fmt: skip
    return held, unread


Found = tuple[str, Literal["identity"], str]


def _inline(client: AwsClient, role: str) -> Iterator[Found]:
    for name in _listed(client, "ListRolePolicies", "PolicyNames", role):
        asked = {"RoleName": role, "PolicyName": name}
        found = _call(client, "GetRolePolicy", asked, role)
        yield f"{role}: {name}", "identity", _text(found["PolicyDocument"])


def _attached(client: AwsClient, role: str) -> Iterator[Found]:
    for one in _listed(client, "ListAttachedRolePolicies", "AttachedPolicies", role):
        arn = str(one["PolicyArn"])
        policy = _call(client, "GetPolicy", {"PolicyArn": arn}, arn)["Policy"]
        asked = {"PolicyArn": arn, "VersionId": policy["DefaultVersionId"]}
        found = _call(client, "GetPolicyVersion", asked, arn)["PolicyVersion"]
        yield f"{role}: {arn}", "identity", _text(found["Document"])


def _listed(client: AwsClient, operation: str, key: str, role: str) -> Iterator[Any]:
    """All entries of a listing; IAM's pages go by Marker."""
    asked: dict[str, Any] = {"RoleName": role}
    while True:
        page = _call(client, operation, asked, role)
        yield from page.get(key, [])
        marker = page.get("Marker") if page.get("IsTruncated") else None
        if not marker or marker == asked.get("Marker"):
            return
        asked["Marker"] = marker


def _call(
    client: AwsClient, operation: str, asked: Mapping[str, Any], resource: str
) -> dict[str, Any]:
    return client.call(operation, asked, action=IAM_ACTIONS[operation], resource=resource)


def _text(document: Any) -> str:
    """The document as text; the SDK decodes it, other endpoints may leave it encoded."""
    if isinstance(document, str):
        return unquote(document) if document.startswith("%") else document
    return json.dumps(document)
