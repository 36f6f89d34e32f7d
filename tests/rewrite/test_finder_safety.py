"""Whatever a file holds, a finder answers, and its positions are exact."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders import ci_kinds
from longshore.rewrite.finders.finder import Finder, TreeOfTexts
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import read_source
from tests.rewrite import test_ci_finders, test_declarative_finders

SAMPLES = [
    (".gitlab-ci.yml", test_ci_finders.GITLAB),
    (".circleci/config.yml", test_ci_finders.CIRCLE),
    ("stack.yaml", test_declarative_finders.CLOUDFORMATION),
    ("roles/x/tasks/main.yml", test_declarative_finders.TASKS),
    *((path, text) for path, text, _ in test_ci_finders.SAMPLES.values()),
    *((path, text) for path, text, _ in test_declarative_finders.SAMPLES.values()),
]
FINDERS = [*ci_kinds.NAMED, *ci_kinds.LATE, *ci_kinds.LAST]
PATHS = sorted({path for path, _ in SAMPLES})
ONE_PATH_EACH = [
    (finder, path)
    for finder in FINDERS
    for path in next(([one] for one in PATHS if finder.takes(one)), [])
]
LONG = [
    "image: " + "a" * 50_000,
    "image: " + "${" * 5_000,
    "image: " + "$(" * 5_000,
    "image: " + "<< " * 5_000,
    "image: " + "{{" * 5_000,
    'image = "' + "%" * 50_000,
    "steps: [" + "{image: a:1}, " * 300 + "]",
    "script: docker run " + "-e A " * 500,
    "From: " + " " * 50_000 + "x",
    "d.image = " + '"a" ' * 5_000,
]


def look(finder: Finder, path: str, data: bytes) -> list[Mention]:
    """What one finder says of a file; its positions are checked."""
    file = read_source(path, data)
    if file is None or not finder.takes(path):
        return []
    said = finder.find(file, TreeOfTexts({path: file}, {}))
    found = [one for one in said or () if isinstance(one, Mention)]
    for one in found:
        assert file.cut(one.span) == one.text
        assert one.text
        for piece in one.pieces:
            assert piece.file != path or file.cut(piece.span) == piece.text
    return found


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PATHS), st.text() | st.binary())
def test_any_text(path: str, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    for finder in FINDERS:
        look(finder, path, data)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 2**32))
def test_mutated_samples(sample: tuple[str, str], seed: int) -> None:
    path, text = sample
    dice = random.Random(seed)
    mutated = list(text)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(mutated))
        mutated[at : at + dice.randint(0, 4)] = dice.choice(
            [
                "",
                "\r\n",
                "\t",
                "[",
                "}",
                ":",
                "'",
                '"',
                "&a ",
                "*a",
                "\ud55c",
                "<<: ",
                "!x ",
                "$",
                "- ",
            ]
        )
    for finder in FINDERS:
        look(finder, path, "".join(mutated).encode())


@pytest.mark.parametrize(("path", "text"), SAMPLES)
def test_line_ends_and_marks_change_nothing_but_positions(path: str, text: str) -> None:
    finders = [one for one in FINDERS if one.takes(path)]

    def texts(data: bytes) -> list[tuple[str, str]]:
        return next(
            (
                [(one.role, one.text) for one in found]
                for finder in finders
                if (found := look(finder, path, data))
            ),
            [],
        )

    plain = texts(text.encode())
    assert texts(text.replace("\n", "\r\n").encode()) == plain
    assert texts(b"\xef\xbb\xbf" + text.encode()) == plain


@pytest.mark.parametrize("number", range(len(LONG)))
def test_long_lines(number: int) -> None:
    data = LONG[number].encode()
    for finder, path in ONE_PATH_EACH:
        if finder.may_find(data):
            look(finder, path, data)


def test_nesting_ends() -> None:
    for finder, path in ONE_PATH_EACH:
        for text in ("[" * 3000, "{a: " * 3000, '{"a": [' * 3000, "- " * 2000 + "image: a:1"):
            look(finder, path, text.encode())


def test_every_finder_has_a_sample() -> None:
    assert {one.name for one in FINDERS} - {finder.name for finder, _ in ONE_PATH_EACH} == set()
