"""Finders that are not asked about code take no code, whatever the file is called."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache

import pytest

from longshore.rewrite.finders import registry
from longshore.rewrite.finders.asking import (
    BY_WORD,
    CODE_ENDINGS,
    NOT_FOR_CODE,
    TELLING,
    WORD,
    is_code,
)
from longshore.rewrite.finders.finder import Finder

SPARED = [one for one in registry.FINDERS if one.name in NOT_FOR_CODE | BY_WORD]


def words_of(finder: Finder) -> set[str]:
    """What stands in the texts of the finder's module, and of those that it takes texts from."""
    modules = {finder.takes.__module__, finder.find.__module__}
    modules |= {one for name in modules for one in modules_used_in(name)}
    held = [str(cell.cell_contents) for cell in finder.takes.__closure__ or ()]
    words = set(re.findall(r"[\w./-]{2,40}", " ".join(held).replace("\\", "")))
    return words.union(*map(words_in, modules))


@cache
def modules_used_in(name: str) -> frozenset[str]:
    used = (getattr(value, "__module__", None) for value in vars(sys.modules[name]).values())
    return frozenset(one for one in used if str(one).startswith("longshore.rewrite.finders"))


@cache
def words_in(name: str) -> frozenset[str]:
    words: set[str] = set()
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[name]))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            words |= set(re.findall(r"[\w./-]{2,40}", node.value.replace("\\.", ".")))
    return frozenset(words)


@pytest.mark.parametrize("finder", SPARED, ids=lambda one: one.name)
def test_no_code_is_taken(finder: Finder) -> None:
    words = {word.strip("/") for word in words_of(finder)}
    by_word = finder.name in BY_WORD
    taken = []
    for path in paths_of(finder, words):
        if not (by_word and WORD.search(path)) and finder.takes(path):
            taken.append(path)
    assert taken == []


def paths_of(finder: Finder, words: set[str]) -> Iterator[str]:
    """Code that is called like something that the finder knows."""
    for word in sorted(words):
        known = finder.takes(word) or finder.takes(f"{word}.yml")
        yield from (f"{word}.{end}" for end in (CODE_ENDINGS if known else _SOME))
        for stem in (f"{word}/x", f"{word}s/{word}", f"x/{word}", f"x.{word}", f".{word}"):
            yield from (f"{stem}.{end}" for end in _SOME[:4])


_SOME = ("go", "txt", "md", "lock", "py", "ts", "js", "kt", "rb", "html", "sql", "zip")


ASKED = [one for one in registry.FINDERS if one not in SPARED]


@pytest.mark.parametrize("finder", ASKED, ids=lambda one: one.name)
def test_an_ending_tells(finder: Finder) -> None:
    for path in paths_of(finder, {word.strip("/") for word in words_of(finder)}):
        if is_code(path) and not WORD.search(path) and not TELLING.search(path):
            assert finder.takes(path) == finder.takes("x" + path[path.rfind(".") :]), path


def test_every_name_is_a_finder() -> None:
    assert (NOT_FOR_CODE | BY_WORD) - {one.name for one in registry.FINDERS} == set()


@pytest.mark.parametrize("path", ["a/x.py", "Dockerfile.go", "a.b/X.TS", "x.lock"])
def test_what_is_code(path: str) -> None:
    assert is_code(path)


@pytest.mark.parametrize("path", ["a.py/x", "go", "x.yml", "Makefile", "x.sh", ".env", "go/x"])
def test_what_is_not(path: str) -> None:
    assert not is_code(path)


@pytest.mark.parametrize(
    "path", ["Dockerfile.go", "a/Dockerfile", "x.yml", "a/main.py", "compose.yml", "Makefile.go"]
)
def test_nobody_is_forgotten(path: str) -> None:
    assert registry.finders_for(path) == [one for one in registry.FINDERS if one.takes(path)]
