"""Files and pipes that are read within limits: a pipe that nobody writes into does not hang."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from longshore.cli.files import read_at_most

AT_ONCE = (0.0, 0.0)


@pytest.mark.parametrize(("most", "expected"), [(100, b"abc"), (3, b"abc"), (2, b"ab"), (0, b"")])
def test_a_file_is_read_up_to_the_limit(tmp_path: Path, most: int, expected: bytes) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert read_at_most(tmp_path / "file", most) == expected


def test_a_pipe_without_a_writer_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="nothing comes out"):
        read_at_most(tmp_path / "pipe", 100, waits=AT_ONCE)


def test_a_pipe_whose_writer_is_silent_is_given_up(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(OSError, match="nothing comes out"):
            read_at_most(f"/dev/fd/{reader}", 100, waits=AT_ONCE)
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize(("size", "most"), [(0, 10), (5, 10), (300_000, 1_000_000), (300_000, 9)])
def test_a_pipe_is_read_to_its_end_or_the_limit(tmp_path: Path, size: int, most: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with suppress(BrokenPipeError):
            pipe.write_bytes(b"x" * size)

    writer = Thread(target=write)
    writer.start()
    assert read_at_most(pipe, most) == b"x" * min(size, most)
    writer.join()


def test_a_pipe_that_never_ends_is_read_to_the_limit() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"x" * 1000)
    try:
        assert read_at_most(f"/dev/fd/{reader}", 1000) == b"x" * 1000
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("name", ["", "nothing", "link"])
def test_what_is_no_file_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(OSError):
        read_at_most(tmp_path / name, 10)
