"""A strict reader of OpenMetrics text, by the ABNF of the specification. Pure.

Of the format's 1.0 text: metric descriptors before samples, families together and named once, units
as the end of a name, names and label names by their rules, escapes, `# EOF` as the last line.
"""

from __future__ import annotations

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
TEXT = r'(?:[^"\\\n]|\\["\\n])*'
NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?[Ii]nf(?:inity)?|[Nn]a[Nn]"
DESCRIPTOR = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.*)\Z")
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL}=\"{TEXT}\"(?:,|(?=\}})))*)\}})? ({NUMBER})\Z")
PAIR = re.compile(rf'({LABEL})="({TEXT})"')
TYPES = {"gauge", "counter", "info", "stateset", "unknown"}

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def read(text: str) -> Samples:
    """Families with their samples. Raises ValueError for anything that is not the format."""
    if not text.endswith("# EOF\n") or text.count("# EOF") != 1 or "\n\n" in text:
        raise ValueError("the end, or an empty line")
    found: Samples = {}
    types: dict[str, str] = {}
    current = ""
    for line in text.removesuffix("# EOF\n").split("\n")[:-1]:
        if line.startswith("#"):
            kind, name, value = _descriptor(line)
            if name != current:
                _fresh(name, found)
                current = name
                found[name] = {}
            if found[name]:
                raise ValueError(f"{line}: after samples")
            if kind == "TYPE":
                types[name] = value
            if kind == "UNIT" and not name.endswith(f"_{value}"):
                raise ValueError(f"{line}: the name lacks the unit")
            continue
        name, labels, value = _sample(line)
        if name != current or types.get(name) != "gauge":
            raise ValueError(f"{line}: not of the family {current}")
        if labels in found[name]:
            raise ValueError(f"{line}: twice")
        found[name][labels] = float(value)
    return found


def _fresh(name: str, found: Samples) -> None:
    if name in found:
        raise ValueError(f"{name}: a family in two places")


def _descriptor(line: str) -> tuple[str, str, str]:
    match = DESCRIPTOR.match(line)
    if match is None or (match[1] == "TYPE" and match[3] not in TYPES):
        raise ValueError(line)
    if re.search(r'(?<!\\)(?:\\\\)*(?:"|\\[^\\n"])', match[3]):
        raise ValueError(f"{line}: not escaped")
    return match[1], match[2], match[3]


def _sample(line: str) -> tuple[str, tuple[tuple[str, str], ...], str]:
    match = SAMPLE.match(line)
    if match is None:
        raise ValueError(line)
    pairs = PAIR.findall(match[2] or "")
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError(f"{line}: a label twice")
    return match[1], tuple((name, _plain(value)) for name, value in pairs), match[3]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)
