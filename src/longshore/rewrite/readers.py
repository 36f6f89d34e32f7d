"""Who else reads a reference that changes: lines that hold its old text and name no image. Pure.

A script that greps for `FROM node:18`, a policy that lists images, rules of Renovate or Dependabot:
they break without a word when the text they look for is gone. Documentation is counted apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.plan import Decision
from longshore.rewrite.source import SourceFile
from longshore.rewrite.uses import Use

_DOCS = re.compile(
    r"\.(?:md|mdx|markdown|rst|adoc|txt|html?|ipynb)\Z|(?:\A|/)(?:docs?|changelogs?|changes)/"
    r"|(?:\A|/)(?:changelog|changes|history|news|readme)[^/]*\Z",
    re.IGNORECASE,
)
_BOTS = re.compile(
    r"(?:\A|/)(?:\.?renovate(?:rc)?(?:\.json5?)?|renovate\.json5?|dependabot\.ya?ml)\Z"
)
_LOCKS = re.compile(r"(?:\.lock|-lock\.(?:json|ya?ml)|\.sum|\.svg|\.map|\.min\.\w+)\Z")
_COMMENT = re.compile(r"[ \t]*(?:#|//|--[ \t]|\*|<!--)")
_EDGE = r"[\w./:@-]"
_MOST_NOTES = 50
_MOST_IN_FILE = 5
_LARGEST = 1_000_000
_MOST_BYTES = 400_000_000


@dataclass(frozen=True, order=True)
class Reader:
    """A line that holds the old text of a changed reference."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class Readers:
    """Lines that also name what changes. `more` are not listed; `docs` is how many docs do."""

    found: tuple[Reader, ...] = ()
    more: int = 0
    docs: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """`also_named` of longshore.rewrite/1."""
        return {
            "lines": [{"file": one.file, "line": one.line, "text": one.text} for one in self.found],
            "more": self.more,
            "docs": list(self.docs),
        }


NO_READERS = Readers()


def find_readers(tree: Tree, uses: Sequence[Use], decisions: Sequence[Decision]) -> Readers:
    """Search the tree's text files for the old texts of what changes."""
    exact, names = _texts(decisions)
    if not exact and not names:
        return NO_READERS
    known = {(use.file, use.line) for use in uses}
    known |= {(one.use.file, one.use.line) for one in decisions}
    search = _pattern(exact)
    search_names = _pattern(names, quoted=True)
    found: list[Reader] = []
    docs: list[str] = []
    size = more = 0
    for path in sorted(tree.paths):
        if _LOCKS.search(path) or path.endswith("longshore.yaml"):
            continue
        file = tree.file(path) if size < _MOST_BYTES else None
        if file is None or len(file.data) > _LARGEST:
            continue
        size += len(file.data)
        pattern = search_names if _BOTS.search(path) else search
        lines = list(_lines(file, pattern, known)) if pattern is not None else []
        if lines and _DOCS.search(path):
            docs.append(path)
        else:
            found += lines[:_MOST_IN_FILE]
            more += len(lines[_MOST_IN_FILE:])
    more += len(found[_MOST_NOTES:])
    return Readers(tuple(found[:_MOST_NOTES]), more, tuple(docs))


def _texts(decisions: Sequence[Decision]) -> tuple[set[str], set[str]]:
    """The old references that are plain enough to look for, and the names that bots match."""
    exact: set[str] = set()
    names: set[str] = set()
    for one in decisions:
        text = one.use.mention.text
        if not one.edits or one.use.image is None or "$" in text or "{" in text:
            continue
        path = one.use.image.partition("/")[2]
        names |= {path, path.removeprefix("library/"), one.use.image}
        if ":" in text or "@" in text or "/" in text:
            exact.add(text)
    return exact, names | exact


def _pattern(texts: Iterable[str], *, quoted: bool = False) -> re.Pattern[str] | None:
    some = sorted(texts, key=lambda one: (-len(one), one))
    if not some:
        return None
    body = "|".join(re.escape(one) for one in some)
    if quoted:
        return re.compile(
            rf"(?<=[\"'/^])(?:{body})(?=[\"'/$:])|(?<=[ ])(?:{body})(?=\s*$)", re.MULTILINE
        )
    return re.compile(rf"(?<!{_EDGE})(?:{body})(?![\w/@-]|[.:]\w)")


def _lines(
    file: SourceFile, pattern: re.Pattern[str], known: set[tuple[str, int]]
) -> Iterator[Reader]:
    last = 0
    for one in pattern.finditer(file.text):
        line = file.place(one.start())[0]
        if line == last or (file.path, line) in known:
            continue
        last = line
        if not _COMMENT.match(file.line_of(one.start())):
            yield Reader(file.path, line, one[0])
