"""Whether a text may be, or surely is, an image reference by its looks. Pure.

Used where a key alone does not tell: `image: logo.png` is a picture, `image: ubuntu-2204` of a
machine is no container image, and `IMAGE_PATH=/data/x` is a folder.

>>> is_possible("node:18"), is_possible("logo.png"), is_possible("/data/x")
(True, False, False)
>>> is_certain("acme/shop:1"), is_certain("acme/shop"), is_certain("node:18")
(True, False, False)
>>> cover("acme/shop:{{ tag }}") == "acme/shop:\\ufffc"
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from longshore.rewrite.judge import judge_value
from longshore.rewrite.mentions import OPEN

_LONGEST = 500
_WORDS = frozenset({
    *("true", "false", "yes", "no", "on", "off", "null", "none", "nil", "default", "auto"),
    *("ifnotpresent", "always", "never", "todo", "tbd", "string", "changeme", "undefined"),
    *("image", "latest", "auto-detect"),
})  # fmt: skip
_FILE = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|ico|bmp|tiff?|avif|heic|psd|eps|mp4|mov|webm|pdf"
    r"|tar|tgz|gz|xz|zst|bz2|zip|7z|iso|img|qcow2?|vhdx?|vmdk|vdi|ova|raw|bin|sif|wic|dmg|efi"
    r"|ya?ml|json|toml|html?|md|txt|css|js|ts|tsx|py|go|sh|conf|cfg|ini|xml|tpl|log|lock)\Z",
    re.IGNORECASE,
)
_BAD = re.compile(r"[\s\"'`<>|;,*?\\^=&()\[\]{}#%!$]|://|\.\.|\A[./~@:+-]")
_MARKS = re.compile(
    r"\$?\{\{[^{}\n]{0,1000}(?:\{[^{}\n]{0,200}\}[^{}\n]{0,1000})?\}\}"
    r"|<%=?[^%\n]{0,1000}%>"
    r"|[$#%]\{[^{}\n]{0,500}\}|\$\([^()\n]{0,300}\)|\$[A-Za-z_]\w*"
    r"|\[\[[^\[\]\n]{0,300}\]\]|\(\([^()\n]{0,300}\)\)|<[A-Za-z_][\w .-]{0,80}>"
)
_CONTROL = re.compile(r"\{%|\{\{-?\s*(?:if|else|end|range|with|define|block|#|/\*)\b")
_OPENS = re.compile(f"{OPEN}{{2,}}")
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?/|localhost(?::[0-9]+)?/")
_NUMBER = re.compile(r"[0-9.]+\Z")


def cover(text: str) -> str:
    """The text with each expression of a template language as `OPEN`."""
    if not any(mark in text for mark in "${<[(" + OPEN):
        return text
    return _OPENS.sub(OPEN, _MARKS.sub(OPEN, text))


def has_control(text: str) -> bool:
    """Whether a template decides something inside the text, so that no one value stands there."""
    return ("{{" in text or "{%" in text) and _CONTROL.search(text) is not None


def is_possible(value: str) -> bool:
    """Whether a value in an image's position can be a reference."""
    if not value or len(value) > _LONGEST or _BAD.search(value):
        return False
    if value.lower() in _WORDS or _NUMBER.match(value):
        return False
    if _FILE.search(value) and ":" not in value.rpartition("/")[2]:
        return False
    return judge_value(value) is not None


def is_certain(value: str) -> bool:
    """Whether a value is a reference by its looks alone: a path with a tag or a digest."""
    if "/" not in value or not is_possible(value):
        return False
    last = value.rpartition("/")[2]
    if "@sha256:" in value:
        return True
    name, colon, tag = last.partition(":")
    return bool(name and colon and tag) and OPEN not in name


def has_mark(value: str) -> bool:
    """Whether a possible value has a path, a tag or a digest: more than one bare word."""
    return is_possible(value) and any(mark in value for mark in "/:@")


def has_host(value: str) -> bool:
    """Whether a value begins with a registry's host."""
    return _HOST.match(value) is not None


def names_something(value: str) -> bool:
    """Whether enough of a covered value is literal: its last part, or what begins it."""
    name = name_of(value)
    if host := _HOST.match(name):
        name = name[host.end() :]
    first, slash, _ = name.partition("/")
    last = name.rpartition("/")[2]
    return bool(last and OPEN not in last) or bool(slash and OPEN not in first)


def name_of(value: str) -> str:
    """A value without tag and digest, by its marks alone."""
    name = value.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def has_tag(value: str) -> bool:
    """Whether a value has a tag or a digest."""
    return len(name_of(value)) < len(value)


def known_tags(references: Iterable[str]) -> tuple[str, ...]:
    """The tags of references that differ in nothing else; none when one of them is open.

    >>> known_tags(["node:18", "node:20"]), known_tags(["node:18", "node"])
    (('18', '20'), ('18', 'latest'))
    """
    tags = []
    for reference in references:
        if OPEN in reference or "@" in reference:
            return ()
        tags.append(reference[len(name_of(reference)) :].lstrip(":") or "latest")
    return tuple(dict.fromkeys(tags))
