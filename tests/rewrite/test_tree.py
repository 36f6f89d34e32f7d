"""The walk and the opened tree: what is listed, what is left out, and that nothing stops it."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from longshore.errors import FileError
from longshore.rewrite import walk as walking
from longshore.rewrite.generated import SIGNS
from longshore.rewrite.skipped import Skipped
from longshore.rewrite.tree import OpenTree, open_tree
from longshore.rewrite.walk import TreeOptions, walk

Plant = Callable[..., Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Make a folder with files: `plant({"a/b": "text"})`."""
    root = tmp_path / "tree"

    def make(files: dict[str, str | bytes], clone: bool = False) -> Path:
        root.mkdir(exist_ok=True)
        for path, text in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text if isinstance(text, bytes) else text.encode())
        if clone:
            git(root, "init", "-q")
        return root

    return make


def git(folder: Path, *words: str) -> None:
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", "-C", str(folder), *settings, "-c", "protocol.file.allow=always", *words],
        check=True, capture_output=True,
    )  # fmt: skip


def left_out(root: Path, **options: object) -> dict[str, str]:
    return {one.path: one.reason for one in walk(root, TreeOptions(**options)).skipped}  # type: ignore[arg-type]


# --- ignored files --------------------------------------------------------------------------------


def test_ignore_files_at_every_level(plant: Plant) -> None:
    root = plant({
        ".gitignore": "*.log\n/only-here\nbuild/\n!keep.log\n",
        "x.log": "", "keep.log": "", "only-here": "", "build/Dockerfile": "",
        "a/.gitignore": "!x.log\n*.tmp\n", "a/x.log": "", "a/y.tmp": "", "a/only-here": "",
        "a/b/x.log": "", "a/b/y.tmp": "", "y.tmp": "", "a/build": "a file",
    })  # fmt: skip
    assert walk(root).paths == sorted([
        ".gitignore", "a/.gitignore", "a/b/x.log", "a/build", "a/only-here", "a/x.log",
        "keep.log", "y.tmp",
    ])  # fmt: skip


def test_the_walk_agrees_with_git(plant: Plant) -> None:
    root = plant(
        {
            ".gitignore": "*.o\n!/keep/*.o\n/out\n**/gen/*.go\nsub/**/x\n",
            "a.o": "", "keep/a.o": "", "keep/d/a.o": "", "out/x": "", "d/out/x": "",
            "gen/a.go": "", "q/gen/a.go": "", "q/gen/a.txt": "", "sub/x": "", "sub/a/b/x": "",
            "sub/.gitignore": "!x\n", "sub/y": "", ".github/workflows/ci.yml": "", "고래/é": "",
        },
        clone=True,
    )  # fmt: skip
    (root / ".git/info/exclude").write_text("y\n")
    words = ["git", "-C", str(root), "-c", "core.excludesFile=", "ls-files", "-z", "-co"]
    done = subprocess.run([*words, "--exclude-standard"], check=True, capture_output=True)
    assert walk(root).paths == sorted(done.stdout.decode().rstrip("\0").split("\0"))


def test_what_git_tracks_is_never_ignored(plant: Plant) -> None:
    root = plant(
        {
            ".gitignore": "build/\n*.env\n",
            "build/docker/Dockerfile": "",
            "build/x": "",
            "a.env": "",
        },
        clone=True,
    )
    assert walk(root).paths == [".gitignore"]
    git(root, "add", "-f", "build/docker/Dockerfile", "a.env")
    assert walk(root).paths == [".gitignore", "a.env", "build/docker/Dockerfile"]
    # A folder that is named outright is looked into, ignored or not.
    assert walk(root / "build").paths == ["docker/Dockerfile", "x"]


def test_a_part_of_a_clone_keeps_the_rules_from_above(plant: Plant) -> None:
    root = plant(
        {".gitignore": "/a/b/secret\n*.log\n", "a/.gitignore": "!x.log\n", "a/b/secret": "",
         "a/b/x.log": "", "a/b/y.log": "", "a/b/c": ""},
        clone=True,
    )  # fmt: skip
    (root / ".git/info/exclude").write_text("/a/b/c\n")
    assert walk(root / "a" / "b").paths == ["x.log"]


def test_patterns_of_the_config(plant: Plant) -> None:
    root = plant({"docs/a/Dockerfile": "", "Dockerfile": "", "x/docs/Dockerfile": ""})
    found = walk(root, TreeOptions(skip=("docs/**",))).paths
    assert found == ["Dockerfile", "x/docs/Dockerfile"]


# --- generated folders, clones, links -------------------------------------------------------------


def test_generated_folders_are_named(plant: Plant) -> None:
    root = plant({
        "node_modules/a/Dockerfile": "", "web/node_modules/a/Dockerfile": "",
        "vendor/modules.txt": "", "vendor/a/Dockerfile": "", "app/vendor/Dockerfile": "",
        "dist/Dockerfile": "", "web/dist/index.js": "", "target/Dockerfile": "",
        "rust/target/CACHEDIR.TAG": "", "third_party/Dockerfile": "", "build/Dockerfile": "",
    })  # fmt: skip
    assert walk(root).paths == [
        "app/vendor/Dockerfile", "build/Dockerfile", "dist/Dockerfile", "target/Dockerfile",
        "third_party/Dockerfile",
    ]  # fmt: skip
    assert left_out(root) == dict.fromkeys(
        ["node_modules", "web/node_modules", "vendor", "web/dist", "rust/target"], "generated"
    )
    assert len(walk(root, TreeOptions(generated=True)).paths) == 11


def test_signs_are_no_ordinary_names() -> None:
    for name in SIGNS:
        assert not walking.is_generated(name, ["Dockerfile", "README.md", "compose.yml", "src"])


def test_submodules_and_clones_are_walked_when_told(plant: Plant, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "Dockerfile").write_text("FROM x\n")
    (other / "ignored").write_text("")
    (other / ".gitignore").write_text("ignored\n")
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-qm", "x")
    root = plant({"Dockerfile": "", ".gitignore": "Dockerfile\n"}, clone=True)
    git(root, "submodule", "add", "-q", str(other), "libs/sub")
    git(root, "clone", "-q", str(other), str(root / "clone"))
    assert walk(root).paths == [".gitignore", ".gitmodules"]
    assert left_out(root) == {"libs/sub": "submodule", "clone": "clone"}
    inside = walk(root, TreeOptions(nested=True))
    assert {"libs/sub/Dockerfile", "clone/Dockerfile"} <= set(inside.paths)
    assert not any("ignored" in path or ".git/" in path for path in inside.paths)
    assert inside.skipped == []
    shutil.rmtree(root / "libs/sub")
    (root / "libs/sub").mkdir()  # as a clone without --recursive has it
    assert left_out(root)["libs/sub"] == "submodule"


def test_links_are_not_followed(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("FROM secret\n")
    root = plant({"a/Dockerfile": "FROM node\n"})
    (root / "loop").symlink_to(".")
    (root / "a/up").symlink_to("..")
    (root / "self").symlink_to("self")
    (root / "in").symlink_to("a/Dockerfile")
    (root / "folder").symlink_to("a")
    (root / "out").symlink_to("../outside")
    (root / "etc").symlink_to("/etc")
    (root / "gone").symlink_to("nowhere")
    tree = open_tree(root)
    assert tree.paths == {"a/Dockerfile"}
    reasons = {one.path: one.reason for one in tree.listing.skipped}
    assert reasons == {
        "loop": "symlink", "a/up": "symlink", "self": "symlink", "in": "symlink",
        "folder": "symlink", "out": "symlink-outside", "etc": "symlink-outside", "gone": "symlink",
    }  # fmt: skip
    for name in ("a/Dockerfile", "in", "folder/Dockerfile", "folder/up/a/Dockerfile"):
        found = tree.file(name)
        assert found is None or found.path == "a/Dockerfile", name
    assert tree.file("in") is tree.file("folder/Dockerfile") is not None
    for name in ("out", "etc/passwd", "loop", "self", "gone", "../outside", "/etc/passwd", ""):
        assert tree.file(name) is None, name


def test_a_file_that_becomes_a_link_is_not_read(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("FROM secret\n")
    tree = open_tree(plant({"Dockerfile": "FROM node\n"}))
    (tree.root / "Dockerfile").unlink()
    (tree.root / "Dockerfile").symlink_to(tmp_path / "outside")
    assert tree.file("Dockerfile") is None


# --- what cannot be read --------------------------------------------------------------------------


def reason_of(tree: OpenTree, path: str) -> str:
    found = tree.read(path)
    assert isinstance(found, Skipped)
    return found.reason


def test_odd_files_are_named(plant: Plant) -> None:
    root = plant({"Dockerfile": "FROM node\n", "bad": b"\xff\xfe\x00", "nul": b"a\0b"})
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "s"))
    with (root / "sparse").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    tree = open_tree(root)
    assert {one.path: one.reason for one in tree.listing.skipped} == {
        "pipe": "special", "s": "special",
    }  # fmt: skip
    assert reason_of(tree, "sparse") == "too-large"
    assert tree.file("sparse") is tree.file("nul") is tree.file("bad") is None
    assert tree.file("Dockerfile") is not None
    assert open_tree(root, TreeOptions(max_bytes=5)).file("Dockerfile") is None


def test_what_goes_away_or_changes_kind(plant: Plant) -> None:
    tree = open_tree(plant({"a": "x", "b": "x"}))
    (tree.root / "a").unlink()
    assert reason_of(tree, "a") == "vanished"
    (tree.root / "b").unlink()
    os.mkfifo(tree.root / "b")
    assert reason_of(tree, "b") == "special"


def test_names_that_are_no_text(plant: Plant) -> None:
    root = plant({"Dockerfile": ""})
    (root / os.fsdecode(b"\xff.yml")).write_text("x")
    (root / "new\nline").write_text("x")
    tree = open_tree(root)
    assert tree.paths == {"Dockerfile", "\udcff.yml", "new\nline"}
    assert tree.file("\udcff.yml") is not None


@pytest.mark.parametrize(
    ("error", "reason"),
    [(PermissionError(13, "no"), "unreadable"), (FileNotFoundError(), "vanished")],
)
def test_a_folder_that_cannot_be_read(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    root = plant({"a/Dockerfile": "", "b/Dockerfile": ""})
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("/a"):
            raise error
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = walk(root)
    assert found.paths == ["b/Dockerfile"]
    assert [(one.path, one.reason) for one in found.skipped] == [("a", reason)]


def test_a_very_deep_tree(plant: Plant) -> None:
    root = plant({"Dockerfile": ""})
    here = os.open(root, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("deep", dir_fd=here)
        inner = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    found = walk(root)
    assert found.paths == ["Dockerfile"]
    assert [one.reason for one in found.skipped] == ["unreadable"]
    subprocess.run(["rm", "-rf", root], check=True)


@pytest.mark.parametrize("name", ["absent", "file"])
def test_no_tree_at_all(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError):
        open_tree(tmp_path / name)


def test_ignore_files_that_are_odd(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("*\n")
    root = plant({"a/.gitignore": b"\xff\xfe\0*x\n", "a/b": "", "big/.gitignore": b"*\n" * 900_000})
    (root / ".gitignore").symlink_to(tmp_path / "rules")
    (root / "c").mkdir()
    os.mkfifo(root / "c/.gitignore")
    assert walk(root).paths == ["a/.gitignore", "a/b", "big/.gitignore"]


# --- memory ---------------------------------------------------------------------------------------


def test_few_files_stay_in_memory(plant: Plant) -> None:
    tree = open_tree(plant({f"f{number:03}": "x" for number in range(200)}))
    for path in sorted(tree.paths):
        assert tree.file(path) is not None
    assert len(tree._kept) == 64
    assert tree.file("f199") is tree.file("f199")


def test_large_files_push_each_other_out(plant: Plant) -> None:
    tree = open_tree(plant({f"f{number}": b"x" * 7 * 1024 * 1024 for number in range(8)}))
    for path in sorted(tree.paths):
        assert tree.file(path) is not None
    assert len(tree._kept) == 4


def test_a_tree_can_be_sent_to_another_process(plant: Plant) -> None:
    tree = open_tree(plant({"Dockerfile": "FROM node\n"}))
    assert tree.file("Dockerfile") is not None
    again = pickle.loads(pickle.dumps(tree))
    assert again.paths == tree.paths
    assert again.file("Dockerfile").text == "FROM node\n"
