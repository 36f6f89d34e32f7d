"""What the commands of `longshore local` share: the group, the folder, asking the servers. I/O."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from longshore.cli.frame import App, group
from longshore.embedded import daemon
from longshore.embedded.state import LocalState, default_data_dir
from longshore.errors import UsageError
from longshore.text import tr

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

local = group(
    "local",
    help=tr("An embedded Docker Hub and ECR on this machine, for trying everything without AWS."),
    examples=(
        "longshore local up",
        "longshore local seed",
        'eval "$(longshore local env)"',
        "longshore local down",
    ),
)


def in_folder(function: Callable[..., None]) -> Callable[..., None]:
    """The option --data-dir."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help=tr("where the servers keep their data (also: LONGSHORE_LOCAL_DIR)"),
    )(function)


def folder_of(app: App, data_dir: Path | None) -> Path:
    """The data folder that is meant."""
    return data_dir.absolute() if data_dir else default_data_dir(app.environ)


def in_same_folder(words: str, data_dir: Path | None) -> str:
    """A next command for the folder that this one was given.

    >>> in_same_folder("longshore local up", Path("here"))
    'longshore local up --data-dir here'
    """
    return f"{words} --data-dir {shlex.quote(str(data_dir))}" if data_dir else words


def running(folder: Path) -> LocalState:
    """The servers of the folder. Raises LongshoreError (`local-not-running`)."""
    state = daemon.status(folder)
    if state is None:
        raise daemon.not_running(folder)
    return state


def ask(folder: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """The servers' one answer to a question."""
    return next(iter(daemon.command(folder, question)))


def parse_duration(text: str) -> float:
    """Seconds in a text such as 90s, 15m, 6h, 2d or -6h. Raises UsageError.

    >>> parse_duration("-6h")
    -21600.0
    """
    match = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)([smhd])", text.strip())
    if match is None:
        raise UsageError(
            tr("'{text}' is not a length of time", text=text),
            tr("write it as 90s, 15m, 6h or 2d"),
            code="bad-duration",
        )
    return float(match[1]) * _UNITS[match[2]]
