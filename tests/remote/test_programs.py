"""kubectl, and a command of the user's, as places of use; the programs are scripts on PATH."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from longshore.facts import Endpoint, InUse
from longshore.oci.digest import digest_of
from longshore.remote.kubernetes import RESOURCES, ClusterLook, read_cluster
from longshore.remote.programs import read_printed_images, run_program
from longshore.remote.workloads import watch

HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
WATCHED = watch(Endpoint("ecr", "123456789012", "ap-northeast-2", HOST))
D1, D2 = digest_of(b"1"), digest_of(b"2")


def program(folder: Path, name: str, script: str) -> dict[str, str]:
    """A program on the PATH of the environment that is given back."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def item(kind: str, name: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": kind, "metadata": about, "spec": spec, **more}


def pods(*images: str) -> dict[str, Any]:
    return {"containers": [{"name": f"c{n}", "image": one} for n, one in enumerate(images)]}


def template(*images: str) -> dict[str, Any]:
    return {"template": {"metadata": {}, "spec": pods(*images)}}


ITEMS = [
    item(
        "Pod",
        "web-1",
        {**pods(f"{HOST}/shop:v2"), "initContainers": [{"name": "i", "image": f"{HOST}/init:1"}]},
        status={
            "containerStatuses": [
                {
                    "name": "c0",
                    "image": f"{HOST}/shop:v2",
                    "imageID": f"docker-pullable://{HOST}/shop@{D1}",
                }
            ],
            "initContainerStatuses": [
                {"name": "i", "image": f"{HOST}/init:1", "imageID": f"{HOST}/init@{D2}"}
            ],
        },
    ),
    item(
        "Pod",
        "old-runtime",
        pods(f"{HOST}/shop:v1"),
        status={"containerStatuses": [{"image": f"{HOST}/shop:v1", "imageID": D2}]},
    ),
    item("Deployment", "web", {"replicas": 2, **template(f"{HOST}/shop:v2", "nginx:1")}),
    item("ReplicaSet", "web-7", {"replicas": 0, **template(f"{HOST}/shop:v0")}),
    item("CronJob", "nightly", {"jobTemplate": {"spec": template(f"{HOST}/jobs:3")}}),
    item("ControllerRevision", "db-1", {}, data={"spec": template(f"{HOST}/db:4")}),
    {"kind": "Pod"},
    "nonsense",
]
LIST = {"apiVersion": "v1", "kind": "List", "items": ITEMS}


def test_a_cluster_tells_what_runs_and_what_would_run(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text(json.dumps(LIST))
    environ = program(
        tmp_path, "kubectl", f'printf "%s\\n" "$@" > {tmp_path}/asked; cat {tmp_path}/answer.json'
    )
    found = read_cluster(ClusterLook("prod", "kube.conf", environ, str(tmp_path)), WATCHED)
    assert found.unread == ()
    assert {(use.repository, use.digest, use.tag, use.where) for use in found.uses} == {
        ("shop", D1, None, "prod: Pod shop/web-1"),
        ("init", D2, None, "prod: Pod shop/web-1"),
        ("shop", None, "v2", "prod: Pod shop/web-1"),
        ("init", None, "1", "prod: Pod shop/web-1"),
        ("shop", None, "v1", "prod: Pod shop/old-runtime"),
        ("shop", None, "v2", "prod: Deployment shop/web"),
        ("shop", None, "v0", "prod: ReplicaSet shop/web-7 (for a rollback)"),
        ("jobs", None, "3", "prod: CronJob shop/nightly"),
        ("db", None, "4", "prod: ControllerRevision shop/db-1 (for a rollback)"),
    }
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [
        *("--context=prod", "--kubeconfig=kube.conf", "--request-timeout=60s"),
        *("get", ",".join(RESOURCES), "-A", "-o", "json"),
    ]


def test_a_context_is_never_an_option(tmp_path: Path) -> None:
    environ = program(tmp_path, "kubectl", f'printf "%s\\n" "$1" > {tmp_path}/asked; exit 1')
    read_cluster(ClusterLook("--raw=/x; touch y", "", environ, str(tmp_path)), WATCHED)
    assert (tmp_path / "asked").read_text() == "--context=--raw=/x; touch y\n"


@pytest.mark.parametrize(
    ("script", "uses", "why"),
    [
        ("echo 'error: context \"prod\" does not exist' >&2; exit 1", 0, "does not exist"),
        ("echo not json", 0, "not a list in JSON"),
        ("echo '[]'", 0, "not a list in JSON"),
        ("echo '{\"items\": {}}'", 0, "not a list in JSON"),
    ],
)
def test_a_cluster_that_cannot_be_read(tmp_path: Path, script: str, uses: int, why: str) -> None:
    environ = program(tmp_path, "kubectl", script)
    found = read_cluster(ClusterLook("prod", "", environ, str(tmp_path)), WATCHED)
    assert len(found.uses) == uses
    (unread,) = found.unread
    assert (unread.by, unread.where) == ("kubernetes", "prod")
    assert why in unread.why


def test_what_kubectl_may_read_counts_beside_what_it_may_not(tmp_path: Path) -> None:
    one = json.dumps({"items": [ITEMS[2]]})
    (tmp_path / "answer.json").write_text(one)
    script = f"cat {tmp_path}/answer.json; echo 'Error from server (Forbidden)' >&2; exit 1"
    environ = program(tmp_path, "kubectl", script)
    found = read_cluster(ClusterLook("", "", environ, str(tmp_path)), WATCHED)
    assert [use.tag for use in found.uses] == ["v2"]
    assert "Forbidden" in found.unread[0].why


def test_no_kubectl_is_unread(tmp_path: Path) -> None:
    found = read_cluster(ClusterLook("p", "", {"PATH": str(tmp_path)}, str(tmp_path)), WATCHED)
    assert "kubectl is not there" in found.unread[0].why


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    environ = program(tmp_path, "slow", "exec sleep 600")
    done = run_program(["slow"], environ, str(tmp_path), 0.2)
    assert "did not end within 0 s" in done.why


def test_a_command_prints_images_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(
        f"# what runs\n\n{HOST}/shop:v1\n  {HOST}/shop@{D1}  \nnginx:1\ntwo words\nUPPER/case:1:2\n"
    )
    environ = program(tmp_path, "in-use", f"cat {tmp_path}/list")
    found = read_printed_images(["in-use"], environ, str(tmp_path), WATCHED)
    assert found.uses == (
        InUse("shop", "command", "in-use, line 3", None, "v1"),
        InUse("shop", "command", "in-use, line 4", D1, None),
    )
    assert [one.where for one in found.unread] == ["in-use, line 6", "in-use, line 7"]


def test_a_command_gets_its_arguments_as_they_are_and_no_shell(tmp_path: Path) -> None:
    environ = program(tmp_path, "in-use", f'printf "%s\\n" "$1" > {tmp_path}/asked')
    argv = ["in-use", f"a b; touch {tmp_path}/made"]
    assert read_printed_images(argv, environ, str(tmp_path), WATCHED).uses == ()
    assert (tmp_path / "asked").read_text() == f"a b; touch {tmp_path}/made\n"
    assert not (tmp_path / "made").exists()


def test_a_command_that_fails_is_unread_and_what_it_printed_counts(tmp_path: Path) -> None:
    environ = program(tmp_path, "in-use", f"echo {HOST}/shop:v1; echo no host >&2; exit 7")
    found = read_printed_images(["in-use"], environ, str(tmp_path), WATCHED)
    assert [use.tag for use in found.uses] == ["v1"]
    assert [one.why for one in found.unread] == ["in-use ended with 7: no host"]
