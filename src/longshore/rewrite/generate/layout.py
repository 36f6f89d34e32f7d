"""Lines of YAML put together: indented, quoted where they must be. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*\Z")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_NUMBER = re.compile(r"[0-9][0-9_.]*(?:e[0-9]+)?\Z|0[xo]", re.IGNORECASE)


def indented(lines: Iterable[str], by: int) -> list[str]:
    """The lines moved to the right; empty ones stay empty."""
    return [f"{'':>{by}}{line}" if line else "" for line in lines]


def quoted(text: str) -> str:
    """A text as a YAML value: plain where that means the same text."""
    if _PLAIN.match(text) and text.lower() not in _WORDS and not _NUMBER.match(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def flow_list(values: Iterable[str]) -> str:
    """`[a, "b*"]`."""
    return f"[{', '.join(quoted(one) for one in values)}]"


def step(
    name: str,
    *,
    uses: str = "",
    run: Iterable[str] = (),
    id: str = "",
    when: str = "",
    env: Mapping[str, str] | None = None,
    inputs: Mapping[str, str | list[str]] | None = None,
) -> list[str]:
    """One step of a job, as the lines of a list item."""
    lines = [f"- name: {name}"]
    lines += [f"  id: {id}"] if id else []
    lines += [f"  if: {when}"] if when else []
    lines += [f"  uses: {uses}"] if uses else []
    lines += ["  env:", *_pairs(env, 4)] if env else []
    lines += ["  with:", *_pairs(inputs, 4)] if inputs else []
    shell = list(run)
    if len(shell) == 1:
        lines += [f"  run: {shell[0]}"]
    elif shell:
        lines += ["  run: |", *indented(shell, 4)]
    return lines


def _pairs(values: Mapping[str, str] | Mapping[str, str | list[str]], by: int) -> list[str]:
    lines: list[str] = []
    for name, value in values.items():
        if isinstance(value, list):
            lines += [f"{name}: |", *indented(value, 2)]
        else:
            lines.append(f"{name}: {value}")
    return indented(lines, by)
