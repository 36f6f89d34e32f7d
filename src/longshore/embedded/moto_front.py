"""moto, driven from outside: the only module that knows its insides. I/O.

moto keeps one state per process, asks the process's clock and random numbers, and posts to any
address. Here it is given another state, time, randomness and postman for each call, so that a call
can be carried out again and come to the same end (`services.py` keeps the calls).

moto is pinned to 5.2; each trick below has a test in `tests/embedded/test_aws_services.py`. It is
long so that no second module has to know moto: how calls are carried out, whose keys and policies
there are, and what alarms and rules look like inside.
"""

from __future__ import annotations

import io
import json
import os
import random
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from longshore.embedded.alarm_rules import MISSING, OPERATORS, STATISTICS, Datum, Rule
from longshore.embedded.alarm_rules import State as AlarmState
from longshore.embedded.aws_errors import AwsRefusal, not_offered
from longshore.embedded.ecr_access import Attached
from longshore.embedded.event_input import target_input
from longshore.embedded.fetch import Delivery
from longshore.embedded.service_journal import Call
from longshore.embedded.sigv4 import Principal
from longshore.embedded.sts_trust import Provider


@dataclass
class Moment:
    """What moto's clock, randomness and postman are during one call."""

    now: Callable[[], datetime]
    random: random.Random
    deliver: Callable[[Delivery], object]


@dataclass(eq=False)
class State:
    """Everything that moto holds for one data directory, while another's is in moto."""

    backends: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)


@dataclass
class _Process:
    """What there is one of in a process."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    state: State | None = None
    moment: Moment | None = None
    apps: dict[str, Any] = field(default_factory=dict)
    adapted: set[str] = field(default_factory=set)


_process = _Process()


@contextmanager
def holding(state: State) -> Iterator[None]:
    """Alone with moto, which has this state."""
    with _process.lock:
        if _process.state is not state:
            _exchange(state)
        yield


def forget(state: State) -> None:
    """The state is not needed any more."""
    with _process.lock:
        if _process.state is state:
            _exchange(None)
        state.backends.clear()


def _exchange(state: State | None) -> None:
    """Take what moto holds out of it, and put another state in."""
    from moto.core.base_backend import BackendDict

    used: list[Any] = BackendDict._instances  # type: ignore[misc]
    taken = [(backend, {account: backend[account] for account in backend}) for backend in used]
    for backend, _ in taken:
        dict.clear(backend)
    used.clear()
    if _process.state is not None:
        _process.state.backends = taken
    _process.state = state
    for backend, accounts in state.backends if state else []:
        dict.update(backend, accounts)
        used.append(backend)


def carry_out(service: str, call: Call, moment: Moment) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of moto's answer. Raises whatever moto raises."""
    from werkzeug.test import run_wsgi_app

    app = _app(service)
    _process.moment = moment
    seed = moment.random.randbytes(16)
    try:
        _touch(service, call)
        moment.random.seed(seed)
        _seed(seed)
        pieces, status, headers = run_wsgi_app(app, _environ(call), buffered=True)
        return int(status.split()[0]), dict(headers), b"".join(pieces)
    finally:
        _process.moment = None


def _app(service: str) -> Any:
    if service not in _process.apps:
        from moto.moto_server.werkzeug_app import create_backend_app

        _process.apps[service] = create_backend_app(service)  # type: ignore[arg-type]
        _adapt_modules()
    return _process.apps[service]


def _touch(service: str, call: Call) -> None:
    """Make the service's empty state now, alike whichever call happens to be the first."""
    from moto.backends import get_backend
    from moto.utilities.utils import get_partition

    for name in ("iam", service):
        _seed(f"{name}/{call.account}/{call.region}".encode())
        accounts: Any = get_backend(name)  # type: ignore[call-overload]
        is_regional = "us-east-1" in accounts[call.account]
        accounts[call.account][call.region if is_regional else get_partition(call.region)]


def _seed(seed: bytes) -> None:
    from moto.moto_api._internal import mock_random

    mock_random.seed(seed)


def _environ(call: Call) -> dict[str, Any]:
    """The WSGI request; a short Authorization tells moto whose call it is, and where."""
    credential = f"{call.access_key}/20260101/{call.region}/{call.service}/aws4_request"
    headers = {
        **call.headers,
        "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host",
        "x-moto-account-id": call.account,
    }
    host = headers.get("host", "127.0.0.1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": call.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(call.path, "latin-1"),
        "RAW_URI": call.path + (f"?{call.query}" if call.query else ""),
        "QUERY_STRING": call.query,
        "SERVER_NAME": host.partition(":")[0],
        "SERVER_PORT": host.partition(":")[2] or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(call.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(call.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ


# --- whose keys ---------------------------------------------------------------------------------


def find_principal(access_key: str) -> Principal | None:
    """The user or the role's session that a key of moto's belongs to."""
    if "moto.iam.models" not in sys.modules:
        return None
    return _find_session(access_key) or _find_user(access_key)


def _find_user(access_key: str) -> Principal | None:
    from moto.iam.models import iam_backends

    backends: Any = iam_backends
    for _, _, backend in backends.iter_backends():
        for user in backend.users.values():
            for key in user.access_keys:
                if key.access_key_id == access_key and key.status == "Active":
                    return Principal(
                        access_key, key.secret_access_key, user.account_id, user.arn, user.id
                    )
    return None


def _find_session(access_key: str) -> Principal | None:
    from moto.sts.models import sts_backends

    backends: Any = sts_backends
    for account, _, backend in backends.iter_backends():
        session = backend.get_assumed_role_from_access_key(access_key)
        if session is not None:
            return Principal(
                access_key,
                session.secret_access_key,
                account,
                session.arn,
                session.user_id,
                session.session_token,
                session.expiration.replace(tzinfo=UTC),
            )
    return None


def policies_of(principal: Principal) -> Attached:
    """The policies of a user (its own, attached, its groups') or of a session's role."""
    if "moto.iam.models" not in sys.modules:
        return Attached()
    backend = _iam_of(principal.account)
    if backend is None:
        return Attached()
    if ":assumed-role/" in principal.arn:
        return _of_session(backend, principal)
    for user in backend.users.values():
        if user.arn == principal.arn:
            groups = [one for one in backend.groups.values() if user in one.users]
            return Attached(tuple(pair for one in (user, *groups) for pair in _texts(one)))
    return Attached()


def trust_of(role: str) -> str | None:
    """The trust policy of a role by its ARN; None when IAM has no such role."""
    backend = _iam_of(role.split(":")[4]) if role.count(":") > 4 else None
    roles = backend.roles.values() if backend is not None else ()
    found = next((one for one in roles if one.arn == role), None)
    return None if found is None else _text(found.assume_role_policy_document)


def provider_of(account: str, issuer: str) -> Provider | None:
    """The account's identity provider for an issuer (without https://)."""
    backend = _iam_of(account)
    providers = backend.open_id_providers.values() if backend is not None else ()
    ending = f":oidc-provider/{issuer}"
    found = next((one for one in providers if one.arn.endswith(ending)), None)
    return None if found is None else Provider(found.arn, tuple(found.client_id_list))


def _iam_of(account: str) -> Any:
    if "moto.iam.models" not in sys.modules:
        return None
    from moto.iam.models import iam_backends

    backends: Any = iam_backends
    return next((one for owner, _, one in backends.iter_backends() if owner == account), None)


def _of_session(backend: Any, principal: Principal) -> Attached:
    from moto.sts.models import sts_backends

    backends: Any = sts_backends
    sessions = (
        one.get_assumed_role_from_access_key(principal.access_key)
        for _, _, one in backends.iter_backends()
    )
    session = next((one for one in sessions if one is not None), None)
    name = principal.arn.split("/")[1]
    role = next((one for one in backend.roles.values() if one.name == name), None)
    if role is None:
        return Attached()
    boundary = backend.managed_policies.get(role.permissions_boundary_arn or "")
    return Attached(
        tuple(_texts(role)),
        _document_of(boundary) if boundary is not None else None,
        _text(session.policy) if session is not None and session.policy else None,
    )


def _texts(holder: Any) -> Iterator[tuple[str, str]]:
    """Names and texts of the policies that a user, group or role has."""
    for name, document in holder.policies.items():
        yield name, _text(document)
    for arn, policy in holder.managed_policies.items():
        yield arn, _document_of(policy)


def _document_of(policy: Any) -> str:
    """The default version of a managed policy."""
    versions = (one for one in policy.versions if one.version_id == policy.default_version_id)
    version = next(versions, policy.versions[-1])
    return _text(version.document)


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


# --- other time, randomness and postman ---------------------------------------------------------


def _now() -> datetime:
    return _process.moment.now() if _process.moment else datetime.now(UTC)


def _utcnow() -> datetime:
    return _now().replace(tzinfo=None)


def _uuid4() -> uuid.UUID:
    moment = _process.moment
    return uuid.UUID(int=moment.random.getrandbits(128), version=4) if moment else uuid.uuid4()


class _Time:
    """The module `time`, with the stand-in's clock."""

    @staticmethod
    def time() -> float:
        """Seconds since 1970."""
        return _now().timestamp()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class _Os:
    """The module `os`, with randomness that can be had again."""

    @staticmethod
    def urandom(size: int) -> bytes:
        """So many bytes."""
        return _process.moment.random.randbytes(size) if _process.moment else os.urandom(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


class _Posted:
    """What moto sees of a delivery's answer: nothing went wrong."""

    status_code = 200
    text = ""


class _Requests:
    """The two functions of the module `requests` that moto delivers with."""

    def post(self, url: str, json: Any = None, headers: dict[str, str] | None = None) -> _Posted:
        """A topic's message to its HTTP subscriber."""
        return self.request("POST", url, headers, json)

    @staticmethod
    def request(
        method: str, url: str, headers: dict[str, str] | None = None, json_body: Any = None
    ) -> _Posted:
        """An event to an API destination."""
        body = b"" if json_body is None else json.dumps(json_body).encode()
        if _process.moment is not None:
            _process.moment.deliver(Delivery(method, url, dict(headers or {}), body))
        return _Posted()


_SEEDED_OS = ("moto.sts.", "moto.kms.", "moto.iam.")


def _adapt_modules() -> None:
    """Give the modules of moto that were loaded since last time our time, uuids and postman."""
    import requests
    from moto import settings
    from moto.core import utils

    settings.events_invoke_http = lambda: True
    exchanged: dict[int, Any] = {
        id(utils.utcnow): _utcnow,
        id(time): _Time(),
        id(uuid.uuid4): _uuid4,
        id(requests): _Requests(),
    }
    for name, module in list(sys.modules.items()):
        if not name.startswith("moto.") or name in _process.adapted:
            continue
        _process.adapted.add(name)
        for member, value in list(vars(module).items()):
            if id(value) in exchanged:
                setattr(module, member, exchanged[id(value)])
            elif value is os and name.startswith(_SEEDED_OS):
                setattr(module, member, _Os())
        if name == "moto.events.models":
            _deliver_events_ourselves(module)
        if name == "moto.cloudwatch.models":
            _refuse_dead_alarms(module)


def _deliver_events_ourselves(events: Any) -> None:
    """Rules deliver to SNS topics too, and what a target asks to be sent.

    moto's own way knows no topics, and needs a package for every input. Targets of kinds that are
    not here (functions) are passed over, so that the others get theirs.
    """
    send = events.Rule.send_to_targets

    def send_to_targets(rule: Any, event: Any, transform_input: bool = True) -> None:
        if rule.state == "DISABLED" or not rule.event_pattern.matches_event(event):
            return
        all_targets = list(rule.targets)
        for target in all_targets:
            kind = target["Arn"].split(":")[2]
            if kind == "sqs":
                _send_to_queue(target, _event_as_sent(event))
            elif kind == "sns":
                _send_to_topic(target, _event_as_sent(event))
            elif kind in ("logs", "events"):
                rule.targets = [target]
                try:
                    send(rule, event, transform_input=False)
                finally:
                    rule.targets = all_targets

    events.Rule.send_to_targets = send_to_targets


def _send_to_queue(target: dict[str, Any], event: dict[str, Any]) -> None:
    """moto's own way of sending looks at all messages that wait, each time."""
    from moto.moto_api._internal import mock_random
    from moto.sqs.models import Message, sqs_backends

    region, account, name = target["Arn"].split(":")[3:6]
    backend, body = sqs_backends[account][region], target_input(target, event)
    queue: Any = backend.get_queue(name)
    if queue.fifo_queue or len(body) > queue.maximum_message_size:
        group = target.get("SqsParameters", {}).get("MessageGroupId")
        backend.send_message(queue_name=name, message_body=body, group_id=group)
        return
    message = Message(str(mock_random.uuid4()), body, None)
    message.mark_sent(delay_seconds=queue.delay_seconds)
    queue.add_message(message)


def _send_to_topic(target: dict[str, Any], event: dict[str, Any]) -> None:
    from moto.sns.models import sns_backends

    region, account = target["Arn"].split(":")[3:5]
    message = target_input(target, event)
    sns_backends[account][region].publish(message=message, arn=target["Arn"])


def _event_as_sent(event: dict[str, Any]) -> dict[str, Any]:
    moment = datetime.fromtimestamp(float(event["time"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sent = {name: value for name, value in event.items() if name != "ingestion-time"}
    return {**sent, "time": moment}


# --- alarms -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AlarmSeen:
    """An alarm as it was put, its state, and the values that it is judged by."""

    account: str
    region: str
    name: str
    arn: str
    description: str | None
    state: AlarmState
    reason: str
    is_enabled: bool
    actions: dict[str, Sequence[str]]
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str | None
    updated_at: datetime
    rule: Rule
    data: tuple[Datum, ...]


def alarms_seen(now: datetime) -> list[AlarmSeen]:
    """All alarms, each with the values that count now."""
    if "moto.cloudwatch.models" not in sys.modules:
        return []
    from moto.cloudwatch.models import cloudwatch_backends

    backends: Any = cloudwatch_backends
    return [
        _alarm_seen(account, alarm, backend.metric_data, now)
        for account, _, backend in backends.iter_backends()
        for alarm in backend.alarms.values()
    ]


def _alarm_seen(account: str, alarm: Any, values: Sequence[Any], now: datetime) -> AlarmSeen:
    rule = Rule(
        alarm.statistic,
        int(alarm.period),
        int(alarm.evaluation_periods),
        int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        alarm.comparison_operator,
        float(alarm.threshold),
        alarm.treat_missing_data or MISSING[0],
    )
    dimensions = tuple(sorted((one.name, one.value) for one in alarm.dimensions))
    since = (now - rule.span).replace(tzinfo=None)
    data = (
        _datum(one)
        for one in values
        if (one.name, one.namespace) == (alarm.metric_name, alarm.namespace)
        and one.timestamp > since
        and (alarm.unit is None or one.unit == alarm.unit)
        and tuple(sorted((each.name, each.value) for each in one.dimensions)) == dimensions
    )
    return AlarmSeen(
        account,
        alarm.region_name,
        alarm.name,
        alarm.alarm_arn,
        alarm.description,
        alarm.state_value,
        alarm.state_reason,
        bool(alarm.actions_enabled),
        {
            "OK": alarm.ok_actions,
            "ALARM": alarm.alarm_actions,
            "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
        },
        alarm.namespace,
        alarm.metric_name,
        dimensions,
        alarm.unit,
        alarm.configuration_updated_timestamp.replace(tzinfo=UTC),
        rule,
        tuple(data),
    )


def _datum(one: Any) -> Datum:
    at = one.timestamp.replace(tzinfo=UTC)
    if hasattr(one, "sample_count"):
        return Datum(at, one.sum, one.sample_count, one.min, one.max)
    return Datum(at, one.value, 1, one.value, one.value)


def _refuse_dead_alarms(models: Any) -> None:
    """Alarms that nothing here could judge are refused; the others begin without data, as at AWS.

    An alarm that is put again keeps its state.
    """
    put = models.CloudWatchBackend.put_metric_alarm

    def put_metric_alarm(backend: Any, name: str, **asked: Any) -> Any:
        _check_alarm(asked)
        before = backend.alarms.get(name)
        alarm = put(backend, name=name, **asked)
        alarm.state_value = "INSUFFICIENT_DATA"
        if before is not None:
            for what in ("value", "reason", "reason_data", "updated_timestamp"):
                setattr(alarm, f"state_{what}", getattr(before, f"state_{what}"))
            alarm.history = before.history
        return alarm

    models.CloudWatchBackend.put_metric_alarm = put_metric_alarm


def _check_alarm(asked: dict[str, Any]) -> None:
    """Raise AwsRefusal for an alarm that cannot be judged, or that CloudWatch would refuse."""
    if asked.get("metric_data_queries"):
        raise not_offered("metric math and anomaly detection in alarms")
    if asked.get("extended_statistic"):
        raise not_offered("percentiles in alarms")
    needed = asked.get("datapoints_to_alarm") or 1
    problems = (
        (not asked.get("metric_name") or not asked.get("namespace"), "MetricName and Namespace"),
        (asked.get("statistic") not in STATISTICS, "Statistic"),
        (asked.get("comparison_operator") not in OPERATORS, "ComparisonOperator"),
        (asked.get("threshold") is None, "Threshold"),
        (not asked.get("period"), "Period"),
        (not 1 <= int(needed) <= int(asked.get("evaluation_periods") or 0), "DatapointsToAlarm"),
        ((asked.get("treat_missing_data") or MISSING[0]) not in MISSING, "TreatMissingData"),
    )
    for is_wrong, name in problems:
        if is_wrong:
            raise AwsRefusal("ValidationError", f"The parameter {name} is missing or not valid.")
