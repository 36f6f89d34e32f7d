"""`longshore ci secrets`: which values the pipeline needs, which are there, and setting them. I/O.

Values come from longshore.yaml (account, Region, repository) and from standard input, never from
the command line and never from the caller's own AWS variables.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from longshore.cli import wiring
from longshore.cli.frame import App, command
from longshore.cli.output import is_terminal
from longshore.cli.typeset import table
from longshore.errors import LoginError, LongshoreError, UsageError
from longshore.rewrite.generate.options import FIVE, KEYS
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config
    from longshore.remote.github import GitHubRepository, Stored

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z")
_REMOTE = re.compile(r"(?:github\.com[:/])([\w.-]+/[\w.-]+?)(?:\.git)?/?\Z")
_HUB = re.compile(r"DOCKER_?(?:HUB)?_?(?:USER|USERNAME|TOKEN|PASSWORD|PAT|ACCESS_TOKEN|LOGIN)\Z")


@dataclass(frozen=True)
class Needed:
    """A value of the pipeline: its name, under which name it is stored, and where it was found."""

    name: str
    stored_as: str
    state: str  # secret, variable, missing, unknown
    owner: str = ""

    @property
    def sensitive(self) -> bool:
        """Whether it must be a secret."""
        return self.name in KEYS


@command(
    "secrets",
    help=tr(
        "Lists the secrets and variables that the pipeline needs and, with a token in "
        "GITHUB_TOKEN, which of them are there. --set stores what is missing: account, Region and "
        "repository from longshore.yaml, keys from lines NAME=VALUE on standard input."
    ),
    examples=[
        "longshore ci secrets",
        "longshore ci secrets --repository acme/shop --json",
        "longshore ci secrets --set --variables < keys.env",
    ],
)
@click.option("--repository", metavar="OWNER/NAME", help=tr("the repository at GitHub"))
@click.option("--auth", type=click.Choice(["oidc", "keys"]), help=tr("how the pipeline logs in"))
@click.option("--set", "wanted", is_flag=True, help=tr("store what is missing"))
@click.option("--variables", is_flag=True, help=tr("store what is no secret as variables"))
@click.option("--force", is_flag=True, help=tr("replace what is there already"))
@click.option("--token-stdin", is_flag=True, help=tr("the token is the first line of stdin"))
@click.option("--dry-run", is_flag=True, help=tr("only show what would be stored"))
def list_secrets(
    app: App,
    repository: str | None,
    auth: str | None,
    wanted: bool,
    variables: bool,
    force: bool,
    token_stdin: bool,
    dry_run: bool,
) -> None:
    config = wiring.find_config(app.settings, app.environ)
    lines = _given(wanted or token_stdin)
    token = lines.pop(0).strip() if token_stdin and lines else _token(app.environ)
    name = repository or app.environ.get("GITHUB_REPOSITORY") or _remote(Path.cwd())
    names = _names(config, auth)
    place = _open(app.environ, name, token) if name and token else None
    stored = place.list_stored() if place else None
    needed = [_needed(one, as_, stored) for one, as_ in names.items()]
    done: list[str] = []
    if wanted:
        if place is None:
            raise _nobody(name)
        values = _from_config(config, app) | _parsed(lines)
        todo = {
            one: values[one.name]
            for one in needed
            if one.name in values and (force or one.state == "missing")
        }
        if todo and not dry_run:
            asked = ", ".join(one.stored_as for one in todo)
            app.output.confirm(tr("store {names} at {place}?", names=asked, place=place.name))
            for one, value in todo.items():
                if variables and not one.sensitive:
                    place.set_variable(one.stored_as, value)
                else:
                    place.set_secret(one.stored_as, value)
        done = [one.stored_as for one in todo]
    _show(app, name, needed, done, stored, dry_run=dry_run)


def _show(
    app: App,
    name: str | None,
    needed: list[Needed],
    done: list[str],
    stored: list[Stored] | None,
    *,
    dry_run: bool,
) -> None:
    missing = [
        one.stored_as
        for one in needed
        if one.state == "missing" and (dry_run or one.stored_as not in done)
    ]
    left_over = sorted({one.name for one in stored or [] if _HUB.match(one.name)})
    rows = [(one.stored_as, _said(one, done, dry_run), _hint(one)) for one in needed]
    lines = table([tr("NAME"), tr("STATE"), tr("WHAT")], rows)
    if stored is None:
        lines.append(tr("not looked at: name the repository and set GITHUB_TOKEN to see more"))
    if left_over:
        names = ", ".join(left_over)
        lines.append(tr("of Docker Hub, to be deleted when nothing pulls there: {names}",
                        names=names))  # fmt: skip
    app.output.result(
        {
            "schema": "longshore.ci.secrets/1",
            "repository": name,
            "values": [
                {
                    "name": one.name,
                    "stored_as": one.stored_as,
                    "state": one.state,
                    "owner": one.owner or None,
                    "sensitive": one.sensitive,
                }
                for one in needed
            ],
            "missing": missing,
            "stored": [] if dry_run else done,
            "would_store": done if dry_run else [],
            "left_over": left_over,
        },
        lines,
        next="longshore ci secrets --set" if missing else "longshore ci emit",
    )


def _said(one: Needed, done: list[str], dry_run: bool) -> str:
    if one.stored_as in done:
        return tr("would be stored") if dry_run else tr("stored now")
    words = {
        "secret": tr("is there, as a secret"),
        "variable": tr("is there, as a variable"),
        "missing": tr("missing"),
    }
    return words.get(one.state, tr("not looked at"))


def _hint(one: Needed) -> str:
    hints = {
        "AWS_ACCESS_KEY_ID": tr("the pipeline's access key"),
        "AWS_SECRET_ACCESS_KEY": tr("the secret that belongs to it"),
        "AWS_ACCOUNT_ID": tr("12 digits; better a variable than a secret"),
        "AWS_REGION": tr("the AWS Region; better a variable than a secret"),
        "ECR_REPOSITORY": tr("the repository's name; better a variable than a secret"),
    }
    return hints[one.name]


def _names(config: Config | None, auth: str | None) -> dict[str, str]:
    """The values that are needed, with the names under which they are stored."""
    way = auth or (config.ci.auth if config else "oidc")
    renamed = dict(config.ci.secrets) if config else {}
    wanted = FIVE if way == "keys" else FIVE[2:]
    return {name: renamed.get(name, name) for name in wanted}


def _needed(name: str, stored_as: str, stored: list[Stored] | None) -> Needed:
    if stored is None:
        return Needed(name, stored_as, "unknown")
    kinds = ("secret",) if name in KEYS else ("variable", "secret")
    for kind in kinds:
        for one in stored:
            if one.kind == kind and one.name.upper() == stored_as.upper():
                return Needed(name, stored_as, kind, one.owner)
    return Needed(name, stored_as, "missing")


def _from_config(config: Config | None, app: App) -> dict[str, str]:
    if config is None:
        return {}
    target = config.target(app.settings.target)
    values = {"AWS_ACCOUNT_ID": target.account, "AWS_REGION": target.region}
    names = sorted(set(config.repositories) or {one.target for one in config.images})
    if len(names) == 1:
        values["ECR_REPOSITORY"] = names[0]
    return values


def _given(wanted: bool) -> list[str]:
    """Lines of standard input; none when a person sits there."""
    if not wanted or is_terminal(sys.stdin):
        return []
    return sys.stdin.read(1 << 20).splitlines()


def _parsed(lines: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line)
        if found is None or found[1] not in FIVE:
            raise UsageError(
                tr("a line of standard input is not one of the pipeline's values"),
                tr("write lines such as AWS_REGION=ap-northeast-2"),
                code="bad-value",
            )
        value = found[2].strip()
        if value[:1] in ("'", '"') and value[-1:] == value[:1]:
            value = value[1:-1]
        if value:
            values[found[1]] = value
    return values


def _token(environ: Mapping[str, str]) -> str:
    return environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or ""


def _open(environ: Mapping[str, str], name: str, token: str) -> GitHubRepository:
    from longshore.remote.github import API, GitHubRepository
    from longshore.remote.transport import Transport, TransportOptions

    transport = Transport(TransportOptions(threads=1, environ=environ))
    return GitHubRepository(transport, name, token, environ.get("GITHUB_API_URL") or API)


def _remote(folder: Path) -> str | None:
    """The repository that the tree's remote `origin` names, when it is at GitHub."""
    try:
        text = (folder / ".git" / "config").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    section = re.search(r'\[remote "origin"\][^\[]*?url\s*=\s*(\S+)', text)
    found = _REMOTE.search(section[1]) if section else None
    return found[1] if found else None


def _nobody(name: str | None) -> LongshoreError:
    if name is None:
        return UsageError(
            tr("which repository at GitHub is meant is not known"),
            tr("name it with --repository OWNER/NAME"),
            code="bad-repository",
        )
    return LoginError(
        tr("there is no token for GitHub"),
        tr("set GITHUB_TOKEN, or give it with --token-stdin"),
        code="github-token",
    )
