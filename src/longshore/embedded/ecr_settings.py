"""What an ECR repository is set to: mutability, scanning, encryption, tags, policies. Pure.

`read_settings` checks a request's values and gives what `Contents` keeps; `describe` gives the
`Repository` of an answer. Templates for repositories that ECR makes itself use the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.ecr_errors import invalid, invalid_lifecycle
from longshore.policy.lifecycle.grammar import find_flaws

MAX_TAGS = 50
_WITH_FILTERS = ("IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION")

Values = dict[str, Any]


def read_mutability(values: Values) -> Values:
    """Mutability and its exclusion filters. Raises InvalidParameterException."""
    mode = values.get("imageTagMutability", "MUTABLE")
    filters = [entry["filter"] for entry in values.get("imageTagMutabilityExclusionFilters", [])]
    if mode in _WITH_FILTERS and not filters:
        raise invalid("imageTagMutabilityExclusionFilters", f"must not be empty for {mode}")
    if mode not in _WITH_FILTERS and filters:
        raise invalid("imageTagMutabilityExclusionFilters", f"must not be set for {mode}")
    return {"mutability": mode, "exclusions": filters}


def is_immutable(settings: Values, tag: str) -> bool:
    """Whether the tag may not move: `*` in a filter stands for any characters, whole tags match.

    >>> is_immutable({"mutability": "IMMUTABLE_WITH_EXCLUSION", "exclusions": ["pr-*"]}, "pr-7")
    False
    """
    mode = settings.get("mutability", "MUTABLE")
    excluded = mode in _WITH_FILTERS and any(
        matches(pattern, tag) for pattern in settings.get("exclusions", [])
    )
    return bool(mode.startswith("IMMUTABLE")) is not excluded


def matches(pattern: str, text: str) -> bool:
    """Whether ECR's wildcard matches the whole text."""
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, text, re.DOTALL) is not None


def read_encryption(values: Values, region: str, account: str) -> Values:
    """Encryption with its key; KMS without a key takes the account's own one for ECR."""
    asked = values.get("encryptionConfiguration") or {"encryptionType": "AES256"}
    kind, key = asked["encryptionType"], asked.get("kmsKey")
    if kind == "AES256":
        if key:
            raise invalid("encryptionConfiguration", "kmsKey must not be set for AES256")
        return {"encryptionType": "AES256"}
    return {"encryptionType": kind, "kmsKey": key or _own_key(region, account)}


def _own_key(region: str, account: str) -> str:
    """The ARN of the key that AWS keeps for ECR, always the same one."""
    found = hashlib.sha256(f"alias/aws/ecr/{account}/{region}".encode()).hexdigest()
    parts = (found[:8], found[8:12], f"4{found[13:16]}", f"8{found[17:20]}", found[20:32])
    return f"arn:aws:kms:{region}:{account}:key/{'-'.join(parts)}"


def read_tags(tags: Iterable[Values], present: dict[str, str] | None = None) -> dict[str, str]:
    """Tags added to those that are there. Raises TooManyTags, InvalidTagParameter."""
    found = dict(present or {})
    seen: set[str] = set()
    for tag in tags:
        key, value = tag["Key"], tag["Value"]
        if key in seen:
            raise _bad_tag(f"Duplicate tag keys found: {key}")
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
            raise _bad_tag(f"The tag with key '{key}' is invalid")
        seen.add(key)
        found[key] = value
    if len(found) > MAX_TAGS:
        raise AwsRefusal(
            "TooManyTagsException", f"The number of tags exceeds the limit of {MAX_TAGS}"
        )
    return found


def _bad_tag(message: str) -> AwsRefusal:
    return AwsRefusal("InvalidTagParameterException", message)


def check_lifecycle(text: str) -> None:
    """Raises InvalidParameterException in ECR's words."""
    if flaws := [flaw for flaw in find_flaws(text) if not flaw.ours]:
        raise invalid_lifecycle(flaws[0])


def check_policy(text: str, where: str = "PolicyText", kind: str = "repository") -> None:
    """A repository's or registry's policy document. Raises InvalidParameterException."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    statements = document.get("Statement") if isinstance(document, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not all(map(_is_statement, statements)):
        raise invalid(where, f"Invalid {kind} policy provided")


def _is_statement(statement: Any) -> bool:
    return (
        isinstance(statement, dict)
        and statement.get("Effect") in ("Allow", "Deny")
        and ("Principal" in statement or "NotPrincipal" in statement)
        and ("Action" in statement or "NotAction" in statement)
    )


def describe_mutability(settings: Values) -> Values:
    """The two members that tell mutability."""
    filters = [
        {"filterType": "WILDCARD", "filter": pattern} for pattern in settings.get("exclusions", [])
    ]
    return {
        "imageTagMutability": settings.get("mutability", "MUTABLE"),
        "imageTagMutabilityExclusionFilters": filters or None,
    }


def describe(name: str, settings: Values, arn: str, uri: str, created_at: datetime) -> Values:
    """The `Repository` of an answer."""
    return {
        "repositoryArn": arn,
        "registryId": arn.split(":")[4],
        "repositoryName": name,
        "repositoryUri": uri,
        "createdAt": created_at,
        **describe_mutability(settings),
        "imageScanningConfiguration": {"scanOnPush": settings.get("scan_on_push", False)},
        "encryptionConfiguration": settings.get("encryption", {"encryptionType": "AES256"}),
    }


def tag_list(tags: dict[str, str]) -> list[Values]:
    """Tags as the API lists them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
