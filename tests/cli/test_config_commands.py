"""config show, check and schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import RunCli

GOOD = """\
version: 1
targets:
  prod: {kind: ecr, account: "123456789012", region: "${HOME_REGION}"}
images:
  - from: docker.io/acme/shop
    to: shop
    tags: {allow: ["v*", "main-*"]}
"""


def write(text: str, name: str = "longshore.yaml") -> None:
    Path(name).write_text(text, encoding="utf-8")


def test_check(cli: RunCli) -> None:
    write(GOOD)
    done = cli("config", "check", HOME_REGION="us-east-1")
    assert done.code == 0
    assert "1 targets, 1 images" in done.out
    document = cli("config", "check", "--json", HOME_REGION="us-east-1").json
    assert (document["schema"], document["problems"]) == ("longshore.config.check/1", [])


def test_check_names_every_mistake(cli: RunCli) -> None:
    write(GOOD.replace("images:", "imges:").replace("kind: ecr", "kind: gcr"))
    done = cli("config", "check", "--json", HOME_REGION="us-east-1")
    assert done.code == 2
    places = [problem["where"]["line"] for problem in done.json["problems"]]
    assert places == [3, 4]
    assert "longshore.yaml:4:1" in done.err
    assert "did you mean 'images'?" in done.err


def test_show_says_where_each_value_comes_from(cli: RunCli) -> None:
    write(GOOD)
    done = cli(
        "config", "show", "--origin", "--quiet", HOME_REGION="us-east-1", LONGSHORE_TARGET="prod"
    )
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines()}
    assert rows["--target"] == ["prod", "LONGSHORE_TARGET"]
    assert rows["--quiet"] == ["true", "--quiet"]
    assert rows["--yes"] == ["false", "default"]
    assert rows["images[0].to"] == ["shop", "longshore.yaml:6:9"]
    assert "[v*, main-*]" in done.out


def test_show_never_fills_in_variables(cli: RunCli) -> None:
    write(GOOD)
    for argv in (["config", "show"], ["config", "show", "--json"]):
        done = cli(*argv, HOME_REGION="us-east-1")
        assert "${HOME_REGION}" in done.out
        assert "us-east-1" not in done.out


def test_show_without_a_file(cli: RunCli) -> None:
    done = cli("config", "show", "--json")
    assert done.code == 0
    assert done.json["file"] is None


def test_a_file_that_was_named_must_be_there(cli: RunCli) -> None:
    done = cli("config", "show", "--config", "other.yaml")
    assert done.code == 2
    assert "other.yaml" in done.err


def test_a_file_that_is_not_text(cli: RunCli) -> None:
    Path("longshore.yaml").write_bytes(b"\xff\xfe\x00")
    done = cli("config", "check")
    assert done.code == 1
    assert "not UTF-8" in done.err


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_schema(cli: RunCli, flags: list[str]) -> None:
    document = json.loads(cli("config", "schema", *flags).out)
    document = document.get("document", document)
    assert "targets" in document["properties"]
