"""explain and completion."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from tests.cli.conftest import RunCli

from longshore.cli.explanations import explanations


def test_a_code(cli: RunCli) -> None:
    done = cli("explain", "confirmation-needed")
    assert done.code == 0
    assert done.out.startswith("confirmation-needed (exit 3)\n")
    assert "--yes" in done.out


def test_a_code_as_json(cli: RunCli) -> None:
    document = cli("explain", "bug", "--json").json
    assert document["schema"] == "longshore.explain/1"
    assert document["exit_code"] == 70


def test_without_a_code_all_are_listed(cli: RunCli) -> None:
    done = cli("explain")
    assert all(code in done.out for code in explanations())
    listed = [entry["code"] for entry in cli("explain", "--json").json["codes"]]
    assert listed == sorted(explanations())


def test_unknown_code_names_the_nearest(cli: RunCli) -> None:
    done = cli("explain", "confirmation-need")
    assert done.code == 2
    assert "longshore explain confirmation-needed" in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(cli: RunCli, shell: str) -> None:
    done = cli("completion", shell)
    assert done.code == 0
    assert "_LONGSHORE_COMPLETE" in done.out
    assert done.err == ""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_takes_the_script(cli: RunCli) -> None:
    script = cli("completion", "bash").out
    done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")


def test_completion_of_names_and_options(cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    def complete(words: str, place: int) -> str:
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(place))
        return cli(_LONGSHORE_COMPLETE="bash_complete").out

    assert "plain,explain" in complete("longshore ex", 1)
    assert "--json" in complete("longshore explain --js", 2)
