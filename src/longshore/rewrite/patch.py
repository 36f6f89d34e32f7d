"""Changed files as one unified diff in bytes, for people and for `git apply`. Pure.

Lines are what git counts as lines: bytes up to a line feed. CR, encodings and a missing line end at
the end of the file go through as they are. Three lines stand around each change, as git has it;
around a change of an `.env` file none do, for its other lines are nobody's business: such a patch
wants `git apply --unidiff-zero`, and says so at its top.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from longshore.rewrite.edits import ChangedFile
from longshore.text import tr

CONTEXT = 3
_ENV_FILE = re.compile(r"(?:.*\.)?env(?:\..*)?|\.envrc", re.IGNORECASE)
_NO_LINE_END = b"\\ No newline at end of file\n"
_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


def is_env_file(path: str) -> bool:
    """Whether the file holds settings that may be secret: `.env`, `.env.local`, `prod.env`."""
    return _ENV_FILE.fullmatch(path.rpartition("/")[2]) is not None


@dataclass(frozen=True)
class _Hunk:
    """Lines `old_start` to `old_end` of the old file become those of the new one, all from 0."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def render_patch(changes: Iterable[ChangedFile]) -> bytes:
    """All changed files, by path; empty when nothing changes."""
    changed = sorted((one for one in changes if one.changed), key=lambda one: one.path)
    text = b"".join(render_file(one) for one in changed)
    if any(is_env_file(one.path) for one in changed):
        note = tr("lines beside a change of an .env file are not shown; apply this with")
        return f"# {note}: git apply --unidiff-zero\n".encode() + text
    return text


def render_file(change: ChangedFile, context: int | None = None) -> bytes:
    """One file's diff. `context` is 3, or 0 for `.env` files."""
    if not change.changed:
        return b""
    if context is None:
        context = 0 if is_env_file(change.path) else CONTEXT
    old, new = _lines(change.before), _lines(change.after)
    names = [_quoted(side + change.path) for side in ("a/", "b/")]
    head = f"diff --git {names[0]} {names[1]}\n--- {_ended(names[0])}\n+++ {_ended(names[1])}\n"
    hunks = _widened(_core_hunks(change, old, new), context)
    parts = [_hunk(one, old, new, context) for one in hunks]
    return head.encode() + b"".join(parts)


def _core_hunks(change: ChangedFile, old: list[bytes], new: list[bytes]) -> list[_Hunk]:
    """The lines that each edit touches; edits of the same lines as one."""
    found: list[_Hunk] = []
    ranges = change.ranges or ((0, len(change.before), 0, len(change.after)),)
    old_starts, new_starts = _starts(old), _starts(new)
    for old_from, old_to, new_from, new_to in ranges:
        old_span, new_span = (
            _span(old_starts, old_from, old_to),
            _span(new_starts, new_from, new_to),
        )
        if found and (old_span[0] < found[-1].old_end or new_span[0] < found[-1].new_end):
            last = found.pop()
            old_span, new_span = (last.old_start, old_span[1]), (last.new_start, new_span[1])
        found.append(_Hunk(*old_span, *new_span))
    return [hunk for one in found if (hunk := _trimmed(one, old, new)) is not None]


def _lines(data: bytes) -> list[bytes]:
    return [line for line in re.split(rb"(?<=\n)", data) if line]


def _starts(lines: list[bytes]) -> list[int]:
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line)
    return starts


def _span(starts: list[int], begin: int, end: int) -> tuple[int, int]:
    """The lines that hold bytes `begin` to `end`, and what stands right behind them."""
    return max(0, bisect_right(starts, begin) - 1), bisect_right(starts, end)


def _trimmed(hunk: _Hunk, old: list[bytes], new: list[bytes]) -> _Hunk | None:
    """Without equal lines at its beginning and end."""
    first, last = hunk.old_start, hunk.old_end
    start, end = hunk.new_start, hunk.new_end
    while first < last and start < end and old[first] == new[start]:
        first, start = first + 1, start + 1
    while first < last and start < end and old[last - 1] == new[end - 1]:
        last, end = last - 1, end - 1
    return _Hunk(first, last, start, end) if first < last or start < end else None


def _widened(hunks: Sequence[_Hunk], context: int) -> list[list[_Hunk]]:
    """Hunks whose lines around touch are shown together."""
    groups: list[list[_Hunk]] = []
    for one in hunks:
        if groups and one.old_start - groups[-1][-1].old_end <= 2 * context:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _hunk(parts: list[_Hunk], old: list[bytes], new: list[bytes], context: int) -> bytes:
    first, last = parts[0], parts[-1]
    before = min(context, first.old_start)
    after = min(context, len(old) - last.old_end)
    body, at = [], first.old_start - before
    for one in parts:
        body += [_line(b" ", line) for line in old[at : one.old_start]]
        body += [_line(b"-", line) for line in old[one.old_start : one.old_end]]
        body += [_line(b"+", line) for line in new[one.new_start : one.new_end]]
        at = one.old_end
    body += [_line(b" ", line) for line in old[at : at + after]]
    old_place = _place(first.old_start - before, last.old_end + after)
    new_place = _place(first.new_start - before, last.new_end + after)
    return f"@@ -{old_place} +{new_place} @@\n".encode() + b"".join(body)


def _place(start: int, end: int) -> str:
    """Where lines stand, as a hunk's head says it; no lines stand behind the one before."""
    count = end - start
    number = start + 1 if count else start
    return f"{number}" if count == 1 else f"{number},{count}"


def _line(mark: bytes, line: bytes) -> bytes:
    return mark + line if line.endswith(b"\n") else mark + line + b"\n" + _NO_LINE_END


def _quoted(name: str) -> str:
    """A path as git writes it: in quotes with octal bytes where a character is not plain."""
    data = name.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in (34, 92) for byte in data):
        return name
    inner = "".join(
        f"\\{_ESCAPES[byte]}" if byte in _ESCAPES
        else chr(byte) if 32 <= byte < 127
        else f"\\{byte:03o}"
        for byte in data
    )  # fmt: skip
    return f'"{inner}"'


def _ended(name: str) -> str:
    """A name with a blank ends with a tab, so that no reader takes the rest for a time."""
    return f"{name}\t" if " " in name and not name.startswith('"') else name
