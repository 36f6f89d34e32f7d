"""Runs command lines in this process, with an environment and home of their own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.embedded.aws_world import REGION, ROOT, World, running

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
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8"}


class Answerer:
    """Somebody at a terminal who takes the time to do something before saying yes."""

    def __init__(self, first: Callable[[], object]) -> None:
        self.first = first

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        self.first()
        return "y\n"


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


@pytest.fixture(scope="session")
def _account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("aws")) as world:
        yield world


@pytest.fixture
def account(
    _account: World,
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """An embedded AWS account, empty, to which the environment of `cli` leads."""
    contents = _account.aws.ecr.served.contents
    for repository in contents.list_repositories():
        contents.delete_repository(repository.name)
    environ |= {
        "AWS_ENDPOINT_URL": _account.endpoint,
        "AWS_ACCESS_KEY_ID": ROOT.access_key,
        "AWS_SECRET_ACCESS_KEY": ROOT.secret_key,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "LONGSHORE_STATE_DIR": str(tmp_path / "state"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return _account
