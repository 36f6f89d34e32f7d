"""`longshore tags compute`: the tags of a build, for a pipeline and for a person. I/O.

In GitHub Actions it reads the run from `GITHUB_*` and the event file, and writes its answer to
`$GITHUB_OUTPUT` and `$GITHUB_STEP_SUMMARY` too. Elsewhere the options describe the build.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longshore.cli import wiring
from longshore.cli.files import append_text
from longshore.cli.frame import App, command
from longshore.cli.github_run import origin_of
from longshore.cli.tags_answer import Answer, document, outputs, summary
from longshore.cli.tags_build import read_build
from longshore.cli.tags_known import (
    against_config,
    find_shelf,
    find_versions,
    in_tree,
    settle,
    told_versions,
    unlabelled,
)
from longshore.errors import UsageError
from longshore.oci.reference import is_repository, parse_reference
from longshore.policy.build_tags import Remark, TagRules, compute
from longshore.policy.image_labels import labels
from longshore.policy.metadata_action import MetadataAction, metadata_action, pushes
from longshore.provision.tag_rules import tag_rules
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config


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
    build, payload = read_build(told, app.environ)
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
        [
            *_step(found),
            "",
            tr("push, for docker/build-push-action:"),
            f"  ${{{{ {pushes(rules)} }}}}",
            "",
            tr("what it cannot express:"),
            *(f"- {one}" for one in found.cannot),
        ],
    )


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
