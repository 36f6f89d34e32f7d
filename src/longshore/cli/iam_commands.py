"""`longshore iam`: policies of roles, and trust in GitHub's tokens, as documents. I/O.

`check` has a file of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click

from longshore.cli import wiring
from longshore.cli.frame import App, group
from longshore.cli.iam_check import check_policies
from longshore.cli.moments import read_iso
from longshore.errors import FileError, UsageError, Where
from longshore.policy.access.document import parse_document
from longshore.policy.access.roles import IN_USE_ROLES, ROLES, Role, Scope, role_policy
from longshore.policy.access.trust import (
    SubjectForm,
    TokenTested,
    Trusted,
    explain_token,
    trust_policy,
)
from longshore.text import tr

_MAX_BYTES = 256 * 1024

iam = group(
    "iam",
    help=tr(
        "Access: what each role must be allowed, which runs at GitHub may take a role, and what "
        "is wrong with policies. These commands create nothing at AWS."
    ),
    examples=[
        "longshore iam policy push shop --account 123456789012 --region ap-northeast-2",
        "longshore iam trust acme/shop --branch main --account 123456789012",
        "longshore iam check policy.json",
    ],
)
iam.add_command(check_policies)


@iam.command(
    "policy",
    help=tr(
        "Prints the policy of a role for repositories: push (a pipeline), pull (a runtime), "
        "deployer, provisioner, monitor, cleaner. Exact actions on exact repositories; only what "
        "knows no resource stands on *. Without names: the repositories of longshore.yaml."
    ),
    examples=[
        "longshore iam policy push",
        "longshore iam policy pull shop 'team/*' --account 123456789012 --region eu-west-1",
        "longshore iam policy pull shop --cache docker-hub --account 123456789012",
        "longshore iam policy cleaner --in-use",
    ],
)
@click.argument("role", type=click.Choice(ROLES))
@click.argument("repositories", nargs=-1)
@click.option("--account", metavar="NUMBER", help=tr("the account of the registry"))
@click.option("--region", metavar="REGION", help=tr("the AWS Region of the registry"))
@click.option("--kms-key", "keys", multiple=True, metavar="ARN", help=tr("a key that encrypts"))
@click.option("--cache", "caches", multiple=True, metavar="PREFIX", help=tr("a cache's prefix"))
@click.option("--in-use", is_flag=True, help=tr("provisioner, cleaner: also see ECS and Lambda"))
def policy(
    app: App,
    role: Role,
    repositories: tuple[str, ...],
    account: str | None,
    region: str | None,
    keys: tuple[str, ...],
    caches: tuple[str, ...],
    in_use: bool,
) -> None:
    if in_use and role not in IN_USE_ROLES:
        raise UsageError(
            tr("the role {role} deletes nothing, so it need not see what runs", role=role),
            tr("leave --in-use out"),
        )
    place = _Place(app, account, region)
    names = repositories or place.repositories
    scope = Scope(place.partition, place.region, place.account, names, keys, caches, in_use)
    document = role_policy(role, scope)
    app.output.result(
        {
            "schema": "longshore.iam.policy/1",
            "role": role,
            "account": place.account,
            "region": place.region,
            "repositories": list(names),
            "policy": document,
        },
        json.dumps(document, indent=2).splitlines(),
    )


@iam.command(
    "trust",
    help=tr(
        "Prints the trust policy by which runs of a repository on GitHub may take a role through "
        "OIDC. With --explain: says which condition a token's claims do not meet (the signature "
        "is not looked at). Repositories made, renamed or moved after 2026-07-15 send their "
        "numbers as well: --form id, or both while one moves."
    ),
    examples=[
        "longshore iam trust acme/shop --branch main --release 'v*' --account 123456789012",
        "longshore iam trust acme/shop --environment production --form id --owner-id 1001 "
        "--repository-id 2002 --account 123456789012",
        "longshore iam trust --explain claims.json --policy trust.json",
    ],
)
@click.argument("repository", metavar="OWNER/REPOSITORY", required=False)
@click.option("--branch", "branches", multiple=True, metavar="NAME", help=tr("runs of a branch"))
@click.option("--release", "releases", multiple=True, metavar="TAG", help=tr("runs of a tag"))
@click.option(
    "--environment",
    "environments",
    multiple=True,
    metavar="NAME",
    help=tr("jobs of an environment"),
)
@click.option("--pull-requests", is_flag=True, help=tr("runs of pull requests, forks' too"))
@click.option(
    "--form",
    type=click.Choice(get_args(SubjectForm)),
    default="name",
    help=tr("how `sub` names the repository"),
)
@click.option("--owner-id", default="", metavar="NUMBER", help=tr("the owner's id at GitHub"))
@click.option("--repository-id", default="", metavar="NUMBER", help=tr("the repository's id"))
@click.option("--account", metavar="NUMBER", help=tr("the account of the role"))
@click.option("--explain", "claims", metavar="CLAIMS", help=tr("a file with a token's claims"))
@click.option("--policy", "file", metavar="FILE", help=tr("with --explain: the trust policy"))
@click.option("--at", metavar="TIME", help=tr("with --explain: the time (default: now)"))
def trust(
    app: App,
    repository: str | None,
    branches: tuple[str, ...],
    releases: tuple[str, ...],
    environments: tuple[str, ...],
    pull_requests: bool,
    form: SubjectForm,
    owner_id: str,
    repository_id: str,
    account: str | None,
    claims: str | None,
    file: str | None,
    at: str | None,
) -> None:
    if claims is not None and file is not None:
        _explain(app, _json_object(file), claims, at)
        return
    if repository is None:
        raise UsageError(
            tr("whose runs are to be trusted is not said"),
            tr("longshore iam trust OWNER/REPOSITORY, or --explain CLAIMS --policy FILE"),
        )
    place = _Place(app, account, "us-east-1")
    uses = (
        *(f"ref:refs/heads/{one}" for one in branches),
        *(f"ref:refs/tags/{one}" for one in releases),
        *(f"environment:{one.replace(':', '%3A')}" for one in environments),
        *(("pull_request",) if pull_requests else ()),
    )
    uses = uses or place.default_uses
    owner, name = _split(repository)
    trusted = Trusted(owner, name, uses, owner_id, repository_id, form)
    document = trust_policy(trusted, place.partition, place.account)
    if claims is not None:
        _explain(app, document, claims, at)
        return
    app.output.result(
        {
            "schema": "longshore.iam.trust/1",
            "repository": repository,
            "subjects": list(trusted.subjects()),
            "policy": document,
        },
        json.dumps(document, indent=2).splitlines(),
    )


def _explain(app: App, document: Mapping[str, Any], claims: str, at: str | None) -> None:
    tested = explain_token(parse_document(json.dumps(document)), _json_object(claims), _time(at))
    app.output.result(
        {
            "schema": "longshore.iam.trust.explain/1",
            "taken": tested.taken,
            "problems": list(tested.problems),
            "statements": [
                {
                    "statement": one.statement.name,
                    "effect": one.statement.effect,
                    "fits": one.fits,
                    "provider": one.trusts_provider,
                    "action": one.is_about_tokens,
                    "conditions": [
                        {
                            "operator": each.condition.operator,
                            "key": each.condition.key,
                            "wanted": list(each.condition.values),
                            "found": None if each.found is None else list(each.found),
                            "met": each.met,
                            "hint": each.hint,
                        }
                        for each in one.conditions
                    ],
                }
                for one in tested.statements
            ],
        },
        _explained(tested),
    )
    if not tested.taken:
        raise click.exceptions.Exit(3)


def _explained(tested: TokenTested) -> list[str]:
    lines = [tr("the role takes this token") if tested.taken else tr("the role refuses this token")]
    lines += [f"  ! {problem}" for problem in tested.problems]
    for one in tested.statements:
        lines.append(f"{one.statement.effect} {one.statement.name}")
        if not one.trusts_provider:
            lines.append(tr("  x the statement does not trust GitHub's identity provider"))
        if not one.is_about_tokens:
            lines.append(tr("  x the statement is not about sts:AssumeRoleWithWebIdentity"))
        for each in one.conditions:
            mark = "+" if each.met else "x"
            wanted = " | ".join(each.condition.values)
            lines.append(f"  {mark} {each.condition.operator} {each.condition.key}: {wanted}")
            if not each.met:
                lines.append(f"      {each.hint}")
    return lines


class _Place:
    """The account and region that a document is for: flags, else the target of the config."""

    def __init__(self, app: App, account: str | None, region: str | None) -> None:
        from longshore.provision.access import partition_of
        from longshore.provision.settings import LOCAL_TARGET

        self._config = wiring.find_config(app.settings, app.environ)
        target = LOCAL_TARGET if app.settings.local else None
        if target is None and self._config is not None:
            target = self._config.target(app.settings.target)
        self.account = account or (target.account if target else "")
        self.region = region or (target.region if target else "")
        self.region = self.region or app.environ.get("AWS_REGION", "")
        if re.fullmatch(r"\d{12}", self.account) is None:
            raise UsageError(
                tr("the account is not known"),
                tr("give its 12 digits with --account, or a longshore.yaml with a target"),
                code="no-account",
            )
        if not self.region:
            raise UsageError(
                tr("the AWS Region is not known"), tr("give it with --region"), code="no-region"
            )
        region = target.region if target and account is None else self.region
        self.partition = partition_of(region)

    @property
    def repositories(self) -> tuple[str, ...]:
        """Those of the config."""
        return tuple(self._config.repositories) if self._config else ()

    @property
    def default_uses(self) -> tuple[str, ...]:
        """What the config's pipeline runs on: its plain branches, and version tags."""
        branches = self._config.ci.branches if self._config else ()
        if not branches:
            return ()
        return (*(f"ref:refs/heads/{one}" for one in branches), "ref:refs/tags/v*")


def _split(repository: str) -> tuple[str, str]:
    owner, slash, name = repository.partition("/")
    if not slash or re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII) is None:
        raise UsageError(
            tr("'{text}' is not a repository on GitHub", text=repository),
            tr("OWNER/REPOSITORY, for example acme/shop"),
        )
    return owner, name


def _json_object(file: str) -> dict[str, Any]:
    try:
        with Path(file).open("rb") as stream:
            text = stream.read(_MAX_BYTES)
    except OSError as error:
        raise FileError(
            tr("{file} cannot be read: {why}", file=file, why=error.strerror or error),
            tr("name a file with a JSON object"),
            where=Where(file=file),
        ) from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            tr("{file} holds no JSON object", file=file),
            tr("name a file with a JSON object"),
            where=Where(file=file),
        )
    return found


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return read_iso(text)
    except ValueError:
        raise UsageError(
            tr("'{text}' is not a time", text=text),
            tr("ISO 8601, for example 2026-11-24T10:00:00Z"),
        ) from None
