"""Many files looked into by several processes, each given a few hundred paths at a time. I/O.

Processes are forked where this one has a single thread (and not on macOS), else started anew. One
that dies (memory, a crash in a parser) costs the one file that it died of, and is replaced.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from longshore.rewrite.looking import Arguments, Looked, look_at_all
from longshore.rewrite.skipped import Skipped
from longshore.rewrite.tree import OpenTree

_AT_ONCE = 256
_Pipe = connection.Connection


@dataclass
class _Worker:
    process: BaseProcess
    pipe: _Pipe
    paths: Sequence[str] = ()


class Workers:
    """Processes that look into one tree. Used in a `with`, which ends them."""

    def __init__(self, tree: OpenTree, count: int) -> None:
        self._tree = tree
        self._count = count
        self._workers: list[_Worker] = []
        alone = threading.active_count() == 1 and sys.platform != "darwin"
        self._context: BaseContext = multiprocessing.get_context("fork" if alone else "spawn")

    def __enter__(self) -> Workers:
        gc.freeze()  # what is there already stays shared between the processes
        return self

    def __exit__(self, *_: object) -> None:
        gc.unfreeze()
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.process.close()

    def look(
        self, paths: Sequence[str], arguments: Arguments, *, last: bool,
        progress: Callable[[int], None],
    ) -> Looked:  # fmt: skip
        """Look into all the files. Build arguments go along with the files that they are for."""
        step = max(1, min(_AT_ONCE, len(paths) // (4 * self._count)))
        todo = deque(paths[start : start + step] for start in range(0, len(paths), step))
        idle = self._ready(len(todo))
        busy: list[_Worker] = []
        looked = Looked()
        while todo or busy:
            while todo and idle:
                worker = idle.pop()
                if self._give(worker, todo, arguments, last=last):
                    busy.append(worker)
                else:
                    idle.append(self._replace(worker))
            for worker in _that_answered(busy):
                busy.remove(worker)
                try:
                    answer: Looked = worker.pipe.recv()
                except (EOFError, OSError):
                    looked.skipped += _split(worker.paths, todo)
                    idle.append(self._replace(worker))
                else:
                    looked.add(answer)
                    progress(len(worker.paths))
                    idle.append(worker)
        return looked

    def _ready(self, chunks: int) -> list[_Worker]:
        while len(self._workers) < min(self._count, chunks):
            self._workers.append(self._start())
        return list(self._workers)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        forked = self._context.get_start_method() == "fork"
        # A forked process inherits these; while it held them, another would not see us end.
        others = [ours, *(worker.pipe for worker in self._workers)] if forked else []
        process: BaseProcess = self._context.Process(  # type: ignore[attr-defined]
            target=_serve, args=(self._tree, theirs, others), daemon=True
        )
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _replace(self, worker: _Worker) -> _Worker:
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        worker.process.close()
        self._workers.append(self._start())
        return self._workers[-1]

    def _give(
        self, worker: _Worker, todo: deque[Sequence[str]], arguments: Arguments, *, last: bool
    ) -> bool:
        paths = todo.popleft()
        known = {path: arguments[path] for path in paths if path in arguments}
        try:
            worker.pipe.send((paths, known, last))
        except OSError:
            todo.appendleft(paths)
            return False
        worker.paths = paths
        return True


def _that_answered(busy: list[_Worker]) -> Iterator[_Worker]:
    ready = connection.wait([worker.pipe for worker in busy]) if busy else []
    return iter([worker for worker in busy if worker.pipe in ready])


def _split(paths: Sequence[str], todo: deque[Sequence[str]]) -> list[Skipped]:
    """The files of a process that died are tried one by one; one alone is what it died of."""
    if len(paths) == 1:
        return [Skipped(paths[0], "bug", "the process that read it ended")]
    todo.extend([path] for path in paths)
    return []


def _serve(tree: OpenTree, pipe: _Pipe, others: Sequence[_Pipe]) -> None:
    """A process: paths come in, what stands there goes out, until the other end is closed."""
    for one in others:
        one.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        try:
            paths, tree.arguments, last = _received(pipe)
            pipe.send(look_at_all(tree, paths, last=last))
        except (EOFError, OSError):
            return


def _received(pipe: _Pipe) -> tuple[Sequence[str], Arguments, bool]:
    message: Any = pipe.recv()
    paths, arguments, last = message
    return paths, arguments, last
