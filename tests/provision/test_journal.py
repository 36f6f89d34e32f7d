"""The journal of steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import FileError, RefusedError
from longshore.provision.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "apply.jsonl"


def test_what_was_begun_and_not_done_is_known_in_the_next_run(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin("p1", "a", "create")
        journal.done("p1", "a", "create")
        journal.begin("p1", "b", "replace", {"name": "b"})
    with Journal(path) as journal:
        (entry,) = journal.interrupted()
        assert (entry.resource, entry.action, entry.memory) == ("b", "replace", {"name": "b"})
        journal.done("p1", "b", "replace")
        assert journal.interrupted() == ()
        assert [entry.step for entry in journal.entries()] == ["begin", "done", "begin", "done"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_kill_cut_off_is_ignored_and_the_next_stands_by_itself(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin("p1", "a", "create")
        journal.begin("p1", "b", "create")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with Journal(path) as journal:
            journal.begin("p2", "c", "create")
            assert journal.entries()[-1].resource == "c"
            assert {entry.resource for entry in journal.entries()} <= {"a", "b", "c"}


def test_two_at_once_are_refused(path: Path) -> None:
    with Journal(path), pytest.raises(RefusedError) as caught:
        Journal(path)
    assert caught.value.code == "already-running"
    Journal(path).close()


def test_a_journal_is_not_written_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "apply.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileError) as caught:
        Journal(tmp_path / "apply.jsonl")
    assert caught.value.code == "journal"


def test_a_folder_that_cannot_be_made_is_an_error_with_a_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError) as caught:
        Journal(tmp_path / "file" / "apply.jsonl")
    assert str(caught.value.where).endswith("apply.jsonl")


@given(st.binary(max_size=200))
def test_garbage_in_the_file_is_skipped(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("journal") / "apply.jsonl"
    path.write_bytes(junk)
    with Journal(path) as journal:
        journal.begin("p", "mine", "create")
        assert [entry.resource for entry in journal.interrupted()][-1] == "mine"
