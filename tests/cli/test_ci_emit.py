"""ci emit: what it shows, what it writes, and what it never writes over."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import RunCli
from tests.rewrite.pipelines import COMMIT, NODE, PRESENT

FILE = f"""\
version: 1
targets: {{prod: {{kind: ecr, account: "123456789012", region: ap-northeast-2}}}}
images: [{{from: node, to: mirror/node}}, {{from: moby/buildkit, to: buildkit}}]
ci: {{branches: [main, day2-advanced], install: "git+https://git.example.com/x.git@{COMMIT}"}}
"""
WORKFLOW, OPERATIONS = ".github/workflows/image.yml", ".github/workflows/image-operations.yml"


@pytest.fixture
def tree(cli: RunCli) -> Path:
    """A Node project with a longshore.yaml, in the current folder."""
    Path("package.json").write_text(NODE)
    Path("package-lock.json").write_text("{}")
    Path("longshore.yaml").write_text(FILE)
    return Path.cwd()


def test_it_shows_a_diff_and_writes_nothing(cli: RunCli, tree: Path) -> None:
    before = sorted(tree.rglob("*"))
    done = cli("ci", "emit")
    assert done.code == 0
    assert "+++ b/.github/workflows/image.yml" in done.out
    assert "--- /dev/null" in done.out
    assert "longshore scan gate" in done.out
    assert sorted(tree.rglob("*")) == before


def test_the_diff_is_one_that_git_takes(cli: RunCli, tree: Path) -> None:
    (tree / ".dockerignore").write_text("dist")
    (tree / "Dockerfile").write_text("FROM node:20\nCMD a\n")
    shown = cli("ci", "emit").out
    patch = shown[: shown.index("next: ")]
    (tree / "patch").write_text(patch)
    done = subprocess.run(["git", "apply", "patch"], cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    again = cli("ci", "emit", "--json").json
    assert all((tree / one["file"]).read_text() == one["text"] for one in again["files"])
    assert "everything is there already" in cli("ci", "emit").out


def test_write(cli: RunCli, tree: Path) -> None:
    done = cli("ci", "emit", "--write", "--yes", "--json")
    assert done.code == 0
    files = {one["file"]: one for one in done.json["files"]}
    assert set(files) == {WORKFLOW, OPERATIONS, "Dockerfile", ".dockerignore"}
    assert all(one["written"] and (tree / one["file"]).read_text() == one["text"]
               for one in files.values())  # fmt: skip
    assert done.json["secrets"] == ["AWS_ACCOUNT_ID", "AWS_REGION", "ECR_REPOSITORY"]
    on = yaml.load((tree / WORKFLOW).read_text(), Loader=yaml.BaseLoader)["on"]
    assert on["push"]["branches"] == ["main", "day2-advanced"]
    again = cli("ci", "emit", "--write", "--json")
    assert (again.code, [one["written"] for one in again.json["files"]]) == (0, [False] * 4)


@pytest.mark.parametrize("what", ["workflow", "operations", "dockerfile"])
def test_one_thing_alone(cli: RunCli, tree: Path, what: str) -> None:
    names = [one["file"] for one in cli("ci", "emit", what, "--json").json["files"]]
    wanted = {"workflow": [WORKFLOW], "operations": [OPERATIONS]}
    assert names == wanted.get(what, ["Dockerfile", ".dockerignore"])


def test_what_is_there_stays_without_force(cli: RunCli, tree: Path) -> None:
    (tree / "Dockerfile").write_text("FROM node:20\n")
    done = cli("ci", "emit", "--write", "--yes", "--json")
    assert (done.code, done.json["code"]) == (3, "file-exists")
    assert (tree / "Dockerfile").read_text() == "FROM node:20\n"
    assert not (tree / ".github").exists()
    assert cli("ci", "emit", "--write", "--yes", "--force").code == 0
    assert "20-bookworm-slim" in (tree / "Dockerfile").read_text()


def test_nobody_is_there_to_say_yes(cli: RunCli, tree: Path) -> None:
    assert cli("ci", "emit", "--write").code == 3
    assert cli("ci", "emit", "--write", "--yes", "--dry-run").code == 0
    assert not (tree / ".github").exists()


@pytest.mark.parametrize("link", [".github", "Dockerfile", ".github/workflows"])
def test_nothing_is_written_through_a_link(
    cli: RunCli, tree: Path, tmp_path: Path, link: str
) -> None:
    place = tmp_path / "elsewhere"
    if link == "Dockerfile":
        place.write_text("theirs")
    else:
        place.mkdir()
    (tree / link).parent.mkdir(exist_ok=True)
    (tree / link).symlink_to(place)
    done = cli("ci", "emit", "--write", "--yes", "--force", "--json")
    assert (done.code, done.json["code"]) == (3, "symlink")
    assert place.read_text() == "theirs" if link == "Dockerfile" else not list(place.iterdir())


def test_jobs_of_the_present_workflow_stay(cli: RunCli, tree: Path) -> None:
    (tree / ".github" / "workflows").mkdir(parents=True)
    (tree / ".github" / "workflows" / "ci.yml").write_text(PRESENT)
    made = cli("ci", "emit", "workflow", "--json").json["files"][0]
    assert (made["file"], made["exists"]) == (".github/workflows/ci.yml", True)
    jobs = yaml.load(made["text"], Loader=yaml.BaseLoader)["jobs"]
    assert set(jobs) == {"quality", "test", "notify", "build"}
    (tree / ".github" / "workflows" / "other.yml").write_text(PRESENT)
    assert cli("ci", "emit", "workflow", "--json").json["files"][0]["file"] == WORKFLOW
    named = cli("ci", "emit", "workflow", "--from", ".github/workflows/other.yml", "--json")
    assert named.json["files"][0]["file"] == ".github/workflows/other.yml"
    assert cli("ci", "emit", "--from", "no.yml", "--json").json["code"] == "no-workflow"


@pytest.mark.parametrize("present", [PRESENT, ""])
def test_a_second_time_changes_nothing(cli: RunCli, tree: Path, present: str) -> None:
    (tree / ".github" / "workflows").mkdir(parents=True)
    if present:
        (tree / ".github" / "workflows" / "ci.yml").write_text(present)
    assert cli("ci", "emit", "--write", "--force", "--yes").code == 0
    again = cli("ci", "emit")
    assert again.out.startswith("everything is there already"), again.out
    assert cli("ci", "emit", "--write", "--json").json["files"][0]["written"] is False


def test_without_a_file_the_present_branches_build(cli: RunCli, tree: Path) -> None:
    (tree / ".github" / "workflows").mkdir(parents=True)
    text = PRESENT.replace("branches: [main]", "branches: [trunk, day2-advanced]")
    (tree / ".github" / "workflows" / "ci.yml").write_text(text)
    (tree / "longshore.yaml").rename(tree / "elsewhere.yaml")
    made = cli("ci", "emit", "workflow", "--plain", "--json").json["files"][0]["text"]
    assert "branches: [trunk, day2-advanced]" in made
    named = cli("ci", "emit", "workflow", "--config", "elsewhere.yaml", "--json")
    assert "branches: [main, day2-advanced]" in named.json["files"][0]["text"]


def test_the_file_of_another_tree_counts_there(cli: RunCli, tree: Path) -> None:
    (tree / "sub").mkdir()
    (tree / "sub" / "longshore.yaml").write_text(FILE.replace("main, day2", "only, day2"))
    made = cli("ci", "emit", "workflow", "--tree", "sub", "--json").json["files"][0]["text"]
    assert "branches: [only, day2-advanced]" in made


def test_longshore_from_nowhere_is_refused(cli: RunCli, tree: Path) -> None:
    (tree / "longshore.yaml").unlink()
    done = cli("ci", "emit", "--json")
    assert (done.code, done.json["code"]) == (3, "no-install")
    plain = cli("ci", "emit", "--plain", "--auth", "keys", "--json").json
    assert plain["secrets"][:2] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    assert all("longshore tags" not in one["text"] for one in plain["files"])


def test_other_trees(cli: RunCli, tree: Path) -> None:
    (tree / "sub").mkdir()
    assert (
        cli("ci", "emit", "dockerfile", "--tree", "sub", "--json").json["code"] == "unknown-project"
    )
    names = [one["file"] for one in cli("ci", "emit", "--tree", "sub", "--json").json["files"]]
    assert names == [WORKFLOW, OPERATIONS]
    assert cli("ci", "emit", "--tree", "nowhere", "--json").code == 2


@pytest.mark.parametrize("install", ["longshore", "git+https://x.io/y@main", "https://x.io/a.whl"])
def test_an_unpinned_install_is_a_mistake_of_the_file(cli: RunCli, install: str) -> None:
    Path("longshore.yaml").write_text(
        f"version: 1\ntargets: {{local: {{kind: local}}}}\nci: {{install: '{install}'}}\n"
    )
    done = cli("ci", "emit", "--json")
    assert (done.code, done.json["where"]["line"]) == (2, 3)
