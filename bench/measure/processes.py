"""Programs run and measured from outside; servers started and ended. I/O."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_LONGEST_S = 900


@dataclass(frozen=True)
class Spent:
    """What a program took. `rss_mib` is None where GNU time is not installed."""

    code: int
    wall_s: float
    cpu_s: float
    rss_mib: float | None
    stdout: bytes
    stderr: bytes


def find_program(name: str) -> str | None:
    """A program's path: that of `make setup`, of `make setup-peers`, or of PATH."""
    folders = [ROOT / ".venv" / "bin", ROOT / ".peers" / "bin", *os.get_exec_path()]
    return shutil.which(name, path=os.pathsep.join(map(str, folders)))


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Nothing of whoever measures: no account, profile, proxy or login."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(home), "DOCKER_CONFIG": str(home / ".docker"), **more}


def run(words: Sequence[str], environ: Mapping[str, str], folder: Path | None = None) -> Spent:
    """Run to the end. CPU time is of the program and all that it started and waited for.

    The kernel's own peak of memory would count this process's: a new program inherits it from the
    one that starts it. GNU time is small, so it starts the program in our place.
    """
    timer = shutil.which("time", path="/usr/bin:/usr/local/bin")
    with tempfile.TemporaryDirectory() as scratch:
        report, files = Path(scratch) / "peak", [Path(scratch) / name for name in ("out", "err")]
        if timer:
            words = [timer, "-q", "-f", "%M", "-o", str(report), *words]
        with files[0].open("wb") as out, files[1].open("wb") as err:
            began = time.perf_counter()
            process = subprocess.Popen(
                words, env=dict(environ), cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                stderr=err,
            )  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = report.read_text().split()[-1:] if timer else []
        return Spent(
            process.returncode,
            wall,
            used.ru_utime + used.ru_stime,
            int(peak[0]) / 1024 if peak else None,
            files[0].read_bytes(),
            files[1].read_bytes(),
        )


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when something listens on the port."""
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def serving(words: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """A server that runs while the block does."""
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait(_LONGEST_S)
