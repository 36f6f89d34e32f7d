"""The other AWS services (STS, IAM, SNS, SQS, EventBridge, ...) of one data directory. I/O.

moto answers (`moto_front.py`). What is added: which services are offered, with a named error for
all else; and state that survives restarts and kills: each call that changes something is in a
journal (`service_journal.py`) before it is carried out, with its time and a seed for moto's random
numbers, and all of them are carried out again at the first call after a start.
"""

from __future__ import annotations

import json
import logging
import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, urlencode

from longshore.embedded.aws_errors import AwsRefusal, not_offered
from longshore.embedded.clock import Clock
from longshore.embedded.ecr_access import Attached
from longshore.embedded.fetch import Deliveries
from longshore.embedded.moto_front import (
    Moment,
    State,
    carry_out,
    find_principal,
    forget,
    holding,
    policies_of,
    provider_of,
    trust_of,
)
from longshore.embedded.service_journal import Call, Entry, ServiceJournal
from longshore.embedded.sigv4 import Principal
from longshore.embedded.sts_trust import Provider
from longshore.embedded.wire import Response

log = logging.getLogger("longshore.embedded")
Looked = TypeVar("Looked")

# Names in credential scopes -> moto's names. Lambda and Batch would start containers: never here.
OFFERED = {
    "ce": "ce",
    "cloudtrail": "cloudtrail",
    "ecs": "ecs",
    "events": "events",
    "iam": "iam",
    "inspector2": "inspector2",
    "kms": "kms",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "organizations": "organizations",
    "scheduler": "scheduler",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "sts": "sts",
}
# The first two hand out one fixed key pair, the third lets everybody in; the pattern tester
# always says {}.
_NOT_OFFERED = {
    ("sts", "GetSessionToken"),
    ("sts", "GetFederationToken"),
    ("sts", "AssumeRoleWithSAML"),
    ("events", "TestEventPattern"),
    ("monitoring", "PutCompositeAlarm"),
}
_READS = (
    *("BatchGet", "Check", "Describe", "Filter", "Get", "Head", "List", "Lookup"),
    *("Search", "Simulate", "Test", "Validate"),
)
_PUT_EVENTS = "AWSEvents.PutEvents"
_EVENTS_A_CALL = 10
_POLL_S = 0.1
_MAX_WAIT_S = 20


class Services:
    """The services with their state. Thread-safe: one call at a time."""

    def __init__(self, journal: Path, clock: Clock) -> None:
        self._clock = clock
        self._journal = ServiceJournal(journal)
        self._deliveries = Deliveries()
        self._state = State()
        self._is_replayed = False

    def answer(self, call: Call) -> Response:
        """Carry the call out. Raises AwsRefusal when nothing here can."""
        operation = operation_of(call)
        if call.service not in OFFERED:
            raise not_offered(f"the service '{call.service}'")
        if (call.service, operation) in _NOT_OFFERED:
            raise not_offered(f"the operation {operation}")
        if operation == "ReceiveMessage":
            return self._receive(call)
        with self._turn():
            if operation.startswith(_READS) or (not operation and call.method in ("GET", "HEAD")):
                return self._ask(call, self._moment(secrets.token_hex(16)))
            return self._record(call)[0]

    def find_principal(self, access_key: str) -> Principal | None:
        """Whose key it is: a user's key or a role's session that was made here."""
        if self._journal.is_empty():
            return None
        with self._turn():
            return find_principal(access_key)

    def policies_of(self, principal: Principal) -> Attached:
        """The policies that IAM holds for a caller."""
        with self._turn():
            return policies_of(principal)

    def trust_of(self, role: str) -> str | None:
        """The trust policy of a role by its ARN."""
        with self._turn():
            return trust_of(role)

    def provider_of(self, account: str, issuer: str) -> Provider | None:
        """The identity provider that an account has for an issuer."""
        with self._turn():
            return provider_of(account, issuer)

    def look(self, read: Callable[[], Looked]) -> Looked:
        """What a function of `moto_front` reads, while nobody changes anything."""
        with self._turn():
            return read()

    def has_calls_to(self, service: str) -> bool:
        """Whether a service was ever told something."""
        return self._journal.has_calls_to(service)

    def has_event_rules(self) -> bool:
        """Whether EventBridge was ever told something, and may have rules."""
        return self._journal.has_calls_to("events")

    def emit(self, owner: Principal, region: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Put AWS's own events on the account's default bus, each at its time."""
        for at, same in groupby(events, lambda event: float(event["at"])):
            together = list(same)
            for begin in range(0, len(together), _EVENTS_A_CALL):
                some = together[begin : begin + _EVENTS_A_CALL]
                body = json.dumps({"Entries": [_entry(event) for event in some]}).encode()
                call = Call(
                    *("events", region, owner.account, owner.access_key, "POST", "/", ""),
                    {"content-type": "application/x-amz-json-1.1", "x-amz-target": _PUT_EVENTS},
                    body,
                )
                with self._turn():
                    self._record(call, datetime.fromtimestamp(at, UTC))

    def close(self) -> None:
        """Finish deliveries, forget the state, close the journal."""
        self._deliveries.close()
        forget(self._state)
        self._journal.close()

    def _record(self, call: Call, at: datetime | None = None) -> tuple[Response, int]:
        """Carry out and keep, unless it was refused; also the entry's number."""
        entry = Entry(call, at or self._clock.now(), secrets.token_hex(16))
        number = self._journal.append(entry)
        try:
            response = self._ask(call, self._moment(entry.seed, entry.time))
        except AwsRefusal:
            self._journal.drop(number)
            raise
        if response.status >= 400:
            self._journal.drop(number)
        return response, number

    def _receive(self, call: Call) -> Response:
        """SQS ReceiveMessage: waits without holding others up; kept when it took a message."""
        asked, wait_s = _without_waiting(call)
        deadline = time.monotonic() + min(wait_s, _MAX_WAIT_S)
        while True:
            with self._turn():
                response, number = self._record(asked)
                got = any(b"ReceiptHandle" in piece for piece in response.chunks())
                if not got and response.status < 400:
                    self._journal.drop(number)
            if got or response.status >= 400 or time.monotonic() >= deadline:
                return response
            time.sleep(_POLL_S)

    def _ask(self, call: Call, moment: Moment) -> Response:
        what = f"{operation_of(call) or call.method + ' ' + call.path} of '{call.service}'"
        try:
            status, headers, body = carry_out(OFFERED[call.service], call, moment)
        except NotImplementedError:
            raise not_offered(what) from None
        except AwsRefusal:
            raise
        except Exception as error:
            log.exception("%s failed", what)
            raise AwsRefusal(
                "InternalFailure", f"The embedded {what} failed: {type(error).__name__}", 500
            ) from None
        if status in (404, 405, 500) and headers.get("Content-Type", "").startswith("text/html"):
            raise not_offered(what)
        kept = {name: text for name, text in headers.items() if not _is_dropped(name)}
        return Response(status, kept, body, f"{call.service}:{operation_of(call)}")

    def _moment(self, seed: str, at: datetime | None = None) -> Moment:
        now = self._clock.now if at is None else lambda: at
        return Moment(now, random.Random(seed), self._deliveries.send)  # noqa: S311

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with holding(self._state):
            if not self._is_replayed:
                self._is_replayed = True
                self._replay()
            yield

    def _replay(self) -> None:
        """Do again all that was done; messages were delivered the first time."""
        for entry in self._journal.entries():
            moment = self._moment(entry.seed, entry.time)
            moment.deliver = lambda delivery: None
            try:
                self._ask(entry.call, moment)
            except AwsRefusal as refusal:
                log.warning("replaying %s: %s", operation_of(entry.call), refusal.message)


def _entry(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Source": "aws.ecr",
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event.get("resources", []),
        "Time": event["at"],
    }


def _is_dropped(header: str) -> bool:
    """No web page may read answers; the connection is the listener's."""
    return header.lower().startswith("access-control-") or header.lower() == "connection"


def operation_of(call: Call) -> str:
    """The operation's name, or "" when only method and path tell (REST services)."""
    if target := call.headers.get("x-amz-target", ""):
        return target.rpartition(".")[2]
    if "/operation/" in call.path:
        return call.path.rpartition("/operation/")[2]
    form = parse_qs(call.query)
    if _is_form(call):
        form |= parse_qs(call.body.decode("utf-8", "replace"))
    return form.get("Action", [""])[0]


def _is_form(call: Call) -> bool:
    kind = call.headers.get("content-type", "")
    return kind.startswith("application/x-www-form-urlencoded")


def _without_waiting(call: Call) -> tuple[Call, float]:
    """The call asking for an answer at once, and how long it wanted to wait."""
    try:
        if _is_form(call):
            form = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
            wait_s = float(form.get("WaitTimeSeconds") or 0)
            body = urlencode({**form, "WaitTimeSeconds": "0"}).encode()
        else:
            document = json.loads(call.body)
            wait_s = float(document.get("WaitTimeSeconds") or 0)
            body = json.dumps({**document, "WaitTimeSeconds": 0}).encode()
    except (ValueError, AttributeError, TypeError):
        raise AwsRefusal("SerializationException", "The body of ReceiveMessage is odd.") from None
    return replace(call, body=body), wait_s
