"""copy: one image or whole repositories, between registries, layouts and archives."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from longshore.oci.digest import digest_of
from tests.journey.images import Shelf, company
from tests.journey.lab import Lab
from tests.peers import peer
from tests.remote.conftest import DebianRegistry

HUB = "docker.io/acme/app"


def ecr_address(lab: Lab, name: str) -> str:
    Shelf(lab.ecr, name)
    return f"{lab.stack.state.ecr_registry}/{name}"


def test_one_image_keeps_its_tag(lab: Lab) -> None:
    shelf = company(lab.hub)
    done = lab.done("copy", f"{HUB}:v1.0.0", ecr_address(lab, "one"))
    assert lab.held("one") == {"v1.0.0": shelf.tags()["v1.0.0"]}
    assert done["schema"] == "longshore.copy/1"
    assert done["tags"] == {"copied": 1, "unchanged": 0, "skipped": 0, "failed": 0, "left": 0}
    assert done["manifests"] == {"copied": 1}
    assert done["blobs"] == {"copied": 3, "mounted": 0, "existing": 0}
    assert done["source"]["pulls"] == 1
    assert done["failures"] == []
    assert done["bytes"] > 0
    assert {"requests"} <= set(done["target"])
    assert done["seconds"] > 0


def test_one_image_under_another_name(lab: Lab) -> None:
    shelf = company(lab.hub)
    lab.done("copy", f"{HUB}:v1.0.0", ecr_address(lab, "one") + ":renamed")
    assert lab.held("one") == {"renamed": shelf.tags()["v1.0.0"]}


def test_no_tag_means_latest_with_all_that_belongs_to_it(lab: Lab) -> None:
    shelf = company(lab.hub)
    with lab.asked() as asked:
        done = lab.done("copy", HUB, ecr_address(lab, "one"))
    latest = shelf.tags()["latest"]
    assert lab.held("one") == {
        "latest": latest,
        f"{latest.replace(':', '-')}.sig": shelf.tags()[f"{latest.replace(':', '-')}.sig"],
    }
    assert len(lab.ecr.referrers("one", latest)) == 1
    assert asked.pulls == done["source"]["pulls"] == 5
    with lab.asked() as asked:
        again = lab.done("copy", HUB, ecr_address(lab, "one"))
    assert again["tags"]["copied"] == asked.pulls == 0


def test_an_image_by_its_digest(lab: Lab) -> None:
    shelf = company(lab.hub)
    digest = shelf.tags()["v1.1.0"]
    lab.done("copy", f"{HUB}@{digest}", ecr_address(lab, "one") + ":by-digest")
    assert lab.held("one") == {"by-digest": digest}


def test_whole_repositories_with_filters(lab: Lab) -> None:
    company(lab.hub, images=5)
    target = ecr_address(lab, "some")
    done = lab.done("copy", HUB, target, "--allow", "v1.*", "--deny", "*.3.0", "--newest", "2")
    assert sorted(lab.held("some")) == ["v1.2.0", "v1.4.0"]
    assert done["tags"]["copied"] == 2
    assert done["tags"]["skipped"] == 6
    lab.done("copy", HUB, target, "--semver", ">=2")
    assert {tag for tag in lab.held("some") if not tag.startswith("sha256-")} == {
        *("v1.2.0", "v1.4.0", "v2.0.0"),
    }
    lab.done("copy", HUB, ecr_address(lab, "all"), "--all-tags")
    assert lab.held("all") == Shelf(lab.hub, "acme/app").tags()


def test_chosen_platforms_and_no_signatures(lab: Lab) -> None:
    shelf = company(lab.hub)
    top = shelf.tags()["latest"]
    lab.done("copy", HUB, ecr_address(lab, "arm"), "--platform", "linux/arm64")
    stored = lab.ecr.manifest("arm", "latest")
    assert stored is not None
    [child] = json.loads(stored.content)["manifests"]
    assert child["platform"] == {"os": "linux", "architecture": "arm64"}
    assert stored.digest != top
    lab.done("copy", HUB, ecr_address(lab, "bare"), "--no-referrers")
    assert lab.held("bare") == {"latest": top}
    assert lab.ecr.referrers("bare", top) == []
    missing = lab("copy", HUB, ecr_address(lab, "arm"), "--platform", "linux/s390x", "--json")
    assert missing.code == 2
    assert "linux/amd64, linux/arm64" in missing.out


def test_a_dry_run_only_shows(lab: Lab) -> None:
    company(lab.hub)
    target = ecr_address(lab, "one")
    with lab.asked() as asked:
        shown = lab.done("copy", HUB, target, "--all-tags", "--dry-run")
    assert len(shown["tags"]) >= 5
    assert {one["action"] for one in shown["tags"]} == {"copy"}
    assert lab.held("one") == {}
    assert asked.pulls == 0


def test_pairs_from_a_file(lab: Lab) -> None:
    company(lab.hub)
    other = Shelf(lab.hub, "acme/other")
    other.image(b"other", tags=("latest",))
    app, beside = ecr_address(lab, "app"), ecr_address(lab, "beside")
    lines = [
        "# what moves",
        "",
        f"{HUB}:v1.0.0  {app}",
        f"{HUB}:v1.1.0\t{app}:second",
        f"docker.io/acme/other {beside}",
    ]
    Path("pairs.txt").write_text("\n".join(lines))
    done = lab.done("copy", "--pairs", "pairs.txt")
    assert done["tags"]["copied"] == 3
    assert sorted(lab.held("app")) == ["second", "v1.0.0"]
    assert lab.held("beside") == other.tags()


def test_one_image_under_two_names(lab: Lab) -> None:
    shelf = company(lab.hub)
    app = ecr_address(lab, "app")
    Path("pairs.txt").write_text(f"{HUB}:v1.0.0 {app}:a\n{HUB}:v1.0.0 {app}:b\n")
    lab.done("copy", "--pairs", "pairs.txt")
    digest = shelf.tags()["v1.0.0"]
    assert lab.held("app") == {"a": digest, "b": digest}
    Path("pairs.txt").write_text(f"{HUB}:v1.0.0 {app}:v1.1.0\n{HUB}:v1.1.0 {app}\n")
    ended = lab("copy", "--pairs", "pairs.txt", "--json")
    assert (ended.code, ended.json["code"]) == (2, "bad-pairs-file")
    assert "v1.1.0" not in lab.held("app")


def test_several_images_by_their_digests(lab: Lab) -> None:
    tags = company(lab.hub).tags()
    app = ecr_address(lab, "app")
    lines = [f"{HUB}@{tags[tag]} {app}:{tag}" for tag in ("v1.0.0", "v1.1.0", "v2.0.0")]
    Path("pairs.txt").write_text("\n".join(lines))
    lab.done("copy", "--pairs", "pairs.txt")
    held = lab.held("app")
    for tag in ("v1.0.0", "v1.1.0", "v2.0.0"):
        assert held[tag] == tags[tag]


def test_a_repository_that_is_not_there(lab: Lab) -> None:
    company(lab.hub)
    ended = lab("copy", HUB, f"{lab.stack.state.ecr_registry}/nowhere", "--json")
    assert ended.code == 1
    assert ended.json["code"] == "repository-not-found"
    assert "nowhere" in ended.err + ended.out
    assert "longshore repo create" in ended.out
    ended = lab("copy", "docker.io/acme/nothing", ecr_address(lab, "app"), "--json")
    assert ended.code != 0
    assert "acme/nothing" in ended.out


@pytest.mark.peer
def test_to_a_registry_that_is_not_ours_and_back(lab: Lab, debian: DebianRegistry) -> None:
    shelf = company(lab.hub)
    there = f"{debian.host}/journey/{lab.folder.parent.name}"
    done = lab.done("copy", HUB, there, "--all-tags")
    assert done["tags"]["failed"] == 0
    back = lab.done("copy", there, ecr_address(lab, "back"), "--all-tags")
    assert back["tags"]["failed"] == 0
    wanted = shelf.tags()
    assert {tag: lab.held("back")[tag] for tag in wanted} == wanted
    assert len(lab.ecr.referrers("back", wanted["latest"])) == 1
    again = lab.done("copy", HUB, there, "--all-tags")
    assert again["tags"]["copied"] == again["source"]["pulls"] == 0


@pytest.mark.peer
def test_between_repositories_of_one_registry(lab: Lab, debian: DebianRegistry) -> None:
    shelf = company(lab.hub)
    there = f"{debian.host}/journey/{lab.folder.parent.name}"
    lab.done("copy", HUB, f"{there}/one", "--all-tags")
    done = lab.done("copy", f"{there}/one", f"{there}/two", "--all-tags")
    assert done["blobs"]["mounted"] > 0
    assert done["blobs"]["copied"] == 0
    assert done["bytes"] == 0
    back = lab.done("copy", f"{there}/two:v1.0.0", ecr_address(lab, "back"))
    assert back["tags"]["copied"] == 1
    assert lab.held("back")["v1.0.0"] == shelf.tags()["v1.0.0"]


def test_to_a_layout_and_back(lab: Lab) -> None:
    shelf = company(lab.hub)
    lab.done("copy", HUB, "oci:./layout", "--all-tags")
    index = json.loads(Path("layout/index.json").read_text())
    names = {
        one["annotations"]["org.opencontainers.image.ref.name"]
        for one in index["manifests"]
        if "annotations" in one
    }
    assert set(shelf.tags()) <= names
    lab.done("copy", "oci:layout", ecr_address(lab, "back"), "--all-tags")
    wanted = shelf.tags()
    assert {tag: lab.held("back")[tag] for tag in wanted} == wanted
    assert len(lab.ecr.referrers("back", wanted["latest"])) == 1
    lab.done("copy", "oci:layout:v1.0.0", ecr_address(lab, "one") + ":first")
    assert lab.held("one") == {"first": wanted["v1.0.0"]}


def test_a_layout_as_a_tar_file(lab: Lab) -> None:
    shelf = company(lab.hub)
    lab.done("copy", HUB, "oci:layout")
    with tarfile.open("layout.tar", "w") as tar:
        for path in sorted(Path("layout").rglob("*")):
            tar.add(path, path.relative_to("layout"), recursive=False)
    lab.done("copy", "oci-archive:layout.tar", ecr_address(lab, "back"))
    assert lab.held("back")["latest"] == shelf.tags()["latest"]
    refused = lab("copy", HUB, "oci-archive:new.tar", "--json")
    assert (refused.code, refused.json["code"]) == (2, "bad-reference")
    assert not Path("new.tar").exists()


@pytest.mark.peer
def test_what_docker_save_writes(lab: Lab) -> None:
    program = peer("skopeo")
    shelf = company(lab.hub)
    source = f"docker://{lab.stack.state.hub_registry}/acme/app:v1.0.0"
    subprocess.run(
        [program, "copy", "-q", "--src-tls-verify=false", source, "docker-archive:saved.tar:a:v1"],
        env=lab.environ,
        check=True,
        capture_output=True,
    )
    lab.done("copy", "docker-archive:saved.tar:v1", ecr_address(lab, "loaded") + ":v1")
    stored = lab.ecr.manifest("loaded", "v1")
    assert stored is not None
    assert digest_of(stored.content) == stored.digest
    original = lab.hub.manifest("acme/app", shelf.tags()["v1.0.0"])
    assert original is not None
    configs = [json.loads(one.content)["config"]["digest"] for one in (stored, original)]
    assert configs[0] == configs[1]


def test_more_than_one_way_to_say_it_wrongly(lab: Lab) -> None:
    for words in ([], [HUB], [HUB, "x/y", "--pairs", "f"], [HUB, "UPPER/Case"], ["oci:", "a/b"]):
        ended = lab("copy", *words, "--json")
        assert ended.code == 2, words
        assert ended.json["hint"]
