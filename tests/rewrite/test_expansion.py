"""Variables of CI files: which values a text has, and where an edit belongs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.rewrite.finders.expansion import (
    MOST_VALUES,
    Dialect,
    Known,
    by_name,
    expand,
    name_of,
    single,
)
from longshore.rewrite.mentions import OPEN, Piece
from longshore.rewrite.source import Span

SHELL = Dialect(
    re.compile(r"(?P<literal>\$)\$|\$\{(?P<braced>\w+)(?::-(?P<default>[^}]*))?\}|\$(?P<name>\w+)")
)
PLACE = Piece("f.yml", Span(3, 10), "node:18")
VALUES = {
    "ONE": [Known("18", PLACE)],
    "TWO": [Known("3.8"), Known("3.9")],
    "NEST": [Known("node:$ONE", PLACE)],
    "LOOP": [Known("$LOOP")],
    "PING": [Known("${PONG}x")],
    "PONG": [Known("${PING}y")],
}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("node:18", ["node:18"]),
        ("node:$ONE", ["node:18"]),
        ("python:${TWO}", ["python:3.8", "python:3.9"]),
        ("$NEST", ["node:18"]),
        ("$NONE/x", [f"{OPEN}/x"]),
        ("${NONE:-redis:7}", ["redis:7"]),
        ("${NONE:-$ONE}", ["${NONE:-$ONE}".replace("${NONE:-$ONE}", "18")]),
        ("a$$ONE", ["a$ONE"]),
        ("", [""]),
    ],
)
def test_values(text: str, values: list[str]) -> None:
    assert [one.value for one in expand(text, SHELL, VALUES.get)] == values


@pytest.mark.parametrize("name", ["LOOP", "PING"])
def test_circles_end_open(name: str) -> None:
    (reading,) = expand(f"${name}", SHELL, VALUES.get)
    assert OPEN in reading.value
    assert reading.missing


def test_many_values_are_bounded() -> None:
    values = {name: [Known(str(one)) for one in range(100)] for name in "ABC"}
    assert len(expand("$A-$B-$C", SHELL, values.get)) <= MOST_VALUES


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("$NEST", ["reference"]),
        ("${ONE}/node:1", ["registry"]),
        ("${ONE}:1", ["repository"]),
        ("node:$ONE", []),
    ],
)
def test_where_an_edit_belongs(text: str, parts: list[str]) -> None:
    (reading,) = expand(text, SHELL, VALUES.get)
    assert [piece.part for piece in reading.pieces] == parts


def test_one_mention_a_name() -> None:
    readings = by_name(expand("python:$TWO", SHELL, VALUES.get))
    assert [one.value for one in readings] == [f"python:{OPEN}"]
    images = {"I": [Known("node:18"), Known("node:20"), Known("go:1")]}
    assert [one.value for one in by_name(expand("$I", SHELL, images.get))] == [
        f"node:{OPEN}",
        "go:1",
    ]


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("node:18", "node"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b"),
        ("a/b@sha256:00", "a/b"),
        ("a:1@sha256:00", "a"),
    ],
)
def test_name(reference: str, name: str) -> None:
    assert name_of(reference) == name


def test_single() -> None:
    assert single(VALUES.get, "ONE") == "18"
    assert single(VALUES.get, "TWO") is None
    assert single(VALUES.get, "NONE") is None


@given(st.text(alphabet="ab:/$ {}ONETW-", max_size=40))
def test_text_without_variables_is_itself(text: str) -> None:
    readings = expand(text, SHELL, VALUES.get)
    assert readings
    if "$" not in text:
        assert [one.value for one in readings] == [text]
