"""`assess --done`: the trees, the Hub's own counts over a turned clock, what to revoke."""

from __future__ import annotations

import json
from typing import Any

import pytest

from longshore.embedded.contents import Contents
from tests.journey.images import Shelf
from tests.journey.lab import Lab

APP = "from: docker.io/acme/app, to: app"
DAY = 86_400
HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: docker/login-action@v3
        with:
          username: ${{ vars.DOCKERHUB_USERNAME }}
          password: ${{ secrets.DOCKERHUB_TOKEN }}
      - run: docker build -t acme/app:1 . && docker push acme/app:1
"""
MOVED = f"""\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: docker build -t {HOST}/app:1 . && docker push {HOST}/app:1
"""


def write(lab: Lab, path: str, text: str) -> None:
    place = lab.folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def pull(contents: Contents, name: str, tag: str) -> None:
    digest = next(one.digest for one in contents.list_tags(name) if one.tag == tag)
    contents.set_pulled(name, digest)


def ask(lab: Lab, *argv: str) -> tuple[int, Any]:
    done = lab("assess", "--done", *argv, "--json")
    return done.code, json.loads(done.out)


@pytest.fixture
def moved(lab: Lab) -> Lab:
    """A tree that names ECR only; its image was pulled from the Hub just now."""
    shelf = Shelf(lab.hub, "acme/app")
    shelf.image(b"one", tags=("v1",))
    shelf.image(b"two", tags=("v2",))
    lab.write(APP, "from: docker.io/library/node, to: docker-hub/library/node")
    write(lab, ".github/workflows/ci.yml", MOVED)
    pull(lab.hub, "acme/app", "v2")
    return lab


def test_pulled_just_now_then_quiet_for_days(moved: Lab, workshop: Any) -> None:
    code, found = ask(moved)
    assert (code, found["schema"], found["verdict"]) == (3, "longshore.assess.done/1", "not-done")
    [one] = found["hub"]["repositories"]
    assert (one["repository"], one["state"], one["tag"]) == ("docker.io/acme/app", "pulled", "v2")
    assert (one["pull_count"], found["hub"]["others"]) == (1, ["docker.io/library/node"])

    workshop.clock.advance(6 * DAY)
    assert ask(moved)[0] == 3
    assert ask(moved, "--quiet-days", "5")[0] == 0

    workshop.clock.advance(2 * DAY)
    code, found = ask(moved)
    assert (code, found["verdict"], found["doubts"]) == (0, "done", [])
    assert found["revoke"]["now"] is True

    pull(moved.hub, "acme/app", "v1")
    code, found = ask(moved)
    assert (code, found["hub"]["repositories"][0]["tag"]) == (3, "v1")


def test_still_pushed_to(moved: Lab, workshop: Any) -> None:
    workshop.clock.advance(8 * DAY)
    Shelf(moved.hub, "acme/app").image(b"three", tags=("v3",))
    code, found = ask(moved)
    [one] = found["hub"]["repositories"]
    assert (code, one["state"], one["tag"]) == (3, "pushed", "v3")


def test_asking_costs_no_pull(moved: Lab) -> None:
    with moved.asked() as asked:
        ask(moved)
    assert asked.pulls == 0
    assert asked.count("hub-api") > 0


def test_what_is_left_in_the_tree(moved: Lab, workshop: Any) -> None:
    workshop.clock.advance(8 * DAY)
    write(moved, ".github/workflows/ci.yml", WORKFLOW)
    write(moved, "Dockerfile", "FROM node:20\n")
    code, found = ask(moved)
    [tree] = found["trees"]
    assert code == 3
    assert {(one["role"], one["file"]) for one in tree["left"]} == {
        ("login", ".github/workflows/ci.yml"),
        ("push", ".github/workflows/ci.yml"),
        ("pull", "Dockerfile"),
    }
    names = {(one["store"], one["name"]): one for one in found["revoke"]["credentials"]}
    assert set(names) == {("secret", "DOCKERHUB_TOKEN"), ("variable", "DOCKERHUB_USERNAME")}
    token = names["secret", "DOCKERHUB_TOKEN"]
    assert token["used"]
    assert token["places"] == [".github/workflows/ci.yml:9"]
    assert found["revoke"]["now"] is False


def test_a_secret_that_is_left_over_is_named(moved: Lab, workshop: Any) -> None:
    workshop.clock.advance(8 * DAY)
    write(
        moved,
        ".github/workflows/ci.yml",
        MOVED + "    env: {T: '${{ secrets.DOCKERHUB_TOKEN }}'}\n",
    )
    code, found = ask(moved)
    [one] = found["revoke"]["credentials"]
    assert (code, one["name"], one["used"], one["past"]) == (0, "DOCKERHUB_TOKEN", False, False)


def test_unknown_is_never_nobody(moved: Lab, workshop: Any) -> None:
    workshop.clock.advance(8 * DAY)
    assert ask(moved)[0] == 0
    code, found = ask(moved, "--offline")
    assert (code, found["verdict"], found["hub"]["asked"]) == (1, "unknown", False)
    moved.fault(listener="hub-api", status=500, times=None)
    code, found = ask(moved)
    assert (code, found["verdict"]) == (1, "unknown")
    assert found["hub"]["repositories"][0]["state"] == "unknown"
    assert "not be checked" in moved("assess", "--done").err


def test_a_private_repository_that_nobody_sees(moved: Lab, workshop: Any) -> None:
    workshop.clock.advance(8 * DAY)
    code, found = ask(moved, "--own", "acme/elsewhere")
    assert code == 1
    states = {one["repository"]: one["state"] for one in found["hub"]["repositories"]}
    assert states == {"docker.io/acme/app": "quiet", "docker.io/acme/elsewhere": "unknown"}


def test_an_open_reference_is_a_doubt(moved: Lab, workshop: Any) -> None:
    workshop.clock.advance(8 * DAY)
    write(moved, "compose.yml", "services: {web: {image: '${WHAT}/web:1'}}\n")
    code, found = ask(moved)
    assert (code, len(found["trees"][0]["open"])) == (1, 1)
    assert "--allow-open" in found["doubts"][0]
    assert ask(moved, "--allow-open")[0] == 0


def test_nothing_is_known_of_a_tree_alone(lab: Lab) -> None:
    write(lab, "Dockerfile", f"FROM {HOST}/base:1\n")
    code, found = ask(lab)
    assert (code, found["hub"]["asked"]) == (1, False)
    assert "--own" in found["doubts"][0]


def test_the_screen(moved: Lab, workshop: Any) -> None:
    first = moved("assess", "--done")
    assert (first.code, "acme/app  app:v2 on " in first.out) == (3, True)
    assert "error: the move is not over" in first.err
    workshop.clock.advance(8 * DAY)
    over = moved("assess", "--done")
    assert over.code == 0
    assert "your repositories (1) or pushed to them for 7 days  EMBEDDED" in over.out
    assert "The move is over. Revoke and delete now:" in over.out
    assert moved("assess", "--done", "--format", "sarif").code == 2
