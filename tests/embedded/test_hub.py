"""The embedded Docker Hub: who may do what, what a pull costs, where blobs are."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.embedded.hub_world import LIMITS, PASSWORD, USER, HubWorld, basic, running
from tests.embedded.talk import Answer, Talk, digest_of
from tests.peers import peer

from longshore.embedded.limits import PullLimits
from longshore.embedded.wire import CHUNK

SHOP, MANIFEST = "acme/shop", "/v2/acme/shop/manifests/v1"
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@pytest.fixture
def world(tmp_path: Path) -> Iterator[HubWorld]:
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[HubWorld]:
    with running(tmp_path, limits=LIMITS) as made:
        made.push(SHOP)
        yield made


def challenge(answer: Answer) -> dict[str, str]:
    assert answer.status == 401, answer
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    return dict(CHALLENGE.findall(answer.headers["www-authenticate"]))


# The token dance


def test_without_a_token_the_realm_is_named(world: HubWorld) -> None:
    ping = world.registry("GET", "/v2/")
    assert challenge(ping) == {"realm": world.hub.realm, "service": "registry.docker.io"}
    assert ping.code == "UNAUTHORIZED"
    asked = challenge(world.registry("GET", MANIFEST))
    assert asked["scope"] == "repository:acme/shop:pull"
    put = challenge(world.registry("POST", "/v2/acme/shop/blobs/uploads/"))
    assert put["scope"] == "repository:acme/shop:pull,push"
    assert urlsplit(asked["realm"]).port == world.api.port != world.registry.port


def test_the_dance_as_a_client_dances_it(world: HubWorld) -> None:
    digest = world.push(SHOP)
    asked = challenge(world.registry("GET", MANIFEST))
    query = urlencode({"service": asked["service"], "scope": asked["scope"]})
    token = world.api("GET", f"{asked['realm']}?{query}").json()
    assert token["token"] == token["access_token"]
    assert token["expires_in"] == 300
    assert token["issued_at"].endswith("Z")
    bearer = {"Authorization": f"Bearer {token['token']}"}
    found = world.registry("GET", MANIFEST, headers=bearer)
    assert (found.status, found.headers["docker-content-digest"]) == (200, digest)
    assert digest_of(found.body) == digest
    assert world.registry("GET", "/v2/", headers=bearer).status == 200


def test_anonymous_clients_read_and_do_not_write(world: HubWorld) -> None:
    world.push(SHOP)
    anybody = world.client(SHOP, "pull,push")
    assert anybody("GET", MANIFEST).status == 200
    refused = anybody("POST", "/v2/acme/shop/blobs/uploads/")
    assert challenge(refused)["error"] == "insufficient_scope"
    assert "denied" in refused.json()["errors"][0]["message"]
    assert refused.json()["errors"][0]["detail"][0]["Action"] == "pull"


@pytest.mark.parametrize(
    ("user", "password"),
    [(USER, "wrong"), (USER, ""), ("", PASSWORD), ("other", PASSWORD), ("", ""), (USER, "é")],
)
def test_a_wrong_login_gets_no_token(world: HubWorld, user: str, password: str) -> None:
    answer = world.ask_token("repository:acme/shop:pull", login=basic(user, password))
    assert answer.status == 401
    assert b"incorrect username or password" in answer.body
    form = urlencode({"grant_type": "password", "username": user, "password": password}).encode()
    assert world.api("POST", "/token", form).status == 401
    login = json.dumps({"username": user, "password": password}).encode()
    assert world.api("POST", "/v2/users/login", login).status == 401


@pytest.mark.parametrize("header", ["Basic", "Basic é", "Basic ====", "Basic YWNtZQ==", "Bearer x"])
def test_a_login_that_cannot_be_read_is_not_an_anonymous_one(world: HubWorld, header: str) -> None:
    assert world.ask_token(login={"Authorization": header}).status == 401


def test_a_form_logs_in_as_well(world: HubWorld) -> None:
    form = {
        "grant_type": "password",
        "service": "registry.docker.io",
        "scope": "repository:acme/shop:pull,push",
        "username": USER,
        "password": PASSWORD,
    }
    token = world.api("POST", "/token", urlencode(form).encode()).json()["access_token"]
    talk = Talk(world.registry.port, {"Authorization": f"Bearer {token}"})
    talk.push_image(SHOP, "by form", "v1")
    assert talk("GET", MANIFEST).status == 200
    assert world.api("DELETE", "/token").status == 405


def test_a_token_is_for_what_it_says_and_no_more(world: HubWorld) -> None:
    world.push(SHOP)
    world.push("acme/web")
    reader = world.client(SHOP, login=basic())
    assert reader("GET", MANIFEST).status == 200
    assert challenge(reader("POST", "/v2/acme/shop/blobs/uploads/"))["scope"].endswith("pull,push")
    assert challenge(reader("GET", "/v2/acme/web/manifests/v1"))["error"] == "insufficient_scope"
    scopes = ("repository:acme/shop:pull repository:acme/web:pull", "repository:acme/new:pull,push")
    token = world.ask_token(*scopes, login=basic()).json()["token"]
    several = Talk(world.registry.port, {"Authorization": f"Bearer {token}"})
    for name in ("acme/shop", "acme/web"):
        assert several("GET", f"/v2/{name}/manifests/v1").status == 200
    several.push_blob("acme/new", b"blob")


def test_deleting_wants_its_own_scope(world: HubWorld) -> None:
    digest = world.push(SHOP)
    path = f"/v2/acme/shop/manifests/{digest}"
    assert challenge(world.pusher(SHOP)("DELETE", path))["scope"].endswith(":delete")
    assert world.client(SHOP, "*")("DELETE", path).status == 401
    assert world.client(SHOP, "*", basic())("DELETE", path).status == 202
    assert world.client(SHOP, login=basic())("GET", MANIFEST).status == 404


def test_the_account_pushes_only_into_its_namespaces(tmp_path: Path) -> None:
    with running(tmp_path, namespaces=("acme-labs",)) as world:
        for name in ("acme/new", "acme-labs/new"):
            world.pusher(name).push_image(name, "new", "v1")
        for name in ("library/python", "other/new", "acme-lab/new", "acme"):
            refused = world.pusher(name)("POST", f"/v2/{name}/blobs/uploads/")
            assert challenge(refused)["error"] == "insufficient_scope", name


def test_official_images_are_under_library(world: HubWorld) -> None:
    world.contents.create_repository("library/alpine", {})
    assert world.client("library/alpine")("GET", "/v2/library/alpine/tags/list").status == 200
    assert world.client("alpine")("GET", "/v2/alpine/tags/list").status == 401


def test_tokens_end_with_the_clock(world: HubWorld) -> None:
    world.push(SHOP)
    talk = world.client(SHOP)
    world.clock.advance(295)
    assert talk("GET", MANIFEST).status == 200
    world.clock.advance(10)
    assert challenge(talk("GET", MANIFEST))["error"] == "invalid_token"
    assert world.client(SHOP)("GET", MANIFEST).status == 200


def test_tokens_outlive_a_restart_and_no_other_hub_takes_them(tmp_path: Path) -> None:
    with running(tmp_path / "one") as world:
        world.push(SHOP)
        talk = world.client(SHOP)
    with running(tmp_path / "one") as again:
        assert Talk(again.registry.port, talk.headers)("GET", MANIFEST).status == 200
    with running(tmp_path / "two") as other:
        other.push(SHOP)
        refused = Talk(other.registry.port, talk.headers)("GET", MANIFEST)
        assert challenge(refused)["error"] == "invalid_token"
    assert (tmp_path / "one" / "hub.key").stat().st_mode & 0o777 == 0o600


def test_forged_tokens_are_refused(world: HubWorld) -> None:
    world.push(SHOP)
    genuine = world.client(SHOP).headers["Authorization"]
    scheme, _, token = genuine.partition(" ")
    head, text, signature = token.split(".")
    for forged in (
        f"{head}.{text}.{signature[:-1]}{'0' if signature[-1] != '0' else '1'}",
        f"{head}.{text}x.{signature}",
        f"{head}.{text}.",
        f"x.{text}.{signature}",
        "hub..",
        "é",
        signature,
    ):
        headers = {"Authorization": f"{scheme} {forged}"}
        assert world.registry("GET", MANIFEST, headers=headers).status == 401, forged
    jwt = world.jwt()
    assert world.registry("GET", MANIFEST, headers=jwt).status == 401


# Private repositories


def test_a_private_repository_looks_as_if_it_were_not_there(world: HubWorld) -> None:
    world.push("acme/secret", private=True)
    seen = [
        world.client(name)("GET", f"/v2/{name}/manifests/v1")
        for name in ("acme/secret", "acme/nothing")
    ]
    assert [answer.status for answer in seen] == [401, 401]
    bodies = [answer.body.replace(b"nothing", b"secret") for answer in seen]
    assert bodies[0] == bodies[1]
    mine = world.client("acme/secret", login=basic())
    assert mine("GET", "/v2/acme/secret/manifests/v1").status == 200


def test_blobs_of_a_private_repository_are_not_mounted_by_who_may_not_see_it(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as world:
        world.contents.create_repository("other/secret", {"private": True})
        digest = world.contents.put_blob("other/secret", b"a secret layer")
        talk = world.pusher(SHOP)
        path = f"/v2/acme/shop/blobs/uploads/?mount={digest}&from=other/secret"
        assert talk("POST", path).status == 202
        world.contents.update_repository("other/secret", {})
        assert talk("POST", path).status == 201


def test_nobody_is_shown_a_catalogue(world: HubWorld) -> None:
    world.push(SHOP)
    assert world.client(SHOP, login=basic())("GET", "/v2/_catalog").status == 401


# Pull limits


def left(answer: Answer) -> str | None:
    return answer.headers.get("ratelimit-remaining")


def test_without_a_limit_nothing_is_said_of_one(world: HubWorld) -> None:
    world.push(SHOP)
    answer = world.client(SHOP)("GET", MANIFEST)
    assert not [name for name in answer.headers if "ratelimit" in name]


def test_manifests_are_counted_and_nothing_else(limited: HubWorld) -> None:
    talk = limited.client(SHOP)
    first = talk("HEAD", MANIFEST)
    assert first.headers["ratelimit-limit"] == "5;w=21600"
    assert left(first) == "5;w=21600"
    assert first.headers["docker-ratelimit-source"] == "127.0.0.1"
    manifest = talk("GET", MANIFEST)
    assert left(manifest) == "4;w=21600"
    for descriptor in (manifest.json()["config"], *manifest.json()["layers"]):
        place = talk("GET", f"/v2/acme/shop/blobs/{descriptor['digest']}").headers["location"]
        assert len(limited.cdn("GET", place).body) == descriptor["size"]
    assert talk("GET", "/v2/acme/shop/tags/list").status == 200
    assert talk("GET", "/v2/acme/shop/manifests/nothing").status == 404
    assert left(talk("HEAD", MANIFEST)) == "4;w=21600"


def test_an_index_and_each_of_its_manifests_is_a_pull(limited: HubWorld) -> None:
    from tests.embedded.talk import OCI_INDEX, index_of

    pusher = limited.pusher(SHOP)
    children = [pusher.push_image(SHOP, name, name)[1] for name in ("arm", "amd")]
    index = index_of(*children)
    assert pusher.put_manifest(SHOP, "v2", index, OCI_INDEX).status == 201
    talk = limited.client(SHOP)
    for wanted in ("v2", *(digest_of(child) for child in children)):
        assert talk("GET", f"/v2/acme/shop/manifests/{wanted}").status == 200
    assert left(talk("HEAD", MANIFEST)) == "2;w=21600"


def test_the_answer_to_one_pull_too_many(limited: HubWorld) -> None:
    talk = limited.client(SHOP)
    assert [talk("GET", MANIFEST).status for _ in range(6)] == [200] * 5 + [429]
    refused = talk("GET", MANIFEST)
    assert refused.code == "TOOMANYREQUESTS"
    said = refused.json()["errors"][0]["message"]
    assert said.startswith("You have reached your unauthenticated pull rate limit.")
    assert "https://www.docker.com/increase-rate-limit" in said
    assert left(refused) == "0;w=21600"
    assert refused.headers["ratelimit-limit"] == "5;w=21600"
    assert 21590 <= int(refused.headers["retry-after"]) <= 21600
    head = talk("HEAD", MANIFEST)
    assert (head.status, left(head)) == (200, "0;w=21600")


def test_retry_after_is_enough(limited: HubWorld) -> None:
    talk = limited.client(SHOP)
    while (answer := talk("GET", MANIFEST)).status == 200:
        pass
    limited.clock.advance(int(answer.headers["retry-after"]))
    assert limited.client(SHOP)("GET", MANIFEST).status == 200


def test_a_refusal_may_name_no_time(tmp_path: Path) -> None:
    with running(tmp_path, limits=PullLimits(anonymous=0, says_when=False)) as world:
        world.push(SHOP)
        refused = world.client(SHOP)("GET", MANIFEST)
        assert refused.status == 429
        assert "retry-after" not in refused.headers


def test_an_account_has_its_own_count(limited: HubWorld) -> None:
    anybody, account = limited.client(SHOP), limited.client(SHOP, login=basic())
    assert left(anybody("GET", MANIFEST)) == "4;w=21600"
    mine = account("GET", MANIFEST)
    assert (left(mine), mine.headers["docker-ratelimit-source"]) == ("7;w=21600", USER)
    assert mine.headers["ratelimit-limit"] == "8;w=21600"
    for _ in range(8):
        refused = account("GET", MANIFEST)
    assert refused.status == 429
    assert "unauthenticated" not in refused.json()["errors"][0]["message"]
    assert left(anybody("GET", MANIFEST)) == "3;w=21600"


def test_each_address_has_its_own_count(limited: HubWorld) -> None:
    talk = limited.client(SHOP)
    while talk("GET", MANIFEST).status == 200:
        pass
    from_elsewhere = http.client.HTTPConnection(
        "127.0.0.1", limited.registry.port, timeout=20, source_address=("127.0.0.2", 0)
    )
    try:
        from_elsewhere.request("GET", MANIFEST, headers=dict(talk.headers))
        answer = from_elsewhere.getresponse()
        answer.read()
        assert (answer.status, answer.headers["ratelimit-remaining"]) == (200, "4;w=21600")
    finally:
        from_elsewhere.close()


def test_the_window_opens_again_with_the_clock(limited: HubWorld) -> None:
    talk = limited.client(SHOP)
    assert left(talk("GET", MANIFEST)) == "4;w=21600"
    limited.clock.advance(6 * 3600 - 100)
    talk = limited.client(SHOP)
    assert left(talk("GET", MANIFEST)) == "3;w=21600"
    limited.clock.advance(101)
    talk = limited.client(SHOP)
    assert left(talk("HEAD", MANIFEST)) == "5;w=21600"
    assert left(talk("GET", MANIFEST)) == "4;w=21600"


def test_a_restart_gives_nobody_new_pulls(tmp_path: Path) -> None:
    for remaining in ("4;w=21600", "3;w=21600"):
        with running(tmp_path, limits=LIMITS) as world:
            if world.contents.repository(SHOP) is None:
                world.push(SHOP)
            assert left(world.client(SHOP)("GET", MANIFEST)) == remaining


def test_limits_can_change_while_it_runs(limited: HubWorld) -> None:
    talk = limited.client(SHOP)
    talk("GET", MANIFEST)
    limited.hub.meter.set_limits(PullLimits(anonymous=1))
    assert talk("GET", MANIFEST).status == 429
    limited.hub.meter.set_limits(PullLimits())
    assert talk("GET", MANIFEST).status == 200


def test_parallel_pulls_are_counted_one_by_one(limited: HubWorld) -> None:
    from concurrent.futures import ThreadPoolExecutor

    talk = limited.client(SHOP)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: talk("GET", MANIFEST).status, range(16)))
    assert sorted(statuses) == [200] * 5 + [429] * 11


def test_the_abuse_limit_counts_every_request(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        world.push(SHOP)
        talk = world.client(SHOP)
        world.clock.advance(60 - world.clock.timestamp() % 60 + 0.5)
        world.hub.abuse_rate.per_minute = 3
        statuses = [talk("HEAD", MANIFEST).status for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = talk("GET", MANIFEST)
        assert b"TOOMANYREQUESTS" not in refused.body
        world.clock.advance(60)
        assert talk("HEAD", MANIFEST).status == 200


# Blobs at the CDN


@pytest.fixture
def blob(world: HubWorld) -> tuple[bytes, str]:
    """A blob's bytes, and the address at the CDN that the registry names."""
    content = os.urandom(2 * CHUNK + 5)
    digest = world.pusher(SHOP).push_blob(SHOP, content)
    sent = world.client(SHOP)("GET", f"/v2/acme/shop/blobs/{digest}")
    assert sent.status == 307
    return content, sent.headers["location"]


def test_blobs_are_at_another_host(world: HubWorld, blob: tuple[bytes, str]) -> None:
    content, address = blob
    place = urlsplit(address)
    assert (place.hostname, place.port) == ("localhost", world.cdn.port)
    assert world.cdn("GET", address).body == content
    by_name = {**world.client(SHOP).headers, "Host": f"localhost:{world.registry.port}"}
    path = f"/v2/acme/shop/blobs/{digest_of(content)}"
    turned = world.registry("GET", path, headers=by_name)
    assert urlsplit(turned.headers["location"]).hostname == "127.0.0.1"


def test_the_cdn_serves_parts(world: HubWorld, blob: tuple[bytes, str]) -> None:
    content, address = blob
    part = world.cdn("GET", address, headers={"Range": f"bytes={CHUNK}-{CHUNK + 9}"})
    assert (part.status, part.body) == (206, content[CHUNK : CHUNK + 10])
    assert part.headers["content-range"] == f"bytes {CHUNK}-{CHUNK + 9}/{len(content)}"
    head = world.cdn("HEAD", address)
    assert (head.status, head.headers["content-length"]) == (200, str(len(content)))


def test_the_cdn_takes_no_authorization(world: HubWorld, blob: tuple[bytes, str]) -> None:
    refused = world.cdn("GET", blob[1], headers=world.client(SHOP).headers)
    assert refused.status == 400
    assert b"Authorization" in refused.body


def test_forged_and_expired_addresses(world: HubWorld, blob: tuple[bytes, str]) -> None:
    content, address = blob
    other = world.pusher(SHOP).push_blob(SHOP, b"another blob")
    query = dict(parse_qsl(urlsplit(address).query))
    later = urlencode({**query, "expires": str(int(query["expires"]) + 1)})
    for forged in (
        address.partition("?")[0],
        address.replace(digest_of(content), other),
        address.replace(urlsplit(address).query, later),
        address + "0",
        address.replace("expires=", "expires=%C3%A9"),
    ):
        assert world.cdn("GET", forged).status == 403, forged
    assert world.cdn("GET", "/").status == 404
    assert world.cdn("POST", address, b"").status == 405
    world.clock.advance(20 * 60 + 1)
    assert world.cdn("GET", address).status == 403


def test_a_deleted_blob_is_gone_at_the_cdn(world: HubWorld, blob: tuple[bytes, str]) -> None:
    world.contents.delete_blob(SHOP, digest_of(blob[0]))
    assert world.cdn("GET", blob[1]).status == 404


def test_a_head_of_a_blob_needs_no_redirect(world: HubWorld, blob: tuple[bytes, str]) -> None:
    head = world.client(SHOP)("HEAD", f"/v2/acme/shop/blobs/{digest_of(blob[0])}")
    assert (head.status, head.headers["content-length"]) == (200, str(len(blob[0])))


# Odd input

odd_text = st.text(st.characters(codec="utf-8"), max_size=40)


@given(path=odd_text, scope=odd_text, authorization=odd_text)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_that_is_sent_breaks_it(
    world: HubWorld, path: str, scope: str, authorization: str
) -> None:
    from urllib.parse import quote

    odd = quote(path, safe="/")
    header = "".join(one for one in authorization if one.isprintable()).encode()
    headers = {"Authorization": (b"Bearer " + header).decode("latin-1")}
    for talk, wanted in (
        (world.registry, f"/v2/{odd}"),
        (world.registry, f"/v2/acme/{odd}/manifests/{odd}"),
        (world.cdn, f"/registry-v2/docker/registry/v2/blobs/{odd}/data?expires={odd}&verify={odd}"),
        (world.api, f"/v2/namespaces/acme/repositories/{odd}"),
        (world.api, f"/token?scope={quote(scope)}"),
    ):
        for given_headers in ({}, headers):
            assert talk("GET", wanted, headers=given_headers).status < 500, wanted


@pytest.mark.parametrize("n", ["99999999999999999999", "9" * 5000, "-1", "0x1", "1e3"])
def test_page_sizes_without_sense(world: HubWorld, n: str) -> None:
    world.push(SHOP)
    answer = world.client(SHOP)("GET", f"/v2/acme/shop/tags/list?n={n}")
    assert (answer.status, answer.code) == (400, "PAGINATION_NUMBER_INVALID")


# Real clients


@pytest.mark.peer
def test_skopeo_reads_and_writes_with_a_login(world: HubWorld, tmp_path: Path) -> None:
    program = peer("skopeo")
    login = tmp_path / "auth.json"

    def skopeo(*arguments: str, given: str = "", fails: bool = False) -> str:
        ran = subprocess.run(
            [program, *arguments], input=given.encode(), capture_output=True, timeout=60
        )
        said = ran.stderr.decode()
        assert (ran.returncode != 0) == fails, said
        return said if fails else ran.stdout.decode()

    plain = ["--tls-verify=false"]
    as_account = [*plain, f"--authfile={login}"]
    image = f"docker://{world.address}/acme/secret"
    content = world.pusher("acme/secret").manifest("acme/secret", "one")
    world.contents.update_repository("acme/secret", {"private": True})
    world.pusher("acme/secret").put_manifest("acme/secret", "v1", content)

    assert "denied" in skopeo("list-tags", *plain, f"--authfile={login}", image, fails=True)
    account = ["-u", USER, "--password-stdin", world.address]
    skopeo("login", *as_account, *account, given="wrong", fails=True)
    skopeo("login", *as_account, *account, given=PASSWORD)
    assert json.loads(skopeo("list-tags", *as_account, image))["Tags"] == ["v1"]
    raw = skopeo("inspect", "--raw", *as_account, f"{image}:v1")
    assert raw.encode() == content
    folder = tmp_path / "copy"
    skopeo(
        "copy", f"--src-authfile={login}", "--src-tls-verify=false", f"{image}:v1", f"dir:{folder}"
    )
    target = f"docker://{world.address}/acme/again:v1"
    skopeo("copy", f"--dest-authfile={login}", "--dest-tls-verify=false", f"dir:{folder}", target)
    assert world.contents.resolve("acme/again", "v1") == digest_of(content)
    skopeo("delete", *as_account, target)
    assert world.contents.resolve("acme/again", "v1") is None
