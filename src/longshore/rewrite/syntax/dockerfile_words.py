"""Words of Dockerfile lines: flags, quoted words, the words that open heredocs. Pure.

Positions are offsets into the logical line's text. Broken quoting is no error: the word ends with
the line.

Rules: BuildKit's parser/split_command.go, line_parsers.go and shell/lex.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from longshore.rewrite.source import Span

_BLANK = re.compile(r"\s+")
_HEREDOC = re.compile(r"(\d*)<<(-?)\s*([^<]+)\Z")


@dataclass(frozen=True)
class FlagText:
    """`--name=value`; `value` are its characters without quotes around the whole of it."""

    name: str
    value: Span | None


@dataclass(frozen=True)
class HeredocWord:
    """A word that opens a heredoc."""

    name: str
    chomp: bool
    expand: bool


def read_flags(text: str, at: int, escape: str) -> tuple[list[FlagText], int]:
    """The flags from an offset on, and where the arguments begin."""
    found: list[FlagText] = []
    while True:
        blank = _BLANK.match(text, at)
        at = blank.end() if blank else at
        if not text.startswith("--", at):
            return found, at
        end = _word_end(text, at, escape)
        word = text[at:end]
        if word == "--":
            blank = _BLANK.match(text, end)
            return found, blank.end() if blank else end
        name, equals, _ = word[2:].partition("=")
        value = _unquoted(text, at + 3 + len(name), end) if equals else None
        found.append(FlagText(name.strip("\"'"), value))
        at = end


def quoted_words(text: str, escape: str) -> list[tuple[int, int]]:
    """Where the words stand; blanks inside quotes and after the escape character divide nothing."""
    found: list[tuple[int, int]] = []
    at = 0
    while True:
        blank = _BLANK.match(text, at)
        at = blank.end() if blank else at
        if at >= len(text):
            return found
        end = _word_end(text, at, escape)
        found.append((at, end))
        at = end


def heredoc_words(text: str) -> list[HeredocWord]:
    """The words of a line that open heredocs, in order; none when its quoting is broken."""
    found = []
    for word in _shell_words(text):
        match = _HEREDOC.match(word)
        if match is None:
            continue
        name = _bare(match[3])
        if name:
            expand = not any(quote in match[3] for quote in "\"'")
            found.append(HeredocWord(name, match[2] == "-", expand))
    return found


def _word_end(text: str, at: int, escape: str) -> int:
    quote = ""
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'":
            at += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char.isspace():
            return at
        elif char in "\"'":
            quote = char
        at += 1
    return len(text)


def _unquoted(text: str, start: int, end: int) -> Span:
    quoted = end - start >= 2 and text[start] in "\"'" and text[end - 1] == text[start]
    if quoted and text[start] not in text[start + 1 : end - 1]:
        return Span(start + 1, end - 1)
    return Span(start, end)


def _bare(text: str) -> str:
    """A single word without its quotes and escapes; empty when it is more than one."""
    if len(text.split()) != 1:
        return ""
    return re.sub(r"\\(.)|[\"']", lambda found: found[1] or "", text.strip())


def _shell_words(text: str) -> list[str]:
    """Words with quotes kept; none at all when a quote or a brace is left open."""
    words: list[str] = []
    begin, at = -1, 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            if begin >= 0:
                words.append(text[begin:at])
            begin, at = -1, at + 1
            continue
        begin = at if begin < 0 else begin
        after = _token_end(text, at)
        if after < 0:
            return []
        at = after
    if begin >= 0:
        words.append(text[begin:])
    return words


def _token_end(text: str, at: int) -> int:
    """Where the quoted part, escape or `<< ` at an offset ends; -1 when it does not."""
    char = text[at]
    if char == "'":
        return text.find("'", at + 1) + 1 or -1
    if char == '"':
        return _double_quoted_end(text, at + 1)
    if char == "\\":
        return min(at + 2, len(text))
    if char == "$" and text.startswith("{", at + 1):
        return _substitution_end(text, at + 2)
    if text.startswith("<<", at):
        blank = _BLANK.match(text, at + 2)
        return blank.end() if blank else at + 2
    return at + 1


def _double_quoted_end(text: str, at: int) -> int:
    while at < len(text):
        char = text[at]
        if char == '"':
            return at + 1
        if char == "$" and text.startswith("{", at + 1):
            at = _substitution_end(text, at + 2)
            if at < 0:
                return -1
            continue
        at += 2 if char == "\\" else 1
    return -1


def _substitution_end(text: str, at: int) -> int:
    """After the brace that closes `${`; -1 for what the shell calls a bad substitution."""
    if text[at : at + 1] in ("", "{", "}", ":"):
        return -1
    depth = 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text.startswith("${", at):
            depth += 1
            at += 2
            continue
        if text[at] == "}":
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    return -1
