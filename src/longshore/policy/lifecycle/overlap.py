"""Tag patterns against each other: which tags do they share, which does one leave out. Pure.

Exact over all legal tags (`[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`), never by samples. A pattern is a
row of pieces, each one character of a set or any run of characters; the places in the row that a
text may have reached make an automaton. `find_tag` walks the automata of several patterns side by
side, shortest texts first, so that the tag which it gives is a proof and None is one too.

Once a run of any characters is reached, the places before it add nothing (whatever they match, the
run matches): dropping them keeps each automaton about as small as its pattern.

>>> includes("v*", "v1.*"), includes("v1.*", "v*")
(True, False)
>>> find_tag(["v*"], [["v1*"], ["v"]])
'v0'
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from functools import lru_cache

from longshore.errors import LongshoreError
from longshore.text import tr

Piece = frozenset[str] | None  # None: any run of characters
Shape = tuple[Piece, ...]
Pattern = str | Shape

LONGEST = 128
_FIRST = frozenset(string.ascii_letters + string.digits + "_")
_LEGAL = _FIRST | frozenset(".-")
_MOST_STATES = 200_000

HEX = frozenset("0123456789abcdef")
DIGIT = frozenset(string.digits)


class TooManyStates(LongshoreError):
    """The patterns are too many and too tangled to be compared exactly."""

    default_code = "lifecycle-too-tangled"

    def __init__(self) -> None:
        super().__init__(
            tr("the patterns are too tangled to be compared exactly"),
            tr("use fewer wildcards in one policy"),
        )


def shape(*parts: str | frozenset[str]) -> Shape:
    """A row of pieces: a pattern with wildcards as text, one character of a set as a set.

    >>> find_tag([shape("pr-", DIGIT, "*"), "*-7"])
    'pr-7'
    """
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, frozenset):
            pieces.append(part)
        else:
            pieces += [None if one == "*" else frozenset(one) for one in part]
    return tuple(pieces)


def find_tag(inside: Sequence[Pattern], outside: Iterable[Sequence[Pattern]] = ()) -> str | None:
    """A shortest legal tag that every pattern of `inside` matches and no group of `outside`.

    A group matches a tag when all of its patterns do. None: there is no such tag. Raises
    TooManyStates.
    """
    wanted = [_Automaton(_shape_of(one)) for one in inside]
    groups = [[_Automaton(_shape_of(one)) for one in group] for group in outside]
    return _Walk(wanted, groups).shortest()


@lru_cache(maxsize=4096)
def includes(wide: Pattern, narrow: Pattern) -> bool:
    """Whether `wide` matches every legal tag that `narrow` matches."""
    roomy = len(narrow) <= LONGEST // 2  # so that its runs can be anything
    if roomy and is_possible(narrow) and not _head(narrow).startswith(_head(wide)):
        return False  # some of its tags do not begin as all of the other's do
    return find_tag([narrow], [[wide]]) is None


@lru_cache(maxsize=4096)
def is_possible(pattern: Pattern) -> bool:
    """Whether any legal tag matches."""
    return find_tag([pattern]) is not None


@lru_cache(maxsize=4096)
def share(one: Pattern, other: Pattern) -> bool:
    """Whether any legal tag matches both."""
    first, second = sorted((_head(one), _head(other)), key=len)
    return second.startswith(first) and find_tag([one, other]) is not None


def _head(pattern: Pattern) -> str:
    """What all tags begin with, as far as it is plain text."""
    return pattern.partition("*")[0] if isinstance(pattern, str) else ""


def _shape_of(pattern: Pattern) -> Shape:
    return shape(pattern) if isinstance(pattern, str) else pattern


class _Automaton:
    """Which places of a pattern a text has reached, as bits; bit `end` is the whole pattern."""

    def __init__(self, pieces: Shape) -> None:
        self.pieces = pieces
        self.end = len(pieces)
        self.start = self._settled(1)
        self._known: dict[tuple[int, str], int] = {}

    def step(self, places: int, letter: str) -> int:
        """The places after one more letter; 0: nothing that goes on from here matches."""
        key = (places, letter)
        if key not in self._known:
            reached = 0
            for at, piece in enumerate(self.pieces):
                if places >> at & 1 and (piece is None or letter in piece):
                    reached |= 1 << (at if piece is None else at + 1)
            self._known[key] = self._settled(reached)
        return self._known[key]

    def accepts(self, places: int) -> bool:
        return bool(places >> self.end & 1)

    def accepts_all(self, places: int) -> bool:
        """Whether the text matches however it goes on."""
        return self.accepts(places) and bool(self.pieces) and self.pieces[-1] is None

    def _settled(self, places: int) -> int:
        """A run may be empty, so its end is reached with it; what lies before it is dropped."""
        for at, piece in enumerate(self.pieces):
            if piece is None and places >> at & 1:
                places = (places >> at << at) | 1 << (at + 1)
        return places


class _Walk:
    """All texts at once, shortest first; texts that reached the same places count as one."""

    def __init__(self, wanted: list[_Automaton], groups: list[list[_Automaton]]) -> None:
        self._wanted = wanted
        self._groups = groups
        self._all = [*wanted, *(one for group in groups for one in group)]
        self._letters = _letters(self._all)

    def shortest(self) -> str | None:
        start = tuple(one.start for one in self._all)
        seen: set[tuple[int, ...]] = set()  # the empty text is no tag, so not even the start
        layer = {start: ""}
        for length in range(LONGEST):
            following: dict[tuple[int, ...], str] = {}
            for state, text in layer.items():
                for letter in self._letters:
                    if length == 0 and letter not in _FIRST:
                        continue
                    after = self._step(state, letter)
                    if after is None or after in seen:
                        continue
                    if self._is_found(after):
                        return text + letter
                    seen.add(after)
                    following[after] = text + letter
            if len(seen) > _MOST_STATES:
                raise TooManyStates
            layer = following
        return None

    def _step(self, state: tuple[int, ...], letter: str) -> tuple[int, ...] | None:
        """The next state; None when no text that goes on from there can be the one."""
        after = tuple(
            one.step(places, letter) for one, places in zip(self._all, state, strict=True)
        )
        if not all(after[: len(self._wanted)]):
            return None
        at = len(self._wanted)
        for group in self._groups:
            pairs = zip(group, after[at : at + len(group)], strict=True)
            if all(one.accepts_all(places) for one, places in pairs):
                return None
            at += len(group)
        return after

    def _is_found(self, state: tuple[int, ...]) -> bool:
        at = len(self._wanted)
        if not all(
            one.accepts(places) for one, places in zip(self._wanted, state[:at], strict=True)
        ):
            return False
        for group in self._groups:
            pairs = zip(group, state[at : at + len(group)], strict=True)
            if all(one.accepts(places) for one, places in pairs):
                return False
            at += len(group)
        return True


def _letters(automata: Iterable[_Automaton]) -> list[str]:
    """One letter for each kind of letter that the patterns tell apart, good ones first."""
    sets = {piece for one in automata for piece in one.pieces if piece is not None}
    kinds: dict[tuple[bool, ...], str] = {}
    ordered = [*string.digits, *string.ascii_lowercase, *string.ascii_uppercase, *"_-."]
    for letter in ordered:
        kind = (letter in _FIRST, *(letter in one for one in sets))
        kinds.setdefault(kind, letter)
    return list(kinds.values())
