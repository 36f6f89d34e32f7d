"""From the config's `alerts` to a topic, rules and alarms at AWS, and how they differ. Pure.

Each is a document of fields. All names begin with `longshore-`, and each carries the tag of what
longshore manages: one of the same name without it is somebody else's, and stays as it is.
Subscriptions and policy statements of others stay too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from longshore.facts import AlertSeen
from longshore.policy.prices import GB
from longshore.provision.access import normal_form, partition_of
from longshore.provision.resources import Alert, Note, Place, resource_name
from longshore.provision.settings import Alerts
from longshore.text import tr

TOPIC = "topic/longshore-alerts"
NAMESPACE = "Longshore/ECR"
IMAGE_QUOTA, NEAR = 100_000, 0.8
PULLS_FLOOR = 200
USD_PER_ALARM, FREE_ALARMS = 0.10, 10
_HOUR = 3600
_WEAKENING = (
    *("SetRepositoryPolicy", "PutRegistryPolicy", "DeleteRepositoryPolicy"),
    *("PutImageTagMutability", "PutLifecyclePolicy", "DeleteLifecyclePolicy"),
    *("DeleteRepository", "PutRegistryScanningConfiguration"),
)


def alert_resources(
    alerts: Alerts, repositories: Sequence[str], place: Place
) -> tuple[list[Alert], list[Note]]:
    """What `alerts` asks for; nothing when the config says nothing of them."""
    if alerts == Alerts():
        return [], []
    topic = _arn(place, "sns", "longshore-alerts")
    found = [
        Alert(TOPIC, _topic(alerts, place, topic)),
        *_rules(alerts, topic),
        *_alarms(alerts, repositories, place, topic),
    ]
    return found, list(_notes(alerts, found))


def subscription_of(subscriber: str) -> tuple[str, str] | None:
    """Protocol and endpoint of a subscriber; None for what cannot subscribe to a topic.

    >>> subscription_of("mailto:ops@example.com")
    ('email', 'ops@example.com')
    """
    if subscriber.startswith("mailto:"):
        return "email", subscriber.removeprefix("mailto:")
    if subscriber.startswith("https://"):
        return "https", subscriber
    service = [*subscriber.split(":"), "", ""][2]
    return (service, subscriber) if service in ("sqs", "lambda", "firehose") else None


def with_subscriptions(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its subscribers as protocols and endpoints, as it is carried out."""
    pairs = [pair for one in document.get("subscribers", ()) if (pair := subscription_of(one))]
    return {**document, "subscriptions": pairs} if "subscribers" in document else dict(document)


def alert_diff(wanted: Alert, seen: AlertSeen | None) -> dict[str, dict[str, Any]]:
    """Fields that differ. Subscribers that others added do not count."""
    before = seen.document if seen is not None else {}
    diff: dict[str, dict[str, Any]] = {}
    for field, value in wanted.document.items():
        old = before.get(field)
        if field == "subscribers":
            value = sorted({*(old or ()), *value})
        if normal_form(old) != normal_form(value):
            diff[field] = {"from": old, "to": value}
    return diff


def alert_notes(wanted: Alert, seen: AlertSeen | None) -> Iterator[Note]:
    """Somebody else's resource of that name, and subscriptions that wait for their confirmation."""
    name = resource_name("alert", wanted.name)
    if seen is None:
        return
    if not seen.managed:
        message = tr("there is one without the tag longshore:managed; it is left as it is")
        yield Note(name, message)
    elif seen.pending:
        who = ", ".join(sorted(seen.pending))
        yield Note(name, tr("not confirmed yet, so nothing is sent: {who}", who=who))


# --- the topic -----------------------------------------------------------------------------------


def _topic(alerts: Alerts, place: Place, topic: str) -> dict[str, Any]:
    """Who may publish: our rules, and our alarms of this account."""
    account = {"StringEquals": {"aws:SourceAccount": place.account}}
    return {
        "subscribers": sorted(
            {one for one in alerts.subscribers if subscription_of(one) is not None}
        ),
        "policy": [
            _allow("LongshoreRules", "events", topic, _from(_arn(place, "events", "rule/"))),
            _allow("LongshoreAlarms", "cloudwatch", topic,
                   {**account, **_from(_arn(place, "cloudwatch", "alarm:"))}),
        ],
    }  # fmt: skip


def _allow(sid: str, service: str, topic: str, condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": condition,
    }


def _from(arn: str) -> dict[str, Any]:
    return {"ArnLike": {"aws:SourceArn": f"{arn}longshore-*"}}


def _arn(place: Place, service: str, rest: str) -> str:
    partition = partition_of(place.region)
    return f"arn:{partition}:{service}:{place.region}:{place.account}:{rest}"


# --- rules ---------------------------------------------------------------------------------------


def _rules(alerts: Alerts, topic: str) -> Iterator[Alert]:
    yield _rule(
        "scan-findings",
        "A scan found more than alerts.scan allows",
        topic,
        _ecr("ECR Image Scan", {"scan-status": ["COMPLETE"], **_any_over(alerts)}),
    )
    unfinished = {"scan-status": [{"anything-but": ["COMPLETE"]}]}
    words = "A scan ended without a result"
    yield _rule("scan-unfinished", words, topic, _ecr("ECR Image Scan", unfinished))
    gone = {
        "action-type": ["DELETE"],
        "image-tag": [{"prefix": "live-"}, {"prefix": "rollback-"}],
    }
    words = "An image lost a live-* or rollback-* tag"
    yield _rule("protected-gone", words, topic, _ecr("ECR Image Action", gone))
    calls = {
        "source": ["aws.ecr"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": ["ecr.amazonaws.com"], "eventName": list(_WEAKENING)},
    }
    yield _rule("weakened", "Somebody changed what protects images", topic, calls)


def _limits(alerts: Alerts) -> Sequence[tuple[str, int]]:
    return alerts.scan or (("critical", 0), ("high", 0))


def _any_over(alerts: Alerts) -> dict[str, Any]:
    """`$or` of one alternative would be taken for the name of a field, and never match."""
    found = [_over(*one) for one in _limits(alerts)]
    return found[0] if len(found) == 1 else {"$or": found}


def _over(severity: str, most: int) -> dict[str, Any]:
    """A severity without findings is absent from the event."""
    return {"finding-severity-counts": {severity.upper(): [{"numeric": [">", most]}]}}


def _ecr(kind: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    return {"source": ["aws.ecr"], "detail-type": [kind], "detail": dict(detail)}


def _rule(name: str, words: str, topic: str, pattern: Mapping[str, Any]) -> Alert:
    return Alert(
        f"rule/longshore-{name}",
        {"description": words, "pattern": dict(pattern), "state": "ENABLED", "target": topic},
    )


# --- alarms --------------------------------------------------------------------------------------


def _alarms(
    alerts: Alerts, repositories: Sequence[str], place: Place, topic: str
) -> Iterator[Alert]:
    ours = {"Registry": place.account}
    if alerts.storage_gb is not None:
        words = "Stored bytes, layers that images share counted with each"
        yield _alarm("storage", words, topic, NAMESPACE, "StorageBytesLogical", ours, {
            "Threshold": float(alerts.storage_gb * GB)
        })  # fmt: skip
    words = "The fullest repository nears ECR's quota of images"
    yield _alarm("image-quota", words, topic, NAMESPACE, "ImageCountLargest", ours, {
        "Threshold": IMAGE_QUOTA * NEAR
    })  # fmt: skip
    words = "longshore monitor publish did not run"
    yield _alarm("collector", words, topic, NAMESPACE, "CollectorHeartbeat", ours, {
        "Statistic": "Sum",
        "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 3,
        "TreatMissingData": "breaching",
    })  # fmt: skip
    if alerts.pulls_anomaly is None:
        return
    for name in repositories:
        words = "More pulls in an hour than the floor that alerts.pulls sets"
        of = {"RepositoryName": name}
        yield _alarm(f"pulls-{name}", words, topic, "AWS/ECR", "RepositoryPullCount", of, {
            "Statistic": "Sum",
            "Threshold": float(PULLS_FLOOR * alerts.pulls_anomaly),
            "TreatMissingData": "notBreaching",
        })  # fmt: skip


def _alarm(
    name: str,
    words: str,
    topic: str,
    namespace: str,
    metric: str,
    dimensions: Mapping[str, str],
    changes: Mapping[str, Any],
) -> Alert:
    document = {
        "AlarmDescription": words,
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        "Statistic": "Maximum",
        "Period": _HOUR,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
        "ActionsEnabled": True,
        "AlarmActions": [topic],
        "OKActions": [topic],
    }
    return Alert(f"alarm/longshore-{name}", {**document, **changes})


# --- notes ---------------------------------------------------------------------------------------


def _notes(alerts: Alerts, found: Sequence[Alert]) -> Iterator[Note]:
    topic = resource_name("alert", TOPIC)
    if not any(subscription_of(one) for one in alerts.subscribers):
        yield Note(topic, tr("nobody subscribes to it: write alerts.subscribers"))
    for one in alerts.subscribers:
        if subscription_of(one) is None:
            yield Note(topic, tr("{who} cannot subscribe to a topic; it is left out", who=one))
    alarms = sum(1 for one in found if one.name.startswith("alarm/"))
    usd = max(0, alarms - FREE_ALARMS) * USD_PER_ALARM
    yield Note(
        topic,
        tr(
            "{alarms} alarms cost ${usd} a month (the first {free} of an account are free, then "
            "${each}); rules and the topic cost nothing, e-mails $2 for 100,000",
            alarms=alarms,
            usd=f"{usd:.2f}",
            free=FREE_ALARMS,
            each=f"{USD_PER_ALARM:.2f}",
        ),
    )
    yield Note(
        resource_name("alert", "rule/longshore-weakened"),
        tr("it needs a CloudTrail trail that logs management events"),
    )
    yield Note(
        resource_name("alert", "alarm/longshore-collector"),
        tr("storage and counts come from a schedule: longshore monitor publish --yes"),
    )
