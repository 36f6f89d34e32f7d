"""The background process: holds the folder, runs the servers, answers `longshore local`. I/O.

Started by `daemon.py` as `python -m longshore.embedded.background`: options come on standard input,
one JSON line goes out on standard output when everything answers (or nothing will). Then it is
alone with its log until it is told to stop.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.control import Answer, ControlServer
from longshore.embedded.daemon import LOCK
from longshore.embedded.stack import Stack
from longshore.embedded.state import UpOptions
from longshore.errors import LongshoreError, UsageError
from longshore.text import tr

log = logging.getLogger("longshore.embedded")
_LOCK_TRIES = 40


def main() -> None:
    """Become a process of its own, start, say so, and run until told to stop."""
    options = UpOptions.from_json(json.load(sys.stdin))
    if os.fork():
        os._exit(0)
    _let_go(0)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        _run(options, stopping)
    except LongshoreError as error:
        _say({"error": {"what": error.what, "hint": error.hint, "code": error.code}})
        sys.exit(1)
    except Exception:
        log.exception("the embedded servers failed")
        sys.exit(70)


def _run(options: UpOptions, stopping: threading.Event) -> None:
    lock = _take_lock(options.data_dir / LOCK)
    stack = Stack(options)
    try:
        state = stack.start()
        control = ControlServer(options.data_dir, Control(stack, stopping).handle)
        control.start()
        log.info("up: %s", state)
        _say({"state": state.to_wire()})
        _let_go(1)
        stopping.wait()
        log.info("stopping")
        control.close()
    finally:
        stack.stop()
        os.close(lock)


class Control:
    """What the process does when `longshore local` asks over the socket."""

    def __init__(self, stack: Stack, stopping: threading.Event) -> None:
        self._stack = stack
        self._stopping = stopping
        self._seeding = threading.Lock()

    def handle(self, question: Mapping[str, Any]) -> Iterator[Answer]:
        """The answers to one question. Raises LongshoreError."""
        what = question.get("do")
        if what == "stop":
            self._stopping.set()
        elif what in ("seed", "load"):
            with self._seeding:
                yield from self._seed(question)
        elif what == "state":
            yield {"state": self._stack.state.to_wire()}
        elif what == "contents":
            yield {"contents": self._stack.contents_summary()}
        elif what == "clock":
            yield self._clock(question)
        elif what == "lifecycle":
            yield self._lifecycle(question)
        elif what == "login":
            yield self._stack.login()
        elif what == "fault":
            yield self._stack.faults.command(question)
        else:
            raise UsageError(
                tr("the embedded servers do not know '{what}'", what=what),
                tr("they are of another version: longshore local down, then up"),
                code="local-other-version",
            )

    def _seed(self, question: Mapping[str, Any]) -> Iterator[Answer]:
        from longshore.embedded.seed.load import seed_company, seed_from, seed_named

        if question["do"] == "load":
            yield from seed_from(self._stack.hub, Path(question["path"]), question["as"])
        elif "images" in question:
            yield from seed_named(self._stack.hub, question["images"])
        else:
            yield from seed_company(self._stack.hub, question["seed"], small=question["small"])

    def _clock(self, question: Mapping[str, Any]) -> Answer:
        clock = self._stack.clock
        if question.get("reset"):
            clock.reset()
        if question.get("advance"):
            clock.advance(float(question["advance"]))
        if question.get("to"):
            clock.set(datetime.fromisoformat(question["to"]))
        ran = [one.as_json() for one in self._stack.aws.lifecycle.catch_up()]
        now = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"now": now, "ahead_seconds": clock.offset.total_seconds(), "lifecycle": ran}

    def _lifecycle(self, question: Mapping[str, Any]) -> Answer:
        """Run policies now, or tell when they run and what runs and previews came to."""
        aws = self._stack.aws
        answer: Answer = {}
        if question.get("run"):
            try:
                ran = aws.lifecycle.run_now(tuple(question.get("repositories", ())))
            except AwsRefusal as refusal:
                raise UsageError(
                    refusal.message, tr("longshore local status"), code="repository-not-found"
                ) from None
            answer["ran"] = [one.as_json() for one in ran]
        if question.get("records"):
            answer["records"] = aws.telling.records()
        return {**answer, "policies": aws.lifecycle.plan()}


def _take_lock(path: Path) -> int:
    """Hold the folder until this process ends, and write whose it is.

    Somebody who only looks whether the lock is held has it for a moment, hence the tries.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.05)
            continue
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return descriptor
    raise LongshoreError(
        tr("another process holds {folder}", folder=path.parent),
        tr("longshore local status"),
        code="local-not-answering",
    )


def _say(answer: Mapping[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def _let_go(descriptor: int) -> None:
    """Point standard input or output to where nobody waits for it."""
    target = os.open(os.devnull, os.O_RDWR) if descriptor == 0 else os.dup(2)
    os.dup2(target, descriptor)
    os.close(target)


if __name__ == "__main__":
    main()
