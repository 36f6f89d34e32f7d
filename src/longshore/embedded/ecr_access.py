"""Whether a caller may do what it asks of the embedded ECR: IAM, enforced at both doors. I/O.

The policies are those that the embedded IAM holds for the caller and that the repository has;
`policy.access.evaluate` decides. The account's root, whose key `local env` gives, needs none. What
the evaluator leaves out, this leaves out: other accounts' identity policies are not here, so only
callers of this account are decided. A policy that cannot be read denies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.ecr_state import Region
from longshore.embedded.sigv4 import Principal
from longshore.errors import UsageError
from longshore.policy.access.conditions import Context
from longshore.policy.access.document import Document, read_document
from longshore.policy.access.ecr_actions import ANYWHERE
from longshore.policy.access.evaluate import Caller, Policies, Request, decide, refusal

Values = dict[str, Any]


@dataclass(frozen=True)
class Attached:
    """The policies of a caller, as name and text; `session` is the one given to AssumeRole."""

    identity: tuple[tuple[str, str], ...] = ()
    boundary: str | None = None
    session: str | None = None


@dataclass(frozen=True)
class Checked:
    """One right that was asked for, and whether the caller has it."""

    caller: str
    action: str
    resource: str
    allowed: bool


PoliciesOf = Callable[[Principal], Attached]
NOTHING = Attached()

# Further rights that an operation asks for (ECR User Guide, "Amazon ECR referrers").
_ALSO = {"ListImageReferrers": ("BatchGetImage",)}
# What a request of the registry protocol comes to, by its kind and method.
_BY_PROTOCOL = {
    ("manifest", "GET"): "BatchGetImage",
    ("manifest", "HEAD"): "BatchGetImage",
    ("manifest", "PUT"): "PutImage",
    ("manifest", "DELETE"): "BatchDeleteImage",
    ("referrers", "GET"): "ListImageReferrers",
    ("tags", "GET"): "ListImages",
    ("blob", "GET"): "GetDownloadUrlForLayer",
    ("blob", "HEAD"): "BatchCheckLayerAvailability",
    ("upload", "POST"): "InitiateLayerUpload",
    ("upload", "PATCH"): "UploadLayerPart",
    ("upload", "GET"): "UploadLayerPart",
    ("upload", "DELETE"): "UploadLayerPart",
    ("upload", "PUT"): "CompleteLayerUpload",
    ("catalog", "GET"): "DescribeRepositories",
}


class EcrAccess:
    """The guard of both doors; `on_check` hears what it decides about users and roles."""

    def __init__(self, policies_of: PoliciesOf) -> None:
        self._policies_of = policies_of
        self.on_check: Callable[[Checked], None] = lambda checked: None

    def check_call(
        self, region: Region, principal: Principal, operation: str, asked: Values
    ) -> None:
        """An operation of the API. Raises AccessDeniedException in AWS's words."""
        names = _repositories(asked)
        for one in (operation, *_ALSO.get(operation, ())):
            if f"ecr:{one}" in ANYWHERE:
                self._check(region, principal, one, None, asked)
                continue
            for name in names or ("*",):
                self._check(region, principal, one, name, asked)

    def check_request(
        self, region: Region, principal: Principal, kind: str, method: str, repository: str
    ) -> None:
        """A request of the registry protocol. Raises AccessDeniedException."""
        operation = _BY_PROTOCOL.get((kind, method))
        if operation is not None:
            values = {"repositoryName": repository} if repository else {}
            self.check_call(region, principal, operation, values)

    def _check(
        self,
        region: Region,
        principal: Principal,
        operation: str,
        name: str | None,
        asked: Values,
    ) -> None:
        repository = region.contents.repository(name) if name and name != "*" else None
        settings: Mapping[str, Any] = repository.settings if repository else {}
        grant = settings.get("repository_policy")
        is_root = principal.arn.endswith(":root")
        if is_root and not grant:
            return
        request = Request(
            Caller(principal.arn),
            f"ecr:{operation}",
            "*" if name is None else region.arn(name),
            _context(region, principal, settings, asked),
            region.account,
        )
        attached = NOTHING if is_root else self._policies_of(principal)
        try:
            decision = decide(request, as_policies(attached, grant))
        except UsageError as error:
            message = f"{_head(request)} because a policy cannot be read: {error.what}"
            raise AwsRefusal("AccessDeniedException", message) from None
        arn, action = request.caller.arn, request.action
        self.on_check(Checked(arn, action, request.resource, decision.allowed))
        if not decision.allowed:
            raise AwsRefusal("AccessDeniedException", refusal(request, decision))


def _head(request: Request) -> str:
    return (
        f"User: {request.caller.arn} is not authorized to perform: {request.action} "
        f"on resource: {request.resource}"
    )


def _repositories(asked: Values) -> Sequence[str]:
    if name := asked.get("repositoryName"):
        return (str(name),)
    if names := asked.get("repositoryNames"):
        return tuple(str(one) for one in names)
    arn = str(asked.get("resourceArn", ""))
    return (arn.partition(":repository/")[2],) if ":repository/" in arn else ()


def as_policies(attached: Attached, grant: str | None) -> Policies:
    """The caller's policies and the resource's, read. Raises UsageError for one that is none."""
    return Policies(
        tuple(read_text(text, name) for name, text in attached.identity),
        None if grant is None else read_text(grant, "repository policy"),
        None if attached.boundary is None else read_text(attached.boundary, "boundary"),
        None if attached.session is None else read_text(attached.session, "session"),
    )


@lru_cache(maxsize=256)
def read_text(text: str, name: str) -> Document:
    """A policy's text as a document. Raises UsageError."""
    try:
        return read_document(json.loads(text), name)
    except (ValueError, RecursionError):
        return read_document(None, name)


def _context(
    region: Region, principal: Principal, settings: Mapping[str, Any], asked: Values
) -> Context:
    """The keys that a request to ECR carries; times are the stand-in's."""
    now = region.ecr.clock.now()
    last = principal.arn.rpartition("/")[2]
    values: dict[str, Sequence[str]] = {
        "aws:PrincipalArn": (principal.arn,),
        "aws:PrincipalAccount": (principal.account,),
        "aws:userid": (principal.user_id,),
        "aws:RequestedRegion": (region.name,),
        "aws:CurrentTime": (now.isoformat(),),
        "aws:EpochTime": (str(int(now.timestamp())),),
        "aws:SourceIp": ("127.0.0.1",),
        "aws:SecureTransport": ("false",),
    }
    if ":user/" in principal.arn:
        values["aws:username"] = (last,)
    for key, value in (settings.get("tags") or {}).items():
        values[f"aws:ResourceTag/{key}"] = values[f"ecr:ResourceTag/{key}"] = (value,)
    given = [tag for tag in asked.get("tags", ()) if isinstance(tag, dict)]
    for tag in given:
        values[f"aws:RequestTag/{tag.get('Key', '')}"] = (str(tag.get("Value", "")),)
    keys = [str(tag.get("Key", "")) for tag in given] or list(asked.get("tagKeys", ()))
    if keys:
        values["aws:TagKeys"] = tuple(keys)
    if setting := asked.get("name") if "value" in asked else None:
        values["ecr:AccountSetting"] = (str(setting),)
    return Context(values)
