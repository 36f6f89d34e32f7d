"""Reads the lifecycle policy files that a config names. I/O.

Only regular files inside the config's folder, never through a symlink.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from longshore.errors import ConfigError, Problem
from longshore.provision.settings import Config, Lifecycle
from longshore.text import tr

MAX_BYTES = 256 * 1024


def read_policy_files(config: Config, folder: Path) -> dict[str, str]:
    """The texts, by their path in the config. Raises ConfigError, each file with its place."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for settings in config.repositories.values():
        lifecycle = settings.lifecycle
        if lifecycle and lifecycle.file and lifecycle.file not in texts:
            try:
                texts[lifecycle.file] = _read(folder, lifecycle.file)
            except (OSError, UnicodeDecodeError) as error:
                problems.append(_problem(lifecycle, error))
    if problems:
        raise ConfigError(problems)
    return texts


def _read(folder: Path, path: str) -> str:
    """Open each folder on the way without following links, then the file."""
    *folders, name = [part for part in path.split("/") if part not in ("", ".")]
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            inner = os.open(part, flags, dir_fd=here)
            os.close(here)
            here = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, dir_fd=here), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, tr("it is not a regular file"))
            return file.read(MAX_BYTES).decode("utf-8")
    finally:
        os.close(here)


def _problem(lifecycle: Lifecycle, error: OSError | UnicodeDecodeError) -> Problem:
    why = error.strerror if isinstance(error, OSError) else tr("it is not UTF-8 text")
    message = tr("the policy file '{path}' cannot be read: {why}", path=lifecycle.file, why=why)
    return Problem(lifecycle.where, message, "config-file", tr("keep it beside longshore.yaml"))
