"""justfiles: images that recipes name, `{{ variable }}` filled in. Pure.

Rules: just.systems/man. Recipe lines are indented; `:=` sets a variable.
"""

from __future__ import annotations

import re

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.finders.shell_script import MARKS
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile, Span

KIND = "justfile"
_NAME = re.compile(r"\.?justfile\Z|.+\.just\Z", re.IGNORECASE)
_VARIABLE = re.compile(r"^(?:export +)?(?P<name>[\w-]+) *:= *(?P<value>[^\n]*)", re.MULTILINE)
_PARAMETERS = re.compile(
    r"^@?[\w-]+(?P<all>(?: +[+*$]*[\w-]+(?:=(?:'[^']*'|\"[^\"]*\"|\S+))?)+) *:", re.MULTILINE
)
_PARAMETER = re.compile(r"[+*$]*([\w-]+)=(?:'([^']*)'|\"([^\"]*)\")")
_DEFAULT = re.compile(
    r"(?:env_var_or_default|env)\( *['\"][^'\"]*['\"] *, *(['\"][^'\"]*['\"]) *\)"
)
_PIECE = re.compile(r"'([^']*)'|\"([^\"]*)\"|([\w-]+)")
_OTHER_LANGUAGE = re.compile(r"[ \t]+#!.*\b(?:python|node|ruby|perl|deno|bun|fish|pwsh)")
_BLANKED = re.compile(r"[^\r\n]")


def takes(path: str) -> bool:
    """Whether a file is a justfile by its name."""
    return _NAME.match(path.rpartition("/")[2]) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention]:
    """The images that the recipes name."""
    script = Script(
        _recipes(file.text),
        lambda start, end: Span(start, end),
        KIND,
        "host",
        variables=_variables(file.text),
        path=file.path,
        written=file.text,
    )
    return mentions_in(script)


def _recipes(text: str) -> str:
    """Recipe lines as they are, without `@` and `-`; all others blank."""
    made: list[str] = []
    other = False
    for line in text.splitlines(keepends=True):
        if line[:1] not in " \t":
            other = False
            made.append(_BLANKED.sub(" ", line))
            continue
        other = other or _OTHER_LANGUAGE.match(line) is not None
        bare = line.lstrip(" \t@-")
        made.append(_BLANKED.sub(" ", line) if other else " " * (len(line) - len(bare)) + bare)
    joined = "".join(made)
    return joined if len(joined) == len(text) else text


def _variables(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in _VARIABLE.finditer(text):
        found[one["name"]] = _value(one["value"], found)
    for line in _PARAMETERS.finditer(text):
        for name, single, double in _PARAMETER.findall(line["all"]):
            found.setdefault(name, single or double)
    return found


def _value(text: str, known: dict[str, str]) -> str:
    """An expression of literals, variables and `+`; a default of the environment."""
    text = _DEFAULT.sub(r"\1", text.partition(" #")[0]).strip()
    made: list[str] = []
    for part in text.split("+"):
        piece = _PIECE.fullmatch(part.strip())
        if piece is None:
            made.append(OPEN)
        elif piece[3]:
            made.append(known.get(piece[3], OPEN))
        else:
            made.append(piece[1] or piece[2] or "")
    return "".join(made)


FINDER = Finder("justfile", takes, find, MARKS)
