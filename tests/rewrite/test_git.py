"""What git says about a tree, and a commit that holds the changed files and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from longshore.errors import LongshoreError, RefusedError, UsageError
from longshore.rewrite.edits import ChangedFile
from longshore.rewrite.git import Git
from longshore.rewrite.run import write_edits

ENVIRON = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.com", "GIT_COMMITTER_NAME": "x",
    "GIT_COMMITTER_EMAIL": "x@example.com",
}  # fmt: skip
OLD, NEW = b"FROM node:18\n", b"FROM m/node:18\n"


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], env=ENVIRON, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "clone"
    (root / "sub dir").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    for name in ("Dockerfile", "sub dir/Dockerfile", "other", ":(top)x", "*"):
        (root / name).write_bytes(OLD)
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


def dirty(root: Path, *paths: str) -> list[str]:
    return Git(root, ENVIRON).dirty(paths)


def test_what_is_dirty(clone: Path) -> None:
    names = ["Dockerfile", "sub dir/Dockerfile", "other", ":(top)x", "*", "new"]
    assert dirty(clone, *names) == []
    (clone / "other").write_bytes(NEW)
    git(clone, "add", "other")
    (clone / "sub dir/Dockerfile").write_bytes(NEW)
    (clone / "new").write_bytes(NEW)
    assert dirty(clone, *names) == ["new", "other", "sub dir/Dockerfile"]
    assert dirty(clone, "Dockerfile", ":(top)x", "*") == []
    assert dirty(clone / "sub dir", "Dockerfile") == ["Dockerfile"]


def test_many_files(clone: Path) -> None:
    names = [f"f{number}" for number in range(700)]
    for name in names:
        (clone / name).write_bytes(OLD)
    assert dirty(clone, *names) == sorted(names)


def test_outside_a_clone_nothing_is_dirty(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(OLD)
    assert dirty(tmp_path, "Dockerfile") == []


def test_a_clone_inside_the_tree_is_asked_itself(clone: Path) -> None:
    inner = clone / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "Dockerfile").write_bytes(OLD)
    assert dirty(clone, "inner/Dockerfile", "Dockerfile") == ["inner/Dockerfile"]
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "x")
    assert dirty(clone, "inner/Dockerfile", "Dockerfile") == []


def test_when_git_cannot_tell(tmp_path: Path, clone: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(OLD)
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    with pytest.raises(RefusedError) as raised:
        dirty(tmp_path, "Dockerfile")
    assert raised.value.code == "dirty-unknown"
    assert "--allow-dirty" in raised.value.hint
    with pytest.raises(RefusedError):
        Git(clone, {"PATH": "/nonexistent"}).dirty(["Dockerfile"])


def test_no_program_that_the_clone_names_is_run(clone: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    git(clone, "config", "core.fsmonitor", f"touch {seen}; false")
    dirty(clone, "Dockerfile")
    assert not seen.exists()
    git(clone, "status")
    assert seen.exists()  # git itself would have


def test_a_variable_of_a_hook_leads_nowhere_else(clone: Path, tmp_path: Path) -> None:
    environ = {**ENVIRON, "GIT_DIR": str(tmp_path / "no"), "GIT_INDEX_FILE": str(tmp_path / "no")}
    (clone / "other").write_bytes(NEW)
    assert Git(clone, environ).dirty(["other", "Dockerfile"]) == ["other"]


def test_dirty_files_are_not_written(clone: Path, tmp_path: Path) -> None:
    changes = [ChangedFile("Dockerfile", OLD, NEW), ChangedFile("other", b"mine", NEW)]
    (clone / "other").write_bytes(b"mine")
    state = tmp_path / "state"
    with pytest.raises(RefusedError) as raised:
        write_edits(clone, changes, state, ENVIRON)
    assert raised.value.code == "dirty-file"
    assert "--allow-dirty" in raised.value.hint
    assert "other" in raised.value.what
    assert (clone / "Dockerfile").read_bytes() == OLD
    assert len(write_edits(clone, changes, state, ENVIRON, allow_dirty=True)) == 2


def test_what_we_wrote_is_not_dirty(clone: Path, tmp_path: Path) -> None:
    state, third = tmp_path / "state", b"FROM third\n"
    write_edits(clone, [ChangedFile("Dockerfile", OLD, NEW)], state, ENVIRON)
    assert dirty(clone, "Dockerfile") == ["Dockerfile"]
    assert write_edits(clone, [ChangedFile("Dockerfile", NEW, third)], state, ENVIRON)


# --- commits -------------------------------------------------------------------------------------


def test_a_commit_of_these_files_alone(clone: Path) -> None:
    for name in ("Dockerfile", "other", "sub dir/Dockerfile", "new file", "*"):
        (clone / name).write_bytes(NEW)
    git(clone, "add", "other")
    commit = Git(clone, ENVIRON).commit(
        "longshore/ecr",
        "Images from ECR\n\n# why",
        ["Dockerfile", "new file", "sub dir/Dockerfile"],
    )
    assert git(clone, "rev-parse", "longshore/ecr", "HEAD").split() == [commit, commit]
    assert git(clone, "symbolic-ref", "--short", "HEAD") == "longshore/ecr\n"
    listed = git(clone, "diff", "--name-only", "main", "HEAD").splitlines()
    assert listed == ["Dockerfile", "new file", "sub dir/Dockerfile"]
    assert git(clone, "status", "--porcelain").splitlines() == [" M *", "M  other"]
    assert git(clone, "log", "-1", "--format=%B").rstrip() == "Images from ECR\n\n# why"


def state_of(clone: Path) -> tuple[str, ...]:
    return tuple(
        git(clone, *words)
        for words in (
            ("status", "--porcelain"), ("branch", "--format", "%(refname)"), ("rev-parse", "HEAD"),
            ("diff",), ("diff", "--cached"),
        )
    )  # fmt: skip


def refused(clone: Path, branch: str, paths: list[str], kind: type[LongshoreError]) -> str:
    """The code of the refusal, which has changed nothing."""
    before = state_of(clone)
    with pytest.raises(kind) as raised:
        Git(clone, ENVIRON).commit(branch, "message", paths)
    assert state_of(clone) == before
    return raised.value.code


@pytest.mark.parametrize("branch", ["-f", "a..b", "", "@{-1}", "a b", "refs/heads/../x"])
def test_bad_names_of_branches(clone: Path, branch: str) -> None:
    assert refused(clone, branch, ["Dockerfile"], UsageError) == "bad-branch"


def test_a_branch_that_is_there(clone: Path) -> None:
    git(clone, "branch", "taken")
    assert refused(clone, "taken", ["Dockerfile"], RefusedError) == "branch-exists"


@pytest.mark.parametrize("detached", [False, True])
def test_a_hook_that_refuses_leaves_everything(clone: Path, detached: bool) -> None:
    if detached:
        git(clone, "switch", "-q", "--detach")
    for name in ("Dockerfile", "other", "new"):
        (clone / name).write_bytes(NEW)
    git(clone, "add", "other")
    hook = clone / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho the hook says no >&2\nexit 1\n")
    hook.chmod(0o755)
    before = state_of(clone)
    with pytest.raises(LongshoreError, match="the hook says no") as raised:
        Git(clone, ENVIRON).commit("fix", "message", ["Dockerfile", "new"])
    assert raised.value.code == "commit-failed"
    assert state_of(clone) == before
    assert (clone / "Dockerfile").read_bytes() == NEW


def test_nothing_to_commit(clone: Path) -> None:
    assert refused(clone, "fix", ["Dockerfile"], LongshoreError) == "commit-failed"


def test_no_clone_and_two_clones(tmp_path: Path, clone: Path) -> None:
    with pytest.raises(RefusedError) as raised:
        Git(tmp_path, ENVIRON).commit("fix", "message", ["Dockerfile"])
    assert raised.value.code == "not-one-clone"
    (clone / "inner").mkdir()
    git(clone / "inner", "init", "-q")
    paths = ["inner/Dockerfile", "Dockerfile"]
    assert refused(clone, "fix", paths, RefusedError) == "not-one-clone"


def test_a_clone_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "Dockerfile").write_bytes(OLD)
    with pytest.raises(LongshoreError) as raised:
        Git(tmp_path, ENVIRON).commit("fix", "message", ["Dockerfile"])
    assert raised.value.code == "commit-failed"
