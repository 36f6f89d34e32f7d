"""The only place that reads the environment and builds clients. I/O.

Everything heavy is imported inside the function that needs it, so that help stays fast.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.cli.settings import DEFAULT_CONFIG, Settings
from longshore.errors import FileError, UsageError, Where
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config


def read_environment() -> dict[str, str]:
    """The process's environment, read once at start."""
    return dict(os.environ)


def state_dir(environ: Mapping[str, str]) -> Path:
    """Where journals, locks and logs are kept: LONGSHORE_STATE_DIR, else below XDG_STATE_HOME."""
    if told := environ.get("LONGSHORE_STATE_DIR"):
        return Path(told)
    home = Path(environ.get("HOME") or Path.home())
    base = environ.get("XDG_STATE_HOME") or home / ".local" / "state"
    return Path(base) / "longshore"


def config_file(settings: Settings) -> Path:
    """The file that --config or LONGSHORE_CONFIG names, else longshore.yaml in this folder."""
    return Path(settings.config or DEFAULT_CONFIG)


def find_config(settings: Settings, environ: Mapping[str, str]) -> Config | None:
    """The config, or None when there is no file and nobody named one. Raises ConfigError."""
    if settings.config is None and not config_file(settings).exists():
        return None
    return need_config(settings, environ)


def need_config(settings: Settings, environ: Mapping[str, str]) -> Config:
    """The config. Raises UsageError when there is no file, ConfigError with all its mistakes."""
    from longshore.provision.config import parse_config

    return parse_config(config_text(settings), str(config_file(settings)), environ)


def config_text(settings: Settings) -> str:
    """The config file as it stands. Raises UsageError or FileError."""
    file = config_file(settings)
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise UsageError(
            tr("there is no file {file}", file=file),
            tr("`longshore init` writes one; or name another file with --config"),
            code="config-not-found",
            where=Where(file=str(file)),
        ) from None
    except UnicodeDecodeError:
        raise FileError(
            tr("{file} is not UTF-8 text", file=file), code="not-text", where=Where(file=str(file))
        ) from None
    except OSError as error:
        raise FileError(
            tr("{file} cannot be read: {why}", file=file, why=error.strerror or error),
            where=Where(file=str(file)),
        ) from None
