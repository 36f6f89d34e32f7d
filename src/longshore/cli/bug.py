"""A bug of ours: keeps what is needed to mend it, without secrets, and says where. I/O."""

from __future__ import annotations

import os
import platform
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from longshore import __version__
from longshore.cli.redaction import HIDDEN, is_secret_name, redact, redact_argv
from longshore.cli.wiring import state_dir
from longshore.errors import LongshoreError
from longshore.text import tr

_PARTS = ("botocore", "click", "pyyaml", "urllib3", "moto", "cheroot", "zstandard")
_SHOWN = ("LONGSHORE_", "AWS_", "DOCKER_", "GITHUB_ACTIONS", "CI", "LANG", "LC_", "TERM", "XDG_")


class Bug(LongshoreError):
    """Something that longshore did not expect; `log` is the file with the traceback."""

    exit_code: ClassVar[int] = 70
    default_code: ClassVar[str] = "bug"


def record(error: BaseException, argv: list[str], environ: Mapping[str, str]) -> Bug:
    """Write the log file and make the error to show. Never raises."""
    what = tr("this is a bug in longshore: {kind}", kind=type(error).__name__)
    text = log_text(error, argv, environ)
    try:
        file = _write(text, state_dir(environ) / "logs")
    except OSError as failure:
        sys.stderr.write(text)
        return Bug(what, tr("the log file could not be written ({why})", why=failure.strerror))
    return Bug(what, tr("please report it with the file {file}", file=file))


def log_text(error: BaseException, argv: list[str], environ: Mapping[str, str]) -> str:
    """Versions, redacted command line and environment, and the traceback."""
    lines = [
        f"longshore {__version__}",
        f"python {platform.python_version()} on {platform.platform()}",
        f"packages {', '.join(_versions())}",
        f"command longshore {' '.join(redact_argv(argv))}",
        *(f"env {name}={_value(name, environ)}" for name in sorted(environ) if _is_shown(name)),
        "",
        *traceback.format_exception(error),
    ]
    return redact("\n".join(lines) + "\n", environ)


def _versions() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for part in _PARTS:
        try:
            found.append(f"{part} {version(part)}")
        except PackageNotFoundError:
            found.append(f"{part} -")
    return found


def _is_shown(name: str) -> bool:
    return name.startswith(_SHOWN)


def _value(name: str, environ: Mapping[str, str]) -> str:
    return HIDDEN if is_secret_name(name) else environ[name]


def _write(text: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = folder / f"bug-{stamp}-{os.getpid()}.log"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(file, flags, 0o600), "w", encoding="utf-8", errors="replace") as out:
        out.write(text)
    return file
