"""Lifecycle policy files beside the config."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from longshore.errors import ConfigError
from longshore.provision.config import parse_config
from longshore.provision.policy_files import MAX_BYTES, read_policy_files
from longshore.provision.settings import Config

HEAD = "version: 1\ntargets: {local: {kind: local}}\nrepositories:\n"


def naming(*paths: str) -> Config:
    lines = [f"  r{n}: {{lifecycle: {{file: {path}}}}}\n" for n, path in enumerate(paths)]
    return parse_config(HEAD + "".join(lines))


def test_files_are_read_by_their_path_in_the_config(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.json").write_text("{}")
    (tmp_path / "b.json").write_text("[]")
    texts = read_policy_files(naming("policies/a.json", "b.json", "./b.json"), tmp_path)
    assert texts == {"policies/a.json": "{}", "b.json": "[]", "./b.json": "[]"}


def test_each_bad_file_is_named_with_its_place(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text("{}")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.json").symlink_to(outside / "secret.json")
    (inside / "folder").symlink_to(outside)
    (inside / "latin.json").write_bytes(b"\xff")
    (inside / "plain").mkdir()
    os.mkfifo(inside / "pipe")
    config = naming("none.json", "link.json", "folder/secret.json", "latin.json", "plain", "pipe")
    with pytest.raises(ConfigError) as caught:
        read_policy_files(config, inside)
    problems = caught.value.problems
    assert [problem.where.line for problem in problems] == [4, 5, 6, 7, 8, 9]
    assert "No such file" in problems[0].message
    assert "not UTF-8" in problems[3].message
    assert "not a regular file" in problems[5].message


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    (tmp_path / "big.json").write_text("x" * (MAX_BYTES + 5))
    assert len(read_policy_files(naming("big.json"), tmp_path)["big.json"]) == MAX_BYTES
