"""Marks of template languages in shell text, covered so that a shell parser can read it. Pure.

`${{ matrix.node }}`, `{{ image }}` and `<%= name %>` stand for a value: they are covered with
signs of the same length, and remembered. `{% if x %}`, `{# … #}` and `<% … %>` are blanked.

>>> covered = cover("docker pull a:${{ matrix.v }}")
>>> covered.text.replace(COVER, "_"), covered.marks[14]
('docker pull a:_______________', (29, 'matrix.v'))
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARK = re.compile(
    r"\$\{\{(?P<hub>[^{}\n]{0,2000}(?:\{[^{}\n]{0,200}\}[^{}\n]{0,2000})?)\}\}"
    r"|(?<!\$)\{\{-?(?P<braces>[^{}\n]{0,1000})-?\}\}"
    r"|<%=(?P<erb>[^%\n]{0,1000})-?%>"
    r"|(?P<blank>\{%[^\n%{}]{0,1000}%\}|(?<!\$)\{#[^\n#{}]{0,1000}#\}|<%[^=%\n][^%\n]{0,1000}%>)"
)
COVER = "\ue000"


@dataclass(frozen=True)
class Covered:
    """The text of the same length, and for each mark's start its end and its expression."""

    text: str
    marks: dict[int, tuple[int, str]]


def cover(text: str) -> Covered:
    """The text with its template marks covered."""
    marks: dict[int, tuple[int, str]] = {}
    if not any(mark in text for mark in ("{{", "{%", "{#", "<%")):
        return Covered(text, marks)

    def covering(found: re.Match[str]) -> str:
        if found["blank"] is not None:
            return " " * len(found[0])
        said = found["hub"] or found["braces"] or found["erb"] or ""
        marks[found.start()] = (found.end(), said.strip())
        return COVER * len(found[0])

    covered = _MARK.sub(covering, text)
    if "{%" in text or "<%" in text:
        covered = _continued(text, covered)
    return Covered(covered, marks)


def _continued(text: str, covered: str) -> str:
    """Lines that are a mark and nothing else do not end a command that goes on behind them."""
    made: list[str] = []
    for before, line in zip(text.split("\n"), covered.split("\n"), strict=True):
        goes_on = bool(made) and made[-1].endswith("\\")
        if goes_on and line and not line.strip() and before.strip():
            line = line[:-1] + "\\"
        made.append(line)
    return "\n".join(made)
