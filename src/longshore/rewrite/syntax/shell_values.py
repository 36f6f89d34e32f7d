"""What the words of a shell text become: variables filled in as far as the text tells. Pure.

Nothing is run. A variable is what was assigned last before its use; assignments that may be
skipped give several values. Loops and calls of the text's own functions are followed, one level
deep. What stays unknown is `OPEN`.
"""

from __future__ import annotations

import fnmatch
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.shell import Assignment, Loop, Shell, Word
from longshore.rewrite.syntax.shell_words import Part, Text, Unknown, Variable

_MAX_VALUES = 24
_MAX_DEPTH = 12
_MAX_STEPS = 600  # variables looked up for one word
_MAX_STEPS_IN_ALL, _FEW_STEPS = 20_000, 20  # for a whole text, and for a word after that
_FINDS_PROGRAM = re.compile(r"\s*(?:which|command\s+-v|type\s+-p|whereis)\s+([\w.-]+)")
_ITEM = re.compile(r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+")


@dataclass(frozen=True)
class Chunk:
    """Some characters of a value. `start` to `end` is where they stand in the word that is used;
    `source` where they are written literally (the same, or a definition); `place` is where it is
    reported instead (an item of a loop). `within` is its place in the used variable's definition.
    """

    text: str
    start: int
    end: int
    source: Span | None = None
    place: Span | None = None
    name: str = ""
    within: Span | None = None


Value = tuple[Chunk, ...]


def text_of(value: Value) -> str:
    """The value as one text."""
    return "".join(chunk.text for chunk in value)


@dataclass(frozen=True)
class Field:
    """One argument of a command after expansion. `values`: all it may be, the likeliest first.

    `loose`: an unquoted variable or substitution alone, that may be none or several arguments.
    """

    values: tuple[Value, ...]
    start: int
    end: int
    loose: bool = False

    @property
    def text(self) -> str:
        """The likeliest value."""
        return text_of(self.values[0]) if self.values else ""

    @property
    def names(self) -> list[str]:
        """The unknown variables in the likeliest value."""
        return [chunk.name for chunk in (self.values or ((),))[0] if chunk.name]

    def after(self, count: int) -> Field:
        """The field without the first characters of its value."""
        prefix = self.text[:count]
        kept = [_drop(one, count) for one in self.values if text_of(one).startswith(prefix)]
        kept = [one for one in kept if one]
        start = kept[0][0].start if kept else self.end
        return Field(tuple(kept), start, self.end)

    def only(self, wanted: Callable[[str], bool]) -> Field:
        """The field with those of its values that are wanted."""
        kept = tuple(value for value in self.values if wanted(text_of(value)))
        return replace(self, values=kept)

    def until(self, count: int) -> Field:
        """The field's first characters; only of its likeliest value."""
        kept = _take(self.values[0], count) if self.values else ()
        end = kept[-1].end if kept else self.start
        return Field((kept,) if kept else (), self.start, end)


def _drop(value: Value, count: int) -> Value:
    kept = list(value)
    while kept and count >= len(kept[0].text) and (count or kept[0].start == kept[0].end):
        count -= len(kept.pop(0).text)
    if kept and count:
        kept[0] = _cut(kept[0], count, len(kept[0].text))
    return tuple(kept)


def _take(value: Value, count: int) -> Value:
    kept: list[Chunk] = []
    for chunk in value:
        if count <= 0:
            break
        kept.append(_cut(chunk, 0, min(count, len(chunk.text))))
        count -= len(chunk.text)
    return tuple(kept)


def _cut(chunk: Chunk, first: int, last: int) -> Chunk:
    if (first, last) == (0, len(chunk.text)):
        return chunk
    text = chunk.text[first:last]
    start, end = chunk.start, chunk.end
    if end - start == len(chunk.text) and chunk.source == Span(start, end):
        start, end = start + first, start + last
    whole = len(chunk.text)
    return replace(
        chunk,
        text=text,
        start=start,
        end=end,
        source=_part_of(chunk.source, whole, first, last, exact=True),
        place=_part_of(chunk.place, whole, first, last),
        within=_part_of(chunk.within, whole, first, last),
    )


def _part_of(
    span: Span | None, whole: int, first: int, last: int, *, exact: bool = False
) -> Span | None:
    """The place of some of a chunk's characters; the whole place when it cannot be divided."""
    if span is not None and span.end - span.start == whole:
        return Span(span.start + first, span.start + last)
    return None if exact else span


@dataclass
class Values:
    """The variables of a shell text, and of the texts around it.

    `base` is where this text begins in the outermost one: chunks have positions there.
    """

    shell: Shell
    given: Mapping[str, str]
    base: int = 0
    outer: Values | None = None
    outer_at: int = 0
    arguments: tuple[tuple[Value, ...], ...] | None = None
    shifts: tuple[tuple[int, int], ...] = ()
    _busy: set[int] = field(default_factory=set)
    _by_name: dict[str, list[Assignment]] = field(default_factory=dict)
    _loops: dict[str, list[Loop]] = field(default_factory=dict)
    _ready: bool = False
    _steps: list[int] = field(default_factory=lambda: [0, 0])

    def __post_init__(self) -> None:
        if not self._ready:
            self._ready = True
            for one in [*self.shell.assignments, *_defaults_set(self.shell)]:
                self._by_name.setdefault(one.name, []).append(one)
            for many in self._by_name.values():
                many.sort(key=lambda one: one.start)
            for loop in self.shell.loops:
                self._loops.setdefault(loop.variable, []).append(loop)

    def called_with(
        self, arguments: tuple[tuple[Value, ...], ...], shifts: Sequence[tuple[int, int]]
    ) -> Values:
        """The same inside a function that is called with these; `shifts`: where it drops some."""
        return replace(self, arguments=arguments, shifts=tuple(shifts), _busy=set())

    def given_arguments(self, at: int) -> tuple[tuple[Value, ...], ...] | None:
        """The function's arguments that are left at an offset; None outside a function."""
        if self.arguments is None:
            return None
        return self.arguments[sum(count for start, count in self.shifts if start < at) :]

    def inside(self, shell: Shell, start: int, at: int) -> Values:
        """The variables of a script inside this one: `start` is its place in the outermost text,
        `at` where this text runs it."""
        left = self.given_arguments(at)
        return Values(shell, self.given, start, self, at, left, _steps=self._steps)

    def fields(self, words: Iterable[Word]) -> list[Field]:
        """The words of a command after expansion."""
        found: list[Field] = []
        for word in words:
            self._steps[0] = 0  # not in `field`: the items of a loop are read by it again
            found += self.field(word)
        return found

    def field(self, word: Word) -> list[Field]:
        """What a word becomes: usually one argument."""
        start, end = word.start + self.base, word.end + self.base
        if len(word.parts) == 1 and not isinstance(word.parts[0], Text):
            return self._lone(word, word.parts[0], start, end)
        values = self.expand(word.parts, word.start)
        return [Field(tuple(values), start, end)]

    def _lone(self, word: Word, part: Variable | Unknown, start: int, end: int) -> list[Field]:
        if isinstance(part, Variable) and (many := self._several(part, word.start)) is not None:
            return many
        values = self.expand((part,), word.start)
        many_unknown = isinstance(part, Variable) and "@" in {part.name, part.index}
        if part.quoted:
            return [Field(tuple(values), start, end, loose=many_unknown)]
        if not values or not text_of(values[0]):
            return [] if values else [Field((), start, end, loose=True)]
        if any(sign.isspace() for sign in text_of(values[0])):
            return _split(values[0], start, end)
        return [Field(tuple(values), start, end, loose=OPEN in text_of(values[0]))]

    def _several(self, part: Variable, at: int) -> list[Field] | None:
        """`"$@"` and `"${array[@]}"`: one argument for each item."""
        left = self.given_arguments(at)
        if part.name in {"@", "*"} and left is not None:
            return [_placed(values, part, self.base) for values in left]
        if part.index not in {"@", "*"}:
            return None
        words = self._items(part.name, at)
        if words is None:
            return None
        return [
            _placed(tuple(self.expand(word.parts, word.start)), part, self.base) for word in words
        ]

    def _items(self, name: str, at: int) -> list[Word] | None:
        """The words of an array, with what was appended to it."""
        found: list[Word] | None = None
        for one in self._by_name.get(name, ()):
            if one.items is not None and (one.append or found is None or not one.conditional):
                found = [*(found or []), *one.items] if one.append else list(one.items)
        return found

    def expand(self, parts: Iterable[Part], at: int, depth: int = 0) -> list[Value]:
        """All values of a word at an offset, the likeliest first."""
        made: list[list[Chunk]] = [[]]
        for part in parts:
            more = self._part(part, at, depth)
            if len(more) == 1:
                for left in made:
                    left.extend(more[0])
            else:
                made = [[*left, *right] for left in made for right in more][:_MAX_VALUES]
        return [tuple(one) for one in made]

    def _part(self, part: Part, at: int, depth: int) -> list[Value]:
        start, end = part.start + self.base, part.end + self.base
        if isinstance(part, Text):
            here = Span(start, end) if end - start == len(part.text) else None
            return [(Chunk(part.text, start, end, here),)]
        if isinstance(part, Unknown):
            found = _FINDS_PROGRAM.match(part.inner)
            said = found[1] if found else OPEN
            return [(Chunk(said, start, end, name="" if found else f"$({part.inner})"),)]
        values = self._variable(part, at, depth) if depth < _MAX_DEPTH else []
        if not values:
            return [(Chunk(OPEN, start, end, name=part.name),)]
        nothing = (Chunk("", start, end),)
        return [
            tuple(
                replace(one, start=start, end=end, within=Span(one.start, one.end)) for one in value
            )
            or nothing
            for value in values
        ]

    def _variable(self, part: Variable, at: int, depth: int) -> list[Value]:
        self._steps[0] += 1
        self._steps[1] += 1
        if self._steps[0] > (_MAX_STEPS if self._steps[1] < _MAX_STEPS_IN_ALL else _FEW_STEPS):
            return []
        known = self.lookup(part.name, at, depth)
        operator = part.operator
        if operator in {"", "{{", ":?", "?"}:
            return known
        if operator in {":-", "-", ":=", "="}:
            known = [one for one in known if text_of(one) or operator in {"-", "="}]
            settled = [one for one in known if OPEN not in text_of(one)]
            return settled or self.expand(part.argument, at, depth + 1) or known
        if operator in {":+", "+"}:
            return self.expand(part.argument, at, depth + 1)
        return _changed(known, operator, part.argument, self, at, depth)

    def command_in(self, one: Assignment) -> list[Field]:
        """A variable's value as the arguments of a command, each where it is written."""
        if one.value is None:
            return []
        values = self.expand(one.value.parts, one.value.start)
        if not values or not text_of(values[0]).strip():
            return []
        value = tuple(replace(chunk, within=Span(chunk.start, chunk.end)) for chunk in values[0])
        return _split(value, one.value.start + self.base, one.value.end + self.base)

    def lookup(self, name: str, at: int, depth: int = 0) -> list[Value]:
        """What a variable may hold at an offset of this text; empty when unknown."""
        left = self.given_arguments(at) if name.isdecimal() and len(name) < 4 else None
        if left is not None:
            index = int(name) - 1
            return list(left[index]) if 0 <= index < len(left) else [()]
        for loop in reversed(self._loops.get(name, ())):
            if loop.body_start <= at < loop.end and loop.items:
                return self._taken(loop, depth)
        found = self._assigned(name, at, depth)
        if found:
            return found
        if self.outer is not None:
            return self.outer.lookup(name, self.outer_at, depth + 1)
        said = self.given.get(name)
        if said is None and name.startswith("env."):
            return self.lookup(name[4:], at, depth + 1)
        return [] if said is None else [(Chunk(said, 0, 0),)]

    def _taken(self, loop: Loop, depth: int) -> list[Value]:
        """What a loop's variable takes, each at its own place."""
        found: list[Value] = []
        for word in loop.items[: 4 * _MAX_VALUES]:
            for one in self.field(word) if depth < _MAX_DEPTH else ():
                found += at_own_place(one)
        return found

    def _assigned(self, name: str, at: int, depth: int) -> list[Value]:
        chosen = self._chosen(name, at)
        found: list[Value] = []
        for one in chosen:
            if one.start in self._busy or one.value is None:
                continue
            self._busy.add(one.start)
            values = self.expand(one.value.parts, one.value.start, depth + 1)
            found = self._appended(found, values) if one.append else found + values
            self._busy.discard(one.start)
        said = [one for one in found if text_of(one)]
        if said and all(text_of(one).endswith("/") for one in said):
            maybe = all(one.conditional and not one.append for one in chosen)
            if maybe or len(said) < len(found):
                return [*dict.fromkeys(said[: _MAX_VALUES - 1]), ()]  # a prefix, or none
        settled = [one for one in said if OPEN not in text_of(one)]
        return list(dict.fromkeys(settled or found))[:_MAX_VALUES]

    def _chosen(self, name: str, at: int) -> list[Assignment]:
        """The assignments that count at an offset: the last one before, and what may follow it."""
        every = self._by_name.get(name, [])
        index = bisect_left(every, at, key=lambda one: one.start)
        chosen: list[Assignment] = []
        for one in reversed(every[max(0, index - _MAX_VALUES) : index]):
            if one.end > at:
                continue  # the use stands in its own value
            chosen.append(one)
            if not one.conditional and not one.append:
                break
        return chosen[::-1] or every[index : index + _MAX_VALUES]

    @staticmethod
    def _appended(found: list[Value], values: list[Value]) -> list[Value]:
        return [(*left, *right) for left in found or [()] for right in values][:_MAX_VALUES]


def _defaults_set(shell: Shell) -> list[Assignment]:
    """`: "${NAME:=value}"` gives NAME a value."""
    found: list[Assignment] = []
    for command in shell.commands:
        for word in command.words:
            for part in word.parts:
                if isinstance(part, Variable) and part.operator in {":=", "="}:
                    value = Word(part.start, part.end, "", part.argument)
                    found.append(Assignment(part.name, part.start, part.end, value))
    return found


def at_own_place(one: Field) -> tuple[Value, ...]:
    """The values of an argument, to be reported there and not where a variable hands them on."""
    return tuple(
        tuple(replace(chunk, place=chunk.place or Span(chunk.start, chunk.end)) for chunk in value)
        for value in one.values
    )


def _placed(values: tuple[Value, ...], part: Variable, base: int) -> Field:
    """An item of an array, used in `part`, reported where the item stands."""
    start, end = part.start + base, part.end + base
    own = at_own_place(Field(values, start, end))
    return Field(
        tuple(tuple(replace(one, start=start, end=end) for one in value) for value in own),
        start,
        end,
    )


def _split(value: Value, start: int, end: int) -> list[Field]:
    """A value with blanks, unquoted: several arguments, quotes in it respected."""
    text = text_of(value)
    found: list[Field] = []
    for item in _ITEM.finditer(text):
        first, last = item.span()
        if item[0][0] in "'\"" and item[0][-1] == item[0][0] and last - first > 1:
            first, last = first + 1, last - 1
        part = _take(_drop(value, first), last - first)
        found.append(Field((_in_definition(part),), start, end))
    return found


def _in_definition(value: Value) -> Value:
    """An argument that a variable's value holds is reported where that value is written."""
    return tuple(replace(chunk, place=chunk.place or chunk.within) for chunk in value)


def _changed(
    known: list[Value],
    operator: str,
    argument: tuple[Part, ...],
    values: Values,
    at: int,
    depth: int,
) -> list[Value]:
    """`${X%pattern}` and its like, as far as pattern and value are known."""
    said = values.expand(argument, at, depth + 1)
    pattern = text_of(said[0]) if said else ""
    found: list[Value] = []
    for value in known:
        text = text_of(value)
        made = None if OPEN in text + pattern else _edit(text, operator, pattern)
        if made is not None:
            found.append((Chunk(made, 0, 0),))
    return found


def _edit(text: str, operator: str, pattern: str) -> str | None:
    if operator in {"%", "%%", "#", "##"}:
        cuts: Iterable[int] = range(len(text) + 1)
        cuts = cuts if operator in {"#", "%%"} else reversed(list(cuts))
        for cut in cuts if len(text) < 500 else ():
            part = text[:cut] if operator[0] == "#" else text[cut:]
            if fnmatch.fnmatchcase(part, pattern):
                return text[cut:] if operator[0] == "#" else text[:cut]
        return text
    if operator in {"/", "//"}:
        old, _, new = pattern.partition("/")
        if not old or any(sign in old for sign in "*?["):
            return None
        return text.replace(old, new, -1 if operator == "//" else 1)
    if operator in {",", ",,"}:
        return text.lower()
    return None
