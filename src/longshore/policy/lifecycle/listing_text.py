"""The entries of a saved listing's JSON text, one after the other. Pure.

`aws ecr describe-images` prints an object with `imageDetails`; pages may follow each other, each on
a line of its own or in a list, and an entry may stand alone (JSON lines). Only one entry at a time
is decoded, so that a listing costs little more memory than its text.

>>> [entry for _, entry in Entries('{"imageDetails": [{"imageDigest": "sha256:1"}]}')]
[{'imageDigest': 'sha256:1'}]
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Any, NoReturn

from longshore.text import tr

_BLANK = re.compile(r"[ \t\n\r]*")
_PAGE = re.compile(r'\{\s*"imageDetails"\s*:')
_ANOTHER = re.compile(r"[ \t\n\r]*,[ \t\n\r]*(?=\{)")
_LIST = "imageDetails"
_TOKENS = ("nextToken", "NextToken")
_SAVE = "aws ecr describe-images --repository-name NAME --output json > images.json"

_Walk = Generator[tuple[int, Any], None, int]


class BadListing(ValueError):
    """The text is no listing: what is wrong at the offset, and what to do about it."""

    def __init__(self, offset: int, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.offset = offset
        self.what = what
        self.hint = hint or tr("save the listing again: {command}", command=_SAVE)


class Entries:
    """The entries of a listing with their offsets. Iterating raises BadListing.

    Afterwards `goes_on` says whether the last page names a token for more that are not there.
    """

    def __init__(self, text: str) -> None:
        self.goes_on = False
        self._text = text
        self._decode = json.JSONDecoder(parse_constant=_no_number).raw_decode

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        at = self._after_blank(1 if self._text.startswith("\ufeff") else 0)
        if at == len(self._text):
            raise BadListing(0, tr("the listing is empty"))
        while at < len(self._text):
            at = self._after_blank((yield from self._document(at)))

    def _document(self, at: int) -> _Walk:
        if self._text[at] == "{":
            return (yield from self._page(at))
        if self._text[at] == "[":
            return (yield from self._list(at))
        raise BadListing(at, tr("this is not what `aws ecr describe-images` prints: no JSON"))

    def _list(self, at: int) -> _Walk:
        """Entries between brackets; a page may stand for an entry."""
        at = self._after_blank(at + 1)
        if self._next(at) == "]":
            return at + 1
        while True:
            if _PAGE.match(self._text, at):
                at = yield from self._page(at)
            else:
                value, end = self._value(at)
                yield at, value
                at = end
            if another := _ANOTHER.match(self._text, at):
                at = another.end()
                continue
            at = self._after_blank(at)
            if self._next(at) == "]":
                return at + 1
            at = self._after_comma(at, "]")

    def _page(self, start: int) -> _Walk:
        """An object: a page with its list, or an entry by itself."""
        members: dict[str, Any] = {}
        at, is_page = self._after_blank(start + 1), False
        while self._next(at) != "}":
            name, at = self._name(at)
            if name == _LIST and self._next(at) == "[":
                is_page = True
                at = self._after_blank((yield from self._list(at)))
            else:
                members[name], at = self._value(at)
                at = self._after_blank(at)
            if self._next(at) != "}":
                at = self._after_comma(at, "}")
        if is_page:
            self.goes_on = any(members.get(name) for name in _TOKENS)
        elif "imageDigest" in members:
            yield start, members
        else:
            raise BadListing(start, tr("there is no list `imageDetails`"))
        return at + 1

    def _name(self, at: int) -> tuple[str, int]:
        """A member's name; the offset of its value."""
        if self._next(at) != '"':
            self._stop(at, tr("a name in double quotes is missing here"))
        name, at = self._value(at)
        at = self._after_blank(at)
        if self._next(at) != ":":
            self._stop(at, tr("a colon is missing here"))
        return name, self._after_blank(at + 1)

    def _after_comma(self, at: int, closing: str) -> int:
        """The offset of what follows a comma, which must not be the end."""
        if self._next(at) != ",":
            self._stop(at, tr("a comma is missing here"))
        behind = self._after_blank(at + 1)
        if self._next(behind) == closing:
            raise BadListing(at, tr("this is not JSON: a comma with nothing behind it"))
        return behind

    def _value(self, at: int) -> tuple[Any, int]:
        try:
            return self._decode(self._text, at)
        except json.JSONDecodeError as error:
            words = error.msg.lower()
            if words.startswith("unterminated string"):
                raise _cut_off(error.pos) from None
            self._stop(error.pos, words)
        except RecursionError:
            raise BadListing(at, tr("this is nested too deeply")) from None
        except ValueError as error:  # a number without end, or none at all
            raise BadListing(at, tr("this is not JSON: {why}", why=error)) from None

    def _stop(self, at: int, why: str) -> NoReturn:
        if self._after_blank(at) >= len(self._text):
            raise _cut_off(at)
        raise BadListing(at, tr("this is not JSON: {why}", why=why))

    def _next(self, at: int) -> str:
        return self._text[at : at + 1]

    def _after_blank(self, at: int) -> int:
        found = _BLANK.match(self._text, at)
        return found.end() if found else at


def _cut_off(at: int) -> BadListing:
    return BadListing(at, tr("the listing is cut off: it ends before its JSON does"))


def _no_number(word: str) -> NoReturn:
    raise ValueError(tr("{word} is no number", word=word))
