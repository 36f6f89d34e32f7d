"""lifecycle simulate: saved listings, invented histories, the embedded account, looking ahead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Done, RunCli
from tests.embedded.aws_world import World, index_of

from longshore.cli.lifecycle_timeline import ASCII, BLOCKS, levels

AT = "2026-11-23T00:00:00Z"


def write_policy(*rules: tuple[dict[str, Any], str]) -> None:
    document = {
        "rules": [
            {"rulePriority": number, "selection": selection, "action": {"type": action}}
            for number, (selection, action) in enumerate(rules, start=1)
        ]
    }
    Path("policy.json").write_text(json.dumps(document))


def newest(pattern: str, count: int) -> tuple[dict[str, Any], str]:
    return (
        {
            "tagStatus": "tagged",
            "tagPatternList": [pattern],
            "countType": "imageCountMoreThan",
            "countNumber": count,
        },
        "expire",
    )


def untagged(days: int) -> tuple[dict[str, Any], str]:
    since = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return ({"tagStatus": "untagged", **since}, "expire")


def write_images(*found: tuple[str, str], **more: Any) -> None:
    """Pairs of tags and day; the digest is the place."""
    details = [
        {
            "imageDigest": f"sha256:{place:064x}",
            "imageTags": tags.split(),
            "imagePushedAt": f"2026-11-{day}T00:00:00Z",
            "imageSizeInBytes": 1024,
            **more,
        }
        for place, (tags, day) in enumerate(found)
    ]
    Path("images.json").write_text(json.dumps({"imageDetails": details}))


FILES = ("lifecycle", "simulate", "--policy", "policy.json", "--images", "images.json")


@pytest.fixture
def saved(cli: RunCli) -> RunCli:
    """Three releases and two untagged images beside a policy of two rules."""
    write_policy(newest("v*", 2), untagged(7))
    write_images(("v1", "01"), ("v2 latest", "02"), ("v3", "03"), ("", "10"), ("", "20"))
    return cli


def test_the_contract(saved: RunCli) -> None:
    done = saved(*FILES, "--at", AT, "--json")
    assert done.code == 0, done.err
    found = done.json
    assert found["schema"] == "longshore.lifecycle.simulate/1"
    assert found["at"] == AT
    told = {one["digest"][-1]: (one["action"], one["rule"]) for one in found["images"]}
    assert told == {
        "0": ("expire", 1),
        "1": ("keep", 1),
        "2": ("keep", 1),
        "3": ("expire", 2),
        "4": ("keep", 2),
    }
    first = found["images"][0]
    assert first["tags"] == ["v1"]
    assert first["reason"] == "rule 1 keeps the 2 newest of v*; this is the 3rd"
    assert first["goes_at"] == AT
    assert found["counts"] == {"images": 5, "expire": 2, "transition": 0, "keep": 3, "unreached": 0}
    assert found["bytes"] == {"total": 5120, "expire": 2048, "transition": 0, "keep": 3072}
    assert found["policy"] == {"from": "file", "source": "policy.json", "rules": 2, "notes": []}
    assert found["open_points"] == []
    assert found["readings"]["day"] == "24-hours"


def test_no_rule_is_null(saved: RunCli) -> None:
    write_images(("x1", "01"))
    (one,) = saved(*FILES, "--at", AT, "--json").json["images"]
    assert (one["action"], one["rule"], one["reason"]) == ("keep", None, "no rule reaches it")


def test_the_screen(saved: RunCli) -> None:
    done = saved(*FILES, "--at", AT)
    lines = [line.strip() for line in done.out.splitlines()]
    assert "images.json: 2 of 5 images expire (2.0 KiB), 3 stay" in lines
    assert "policy: policy.json, 2 rules" in lines
    assert "1 by rule 1, which keeps the 2 newest of v*" in lines
    assert any(line.startswith("v1 ") and line.endswith("3rd newest") for line in lines)
    assert "2  rule 1 keeps the 2 newest of v*" in lines
    assert "1  not yet: rule 2 expires untagged images pushed more than 7 days ago" in lines
    assert "next: longshore lifecycle explain v1 --policy policy.json --images images.json" in lines
    assert "v2 latest" not in done.out
    assert "v2 latest" in saved(*FILES, "--at", AT, "--verbose").out


def test_many_rows_are_cut_unless_verbose(saved: RunCli) -> None:
    write_images(*((f"v{n}", f"{1 + n % 20:02}") for n in range(40)))
    done = saved(*FILES, "--at", AT)
    assert "... and 18 more; --verbose shows all" in done.out
    assert len(done.out.splitlines()) < 40
    assert "... and" not in saved(*FILES, "--at", AT, "--verbose").out


@pytest.mark.parametrize(("at", "gone"), [("2026-11-26", 1), ("2026-11-28", 2)])
def test_another_time(saved: RunCli, at: str, gone: int) -> None:
    write_images(("", "10"), ("", "20"))
    assert saved(*FILES, "--at", at, "--json").json["counts"]["expire"] == gone


def test_images_from_the_future_are_told(saved: RunCli) -> None:
    done = saved(*FILES, "--at", "2026-11-02T12:00:00Z")
    assert "3 of the images have times after 2026-11-02T12:00:00Z" in done.out


def test_open_points_are_told_when_they_matter(saved: RunCli) -> None:
    write_images(("v1", "01"), ("v2", "01"), ("v3", "03"))
    found = saved(*FILES, "--at", AT, "--json").json
    (point,) = found["open_points"]
    assert (point["point"], point["read_as"]) == ("ties", "higher-digest-is-newer")
    assert {one["digest"][-1]: one["action_then"] for one in point["images"]} == {
        "0": "expire",
        "1": "keep",
    }
    gone = {one["digest"] for one in found["images"] if one["action"] == "expire"}
    words = saved(*FILES, "--at", AT).out
    assert "--reading ties=higher-digest-is-newer: 1 more would expire (v1)" in words
    other = saved(*FILES, "--at", AT, "--json", "--reading", "ties=higher-digest-is-newer").json
    assert {one["digest"] for one in other["images"] if one["action"] == "expire"} != gone
    assert other["readings"]["ties"] == "higher-digest-is-newer"


def test_control_characters_of_a_listing_stay_off_the_screen(saved: RunCli) -> None:
    Path("images.json").write_text(
        json.dumps([{"imageDigest": "sha256:00", "imageTags": ["v\x1b[31m1"]}])
    )
    done = saved(*FILES, "--at", AT)
    assert "\x1b" not in done.out + done.err


def archive(pattern: str, days: int) -> tuple[dict[str, Any], str]:
    since = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return ({"tagStatus": "tagged", "tagPatternList": [pattern], **since}, "transition")


def test_archiving(cli: RunCli) -> None:
    selection, _ = archive("v*", 5)
    action = {"type": "transition", "targetStorageClass": "archive"}
    rule = {"rulePriority": 1, "selection": selection, "action": action}
    Path("policy.json").write_text(json.dumps({"rules": [rule]}))
    write_images(("v1", "01"), ("v2", "22"))
    done = cli(*FILES, "--at", AT)
    assert "1 of 2 images go to archive (1.0 KiB), nothing expires, 1 stay" in done.out
    assert "ARCHIVE" in done.out.splitlines()
    first, second = cli(*FILES, "--at", AT, "--json").json["images"]
    assert (first["action"], first["archived_at"], first["goes_at"]) == ("transition", AT, None)
    assert second["action"] == "keep"


# --- looking ahead -------------------------------------------------------------------------------


def test_along_time_with_pushes(saved: RunCli) -> None:
    write_images(("v1.0.0", "01"), ("v2.0.0", "02"))
    ahead = (*FILES, "--at", AT, "--push-rate", "v=1/day", "--until", "+4d")
    found = saved(*ahead, "--json").json
    assert found["at"] == "2026-11-27T00:00:00Z"
    assert [one["goes_at"] for one in found["images"]] == [
        "2026-11-24T00:00:00Z",
        "2026-11-25T00:00:00Z",
    ]
    steps = found["look_ahead"]["steps"]
    assert [(step["pushed"], len(step["expired"]), step["left"]) for step in steps] == [
        *[(0, 0, 2), (1, 1, 2), (1, 1, 2), (1, 1, 2), (1, 1, 2)]
    ]
    assert steps[-1]["left_by_rule"] == [{"rule": 1, "images": 2}]
    done = saved(*ahead)
    assert "images.json, until 2026-11-27: 2 of 2 images expire (2.0 KiB), 0 stay" in done.out
    assert "goes 2026-11-24" in done.out
    (head,) = [line for line in done.out.splitlines() if line.startswith("DATE")]
    assert head.split() == ["DATE", "PUSHED", "EXPIRED", "LEFT", "SIZE", "1:v*"]


def test_without_pushes_only_days_on_which_something_goes_are_shown(saved: RunCli) -> None:
    done = saved(*FILES, "--at", AT, "--until", "+20d")
    dates = [line[:10] for line in done.out.splitlines() if line.startswith("2026-")]
    assert dates == ["2026-11-23", "2026-11-28", "2026-12-13"]
    whole = saved(*FILES, "--at", AT, "--until", "+20d", "--verbose")
    assert len([line for line in whole.out.splitlines() if line.startswith("2026-")]) == 21


def test_hours(saved: RunCli) -> None:
    done = saved(*FILES, "--at", AT, "--until", "+6h", "--every", "2h", "--verbose")
    assert "2026-11-23 04:00" in done.out


def test_bars_are_ascii_where_the_stream_is() -> None:
    assert levels("utf-8") == BLOCKS
    assert {levels(one) for one in ("ascii", "latin-1", "no-such", None)} == {ASCII}


INVENT = ("lifecycle", "simulate", "--invent", "main-*+prod-main-*=2/day,pr-*=1/day,untagged=1/day")


def test_an_invented_history(cli: RunCli) -> None:
    words = (*INVENT, "--since", "10d", "--preset", "standard", "--at", AT, "--json")
    done = cli(*words)
    assert done.code == 0, done.err
    found = done.json
    assert found["counts"]["images"] == 40
    kept = [one for one in found["images"] if one["action"] == "keep"]
    assert sum("prod-main" in " ".join(one["tags"]) for one in kept) == 10
    assert sum("pr-" in " ".join(one["tags"]) for one in kept) == 3
    assert "invented" in found["remarks"][0]
    assert cli(*words).out == done.out


def test_an_invented_history_goes_on(cli: RunCli) -> None:
    done = cli(
        *(*INVENT, "--since", "10d", "--preset", "standard", "--at", AT),
        *("--push-rate", "main-*+prod-main-*=2/day", "--until", "+10d", "--json"),
    )
    found = done.json
    assert all(
        one["action"] == "expire"
        for one in found["images"]
        if one["tags"][:1] != [] and "main" in one["tags"][0]
    )
    assert [step["left"] for step in found["look_ahead"]["steps"]][-1] == 13


def test_a_size_that_is_not_known_is_not_zero(saved: RunCli) -> None:
    listing = json.loads(Path("images.json").read_text())
    for one in listing["imageDetails"]:
        one.pop("imageSizeInBytes", None)
    Path("images.json").write_text(json.dumps(listing))
    found = saved(*FILES, "--json").json
    assert found["bytes"] == {"total": None, "expire": None, "transition": 0, "keep": None}
    assert "2 of 5 images expire (size unknown), 3 stay" in saved(*FILES).out


def test_a_policy_that_is_too_long_for_ecr_is_judged_and_told(saved: RunCli) -> None:
    document = json.loads(Path("policy.json").read_text())
    document["rules"][0]["description"] = "x" * 31_000
    Path("policy.json").write_text(json.dumps(document))
    found = saved(*FILES, "--json").json
    (note,) = found["policy"]["notes"]
    assert note.startswith("ECR refuses this policy: The text has 31")


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((*FILES, "--at", "soon"), "bad-time"),
        ((*FILES, "--at", "+5"), "bad-time"),
        ((*FILES, "--at", "9999-12-31T23:59:59Z"), "bad-time"),
        ((*FILES, "--at", "0001-01-01"), "bad-time"),
        ((*FILES, "--at", "+2900000d"), "bad-time"),
        ((*FILES, "--reading", "ties"), "bad-reading"),
        ((*FILES, "--reading", "tie=x"), "bad-reading"),
        ((*FILES, "--push-rate", "main"), "bad-rate"),
        ((*FILES, "--until", "-3d"), "bad-time"),
        ((*FILES, "--until", "+3d", "--every", "0d"), "bad-time"),
        ((*FILES, "--until", "+3000d", "--every", "1m"), "bad-time"),
        ((*FILES, "--preset", "standard"), "usage"),
        ((*FILES, "--all"), "usage"),
        ((*FILES, "--preview"), "usage"),
        ((*FILES, "--invent", "main=1/day"), "usage"),
        (("lifecycle", "simulate"), "usage"),
        (("lifecycle", "simulate", "--images", "images.json"), "no-policy"),
        (("lifecycle", "simulate", "--policy", "-", "--images", "-"), "usage"),
        (("lifecycle", "simulate", "--all", "shop"), "usage"),
    ],
)
def test_bad_words(saved: RunCli, words: tuple[str, ...], code: str) -> None:
    done = saved(*words, "--json")
    assert done.code == 2, done.err
    assert done.json["code"] == code
    assert done.json["hint"]


def test_files_that_are_not_there(cli: RunCli) -> None:
    done = cli(*FILES, "--json")
    assert (done.code, done.json["where"]["file"]) == (1, "policy.json")
    write_policy(newest("v*", 2))
    done = cli(*FILES, "--json")
    assert (done.code, done.json["where"]["file"]) == (1, "images.json")
    assert "aws ecr describe-images" in done.json["hint"]


def test_a_policy_that_ecr_refuses_is_named_with_its_line(cli: RunCli) -> None:
    Path("policy.json").write_text('{\n  "rules": [\n    {"rulePriority": 0}\n  ]\n}')
    write_images(("v1", "01"))
    done = cli(*FILES, "--json")
    assert (done.code, done.json["code"]) == (2, "lifecycle-policy-invalid")
    where = done.json["where"]
    assert (where["file"], where["line"]) == ("policy.json", 3)


# --- repositories --------------------------------------------------------------------------------


def fill(account: World, name: str = "shop") -> None:
    """An index with two platforms, a release, an untagged image; a policy that keeps one."""
    account.client().create_repository(repositoryName=name)
    amd, arm = account.manifest(name, "amd"), account.manifest(name, "arm")
    for content in (amd, arm):
        account.put(name, content)
    account.push(name, "one", "v1")
    account.put(name, index_of(amd, arm), "v2")
    account.push(name, "lost")
    write_policy(newest("v*", 9), untagged(1))
    account.client().put_lifecycle_policy(
        repositoryName=name, lifecyclePolicyText=Path("policy.json").read_text()
    )


def test_a_repository_by_its_own_policy(account: World, cli: RunCli) -> None:
    fill(account)
    done = cli("lifecycle", "simulate", "shop", "--at", "+3d", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert found["policy"]["from"] == "repository"
    assert found["place"]["mark"] == "EMBEDDED"
    assert {one["repository"] for one in found["images"]} == {"shop"}
    told = sorted((one["action"], one["because"]) for one in found["images"])
    assert told == [
        *[("expire", "age"), ("keep", "count"), ("keep", "count")],
        *[("keep", "in-index"), ("keep", "in-index")],
    ]
    assert found["next"].startswith("longshore lifecycle explain shop@sha256:")
    words = cli("lifecycle", "simulate", "shop", "--at", "+3d").out
    assert "2  an index that is there names them" in words
    assert "EMBEDDED" in words


def test_pull_times_are_not_renewed_unasked(account: World, cli: RunCli) -> None:
    fill(account)
    selection = {"countType": "sinceImagePulled", "countUnit": "days", "countNumber": 30}
    rule = {
        "rulePriority": 1,
        "selection": {"tagStatus": "tagged", "tagPatternList": ["v*"], **selection},
        "action": {"type": "transition", "targetStorageClass": "archive"},
    }
    Path("pulled.json").write_text(json.dumps({"rules": [rule]}))
    words = ("lifecycle", "simulate", "shop", "--policy", "pulled.json", "--json")
    before = account.aws.ecr.served.contents
    assert before is not None
    (remark,) = cli(*words).json["remarks"]
    assert "--read-indexes" in remark
    assert cli(*words, "--read-indexes").json["remarks"] == []


def test_a_repository_without_policy(account: World, cli: RunCli) -> None:
    account.client().create_repository(repositoryName="bare")
    done = cli("lifecycle", "simulate", "bare", "--json")
    assert (done.code, done.json["code"]) == (2, "no-policy")
    assert cli("lifecycle", "simulate", "bare", "--preset", "standard").code == 0


def test_a_repository_that_is_not_there(account: World, cli: RunCli) -> None:
    done = cli("lifecycle", "simulate", "nothing", "--json")
    assert (done.code, done.json["code"]) == (1, "repository-not-found")


def test_the_whole_registry(account: World, cli: RunCli) -> None:
    assert cli("lifecycle", "simulate", "--all", "--json").json["repositories"] == []
    fill(account)
    account.client().create_repository(repositoryName="bare")
    account.push("bare", "thing", "v1")
    done = cli("lifecycle", "simulate", "--all", "--at", "+3d")
    rows = {line.split()[0]: line.split()[1:5] for line in done.out.splitlines()[2:] if line}
    assert rows["REPOSITORY"] == ["IMAGES", "EXPIRE", "ARCHIVE", "STAY"]
    assert rows["shop"] == ["5", "1", "0", "4"]
    assert rows["bare"] == ["1", "0", "0", "1"]
    assert rows["total"] == ["6", "1", "0", "5"]
    found = cli("lifecycle", "simulate", "--all", "--at", "+3d", "--json").json
    assert [one["repository"] for one in found["repositories"]] == ["bare", "shop"]
    assert found["repositories"][0]["policy"] is None
    assert len(found["images"]) == 6


CONFIG = """\
version: 1
targets:
  prod: {kind: ecr, account: "123456789012", region: ap-northeast-2}
repositories:
  shop:
    lifecycle: {preset: standard}
"""


def test_the_policy_of_the_file(account: World, cli: RunCli) -> None:
    fill(account)
    Path("longshore.yaml").write_text(CONFIG)
    found = cli("lifecycle", "simulate", "shop", "--json").json
    assert found["policy"]["from"] == "config"
    (remark,) = [one for one in found["remarks"] if "another policy is in force" in one]
    assert "longshore lifecycle diff live:shop config:shop" in remark
    found = cli("lifecycle", "simulate", "shop", "--in-force", "--json").json
    assert found["policy"]["from"] == "repository"
    write_images(("v1", "01"))
    found = cli("lifecycle", "simulate", "shop", "--images", "images.json", "--json").json
    assert found["policy"]["from"] == "config"


def test_without_credentials_nothing_is_asked(
    cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    done: Done = cli("lifecycle", "simulate", "shop", "--json", AWS_REGION="us-east-1")
    assert done.code == 4
