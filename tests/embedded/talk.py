"""Plain HTTP to a listener, one connection a request, nothing hidden: for protocol tests."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The registry protocol's error code."""
        return str(self.json()["errors"][0]["code"])


@dataclass(frozen=True)
class Talk:
    """Requests to one listener; `headers` go with each of them."""

    port: int
    headers: Mapping[str, str]

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        split = urlsplit(path)
        port = split.port or self.port
        wanted = f"{split.path}?{split.query}" if split.query else split.path
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            is_chunked = body is not None and not isinstance(body, bytes)
            connection.request(
                method,
                wanted,
                body=body,
                headers={**self.headers, **(headers or {})},
                encode_chunked=is_chunked,
            )
            found = connection.getresponse()
            names = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, names, found.read())
        finally:
            connection.close()

    def as_client(self, **headers: str) -> Talk:
        """The same listener with other headers."""
        return Talk(self.port, headers)

    # What most tests need first

    def push_blob(self, repository: str, content: bytes) -> str:
        digest = digest_of(content)
        started = self("POST", f"/v2/{repository}/blobs/uploads/")
        assert started.status == 202, started
        put = self("PUT", f"{started.headers['location']}&digest={digest}", content)
        assert put.status == 201, put
        return digest

    def push_image(self, repository: str, name: str, tag: str, **more: Any) -> tuple[str, bytes]:
        """A small image; its digest and its manifest's bytes."""
        content = self.manifest(repository, name, **more)
        put = self.put_manifest(repository, tag, content)
        assert put.status == 201, put
        return digest_of(content), content

    def manifest(self, repository: str, name: str, **more: Any) -> bytes:
        """A manifest whose blobs are there."""
        config = json.dumps({"os": "linux", "architecture": "arm64", "name": name}).encode()
        layer = f"layer of {name}".encode()
        for content in (config, layer):
            self.push_blob(repository, content)
        return image_manifest(config, layer, **more)

    def put_manifest(
        self, repository: str, reference: str, content: bytes, media_type: str = OCI
    ) -> Answer:
        path = f"/v2/{repository}/manifests/{reference}"
        return self("PUT", path, content, {"Content-Type": media_type})


def image_manifest(config: bytes, layer: bytes, **more: Any) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": digest_of(layer), "size": len(layer)}],
        **more,
    }
    return json.dumps(document).encode()


def descriptor(content: bytes, media_type: str = OCI) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def index_of(*manifests: bytes, **more: Any) -> bytes:
    entries = [descriptor(content) for content in manifests]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, **more}
    return json.dumps(document).encode()
