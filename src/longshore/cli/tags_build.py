"""Which build `tags compute` is asked about: GitHub's run, the options, or both. I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from longshore.cli.files import read_at_most
from longshore.cli.github_run import build_of, check_event
from longshore.cli.moments import read_iso
from longshore.errors import FileError, UsageError, Where
from longshore.policy.build_tags import Build
from longshore.text import tr

_LARGEST_EVENT = 32 * 1024 * 1024


def read_build(
    told: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Build, Mapping[str, Any]]:
    """The build that the options describe; without --event, what GitHub says and the options."""
    payload: Mapping[str, Any] = {}
    if told["event"]:
        number, ref = told["pr"], told["ref"] or ""
        if not ref and number is not None:
            ref = f"refs/pull/{number}/merge"
        build = Build(told["event"], "", "")
    elif environ.get("GITHUB_EVENT_NAME"):
        payload = _event(environ)
        build = build_of(environ, payload)
        number, ref = told["pr"] or build.pull_request, told["ref"] or build.ref
    else:
        raise UsageError(
            tr("which build is meant is not known: there is no GITHUB_EVENT_NAME"),
            tr("describe it with --event, --ref and --sha"),
            code="bad-build",
        )
    if ref in ("", "refs/heads/", "refs/tags/"):
        raise UsageError(
            tr("the ref is not known"), tr("give it with --ref refs/heads/NAME"), code="bad-build"
        )
    if any(sign < " " or sign == "\x7f" for sign in ref):
        raise UsageError(
            tr("the ref has characters that git allows in no name"),
            tr("give it with --ref refs/heads/NAME"),
            code="bad-build",
        )
    made = replace(
        build,
        ref=ref if ref.startswith("refs/") else f"refs/heads/{ref}",
        sha=(told["sha"] or build.sha).lower(),
        pull_request=number,
        fork=told["fork"] or build.fork,
        actor=told["actor"] or build.actor,
        default_branch=told["default_branch"] or build.default_branch,
        prerelease=told["prerelease"] or build.prerelease,
        at=_time(told["at"]),
    )
    return made, payload


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return read_iso(text)
    except ValueError:
        raise UsageError(
            tr("'{text}' is not a time", text=text),
            tr("write it like 2026-11-23T01:02:03Z"),
            code="bad-build",
        ) from None


def _event(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The event file. Raises FileError, or UsageError when it is that of another run."""
    file = environ.get("GITHUB_EVENT_PATH", "")
    if not file:
        if environ.get("GITHUB_EVENT_NAME") == "pull_request":
            raise UsageError(
                tr("GITHUB_EVENT_PATH is not set: whether this is a fork's is not known"),
                tr("describe the build with --event pull_request --pr N --sha COMMIT"),
                code="bad-build",
            )
        return {}
    payload = _payload(file)
    check_event(environ, payload, file)
    return payload


def _payload(file: str) -> Mapping[str, Any]:
    try:
        content = read_at_most(file, _LARGEST_EVENT + 1)
        found = json.loads(content) if len(content) <= _LARGEST_EVENT else None
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise _unreadable(file, str(why)) from None
    if not isinstance(found, dict):
        raise _unreadable(file, tr("it is no JSON object of usual size"))
    return found


def _unreadable(file: str, why: str) -> FileError:
    return FileError(
        tr("the event file cannot be read: {why}", why=why),
        tr("leave GITHUB_EVENT_PATH as GitHub set it"),
        code="event-file",
        where=Where(file=file),
    )
