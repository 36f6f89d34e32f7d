"""Reads images of any kind whole, every byte, with nothing of ours but the servers asked."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field

from tests.kill.plain_client import digest_of, fetch

_ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)


@dataclass
class Reader:
    """One repository. What was read whole once is not read again by the same reader."""

    host: str
    repository: str
    authorization: str
    _blobs: dict[str, int] = field(default_factory=dict)
    _manifests: dict[str, bytes] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def list_tags(self) -> list[str]:
        """All tags."""
        status, said = self._ask("GET", "tags/list?n=1000")
        assert status == 200, said[:300]
        found: list[str] = json.loads(said)["tags"] or []
        return found

    def resolve(self, tag: str) -> str:
        """The digest of a tag, without a pull."""
        self._ask("HEAD", f"manifests/{tag}")
        return self._digest

    def pull(self, reference: str) -> str:
        """Read a tag's whole closure, compare every digest; the manifest's digest."""
        content = self._manifests.get(reference)
        if content is None:
            status, content = self._ask("GET", f"manifests/{reference}")
            assert status == 200, f"{self.repository}:{reference}: {status} {content[:300]!r}"
        digest = digest_of(content)
        assert reference in (digest, reference.partition(":")[0]), f"{reference} has other bytes"
        if digest in self._manifests:
            return digest
        document = json.loads(content)
        for child in document.get("manifests") or []:
            self.pull(child["digest"])
        entries = [document["config"]] if "config" in document else []
        for entry in [*entries, *(document.get("layers") or [])]:
            self._read(entry["digest"], entry["size"])
        self._manifests[digest] = content
        return digest

    def referrers(self, digest: str) -> set[str]:
        """What has the digest as its subject."""
        _, said = self._ask("GET", f"referrers/{digest}")
        return {one["digest"] for one in json.loads(said)["manifests"]}

    def list_blobs(self) -> set[str]:
        """The blobs of all that can be reached from a tag or refers to it."""
        for tag in self.list_tags():
            todo = [self.pull(tag)]
            while todo:
                for referrer in self.referrers(todo.pop()):
                    self.pull(referrer)
                    todo.append(referrer)
        return set(self._blobs)

    def _read(self, digest: str, size: int) -> None:
        if digest in self._blobs:
            return
        status, said = self._ask("GET", f"blobs/{digest}")
        if status in (302, 307):
            answer, said = fetch(self._location)
            status = answer.status
        assert (status, len(said), digest_of(said)) == (200, size, digest)
        self._blobs[digest] = size

    def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.host, timeout=20)
        headers = {"Authorization": self.authorization, "Accept": _ACCEPT}
        self._connection.request(method, f"/v2/{self.repository}/{path}", headers=headers)
        answer = self._connection.getresponse()
        self._digest = answer.headers.get("Docker-Content-Digest", "")
        self._location = answer.headers.get("Location", "")
        return answer.status, answer.read()
