"""The embedded Docker Hub's web API: listings, pages, logins, its own limit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.embedded.hub_world import PASSWORD, USER, HubWorld, basic, running
from tests.embedded.talk import OCI, OCI_INDEX, descriptor, digest_of, index_of

SHOP = "acme/shop"
FORMS = ("/v2/namespaces/acme/repositories", "/v2/repositories/acme")
TAGS = f"{FORMS[0]}/shop/tags"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[HubWorld]:
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def many(world: HubWorld) -> HubWorld:
    """A repository with tags t000 to t229 on one image, each a second younger than the last."""
    digest = world.push(SHOP, "first")
    stored = world.contents.manifest(SHOP, digest)
    assert stored is not None
    with world.contents.transaction():
        world.contents.delete_tag(SHOP, "first")
        for number in range(230):
            world.contents.put_manifest(SHOP, stored.content, OCI, f"t{number:03}")
            world.clock.advance(1)
    return world


def get(world: HubWorld, path: str, login: dict[str, str] | None = None) -> Any:
    answer = world.api("GET", path, headers=login or {})
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def names(page: Any) -> list[str]:
    return [one["name"] for one in page["results"]]


# Tags


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_forms_of_the_paths(world: HubWorld, form: str, slash: str) -> None:
    digest = world.push(SHOP)
    assert names(get(world, f"{form}{slash}")) == ["shop"]
    assert get(world, f"{form}/shop{slash}")["namespace"] == "acme"
    assert names(get(world, f"{form}/shop/tags{slash}")) == ["v1"]
    assert get(world, f"{form}/shop/tags/v1{slash}")["digest"] == digest


def test_what_a_tag_says(world: HubWorld) -> None:
    before = datetime.now(UTC)
    digest = world.push(SHOP)
    talk = world.client(SHOP)
    manifest = talk("GET", "/v2/acme/shop/manifests/v1").json()
    [tag] = get(world, TAGS)["results"]
    assert tag["digest"] == digest
    assert tag["media_type"] == OCI
    assert tag["full_size"] == sum(layer["size"] for layer in manifest["layers"])
    assert tag["tag_last_pushed"] == tag["last_updated"]
    when = datetime.fromisoformat(tag["last_updated"])
    assert before - timedelta(seconds=1) <= when <= datetime.now(UTC)
    assert tag["last_updated"].endswith("Z")
    assert tag["tag_last_pulled"] is not None
    [image] = tag["images"]
    assert (image["os"], image["architecture"]) == ("linux", "arm64")
    assert (image["digest"], image["size"]) == (digest, tag["full_size"])
    assert get(world, f"{TAGS}/v1") == tag


def test_an_index_is_one_tag_with_its_platforms(world: HubWorld) -> None:
    pusher = world.pusher(SHOP)
    children = [pusher.push_image(SHOP, name, name)[1] for name in ("one", "longer-name")]
    index = json.loads(index_of(*children))
    for entry, architecture in zip(index["manifests"], ("amd64", "s390x"), strict=True):
        entry["platform"] = {"os": "linux", "architecture": architecture, "variant": "v1"}
    content = json.dumps(index).encode()
    pusher.put_manifest(SHOP, "all", content, OCI_INDEX)
    tag = get(world, f"{TAGS}/all")
    assert (tag["digest"], tag["media_type"]) == (digest_of(content), OCI_INDEX)
    assert [one["architecture"] for one in tag["images"]] == ["amd64", "s390x"]
    assert [one["digest"] for one in tag["images"]] == [digest_of(child) for child in children]
    assert tag["images"][0]["variant"] == "v1"
    assert tag["full_size"] == max(one["size"] for one in tag["images"]) == 20


@pytest.mark.parametrize("platform", ["linux", 7, ["linux"], None])
def test_an_index_with_an_odd_platform_breaks_no_listing(world: HubWorld, platform: object) -> None:
    pusher = world.pusher(SHOP)
    child = pusher.push_image(SHOP, "one", "one")[1]
    entries = [{**descriptor(child), "platform": platform}, {"digest": ["no"]}]
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    assert pusher.put_manifest(SHOP, "odd", index.encode(), OCI_INDEX).status == 201
    odd = get(world, f"{TAGS}/odd")
    assert [one["architecture"] for one in odd["images"]] == [""]
    assert sorted(names(get(world, TAGS))) == ["odd", "one"]


def test_a_config_that_is_none_breaks_no_listing(world: HubWorld) -> None:
    pusher = world.pusher(SHOP)
    for name, config in (("list", b"[1]"), ("deep", b"[" * 100_000), ("bytes", b"\xff\x00")):
        digest = pusher.push_blob(SHOP, config)
        described = {"mediaType": "application/x", "digest": digest, "size": len(config)}
        content = {"schemaVersion": 2, "mediaType": OCI, "config": described, "layers": []}
        put = pusher.put_manifest(SHOP, name, json.dumps(content).encode())
        assert put.status == 201, name
    assert [tag["images"][0]["os"] for tag in get(world, TAGS)["results"]] == ["", "", ""]


def test_moved_and_deleted_tags(world: HubWorld) -> None:
    first = world.push(SHOP, "v1")
    second = world.push(SHOP, "v2")
    pusher = world.pusher(SHOP)
    moved = world.contents.manifest(SHOP, second)
    assert moved is not None
    pusher.put_manifest(SHOP, "v1", moved.content)
    assert {one["digest"] for one in get(world, TAGS)["results"]} == {second}
    world.client(SHOP, "*", basic())("DELETE", f"/v2/acme/shop/manifests/{second}")
    assert get(world, TAGS) == {"count": 0, "next": None, "previous": None, "results": []}
    assert world.contents.manifest(SHOP, first) is not None
    assert world.api("GET", f"{TAGS}/v1").status == 404


# Pages


def test_pages_are_walked_by_next_and_previous(many: HubWorld) -> None:
    seen: list[str] = []
    previous, address = None, f"{TAGS}?page_size=100"
    while address is not None:
        page = get(many, address)
        assert page["count"] == 230
        assert (page["previous"] is None) == (previous is None)
        if page["previous"] is not None:
            assert names(get(many, page["previous"])) == previous
        previous, address = names(page), page["next"]
        seen += previous
    assert len(seen) == len(set(seen)) == 230
    assert urlsplit(get(many, TAGS)["next"]).port == many.api.port


@pytest.mark.parametrize(
    ("query", "length"),
    [
        ("", 10),
        ("page_size=1", 1),
        ("page_size=100", 100),
        ("page_size=101", 100),
        ("page_size=1000", 100),
        ("page_size=0", 10),
        ("page_size=-1", 10),
        ("page_size=ten", 10),
        ("page_size=" + "9" * 5000, 10),
        ("page_size=100&page=3", 30),
        ("page=-1", 10),
        ("page=" + "9" * 5000, 10),
    ],
)
def test_sizes_of_pages(many: HubWorld, query: str, length: int) -> None:
    assert len(get(many, f"{TAGS}?{query}")["results"]) == length


def test_beyond_the_last_page_is_nothing(many: HubWorld) -> None:
    assert many.api("GET", f"{TAGS}?page=24").status == 404
    assert many.api("GET", f"{TAGS}?page=999999999").status == 404


@pytest.mark.parametrize(
    ("ordering", "first"),
    [
        ("", "t229"),
        ("last_updated", "t229"),
        ("-last_updated", "t000"),
        ("name", "t000"),
        ("-name", "t229"),
        ("nonsense", "t229"),
    ],
)
def test_orders(many: HubWorld, ordering: str, first: str) -> None:
    page = get(many, f"{TAGS}?page_size=100&ordering={ordering}")
    assert names(page)[0] == first
    assert parse_qs(urlsplit(page["next"]).query, keep_blank_values=True)["ordering"] == [ordering]
    assert names(get(many, page["next"])) != names(page)


def test_a_moved_tag_comes_first(many: HubWorld) -> None:
    """What lets a client stop at the first page that it knows."""
    many.push(SHOP, "t007")
    assert names(get(many, f"{TAGS}?ordering=last_updated"))[:2] == ["t007", "t229"]


def test_tags_by_a_part_of_their_name(many: HubWorld) -> None:
    page = get(many, f"{TAGS}?name=t11&page_size=5")
    assert (page["count"], len(page["results"])) == (10, 5)
    assert get(many, f"{TAGS}?name=%C3%A9%00")["count"] == 0
    assert "name=t11" in page["next"]


# Repositories


def test_what_a_repository_says(many: HubWorld) -> None:
    many.push("acme/web")
    listed = get(many, f"{FORMS[0]}?page_size=100")
    assert (names(listed), listed["count"]) == (["shop", "web"], 2)
    shop = get(many, f"{FORMS[0]}/shop")
    assert shop == listed["results"][0]
    assert (shop["is_private"], shop["pull_count"]) == (False, 0)
    many.client(SHOP)("GET", "/v2/acme/shop/manifests/t000")
    assert get(many, f"{FORMS[0]}/shop")["pull_count"] == 1
    assert shop["last_updated"] == get(many, TAGS)["results"][0]["last_updated"]
    assert names(get(many, f"{FORMS[0]}?page_size=1&page=2")) == ["web"]


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/v2/", "/v2/namespaces/acme", "/v2/namespaces//repositories", "/v2/nothing"),
        *("/v2/namespaces/nobody/repositories", "/v2/repositories/acme/nothing"),
        *("/v2/repositories/acme/nothing/tags", "/v2/repositories/acme/shop/tags/nothing"),
        *("/v2/repositories/acme/shop/tags/v1/images", "/v2/repositories/acme/shop%00"),
        *("/v2/repositories/acme/sh%0Aop", "/v2/repositories/acme%2Fshop/tags", "/v2/%ff/%fe"),
        *("/v2/repositories/acme/..%2Facme/shop", "/v2/repositories/acme/shop/tags/%1B%5B31m"),
    ],
)
def test_what_is_not_there_is_said_in_json(world: HubWorld, path: str) -> None:
    world.push(SHOP)
    answer = world.api("GET", path)
    assert answer.status == 404
    assert "not found" in answer.json()["message"]
    assert b"\x1b" not in answer.body


def test_the_api_only_reads(world: HubWorld) -> None:
    world.push(SHOP)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert world.api(method, f"{TAGS}/v1", b"{}", world.jwt()).status == 405
    head = world.api("HEAD", TAGS)
    assert (head.status, head.body) == (200, b"")


# Logins


@pytest.mark.parametrize(
    ("path", "names_"),
    [
        ("/v2/users/login", ("username", "password")),
        ("/v2/users/login/", ("username", "password")),
        ("/v2/auth/token", ("identifier", "secret")),
    ],
)
def test_private_repositories_are_shown_to_their_owner_only(
    world: HubWorld, path: str, names_: tuple[str, str]
) -> None:
    world.push(SHOP)
    world.push("acme/secret", private=True)
    assert names(get(world, FORMS[0])) == ["shop"]
    for form in FORMS:
        for rest in ("secret", "secret/tags", "secret/tags/v1"):
            hidden = world.api("GET", f"{form}/{rest}")
            missing = world.api("GET", f"{form}/{rest.replace('secret', 'nothing')}")
            assert (hidden.status, hidden.body) == (404, missing.body)
    login = world.api(
        "POST", path, json.dumps(dict(zip(names_, (USER, PASSWORD), strict=True))).encode()
    )
    assert login.status == 200
    for scheme in ("Bearer", "JWT"):
        headers = {"Authorization": f"{scheme} {login.json()['token']}"}
        assert names(get(world, FORMS[0], headers)) == ["secret", "shop"]
        assert get(world, f"{FORMS[0]}/secret", headers)["is_private"] is True
        assert names(get(world, f"{FORMS[0]}/secret/tags", headers)) == ["v1"]


def test_a_namespace_with_private_repositories_only_looks_empty(world: HubWorld) -> None:
    world.push("acme/secret", private=True)
    empty = world.api("GET", "/v2/namespaces/nobody/repositories")
    hidden = world.api("GET", FORMS[0])
    assert (hidden.status, hidden.body) == (empty.status, empty.body)


def test_logins_that_do_not_count(world: HubWorld) -> None:
    world.push(SHOP)
    jwt = world.jwt()
    registry = dict(world.client(SHOP, login=basic()).headers)
    for headers in (registry, basic(), {"Authorization": "Bearer x"}, {"Authorization": "é"}):
        refused = world.api("GET", TAGS, headers=headers)
        assert (refused.status, refused.json()["message"]) == (401, "unauthorized")
    world.clock.advance(24 * 3600 - 10)
    assert world.api("GET", TAGS, headers=jwt).status == 200
    world.clock.advance(20)
    assert world.api("GET", TAGS, headers=jwt).status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 401),
        (b"null", 401),
        (b'{"username": "acme"}', 401),
        (b'{"username": "acme", "password": null}', 401),
        (b'{"username": ["acme"], "password": {"a": 1}}', 401),
        (b'{"username": "acme", "password": "\\ud800"}', 401),
        (b'{"username": "acme\\u0000", "password": "\\u0000"}', 401),
    ],
)
def test_odd_logins(world: HubWorld, body: bytes, status: int) -> None:
    assert world.api("POST", "/v2/users/login", body).status == status


# The API's own limit


def test_requests_per_minute(tmp_path: Path) -> None:
    with running(tmp_path, api_per_minute=3) as world:
        world.push(SHOP)
        world.clock.advance(60 - world.clock.timestamp() % 60 + 0.5)
        left = [world.api("GET", TAGS).headers["x-ratelimit-remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        refused = world.api("GET", TAGS)
        assert refused.status == 429
        again = int(refused.headers["x-retry-after"])
        assert again == int(refused.headers["retry-after"])
        assert again == int(refused.headers["x-ratelimit-reset"])
        assert 0 < again - world.clock.timestamp() <= 60
        assert refused.headers["x-ratelimit-limit"] == "3"
        assert world.ask_token("repository:acme/shop:pull").status == 200
        world.clock.advance(again - world.clock.timestamp() + 0.1)
        assert world.api("GET", TAGS).status == 200


def test_without_a_limit_there_are_no_headers_of_one(world: HubWorld) -> None:
    world.push(SHOP)
    answer = world.api("GET", TAGS)
    assert not [name for name in answer.headers if "ratelimit" in name or "retry" in name]
