"""Vagrantfiles: what shell provisioners run, besides the docker provider and provisioner. Pure.

Keys: developer.hashicorp.com/vagrant/docs (provisioning/shell, provisioning/docker).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from longshore.rewrite.finders import vagrant
from longshore.rewrite.finders.command_options import may_be_image
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.finders.shell_script import MARKS
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile, Span

KIND = vagrant.KIND
_HEREDOC = re.compile(r"<<[-~]?(?P<quote>['\"]?)(?P<mark>[A-Z_][A-Z0-9_]*)(?P=quote)[^\n]*\n")
_INLINE = re.compile(
    r"\binline(?::|\s*=>|\s*=)\s*(?P<quote>['\"])(?P<text>(?:[^\\\n]|\\.)*?)(?P=quote)"
)
_IMAGES = re.compile(r"(?:\bimages:|:images\s*=>)\s*\(?\s*\[?(?P<all>[^\]\n#]*)")
_STRING = re.compile(r"(['\"])([^'\"\s#]+)\1")
_COMMENT = re.compile(r"^[ \t]*#")


def takes(path: str) -> bool:
    """Whether a file is a Vagrantfile by its name."""
    return path.rpartition("/")[2].startswith("Vagrantfile")


def find(file: SourceFile, tree: Tree) -> list[Mention]:
    """The images of the docker provisioner and provider, and of shell text."""
    found = [*vagrant.find(file, tree), *_shells(file)]
    for start, end in _words(file):
        text = file.text[start:end]
        if may_be_image(text) and not _COMMENT.match(file.line_of(start)):
            found.append(Mention(KIND, "pull", Span(start, end), text, None, "host"))
    by_place = {(one.span, one.role): one for one in reversed(found)}
    return sorted(by_place.values(), key=lambda one: one.span)


def _words(file: SourceFile) -> Iterator[tuple[int, int]]:
    for found in _IMAGES.finditer(file.text):
        for word in _STRING.finditer(file.text, *found.span("all")):
            yield word.span(2)


def _shells(file: SourceFile) -> Iterator[Mention]:
    for start, end in _scripts(file.text):
        text = file.text[start:end]
        yield from mentions_in(Script(text, _from(start), KIND, "host", path=file.path))


def _from(base: int) -> Callable[[int, int], Span | None]:
    return lambda start, end: Span(start + base, end + base)


def _scripts(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while (found := _HEREDOC.search(text, at)) is not None:
        closed = re.compile(rf"^[ \t]*{found['mark']}[ \t]*\r?$", re.MULTILINE).search(
            text, found.end()
        )
        at = closed.end() if closed else found.end()
        if closed:
            yield found.end(), closed.start()
    for inline in _INLINE.finditer(text):
        if not _COMMENT.match(text[text.rfind("\n", 0, inline.start()) + 1 : inline.start()]):
            yield inline.span("text")


FINDER = Finder("vagrantfile", takes, find, MARKS)
