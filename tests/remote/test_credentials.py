"""Docker's config file and credential helpers."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from longshore.errors import LoginError
from longshore.facts import Token
from longshore.remote.credentials import (
    DockerConfig,
    docker_config,
    explicit,
    helper_credentials,
)


def auth(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def source(config: Path, document: object) -> DockerConfig:
    config.write_text(document if isinstance(document, str) else json.dumps(document))
    return docker_config({"DOCKER_CONFIG": str(config.parent), "PATH": str(config.parent)})


def helper(config: Path, name: str, script: str) -> None:
    file = config.parent / f"docker-credential-{name}"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_no_file_is_nobody(tmp_path: Path) -> None:
    assert docker_config({"HOME": str(tmp_path)})("docker.io") is None


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("http://127.0.0.1:5000", "127.0.0.1:5000"),
        ("https://registry.example/v2/", "registry.example"),
    ],
)
def test_auths_by_their_many_names(config: Path, server: str, host: str) -> None:
    found = source(config, {"auths": {server: {"auth": auth("me", "p:w")}}})
    assert found(host) == Token("me", "p:w")
    assert found("other.example") is None


@pytest.mark.parametrize(
    ("entry", "token"),
    [
        ({"username": "u", "password": "p"}, Token("u", "p")),
        ({"identitytoken": "t", "auth": auth("u", "p")}, Token("<token>", "t")),
        ({}, None),
        ({"auth": ""}, None),
    ],
)
def test_forms_of_an_entry(config: Path, entry: dict[str, str], token: Token | None) -> None:
    assert source(config, {"auths": {"r.example": entry}})("r.example") == token


@pytest.mark.parametrize("text", ["{", '{"auths": {"r.example": {"auth": "/w=="}}}'])
def test_a_damaged_file_is_told(config: Path, text: str) -> None:
    with pytest.raises(LoginError) as caught:
        source(config, text)("r.example")
    assert caught.value.code == "bad-docker-config"


def test_a_helper_is_asked_on_standard_input(config: Path) -> None:
    helper(
        config,
        "test",
        'read -r server; echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$server\\"}"',
    )
    found = source(config, {"credHelpers": {"r.example": "test"}})
    assert found("r.example") == Token("get", "r.example")
    assert found("other.example") is None


def test_the_store_answers_for_all(config: Path) -> None:
    script = (
        'read -r s; [ "$s" = index.docker.io ] && echo \'{"Username":"u","Secret":"p"}\' && exit 0;'
        "echo 'credentials not found in native keychain'; exit 1"
    )
    helper(config, "keys", script)
    found = source(config, {"credsStore": "keys"})
    assert found("docker.io") == Token("u", "p")
    assert found("r.example") is None


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("gone", None),
        ("fails", "echo secret; exit 3"),
        ("odd", "echo nonsense"),
        ("../evil", None),
        ("-x", None),
    ],
)
def test_helpers_that_fail_show_no_output(config: Path, name: str, script: str | None) -> None:
    if script is not None:
        helper(config, name, script)
    with pytest.raises(LoginError) as caught:
        source(config, {"credHelpers": {"r.example": name}})("r.example")
    assert caught.value.code == "credential-helper-failed"
    assert "secret" not in caught.value.what


def test_a_helper_alone(config: Path) -> None:
    helper(config, "alone", 'echo \'{"Username":"u","Secret":"p"}\'')
    environ = {"PATH": str(config.parent) + os.pathsep + os.environ["PATH"]}
    assert helper_credentials("alone", environ)("r.example") == Token("u", "p")


def test_explicit_credentials_win() -> None:
    chosen = explicit({"r.example": Token("a", "b")}, lambda host: Token(host, "otherwise"))
    assert chosen("r.example") == Token("a", "b")
    assert chosen("x.example") == Token("x.example", "otherwise")


def test_tokens_do_not_show() -> None:
    assert "secret" not in repr(Token("me", "secret"))
