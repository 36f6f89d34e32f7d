"""The corpus of `bench/corpus`: all of it is found, nothing else, and each place changes alone."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from longshore.rewrite.check import Overlay
from longshore.rewrite.edits import Edit, apply_edits
from longshore.rewrite.looking import find_uses
from longshore.rewrite.places import Placed
from longshore.rewrite.rename import rename
from longshore.rewrite.scan import ScanResult, scan
from longshore.rewrite.tree import OpenTree, open_tree
from longshore.rewrite.uses import Use

BENCH = Path(__file__).parents[2] / "bench"
CORPUS = BENCH / "corpus"
TREES = sorted(path.stem for path in CORPUS.glob("*.yaml"))
KNOWN_MISSES: frozenset[tuple[str, int]] = frozenset()  # (tree/file, line) of what is not found yet
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@cache
def seen(name: str) -> tuple[OpenTree, ScanResult]:
    tree = open_tree(CORPUS / "trees" / name)
    return tree, scan(tree, 1)


def labels(name: str) -> dict[str, list[dict[str, Any]]]:
    text = (CORPUS / f"{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(text)["references"]
    return found


def test_it_is_large_and_varied() -> None:
    every = [one for name in TREES for some in labels(name).values() for one in some]
    assert len(every) >= 150
    assert len({one["kind"] for one in every}) >= 37
    for name in TREES:
        assert set(labels(name)) == set(seen(name)[0].paths), "each file is labelled, or empty"


def test_all_is_found_and_nothing_is_invented(tmp_path: Path) -> None:
    program = [sys.executable, str(BENCH / "score_corpus.py"), "--results", str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True)
    found = json.loads((tmp_path / "finders.json").read_text())["found"]
    assert {(one["file"], one["line"]) for one in found["missed"]} == KNOWN_MISSES, done.stdout
    assert found["invented"] == []
    assert found["remarks"] == []
    assert done.returncode == (1 if KNOWN_MISSES else 0), done.stderr


def test_the_scorer_sees_what_is_wrong(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "Dockerfile").write_text("FROM node:20\nFROM redis:7\n")
    wrong = {"line": 1, "image": "docker.io/library/node", "tag": "18", "digest": None}
    right = {"line": 2, "image": "docker.io/library/redis", "tag": "7", "digest": None}
    more = {"status": "hub", "kind": "dockerfile-from", "role": "pull", "pulled": "build"}
    said = {"references": {"Dockerfile": [wrong | more, right | more]}}
    (tmp_path / "labels.json").write_text(json.dumps(said))
    words = ["--tree", str(tree), "--labels", str(tmp_path / "labels.json")]
    program = [sys.executable, str(BENCH / "score_corpus.py"), *words]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 1
    assert "| dockerfile-from | 2 | 50.0% | 50.0% |" in done.stdout
    assert "Dockerfile:1 docker.io/library/node:18" in done.stdout


def test_no_finder_failed() -> None:
    assert [one for name in TREES for one in seen(name)[1].skipped if not one.expected] == []


@pytest.mark.parametrize("name", TREES)
def test_places_are_exact(name: str) -> None:
    tree, found = seen(name)
    for use in found.uses:
        file = tree.file(use.file)
        assert file is not None
        assert file.cut(use.mention.span) == use.mention.text
        for piece in use.mention.pieces:
            other = tree.file(piece.file)
            assert other is not None
            assert other.cut(piece.span) == piece.text


@pytest.mark.parametrize("name", TREES)
def test_one_place_changes_alone_and_is_found_again(name: str) -> None:
    """Each Hub name is replaced by itself: only its bytes change, all places are found again."""
    tree, found = seen(name)
    uses = [one for one in found.uses if one.status == "hub" and one.mention.role == "pull"]
    changed = 0
    for use in uses:
        placed = Placed("mirror", f"{HOST}/hub/{str(use.image).partition('/')[2]}")
        edits = rename(use, placed).edits
        for path in {one.file for one in edits}:
            file = tree.file(path)
            assert file is not None
            mine = [one for one in edits if one.file == path]
            after = apply_edits(file, mine)
            assert _without(after.after, mine) == _without(file.data, mine, old=True)
        if edits:
            changed += 1
            _is_found_again(tree, found, use, edits)
    assert changed >= len(uses) * 0.7, "most places can be changed where they are"


def _without(data: bytes, edits: list[Edit], *, old: bool = False) -> list[str]:
    """What stands around the edits; characters are bytes, as the corpus is mostly ASCII."""
    text = data.decode()
    parts, at, shift = [], 0, 0
    for one in sorted(edits):
        start = one.span.start + (0 if old else shift)
        parts.append(text[at:start])
        length = len(one.old if old else one.new)
        assert text[start : start + length] == (one.old if old else one.new)
        at = start + length
        shift += len(one.new) - len(one.old)
    return [*parts, text[at:]]


def _is_found_again(tree: OpenTree, found: ScanResult, use: Use, edits: tuple[Edit, ...]) -> None:
    files = {path: tree.file(path) for path in {use.file, *(one.file for one in edits)}}
    made = {}
    for path, file in files.items():
        assert file is not None
        mine = [one for one in edits if one.file == path]
        data = apply_edits(file, mine).after
        made[path] = type(file)(path, data, data.decode(), file.encoding)
    again = find_uses(made[use.file], Overlay(tree, made))
    before = [one for one in found.judged if one.file == use.file]
    assert [(one.line, one.mention.role) for one in again] == [
        (one.line, one.mention.role) for one in before
    ], use
    there = [one for one in again if one.line == use.line and one.registry == HOST]
    assert there, use
    assert {(one.tag, one.digest) for one in there} >= {(use.tag, use.digest)}
