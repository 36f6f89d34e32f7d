"""What GitHub Actions says about a run: its variables and its event file, as a Build. Pure.

Variables: `GITHUB_EVENT_NAME`, `GITHUB_REF`, `GITHUB_SHA`, `GITHUB_ACTOR`,
`GITHUB_RUN_ATTEMPT`. The event file is the webhook's payload; what it lacks counts as the careful
answer: a pull request without a head repository comes from a fork. A file that belongs to another
event, ref or repository is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from longshore.errors import UsageError, Where
from longshore.policy.build_tags import Build
from longshore.policy.image_labels import Origin
from longshore.text import tr

_PULL = re.compile(r"refs/pull/([0-9]+)/")
_OWN_KEYS = ("pull_request", "release", "merge_group", "workflow_run", "client_payload")
_KEY_OF = {"pull_request": "pull_request", "release": "release"}
_BUILT = ("push", "pull_request", "release", "schedule", "workflow_dispatch")


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
        author=_text(_map(request, "user"), "login") if is_request else "",
        default_branch=_text(_map(payload, "repository"), "default_branch"),
        action=_text(payload, "action"),
        prerelease=release.get("prerelease") is True or release.get("draft") is True,
        deleted=payload.get("deleted") is True,
        attempt=_whole(environ.get("GITHUB_RUN_ATTEMPT", "")) or 1,
    )


def origin_of(environ: Mapping[str, str], payload: Mapping[str, Any]) -> Origin:
    """Where the source is, for the image's labels."""
    seen = _map(payload, "repository")
    name = environ.get("GITHUB_REPOSITORY", "") or _text(seen, "full_name")
    server = environ.get("GITHUB_SERVER_URL", "") or "https://github.com"
    return Origin(
        url=f"{server.rstrip('/')}/{name}" if name else "",
        title=name.rpartition("/")[2],
        licenses=_text(_map(seen, "license"), "spdx_id"),
    )


def check_event(environ: Mapping[str, str], payload: Mapping[str, Any], file: str) -> None:
    """Raise UsageError when the event file is not that of this run.

    Only events whose builds get an image are looked at; what is not said is not held against it.
    """
    if environ.get("GITHUB_EVENT_NAME", "") not in _BUILT:
        return
    for why in _differences(environ, payload):
        raise UsageError(
            tr("the event file is not that of this run: {why}", why=why),
            tr("leave GITHUB_EVENT_NAME, GITHUB_REF and GITHUB_EVENT_PATH as GitHub set them"),
            code="event-mismatch",
            where=Where(file=file),
        )


def _differences(environ: Mapping[str, str], payload: Mapping[str, Any]) -> Iterator[str]:
    event, ref = environ.get("GITHUB_EVENT_NAME", ""), environ.get("GITHUB_REF", "")
    own = _KEY_OF.get(event)
    if own and not _map(payload, own):
        yield tr("the event is {event}, but the file has no '{key}'", event=event, key=own)
    for key in _OWN_KEYS:
        if key != own and _map(payload, key):
            yield tr("the event is {event}, but the file has '{key}'", event=event, key=key)
    said = _text(payload, "ref")
    if event == "push" and said.startswith("refs/") and said != ref:
        yield tr("it is of {other}, the run of {ref}", other=said, ref=ref)
    tag = _text(_map(payload, "release"), "tag_name")
    if event == "release" and tag and ref != f"refs/tags/{tag}":
        yield tr("it is of {other}, the run of {ref}", other=tag, ref=ref)
    named = _PULL.match(ref)
    number = payload.get("number")
    if event == "pull_request" and named and isinstance(number, int) and number != int(named[1]):
        yield tr("it is of {other}, the run of {ref}", other=f"#{number}", ref=ref)
    whose, here = _text(_map(payload, "repository"), "full_name"), environ.get("GITHUB_REPOSITORY")
    if whose and here and whose.lower() != here.lower():
        yield tr("it is of {other}, the run of {ref}", other=whose, ref=here)


def _is_fork(request: Mapping[str, Any]) -> bool:
    head = _text(_map(_map(request, "head"), "repo"), "full_name")
    base = _text(_map(_map(request, "base"), "repo"), "full_name")
    return not head or head.lower() != base.lower()


def _number(payload: Mapping[str, Any], request: Mapping[str, Any], ref: str) -> int | None:
    for found in (payload.get("number"), request.get("number")):
        if isinstance(found, int) and not isinstance(found, bool) and found > 0:
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
