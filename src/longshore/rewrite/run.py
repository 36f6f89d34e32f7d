"""Edits written to a tree, and taken back. I/O.

Everything that can be refused is refused before the first file is written. Then, file by file:
the original is kept outside the tree, a record is made, the file is replaced. A kill between any
two of these loses nothing: the same command goes on, and `revert` takes back what has happened.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from longshore.errors import FileError, LongshoreError, PartialError, RefusedError
from longshore.rewrite.edits import ChangedFile
from longshore.rewrite.git import Git, refuse_dirty
from longshore.rewrite.originals import Originals, Record, hash_of
from longshore.rewrite.replacing import (
    changed_meanwhile,
    check_writable,
    opened,
    remove_left_over,
    replace_file,
    temporary_name,
)
from longshore.text import tr

Outcome = Literal["restored", "unchanged", "changed", "gone", "failed"]


@dataclass(frozen=True)
class Written:
    """A file that was written; how many places of it."""

    path: str
    edits: int


@dataclass(frozen=True)
class Reverted:
    """What became of a file that was to be taken back.

    `restored`: as it was. `unchanged`: it was so already. `changed`: somebody has changed it since,
    so it stays, and so does its original. `gone`: it is not there any more. `failed`: see `detail`.
    """

    path: str
    outcome: Outcome
    detail: str = ""

    @property
    def done(self) -> bool:
        """Whether the file is as it was before `rewrite`."""
        return self.outcome in ("restored", "unchanged")

    def as_json(self) -> dict[str, Any]:
        """One entry of `reverted`."""
        return {"file": self.path, "outcome": self.outcome, "detail": self.detail}


def tree_id(root: Path) -> str:
    """A name for a tree's state folder, from where the tree lies."""
    return hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:16]


def write_edits(
    root: Path, changes: Iterable[ChangedFile], state: Path, environ: Mapping[str, str], *,
    allow_dirty: bool = False,
) -> list[Written]:  # fmt: skip
    """Write changed files; those that hold the new bytes already are passed over.

    `state` is a folder outside the tree, `environ` what git is run with. Raises RefusedError and
    FileError before anything is written, PartialError after.
    """
    root = Path(os.path.realpath(root))
    _check_outside(root, state)
    originals = Originals(state)
    with originals.held():
        _clean(root, originals.records())
        todo = [one for one in sorted(changes, key=lambda one: one.path) if _to_do(root, one)]
        if not allow_dirty:
            foreign = [one.path for one in todo if not _is_ours(originals, one)]
            refuse_dirty(Git(root, environ).dirty(foreign))
        return _write_all(root, todo, originals)


def revert(root: Path, state: Path, paths: Iterable[str] | None = None) -> list[Reverted]:
    """Take back what was written to the tree, or to some of its files; nothing else is touched.

    Raises RefusedError and FileError about the state folder; files' own troubles are in the result.
    """
    root = Path(os.path.realpath(root))
    _check_outside(root, state)
    originals = Originals(state)
    if not state.is_dir():
        return []
    wanted = None if paths is None else set(paths)
    with originals.held():
        records = [one for one in originals.records() if wanted is None or one.path in wanted]
        _clean(root, records)
        found = [_revert(root, one, originals) for one in records]
        originals.sweep()
        return found


def written_files(state: Path) -> list[str]:
    """The files that `revert` would look at."""
    return [record.path for record in Originals(state).records()]


def _write_all(root: Path, todo: Sequence[ChangedFile], originals: Originals) -> list[Written]:
    written: list[Written] = []
    for change in todo:
        try:
            with opened(root, change.path) as place:
                if place.data != change.before:
                    raise changed_meanwhile(change.path)
                originals.note(change.path, change.before, change.after)
                replace_file(place, change.after)
        except LongshoreError as error:
            if not written:
                raise
            raise _partly(error, len(written), len(todo)) from error
        written.append(Written(change.path, len(change.edits)))
    return written


def _to_do(root: Path, change: ChangedFile) -> bool:
    """Whether the file is still to be written. Raises when it must not or cannot be."""
    with opened(root, change.path) as place:
        if place.data == change.after:
            return False
        if place.data != change.before:
            raise changed_meanwhile(change.path)
        check_writable(place)
        return True


def _is_ours(originals: Originals, change: ChangedFile) -> bool:
    """Whether the file differs from the last commit only by what we wrote."""
    record = originals.record_of(change.path)
    return record is not None and hash_of(change.before) in record.written


def _revert(root: Path, record: Record, originals: Originals) -> Reverted:
    try:
        with opened(root, record.path) as place:
            now = hash_of(place.data)
            if now == record.before:
                originals.forget(record)
                return Reverted(record.path, "unchanged")
            if now not in record.written:
                return Reverted(record.path, "changed")
            data = originals.original(record)
            if data is None:
                return Reverted(record.path, "failed", tr("its original is lost"))
            check_writable(place)
            replace_file(place, data)
        originals.forget(record)
        return Reverted(record.path, "restored")
    except FileError as error:
        gone = error.code == "vanished-file"
        return Reverted(record.path, "gone" if gone else "failed", error.what)
    except RefusedError as error:
        return Reverted(record.path, "changed", error.what)


def _clean(root: Path, records: Iterable[Record]) -> None:
    """Remove the temporary files of a run that was killed."""
    for record in records:
        with suppress(LongshoreError), opened(root, record.path) as place:
            remove_left_over(place.folder, temporary_name(record.path))


def _check_outside(root: Path, state: Path) -> None:
    place = os.path.realpath(state)
    if os.path.commonpath([place, root]) == str(root):
        raise RefusedError(
            tr("the state folder {folder} lies inside the tree", folder=state),
            tr("set LONGSHORE_STATE_DIR to a folder outside of it"),
            code="state-in-tree",
        )


def _partly(error: LongshoreError, count: int, total: int) -> PartialError:
    return PartialError(
        tr("{count} of {total} files are written, then: {why}",
           count=count, total=total, why=error.what),
        tr("see to it and run the same command again, or take it back with --revert"),
        code="partly-written",
        where=error.where,
    )  # fmt: skip
