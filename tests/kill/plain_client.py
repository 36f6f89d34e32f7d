"""A registry client of forty lines, so that what the kill tests prove rests on nothing of ours."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import random
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class PlainClient:
    """One repository of one registry. `authorization` is sent to that registry only."""

    host: str
    repository: str
    authorization: str
    acknowledged: dict[str, str] = field(default_factory=dict)

    def push(self, tag: str, chance: random.Random) -> None:
        """An image of random layers; noted in `acknowledged` once the registry said 201."""
        blobs = [chance.randbytes(chance.randrange(1, 200_000)) for _ in range(3)]
        entries = [self._upload(blob) for blob in blobs]
        document = {"schemaVersion": 2, "mediaType": MANIFEST}
        document |= {"config": entries[0], "layers": entries[1:]}
        content = json.dumps(document).encode()
        self._ask("PUT", f"manifests/{tag}", content, 201, MANIFEST)
        self.acknowledged[tag] = digest_of(content)

    def list_tags(self) -> list[str]:
        """All tags."""
        found = json.loads(self._ask("GET", "tags/list?n=1000", b"", 200))
        return found["tags"] or []

    def pull(self, tag: str) -> str:
        """Read manifest and blobs whole, compare every digest; the manifest's digest."""
        content = self._ask("GET", f"manifests/{tag}", b"", 200, MANIFEST)
        document = json.loads(content)
        for entry in [document["config"], *document["layers"]]:
            blob = self._ask("GET", f"blobs/{entry['digest']}", b"", 200)
            assert (len(blob), digest_of(blob)) == (entry["size"], entry["digest"])
        return digest_of(content)

    def _upload(self, blob: bytes) -> dict[str, object]:
        answer, _ = self._request("POST", f"/v2/{self.repository}/blobs/uploads/", b"")
        place = urlsplit(answer.headers["Location"])
        mark = "&" if place.query else "?"
        path = f"{place.path}?{place.query}" if place.query else place.path
        closing = f"{path}{mark}digest={digest_of(blob)}"
        answer, said = self._request("PUT", closing, blob, "application/octet-stream")
        assert answer.status == 201, said
        return {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": digest_of(blob),
            "size": len(blob),
        }

    def _ask(self, method: str, path: str, body: bytes, status: int, kind: str = "") -> bytes:
        answer, said = self._request(method, f"/v2/{self.repository}/{path}", body, kind)
        if answer.status in (302, 307):
            answer, said = fetch(answer.headers["Location"])
        assert answer.status == status, f"{method} {path}: {answer.status} {said[:300]!r}"
        return said

    def _request(
        self, method: str, path: str, body: bytes, kind: str = ""
    ) -> tuple[http.client.HTTPResponse, bytes]:
        headers = {"Authorization": self.authorization, "Accept": MANIFEST}
        if kind:
            headers["Content-Type"] = kind
        return _exchange(self.host, method, path, body, headers)


def digest_of(content: bytes) -> str:
    """sha256."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def basic(user: str, password: str) -> str:
    """A Basic authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def fetch(url: str, authorization: str = "") -> tuple[http.client.HTTPResponse, bytes]:
    """GET an address."""
    parts = urlsplit(url)
    headers = {"Authorization": authorization} if authorization else {}
    return _exchange(parts.netloc, "GET", f"{parts.path}?{parts.query}", b"", headers)


def _exchange(
    host: str, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()
