"""Trees that nobody means well with: every file is named, nothing stops, nothing is run."""

from __future__ import annotations

import ctypes
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from longshore.cli.output import Output
from longshore.cli.settings import Settings
from longshore.errors import UsageError
from longshore.rewrite.finders.dockerfile_images import needed_stages
from longshore.rewrite.git import Git
from longshore.rewrite.syntax.dockerfile import parse_text
from tests.cli.conftest import RunCli, cli, environ

__all__ = ["cli", "environ"]

_DROP_FROM_BOUNDING_SET = 24
_DAC = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what lets root read everything


def plant(files: dict[str, str]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def as_ordinary_user(words: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A longshore for which permissions count, also where the tests run as root."""

    def drop() -> None:
        for capability in _DAC:
            ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)

    command = [sys.executable, "-c", "from longshore.cli.main import main; main()", *words]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, preexec_fn=drop, timeout=60
    )


@pytest.mark.skipif(sys.platform != "linux", reason="drops the capabilities of Linux")
@pytest.mark.parametrize("words", [["assess"], ["assess", "closed"]])
def test_folders_and_files_that_nobody_may_read(
    cli: RunCli, environ: dict[str, str], words: list[str]
) -> None:
    plant({"Dockerfile": "FROM node:18\n", "closed/Dockerfile": "FROM redis\n", "x.sh": "true\n"})
    for name in ("closed", "x.sh"):
        Path(name).chmod(0)
    try:
        ended = as_ordinary_user([*words, "--json"], environ)
    finally:
        Path("closed").chmod(0o755)
    found = json.loads(ended.stdout)
    if words == ["assess"]:
        assert ended.returncode == 0
        assert [one["text"] for one in found["references"]] == ["node:18"]
        skipped = {(one["path"], one["reason"]) for one in found["skipped"]}
        assert skipped == {("closed", "unreadable"), ("x.sh", "unreadable")}
    else:
        assert (ended.returncode, found["code"]) == (1, "file")


def test_what_was_not_looked_into_is_not_clean(cli: RunCli) -> None:
    plant({"Dockerfile": "FROM node:18\n"})
    os.truncate("Dockerfile", 200 * 1024 * 1024)
    ended = cli("assess")
    assert ended.code == 0
    assert "not everything was looked into" in ended.out
    assert "Dockerfile  (larger than --max-file-size)" in ended.out
    Path("Dockerfile").unlink()
    assert "not everything" not in cli("assess").out


@pytest.mark.parametrize(
    "words",
    [
        *(["--jobs", "-3"], ["--jobs", "100000"]),
        *(["--max-file-size", "0"], ["--max-file-size", "-5"]),
    ],
)
def test_numbers_that_cannot_be(cli: RunCli, words: list[str]) -> None:
    plant({"Dockerfile": "FROM node:18\n"})
    ended = cli("assess", *words, "--json")
    assert (ended.code, ended.json["schema"]) == (2, "longshore.error/1")


@pytest.mark.parametrize("name", ["", "absent", "a\nb\x1b[31m", "file"])
def test_no_folder(cli: RunCli, name: str) -> None:
    plant({"file": "", "Dockerfile": "FROM node:18\n"})
    ended = cli("assess", name)
    assert (ended.code, ended.out) == (2, "")
    assert "\x1b" not in ended.err
    assert ended.err.splitlines()[0].endswith("is not a folder")


def test_findings_leave_one_object_on_stdout(cli: RunCli) -> None:
    plant({"Dockerfile": "FROM node:18\n"})
    ended = cli("assess", "--json", "--exit-code")
    assert (ended.code, ended.json["schema"]) == (3, "longshore.assess/1")
    assert cli("assess", "--exit-code").code == 3


_EVIL = ["new\nline", "esc\x1b[31m\x1b]0;title\x07", "turn\u202egpj", "-rf", "%s%n", "c1\x9b31m"]


@pytest.mark.parametrize("form", ["text", "json", "sarif", "markdown"])
def test_names_do_nothing_to_a_terminal(cli: RunCli, form: str) -> None:
    for name in _EVIL:
        plant({f"{name}/Dockerfile": "FROM python:3.12\n"})
    plant({"compose.yml": 'services:\n  a:\n    image: "evil\\e[31m:1"\n'})
    ended = cli("assess", "--format", form, "--all")
    assert ended.code == 0
    raw = {char for char in ended.out if char != "\n" and not char.isprintable()}
    assert raw == set()
    if form == "text":
        assert not any(line.startswith("line/") for line in ended.out.splitlines())
    if form == "json":
        files = {one["file"] for one in ended.json["references"]}
        assert files == {f"{name}/Dockerfile" for name in _EVIL}


@pytest.mark.parametrize("form", ["text", "json", "sarif", "markdown"])
def test_names_that_are_no_text(cli: RunCli, form: str) -> None:
    folder = os.fsencode(Path.cwd()) + b"/bad\xff"
    os.mkdir(folder)
    Path(os.fsdecode(folder), "Dockerfile").write_text("FROM python:3.12\n")
    shown = cli("assess", "--all", "--format", form)
    written = cli("assess", "--all", "--format", form, "--output", "report")
    assert (shown.code, written.code) == (0, 0)
    if form in ("json", "sarif"):
        assert json.loads(Path("report").read_text("utf-8")) == shown.json


@pytest.mark.parametrize(("name", "code"), [("folder", 1), ("link", 3), ("no/link", 1)])
def test_no_report_over_folders_and_links(cli: RunCli, name: str, code: int) -> None:
    plant({"tree/Dockerfile": "FROM node:18\n", "folder/x": "", "victim": "mine", "no": ""})
    Path("link").symlink_to("victim")
    ended = cli("assess", "tree", "--output", name)
    assert (ended.code, ended.out) == (code, "")
    assert Path("victim").read_text() == "mine"
    assert Path("link").is_symlink()


def test_one_screen_is_no_wider_than_one(cli: RunCli) -> None:
    plant({f"{'deep/' * 60}Dockerfile": "FROM node:16\n", "Dockerfile": "FROM node:16\n"})
    os.truncate(f"{'deep/' * 60}Dockerfile", 10**8)
    plant({f"{'down/' * 60}Dockerfile": "FROM node:16\n"})
    wide = [line for line in cli("assess").out.splitlines() if len(line) > 100]
    assert wide == []


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def test_many_stages_take_no_square_of_the_time() -> None:
    def stages(count: int) -> str:
        body = "".join(
            f"FROM s{one} AS s{one + 1}\nCOPY --from=s{one} /a /b\n" for one in range(count)
        )
        return f"FROM alpine AS s0\n{body}"

    few, many = parse_text(stages(500)), parse_text(stages(5000))
    assert needed_stages(many) == set(range(5001))
    assert seconds(lambda: needed_stages(many)) < 40 * max(
        seconds(lambda: needed_stages(few)), 0.005
    )


def test_many_stages_are_looked_at_in_time(cli: RunCli) -> None:
    body = "".join(f"FROM s{one} AS s{one + 1}\nCOPY --from=s{one} /a /b\n" for one in range(6000))
    plant({"Dockerfile": f"FROM alpine:3 AS s0\n{body}"})
    ended = cli("assess", "--json")
    assert [one["text"] for one in ended.json["references"]] == ["alpine:3"]
    assert seconds(lambda: cli("assess")) < 15


def test_of_stages_with_one_name_the_last_before_counts() -> None:
    text = "FROM a AS x\nFROM b AS x\nFROM x AS y\nFROM c AS x\nFROM y\nCOPY --from=x /a /b\n"
    assert needed_stages(parse_text(text)) == {1, 2, 3, 4}


def test_looking_at_changes_runs_no_hook_of_the_clone(cli: RunCli, environ: dict[str, str]) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]

    def git(*words: str) -> None:
        subprocess.run(["git", *who, *words], env=environ, check=True, capture_output=True)

    plant({"Dockerfile": "FROM node:18\n"})
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    hook = Path(".git/hooks/post-index-change")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    os.utime("Dockerfile", (1, 1))
    assert Git(Path.cwd(), environ).dirty(["Dockerfile"]) == []
    assert not Path("ran").exists()


def test_assess_and_plan_run_no_program(
    cli: RunCli, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither git nor anything that a tree brings along under a well-known name."""
    plant({"Dockerfile": "FROM node:18\n", "Makefile": "X := $(shell touch ran)\n"})
    target = 'prod: {kind: ecr, account: "123456789012", region: ap-northeast-2}'
    plant({"longshore.yaml": f"version: 1\ntargets: {{{target}}}\nimages: []\n"})
    for name in ("git", "docker", "make", "helm", "sh"):
        plant({f"bin/{name}": "#!/bin/sh\ntouch ran\n"})
        Path(f"bin/{name}").chmod(0o755)
    subprocess.run(["git", "init", "-q"], env=environ, check=True)
    path = f"{Path.cwd()}/bin:{environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    for words in (["assess"], ["rewrite"], ["ci", "emit", "--plain"], ["init", "--dry-run"]):
        assert cli(*words, PATH=path).code == 0
    assert not Path("ran").exists()


class _Full:
    """A stdout on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


def test_an_error_is_told_when_stdout_is_full(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(Settings(json=True), stdout=_Full())  # type: ignore[arg-type]
    output.error(UsageError("nothing goes", "try again"))
    assert "nothing goes" in capsys.readouterr().err
