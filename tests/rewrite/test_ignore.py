"""Ignore patterns: against git itself, against pathspec, and against hostile ones."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pathspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from longshore.rewrite.git_index import Tracked, parse_index
from longshore.rewrite.ignore import Level, is_ignored, parse_ignore, parse_line, rules_of


@pytest.mark.parametrize(
    ("lines", "path", "folder", "verdict"),
    [
        ("*.log", "a/b/x.log", False, True),
        ("*.log", "x.logs", False, None),
        ("/x", "x", False, True),
        ("/x", "a/x", False, None),
        ("a/x", "a/x", False, True),
        ("a/x", "b/a/x", False, None),
        ("x/", "x", False, None),
        ("x/", "a/x", True, True),
        ("**/x", "x", False, True),
        ("**/x", "a/b/x", False, True),
        ("a/**", "a/b/c", False, True),
        ("a/**", "a", True, None),
        ("a/**/b", "a/b", False, True),
        ("a/**/b", "a/x/y/b", False, True),
        ("a/**/b", "ab", False, None),
        ("a/**/b/**/c", "a/x/b/y/b/c", False, True),
        ("a*/b", "a/x/b", False, None),
        ("a**b", "a/b", False, None),
        ("a**b", "axxb", False, True),
        ("a**/b", "ax/y/b", False, True),  # behind a plain name git lets `**/` span folders
        ("a**/b", "a/b", False, True),
        ("a**/b", "ab", False, True),
        ("a**/**/b", "a/x/b", False, True),
        ("a**/**", "a", False, True),
        ("/a**", "a", True, True),
        ("/a**", "ax/y", False, True),
        ("[a]**/b", "ax/y/b", False, None),
        ("[a]**/b", "ax/b", False, True),
        ("f?o", "foo", False, True),
        ("a?b/c", "a/b/c", False, None),
        ("[a-c]x", "bx", False, True),
        ("[!a-c]x", "bx", False, None),
        ("[^a-c]x", "dx", False, True),
        ("[]x]y", "]y", False, True),
        ("[[:digit:]]", "7", False, True),
        ("[[:nothing:]]", "7", False, None),
        ("[a", "[a", False, None),
        ("a\\", "a\\", False, None),
        (r"\#x", "#x", False, True),
        ("#x", "#x", False, None),
        (r"\!x", "!x", False, True),
        ("x ", "x", False, True),
        (r"x\ ", "x ", False, True),
        ("x\t", "x", False, None),
        ("x\n!x", "x", False, False),
        ("!x\nx", "x", False, True),
        ("x\r\ny\r\n", "y", False, True),
        ("\ufeffx", "x", False, True),
        ("*\n!*/\n!*.py", "d/x.py", False, False),
        ("*\n!*/\n!*.py", "d/x.txt", False, True),
        ("고래", "a/고래", False, True),
        ("/", "x", False, None),
        ("***/x", "a/b/x", False, True),
        (r"a\*b", "a*b", False, True),
        (r"a\*b", "axb", False, None),
    ],
)
def test_patterns(lines: str, path: str, folder: bool, verdict: bool | None) -> None:
    assert parse_ignore(lines.encode()).verdict(path, folder) is verdict


def test_the_deepest_file_with_an_opinion_decides() -> None:
    levels = [Level(rules_of(["!x.log"]), 2), Level(rules_of(["*.log", "/a/y"]))]
    assert not is_ignored(levels, "a/x.log", False)
    assert is_ignored(levels, "a/z.log", False)
    assert is_ignored(levels, "a/y", False)
    above = [Level(rules_of(["/services/shop/x"]), 0, "services/shop/")]
    assert is_ignored(above, "x", False)


@pytest.mark.parametrize(
    "pattern",
    ["*a" * 100 + "b", "**/a/" * 40 + "b", "*" * 200 + "b", "a*" * 60 + "/**/" + "*a" * 60 + "c"],
)
def test_a_hostile_pattern_ends(pattern: str) -> None:
    rules = rules_of([pattern])
    assert rules.verdict("a" * 255, False) is None
    assert rules.verdict("/".join(["a" * 30] * 100), False) is None
    assert rules.verdict("/".join(["a"] * 1000) + "/d", False) is None


PIECES = st.sampled_from(
    ["a", "b", "ab", "*", "?", "**", "/", "/", "**/", "/**", "[ab]", "[!a]", "x.py", "\\a", "*.py"]
)
PATTERNS = st.lists(PIECES, min_size=1, max_size=5).map("".join)
PATHS = ["a", "b", "ab", "x.py", "a/b", "a/x.py", "b/ab", "a/b/ab", "a/b/x.py", "b/a/b/a"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), PATTERNS, st.booleans()), min_size=1, max_size=4))
@example([(False, "a/**/**/b", False)])
@example([(False, "**/**", True)])
@example([(False, "a**/b", True), (True, "b**/**/[ab]", False)])
@example([(False, "/b**", False), (True, "b**/*", False)])
def test_git_says_the_same(tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple]) -> None:
    lines = ["!" * negated + text + "/" * folder for negated, text, folder in drawn]
    clone = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "init", "-q", clone], check=True)
    (clone / ".gitignore").write_text("\n".join(lines) + "\n")
    rules = parse_ignore((clone / ".gitignore").read_bytes())
    # Nothing is there on disk, so git takes each path as a file, and all above it as folders.
    words = ["git", "-C", str(clone), "-c", "core.excludesFile=", "check-ignore", "-v", "-n"]
    done = subprocess.run(
        [*words, "--no-index", "--stdin"], input="\n".join(PATHS), capture_output=True, text=True
    )
    said = [line.split("\t")[0].split(":", 2)[2] for line in done.stdout.splitlines()]
    assert len(said) == len(PATHS), done.stderr
    for path, pattern in zip(PATHS, said, strict=True):
        ours = _below_ignored_folders(rules, path)
        assert ours == bool(pattern and not pattern.startswith("!")), (path, pattern, lines)


def _below_ignored_folders(rules: object, path: str) -> bool:
    parts = path.split("/")
    tops = ["/".join(parts[:number]) for number in range(1, len(parts))]
    level = [Level(rules)]  # type: ignore[arg-type]
    return any(is_ignored(level, top, True) for top in tops) or is_ignored(level, path, False)


@given(st.lists(st.tuples(st.booleans(), PATTERNS), min_size=1, max_size=4))
def test_pathspec_says_the_same_of_names(drawn: list[tuple[bool, str]]) -> None:
    """A second opinion where pathspec and git agree: no backslash, stars by one or two."""
    lines = ["!" * negated + text for negated, text in drawn]
    if any(odd in line for line in lines for odd in ("\\", "***", "//", "[")):
        return
    if any(line.lstrip("!").endswith("/") for line in lines):
        return  # folders are the walk's matter
    spec = pathspec.GitIgnoreSpec.from_lines(lines)
    rules = rules_of(lines)
    for path in PATHS:
        if "/" not in path:
            verdict = spec.check_file(path).include
            assert rules.verdict(path, False) == verdict, (path, lines)


@given(st.text(max_size=40))
def test_any_line_is_taken(line: str) -> None:
    parse_line(line)
    rules_of([line]).verdict("a/b", False)


@given(st.binary(max_size=80))
def test_any_bytes_are_taken(data: bytes) -> None:
    parse_ignore(data).verdict("a/b", True)
    assert parse_index(data) == Tracked()


# --- the index -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_the_index_as_git_writes_it(tmp_path: Path, version: str) -> None:
    names = ["a", "a b", "dir/x", "dir/y" * 60, "고래", "z" * 200, "dir.d/q"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    git = ["git", "-C", str(tmp_path), "-c", f"index.version={version}"]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run([*git, "update-index", "--index-version", version], check=True)
    subprocess.run([*git, "add", "."], check=True)
    if version == "3":
        (tmp_path / "new").write_text("x")
        subprocess.run([*git, "add", "-N", "new"], check=True)
        names.append("new")
    tracked = parse_index((tmp_path / ".git/index").read_bytes())
    assert [name.decode() for name in tracked.files] == sorted(names, key=str.encode)
    assert tracked.holds(b"dir/x")
    assert not tracked.holds(b"dir")
    assert tracked.inside(b"dir")
    assert not tracked.inside(b"a")
    assert not tracked.inside(b"di")


def test_a_damaged_index_tells_nothing(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "a").write_text("x")
    subprocess.run(["git", "-C", tmp_path, "add", "."], check=True)
    data = (tmp_path / ".git/index").read_bytes()
    assert parse_index(data).files == (b"a",)
    assert parse_index(data[:40]) == Tracked()
    assert parse_index(b"DIRC\0\0\0\2\xff\xff\xff\xff" + data[12:]) == Tracked()
