"""Images that actions of other repositories pull, when their metadata is given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.cli.main import run
from longshore.rewrite.action_folders import ActionFolders
from longshore.rewrite.finders.workflow_actions import PREFIX
from longshore.rewrite.pipeline import pipeline_cost
from longshore.rewrite.scan import scan
from longshore.rewrite.tree import OpenTree, open_tree
from longshore.rewrite.walk import TreeOptions
from tests.rewrite.trees import look

PATH = ".github/workflows/ci.yml"
HEAD = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
DOCKER = "runs:\n  using: docker\n  image: docker://acme/linter:2\n"
BUILT = "runs: {using: docker, image: Dockerfile}\n"
COMPOSITE = """\
inputs:
  version: {default: "3.12"}
  image: {default: ""}
runs:
  using: composite
  steps:
    - run: docker run --rm python:${{ inputs.version }} true
    - run: docker run --rm ${{ inputs.image }} true
      shell: bash
"""


def workflow(*uses: str) -> str:
    return HEAD + "".join(f"      - uses: {one}\n" for one in uses)


def hidden(text: str, actions: dict[str, str]) -> list[tuple[int, str, str]]:
    files = {f"{PREFIX}{path}": one for path, one in actions.items()}
    seen = look({**files, PATH: text})
    assert all(one.role == "pull" and one.mention.implicit for one in seen)
    assert {one.kind for one in seen} <= {"gha-implicit"}
    return [(one.line, one.text, one.value) for one in seen]


@pytest.mark.parametrize(
    ("uses", "actions", "found"),
    [
        ("o/r@v1", {"o/r/v1/action.yml": DOCKER}, ["acme/linter:2"]),
        ("o/r@v1", {"o/r/v1/action.yaml": DOCKER}, ["acme/linter:2"]),
        ("o/r/sub/dir@v1", {"o/r/v1/sub/dir/action.yml": DOCKER}, ["acme/linter:2"]),
        ("o/r@rel/1", {"o/r/rel%2F1/action.yml": DOCKER}, ["acme/linter:2"]),
        ("o/r@v1", {"o/r/v1/sub/action.yml": DOCKER}, []),
        ("o/r@v2", {"o/r/v1/action.yml": DOCKER}, []),
        ("o/r/../x@v1", {"o/r/v1/action.yml": DOCKER}, []),
        ("o/r@${{ github.sha }}", {"o/r/-/action.yml": DOCKER}, []),
        ("./o/r", {"o/r/-/action.yml": DOCKER}, []),
        ("o/r@v1", {"o/r/v1/action.yml": "runs: {using: node20, main: x.js}\n"}, []),
        ("o/r@v1", {"o/r/v1/action.yml": "no: [action"}, []),
        ("o/r@v1", {"o/r/v1/action.yml": BUILT}, []),
        (
            "o/r@v1",
            {"o/r/v1/action.yml": BUILT, "o/r/v1/Dockerfile": "FROM alpine:3 AS x\nFROM x\n"},
            ["alpine:3"],
        ),
        (
            "o/r/a@v1",
            {
                "o/r/v1/a/action.yml": "runs: {using: docker, image: ../Dockerfile}\n",
                "o/r/v1/Dockerfile": "ARG V=3\nFROM alpine:${V}\nCOPY --from=busybox:1 /a /b\n",
            },
            ["alpine:3", "busybox:1"],
        ),
        (
            "o/r@v1",
            {
                "o/r/v1/action.yml": "runs: {using: docker, image: ../../x/v1/Dockerfile}\n",
                "o/x/v1/Dockerfile": "FROM alpine:3\n",
            },
            [],
        ),
        ("o/r@v1", {"o/r/v1/action.yml": COMPOSITE}, ["python:3.12"]),
        (
            "o/r@v1",
            {
                "o/r/v1/action.yml": "runs: {using: composite, steps: [{uses: p/q@v3}]}\n",
                "p/q/v3/action.yml": DOCKER,
            },
            ["acme/linter:2"],
        ),
        (
            "o/r@v1",
            {"o/r/v1/action.yml": "runs: {using: composite, steps: [{uses: o/r@v1}]}\n"},
            [],
        ),
    ],
)
def test_what_is_found(uses: str, actions: dict[str, str], found: list[str]) -> None:
    assert hidden(workflow(uses), actions) == [(6, uses, value) for value in found]


@pytest.mark.parametrize(
    ("given_with", "found"),
    [
        ("version: 20", ["python:20"]),
        ("VERSION: 20", ["python:20"]),
        ("other: 20", ["python:3.12"]),
        ("version: '${{ secrets.WHICH }}'", ["python:_"]),
    ],
)
def test_inputs_of_the_step_win_over_defaults(given_with: str, found: list[str]) -> None:
    text = HEAD + f"      - uses: o/r@v1\n        with:\n          {given_with}\n"
    seen = hidden(text, {"o/r/v1/action.yml": COMPOSITE})
    assert [value for _, _, value in seen] == found


def test_an_image_that_the_step_names_is_reported_there_and_not_again() -> None:
    text = HEAD + "      - uses: o/r@v1\n        with:\n          image: node:20\n"
    files = {f"{PREFIX}o/r/v1/action.yml": COMPOSITE, PATH: text}
    assert [(one.line, one.kind, one.value) for one in look(files)] == [
        (6, "gha-implicit", "python:3.12"),
        (8, "gha-input", "node:20"),
    ]


def test_an_action_in_the_tree_uses_one_of_others() -> None:
    files = {
        f"{PREFIX}o/r/v1/action.yml": DOCKER,
        "act/action.yml": "runs:\n  using: composite\n  steps:\n    - uses: o/r@v1\n",
    }
    assert [(one.line, one.value) for one in look(files)] == [(4, "acme/linter:2")]


@given(st.text(max_size=200), st.text(max_size=60))
def test_no_text_breaks_it(metadata: str, image: str) -> None:
    text = workflow("o/r@v1")
    hidden(text, {"o/r/v1/action.yml": metadata})
    hidden(text, {"o/r/v1/action.yml": f"runs: {{using: docker, image: {image!r}}}\n"})


# --- on a disk -----------------------------------------------------------------------------------


def put(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def opened(tmp_path: Path, uses: str, actions: dict[str, str]) -> OpenTree:
    tree = put(tmp_path / "tree", {PATH: workflow(uses, uses)})
    beside = put(tmp_path / "actions", actions)
    return open_tree(tree, TreeOptions(actions=(str(beside),)))


@pytest.mark.parametrize(
    "path",
    ["Owner/Repo/action.yml", "owner/repo/v1/action.yml", "owner/repo/v1/../action.yml"],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_folders_as_people_and_as_runners_keep_them(
    tmp_path: Path, path: str, workers: int
) -> None:
    tree = opened(tmp_path, "owner/repo@v1", {path: DOCKER})
    result = scan(tree, workers)
    assert {use.image for use in result.uses} == {"docker.io/acme/linter"}
    assert [use.file for use in result.uses] == [PATH, PATH]
    assert result.counts.files == 1
    assert pipeline_cost(result.uses, tree).per_run == 1


def test_its_own_version_wins(tmp_path: Path) -> None:
    newer = DOCKER.replace(":2", ":9")
    files = {"o/r/action.yml": newer, "o/r/v1/action.yml": DOCKER}
    [one, _] = scan(opened(tmp_path, "o/r@v1", files), 1).uses
    assert one.tag == "2"


def test_no_folder_no_answer_and_never_outside(tmp_path: Path) -> None:
    put(tmp_path, {"secret/action.yml": DOCKER, "in/o/r/action.yml": DOCKER})
    (tmp_path / "in" / "evil").symlink_to(tmp_path)
    folders = ActionFolders((str(tmp_path / "in"),))
    assert folders.file(f"{PREFIX}o/r/-/action.yml") is not None
    assert ActionFolders(()).file(f"{PREFIX}o/r/-/action.yml") is None
    for path in (
        "evil/secret/-/action.yml",
        "o/../-/action.yml",
        "o/x/..%2Fr/action.yml",
    ):
        assert folders.file(f"{PREFIX}{path}") is None
    (tmp_path / "in" / "o" / "r" / "action.yml").write_bytes(b"x" * (2 * 1024 * 1024))
    assert ActionFolders((str(tmp_path / "in"),)).file(f"{PREFIX}o/r/-/action.yml") is None


def test_assess_is_told_where_they_lie(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {PATH: workflow("o/r@v1"), "../beside/o/r/action.yml": DOCKER})
    monkeypatch.chdir(tmp_path)
    told = {"HOME": str(tmp_path), "PATH": "/usr/bin"}
    assert run(["assess", ".", "--actions", "../beside", "--json"], told) == 0
    document = json.loads(capsys.readouterr().out)
    [use] = document["references"]
    assert (use["file"], use["line"], use["text"]) == (PATH, 6, "o/r@v1")
    assert (use["image"], use["tag"], use["status"]) == ("docker.io/acme/linter", "2", "hub")
    assert (use["kind"], use["role"], use["pulled"]) == ("gha-implicit", "pull", "setup")
    assert document["pulls"]["per_run"] == 1
    assert run(["assess", ".", "--json"], told) == 0
    assert json.loads(capsys.readouterr().out)["references"] == []
    assert run(["assess", ".", "--actions", "nowhere"], told) == 2
