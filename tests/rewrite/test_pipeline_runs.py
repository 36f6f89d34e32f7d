"""The emitted workflow carried out, from `git push origin day2-advanced` to an image in ECR.

Real: git, the `run:` steps with GitHub's variables, longshore installed from a wheel by its hash,
the AWS CLI, the build of the emitted Dockerfile and the push (buildah). Stand-ins: the actions, by
the equivalents below; the registries and AWS, by the embedded servers; the base image, made here
from this machine's shell, in which `apt-get`, `python`, `pip` and `useradd` only say that they ran.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import longshore
from longshore.embedded.stack import Stack
from longshore.embedded.state import UpOptions
from tests.journey.images import Shelf
from tests.peers import peer
from tests.rewrite.runner import Equivalent, JobRun, Runner, evaluate, filled

pytestmark = pytest.mark.peer
BRANCH, BASE = "day2-advanced", "python:3.13-slim-bookworm"
SECRET_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCOUNT_ID", "AWS_REGION")
FILE = """\
version: 1
targets: {{prod: {{kind: ecr, account: "123456789012", region: ap-northeast-2}}}}
images: [{{from: python, to: mirror/python}}]
repositories: {{github-actions-demo-day2: {{}}}}
ci: {{branches: [main, develop, "feature/*", day2-advanced], auth: keys, install: "{install}"}}
"""
# What `docker buildx imagetools create` does to a single image: one more tag on the same bytes.
DOCKER = """\
#!/bin/bash
[ "$1 $2 $3 $4 $5" = "buildx imagetools create --prefer-index=false --tag" ] || exit 64
exec {skopeo} copy -q --all --preserve-digests --authfile "$REGISTRY_AUTH_FILE" \
  --src-tls-verify=false --dest-tls-verify=false "docker://$7" "docker://$6"
"""
INSTALLED = "Package: dash\nStatus: install ok installed\nVersion: 0.5.12-2\n"
STUBS = {
    "apt-get": 'echo "apt-get $*" >> /ran',
    "pip": 'echo "pip $*" >> /ran',
    "useradd": 'echo "useradd $*" >> /ran',
    "python": 'echo "python $*" >> /ran; mkdir -p /opt/venv/bin; echo venv > /opt/venv/made',
}


def run(*argv: str | Path, cwd: Path, env: dict[str, str] | None = None, given: str = "") -> str:
    done = subprocess.run(
        argv, cwd=cwd, env=env, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Workshop:
    """Servers, programs and folders of one test."""

    stack: Stack
    folder: Path
    env: dict[str, str]
    buildah: list[str]

    @property
    def registry(self) -> str:
        return self.stack.state.ecr_registry

    def aws(self, *words: str) -> Any:
        return json.loads(run(peer("aws"), *words, cwd=self.folder, env=self.env) or "null")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    if os.geteuid() != 0:
        pytest.skip("buildah without root needs user namespaces set up")
    folder = tmp_path_factory.mktemp("pipeline")
    store = Path(tempfile.mkdtemp(prefix="bld-", dir="/tmp"))
    places = ("--root", f"{store}/root", "--runroot", f"{store}/run", "--storage-driver", "vfs")
    with Stack(UpOptions(folder / "local")) as stack:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            **stack.state.env(),
            "TMPDIR": str(store),
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        made = Workshop(stack, folder, env, [peer("buildah"), *places])
        scan = ("--image-scanning-configuration", "scanOnPush=true")
        for name in ("github-actions-demo-day2", "mirror/python"):
            made.aws("ecr", "create-repository", "--repository-name", name, *scan)
        give_advisories(made)
        stack.login()
        push_base(made)
        yield made
    shutil.rmtree(store, ignore_errors=True)


def give_advisories(workshop: Workshop) -> None:
    """What images are scanned against: a vulnerability of Debian 12 that none of them has."""
    file = workshop.folder / "osv.json"
    package = {"name": "none-of-ours", "ecosystem": "Debian:12"}
    file.write_text(json.dumps({"id": "CVE-2026-1", "affected": [{"package": package}]}))
    settings = {"osv": [str(file)], "apt": []}
    (workshop.folder / "local" / "scanner.json").write_text(json.dumps(settings))


def push_base(workshop: Workshop) -> None:
    """An image with a shell, mkdir and stubs, at ECR where the mirror of python would be."""
    root = workshop.folder / "base"
    for program in ("sh", "mkdir"):
        place = Path(shutil.which(program) or "").resolve()
        copy_into(root, place, f"bin/{program}")
        for word in run("ldd", place, cwd=workshop.folder).split():
            if word.startswith("/"):
                copy_into(root, Path(word).resolve(), word[1:])
    for name, line in STUBS.items():
        stub = root / "bin" / name
        stub.write_text(f"#!/bin/sh\n{line}\n")
        stub.chmod(0o755)
    for name in ("usr", "tmp", "etc", "var/lib/apt/lists"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "var/lib/dpkg").mkdir()
    (root / "var/lib/dpkg/status").write_text(INSTALLED)
    (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    rm = root / "bin" / "rm"
    rm.write_text('#!/bin/sh\necho "rm $*" >> /ran\n')
    rm.chmod(0o755)
    name = f"{workshop.registry}/mirror/{BASE}"
    (workshop.folder / "Base").write_text("FROM scratch\nCOPY base /\nENV PATH=/bin\n")
    build(workshop, workshop.folder, "Base", name, {})
    run(*workshop.buildah, "push", "--tls-verify=false", name, cwd=workshop.folder,
        env=workshop.env)  # fmt: skip


def copy_into(root: Path, source: Path, name: str) -> None:
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def build(
    workshop: Workshop,
    context: Path,
    file: str,
    name: str,
    arguments: dict[str, str],
    labels: str = "",
) -> None:
    flags = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    flags += [word for line in labels.splitlines() for word in ("--label", line)]
    run(
        *(*workshop.buildah, "bud", "--isolation", "chroot", "--format", "docker"),
        *("--tls-verify=false", "--pull-always" if arguments else "--pull-never"),
        *("-f", file, "-t", name, *flags, "."),
        cwd=context,
        env=workshop.env,
    )


def write_wheel(folder: Path) -> str:
    """A wheel of the package as it is now, made by hand; its address with its hash."""
    source = Path(longshore.__file__).parent
    name, info = "longshore-0.1.0-py3-none-any.whl", "longshore-0.1.0.dist-info"
    files = {
        f"longshore/{file.relative_to(source).as_posix()}": file.read_bytes()
        for file in sorted(source.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }
    files[f"{info}/METADATA"] = b"Metadata-Version: 2.1\nName: longshore\nVersion: 0.1.0\n"
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    scripts = "[console_scripts]\nlongshore = longshore.cli.main:main\n"
    files[f"{info}/entry_points.txt"] = scripts.encode()
    record = io.StringIO()
    writer = csv.writer(record, lineterminator="\n")
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow([path, f"sha256={digest}", len(data)])
    files[f"{info}/RECORD"] = record.getvalue().encode()
    with zipfile.ZipFile(folder / name, "w") as wheel:
        for path, data in files.items():
            wheel.writestr(path, data)
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return f"file://{folder / name}#sha256={digest}"


def git(*words: str, cwd: Path) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    return run("git", *who, *words, cwd=cwd)


@pytest.fixture(scope="module")
def tree(workshop: Workshop) -> Path:
    """The project, its workflow written by `ci emit`, with a bare repository as origin."""
    folder, bare = workshop.folder / "tree", workshop.folder / "origin.git"
    folder.mkdir()
    (folder / "longshore.yaml").write_text(FILE.format(install=write_wheel(workshop.folder)))
    (folder / "requirements.txt").write_text("")
    (folder / "requirements-dev.txt").write_text("pytest\n")
    (folder / "app.py").write_text("print('up')\n")
    (folder / "test_app.py").write_text("def test_it():\n    pass\n")
    program = [sys.executable, "-m", "longshore.cli.main"]
    run(*program, "ci", "emit", "--write", "--yes", cwd=folder, env=workshop.env)
    git("init", "-q", "--bare", str(bare), cwd=folder)
    hook = bare / "hooks" / "post-receive"
    hook.write_text("#!/bin/sh\ncat >> pushed\n")
    hook.chmod(0o755)
    git("init", "-q", cwd=folder)
    git("remote", "add", "origin", str(bare), cwd=folder)
    git("checkout", "-q", "-b", BRANCH, cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "The pipeline", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def python(workshop: Workshop) -> Path:
    """A Python as setup-python gives one; what longshore depends on is there already."""
    place = workshop.folder / "python"
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=workshop.folder)
    [site] = place.glob("lib/python*/site-packages")
    beside = next(Path(one) for one in sys.path if one.endswith("site-packages"))
    (site / "beside.pth").write_text(f"{beside}\n")
    return place / "bin"


def push(tree: Path, ref: str) -> dict[str, Any]:
    """`git push origin REF`; what the origin's hook heard, as GitHub describes it to a run."""
    git("push", "-q", "origin", ref, cwd=tree)
    origin = Path(git("remote", "get-url", "origin", cwd=tree).strip())
    before, after, full = (origin / "pushed").read_text().splitlines()[-1].split()
    return {
        "event_name": "push",
        "ref": full,
        "ref_name": full.split("/", 2)[2],
        "sha": after,
        "actor": "octocat",
        "repository": "acme/shop",
        "event": {
            "before": before,
            "after": after,
            "ref": full,
            "repository": {"default_branch": "main", "full_name": "acme/shop"},
        },
    }


def equivalents(workshop: Workshop, tree: Path) -> dict[str, Equivalent]:
    """What stands in for each action."""

    def checkout(job: JobRun, given: dict[str, str]) -> None:
        depth = [] if given.get("fetch-depth") == "0" else ["--depth", "1", "--no-tags"]
        origin = f"file://{workshop.folder}/origin.git"
        job.shell("git", "clone", "-q", "--no-checkout", *depth,
                  "--branch", job.contexts["github"]["ref_name"], origin, ".")  # fmt: skip
        job.shell("git", "checkout", "-q", job.contexts["github"]["sha"])

    def setup_python(job: JobRun, given: dict[str, str]) -> None:
        assert given["python-version"]

    def credentials(job: JobRun, given: dict[str, str]) -> None:
        job.env["AWS_ACCESS_KEY_ID"] = given["aws-access-key-id"]
        job.env["AWS_SECRET_ACCESS_KEY"] = given["aws-secret-access-key"]
        job.env["AWS_REGION"] = job.env["AWS_DEFAULT_REGION"] = given["aws-region"]
        caller = json.loads(job.shell(peer("aws"), "sts", "get-caller-identity"))
        assert caller["Account"] == given["allowed-account-ids"]

    def login(job: JobRun, given: dict[str, str]) -> dict[str, str]:
        job.env["REGISTRY_AUTH_FILE"] = str(job.temp / "auth.json")
        password = job.shell(peer("aws"), "ecr", "get-login-password")
        to = ("--username", "AWS", "--password-stdin", "--tls-verify=false", workshop.registry)
        job.shell(*workshop.buildah, "login", *to, given=password)
        return {"registry": workshop.registry}

    def buildx(job: JobRun, given: dict[str, str]) -> None:
        assert given["driver"] == "docker"

    def build_and_push(job: JobRun, given: dict[str, str]) -> dict[str, str]:
        lines = [one for one in given.get("build-args", "").splitlines() if one]
        names = given["tags"].split()
        arguments = dict(one.split("=", 1) for one in lines)
        build(workshop, job.folder, "Dockerfile", names[0], arguments, given["labels"])
        digest = job.temp / "digest"
        if given["push"] == "true":
            for name in names:
                job.shell(*workshop.buildah, "push", "--tls-verify=false", "--format", "v2s2",
                          "--digestfile", str(digest), names[0], f"docker://{name}")  # fmt: skip
        return {"digest": digest.read_text()}

    return {
        "actions/checkout": checkout,
        "actions/setup-python": setup_python,
        "aws-actions/configure-aws-credentials": credentials,
        "aws-actions/amazon-ecr-login": login,
        "docker/setup-buildx-action": buildx,
        "docker/build-push-action": build_and_push,
    }


def runner(workshop: Workshop, tree: Path, python: Path, github: dict[str, Any]) -> Runner:
    """The workflow of the tree for an event, with the first user's five values as secrets."""
    folder = Path(tempfile.mkdtemp(dir=workshop.folder))
    event = folder / "event.json"
    event.write_text(json.dumps(github["event"]))
    own = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECR_REGISTRY"}
    env = {name: value for name, value in workshop.env.items() if name not in own}
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER.format(skopeo=peer("skopeo")))
    docker.chmod(0o755)
    programs = f"{docker.parent}:{python}:{Path(peer('aws')).parent}"
    env |= {
        "PATH": f"{programs}:{workshop.env['PATH']}",
        "REGISTRY_AUTH_FILE": str(folder / "no-login.json"),
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": github["event_name"],
        "GITHUB_REF": github["ref"],
        "GITHUB_REF_NAME": github["ref_name"],
        "GITHUB_SHA": github["sha"],
        "GITHUB_ACTOR": github["actor"],
        "GITHUB_REPOSITORY": github["repository"],
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_RUN_ATTEMPT": "1",
    }
    secrets = {name: workshop.env[name] for name in SECRET_NAMES}
    secrets["ECR_REPOSITORY"] = "github-actions-demo-day2"
    text = (tree / ".github" / "workflows" / "image.yml").read_text()
    return Runner(text, folder, github, env, secrets, equivalents(workshop, tree))


def images(workshop: Workshop) -> dict[str, str]:
    """Tags at ECR, with what they point to."""
    name = ("--repository-name", "github-actions-demo-day2")
    listed = workshop.aws("ecr", "list-images", *name)["imageIds"]
    return {one["imageTag"]: one["imageDigest"] for one in listed if "imageTag" in one}


def test_a_push_of_day2_advanced_ends_with_its_image_in_ecr(
    workshop: Workshop, tree: Path, python: Path
) -> None:
    hub_before = workshop.stack.access.counts()
    github = push(tree, BRANCH)
    job = runner(workshop, tree, python, github)
    assert job.is_triggered()
    done = job.run()

    tag = f"day2-advanced-{github['sha'][:7]}"
    outputs = done.outputs["image"]
    assert (outputs["tag"], outputs["pushed"]) == (tag, "true")
    assert images(workshop) == dict.fromkeys((tag, f"branch-{tag}"), outputs["digest"])
    assert outputs["digest"] in done.summary
    assert f"| tags | {tag} branch-{tag} |" in done.summary
    assert done.skipped == ["Move the tags that move"]
    assert done.not_run == []
    assert set(done.replaced) == set(job.equivalents)
    assert done.ran == [
        *("Install", "Tests", "Install longshore", "Tags of this build"),
        *("Names in the registry", "Scan gate", "Summary"),
    ]
    assert workshop.registry not in json.dumps(done.outputs)
    for secret in ("AWS_SECRET_ACCESS_KEY",):
        assert workshop.env[secret] not in done.log + done.summary

    config = image_config(workshop, outputs["digest"])
    said = "org.opencontainers.image"
    labels = config["config"]["Labels"]
    assert labels[f"{said}.revision"] == github["sha"]
    assert labels[f"{said}.version"] == tag
    assert labels[f"{said}.source"] == "https://github.com/acme/shop"
    assert config["config"]["User"] == "10001:10001"
    assert config["config"]["Entrypoint"] == ["dumb-init", "--"]
    assert config["config"]["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    asked = workshop.stack.access.counts() - hub_before
    assert [one for one in asked if one.listener.startswith("hub")] == []


def image_config(workshop: Workshop, digest: str) -> Any:
    """The configuration blob that ECR holds."""
    contents, name = workshop.stack.ecr, "github-actions-demo-day2"
    manifest = contents.manifest(name, digest)
    assert manifest is not None
    wanted = json.loads(manifest.content)["config"]["digest"]
    at = f"docker://{workshop.registry}/{name}@{digest}"
    skopeo = ("--registries-conf", workshop.env["CONTAINERS_REGISTRIES_CONF"])
    shown = run(peer("skopeo"), *skopeo, "inspect", "--config", "--raw", at, cwd=workshop.folder,
                env=workshop.env)  # fmt: skip
    assert wanted == f"sha256:{hashlib.sha256(shown.encode()).hexdigest()}"
    return json.loads(shown)


def test_a_release_takes_latest(workshop: Workshop, tree: Path, python: Path) -> None:
    for name in ("v1.9.9", "v3.0.0-rc.1", "v2.0.0"):
        git("tag", name, cwd=tree)
        github = push(tree, name)
    done = runner(workshop, tree, python, github).run("image")
    found = images(workshop)
    assert found["latest"] == found["v2.0.0"] == done.outputs["image"]["digest"]


def set_mutability(workshop: Workshop, word: str) -> None:
    name = ("--repository-name", "github-actions-demo-day2")
    workshop.aws("ecr", "put-image-tag-mutability", *name, "--image-tag-mutability", word)


def test_a_second_run_of_a_commit_takes_the_image_that_is_there(
    workshop: Workshop, tree: Path, python: Path
) -> None:
    """Tags are immutable here; one that the first run did not get to is put on its image."""
    git("commit", "-q", "--allow-empty", "-m", "again", cwd=tree)
    github = push(tree, BRANCH)
    own = f"day2-advanced-{github['sha'][:7]}"
    digest = runner(workshop, tree, python, github).run("image").outputs["image"]["digest"]
    set_mutability(workshop, "IMMUTABLE")
    try:
        for lost in ("", own):
            if lost:
                assert workshop.stack.ecr.delete_tag("github-actions-demo-day2", lost)
            again = runner(workshop, tree, python, github)
            again.env["GITHUB_RUN_ATTEMPT"] = "2"
            done = again.run("image")
            assert "docker/build-push-action" not in done.replaced
            assert done.outputs["image"]["digest"] == digest
            assert ("Move the tags that move" in done.ran) is bool(lost)
            found = images(workshop)
            assert (found[own], found[f"branch-{own}"]) == (digest, digest)
            assert "| pushed | true, by an earlier run |" in done.summary
    finally:
        set_mutability(workshop, "MUTABLE")


def test_a_branch_that_the_file_does_not_name_sets_nothing_off(
    workshop: Workshop, tree: Path, python: Path
) -> None:
    git("branch", "-f", "scratch", cwd=tree)
    assert not runner(workshop, tree, python, push(tree, "scratch")).is_triggered()
    git("branch", "-f", "feature/x", cwd=tree)
    assert runner(workshop, tree, python, push(tree, "feature/x")).is_triggered()


def test_a_fork_s_pull_request_needs_no_account(
    workshop: Workshop, tree: Path, python: Path
) -> None:
    git("branch", "-f", "feature/y", cwd=tree)
    github = push(tree, "feature/y")
    github |= {"event_name": "pull_request", "ref": "refs/pull/7/merge"}
    github["event"] = {
        "number": 7,
        "pull_request": {
            "head": {"sha": github["sha"], "repo": {"full_name": "stranger/shop"}},
            "base": {"repo": {"full_name": "acme/shop"}},
        },
    }
    job = runner(workshop, tree, python, github)
    job.secrets = {}
    del job.equivalents["docker/build-push-action"]  # type: ignore[attr-defined]
    before = images(workshop)
    done = job.run("image")
    assert done.skipped == [
        *("AWS credentials", "Log in to Amazon ECR", "Names in the registry"),
        *("Scan gate", "Move the tags that move"),
    ]
    assert done.not_run == ["docker/build-push-action"]
    given = done.inputs["Build and push"]
    assert (given["push"], given["tags"], given["build-args"]) == ("false", "", "")
    assert done.outputs["image"] == {"digest": "", "tag": "", "pushed": "false"}
    assert images(workshop) == before


def test_every_night_new_base_images_are_copied_and_only_those(
    workshop: Workshop, tree: Path, python: Path
) -> None:
    git("branch", "-f", "feature/z", cwd=tree)
    github = push(tree, "feature/z") | {"event_name": "schedule"}
    night = runner(workshop, tree, python, github)
    night.text = (tree / ".github" / "workflows" / "image-operations.yml").read_text()
    assert night.is_triggered()
    hub, mirror = Shelf(workshop.stack.hub, "library/python"), "mirror/python"
    moved = []
    try:
        for number, tag in ((0, "3.14"), (8, "3.14"), (0, "3.15")):
            workshop.stack.clock.advance(number * 24 * 3600)
            moved.append(hub.image(b"layer of", tag.encode(), tags=(tag,)))
            before = workshop.stack.access.counts()
            night.folder = Path(tempfile.mkdtemp(dir=workshop.folder))
            done = night.run("sync")
            assert (done.not_run, done.skipped) == ([], [])
            assert workshop.stack.ecr.resolve(mirror, tag) == moved[-1]
            asked = workshop.stack.access.counts() - before
            pulls = sum(count for one, count in asked.items()
                        if (one.listener, one.method, one.kind, one.status)
                        == ("hub", "GET", "manifest", 200))  # fmt: skip
            assert pulls == (0 if number else 1)
    finally:
        workshop.stack.clock.reset()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b == 'x' && 'yes' || 'no'", "yes"),
        ("a.c == 'x' && 'yes' || 'no'", "no"),
        ("!(a.b == 'X')", False),
        ("format('{0}/{1}', a.b, 'z')", "x/z"),
        ("startsWith(a.b, 'X')", True),
        ("vars.none || a.b", "x"),
    ],
)
def test_the_runner_s_expressions(text: str, value: Any) -> None:
    assert evaluate(text, {"a": {"b": "x"}}) == value
    assert filled("${{ a.b }}-${{ a.d }}", {"a": {"b": "x"}}) == "x-"
