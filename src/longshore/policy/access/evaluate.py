"""Whether a request is allowed: policies of the caller, of the resource, and both accounts. Pure.

Logic: IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation logic".

* An explicit Deny that applies, in any of the policies, decides.
* Within an account an Allow of the caller's policies or of the resource's policy is enough; a
  resource policy that allows the account (its number or its root) hands the decision to the
  account's own policies, so then both are needed.
* From another account both sides must allow.
* A permissions boundary, a session policy and an organization's policies only take away: each that
  is given must allow too. (The resource policy's grant to a session, which a boundary does not cut,
  is left out: such a request is denied here and allowed at AWS.)
* Whoever is root of the resource's account is allowed, short of a Deny.

The answer names the statement that decides, and says it in AWS's words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from longshore.policy.access.conditions import Context, failed
from longshore.policy.access.document import Condition, Document, Principals, Statement
from longshore.policy.access.wildcards import matches_action, matches_arn

Side = Literal["identity", "resource", "boundary", "session", "organization"]
_ASSUMED = re.compile(r"arn:([^:]+):sts::(\d{12}):assumed-role/([^/]+)/.+\Z")
_ACCOUNT = re.compile(r"arn:[^:]+:(?:iam|sts)::(\d{12}):")
NO_CONTEXT = Context({})


@dataclass(frozen=True)
class Caller:
    """Who asks: the ARN as GetCallerIdentity gives it. `federated` for a token from outside."""

    arn: str
    federated: str = ""

    @property
    def account(self) -> str:
        """The caller's account; empty for one from outside AWS."""
        found = _ACCOUNT.match(self.arn)
        return found[1] if found else ""

    @property
    def role_name(self) -> str:
        """The name of the role behind an assumed role's session; else empty."""
        found = _ASSUMED.match(self.arn)
        return found[3] if found else ""

    @property
    def is_root(self) -> bool:
        """Whether it is an account's root."""
        return self.arn.endswith(":root")


@dataclass(frozen=True)
class Request:
    """One call: who, which action (`ecr:PutImage`), on which resource's ARN (`*`: none)."""

    caller: Caller
    action: str
    resource: str = "*"
    context: Context = NO_CONTEXT
    resource_account: str = ""

    @property
    def owner(self) -> str:
        """The account that owns the resource; the caller's where the ARN does not say."""
        if self.resource_account:
            return self.resource_account
        parts = self.resource.split(":")
        return parts[4] if len(parts) > 5 and parts[4] else self.caller.account


@dataclass(frozen=True)
class Policies:
    """All that has a say. None means that there is no such policy, not an empty one."""

    identity: tuple[Document, ...] = ()
    resource: Document | None = None
    boundary: Document | None = None
    session: Document | None = None
    organization: tuple[Document, ...] = ()


@dataclass(frozen=True)
class Decision:
    """The answer. `side` and `statement` say what decided; `because` is the code of the reason.

    `nearest` is the Allow that came closest when nothing allowed it, with the condition that was
    not met; it helps people, and decides nothing.
    """

    allowed: bool
    because: Literal["allowed", "root", "explicit-deny", "not-allowed"]
    side: Side | None = None
    statement: Statement | None = None
    document: str = ""
    nearest: Nearest | None = None


@dataclass(frozen=True)
class Nearest:
    """An Allow for the action and resource whose condition or principal did not fit."""

    statement: Statement
    document: str
    condition: Condition | None = None


@dataclass(frozen=True)
class _Found:
    statement: Statement
    document: str
    delegates: bool = field(default=False)


def decide(request: Request, policies: Policies) -> Decision:
    """Whether the request is allowed. Raises UnknownOperator when a condition cannot be read."""
    for side, documents in _sides(policies):
        if found := _first(request, documents, "Deny", side):
            return Decision(False, "explicit-deny", side, found.statement, found.document)
    same = request.caller.account == request.owner
    if request.caller.is_root and same:
        return Decision(True, "root")
    own = _first(request, policies.identity, "Allow", "identity")
    theirs = _first(request, _listed(policies.resource), "Allow", "resource")
    if blocked := _taken_away(request, policies):
        return blocked
    if same and theirs and not theirs.delegates:
        return Decision(True, "allowed", "resource", theirs.statement, theirs.document)
    if own and (same or theirs):
        return Decision(True, "allowed", "identity", own.statement, own.document)
    missing: Side = "identity" if own is None else "resource"
    return Decision(False, "not-allowed", missing, nearest=_nearest(request, policies))


def applies(statement: Statement, request: Request) -> bool:
    """Whether action, resource, principal and conditions of the statement are the request's."""
    return (
        is_about(statement, request)
        and _names(statement.principals, request) is not None
        and failed(statement.conditions, request.context) is None
    )


def is_about(statement: Statement, request: Request) -> bool:
    """Whether the statement covers the action and the resource, whoever asks."""
    named = any(matches_action(one, request.action) for one in statement.actions)
    if named is statement.not_actions:
        return False
    if not statement.resources:
        return True
    held = any(_covers(one, request) for one in statement.resources)
    return held is not statement.not_resources


def _covers(pattern: str, request: Request) -> bool:
    return pattern == "*" or (request.resource != "*" and matches_arn(pattern, request.resource))


def _sides(policies: Policies) -> tuple[tuple[Side, tuple[Document, ...]], ...]:
    return (
        ("organization", policies.organization),
        ("resource", _listed(policies.resource)),
        ("identity", policies.identity),
        ("boundary", _listed(policies.boundary)),
        ("session", _listed(policies.session)),
    )


def _listed(document: Document | None) -> tuple[Document, ...]:
    return () if document is None else (document,)


def _first(
    request: Request, documents: Sequence[Document], effect: str, side: Side
) -> _Found | None:
    """The first statement of this effect that applies; one that delegates only if none else."""
    delegating: _Found | None = None
    for document in documents:
        for statement in document.statements:
            if statement.effect != effect or not is_about(statement, request):
                continue
            how = _names(statement.principals, request) if side == "resource" else "direct"
            if how is None or failed(statement.conditions, request.context) is not None:
                continue
            if how == "direct" or effect == "Deny":
                return _Found(statement, document.name)
            delegating = delegating or _Found(statement, document.name, delegates=True)
    return delegating


def _taken_away(request: Request, policies: Policies) -> Decision | None:
    """The policy that only limits and does not allow the request."""
    limits: list[tuple[Side, tuple[Document, ...]]] = []
    if policies.organization:
        limits.append(("organization", policies.organization))
    if policies.boundary:
        limits.append(("boundary", (policies.boundary,)))
    if policies.session:
        limits.append(("session", (policies.session,)))
    for side, documents in limits:
        if _first(request, documents, "Allow", side) is None:
            return Decision(False, "not-allowed", side, document=documents[0].name)
    return None


def _names(principals: Principals | None, request: Request) -> Literal["direct", "account"] | None:
    """Whether the principals include the caller: itself, or only through its account."""
    if principals is None:
        return "direct"
    hows = {_names_one(kind, value, request) for kind, value in principals.entries}
    if principals.negated:
        return None if hows - {None} else "direct"
    return "direct" if "direct" in hows else "account" if "account" in hows else None


def _names_one(kind: str, value: str, request: Request) -> Literal["direct", "account"] | None:
    caller = request.caller
    if value == "*" and kind in ("*", "AWS"):
        return "direct"
    if kind == "Federated":
        return "direct" if caller.federated and value == caller.federated else None
    if kind != "AWS" or not caller.account:
        return None
    if value == caller.arn or value == _role_arn(caller, value):
        return "direct"
    is_account = value == caller.account or value.endswith(f":iam::{caller.account}:root")
    return "account" if is_account else None


def _role_arn(caller: Caller, value: str) -> str:
    """The ARN of the role behind a session, with the path that `value` has: sessions lose it."""
    found = _ASSUMED.match(caller.arn)
    if found is None:
        return ""
    path = value.partition(":role/")[2].rpartition("/")[0]
    name = f"{path}/{found[3]}" if path else found[3]
    return f"arn:{found[1]}:iam::{found[2]}:role/{name}"


def _nearest(request: Request, policies: Policies) -> Nearest | None:
    for _, documents in _sides(policies):
        for document in documents:
            for statement in document.statements:
                if statement.effect == "Allow" and is_about(statement, request):
                    unmet = failed(statement.conditions, request.context)
                    return Nearest(statement, document.name, unmet)
    return None


def refusal(request: Request, decision: Decision) -> str:
    """The message of AWS's AccessDeniedException for a denied request.

    Wording: IAM User Guide, "Troubleshoot access denied error messages".
    """
    who = f"User: {request.caller.arn} is not authorized to perform: {request.action}"
    where = f" on resource: {request.resource}"
    kind = _KINDS[decision.side or "identity"]
    if decision.because == "explicit-deny":
        return f"{who}{where} with an explicit deny in {_article(kind)} {kind}"
    return f"{who}{where} because no {kind} allows the {request.action} action"


_KINDS: dict[Side, str] = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "organization": "service control policy",
}


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeiou" else "a"
