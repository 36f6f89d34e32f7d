"""Singularity and Apptainer definitions: `Bootstrap: docker` with `From:`, in each stage. Pure.

Reference: apptainer.org/docs/user/main/definition_files.html. Other agents fetch no images of a
registry that docker knows.
"""

from __future__ import annotations

import re

from longshore.rewrite.finders.expansion import Dialect, expand, nothing_known
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.image_values import Finding, unique
from longshore.rewrite.finders.shape import is_possible
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile, Span

KIND = "singularity"
_NAME = re.compile(
    r"(?:\A|/)(?:[^/]+\.(?:def|sdef|singularity|recipe)|(?:singularity|apptainer)(?:[._-][^/]*)?)\Z",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^\ufeff?[ \t]{0,20}(?P<key>Bootstrap|From|Registry|Namespace)[ \t]{0,20}:[ \t]{0,20}"
    r"(?P<value>[^\s#]{1,500})",
    re.IGNORECASE | re.MULTILINE,
)
_DIALECT = Dialect(re.compile(r"\{\{\s{0,9}(?P<name>\w{0,200})[^}\n]{0,200}\}\}"))
_SCHEME = "docker://"


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a definition; None when no line says which agent boots."""
    finding = Finding(file, KIND, "build", _DIALECT)
    found: list[Mention] = []
    header: dict[str, str] = {}
    place: Span | None = None
    seen = False
    for line in _HEADER.finditer(file.text):
        key = line["key"].lower()
        if key == "bootstrap":
            found += _of_stage(finding, header, place)
            header, place, seen = {}, None, True
        header.setdefault(key, line["value"])
        if key == "from" and place is None:
            start, end = line.span("value")
            place = Span(start + (len(_SCHEME) if line["value"].startswith(_SCHEME) else 0), end)
    found += _of_stage(finding, header, place)
    return unique(found) if seen else None


def _of_stage(finding: Finding, header: dict[str, str], place: Span | None) -> list[Mention]:
    if header.get("bootstrap", "").lower() != "docker" or place is None:
        return []
    text = "/".join(
        [
            *(header[key] for key in ("registry", "namespace") if key in header),
            finding.file.cut(place),
        ]
    )
    reading = expand(text, _DIALECT, nothing_known)[0]
    return [finding.mention(place, reading)] if is_possible(_DIALECT.pattern.sub("x", text)) else []


FINDER = Finder(
    KIND, lambda path: _NAME.search(path) is not None, find, (b"ootstrap", b"BOOTSTRAP")
)
