"""Options and words of a command line, by a table of the options that take a value. Pure.

An option that no table knows is taken to have a value when a bare word follows it; what comes
after is then `doubtful`, and counts as an image only if it looks like nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from longshore.errors import UsageError
from longshore.oci.reference import parse_reference
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.shell_values import Field

_IMAGE_NAME = re.compile(r"IMA?GE?|IMG|REPO|REGISTRY|(?:^|_)TAG|CONTAINER(?!_ARG)", re.IGNORECASE)
_OPTION_NAME = re.compile(
    r"OPT|ARG|FLAG|PARAM|EXTRA|VOL|PORT|ENV|TTY|INTERACT|USER|NET|MOUNT|GPU|PLATFORM|LABEL|^[@*]$"
    r"|(?:^|_)(?:RM|IT|TI|T|I)$",
    re.IGNORECASE,
)


@dataclass
class Line:
    """A command line taken apart."""

    options: list[tuple[str, Field]] = field(default_factory=list)
    words: list[Field] = field(default_factory=list)
    doubtful: bool = False

    def of(self, *names: str) -> list[Field]:
        """The values of options."""
        return [value for name, value in self.options if name in names]


def read_line(
    fields: Sequence[Field],
    valued: Collection[str],
    flags: Collection[str] = (),
    *,
    first_only: bool = False,
) -> Line:
    """Take a line apart. `valued` and `flags` are option names without dashes.

    `first_only`: everything behind the first bare word belongs to another program.
    """
    line = Line()
    at = 0
    while at < len(fields):
        one = fields[at]
        text = one.text
        if text == "--":
            line.words += fields[at + 1 :]
            break
        if text.startswith("-") and len(text) > 1:
            at = _option(line, fields, at, valued, flags)
            continue
        at += 1
        if one.loose and text == OPEN:
            verdict = _loose(one, fields[at:])
            if verdict == "stop":
                break
            if verdict == "skip":
                continue
        line.words.append(one)
        if first_only:
            line.words += fields[at:]
            break
    return line


def _option(
    line: Line, fields: Sequence[Field], at: int, valued: Collection[str], flags: Collection[str]
) -> int:
    one = fields[at]
    name, equals, _ = one.text.lstrip("-").partition("=")
    dashes = len(one.text) - len(one.text.lstrip("-"))
    if equals:
        line.options.append((name, one.after(dashes + len(name) + 1)))
        return at + 1
    if dashes == 1 and name not in valued and name not in flags:
        return _letters(line, fields, at, valued)
    follows = fields[at + 1] if at + 1 < len(fields) else None
    takes = name in valued
    known = takes or name in flags
    if not known and follows is not None and not _is_option(follows) and not _names_image(follows):
        line.doubtful = takes = True
    if takes and follows is not None:
        line.options.append((name, follows))
        return at + 2
    line.options.append((name, one.after(len(one.text))))
    return at + 1


def _letters(line: Line, fields: Sequence[Field], at: int, valued: Collection[str]) -> int:
    """`-itp 80:80`, `-p80:80`: letters until one takes a value."""
    text = fields[at].text
    for index in range(1, len(text)):
        letter = text[index]
        if letter not in valued:
            line.options.append((letter, fields[at].after(len(text))))
            continue
        if index + 1 < len(text):
            line.options.append((letter, fields[at].after(index + 1)))
        elif at + 1 < len(fields):
            line.options.append((letter, fields[at + 1]))
            return at + 2
        break
    return at + 1


def _is_option(one: Field) -> bool:
    return one.text.startswith("-")


def _loose(one: Field, rest: Sequence[Field]) -> str:
    """Whether an unknown `$X` stands for options (skip), the image (word), or who knows (stop)."""
    name = one.names[0] if one.names else ""
    follower = next((other for other in rest if not _is_option(other)), None)
    image_follows = follower is not None and (
        looks_like_image(follower.text) or _names_image(follower)
    )
    if name.startswith("$("):
        return "skip" if image_follows and "build" not in name else "stop"
    if _IMAGE_NAME.search(name) and not _OPTION_NAME.search(name):
        return "word"
    if _OPTION_NAME.search(name):
        return "skip"
    return "skip" if image_follows else "word"


def _names_image(one: Field) -> bool:
    return any(_IMAGE_NAME.search(name) for name in one.names)


def may_be_image(text: str) -> bool:
    """Whether the text could be a reference, whatever its open parts turn out to be."""
    if not text or text[0] in "-./" or "//" in text:
        return False
    try:
        parse_reference(text.replace(OPEN, "1").split("@1")[0])
    except UsageError:
        return False
    return True


def looks_like_image(text: str) -> bool:
    """Whether the text is hardly anything but a reference: it has a path or a tag."""
    return ("/" in text or ":" in text) and may_be_image(text)
