"""A folder of blobs named by their digests, and the unfinished uploads beside them. I/O.

A blob appears under its name only whole: bytes go to a temporary file, are hashed on the way, and
one rename makes a blob of it. `kill -9` leaves at most temporary files, which `sweep` removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from longshore.errors import ContentError, LongshoreError
from longshore.text import tr

_COPY = 1024 * 1024


class DigestMismatch(ContentError):
    """Uploaded bytes do not have the digest that the client named."""


class UnknownUpload(LongshoreError):
    """There is no such upload (any more)."""

    default_code = "unknown-upload"


@dataclass
class _Session:
    """What this process knows of an upload; after a restart only its file is left."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    hash: Any = field(default_factory=hashlib.sha256)
    hashed: int = 0
    parts: list[int] = field(default_factory=list)


class BlobFiles:
    """Blobs and uploads of one registry. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._uploads = folder / "uploads"
        for made in (self._blobs, self._uploads):
            made.mkdir(parents=True, exist_ok=True)
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()
        self._guard: IO[bytes] = (folder / "open.lock").open("ab")

    def path(self, digest: str) -> Path:
        """Where the blob is, or would be."""
        algorithm, _, encoded = digest.partition(":")
        return Path(f"{self._blobs}/{algorithm}/{encoded[:2]}/{encoded}")

    def start(self) -> str:
        """Begin an upload; its id."""
        upload = secrets.token_hex(16)
        self._upload_path(upload).touch(mode=0o600)
        with self._lock:
            self._sessions[upload] = _Session()
        return upload

    def append(self, upload: str, chunks: Iterable[bytes | memoryview]) -> int:
        """Add bytes; the size so far. What arrived before `chunks` broke off is kept.

        Raises UnknownUpload.
        """
        session = self._session(upload)
        with session.lock, self._open(upload, "r+b") as file:
            before = file.seek(0, os.SEEK_END)
            in_step = before == session.hashed
            try:
                for chunk in chunks:
                    file.write(chunk)
                    if in_step:
                        session.hash.update(chunk)
                        session.hashed += len(chunk)
            finally:
                session.parts.append(file.tell() - before)
            return file.tell()

    def size(self, upload: str) -> int | None:
        """How many bytes the upload has, or None when there is no such upload."""
        try:
            return self._upload_path(upload).stat().st_size
        except (OSError, ValueError):
            return None

    def parts(self, upload: str) -> list[int]:
        """The sizes of the pieces in which this process received the upload."""
        return list(self._session(upload).parts)

    def finish(
        self,
        upload: str,
        digest: str,
        commit: Callable[[int], None],
        together: Callable[[], AbstractContextManager[None]],
    ) -> int:
        """Make a blob of the upload and `commit` its size, `together`; the size.

        Raises DigestMismatch (the upload is then gone), UnknownUpload.
        """
        session = self._session(upload)
        with session.lock:
            size = self.size(upload)
            if size is None:
                raise self._unknown(upload)
            actual = self._digest(upload, session, size, digest.partition(":")[0])
            if actual != digest:
                self._forget(upload)
                raise DigestMismatch(
                    tr("the upload has digest {actual}, not {digest}", actual=actual, digest=digest)
                )
            place = self.path(digest)
            place.parent.mkdir(parents=True, exist_ok=True)
            with together():
                self._upload_path(upload).replace(place)
                commit(size)
            self._forget(upload)
        return size

    def cancel(self, upload: str) -> bool:
        """Drop the upload; whether there was one."""
        existed = self.size(upload) is not None
        if existed:
            self._forget(upload)
        return existed

    def remove(self, digest: str) -> None:
        """Remove a blob's file; readers that have it open still get it whole."""
        self.path(digest).unlink(missing_ok=True)

    def sweep(self, known: set[str]) -> bool:
        """Remove what a killed process left: uploads, and blobs that nothing knows.

        Does nothing, and says so, while another process has the folder open.
        """
        try:
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fcntl.flock(self._guard, fcntl.LOCK_SH)
            return False
        for left in self._uploads.iterdir():
            left.unlink(missing_ok=True)
        for file in self._blobs.glob("*/*/*"):
            if f"{file.parent.parent.name}:{file.name}" not in known:
                file.unlink(missing_ok=True)
        fcntl.flock(self._guard, fcntl.LOCK_SH)
        return True

    def close(self) -> None:
        """Let another process sweep."""
        self._guard.close()

    def _digest(self, upload: str, session: _Session, size: int, algorithm: str) -> str:
        if algorithm == "sha256" and session.hashed == size:
            return f"sha256:{session.hash.hexdigest()}"
        with self._upload_path(upload).open("rb") as file:
            return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"

    def _session(self, upload: str) -> _Session:
        if self.size(upload) is None:
            raise self._unknown(upload)
        with self._lock:
            return self._sessions.setdefault(upload, _Session())

    def _forget(self, upload: str) -> None:
        self._upload_path(upload).unlink(missing_ok=True)
        with self._lock:
            self._sessions.pop(upload, None)

    def _open(self, upload: str, mode: str) -> IO[bytes]:
        try:
            file: IO[bytes] = self._upload_path(upload).open(mode, buffering=0)
        except OSError:
            raise self._unknown(upload) from None
        return file

    def _upload_path(self, upload: str) -> Path:
        if not upload.isalnum() or len(upload) > 64:
            raise self._unknown(upload)
        return self._uploads / upload

    @staticmethod
    def _unknown(upload: str) -> UnknownUpload:
        return UnknownUpload(tr("there is no upload {upload}", upload=upload))


def read_file(path: Path) -> Iterable[bytes]:
    """A file in pieces."""
    with path.open("rb") as file:
        while piece := file.read(_COPY):
            yield piece


def file_digest(path: Path) -> str:
    """The sha256 digest of a file."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
