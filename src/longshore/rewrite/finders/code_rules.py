"""Rules for program text: in which calls and fields a string is an image. Pure.

A rule belongs to a kind; it counts only in files that mention what the kind is about (`marks`), so
that an `image=` anywhere else means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from longshore.rewrite.finders.code_values import Program, Reading, readings
from longshore.rewrite.finders.readings import Value, is_certain, mention
from longshore.rewrite.mentions import OPEN, Mention, Piece, Pulled, Role
from longshore.rewrite.source import Span

_VERSION = re.compile(r"v?\d[\w.+-]*\Z")
_WORD = re.compile(r"[a-z0-9][a-z0-9._/-]*\Z")
# Names that tests make up; nobody publishes them.
_MADE_UP = re.compile(
    r"(?:my|test|fake|foo|bar|baz|unknown|some|dummy|invalid|nonexistent|does-not-exist|image|img)"
    r"(?:[-_]?(?:image|img|name|repo))?\d*(?::\w+)?\Z"
)
_NAMED = ("=", ":", "=>")


@dataclass(frozen=True)
class CallRule:
    """`name(…, image, …)`: the image is the argument of this number, or of one of these names.

    `path` is searched for in what stands before the name; `new` wants that word before it. `bare`:
    a name without tag, slash or registry is an image here. `tag`: the argument that holds the tag.
    """

    name: re.Pattern[str]
    path: re.Pattern[str] | None = None
    argument: int | None = 0
    keywords: tuple[str, ...] = ("image",)
    bare: bool = True
    new: bool = False
    tag: int | None = None
    tag_keywords: tuple[str, ...] = ()
    role: Role = "pull"
    within: re.Pattern[str] | None = None
    not_within: re.Pattern[str] | None = None
    certain: bool = False


@dataclass(frozen=True)
class FieldRule:
    """`Image: "x"`, `image = "x"`, `"image": "x"` inside a bracket whose head matches `within`.

    `beside` are other fields of the same bracket that say as much. `certain`: only what can be
    nothing but an image. `prefix` stands before the image and is no part of it.
    """

    name: re.Pattern[str]
    within: re.Pattern[str]
    beside: frozenset[str] = frozenset()
    certain: bool = False
    prefix: str = ""
    tag_name: str = ""
    bare: bool = True
    not_within: re.Pattern[str] | None = None
    role: Role = "pull"


@dataclass(frozen=True)
class CodeKind:
    """One kind of code, the languages it is written in, and its rules.

    A file is of this kind if it holds `marks`; `needs` is what one of its rules must find in it.
    """

    kind: str
    pulled: Pulled
    marks: re.Pattern[str]
    calls: tuple[CallRule, ...] = ()
    fields: tuple[FieldRule, ...] = ()
    languages: frozenset[str] = field(default=frozenset())
    needs: re.Pattern[str] | None = None

    def covers(self, language: str, text: str) -> bool:
        """Whether a text in this language is of this kind."""
        if self.languages and language not in self.languages:
            return False
        if self.marks.search(text) is None:
            return False
        return self.needs is None or self.needs.search(text) is not None


def rule(name: str) -> re.Pattern[str]:
    """A pattern for a whole name."""
    return re.compile(rf"(?:{name})\Z")


def mentions_of(kind: CodeKind, code: Program) -> Iterator[Mention]:
    """What the rules of a kind find in a file."""
    if kind.calls:
        for at, opening in code.code.calls:
            name = code.code.tokens[at].text
            for one in kind.calls:
                if one.name.match(name) and _fits(one, code, at):
                    yield from _call(kind, one, code, opening)
    for one_field in kind.fields:
        yield from _fields(kind, one_field, code)


def _fits(one: CallRule, code: Program, at: int) -> bool:
    if one.new and not _is_new(code, at):
        return False
    if one.path is not None and not one.path.search(code.code.path(at)):
        return False
    if one.within is None and one.not_within is None:
        return True
    head = heads(code, at)
    if one.not_within is not None and one.not_within.search(head):
        return False
    return one.within is None or one.within.search(head) is not None


def _is_new(code: Program, at: int) -> bool:
    while code.code.word(at - 1) in (".", "::", "\\") and at > 1:
        at -= 2
    return code.code.word(at - 1) == "new"


def heads(code: Program, at: int, most: int = 12) -> str:
    """What stands before the brackets around a token, from the inside out: `image:|containers:`."""
    found: list[str] = []
    index = code.code.within[at] if at < len(code.code.within) else -1
    while index >= 0 and len(found) < most:
        if index not in code.heads:
            code.heads[index] = _head(code, index)
        found.append(code.heads[index])
        index = code.code.within[index]
    return "|".join(found)


def _head(code: Program, opening: int) -> str:
    """The call, type or key that a bracket belongs to."""
    at = opening - 1
    words: list[str] = []
    while at >= 0 and len(words) < 6:
        token = code.code.tokens[at]
        if token.kind == "mark" and token.text not in (
            ".",
            ":",
            "=",
            "::",
            "&",
            "=>",
            ">",
            "<",
            "]",
        ):
            break
        if token.kind == "mark" and token.text in ("]", ">") and words:
            break
        apart = words and token.kind == "word" and words[-1][:1].isalnum()
        words.append(token.text + " " if apart else token.text)
        at -= 1
    return "".join(reversed(words))


def arguments(
    code: Program, opening: int
) -> tuple[list[tuple[int, int]], dict[str, tuple[int, int]]]:
    """The arguments of a call by number, and by name."""
    plain, named = [], {}
    for start, end in code.code.parts(opening):
        if end - start > 2 and code.code.word(start + 1) in _NAMED:
            token = code.code.tokens[start]
            if token.kind != "mark":
                named[token.text] = (start + 2, end)
                continue
        if start < end:
            plain.append((start, end))
    return plain, named


def _call(kind: CodeKind, one: CallRule, code: Program, opening: int) -> Iterator[Mention]:
    plain, named = arguments(code, opening)
    place = next((named[name] for name in one.keywords if name in named), None)
    if place is None and one.argument is not None and one.argument < len(plain):
        if one.argument == 0 and named and code.code.language.name == "csharp" and not plain:
            return
        place = plain[one.argument]
    if place is None:
        return
    tag = next((named[name] for name in one.tag_keywords if name in named), None)
    if tag is None and one.tag is not None and one.tag < len(plain):
        tag = plain[one.tag]
    if tag is None:
        tag = _with_tag(code, opening)
    yield from _made(kind, code, one, place, tag)


def _with_tag(code: Program, opening: int) -> tuple[int, int] | None:
    """The argument of `.withTag(…)` right behind a call."""
    at = code.code.pairs[opening] + 1
    if at > 0 and code.code.word(at) == "." and code.code.word(at + 1).lower() == "withtag":
        return next(code.code.parts(at + 2), None) if code.code.word(at + 2) == "(" else None
    return None


def _fields(kind: CodeKind, one: FieldRule, code: Program) -> Iterator[Mention]:
    for at, token in enumerate(code.code.tokens):
        if token.kind == "mark" or not one.name.match(token.text):
            continue
        if code.code.word(at + 1) not in _NAMED:
            continue
        head = heads(code, at)
        if one.not_within is not None and one.not_within.search(head):
            continue
        if not one.within.search(head) and not _is_beside(code, at, one.beside):
            continue
        tag = _sibling(code, at, one.tag_name) if one.tag_name else None
        place = (at + 2, code.code.end_of_value(at + 2))
        for found in _made(kind, code, one, place, tag):
            yield shifted(found, len(one.prefix)) if one.prefix else found


def _is_beside(code: Program, at: int, names: frozenset[str]) -> bool:
    """Whether the same bracket has a field of one of these names."""
    around = code.code.within[at]
    if not names or around < 0:
        return False
    return any(code.code.tokens[start].text in names for start, _ in code.code.parts(around))


def _sibling(code: Program, at: int, name: str) -> tuple[int, int] | None:
    """The value of another field of the same bracket."""
    around = code.code.within[at]
    if around < 0:
        return None
    for start, end in code.code.parts(around):
        if code.code.tokens[start].text == name and code.code.word(start + 1) in _NAMED:
            return start + 2, end
    return None


def _made(
    kind: CodeKind,
    code: Program,
    rule: CallRule | FieldRule,
    place: tuple[int, int],
    tag: tuple[int, int] | None,
) -> Iterator[Mention]:
    prefix = rule.prefix if isinstance(rule, FieldRule) else ""
    for one in readings(code, *place):
        reading = _tagged(code, one, tag) if tag is not None else one
        text = reading.value.text
        if not text.startswith(prefix) or not code.file.cut(reading.span).startswith(prefix):
            continue
        bare = replace(reading.value, text=text[len(prefix) :])
        if is_image(bare, rule.bare, rule.certain):
            yield mention(code.file, kind.kind, reading.span, reading.value, rule.role, kind.pulled)


def _tagged(code: Program, one: Reading, tag: tuple[int, int]) -> Reading:
    found = readings(code, *tag)
    path = code.file.path
    if not found or ":" in one.value.text.rpartition("/")[2] or "@" in one.value.text:
        return one
    known = found[0].value.text if len(found) == 1 else OPEN
    if not known:
        return one
    pieces = one.value.pieces or (Piece(path, one.span, code.file.cut(one.span)),)
    pieces = tuple(replace(piece, part="repository") for piece in pieces[:1])
    if len(found) == 1:
        pieces += (Piece(path, found[0].span, code.file.cut(found[0].span), "tag"),)
    return Reading(one.span, replace(one.value, text=f"{one.value.text}:{known}", pieces=pieces))


def is_image(value: Value, bare: bool, certain: bool = False) -> bool:
    """Whether a value of an image's place may be one: no version, path, URL or class name."""
    text = value.text.removeprefix("docker://")
    if not value.known or _VERSION.match(text) or text.startswith((".", "/", "~")):
        return False
    if _MADE_UP.match(text):
        return False
    if "://" in text or any(sign.isspace() for sign in text) or text.endswith((".", "/", "-")):
        return False
    if is_certain(text) or (OPEN in text and ":" in text):
        return True
    if certain:
        return False
    if OPEN in text:
        return not text.startswith(OPEN)
    return _WORD.match(text) is not None and (bare or "/" in text)


def shifted(found: Mention, by: int) -> Mention:
    """The mention without its first characters (a scheme)."""
    span = Span(found.span.start + by, found.span.end)
    value = None if found.value is None else found.value[by:]
    return replace(found, span=span, text=found.text[by:], value=value)
