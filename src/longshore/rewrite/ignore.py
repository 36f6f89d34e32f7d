"""Which paths git ignores: the patterns of one ignore file, compiled. Pure.

As gitignore(5) and git's wildmatch have it: the last pattern that matches decides, `!` takes a
path back, a trailing slash asks for a folder, a slash elsewhere ties the pattern to the file's own
folder, `**` spans folders. What several files say is put together by `is_ignored`: the deepest
file with an opinion decides. That nothing comes back below an ignored folder is the walk's matter:
it does not go in.

Each file becomes two tables and two regular expressions, so that a path costs the same however
many patterns there are. Stars that are followed by another one are matched at the first possible
place and never again (atomic groups): a hostile pattern costs no more than a plain one.

>>> rules = parse_ignore(b"*.log\\n!keep.log\\nbuild/\\n")
>>> [rules.verdict(path, False) for path in ("a/x.log", "keep.log", "build")]
[True, False, None]
>>> rules.verdict("build", True)
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

BOM = b"\xef\xbb\xbf"
_STAR, _SLASH, _ANY_FOLDERS, _ALL_INSIDE = "*", "/", "**/", "/**"
_PREFIXED = "x**/"  # `**/` behind a plain name: git compares the name first, the rest spans folders
_NEVER = r"(?!)"
_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9", "graph": r"\x21-\x7e", "lower": "a-z", "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e", "space": r" \t\n\r\f\v", "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_AT_ONCE = 400  # patterns in one regular expression


@dataclass(frozen=True)
class Pattern:
    """One line: `body` without its marks."""

    body: str
    negated: bool
    folders_only: bool
    tied: bool


def parse_line(line: str) -> Pattern | None:
    """A line of an ignore file; None for a comment or an empty one."""
    if line.startswith("#"):
        return None
    line = _without_trailing_spaces(line)
    negated = line.startswith("!")
    body = line[1:] if negated else line
    folders_only = body.endswith("/")
    body = body[:-1] if folders_only else body
    if not body:
        return None
    return Pattern(body.removeprefix("/"), negated, folders_only, "/" in body)


def _without_trailing_spaces(line: str) -> str:
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if backslashes % 2 and len(kept) < len(line) else kept


class IgnoreRules:
    """What one ignore file says about paths relative to its folder."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = patterns

    def __bool__(self) -> bool:
        return bool(self._patterns)

    @cached_property
    def _for_files(self) -> _Table:
        return _Table(self._patterns, folders=False)

    @cached_property
    def _for_folders(self) -> _Table:
        return _Table(self._patterns, folders=True)

    def verdict(self, path: str, folder: bool) -> bool | None:
        """True: ignored. False: taken back by `!`. None: nothing is said about it."""
        number = (self._for_folders if folder else self._for_files).last(path)
        return None if number < 0 else not self._patterns[number].negated


class _Table:
    """The patterns that can match a file, or a folder; each known by its number."""

    def __init__(self, patterns: Sequence[Pattern], *, folders: bool) -> None:
        self._names: dict[str, int] = {}
        self._endings: dict[str, int] = {}
        by_name: list[tuple[int, str]] = []
        by_path: list[tuple[int, str]] = []
        for number, one in enumerate(patterns):
            if one.folders_only and not folders:
                continue
            if one.tied:
                by_path.append((number, translate(one.body)))
            elif not re.search(r"[*?\[\\]", one.body):
                self._names[one.body] = number
            elif re.fullmatch(r"\*\.[^*?\[\\.]+", one.body):
                self._endings[one.body[2:]] = number
            else:
                by_name.append((number, translate(one.body)))
        self._by_name = _compiled(by_name)
        self._by_path = _compiled(by_path)

    def last(self, path: str) -> int:
        """The number of the last pattern that matches; -1 for none."""
        name = path[path.rfind("/") + 1 :]
        best = self._names.get(name, -1)
        dot = name.rfind(".")
        if dot >= 0:
            best = max(best, self._endings.get(name[dot + 1 :], -1))
        for regex, numbers in self._by_name:
            if numbers[0] > best and (found := regex.fullmatch(name)):
                best = max(best, numbers[(found.lastindex or 1) - 1])
        for regex, numbers in self._by_path:
            if numbers[0] > best and (found := regex.fullmatch(path)):
                best = max(best, numbers[(found.lastindex or 1) - 1])
        return best


def _compiled(numbered: list[tuple[int, str]]) -> list[tuple[re.Pattern[str], list[int]]]:
    """Regular expressions whose first alternative that matches is the last pattern."""
    made = []
    later_first = numbered[::-1]
    for start in range(0, len(later_first), _AT_ONCE):
        part = later_first[start : start + _AT_ONCE]
        regex = re.compile("|".join(f"({text})" for _, text in part), re.DOTALL)
        made.append((regex, [number for number, _ in part]))
    return made


def translate(body: str) -> str:
    """A pattern as a regular expression for the whole path (or the name, if it is not tied)."""
    tokens = _tokens(body)
    if tokens is None:
        return _NEVER
    runs: list[list[str]] = [[]]  # between `**/`
    for token in tokens:
        if token in (_ANY_FOLDERS, _PREFIXED):
            if runs[-1] or len(runs) == 1:  # `**/**/` says no more than `**/`
                runs.append([])
        else:
            runs[-1].append(token)
    first, *others = [_run(run) for run in runs]
    spanning = [f"(?:[^/]+/)*?{run}" for run in others]
    if _PREFIXED in tokens:  # the first of them: what is left of the path may begin with a slash
        spanning[0] = spanning[0].replace("+", "*", 1)
    atomic = [f"(?>{run})" for run in spanning[:-1]]
    return first + "".join(atomic) + (spanning[-1] if spanning else "")


def _run(tokens: list[str]) -> str:
    """Tokens without `**/`, folder by folder."""
    made, part = "", list[str]()
    for token in tokens:
        if token in (_SLASH, _ALL_INSIDE):
            made += _within(part) + ("/" if token == _SLASH else "/.+")
            part = []
        else:
            part.append(token)
    return made + _within(part)


def _within(tokens: list[str]) -> str:
    """Tokens of one folder or name: all stars but the last stop at their first match."""
    chunks: list[str] = [""]
    for token in tokens:
        if token == _STAR:
            chunks.append("")
        else:
            chunks[-1] += token
    if len(chunks) == 1:
        return chunks[0]
    early = "".join(f"(?>[^/]*?{chunk})" for chunk in chunks[1:-1] if chunk)
    return f"{chunks[0]}{early}[^/]*{chunks[-1]}"


def _tokens(body: str) -> list[str] | None:
    """Regular expressions of single characters, and the marks above; None: matches nothing."""
    found: list[str] = []
    at = 0
    while at < len(body):
        character = body[at]
        if character == "*":
            at = _stars(body, at, found)
        elif character == "[":
            bracket = _bracket(body, at + 1)
            if bracket is None:
                return None
            text, at = bracket
            found.append(text)
        elif character == "\\":
            if at + 1 == len(body):
                return None
            found.append(_one(body[at + 1]))
            at += 2
        else:
            found.append(r"[^/]" if character == "?" else _one(character))
            at += 1
    return found


def _one(character: str) -> str:
    return _SLASH if character == "/" else re.escape(character)


def _stars(body: str, at: int, found: list[str]) -> int:
    """Read the stars that begin at `at`; where they end."""
    end = at
    while end < len(body) and body[end] == "*":
        end += 1
    prefixed = not re.search(r"[*?\[\\]", body[:at])
    begins = end - at >= 2 and (prefixed or body[at - 1] == "/")
    if begins and end == len(body) and found[-1:] == [_SLASH]:
        found[-1] = _ALL_INSIDE
    elif begins and body[end : end + 1] == "/":
        found.append(_PREFIXED if prefixed and at and body[at - 1] != "/" else _ANY_FOLDERS)
        return end + 1
    elif begins and end == len(body):
        found.append("(?s:.*)")
    else:
        found.append(_STAR)
    return end


def _bracket(body: str, at: int) -> tuple[str, int] | None:
    """A bracket expression from behind its `[`: as a regular expression, and where it ends."""
    negated = body[at : at + 1] in ("!", "^")
    at += negated
    begin, parts = at, ""
    while at < len(body) and (body[at] != "]" or at == begin):
        if body.startswith("[:", at) and (end := body.find(":]", at)) > 0:
            name = body[at + 2 : end]
            if name not in _CLASSES:
                return None
            parts, at = parts + _CLASSES[name], end + 2
            continue
        low, at = _character(body, at)
        high = low
        if body[at : at + 1] == "-" and body[at + 1 : at + 2] not in ("", "]"):
            high, at = _character(body, at + 1)
        if low <= high:
            parts += f"\\U{ord(low):08x}-\\U{ord(high):08x}"
    if at >= len(body):
        return None
    inside = f"[{parts}]" if parts else _NEVER
    return (f"(?!{inside})[^/]" if negated else f"(?!/){inside}"), at + 1


def _character(body: str, at: int) -> tuple[str, int]:
    """One character of a bracket expression, and where the next begins."""
    if body[at] == "\\" and at + 1 < len(body):
        return body[at + 1], at + 2
    return body[at], at + 1


def parse_ignore(data: bytes) -> IgnoreRules:
    """The rules of an ignore file, as git reads it: LF or CR LF, a byte order mark is dropped."""
    text = data.removeprefix(BOM).decode("utf-8", "surrogateescape")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return rules_of(lines)


def rules_of(lines: Iterable[str]) -> IgnoreRules:
    """The rules of lines, the last one strongest."""
    return IgnoreRules([one for one in map(parse_line, lines) if one is not None])


class Level(NamedTuple):
    """One ignore file: `cut` characters go off a path of the tree, then `added` comes before it."""

    rules: IgnoreRules
    cut: int = 0
    added: str = ""


def is_ignored(levels: Iterable[Level], path: str, folder: bool) -> bool:
    """What the first of several ignore files with an opinion says, strongest first."""
    for rules, cut, added in levels:
        verdict = rules.verdict(added + path[cut:], folder)
        if verdict is not None:
            return verdict
    return False
