"""The embedded AWS account with its listeners, for the tests of this folder."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import urllib3
from botocore.config import Config

from longshore.embedded.aws import Aws, RootKey, aws_app
from longshore.embedded.clock import Clock
from longshore.embedded.ecr_registry import ecr_apps
from longshore.embedded.ecr_state import EcrOptions
from longshore.embedded.server import Listener

_SESSION = botocore.session.Session()
ACCOUNT, REGION = "123456789012", "ap-northeast-2"
ALL_OF_ECR = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}],
    }
)
ROOT = RootKey("AKIALONGSHORETEST234", "a-secret-of-the-tests")
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass
class World:
    """A running account: `client` makes botocore clients, `http` is for raw requests."""

    aws: Aws
    endpoint: str
    registry: str
    layers: str
    folder: Path
    clients: dict[Any, Any] = field(default_factory=dict)
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def client(
        self,
        service: str = "ecr",
        key: RootKey = ROOT,
        region: str = REGION,
        token: str | None = None,
        **config: Any,
    ) -> Any:
        """A botocore client, kept for the next one who asks alike."""
        asked = (service, key, region, token, *config)
        if asked not in self.clients:
            self.clients[asked] = _SESSION.create_client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=key.access_key,
                aws_secret_access_key=key.secret_key,
                aws_session_token=token,
                config=Config(retries={"total_max_attempts": 1}, **config),
            )
        return self.clients[asked]

    def password(self, **more: Any) -> str:
        data = self.client(**more).get_authorization_token()["authorizationData"][0]
        return base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]

    def v2(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        password: str | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """A request to the registry, logged in."""
        auth = urllib3.make_headers(basic_auth=f"AWS:{password or self.password()}")
        return self.http.request(
            method,
            f"http://{self.registry}{path}",
            body=body,
            headers={**auth, **(headers or {})},
            redirect=False,
        )

    # --- images, written straight to the API ----------------------------------------------------

    def layer(self, repository: str, content: bytes) -> str:
        """A layer, uploaded by the API."""
        ecr, digest = self.client(), digest_of(content)
        upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=0,
            partLastByte=len(content) - 1,
            layerPartBlob=content,
        )
        ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest])
        return digest

    def manifest(self, repository: str, name: str, **more: Any) -> bytes:
        """A manifest of one layer whose parts are there; `name` makes it its own."""
        layer = gzip.compress(name.encode() * 10, mtime=0)
        config = json.dumps({"os": "linux", "name": name}).encode()
        have = self.aws.ecr.served.contents
        for content in (layer, config):
            if have.blob_size(repository, digest_of(content)) is None:
                self.layer(repository, content)
        document = {
            "schemaVersion": 2,
            "mediaType": OCI,
            "config": descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
            **more,
        }
        return json.dumps(document).encode()

    def push(self, repository: str, name: str, tag: str | None = None, **more: Any) -> str:
        """An image by PutImage; its digest."""
        return self.put(repository, self.manifest(repository, name, **more), tag)

    def put(self, repository: str, content: bytes, tag: str | None = None) -> str:
        """PutImage of these bytes; the digest."""
        ids = {"imageTag": tag} if tag else {}
        answer = self.client().put_image(
            repositoryName=repository, imageManifest=content.decode(), **ids
        )
        return str(answer["image"]["imageId"]["imageDigest"])


def index_of(*manifests: bytes) -> bytes:
    """An index of image manifests."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {**descriptor(OCI, content), "platform": {"os": "linux", "architecture": arch}}
            for content, arch in zip(manifests, ("amd64", "arm64", "s390x"), strict=False)
        ],
    }
    return json.dumps(document).encode()


def descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    """What points to the content."""
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[World]:
    """The account of a folder, until the block ends."""
    logging.getLogger("longshore.embedded").setLevel(logging.ERROR)
    clock = Clock(folder / "clock.json")
    aws = Aws(folder, EcrOptions(ACCOUNT, REGION, **options), clock, ROOT)
    apps = ecr_apps(aws.ecr, aws.find_principal, aws.access)
    endpoint, registry, layers = (
        Listener(aws_app(aws)),
        Listener(apps.registry),
        Listener(apps.layers),
    )
    try:
        for listener in (endpoint, registry, layers):
            listener.start()
        aws.ecr.bind(registry.address, layers.url)
        yield World(aws, endpoint.url, registry.address, layers.url, folder)
    finally:
        for listener in (endpoint, registry, layers):
            listener.stop(grace_s=0)
        aws.close()


def main() -> None:
    """Serve a folder until killed; the addresses go to standard output."""
    with running(Path(sys.argv[1])) as world:
        print(json.dumps([world.endpoint, world.registry, world.layers]), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
