"""Variables that hold an image and are used by nobody in the same file. Pure.

`NODE_IMAGE=node:18` in a script that is sourced, `IMAGE ?= acme/app:1` in an included Makefile: the
definition is all there is to see, so it is reported itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from longshore.rewrite.finders.command_options import looks_like_image, may_be_image
from longshore.rewrite.finders.container_commands import Named
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.programs import named_by
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.shell import Assignment, Shell, Word
from longshore.rewrite.syntax.shell_values import Field, Values

_IMAGE = re.compile(
    r"IMAGES?(?:_NAME|_REF|_FULL)?\Z|IMAGE_(?!TAG|DIR)|(?:\A|_)IMG\Z|\ABUILDKIT_SYNTAX\Z",
    re.IGNORECASE,
)
_BASE = re.compile(r"(?:\A|_)BASE\Z")
_GIVEN = re.compile(
    r"(?P<name>(?!IM(?:A?GE?)S?(?:_|=))[A-Z][A-Z0-9_]{0,80})=(?=[\"'\w])(?![\"']\$)"
)
_ONLY_TALK = frozenset(
    {*("echo", "printf", "grep", "sed", "awk", "test", "[", "[[", "log", "info", "die"), "jq", "yq"}
)
_OTHER = re.compile(
    r"TAG|DIR|PATH|FILE|VERSION|URL|REGISTRY|REPO|DIGEST|ARCH|SIZE|_ID\b|FORMAT|TYPE|PREFIX|SUFFIX"
    r"|MAGICK|POLICY|EXT\b|FOLDER|OUT|COUNT|PATTERN|FILTER|REGEX|DISK|ISO|KERNEL|PLATFORM|_OS\b"
    r"|CMD|COMMAND|BUILD_CMD|ARGS|OPTS|FLAGS|OPTION|STREAM|SOURCE_DATE|RMI",
    re.IGNORECASE,
)
# `REGISTRY_IMAGE=registry:2` runs a registry; without a tag it is an image of one's own.
_HOLDER = re.compile(r"(?:[A-Z0-9]+_)*(?:REGISTRY|REPO(?:SITORY)?)_IMAGE\Z")
_SAYS = re.compile(r"USAGE|HELP|MSG|MESSAGE|TEXT|DESC|INFO|HINT|EXAMPLE|NOTE|LOG", re.IGNORECASE)
_COMMAND = re.compile(r"^[\"']?(?:\S{1,60}[ \t]+){1,3}?(?:run|create|exec|pull|build|buildx)\b")
_WORD = re.compile(r"\w+")
_REFERENCE = re.compile(r"\$(?:[({](\w+)|(\w+))")
_FILE = re.compile(
    r"\.(?:png|jpe?g|gif|svg|ico|webp|img|iso|tar|tgz|gz|xz|zip|qcow2|raw|vmdk|sif|bin|ya?ml|json|txt)\Z",
    re.IGNORECASE,
)
_PORT = re.compile(r"(?:localhost|[\d.]+|host\.docker\.internal|0\.0\.0\.0):\d+\Z")


def unused_images(shell: Shell, values: Values, found: Sequence[Mention]) -> Iterator[Named]:
    """The definitions that hold a whole reference and are part of no mention."""
    used = {name for one in found for name in _WORD.findall(one.text)}
    taken = [one.span for one in found] + [piece.span for one in found for piece in one.pieces]
    for one in shell.assignments:
        if one.value is not None and _is_image(one.name):
            names = {first or second for first, second in _REFERENCE.findall(one.value.raw)}
            used |= names - {one.name}
    prefixes = [one for command in shell.commands for one in command.assignments]
    for one in [*shell.assignments, *prefixes]:
        if one.name in used or not _is_image(one.name):
            continue
        items = list(_items(one, values))
        if len(items) > 1 and not one.name.upper().endswith("S"):
            continue
        for item in items:
            span = Span(item.start, item.end)
            if not _written_in(item, one, values.base):
                continue
            sure = len(items) == 1 or _is_tagged(item.text) or is_official(item.text)
            if sure and _is_reference(item.text, one.name) and not _overlaps(span, taken):
                yield Named(item, "pull")


def handed_images(shell: Shell, values: Values, found: Sequence[Mention]) -> Iterator[Named]:
    """`make image BASE_IMAGE=node:18`: whole references that a command is handed by name.

    `IMAGE=` and `IMG=` name what is to be built, most often; a variable is just handed on.
    """
    taken = [one.span for one in found] + [piece.span for one in found for piece in one.pieces]
    for command in shell.commands:
        if command.name in _ONLY_TALK:
            continue
        for word in command.words[1:]:
            given = _GIVEN.match(word.raw)
            if given is None or not _is_image(given["name"]):
                continue
            for field in values.fields([word]):
                value = field.after(len(given["name"]) + 1)
                span = Span(value.start, value.end)
                if not value.values or _overlaps(span, taken) or not _is_tagged(value.text):
                    continue
                if _is_reference(value.text, given["name"]):
                    yield Named(value, "pull")


def commands_in_variables(shell: Shell, values: Values) -> Iterator[Named]:
    """`RUN = docker run --rm IMAGE`: a variable that holds a command."""
    for one in shell.assignments:
        raw = one.value.raw if one.value is not None else ""
        if _SAYS.search(one.name) or not _COMMAND.search(raw):
            continue
        yield from named_by(values.command_in(one))


def _written_in(item: Field, one: Assignment, base: int) -> bool:
    """Whether the assignment itself holds some of the name, and does not just hand it on."""
    start, end = one.start + base, one.end + base
    return any(
        chunk.source is not None
        and start <= chunk.source.start < end
        and chunk.text.strip(":/@-. ") != ""
        for chunk in item.values[0]
    )


def _is_image(name: str) -> bool:
    if (_OTHER.search(name) and not _HOLDER.match(name)) or name != name.upper():
        return False
    return _IMAGE.search(name) is not None or _BASE.search(name) is not None


def _items(one: Assignment, values: Values) -> Iterator[Field]:
    words: Sequence[Word] = one.items or ((one.value,) if one.value is not None else ())
    for word in words:
        expanded = values.expand(word.parts, word.start)
        whole = Field(tuple(expanded), word.start, word.end)
        at = 0
        for part in whole.text.split():
            start = whole.text.index(part, at)
            at = start + len(part)
            cut = whole.until(at).after(start)
            chunks = [chunk for chunk in cut.values[0] if chunk.text] if cut.values else []
            if chunks:
                yield Field(cut.values, chunks[0].start, chunks[-1].end)


def _is_reference(text: str, name: str) -> bool:
    if not may_be_image(text) or _FILE.search(text) or _PORT.match(text):
        return False
    if text.startswith(OPEN) or not text.strip(OPEN + ":/"):
        return False
    tagged = _is_tagged(text)
    if _BASE.search(name) or _HOLDER.match(name) or name.upper().endswith("IMG"):
        return tagged and not text.startswith(":")
    return tagged or is_official(text) or (looks_like_image(text) and text.count("/") < 4)


def _is_tagged(text: str) -> bool:
    _, colon, tag = text.rpartition(":")
    return (bool(colon) and "/" not in tag) or "@sha256:" in text


def _overlaps(span: Span, taken: Sequence[Span]) -> bool:
    return any(one.start < span.end and span.start < one.end for one in taken)
