"""Commits that begin alike, in loose objects, packs and deltas; git itself is the oracle."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from longshore.cli.git_objects import commits_like


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tree(folder: Path, *options: str) -> Path:
    """A repository of 120 commits with messages that differ little, so that deltas pay."""
    folder.mkdir()
    git(folder, "init", "-q", *options)
    file = "M 100644 inline {0}\ndata <<END\ncontent {0}\nEND\n"
    text = "".join(
        f"commit refs/heads/main\ncommitter a <a@example.com> {1_700_000_000 + number} +0000\n"
        f"data <<END\n{'the same long message ' * 40}{number}\nEND\n{file.format(number)}"
        for number in range(120)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=text.encode(), check=True)
    return folder


def expected(folder: Path, prefix: str) -> set[str]:
    commits = git(folder, "rev-list", "--all").split()
    return {one for one in commits if one.startswith(prefix)}


@pytest.fixture(scope="module", params=["loose", "packed", "ref-deltas", "sha256"])
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("git")
    made = tree(base / "a", *(["--object-format=sha256"] if request.param == "sha256" else []))
    offsets = "false" if request.param == "ref-deltas" else "true"
    git(made, "-c", f"repack.useDeltaBaseOffset={offsets}", "repack", "-adqf")
    if request.param == "loose":
        packs = list((made / ".git/objects/pack").glob("*.pack"))
        for pack in packs:
            held = pack.rename(base / pack.name)
            pack.with_suffix(".idx").unlink()
            with held.open("rb") as file:
                subprocess.run(["git", "unpack-objects", "-q"], cwd=made, stdin=file, check=True)
    return made


def test_as_git_says(repository: Path) -> None:
    commits = git(repository, "rev-list", "--all").split()
    found_several = 0
    for sha in commits:
        assert commits_like(repository / ".git", sha, 7) == expected(repository, sha[:7])
        alike = commits_like(repository / ".git", sha, 2)
        assert alike == expected(repository, sha[:2])
        found_several += len(alike) > 1
    assert found_several
    objects = git(repository, "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    others = [line.split()[0] for line in objects if " commit " not in line]
    assert others
    for sha in others[:40]:
        assert sha not in commits_like(repository / ".git", sha, 7)


def test_packs_have_deltas_of_commits(tmp_path: Path) -> None:
    """Else the tests above would not try them."""
    made = tree(tmp_path / "a")
    git(made, "repack", "-adqf")
    [index] = (made / ".git/objects/pack").glob("*.idx")
    lines = git(made, "verify-pack", "-v", str(index)).splitlines()
    assert [line for line in lines if " commit " in line and len(line.split()) == 7]


@pytest.mark.parametrize("cut", [0, 7, 1000, -30])
def test_files_that_are_cut_off(tmp_path: Path, cut: int) -> None:
    made = tree(tmp_path / "a")
    git(made, "repack", "-adqf")
    sha = git(made, "rev-parse", "main").strip()
    for file in (made / ".git/objects/pack").iterdir():
        content = file.read_bytes()
        file.chmod(0o644)
        file.write_bytes(content[:cut])
    assert commits_like(made / ".git", sha, 7) <= {sha}
    assert commits_like(tmp_path, sha, 7) == set()
    assert commits_like(made / ".git", sha[:10], 7) == set()
