"""Reads HCL: one pass from left to right, every character once, whatever it holds. Pure.

A parser of its own: the one of tree-sitter needs minutes for some broken texts of 100 kB, and
gives up the rest of a file that holds template marks; this one loses a line. Both agree on what
is well-formed (a test compares them).

>>> body = parse_hcl('target "x" { tags = ["a:${V}"] }')
>>> body.blocks[0].labels, body.blocks[0].body.attributes[0].name
(('x',), 'tags')

Spec: github.com/hashicorp/hcl, hclsyntax/spec.md.
"""

from __future__ import annotations

import re

from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.hcl import (
    Attribute,
    Block,
    Body,
    Call,
    Choice,
    Entry,
    Expression,
    Listing,
    Object,
    Other,
    Reach,
    Template,
    Text,
)

_COMMENT = r"#[^\n]*|//[^\n]*|/\*(?:(?!\*/)[\s\S])*+(?:\*/|\Z)"
_BLANKS = re.compile(rf"(?:[ \t\r\f\v]|{_COMMENT}|\\\r?\n)*+")
_SPACE = re.compile(rf"(?:[\s\ufeff]|{_COMMENT})*+")
_NAME = re.compile(r"[^\W\d][\w-]*+")
_FUNCTION = re.compile(r"(?:::[^\W\d][\w-]*+)*+")
_NUMBER = re.compile(r"\d[\w]*+(?:\.\d[\w]*+)?(?:[eE][+-]?\d++)?")
_HEREDOC = re.compile(r"<<-?[ \t]*+([^\W\d][\w-]*+)[ \t\r]*+\n")
_OPERATOR = re.compile(r"==|!=|<=|>=|&&|\|\||[-+*/%<>]")
_QUOTED = re.compile(r'(?:[^"\\\n$%]|\\.|\$\$\{|%%\{|\$(?!\{)|%(?!\{))++')
_RAW = re.compile(r"(?:[^$%]|\$\$\{|%%\{|\$(?!\{)|%(?!\{))++")
_REST = re.compile(r"[^\n}]*+")
_LINE = re.compile(r"[^\n]*+\n?")
_MAX_DEPTH = 60


def hcl(file: SourceFile) -> Body:
    """A file's content, parsed once."""
    return file.once("hcl", lambda one: parse_hcl(one.text))


def parse_hcl(text: str) -> Body:
    """The content of a text; spans are offsets into it."""
    reader = _Reader(text)
    attributes: list[Attribute] = []
    blocks: list[Block] = []
    while reader.at < len(text):
        body = reader.body(0)
        attributes += body.attributes
        blocks += body.blocks
        reader.at += 1  # a brace that closes nothing
    return Body(tuple(attributes), tuple(blocks))


class _Reader:
    """Where reading stands. Each method leaves `at` behind what it has read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._inside = 0

    def body(self, depth: int) -> Body:
        """Attributes and blocks up to a closing brace, which is left."""
        attributes: list[Attribute] = []
        blocks: list[Block] = []
        while True:
            self._skip(_SPACE)
            if self.at >= len(self.text) or self.text[self.at] == "}":
                return Body(tuple(attributes), tuple(blocks))
            start = self.at
            name = self._match(_NAME)
            if not name:
                self._skip(_LINE)
                continue
            made = self._item(name, start, depth)
            if isinstance(made, Attribute):
                attributes.append(made)
            elif made is not None:
                blocks.append(made)

    def _item(self, name: str, start: int, depth: int) -> Attribute | Block | None:
        span = Span(start, self.at)
        self._skip(_BLANKS)
        if self._peek() == "=" and self._peek(1) != "=":
            self.at += 1
            value = self._alone(depth + 1)
            self._skip(_BLANKS)
            if self._peek() not in ("\n", "}", ""):
                self._skip(_REST)
            return Attribute(name, span, value) if value is not None else None
        labels: list[str] = []
        while self._peek() not in ("{", "\n", "}", ""):
            label = self._label()
            if label is None:
                self._skip(_REST)
                return None
            labels.append(label)
            self._skip(_BLANKS)
        if self._peek() != "{" or depth >= _MAX_DEPTH:
            self._skip(_LINE if depth >= _MAX_DEPTH else _BLANKS)
            return None
        self.at += 1
        body = self.body(depth + 1)
        self._take("}")
        return Block(name, tuple(labels), Span(start, self.at), body)

    def _label(self) -> str | None:
        if self._peek() == '"':
            made = self._string(_MAX_DEPTH)
            return self.text[made.span.start : made.span.end]
        return self._match(_NAME) or None

    def _alone(self, depth: int) -> Expression | None:
        """A value outside of brackets: it ends with its line."""
        inside, self._inside = self._inside, 0
        value = self._expression(depth)
        self._inside = inside
        return value

    def _expression(self, depth: int) -> Expression | None:
        """Operands with operators between, and a choice."""
        first = self._operand(depth)
        if first is None:
            return None
        operands, start, end = [first], first.span.start, self.at
        while True:
            self._skip_inside()
            if self._peek() == "?" and depth < _MAX_DEPTH:
                return self._choice(start, depth)
            found = _OPERATOR.match(self.text, self.at)
            if found is None or (found[0] == "/" and self._peek(1) in ("/", "*")):
                break
            self.at = found.end()
            self._skip_inside()
            operand = self._operand(depth)
            if operand is None:
                break
            operands.append(operand)
            end = self.at
        if len(operands) == 1:
            self.at = end if self._inside == 0 else self.at
            return first
        return Other(Span(start, end), tuple(operands))

    def _choice(self, start: int, depth: int) -> Expression:
        self.at += 1
        self._inside += 1
        self._skip(_SPACE)
        yes = self._expression(depth + 1)
        self._skip(_SPACE)
        no = None
        if self._take(":"):
            self._skip(_SPACE)
            self._inside -= 1
            no = self._expression(depth + 1)
            self._inside += 1
        self._inside -= 1
        options = tuple(one for one in (yes, no) if one is not None)
        return Choice(Span(start, self.at), options)

    def _operand(self, depth: int) -> Expression | None:
        """One value with what is taken from it."""
        self._skip_inside()
        while self._peek() in ("-", "!"):
            self.at += 1
            self._skip_inside()
        if depth > _MAX_DEPTH:
            return None
        sign = self._peek()
        if sign == '"':
            return self._taken(self._string(depth), depth)
        if sign == "<" and (found := _HEREDOC.match(self.text, self.at)):
            return self._heredoc(found, depth)
        if sign == "(":
            return self._parenthesis(depth)
        if sign == "[":
            return self._taken(self._listing(depth), depth)
        if sign == "{":
            return self._taken(self._object(depth), depth)
        start = self.at
        if number := self._match(_NUMBER):
            return Other(Span(start, self.at), text=number)
        name = self._match(_NAME)
        if not name:
            return None
        self._match(_FUNCTION)
        if self._peek() == "(":
            return self._taken(self._call(start, depth), depth)
        if name in ("true", "false", "null"):
            return Other(Span(start, self.at), text=name)
        return self._taken(Reach(Span(start, self.at), (name,)), depth)

    def _parenthesis(self, depth: int) -> Expression:
        start = self.at
        self.at += 1
        self._inside += 1
        inner = self._expression(depth + 1)
        self._skip(_SPACE)
        self._take(")")
        self._inside -= 1
        return self._taken(inner if inner is not None else Other(Span(start, self.at)), depth)

    def _taken(self, value: Expression, depth: int) -> Expression:
        """`.name`, `[0]`, `[*]` behind a value."""
        steps: list[str] = []
        while True:
            sign = self._peek()
            if sign == "." and (self._peek(1) in ("*", "_") or self._peek(1).isalnum()):
                self.at += 1
                steps.append(self._match(_NAME) or self._match(_NUMBER) or self._star())
            elif sign == "[" and (self._inside or self._peek(1) != "["):
                steps.append(self._index(depth))
            else:
                break
        if not steps:
            return value
        span = Span(value.span.start, self.at)
        if isinstance(value, Reach):
            return Reach(span, value.path + tuple(steps))
        return Other(span, (value,))

    def _star(self) -> str:
        self.at += 1
        return "*"

    def _index(self, depth: int) -> str:
        self.at += 1
        self._inside += 1
        self._skip(_SPACE)
        value = self._expression(depth + 1) if self._peek() != "*" else None
        if value is None and self._peek() == "*":
            self.at += 1
        self._skip(_SPACE)
        self._take("]")
        self._inside -= 1
        if isinstance(value, Template):
            return value.literal or "*"
        return value.text or "*" if isinstance(value, Other) else "*"

    def _call(self, start: int, depth: int) -> Call:
        name = self.text[start : self.at]
        found = self._items(")", depth)
        return Call(Span(start, self.at), name, tuple(found))

    def _listing(self, depth: int) -> Expression:
        start = self.at
        found = self._items("]", depth)
        span = Span(start, self.at)
        if found and isinstance(found[0], Reach) and found[0].path == ("for",):
            return Other(span, tuple(found[1:]))
        return Listing(span, tuple(found))

    def _items(self, close: str, depth: int) -> list[Expression]:
        """What stands between brackets; every other sign is passed over."""
        self.at += 1
        self._inside += 1
        found: list[Expression] = []
        while True:
            self._skip(_SPACE)
            sign = self._peek()
            if not sign or sign == close:
                break
            if sign in ")]}":
                self._inside -= 1
                return found
            value = self._expression(depth + 1)
            if value is None:
                self.at += 1
            else:
                found.append(value)
        self._take(close)
        self._inside -= 1
        return found

    def _object(self, depth: int) -> Expression:
        start = self.at
        self.at += 1
        self._inside += 1
        entries: list[Entry] = []
        others: list[Expression] = []
        loop = False
        while True:
            self._skip(_SPACE)
            sign = self._peek()
            if not sign or sign in ")]}":
                break
            key = self._operand(depth + 1)
            if key is None:
                self.at += 1
                continue
            if isinstance(key, Reach) and key.path == ("for",) and not entries:
                loop = True
            self._skip(_SPACE)
            sign = self._peek()
            if sign in ("=", ":") and self._peek(1) != "=":
                self.at += 2 if self._peek(1) == ">" else 1
                value = self._entry_value(depth)
                if value is not None:
                    entries.append(Entry(_key(key), key.span, value))
            else:
                others.append(key)
        self._take("}")
        self._inside -= 1
        span = Span(start, self.at)
        if loop:
            return Other(span, (*others[1:], *(one.value for one in entries)))
        return Object(span, tuple(entries))

    def _entry_value(self, depth: int) -> Expression | None:
        """The value of an entry, which a line's end closes."""
        self._skip(_SPACE)
        return self._alone(depth + 1)

    def _string(self, depth: int) -> Template:
        """From quote to quote, or to the line's end."""
        self.at += 1
        start = self.at
        parts = self._parts(_QUOTED, len(self.text), depth)
        end = self.at
        self._take('"')
        return Template(Span(start, end), parts)

    def _heredoc(self, found: re.Match[str], depth: int) -> Template:
        start = self.at = found.end()
        closing = re.compile(rf"^[ \t]*+{re.escape(found[1])}[ \t\r]*+$", re.MULTILINE)
        mark = closing.search(self.text, start)
        end = mark.start() if mark else len(self.text)
        parts = self._parts(_RAW, end, depth)
        self.at = mark.end() if mark else len(self.text)
        return Template(Span(start, end), parts, True)

    def _parts(self, plain: re.Pattern[str], end: int, depth: int) -> tuple[Text | Expression, ...]:
        parts: list[Text | Expression] = []
        while self.at < end:
            found = plain.match(self.text, self.at, end)
            if found:
                parts.append(Text(found[0], Span(*found.span())))
                self.at = found.end()
            elif self.text.startswith(("${", "%{"), self.at) and depth < _MAX_DEPTH:
                parts.append(self._inserted(end, depth))
            elif plain is _QUOTED:
                if self.text[self.at] in '"\n':
                    break
                self._one(parts)
            else:
                self._one(parts)
        self.at = min(self.at, end)
        return tuple(parts)

    def _one(self, parts: list[Text | Expression]) -> None:
        parts.append(Text(self.text[self.at], Span(self.at, self.at + 1)))
        self.at += 1

    def _inserted(self, end: int, depth: int) -> Expression:
        """`${ value }`; a directive (`%{ if x }`) is nothing that has a value."""
        start, directive = self.at, self.text[self.at] == "%"
        self.at += 2
        if self._peek() == "~":
            self.at += 1
        self._inside += 1
        found: list[Expression] = []
        while self.at < end:
            self._skip(_SPACE)
            if self._peek() in ("}", ""):
                break
            value = self._expression(depth + 1)
            if value is None:
                self.at += 1
            else:
                found.append(value)
        self._take("}")
        self._inside -= 1
        span = Span(start, self.at)
        return found[0] if len(found) == 1 and not directive else Other(span, tuple(found))

    def _skip_inside(self) -> None:
        self._skip(_SPACE if self._inside else _BLANKS)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[0]

    def _peek(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def _take(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self.at += 1
        return True


def _key(key: Expression) -> str:
    if isinstance(key, Reach) and len(key.path) == 1:
        return key.path[0]
    return key.literal or "" if isinstance(key, Template) else ""
