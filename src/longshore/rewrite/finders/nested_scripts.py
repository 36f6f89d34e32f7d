"""Scripts inside scripts: `sh -c "…"`, `ssh host "…"`, `eval`, heredocs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from longshore.rewrite.finders.command_options import read_line
from longshore.rewrite.finders.programs import (
    SHELLS,
    SSH,
    SSH_VALUED,
    TAKES_COMMAND,
    program_line,
)
from longshore.rewrite.syntax.shell import Command
from longshore.rewrite.syntax.shell_values import Field, Values
from longshore.rewrite.syntax.shell_words import inner_text, without_escapes

_SHELL_VALUED = ("O", "o", "rcfile", "init-file")
_COMMAND_OPTIONS = {"c", "command", "C", "lc", "ec", "xc", "exc", "cx", "ic", "lic", "euxc", "euc"}
_WRITTEN_SCRIPT = re.compile(r"\.(?:sh|bash|zsh)\Z|(?:^|/)(?:entrypoint|user-?data)[\w.-]*\Z")
_SHEBANG = re.compile(r"\s*#!\s*/\S*(?:/env +)?(?:ba|z|k|da)?sh\b")


def nested_scripts(
    values: Values, command: Command, fields: Sequence[Field]
) -> Iterator[tuple[int, str]]:
    """Where each script that a command runs begins in the outermost text, and its text."""
    line = program_line(fields)
    words = {word.start + values.base: word for word in command.words}
    text = values.shell.text
    for one in _script_arguments(line):
        word = words.get(one.start)
        if word is not None and any(sign.isspace() for sign in word.raw):
            start, inner = inner_text(text, word.parts)
            if line[0].text == "alias":
                name = inner.find("=") + 1
                inner = " " * name + inner[name:]
            yield start + values.base, inner
    if command.heredocs and _takes_heredoc(command, line, text):
        for body in command.heredocs:
            inner = text[body.start : body.end]
            yield body.start + values.base, inner if body.quoted else without_escapes(inner)


def _name(line: Sequence[Field]) -> str:
    return line[0].text.rpartition("/")[2] if line else ""


def _script_arguments(line: Sequence[Field]) -> Sequence[Field]:
    name = _name(line)
    if name in {"eval", "alias", "concurrently", "hyperfine"}:
        return line[1:]
    if name in SSH:
        return read_line(line[1:], SSH_VALUED, first_only=True).words[1:]
    if name in SHELLS:
        read = read_line(line[1:], _SHELL_VALUED, _COMMAND_OPTIONS, first_only=True)
        runs = any(option in _COMMAND_OPTIONS for option, _ in read.options)
        return read.words[:1] if runs else ()
    if name in TAKES_COMMAND:
        return read_line(line[1:], _COMMAND_OPTIONS).of(*_COMMAND_OPTIONS)
    if name == "minikube" and len(line) > 2 and line[1].text == "ssh":
        return read_line(line[2:], ("p", "profile", "n", "node")).words
    return ()


def _takes_heredoc(command: Command, line: Sequence[Field], text: str) -> bool:
    """Whether a command runs its heredoc, or writes it down as a script."""
    name = _name(line)
    if name in SSH or name in SHELLS or name in {"su", "chroot"} or "ssh" in name:
        return True
    if any(_WRITTEN_SCRIPT.search(word.literal or "") for word in command.outputs):
        return True
    if name == "tee" and any(_WRITTEN_SCRIPT.search(one.text) for one in line[1:]):
        return True
    writes = bool(command.outputs) or name == "tee"
    return writes and any(_SHEBANG.match(text, one.start, one.end) for one in command.heredocs)
