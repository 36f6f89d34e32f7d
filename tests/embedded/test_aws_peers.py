"""The real AWS CLI, skopeo, docker and podman against the embedded ECR."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.embedded.aws_world import (
    ACCOUNT,
    OCI,
    OCI_INDEX,
    REGION,
    ROOT,
    World,
    descriptor,
    digest_of,
    index_of,
)
from tests.embedded.test_ecr_repositories import LIFECYCLE
from tests.peers import peer

pytestmark = pytest.mark.peer

NAME = "github-actions-demo-day2"


@pytest.fixture
def day2(aws: World) -> World:
    """The first user's repository with one image in it."""
    ecr = aws.client()
    ecr.create_repository(repositoryName=NAME)
    ecr.put_lifecycle_policy(repositoryName=NAME, lifecyclePolicyText=LIFECYCLE)
    aws.push(NAME, "one", "main-abc1234")
    return aws


class Shell:
    """Runs programs as a user would, with a home and variables of their own."""

    def __init__(self, world: World, home: Path) -> None:
        self.home = home
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ENDPOINT_URL": world.endpoint,
            "AWS_ACCESS_KEY_ID": ROOT.access_key,
            "AWS_SECRET_ACCESS_KEY": ROOT.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "DOCKER_CONFIG": str(home / "docker"),
            "REGISTRY_AUTH_FILE": str(home / "auth.json"),
            "XDG_RUNTIME_DIR": str(home),
        }

    def run(self, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        program, *arguments = command.split()
        return subprocess.run(
            [peer(program), *arguments],
            input=stdin,
            env=self.env,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ok(self, command: str, stdin: str = "") -> str:
        done = self.run(command, stdin)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, command: str) -> Any:
        return json.loads(self.ok(command))


@pytest.fixture
def shell(day2: World, tmp_path: Path) -> Shell:
    return Shell(day2, tmp_path)


def test_the_first_users_four_commands(shell: Shell) -> None:
    identity = shell.json("aws sts get-caller-identity")
    assert identity == {
        "UserId": ACCOUNT,
        "Account": ACCOUNT,
        "Arn": f"arn:aws:iam::{ACCOUNT}:root",
    }
    found = shell.json("aws ecr describe-repositories --region ap-northeast-2")
    assert [one["repositoryName"] for one in found["repositories"]] == [NAME]
    found = shell.json(
        "aws ecr list-images --repository-name github-actions-demo-day2 --region ap-northeast-2"
    )
    assert [one["imageTag"] for one in found["imageIds"]] == ["main-abc1234"]
    found = shell.json(
        "aws ecr get-lifecycle-policy "
        "--repository-name github-actions-demo-day2 --region ap-northeast-2"
    )
    assert found["lifecyclePolicyText"] == LIFECYCLE


def test_aws_cli_errors(shell: Shell) -> None:
    done = shell.run("aws ecr list-images --repository-name nope")
    assert done.returncode != 0
    assert (
        "An error occurred (RepositoryNotFoundException) when calling the ListImages operation: "
        f"The repository with name 'nope' does not exist in the registry with id '{ACCOUNT}'"
    ) in done.stderr
    done = shell.run("aws ecr get-signing-configuration")
    assert "(NotImplementedByEmbeddedServer)" in done.stderr
    shell.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
    assert "(SignatureDoesNotMatch)" in shell.run("aws sts get-caller-identity").stderr


def test_aws_cli_with_other_services(shell: Shell) -> None:
    shell.ok("aws sns create-topic --name alerts")
    assert len(shell.json("aws sns list-topics")["Topics"]) >= 1
    shell.ok(
        "aws cloudwatch put-metric-alarm --alarm-name a --namespace n --metric-name m "
        "--statistic Sum --period 60 --evaluation-periods 1 --threshold 1 "
        "--comparison-operator GreaterThanThreshold"
    )
    (alarm,) = shell.json("aws cloudwatch describe-alarms")["MetricAlarms"]
    assert alarm["AlarmName"] == "a"
    # AWS CLI v1 sends SQS calls to AWS itself, whatever AWS_ENDPOINT_URL says.
    sqs = f"aws --endpoint-url {shell.env['AWS_ENDPOINT_URL']} sqs"
    queue = shell.json(f"{sqs} create-queue --queue-name q")["QueueUrl"]
    shell.ok(f"{sqs} send-message --queue-url {queue} --message-body hi")
    (message,) = shell.json(f"{sqs} receive-message --queue-url {queue}")["Messages"]
    assert message["Body"] == "hi"
    assert shell.json("aws iam list-roles")["Roles"] == []
    assert shell.json("aws secretsmanager list-secrets")["SecretList"] == []
    assert shell.json("aws events list-rules")["Rules"] == []


def layout(folder: Path, world: World) -> tuple[bytes, bytes]:
    """An OCI layout of an index of two images; the index and one image."""
    contents = world.aws.ecr.served.contents
    images = [world.manifest(NAME, "one"), world.manifest(NAME, "another")]
    index = index_of(*images)
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for document in (*images, index):
        (blobs / digest_of(document)[7:]).write_bytes(document)
        parsed = json.loads(document)
        for part in [*parsed.get("layers", ()), *filter(None, [parsed.get("config")])]:
            (blobs / part["digest"][7:]).write_bytes(
                contents.blob_path(part["digest"]).read_bytes()
            )
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    entry = {
        "mediaType": OCI_INDEX,
        "digest": digest_of(index),
        "size": len(index),
        "annotations": {"org.opencontainers.image.ref.name": "it"},
    }
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return index, images[0]


def login(shell: Shell, registry: str, program: str, options: str = "") -> None:
    password = shell.ok("aws ecr get-login-password")
    shell.ok(f"{program} login --username AWS --password-stdin {options} {registry}", password)


def test_skopeo(shell: Shell, day2: World, tmp_path: Path) -> None:
    index, _ = layout(tmp_path / "layout", day2)
    where = f"docker://{day2.registry}/{NAME}"
    login(shell, day2.registry, "skopeo", "--tls-verify=false")
    shell.ok(f"skopeo copy --all --dest-tls-verify=false oci:layout:it {where}:v1")
    assert shell.ok(f"skopeo inspect --raw --tls-verify=false {where}:v1").encode() == index
    shell.ok(f"skopeo copy --all --src-tls-verify=false {where}:v1 oci:back:it")
    (entry,) = json.loads((tmp_path / "back" / "index.json").read_text())["manifests"]
    assert entry["digest"] == digest_of(index)
    listed = json.loads(shell.ok(f"skopeo list-tags --tls-verify=false {where}"))
    assert sorted(listed["Tags"]) == ["main-abc1234", "v1"]
    described = day2.client().describe_images(repositoryName=NAME, imageIds=[{"imageTag": "v1"}])[
        "imageDetails"
    ]
    assert described[0]["imageDigest"] == digest_of(index)
    shell.ok(f"skopeo delete --tls-verify=false {where}:v1")
    listed = json.loads(shell.ok(f"skopeo list-tags --tls-verify=false {where}"))
    assert listed["Tags"] == ["main-abc1234"]


def test_skopeo_is_refused_as_at_aws(shell: Shell, day2: World, tmp_path: Path) -> None:
    layout(tmp_path / "layout", day2)
    where = f"docker://{day2.registry}"
    copy = "skopeo copy --all --dest-tls-verify=false --retry-times 0 oci:layout:it"
    assert "unauthorized" in shell.run(f"{copy} {where}/{NAME}:v1").stderr
    login(shell, day2.registry, "skopeo", "--tls-verify=false")
    missing = shell.run(f"{copy} {where}/nope:v1").stderr
    assert "The repository with name 'nope' does not exist" in missing
    day2.client().put_image_tag_mutability(repositoryName=NAME, imageTagMutability="IMMUTABLE")
    taken = shell.run(f"{copy} {where}/{NAME}:main-abc1234").stderr
    assert "cannot be overwritten because the tag is immutable" in taken


def test_docker_login(shell: Shell, day2: World) -> None:
    login(shell, day2.registry, "docker")
    kept = json.loads((shell.home / "docker" / "config.json").read_text())
    assert day2.registry in kept["auths"]


def real_image(world: World) -> bytes:
    """An image that an engine can unpack: one file in a tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("hello")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"hi"))
    raw = buffer.getvalue()
    layer = gzip.compress(raw, mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [digest_of(raw)]},
            "config": {},
        }
    ).encode()
    for content in (layer, config):
        world.layer(NAME, content)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
    }
    return json.dumps(document).encode()


@pytest.fixture
def short_folder() -> Iterator[str]:
    """podman's run folder may have at most 50 characters, more than pytest's own takes."""
    with tempfile.TemporaryDirectory(prefix="pod-", dir="/tmp") as folder:
        yield folder


def test_podman(shell: Shell, day2: World, short_folder: str) -> None:
    content = real_image(day2)
    day2.put(NAME, content, "v1")
    login(shell, day2.registry, "podman", "--tls-verify=false")
    podman = f"podman --root {short_folder}/r --runroot {short_folder}/rr --storage-driver vfs"
    image = f"{day2.registry}/{NAME}"
    shell.ok(f"{podman} pull --tls-verify=false {image}:v1")
    shell.ok(f"{podman} tag {image}:v1 {image}:v2")
    shell.ok(f"{podman} push --tls-verify=false {image}:v2")
    pushed = day2.client().describe_images(repositoryName=NAME, imageIds=[{"imageTag": "v2"}])
    assert pushed["imageDetails"][0]["imageManifestMediaType"] == OCI
    shell.ok(f"{podman} rmi --all --force")
    shell.ok(f"{podman} pull --tls-verify=false {image}:v2")
