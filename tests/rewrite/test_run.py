"""Writing edits and taking them back: nothing foreign is touched, nothing is lost."""

from __future__ import annotations

import errno
import itertools
import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from longshore.errors import FileError, LongshoreError, PartialError, RefusedError
from longshore.rewrite import originals as keeping
from longshore.rewrite import replacing, run
from longshore.rewrite.edits import ChangedFile
from longshore.rewrite.originals import Originals
from longshore.rewrite.run import revert, tree_id, write_edits, written_files

OLD, NEW, THIRD = b"FROM node:18\r\n", b"FROM mirror/node:18\r\n", b"FROM other/node:18\r\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    (made / "a/b").mkdir(parents=True)
    (made / "Dockerfile").write_bytes(OLD)
    (made / "a/b/Dockerfile").write_bytes(OLD)
    return made


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "x"


def change(path: str = "Dockerfile", before: bytes = OLD, after: bytes = NEW) -> ChangedFile:
    return ChangedFile(path, before, after)


def write(root: Path, state: Path, *changes: ChangedFile) -> list[str]:
    return [one.path for one in write_edits(root, changes, state, dict(os.environ))]


def outcomes(root: Path, state: Path) -> dict[str, str]:
    return {one.path: one.outcome for one in revert(root, state)}


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(place.relative_to(folder)): place.read_bytes()
        for place in sorted(folder.rglob("*"))
        if place.is_file()
    }


def test_there_and_back(root: Path, state: Path) -> None:
    before = everything(root)
    os.chmod(root / "Dockerfile", 0o755)
    os.chmod(root / "a/b/Dockerfile", 0o640)
    assert write(root, state, change("a/b/Dockerfile"), change()) == [
        "Dockerfile",
        "a/b/Dockerfile",
    ]
    assert everything(root) == dict.fromkeys(before, NEW)
    assert stat.S_IMODE((root / "Dockerfile").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "a/b/Dockerfile").stat().st_mode) == 0o640
    assert written_files(state) == ["Dockerfile", "a/b/Dockerfile"]
    assert outcomes(root, state) == dict.fromkeys(before, "restored")
    assert everything(root) == before
    assert stat.S_IMODE((root / "Dockerfile").stat().st_mode) == 0o755
    assert outcomes(root, state) == {}
    assert everything(state) == {"lock": b""}


def test_what_is_kept_is_for_the_owner_alone(root: Path, state: Path) -> None:
    os.umask(0o022)
    write(root, state, change())
    kept = [state, *state.rglob("*")]
    assert any(one.parent.name == "originals" and one.read_bytes() == OLD for one in kept)
    for one in kept:
        assert stat.S_IMODE(one.stat().st_mode) == (0o700 if one.is_dir() else 0o600), one


def test_the_owner_is_kept(root: Path, state: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(root / "Dockerfile", 1234, 4321)
    write(root, state, change())
    found = (root / "Dockerfile").stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321)


def test_twice_changes_nothing(root: Path, state: Path) -> None:
    write(root, state, change())
    before = (everything(root), everything(state), (root / "Dockerfile").stat().st_ino)
    assert write(root, state, change()) == []
    assert (everything(root), everything(state), (root / "Dockerfile").stat().st_ino) == before


def test_two_rewrites_and_one_revert(root: Path, state: Path) -> None:
    write(root, state, change())
    write(root, state, change(before=NEW, after=THIRD))
    assert outcomes(root, state) == {"Dockerfile": "restored"}
    assert (root / "Dockerfile").read_bytes() == OLD


def test_a_revert_of_one_file(root: Path, state: Path) -> None:
    write(root, state, change(), change("a/b/Dockerfile"))
    assert [one.path for one in revert(root, state, ["a/b/Dockerfile", "other"])] == [
        "a/b/Dockerfile"
    ]
    assert (root / "Dockerfile").read_bytes() == NEW
    assert (root / "a/b/Dockerfile").read_bytes() == OLD
    assert outcomes(root, state) == {"Dockerfile": "restored"}
    assert everything(root) == {"Dockerfile": OLD, "a/b/Dockerfile": OLD}


def test_a_file_that_was_changed_since_stays(root: Path, state: Path) -> None:
    write(root, state, change(), change("a/b/Dockerfile"))
    (root / "Dockerfile").write_bytes(b"mine")
    (root / "a/b/Dockerfile").unlink()
    found = revert(root, state)
    assert {one.path: one.outcome for one in found} == {
        "Dockerfile": "changed", "a/b/Dockerfile": "gone",
    }  # fmt: skip
    assert not any(one.done for one in found)
    assert (root / "Dockerfile").read_bytes() == b"mine"
    (root / "Dockerfile").write_bytes(NEW)  # the way back stays open
    assert outcomes(root, state)["Dockerfile"] == "restored"


def test_own_work_between_two_rewrites_is_what_comes_back(root: Path, state: Path) -> None:
    write(root, state, change())
    (root / "Dockerfile").write_bytes(b"mine")
    write(root, state, change(before=b"mine", after=THIRD))
    assert outcomes(root, state) == {"Dockerfile": "restored"}
    assert (root / "Dockerfile").read_bytes() == b"mine"
    assert everything(state) == {"lock": b""}


def test_the_first_original_is_kept_beside_the_second(root: Path, state: Path) -> None:
    write(root, state, change())
    (root / "Dockerfile").write_bytes(b"mine")
    write(root, state, change(before=b"mine", after=THIRD))
    write(root, state, change("a/b/Dockerfile", after=b"x"))
    kept = [one.read_bytes() for one in (state / "originals").iterdir()]
    assert sorted(kept) == sorted([OLD, b"mine"])


def test_nothing_was_ever_written(root: Path, state: Path) -> None:
    assert revert(root, state) == []
    assert not state.exists()


def test_a_lost_original_is_told(root: Path, state: Path) -> None:
    write(root, state, change())
    [kept] = (state / "originals").iterdir()
    kept.write_bytes(b"damaged")
    [one] = revert(root, state)
    assert (one.outcome, one.done) == ("failed", False)
    assert (root / "Dockerfile").read_bytes() == NEW
    assert one.as_json()["outcome"] == "failed"


# --- refused before anything is written ---------------------------------------------------------


def refused(root: Path, state: Path, *changes: ChangedFile) -> LongshoreError:
    """The error, when not a byte was changed."""
    before = everything(root)
    with pytest.raises(LongshoreError) as raised:
        write(root, state, change("a/b/Dockerfile"), *changes)
    assert everything(root) == before
    assert written_files(state) == []
    return raised.value


def test_through_no_link(root: Path, state: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "Dockerfile").write_bytes(OLD)
    (root / "link").symlink_to("Dockerfile")
    (root / "out").symlink_to(outside / "Dockerfile")
    (root / "folder").symlink_to(outside)
    (root / "inner").symlink_to("a")
    for path in ("link", "out", "folder/Dockerfile", "inner/b/Dockerfile"):
        error = refused(root, state, change(path))
        assert (type(error), error.code) == (RefusedError, "symlink"), path
    assert (outside / "Dockerfile").read_bytes() == OLD


@pytest.mark.parametrize(
    "path",
    ["../tree/Dockerfile", "a/../Dockerfile", "/etc/passwd", "", "a//b/Dockerfile", "./Dockerfile",
     ".git/config", "a/.GIT/hooks/x", "nul\0"],
)  # fmt: skip
def test_nothing_outside_the_tree(root: Path, state: Path, path: str) -> None:
    assert refused(root, state, change(path)).code == "outside-tree"


def test_no_pipe_no_folder(root: Path, state: Path) -> None:
    os.mkfifo(root / "pipe")
    assert refused(root, state, change("pipe")).code == "outside-tree"
    assert refused(root, state, change("a")).code == "outside-tree"


def test_not_what_was_read(root: Path, state: Path) -> None:
    assert refused(root, state, change(before=b"other")).code == "file-changed"
    assert refused(root, state, change("gone")).code == "vanished-file"
    assert refused(root, state, change("Dockerfile/x")).code == "vanished-file"


def test_a_read_only_file_is_left(root: Path, state: Path) -> None:
    os.chmod(root / "Dockerfile", 0o444)
    error = refused(root, state, change())
    assert (type(error), error.code) == (FileError, "read-only-file")


def test_originals_do_not_lie_in_the_tree(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    for state in (root / "state", root, tmp_path / "link" / "state"):
        assert refused(root, state, change()).code == "state-in-tree"
        with pytest.raises(RefusedError):
            revert(root, state)


def test_one_writer_at_a_time(root: Path, state: Path) -> None:
    with Originals(state).held(), pytest.raises(RefusedError) as raised:
        write(root, state, change())
    assert raised.value.code == "already-running"


def test_a_state_folder_that_is_none(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError) as raised:
        write(root, tmp_path / "file", change())
    assert raised.value.code == "state-folder"


# --- when the system fails ----------------------------------------------------------------------

Break = Callable[[str, int], None]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Make a call of `os` fail at its n-th time, once."""

    def install(name: str, nth: int) -> None:
        monkeypatch.undo()
        real, calls = getattr(os, name), itertools.count(1)

        def failing(*words: object, **more: object) -> object:
            if next(calls) == nth:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*words, **more)

        monkeypatch.setattr(os, name, failing)

    return install


@pytest.mark.parametrize("name", ["write", "fsync", "replace", "fchmod"])
def test_a_full_disk(root: Path, state: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = everything(root)

    def failing(*_: object, **__: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    def note(*_: object) -> None:
        monkeypatch.setattr(replacing.os, name, failing)

    monkeypatch.setattr(Originals, "note", note)
    with pytest.raises(FileError, match="No space left") as raised:
        write(root, state, change())
    assert raised.value.code == "tree-file"
    assert everything(root) == before


def test_a_short_write_goes_on(root: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:3]))
    write(root, state, change())
    assert (root / "Dockerfile").read_bytes() == NEW


@pytest.mark.parametrize("name", ["fsync", "replace", "open"])
def test_a_full_disk_at_any_call(root: Path, state: Path, broken: Break, name: str) -> None:
    """Whatever call fails: each file is whole, and both ways out work afterwards."""
    for nth in range(1, 30):
        broken(name, nth)
        again = True
        with suppress(FileError, PartialError):
            write(root, state, change(), change("a/b/Dockerfile"))
            again = False
        assert set(everything(root).values()) <= {OLD, NEW}
        assert set(everything(root)) == {"Dockerfile", "a/b/Dockerfile"}
        broken(name, 0)
        write(root, state, change(), change("a/b/Dockerfile"))
        assert set(everything(root).values()) == {NEW}
        assert set(outcomes(root, state).values()) <= {"restored", "unchanged"}
        assert set(everything(root).values()) == {OLD}
        if not again:
            break
    else:
        pytest.fail("it never got through")


def test_partly_written(root: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = run.replace_file

    def failing(place: replacing.Place, data: bytes) -> None:
        if place.path == "a/b/Dockerfile":
            raise replacing.turned(place.path, OSError(errno.ENOSPC, "full"))
        real(place, data)

    monkeypatch.setattr(run, "replace_file", failing)
    with pytest.raises(PartialError) as raised:
        write(root, state, change(), change("a/b/Dockerfile"))
    assert raised.value.code == "partly-written"
    assert "1 of 2" in raised.value.what
    assert everything(root) == {"Dockerfile": NEW, "a/b/Dockerfile": OLD}
    monkeypatch.undo()
    assert outcomes(root, state) == {"Dockerfile": "restored", "a/b/Dockerfile": "unchanged"}


def test_a_file_that_changes_while_it_is_replaced(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = replacing._write_new

    def racing(place: replacing.Place, temporary: str, data: bytes) -> None:
        real(place, temporary, data)
        (root / "Dockerfile").write_bytes(b"mine, written meanwhile")

    monkeypatch.setattr(replacing, "_write_new", racing)
    with pytest.raises(RefusedError) as raised:
        write(root, state, change())
    assert raised.value.code == "file-changed"
    assert everything(root)["Dockerfile"] == b"mine, written meanwhile"
    assert len(everything(root)) == 2


def test_a_folder_that_becomes_a_link_while_it_is_open(
    root: Path, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "Dockerfile").write_bytes(OLD)
    real = keeping.Originals.note

    def racing(self: Originals, path: str, before: bytes, after: bytes) -> None:
        real(self, path, before, after)
        (root / "a/b").rename(root / "a/moved")
        (root / "a/b").symlink_to(outside)

    monkeypatch.setattr(keeping.Originals, "note", racing)
    write(root, state, change("a/b/Dockerfile"))
    assert (outside / "Dockerfile").read_bytes() == OLD
    assert (root / "a/moved/Dockerfile").read_bytes() == NEW


def test_what_a_killed_run_left_is_cleaned(root: Path, state: Path) -> None:
    with Originals(state).held():
        Originals(state).note("Dockerfile", OLD, NEW)
    left = root / replacing.temporary_name("Dockerfile")
    left.write_bytes(b"half")
    assert outcomes(root, state) == {"Dockerfile": "unchanged"}
    assert not left.exists()


def test_damaged_records_are_passed_over(root: Path, state: Path) -> None:
    write(root, state, change(), change("a/b/Dockerfile"))
    record, _ = sorted((state / "records").iterdir())
    path = json.loads(record.read_bytes())["path"]
    record.write_bytes(b"{")
    assert path not in outcomes(root, state)
    assert [one.read_bytes() for one in (state / "originals").iterdir()] == [OLD]


def test_names_that_are_no_text(root: Path, state: Path) -> None:
    name = os.fsdecode(b"\xff.yml")
    (root / name).write_bytes(OLD)
    assert write(root, state, change(name)) == [name]
    assert outcomes(root, state) == {name: "restored"}


def test_trees_have_names_of_their_own(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert tree_id(root) == tree_id(tmp_path / "link") != tree_id(tmp_path)
