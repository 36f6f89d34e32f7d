"""`longshore local up down status env login`: the embedded servers as a process. I/O."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from longshore.cli.frame import App
from longshore.cli.local_frame import ask, folder_of, in_folder, in_same_folder, local, running
from longshore.cli.typeset import table
from longshore.embedded import daemon
from longshore.embedded.state import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    LEADS_AWAY,
    LISTENERS,
    LocalState,
    UpOptions,
)
from longshore.errors import UsageError
from longshore.text import tr


def _on_ports(function: Callable[..., None]) -> Callable[..., None]:
    for name in reversed(LISTENERS):
        function = click.option(
            f"--port-{name}",
            type=click.IntRange(0, 65535),
            default=0,
            metavar="PORT",
            help=tr("port of {listener}; any free one without it", listener=name),
        )(function)
    return function


@local.command(
    "up",
    help=tr("Starts the servers in the background, or finds them running."),
    examples=("longshore local up", "longshore local up --port-ecr 5001 --pull-limit 100"),
)
@click.option(
    "--mode",
    type=click.Choice(["ecr", "strict-oci"]),
    help=tr("what the ECR does: as ECR (the default), or as the OCI specification says"),
)
@click.option(
    "--account", metavar="ID", help=tr("its account; default: {default}", default=DEFAULT_ACCOUNT)
)
@click.option("--region", help=tr("its region; default: {default}", default=DEFAULT_REGION))
@click.option(
    "--pull-limit",
    type=click.IntRange(1),
    metavar="N",
    help=tr("anonymous pulls in six hours at the Hub; default: no limit"),
)
@click.option(
    "--account-pull-limit",
    type=click.IntRange(1),
    metavar="N",
    help=tr("the same for the account of `longshore local login`"),
)
@_on_ports
@in_folder
def up(app: App, data_dir: Path | None, **rest: Any) -> None:
    if rest["account"] and not re.fullmatch(r"\d{12}", rest["account"]):
        raise UsageError(
            tr("'{account}' is not an AWS account", account=rest["account"]),
            tr("an account has twelve digits"),
            code="usage",
        )
    options = UpOptions(
        folder_of(app, data_dir),
        ports={name: rest[f"port_{name.replace('-', '_')}"] for name in LISTENERS},
        **{name: value for name, value in rest.items() if not name.startswith("port_")},
    )
    state = daemon.up(options, app.environ)
    app.output.result(state.as_json(app.environ), _places(state), next=_env_command(data_dir))


@local.command(
    "down", help=tr("Ends the servers; their data stays."), examples=("longshore local down",)
)
@in_folder
def down(app: App, data_dir: Path | None) -> None:
    folder = folder_of(app, data_dir)
    ended = daemon.down(folder)
    line = tr("EMBEDDED servers ended, data kept in {folder}", folder=folder)
    if not ended:
        line = tr("EMBEDDED servers did not run")
    document = {"schema": "longshore.local.down/1", "ended": ended, "data_dir": str(folder)}
    app.output.result(document, [line], next=in_same_folder("longshore local up", data_dir))


@local.command(
    "status",
    help=tr("Where the servers answer, and what they hold."),
    examples=("longshore local status --json",),
)
@in_folder
def status(app: App, data_dir: Path | None) -> None:
    folder = folder_of(app, data_dir)
    state = daemon.status(folder)
    if state is None:
        document = {"schema": "longshore.local/1", "running": False, "data_dir": str(folder)}
        line = tr("EMBEDDED servers do not run")
        app.output.result(document, [line], next=in_same_folder("longshore local up", data_dir))
        return
    held = ask(folder, {"do": "contents"})["contents"]
    rows = [(one["registry"], one["repository"], one["tags"]) for one in held]
    lines = [*_places(state), "", *table([tr("REGISTRY"), tr("REPOSITORY"), tr("TAGS")], rows)]
    document = {**state.as_json(app.environ), "contents": held}
    seed = in_same_folder("longshore local seed", data_dir)
    app.output.result(document, lines, next="" if held else seed)


@local.command(
    "env",
    help=tr("Prints what makes aws, docker, podman, skopeo and crane work here."),
    examples=(
        'eval "$(longshore local env)"',
        'longshore local env --format github >> "$GITHUB_ENV"',
        "longshore local env --json",
    ),
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["sh", "github"]),
    default="sh",
    help=tr("for a shell's eval (the default), or for $GITHUB_ENV"),
)
@in_folder
def env(app: App, data_dir: Path | None, form: str) -> None:
    variables = running(folder_of(app, data_dir)).env(app.environ)
    if app.settings.json:
        document = {"schema": "longshore.local.env/1", "env": variables, "unset": [*LEADS_AWAY]}
        app.output.result(document)
    elif form == "github":
        app.output.text("".join(f"{name}={value}\n" for name, value in variables.items()))
    else:
        app.output.text(shell_lines(variables))


@local.command(
    "login",
    help=tr("Logs docker, podman and skopeo in at both registries, in a docker config of its own."),
    examples=("longshore local login",),
)
@in_folder
def login(app: App, data_dir: Path | None) -> None:
    folder = folder_of(app, data_dir)
    answer = ask(folder, {"do": "login"})
    state = running(folder)
    document = {
        "schema": "longshore.local.login/1",
        "registries": answer["registries"],
        "docker_config": str(state.docker_config),
        "expires_at": answer["expires_at"],
    }
    lines = [tr("EMBEDDED: logged in at {host}", host=host) for host in answer["registries"]]
    lines.append(tr("written to {folder} only", folder=state.docker_config))
    app.output.result(document, lines, next=_env_command(data_dir))


def _env_command(data_dir: Path | None) -> str:
    return f'eval "$({in_same_folder("longshore local env", data_dir)})"'


def _places(state: LocalState) -> list[str]:
    rows = [
        (tr("Docker Hub"), state.hub_registry, tr("registry")),
        ("", state.hub_api, tr("web API")),
        (tr("ECR"), state.ecr_registry, tr("registry")),
        (tr("AWS"), state.aws_endpoint, f"{state.account} {state.region}"),
    ]
    head = tr(
        "EMBEDDED servers, process {pid}, data in {folder}", pid=state.pid, folder=state.data_dir
    )
    return [head, *(f"  {a:<11} {b:<24} {c}" for a, b, c in rows)]


def shell_lines(variables: Mapping[str, str]) -> str:
    """What a shell evaluates: other accounts' variables away, ours exported."""
    lines = [f"unset {' '.join(LEADS_AWAY)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    lines.append("# skopeo reads no variable that allows plain HTTP, only this option:")
    conf = '--registries-conf "$CONTAINERS_REGISTRIES_CONF"'
    lines.append(f'skopeo() {{ command skopeo {conf} "$@"; }}')
    return "\n".join(lines) + "\n"
