"""`longshore lifecycle`: gives a repository a lifecycle policy, showing what changes first. I/O."""

from __future__ import annotations

import json
from pathlib import Path

import click

from longshore.cli import wiring
from longshore.cli.frame import App, group
from longshore.cli.lifecycle_diff import diff
from longshore.cli.lifecycle_explain import explain_image
from longshore.cli.lifecycle_simulate import simulate
from longshore.cli.one_repository import carry_out, plan_one, read_repository
from longshore.errors import AwsError, FileError, Where
from longshore.policy.lifecycle.grammar import parse_policy
from longshore.policy.lifecycle.preset import PRESETS, canonical_text, standard_policy
from longshore.provision.resources import LifecyclePolicy
from longshore.text import tr

_MAX_BYTES = 1024 * 1024

lifecycle = group(
    "lifecycle",
    help=tr("Lifecycle policies: rules by which ECR deletes old images."),
    examples=[
        "longshore lifecycle simulate github-actions-demo-day2",
        "longshore lifecycle apply github-actions-demo-day2",
    ],
)
for _one in (simulate, explain_image, diff):
    lifecycle.add_command(_one)


@lifecycle.command(
    "apply",
    help=tr(
        "Gives a repository a lifecycle policy: the standard one, or that of a file. Shows how its "
        "rules differ from what is there, and asks. The standard policy keeps what is tagged "
        "live-*, rollback-* or latest, 10 production images, 5 of branches and 3 of pull requests; "
        "untagged images go after a day. Backups go by longshore lifecycle prune."
    ),
    examples=[
        "longshore lifecycle apply github-actions-demo-day2",
        "longshore lifecycle apply shop --policy policy.json --dry-run",
    ],
)
@click.argument("repository")
@click.option("--preset", type=click.Choice(PRESETS), help=tr("a policy of ours (standard)"))
@click.option("--policy", "file", metavar="FILE", help=tr("a file with ECR's policy text"))
@click.option("--region", metavar="REGION", help=tr("the AWS Region, if not the target's"))
@click.option("--dry-run", is_flag=True, help=tr("only show what would change"))
def apply(
    app: App,
    repository: str,
    preset: str | None,
    file: str | None,
    region: str | None,
    dry_run: bool,
) -> None:
    text = _policy(preset, file)
    target = wiring.open_target(app.settings, app.environ, region=region)
    seen = read_repository(target, repository)
    if seen is None:
        raise _no_repository(repository)
    planned = plan_one(target, seen, (LifecyclePolicy(repository, text),))
    question = tr("Apply it? ECR then deletes images by these rules within a day.")
    outcome = carry_out(app, target, planned, question, dry_run=dry_run)
    if not outcome.changes:
        line = tr("{name} has this policy already; nothing to do", name=repository)
    elif outcome.applied:
        line = tr("the lifecycle policy is on {name}", name=repository)
    else:
        line = tr("nothing was changed (--dry-run)")
    app.output.result(
        {
            "schema": "longshore.lifecycle.apply/1",
            "repository": repository,
            "applied": outcome.applied,
            "dry_run": dry_run,
            "changes": [change.as_json() for change in outcome.changes],
            "policy": json.loads(text),
        },
        [line],
        place=target.place,
        next=f"longshore repo show {repository}",
    )


def _policy(preset: str | None, file: str | None) -> str:
    if file is None:
        return canonical_text(standard_policy())
    if preset is not None:
        raise click.UsageError(tr("--preset and --policy exclude each other"))
    text = _read(Path(file))
    parse_policy(text)
    return canonical_text(json.loads(text))


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else tr("it is not UTF-8 text")
        raise FileError(
            tr("the policy {file} cannot be read: {why}", file=file, why=why),
            tr("name a file with ECR's lifecycle policy text"),
            where=Where(file=str(file)),
        ) from None


def _no_repository(name: str) -> AwsError:
    return AwsError(
        tr("there is no repository {name}", name=name),
        tr("create it first: longshore repo create {name}", name=name),
        operation="DescribeRepositories",
        aws_code="RepositoryNotFoundException",
        iam_action="ecr:DescribeRepositories",
        code="repository-not-found",
        where=Where(resource=name),
    )
