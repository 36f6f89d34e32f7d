"""OpenAPI and Swagger: large descriptions of programs' interfaces, which name no image. Pure.

They are full of words like `image` and `services`; claimed here, nobody else parses them.

Spec: spec.openapis.org/oas.
"""

from __future__ import annotations

import re

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile

# At the top: where a line begins, or a little further in as JSON is written.
_VERSION = re.compile(
    r"^\ufeff?(?:[\"']?|(?:\{[ \t]*)?[ \t]{0,4}\")(?:swagger|openapi)[\"']?"
    r"[ \t]*:[ \t]*[\"']?[23]\.\d",
    re.MULTILINE,
)
_OBJECT = re.compile(r"^[ \t{\"'-]{0,8}apiVersion[\"']?[ \t]*:", re.MULTILINE)
_HEAD = 20_000


def takes(path: str) -> bool:
    """Whether a file may be one, by its name."""
    return path.lower().endswith((".yaml", ".yml", ".json"))


def find(file: SourceFile, tree: Tree) -> tuple[Mention, ...] | None:
    """No images; None when the file is something else, or has manifests beside it."""
    described = _VERSION.search(file.text, 0, _HEAD) is not None
    return () if described and _OBJECT.search(file.text) is None else None


FINDER = Finder("api-description", takes, find, (b"swagger", b"openapi"))
