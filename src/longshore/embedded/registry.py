"""The registry protocol: which request goes to which part of it. I/O.

OCI distribution-spec v1.1, end-1 to end-13. Blobs and uploads are answered in `registry_blobs.py`,
manifests and referrers in `registry_manifests.py`; where the Hub and the ECR differ, `Rules` say.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from longshore.embedded import registry_blobs as blobs
from longshore.embedded import registry_manifests as manifests
from longshore.embedded.contents import Contents
from longshore.embedded.registry_rules import Action, Caller, Refusal, Rules
from longshore.embedded.wire import Handler, Request, Response, json_response
from longshore.oci.reference import is_repository

_API = {"Docker-Distribution-Api-Version": "registry/2.0"}
_PATHS = (
    ("upload", re.compile(r"/v2/(?P<name>.+)/blobs/uploads/?(?P<rest>[^/]*)\Z")),
    ("blob", re.compile(r"/v2/(?P<name>.+)/blobs/(?P<rest>[^/]+)\Z")),
    ("manifest", re.compile(r"/v2/(?P<name>.+)/manifests/(?P<rest>[^/]+)\Z")),
    ("tags", re.compile(r"/v2/(?P<name>.+)/tags/list(?P<rest>)\Z")),
    ("referrers", re.compile(r"/v2/(?P<name>.+)/referrers/(?P<rest>[^/]+)\Z")),
)
_ACTIONS: dict[str, Sequence[Action]] = {
    "GET": ("pull",),
    "HEAD": ("pull",),
    "DELETE": ("delete",),
    "PUT": ("pull", "push"),
    "POST": ("pull", "push"),
    "PATCH": ("pull", "push"),
}
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Call:
    """A request of the protocol, with the name and the last part of its path taken apart."""

    request: Request
    rules: Rules
    caller: Caller
    repository: str
    rest: str

    @property
    def contents(self) -> Contents:
        """What the registry holds."""
        return self.rules.contents


_PARTS: dict[tuple[str, str], Callable[[Call], Response]] = {
    ("manifest", "GET"): manifests.get,
    ("manifest", "HEAD"): manifests.get,
    ("manifest", "PUT"): manifests.put,
    ("manifest", "DELETE"): manifests.delete,
    ("referrers", "GET"): manifests.list_referrers,
    ("tags", "GET"): manifests.list_tags,
    ("blob", "GET"): blobs.get,
    ("blob", "HEAD"): blobs.get,
    ("blob", "DELETE"): blobs.delete,
    ("upload", "POST"): blobs.start,
    ("upload", "GET"): blobs.status,
    ("upload", "PATCH"): blobs.append,
    ("upload", "PUT"): blobs.finish,
    ("upload", "DELETE"): blobs.cancel,
}


def registry_handler(rules: Rules) -> Handler:
    """The registry as a handler; its contents are the rules'."""

    def handle(request: Request) -> Response:
        kind, name, rest = take_apart(request.path)
        try:
            response = _answer(rules, request, kind, name, rest)
        except Refusal as refusal:
            response = rules.refuse(request, refusal)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            full = Refusal(507, "UNKNOWN", "the registry's disk is full")
            response = rules.refuse(request, full)
        response.headers = {**_API, **response.headers}
        response.kind = response.kind or kind
        return response

    return handle


def take_apart(path: str) -> tuple[str, str, str]:
    """What a path is about: its kind, the repository, and the last part."""
    if path in ("/v2/", "/v2"):
        return "ping", "", ""
    if path == "/v2/_catalog":
        return "catalog", "", ""
    for kind, shape in _PATHS:
        match = shape.match(path)
        if match is not None:
            return kind, match["name"], match["rest"]
    return "unknown", "", ""


def _answer(rules: Rules, request: Request, kind: str, name: str, rest: str) -> Response:
    if kind in ("ping", "catalog", "unknown"):
        return _without_repository(rules, request, kind)
    if not is_repository(name):
        raise Refusal(400, "NAME_INVALID", "invalid repository name", detail={"name": name})
    part = _PARTS.get((kind, request.method))
    if part is None or (kind == "upload" and (request.method == "POST") == bool(rest)):
        raise Refusal(405, "UNSUPPORTED", "The operation is unsupported.")
    actions = _ACTIONS[request.method]
    if kind == "upload":
        actions = ("pull", "push")
    caller = rules.authorize(request, name, actions)
    if kind != "referrers" or not rules.answers_unknown_referrers:
        rules.open_repository(request, caller, name, actions[-1])
    return part(Call(request, rules, caller, name, rest))


def _without_repository(rules: Rules, request: Request, kind: str) -> Response:
    caller = rules.authorize(request, None, ())
    if kind == "unknown":
        raise Refusal(404, "NOT_FOUND", "there is nothing at this path")
    if request.method not in ("GET", "HEAD"):
        raise Refusal(405, "UNSUPPORTED", "The operation is unsupported.")
    if kind == "catalog":
        return rules.list_repositories(request, caller)
    return json_response({})
