"""`longshore tags compute`: the tags of a build, for a pipeline and for a person. I/O.

In GitHub Actions it reads the run from `GITHUB_*` and the event file, and writes its answer to
`$GITHUB_OUTPUT` and `$GITHUB_STEP_SUMMARY` too. Elsewhere the options describe the build.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longshore.cli import wiring
from longshore.cli.files import append_text
from longshore.cli.frame import App, command
from longshore.cli.github_run import build_of, check_event, origin_of
from longshore.cli.tags_answer import Answer, document, outputs, summary
from longshore.cli.tags_known import (
    against_config,
    find_shelf,
    find_versions,
    in_tree,
    settle,
    told_versions,
    unlabelled,
)
from longshore.errors import FileError, UsageError, Where
from longshore.oci.reference import is_repository, parse_reference
from longshore.policy.build_tags import Build, Remark, TagRules, compute
from longshore.policy.image_labels import labels
from longshore.policy.metadata_action import MetadataAction, metadata_action, pushes
from longshore.provision.tag_rules import tag_rules
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config

_LARGEST_EVENT = 32 * 1024 * 1024


@command(
    "compute",
    help=tr(
        "Prints the tags of a build and whether it is pushed. In GitHub Actions it reads the run "
        "and writes $GITHUB_OUTPUT and the step's summary; elsewhere the options say what "
        "happened. With --repository it also says which of the tags are there already."
    ),
    examples=[
        "longshore tags compute",
        "longshore tags compute --event push --ref refs/heads/main --sha abc1234def",
        "longshore tags compute --event pull_request --pr 123 --sha abc1234def --json",
        "longshore tags compute --event push --ref refs/tags/v2.0.0 --sha abc1234def "
        "--releases v1.9.0,v2.0.0",
        "longshore tags compute --repository github-actions-demo-day2",
        "longshore tags compute --explain-metadata-action",
    ],
)
@click.option("--event", metavar="NAME", help=tr("the event: push, pull_request, schedule, ..."))
@click.option("--ref", metavar="REF", help=tr("the ref: refs/heads/main, refs/tags/v2.0.0"))
@click.option("--sha", metavar="COMMIT", help=tr("the commit; of a pull request its head"))
@click.option("--pr", type=click.IntRange(1), metavar="N", help=tr("the pull request's number"))
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
@click.option("--component", metavar="NAME", help=tr("the part of a monorepo that is built"))
@click.option("--image", metavar="NAME", help=tr("also give whole references: registry/repository"))
@click.option(
    "--repository", metavar="NAME", help=tr("look for the tags at this repository of the target")
)
@click.option("--no-summary", is_flag=True, help=tr("write nothing to $GITHUB_STEP_SUMMARY"))
@click.option(
    "--explain-metadata-action",
    "explain",
    is_flag=True,
    help=tr("only show what docker/metadata-action has to be given for the same tags"),
)
def compute_tags(app: App, explain: bool, **told: Any) -> None:
    config = wiring.find_config(app.settings, app.environ)
    rules = tag_rules(config)
    if told["component"] is not None:
        rules = replace(rules, component=told["component"])
    if explain:
        _explain(app, rules)
        return
    _check_options(told)
    answer = _answer(app, config, rules, told)
    _write(app.environ, answer, summarised=not told["no_summary"])
    for line in _talk(answer):
        app.output.say(line)
    for remark in answer.all_remarks:
        app.output.warn(remark.message)
    app.output.result(document(answer), answer.named(answer.made.tags))


def _answer(app: App, config: Config | None, rules: TagRules, told: Mapping[str, Any]) -> Answer:
    build, payload = _build(told, app.environ)
    remarks: list[Remark] = []
    if not compute(replace(build, releases=None), rules).push:
        shelf = None
    else:
        shelf, why = find_shelf(app, told["repository"], config)
        remarks += [Remark("registry-not-looked-at", why)] if why else []
    build, tree = in_tree(build, rules)
    found = told_versions(told["releases"]) if told["releases"] else find_versions(tree, shelf)
    build = replace(build, releases=found.names, why_unknown=found.why)
    made, there = settle(build, rules, shelf)
    remarks += [*unlabelled(there), *against_config(app, config, made, told["repository"] or "")]
    origin = origin_of(app.environ if not told["event"] else {}, payload)
    name = told["image"] or ""
    title = origin.title or (told["repository"] or name).rpartition("/")[2]
    return Answer(
        build,
        made,
        name,
        labels(replace(origin, title=title), build.sha, made.own, build.at) if made.own else {},
        found.source,
        shelf.name if shelf else "",
        there,
        tuple(remarks),
    )


def _check_options(told: Mapping[str, Any]) -> None:
    if told["repository"] is not None and not is_repository(told["repository"]):
        raise UsageError(
            tr("'{name}' is not a name of a repository", name=told["repository"]),
            tr("give its name at the target, like shop or team/shop"),
            code="bad-reference",
        )
    if told["image"] is not None:
        found = parse_reference(told["image"])
        if found.tag or found.digest:
            raise UsageError(
                tr("--image takes a name without a tag"),
                tr("leave the tag out"),
                code="bad-reference",
            )


def _write(environ: Mapping[str, str], answer: Answer, *, summarised: bool) -> None:
    if file := environ.get("GITHUB_OUTPUT"):
        append_text(Path(file), outputs(answer, secrets.token_hex(16)))
    if summarised and (file := environ.get("GITHUB_STEP_SUMMARY")):
        append_text(Path(file), summary(answer))


def _talk(answer: Answer) -> list[str]:
    """The reasons, a line each."""
    made = answer.made
    lines = [tr("{tag}: {reason}", tag=tag.name, reason=tag.reason) for tag in made.given]
    lines += [tr("not {tag}: {reason}", tag=one.tag, reason=one.reason) for one in made.skipped]
    sources = {"git": tr("versions: git's tags"), "registry": tr("versions: the registry's tags")}
    if made.family in ("production", "branch") and answer.releases_from in sources:
        lines.append(sources[answer.releases_from])
    if answer.digest:
        lines.append(
            tr("{repository} has this build already: {digest}", repository=answer.repository,
               digest=answer.digest)
        )  # fmt: skip
    if not made.push and made.tags:
        lines.append(tr("built, not pushed"))
    return lines


def _explain(app: App, rules: TagRules) -> None:
    """The input of docker/metadata-action, and what it cannot do."""
    found = metadata_action(rules)
    app.output.result(
        {
            "schema": "longshore.tags.metadata-action/1",
            "env": dict(found.env),
            "with": {"flavor": found.flavor, "tags": list(found.tags)},
            "push": pushes(rules),
            "cannot": list(found.cannot),
        },
        [*_step(found), "", tr("push, for docker/build-push-action:"), f"  ${{{{ {pushes(rules)} }}}}",
         "", tr("what it cannot express:"), *(f"- {one}" for one in found.cannot)],
    )  # fmt: skip


def _step(found: MetadataAction) -> list[str]:
    return [
        "- uses: docker/metadata-action",
        "  env:",
        *(f'    {name}: "{value}"' for name, value in found.env),
        "  with:",
        "    images: ${{ steps.ecr.outputs.registry }}/${{ env.ECR_REPOSITORY }}",
        f"    flavor: {found.flavor}",
        "    tags: |",
        *(f"      {line}" for line in found.tags),
    ]


def _build(told: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[Build, Mapping[str, Any]]:
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
    if not ref:
        raise UsageError(
            tr("the ref is not known"), tr("give it with --ref refs/heads/NAME"), code="bad-build"
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
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            tr("'{text}' is not a time", text=text),
            tr("write it like 2026-11-23T01:02:03Z"),
            code="bad-build",
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


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
        with open(file, "rb") as stream:
            content = stream.read(_LARGEST_EVENT + 1)
        if len(content) > _LARGEST_EVENT:
            raise ValueError(tr("it is larger than {most} bytes", most=_LARGEST_EVENT))
        found = json.loads(content)
        if not isinstance(found, dict):
            raise ValueError(tr("it is no JSON object"))
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise FileError(
            tr("the event file cannot be read: {why}", why=why),
            tr("leave GITHUB_EVENT_PATH as GitHub set it"),
            code="event-file",
            where=Where(file=file),
        ) from None
    return found
