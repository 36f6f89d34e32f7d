"""CloudWatch's alarms, lived: judged by the clock, told to their SNS topics. I/O.

moto keeps alarms and values; here the alarms are judged (`alarm_rules.py`) when a value or an alarm
is put, when the clock is moved, and every few seconds. A change of state is made and told by calls
that the journal keeps (SetAlarmState, Publish), so that it is there after a restart. After a jump
of the clock an alarm is judged for the new time only. SetAlarmState from outside is told too, and
lasts until the alarm is judged again.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from longshore.embedded.alarm_rules import judge, points
from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.clock import Clock
from longshore.embedded.ecr_pulls import METRIC, NAMESPACE, Pulled, Pulls
from longshore.embedded.moto_front import AlarmSeen, alarms_seen
from longshore.embedded.service_journal import Call
from longshore.embedded.services import Services
from longshore.embedded.sigv4 import Principal
from longshore.embedded.wire import Response

log = logging.getLogger("longshore.embedded")
_SERVICE = "monitoring"
_TARGET = "GraniteServiceVersion20100801."
_NAP_S = 15.0
_AT_ONCE = 500
_JUDGED_AFTER = ("PutMetricData", "PutMetricAlarm", "EnableAlarmActions")


class AlarmWatch:
    """All alarms of the account. Thread-safe."""

    def __init__(self, services: Services, pulls: Pulls, clock: Clock, owner: Principal) -> None:
        self._services = services
        self._pulls = pulls
        self._clock = clock
        self._owner = owner
        self._turn = threading.RLock()
        self._awake = threading.Event()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        clock.on_move(self._awake.set)

    def start(self) -> None:
        """Judge from now on, in a thread."""
        self._thread = threading.Thread(target=self._live, name="longshore-alarms", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, and write down what waits."""
        self._is_stopping = True
        self._awake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._pulls.keep()

    def answer(self, call: Call, operation: str) -> Response:
        """A call to CloudWatch: ECR's own values are there before, alarms are judged after."""
        with self._turn:
            if operation == "SetAlarmState":
                return self._set_from_outside(call)
            self._put_pulls()
            response = self._services.answer(call)
            if operation in _JUDGED_AFTER and response.status < 400:
                self.look()
            return response

    def look(self) -> None:
        """Judge all alarms now."""
        if not self._services.has_calls_to(_SERVICE):
            return
        with self._turn:
            self._put_pulls()
            now = self._clock.now()
            for alarm in self._services.look(lambda: alarms_seen(now)):
                after = judge(alarm.rule, points(alarm.rule, alarm.data, now), alarm.state)
                if after.state != alarm.state:
                    self._change(alarm, after.state, after.reason)

    # --- changes ---------------------------------------------------------------------------------

    def _change(self, alarm: AlarmSeen, state: str, reason: str) -> None:
        log.info("alarm %s: %s, was %s", alarm.name, state, alarm.state)
        asked = {"AlarmName": alarm.name, "StateValue": state, "StateReason": reason}
        self._services.answer(self._call(alarm.region, "SetAlarmState", asked))
        self._tell(alarm, state, reason)

    def _set_from_outside(self, call: Call) -> Response:
        now = self._clock.now()
        before = {one.arn: one for one in self._services.look(lambda: alarms_seen(now))}
        response = self._services.answer(call)
        for one in self._services.look(lambda: alarms_seen(now)):
            if one.arn in before and before[one.arn].state != one.state:
                self._tell(before[one.arn], one.state, one.reason)
        return response

    def _tell(self, alarm: AlarmSeen, state: str, reason: str) -> None:
        """Publish to the topics that the alarm names for its new state."""
        if not alarm.is_enabled:
            return
        at = self._clock.now()
        subject = f'{state}: "{alarm.name}" in {alarm.region}'[:100]
        message = json.dumps(_message(alarm, state, reason, at))
        for topic in alarm.actions.get(state, ()):
            if topic.split(":")[2:3] != ["sns"]:
                log.warning("alarm %s: %s is no topic; nothing is done", alarm.name, topic)
                continue
            form = {
                "Action": "Publish",
                "Version": "2010-03-31",
                "TopicArn": topic,
                "Subject": subject,
                "Message": message,
            }
            region = topic.split(":")[3]
            headers = {"content-type": "application/x-www-form-urlencoded"}
            try:
                answer = self._services.answer(
                    self._made("sns", region, headers, urlencode(form).encode())
                )
            except AwsRefusal as refusal:
                log.warning("alarm %s: %s: %s", alarm.name, topic, refusal.message)
                continue
            if answer.status >= 400:
                log.warning("alarm %s: %s answered %d", alarm.name, topic, answer.status)

    # --- ECR's own values -------------------------------------------------------------------------

    def _put_pulls(self) -> None:
        found = self._pulls.take()
        for region in sorted({one.region for one in found}):
            mine = [one for one in found if one.region == region]
            for begin in range(0, len(mine), _AT_ONCE):
                values = [_datum(one) for one in mine[begin : begin + _AT_ONCE]]
                asked = {"Namespace": NAMESPACE, "MetricData": values}
                self._services.answer(self._call(region, "PutMetricData", asked))

    def _call(self, region: str, operation: str, asked: dict[str, Any]) -> Call:
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": _TARGET + operation,
        }
        return self._made(_SERVICE, region, headers, json.dumps(asked).encode())

    def _made(self, service: str, region: str, headers: dict[str, str], body: bytes) -> Call:
        owner = self._owner
        where = (service, region, owner.account, owner.access_key)
        return Call(*where, "POST", "/", "", headers, body)

    def _live(self) -> None:
        while not self._is_stopping:
            self._awake.clear()
            try:
                self.look()
                self._pulls.keep()
            except Exception:
                log.exception("alarms could not be judged")
            self._awake.wait(_NAP_S)


def _datum(one: Pulled) -> dict[str, Any]:
    return {
        "MetricName": METRIC,
        "Dimensions": [{"Name": "RepositoryName", "Value": one.repository}],
        "Timestamp": one.at,
        "StatisticValues": {"SampleCount": one.count, "Sum": one.count, "Minimum": 1, "Maximum": 1},
        "Unit": "Count",
    }


def _message(alarm: AlarmSeen, state: str, reason: str, at: datetime) -> dict[str, Any]:
    """What CloudWatch sends to a topic."""
    actions: dict[str, Sequence[str]] = alarm.actions
    rule = alarm.rule
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": alarm.account,
        "AlarmConfigurationUpdatedTimestamp": _shown(alarm.updated_at),
        "NewStateValue": state,
        "NewStateReason": reason,
        "StateChangeTime": _shown(at),
        "Region": alarm.region,
        "AlarmArn": alarm.arn,
        "OldStateValue": alarm.state,
        "OKActions": actions["OK"],
        "AlarmActions": actions["ALARM"],
        "InsufficientDataActions": actions["INSUFFICIENT_DATA"],
        "Trigger": {
            "MetricName": alarm.metric,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic",
            "Statistic": rule.statistic.upper(),
            "Unit": alarm.unit,
            "Dimensions": [{"value": value, "name": name} for name, value in alarm.dimensions],
            "Period": rule.period_s,
            "EvaluationPeriods": rule.periods,
            "DatapointsToAlarm": rule.needed,
            "ComparisonOperator": rule.operator,
            "Threshold": rule.threshold,
            "TreatMissingData": rule.missing,
        },
    }


def _shown(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
