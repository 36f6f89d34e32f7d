"""Whether a role may be taken at the embedded STS: its trust policy decides. I/O.

AssumeRole asks trust policy and the caller's own policies, by the same evaluator as ECR's doors.
AssumeRoleWithWebIdentity reads the claims of a token as they stand: **signatures are not verified**
here, everything else is (provider, audience, expiry, trust). The account's root is let in where the
trust policy names its account; at AWS root may take no role at all.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qs

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.ecr_access import Attached, as_policies, read_text
from longshore.embedded.service_journal import Call
from longshore.embedded.sigv4 import Principal
from longshore.errors import UsageError
from longshore.policy.access.conditions import Context
from longshore.policy.access.document import Document, Statement
from longshore.policy.access.evaluate import Caller, Policies, Request, decide
from longshore.policy.access.trust import ASSUME, ISSUER, explain_token

ASSUME_ROLE = "sts:AssumeRole"
CHECKED = ("AssumeRole", "AssumeRoleWithWebIdentity")
_ANYTHING = (Document((Statement("Allow", ("*",), ("*",)),)),)


@dataclass(frozen=True)
class Provider:
    """An identity provider of IAM: its ARN, and the audiences that it takes."""

    arn: str
    audiences: tuple[str, ...]


class Holder(Protocol):
    """Who holds roles, providers and policies (`services.py`)."""

    def trust_of(self, role: str) -> str | None:
        """The trust policy's text of a role by its ARN; None when there is no such role."""

    def provider_of(self, account: str, issuer: str) -> Provider | None:
        """The account's provider for an issuer (a host with a path)."""

    def policies_of(self, principal: Principal) -> Attached:
        """The policies of a user or session."""


def check_assume(
    operation: str, call: Call, caller: Principal | None, holder: Holder, now: datetime
) -> None:
    """Raise AwsRefusal, in STS's words, when the role may not be taken. `caller` None: unsigned."""
    asked = _form(call)
    if operation == "AssumeRoleWithWebIdentity":
        _check_token(asked, holder, now)
    elif caller is not None:
        _check_caller(asked, caller, holder, now)


def _form(call: Call) -> dict[str, str]:
    fields = parse_qs(call.query) | parse_qs(call.body.decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}


# --- a caller of AWS ------------------------------------------------------------------------------


def _check_caller(
    asked: Mapping[str, str], caller: Principal, holder: Holder, now: datetime
) -> None:
    role = asked.get("RoleArn", "")
    try:
        allowed = _may_assume(role, caller, holder, _context(asked, caller, now))
    except UsageError:  # a policy that cannot be read denies
        allowed = False
    if not allowed:
        what = f"User: {caller.arn} is not authorized to perform: {ASSUME_ROLE}"
        raise AwsRefusal("AccessDenied", f"{what} on resource: {role}", 403)


def _may_assume(role: str, caller: Principal, holder: Holder, context: Context) -> bool:
    """The trust policy must allow, within the account too; then the caller's own have a say."""
    trust = holder.trust_of(role)
    if trust is None:
        return False
    is_root = caller.arn.endswith(":root")
    # The evaluator lets root in whatever a policy says; the trust policy is asked all the same.
    arn = f"{caller.arn.removesuffix(':root')}:user/root" if is_root else caller.arn
    # As from another account, where the resource's side is always needed.
    across = Request(Caller(arn), ASSUME_ROLE, role, context, "elsewhere")
    if not decide(across, Policies(_ANYTHING, read_text(trust, "trust"))).allowed:
        return False
    if is_root:
        return True
    own = as_policies(holder.policies_of(caller), trust)
    return decide(Request(Caller(arn), ASSUME_ROLE, role, context, _account_of(role)), own).allowed


def _context(asked: Mapping[str, str], caller: Principal, now: datetime) -> Context:
    values: dict[str, Sequence[str]] = {
        "aws:PrincipalArn": (caller.arn,),
        "aws:PrincipalAccount": (caller.account,),
        "aws:userid": (caller.user_id,),
        "aws:CurrentTime": (now.isoformat(),),
        "aws:EpochTime": (str(int(now.timestamp())),),
        "aws:SourceIp": ("127.0.0.1",),
        "aws:SecureTransport": ("false",),
        "sts:RoleSessionName": (asked.get("RoleSessionName", ""),),
    }
    if external := asked.get("ExternalId"):
        values["sts:ExternalId"] = (external,)
    if ":user/" in caller.arn:
        values["aws:username"] = (caller.arn.rpartition("/")[2],)
    return Context(values)


def _account_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""


# --- a token from outside -------------------------------------------------------------------------


def _check_token(asked: Mapping[str, str], holder: Holder, now: datetime) -> None:
    claims = claims_of(asked.get("WebIdentityToken", ""))
    for name in ("iss", "sub", "aud", "exp"):
        if name not in claims:
            raise _bad_token(f"Missing a required claim: {name}")
    role = asked.get("RoleArn", "")
    issuer = str(claims["iss"])
    provider = holder.provider_of(_account_of(role), issuer.removeprefix("https://"))
    if provider is None:
        raise _bad_token(f"No OpenIDConnect provider found in your account for {issuer}")
    if not set(_texts(claims["aud"])) & set(provider.audiences):
        raise _bad_token("Incorrect token audience")
    _check_time(claims["exp"], now)
    if not _is_trusted(claims, provider, holder.trust_of(role)):
        raise AwsRefusal("AccessDenied", f"Not authorized to perform {ASSUME}", 403)


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JSON Web Token, its signature unseen. Raises AwsRefusal."""
    parts = token.split(".")
    decoded = [_object(part) for part in parts[:2]]
    if len(parts) != 3 or None in decoded:
        raise _bad_token(
            "The ID Token provided is not a valid JWT. "
            "(You may see this error if you sent an Access Token)"
        )
    return decoded[1] or {}


def _object(part: str) -> dict[str, Any] | None:
    """A part of a token: base64url without padding, of a JSON object."""
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _check_time(expires: Any, now: datetime) -> None:
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise _bad_token("Missing a required claim: exp")
    if expires >= now.timestamp():
        return
    end = datetime.fromtimestamp(max(expires, 0), UTC)
    raise AwsRefusal(
        "ExpiredTokenException",
        f"Token expired: current date/time {int(now.timestamp())} must be before the expiration "
        f"date/time {int(end.timestamp())}",
    )


def _is_trusted(claims: Mapping[str, Any], provider: Provider, trust: str | None) -> bool:
    if trust is None:
        return False
    try:
        document = read_text(trust, "trust")
        if provider.arn.endswith(f"/{ISSUER}"):
            return _takes_github(document, claims)
        issuer = str(claims["iss"]).removeprefix("https://")
        context = Context({f"{issuer}:{name}": _texts(value) for name, value in claims.items()})
        request = Request(Caller("", provider.arn), ASSUME, "*", context, _account_of(provider.arn))
        return decide(request, Policies(_ANYTHING, document)).allowed
    except UsageError:
        return False


def _takes_github(document: Document, claims: Mapping[str, Any]) -> bool:
    """As `iam trust --explain` says; which audiences are taken, the provider has decided."""
    fitting = {one.statement.effect for one in explain_token(document, claims).statements
               if one.fits}  # fmt: skip
    return fitting == {"Allow"}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)


def _bad_token(message: str) -> AwsRefusal:
    return AwsRefusal("InvalidIdentityToken", message)
