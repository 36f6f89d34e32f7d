"""The background process seen from outside: `up`, `down`, `status`, and asking it things. I/O.

There is at most one process for a data folder: it holds a lock on a file there as long as it
lives, so that a killed one leaves nothing that must be cleaned up. A process is ended only when it
is proved to be ours: the lock is held, the folder's socket answers, and lock, answer and kernel
agree on the pid. This module imports nothing heavy; the servers are `background.py`'s.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from longshore.embedded.control import Answer, NobodyThere, ask
from longshore.embedded.state import (
    LocalState,
    UpOptions,
    empty_data_dir,
    is_marked,
    prepare_data_dir,
    resettable,
)
from longshore.errors import LongshoreError, MissingExtraError, RefusedError
from longshore.text import tr

__all__ = [
    "LocalState",
    "UpOptions",
    "command",
    "down",
    "not_running",
    "reset",
    "resettable",
    "status",
    "up",
]

LOCK = "lock"
LOG = "local.log"
PATIENCE_S = 3.0
_EXTRA = ("cheroot", "flask", "flask_cors", "moto", "zstandard")
_CLEANED = ("AWS_", "DOCKER_", "LONGSHORE_", "GITHUB_", "BOTO", "MOTO_", "PYTHONPATH")
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY"}


def up(options: UpOptions, environ: Mapping[str, str] | None = None) -> LocalState:
    """Start the servers, or find them running; returns when everything answers.

    Raises RefusedError when they run with other options, LongshoreError (`port-taken`,
    `local-not-started`, `local-not-answering`), FileError, MissingExtraError.
    """
    folder = options.data_dir
    _require_extra()
    prepare_data_dir(folder)
    with _only_one(folder / "up.lock", options.timeout_s):
        found = _settled(folder)
        if found is None:
            return _start(options, os.environ if environ is None else environ)
    _refuse_if_different(found, options)
    return found


def status(folder: Path) -> LocalState | None:
    """Where the servers answer, or None when they do not run."""
    if not is_marked(folder) or not _is_held(folder / LOCK):
        return None
    try:
        answers = list(ask(folder, {"do": "state"}))
    except NobodyThere:
        return None
    state = LocalState.from_wire(answers[0]["state"])
    return state if _proved(folder, state.pid, answers[0]) else None


def down(folder: Path, timeout_s: float = 20) -> bool:
    """End the background process of this folder; False when there is none.

    Raises LongshoreError (`local-not-answering`) when a process holds the folder and does not
    prove to be ours.
    """
    state = _settled(folder)
    if state is None:
        return False
    with suppress(NobodyThere):
        list(ask(folder, {"do": "stop"}))
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None and _locked_by(folder) == state.pid:
            with suppress(ProcessLookupError):
                os.kill(state.pid, number)
        if _released(folder / LOCK, timeout_s):
            return True
    raise _not_answering(folder)


def reset(folder: Path) -> None:
    """Delete all data of a marked folder that no process uses.

    Raises RefusedError, FileError, LongshoreError (`local-not-answering`) when one does.
    """
    if is_marked(folder) and _settled(folder) is not None:
        raise _not_answering(folder)
    empty_data_dir(folder)


def command(folder: Path, question: Mapping[str, Any]) -> Iterator[Answer]:
    """Let the running servers do something; yields what they report.

    Raises LongshoreError (`local-not-running`), or what they report as an error.
    """
    if status(folder) is None:
        raise not_running(folder)
    try:
        yield from ask(folder, question, timeout_s=600)
    except NobodyThere as error:
        raise LongshoreError(
            tr("the embedded servers went away: {why}", why=error),
            tr("see {log}, then run longshore local up again", log=folder / LOG),
            code="local-not-answering",
        ) from None


def not_running(folder: Path) -> LongshoreError:
    """The error for a command that needs the servers."""
    return LongshoreError(
        tr("the embedded servers of {folder} do not run", folder=folder),
        tr("longshore local up"),
        code="local-not-running",
    )


def _require_extra() -> None:
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            tr(
                "the embedded servers need packages that are missing: {names}",
                names=", ".join(missing),
            ),
            tr("pip install 'longshore[local]'"),
        )


def _start(options: UpOptions, environ: Mapping[str, str]) -> LocalState:
    folder = options.data_dir
    log = _open_log(folder / LOG)
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "longshore.embedded.background"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=clean_environment(environ),
            start_new_session=True,
        )
    finally:
        os.close(log)
    try:
        said, _ = process.communicate(json.dumps(options.as_json()).encode(), options.timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        said = b""
    return _started(folder, said)


def _started(folder: Path, said: bytes) -> LocalState:
    try:
        answer = json.loads(said)
    except ValueError:
        answer = {}
    if "state" in answer:
        return LocalState.from_wire(answer["state"])
    error = answer.get("error", {})
    raise LongshoreError(
        error.get("what") or tr("the embedded servers did not start"),
        error.get("hint") or tr("the reason stands at the end of {log}", log=folder / LOG),
        code=error.get("code", "local-not-started"),
    )


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without accounts, proxies and settings of other tools."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(_CLEANED) and name.upper() not in _PROXIES
    }


def _open_log(path: Path) -> int:
    with suppress(OSError):
        if path.stat().st_size > 8 * 1024 * 1024:
            path.replace(path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)


def _refuse_if_different(found: LocalState, wanted: UpOptions) -> None:
    ports = {name: port for name, port in wanted.ports.items() if port}
    same_ports = all(found.ports.get(name) == port for name, port in ports.items())
    if same_ports and all(getattr(found, name) == wish for name, wish in wanted.wishes.items()):
        return
    raise RefusedError(
        tr("the embedded servers run already, with other options (pid {pid})", pid=found.pid),
        tr("longshore local down, then up again"),
        code="local-runs-differently",
    )


def _settled(folder: Path) -> LocalState | None:
    """`status`, once a process that is just starting or dying has done so.

    Raises LongshoreError when one holds the folder and goes on not answering.
    """
    end = time.monotonic() + PATIENCE_S
    while (found := status(folder)) is None and _is_held(folder / LOCK):
        if time.monotonic() > end:
            raise _not_answering(folder)
        time.sleep(0.02)
    return found


def _not_answering(folder: Path) -> LongshoreError:
    return LongshoreError(
        tr(
            "process {pid} holds {folder} and does not answer",
            pid=_locked_by(folder) or "?",
            folder=folder,
        ),
        tr("wait a moment and try again; if it hangs, look at it and end it yourself"),
        code="local-not-answering",
    )


def _proved(folder: Path, pid: int, answer: Answer) -> bool:
    return _locked_by(folder) == pid and answer["peer"] in (pid, None)


def _locked_by(folder: Path) -> int | None:
    """The pid that the lock's holder wrote, while it holds the lock."""
    path = folder / LOCK
    try:
        return int(path.read_text()) if _is_held(path) else None
    except (OSError, ValueError):
        return None


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _released(path: Path, timeout_s: float) -> bool:
    end = time.monotonic() + timeout_s
    while _is_held(path):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def _only_one(path: Path, timeout_s: float) -> Iterator[None]:
    """Let two `up` at once go one after the other."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    end = time.monotonic() + timeout_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > end:
                    raise _not_answering(path.parent) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
