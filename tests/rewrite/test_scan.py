"""The scan: each file by its finders, in one process or several, whatever goes wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from longshore.rewrite import looking, scan
from longshore.rewrite.finders import registry
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.mentions import OPEN, BuildArgument, Mention, Sighting
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.tree import TreeOptions, open_tree


def find_lines(file: SourceFile, tree: Tree) -> Iterator[Sighting]:
    """`image: NAME`, one a line."""
    at = 0
    for line in file.text.splitlines(keepends=True):
        start = line.find("image: ") + 7
        if start >= 7:
            name = line[start:].strip()
            span = Span(at + start, at + start + len(name))
            yield Mention("test", "pull", span, name, pulled="build")
        at += len(line)


def find_arguments(file: SourceFile, tree: Tree) -> Iterator[Sighting]:
    """`PATH NAME VALUE`: a build argument."""
    for line in file.text.splitlines():
        path, name, value = line.split()
        yield BuildArgument(path, name, value, file.path, Span(0, 1))


def find_late(file: SourceFile, tree: Tree) -> Iterator[Sighting]:
    for name, one in sorted(tree.build_arguments(file.path).items()):
        yield Mention("late", "pull", Span(0, 1), name, one.value)


def find_badly(file: SourceFile, tree: Tree) -> Iterable[Sighting] | None:
    if "die" in file.text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "refuse" in file.text:
        return None
    raise ValueError("this finder has a mistake")


FINDERS = (
    Finder("late", lambda path: path.endswith("Dockerfile"), find_late, late=True),
    Finder("arguments", lambda path: path.endswith(".args"), find_arguments),
    Finder("bad", lambda path: path.endswith(".bad"), find_badly),
    Finder("lines", lambda path: path.endswith((".yml", ".bad")), find_lines, (b"image:", b"IMG")),
)


@pytest.fixture(autouse=True)
def _own_finders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "FINDERS", FINDERS)


def plant(root: Path, files: dict[str, str | bytes]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


FILES: dict[str, str | bytes] = {
    "a.yml": "image: node:18\nimage: redis\n",
    "b/b.yml": "image: node:18\n",
    "unmarked.yml": "name: x\n",
    "wide.yml": "image: node:20\n".encode("utf-16"),
    "binary.yml": b"image: \0",
    "large.yml": "image: node\n" + "#" * 5000,
    "mistake.bad": "image: x\n",
    "refused.bad": "refuse\nimage: nginx\n",
    "readme.md": "image: no\n",
    "z.args": f"x/Dockerfile BASE node:{OPEN}\nx/Dockerfile OTHER one\n",
    "zz.args": "x/Dockerfile BASE node:18\nx/Dockerfile OTHER two\n",
    "x/Dockerfile": "FROM $BASE\n",
}


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_what_a_scan_says(tmp_path: Path, workers: int) -> None:
    tree = open_tree(plant(tmp_path, FILES), TreeOptions(max_bytes=4000))
    found = scan.scan(tree, workers)
    mentions = {
        path: [one.expanded for one in some if isinstance(one, Mention)]
        for path, some in found.sightings.items()
    }
    assert mentions == {
        "a.yml": ["node:18", "redis"], "b/b.yml": ["node:18"], "wide.yml": ["node:20"],
        "refused.bad": ["nginx"], "x/Dockerfile": ["node:18", "one"], "z.args": [], "zz.args": [],
    }  # fmt: skip
    assert list(found.found) == sorted(found.found)
    assert {(one.path, one.reason) for one in found.skipped} == {
        ("binary.yml", "binary"), ("large.yml", "too-large"), ("mistake.bad", "bug"),
    }  # fmt: skip
    assert found.counts == scan.ScanCounts(12, 3, 10, found.counts.read_bytes, 8)
    assert tree.build_arguments("x/Dockerfile")["BASE"].file == "zz.args"


def test_one_process_or_many_say_the_same(tmp_path: Path) -> None:
    some = {f"d{number % 7}/f{number}.yml": f"image: node:{number}\n" for number in range(600)}
    root = plant(tmp_path, {**FILES, **some})
    alone, together = scan.scan(open_tree(root), 1), scan.scan(open_tree(root), 3)
    assert (alone.found, alone.counts) == (together.found, together.counts)
    assert {(one.path, one.reason) for one in alone.skipped} == {
        (one.path, one.reason) for one in together.skipped
    }
    assert len(alone.uses) > 600
    assert [use.file for use in alone.uses] == sorted(use.file for use in alone.uses)


def test_a_mistake_of_a_finder_is_shown_with_its_place(tmp_path: Path) -> None:
    found = scan.scan(open_tree(plant(tmp_path, FILES)), 1)
    [bug] = [one for one in found.skipped if one.reason == "bug"]
    assert bug.path == "mistake.bad"
    assert "this finder has a mistake" in bug.detail
    assert "find_badly" in bug.detail
    assert not bug.expected


def test_a_process_that_dies_costs_one_file(tmp_path: Path) -> None:
    some: dict[str, str | bytes] = {f"f{number}.yml": "image: a\n" for number in range(40)}
    root = plant(tmp_path, {**some, "k.bad": "die\n", "l.bad": "die\n"})
    found = scan.scan(open_tree(root), 2)
    assert len(found.found) == 40
    assert [(one.path, one.reason) for one in found.skipped] == [("k.bad", "bug"), ("l.bad", "bug")]


def test_progress_ends_with_all(tmp_path: Path) -> None:
    for workers in (1, 2):
        seen: list[tuple[int, int]] = []
        scan.scan(
            open_tree(plant(tmp_path, FILES)), workers, lambda *at, seen=seen: seen.append(at)
        )
        assert seen[-1] == (12, 12)
        assert seen == sorted(seen)


def test_large_trees_get_as_many_processes_as_there_are_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def together(tree: object, count: int, told: object) -> looking.Looked:
        asked.append(count)
        return looking.Looked()

    monkeypatch.setattr(scan, "_together", together)
    monkeypatch.setattr(scan, "processors", lambda: 7)
    tree = open_tree(plant(tmp_path, FILES))
    scan.scan(tree)
    assert asked == []
    monkeypatch.setattr(scan, "SMALL_TREE", 3)
    scan.scan(tree)
    assert asked == [7]


def test_a_text_that_is_no_file_yet(tmp_path: Path) -> None:
    tree = open_tree(plant(tmp_path, FILES))
    data = b"image: postgres:16\n"
    [use] = looking.find_uses(SourceFile("a.yml", data, data.decode()), tree)
    assert use.reference == "docker.io/library/postgres:16"


def test_marks_are_not_looked_for_in_utf16() -> None:
    finder = FINDERS[-1]
    assert finder.may_find("name: x".encode("utf-16"))
    assert not finder.may_find(b"name: x")
    assert finder.may_find(b"IMG")
    assert FINDERS[0].may_find(b"")
