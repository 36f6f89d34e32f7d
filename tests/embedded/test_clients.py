"""The real aws, skopeo, docker and podman against both embedded registries."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.peers import peer

from longshore.cli.local_servers import shell_lines
from longshore.embedded.seed.load import seed_from
from longshore.embedded.stack import Stack

pytestmark = pytest.mark.peer
LIMIT_S = 60
LINE = b"acme/shop v1.2.3 on linux/amd64\n"


@dataclass
class Client:
    """A program with the variables that `longshore local env` prints."""

    program: list[str]
    env: Mapping[str, str]

    def __call__(self, *arguments: str, given: str = "", fails: bool = False) -> str:
        """What it prints; fails the test when it does not end as expected."""
        ran = subprocess.run(
            [*self.program, *arguments],
            env=self.env,
            input=given.encode(),
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        said = ran.stderr.decode()
        assert (ran.returncode != 0) == fails, f"{arguments} ended with {ran.returncode}: {said}"
        return said if fails else ran.stdout.decode()


@pytest.fixture(scope="session")
def env(stack: Stack) -> Mapping[str, str]:
    stack.login()
    return {**os.environ, **stack.state.env()}


@pytest.fixture(scope="session")
def aws(env: Mapping[str, str]) -> Client:
    return Client([peer("aws")], env)


@pytest.fixture(scope="session")
def skopeo(env: Mapping[str, str]) -> Client:
    return Client([peer("skopeo"), "--registries-conf", env["CONTAINERS_REGISTRIES_CONF"]], env)


@pytest.fixture(scope="session")
def new_repository(aws: Client) -> Callable[[str], str]:
    """Creates a repository at the ECR and gives its name back."""

    def make(name: str) -> str:
        aws("ecr", "create-repository", "--repository-name", name)
        return name

    return make


@pytest.fixture(scope="module")
def docker(env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Debian's engine, as root, with everything it keeps in a folder of the test."""
    if os.geteuid() != 0:
        pytest.skip("starting a Docker engine needs root")
    program, client = peer("dockerd"), peer("docker")
    folder = Path(tempfile.mkdtemp(prefix="eng-", dir="/tmp"))
    log = (folder / "log").open("wb")
    engine = subprocess.Popen(
        [
            program,
            *("--bridge=none", "--iptables=false", "--ip6tables=false"),
            *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
            *("-H", f"unix://{folder}/sock", "-p", str(folder / "pid")),
        ],
        stdout=log,
        stderr=log,
    )
    try:
        made = Client([client, "-H", f"unix://{folder}/sock"], env)
        _wait_for(lambda: made("version", "--format", "{{.Server.Version}}"), engine)
        yield made
    finally:
        engine.terminate()
        engine.wait(20)
        log.close()
        _remove(folder)


@pytest.fixture(scope="module")
def podman(env: Mapping[str, str]) -> Iterator[Client]:
    """podman with a store of the test's own, in a short path: it takes at most 50 characters."""
    if os.geteuid() != 0:
        pytest.skip("podman without root needs user namespaces set up")
    peer("runc")
    folder = Path(tempfile.mkdtemp(prefix="pod-", dir="/tmp"))
    settings = folder / "containers.conf"
    settings.write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=1024:2048"]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    )
    places = ["--root", str(folder / "root"), "--runroot", str(folder / "run")]
    program = [peer("podman"), *places, "--storage-driver", "vfs"]
    yield Client(program, {**env, "CONTAINERS_CONF": str(settings)})
    _remove(folder)


def _wait_for(attempt: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while True:
        assert process.poll() is None, "the engine ended"
        try:
            attempt()
        except AssertionError:
            assert time.monotonic() < end, "the engine does not answer"
            time.sleep(0.1)
        else:
            return


def _remove(folder: Path) -> None:
    for mount in Path("/proc/mounts").read_text().splitlines():
        place = mount.split()[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


class TestAws:
    def test_the_four_debugging_commands(self, stack: Stack, aws: Client, new_repository) -> None:
        name, region = new_repository("github-actions-demo-day2"), stack.state.region
        who = json.loads(aws("sts", "get-caller-identity"))
        assert who["Account"] == stack.state.account
        listed = json.loads(aws("ecr", "describe-repositories", "--region", region))
        assert name in [one["repositoryName"] for one in listed["repositories"]]
        at = ("--repository-name", name, "--region", region)
        assert json.loads(aws("ecr", "list-images", *at)) == {"imageIds": []}
        assert "LifecyclePolicyNotFoundException" in aws(
            "ecr", "get-lifecycle-policy", *at, fails=True
        )

    def test_a_missing_repository_and_a_wrong_key_are_named(self, aws: Client) -> None:
        said = aws("ecr", "list-images", "--repository-name", "nowhere", fails=True)
        assert "RepositoryNotFoundException" in said
        other = Client(aws.program, {**aws.env, "AWS_SECRET_ACCESS_KEY": "wrong"})
        assert "ignature" in other("sts", "get-caller-identity", fails=True)

    def test_its_password_logs_skopeo_in(
        self, stack: Stack, aws: Client, skopeo: Client, tmp_path: Path
    ) -> None:
        password = aws("ecr", "get-login-password")
        file = str(tmp_path / "auth.json")
        host = stack.state.ecr_registry
        given = ("--authfile", file, "--username", "AWS", "--password-stdin", host)
        assert "Login Succeeded" in skopeo("login", *given, given=password)
        skopeo("login", *given, given="not-a-password", fails=True)


class TestSkopeo:
    def test_it_lists_and_inspects_the_hub(self, stack: Stack, skopeo: Client) -> None:
        at = f"docker://{stack.state.hub_registry}/acme/shop"
        tags = set(json.loads(skopeo("list-tags", at))["Tags"])
        assert tags == {one.tag for one in stack.hub.list_tags("acme/shop")}
        held = stack.hub.manifest("acme/shop", "latest")
        assert held is not None
        assert skopeo("inspect", "--raw", f"{at}:latest").encode() == held.content

    def test_a_private_repository_wants_the_account(self, stack: Stack, skopeo: Client) -> None:
        at = f"docker://{stack.state.hub_registry}/acme/private-tool:latest"
        skopeo("inspect", "--raw", at)
        skopeo("inspect", "--no-creds", "--raw", at, fails=True)

    @pytest.mark.parametrize(
        ("repository", "tag"), [("acme/shop", "latest"), ("acme/api", "2"), ("library/alpine", "3")]
    )
    def test_it_copies_whole_indexes_and_digests_stay(
        self, stack: Stack, aws: Client, skopeo: Client, new_repository, repository: str, tag: str
    ) -> None:
        name = new_repository(f"skopeo/{repository}")
        source = f"docker://{stack.state.hub_registry}/{repository}:{tag}"
        target = f"docker://{stack.state.ecr_registry}/{name}:{tag}"
        skopeo("copy", "--all", source, target)
        digest = str(stack.hub.resolve(repository, tag))
        at = ("--repository-name", name, "--image-ids", f"imageTag={tag}")
        [seen] = json.loads(aws("ecr", "describe-images", *at))["imageDetails"]
        assert seen["imageDigest"] == digest
        assert skopeo("inspect", "--raw", target) == skopeo("inspect", "--raw", source)

    def test_it_deletes(self, stack: Stack, aws: Client, skopeo: Client, new_repository) -> None:
        name = new_repository("skopeo/deleted")
        target = f"docker://{stack.state.ecr_registry}/{name}:1"
        skopeo("copy", f"docker://{stack.state.hub_registry}/acme/web:0.5.0", target)
        skopeo("inspect", "--raw", target)
        at = ("--repository-name", name, "--image-ids", "imageTag=1")
        assert json.loads(aws("ecr", "batch-delete-image", *at))["failures"] == []
        skopeo("inspect", "--raw", target, fails=True)

    def test_what_it_saves_can_be_seeded(
        self, stack: Stack, skopeo: Client, fresh_stack: Stack, tmp_path: Path
    ) -> None:
        source = f"docker://{stack.state.hub_registry}/acme/shop:latest"
        skopeo("copy", "--all", source, f"oci:{tmp_path}/layout:v9")
        skopeo("copy", source, f"docker-archive:{tmp_path}/image.tar:acme/shop:v9")
        list(seed_from(fresh_stack.hub, tmp_path / "layout", "acme/from-layout"))
        list(seed_from(fresh_stack.hub, tmp_path / "image.tar", None))
        held = fresh_stack.hub.resolve("acme/from-layout", "v9")
        assert held == stack.hub.resolve("acme/shop", "latest")
        at = f"docker://{fresh_stack.state.hub_registry}"
        for name in ("acme/from-layout", "acme/shop"):
            skopeo(
                *("copy", "--src-tls-verify=false", f"{at}/{name}:v9", f"dir:{tmp_path}/{name[5:]}")
            )


class TestDocker:
    def test_login_pull_run_push_and_run_by_digest(
        self, stack: Stack, aws: Client, docker: Client, new_repository
    ) -> None:
        hub, ecr = stack.state.hub_registry, stack.state.ecr_registry
        name = new_repository("docker/shop")
        given = ("--username", "AWS", "--password-stdin", ecr)
        said = docker("login", *given, given=aws("ecr", "get-login-password"))
        assert "Login Succeeded" in said
        image, copy = f"{hub}/acme/shop:latest", f"{ecr}/{name}:latest"
        docker("pull", image)
        run = ("run", "--rm", "--pull", "never", "--network", "none")
        assert docker(*run, image).encode() == LINE
        docker("tag", image, copy)
        docker("push", copy)
        at = ("--repository-name", name)
        [seen] = json.loads(aws("ecr", "describe-images", *at))["imageDetails"]
        assert seen["imageTags"] == ["latest"]
        docker("rmi", "--force", image, copy)
        by_digest = f"{ecr}/{name}@{seen['imageDigest']}"
        docker("pull", by_digest)
        assert docker(*run, by_digest).encode() == LINE

    def test_it_pushes_to_the_hub(self, stack: Stack, docker: Client) -> None:
        hub = stack.state.hub_registry
        docker("pull", f"{hub}/library/alpine:3.20")
        docker("tag", f"{hub}/library/alpine:3.20", f"{hub}/acme/from-docker:1")
        docker("push", f"{hub}/acme/from-docker:1")
        assert [one.tag for one in stack.hub.list_tags("acme/from-docker")] == ["1"]

    def test_wrong_credentials_are_refused(self, stack: Stack, docker: Client, tmp_path) -> None:
        elsewhere = Client(docker.program, {**docker.env, "DOCKER_CONFIG": str(tmp_path)})
        for host, user in ((stack.state.ecr_registry, "AWS"), (stack.state.hub_registry, "acme")):
            given = ("--username", user, "--password-stdin", host)
            elsewhere("login", *given, given="wrong", fails=True)
        elsewhere("pull", f"{stack.state.hub_registry}/acme/private-tool:latest", fails=True)


class TestPodman:
    def test_login_pull_run_push(
        self, stack: Stack, aws: Client, podman: Client, new_repository
    ) -> None:
        hub, ecr = stack.state.hub_registry, stack.state.ecr_registry
        name = new_repository("podman/shop")
        given = ("--username", "AWS", "--password-stdin", ecr)
        podman("login", *given, given=aws("ecr", "get-login-password"))
        image, copy = f"{hub}/acme/shop:latest", f"{ecr}/{name}:1"
        podman("pull", image)
        run = ("run", "--rm", "--pull", "never", "--network", "none")
        assert podman(*run, image).encode() == LINE
        podman("tag", image, copy)
        podman("push", copy)
        at = ("--repository-name", name)
        [seen] = json.loads(aws("ecr", "describe-images", *at))["imageDetails"]
        podman("pull", f"{ecr}/{name}@{seen['imageDigest']}")

    def test_it_pulls_zstd_layers(self, stack: Stack, podman: Client) -> None:
        image = f"{stack.state.hub_registry}/acme/api:latest"
        podman("pull", image)
        run = ("run", "--rm", "--pull", "never", "--network", "none")
        assert podman(*run, image).startswith("acme/api 2.3.2 on linux/amd64")


def test_the_shell_lines_work_in_sh(stack: Stack, env: Mapping[str, str]) -> None:
    """`eval "$(longshore local env)"` in a shell that has an account of its own."""
    theirs = {"AWS_PROFILE": "prod", "AWS_SESSION_TOKEN": "x", "HOME": env["HOME"]}
    theirs["PATH"] = f"{Path(peer('aws')).parent}:{Path(peer('skopeo')).parent}:/usr/bin:/bin"
    script = (
        'eval "$(cat)" && aws sts get-caller-identity --query Account --output text'
        ' && skopeo inspect --format "{{.Name}}" "docker://$HUB_REGISTRY/acme/web:latest"'
    )
    ran = subprocess.run(
        ["sh", "-euc", script],
        env=theirs,
        input=shell_lines(stack.state.env()).encode(),
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    wanted = [stack.state.account, f"{stack.state.hub_registry}/acme/web"]
    assert ran.stdout.decode().split() == wanted, ran.stderr.decode()
