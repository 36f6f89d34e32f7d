"""YAML with a template language in it (Helm, Jinja, gotmpl, ERB), read as YAML. Pure.

Expressions are covered with `OPEN`, as many as they have characters; control lines and comments
are blanked. So positions stay, and many templates parse.

>>> file = read_source("a.yml.j2", b"{% if x %}\\nimage: node:{{ tag }}\\n{% endif %}\\n")
>>> file.cut(masked_documents(file).documents[0].get("image").span)
'node:{{ tag }}'
"""

from __future__ import annotations

import re

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.syntax.json_nodes import data_documents
from longshore.rewrite.syntax.yaml_nodes import YamlFile, parse_yaml

__all__ = ["has_marks", "masked", "masked_documents", "read_of", "read_source"]

_BLANK = re.compile(
    r"\{%[^{}%]{0,1000}%\}|\{#[^{}]{0,2000}?#\}|\{\{-?\s*/\*.{0,4000}?\*/\s*-?\}\}"
    r"|<%[^=%][^%]{0,1000}%>"
    r"|^[ \t]*\{\{[^{}\n]{0,1000}\}\}[ \t]*\r?$"
    r"|\{\{-?\s*(?:if|else|end|range|with|define|block|template|include|toYaml)\b[^{}\n]{0,1000}\}\}",
    re.MULTILINE | re.DOTALL,
)
_VALUE = re.compile(
    r"\{\{[^{}\n]{0,1000}(?:\{[^{}\n]{0,200}\}[^{}\n]{0,1000})?\}\}|<%=[^%\n]{0,1000}%>"
)
_PLAIN = (".yaml", ".yml", ".json")
_NOT_BREAK = re.compile(r"[^\r\n]")


def has_marks(text: str) -> bool:
    """Whether a text holds marks of a template language."""
    return "{{" in text or "{%" in text or "<%" in text


def masked(text: str) -> str:
    """The text with its expressions covered; the same length, the same lines."""
    if not has_marks(text):
        return text
    text = _BLANK.sub(lambda found: _NOT_BREAK.sub(" ", found[0]), text)
    return _VALUE.sub(lambda found: OPEN * len(found[0]), text)


def masked_documents(file: SourceFile) -> YamlFile:
    """The documents of a templated file, parsed once; spans are the file's."""
    return file.once("masked-yaml", lambda one: parse_yaml(masked(one.text)))


def read_of(file: SourceFile) -> YamlFile:
    """The documents of a YAML or JSON file; covered if that is what it takes to read them."""
    marked = has_marks(file.text)
    if marked and not file.name.lower().endswith(_PLAIN):
        return masked_documents(file)
    read = data_documents(file)
    return masked_documents(file) if marked and read.problem else read
