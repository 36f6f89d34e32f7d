"""docs/config.md: its examples are configs, and it has every key of the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longshore.policy.lifecycle.preset import standard_policy
from longshore.provision.config import config_schema, parse_config

PAGE = (Path(__file__).parents[2] / "docs" / "config.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_configs(text: str) -> None:
    assert parse_config(text).targets


def keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for one in schema:
            yield from keys(one)
    elif isinstance(schema, dict):
        for name, one in schema.items():
            if name == "properties":
                yield from one
                yield from keys(list(one.values()))
            else:
                yield from keys(one)


def test_every_key_and_word_is_on_the_page() -> None:
    schema = config_schema()
    assert [name for name in sorted(set(keys(schema))) if not re.search(rf"\b{name}\b", PAGE)] == []
    words = re.findall(r"'enum': \[([^]]*)\]", str(schema))
    listed = {word.strip(" '") for group in words for word in group.split(",")}
    assert [word for word in sorted(listed) if word not in PAGE] == []


def test_the_preset_is_described_rule_by_rule() -> None:
    table = PAGE[PAGE.index("`{preset: standard}` is") : PAGE.index("An intent says")]
    patterns = [
        pattern
        for rule in standard_policy()["rules"]
        for pattern in rule["selection"].get("tagPatternList", [])
    ]
    assert re.findall(r"`([a-z]+-?\*|latest)`", table) == patterns
