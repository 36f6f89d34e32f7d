"""The plain rule for YAML that no parser can read: a line `image: <reference>`. Pure.

For templates (Helm, Jinja, ERB, gotmpl) and broken files. A value that is only an expression is
not reported; one with a literal name is, with `OPEN` for each expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.shape import (
    cover,
    has_control,
    has_mark,
    has_tag,
    is_possible,
    names_something,
)
from longshore.rewrite.mentions import OPEN, Mention, Piece, Pulled
from longshore.rewrite.source import SourceFile, Span
from longshore.text import tr

_LINE = re.compile(
    r"(?:^|[{,])[ \t]*+(?:-[ \t]++)*+(?P<quote>[\"']?)"
    r"(?P<key>image|[A-Za-z][\w-]{0,60}[iI]mage|imageName|dockerImage)(?P=quote)[ \t]*+:[ \t]++"
    r"(?P<value>(?:[&!][\w./-]+[ \t]+)?[^\r\n]{1,600})",
    re.MULTILINE,
)
_REPOSITORY = re.compile(
    r"^(?P<indent>[ \t]++)repository:[ \t]++(?P<value>[^\s#][^\r\n]{0,500})", re.MULTILINE
)
_DEFAULT = re.compile(
    r"^[ \t]*+(?:-[ \t]++)*+image:[ \t]*+[\"']?\{\{"
    r"(?P<expression>[^{}\n]{0,300}?\bdefault[ \t(]{1,4}"
    r"(?P<quote>[\"'`])(?P<reference>[^\"'`\s{}]{3,300})(?P=quote)[^{}\n]{0,300})"
    r"\}\}[\"']?[ \t]*\r?$",
    re.MULTILINE,
)
_VALUES_PATH = re.compile(r"\.Values\.([\w.]+)")
_EXPRESSION = re.compile(r"\$?\{\{.*?\}\}|<%.*?%>|\$\{[^}]*\}|\$\([^)]*\)")
_PROPERTY = re.compile(r"(?:[&!][\w./-]+[ \t]+)+")


@dataclass(frozen=True)
class LineRule:
    """What the found mentions are. `strict`: a bare word must be a known image's name."""

    kind: str
    pulled: Pulled = "node"
    job: str = ""
    strict: bool = False


def line_rule_mentions(
    file: SourceFile, kind: str, pulled: Pulled = "node", strict: bool = False
) -> list[Mention]:
    """What the rule finds in a whole file."""
    return mentions_of_lines(file, LineRule(kind, pulled, strict=strict), 0, len(file.text))


def default_lines(
    file: SourceFile,
    kind: str,
    pulled: Pulled = "node",
    is_set: Callable[[str], bool] = lambda _path: False,
) -> list[Mention]:
    """Defaults inside expressions: `image: {{ .Values.x | default "nginx:1.25" }}`.

    `is_set` says whether a value (by its path) is there, so that the default does not count.
    """
    found = []
    for one in _DEFAULT.finditer(file.text):
        span, path = Span(*one.span("reference")), _VALUES_PATH.search(one["expression"])
        text = file.cut(span)
        if has_tag(text) and is_possible(text) and not (path and is_set(path[1])):
            found.append(Mention(kind, "pull", span, text, pulled=pulled))
    return found


def repository_lines(file: SourceFile, kind: str, pulled: Pulled = "node") -> list[Mention]:
    """Split values in a file that cannot be parsed: `repository: x` with `tag: y` near it."""
    found = []
    for one in _REPOSITORY.finditer(file.text):
        span = _value(file.text, one.start("value"), one.end("value"))
        near = file.text[max(0, one.start() - 300) : one.end() + 300]
        indent = re.escape(one["indent"])
        tag = re.search(rf"^{indent}tag:[ \t]*([^\r\n#]*)", near, re.MULTILINE)
        text = file.cut(span)
        version = cover(tag[1].strip(" \"'")) if tag else ""
        value = f"{cover(text)}:{version or OPEN}" if tag else ""
        if value and "://" not in text and names_something(value) and is_possible(value):
            needs = tr("the template's values") if OPEN in value else ""
            piece = Piece(file.path, span, text, "repository")
            found.append(
                Mention(kind, "pull", span, text, value, pulled, pieces=(piece,), needs=needs)
            )
    return found


def mentions_of_lines(file: SourceFile, rule: LineRule, start: int, end: int) -> list[Mention]:
    """What the rule finds between two offsets."""
    return list(_found(file, rule, start, end))


def _found(file: SourceFile, rule: LineRule, start: int, end: int) -> Iterator[Mention]:
    at = start
    while found := _LINE.search(file.text, at, end):
        at = found.end("key") + 1
        if found[0][0] in "{," and not _in_flow(file.text, found.start()):
            continue
        value = _value(file.text, found.start("value"), found.end("value"))
        at = max(at, value.end)
        text = file.cut(value)
        for scheme in ("docker://", "docker-image://"):
            if text.startswith(scheme):
                value, text = Span(value.start + len(scheme), value.end), text[len(scheme) :]
        covered = cover(text)
        plain = found["key"] == "image"
        if has_control(text) or not names_something(covered):
            continue
        bare = plain and (not rule.strict or is_official(covered))
        if not (is_possible(covered) if bare else has_mark(covered)):
            continue
        yield Mention(
            rule.kind,
            "pull",
            value,
            text,
            None if covered == text else covered,
            pulled=rule.pulled,
            job=rule.job,
            needs=tr("the template's values") if OPEN in covered else "",
        )


def _in_flow(text: str, at: int) -> bool:
    """Whether a comma or brace is one of a flow mapping, not of a comment or prose."""
    begin = text.rfind("\n", max(0, at - 400), at) + 1
    before = text[begin : at + 1].lstrip()
    return "{" in before and not before.startswith(("#", "//", "{{"))


def _value(text: str, start: int, end: int) -> Span:
    """The value at the beginning of a text: quoted, or up to a comment or the end."""
    prefix = _PROPERTY.match(text, start, end)
    start = prefix.end() if prefix else start
    quote = text[start] if start < end else ""
    if quote and quote in "\"'":
        close = _after_expressions(text, start + 1, end, quote)
        return Span(start + 1, close if close >= 0 else end)
    stop = start
    while stop < end:
        expression = _EXPRESSION.match(text, stop, end)
        if expression:
            stop = expression.end()
        elif text[stop] in " \t,}":
            break
        else:
            stop += 1
    rest = text[stop:end].lstrip(" \t,}]")
    if (
        rest
        and not rest.startswith(("#", "{{-", "{{/*", "{%", "{#", '"', "'"))
        and text[stop] in " \t"
    ):
        return Span(start, start)
    return Span(start, stop)


def _after_expressions(text: str, at: int, end: int, quote: str) -> int:
    """Where the quote closes; quotes inside an expression do not count."""
    while at < end and text[at] != quote:
        expression = _EXPRESSION.match(text, at, end)
        at = expression.end() if expression else at + 1
    return at if at < end else -1
