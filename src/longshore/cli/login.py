"""`longshore login`: gives docker, podman and skopeo an ECR login, or a helper that renews it. I/O.

A program that is installed is asked to log in itself, with the password on its standard input; for
one that is not, its file is written. With `--helper` no password is stored at all.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click

from longshore.cli import wiring
from longshore.cli.auth_files import (
    HELPER,
    containers_auth_file,
    docker_auth_file,
    put_helper,
    put_login,
)
from longshore.cli.frame import App, command
from longshore.cli.redaction import redact
from longshore.cli.typeset import moment, one_line
from longshore.errors import FileError, LoginError
from longshore.facts import Token
from longshore.remote.addresses import is_loopback
from longshore.text import tr

TOOLS = ("docker", "podman", "skopeo")
HELPER_PROGRAM = f"docker-credential-{HELPER}"
_TIMEOUT_S = 60

How = Literal["login", "file", "helper"]


@dataclass(frozen=True)
class LoggedIn:
    """One program, how it was logged in, and the file that says so ("": its own business)."""

    tool: str
    how: How
    file: str = ""


@command(
    "login",
    help=tr(
        "Logs docker, podman and skopeo in to the target's registry. ECR's passwords last twelve "
        "hours; with --helper these programs ask longshore for a fresh one each time."
    ),
    examples=[
        "longshore login",
        "longshore login --to docker --helper",
        "longshore --target prod login --to all",
    ],
)
@click.option(
    "--to",
    "tools",
    type=click.Choice([*TOOLS, "all"]),
    multiple=True,
    help=tr("for which program; without it for each that is installed"),
)
@click.option("--helper", is_flag=True, help=tr("set up the credential helper: nothing expires"))
@click.option("--region", metavar="REGION", help=tr("the AWS Region, if not the target's"))
@click.option("--dry-run", is_flag=True, help=tr("only show what would be logged in"))
def login(
    app: App, tools: tuple[str, ...], helper: bool, region: str | None, dry_run: bool
) -> None:
    target = wiring.open_target(app.settings, app.environ, region=region)
    registry = target.endpoint.registry
    chosen = _chosen(tools, app.environ)
    token = None
    if dry_run:
        done = [LoggedIn(tool, "helper" if helper else _how(tool, app.environ)) for tool in chosen]
    elif helper:
        _put_helper_on_path(app)
        done = [_with_helper(tool, registry, app.environ) for tool in chosen]
    else:
        token = target.ecr.authorization_token()
        done = [_with_password(tool, registry, token, app.environ) for tool in chosen]
    expires = moment(token.expires_at) or None if token else None
    app.output.result(
        {
            "schema": "longshore.login/1",
            "registry": registry,
            "dry_run": dry_run,
            "expires_at": expires,
            "logged_in": [asdict(one) for one in done],
        },
        [*(_line(one, registry, dry_run) for one in done), *_until(expires)],
        place=target.place,
        next=f"docker pull {registry}/REPOSITORY:TAG",
    )


def _chosen(tools: tuple[str, ...], environ: Mapping[str, str]) -> list[str]:
    if "all" in tools:
        return list(TOOLS)
    installed = [tool for tool in TOOLS if _find(tool, environ)]
    return list(dict.fromkeys(tools)) or installed or ["docker"]


def _find(program: str, environ: Mapping[str, str]) -> str | None:
    return shutil.which(program, path=environ.get("PATH", ""))


def _how(tool: str, environ: Mapping[str, str]) -> How:
    return "login" if _find(tool, environ) else "file"


def _file_of(tool: str, environ: Mapping[str, str]) -> Path:
    return docker_auth_file(environ) if tool == "docker" else containers_auth_file(environ)


def _with_helper(tool: str, registry: str, environ: Mapping[str, str]) -> LoggedIn:
    file = _file_of(tool, environ)
    put_helper(file, registry)
    return LoggedIn(tool, "helper", str(file))


def _with_password(tool: str, registry: str, token: Token, environ: Mapping[str, str]) -> LoggedIn:
    program = _find(tool, environ)
    if program is None:
        file = _file_of(tool, environ)
        put_login(file, registry, token)
        return LoggedIn(tool, "file", str(file))
    _run_login([program, *_arguments(tool, registry, token.username)], token, environ)
    return LoggedIn(tool, "login")


def _arguments(tool: str, registry: str, username: str) -> list[str]:
    plain = tool != "docker" and is_loopback(registry)  # docker takes HTTP on loopback by itself
    return [
        "login",
        "--username",
        username,
        "--password-stdin",
        *(["--tls-verify=false"] if plain else []),
        registry,
    ]


def _run_login(argv: list[str], token: Token, environ: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            argv,
            input=token.password.encode(),
            capture_output=True,
            env=dict(environ),
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _tool_failed(argv[0], type(error).__name__) from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").replace(token.password, "***")
        raise _tool_failed(argv[0], one_line(redact(said))[-400:])


def _tool_failed(program: str, why: str) -> LoginError:
    return LoginError(
        tr("{program} login failed: {why}", program=Path(program).name, why=why),
        tr("try `longshore login --helper`, which needs no login of theirs"),
        code="tool-login-failed",
    )


def _put_helper_on_path(app: App) -> None:
    """Docker finds helpers only on PATH: link ours into ~/.local/bin when that is on it."""
    if _find(HELPER_PROGRAM, app.environ):
        return
    ours = Path(sys.executable).parent / HELPER_PROGRAM
    folder = Path(app.environ.get("HOME") or Path.home()) / ".local" / "bin"
    link = folder / HELPER_PROGRAM
    on_path = str(folder) in app.environ.get("PATH", "").split(":")
    try:
        if on_path and ours.exists() and not link.exists():
            folder.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)  # a link to an environment that is gone
            link.symlink_to(ours)
            app.output.say(tr("linked {link} to {program}", link=link, program=ours))
            return
    except OSError as error:
        app.output.detail(str(error))
    raise FileError(
        tr("{program} is not on PATH, where docker looks for it", program=HELPER_PROGRAM),
        tr("link it: ln -s {program} DIRECTORY-ON-PATH", program=ours),
        code="helper-not-on-path",
    )


def _line(one: LoggedIn, registry: str, dry_run: bool) -> str:
    if dry_run:
        return tr("{tool}: would log in to {registry}", tool=one.tool, registry=registry)
    if one.how == "helper":
        words = tr("{tool}: asks longshore for {registry} ({file})", **_words(one, registry))
    elif one.how == "file":
        words = tr("{tool}: login to {registry} kept in {file}", **_words(one, registry))
    else:
        words = tr("{tool}: logged in to {registry}", **_words(one, registry))
    return words


def _words(one: LoggedIn, registry: str) -> dict[str, str]:
    return {"tool": one.tool, "registry": registry, "file": one.file}


def _until(expires: str | None) -> list[str]:
    return [tr("valid until {time}", time=expires)] if expires else []
