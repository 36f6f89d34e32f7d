"""A lifecycle policy as a user meets it: the real aws program, `longshore local clock +2d`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from tests.embedded.aws_world import OCI, digest_of
from tests.embedded.lifecycle_world import policy, rule
from tests.peers import peer

from longshore.cli.main import run
from longshore.embedded import daemon

POLICY = policy(
    rule(1, "tagged", "imageCountMoreThan", 2, "v*"),
    rule(2, "untagged", "sinceImagePushed", 1),
    rule(3, "tagged", "sinceImagePushed", 5, "main-*", action="transition"),
)


@dataclass(frozen=True)
class Done:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("day") / "local"
    yield made
    daemon.down(made)


@pytest.fixture
def local(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Done]:
    """`local("clock", "+2d")`; the servers run."""

    def call(*argv: str) -> Done:
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "dumb"}
        environ |= {"LONGSHORE_LOCAL_DIR": str(folder)}
        capsys.readouterr()
        code = run(["local", *argv], environ)
        seen = capsys.readouterr()
        return Done(code, seen.out, seen.err)

    assert call("up").code == 0
    assert call("clock", "--reset").code == 0
    return call


@pytest.fixture
def env(local: Callable[..., Done]) -> dict[str, str]:
    """What `longshore local env` says, and a home."""
    found: dict[str, str] = local("env", "--json").json["env"]
    return {**found, "PATH": os.environ["PATH"], "HOME": found["LONGSHORE_LOCAL_DIR"]}


def push(env: dict[str, str], repository: str, count: int) -> list[str]:
    """Images that are nothing but their config; their digests."""
    ecr = botocore.session.get_session().create_client(
        "ecr",
        region_name=env["AWS_REGION"],
        endpoint_url=env["AWS_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    ecr.create_repository(repositoryName=repository)
    upload = {"repositoryName": repository}
    upload |= {"uploadId": ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]}
    ecr.upload_layer_part(**upload, partFirstByte=0, partLastByte=1, layerPartBlob=b"{}")
    ecr.complete_layer_upload(**upload, layerDigests=[digest_of(b"{}")])
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}")}
    found = []
    for number in range(count):
        document = {"schemaVersion": 2, "mediaType": OCI, "config": {**config, "size": 2}}
        document |= {"layers": [], "annotations": {"number": f"{number}"}}
        tag = {0: {}, 1: {"imageTag": "main-1"}}.get(number, {"imageTag": f"v{number}"})
        answer = ecr.put_image(repositoryName=repository, imageManifest=json.dumps(document), **tag)
        found.append(answer["image"]["imageId"]["imageDigest"])
    return found


def aws(env: dict[str, str], words: str) -> Any:
    """What the aws program prints."""
    done = subprocess.run(
        [peer("aws"), *words.split(), "--output", "json"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


@pytest.mark.peer
def test_a_policy_from_its_text_to_gone_images(
    local: Callable[..., Done], env: dict[str, str], tmp_path: Path
) -> None:
    untagged, main, old, *_ = push(env, "acme/day", 5)
    text = tmp_path / "policy.json"
    text.write_text(POLICY)
    of, file = "--repository-name acme/day", f"--lifecycle-policy-text file://{text}"
    aws(env, f"ecr put-lifecycle-policy {of} {file}")
    assert aws(env, f"ecr start-lifecycle-policy-preview {of}")["status"] == "IN_PROGRESS"
    aws(env, f"ecr wait lifecycle-policy-preview-complete {of}")
    shown = aws(env, f"ecr get-lifecycle-policy-preview {of}")
    assert [one["imageDigest"] for one in shown["previewResults"]] == [old]
    assert "lastEvaluatedAt" not in aws(env, f"ecr get-lifecycle-policy {of}")

    moved = local("clock", "+2d")
    assert moved.code == 0
    assert "lifecycle policy of acme/day: 2 images expired, 0 archived" in moved.out
    assert "EMBEDDED clock" in moved.out
    left = aws(env, f"ecr describe-images {of}")["imageDetails"]
    assert {one["imageDigest"] for one in left}.isdisjoint({untagged, old})
    assert len(left) == 3
    assert "lastEvaluatedAt" in aws(env, f"ecr get-lifecycle-policy {of}")

    moved = local("clock", "+5d", "--json")
    [archived] = [one for one in moved.json["lifecycle"] if one["archived"]]
    assert (archived["repository"], archived["expired"]) == ("acme/day", 0)
    asked = f"ecr describe-images {of} --filter imageStatus=ARCHIVED"
    assert [one["imageDigest"] for one in aws(env, asked)["imageDetails"]] == [main]
    restore = f"--image-id imageDigest={main} --target-storage-class STANDARD"
    restored = aws(env, f"ecr update-image-storage-class {of} {restore}")
    assert restored["imageStatus"] == "ACTIVATING"

    by_name = "--lookup-attributes AttributeKey=EventName,AttributeValue=PolicyExecutionEvent"
    assert len(aws(env, f"cloudtrail lookup-events {by_name}")["Events"]) == 7


def test_the_policies_and_their_runs(local: Callable[..., Done], env: dict[str, str]) -> None:
    push(env, "acme/told", 5)
    client = botocore.session.get_session().create_client(
        "ecr",
        region_name=env["AWS_REGION"],
        endpoint_url=env["AWS_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    client.put_lifecycle_policy(repositoryName="acme/told", lifecyclePolicyText=POLICY)
    told = local("lifecycle", "acme/told")
    assert told.code == 0
    assert "EMBEDDED lifecycle policies" in told.out
    assert "next: longshore local clock +1d" in told.err + told.out
    [before] = local("lifecycle", "acme/told", "--json").json["policies"]
    assert before["last_run"] is None
    done = local("lifecycle", "--run", "acme/told", "--json").json
    assert done["schema"] == "longshore.local.lifecycle/1"
    [ran] = done["ran"]
    assert (ran["repository"], ran["expired"], ran["archived"]) == ("acme/told", 1, 0)
    [after] = done["policies"]
    assert after["last_run"] == ran["at"]
    assert after["next_run"] == before["next_run"]
    assert "no policy to run" not in local("lifecycle", "--run").out
    records = local("lifecycle", "acme/told", "--records", "--json").json["records"]
    assert [one["eventName"] for one in records] == ["PolicyExecutionEvent"] * 2
    shown = local("lifecycle", "acme/told", "--records").out
    assert "PolicyExecutionEvent" in shown


def test_repositories_without_a_policy(local: Callable[..., Done]) -> None:
    shown = local("lifecycle", "acme/none")
    assert "no repository has one" in shown.out
    refused = local("lifecycle", "--run", "acme/none", "--json")
    assert (refused.code, refused.json["code"]) == (2, "repository-not-found")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("+2d", "--reset"), "usage"),
        (("--advance", "1h", "--to", "2030-01-01"), "usage"),
        (("tomorrow",), "bad-duration"),
        (("--to", "tomorrow"), "bad-time"),
        (("--to", "+9000y"), "bad-time"),
        (("--to", "3001-01-01"), "bad-time"),
        (("--advance", "9999999999d"), "bad-time"),
    ],
)
def test_moves_that_make_no_sense(
    local: Callable[..., Done], words: tuple[str, ...], code: str
) -> None:
    before = local("clock", "--json").json
    refused = local("clock", *words, "--json")
    assert (refused.code, refused.json["code"]) == (2, code)
    after = local("clock", "--json").json
    assert after["ahead_seconds"] == before["ahead_seconds"]


def test_the_clock_goes_to_a_time_and_back(local: Callable[..., Done]) -> None:
    assert local("clock", "--to", "2031-02-03T04:05:06Z", "--json").json["now"][:16] == (
        "2031-02-03T04:05"
    )
    behind = local("clock", "--to", "2001-01-01")
    assert "behind)" in behind.out
    assert local("clock", "--reset", "--json").json["ahead_seconds"] == 0


def test_a_preview_that_fails(local: Callable[..., Done], env: dict[str, str]) -> None:
    """A fault meets one operation, and no other."""
    words = ["--on", "aws", "--operation", "GetLifecyclePolicyPreview", "--status", "200"]
    assert local("fault", *words, "--body", '{"status": "FAILED"}').code == 0
    client = botocore.session.get_session().create_client(
        "ecr",
        region_name=env["AWS_REGION"],
        endpoint_url=env["AWS_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    client.describe_repositories()
    assert client.get_lifecycle_policy_preview(repositoryName="any")["status"] == "FAILED"
    assert local("fault", "--clear").code == 0
