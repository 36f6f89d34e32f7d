"""A Makefile as shell text of the same length, and its variables. Pure.

Recipes become shell lines in their place, everything else becomes blanks: `$(X)` turns into `${X}`,
`$$` into one dollar, functions of make into something unknown. So the readers of shell text serve
Makefiles too, and every position stays what it is.

>>> made = parse_makefile("IMG ?= node:18\\nt:\\n\\t@docker pull $(IMG)\\n")
>>> made.shell.commands[0].words[2].raw, made.shell.assignments[0].name
('${IMG}', 'IMG')

Rules: GNU make manual, 5.1 (recipe syntax), 6 (variables), 8 (functions).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from longshore.rewrite.syntax.shell import Assignment, Shell, Word, parse_shell
from longshore.rewrite.syntax.shell_words import Part, Text, Unknown, Variable, closing, read_word
from longshore.rewrite.syntax.templates import COVER

_ASSIGNMENT = re.compile(
    r"[ \t]*(?:(?:override|export|private|unexport)[ \t]+)*(?P<name>[\w.%/-]{1,100})[ \t]*"
    r"(?P<sign>:{0,3}=|\?=|\+=|!=)[ \t]*"
)
_TARGETS = re.compile(r"[^\t\n:=#$(){}]{1,500}:(?![:=])[ \t]*(?=[\w.-]+[ \t]*[:?+]?=)")
_DEFINED = r"define[ \t]+(?P<name>[\w.-]+)[ \t]*+[:?+]?=?[ \t]*+\r?\n"
_DEFINE = re.compile(rf" *(?:override +|export +)*{_DEFINED}")
_ANY_DEFINE = re.compile(_DEFINED)
_END_OF_DEFINE = re.compile(r"^[ \t]*endef\b.*$", re.MULTILINE)
_CONDITION = re.compile(r"[ \t]*(?P<word>ifeq|ifneq|ifdef|ifndef|else|endif)\b")
_INCLUDE = re.compile(r" *[-s]?include[ \t]+(?P<paths>[^\n#]+)")
_PREFIX = re.compile(r"[ \t]*(?:[@+-][ \t]*)*")
_CANNED = re.compile(
    r"\$[({]call[ \t]+(?P<called>[\w.-]+)[ \t]*[,)}]"
    r"|^\t[@+\- \t]*\$[({](?P<alone>[\w.-]+)[)}][ \t]*\r?$",
    re.MULTILINE,
)
_ALONE = re.compile(r"\$[({]([\w.-]+)[)}][ \t]*\r?\n?\Z")
_NAME = re.compile(r"[\w.-]+\Z")
_CALL = re.compile(r"call[ \t]+([\w.-]+)[ \t]*(?:,|\Z)")
_BLANKED = re.compile(r"[^\r\n]")
_AUTOMATIC = "<^%+|?"


@dataclass
class Makefile:
    """The shell text, and the files whose variables are read too."""

    shell: Shell
    includes: list[str] = field(default_factory=list)


def parse_makefile(text: str) -> Makefile:
    """Recipes and variables of a Makefile; never raises."""
    reader = _Reader(text)
    reader.read()
    converted = "".join(reader.made)
    shell = parse_shell(converted)
    for name, start, end, sign, conditional in reader.variables:
        value = text[start:end].replace("\\\r\n", "   ").replace("\\\n", "  ")
        word = _word(_converted(value), start, value)
        if sign == "+=":
            word = Word(start, end, value, (Text(" ", start, start), *word.parts))
        if sign == "!=":
            word = Word(start, end, value, (Unknown(start, end, inner=value),))
        append, maybe = sign == "+=", conditional or sign == "?="
        shell.assignments.append(Assignment(name, start, end, word, None, append, False, maybe))
    shell.assignments.sort(key=lambda one: one.start)
    return Makefile(shell, reader.includes)


def _word(converted: str, start: int, raw: str) -> Word:
    """The value of a variable as one word: its quotes belong to whoever uses it."""
    parts: list[Part] = []
    for part in read_word(converted, 0, len(converted)):
        parts.append(_moved(part, start))
    return Word(start, start + len(raw), raw, tuple(parts))


def _moved(part: Part, by: int) -> Part:
    start, end = part.start + by, part.end + by
    if isinstance(part, Variable):
        argument = tuple(_moved(one, by) for one in part.argument)
        return replace(part, start=start, end=end, argument=argument)
    return replace(part, start=start, end=end)


class _Reader:
    """Reads logical lines, and writes as many characters as it reads."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.made: list[str] = []
        self.variables: list[tuple[str, int, int, str, bool]] = []
        self.includes: list[str] = []
        self._conditions = 0
        self._in_rule = False
        defined = {found["name"] for found in _ANY_DEFINE.finditer(text)}
        used = {found["called"] or found["alone"] for found in _CANNED.finditer(text)}
        self._canned = frozenset(defined & used)

    def read(self) -> None:
        at = 0
        while at < len(self._text):
            found = _DEFINE.match(self._text, at)
            end = self._define(found) if found else _logical_end(self._text, at)
            if not found:
                self._line(at, end)
            at = end

    def _define(self, found: re.Match[str]) -> int:
        """A canned recipe that is called becomes a function; any other is blanked."""
        text, name = self._text, found["name"]
        closed = _END_OF_DEFINE.search(text, found.end())
        if closed is None:
            self.made.append(_blank(found[0]))
            return found.end()
        body = text[found.end() : closed.start()]
        if name not in self._canned:
            self.made.append(_blank(text[found.start() : closed.end()]))
            return closed.end()
        head = f"{_plain(name)}() {{"
        self.made.append(head + " " * (len(found[0]) - len(head) - 1) + "\n")
        for line in _logical_lines(body):
            self.made.append(_recipe(line, self._canned))
        self.made.append("}" + " " * (closed.end() - closed.start() - 1))
        return closed.end()

    def _line(self, at: int, end: int) -> None:
        line = self._text[at:end]
        if line.startswith("\t") and self._in_rule:
            self.made.append(_recipe(line, self._canned))
        elif (found := _CONDITION.match(line)) is not None:
            self._conditions += {"endif": -1, "else": 0}.get(found["word"], 1)
            self.made.append(_blank(line))
        elif (found := _INCLUDE.match(line)) is not None:
            self.includes += found["paths"].split()
            self.made.append(_blank(line))
        else:
            self._plain_line(at, line)

    def _plain_line(self, at: int, line: str) -> None:
        targets = _TARGETS.match(line)
        shift = targets.end() if targets else 0
        found = _ASSIGNMENT.match(line, shift)
        if line.strip() and not line.lstrip().startswith("#"):
            self._in_rule = found is None
        if found is not None:
            start, end = found.end(), _without_comment(line, found.end())
            conditional = self._conditions > 0 or targets is not None
            name = _plain(found["name"])
            self.variables.append((name, at + start, at + end, found["sign"], conditional))
            if found["sign"] == "!=":
                self.made.append(_blank(line[:start]) + _converted(line[start:]))
                return
        elif (semicolon := _inline_recipe(line)) > 0:
            rest = _recipe(line[semicolon:], self._canned)
            self.made.append(_blank(line[:semicolon]) + rest)
            return
        self.made.append(_with_shells(line))


def _inline_recipe(line: str) -> int:
    """Where the recipe begins in `target: needs ; recipe`; 0 when there is none."""
    colon, semicolon = line.find(":"), line.find(";")
    comment = line.find("#")
    if 0 <= colon < semicolon and not 0 <= comment < semicolon:
        return semicolon + 1
    return 0


def _logical_end(text: str, at: int) -> int:
    while True:
        end = text.find("\n", at)
        if end < 0:
            return len(text)
        line = text[at:end].rstrip("\r")
        if (len(line) - len(line.rstrip("\\"))) % 2 == 0:
            return end + 1
        at = end + 1


def _logical_lines(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        end = _logical_end(text, at)
        yield text[at:end]
        at = end


def _without_comment(line: str, start: int) -> int:
    """The end of a value: before a comment and the blanks in front of it."""
    at = start
    while (at := line.find("#", at)) >= 0 and line[at - 1] == "\\":
        at += 1
    value = line[start : at if at >= 0 else len(line)]
    return start + len(value.rstrip())


def _blank(text: str) -> str:
    return _BLANKED.sub(" ", text)


def _plain(name: str) -> str:
    """A name that a shell can read, of the same length."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _recipe(line: str, canned: frozenset[str]) -> str:
    """A recipe line: its prefix blanked, what is make's turned into shell."""
    found = _PREFIX.match(line)
    start = found.end() if found else 0
    rest = line[start:]
    if rest.startswith(("$(call", "${call")):
        end = closing(rest, 1, len(rest))
        called = _CALL.match(rest[2 : end - 1])
        if called is not None:
            arguments = rest[2 + len(called[0]) : end - 1].replace(",", " ")
            head = rest[: 2 + called.start(1)]
            name = _plain(called[1])
            gap = " " * (len(called[0]) - called.end(1))
            made = _blank(head) + name + gap + _converted(arguments) + ";"
            return _blank(line[:start]) + made + _converted(rest[end:])
    whole = _ALONE.match(rest)
    if whole is not None and whole[1] in canned:
        return _blank(line[: start + 2]) + _plain(whole[1]) + ";" + _blank(rest[whole.end(1) + 1 :])
    return _blank(line[:start]) + _converted(rest)


def _with_shells(line: str) -> str:
    """A line that is no recipe: blanks, but for what `$(shell …)` runs."""
    made: list[str] = []
    at = 0
    while (found := line.find("$(shell ", at)) >= 0:
        end = closing(line, found + 1, len(line))
        made.append(_blank(line[at : found + len("$(shell ")]))
        made.append(_converted(line[found + len("$(shell ") : end - 1]))
        made.append(";" if end > found + len("$(shell ") else "")
        at = end
    made.append(_blank(line[at:]))
    joined = "".join(made)
    return joined if len(joined) == len(line) else _blank(line)


def _converted(text: str) -> str:
    """Make's expansions as shell's, of the same length."""
    made: list[str] = []
    at = 0
    while (found := text.find("$", at)) >= 0:
        made.append(text[at:found])
        follower = text[found + 1 : found + 2]
        if follower == "$":
            made.append(COVER + "$")
            at = found + 2
        elif follower in {"(", "{"} and follower:
            end = closing(text, found + 1, len(text))
            made.append(_reference(text[found:end]))
            at = end
        elif follower and follower in _AUTOMATIC:
            made.append("$*")
            at = found + 2
        else:
            made.append("$")
            at = found + 1
    made.append(text[at:])
    return "".join(made)


def _reference(text: str) -> str:
    """`$(…)`: a variable, a shell command, or something only make could tell."""
    inner = text[2:-1]
    if len(text) < 3 or text[-1] not in ")}":
        return text
    if _NAME.match(inner):
        return "${" + _plain(inner) + "}"
    if inner.startswith("shell "):
        return "$(" + " " * len("shell ") + _converted(inner[len("shell ") :]) + ")"
    return "$(" + ":"[: len(inner)] + _blank(inner[1:]) + ")"  # an empty one is no valid shell
