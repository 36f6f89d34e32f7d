"""Edits: the wanted characters change, every other byte stays, and git takes the patch."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from longshore.errors import RefusedError
from longshore.rewrite.edits import ChangedFile, Edit, apply_all, apply_edits
from longshore.rewrite.patch import is_env_file, render_file, render_patch
from longshore.rewrite.source import SourceFile, Span, read_source

MIRROR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mirror/"


def source(data: bytes, path: str = "Dockerfile") -> SourceFile:
    found = read_source(path, data)
    assert found is not None
    return found


def edit(file: SourceFile, old: str, new: str, start: int = 0) -> Edit:
    at = file.text.index(old, start)
    return Edit(file.path, Span(at, at + len(old)), old, new)


@pytest.mark.parametrize(
    "data",
    [
        b"FROM node:18\n",
        b"FROM node:18",
        b"\xef\xbb\xbfFROM node:18\r\n# \xff\xfe caf\xe9\r\nRUN x \t \r\n",
        "FROM node:18 # 고래 \U0001f433\r\n".encode("utf-16"),
        b"\xfe\xff" + "a\nFROM node:18\n".encode("utf-16-be"),
        b"\x80\x81 FROM node:18 \xc3",
        b"old Mac\rFROM node:18\rend",
    ],
)
def test_only_the_wanted_bytes_change(data: bytes) -> None:
    file = source(data)
    made = apply_edits(file, [edit(file, "node:18", MIRROR + "node:18")])
    [(begin, end, new_begin, new_end)] = made.ranges
    assert made.after[:new_begin] == data[:begin]
    assert made.after[new_end:] == data[end:]
    assert source(made.after).text == file.text.replace("node:18", MIRROR + "node:18")
    assert read_source("x", made.after) is not None
    assert source(made.after).encoding == file.encoding


def test_several_edits_in_any_order_and_twice() -> None:
    file = source(b"FROM node:18\nFROM redis:7\nFROM node:18\n")
    some = [
        edit(file, "node:18", "m/node:18", 20),
        edit(file, "redis:7", "m/redis:7"),
        edit(file, "node:18", "m/node:18"),
    ]
    made = apply_edits(file, [*some, some[0]])
    assert made.after == b"FROM m/node:18\nFROM m/redis:7\nFROM m/node:18\n"
    assert made.edits == tuple(reversed([some[0], some[1], some[2]]))


def test_an_insertion_before_a_change_is_no_overlap() -> None:
    file = source(b"a: node:18\n")
    made = apply_edits(file, [Edit(file.path, Span(3, 3), "", "'"), edit(file, "node:18", "x")])
    assert made.after == b"a: 'x\n"


@pytest.mark.parametrize(
    ("edits", "code"),
    [
        ([Edit("Dockerfile", Span(5, 12), "node:20", "x")], "edit-mismatch"),
        ([Edit("other", Span(5, 12), "node:18", "x")], "edit-mismatch"),
        ([Edit("Dockerfile", Span(5, 99), "node:18\n", "x")], "edit-mismatch"),
        ([Edit("Dockerfile", Span(-8, 12), "node:18", "x")], "edit-mismatch"),
        ([Edit("Dockerfile", Span(12, 5), "", "x")], "edit-mismatch"),
        (
            [
                Edit("Dockerfile", Span(5, 12), "node:18", "x"),
                Edit("Dockerfile", Span(10, 12), "18", "20"),
            ],
            "edit-overlap",
        ),
        (
            [
                Edit("Dockerfile", Span(5, 12), "node:18", "x"),
                Edit("Dockerfile", Span(5, 12), "node:18", "y"),
            ],
            "edit-overlap",
        ),
        (
            [
                Edit("Dockerfile", Span(5, 5), "", "x"),
                Edit("Dockerfile", Span(5, 5), "", "y"),
            ],
            "edit-overlap",
        ),
    ],
)
def test_what_is_refused(edits: list[Edit], code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        apply_edits(source(b"FROM node:18\n"), edits)
    assert refused.value.code == code
    assert refused.value.where is not None


def test_text_that_the_encoding_lacks_is_refused() -> None:
    file = source("FROM node:18".encode("utf-16"))
    with pytest.raises(RefusedError):
        apply_edits(file, [edit(file, "node:18", "\udcff")])


def test_nothing_to_change() -> None:
    file = source(b"FROM node:18\n")
    made = apply_edits(file, [edit(file, "node:18", "node:18")])
    assert not made.changed
    assert render_patch([made]) == b""
    assert apply_all({file.path: file}, [edit(file, "node:18", "node:18")]) == []


# --- patches -------------------------------------------------------------------------------------


def test_a_patch_as_git_writes_it() -> None:
    file = source(b"1\n2\n3\n4\nFROM node:18\n6\n7\n8\n9\n")
    made = apply_edits(file, [edit(file, "node:18", "m/node:18")])
    assert render_patch([made]).decode() == (
        "diff --git a/Dockerfile b/Dockerfile\n--- a/Dockerfile\n+++ b/Dockerfile\n"
        "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-FROM node:18\n+FROM m/node:18\n 6\n 7\n 8\n"
    )


def test_changes_close_to_each_other_share_a_hunk() -> None:
    far = b"FROM node:18\n" + b"x\n" * 7 + b"FROM node:18\n"
    near = b"FROM node:18\n" + b"x\n" * 6 + b"FROM node:18\n"
    for data, hunks in ((far, 2), (near, 1)):
        file = source(data)
        some = [edit(file, "node:18", "a", at) for at in (0, 10)]
        assert render_file(apply_edits(file, some)).count(b"@@ -") == hunks


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        (".env", True),
        ("a/.env.production", True),
        ("deploy/prod.env", True),
        ("prod.env.example", True),
        (".envrc", True),
        ("environment.yml", False),
        ("env.py/x", False),
        ("my-env", False),
    ],
)
def test_env_files_by_name(path: str, is_one: bool) -> None:
    assert is_env_file(path) is is_one


def test_env_files_show_no_neighbours() -> None:
    file = source(b"PASSWORD=hunter2\nIMAGE=node:18\nTOKEN=secret\n", "deploy/.env")
    text = render_patch([apply_edits(file, [edit(file, "node:18", "m/node:18")])])
    assert b"hunter2" not in text
    assert b"secret" not in text
    assert b"@@ -2 +2 @@\n-IMAGE=node:18\n+IMAGE=m/node:18\n" in text
    assert b"--unidiff-zero" in text.splitlines()[0]


def applied(changes: list[ChangedFile], *options: str) -> dict[str, bytes]:
    """What `git apply` makes of the files and their patch."""
    with tempfile.TemporaryDirectory() as folder:
        for one in changes:
            place = Path(folder, one.path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(one.before)
        words = ["git", "-C", folder, "apply", "--whitespace=nowarn", *options, "-"]
        done = subprocess.run(words, input=render_patch(changes), capture_output=True)
        assert done.returncode == 0, (done.stderr, render_patch(changes))
        return {one.path: Path(folder, one.path).read_bytes() for one in changes}


@pytest.mark.parametrize(
    "path",
    ["Dockerfile", "a b/Dockerfile", "고래/Dockerfile", 'q"uo\\te', "tab\there", "b/ Dockerfile"],
)
def test_git_takes_odd_names(path: str) -> None:
    file = source(b"FROM node:18\n", path)
    made = apply_edits(file, [edit(file, "node:18", "m/node:18")])
    assert applied([made]) == {path: made.after}


def test_git_takes_env_files() -> None:
    file = source(b"A=1\nIMAGE=node:18\r\nB=2", ".env")
    made = apply_edits(file, [edit(file, "node:18", "m/node:18")])
    assert applied([made], "--unidiff-zero") == {".env": made.after}


TEXTS = st.lists(
    st.sampled_from(["a\n", "b\r\n", "\n", "c", "\r", "é", "\udcff", "\U0001f433", "x y\t\n"]),
    max_size=30,
).map("".join)


@st.composite
def edited(draw: st.DrawFn, encodings: tuple[str, ...]) -> tuple[SourceFile, list[Edit]]:
    """A file in one of the encodings and edits that do not overlap."""
    text, encoding = draw(TEXTS), draw(st.sampled_from(encodings))
    if encoding == "utf-8":
        data = text.encode("utf-8", "surrogateescape")
    else:
        data = ("\ufeff" + text.replace("\udcff", "?")).encode(encoding)
    file = source(data)
    cuts = sorted(draw(st.sets(st.integers(0, len(file.text)), max_size=6)))
    new = st.sampled_from(["", "m/x:1", "one\ntwo\n", "\n", "고", "end"])
    spans = [Span(*pair) for pair in zip(cuts[::2], cuts[1::2], strict=False)]
    return file, [Edit(file.path, span, file.cut(span), draw(new)) for span in spans]


@given(edited(("utf-8", "utf-16-le", "utf-16-be")))
def test_bytes_outside_the_edits_stay(drawn: tuple[SourceFile, list[Edit]]) -> None:
    file, edits = drawn
    made = apply_edits(file, edits)
    at, after, text = 0, 0, ""
    for begin, end, new_begin, new_end in made.ranges:
        assert file.data[at:begin] == made.after[after:new_begin]
        at, after = end, new_end
    assert file.data[at:] == made.after[after:]
    at = 0
    for one in sorted(edits):
        text += file.text[at : one.span.start] + one.new
        at = one.span.end
    assert made.after == file.encode(text + file.text[at:])


@settings(max_examples=60, deadline=None)
@given(edited(("utf-8",)))
@example((source(b"a\nb"), [Edit("Dockerfile", Span(3, 3), "", "\n")]))
def test_git_applies_what_is_rendered(drawn: tuple[SourceFile, list[Edit]]) -> None:
    file, edits = drawn
    made = apply_edits(file, edits)
    if made.changed:
        assert applied([made]) == {file.path: made.after}
