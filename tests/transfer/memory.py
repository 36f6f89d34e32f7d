"""A repository in memory that counts, checks and can misbehave: both sides of a copy."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from longshore.errors import ContentError, RegistryError
from longshore.oci.digest import Digest, digest_of
from longshore.oci.manifest import Descriptor, Manifest
from longshore.oci.store import BlobStream, Holdings, PullAllowance, TagSeen

PIECE = 1000


class Stream:
    def __init__(self, content: bytes) -> None:
        self.content, self.size = content, len(content)

    def chunks(self) -> Iterator[memoryview]:
        buffer = bytearray(PIECE)
        for place in range(0, len(self.content), PIECE):
            piece = self.content[place : place + PIECE]
            buffer[: len(piece)] = piece
            yield memoryview(buffer)[: len(piece)]

    def close(self) -> None:
        pass


@dataclass
class MemoryRepository:
    """Implements oci.store.Writable. `bad` maps a blob to what is served instead of it."""

    name: str = "r"
    manifests: dict[Digest, Manifest] = field(default_factory=dict)
    contents: dict[Digest, bytes] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)
    bad: dict[Digest, Callable[[bytes, int], bytes]] = field(default_factory=dict)
    fails: dict[str, list[Exception]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    lists_digests: bool = True
    on_step: Callable[[str], None] = lambda step: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, manifest: Manifest, *tags: str, blobs: Iterable[bytes] = ()) -> Manifest:
        self.manifests[manifest.digest] = manifest
        for content in blobs:
            self.contents[digest_of(content)] = content
        for tag in tags:
            self.tags[tag] = manifest.digest
        return manifest

    def _note(self, what: str) -> None:
        with self._lock:
            self.counts[what.split()[0]] += 1
            errors = self.fails.get(what)
            error = errors.pop(0) if errors else None
        self.on_step(what)
        if error is not None:
            raise error

    # Readable

    def list_tags(self) -> list[TagSeen]:
        self._note("list")
        told = self.lists_digests
        return [TagSeen(tag, digest if told else None) for tag, digest in self.tags.items()]

    def read_holdings(self) -> Holdings:
        self._note("list")
        if not self.lists_digests:
            return Holdings(dict.fromkeys(self.tags))
        return Holdings(dict(self.tags), frozenset(self.manifests))

    def resolve(self, tag_or_digest: str) -> Descriptor | None:
        self._note(f"head {tag_or_digest}")
        digest = self.tags.get(tag_or_digest, Digest(tag_or_digest))
        found = self.manifests.get(digest)
        return found.descriptor if found else None

    def fetch_manifest(self, tag_or_digest: str) -> Manifest:
        self._note(f"pull {tag_or_digest}")
        found = self.manifests.get(self.tags.get(tag_or_digest, Digest(tag_or_digest)))
        if found is None:
            raise RegistryError("unknown", status=404, code="manifest-not-found")
        return found

    def open_blob(self, blob: Descriptor, offset: int = 0) -> BlobStream:
        self._note(f"blob {blob.digest}")
        content = self.contents[blob.digest]
        if blob.digest in self.bad:
            return Stream(self.bad[blob.digest](content, offset))
        return Stream(content[offset:])

    def list_referrers(self, digest: Digest, *, by_tag: bool = True) -> list[Descriptor]:
        self._note("referrers")
        return [
            m.descriptor
            for m in self.manifests.values()
            if m.subject and m.subject.digest == digest
        ]

    def read_allowance(self) -> PullAllowance | None:
        return None

    # Writable

    def missing_blobs(self, digests: Iterable[Digest]) -> set[Digest]:
        self._note("check")
        return {digest for digest in digests if digest not in self.contents}

    def upload_blob(self, blob: Descriptor, content: Callable[[], Iterator[memoryview]]) -> None:
        self._note(f"upload {blob.digest}")
        stored = b"".join(bytes(piece) for piece in content())
        if digest_of(stored) != blob.digest:
            raise AssertionError("wrong bytes were offered to the target")
        with self._lock:
            self.counts[f"stored {blob.digest}"] += 1
            self.contents[blob.digest] = stored

    def mount_blob(self, blob: Descriptor, source: MemoryRepository) -> bool:
        self._note("mount")
        if blob.digest not in source.contents:
            return False
        self.contents[blob.digest] = source.contents[blob.digest]
        return True

    def push_manifest(self, manifest: Manifest, tag: str | None = None) -> None:
        self._note(f"put {tag or manifest.digest}")
        with self._lock:
            lacking = [b.digest for b in manifest.blobs if b.digest not in self.contents]
            lacking += [c.digest for c in manifest.children if c.digest not in self.manifests]
            if lacking:
                raise ContentError(f"lacks {lacking}", side="target")
            self.manifests[manifest.digest] = manifest
            if tag is not None:
                self.tags[tag] = manifest.digest

    def delete_tag(self, tag: str) -> None:
        del self.tags[tag]

    def is_whole(self, tag: str) -> bool:
        """Whether everything that the tag needs is there."""
        todo = [self.tags[tag]]
        while todo:
            manifest = self.manifests.get(todo.pop())
            if manifest is None or any(b.digest not in self.contents for b in manifest.blobs):
                return False
            todo += [child.digest for child in manifest.children]
        return True
