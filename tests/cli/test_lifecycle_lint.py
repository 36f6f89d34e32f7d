"""lifecycle lint: files, listings, longshore.yaml, repositories of the embedded account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Done, RunCli
from tests.embedded.aws_world import World
from tests.policy.lifecycle_corpus import KEPT, policy, rule

SPLIT = policy(rule("prefix:main-,develop-", keep=10), rule("untagged", days=1))
GOOD = policy(*KEPT, rule("v*", keep=20), rule("untagged", days=1))
CONFIG = """\
version: 1
targets:
  prod: {kind: ecr, account: "123456789012", region: ap-northeast-2}
repositories:
  shop: {lifecycle: {preset: standard}}
  tools: {lifecycle: {file: tools.json}}
"""


def write(text: str, name: str = "policy.json") -> None:
    Path(name).write_text(text)


def codes(done: Done) -> set[str]:
    return {one["code"].removeprefix("lifecycle-") for one in done.json["findings"]}


def listing(*images: tuple[str, str]) -> None:
    details = [
        {
            "imageDigest": f"sha256:{place:064x}",
            "imageTags": tags.split(),
            "imagePushedAt": f"{day}T00:00:00Z",
        }
        for place, (tags, day) in enumerate(images)
    ]
    Path("images.json").write_text(json.dumps({"imageDetails": details}))


# --- files ---------------------------------------------------------------------------------------


def test_a_finding_names_file_line_and_column_and_ends_with_exit_3(cli: RunCli) -> None:
    write(SPLIT)
    done = cli("lifecycle", "lint", "--policy", "policy.json", "--json")
    assert done.code == 3
    (found,) = done.json["findings"]
    assert done.json["schema"] == "longshore.lifecycle.lint/1"
    assert found["code"] == "lifecycle-several-prefixes"
    assert found["severity"] == "high"
    line = SPLIT.split("\n")[found["where"]["line"] - 1]
    assert found["where"]["file"] == "policy.json"
    assert line[found["where"]["column"] - 1 :].startswith('"tagPrefixList"')
    assert [one["selection"].get("tagPrefixList") for one in json.loads(found["fix"])] == [
        ["main-"],
        ["develop-"],
        None,
    ]
    assert done.json["checked"] == [
        {"name": "policy.json", "what": "policy", "source": "policy.json"}
    ]


def test_people_read_the_same(cli: RunCli) -> None:
    write(SPLIT)
    done = cli("lifecycle", "lint", "--policy", "policy.json")
    assert done.code == 3
    assert "policy.json, judged by the policy alone" in done.out
    assert "high    lifecycle-several-prefixes  policy.json:8:9" in done.out
    assert '{"rulePriority": 2,' in done.out
    assert "1 high, 0 medium, 0 low" in done.out
    assert "longshore lifecycle lint --policy policy.json --fix" in done.out
    assert "1 finding is high" in done.err


def test_a_good_policy_ends_with_exit_0(cli: RunCli) -> None:
    write(GOOD)
    done = cli("lifecycle", "lint", "--policy", "policy.json")
    assert done.code == 0
    assert "no finding" in done.out
    assert cli("lifecycle", "lint", "--preset", "standard", "--json").json["findings"] == []


def test_medium_findings_do_not_fail(cli: RunCli) -> None:
    write(policy(rule("prefix:v", keep=10)))
    done = cli("lifecycle", "lint", "--policy", "policy.json", "--json")
    assert done.code == 0
    assert codes(done) == {"untagged-without-rule", "count-against-live"}
    assert done.json["summary"] == {"high": 0, "medium": 2, "low": 0}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{'rules': []}", 1, 2),
        ('{"rules": [\n  {"rulePriority": 1}\n]}', 2, 3),
        ('{"rules": []}', 1, 2),
    ],
)
def test_a_policy_that_ecr_refuses_is_a_finding_with_its_place(
    cli: RunCli, text: str, line: int, column: int
) -> None:
    write(text)
    done = cli("lifecycle", "lint", "--policy", "policy.json", "--json")
    assert done.code == 3
    found = done.json["findings"][0]
    assert found["code"] == "lifecycle-invalid"
    assert found["where"] == {"file": "policy.json", "line": line, "column": column}


def test_images_say_more(cli: RunCli) -> None:
    write(policy(*KEPT, rule("prefix:v", keep=60), rule("untagged", days=1)))
    listing(("v1.0", "2026-11-01"), ("vpn-7", "2026-11-02"), ("hotfix-3", "2026-11-03"))
    done = cli("lifecycle", "lint", "--policy", "policy.json", "--images", "images.json", "--json")
    assert done.code == 0
    assert codes(done) == {"prefix-too-wide", "tags-without-rule"}
    assert {"name": "policy.json", "what": "images", "source": "images.json", "count": 3} in (
        done.json["checked"]
    )


def test_the_strategy_says_more(cli: RunCli) -> None:
    write(GOOD)
    done = cli("lifecycle", "lint", "--policy", "policy.json", "--strategy", "standard", "--json")
    missing = {one["example"] for one in done.json["findings"]}
    assert codes(done) == {"tags-without-rule"}
    assert {"main-abc1234", "pr-123", "backup-20241201-143022"} <= missing


# --- corrections ---------------------------------------------------------------------------------


def test_fix_prints_the_whole_policy_and_nothing_else(cli: RunCli) -> None:
    write(SPLIT)
    done = cli("lifecycle", "lint", "--policy", "policy.json", "--fix")
    assert done.code == 0
    write(done.out, "better.json")
    assert "after: 0 high" in done.err
    assert cli("lifecycle", "lint", "--policy", "better.json", "--json").json["findings"] == []
    assert Path("policy.json").read_text() == SPLIT


def test_fix_writes_a_new_file_only(cli: RunCli) -> None:
    write(SPLIT)
    argv = ("lifecycle", "lint", "--policy", "policy.json", "--fix", "-o")
    refused = cli(*argv, "policy.json")
    assert refused.code == 3
    assert "--force" in refused.err
    assert cli(*argv, "better.json").code == 0
    assert len(json.loads(Path("better.json").read_text())["rules"]) > 2
    assert cli("lifecycle", "lint", "--policy", "policy.json", "-o", "x").code == 2


def test_fix_of_a_policy_that_cannot_be_mended_says_where(cli: RunCli) -> None:
    write('{"rules": [\n  {"rulePriority": 1}\n]}')
    done = cli("lifecycle", "lint", "--policy", "policy.json", "--fix")
    assert done.code == 2
    assert done.out == ""
    assert "missing required properties" in done.err


def test_fix_as_json(cli: RunCli) -> None:
    write(SPLIT)
    done = cli("lifecycle", "lint", "--policy", "policy.json", "--fix", "--json")
    assert done.code == 0
    assert done.json["findings"] == []
    assert len(done.json["corrected"]["rules"]) == 5


def test_sarif_points_into_the_file(cli: RunCli) -> None:
    write(SPLIT)
    cli("lifecycle", "lint", "--policy", "policy.json", "--sarif", "out.sarif")
    (run,) = json.loads(Path("out.sarif").read_text())["runs"]
    (result,) = run["results"]
    assert result["ruleId"] == "lifecycle-several-prefixes"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "policy.json"
    assert place["region"] == {"startLine": 8, "startColumn": 9}


# --- longshore.yaml ------------------------------------------------------------------------------


def test_the_file_s_policies_are_judged_by_its_strategy(cli: RunCli) -> None:
    write(CONFIG, "longshore.yaml")
    write(SPLIT, "tools.json")
    done = cli("lifecycle", "lint", "--json")
    assert done.code == 3
    assert {one["name"] for one in done.json["findings"]} == {"tools"}
    assert "several-prefixes" in codes(done)
    assert done.json["findings"][0]["where"]["file"] == "tools.json"
    assert {one["what"] for one in done.json["checked"]} == {"policy", "strategy"}
    alone = cli("lifecycle", "lint", "--policy", "tools.json", "--strategy", "none", "--json")
    assert codes(alone) == {"several-prefixes"}


def test_a_listing_is_that_of_one_repository(cli: RunCli) -> None:
    write(CONFIG, "longshore.yaml")
    write(GOOD, "tools.json")
    listing(("v1.0", "2026-11-01"))
    done = cli("lifecycle", "lint", "--images", "images.json")
    assert done.code == 2
    assert "of which repository" in done.err
    one = cli(
        "lifecycle", "lint", "tools", "--images", "images.json", "--strategy", "none", "--json"
    )
    assert one.code == 0
    assert {one["what"] for one in one.json["checked"]} == {"policy", "images"}


# --- repositories --------------------------------------------------------------------------------


def put_policy(world: World, name: str, text: str) -> None:
    world.client("ecr").put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=text)


def test_repositories_with_what_is_in_force(cli: RunCli, account: World) -> None:
    ecr = account.client("ecr")
    for name in ("lint-good", "lint-bad", "lint-none"):
        ecr.create_repository(repositoryName=name)
    put_policy(account, "lint-good", GOOD)
    put_policy(account, "lint-bad", SPLIT)
    done = cli("lifecycle", "lint", "--all", "--json")
    assert done.code == 3
    mine = {one["name"]: one["code"] for one in done.json["findings"] if "lint-" in one["name"]}
    assert mine == {"lint-bad": "lifecycle-several-prefixes", "lint-none": "lifecycle-missing"}
    assert done.json["findings"][0]["where"].keys() == {"resource"}
    one = cli("lifecycle", "lint", "lint-good")
    assert one.code == 0
    assert "EMBEDDED" in one.out


def test_a_repository_that_is_not_there(cli: RunCli, account: World) -> None:
    done = cli("lifecycle", "lint", "no-such-repository")
    assert done.code == 1
    many = cli("lifecycle", "lint", "no-such-repository", "neither", "--json")
    assert many.code == 1
    assert [one["name"] for one in many.json["unchecked"]] == ["no-such-repository", "neither"]


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("--policy", "a", "--preset", "standard"),
        ("--policy", "-", "--images", "-"),
        ("--in-force",),
        ("--all", "shop"),
        ("--images", "a", "--all"),
        ("--policy", "no-such-file", "--at", "yesterday-ish"),
    ],
)
def test_what_does_not_go_together(cli: RunCli, argv: tuple[str, ...]) -> None:
    done = cli("lifecycle", "lint", *argv)
    assert done.code == 2
    assert "hint:" in done.err


def test_control_characters_do_not_reach_the_screen(cli: RunCli) -> None:
    text: Any = policy(rule("prefix:a\x1b[31m,b", keep=3), rule("untagged", days=1))
    write(text)
    done = cli("lifecycle", "lint", "--policy", "policy.json")
    assert "\x1b" not in done.out + done.err
