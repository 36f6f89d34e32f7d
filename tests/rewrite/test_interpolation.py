"""Variables in compose's text, and the lines of env files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.syntax.env_file import assignments, environment
from longshore.rewrite.syntax.interpolation import fill, names_in

KNOWN = {"SET": "value", "EMPTY": "", "TAG": "15"}


@pytest.mark.parametrize(
    ("written", "wanted", "unset"),
    [
        ("node:18", "node:18", ()),
        ("$SET", "value", ()),
        ("${SET}", "value", ()),
        ("a$TAG.b", "a15.b", ()),
        ("$NONE", OPEN, ("NONE",)),
        ("${NONE}x", OPEN + "x", ("NONE",)),
        ("${NONE:-d}", "d", ()),
        ("${NONE-d}", "d", ()),
        ("${EMPTY:-d}", "d", ()),
        ("${EMPTY-d}", "", ()),
        ("${NONE:-}", "", ()),
        ("${SET:-d}", "value", ()),
        ("${NONE:?say it}", OPEN, ("NONE",)),
        ("${EMPTY:?say it}", OPEN, ("EMPTY",)),
        ("${EMPTY?say it}", "", ()),
        ("${SET:?say it}", "value", ()),
        ("${SET:+r}", "r", ()),
        ("${EMPTY:+r}", "", ()),
        ("${EMPTY+r}", "r", ()),
        ("${NONE+r}", "", ()),
        ("${NONE:-${SET}}", "value", ()),
        ("${NONE:-${OTHER:-a/b}}:$TAG", "a/b:15", ()),
        ("${NONE:-x${OTHER}}y", f"x{OPEN}y", ("OTHER",)),
        ("$$SET", "$SET", ()),
        ("$$$SET", "$value", ()),
        ("cost: 5$", "cost: 5$", ()),
        ("$1 ${2}", "$1 ${2}", ()),
        ("${SET", "${SET", ()),
        ("${SET:-never closed", "${SET:-never closed", ()),
        ("${SET%x}-a", f"{OPEN}-a", ("SET",)),
        ("x:${{ github.sha }}", f"x:{OPEN}", ("github.sha",)),
    ],
)
def test_variables_are_filled_in(written: str, wanted: str, unset: tuple[str, ...]) -> None:
    filled = fill(written, KNOWN)
    assert (filled.text, filled.unset) == (wanted, unset)


def test_a_guess_is_asked_last() -> None:
    guesses = {"A": "guessed", "SET": "guessed"}
    assert fill("$A ${A:-default} $SET ${A:?e}", KNOWN, guesses).text == (
        "guessed default value guessed"
    )


def test_segments_say_where_an_edit_belongs() -> None:
    written = "${R:-docker.io}/db:${TAG}"
    places = [
        (one.text, written[one.start : one.end], one.variable)
        for one in fill(written, KNOWN).segments
    ]
    assert places == [
        ("docker.io", "docker.io", ""),
        ("/db:", "/db:", ""),
        ("15", "${TAG}", "TAG"),
    ]


def test_names_at_any_depth() -> None:
    assert list(names_in("$A ${B:-${C}} $$D ${E")) == ["A", "B", "C", "E"]


@given(st.text(alphabet="${}:-?+aB_ \\\n", max_size=60))
def test_any_text_is_read(text: str) -> None:
    filled = fill(text, {"a": "1", "B": ""})
    assert "".join(one.text for one in filled.segments) == filled.text
    for one in filled.segments:
        if not one.variable and one.text != "$":
            assert text[one.start : one.end] == one.text


@pytest.mark.parametrize(
    "hard", ["${a:-" * 10_000, "$" * 50_000, "${a:-" * 10_000 + "}", "${" * 20_000]
)
def test_a_long_line_is_read_to_its_end(hard: str) -> None:
    assert fill(hard + " x", {}).text.endswith(" x")


def _env(text: str) -> SourceFile:
    file = read_source(".env", text.encode())
    assert file is not None
    return file


@pytest.mark.parametrize(
    ("line", "name", "written", "quote"),
    [
        ("A=node:18", "A", "node:18", ""),
        ("  export A = node:18  ", "A", "node:18", ""),
        ("A=node:18 # why", "A", "node:18", ""),
        ("A=node#18", "A", "node#18", ""),
        ("A=# nothing", "A", "", ""),
        ("A=", "A", "", ""),
        ('A="node:18" # why', "A", "node:18", '"'),
        ("A='no # de'", "A", "no # de", "'"),
        ('A="a\nb"', "A", "a\nb", '"'),
        ('A="a\\"b"', "A", 'a\\"b', '"'),
        ('A="never closed', "A", '"never closed', ""),
        ("A=node:18\r", "A", "node:18", ""),
    ],
)
def test_lines_of_env_files(line: str, name: str, written: str, quote: str) -> None:
    file = _env(f"# first\n{line}\nLAST=1\n")
    one, *rest = assignments(file)
    assert (one.name, one.written, one.quote) == (name, written, quote)
    assert file.cut(one.span) == written
    assert [last.name for last in rest] == ["LAST"]


@pytest.mark.parametrize("line", ["# A=1", "words only", "=1", "1A=2", "", "A B=1"])
def test_lines_that_set_nothing(line: str) -> None:
    assert assignments(_env(line + "\n")) == ()


def test_earlier_lines_fill_later_ones() -> None:
    file = _env("V=15\nDB=postgres:${V}\nRAW='$V'\nOPENED=x:$NONE\nV=16\n")
    assert environment(file) == {
        "V": "16",
        "DB": "postgres:15",
        "RAW": "$V",
        "OPENED": f"x:{OPEN}",
    }


@given(st.text(alphabet="A=\"'# \\\n\r$x", max_size=80))
def test_any_env_file_is_read(text: str) -> None:
    file = _env(text)
    environment(file)
    for one in assignments(file):
        assert file.cut(one.span) == one.written
