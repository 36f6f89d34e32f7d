"""`lifecycle import`, and the rules that it writes for `lifecycle prune`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import RunCli
from tests.embedded.aws_world import World

from longshore.cli.lifecycle_prune_files import parse_rules, rules_as_json
from longshore.errors import UsageError
from longshore.policy.lifecycle.pruning import PruneRule

ZOT = {
    "storage": {
        "retention": {
            "policies": [
                {
                    "repositories": ["**"],
                    "keepTags": [
                        {"patterns": ["^v"], "mostRecentlyPushedCount": 1},
                        {"patterns": ["^main-"], "pulledWithin": "168h"},
                    ],
                }
            ]
        }
    }
}


def test_import_says_everything_and_writes_nothing(cli: RunCli) -> None:
    Path("zot.json").write_text(json.dumps(ZOT))
    done = cli("lifecycle", "import", "zot.json", "--from", "zot")
    assert done.code == 0, done.err
    for line in (
        "policy for ECR:",
        "  4  expires untagged images pushed more than 1 day ago",
        "  keepTags[0]  v*: stays: the 1 newest",
        "  keepTags  * without v*, main-*: stays: nothing",
        "not carried over, or not exactly:",
    ):
        assert line in [text[: len(line)] for text in done.out.splitlines()], done.out
    assert [one.name for one in Path().iterdir()] == ["zot.json"]


def test_import_and_prune_by_what_it_wrote(account: World, cli: RunCli) -> None:
    account.client().create_repository(repositoryName="shop")
    for tag in ("v1", "v2", "main-1", "x", "live-prod"):
        account.push("shop", tag, tag)
    Path("zot.json").write_text(json.dumps(ZOT))
    made = cli("lifecycle", "import", "zot.json", "--from", "zot", "--write", "p.json", "--json")
    assert made.json["schema"] == "longshore.lifecycle.import/1"
    assert made.json["written"] == ["p.json", "p.prune.json"]
    assert made.json["policy"] == json.loads(Path("p.json").read_text())
    assert made.json["prune"] == json.loads(Path("p.prune.json").read_text())
    assert [one["what"] for one in made.json["not_carried"]] == ["keepTags[1].pulledWithin"]
    again = cli("lifecycle", "import", "zot.json", "--from", "zot", "--write", "p.json", "--json")
    assert (again.code, again.json["code"]) == (3, "file-exists")
    assert cli("lifecycle", "simulate", "shop", "--policy", "p.json").code == 0
    done = cli("lifecycle", "prune", "shop", "--rules", "p.prune.json", "--yes", "--json")
    assert done.code == 0, done.out
    details = account.client().describe_images(repositoryName="shop")["imageDetails"]
    tags = {tag for one in details for tag in one["imageTags"]}
    assert tags == {"v2", "main-1", "live-prod"}


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("zot.json", "--from", "harbor"), "import-unreadable"),
        (("nothing.json", "--from", "zot"), "file"),
        (("zot.json",), "usage"),
    ],
)
def test_import_of_something_else(cli: RunCli, argv: tuple[str, ...], code: str) -> None:
    Path("zot.json").write_text(json.dumps(ZOT))
    done = cli("lifecycle", "import", *argv, "--json")
    assert done.json["code"] == code


def test_rules_and_flags_exclude_each_other(cli: RunCli) -> None:
    Path("r.json").write_text('{"rules": [{"patterns": ["x"], "keep_newest": 1}]}')
    flags = ("--rules", "r.json", "--tags", "x", "--keep-newest", "1", "--json")
    done = cli("lifecycle", "prune", "shop", *flags)
    assert (done.code, "--rules" in done.json["message"]) == (2, True)


RULE = st.builds(
    PruneRule,
    st.text(min_size=1, max_size=5),
    st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3).map(tuple),
    st.none() | st.integers(0, 9),
    st.none() | st.integers(0, 9),
    st.sampled_from(["family", "branch", "minor-version", "pull-request"]),
    st.integers(0, 9),
    st.sampled_from(["push", "tag-name"]),
    st.lists(st.text(min_size=1, max_size=5), max_size=3).map(tuple),
)


@given(st.lists(RULE, min_size=1, max_size=3).map(tuple))
def test_rules_come_back_as_they_were_written(rules: tuple[PruneRule, ...]) -> None:
    assert parse_rules(json.dumps({"rules": rules_as_json(rules)}), "r.json") == rules


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "rules: a list of rules is missing"),
        ({"rules": []}, "rules: a list of rules is missing"),
        ({"rules": [1]}, "rules[0]: it is not an object"),
        ({"rules": [{}]}, "rules[0].patterns: which tags"),
        ({"rules": [{"patterns": []}]}, "rules[0].patterns: which tags"),
        ({"rules": [{"pattern": ["x"]}]}, "rules[0].pattern: there is no such key; take patterns"),
        ({"rules": [{"patterns": "x"}]}, 'rules[0].patterns: "x" cannot'),
        ({"rules": [{"patterns": ["x"], "keep_newest": -1}]}, "rules[0].keep_newest: -1"),
        ({"rules": [{"patterns": ["x"], "keep_newest": True}]}, "rules[0].keep_newest: true"),
        ({"rules": [{"patterns": ["x"], "per": "day"}]}, 'rules[0].per: "day"'),
        ({"rules": [{"patterns": ["x"], "name": 3}]}, "rules[0].name: 3"),
    ],
)
def test_rules_that_are_none(document: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rules(json.dumps(document), "r.json")
    assert said in caught.value.what
    assert caught.value.code == "prune-rules-invalid"


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_rules_that_are_no_json(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rules(text, "r.json")
    assert caught.value.where is not None
    assert caught.value.where.file == "r.json"
