"""The example tree from Docker Hub to ECR: assessed, migrated, rewritten, proved, taken back."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from longshore.embedded.seed.load import seed_named
from tests.journey.lab import TARGETS, Lab

EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"
HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def shop(lab: Lab) -> Lab:
    """The example in the lab's folder, committed; the Hub has all that it names."""
    shutil.copytree(EXAMPLE, lab.folder, dirs_exist_ok=True)
    git(lab.folder, "init", "-q", "-b", "main")
    wanted: dict[str, set[str]] = {}
    for use in lab.done("assess")["references"]:
        if use["status"] == "hub" and use["image"]:
            name = use["image"].removeprefix("docker.io/")
            wanted.setdefault(name, set()).update(use["tags"] or ["latest"])
    list(seed_named(lab.hub, {name: sorted(tags) for name, tags in wanted.items()}))
    lab.done("init", "--yes")
    path = lab.folder / "longshore.yaml"
    text = re.sub(r"(?m)^targets:.*\n  local: .*\n", TARGETS.partition("\n")[2], path.read_text())
    assert "kind: ecr" in text
    path.write_text(text)
    git(lab.folder, "add", "-A")
    git(lab.folder, "commit", "-q", "-m", "shop")
    return lab


def snapshot(folder: Path) -> dict[str, bytes]:
    found = (one for one in folder.rglob("*") if one.is_file() and ".git/" not in str(one))
    return {str(one.relative_to(folder)): one.read_bytes() for one in found}


def hub_pulls(lab: Lab) -> list[dict[str, Any]]:
    found = lab.done("assess")["references"]
    return [use for use in found if use["status"] == "hub" and use["role"] == "pull"]


def test_the_whole_way(shop: Lab) -> None:
    """14 Hub pulls in a pipeline run before, none after; every byte comes back."""
    before = snapshot(shop.folder)
    assert shop.done("assess")["pulls"]["per_run"] == 14
    done = shop.done("migrate", "--yes", "--patch", "../ecr.patch")
    assert done["tree"]["pulls_per_run"] == {"before": 14, "after": 0}
    assert done["tree"]["written"] == []
    assert snapshot(shop.folder) == before
    assert shop.done("status")["next"].endswith("rewrite --write")

    written = shop.done("rewrite", "--write", "--yes")["written"]
    assert {".github/workflows/ci.yml", "Dockerfile"} < set(written)
    assert hub_pulls(shop) == []
    assert shop.done("assess")["pulls"]["per_run"] == 0
    patched = git(shop.folder, "diff", "--no-color")
    assert shop.done("rewrite", "--write", "--yes")["written"] == []

    assert {one["outcome"] for one in shop.done("rewrite", "--revert", "--yes")["reverted"]} == {
        "restored"
    }
    assert snapshot(shop.folder) == before
    git(shop.folder, "apply", "--check", "../ecr.patch")
    git(shop.folder, "apply", "../ecr.patch")
    assert git(shop.folder, "diff", "--no-color") == patched


def test_every_reference_that_changed_is_served_with_the_hub_off(shop: Lab) -> None:
    shop.done("migrate", "--yes", "--write")
    shop.fault(listener="hub", status=503, times=None)
    names = {
        (use["image"].removeprefix(f"{HOST}/"), tag)
        for use in shop.done("assess")["references"]
        if use["registry"] == HOST and use["role"] == "pull"
        for tag in use["tags"]
    }
    assert len(names) > 6
    assert all(shop.ecr.manifest(name, tag) for name, tag in names)


def test_nothing_is_written_that_the_target_does_not_hold(shop: Lab) -> None:
    before = snapshot(shop.folder)
    ended = shop("rewrite", "--write", "--yes", "--json")
    assert (ended.code, ended.json["code"]) == (3, "images-missing")
    assert "--unchecked" in ended.json["hint"]
    assert snapshot(shop.folder) == before


def test_a_changed_file_is_refused_by_name(shop: Lab) -> None:
    shop.done("migrate", "--yes")
    (shop.folder / "Dockerfile").write_text((EXAMPLE / "Dockerfile").read_text() + "# more\n")
    ended = shop("rewrite", "--write", "--yes", "--json")
    assert (ended.code, ended.json["code"]) == (3, "dirty-file")
    assert shop.done("rewrite", "--write", "--yes", "--allow-dirty")["written"]
    assert (shop.folder / "Dockerfile").read_text().endswith("# more\n")


def test_rules_that_are_missing_are_added(shop: Lab) -> None:
    path = shop.folder / "longshore.yaml"
    path.write_text(TARGETS)
    added = shop.done("rewrite", "--update-config", "--yes")["added"]
    assert {one["from"] for one in added} >= {"docker.io/library/node", "docker.io/moby/buildkit"}
    node = next(one for one in added if one["from"] == "docker.io/library/node")
    assert node["tags"] == ["18", "18-alpine", "20-alpine"]
    assert shop.done("rewrite", "--update-config", "--yes")["added"] == []
    shop.done("apply", "--yes")
    assert shop.done("rewrite", "--write", "--yes", "--allow-dirty")["hub_pulls_left"] == 0


def test_a_commit_of_its_own_branch(shop: Lab) -> None:
    shop.done("migrate", "--yes")
    git(shop.folder, "config", "user.name", "t")
    git(shop.folder, "config", "user.email", "t@localhost")
    done = shop.done("rewrite", "--write", "--commit", "--yes")
    assert git(shop.folder, "rev-parse", "HEAD").strip() == done["commit"]
    assert git(shop.folder, "branch", "--show-current").strip() == "longshore/ecr"
    assert git(shop.folder, "status", "--porcelain") == ""


def test_what_assess_prints(shop: Lab) -> None:
    screen = shop("assess")
    assert screen.code == 0
    assert "14 Docker Hub pulls in a pipeline run" in screen.out
    assert "longshore" in screen.out.splitlines()[-1]
    assert shop("assess", "--exit-code").code == 3
    sarif = json.loads(shop("assess", "--format", "sarif").out)
    assert sarif["runs"][0]["results"]
    assert shop("assess", "--format", "markdown").out.startswith("## ")
    sized = shop.done("assess", "--sizes")["ecr"]
    assert sized["bytes"] > 0
    assert sized["unknown"] == []


def test_many_trees_at_once(shop: Lab, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(EXAMPLE, tmp_path / "clones" / name)
        git(tmp_path / "clones" / name, "init", "-q")
    found = shop.done("assess", str(tmp_path / "clones"))
    assert [Path(one["tree"]).name for one in found["trees"]] == ["one", "two"]
    node = next(one for one in found["images"] if one["image"] == "docker.io/library/node")
    assert len(node["trees"]) == 2


def test_what_is_no_folder_is_told(lab: Lab) -> None:
    ended = lab("assess", "nowhere", "--json")
    assert (ended.code, ended.json["code"]) == (2, "not-a-folder")


def test_the_tree_as_a_part_of_the_plan(shop: Lab) -> None:
    assert not any("tree/" in one["resource"] for one in shop.done("plan")["changes"])
    shop.done("apply", "--yes")
    plan = shop.done("plan", "--only", "tree", "-o", "../tree.json")
    assert {one["resource"] for one in plan["changes"]} >= {"tree/Dockerfile"}
    (shop.folder / "Dockerfile").write_text("FROM node:18-alpine\n")
    assert shop("apply", "../tree.json", "--yes", "--json").json["code"] == "plan-stale"
    git(shop.folder, "checkout", "-q", "Dockerfile")
    assert "Dockerfile" in shop.done("apply", "../tree.json", "--yes")["tree"]["written"]
    assert hub_pulls(shop) == []
