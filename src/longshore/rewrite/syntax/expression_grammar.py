"""How `${{ }}` expressions are written: their ends, tokens and tree. Nothing is evaluated. Pure.

Grammar: docs.github.com, "Evaluate expressions in workflows and actions". Strings stand in single
quotes, two of them are one; names are case-insensitive.

>>> list(split_template("node:${{ matrix.v }}"))
[(0, 'node:', False), (8, ' matrix.v ', True)]
>>> parse_expression("matrix.v").written
'matrix.v'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_LONGEST = 8000
_DEEPEST = 60
_MOST_TOKENS = 300
_TOKEN = re.compile(
    r"(?P<blank>\s+)|(?P<text>'[^']*(?:''[^']*)*')|(?P<number>[+-]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d*)?"
    r"(?:[eE][+-]?\d+)?|\.\d+))|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<mark>&&|\|\||==|!=|<=|>=|[<>!()\[\].,*])"
)
_LEVELS: tuple[tuple[str, ...], ...] = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))


def _written(tree: Expression) -> str:
    if isinstance(tree, Literal):
        return f"'{tree.text}'"
    return tree.written if isinstance(tree, (Name, Index, All, Call)) else "..."


class BadExpression(ValueError):
    """The text between the braces is no expression."""


@dataclass(frozen=True)
class Literal:
    """A text, number, truth value or null; `start` is where its characters begin."""

    text: str
    start: int
    kind: str


@dataclass(frozen=True)
class Name:
    """A context: `matrix`, `env`."""

    name: str

    @property
    def written(self) -> str:
        """As people write it."""
        return self.name


@dataclass(frozen=True)
class Index:
    """`inner.key` or `inner[key]`."""

    inner: Expression
    key: Expression

    @property
    def written(self) -> str:
        """As people write it, as far as it is a plain path."""
        key = self.key.text if isinstance(self.key, Literal) else "..."
        return f"{_written(self.inner)}.{key}"


@dataclass(frozen=True)
class All:
    """`inner.*`."""

    inner: Expression

    @property
    def written(self) -> str:
        """As people write it."""
        return f"{_written(self.inner)}.*"


@dataclass(frozen=True)
class Call:
    """A function with its arguments."""

    name: str
    args: tuple[Expression, ...]

    @property
    def written(self) -> str:
        """As people write it, as far as it is plain."""
        return f"{self.name}({', '.join(_written(one) for one in self.args)})"


@dataclass(frozen=True)
class Not:
    """`!inner`."""

    inner: Expression


@dataclass(frozen=True)
class Binary:
    """Two sides and an operator."""

    operator: str
    left: Expression
    right: Expression


Expression = Literal | Name | Index | All | Call | Not | Binary


def split_template(text: str) -> Iterator[tuple[int, str, bool]]:
    """A text's parts: where each begins, its characters, whether it is an expression's inside."""
    at = 0
    while (start := text.find("${{", at)) >= 0:
        end = _end_of(text, start + 3)
        if end < 0:
            break
        if start > at:
            yield at, text[at:start], False
        yield start + 3, text[start + 3 : end], True
        at = end + 2
    if at < len(text):
        yield at, text[at:], False


@lru_cache(maxsize=2000)
def parse_expression(text: str) -> Expression:
    """The tree of an expression. Raises BadExpression."""
    if len(text) > _LONGEST:
        raise BadExpression(text[:40])
    parser = _Parser(_tokens(text))
    tree = parser.binary(0, 0)
    if not parser.at_end:
        raise BadExpression(text)
    return tree


def _end_of(text: str, at: int) -> int:
    """Where `}}` ends the expression that begins at `at`; texts in quotes may hold braces."""
    first = text.find("}}", at)
    if first < 0:
        return -1
    limit = at + _LONGEST
    here = at
    while True:
        close = text.find("}}", here, limit)
        quote = text.find("'", here, limit if close < 0 else close)
        if quote < 0:
            return close if close >= 0 else first
        ends = text.find("'", quote + 1, limit)
        if ends < 0:
            return first
        here = ends + 1


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadExpression(text)
        kind = match.lastgroup or ""
        if kind != "blank":
            found.append(_Token(kind, match.group(), at))
        if len(found) > _MOST_TOKENS:
            raise BadExpression("too long")
        at = match.end()
    return found


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

    def binary(self, level: int, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise BadExpression("too deep")
        if level == len(_LEVELS):
            return self._unary(depth)
        left = self.binary(level + 1, depth)
        while self._peek() in _LEVELS[level]:
            operator = self._take().text
            left = Binary(operator, left, self.binary(level + 1, depth + 1))
        return left

    def _unary(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise BadExpression("too deep")
        if self._accept("!"):
            return Not(self._unary(depth + 1))
        return self._postfix(self._primary(depth), depth)

    def _postfix(self, tree: Expression, depth: int) -> Expression:
        for _ in range(_DEEPEST):
            if self._accept("."):
                if self._accept("*"):
                    tree = All(tree)
                    continue
                key = self._take()
                if key.kind not in ("name", "number"):
                    raise BadExpression(key.text)
                tree = Index(tree, Literal(key.text, key.start, "string"))
            elif self._accept("["):
                is_all = self._accept("*")
                tree = All(tree) if is_all else Index(tree, self.binary(0, depth + 1))
                self._expect("]")
            else:
                return tree
        raise BadExpression("too deep")

    def _primary(self, depth: int) -> Expression:
        token = self._take()
        if token.kind == "text":
            return Literal(token.text[1:-1].replace("''", "'"), token.start + 1, "string")
        if token.kind == "number":
            return Literal(token.text, token.start, "number")
        if token.kind == "name":
            return self._named(token, depth)
        if token.text == "(":
            inner = self.binary(0, depth + 1)
            self._expect(")")
            return inner
        raise BadExpression(token.text)

    def _named(self, token: _Token, depth: int) -> Expression:
        if self._accept("("):
            args: list[Expression] = []
            while not self._accept(")"):
                args.append(self.binary(0, depth + 1))
                if self._peek() != ")":
                    self._expect(",")
            return Call(token.text, tuple(args))
        if token.text in ("true", "false"):
            return Literal(token.text, token.start, "boolean")
        if token.text == "null":
            return Literal("", token.start, "null")
        return Name(token.text)

    def _peek(self) -> str:
        return "" if self.at_end else self._tokens[self._at].text

    def _take(self) -> _Token:
        if self.at_end:
            raise BadExpression("ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, mark: str) -> bool:
        if self._peek() != mark:
            return False
        self._at += 1
        return True

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise BadExpression(f"{mark} is missing")
