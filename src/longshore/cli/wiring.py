"""The only place that reads the environment and builds clients. I/O."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


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
