"""The published JSON Schema: it is current, and it accepts what the reader accepts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

import longshore
from longshore.provision.config import config_schema
from longshore.provision.schema import schema_text

from .test_config import EXAMPLE, HEAD, configs

PUBLISHED = Path(longshore.__file__).parent / "data" / "longshore.schema.json"
SCHEMA = config_schema()


def faults(value: Any, schema: dict[str, Any], path: str = "$") -> list[str]:
    """What the schema has against the value: the keywords that ours uses, and no others."""
    found: list[str] = []
    for keyword, rule in schema.items():
        found += [f"{path}: {fault}" for fault in _fault(keyword, rule, value, schema, path)]
    return found


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}


def _fault(keyword: str, rule: Any, value: Any, schema: dict[str, Any], path: str) -> list[str]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match keyword:
        case "type" if rule in ("integer", "number"):
            return [] if is_number and (rule == "number" or value == int(value)) else ["number"]
        case "type":
            return [] if isinstance(value, TYPES[rule]) else [f"no {rule}"]
        case "anyOf":
            return [] if any(not faults(value, one) for one in rule) else ["no alternative"]
        case "enum":
            return [] if value in rule else ["not in enum"]
        case "const":
            return [] if value == rule else ["not const"]
        case "pattern" if isinstance(value, str):
            return [] if re.search(rule, value) else [f"pattern {rule}"]
        case "minimum" if is_number:
            return [] if value >= rule else ["minimum"]
        case "maximum" if is_number:
            return [] if value <= rule else ["maximum"]
        case "required" if isinstance(value, dict):
            return [f"lacks {name}" for name in rule if name not in value]
        case "items" if isinstance(value, list):
            return [fault for one in value for fault in faults(one, rule, f"{path}[]")]
        case "minItems" | "minProperties" if isinstance(value, list | dict):
            return [] if len(value) >= rule else [keyword]
        case "maxItems" | "maxProperties" if isinstance(value, list | dict):
            return [] if len(value) <= rule else [keyword]
        case "properties" if isinstance(value, dict):
            both = [name for name in value if name in rule]
            return [f for name in both for f in faults(value[name], rule[name], f"{path}.{name}")]
        case "additionalProperties" if isinstance(value, dict):
            rest = [name for name in value if name not in schema.get("properties", {})]
            if rule is False:
                return [f"unknown {name}" for name in rest]
            return [f for name in rest for f in faults(value[name], rule, f"{path}.{name}")]
    return []


def test_the_published_schema_is_current() -> None:
    assert PUBLISHED.read_text("utf-8") == schema_text(), (
        "write it anew: longshore config schema > src/longshore/data/longshore.schema.json"
    )


def test_the_example_fits() -> None:
    assert faults(yaml.safe_load(EXAMPLE), SCHEMA) == []


@pytest.mark.parametrize(
    "text",
    [
        "images: [{to: ab}]",
        "unknown: 1",
        "repositories: {ab: {scan: sometimes}}",
        "repositories: {ab: {mutability: {default: mutable, except: [a, b, c, d, e, f]}}}",
        "images: [{from: a/b, tags: {newest: 0}}]",
        "images: [{from: a/b, referrers: maybe}]",
        "sources: {docker.io: {credentials: hunter2}}",
        "alerts: {storage_gb: lots}",
    ],
)
def test_what_the_reader_refuses_does_not_fit(text: str) -> None:
    assert faults(yaml.safe_load(HEAD + text), SCHEMA)


def test_variables_fit_everywhere() -> None:
    text = "images: [{from: '${A}', referrers: '${B}', mode: '${C:-copy}', tags: {newest: '${D}'}}]"
    assert faults(yaml.safe_load(HEAD + text), SCHEMA) == []


@given(configs)
def test_what_the_reader_accepts_fits(document: dict[str, Any]) -> None:
    assert faults(json.loads(json.dumps(document)), SCHEMA) == []


def test_every_key_is_described() -> None:
    def undescribed(schema: Any, path: str) -> list[str]:
        if isinstance(schema, list):
            return [found for one in schema for found in undescribed(one, path)]
        if not isinstance(schema, dict):
            return []
        found = [
            f"{path}.{name}"
            for name, one in schema.get("properties", {}).items()
            if not one.get("description")
        ]
        inner = {**schema.get("properties", {}), **{k: schema[k] for k in _NESTED if k in schema}}
        return found + [
            f for name, one in inner.items() for f in undescribed(one, f"{path}.{name}")
        ]

    assert undescribed(SCHEMA, "$") == []


_NESTED = ("anyOf", "items", "additionalProperties")
