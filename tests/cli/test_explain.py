"""explain and completion."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import RunCli

from longshore.cli.explanations import explanations, explanations_of_hazards
from longshore.rewrite.hazards.registry import CHECKS

HAZARDS = (Path(__file__).parents[2] / "docs" / "hazards.md").read_text("utf-8")


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
    assert listed == sorted(explanations() | explanations_of_hazards())


def test_a_hazard(cli: RunCli) -> None:
    done = cli("explain", "slash-in-tag")
    assert (done.code, done.out.split("\n")[0]) == (0, "slash-in-tag")
    assert "docs/hazards.md#slash-in-tag" in done.out
    assert cli("explain", "slash-in-tag", "--json").json["exit_code"] is None


@pytest.mark.parametrize("code", [check.code for check in CHECKS])
def test_every_hazard_is_known_and_has_its_section(code: str) -> None:
    assert explanations_of_hazards()[code].exit_code is None
    assert f"\n## {code}\n" in HAZARDS


def test_the_sections_are_in_the_order_of_the_checks() -> None:
    assert re.findall(r"^## (.+)$", HAZARDS, re.M) == [check.code for check in CHECKS]


def test_a_section_says_how_bad_and_what_to_do() -> None:
    for section in re.split(r"^## ", HAZARDS, flags=re.M)[1:]:
        code, _, text = section.partition("\n")
        check = next(one for one in CHECKS if one.code == code)
        assert text.strip().startswith(f"**{check.severity}"), code
        assert len(text.split("\n# ")[0].strip().split("\n\n")) >= 2, code


def test_no_error_has_the_code_of_a_hazard() -> None:
    assert set(explanations()) & set(explanations_of_hazards()) == set()


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
