"""Physical lines joined to logical ones, with the place of every character kept. Pure.

Dockerfiles and Earthfiles continue a line with an escape character at its end; comment lines and
blank lines inside a continued line are skipped. The bodies of heredocs are taken out by whoever
knows which words open one.

>>> reader = LineReader("RUN a \\\\\\n # why\\n  b\\nCMD c\\n")
>>> [line.text for line in reader]
['RUN a   b', 'CMD c']

Rules: BuildKit's frontend/dockerfile/parser/parser.go.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from longshore.rewrite.source import BOM, Span

_BLANKS = " \t\v\f\r\x85\xa0"


@dataclass(frozen=True)
class Line:
    """One logical line: `text` begins at the first word; `places[i]` is where part i stands."""

    text: str
    starts: tuple[int, ...] = field(repr=False)
    places: tuple[int, ...] = field(repr=False)
    end: int
    indent: int = 0

    def place(self, offset: int) -> int:
        """Where the character `offset` of the text stands."""
        part = bisect_right(self.starts, offset) - 1
        return self.places[part] + offset - self.starts[part]

    def locate(self, start: int, end: int) -> Span | None:
        """Where these characters stand; None when a line end lies between them."""
        part = bisect_right(self.starts, start) - 1
        if part + 1 < len(self.starts) and end > self.starts[part + 1]:
            return None
        first = self.places[part] + start - self.starts[part]
        return Span(first, first + end - start)

    def parts(self, start: int, end: int) -> Iterator[tuple[int, Span]]:
        """The same, divided at line ends: offset in the text, and where that part stands."""
        part = bisect_right(self.starts, start) - 1
        while start < end:
            stop = self.starts[part + 1] if part + 1 < len(self.starts) else end
            stop = min(stop, end)
            if start < stop:
                first = self.places[part] + start - self.starts[part]
                yield start, Span(first, first + stop - start)
            start, part = stop, part + 1


@dataclass(frozen=True)
class Heredoc:
    """Text that follows an instruction; `body` is its place. Quoted words do not `expand` it."""

    name: str
    chomp: bool
    expand: bool
    body: Span
    text: str = field(default="", repr=False)


class LineReader:
    """Logical lines of a text, one after the other."""

    def __init__(self, text: str, escape: str = "\\") -> None:
        self.text = text
        self.escape = escape
        self._begins, self._ends = _physical(text)
        self._next = 0
        self._known: dict[bool, dict[str, list[int]]] = {}

    def __iter__(self) -> Iterator[Line]:
        while self._next < len(self._begins):
            line = self._logical()
            if line is not None:
                yield line

    def heredoc(self, name: str, chomp: bool, expand: bool) -> Heredoc | None:
        """Take the body up to the line `name`; None (and nothing taken) when there is no such."""
        numbers = self._terminators(chomp).get(name, [])
        found = bisect_left(numbers, self._next)
        if found == len(numbers):
            return None
        start = self._begins[self._next]
        self._next = numbers[found] + 1
        body = Span(start, self._begins[numbers[found]])
        return Heredoc(name, chomp, expand, body, self.text[body.start : body.end])

    @property
    def taken(self) -> int:
        """Where the lines that were read so far end, without the last line end."""
        return self._ends[self._next - 1] if self._next else 0

    def _terminators(self, chomp: bool) -> dict[str, list[int]]:
        if chomp not in self._known:
            known: dict[str, list[int]] = {}
            for number, (begin, end) in enumerate(zip(self._begins, self._ends, strict=True)):
                if end - begin < 200:
                    line = self.text[begin:end]
                    known.setdefault(line.lstrip("\t") if chomp else line, []).append(number)
            self._known[chomp] = known
        return self._known[chomp]

    def _logical(self) -> Line | None:
        begin, end = self._take()
        start = _skip(self.text, begin, end)
        if start == end or self.text[start] == "#":
            return None
        parts = [start]
        content, continued = self._content(start, end)
        texts = [content]
        while continued and self._next < len(self._begins):
            place, end = self._take()
            after = _skip(self.text, place, end)
            if after == end or self.text[after] == "#":
                continue
            content, continued = self._content(place, end)
            texts.append(content)
            parts.append(place)
        starts, at = [], 0
        for content in texts:
            starts.append(at)
            at += len(content)
        text = "".join(texts)
        if not text.strip():
            return None
        return Line(text, tuple(starts), tuple(parts), end, start - begin)

    def _take(self) -> tuple[int, int]:
        number = self._next
        self._next += 1
        return self._begins[number], self._ends[number]

    def _content(self, start: int, end: int) -> tuple[str, bool]:
        text = self.text[start:end]
        bare = text.rstrip(" \t")
        if bare.endswith(self.escape) and bare[-2:-1] != self.escape:
            return bare[:-1], True
        return text, False


def _physical(text: str) -> tuple[list[int], list[int]]:
    """Where each line begins and ends; the byte order mark and line ends belong to none."""
    mark = "\n" if "\n" in text or "\r" not in text else "\r"
    begins = [len(BOM) if text.startswith(BOM) else 0]
    ends = []
    for found in re.finditer(mark, text):
        ends.append(found.start())
        begins.append(found.end())
    if begins[-1] == len(text) and len(begins) > 1:
        begins.pop()
    else:
        ends.append(len(text))
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        while end > begin and text[end - 1] == "\r":
            end -= 1
        ends[number] = end
    return begins, ends


def _skip(text: str, start: int, end: int) -> int:
    """The first character that is no blank."""
    while start < end and text[start] in _BLANKS:
        start += 1
    return start
