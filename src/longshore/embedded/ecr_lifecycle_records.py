"""The service events that ECR leaves in CloudTrail for a lifecycle run and for a preview. Pure.

ECR User Guide, "Logging Amazon ECR actions with AWS CloudTrail": PolicyExecutionEvent for each
run, also for one that does nothing, DryRunEvent for a preview. A run with ten images or more is
several events, and no more than a hundred tags of an image are named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import Verdict
from longshore.policy.lifecycle.grammar import Policy, Rule

Record = dict[str, Any]

EXECUTION = "PolicyExecutionEvent"
DRY_RUN = "DryRunEvent"
_IMAGES = 9
_TAGS = 100
_COUNT_TYPES = {
    "imageCountMoreThan": "Image count more than",
    "sinceImagePushed": "Since image pushed",
    "sinceImagePulled": "Since image pulled",
    "sinceImageTransitioned": "Since image transitioned",
}


@dataclass(frozen=True)
class Place:
    """Whose repository it is."""

    account: str
    region: str
    arn: str
    repository: str


@dataclass(frozen=True)
class Looked:
    """One evaluation: which policy, at what time, and when the one before was."""

    policy: Policy
    version: int
    at: datetime
    before: datetime | None


def policy_records(
    name: str, place: Place, looked: Looked, verdicts: Sequence[Verdict]
) -> Iterator[Record]:
    """The records of a run (EXECUTION) or a preview (DRY_RUN) that acts on these images."""
    parts = [verdicts[at : at + _IMAGES] for at in range(0, len(verdicts), _IMAGES)] or [()]
    for number, part in enumerate(parts):
        yield _record(name, place, looked, number, part)


def _record(
    name: str, place: Place, looked: Looked, number: int, verdicts: Sequence[Verdict]
) -> Record:
    once = f"{name} {place.arn} {looked.at.isoformat()} {looked.version} {number}"
    return {
        "eventVersion": "1.08",
        "userIdentity": {"accountId": place.account, "invokedBy": "AWS Internal"},
        "eventTime": looked.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "ecr.amazonaws.com",
        "eventName": name,
        "awsRegion": place.region,
        "sourceIPAddress": "AWS Internal",
        "userAgent": "AWS Internal",
        "requestParameters": None,
        "responseElements": None,
        "eventID": _id(once),
        "readOnly": True,
        "resources": [
            {
                "ARN": place.arn,
                "accountId": place.account,
                "type": "AWS::ECR::Repository",
            }
        ],
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": place.account,
        "eventCategory": "Management",
        "serviceEventDetails": {
            "repositoryName": place.repository,
            "lifecycleEventPolicy": _policy(place, looked),
            "lifecycleEventImageActions": [_action(verdict) for verdict in verdicts],
        },
    }


def _policy(place: Place, looked: Looked) -> Record:
    return {
        "lifecycleEventRules": [_rule(rule) for rule in looked.policy.rules],
        "lastEvaluatedAt": _milliseconds(looked.before) if looked.before else 0,
        "policyVersion": looked.version,
        "policyId": _id(f"policy {place.arn} {looked.version}"),
    }


def _rule(rule: Rule) -> Record:
    selection = rule.selection
    return {
        "rulePriority": rule.priority,
        "description": rule.description,
        "lifecycleEventSelection": {
            "tagStatus": selection.tag_status.capitalize(),
            "tagPrefixList": list(selection.prefixes),
            "tagPatternList": list(selection.patterns),
            "storageClass": selection.storage_class,
            "countType": _COUNT_TYPES[selection.count_type],
            "countNumber": selection.count_number,
        },
        "action": rule.action,
    }


def _action(verdict: Verdict) -> Record:
    return {
        "lifecycleEventImage": _image(verdict.image),
        "rulePriority": verdict.rule.priority if verdict.rule else 0,
    }


def _image(image: ImageSeen) -> Record:
    return {
        "digest": image.digest,
        "tagStatus": "Tagged" if image.tags else "Untagged",
        "tagList": list(image.tags[:_TAGS]),
        "pushedAt": _milliseconds(image.pushed_at) if image.pushed_at else 0,
    }


def _id(text: str) -> str:
    """Always the same for the same, so that a record that is told again is known again."""
    found = hashlib.sha256(text.encode()).hexdigest()
    return "-".join((found[:8], found[8:12], f"4{found[13:16]}", f"8{found[17:20]}", found[20:32]))


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
