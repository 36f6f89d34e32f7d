"""`longshore iam check`: what is wrong with policies, each with the correction to paste. I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from longshore.cli import wiring
from longshore.cli.frame import App, command
from longshore.cli.iam_check_inputs import (
    Gathered,
    need_something,
    read_files,
    read_repositories,
    read_roles,
    with_repository,
)
from longshore.cli.iam_check_view import Judged, as_json, count, lines_of
from longshore.errors import FindingsError, LongshoreError, UsageError
from longshore.policy.access.check import check
from longshore.policy.access.check_subject import KINDS, SEVERITIES, Asked, Home, Kind
from longshore.policy.access.evaluate import Caller
from longshore.policy.access.roles import ROLES, Role
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Target


@dataclass(frozen=True)
class _Flags:
    """What the command line says."""

    paths: tuple[str, ...]
    live: bool
    roles: tuple[str, ...]
    repositories: tuple[str, ...]
    kind: Kind | None
    wanted: Role | None
    in_use: bool
    caches: tuple[str, ...]
    account: str | None
    region: str | None
    caller: str | None


@command(
    "check",
    help=tr(
        "Checks policies: of users and roles, repositories, the registry, and trust. Wildcards, "
        "repositories open to everybody or to other accounts, logins limited to a repository, "
        "half a push, trust that lets in every repository on GitHub or nobody, names that IAM "
        "does not have. Each finding with the corrected statement. With --for: what is missing "
        "for a role's work and what is too much. From files and folders (JSON), or with --live "
        "and --role as AWS holds them. Ends with exit 3 on findings of medium or higher, with 1 "
        "when something could not be checked."
    ),
    examples=[
        "longshore iam check policy.json trust.json",
        "longshore iam check policies/ --for push --repository shop --account 123456789012 "
        "--region eu-west-1",
        "longshore iam check --live",
        "longshore iam check --role github-actions --for push",
        "longshore iam check role.json repository.json --repository shop --account 123456789012 "
        "--caller arn:aws:iam::210987654321:role/ci",
    ],
)
@click.argument("paths", nargs=-1, metavar="[FILE|FOLDER]...")
@click.option("--live", is_flag=True, help=tr("the policies of the target's repositories"))
@click.option("--role", "roles", multiple=True, metavar="NAME", help=tr("a role's, as IAM has it"))
@click.option(
    "--repository", "repositories", multiple=True, metavar="NAME", help=tr("only this repository")
)
@click.option("--for", "wanted", type=click.Choice(ROLES), help=tr("whose work they must allow"))
@click.option("--in-use", is_flag=True, help=tr("with --for: also to see what runs"))
@click.option("--cache", "caches", multiple=True, metavar="PREFIX", help=tr("a cache's prefix"))
@click.option("--kind", type=click.Choice(KINDS), help=tr("what the files are, if not plain"))
@click.option("--caller", metavar="ARN", help=tr("who uses or sets the policies"))
@click.option("--account", metavar="NUMBER", help=tr("the account of the registry"))
@click.option("--region", metavar="REGION", help=tr("the AWS Region of the registry"))
def check_policies(
    app: App,
    paths: tuple[str, ...],
    live: bool,
    roles: tuple[str, ...],
    repositories: tuple[str, ...],
    wanted: Role | None,
    in_use: bool,
    caches: tuple[str, ...],
    kind: Kind | None,
    caller: str | None,
    account: str | None,
    region: str | None,
) -> None:
    flags = _Flags(paths, live, roles, repositories, kind, wanted, in_use, caches, account,
                   region, caller)  # fmt: skip
    need_something(paths, live or bool(roles))
    found = Gathered()
    read_files(paths, kind, found)
    with_repository(found, repositories)
    target, asked = _asked(app, flags, found)
    judged = _judged(found, asked)
    missed = {one.name: one.why for one in found.missed}
    app.output.result(
        as_json(judged, found.subjects, missed, found.passed_over),
        lines_of(judged, found.subjects, missed, found.passed_over),
        place=target.place if target else None,
        next=f"longshore explain {judged[0].finding.code}" if judged else "",
    )
    _end(app, judged, bool(missed))


def _asked(app: App, flags: _Flags, found: Gathered) -> tuple[wiring.OpenTarget | None, Asked]:
    """Read what AWS holds, and put together what all is judged by."""
    target: wiring.OpenTarget | None = None
    arns: list[str] = []
    if flags.live or flags.roles:
        target = wiring.open_target(app.settings, app.environ, region=flags.region)
        if flags.live:
            read_repositories(target, flags.repositories, found)
        arns = read_roles(target, flags.roles, found)
    caller = flags.caller or (target.identity.arn if target and flags.live else None)
    if caller is not None and re.match(r"arn:[^:]+:(iam|sts)::\d{12}:.", caller) is None:
        raise UsageError(
            tr("'{text}' is no ARN of a user or role", text=caller),
            tr("for example arn:aws:iam::123456789012:role/ci"),
        )
    if caller is None and len(arns) == 1:
        caller = arns[0]
    home = _home(app, flags, target)
    who = Caller(caller) if caller else None
    return target, Asked(home, who, flags.wanted, flags.caches, flags.in_use)


def _home(app: App, flags: _Flags, target: wiring.OpenTarget | None) -> Home:
    """The registry: by flags, the open target, or what longshore.yaml names; else unknown."""
    from longshore.provision.access import partition_of

    wanted: Target | None = None
    if target is None and (config := wiring.find_config(app.settings, app.environ)):
        wanted = config.target(app.settings.target)
    known = target.endpoint if target else wanted
    account = flags.account or (known.account if known else "")
    if flags.account and re.fullmatch(r"\d{12}", flags.account) is None:
        raise UsageError(
            tr("'{text}' is no account", text=flags.account), tr("an account has 12 digits")
        )
    region = flags.region or (known.region if known else "")
    return Home(partition_of(region) if region else "aws", region, account, flags.repositories)


def _judged(found: Gathered, asked: Asked) -> list[Judged]:
    """All findings, the worst first."""
    kinds = {one.name: one.kind for one in found.subjects}
    judged = [Judged(one, source.where(one.path), source.name) for source, one in found.refused]
    judged += [
        Judged(one, found.sources[subject.name].where(one.path), subject.name, kinds[subject.name])
        for subject, one in check(found.subjects, asked)
    ]
    return sorted(judged, key=lambda one: SEVERITIES.index(one.finding.severity))


def _end(app: App, judged: list[Judged], missed: bool) -> None:
    """Exit 3 on findings of medium or higher, else 1 when something could not be checked."""
    error: LongshoreError | None = None
    bad = count(judged, "high", "medium")
    if bad:
        error = FindingsError(
            tr("1 finding is medium or higher")
            if bad == 1
            else tr("{count} findings are medium or higher", count=bad),
            tr("`longshore explain CODE` says more about each"),
            code="iam-unsafe",
        )
    elif missed:
        error = LongshoreError(
            tr("not everything could be checked"),
            tr("the answer names what, and why"),
            code="iam-unchecked",
        )
    if error is None:
        return
    if app.output.machine:
        click.get_current_context().exit(error.exit_code)
    raise error
