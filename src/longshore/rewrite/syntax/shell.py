"""Shell text as commands, assignments, loops and functions with exact positions. Pure.

tree-sitter's Bash grammar gives the structure; words are read by `shell_words`. Where the text is
no valid shell, its logical lines are read one by one, so that one broken line hides nothing else.
Positions are character offsets into the text.

>>> shell = parse_shell("A=1 docker pull 'node:18' || true")
>>> [word.raw for word in shell.commands[0].words], shell.commands[0].fallback.words[0].raw
(['docker', 'pull', "'node:18'"], 'true')
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from longshore.rewrite.syntax.shell_words import Marks, Part, Text, read_word
from longshore.rewrite.syntax.templates import cover

_MAX_DEPTH = 120
_NOT_ASCII = re.compile(r"[^\x01-\x7f]")
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"\\]?)([A-Za-z_]\w*)")
_LOOPS = {"for_statement", "while_statement", "c_style_for_statement"}
_REDIRECTS = {"file_redirect", "herestring_redirect", "heredoc_redirect"}
_ARROWS = {"<<<", ">", ">>", "<", "&>", "&>>", ">&", "<&", ">|", "file_descriptor"}
_MANY_HEREDOCS = 1000  # the grammar takes long over thousands that are never closed
_LONG_LINE = re.compile(r"[^\n]{8001,}")  # data, not commands; grammars take long over it
_MAX_LINES_IN_QUOTES = 200


@dataclass(frozen=True)
class Word:
    """One word: its characters with quotes (`raw`), and its parts without."""

    start: int
    end: int
    raw: str
    parts: tuple[Part, ...]

    @property
    def literal(self) -> str | None:
        """The word when nothing in it is variable."""
        if all(isinstance(part, Text) for part in self.parts):
            return "".join(part.text for part in self.parts if isinstance(part, Text))
        return None


@dataclass(frozen=True)
class Heredoc:
    """The lines of a heredoc. `quoted`: nothing in it is expanded."""

    start: int
    end: int
    quoted: bool


@dataclass(frozen=True)
class Assignment:
    """`NAME=value` or `NAME=(items)`. `conditional`: it may be skipped when the script runs."""

    name: str
    start: int
    end: int
    value: Word | None
    items: tuple[Word, ...] | None = None
    append: bool = False
    exported: bool = False
    conditional: bool = False
    function: str = ""


@dataclass(eq=False)
class Command:
    """A simple command. `fallback` is what runs after `||` when it fails."""

    words: tuple[Word, ...]
    start: int
    end: int
    assignments: tuple[Assignment, ...] = ()
    heredocs: list[Heredoc] = field(default_factory=list)
    herestrings: list[Word] = field(default_factory=list)
    outputs: list[Word] = field(default_factory=list)
    fallback: Command | None = None
    fed_by: Command | None = None
    function: str = ""
    conditional: bool = False

    @property
    def name(self) -> str:
        """The first word, when it is literal."""
        return (self.words[0].literal or "") if self.words else ""


@dataclass(eq=False)
class Loop:
    """`for`, `while` or `until`: `items` are the words that `variable` takes."""

    keyword: str
    start: int
    end: int
    variable: str = ""
    items: tuple[Word, ...] = ()
    body_start: int = 0
    heredocs: list[Heredoc] = field(default_factory=list)


@dataclass(frozen=True)
class Function:
    """A function and the extent of its body."""

    name: str
    start: int
    end: int


@dataclass
class Shell:
    """What a shell text does, in the order of the text."""

    text: str
    commands: list[Command] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)


def parse_shell(text: str) -> Shell:
    """The commands of a shell text; never raises, whatever the text."""
    covered = cover(text)
    shell = Shell(text)
    readable = _LONG_LINE.sub(lambda found: " " * len(found[0]), covered.text)
    walker = _Walker(shell, readable, covered.marks)
    if readable.count("<<") < _MANY_HEREDOCS:
        walker.text(0, len(text), 0)
    else:
        walker.lines(0, len(text), 0)
    shell.commands.sort(key=lambda one: (one.start, -one.end))
    shell.assignments.sort(key=lambda one: one.start)
    return shell


@cache
def _parser() -> Any:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def _bytes(text: str) -> bytes:
    """One byte a character, so that tree-sitter's offsets are ours."""
    return (text if text.isascii() and "\0" not in text else _NOT_ASCII.sub("_", text)).encode()


class _Walker:
    """Walks the parser's nodes and writes down what it meets."""

    def __init__(self, shell: Shell, covered: str, marks: Marks) -> None:
        self._shell = shell
        self._covered = covered
        self._marks = marks
        self._at = 0
        self._function = ""
        self._conditional = False

    def text(self, start: int, end: int, depth: int) -> None:
        """Parse a part of the text, and take what is in it."""
        outer, self._at = self._at, start
        tree = _parser().parse(_bytes(self._covered[start:end]))
        self._node(tree.root_node, depth)
        self._at = outer

    def lines(self, start: int, end: int, depth: int) -> None:
        """Parse a part of the text line by line."""
        for first, last in _logical_lines(self._covered, start, end):
            self.text(first, last, depth + 20)

    def _word(self, start: int, end: int) -> Word:
        start, end = start + self._at, end + self._at
        parts = read_word(self._covered, start, end, self._marks)
        return Word(start, end, self._shell.text[start:end], parts)

    def _words(self, nodes: list[Any]) -> tuple[Word, ...]:
        """The nodes as words; what stands together without a blank is one word."""
        spans: list[tuple[int, int]] = []
        for node in nodes:
            if spans and spans[-1][1] == node.start_byte:
                spans[-1] = (spans[-1][0], node.end_byte)
            else:
                spans.append((node.start_byte, node.end_byte))
        return tuple(self._word(start, end) for start, end in spans)

    def _all(self, nodes: list[Any], depth: int) -> None:
        for node in nodes:
            self._node(node, depth)

    def _node(self, node: Any, depth: int) -> None:
        if depth > _MAX_DEPTH:
            return
        kind = node.type
        if kind == "ERROR":
            self._broken(node, depth + 1)
        elif kind == "command":
            self._command(node, depth + 1)
        elif kind == "redirected_statement":
            self._redirected(node, depth + 1)
        elif kind == "variable_assignment":
            self._shell.assignments.append(self._assignment(node, depth + 1))
        elif kind == "declaration_command":
            self._declaration(node, depth + 1)
        elif kind == "list":
            self._list(node, depth + 1)
        elif kind == "pipeline":
            self._pipeline(node, depth + 1)
        elif kind in _LOOPS:
            self._loop(node, depth + 1)
        elif kind == "function_definition":
            self._function_definition(node, depth + 1)
        elif kind in {"if_statement", "case_statement"}:
            self._conditionally(node.children, depth + 1)
        elif node.child_count:
            self._all(node.children, depth + 1)

    def _conditionally(self, nodes: list[Any], depth: int) -> None:
        outer, self._conditional = self._conditional, True
        self._all(nodes, depth)
        self._conditional = outer

    def _command(self, node: Any, depth: int) -> None:
        words: list[Any] = []
        assigned: list[Assignment] = []
        redirects: list[Any] = []
        for child in node.children:
            if child.type in _REDIRECTS:
                redirects.append(child)
            elif child.type == "variable_assignment" and not words:
                assigned.append(self._assignment(child, depth))
            elif child.type == "ERROR":
                self._broken(child, depth)
            elif child.type not in {";", ";;", "&", "\n"}:
                words.append(child)
        start, end = node.start_byte + self._at, node.end_byte + self._at
        command = Command(self._words(words), start, end, tuple(assigned))
        command.function, command.conditional = self._function, self._conditional
        self._shell.commands.append(command)
        for word in words:
            self._inside(word, depth)
        for redirect in redirects:
            self._redirect(redirect, command, depth)

    def _inside(self, node: Any, depth: int) -> None:
        """Commands in substitutions within a word."""
        if node.child_count and depth <= _MAX_DEPTH:
            if node.type in {"command_substitution", "process_substitution"}:
                self._all(node.children, depth + 1)
            else:
                for child in node.children:
                    self._inside(child, depth + 1)

    def _assignment(self, node: Any, depth: int) -> Assignment:
        name = sign = value = None
        for child in node.children:
            if child.type in {"=", "+="}:
                sign = child
            elif sign is None:
                name = child
            elif value is None:
                value = child
        items = None
        if value is not None and value.type == "array":
            inner = [one for one in value.children if one.type not in {"(", ")"}]
            items = self._words(inner)
        text = self._shell.text
        start, end = node.start_byte + self._at, node.end_byte + self._at
        said = text[start : (sign.start_byte if sign else node.end_byte) + self._at]
        word = None
        if sign is not None and items is None:
            ended = _word_end(self._covered, node.end_byte + self._at) - self._at
            word = self._word(sign.end_byte, ended)
        if name is not None:
            self._inside(node, depth)
        made = Assignment(said.partition("[")[0], start, end, word, items)
        return self._in_context(made, append=sign is not None and sign.type == "+=")

    def _in_context(self, one: Assignment, append: bool, exported: bool = False) -> Assignment:
        return Assignment(
            one.name,
            one.start,
            one.end,
            one.value,
            one.items,
            append,
            exported,
            self._conditional,
            self._function,
        )

    def _declaration(self, node: Any, depth: int) -> None:
        exported = node.children[0].type == "export" if node.child_count else False
        for child in node.children[1:]:
            if child.type == "variable_assignment":
                one = self._assignment(child, depth)
                self._shell.assignments.append(self._in_context(one, one.append, exported))
            else:
                self._inside(child, depth)

    def _list(self, node: Any, depth: int) -> None:
        """`a && b || c`: all but the first may be skipped; long lists nest to the left."""
        chain: list[Any] = []
        while node.type == "list" and node.child_count:
            chain.extend(reversed(node.children[1:]))
            node = node.children[0]
        self._node(node, depth)
        operator = "&&"
        for child in reversed(chain):
            if child.type in {"&&", "||", ";", "&"}:
                operator = child.type
                continue
            before = self._last()
            count = len(self._shell.commands)
            self._conditionally([child], depth)
            if operator == "||" and before is not None and len(self._shell.commands) > count:
                before.fallback = self._shell.commands[count]

    def _last(self) -> Command | None:
        """The command met last (not one inside another's word)."""
        found: Command | None = None
        for command in reversed(self._shell.commands[-20:]):
            if found is None or (command.start <= found.start and command.end >= found.end):
                found = command
        return found

    def _pipeline(self, node: Any, depth: int) -> None:
        before: Command | None = None
        for child in node.children:
            count = len(self._shell.commands)
            self._node(child, depth)
            if len(self._shell.commands) > count:
                first = self._shell.commands[count]
                if before is not None:
                    first.fed_by = before
                before = self._last()

    def _loop(self, node: Any, depth: int) -> None:
        start, end = node.start_byte + self._at, node.end_byte + self._at
        loop = Loop(node.children[0].type, start, end)
        words: list[Any] = []
        for child in node.children:
            if child.type == "variable_name":
                loop.variable = self._shell.text[child.start_byte + self._at :][
                    : child.end_byte - child.start_byte
                ]
            elif child.type in {"do_group", "compound_statement"}:
                loop.body_start = child.start_byte + self._at
            elif not loop.body_start and loop.variable and child.type not in {"in", ";", "\n"}:
                words.append(child)
        loop.items = self._words(words)
        self._shell.loops.append(loop)
        self._conditionally(node.children, depth)

    def _function_definition(self, node: Any, depth: int) -> None:
        name = next((one for one in node.children if one.type == "word"), None)
        start, end = node.start_byte + self._at, node.end_byte + self._at
        called = ""
        if name is not None:
            called = self._shell.text[name.start_byte + self._at : name.end_byte + self._at]
        self._shell.functions.append(Function(called, start, end))
        outer, self._function = self._function, called
        self._all(node.children, depth)
        self._function = outer

    def _redirected(self, node: Any, depth: int) -> None:
        loops = len(self._shell.loops)
        for child in node.children:
            if child.type not in _REDIRECTS:
                self._node(child, depth)
                owner: Command | Loop | None = self._last()
                if child.type in _LOOPS and len(self._shell.loops) > loops:
                    owner = self._shell.loops[loops]
            elif child.start_byte == node.start_byte:
                self._all(child.children, depth)
                owner = None
            else:
                self._redirect(child, owner, depth)

    def _redirect(self, node: Any, owner: Command | Loop | None, depth: int) -> None:
        if node.type == "heredoc_redirect":
            self._heredoc(node, owner, depth)
            return
        words = [one for one in node.children if one.type not in _ARROWS]
        if isinstance(owner, Command) and words:
            into = owner.herestrings if node.type == "herestring_redirect" else owner.outputs
            if node.type == "herestring_redirect" or _writes(node):
                into.extend(self._words(words[-1:]))
        for child in node.children:
            self._inside(child, depth)

    def _heredoc(self, node: Any, owner: Command | Loop | None, depth: int) -> None:
        quoted = False
        more: list[Any] = []
        for child in node.children:
            if child.type == "heredoc_start":
                first = self._shell.text[child.start_byte + self._at : child.end_byte + self._at]
                quoted = first[:1] in {"'", '"', "\\"}
            elif child.type == "heredoc_body":
                start = self._line_start(child.start_byte + self._at)
                body = Heredoc(start, child.end_byte + self._at, quoted)
                if owner is not None:
                    owner.heredocs.append(body)
                if not quoted:
                    self._inside(child, depth)
            elif child.type in _REDIRECTS:
                self._redirect(child, owner, depth)
            elif child.type in {"pipeline", "list", "command", "redirected_statement"}:
                count = len(self._shell.commands)
                self._node(child, depth)
                commands = self._shell.commands
                if isinstance(owner, Command) and len(commands) > count:
                    commands[count].fed_by = owner if child.type == "pipeline" else None
            elif child.type not in {"<<", "<<-", "heredoc_end", "&&", "||", "|", ";"}:
                more.append(child)
        if isinstance(owner, Command) and more:
            owner.words += self._words(more)

    def _line_start(self, at: int) -> int:
        start = self._shell.text.rfind("\n", 0, at) + 1
        return start if not self._shell.text[start:at].strip() else at

    def _broken(self, node: Any, depth: int) -> None:
        """A part that is no valid shell: by logical lines when it has several."""
        start, end = node.start_byte + self._at, node.end_byte + self._at
        lines = list(_logical_lines(self._covered, start, end))
        if len(lines) < 2 or depth > _MAX_DEPTH // 2:
            self._all(node.children, depth + 1)
            return
        self.lines(start, end, depth)


def _writes(redirect: Any) -> bool:
    return any(one.type in {">", ">>", "&>", "&>>", ">|"} for one in redirect.children)


def _logical_lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Lines with their continuations, open quotes and heredocs."""
    at = start
    unclosed: set[str] = set()
    while at < end:
        stop = _line_end(text, at, end)
        while text[at:stop].rstrip("\r\n").endswith("\\") and stop < end:
            stop = _line_end(text, stop, end)
        stop = _with_quotes(text, at, stop, end)
        found = _HEREDOC.search(text, at, stop)
        if found is not None and found[2] not in unclosed:
            mark = re.compile(rf"^[ \t]*{found[2]}[ \t]*\r?$", re.MULTILINE)
            if closed := mark.search(text, stop, end):
                stop = _line_end(text, closed.end(), end)
            else:
                unclosed.add(found[2])
        if text[at:stop].strip():
            yield at, stop
        at = stop


def _word_end(text: str, at: int) -> int:
    """Where a word ends that the grammar broke off at `$` (`$A-$B` without quotes)."""
    if at == 0 or text[at - 1 : at] != "$":
        return at
    while at < len(text) and text[at] not in " \t\r\n;|&<>()`'\"":
        at += 1
    return at


def _line_end(text: str, at: int, end: int) -> int:
    found = text.find("\n", at, end)
    return end if found < 0 else found + 1


def _with_quotes(text: str, at: int, stop: int, end: int) -> int:
    """The end of the line on which a quote that is open here gets closed; else `stop`."""
    last = stop
    for _ in range(_MAX_LINES_IN_QUOTES):
        if not _open_quote(text, at, last):
            return last
        if last >= end:
            break
        last = _line_end(text, last, end)
    return stop


def _open_quote(text: str, at: int, stop: int) -> str:
    quote = ""
    while at < stop:
        sign = text[at]
        if sign == "\\" and quote != "'":
            at += 1
        elif sign == quote:
            quote = ""
        elif not quote and sign in "'\"":
            quote = sign
        elif not quote and sign == "#" and (at == 0 or text[at - 1] in " \t\n;"):
            at = _line_end(text, at, stop) - 1
        at += 1
    return quote
