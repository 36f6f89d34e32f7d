"""Repository policies: who may push and pull, as statements of ours among those of others. Pure.

ECR User Guide, "Repository policies". Only Allow statements are written, each with a Sid that
begins with `Longshore`; statements with other Sids belong to others and are kept. Policies are
compared by meaning: the order of principals and actions does not count, nor whether a single one
stands in a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from longshore.provision.resources import OWN_STATEMENTS, Statement
from longshore.provision.settings import Access, as_written

PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
PUSH_ACTIONS = (
    *PULL_ACTIONS,
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov", "us-iso": "aws-iso", "us-isob": "aws-iso-b"}
_PARTITIONS |= {"eusc": "aws-eusc", "eu-isoe": "aws-iso-e", "us-isof": "aws-iso-f"}


def partition_of(region: str) -> str:
    """The AWS partition of a region, as ARNs name it.

    >>> partition_of("ap-northeast-2"), partition_of("us-gov-west-1")
    ('aws', 'aws-us-gov')
    """
    words = region.split("-")
    return _PARTITIONS.get("-".join(words[:2]), _PARTITIONS.get(words[0], "aws"))


def statements_for(access: Access, region: str) -> tuple[Statement, ...]:
    """Our statements; principals that are names of roles are left out (`named_roles`)."""
    wanted = (("Push", access.push, PUSH_ACTIONS), ("Pull", access.pull, PULL_ACTIONS))
    found = []
    for word, principals, actions in wanted:
        arns = tuple(sorted(_arn(p, region) for p in principals if _is_principal(p)))
        if arns:
            found.append(Statement(f"{OWN_STATEMENTS}{word}", arns, tuple(sorted(actions))))
    return tuple(found)


def named_roles(access: Access) -> tuple[str, ...]:
    """Names of roles that are neither ARNs nor accounts."""
    names = {as_written(p) for p in (*access.push, *access.pull) if not _is_principal(p)}
    return tuple(sorted(names))


def read_statements(text: str | None) -> list[dict[str, Any]] | None:
    """The statements of a policy text; None when it cannot be read."""
    if not text:
        return []
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if isinstance(statements, dict):
        statements = [statements]
    if isinstance(statements, list) and all(isinstance(one, dict) for one in statements):
        return statements
    return None


def is_ours(statement: dict[str, Any]) -> bool:
    """Whether longshore wrote the statement."""
    return str(statement.get("Sid", "")).startswith(OWN_STATEMENTS)


def policy_text(others: Iterable[dict[str, Any]], ours: Iterable[Statement]) -> str | None:
    """A whole policy, as text; None when nothing is left to say."""
    statements = [*others, *(statement.document() for statement in ours)]
    if not statements:
        return None
    return json.dumps(
        {"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":")
    )


def normal_form(value: Any) -> Any:
    """The value with lists sorted and single entries unwrapped, for comparing."""
    if isinstance(value, dict):
        return {key: normal_form(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        items = sorted((normal_form(item) for item in value), key=_sortable)
        return items[0] if len(items) == 1 else items
    return value


def _sortable(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _is_principal(text: str) -> bool:
    return text.startswith("arn:") or re.fullmatch(r"\d{12}", text) is not None


def _arn(principal: str, region: str) -> str:
    if principal.startswith("arn:"):
        return principal
    return f"arn:{partition_of(region)}:iam::{principal}:root"
