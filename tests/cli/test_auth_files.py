"""Logins in docker's and podman's files: one entry changes, all else stays."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from longshore.cli.auth_files import (
    containers_auth_file,
    docker_auth_file,
    put_helper,
    put_login,
)
from longshore.errors import FileError, RefusedError
from longshore.facts import Token

HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
TOKEN = Token("AWS", "pass:word")
BEFORE = {
    "auths": {"docker.io": {"auth": "eDp5"}, "ghcr.io": {}},
    "credHelpers": {"quay.io": "desktop"},
    "currentContext": "",
    "psFormat": "한글",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "docker" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps(BEFORE), encoding="utf-8")
    return path


def test_login_keeps_everything_else(file: Path) -> None:
    put_login(file, HOST, TOKEN)
    document = json.loads(file.read_text("utf-8"))
    auth = document["auths"].pop(HOST)["auth"]
    assert base64.b64decode(auth) == b"AWS:pass:word"
    assert document == BEFORE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_helper_takes_the_place_of_a_password_and_back(file: Path) -> None:
    put_login(file, HOST, TOKEN)
    put_helper(file, HOST)
    document = json.loads(file.read_text("utf-8"))
    assert HOST not in document["auths"]
    assert document["credHelpers"] == {"quay.io": "desktop", HOST: "longshore"}
    put_login(file, HOST, TOKEN)
    assert HOST not in json.loads(file.read_text("utf-8"))["credHelpers"]


def test_new_file_in_a_new_folder(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.json"
    put_login(file, HOST, TOKEN)
    assert list(json.loads(file.read_text())) == ["auths"]
    assert [entry.name for entry in file.parent.iterdir()] == ["config.json"]


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": 3}', "[" * 100_000])
def test_a_broken_file_stays_as_it_is(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(FileError):
        put_login(file, HOST, TOKEN)
    assert file.read_text() == text


def test_never_through_a_symbolic_link(tmp_path: Path, file: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(file)
    with pytest.raises(RefusedError):
        put_login(link, HOST, TOKEN)


@pytest.mark.parametrize(
    ("environ", "docker", "containers"),
    [
        (
            {"HOME": "/h", "XDG_RUNTIME_DIR": "/r"},
            "/h/.docker/config.json",
            "/r/containers/auth.json",
        ),
        (
            {"HOME": "/h", "DOCKER_CONFIG": "/d", "REGISTRY_AUTH_FILE": "/a.json"},
            "/d/config.json",
            "/a.json",
        ),
    ],
)
def test_where_the_files_are(environ: dict[str, str], docker: str, containers: str) -> None:
    assert str(docker_auth_file(environ)) == docker
    assert str(containers_auth_file(environ)) == containers
