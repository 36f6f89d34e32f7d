"""What an expression of a program names: literals, constants of the file, joined texts. Pure.

Only what the file itself shows is filled in: a constant with one plain value, `"redis:" + TAG`,
`f"redis:{TAG}"`, the default of an environment variable. The rest is OPEN.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from longshore.rewrite.finders.readings import Value
from longshore.rewrite.mentions import OPEN, Part, Piece
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.program_text import Code, Token, code_of

_MAX_DEPTH = 8
_CHOICES = ("||", "??", "?:", "or")
_WRAPPERS = {
    *("parse", "String", "from", "of", "toString", "StringValue", "StringPtr", "strPtr", "ptr"),
    *("Some", "Ok", "into", "DockerImageName", "output", "Output", "str", "to_string", "Ptr"),
    *("RemoteDockerImage", "fromRegistry", "from_registry", "unwrap", "nonNull", "requireNonNull"),
}
_FORMATS = {"format", "Sprintf", "sprintf", "formatted", "Format", "interpolate", "concat"}
_DEFAULTS = {
    *("getenv", "get", "getProperty", "getOrDefault", "env", "GetEnv", "Getenv", "getEnv", "fetch"),
    *("GetEnvironmentVariable", "get_env", "GetValue", "environ", "envOr", "getEnvOrDefault"),
    *("Get", "config", "coalesce", "getOrElse", "EnvOr", "GetEnvDefault", "EnvDefault", "require"),
    *("try_get_context", "tryGetContext", "get_string", "system_env", "unwrap_or", "orElse"),
}
_PRINTF = re.compile(r"%(?:%|\([\w.]+\)[a-z]|[-+ 0#]*\d*(?:\.\d+)?[a-zA-Z])")
_BRACED = re.compile(r"\{[^{}]*\}")
_BEFORE = {"new", "await", "const", "return", "yield", "&", "*", "!"}
_LONGEST = 2000
_MOST_TOKENS = 200_000
_DEFINING = {"def", "fun", "func", "function", "fn", "constructor", "const", "var", "with"}
_OWNERS = {"this", "self", "Self", "cls", "companion", "Companion", "static", "$this", "super"}


@dataclass(frozen=True)
class Reading:
    """A value, and the characters that stand for it."""

    span: Span
    value: Value


@dataclass(frozen=True, eq=False)
class Program:
    """A file's code, and the values of its names."""

    file: SourceFile
    code: Code

    @cached_property
    def names(self) -> dict[str, list[int]]:
        """For each name the indexes where values begin that are given to it, in order."""
        found: dict[str, list[int]] = {}
        tokens = self.code.tokens
        for at in range(1, len(tokens) - 1):
            sign = tokens[at]
            if sign.kind == "mark" and sign.text in ("=", ":=") and self._is_definition(at):
                name = self._assigned(at)
                if name:
                    found.setdefault(name, []).append(at + 1)
        return found

    def _is_definition(self, at: int) -> bool:
        """Whether `=` gives a name a value: not in a call's arguments (`run(image=…)`)."""
        opening = self.code.within[at]
        if opening < 0 or self.code.word(opening) != "(":
            return True
        before = {self.code.word(opening - 1), self.code.word(opening - 2)}
        after = self.code.word(self.code.pairs[opening] + 1) if self.code.pairs[opening] > 0 else ""
        return bool(before & _DEFINING) or after in ("{", ":", "->", "=>")

    def _assigned(self, at: int) -> str:
        """The name before `=`: `IMAGE =`, `IMAGE: &str =`, `image: String =`."""
        code, before = self.code, self.code.tokens[at - 1]
        if before.kind == "word" and code.word(at - 2) not in (":", "&", "static", "mut"):
            return before.text
        for index in range(at - 1, max(at - 12, 0), -1):
            sign = code.word(index)
            if sign == ":" and code.tokens[index - 1].kind == "word":
                return code.tokens[index - 1].text
            if sign in (",", "(", ")", ";", "{", "}", "=", ""):
                break
        return before.text if before.kind == "word" else ""

    @cached_property
    def _given(self) -> dict[int, list[Reading]]:
        return {}

    @cached_property
    def heads(self) -> dict[int, str]:
        """For each bracket what stands before it, once it was asked for."""
        return {}

    @cached_property
    def _spent(self) -> list[int]:
        return [0]

    def may_spend(self, tokens: int) -> bool:
        """Whether so many tokens may still be read; what nests without end is given up."""
        self._spent[0] += tokens
        return self._spent[0] < _MOST_TOKENS + 4 * len(self.code.tokens)

    def value_of(self, name: str, before: int) -> list[Reading]:
        """What was given to a name last before an index; else what is given to it first."""
        starts = self.names.get(name, [])
        after = bisect_right(starts, before)
        if not starts:
            return []
        start = starts[max(after - 1, 0)]
        if start not in self._given:
            self._given[start] = []  # what refers to itself is not known
            self._given[start] = readings(self, start, self.code.end_of_value(start), 1)
        return self._given[start]


def program(file: SourceFile, language: str) -> Program:
    """A file's program, read once."""
    made = code_of(file, language)
    return file.once(("program", language), lambda one: Program(one, made))


def readings(code: Program, start: int, end: int, depth: int = 0) -> list[Reading]:
    """What a range of tokens can name; empty when it is nothing that can be told."""
    start, end = _bare(code, start, end)
    if start >= end or depth > _MAX_DEPTH or end - start > 400 or not code.may_spend(end - start):
        return []
    choices = _choices(code, start, end)
    if len(choices) > 1:
        found = [one for a, b in choices for one in readings(code, a, b, depth + 1)]
        return [one for one in found if one.value.known]
    sums = _split(code, start, end, ("+", "<>", "++") if end - start > 1 else ())
    if len(sums) > 1:
        return [_sum(code, sums, depth)]
    return _single(code, start, end, depth)


def _bare(code: Program, start: int, end: int) -> tuple[int, int]:
    """Without `&`, `new`, `await` before and brackets around."""
    tokens, pairs = code.code.tokens, code.code.pairs
    while start < end:
        one = tokens[start]
        if one.kind in ("word", "mark") and one.text in _BEFORE:
            start += 1
        elif one.kind == "mark" and one.text == "(" and pairs[start] == end - 1:
            start, end = start + 1, end - 1
        else:
            break
    return start, end


def _choices(code: Program, start: int, end: int) -> list[tuple[int, int]]:
    """The branches of `a || "x"`, `a ? "x" : "y"`, `"x" if a else "y"`."""
    question = _find(code, start, end, ("?",))
    if question is not None:
        colon = _find(code, question + 1, end, (":",))
        if colon is not None:
            return [(question + 1, colon), (colon + 1, end)]
    condition = _find(code, start, end, ("if",))
    otherwise = _find(code, start, end, ("else",))
    if otherwise is not None and condition is not None and condition < otherwise:
        if condition > start:
            return [(start, condition), (otherwise + 1, end)]
        close = code.code.pairs[condition + 1] if condition + 1 < end else -1
        if close > 0:
            return [(close + 1, otherwise), (otherwise + 1, end)]
    return _split(code, start, end, _CHOICES)


def _level(code: Program, start: int, end: int) -> Iterator[int]:
    """The indexes of a range that stand in no bracket of it."""
    at = start
    while at < end:
        one = code.code.tokens[at]
        yield at
        if one.kind == "mark" and one.text in ("(", "[", "{") and code.code.pairs[at] > at:
            at = code.code.pairs[at]
        at += 1


def _find(code: Program, start: int, end: int, signs: tuple[str, ...]) -> int | None:
    return next((at for at in _level(code, start, end) if code.code.word(at) in signs), None)


def _split(code: Program, start: int, end: int, signs: tuple[str, ...]) -> list[tuple[int, int]]:
    found, first = [], start
    for at in _level(code, start, end) if signs else ():
        if code.code.word(at) in signs:
            found.append((first, at))
            first = at + 1
    return [*found, (first, end)]


def _sum(code: Program, ranges: list[tuple[int, int]], depth: int) -> Reading:
    """Texts that are joined: the place is the whole expression."""
    made = Value("")
    for start, end in ranges:
        found = readings(code, start, end, depth + 1)
        one = found[0] if len(found) == 1 else None
        value = one.value if one is not None else Value(OPEN, missing=(_said(code, start, end),))
        pieces = made.pieces
        if not made.text and one is not None:
            pieces = _first_pieces(code, one)
        made = Value(
            made.text + value.text if len(made.text) < _LONGEST else made.text,
            pieces,
            made.missing + value.missing,
            made.used + value.used,
        )
    return Reading(_span(code, ranges[0][0], ranges[-1][1]), made)


def _first_pieces(code: Program, one: Reading) -> tuple[Piece, ...]:
    """Where the name is to be edited, when the first of the joined texts holds it."""
    if one.value.pieces:
        return tuple(replace(piece, part="repository") for piece in one.value.pieces[:1])
    name = one.value.text.rstrip(":@")
    if not name or OPEN in name:
        return ()
    part: Part = "registry" if name.endswith("/") else "repository"
    name = name.rstrip("/")
    span = Span(one.span.start, one.span.start + len(name))
    return (Piece(code.file.path, span, name, part),)


def _single(code: Program, start: int, end: int, depth: int) -> list[Reading]:
    one = code.code.tokens[start]
    if one.kind == "string":
        return _literal(code, start, end)
    if one.kind != "word":
        return []
    last, name = _chain(code, start, end)
    if last is None:
        return _named(code, start, end, depth)
    opening = code.code.after_type(last + 1)
    return _called(code, name, start, opening, end, depth)


def _literal(code: Program, start: int, end: int) -> list[Reading]:
    token = code.code.tokens[start]
    span = Span(token.start, token.end)
    value = filled(code, token, start)
    at = start + 1
    while at < end and code.code.tokens[at].kind == "string":
        other = code.code.tokens[at]
        value = Value(value.text + filled(code, other, at).text, value.pieces, value.missing)
        span, at = Span(span.start, other.end), at + 1
    rest = code.code.word(at) if at < end else ""
    if rest == "%":
        return [Reading(span, replace(value, text=_opened(value.text, _PRINTF)))]
    if rest == "." and code.code.word(at + 1) in ("format", "formatted"):
        text = _opened(_opened(value.text, _PRINTF), _BRACED)
        return [Reading(span, replace(value, text=text))]
    return [Reading(span, value)]


def filled(code: Program, token: Token, at: int) -> Value:
    """A string with the names in it filled in."""
    language = code.code.language
    if language.holes is None or not language.fills(token.opening):
        return Value(token.text)
    made, last = Value(""), 0
    for found in language.holes.finditer(token.text):
        groups = found.groupdict()
        inside = groups.get("braced") or groups.get("plain")
        one = Value(found[0][0]) if inside is None else _hole(code, inside, at)
        pieces = made.pieces
        if found.start() == 0 and one.pieces:
            after = token.text[found.end() : found.end() + 1]
            part: Part = "registry" if after == "/" else "repository" if after else "reference"
            pieces = (replace(one.pieces[0], part=part),)
        text = made.text + token.text[last : found.start()] + one.text
        made = Value(text, pieces, made.missing + one.missing, made.used + one.used)
        last = found.end()
    return replace(made, text=made.text + token.text[last:])


def _hole(code: Program, inside: str, at: int) -> Value:
    name = inside.strip().rpartition(".")[2]
    owner = inside.strip().rpartition(".")[0]
    if not re.fullmatch(r"[A-Za-z_]\w*", name) or (owner and owner not in _OWNERS):
        return Value(OPEN, missing=(inside.strip(),))
    found = code.value_of(name, at) if at > 0 else []
    if len(found) != 1:
        return Value(OPEN, missing=(inside.strip(),))
    return _defined(code, found[0])


def _opened(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda found: "%" if found[0] == "%%" else OPEN, text)


def _chain(code: Program, start: int, end: int) -> tuple[int | None, str]:
    """The index and name of the first call of `a.b.c(…)`; None when there is none."""
    at = start
    while at < end:
        if code.code.tokens[at].kind != "word":
            return None, ""
        opening = code.code.after_type(at + 1)
        if code.code.word(opening) == "(" and opening < end:
            return at, code.code.tokens[at].text
        if code.code.word(at + 1) not in (".", "::", "?.", "->"):
            return None, ""
        at += 2
    return None, ""


def _called(
    code: Program, name: str, start: int, opening: int, end: int, depth: int
) -> list[Reading]:
    parts = list(code.code.parts(opening))
    after = code.code.pairs[opening] + 1
    if name in _FORMATS and parts:
        found = [one for a, b in parts[:2] for one in readings(code, a, b, depth + 1)][:1]
        return [_reformatted(one) for one in found]
    if name in _DEFAULTS and len(parts) > 1:
        return readings(code, *parts[-1], depth + 1)
    if name in _WRAPPERS and parts:
        return _with_tag(code, readings(code, *parts[0], depth + 1), after, end, depth)
    follower = code.code.word(after + 1) if code.code.word(after) in (".", "?.") else ""
    if follower in _DEFAULTS:
        return _called(code, follower, start, code.code.after_type(after + 2), end, depth + 1)
    return []


def _with_tag(
    code: Program, found: list[Reading], after: int, end: int, depth: int
) -> list[Reading]:
    """`parse("postgres").withTag("15")`."""
    while after + 2 < end and code.code.word(after) == "." and code.code.word(after + 2) == "(":
        name = code.code.word(after + 1)
        parts = list(code.code.parts(after + 2))
        if name == "withTag" and parts and len(found) == 1:
            tags = readings(code, *parts[0], depth + 1)
            tag = tags[0].value.text if len(tags) == 1 else OPEN
            one = found[0]
            place = Piece(code.file.path, one.span, code.file.cut(one.span), "repository")
            text = f"{one.value.text.partition(':')[0]}:{tag}"
            pieces = one.value.pieces or (place,)
            found = [replace(one, value=replace(one.value, text=text, pieces=pieces))]
        after = code.code.pairs[after + 2] + 1
        if after <= 0:
            break
    return found


def _reformatted(one: Reading) -> Reading:
    text = _opened(one.value.text, _PRINTF)
    return replace(one, value=replace(one.value, text=_opened(text, _BRACED)))


def _named(code: Program, start: int, end: int, depth: int) -> list[Reading]:
    """A constant of the file, or `${name}` alone."""
    at = end - 1
    owner = code.code.word(start) if at > start else ""
    if code.code.tokens[at].kind != "word" or end - start > 5:
        return []
    if owner and owner not in _OWNERS and not owner[:1].isupper():
        return []
    known = code.value_of(code.code.tokens[at].text, start - 1) if depth < _MAX_DEPTH else []
    span = _span(code, start, end)
    return [Reading(span, _defined(code, one)) for one in known]


def _defined(code: Program, one: Reading) -> Value:
    """The value of a name: the place to edit is where it is given."""
    pieces = one.value.pieces
    if not pieces and OPEN not in one.value.text and code.file.cut(one.span) == one.value.text:
        pieces = (Piece(code.file.path, one.span, one.value.text),)
    used = (*one.value.used, (code.file.path, one.span))
    return replace(one.value, pieces=pieces, used=used)


def _span(code: Program, start: int, end: int) -> Span:
    first, last = code.code.tokens[start], code.code.tokens[end - 1]
    begin = first.start - len(first.opening) if first.kind == "string" else first.start
    stop = last.end
    if last.kind == "string":
        stop += len(last.opening.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ$@#"))
    return Span(begin, min(stop, len(code.file.text)))


def _said(code: Program, start: int, end: int) -> str:
    return code.file.cut(_span(code, start, end))[:80] if start < end else ""
