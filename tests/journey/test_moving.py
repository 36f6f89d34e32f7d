"""Moving while people work, as docs/moving.md tells it: each of its commands, in its order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.journey.images import Shelf
from tests.journey.lab import Lab
from tests.journey.test_tree import git, shop, snapshot

__all__ = ["shop"]
OWN = "docker.io/acme/shop"
HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"


def configure(lab: Lab, rewrite: str) -> None:
    """longshore.yaml with another `rewrite` section, committed."""
    path = lab.folder / "longshore.yaml"
    text = re.sub(r"(?ms)^rewrite:.*?(?=^\S|\Z)", "", path.read_text())
    path.write_text(text + rewrite)
    git(lab.folder, "commit", "-qam", "rewrite")


def names_of_hub(lab: Lab) -> set[str]:
    found = lab.done("assess")["references"]
    return {one["image"] for one in found if one["status"] == "hub" and one["role"] == "pull"}


@pytest.fixture
def ready(shop: Lab) -> Lab:
    """The example with its images copied."""
    git(shop.folder, "config", "user.name", "t")
    git(shop.folder, "config", "user.email", "t@localhost")
    shop.done("apply", "--yes")
    return shop


def own_target(lab: Lab) -> str:
    [row] = [one for one in lab.done("status")["images"] if one["source"] == OWN]
    return str(row["target"]).partition("/")[2]


def test_dual_push_keeps_both_sides_equal_and_costs_no_pull(ready: Lab) -> None:
    """One build pushed to both has one digest; `sync` then has nothing to do."""
    target = own_target(ready)
    check = ("sync", "--only", target, "--dry-run", "--exit-code")
    assert ready(*check).code == 0
    for contents, name in ((ready.hub, "acme/shop"), (ready.ecr, target)):
        Shelf(contents, name).image(b"one build", tags=("abc123",))
    assert ready(*check).code == 0
    with ready.asked() as asked:
        ready.done("sync", "--only", target)
    assert asked.pulls == 0

    Shelf(ready.hub, "acme/shop").image(b"built twice", tags=("def456",))
    Shelf(ready.ecr, target).image(b"built once more", tags=("def456",))
    assert ready(*check).code == 3


def test_cut_over_one_repository_after_the_other(ready: Lab) -> None:
    first = 'rewrite:\n  map:\n    "docker.io/*": keep\n    "docker.io/library/redis": mirror\n'
    before = names_of_hub(ready)
    configure(ready, first)
    ready.done("rewrite", "--write", "--commit", "--branch", "ecr-redis", "--yes")
    services = {"docker.io/library/redis"}
    assert before - names_of_hub(ready) <= services
    compose = (ready.folder / "docker-compose.yml").read_text()
    assert f"{HOST}/docker-hub/library/redis:7-alpine" in compose

    configure(ready, first + '    "docker.io/library/n*": mirror\n')
    ready.done("rewrite", "--write", "--commit", "--branch", "ecr-node", "--yes")
    assert "docker.io/library/nginx" not in names_of_hub(ready)
    assert OWN in names_of_hub(ready)

    configure(ready, "")
    ready.done("rewrite", "--write", "--commit", "--branch", "ecr-rest", "--yes")
    assert names_of_hub(ready) == set()


def test_a_pipeline_that_pushes_to_both_keeps_its_names_and_gets_the_login(ready: Lab) -> None:
    configure(ready, 'rewrite:\n  skip: [".github/workflows/**"]\n')
    path = ready.folder / ".github/workflows/ci.yml"
    before = path.read_text().splitlines()
    written = ready.done("rewrite", "--write", "--yes")["written"]
    assert {"docker-compose.prod.yml", ".github/workflows/ci.yml"} <= set(written)
    after = path.read_text().splitlines()
    assert [line for line in before if line not in after] == []
    added = "\n".join(line for line in after if line not in before)
    assert "amazon-ecr-login" in added
    assert "acme/shop" not in added


def test_the_way_back(ready: Lab) -> None:
    before = snapshot(ready.folder)
    hub = {one.tag: one.digest for one in ready.hub.list_tags("acme/shop")}
    ready.done("rewrite", "--write", "--commit", "--yes")
    git(ready.folder, "revert", "--no-edit", "HEAD")
    assert snapshot(ready.folder) == before
    git(ready.folder, "reset", "-q", "--hard", "HEAD~1")
    ready.done("rewrite", "--revert", "--yes")
    assert snapshot(ready.folder) == before
    assert {one.tag: one.digest for one in ready.hub.list_tags("acme/shop")} == hub


def test_what_came_to_ecr_alone_can_be_copied_back(ready: Lab) -> None:
    target = own_target(ready)
    digest = Shelf(ready.ecr, target).image(b"newer", tags=("v9",))
    registry = ready.done("status")["place"]["registry"]
    ready.done("copy", f"{registry}/{target}:v9", f"{OWN}:v9")
    assert {one.digest for one in ready.hub.list_tags("acme/shop") if one.tag == "v9"} == {digest}


def test_the_end(ready: Lab, workshop: Any) -> None:
    ready.done("rewrite", "--write", "--commit", "--yes")
    assert ready("assess", "--done").code == 3
    workshop.clock.advance(8 * 86_400)
    over = ready.done("assess", "--done")
    assert over["verdict"] == "done"
    assert {(one["name"], one["past"]) for one in over["revoke"]["credentials"]} == {
        ("DOCKERHUB_TOKEN", True),
        ("DOCKERHUB_USERNAME", True),
    }
    still = over["revoke"]["still_copied"]
    assert "docker.io/library/node" in still
    assert OWN not in still


def test_the_page_names_what_is_tried_here() -> None:
    page = (Path(__file__).parents[2] / "docs" / "moving.md").read_text()
    for words in ("--dry-run --exit-code", "--watch", "--revert", "--done", "git revert"):
        assert words in page
