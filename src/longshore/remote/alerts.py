"""SNS topics, EventBridge rules and CloudWatch alarms, as far as alerts need them. I/O.

Names are `topic/NAME`, `rule/NAME`, `alarm/NAME`; a document has the fields that the plan compares.
Of a topic's policy only our statements (their Sid begins with `Longshore`) are read and written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from longshore.errors import AwsError
from longshore.facts import AlertSeen
from longshore.remote.aws import AwsSession

# What the methods of AlertTools must be allowed, by the operation that is called.
IAM_ACTIONS = {
    "GetTopicAttributes": "sns:GetTopicAttributes",
    "ListSubscriptionsByTopic": "sns:ListSubscriptionsByTopic",
    "CreateTopic": "sns:CreateTopic",
    "SetTopicAttributes": "sns:SetTopicAttributes",
    "Subscribe": "sns:Subscribe",
    "DescribeRule": "events:DescribeRule",
    "ListTargetsByRule": "events:ListTargetsByRule",
    "PutRule": "events:PutRule",
    "PutTargets": "events:PutTargets",
    "DescribeAlarms": "cloudwatch:DescribeAlarms",
    "PutMetricAlarm": "cloudwatch:PutMetricAlarm",
}
_TAGS_ACTIONS = {
    "sns": "sns:ListTagsForResource",
    "events": "events:ListTagsForResource",
    "cloudwatch": "cloudwatch:ListTagsForResource",
}
_SID, _TARGET_ID = "Longshore", "longshore"
_SCHEMES = {"email": "mailto:"}
_PENDING = "PendingConfirmation"


class AlertTools:
    """What tells people, in one account and region. Raises AwsError, LoginError, LimitError."""

    def __init__(self, session: AwsSession, account: str, managed: tuple[str, str]) -> None:
        self._clients = {name: session.client(name) for name in _TAGS_ACTIONS}
        self._managed = managed
        place = f"{session.region}:{account}"
        self._topics = f"arn:{session.partition}:sns:{place}:"

    def read(self, name: str) -> AlertSeen | None:
        """The topic, rule or alarm; None when there is none."""
        kind, _, short = name.partition("/")
        read = {"topic": self._topic, "rule": self._rule, "alarm": self._alarm}[kind]
        return read(short)

    def write(self, name: str, document: Mapping[str, Any], fields: Sequence[str]) -> None:
        """Make it, or set the fields that are named; safe to do twice."""
        kind, _, short = name.partition("/")
        if kind == "topic":
            self._write_topic(short, document, fields)
        elif kind == "rule":
            self._write_rule(short, document)
        else:
            asked = {"AlarmName": short, **document, "Tags": self._tags}
            self._call("cloudwatch", "PutMetricAlarm", asked, short)

    # --- topics ----------------------------------------------------------------------------------

    def _topic(self, name: str) -> AlertSeen | None:
        arn = self._topics + name
        attributes = self._attributes(arn)
        if attributes is None:
            return None
        found = self._subscriptions(arn)
        statements = [one for one in _statements(attributes.get("Policy")) if _is_ours(one)]
        return AlertSeen(
            {"subscribers": sorted(found), "policy": statements},
            self._is_managed("sns", "ResourceArn", arn),
            tuple(one for one, place in found.items() if place == _PENDING),
        )

    def _attributes(self, arn: str) -> dict[str, Any] | None:
        try:
            answer = self._call("sns", "GetTopicAttributes", {"TopicArn": arn}, arn)
        except AwsError as error:
            if error.aws_code in ("NotFound", "NotFoundException"):
                return None
            raise
        return dict(answer.get("Attributes") or {})

    def _subscriptions(self, arn: str) -> dict[str, str]:
        """Subscribers as the config writes them, with their subscriptions."""
        found: dict[str, str] = {}
        more: dict[str, Any] = {}
        while True:
            page = self._call("sns", "ListSubscriptionsByTopic", {"TopicArn": arn, **more}, arn)
            for one in page.get("Subscriptions", ()):
                scheme = _SCHEMES.get(str(one.get("Protocol")), "")
                found[f"{scheme}{one.get('Endpoint')}"] = str(one.get("SubscriptionArn"))
            if not page.get("NextToken"):
                return found
            more = {"NextToken": page["NextToken"]}

    def _write_topic(self, name: str, document: Mapping[str, Any], fields: Sequence[str]) -> None:
        arn = self._topics + name
        attributes = self._attributes(arn)
        if attributes is None:
            self._call("sns", "CreateTopic", {"Name": name, "Tags": self._tags}, arn)
            attributes = self._attributes(arn) or {}
        if "policy" in fields:
            others = [one for one in _statements(attributes.get("Policy")) if not _is_ours(one)]
            policy = {"Version": "2012-10-17", "Statement": [*others, *document["policy"]]}
            asked = {"TopicArn": arn, "AttributeName": "Policy"}
            self._call(
                "sns", "SetTopicAttributes", {**asked, "AttributeValue": json.dumps(policy)}, arn
            )
        there = self._subscriptions(arn)
        for protocol, endpoint in document["subscriptions"]:
            if f"{_SCHEMES.get(protocol, '')}{endpoint}" not in there:
                asked = {"TopicArn": arn, "Protocol": protocol, "Endpoint": endpoint}
                self._call("sns", "Subscribe", asked, arn)

    # --- rules -----------------------------------------------------------------------------------

    def _rule(self, name: str) -> AlertSeen | None:
        try:
            found = self._call("events", "DescribeRule", {"Name": name}, name)
        except AwsError as error:
            if error.aws_code == "ResourceNotFoundException":
                return None
            raise
        page = self._call("events", "ListTargetsByRule", {"Rule": name}, name)
        targets = [one for one in page.get("Targets", ()) if one.get("Id") == _TARGET_ID]
        document = {
            "description": found.get("Description"),
            "pattern": _parsed(found.get("EventPattern")),
            "state": found.get("State"),
            "target": targets[0].get("Arn") if targets else None,
        }
        arn = str(found["Arn"])
        return AlertSeen(document, self._is_managed("events", "ResourceARN", arn))

    def _write_rule(self, name: str, document: Mapping[str, Any]) -> None:
        rule = {
            "Name": name,
            "Description": document["description"],
            "EventPattern": json.dumps(document["pattern"]),
            "State": document["state"],
        }
        is_new = self._rule(name) is None
        self._call("events", "PutRule", {**rule, **({"Tags": self._tags} if is_new else {})}, name)
        targets = [{"Id": _TARGET_ID, "Arn": document["target"]}]
        self._call("events", "PutTargets", {"Rule": name, "Targets": targets}, name)

    # --- alarms ----------------------------------------------------------------------------------

    def _alarm(self, name: str) -> AlertSeen | None:
        asked = {"AlarmNames": [name], "AlarmTypes": ["MetricAlarm"]}
        answer = self._call("cloudwatch", "DescribeAlarms", asked, name)
        for found in answer.get("MetricAlarms", ()):
            arn = str(found["AlarmArn"])
            document = {"DatapointsToAlarm": found.get("EvaluationPeriods"), **found}
            return AlertSeen(document, self._is_managed("cloudwatch", "ResourceARN", arn))
        return None

    # --- calls -----------------------------------------------------------------------------------

    @property
    def _tags(self) -> list[dict[str, str]]:
        key, value = self._managed
        return [{"Key": key, "Value": value}]

    def _is_managed(self, service: str, parameter: str, arn: str) -> bool:
        answer = self._clients[service].call(
            "ListTagsForResource", {parameter: arn}, action=_TAGS_ACTIONS[service], resource=arn
        )
        tags = {one.get("Key"): one.get("Value") for one in answer.get("Tags") or ()}
        return tags.get(self._managed[0]) == self._managed[1]

    def _call(
        self, service: str, operation: str, asked: Mapping[str, Any], resource: str
    ) -> dict[str, Any]:
        action = IAM_ACTIONS[operation]
        return self._clients[service].call(operation, asked, action=action, resource=resource)


def _statements(text: Any) -> list[dict[str, Any]]:
    document = _parsed(text)
    found = document.get("Statement") if isinstance(document, dict) else None
    listed = [found] if isinstance(found, dict) else found or []
    return [one for one in listed if isinstance(one, dict)]


def _is_ours(statement: Mapping[str, Any]) -> bool:
    return str(statement.get("Sid", "")).startswith(_SID)


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, TypeError, RecursionError):
        return text
