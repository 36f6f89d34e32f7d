"""Scans of the embedded ECR over its API: real findings, states, quotas, events."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.embedded.aws_world import OCI, OCI_INDEX, World, digest_of, running
from tests.embedded.scanning.apt_archive import Release, build
from tests.embedded.scanning.test_parts import DEBIAN_12, STATUS, osv

from longshore.embedded.scanning.data import SETTINGS

PYTHON = b"Metadata-Version: 2.1\nName: flask\nVersion: 1.9\n\n"
OPENSSL = osv("openssl", "Debian:12", events=[{"introduced": "0"}, {"fixed": "3.0.2-1+deb12u2"}])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path / "data") as one:
        one.client().create_repository(repositoryName="shop")
        yield one


def give(world: World, *entries: dict[str, Any], apt: tuple[str, ...] = ()) -> None:
    """Vulnerability data for the scans from now on."""
    file = world.folder / "osv.json"
    file.write_text(json.dumps(list(entries)))
    settings = {"osv": [str(file)] if entries else [], "apt": list(apt)}
    (world.folder / SETTINGS).write_text(json.dumps(settings))


def image(world: World, files: dict[str, bytes], tag: str = "v1") -> str:
    """An image of one layer with the files, pushed over the API."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    layer = gzip.compress(stream.getvalue(), mtime=0)
    config = json.dumps({"os": "linux", "architecture": "amd64", "tag": tag}).encode()
    world.layer("shop", layer)
    world.layer("shop", config)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest_of(config),
            "size": len(config),
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest_of(layer),
                "size": len(layer),
            }
        ],
    }
    text = json.dumps(document)
    world.client().put_image(repositoryName="shop", imageManifest=text, imageTag=tag)
    return digest_of(text.encode())


def debian(tag: str = "v1", more: dict[str, bytes] | None = None) -> dict[str, bytes]:
    files = {"var/lib/dpkg/status": STATUS.encode(), "etc/os-release": DEBIAN_12}
    return {**files, "etc/tag": tag.encode(), **(more or {})}


def scanned(world: World, tag: str = "v1") -> dict[str, Any]:
    """The findings once the scan is over."""
    ask = world.client().describe_image_scan_findings
    for _ in range(600):
        found: dict[str, Any] = ask(repositoryName="shop", imageId={"imageTag": tag})
        if found["imageScanStatus"]["status"] != "IN_PROGRESS":
            return found
        time.sleep(0.02)
    raise AssertionError("the scan did not end")


def refused(call: Any, **values: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**values)
    return str(caught.value.response["Error"]["Code"])


V1 = {"repositoryName": "shop", "imageId": {"imageTag": "v1"}}


def test_a_scan_by_hand(world: World) -> None:
    give(world, OPENSSL, osv("flask", "PyPI"))
    image(world, debian(more={"srv/flask-1.9.dist-info/METADATA": PYTHON}))
    assert refused(world.client().describe_image_scan_findings, **V1) == "ScanNotFoundException"
    started = world.client().start_image_scan(**V1)
    assert started["imageScanStatus"]["status"] == "IN_PROGRESS"
    found = scanned(world)
    assert found["imageScanStatus"]["status"] == "COMPLETE"
    assert "2 Debian packages" in found["imageScanStatus"]["description"]
    about = found["imageScanFindings"]
    assert about["findingSeverityCounts"] == {"MEDIUM": 2}
    assert {one["attributes"][0]["value"] for one in about["findings"]} == {"openssl", "flask"}
    assert refused(world.client().start_image_scan, **V1) == "LimitExceededException"
    world.aws.clock.advance(24 * 3600 + 1)
    world.client().start_image_scan(**V1)


def test_what_is_not_looked_at_is_never_clean(world: World) -> None:
    image(world, debian())
    world.client().start_image_scan(**V1)
    assert scanned(world)["imageScanStatus"]["status"] == "FAILED"
    give(world, osv("flask", "PyPI"))
    image(world, debian("v2"), "v2")
    world.client().start_image_scan(repositoryName="shop", imageId={"imageTag": "v2"})
    found = scanned(world, "v2")["imageScanStatus"]
    assert found["status"] == "FAILED"
    assert "2 Debian packages" in found["description"]
    image(world, {"bin/static": b"\x7fELF"}, "v3")
    world.client().start_image_scan(repositoryName="shop", imageId={"imageTag": "v3"})
    assert scanned(world, "v3")["imageScanStatus"]["status"] == "UNSUPPORTED_IMAGE"


def test_packages_without_data_are_named(world: World) -> None:
    give(world, OPENSSL)
    node = {"app/node_modules/left-pad/package.json": b'{"name": "left-pad", "version": "1.0.0"}'}
    image(world, debian(more=node))
    world.client().start_image_scan(**V1)
    found = scanned(world)["imageScanStatus"]
    assert found["status"] == "COMPLETE"
    assert found["description"].endswith("not looked at: 1 npm packages")


def test_an_index_is_not_scanned(world: World) -> None:
    give(world, OPENSSL)
    child = image(world, debian())
    asked = world.client().batch_get_image(repositoryName="shop", imageIds=[{"imageTag": "v1"}])
    size = len(asked["images"][0]["imageManifest"])
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [{"mediaType": OCI, "digest": child, "size": size}],
        }
    )
    world.client().put_image(repositoryName="shop", imageManifest=index, imageTag="all")
    whole = {"repositoryName": "shop", "imageId": {"imageTag": "all"}}
    assert refused(world.client().start_image_scan, **whole) == "UnsupportedImageTypeException"


def test_scan_on_push_by_the_registry_s_rules(world: World) -> None:
    give(world, OPENSSL)
    world.client().put_registry_scanning_configuration(
        scanType="BASIC",
        rules=[
            {
                "scanFrequency": "SCAN_ON_PUSH",
                "repositoryFilters": [{"filter": "sh*", "filterType": "WILDCARD"}],
            }
        ],
    )
    image(world, debian())
    assert scanned(world)["imageScanFindings"]["findingSeverityCounts"] == {"MEDIUM": 1}


def test_findings_come_in_pages(world: World) -> None:
    entries = [{**OPENSSL, "id": f"CVE-2026-{n:04d}", "aliases": []} for n in range(7)]
    give(world, *entries)
    image(world, debian())
    world.client().start_image_scan(**V1)
    scanned(world)
    pages = world.client().get_paginator("describe_image_scan_findings")
    found = [
        one["name"]
        for shown in pages.paginate(**V1, maxResults=3)
        for one in shown["imageScanFindings"]["findings"]
    ]
    assert sorted(found) == [f"CVE-2026-{n:04d}" for n in range(7)]


def test_the_event_reaches_a_queue(world: World) -> None:
    give(world, OPENSSL)
    sqs, events = world.client("sqs"), world.client("events")
    url = sqs.create_queue(QueueName="scans")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {"source": ["aws.ecr"], "detail-type": ["ECR Image Scan"]}
    events.put_rule(Name="scans", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="scans", Targets=[{"Id": "q", "Arn": arn["QueueArn"]}])
    digest = image(world, debian())
    world.client().start_image_scan(**V1)
    scanned(world)
    world.aws.scanning.wait()
    world.aws.telling.tell()
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    event = json.loads(messages[0]["Body"])
    assert event["detail"] == {
        "scan-status": "COMPLETE",
        "repository-name": "shop",
        "finding-severity-counts": {"MEDIUM": 1},
        "image-digest": digest,
        "image-tags": ["v1"],
    }
    assert event["resources"][0].endswith(":repository/shop")


def test_debian_findings_against_an_archive(world: World, tmp_path: Path) -> None:
    entry = ("3.0.2-1+deb12u2", "high", "Fix CVE-2026-0002.")
    source = build(
        tmp_path / "archive" / "bookworm", [Release("libssl3", entry[0], (entry,), "openssl")]
    )
    give(world, apt=(source.replace("bookworm", "{codename}"),))
    image(world, debian())
    world.client().start_image_scan(**V1)
    found = scanned(world)
    assert found["imageScanStatus"]["status"] == "COMPLETE", found["imageScanStatus"]
    assert [one["name"] for one in found["imageScanFindings"]["findings"]] == ["CVE-2026-0002"]
    assert "never CRITICAL" in found["imageScanStatus"]["description"]


def test_a_scan_that_was_cut_off_is_done_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path / "data") as world:
        world.client().create_repository(repositoryName="shop")
        give(world, OPENSSL)
        digest = image(world, debian())
        note = {"status": "IN_PROGRESS", "description": "", "at": 0, "findings": []}
        world.aws.ecr.served.contents.set_note(f"ecr-scan shop@{digest}", note)
    with running(tmp_path / "data") as again:
        assert scanned(again)["imageScanStatus"]["status"] == "COMPLETE"
