"""Kinds of text where one line says `key = "image"`: TOML files, TeamCity settings. Pure.

No parser is needed: each kind is the names of its files, a rule for its lines, and words that one
of must be in the file. Lines that begin with a comment mark are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.finders.expansion import Dialect, expand, nothing_known
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.image_values import Finding, unique
from longshore.rewrite.finders.shape import has_mark, is_certain, is_possible
from longshore.rewrite.mentions import OPEN, Mention, Pulled
from longshore.rewrite.source import SourceFile, Span

_TOML_STRING = (
    r"\s{0,40}=\s{0,40}(?P<q>[\"'])(?P<scheme>docker://)?(?P<image>[^\"'\n]{1,500})(?P=q)"
)
_DIALECT = Dialect(
    re.compile(
        r"\$\{(?P<braced>[^}\n]{1,200})\}|%(?P<name>[\w.]{1,200})%|\$(?P<other>[A-Za-z_]\w{0,100})"
        r"|\{\{[^}\n]{0,200}\}\}|<%[^%\n]{0,200}%>"
    )
)


@dataclass(frozen=True)
class LineKind:
    """One kind: `line` has a group `image`; `certain` asks for more than a bare word."""

    kind: str
    names: str
    line: str
    pulled: Pulled
    marks: tuple[bytes, ...]
    certain: int = 0
    comments: str = "#"

    def finder(self) -> Finder:
        """The finder of this kind."""
        names = re.compile(rf"(?:\A|/)(?:{self.names})\Z", re.IGNORECASE)
        return Finder(
            self.kind, lambda path: names.search(path) is not None, self._find, self.marks
        )

    def _find(self, file: SourceFile, _tree: Tree) -> list[Mention] | None:
        return unique(self._mentions(file)) or None

    def _mentions(self, file: SourceFile) -> Iterator[Mention]:
        finding = Finding(file, self.kind, self.pulled, _DIALECT)
        for found in re.compile(self.line, re.MULTILINE).finditer(file.text):
            if file.line_of(found.start("image")).lstrip().startswith(tuple(self.comments.split())):
                continue
            span = Span(*found.span("image"))
            readings = expand(file.cut(span), _DIALECT, nothing_known)
            if self._is_image(readings[0].value):
                yield finding.mention(span, readings[0])

    def _is_image(self, value: str) -> bool:
        plain = value.replace(OPEN, "x")
        tests = (is_possible, has_mark, is_certain)
        return tests[self.certain](plain)


LINE_KINDS: tuple[LineKind, ...] = (
    LineKind(
        "fly",
        r"fly[^/]*\.toml",
        rf"^[ \t]{{0,40}}image{_TOML_STRING}",
        "host",
        (b"image",),
    ),
    LineKind(
        "buildpacks",
        r"fly[^/]*\.toml|project\.toml|[^/]*builder[^/]*\.toml|(?:buildpack|package|pack)\.toml",
        r"^[ \t]{0,40}(?:image|builder|uri|(?:build|run|lifecycle)-image)" + _TOML_STRING,
        "build",
        (b"builder", b"-image", b"docker://", b"image"),
        certain=1,
    ),
    LineKind(
        "gitlab-runner",
        r"[^/]*config[^/]*\.toml(?:\.\w+)?",
        r"^[ \t]{0,40}(?:helper_)?image" + _TOML_STRING,
        "job-start",
        (b"[runners.docker]", b"[runners.kubernetes]"),
    ),
    LineKind(
        "cross",
        r"cross\.toml",
        r"^[ \t]{0,40}image" + _TOML_STRING,
        "build",
        (b"image",),
    ),
    LineKind(
        "cibuildwheel",
        r"pyproject\.toml",
        r"^[ \t]{0,40}(?:manylinux|musllinux)-[\w-]{1,40}-image" + _TOML_STRING,
        "build",
        (b"linux-",),
        certain=1,
    ),
    LineKind(
        "teamcity",
        r"\.teamcity/.*\.kts?|settings\.kts",
        r"\bdockerImage\s{0,20}=\s{0,20}(?P<q>\"{3}|\")(?P<image>[^\"\n]{1,500})(?P=q)",
        "job-start",
        (b"dockerImage",),
        comments="// *",
    ),
    LineKind(
        "teamcity",
        r"\.teamcity/.*\.xml",
        r"name=\"plugin\.docker\.imageId\"\s{1,9}value=\"(?P<image>[^\"\n]{1,500})\"",
        "job-start",
        (b"plugin.docker.imageId",),
        comments="<!--",
    ),
    LineKind(
        "toml-image",
        r"[^/]+\.toml",
        r"^[ \t]{0,40}(?:[\w-]{1,60}[_-])?(?:docker_?)?image" + _TOML_STRING,
        "host",
        (b"image",),
        certain=2,
    ),
)


FINDERS: tuple[Finder, ...] = tuple(kind.finder() for kind in LINE_KINDS)
