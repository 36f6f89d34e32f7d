"""The two ends of a copy: what a word means, and what a file of pairs may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshore.cli.pairs import (
    Local,
    open_target,
    parse_end,
    read_couples,
    refuse_collisions,
    target_tag,
)
from longshore.cli.settings import Settings
from longshore.cli.stores import Opener
from longshore.errors import FileError, UsageError
from longshore.oci.reference import Reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("acme/app:v1", Reference("docker.io", "acme/app", "v1")),
        ("alpine", Reference("docker.io", "library/alpine")),
        ("localhost:5000/a/b:c", Reference("localhost:5000", "a/b", "c")),
        ("oci:build", Local("oci", "build", None)),
        ("oci:./build:v1", Local("oci", "./build", "v1")),
        ("oci:/a/b:c/d", Local("oci", "/a/b:c/d", None)),
        ("oci:C:/images:v1", Local("oci", "C:/images", "v1")),
        ("oci-archive:a.tar:v1", Local("oci-archive", "a.tar", "v1")),
        ("docker-archive:a.tar", Local("docker-archive", "a.tar", None)),
        ("oci/app:v1", Reference("docker.io", "oci/app", "v1")),
    ],
)
def test_what_a_word_means(text: str, end: object) -> None:
    assert parse_end(text) == end


@pytest.mark.parametrize("text", ["oci:", "oci::v1", "docker-archive:", "A B", "", "x y/z", "a//b"])
def test_what_means_nothing(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_end(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "target", "tag"),
    [
        ("a/b:v1", "x.example/c", "v1"),
        ("a/b:v1", "x.example/c:v2", "v2"),
        ("a/b", "x.example/c", "latest"),
        (f"a/b@{DIGEST}", "x.example/c:v3", "v3"),
        (f"a/b:v1@{DIGEST}", "x.example/c", "v1"),
        ("oci:d:v1", "x.example/c", "v1"),
        ("a/b:v1", "oci:d", "v1"),
    ],
)
def test_the_tag_that_an_image_gets(source: str, target: str, tag: str) -> None:
    assert target_tag(parse_end(source), parse_end(target)) == tag


def test_two_images_never_want_the_same_tag() -> None:
    a, b, x = (parse_end(text) for text in ("n/a:v1", "n/b:v1", "r.example/x:v1"))
    refuse_collisions([(a, x), (a, x), (b, parse_end("r.example/x:v2"))])
    with pytest.raises(UsageError, match="both want"):
        refuse_collisions([(a, x), (b, x)])


@pytest.mark.parametrize("target", [f"r.example/a@{DIGEST}", "oci-archive:a", "docker-archive:a"])
def test_what_cannot_be_written(target: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_target(parse_end(target), Opener(Settings(), {}))
    assert caught.value.hint


def test_the_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "pairs"
    file.write_bytes(b"# head\r\n\r\n a/b:v1\tr.example/x \r\n  # note\nc/d oci:out\n")
    assert read_couples(None, None, str(file)) == [
        (parse_end("a/b:v1"), parse_end("r.example/x")),
        (parse_end("c/d"), parse_end("oci:out")),
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a/b r.example/x\nlonely\n", 2),
        (b"a b c\n", 1),
        (b"\n\na//b r.example/x\n", 3),
        (b"#\n", 1),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, content: bytes, line: int) -> None:
    file = tmp_path / "pairs"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_couples(None, None, str(file))
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == (str(file), line)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("absent", "bytes", "."):
        with pytest.raises(FileError):
            read_couples(None, None, str(tmp_path / name))


def test_both_ends_or_a_file() -> None:
    for source, target, pairs in (("a", None, None), (None, None, None), ("a", "b", "file")):
        with pytest.raises(UsageError):
            read_couples(source, target, pairs)
