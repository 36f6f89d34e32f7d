"""Shell of emitted workflows that the embedded servers cannot answer, with stubs of programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from longshore.policy.build_tags import TagRules
from longshore.rewrite.generate.kept_jobs import Kept
from longshore.rewrite.generate.operations import render_operations
from longshore.rewrite.generate.options import install_commands
from longshore.rewrite.generate.workflow import render_workflow
from tests.rewrite.pipelines import INSTALLS, options

PLAIN = render_workflow(options(plain=True, gate={"critical": 0, "high": 5}), Kept()).text
NIGHTLY = render_operations(options(plain=True)).text


def script_of(text: str, job: str, name: str) -> str:
    steps = yaml.load(text, Loader=yaml.BaseLoader)["jobs"][job]["steps"]
    return next(str(step["run"]) for step in steps if step["name"] == name)


class Stubs:
    """Programs of the test on PATH; each is a shell script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"

    def add(self, name: str, script: str) -> None:
        file = self.folder / name
        file.write_text(f'#!/bin/bash\necho {name} "$@" >> {self.folder}/calls\n{script}\n')
        file.chmod(0o755)

    @property
    def calls(self) -> str:
        file = self.folder / "calls"
        return file.read_text() if file.exists() else ""

    def run(self, script: str, **variables: str) -> Any:
        self.output.write_text("")
        env = {"PATH": f"{self.folder}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(self.output)}
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env=env | variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def stubs(tmp_path: Path) -> Stubs:
    return Stubs(tmp_path)


@pytest.mark.parametrize(
    ("critical", "high", "passes"),
    [("0", "0", True), ("0", "5", True), ("1", "0", False), ("0", "6", False), ("x", "0", False)],
)
def test_the_plain_gate(stubs: Stubs, critical: str, high: str, passes: bool) -> None:
    answer = f'case "$*" in *CRITICAL*) echo {critical} ;; *HIGH*) echo {high} ;; esac'
    stubs.add("aws", answer)
    done = stubs.run(
        script_of(PLAIN, "image", "Scan gate"), ECR_REPOSITORY="shop", DIGEST="sha256:1"
    )
    assert (done.returncode == 0) is passes, done.stdout + done.stderr
    assert ("::error::" in done.stdout) is not passes
    assert "--repository-name shop --image-id imageDigest=sha256:1" in stubs.calls


def test_a_gate_that_could_not_look_does_not_pass(stubs: Stubs) -> None:
    stubs.add("aws", "exit 255")
    script = script_of(PLAIN, "image", "Scan gate")
    assert stubs.run(script, ECR_REPOSITORY="shop", DIGEST="sha256:1").returncode != 0
    stubs.add("aws", 'case "$*" in *wait*) ;; *) exit 255 ;; esac')
    assert stubs.run(script, ECR_REPOSITORY="shop", DIGEST="sha256:1").returncode != 0


@pytest.mark.parametrize(
    ("tags", "ref", "moves"),
    [
        (["v1.0.0", "v2.0.0"], "v2.0.0", True),
        (["v1.9.9", "v2.0.0"], "v1.9.9", False),
        (["v1.0.0", "v2.0.0-rc.1"], "v1.0.0", True),
        (["v1.0.0", "v2.0.0-rc.1"], "v2.0.0-rc.1", False),
        (["v2.0.0-rc.1"], "v2.0.0-rc.1", False),
        (["v9.0.0", "v10.0.0", "vendor"], "v10.0.0", True),
        ([], "main", True),
        (["v2.0.0-rc.1"], "main", True),
        (["v1.0.0"], "main", False),
        ([], "main-line", True),
    ],
)
def test_plain_latest_follows_the_newest_release(
    stubs: Stubs, tags: list[str], ref: str, moves: bool
) -> None:
    assert latest_moves(stubs, PLAIN, tags, ref) is moves


def latest_moves(stubs: Stubs, text: str, tags: list[str], ref: str, attempt: str = "1") -> bool:
    """Whether the step moves latest, in a tree with these tags."""
    stubs.add("docker", "")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *who, *words], cwd=stubs.folder, check=True)
    for tag in tags:
        subprocess.run(["git", "tag", tag], cwd=stubs.folder, check=True)
    script = script_of(text, "image", "Move latest")
    done = stubs.run(
        script,
        GITHUB_REF_NAME=ref,
        GITHUB_REF_TYPE="tag" if ref in tags else "branch",
        GITHUB_RUN_ATTEMPT=attempt,
        IMAGE="r.example.com/shop",
        DIGEST="sha256:1",
    )
    assert done.returncode == 0, done.stderr
    return "latest r.example.com/shop@sha256:1" in stubs.calls


def test_plain_latest_does_not_follow_an_old_run_of_a_branch(stubs: Stubs) -> None:
    assert not latest_moves(stubs, PLAIN, [], "main", attempt="2")
    assert latest_moves(stubs, PLAIN, ["v2.0.0"], "v2.0.0", attempt="2")


@pytest.mark.parametrize(
    ("tags", "ref", "moves"),
    [
        (["svc-a/v1.0.0", "svc-a-v1.1.0", "svc-b/v9.0.0", "v8.0.0"], "svc-a-v1.1.0", True),
        (["svc-a/v1.0.0", "svc-a-v1.1.0"], "svc-a/v1.0.0", False),
        (["svc-a/v1.0.0-rc.1"], "svc-a/v1.0.0-rc.1", False),
    ],
)
def test_plain_latest_of_a_part(stubs: Stubs, tags: list[str], ref: str, moves: bool) -> None:
    rules = TagRules(component="svc-a")
    text = render_workflow(options(plain=True, rules=rules), Kept()).text
    assert latest_moves(stubs, text, tags, ref) is moves
    if moves:
        assert "--tag r.example.com/shop:svc-a-latest" in stubs.calls


IMAGE_OF = '{"config": {"Labels": {"org.opencontainers.image.revision": "%s"}}}'


@pytest.mark.parametrize(
    ("found", "revision", "code", "digest"),
    [
        ("None", "", 0, ""),
        ("sha256:1", "abc", 0, "digest=sha256:1\n"),
        ("sha256:1", "", 0, "digest=sha256:1\n"),
        ("sha256:1", "def", 1, ""),
    ],
)
def test_plain_a_second_run_finds_its_image(
    stubs: Stubs, found: str, revision: str, code: int, digest: str
) -> None:
    stubs.add("aws", f"echo {found}")
    stubs.add("docker", f"echo '{IMAGE_OF % revision}'")
    script = script_of(PLAIN, "image", "Look for this build")
    done = stubs.run(
        script, ECR_REPOSITORY="shop", IMAGE="r/shop", TAG="main-abc", GITHUB_SHA="abc"
    )
    assert (done.returncode, stubs.output.read_text()) == (code, digest), done.stderr
    assert ("::error::" in done.stdout) is (code == 1)
    stubs.add("aws", "exit 255")
    assert stubs.run(script, ECR_REPOSITORY="shop", TAG="x", GITHUB_SHA="abc").returncode != 0


def test_plain_latest_may_follow_the_default_branch_or_nothing() -> None:
    main = render_workflow(options(plain=True, rules=TagRules(latest="main")), Kept()).text
    assert "git tag" not in script_of(main, "image", "Move latest")
    never = render_workflow(options(plain=True, rules=TagRules(latest="never")), Kept()).text
    assert "Move latest" not in never


LAYERS = """
case "$*" in
  *inspect*base*) echo "sha256:a sha256:b" ;;
  *inspect*) echo "{image}" ;;
  run*) {packages} ;;
esac
"""


@pytest.mark.parametrize(
    ("image", "packages", "update"),
    [
        ("sha256:a sha256:b sha256:c", "echo 0", "false"),
        ("sha256:old sha256:b sha256:c", "echo 0", "true"),
        ("sha256:a sha256:b sha256:c", "echo 3", "true"),
        ("sha256:a sha256:b sha256:c", "exit 125", "false"),
    ],
)
def test_updates_are_seen(stubs: Stubs, image: str, packages: str, update: str) -> None:
    stubs.add("aws", "echo sha256:1")
    stubs.add("docker", LAYERS.format(image=image, packages=packages))
    variables = {
        "REGISTRY": "r.example.com",
        "ECR_REPOSITORY": "shop",
        "BASE": "r.example.com/base",
    }
    done = stubs.run(script_of(NIGHTLY, "updates", "Look for updates"), **variables)
    assert done.returncode == 0, done.stderr
    assert stubs.output.read_text() == f"update={update}\n"
    assert ("::warning::" in done.stdout) is ("125" in packages)
    assert "pull --quiet r.example.com/shop@sha256:1" in stubs.calls


def test_without_an_image_there_is_nothing_to_update(stubs: Stubs) -> None:
    stubs.add("aws", "echo None")
    stubs.add("docker", "exit 1")
    script = script_of(NIGHTLY, "updates", "Look for updates")
    done = stubs.run(script, REGISTRY="r", ECR_REPOSITORY="shop", BASE="b")
    assert (done.returncode, stubs.output.read_text()) == (0, "")


@pytest.mark.parametrize("install", INSTALLS)
def test_longshore_is_installed_as_the_file_says(stubs: Stubs, install: str) -> None:
    for name in ("git", "python"):
        stubs.add(name, 'if [ "$1" = init ]; then mkdir -p "${!#}"; fi')
    done = stubs.run("\n".join(install_commands(install)), RUNNER_TEMP=str(stubs.folder / "temp"))
    assert done.returncode == 0, done.stderr
    pinned = install.rpartition("@")[2] if install.startswith("git+") else install
    assert pinned in stubs.calls
    assert "--require-hashes" in stubs.calls or "#sha256=" in stubs.calls


def test_the_plain_gate_looks_at_every_platform(stubs: Stubs) -> None:
    both = ("linux/amd64", "linux/arm64")
    text = render_workflow(options(plain=True, wanted_platforms=both), Kept()).text
    manifests = '{"manifests": [{"digest": "sha256:a"}, {"digest": "sha256:b"}]}'
    cases = f"*batch-get*) echo '{manifests}' ;; *:b*HIGH*) echo 1 ;; *) echo 0 ;;"
    answer = f'case "$*" in {cases} esac'
    stubs.add("aws", answer)
    stubs.add("jq", "python3 -c 'import json, sys\n"
              'for one in json.load(sys.stdin)["manifests"]: print(one["digest"])\'')  # fmt: skip
    script = script_of(text, "image", "Scan gate")
    done = stubs.run(script, ECR_REPOSITORY="shop", DIGEST="sha256:index")
    assert done.returncode == 1, done.stderr
    assert "sha256:b: HIGH: 1" in done.stdout
    assert "imageDigest=sha256:a" in stubs.calls
    stubs.add("jq", "")
    assert stubs.run(script, ECR_REPOSITORY="shop", DIGEST="sha256:index").returncode != 0
