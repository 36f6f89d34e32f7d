"""Command lines run in this process between an embedded Hub and an embedded ECR, and counted."""

from __future__ import annotations

import io
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from longshore.cli.main import run
from longshore.embedded.access_log import Count
from longshore.embedded.contents import Contents
from longshore.embedded.faults import Fault
from longshore.embedded.stack import Stack
from longshore.embedded.state import UpOptions
from tests.journey.images import Shelf, assert_nothing_half

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
TARGETS = f'version: 1\ntargets: {{prod: {{kind: ecr, account: "{ACCOUNT}", region: {REGION}}}}}\n'


@dataclass(frozen=True)
class Done:
    """How a command line ended: exit code, stdout, stderr apart."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of `--jsonl`."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Asked:
    """What the servers were asked meanwhile."""

    counts: Counter[Count] = field(default_factory=Counter)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def count(self, listener: str, method: str = "", kind: str = "") -> int:
        return sum(
            number
            for one, number in self.counts.items()
            if one.listener == listener
            and method in ("", one.method)
            and kind in ("", one.kind)
            and one.status != 401
        )

    @property
    def pulls(self) -> int:
        """Manifests that the Hub gave away."""
        return len(self.pulled)

    @property
    def pulled(self) -> list[str]:
        """Their paths, one for each time."""
        wanted = ("hub", "GET", "manifest", 200)
        return [
            one["path"]
            for one in self.lines
            if (one["listener"], one["method"], one["kind"], one["status"]) == wanted
        ]


@dataclass
class Lab:
    """`lab("sync", "--json")`, in a folder with a home of its own."""

    stack: Stack
    environ: dict[str, str]
    folder: Path

    def __call__(self, *argv: str, **variables: str) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(list(argv), self.environ | variables)
        return Done(code, out.getvalue(), err.getvalue())

    def done(self, *argv: str, **variables: str) -> Any:
        """The JSON answer of a command that must succeed."""
        ended = self(*argv, "--json", **variables)
        assert ended.code == 0, ended.out + ended.err
        return ended.json

    @property
    def hub(self) -> Contents:
        return self.stack.hub

    @property
    def ecr(self) -> Contents:
        return self.stack.ecr

    def write(self, *images: str, text: str = "") -> None:
        """longshore.yaml with image rules; each is the inside of a YAML mapping."""
        rules = "".join(f"  - {{{image}}}\n" for image in images)
        whole = TARGETS + ("images:\n" + rules if images else "") + text
        (self.folder / "longshore.yaml").write_text(whole)

    def fault(self, **rule: Any) -> None:
        """Let requests fail from now on."""
        self.stack.faults.add(Fault(**rule))

    def held(self, name: str) -> dict[str, str]:
        """What each tag of an ECR repository points to; empty when there is no repository."""
        if self.ecr.repository(name) is None:
            return {}
        return dict(Shelf(self.ecr, name).tags())

    @contextmanager
    def asked(self) -> Iterator[Asked]:
        """What is asked within."""
        seen = Asked()
        log = self.stack.options.data_dir / "access.jsonl"
        before, size = self.stack.access.counts(), log.stat().st_size
        yield seen
        with log.open() as file:
            file.seek(size)
            seen.lines = [json.loads(line) for line in file]
        seen.counts = self.stack.access.counts() - before


@contextmanager
def open_lab(stack: Stack, folder: Path) -> Iterator[Lab]:
    """A lab around servers that run; the caller is logged in at both."""
    for name in ("home", "work"):
        (folder / name).mkdir()
    stack.login()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "LONGSHORE_STATE_DIR": str(folder / "state"),
        **stack.state.env(),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.chdir(folder / "work")
        yield Lab(stack, environ, folder / "work")


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Servers that the labs of one test process share, one after the other."""
    with Stack(UpOptions(tmp_path_factory.mktemp("workshop") / "local")) as made:
        yield made


@pytest.fixture
def lab(workshop: Stack, tmp_path: Path) -> Iterator[Lab]:
    """An empty Hub and an empty ECR. Afterwards no tag of the ECR may be half."""
    for contents in (workshop.hub, workshop.ecr):
        for repository in contents.list_repositories():
            contents.delete_repository(repository.name)
    with open_lab(workshop, tmp_path) as made:
        yield made
    workshop.faults.clear()
    workshop.clock.reset()
    assert_nothing_half(workshop.ecr)
