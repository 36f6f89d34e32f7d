"""The funnel: every way a command can end has its exit code and its words."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from tests.cli.conftest import RunCli

from longshore.cli import main as door
from longshore.cli.commands import Entry, entries
from longshore.cli.frame import App, command
from longshore.errors import (
    AwsError,
    ConfigError,
    LimitError,
    LongshoreError,
    PartialError,
    Problem,
    RefusedError,
    Where,
)

LONGSHORE = str(Path(sys.executable).parent / "longshore")


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes a command `try-it` that raises."""

    def install(error: BaseException) -> None:
        @command("try-it", help="Raises.", examples=["longshore try-it"])
        @click.option("--password")
        def try_it(app: App, password: str | None) -> None:
            raise error

        entry = Entry("try-it", "explain:try_it", "raises", "Other")
        monkeypatch.setattr(door, "entries", lambda: [*entries(), entry])
        monkeypatch.setattr(door, "load", lambda _: try_it)

    return install


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LongshoreError("broke"), 1),
        (RefusedError("no", "say --force"), 3),
        (PartialError("half"), 5),
        (LimitError("later", retry_at="2026-11-23T00:00:00Z"), 6),
        (AwsError("denied", iam_action="ecr:PutImage"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
    ],
)
def test_expected_errors(
    cli: RunCli, raising: Callable[[BaseException], None], error: BaseException, code: int
) -> None:
    raising(error)
    done = cli("try-it")
    assert done.code == code
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert "explain: longshore explain " in done.err


def test_error_as_json_is_on_stdout_too(
    cli: RunCli, raising: Callable[[BaseException], None]
) -> None:
    where = Where("longshore.yaml", 3, 5)
    raising(LimitError("wait", "later", retry_at="2026-11-23T00:00:00Z", where=where))
    done = cli("try-it", "--json")
    assert done.code == 6
    assert done.json == {
        "schema": "longshore.error/1",
        "code": "limit",
        "message": "wait",
        "hint": "later",
        "where": {"file": "longshore.yaml", "line": 3, "column": 5},
        "retry_at": "2026-11-23T00:00:00Z",
    }
    assert "error: wait" in done.err
    assert "where: longshore.yaml:3:5" in done.err


def test_error_as_json_line(cli: RunCli, raising: Callable[[BaseException], None]) -> None:
    raising(RefusedError("no"))
    done = cli("--jsonl", "try-it")
    assert done.out.count("\n") == 1
    assert done.json["code"] == "refused"


def test_all_mistakes_of_a_file(cli: RunCli, raising: Callable[[BaseException], None]) -> None:
    problems = [Problem(Where("f.yaml", n, 1), f"mistake {n}", hint=f"do {n}") for n in (1, 2)]
    raising(ConfigError(problems))
    done = cli("try-it")
    assert done.code == 2
    for n in (1, 2):
        assert f"f.yaml:{n}:1: mistake {n}" in done.err
        assert f"do {n}" in done.err


def test_control_characters_are_stripped(
    cli: RunCli, raising: Callable[[BaseException], None]
) -> None:
    raising(LongshoreError("tag \x1b[2J\u202eevil\x9b1m"))
    assert "tag [2Jevil1m" in cli("try-it").err
    out = cli("try-it", "--json").out
    assert "\x1b" not in out
    assert "\x9b" not in out


def test_a_bug_leaves_a_log_without_secrets(
    cli: RunCli, raising: Callable[[BaseException], None], tmp_path: Path
) -> None:
    raising(ValueError("with AKIAIOSFODNN7EXAMPLE and hunter2hunter2"))
    state = tmp_path / "state"
    done = cli(
        "try-it",
        "--password",
        "hunter2hunter2",
        LONGSHORE_STATE_DIR=str(state),
        AWS_SECRET_ACCESS_KEY="hunter2hunter2",
    )
    assert done.code == 70
    (log,) = (state / "logs").iterdir()
    assert str(log) in done.err
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text()
    assert "ValueError" in text
    assert "longshore " in text
    assert "hunter2" not in text
    assert "AKIAIOSFODNN7EXAMPLE" not in text


def test_a_bug_without_a_place_for_the_log(
    cli: RunCli, raising: Callable[[BaseException], None], tmp_path: Path
) -> None:
    raising(ValueError("odd"))
    (tmp_path / "file").write_text("")
    done = cli("try-it", LONGSHORE_STATE_DIR=str(tmp_path / "file"))
    assert done.code == 70
    assert "ValueError: odd" in done.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["explian"], "did you mean `longshore explain`?"),
        (["explain", "--jsno"], "did you mean --json?"),
        (["completion", "tcsh"], "bash"),
        (["explain", "a", "b"], "unexpected extra argument"),
        (["doctor"], "does not have `longshore doctor` yet"),
        (["--json", "--jsonl", "explain"], "exclude each other"),
    ],
)
def test_usage_errors(cli: RunCli, argv: list[str], words: str) -> None:
    done = cli(*argv)
    assert done.code == 2
    assert words in done.err
    assert "error: " in done.err


def test_usage_error_as_json(cli: RunCli) -> None:
    done = cli("explain", "--no-such", "--json")
    assert done.code == 2
    assert done.json["schema"] == "longshore.error/1"
    assert done.json["code"] == "usage"


def test_bad_setting_is_a_usage_error(cli: RunCli) -> None:
    done = cli("explain", "usage", LONGSHORE_QUIET="maybe")
    assert done.code == 2
    assert "LONGSHORE_QUIET" in done.err


def test_no_command_shows_help(cli: RunCli) -> None:
    done = cli()
    assert done.code == 2
    assert "Usage: longshore" in done.err


@pytest.mark.parametrize(
    "argv",
    [
        ["--json", "explain", "usage"],
        ["explain", "--json", "usage"],
        ["explain", "usage", "--json"],
    ],
)
def test_global_options_stand_anywhere(cli: RunCli, argv: list[str]) -> None:
    assert cli(*argv).json["schema"] == "longshore.explain/1"


def test_global_options_from_the_environment(cli: RunCli) -> None:
    assert cli("explain", "usage", LONGSHORE_JSON="1").json["code"] == "usage"


def test_version(cli: RunCli) -> None:
    from longshore import __version__

    done = cli("--version")
    assert (done.code, __version__ in done.out) == (0, True)


def process(argv: list[str], **more: str) -> dict[str, object]:
    return {
        "args": [LONGSHORE, *argv],
        "env": {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **more},
    }


def test_closed_stdout_is_quiet() -> None:
    script = f"{LONGSHORE} explain | head -c 1 >/dev/null"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30)
    assert done.stderr == ""


def test_missing_stdout_and_stderr() -> None:
    script = f"{LONGSHORE} explain usage >&- 2>&-"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_stdout_is_an_error() -> None:
    script = f"{LONGSHORE} explain > /dev/full"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_terminals_that_know_few_letters(encoding: str) -> None:
    done = subprocess.run(
        [LONGSHORE, "copy-이미지\udcff"],
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": encoding, "HOME": "/nonexistent"},
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_with_130(number: signal.Signals) -> None:
    code = (
        "import sys, time, os\n"
        "from longshore.cli import main as door\n"
        "def wait(argv, app, environ):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(30)\n"
        "door._invoke = wait\n"
        "sys.exit(door.run([], {}))\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    started.send_signal(number)
    _, err = started.communicate(timeout=30)
    assert started.returncode == 130
    assert "interrupted, state kept" in err


def test_every_listed_command_loads() -> None:
    for entry in entries():
        assert door.load(entry).name == entry.name, json.dumps(entry.name)
