"""CloudWatch's metrics: put values, read points. I/O.

A request takes 1,000 values and 1 MB; a question 500 metrics. A metric that was never put has no
points, and an hour without a value has none either: that is not zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from longshore.errors import AwsError
from longshore.facts import MetricAsked, MetricPoint, MetricValue
from longshore.remote.aws import AwsSession
from longshore.remote.ecr_answers import time_of
from longshore.text import tr

# What each method of Metrics must be allowed; the operation of the same name is what it calls.
IAM_ACTIONS = {
    "put_metric_data": "cloudwatch:PutMetricData",
    "get_metric_data": "cloudwatch:GetMetricData",
}
MOST_VALUES = 1000
# 1 MB, less what stands around the values; the form that is sent is never longer than this JSON.
MOST_BYTES = 900_000
MOST_QUESTIONS = 500


class Metrics:
    """CloudWatch in one account and region. All methods raise AwsError, LoginError, LimitError."""

    def __init__(self, session: AwsSession) -> None:
        self._client = session.client("cloudwatch")

    def put(self, namespace: str, values: Sequence[MetricValue]) -> int:
        """Put the values; how many requests that took."""
        batches = list(batches_of(values))
        for batch in batches:
            self._client.call(
                "PutMetricData",
                {"Namespace": namespace, "MetricData": batch},
                action=IAM_ACTIONS["put_metric_data"],
                resource=namespace,
            )
        return len(batches)

    def read(
        self, asked: Sequence[MetricAsked], since: datetime, until: datetime
    ) -> list[tuple[MetricPoint, ...]]:
        """The points of each metric that is asked for, oldest first, in the order of `asked`."""
        found: list[tuple[MetricPoint, ...]] = []
        for begin in range(0, len(asked), MOST_QUESTIONS):
            found += self._read(asked[begin : begin + MOST_QUESTIONS], since, until)
        return found

    def _read(
        self, asked: Sequence[MetricAsked], since: datetime, until: datetime
    ) -> Iterator[tuple[MetricPoint, ...]]:
        points: dict[str, list[MetricPoint]] = {f"m{n}": [] for n in range(len(asked))}
        question = {
            "MetricDataQueries": [_query(f"m{n}", one) for n, one in enumerate(asked)],
            "StartTime": since,
            "EndTime": until,
            "ScanBy": "TimestampAscending",
        }
        for page in self._pages(question):
            for result in page.get("MetricDataResults", ()):
                points[str(result["Id"])] += _points(result)
        for found in points.values():
            yield tuple(sorted(found))

    def _pages(self, question: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Pages of GetMetricData, whose token has a name of its own."""
        action, seen = IAM_ACTIONS["get_metric_data"], {""}
        more: dict[str, Any] = {}
        while True:
            page = self._client.call("GetMetricData", {**question, **more}, action=action)
            yield page
            token = str(page.get("NextToken") or "")
            if not token:
                return
            if token in seen:
                raise AwsError(
                    tr("{operation} gives the same page again and again",
                       operation="GetMetricData"),
                    tr("run the same command again"),
                    operation="GetMetricData",
                    iam_action=action,
                    code="bad-answer",
                )  # fmt: skip
            seen.add(token)
            more = {"NextToken": token}


def batches_of(values: Sequence[MetricValue]) -> Iterator[list[dict[str, Any]]]:
    """The values as PutMetricData takes them, in as few requests as its limits allow."""
    batch: list[dict[str, Any]] = []
    size = 0
    for one in values:
        datum = _datum(one)
        length = len(json.dumps(datum, default=str))
        if batch and (len(batch) == MOST_VALUES or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(datum)
        size += length
    if batch:
        yield batch


def _datum(one: MetricValue) -> dict[str, Any]:
    return {
        "MetricName": one.name,
        "Dimensions": [{"Name": name, "Value": text} for name, text in one.dimensions],
        "Timestamp": one.at,
        "Value": one.value,
        "Unit": one.unit,
    }


def _query(name: str, asked: MetricAsked) -> dict[str, Any]:
    metric = {
        "Namespace": asked.namespace,
        "MetricName": asked.name,
        "Dimensions": [{"Name": key, "Value": text} for key, text in asked.dimensions],
    }
    stat = {"Metric": metric, "Period": asked.period_s, "Stat": asked.statistic}
    return {"Id": name, "MetricStat": stat, "ReturnData": True}


def _points(result: Mapping[str, Any]) -> list[MetricPoint]:
    pairs = zip(result.get("Timestamps", ()), result.get("Values", ()), strict=False)
    return [(at, float(value)) for one, value in pairs if (at := time_of(one)) is not None]
