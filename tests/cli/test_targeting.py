"""Which target is meant; nothing but a clear word leads to the embedded servers."""

from __future__ import annotations

import pytest

from longshore.cli.settings import parse_settings
from longshore.cli.targeting import choose_target, is_loopback_url
from longshore.errors import UsageError
from longshore.provision.config import parse_config
from longshore.provision.settings import Config

CONFIG = parse_config(
    """
version: 1
targets:
  prod: {kind: ecr, account: "123456789012", region: ap-northeast-2}
  dev: {kind: ecr, account: "210987654321", region: us-east-1}
  here: {kind: local}
"""
)
LOOPBACK = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4000"}
VPC = {"AWS_ENDPOINT_URL": "https://vpce-1.ecr.example"}


@pytest.mark.parametrize(
    ("flags", "config", "environ", "name", "way", "account"),
    [
        ({}, CONFIG, {}, "prod", "aws", "123456789012"),
        ({"target": "dev"}, CONFIG, {}, "dev", "aws", "210987654321"),
        ({"target": "here"}, CONFIG, {}, "here", "embedded", None),
        ({"target": "here"}, CONFIG, VPC, "here", "embedded", None),
        ({"local": True}, CONFIG, {}, "local", "embedded", None),
        ({"local": True}, None, {"AWS_REGION": "x"}, "local", "embedded", None),
        ({}, CONFIG, LOOPBACK, "prod", "loopback", "123456789012"),
        ({}, CONFIG, VPC, "prod", "aws", "123456789012"),
        ({}, None, {}, "aws", "aws", None),
        ({}, None, LOOPBACK, "local", "loopback", None),
        (
            {},
            None,
            {**VPC, "AWS_ENDPOINT_URL_ECR": "http://localhost:1"},
            "local",
            "loopback",
            None,
        ),
        (
            {},
            None,
            {**LOOPBACK, "AWS_ENDPOINT_URL_ECR": VPC["AWS_ENDPOINT_URL"]},
            "aws",
            "aws",
            None,
        ),
        ({"target": "local"}, None, {}, "local", "embedded", None),
        ({}, CONFIG, {"AWS_ENDPOINT_URL": ""}, "prod", "aws", "123456789012"),
    ],
)
def test_choice(
    flags: dict[str, object],
    config: Config | None,
    environ: dict[str, str],
    name: str,
    way: str,
    account: str | None,
) -> None:
    choice = choose_target(parse_settings(flags, environ), config, environ)
    assert (choice.name, choice.way, choice.account) == (name, way, account)


@pytest.mark.parametrize(
    ("config", "environ", "asked", "region"),
    [
        (CONFIG, {}, None, "ap-northeast-2"),
        (CONFIG, {"AWS_REGION": "eu-west-1"}, None, "ap-northeast-2"),
        (CONFIG, {}, "eu-west-1", "eu-west-1"),
        (None, {"AWS_DEFAULT_REGION": "eu-west-1"}, None, "eu-west-1"),
        (None, {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}, None, "eu-west-2"),
        (None, {}, None, None),
    ],
)
def test_region(
    config: Config | None, environ: dict[str, str], asked: str | None, region: str | None
) -> None:
    assert choose_target(parse_settings({}, environ), config, environ, asked).region == region


@pytest.mark.parametrize(
    ("flags", "config", "code"),
    [
        ({"local": True, "target": "prod"}, CONFIG, "local-and-target"),
        ({"local": True, "target": "prod"}, None, "local-and-target"),
        ({"target": "prd"}, CONFIG, "unknown-target"),
        ({"target": "prod"}, None, "config-not-found"),
    ],
)
def test_wishes_that_cannot_be_met(
    flags: dict[str, object], config: Config | None, code: str
) -> None:
    with pytest.raises(UsageError) as caught:
        choose_target(parse_settings(flags, {}), config, {})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://[::1]:4566", True),
        ("http://LOCALHOST", True),
        ("https://api.ecr.us-east-1.amazonaws.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1@evil.example", False),
        ("http://[", False),
    ],
)
def test_loopback(url: str, loopback: bool) -> None:
    assert is_loopback_url(url) == loopback
