"""How a chart's templates put images together from its values. Pure.

`image: "quay.io/{{ .Values.app.repo }}:{{ .Values.app.tag | default .Chart.AppVersion }}"` is a
recipe: literals and paths into the values. Recipes find images under keys that no rule of thumb
knows, and registries that only a template names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.finders.manifest import text_of
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar

_LINE = re.compile(r"^[ \t]*(?:-[ \t]+)?image:[ \t]+(?P<value>[^\r\n]{3,600})", re.MULTILINE)
_ACTION = re.compile(r"\{\{-?[ \t]*(?P<inner>[^{}\n]{1,400}?)[ \t]*-?\}\}")
_PATH = re.compile(r"\$?\.Values\.(?P<path>[A-Za-z_][\w.]*)\Z")
_APP = re.compile(r"\$?\.Chart\.AppVersion\Z")
_LITERAL = re.compile(r"[\"'`](?P<text>[^\"'`]*)[\"'`]\Z")
_PRINTF = re.compile(r"printf[ \t]+[\"'`](?P<format>[^\"'`]*)[\"'`][ \t]+(?P<rest>.+)\Z")
_WORDS = re.compile(r"\([^()]*\)|\"[^\"]*\"|'[^']*'|`[^`]*`|[^\s()\"'`]+")
_HARMLESS = re.compile(r"(?:quote|squote|toString|trim|trunc \d+|trimSuffix .*|lower|indent \d+)\Z")
_VERSION_AS_TAG = re.compile(
    r"^(?!.*version:)(?=.*(?:tag|image|default|ternary|coalesce)).*\.Chart\.AppVersion",
    re.IGNORECASE | re.MULTILINE,
)
_WITH_V = re.compile(
    r"(?:printf[ \t]+[\"'`]v%s[\"'`]|print[ \t]+[\"'`]v[\"'`])[ \t]+\(?[$]?\.Chart\.AppVersion"
    r"|v\{\{-?[ \t]*[$]?\.Chart\.AppVersion"
)
APP_VERSION = "\ue001"
_MOST = 500


@dataclass(frozen=True)
class Part:
    """A literal, or a path into the values with what stands for it when it is empty."""

    literal: str = ""
    path: str = ""
    default: str = OPEN


Recipe = tuple[Part, ...]


@dataclass(frozen=True)
class Cooked:
    """What a recipe gives with some values; `node` is the value that names the image."""

    node: Scalar
    value: str
    parts: tuple[Scalar, ...]


def recipes_in(template: str) -> Iterator[Recipe]:
    """The recipes of a template's `image:` lines."""
    for count, found in enumerate(_LINE.finditer(template)):
        if count >= _MOST:
            return
        text = _unquoted(found["value"].strip())
        recipe = tuple(_parts(text))
        if any(part.path for part in recipe):
            yield recipe


def tag_prefix(template: str) -> str | None:
    """`v` or nothing when a template makes the chart's version a tag; None when it does not."""
    if "hart.AppVersion" not in template or _VERSION_AS_TAG.search(template) is None:
        return None
    return "v" if _WITH_V.search(template) else ""


def cook(
    recipe: Recipe, values: Mapping, app_version: str, base: Mapping | None = None
) -> Cooked | None:
    """The image that a recipe makes of values; None when they do not name one.

    `base` are the chart's own values, for what these do not say.
    """
    value, used = "", list[Scalar]()
    name: Scalar | None = None
    for part in recipe:
        if not part.path:
            value += part.literal
            if "/" in part.literal.partition(":")[0].rstrip("/"):
                name = None  # the name itself is the template's
            continue
        node = value_at(values, part.path)
        text = text_of(node) if isinstance(node, Scalar) else ""
        if isinstance(node, Scalar) and text:
            in_tag = ":" in value.rpartition("/")[2] or "@" in value
            if not in_tag:
                name = node
            used.append(node)
        elif base is not None:
            text = text_of(value_at(base, part.path))
        value += text or part.default
    value = value.replace(APP_VERSION, app_version or OPEN).strip().removeprefix("/")
    if name is None or name.style in ("|", ">"):
        return None
    return Cooked(name, value.removesuffix(":"), tuple(used))


def fill_expressions(text: str, values: Mapping, app_version: str) -> str:
    """A template's text with what the values say; what they do not becomes `OPEN`."""
    filled = ""
    for part in _parts(text):
        filled += (
            (text_of(value_at(values, part.path)) or part.default) if part.path else part.literal
        )
    return filled.replace(APP_VERSION, app_version or OPEN)


def _unquoted(text: str) -> str:
    if text[:1] in "\"'" and text[0] in text[1:]:
        return text[1 : text.rindex(text[0])]
    return re.sub(r"[ \t]+#.*\Z", "", text)


def _parts(text: str) -> Iterator[Part]:
    at = 0
    for found in _ACTION.finditer(text):
        if found.start() > at:
            yield Part(text[at : found.start()])
        yield from _action(found["inner"])
        at = found.end()
    if at < len(text):
        yield Part(text[at:])


def _action(inner: str) -> Iterator[Part]:
    first, *pipes = (one.strip() for one in inner.split("|"))
    default = OPEN
    for pipe in pipes:
        if pipe.startswith("default "):
            default = _default(pipe[8:].strip())
        elif not _HARMLESS.match(pipe):
            yield Part(OPEN)
            return
    printed = _PRINTF.match(first)
    if printed:
        yield from _printed(printed["format"], _WORDS.findall(printed["rest"]))
        return
    words = _WORDS.findall(first)
    if len(words) == 3 and words[0] == "default":
        default, words = _default(words[1]), words[2:]
    yield _word(words[0], default) if len(words) == 1 else Part(OPEN)


def _printed(form: str, words: list[str]) -> Iterator[Part]:
    pieces = form.split("%s")
    if len(pieces) != len(words) + 1:
        yield Part(OPEN)
        return
    for piece, word in zip(pieces, [*words, ""], strict=True):
        if piece:
            yield Part(piece)
        if word:
            yield from _action(word[1:-1] if word.startswith("(") else word)


def _word(word: str, default: str) -> Part:
    if found := _PATH.match(word):
        return Part(path=found["path"], default=default)
    if _APP.match(word):
        return Part(APP_VERSION)
    literal = _LITERAL.match(word)
    return Part(literal["text"] if literal else OPEN)


def _default(word: str) -> str:
    part = _word(word, OPEN)
    return part.literal or OPEN


def value_at(values: Mapping, path: str) -> Node | None:
    """The value at a dotted path."""
    node: Node | None = values
    for key in path.split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node
