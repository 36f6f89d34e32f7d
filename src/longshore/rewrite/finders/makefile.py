"""Makefiles: images that recipes name, with make's variables filled in. Pure."""

from __future__ import annotations

import posixpath
import re

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.script_builds import arguments_in
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.finders.shell_script import MARKS
from longshore.rewrite.mentions import OPEN, Sighting
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.makefile import Makefile, parse_makefile
from longshore.rewrite.syntax.shell_values import Values, text_of

KIND = "makefile"
_NAME = re.compile(
    r"(?:GNU|BSD)?[Mm]akefile(?:[.-][\w.-]+)?\Z|.+\.(?:mk|mak|make)(?:\.(?:in|tmpl|inc))?\Z"
)
_OTHER = re.compile(r"\.(?:py|js|ts|go|rs|java|cs|md|rst|txt|html|lock)\Z")
_ENV_LINE = re.compile(r"^(?:export +)?([A-Za-z_]\w*)=[\"']?([^\s\"'#]*)", re.MULTILINE)
_MOST_INCLUDES = 20


def takes(path: str) -> bool:
    """Whether a file is a Makefile by its name."""
    name = path.rpartition("/")[2]
    return _NAME.match(name) is not None and _OTHER.search(name) is None


def find(file: SourceFile, tree: Tree) -> list[Sighting]:
    """The images that the recipes name."""
    made = file.once("makefile", lambda one: parse_makefile(one.text))
    script = Script(
        made.shell.text,
        lambda start, end: Span(start, end),
        KIND,
        "host",
        variables=_included(file, tree, made),
        path=file.path,
        written=file.text,
    )
    found = mentions_in(script, made.shell, definitions=True)
    return [*found, *arguments_in(script, tree, file.folder, made.shell)]


def _included(file: SourceFile, tree: Tree, made: Makefile) -> dict[str, str]:
    """The variables of the files that a Makefile includes, as texts."""
    found: dict[str, str] = {}
    for path in made.includes[:_MOST_INCLUDES]:
        for base in (file.folder, ""):
            other = tree.file(posixpath.normpath(posixpath.join(base, path)))
            if other is not None:
                found |= _variables(other)
                break
    return found


def _variables(file: SourceFile) -> dict[str, str]:
    if ".env" in file.name or file.name.endswith("env"):
        return {one[1]: one[2] for one in _ENV_LINE.finditer(file.text)}
    shell = file.once("makefile", lambda one: parse_makefile(one.text)).shell
    values = Values(shell, {})
    found: dict[str, str] = {}
    for one in shell.assignments:
        known = values.lookup(one.name, len(file.text))
        if known and OPEN not in text_of(known[0]):
            found[one.name] = text_of(known[0])
    return found


FINDER = Finder("makefile", takes, find, MARKS)
