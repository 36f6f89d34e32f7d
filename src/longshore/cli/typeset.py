"""Values set as text: cleaned words, columns, sizes, durations, nearest names. Pure.

Text from registries, trees and AWS may hold control characters; `clean` takes them out before
anything reaches a terminal.

>>> size(146800640)
'140.0 MiB'
>>> duration(3725)
'1 h 2 min'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches

# C0 (without tab and line feed), DEL, C1, and the marks that turn the reading direction round.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What GitHub's runner takes for a command: `::name` at the start of a line, `##[name]` anywhere.
_COMMAND = re.compile(r"^(\s*:)(?=:[A-Za-z])|(##)(?=\[)", re.MULTILINE)
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def clean(text: str) -> str:
    """The text without control characters; tabs and line ends stay.

    >>> clean("a\\x1b[31mb\\r")
    'a[31mb'
    """
    return _CONTROL.sub("", text)


def printed(text: str) -> str:
    """The cleaned text, in which a log of GitHub Actions finds no command either.

    >>> printed("a\\n::error::b")
    'a\\n: :error::b'
    """
    return _COMMAND.sub(lambda found: found[0] + " ", clean(text))


def moment(time: datetime | None) -> str:
    """A time as in every JSON answer: UTC, ISO 8601, whole seconds; empty for none.

    >>> moment(datetime(2026, 11, 23, 20, 17, 48, 733000, tzinfo=UTC))
    '2026-11-23T20:17:48Z'
    """
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if time else ""


def one_line(text: str) -> str:
    """The cleaned text on one line.

    >>> one_line("a\\n  b")
    'a b'
    """
    return " ".join(clean(text).split())


def width(text: str) -> int:
    """Columns that the text takes on a terminal; Korean letters take two.

    >>> width("이미지")
    6
    """
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """The text filled with blanks to so many columns, to the right or to the left."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks


def shorten(text: str, columns: int) -> str:
    """The text cut to so many columns, with an ellipsis when something is missing.

    >>> shorten("github-actions-demo", 10)
    'github-ac…'
    """
    if width(text) <= columns:
        return text
    kept, room = "", columns - 1
    for char in text:
        room -= _char_width(char)
        if room < 0:
            break
        kept += char
    return kept + "…"


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[int] = ()
) -> list[str]:
    """Plain aligned lines, heads first; `right` are the columns set flush right.

    >>> table(["TAG", "SIZE"], [["v1", 5], ["latest", 10]], right=[1])
    ['TAG     SIZE', 'v1         5', 'latest    10']
    """
    cells = [[one_line(str(cell)) for cell in row] for row in (heads, *rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(heads))]
    return [
        "  ".join(
            pad(cell, widths[column], right=column in right) for column, cell in enumerate(row)
        ).rstrip()
        for row in cells
    ]


def size(count: int | None) -> str:
    """Bytes for people, in binary units; `-` when unknown (unknown is never zero)."""
    if count is None:
        return "-"
    value, unit = float(count), _UNITS[0]
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """A time span for people.

    >>> duration(0.84), duration(75)
    ('0.8 s', '1 min 15 s')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def short_digest(digest: str) -> str:
    """The first 12 hex digits, as tables show a digest.

    >>> short_digest("sha256:0123456789abcdef0123")
    '0123456789ab'
    """
    return digest.partition(":")[2][:12] or digest[:12]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None
