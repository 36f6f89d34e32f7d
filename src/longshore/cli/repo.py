"""`longshore repo`: the repositories of the target, and the one-repository quick start. I/O."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import click

from longshore.cli import wiring
from longshore.cli.frame import App, group
from longshore.cli.in_use import COLLECTORS, IMAGES
from longshore.cli.in_use_guard import guard_one
from longshore.cli.one_repository import (
    Outcome,
    carry_out,
    check_repository_name,
    plan_one,
    read_repository,
)
from longshore.cli.typeset import moment, size, table
from longshore.facts import ImageSeen, RepositorySeen
from longshore.policy.lifecycle.preset import canonical_text, standard_policy
from longshore.provision.changes import Limits, Plan
from longshore.provision.resources import LifecyclePolicy, Repository
from longshore.provision.starter import MOVING
from longshore.text import tr

repo = group(
    "repo",
    help=tr("Repositories of the target."),
    examples=["longshore repo ls", "longshore repo create github-actions-demo-day2"],
)

with_region = click.option(
    "--region", metavar="REGION", help=tr("the AWS Region, if not the target's")
)


@repo.command(
    "ls",
    help=tr("Lists the repositories of the target, with their settings."),
    examples=["longshore repo ls", "longshore --local repo ls --json"],
)
@with_region
def ls(app: App, region: str | None) -> None:
    target = wiring.open_target(app.settings, app.environ, region=region)
    found = sorted(target.ecr.describe_repositories(), key=lambda seen: seen.name)
    heads = [tr("REPOSITORY"), tr("TAGS"), tr("SCAN"), tr("ENCRYPTION"), tr("CREATED")]
    rows = [
        (seen.name, _mutability(seen), _scan(seen), seen.encryption, _day(seen)) for seen in found
    ]
    app.output.result(
        {"schema": "longshore.repo.ls/1", "repositories": [_as_json(seen) for seen in found]},
        table(heads, rows) if rows else [tr("there is no repository yet")],
        place=target.place,
        next="longshore repo show NAME" if rows else "longshore repo create NAME",
    )


@repo.command(
    "show",
    help=tr("Shows one repository: settings, policies, and how much is in it."),
    examples=["longshore repo show github-actions-demo-day2"],
)
@click.argument("name")
@with_region
def show(app: App, name: str, region: str | None) -> None:
    target = wiring.open_target(app.settings, app.environ, region=region)
    (seen,) = target.ecr.describe_repositories([name])
    lifecycle = target.ecr.get_lifecycle_policy(name)
    policy = target.ecr.get_repository_policy(name)
    tags = target.ecr.list_tags_for_resource(seen.arn)
    images = target.ecr.describe_images(name)
    document = {
        **_as_json(seen),
        "tags": dict(tags),
        "lifecycle_policy": _parsed(lifecycle),
        "repository_policy": _parsed(policy),
        "images": len(images),
        "tagged_images": sum(1 for image in images if image.tags),
        "logical_bytes": sum(image.size for image in images),
    }
    app.output.result(
        {"schema": "longshore.repo.show/1", **document},
        [*_settings(seen, lifecycle, policy), *_contents(images)],
        place=target.place,
        next=f"longshore tags ls {name}",
    )


@repo.command(
    "create",
    help=tr(
        "Creates one repository, ready for a pipeline: scan on push, tags that cannot be moved "
        "(except latest, pr-*, live-* and rollback-*), and the standard lifecycle policy. Shows "
        "account and region, and asks. One that exists already stays as it is, unless --update."
    ),
    examples=[
        "longshore repo create github-actions-demo-day2 --region ap-northeast-2",
        "longshore repo create shop --mutable --no-lifecycle --dry-run",
    ],
)
@click.argument("name")
@with_region
@click.option("--mutable", is_flag=True, help=tr("tags may be moved"))
@click.option("--no-scan", is_flag=True, help=tr("do not scan images when they arrive"))
@click.option("--no-lifecycle", is_flag=True, help=tr("no lifecycle policy"))
@click.option("--kms-key", metavar="KEY", help=tr("encrypt with this KMS key instead of AES-256"))
@click.option("--update", is_flag=True, help=tr("bring an existing repository to these settings"))
@click.option(
    "--allow-in-use",
    multiple=True,
    metavar="NAME",
    help=tr("with --update: its lifecycle policy may reach images in use"),
)
@click.option(
    "--allow-unread",
    multiple=True,
    type=click.Choice([*COLLECTORS, IMAGES]),
    help=tr("with --update: where images in use are looked for need not be readable here"),
)
@click.option("--dry-run", is_flag=True, help=tr("only show what would be done"))
def create(
    app: App,
    name: str,
    region: str | None,
    mutable: bool,
    no_scan: bool,
    no_lifecycle: bool,
    kms_key: str | None,
    update: bool,
    allow_in_use: tuple[str, ...],
    allow_unread: tuple[str, ...],
    dry_run: bool,
) -> None:
    check_repository_name(name)
    target = wiring.open_target(app.settings, app.environ, region=region)
    seen = read_repository(target, name)
    wanted = _wanted(name, seen, mutable=mutable, scan=not no_scan, kms_key=kms_key)
    policy = LifecyclePolicy(name, canonical_text(standard_policy()))
    planned = plan_one(target, seen, (wanted,) if no_lifecycle else (wanted, policy))
    if seen is not None and not update:
        _say_differences(app, planned)
        outcome = Outcome(planned, applied=False)
    else:
        if seen is not None:
            limits = Limits(
                allow_in_use=frozenset(allow_in_use), allow_unread=frozenset(allow_unread)
            )
            planned = replace(planned, limits=limits)
            planned = guard_one(app, target, planned, run_commands=not dry_run)
        question = tr("Create it?") if seen is None else tr("Change it?")
        outcome = carry_out(app, target, planned, question, dry_run=dry_run)
    found = read_repository(target, name)
    _show_created(app, target, name, found, seen is not None, outcome, dry_run)


def _wanted(
    name: str, seen: RepositorySeen | None, *, mutable: bool, scan: bool, kms_key: str | None
) -> Repository:
    """The repository as asked for; encryption is fixed once there is one."""
    encryption = None if seen else ("KMS" if kms_key else "AES256")
    return Repository(
        name,
        "MUTABLE" if mutable else "IMMUTABLE_WITH_EXCLUSION",
        () if mutable else tuple(sorted(MOVING)),
        scan,
        encryption,
        None if seen else kms_key,
        tags=(),
    )


def _say_differences(app: App, planned: Plan) -> None:
    for change in planned.changes:
        fields = ", ".join(sorted(change.diff))
        app.output.warn(
            tr("{resource} is different: {fields}", resource=change.resource, fields=fields)
        )
    if planned.changes:
        app.output.say(tr("nothing was changed; --update would bring it to these settings"))


def _show_created(
    app: App,
    target: wiring.OpenTarget,
    name: str,
    found: RepositorySeen | None,
    existed: bool,
    outcome: Outcome,
    dry_run: bool,
) -> None:
    endpoint = target.endpoint
    uri = found.uri if found else f"{endpoint.registry}/{name}"
    secrets = {
        "AWS_ACCOUNT_ID": endpoint.account,
        "AWS_REGION": endpoint.region,
        "ECR_REPOSITORY": name,
    }
    lines = [
        _created_line(name, existed, outcome),
        tr("Repository URI: {uri}", uri=uri),
        "",
        tr("Values for the pipeline (Settings, Secrets and variables, Actions):"),
        *(f"{key}={value}" for key, value in secrets.items()),
    ]
    app.output.result(
        {
            "schema": "longshore.repo.create/1",
            "name": name,
            "uri": uri,
            "created": not existed and outcome.applied,
            "existed": existed,
            "dry_run": dry_run,
            "changes": [change.as_json() for change in outcome.changes],
            "secrets": secrets,
        },
        lines,
        place=target.place,
        next=_after_creation(name, found, endpoint.region),
    )


def _after_creation(name: str, found: RepositorySeen | None, region: str) -> str:
    if found is None:
        return f"longshore repo create {name} --region {region}"
    if found.lifecycle_policy is None:
        return f"longshore lifecycle apply {name} --region {region}"
    return f"longshore login --region {region}"


def _created_line(name: str, existed: bool, outcome: Outcome) -> str:
    if outcome.applied and existed:
        return tr("{name} is brought up to date", name=name)
    if outcome.applied:
        return tr("{name} is created", name=name)
    if existed:
        return tr("{name} is there already", name=name)
    return tr("{name} would be created; nothing was changed (--dry-run)", name=name)


def _settings(seen: RepositorySeen, lifecycle: str | None, policy: str | None) -> list[str]:
    none = tr("none")
    rules = len(_rules(lifecycle))
    rows = [
        (tr("repository"), seen.name),
        (tr("URI"), seen.uri),
        (tr("tags"), _mutability(seen)),
        (tr("scan on push"), tr("yes") if seen.scan_on_push else tr("no")),
        (tr("encryption"), f"{seen.encryption} {seen.kms_key or ''}".strip()),
        (tr("lifecycle policy"), tr("{count} rules", count=rules) if lifecycle else none),
        (tr("repository policy"), tr("there is one") if policy else none),
        (tr("created"), moment(seen.created_at) or "-"),
    ]
    return table([tr("SETTING"), tr("VALUE")], rows)


def _contents(images: list[ImageSeen]) -> list[str]:
    tagged = [image for image in images if image.tags]
    return [
        tr(
            "{count} images, {tagged} of them tagged; {size} before layers that they share",
            count=len(images),
            tagged=len(tagged),
            size=size(sum(image.size for image in images)),
        )
    ]


def _mutability(seen: RepositorySeen) -> str:
    word = tr("immutable") if seen.mutability.startswith("IMMUTABLE") else tr("mutable")
    if not seen.exclusions:
        return word
    return tr("{word} except {patterns}", word=word, patterns=" ".join(seen.exclusions))


def _scan(seen: RepositorySeen) -> str:
    return tr("on push") if seen.scan_on_push else "-"


def _day(seen: RepositorySeen) -> str:
    return seen.created_at.date().isoformat() if seen.created_at else "-"


def _as_json(seen: RepositorySeen) -> dict[str, Any]:
    return {
        "name": seen.name,
        "arn": seen.arn,
        "uri": seen.uri,
        "mutability": seen.mutability,
        "exclusions": list(seen.exclusions),
        "scan_on_push": seen.scan_on_push,
        "encryption": seen.encryption,
        "kms_key": seen.kms_key,
        "created_at": moment(seen.created_at) or None,
    }


def _parsed(text: str | None) -> Any:
    """The policy as JSON, or its text when AWS holds something else."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def _rules(text: str | None) -> list[Any]:
    document = _parsed(text)
    rules = document.get("rules") if isinstance(document, dict) else None
    return rules if isinstance(rules, list) else []
