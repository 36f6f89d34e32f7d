"""One file of a tree as text with exact positions, and back to its very bytes. Pure.

Positions are offsets into `text`, in characters. Text and bytes map one to one: UTF-8 with
`surrogateescape` (so that an undecodable byte survives), or UTF-16 when the file begins with its
byte order mark. Line ends and the byte order mark stay part of the text.

>>> file = read_source("Dockerfile", b"ARG A\\r\\nFROM node:18\\r\\n")
>>> file.place(12)
(2, 6)
>>> file.encode(file.text) == file.data
True
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

BOM = "\ufeff"
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
Made = TypeVar("Made")


@dataclass(frozen=True, order=True)
class Span:
    """Characters `start` to `end` (not included) of one file's text."""

    start: int
    end: int

    def moved(self, by: int) -> Span:
        """The same span, so many characters further on."""
        return Span(self.start + by, self.end + by)


@dataclass
class SourceFile:
    """A text file: `path` is relative to its tree, with slashes. Made by `read_source`."""

    path: str
    data: bytes = field(repr=False)
    text: str = field(repr=False)
    encoding: str = "utf-8"
    _made: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path without its last part; empty at the top."""
        return self.path.rpartition("/")[0]

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins. A line ends with LF or CR LF, or with a lone CR (old Mac)."""
        starts, text, at = [0], self.text, 0
        mark = "\n" if "\n" in text or "\r" not in text else "\r"
        while (at := text.find(mark, at)) >= 0:
            at += 1
            starts.append(at)
        return starts

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1; the byte order mark has no column."""
        line = bisect_right(self._starts, offset)
        column = offset - self._starts[line - 1] + 1
        if line == 1 and self.text.startswith(BOM):
            column = max(1, column - 1)
        return line, column

    def offset(self, line: int, column: int = 1) -> int:
        """The offset of a line and column, both from 1."""
        bom = 1 if line == 1 and self.text.startswith(BOM) else 0
        return self._starts[line - 1] + bom + column - 1

    def line_of(self, offset: int) -> str:
        """The whole line around an offset, without its end."""
        number = bisect_right(self._starts, offset)
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[self._starts[number - 1] : end].rstrip("\r\n")

    def cut(self, span: Span) -> str:
        """What stands there."""
        return self.text[span.start : span.end]

    def encode(self, text: str) -> bytes:
        """A changed text as bytes, in this file's encoding."""
        errors = "surrogateescape" if self.encoding == "utf-8" else "strict"
        return text.encode(self.encoding, errors)

    def once(self, key: object, make: Callable[[SourceFile], Made]) -> Made:
        """What `make` gives, made once a file: several finders read the same parsed form."""
        if key not in self._made:
            self._made[key] = make(self)
        made: Made = self._made[key]
        return made


def read_source(path: str, data: bytes) -> SourceFile | None:
    """A file's text with positions, or None when it is binary (a NUL, or broken UTF-16)."""
    encoding = _UTF16.get(data[:2], "utf-8")
    if encoding == "utf-8":
        if b"\0" in data:
            return None
        return SourceFile(path, data, data.decode("utf-8", "surrogateescape"))
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return SourceFile(path, data, text, encoding)
