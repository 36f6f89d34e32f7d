"""Real programs that some tests run, installed by `make setup-peers`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_FOLDERS = [str(_ROOT / ".peers" / "bin"), *os.get_exec_path(), "/usr/sbin", "/sbin"]


def peer(name: str) -> str:
    """The program's path. Without it the test is skipped, aloud; in CI it fails instead."""
    found = shutil.which(name, path=os.pathsep.join(_FOLDERS))
    if found is None:
        what = f"'{name}' is not installed; `make setup-peers` installs it"
        if os.environ.get("CI"):
            pytest.fail(what)
        pytest.skip(what)
    return found
