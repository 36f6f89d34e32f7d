"""systemd units and Quadlet files as text: images they name, commands they run. Pure.

Spec: systemd.syntax(7), systemd.exec(5), podman-systemd.unit(5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.readings import Value
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.mentions import OPEN, Mention, Pulled
from longshore.rewrite.source import Span

_SECTION = re.compile(r"[ \t]*\[(?P<name>[^\]\n]{1,80})\][ \t]*\Z")
_SETTING = re.compile(r"[ \t]*(?P<key>[A-Za-z][A-Za-z0-9-]{0,60})[ \t]*=[ \t]*")
_EXEC = re.compile(r"Exec(?:Start|Stop|Reload|Condition)?(?:Pre|Post)?\Z")
_PREFIX = re.compile(r"[-@:+!]*")
_IMAGE_OF = {"Container": "Image", "Image": "Image", "Volume": "Image", "Artifact": "Artifact"}
_ASSIGNMENT = re.compile(r"[\"']?(?P<name>[A-Za-z_]\w*)=(?P<value>[^\"'\s]*)")
_UNIT_NAMES = (".image", ".build", ".container", ".pod")
_NAMED = re.compile(r"%(?=[a-zA-Z])[a-zA-Z]")
_SPECIFIER = re.compile(r"%[a-zA-Z%]")

Locate = Callable[[int, int], Span | None]


@dataclass(frozen=True)
class Setting:
    """`key = value` of a section; the value's place in the text, continuation lines included."""

    section: str
    key: str
    start: int
    end: int


def settings(text: str) -> Iterator[Setting]:
    """The settings of a unit."""
    section, at = "", 0
    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end].rstrip("\r")
        found = _SECTION.match(line)
        stripped = line.lstrip()
        if found:
            section = found["name"].strip()
        elif stripped and stripped[0] not in "#;" and (one := _SETTING.match(line)):
            stop = end
            while stop < len(text) and text[max(at, stop - 2) : stop].rstrip("\r").endswith("\\"):
                stop = _line_end(text, stop + 1)
            value = text[at + one.end() : stop].rstrip()
            yield Setting(section, one["key"], at + one.end(), at + one.end() + len(value))
            end = stop
        at = end + 1


def unit_mentions(
    text: str, locate: Locate, cut: Callable[[Span], str], quadlet: str, pulled: Pulled = "host"
) -> Iterator[Mention]:
    """The images of a unit's text. `quadlet` is the kind for what `Image=` names."""
    variables: dict[str, str] = {}
    for one in settings(text):
        value = text[one.start : one.end]
        if one.key == "Environment":
            for found in _ASSIGNMENT.finditer(value):
                variables[found["name"]] = found["value"]
        if _IMAGE_OF.get(one.section) == one.key:
            made = _image(value, one.start, locate, cut, quadlet, pulled)
            if made is not None:
                yield made
        elif one.section == "Build" and one.key == "ImageTag":
            span = locate(one.start, one.end)
            if span is not None and cut(span) == value:
                yield Mention(quadlet, "build-output", span, value, built=True)
        elif _EXEC.match(one.key) and one.section in ("Service", ""):
            yield from _command(text, one, locate, cut, variables, pulled)


def is_unit(text: str) -> bool:
    """Whether a text is a unit that may name images."""
    return any(mark in text for mark in ("[Service]", "[Container]", "[Image]", "[Volume]"))


def _image(
    value: str,
    start: int,
    locate: Locate,
    cut: Callable[[Span], str],
    kind: str,
    pulled: Pulled,
) -> Mention | None:
    value = value.strip("\"'") if value[:1] in "\"'" else value
    scheme = "docker://" if value.startswith("docker://") else ""
    value = value[len(scheme) :]
    if not value or value.endswith(_UNIT_NAMES) or any(sign.isspace() for sign in value):
        return None
    if value.startswith(("/", ".", "oci:", "dir:", "containers-storage:", "docker-archive:")):
        return None
    start += len(scheme)
    span = locate(start, start + len(value))
    if span is None or cut(span) != value:
        return None
    known = Value(_SPECIFIER.sub(OPEN, value))
    return Mention(kind, "pull", span, value, known.text if known.text != value else None, pulled)


def _command(
    text: str,
    one: Setting,
    locate: Locate,
    cut: Callable[[Span], str],
    variables: dict[str, str],
    pulled: Pulled,
) -> Iterator[Mention]:
    prefix = _PREFIX.match(text, one.start, one.end)
    start = prefix.end() if prefix else one.start

    def place(first: int, last: int) -> Span | None:
        return locate(start + first, start + last)

    # A specifier (`%i`) is to the shell what a variable is: known only at the run.
    command = _NAMED.sub(lambda found: "$" + found[0][1:], text[start : one.end])
    script = Script(command, place, "systemd", pulled, variables=variables)
    for found in mentions_in(script):
        written = cut(found.span)
        if len(written) == len(found.text):
            yield replace(found, text=written, value=found.expanded)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
