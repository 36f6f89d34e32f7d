"""Descriptions of interfaces name no images, however they are written."""

from __future__ import annotations

import pytest

from .found import found

PARTS = """
definitions:
  Pod:
    example:
      containers: [{name: web, image: "nginx:1.27"}]
"""


@pytest.mark.parametrize(
    "head",
    ['swagger: "2.0"', "openapi: 3.0.1", "# an interface\nopenapi: '3.1.0'", '"swagger": "2.0"'],
)
def test_nothing_is_found(head: str) -> None:
    assert found("api/spec.yaml", head + PARTS) == []


def test_json() -> None:
    text = '{\n  "openapi": "3.0.0",\n  "containers": [{"name": "web", "image": "nginx:1"}]\n}\n'
    assert found("spec.json", text) == []
    assert found("spec.json", text.replace("openapi", "other")) == ["3 pull nginx:1"]


@pytest.mark.parametrize(
    "text",
    [
        PARTS,
        "info:\n  openapi: 3.0.1" + PARTS.replace("definitions", "parts"),
        "apiVersion: v1\nkind: Pod\nspec:\n  containers: [{name: a, image: 'nginx:1.27'}]\n"
        "---\nopenapi: 3.0.1\n",
    ],
)
def test_what_is_none(text: str) -> None:
    assert [line.split()[-1] for line in found("a.yaml", text)] == ["nginx:1.27"]
