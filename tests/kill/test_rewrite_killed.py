"""`kill -9` while edits are written or taken back: every file is whole, and both ways go on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from longshore.rewrite.edits import ChangedFile
from longshore.rewrite.run import revert, write_edits

pytestmark = pytest.mark.kill

FILES = 60

# Dies at a given call of the system, or is killed from outside when none is given.
PROGRAM = """
import os, signal, sys
from pathlib import Path
from longshore.rewrite.edits import ChangedFile
from longshore.rewrite.run import revert, write_edits

verb, root, state, call, nth = sys.argv[1:]
if call:
    real, count = getattr(os, call), [0]
    def counted(*words, **more):
        count[0] += 1
        if count[0] == int(nth):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*words, **more)
    setattr(os, call, counted)
names = sorted(one.name for one in Path(root).iterdir() if one.name.startswith("f"))
print("ready", flush=True)
if verb == "write":
    both = [(b"old " + name.encode(), b"new " + name.encode()) for name in names]
    changes = [ChangedFile(name, *data) for name, data in zip(names, both)]
    write_edits(Path(root), changes, Path(state), {"PATH": os.environ["PATH"]})
else:
    revert(Path(root), Path(state))
"""


def start(verb: str, root: Path, state: Path, call: str = "", nth: int = 0) -> subprocess.Popen:
    words = [sys.executable, "-c", PROGRAM, verb, str(root), str(state), call, str(nth)]
    return subprocess.Popen(words, stdout=subprocess.PIPE)


def plant(root: Path, count: int) -> list[str]:
    root.mkdir()
    names = [f"f{number:02}" for number in range(count)]
    for name in names:
        (root / name).write_bytes(b"old " + name.encode())
    return names


def check_whole(root: Path, names: list[str]) -> set[str]:
    """Each file is old or new, never half; which there are."""
    seen = set()
    for name in names:
        data = (root / name).read_bytes()
        assert data in (b"old " + name.encode(), b"new " + name.encode())
        seen.add(data[:3].decode())
    return seen


def write_all(root: Path, state: Path, names: list[str]) -> None:
    changes = [
        ChangedFile(name, b"old " + name.encode(), b"new " + name.encode()) for name in names
    ]
    write_edits(root, changes, state, dict(os.environ))
    assert check_whole(root, names) == {"new"}


def finish(root: Path, state: Path, names: list[str], verb: str) -> None:
    """The same command ends the work; nothing is left over."""
    if verb == "write":
        write_all(root, state, names)
    assert all(one.done for one in revert(root, state))
    assert check_whole(root, names) == {"old"}
    assert sorted(one.name for one in root.iterdir()) == names
    assert revert(root, state) == []
    assert [one for one in state.rglob("*") if one.is_file() and one.name != "lock"] == []


@pytest.mark.parametrize("verb", ["write", "revert"])
def test_killed_at_a_random_moment(tmp_path: Path, verb: str, pytestconfig: pytest.Config) -> None:
    chance = random.Random(f"{pytestconfig.getoption('--kill-seed')} {verb}")
    between = 0
    for number in range(max(1, pytestconfig.getoption("--kill-rounds") // 2)):
        root, state = tmp_path / f"tree-{number}", tmp_path / f"state-{number}"
        names = plant(root, FILES)
        if verb == "revert":
            write_all(root, state, names)
        with start(verb, root, state) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.12))
            process.kill()
        between += check_whole(root, names) == {"old", "new"}
        finish(root, state, names, verb)
    assert between, "no kill hit the work: make the window wider"


@pytest.mark.parametrize("call", ["open", "replace", "unlink"])
@pytest.mark.parametrize("verb", ["write", "revert"])
def test_killed_at_each_call(tmp_path: Path, verb: str, call: str) -> None:
    """A small tree, killed before the first, second, ... call, until it gets through."""
    for nth in range(1, 200):
        root, state = tmp_path / f"tree-{nth}", tmp_path / f"state-{nth}"
        names = plant(root, 2)
        if verb == "revert":
            write_all(root, state, names)
        process = start(verb, root, state, call, nth)
        process.communicate(timeout=60)
        check_whole(root, names)
        finish(root, state, names, verb)
        if process.returncode == 0:
            return
    pytest.fail("it never got through")
