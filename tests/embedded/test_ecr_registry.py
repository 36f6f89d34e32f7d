"""ECR under `/v2/`: logins, writes by the API's rules, blobs elsewhere, and its oddities."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.embedded.aws_world import (
    ACCOUNT,
    ALL_OF_ECR,
    OCI,
    OCI_INDEX,
    World,
    digest_of,
    index_of,
    running,
)
from tests.embedded.test_ecr_images import ids

MiB = 1024 * 1024


def error(response: Any) -> tuple[int, str, str]:
    (entry,) = json.loads(response.data)["errors"]
    return response.status, entry["code"], entry["message"]


def upload(world: World, repository: str, content: bytes) -> str:
    """A blob by POST and PUT."""
    began = world.v2("POST", f"/v2/{repository}/blobs/uploads/")
    assert began.status == 202, began.data
    digest = digest_of(content)
    place = urlsplit(began.headers["Location"])
    done = world.v2("PUT", f"{place.path}?{place.query}&digest={digest}", content)
    assert done.status == 201, done.data
    return digest


def put(world: World, reference: str, content: bytes, kind: str = OCI) -> Any:
    path = f"/v2/shop/manifests/{reference}"
    return world.v2("PUT", path, content, {"Content-Type": kind})


# --- logins -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic " + base64.b64encode(b"AWS:nonsense").decode(),
        "Basic " + base64.b64encode(b"AWS:\xff").decode(),
        "Bearer x",
        "AWS4-HMAC-SHA256 Credential=x",
    ],
)
def test_without_a_login(shop: World, authorization: str) -> None:
    for path in ("/v2/", "/v2/shop/tags/list", "/v2/nope/manifests/v1"):
        answer = shop.http.request(
            "GET", f"http://{shop.registry}{path}", headers={"Authorization": authorization}
        )
        assert answer.status == 401
        assert answer.data == b"Not Authorized\n"
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["WWW-Authenticate"] == (
            f'Basic realm="http://{shop.registry}/",service="ecr.amazonaws.com"'
        )


def test_a_login_of_another_user_or_a_changed_password(shop: World) -> None:
    password = shop.password()
    assert shop.v2("GET", "/v2/", password=password).status == 200
    changed = password[:-1] + ("0" if password[-1] != "0" else "1")
    assert shop.v2("GET", "/v2/", password=changed).status == 401
    claims, _, signature = password.partition(".")
    other = base64.urlsafe_b64encode(b'{"access_key": "x"}').decode() + "." + signature
    assert claims not in other
    assert shop.v2("GET", "/v2/", password=other).status == 401


def test_an_expired_password(shop: World) -> None:
    clock = shop.aws.clock
    answer = shop.client().get_authorization_token()["authorizationData"][0]
    left = answer["expiresAt"] - clock.now()
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)
    assert answer["proxyEndpoint"] == f"http://{shop.registry}"
    password = shop.password()
    try:
        clock.advance(12 * 3600 + 1)
        assert error(shop.v2("GET", "/v2/", password=password)) == (
            403,
            "DENIED",
            "Your authorization token has expired. Reauthenticate and try again.",
        )
        assert shop.v2("GET", "/v2/").status == 200
    finally:
        clock.reset()


def test_a_password_of_another_region(shop: World) -> None:
    answer = shop.v2("GET", "/v2/", password=shop.password(region="us-east-1"))
    assert answer.status == 400


def test_passwords_outlive_the_process_and_belong_to_a_key(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        password = world.password()
        iam = world.client("iam")
        iam.create_user(UserName="ci")
        iam.put_user_policy(UserName="ci", PolicyName="ecr", PolicyDocument=ALL_OF_ECR)
        key = iam.create_access_key(UserName="ci")["AccessKey"]
        from longshore.embedded.aws import RootKey

        users = world.password(key=RootKey(key["AccessKeyId"], key["SecretAccessKey"]))
        assert world.v2("GET", "/v2/", password=users).status == 200
    with running(tmp_path) as world:
        assert world.v2("GET", "/v2/", password=password).status == 200
        assert world.v2("GET", "/v2/", password=users).status == 200
        world.client("iam").delete_access_key(UserName="ci", AccessKeyId=key["AccessKeyId"])
        assert world.v2("GET", "/v2/", password=users).status == 401


# --- manifests ----------------------------------------------------------------------------------


def test_push_and_pull(shop: World) -> None:
    content = shop.manifest("shop", "one")
    done = put(shop, "v1", content)
    assert done.status == 201
    assert done.headers["Docker-Content-Digest"] == digest_of(content)
    for reference in ("v1", digest_of(content)):
        got = shop.v2("GET", f"/v2/shop/manifests/{reference}")
        assert got.data == content
        assert got.headers["Content-Type"] == OCI
        head = shop.v2("HEAD", f"/v2/shop/manifests/{reference}")
        assert head.headers["Docker-Content-Digest"] == digest_of(content)
    assert ids(shop) == {(digest_of(content), "v1")}
    assert shop.v2("GET", "/v2/shop/manifests/nope").status == 404


def test_the_same_again_is_taken_when_tags_may_move(shop: World) -> None:
    content, other = shop.manifest("shop", "one"), shop.manifest("shop", "two")
    for _ in range(2):
        assert put(shop, "v1", content).status == 201
        assert put(shop, digest_of(content), content).status == 201
    assert put(shop, "v1", other).status == 201
    assert ids(shop) == {(digest_of(content), None), (digest_of(other), "v1")}


def test_immutable_tags_refuse_even_the_same(shop: World) -> None:
    shop.client().put_image_tag_mutability(repositoryName="shop", imageTagMutability="IMMUTABLE")
    content, other = shop.manifest("shop", "one"), shop.manifest("shop", "two")
    assert put(shop, "v1", content).status == 201
    for one in (content, other):
        assert error(put(shop, "v1", one)) == (
            400,
            "TAG_INVALID",
            "The image tag 'v1' already exists in the 'shop' repository and cannot be "
            "overwritten because the tag is immutable.",
        )
    assert put(shop, digest_of(content), content).status == 201


def test_refuses_manifests_without_their_parts_or_of_odd_kinds(shop: World) -> None:
    shop.client().create_repository(repositoryName="other")
    content = shop.manifest("other", "one")
    assert error(put(shop, "v1", content))[1] == "MANIFEST_BLOB_UNKNOWN"
    assert error(put(shop, "v1", index_of(content), OCI_INDEX))[1] == "MANIFEST_BLOB_UNKNOWN"
    odd = put(shop, "v1", b'{"schemaVersion": 2}', "application/x.odd+json")
    assert error(odd) == (
        405,
        "UNSUPPORTED",
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
    )
    assert ids(shop) == set()


def test_missing_repositories(aws: World) -> None:
    message = f"The repository with name 'nope' does not exist in the registry with id '{ACCOUNT}'"
    for method, path in (
        ("GET", "/v2/nope/tags/list"),
        ("GET", "/v2/nope/manifests/v1"),
        ("POST", "/v2/nope/blobs/uploads/"),
        ("PUT", "/v2/nope/manifests/v1"),
    ):
        assert error(aws.v2(method, path, b"{}" if method == "PUT" else b"")) == (
            404,
            "NAME_UNKNOWN",
            message,
        )


def test_create_on_push(aws: World) -> None:
    ecr = aws.client()
    for prefix, mutability in (("ROOT", "MUTABLE"), ("team", "IMMUTABLE"), ("team/a", "MUTABLE")):
        ecr.create_repository_creation_template(
            prefix=prefix, imageTagMutability=mutability, appliedFor=["CREATE_ON_PUSH"]
        )
    ecr.create_repository_creation_template(prefix="cache", appliedFor=["PULL_THROUGH_CACHE"])
    try:
        for name, mutability in (
            ("team/b/c", "IMMUTABLE"),
            ("team/a/b", "MUTABLE"),
            ("teams", "MUTABLE"),
            ("cache/x", "MUTABLE"),
        ):
            assert aws.v2("GET", f"/v2/{name}/tags/list").status == 404
            assert upload(aws, name, b"x")
            (made,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
            assert made["imageTagMutability"] == mutability, name
        ecr.delete_repository_creation_template(prefix="ROOT")
        assert aws.v2("POST", "/v2/elsewhere/blobs/uploads/").status == 404
    finally:
        for prefix in ("team", "team/a", "cache"):
            ecr.delete_repository_creation_template(prefix=prefix)


def test_delete(shop: World) -> None:
    content = shop.manifest("shop", "one")
    index = index_of(content)
    put(shop, digest_of(content), content)
    put(shop, "v1", index, OCI_INDEX)
    put(shop, "v2", index, OCI_INDEX)
    assert shop.v2("DELETE", f"/v2/shop/manifests/{digest_of(content)}").status == 405
    assert shop.v2("DELETE", "/v2/shop/manifests/v1").status == 202
    assert ids(shop) == {(digest_of(content), None), (digest_of(index), "v2")}
    assert shop.v2("DELETE", "/v2/shop/manifests/v2").status == 202
    assert shop.v2("DELETE", "/v2/shop/manifests/v2").status == 404
    assert shop.v2("DELETE", f"/v2/shop/manifests/{digest_of(content)}").status == 202
    assert ids(shop) == set()
    blob = upload(shop, "shop", b"x")
    assert shop.v2("DELETE", f"/v2/shop/blobs/{blob}").status == 405


def test_referrers(shop: World) -> None:
    content = shop.manifest("shop", "one")
    subject = {"mediaType": OCI, "digest": digest_of(content), "size": len(content)}
    put(shop, "v1", content)
    signature = shop.manifest("shop", "sig", subject=subject, artifactType="application/x.sig")
    done = put(shop, digest_of(signature), signature)
    assert done.headers["OCI-Subject"] == digest_of(content)
    found = shop.v2("GET", f"/v2/shop/referrers/{digest_of(content)}")
    assert found.headers["Content-Type"] == OCI_INDEX
    (entry,) = json.loads(found.data)["manifests"]
    assert (entry["digest"], entry["artifactType"]) == (digest_of(signature), "application/x.sig")


def test_put_image_quota(shop: World) -> None:
    content = shop.manifest("shop", "one")
    shop.aws.ecr.put_image_per_s = 1
    try:
        assert put(shop, "v1", content).status == 201
        assert error(put(shop, "v2", content)) == (429, "TOOMANYREQUESTS", "Rate exceeded")
    finally:
        shop.aws.ecr.put_image_per_s = None


# --- blobs --------------------------------------------------------------------------------------


def test_blobs_are_elsewhere(shop: World) -> None:
    digest = upload(shop, "shop", b"some bytes")
    head = shop.v2("HEAD", f"/v2/shop/blobs/{digest}")
    assert (head.status, head.headers["Content-Length"]) == (200, "10")
    sent = shop.v2("GET", f"/v2/shop/blobs/{digest}")
    place = sent.headers["Location"]
    assert sent.status == 307
    assert place.startswith(shop.layers.replace("127.0.0.1", "localhost"))  # another host, too
    assert shop.layers != f"http://{shop.registry}"
    assert shop.http.request("GET", place).data == b"some bytes"
    part = shop.http.request("GET", place, headers={"Range": "bytes=5-"})
    assert (part.status, part.data) == (206, b"bytes")
    assert part.headers["Content-Range"] == "bytes 5-9/10"
    assert shop.http.request("GET", place, headers={"Range": "bytes=10-"}).status == 416
    login = shop.http.request("GET", place, headers={"Authorization": "Basic QVdTOng="})
    assert login.status == 400
    assert b"Only one auth mechanism allowed" in login.data
    assert shop.http.request("HEAD", place).status == 403
    assert shop.http.request("GET", place.replace(digest, digest_of(b"x"))).status == 403
    assert shop.http.request("GET", place.partition("?")[0]).status == 403
    try:
        shop.aws.clock.advance(3601)
        late = shop.http.request("GET", place)
        assert (late.status, b"Request has expired" in late.data) == (403, True)
    finally:
        shop.aws.clock.reset()


def test_a_blob_is_only_in_the_repository_that_got_it(shop: World) -> None:
    shop.client().create_repository(repositoryName="other")
    digest = upload(shop, "other", b"x")
    assert error(shop.v2("GET", f"/v2/shop/blobs/{digest}"))[:2] == (404, "BLOB_UNKNOWN")


def test_mount(shop: World) -> None:
    ecr = shop.client()
    for name, kind in (("from", "AES256"), ("kms", "KMS")):
        ecr.create_repository(repositoryName=name, encryptionConfiguration={"encryptionType": kind})
    content = shop.manifest("from", "one")
    layer = json.loads(content)["layers"][0]["digest"]

    def mount(source: str, target: str = "shop", digest: str = layer) -> int:
        path = f"/v2/{target}/blobs/uploads/?mount={digest}&from={source}"
        return int(shop.v2("POST", path).status)

    assert ecr.get_account_setting(name="BLOB_MOUNTING")["value"] == "DISABLED"
    shop.put("from", content, "v1")
    assert mount("from") == 202
    ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    try:
        assert mount("from", "kms") == 202
        assert mount("nope") == 202
        unused = upload(shop, "from", b"no image names me")
        assert mount("from", digest=unused) == 202
        assert mount("from") == 201
        assert shop.v2("HEAD", f"/v2/shop/blobs/{layer}").status == 200
    finally:
        ecr.put_account_setting(name="BLOB_MOUNTING", value="DISABLED")
    assert shop.v2("HEAD", f"/v2/shop/blobs/{layer}").status == 200


def begin(world: World) -> str:
    place = urlsplit(world.v2("POST", "/v2/shop/blobs/uploads/").headers["Location"])
    return f"{place.path}?{place.query}"


def send(world: World, place: str, content: bytes, first: int | None) -> Any:
    ranged = {} if first is None else {"Content-Range": f"{first}-{first + len(content) - 1}"}
    return world.v2("PATCH", place, content, ranged)


def test_chunked_upload_has_ecrs_oddities(shop: World) -> None:
    place, chunk = begin(shop), os.urandom(5 * MiB)
    assert shop.v2("GET", place).status == 404
    first = send(shop, place, chunk, 0)
    assert (first.status, first.headers["Range"]) == (201, f"0-{len(chunk) - 1}")
    second = send(shop, place, b"end", len(chunk))
    assert (second.status, second.headers["Range"]) == (201, f"0-{len(chunk) - 1}")
    again = send(shop, place, b"end", 0)
    assert error(again) == (
        416,
        "BLOB_UPLOAD_INVALID",
        f"First byte of the layer part is 0 instead of {len(chunk) + 3}",
    )
    done = shop.v2("PUT", f"{place}&digest={digest_of(chunk + b'end')}")
    assert done.status == 201


def test_chunks_below_5_mib_fail_at_the_end(shop: World) -> None:
    place = begin(shop)
    send(shop, place, b"a", 0)
    send(shop, place, b"b", 1)
    done = shop.v2("PUT", f"{place}&digest={digest_of(b'ab')}")
    assert error(done)[:2] == (400, "BLOB_UPLOAD_INVALID")


def test_one_streamed_patch_is_fine_at_any_size(shop: World) -> None:
    place = begin(shop)
    sent = send(shop, place, b"streamed", None)
    assert sent.status == 202
    assert shop.v2("PUT", f"{place}&digest={digest_of(b'streamed')}").status == 201
    place = begin(shop)
    wrong = shop.v2("PUT", f"{place}&digest={digest_of(b'x')}", b"y")
    assert error(wrong)[1] == "DIGEST_INVALID"


# --- listings -----------------------------------------------------------------------------------


def tags(world: World, path: str) -> tuple[list[str], str]:
    answer = world.v2("GET", path)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    link = answer.headers.get("Link", "")
    return json.loads(answer.data)["tags"], urlsplit(link[1 : link.find(">")])._replace(
        scheme="", netloc=""
    ).geturl() if link else ""


def test_listing_tags(shop: World) -> None:
    content = shop.manifest("shop", "one")
    names = [f"v{number:03}" for number in range(120)]
    for name in names:
        shop.aws.ecr.served.contents.put_manifest("shop", content, OCI, name)
    page, rest = tags(shop, "/v2/shop/tags/list")
    assert len(page) == 100
    assert page != sorted(page)
    found = list(page)
    while rest:
        assert not any(name in rest for name in names)
        page, rest = tags(shop, rest)
        found += page
    assert sorted(found) == names
    assert len(tags(shop, "/v2/shop/tags/list?n=1000")[0]) == 120
    for path in ("/v2/shop/tags/list?n=1001", "/v2/_catalog?n=1001"):
        assert error(shop.v2("GET", path)) == (
            405,
            "UNSUPPORTED",
            "Invalid parameter at 'maxResults' failed to satisfy constraint: "
            "'Member must have value less than or equal to 1000'",
        )
    assert shop.v2("GET", "/v2/shop/tags/list?last=%00").status == 405
    assert json.loads(shop.v2("GET", "/v2/_catalog").data) == {"repositories": ["shop"]}


# --- mode strict-oci ----------------------------------------------------------------------------


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path, mode="strict-oci") as world:
        world.client().create_repository(repositoryName="shop")
        yield world


def test_strict_oci(strict: World) -> None:
    place = begin(strict)
    for first, chunk in ((0, b"a"), (1, b"b")):
        sent = send(strict, place, chunk, first)
        assert (sent.status, sent.headers["Range"]) == (202, f"0-{first}")
    assert strict.v2("GET", place).status == 204
    digest = digest_of(b"ab")
    assert strict.v2("PUT", f"{place}&digest={digest}").status == 201
    content = strict.manifest("shop", "one")
    for name in ("b", "a"):
        assert put(strict, name, content).status == 201
    listed = strict.v2("GET", "/v2/shop/tags/list?n=1")
    assert listed.headers["Content-Type"] == "application/json"
    assert json.loads(listed.data)["tags"] == ["a"]
    assert "last=a" in listed.headers["Link"]
    assert strict.v2("DELETE", f"/v2/shop/blobs/{digest}").status == 202
