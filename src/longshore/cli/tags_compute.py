"""`longshore tags compute`: the tags of a build, for a pipeline and for a person. I/O.

In GitHub Actions it reads the run from `GITHUB_*` and the event file, and writes its answer to
`$GITHUB_OUTPUT` too. Elsewhere the options describe the build.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from longshore.cli import wiring
from longshore.cli.files import append_text
from longshore.cli.frame import App, command
from longshore.cli.github_run import build_of
from longshore.cli.tree_tags import read_tree_tags
from longshore.errors import FileError, UsageError, Where
from longshore.oci.reference import parse_reference
from longshore.policy.build_tags import Build, BuildTags, Remark, TagRules, compute
from longshore.text import tr

_LARGEST_EVENT = 32 * 1024 * 1024


@command(
    "compute",
    help=tr(
        "Prints the tags of a build and whether it is pushed. In GitHub Actions it reads the run "
        "and writes $GITHUB_OUTPUT; elsewhere the options say what happened."
    ),
    examples=[
        "longshore tags compute",
        "longshore tags compute --event push --ref refs/heads/main --sha abc1234def",
        "longshore tags compute --event pull_request --pr 123 --sha abc1234def --json",
        "longshore tags compute --event push --ref refs/tags/v2.0.0 --sha abc1234def "
        "--releases v1.9.0,v2.0.0",
    ],
)
@click.option("--event", metavar="NAME", help=tr("the event: push, pull_request, schedule, ..."))
@click.option("--ref", metavar="REF", help=tr("the ref: refs/heads/main, refs/tags/v2.0.0"))
@click.option("--sha", metavar="COMMIT", help=tr("the commit; of a pull request its head"))
@click.option("--pr", type=int, metavar="N", help=tr("the pull request's number"))
@click.option("--fork", is_flag=True, help=tr("the pull request comes from a fork"))
@click.option("--actor", metavar="NAME", help=tr("who set it off"))
@click.option("--at", metavar="TIME", help=tr("the time of the build, ISO 8601 (default: now)"))
@click.option("--default-branch", metavar="NAME", help=tr("the default branch's name"))
@click.option("--prerelease", is_flag=True, help=tr("the release is marked as a prerelease"))
@click.option(
    "--releases",
    multiple=True,
    metavar="TAGS",
    help=tr("the tree's tags, by commas (default: those of the tree in this folder)"),
)
@click.option("--image", metavar="NAME", help=tr("also give whole references: registry/repository"))
def compute_tags(app: App, image: str | None, releases: Sequence[str], **told: Any) -> None:
    config = wiring.find_config(app.settings, app.environ)
    written = config.tags if config else None
    rules = TagRules()
    if written:
        rules = TagRules(
            written.main, written.develop, written.latest, written.pull_requests == "push"
        )
    name = _image(image)
    build, remarks = _with_releases(_build(told, app.environ), releases)
    made = compute(build, rules)
    made = replace(made, remarks=(*made.remarks, *(remarks if "latest" in made.tags else ())))
    references = [f"{name}:{tag}" for tag in made.tags] if name else []
    if file := app.environ.get("GITHUB_OUTPUT"):
        append_text(Path(file), _outputs(made, references, secrets.token_hex(16)))
    for one in made.skipped:
        app.output.say(tr("not {tag}: {reason}", tag=one.tag, reason=one.reason))
    for remark in made.remarks:
        app.output.warn(remark.message)
    if not made.push and made.tags:
        app.output.say(tr("built, not pushed"))
    app.output.result(_document(build, made, references), references or made.tags)


def _build(told: Mapping[str, Any], environ: Mapping[str, str]) -> Build:
    """The build that the options describe; without --event, what GitHub says and the options."""
    if told["event"]:
        number, ref = told["pr"], told["ref"] or ""
        if not ref and number is not None:
            ref = f"refs/pull/{number}/merge"
        build = Build(told["event"], "", "")
    elif environ.get("GITHUB_EVENT_NAME"):
        build = build_of(environ, _payload(environ.get("GITHUB_EVENT_PATH", "")))
        number, ref = told["pr"] or build.pull_request, told["ref"] or build.ref
    else:
        raise UsageError(
            tr("which build is meant is not known: there is no GITHUB_EVENT_NAME"),
            tr("describe it with --event, --ref and --sha"),
            code="bad-build",
        )
    if not ref:
        raise UsageError(
            tr("the ref is not known"), tr("give it with --ref refs/heads/NAME"), code="bad-build"
        )
    return replace(
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


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            tr("'{text}' is not a time", text=text),
            tr("write it like 2026-11-23T01:02:03Z"),
            code="bad-build",
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _payload(file: str) -> Mapping[str, Any]:
    """The event file; nothing when there is none. Raises FileError."""
    if not file:
        return {}
    try:
        with open(file, "rb") as stream:
            found = json.loads(stream.read(_LARGEST_EVENT))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(
            tr("the event file cannot be read: {why}", why=error),
            tr("leave GITHUB_EVENT_PATH as GitHub set it"),
            where=Where(file=file),
        ) from None
    return found if isinstance(found, dict) else {}


def _with_releases(build: Build, told: Sequence[str]) -> tuple[Build, tuple[Remark, ...]]:
    if told:
        names = [name.strip() for text in told for name in text.replace("\n", ",").split(",")]
        return replace(build, releases=tuple(name for name in names if name)), ()
    found = read_tree_tags(Path.cwd())
    if found.state == "partial":
        return replace(build, releases=None), (Remark("releases-unknown", found.why),)
    if found.state == "no-tree":
        message = tr("{why}: no other release was looked at", why=found.why)
        return build, (Remark("releases-unknown", message),)
    return replace(build, releases=found.names), ()


def _image(text: str | None) -> str | None:
    """The name that references begin with. Raises UsageError for one with a tag."""
    if text is None:
        return None
    found = parse_reference(text)
    if found.tag or found.digest:
        raise UsageError(
            tr("--image takes a name without a tag"), tr("leave the tag out"), code="bad-reference"
        )
    return text


def _document(build: Build, made: BuildTags, references: list[str]) -> dict[str, Any]:
    return {
        "schema": "longshore.tags/1",
        "push": made.push,
        "tags": list(made.tags),
        "immutable": list(made.immutable),
        "moving": list(made.moving),
        "skipped": [{"tag": one.tag, "reason": one.reason} for one in made.skipped],
        "hazards": [{"code": one.code, "message": one.message} for one in made.remarks],
        "references": references,
        "event": build.event,
        "ref": build.ref,
        "sha": build.sha,
    }


def _outputs(made: BuildTags, references: list[str], delimiter: str) -> str:
    """Lines for $GITHUB_OUTPUT; lists stand between lines that nobody can guess."""
    values = {
        "tags": made.tags,
        "immutable": made.immutable,
        "moving": made.moving,
        "references": references,
    }
    lists = [
        f"{name}<<{delimiter}\n" + "".join(f"{one}\n" for one in ones) + f"{delimiter}\n"
        for name, ones in values.items()
    ]
    first = made.tags[0] if made.tags else ""
    return f"push={str(made.push).lower()}\ntag={first}\n" + "".join(lists)
