"""What GitHub Actions says about a run: its variables and its event file, as a Build. Pure.

Variables: `GITHUB_EVENT_NAME`, `GITHUB_REF`, `GITHUB_SHA`, `GITHUB_ACTOR`,
`GITHUB_RUN_ATTEMPT`. The event file is the webhook's payload; what it lacks counts as the careful
answer: a pull request without a head repository comes from a fork.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from longshore.policy.build_tags import Build

_PULL = re.compile(r"refs/pull/([0-9]+)/")


def build_of(environ: Mapping[str, str], payload: Mapping[str, Any]) -> Build:
    """The run that the variables and the event file describe."""
    event, ref = environ.get("GITHUB_EVENT_NAME", ""), environ.get("GITHUB_REF", "")
    request, release = _map(payload, "pull_request"), _map(payload, "release")
    is_request = event == "pull_request"
    head = _text(_map(request, "head"), "sha") if is_request else ""
    return Build(
        event,
        ref,
        head or environ.get("GITHUB_SHA", ""),
        pull_request=_number(payload, request, ref) if is_request else None,
        fork=is_request and _is_fork(request),
        actor=environ.get("GITHUB_ACTOR", ""),
        default_branch=_text(_map(payload, "repository"), "default_branch"),
        action=_text(payload, "action"),
        prerelease=release.get("prerelease") is True or release.get("draft") is True,
        deleted=payload.get("deleted") is True,
        attempt=_whole(environ.get("GITHUB_RUN_ATTEMPT", "")) or 1,
    )


def _is_fork(request: Mapping[str, Any]) -> bool:
    head = _text(_map(_map(request, "head"), "repo"), "full_name")
    base = _text(_map(_map(request, "base"), "repo"), "full_name")
    return not head or head.lower() != base.lower()


def _number(payload: Mapping[str, Any], request: Mapping[str, Any], ref: str) -> int | None:
    for found in (payload.get("number"), request.get("number")):
        if isinstance(found, int) and not isinstance(found, bool):
            return found
    named = _PULL.match(ref)
    return _whole(named[1]) if named else None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _map(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _text(document: Mapping[str, Any], key: str) -> str:
    found = document.get(key)
    return found if isinstance(found, str) else ""
