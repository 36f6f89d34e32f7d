"""Program text as tokens: words, strings, brackets, each with its place; comments are gone. Pure.

Not a parser: enough to see that a string is the first argument of a call, or the value of a field.
One regular expression per language reads from left to right and never goes back.

>>> code = lex('new GenericContainer<>("redis:7"); // "no"', LANGUAGES["java"])
>>> [one.text for one in code.tokens if one.kind == "string"]
['redis:7']
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from longshore.rewrite.source import SourceFile

Kind = Literal["word", "string", "mark", "number"]

_DOUBLE = r'"(?:[^"\\\n]|\\.)*+"?'
_SINGLE = r"'(?:[^'\\\n]|\\.)*+'?"
_BACK = r"`(?:[^`\\]|\\.)*+`?"
_TRIPLE = r'"""(?:(?!""")[\s\S])*+(?:"""|\Z)'
_TRIPLE_SINGLE = r"'''(?:(?!''')[\s\S])*+(?:'''|\Z)"
_FILLED = r'"(?:[^"\\\n$]|\\.|\$\{[^{}\n]*+\}|\$)*+"?'
_LINES = r'"(?:[^"\\]|\\.)*+"?'
_BLOCK = r"/\*(?:(?!\*/)[\s\S])*+(?:\*/|\Z)"
_CHARACTER = r"'(?:\\.|[^\\'\n])'"
_MARKS = r"\|\||&&|\?\?|\?:|\?\.|:=|=>|->|::|==|!=|<=|>=|<>|\+\+|\|>|[^\w\s]"

_DOLLAR = re.compile(r"\$\{(?P<braced>[^{}]*)\}|\$(?P<plain>[A-Za-z_]\w*)")
_DOLLAR_BRACES = re.compile(r"\$\{(?P<braced>[^{}]*)\}")
_BRACES = re.compile(r"\{\{|\}\}|\{(?P<braced>[^{}]*)\}")
_HASH = re.compile(r"#\{(?P<braced>[^{}]*)\}")
_PARENS = re.compile(r"\\\((?P<braced>[^()]*)\)")


@dataclass(frozen=True)
class Language:
    """How a language writes comments and strings, and what is filled into which strings.

    `tokens` is one pattern for all of them, compiled when a file of the language is first read.
    """

    name: str
    tokens: str
    holes: re.Pattern[str] | None = None
    filled: tuple[str, ...] = ()
    newline_ends: bool = True

    def fills(self, opening: str) -> bool:
        """Whether a string that opens so has expressions in it."""
        return opening.startswith(self.filled) if self.filled else self.holes is not None

    @cached_property
    def master(self) -> re.Pattern[str]:
        """`tokens`, compiled."""
        return re.compile(self.tokens, re.DOTALL)


def _language(
    name: str,
    strings: tuple[str, ...],
    comments: tuple[str, ...] = (r"//[^\n]*", _BLOCK),
    holes: re.Pattern[str] | None = None,
    filled: tuple[str, ...] = (),
    prefix: str = "",
    extra: str = "",
    newline_ends: bool = True,
) -> Language:
    quoted = "|".join(strings)
    tokens = (
        rf"(?P<skip>\s+|{'|'.join(comments)})"
        + (rf"|(?P<number>{extra})" if extra else r"|(?P<number>(?!))")
        + rf"|(?P<string>{prefix}(?:{quoted}))|(?P<word>[A-Za-z_$@\u0080-\ud7ff][\w$]*)"
        rf"|(?P<digits>\d[\w.]*)|(?P<mark>{_MARKS}|.)"
    )
    return Language(name, tokens, holes, filled, newline_ends)


_HASHES = (r"#[^\n]*",)
_RUST = r'r#{0,3}"(?:[^"])*+"#{0,3}'
LANGUAGES: dict[str, Language] = {
    one.name: one
    for one in (
        _language("java", (_TRIPLE, _DOUBLE), extra=_CHARACTER, newline_ends=False),
        _language("kotlin", (_TRIPLE, _FILLED), holes=_DOLLAR, extra=_CHARACTER),
        _language(
            "scala",
            (_TRIPLE, _FILLED),
            holes=_DOLLAR,
            filled=("s", "f", "raw"),
            prefix="(?:raw|s|f)?",
            extra=_CHARACTER,
        ),
        _language(
            "groovy", (_TRIPLE, _TRIPLE_SINGLE, _FILLED, _SINGLE), holes=_DOLLAR, filled=('"',)
        ),
        _language("go", (_BACK, _DOUBLE), extra=_CHARACTER),
        _language("script", (_BACK, _DOUBLE, _SINGLE), holes=_DOLLAR_BRACES, filled=("`",)),
        _language(
            "csharp",
            (_TRIPLE, _DOUBLE),
            holes=_BRACES,
            filled=("$", "@$"),
            prefix=r"[$@]{0,4}",
            extra=_CHARACTER,
            newline_ends=False,
        ),
        _language("rust", (_RUST, _DOUBLE), extra=_CHARACTER, newline_ends=False),
        _language(
            "python",
            (_TRIPLE, _TRIPLE_SINGLE, _DOUBLE, _SINGLE),
            _HASHES,
            _BRACES,
            ("f", "F", "rf", "fr", "Rf", "Fr", "rF", "fR"),
            "[rRbBuUfF]{0,2}",
        ),
        _language("ruby", (_DOUBLE, _SINGLE), _HASHES, _HASH, ('"',)),
        _language("elixir", (_TRIPLE, _DOUBLE, _SINGLE), _HASHES, _HASH, ('"',)),
        _language(
            "php",
            (_DOUBLE, _SINGLE),
            (r"//[^\n]*", r"#[^\n]*", _BLOCK),
            _DOLLAR,
            ('"',),
            newline_ends=False,
        ),
        _language("clojure", (_LINES,), (r";[^\n]*",)),
        _language("starlark", (_TRIPLE, _TRIPLE_SINGLE, _DOUBLE, _SINGLE), _HASHES, prefix="r?"),
        _language(
            "jsonnet",
            (r"@?\"(?:[^\"\\]|\\.)*+\"?", r"@?'(?:[^'\\]|\\.)*+'?"),
            (r"//[^\n]*", r"#[^\n]*", _BLOCK),
            newline_ends=False,
            extra=r"\|\|\|-?[ \t]*\n(?:(?!\n[ \t]*\|\|\|)[\s\S])*+(?:\n[ \t]*\|\|\||\Z)",
        ),
        _language("cue", (_TRIPLE, _TRIPLE_SINGLE, _DOUBLE, _SINGLE), holes=_PARENS, filled=('"',)),
        _language(
            "nix",
            (r"''(?:(?!'')[\s\S]|''[$'\\])*+(?:''|\Z)", _LINES),
            (r"#[^\n]*", _BLOCK),
            _DOLLAR_BRACES,
            newline_ends=False,
        ),
        _language(
            "dhall", (_DOUBLE, r"''(?:(?!'')[\s\S])*+(?:''|\Z)"), (r"--[^\n]*",), _DOLLAR_BRACES
        ),
        _language("swift", (_TRIPLE, _DOUBLE), holes=_PARENS, filled=('"',)),
    )
}
_OPENING = re.compile(r"[A-Za-z$@]{0,4}#{0,3}('''|\"\"\"|''|\"|'|`)")
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word, string (its content), number or mark; `first` when it begins a line."""

    kind: Kind
    text: str
    start: int
    end: int
    first: bool = False
    opening: str = ""


@dataclass(frozen=True)
class Code:
    """A text in tokens; `pairs`: the bracket that closes it; `within`: the one around it."""

    text: str
    language: Language
    tokens: tuple[Token, ...]
    pairs: tuple[int, ...]
    within: tuple[int, ...]

    def word(self, at: int) -> str:
        """The word or mark at an index, "" outside and for strings."""
        if 0 <= at < len(self.tokens) and self.tokens[at].kind != "string":
            return self.tokens[at].text
        return ""

    def after_type(self, at: int) -> int:
        """The index behind a type's arguments (`<String, X<?>>`) that begin at `at`."""
        if self.word(at) == "::" and self.word(at + 1) == "<":
            at += 1
        if self.word(at) == "<>":
            return at + 1
        if self.word(at) == "!" and self.word(at + 1) == "(":
            return at + 1
        if self.word(at) != "<":
            return at
        depth, end = 0, min(at + 24, len(self.tokens))
        for index in range(at, end):
            sign = self.word(index)
            depth += (sign == "<") - (sign == ">") - 2 * (sign == ">>")
            if depth <= 0:
                return index + 1
            if sign in ("(", ")", "{", "}", ";", "=", "&&", "||", ""):
                return at
        return at

    @cached_property
    def calls(self) -> tuple[tuple[int, int], ...]:
        """Each call: the index of the name, and of its opening bracket."""
        found = []
        for at, one in enumerate(self.tokens):
            if one.kind == "word":
                opening = self.after_type(at + 1)
                if self.word(opening) == "(":
                    found.append((at, opening))
        return tuple(found)

    def path(self, at: int) -> str:
        """What stands before a name, joined by dots: `client.containers` of `….run`."""
        names: list[str] = []
        while self.word(at - 1) in (".", "::", "?.", "->") and len(names) < 12:
            at -= 2
            if self.word(at) in (")", "]") and self.pairs[at] >= 0:
                at = self.pairs[at] - 1
                names.append(self.word(at) + "()")
            else:
                names.append(self.word(at))
        return ".".join(reversed(names))

    def parts(self, opening: int) -> Iterator[tuple[int, int]]:
        """The ranges between the commas of a bracket, at most 40."""
        close = self.pairs[opening]
        if close < 0:
            return
        start = at = opening + 1
        count = 0
        while at < close and count < 40:
            if self.tokens[at].kind == "mark" and self.tokens[at].text in "([{":
                at = max(self.pairs[at], at)
            elif self.word(at) == ",":
                yield start, at
                start, count = at + 1, count + 1
            at += 1
        if start < close and count < 40:
            yield start, close

    def end_of_value(self, start: int) -> int:
        """The index behind the value that begins at `start` (comma, bracket, or a line ends)."""
        at, last = start, min(start + 120, len(self.tokens))
        while at < last:
            one = self.tokens[at]
            if one.kind == "mark":
                if one.text in ",;)]}":
                    return at
                if one.text in "([{":
                    at = self.pairs[at] if self.pairs[at] > at else at
            if at > start and one.first and self.language.newline_ends and self._ends(at):
                return at
            at += 1
        return at

    def _ends(self, at: int) -> bool:
        before, sign = self.tokens[at - 1], self.word(at)
        joins = before.kind == "mark" and before.text not in (")", "]", "}", "!")
        return not joins and sign not in (".", "?.", "+", "?", ":", "||", "??", "?:", "|>", "%")


def code_of(file: SourceFile, language: str) -> Code:
    """A file's tokens, read once."""
    return file.once(("code", language), lambda one: lex(one.text, LANGUAGES[language]))


def lex(text: str, language: Language) -> Code:
    """The tokens of a text."""
    tokens: list[Token] = []
    first = True
    for found in language.master.finditer(text):
        kind = found.lastgroup
        start, end = found.span()
        if kind == "skip":
            first = first or "\n" in found[0]
            continue
        if kind == "string":
            tokens.append(_string(found[0], start, end, first))
        elif kind == "word":
            tokens.append(Token("word", found[0], start, end, first))
        elif kind in ("digits", "number"):
            tokens.append(Token("number", found[0], start, end, first))
        else:
            tokens.append(Token("mark", found[0], start, end, first))
        first = False
    pairs, within = _brackets(tokens)
    return Code(text, language, tuple(tokens), pairs, within)


def _string(written: str, start: int, end: int, first: bool) -> Token:
    found = _OPENING.match(written)
    opening = found[0] if found else written[:1]
    quote = found[1] if found else opening
    hashes = opening.count("#")
    close = quote + "#" * hashes
    closed = len(written) >= len(opening) + len(close) and written.endswith(close)
    last = end - len(close) if closed else end
    begin = min(start + len(opening), last)
    return Token("string", written[begin - start : last - start], begin, last, first, opening)


def _brackets(tokens: list[Token]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pairs, within = [-1] * len(tokens), [-1] * len(tokens)
    stack: list[int] = []
    for at, one in enumerate(tokens):
        if one.kind != "mark":
            within[at] = stack[-1] if stack else -1
            continue
        if one.text in _PAIRS and stack and tokens[stack[-1]].text == _PAIRS[one.text]:
            pairs[at] = stack.pop()
            pairs[pairs[at]] = at
        within[at] = stack[-1] if stack else -1
        if one.text in ("(", "[", "{"):
            stack.append(at)
    return tuple(pairs), tuple(within)
