"""The reader's language: which one, and that a catalogue is used."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from tests.cli.conftest import RunCli

from longshore import text
from longshore.cli import language

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "POSIX"}, "en"),
        ({"LANG": "de_DE", "LONGSHORE_LANG": "ko"}, "ko"),
        ({"LANGUAGE": "ko:en", "LANG": "en_US"}, "ko"),
        ({"LANG": "../../etc"}, "en"),
    ],
)
def test_wanted_language(environ: dict[str, str], wanted: str) -> None:
    assert language.wanted_language(environ) == wanted


@pytest.fixture
def korean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A catalogue with one sentence, and English again afterwards."""
    catalogue = Catalog(locale="ko")
    catalogue.add("error: {what}", "오류: {what}")
    file = tmp_path / "ko" / "LC_MESSAGES" / "longshore.mo"
    file.parent.mkdir(parents=True)
    with file.open("wb") as out:
        write_mo(out, catalogue)
    monkeypatch.setattr(language, "_FOLDER", tmp_path)
    yield
    text.install(lambda sentence: sentence)


def test_a_catalogue_is_used(korean: None, cli: RunCli) -> None:
    done = cli("explain", "no-such-code", LONGSHORE_LANG="ko")
    assert done.code == 2
    assert done.err.startswith("오류: there is no error or hazard 'no-such-code'")


@pytest.mark.parametrize("name", ["xx", "../..", "k/o", ""])
def test_no_catalogue_means_english(korean: None, cli: RunCli, name: str) -> None:
    assert cli("explain", "no-such-code", LONGSHORE_LANG=name).err.startswith("error: ")


def test_sentences_are_extracted(tmp_path: Path) -> None:
    out = tmp_path / "longshore.pot"
    subprocess.run(
        [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg",
         "-k", "tr", "--no-default-keywords", "-o", out, "src/longshore/cli"],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    extracted = io.StringIO(out.read_text("utf-8")).read()
    for sentence in ("error: {what}", "next: {command}", "Lists the repositories of the target"):
        assert sentence in extracted
