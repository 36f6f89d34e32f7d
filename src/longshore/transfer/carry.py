"""One step of a copy, carried out between two stores. I/O.

Blobs flow from the source's connection to the target's in pieces; they are hashed on the way, and
the last piece is sent only when the hash is right, so that wrong bytes are never committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock

from longshore.errors import ContentError, InterruptedByUser, RegistryError
from longshore.oci.digest import Hasher
from longshore.oci.manifest import Descriptor, Manifest
from longshore.oci.store import Readable, Writable
from longshore.text import tr
from longshore.transfer import steps as st
from longshore.transfer.journal import Journal
from longshore.transfer.narrow import narrow
from longshore.transfer.plan import Pair

MAX_REOPENED = 5


@dataclass(frozen=True)
class Stores:
    """The two sides of a pair, opened; `mountable_source` when both are one registry."""

    source: Readable
    target: Writable
    mountable_source: Writable | None = None


class Meter:
    """Bytes as they flow, for progress."""

    def __init__(self) -> None:
        self.bytes = 0
        self._lock = Lock()

    def add(self, count: int) -> None:
        """Count bytes that were handed to the target."""
        with self._lock:
            self.bytes += count


class Carrier:
    """Carries out steps; called from many threads at once."""

    def __init__(self, stores: Mapping[Pair, Stores], journal: Journal, stop: Flag) -> None:
        self._stores = stores
        self._journal = journal
        self._stop = stop
        self.meter = Meter()

    def carry(self, step: st.Step) -> st.Outcome:
        """Do it. Raises LongshoreError."""
        pair = self._stores[step.pair]
        match step:
            case st.FetchManifest():
                return st.Fetched(step, self._fetch(step, pair))
            case st.PeekManifest(digest=digest):
                return st.Peeked(step, self._journal.recall(digest))
            case st.FindManifest(digest=digest):
                return st.Found(step, pair.target.resolve(digest) is not None)
            case st.FindReferrers(digest=digest):
                referrers = tuple(pair.source.list_referrers(digest, by_tag=False))
                companions = self._companions(step.tags, pair)
                return st.ReferrersFound(step, referrers, companions)
            case st.CheckBlobs(digests=digests):
                return st.Checked(step, frozenset(pair.target.missing_blobs(digests)))
            case st.CopyBlob(blob=blob):
                return self._copy(step, blob, pair)
            case st.MountBlob(blob=blob, holder=holder):
                held = self._stores[holder].target
                return st.Mounted(step, pair.target.mount_blob(blob, held))
            case st.PutManifest():
                return self._put(step, pair)
        raise AssertionError(f"no way to carry out {step}")

    def is_kept(self, step: st.Step) -> bool:
        """Whether the step spends no pull because the manifest was kept by an earlier run."""
        if not isinstance(step, st.FetchManifest) or step.digest is None:
            return False
        return self._journal.recall(step.digest) is not None

    # -- manifests ------------------------------------------------------------------------------

    def _fetch(self, step: st.FetchManifest, pair: Stores) -> Manifest:
        manifest = self._journal.recall(step.digest) if step.digest else None
        if manifest is None:
            side: Readable = pair.target if step.side == "target" else pair.source
            manifest = side.fetch_manifest(step.digest or step.tag or "latest")
            self._journal.keep(manifest)
        if step.pair.platforms and step.side == "source":
            manifest = narrow(manifest, step.pair.platforms)
            self._journal.keep(manifest)
        return manifest

    def _put(self, step: st.PutManifest, pair: Stores) -> st.Outcome:
        manifest = self._journal.recall(step.digest)
        if manifest is None:
            raise ContentError(
                tr("the kept bytes of {digest} are gone", digest=step.digest),
                tr("run the same command again"),
                side="source",
                code="kept-manifest-lost",
            )
        pair.target.push_manifest(manifest, step.tag)
        return st.Done(step)

    def _companions(self, tags: Iterable[str], pair: Stores) -> tuple[st.Companion, ...]:
        found = []
        for tag in tags:
            held = pair.source.resolve(tag)
            if held is not None:
                there = pair.target.resolve(tag)
                found.append(st.Companion(tag, held.digest, there.digest if there else None))
        return tuple(found)

    # -- blobs ----------------------------------------------------------------------------------

    def _copy(self, step: st.Step, blob: Descriptor, pair: Stores) -> st.Outcome:
        holder = pair.mountable_source
        if holder is not None and pair.target.mount_blob(blob, holder):
            return st.Done(step, "mounted")
        pair.target.upload_blob(blob, self.content_of(blob, pair.source))
        return st.Done(step)

    def content_of(self, blob: Descriptor, source: Readable) -> Callable[[], Iterator[memoryview]]:
        """A factory of the blob's pieces, each time from the start, checked while they flow."""

        def pieces() -> Iterator[memoryview]:
            hasher = Hasher(blob.digest)
            for reopened in range(MAX_REOPENED + 1):
                try:
                    yield from self._flow(blob, source, hasher)
                except RegistryError as error:
                    ours = isinstance(error, ContentError) or error.side == "source"
                    if not (error.temporary and ours) or reopened == MAX_REOPENED:
                        raise
                else:
                    return

        return pieces

    def _flow(self, blob: Descriptor, source: Readable, hasher: Hasher) -> Iterator[memoryview]:
        if hasher.size == blob.size:
            return
        stream = source.open_blob(blob, hasher.size)
        try:
            for piece in stream.chunks():
                if self._stop.is_set():
                    raise InterruptedByUser(tr("interrupted; what was copied is kept"))
                hasher.update(piece)
                if hasher.size > blob.size:
                    raise _wrong_size(blob, hasher.size)
                if hasher.size == blob.size and not hasher.matches():
                    raise _wrong_digest(blob, hasher)
                yield piece
                self.meter.add(len(piece))
        finally:
            stream.close()
        if hasher.size < blob.size:
            raise ContentError(
                tr(
                    "blob {digest} ended after {got} of {size} bytes",
                    digest=blob.digest,
                    got=hasher.size,
                    size=blob.size,
                ),
                tr("nothing was written; the same command resumes"),
                side="source",
                temporary=True,
                code="blob-truncated",
            )


def _wrong_size(blob: Descriptor, got: int) -> ContentError:
    return ContentError(
        tr("blob {digest} has more than its {size} bytes", digest=blob.digest, size=blob.size),
        tr("nothing was written; the source registry serves wrong content, re-push the image"),
        side="source",
        code="blob-too-long",
    )


def _wrong_digest(blob: Descriptor, hasher: Hasher) -> ContentError:
    return ContentError(
        tr("blob {digest} arrived as {actual}", digest=blob.digest, actual=hasher.digest()),
        tr("nothing was written; a proxy or a broken registry changed the bytes, try again"),
        side="source",
        code="digest-mismatch",
    )
