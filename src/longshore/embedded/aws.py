"""The AWS endpoint: one address for ECR's API and for every other service. I/O.

A request says by its signature's scope which service and region it is for. ECR's go to `ecr_api`,
all others to `services` (moto); `/_longshore/` is the servers' own control, with its own check.
Every refusal is worded in the protocol that the client speaks.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

from longshore.embedded.alarm_watch import AlarmWatch
from longshore.embedded.aws_errors import (
    AwsRefusal,
    Protocol,
    error_body,
    not_offered,
    protocol_of,
    refuse_signature,
)
from longshore.embedded.clock import Clock
from longshore.embedded.cloudtrail import lookup_events
from longshore.embedded.ecr_access import EcrAccess
from longshore.embedded.ecr_api import CONTENT_TYPE, EcrApi
from longshore.embedded.ecr_events import Event
from longshore.embedded.ecr_lifecycle_schedule import Lifecycle
from longshore.embedded.ecr_pulls import Pulls
from longshore.embedded.ecr_scanning import Scanning
from longshore.embedded.ecr_state import Ecr, EcrOptions
from longshore.embedded.ecr_telling import JOURNAL, RecordJournal, Telling
from longshore.embedded.service_journal import Call
from longshore.embedded.services import Services, operation_of
from longshore.embedded.sigv4 import Principal, Rejected, Signed, Verified, verify
from longshore.embedded.sts_trust import CHECKED, check_assume
from longshore.embedded.wire import Handler, Request, Response, WsgiApp, application

CONTROL = "/_longshore/"
MAX_BODY_BYTES = 64 * 1024 * 1024
_UNSIGNED = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")
_KEPT_HEADERS = (
    *("accept", "content-type", "content-encoding", "host", "smithy-protocol"),
    *("x-amz-target", "x-amzn-query-mode"),
)


@dataclass(frozen=True)
class RootKey:
    """The key pair that is handed to the user at `up`; it stands for the account itself."""

    access_key: str
    secret_key: str


class Aws:
    """The embedded account: its ECR, its other services, and whose keys are known."""

    def __init__(self, data_dir: Path, options: EcrOptions, clock: Clock, root: RootKey) -> None:
        self.clock = clock
        self.ecr = Ecr(data_dir, options, clock)
        self.services = Services(data_dir / "aws-calls.sqlite", clock)
        self.access = EcrAccess(self.services.policies_of)
        self.scanning = Scanning(self.ecr, data_dir)
        self._api = EcrApi(self.ecr, self.access, self.scanning)
        self._root = Principal(
            root.access_key,
            root.secret_key,
            options.account,
            f"arn:aws:iam::{options.account}:root",
            options.account,
        )
        self.ecr.has_listeners = lambda region: self.services.has_event_rules()
        self.telling = Telling(self.ecr, RecordJournal(data_dir / JOURNAL), self._deliver)
        self.lifecycle = Lifecycle(self.ecr, self.telling)
        self.alarms = AlarmWatch(self.services, Pulls(self.ecr), clock, self._root)

    def find_principal(self, access_key: str) -> Principal | None:
        """Whose key it is, if it is known here."""
        if access_key == self._root.access_key:
            return self._root
        return self.services.find_principal(access_key)

    def close(self) -> None:
        """Close all files."""
        self.lifecycle.close()
        self.alarms.close()
        self.scanning.close()
        self.services.close()
        self.ecr.close()

    def answer(self, request: Request) -> Response:
        """Any request to the endpoint but the control's."""
        request_id = str(uuid.uuid4())
        signed = _signed(request)
        protocol = protocol_of(signed.headers, signed.query, signed.body)
        try:
            response = self._route(signed, protocol, request_id)
        except Rejected as rejected:
            response = _refused(refuse_signature(rejected, protocol), protocol, request_id)
        except AwsRefusal as refusal:
            response = _refused(refusal, protocol, request_id)
        response.kind = response.kind or _kind(signed)
        response.headers.setdefault("x-amzn-RequestId", request_id)
        return response

    def _route(self, signed: Signed, protocol: Protocol, request_id: str) -> Response:
        if signed.path.startswith("/moto-api"):
            raise not_offered("moto's own control")
        call = _call(signed)
        operation = operation_of(call)
        if "authorization" not in signed.headers and operation in _UNSIGNED:
            known = replace(self._root, access_key="")
            self._check_assume(operation, call, None)
            return self.services.answer(_for(call, Verified(known, self._region, "sts")))
        caller = verify(signed, self.find_principal, datetime.now(UTC), self.clock.now())
        if caller.service == "ecr":
            target = signed.headers.get("x-amz-target", "")
            body = self._api.answer(target, signed.body, caller)
            return Response(200, {"Content-Type": CONTENT_TYPE}, body, f"ecr:{operation}")
        if (caller.service, operation) == ("cloudtrail", "LookupEvents"):
            return self._lookup_events(caller.region, signed.body)
        is_root = caller.principal.access_key == self._root.access_key
        if (caller.service, operation) == ("sts", "GetCallerIdentity") and is_root:
            return _caller_identity(self._root, request_id)
        if caller.service == "sts":
            self._check_assume(operation, call, caller.principal)
        if caller.service == "monitoring":
            return self.alarms.answer(_for(call, caller), operation)
        return self.services.answer(_for(call, caller))

    def _check_assume(self, operation: str, call: Call, caller: Principal | None) -> None:
        if operation in CHECKED:
            check_assume(operation, call, caller, self.services, self.clock.now())

    def _lookup_events(self, region: str, body: bytes) -> Response:
        found = lookup_events(self.telling.records(), region, body, self.clock.now())
        kind = "cloudtrail:LookupEvents"
        return Response(200, {"Content-Type": CONTENT_TYPE}, json.dumps(found).encode(), kind)

    def _deliver(self, region: str, events: Sequence[Event]) -> None:
        self.services.emit(self._root, region, events)

    @property
    def _region(self) -> str:
        return self.ecr.options.region


def aws_app(aws: Aws, control: Handler | None = None) -> WsgiApp:
    """The endpoint as a WSGI application; `control` answers below `/_longshore/`."""
    return application(aws_handler(aws, control))


def aws_handler(aws: Aws, control: Handler | None = None) -> Handler:
    """The endpoint, for who wraps it (faults, access log) before it is served."""

    def handle(request: Request) -> Response:
        if request.path.startswith(CONTROL) and control is not None:
            return control(request)
        return aws.answer(request)

    return handle


def _signed(request: Request) -> Signed:
    environ = request.environ
    path, _, query = str(environ.get("REQUEST_URI") or quote(request.path)).partition("?")
    return Signed(
        request.method,
        path,
        str(environ.get("QUERY_STRING") or query),
        request.headers,
        request.body.read(MAX_BODY_BYTES),
    )


def _call(signed: Signed) -> Call:
    headers = {name: signed.headers[name] for name in _KEPT_HEADERS if name in signed.headers}
    return Call("", "", "", "", signed.method, signed.path, signed.query, headers, signed.body)


def _for(call: Call, caller: Verified) -> Call:
    """The call with its owner in place of its signature."""
    return replace(
        call,
        service=caller.service,
        region=caller.region,
        account=caller.principal.account,
        access_key=caller.principal.access_key,
        query="&".join(part for part in call.query.split("&") if not part.startswith("X-Amz-")),
    )


def _refused(refusal: AwsRefusal, protocol: Protocol, request_id: str) -> Response:
    content_type, body = error_body(refusal, protocol, request_id)
    headers = {"Content-Type": content_type, "x-amzn-ErrorType": refusal.code}
    if protocol is Protocol.CBOR:
        headers["smithy-protocol"] = "rpc-v2-cbor"
    return Response(refusal.status, headers, body)


def _kind(signed: Signed) -> str:
    """What was asked, for the access log, when nobody has carried it out."""
    is_ecr = signed.headers.get("x-amz-target", "").startswith("AmazonEC2ContainerRegistry")
    return f"{'ecr' if is_ecr else 'aws'}:{operation_of(_call(signed))}"


def _caller_identity(principal: Principal, request_id: str) -> Response:
    text = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
        f"  <GetCallerIdentityResult>\n    <Arn>{escape(principal.arn)}</Arn>\n"
        f"    <UserId>{escape(principal.user_id)}</UserId>\n"
        f"    <Account>{escape(principal.account)}</Account>\n  </GetCallerIdentityResult>\n"
        f"  <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\n"
        "</GetCallerIdentityResponse>\n"
    )
    return Response(200, {"Content-Type": "text/xml"}, text.encode(), "sts:GetCallerIdentity")
