"""Plain lists of images, one a line: what a script copies or an air-gapped cluster needs. Pure.

Only files that say so by their name, and hold nothing but references and comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.shape import has_mark, is_certain
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile, Span

KIND = "image-list"
_NAME = re.compile(
    r"(?:\A|/)(?:[^/]*[._-])?images?(?:[._-][^/]*)?\.(?:txt|list|lst)\Z",
    re.IGNORECASE,
)
_ENDINGS = (".txt", "list", ".lst")
_LINE = re.compile(r"^[ \t\ufeff]*(?P<text>[^#\s][^\r\n]*?)[ \t]*(?:#[^\n]*)?\r?$", re.MULTILINE)


def takes(path: str) -> bool:
    """Whether a file's name says that it lists images."""
    return path[-4:].lower() in _ENDINGS and _NAME.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The references of a list; None when a line is something else."""
    lines = list(_LINE.finditer(file.text))
    if not all(has_mark(one["text"]) for one in lines):
        return None
    if not any(is_certain(one["text"]) for one in lines):
        return None
    return list(_mentions(lines))


def _mentions(lines: list[re.Match[str]]) -> Iterator[Mention]:
    for one in lines:
        yield Mention(KIND, "pull", Span(*one.span("text")), one["text"], pulled="host")


FINDERS: tuple[Finder, ...] = (Finder("image-list", takes, find, (b"/",)),)
