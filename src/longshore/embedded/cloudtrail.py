"""CloudTrail's LookupEvents over the records that the embedded ECR leaves. Pure.

Only service events of lifecycle runs and previews are kept here; API calls are not. As at AWS the
newest event comes first, those of the last 90 days are there, and an attribute may be looked up.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal

Record = Mapping[str, Any]
_PAGE = 50
_SHOWN = timedelta(days=90)


def lookup_events(
    records: Iterable[Record], region: str, body: bytes, now: datetime
) -> dict[str, Any]:
    """The answer to a request with this body. Raises AwsRefusal."""
    asked, since = _read(body), (now - _SHOWN).timestamp()
    shown = (one for one in records if one["awsRegion"] == region and _time(one) >= since)
    found = [one for one in shown if _is_asked(one, asked)]
    found.sort(key=lambda one: str(one["eventTime"]), reverse=True)
    begin, size = _begin(asked), asked.get("MaxResults", _PAGE)
    if not isinstance(size, int) or not 1 <= size <= _PAGE:
        raise AwsRefusal("InvalidMaxResultsException", "MaxResults goes from 1 to 50")
    answer: dict[str, Any] = {"Events": [_event(one) for one in found[begin : begin + size]]}
    if begin + size < len(found):
        answer["NextToken"] = base64.b64encode(f"from {begin + size}".encode()).decode()
    return answer


def _event(record: Record) -> dict[str, Any]:
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "EventTime": _time(record),
        "EventSource": record["eventSource"],
        "Resources": [
            {"ResourceType": one["type"], "ResourceName": one["ARN"]} for one in record["resources"]
        ],
        "CloudTrailEvent": json.dumps(record),
    }


def _is_asked(record: Record, asked: Mapping[str, Any]) -> bool:
    time = _time(record)
    if not asked.get("StartTime", time) <= time <= asked.get("EndTime", time):
        return False
    return all(
        one.get("AttributeValue") in _values(record, one.get("AttributeKey", ""))
        for one in asked.get("LookupAttributes") or ()
    )


def _values(record: Record, key: str) -> list[str]:
    match key:
        case "EventName" | "EventSource":
            return [record[key[0].lower() + key[1:]]]
        case "EventId":
            return [record["eventID"]]
        case "ReadOnly":
            return [str(record["readOnly"]).lower()]
        case "ResourceType":
            return [one["type"] for one in record["resources"]]
        case "ResourceName":
            names = [one["ARN"] for one in record["resources"]]
            return [*names, record["serviceEventDetails"]["repositoryName"]]
        case _:
            return []


def _time(record: Record) -> float:
    return datetime.fromisoformat(record["eventTime"]).timestamp()


def _begin(asked: Mapping[str, Any]) -> int:
    token = asked.get("NextToken")
    if token is None:
        return 0
    try:
        return int(base64.b64decode(str(token)).decode().removeprefix("from "))
    except (ValueError, binascii.Error):
        raise AwsRefusal("InvalidNextTokenException", "The next token is invalid") from None


def _read(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise AwsRefusal("SerializationException", "The body is not a JSON object")
    return asked
