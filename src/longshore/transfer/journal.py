"""What a resume needs: manifests already pulled, repositories being written. I/O.

A folder (one per user, mode 0700):

    manifests/sha256/ab/abcd...   manifests' exact bytes, so that none is pulled twice
    open/<hash>                   a run began to write this target repository and has not ended
    locks/<hash>                  held (flock) while a process writes the target repository

Everything is written to a temporary file and renamed; a kill at any moment leaves whole files.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from longshore.errors import ContentError, FileError, RefusedError
from longshore.oci.digest import Digest, digest_of
from longshore.oci.manifest import Manifest, parse_manifest
from longshore.text import tr


class Journal:
    """The state folder of copies; safe to use from many threads and processes.

    Who only reads needs no folder that can be written: it is made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _prepare(self) -> None:
        folder = self.folder
        try:
            for name in ("manifests", "open", "locks"):
                (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise FileError(
                tr("cannot write the state folder {folder}: {why}", folder=folder, why=error),
                tr("set LONGSHORE_STATE_DIR to a folder that you can write"),
                code="state-folder",
            ) from error

    # -- manifests ------------------------------------------------------------------------------

    def keep(self, manifest: Manifest) -> None:
        """Keep a manifest's bytes."""
        path = self._manifest_path(manifest.digest)
        if not path.exists():
            _write_whole(path, manifest.content)

    def recall(self, digest: Digest, media_type: str = "") -> Manifest | None:
        """The manifest, if it was kept; a damaged file counts as not kept."""
        path = self._manifest_path(digest)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if digest_of(content) != digest:
            with suppress(OSError):
                path.unlink()
            return None
        try:
            return parse_manifest(content, media_type, digest)
        except ContentError:
            return None

    def _manifest_path(self, digest: Digest) -> Path:
        algorithm, _, encoded = digest.partition(":")
        return self.folder / "manifests" / algorithm / encoded[:2] / encoded

    # -- runs -----------------------------------------------------------------------------------

    def is_open(self, target: str) -> bool:
        """Whether an earlier run wrote to the repository and did not end."""
        return (self.folder / "open" / _name(target)).exists()

    def open_runs(self) -> list[str]:
        """The target repositories whose run did not end."""
        folder = self.folder / "open"
        return sorted(path.read_text() for path in folder.iterdir()) if folder.is_dir() else []

    def begin(self, target: str) -> None:
        """Note that a run begins to write to the repository."""
        _write_whole(self.folder / "open" / _name(target), target.encode())

    def end(self, target: str) -> None:
        """Note that the run ended with nothing left over."""
        (self.folder / "open" / _name(target)).unlink(missing_ok=True)

    @contextmanager
    def writing(self, targets: Iterable[str]) -> Iterator[None]:
        """Be the only writer of the repositories. Raises RefusedError naming the other process."""
        self._prepare()
        held: list[int] = []
        try:
            for target in sorted(set(targets)):
                held.append(self._lock(target))
            yield
        finally:
            for handle in held:
                os.close(handle)

    def _lock(self, target: str) -> int:
        path = self.folder / "locks" / _name(target)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = os.read(handle, 32).decode("ascii", "replace").strip()
            os.close(handle)
            raise RefusedError(
                tr("process {pid} is writing to {target} already", pid=other or "?", target=target),
                tr("wait until it has ended, then run the same command again"),
                code="already-running",
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        return handle


def _name(target: str) -> str:
    return hashlib.sha256(target.encode()).hexdigest()[:32]


def _write_whole(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError(
            tr("cannot write {path}: {why}", path=path, why=error.strerror or error),
            tr("make room or set LONGSHORE_STATE_DIR to another folder, then run again"),
            code="state-folder",
        ) from error
