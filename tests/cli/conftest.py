"""Runs command lines in this process, with an environment and home of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from longshore.cli.main import run


@dataclass(frozen=True)
class Done:
    """How a command line ended: exit code, stdout, stderr apart."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


RunCli = Callable[..., Done]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment without AWS, docker or longshore in it."""
    import os

    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8"}


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str],
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> RunCli:
    """`cli("explain", "usage", LONGSHORE_JSON="1")`, in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def call(*argv: str, **variables: str) -> Done:
        capsys.readouterr()
        code = run(list(argv), environ | variables)
        streams = capsys.readouterr()
        return Done(code, streams.out, streams.err)

    return call
