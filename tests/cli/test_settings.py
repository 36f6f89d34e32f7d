"""Flag, then variable, then default; and where each came from."""

from __future__ import annotations

import pytest

from longshore.cli.settings import parse_settings
from longshore.errors import UsageError


@pytest.mark.parametrize(
    ("flags", "environ", "value", "origin"),
    [
        ({}, {}, None, "default"),
        ({}, {"LONGSHORE_TARGET": "dev"}, "dev", "LONGSHORE_TARGET"),
        ({"target": "prod"}, {"LONGSHORE_TARGET": "dev"}, "prod", "--target"),
        ({}, {"LONGSHORE_TARGET": ""}, None, "default"),
    ],
)
def test_text(
    flags: dict[str, object], environ: dict[str, str], value: str | None, origin: str
) -> None:
    settings = parse_settings(flags, environ)
    assert (settings.target, settings.origins["target"]) == (value, origin)


@pytest.mark.parametrize(
    ("flags", "environ", "value", "origin"),
    [
        ({}, {}, False, "default"),
        ({}, {"LONGSHORE_YES": "1"}, True, "LONGSHORE_YES"),
        ({}, {"LONGSHORE_YES": "No"}, False, "LONGSHORE_YES"),
        ({"yes": True}, {"LONGSHORE_YES": "0"}, True, "--yes"),
    ],
)
def test_switch(
    flags: dict[str, object], environ: dict[str, str], value: bool, origin: str
) -> None:
    settings = parse_settings(flags, environ)
    assert (settings.yes, settings.origins["yes"]) == (value, origin)


def test_a_variable_that_is_neither_yes_nor_no() -> None:
    with pytest.raises(UsageError, match="LONGSHORE_YES"):
        parse_settings({}, {"LONGSHORE_YES": "perhaps"})


def test_no_color_of_the_convention() -> None:
    settings = parse_settings({}, {"NO_COLOR": "anything"})
    assert settings.no_color
    assert settings.origins["no_color"] == "NO_COLOR"


@pytest.mark.parametrize(("one", "other"), [("json", "jsonl"), ("quiet", "verbose")])
def test_two_that_exclude_each_other(one: str, other: str) -> None:
    with pytest.raises(UsageError, match="exclude"):
        parse_settings({one: True, other: True}, {})
    settings = parse_settings({one: True}, {f"LONGSHORE_{other.upper()}": "1"})
    assert getattr(settings, one)
    assert not getattr(settings, other)
