"""The socket over which the background process is asked and told. I/O.

A Unix socket in the data folder (mode 0700): one JSON object a line in, any number out, the last
one with `done` or `error`. The kernel tells whose process is at the other end.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from longshore.errors import FileError, LongshoreError, RefusedError, UsageError
from longshore.text import tr

Answer = dict[str, Any]
Handler = Callable[[Mapping[str, Any]], Iterator[Answer]]
_NAME = "control.sock"
_LONGEST = 100  # a Unix socket's path has 104 to 108 bytes
_LINE = 4 * 1024 * 1024
log = logging.getLogger("longshore.embedded.control")


class NobodyThere(Exception):
    """Nothing answers on the socket."""


def ask(
    folder: Path, question: Mapping[str, Any], timeout_s: float | None = 10
) -> Iterator[Answer]:
    """Put a question and yield the answers; the first one carries the peer's pid as `peer`.

    Raises NobodyThere, or the error that the other side reports.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout_s)
        try:
            with _address(folder) as address:
                sock.connect(address)
            peer = _peer_pid(sock)
            sock.sendall(json.dumps(question).encode() + b"\n")
            with sock.makefile("rb") as lines:
                while line := lines.readline(_LINE):
                    answer = json.loads(line)
                    if "error" in answer:
                        raise _error(answer["error"])
                    yield {**answer, "peer": peer}
                    if answer.get("done"):
                        return
        except (OSError, ValueError) as error:
            raise NobodyThere(str(error)) from None
        raise NobodyThere("the connection ended in the middle of an answer")


class ControlServer:
    """Answers questions in threads until it is closed."""

    def __init__(self, folder: Path, handler: Handler) -> None:
        self._folder = folder
        self._handler = handler
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def start(self) -> None:
        """Take the socket's name; whoever calls this holds the folder's lock, so a name that is
        there already was left by a process that died."""
        with suppress(FileNotFoundError):
            (self._folder / _NAME).unlink()
        with _address(self._folder) as address:
            self._sock.bind(address)
        (self._folder / _NAME).chmod(0o600)
        self._sock.listen(16)
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        with suppress(OSError):
            (self._folder / _NAME).unlink()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(sock,), daemon=True).start()

    def _answer(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            with sock.makefile("rb") as lines:
                line = lines.readline(_LINE)
            for answer in self._answers(line):
                sock.sendall(json.dumps(answer).encode() + b"\n")

    def _answers(self, line: bytes) -> Iterator[Answer]:
        try:
            question = json.loads(line)
            yield from self._handler(question)
        except LongshoreError as error:
            yield {"error": _described(error)}
        except Exception as error:
            log.exception("a control request failed")
            yield {"error": {"what": f"{type(error).__name__}: {error}", "code": "local-failed"}}
        else:
            yield {"done": True}


def _described(error: LongshoreError) -> Answer:
    return {
        "what": error.what,
        "hint": error.hint,
        "code": error.code,
        "exit_code": error.exit_code,
    }


def _error(described: Mapping[str, Any]) -> LongshoreError:
    kinds = {kind.exit_code: kind for kind in (UsageError, RefusedError)}
    kind = kinds.get(described.get("exit_code", 1), LongshoreError)
    return kind(described["what"], described.get("hint", ""), code=described.get("code"))


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The socket's path, short enough for the kernel however deep the folder is."""
    path = str(folder / _NAME)
    if len(os.fsencode(path)) <= _LONGEST:
        yield path
        return
    if not sys.platform.startswith("linux"):
        raise FileError(
            tr("the path of {folder} is too long for a socket", folder=folder),
            tr("name a shorter folder with --data-dir"),
            code="local-folder-too-deep",
        )
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{_NAME}"
    finally:
        os.close(descriptor)


def _peer_pid(sock: socket.socket) -> int | None:
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", raw)[0]) or None
