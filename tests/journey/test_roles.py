"""Each role's policy, proven by running the verbs that it is for as a user who has nothing else.

What they ask of ECR is recorded where the embedded ECR decides: nothing may be denied, and every
action of the document is asked for by a verb or stands in `REASONS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore.session
import pytest
import urllib3

from longshore.embedded.ecr_access import Checked
from longshore.oci.digest import digest_of
from longshore.oci.manifest import OCI_MANIFEST
from longshore.policy.access.roles import IN_USE_ROLES, ROLES, Role, Scope, actions_of, role_policy
from longshore.remote import ecs, functions
from tests.journey.images import CONFIG as CONFIG_TYPE
from tests.journey.images import Shelf, company, entry
from tests.journey.lab import ACCOUNT, REGION, Lab

SCOPE = Scope("aws", REGION, ACCOUNT, ("app", "new"))
IMAGES = "from: docker.io/acme/app, to: app"
CONFIG = """repositories:
  app:
    mutability: mutable
    scan: on-push
    lifecycle: {preset: standard}
    access: {push: ["210987654321"]}
    tags: {team: red}
registry: {blob_mounting: true}
"""
CHANGED = """repositories:
  app: {mutability: immutable, scan: off, lifecycle: none, access: {}, tags: {cost: blue}}
registry: {blob_mounting: false}
"""
BUILD = (
    "--event",
    "push",
    "--ref",
    "refs/heads/main",
    "--sha",
    "0123456789abcdef" * 2 + "01234567",
)
SCANNED = 1  # there is no vulnerability data here, so nothing counts as checked

# The verbs of each role, with the exit code that is right; REGISTRY is the embedded one.
VERBS: dict[Role, tuple[tuple[int, tuple[str, ...]], ...]] = {
    "push": (
        (0, ("login",)),
        (0, ("tags", "compute", *BUILD)),
        (0, ("sync",)),
        (0, ("sync",)),
        (0, ("copy", "oci:./out:v1", "REGISTRY/app:built")),
        (0, ("copy", "REGISTRY/app:v1.0.0", "REGISTRY/app:again")),
        (0, ("copy", "REGISTRY/app:v2.0.0", "REGISTRY/new:v1")),
        (0, ("verify",)),
        (0, ("tags", "ls", "app")),
        (SCANNED, ("scan", "gate", "app:v1.0.0", "--wait", "0")),
    ),
    "pull": ((0, ("login",)),),
    "deployer": (
        (0, ("tags", "ls", "app")),
        (0, ("tags", "show", "app:v1.0.0")),
        (0, ("tags", "protect", "app", "v1.0.0", "--yes")),
        (SCANNED, ("scan", "gate", "app:v1.0.0", "--start", "--wait", "0")),
        (SCANNED, ("scan", "run", "app:v1.1.0", "--wait", "0")),
    ),
    "provisioner": (
        (0, ("plan",)),
        (0, ("apply", "--only", "aws", "--yes")),
        (0, ("plan",)),
        (0, ("status",)),
        (0, ("repo", "create", "new", "--yes")),
        (0, ("repo", "show", "app")),
        (0, ("lifecycle", "lint", "app")),
        (0, ("lifecycle", "simulate", "app", "--preview")),
        (0, ("lifecycle", "apply", "app", "--yes")),
    ),
    "monitor": (
        (0, ("repo", "ls")),
        (0, ("repo", "show", "app")),
        (0, ("tags", "ls", "app")),
        (0, ("tags", "show", "app:v1.0.0")),
        (0, ("status",)),
        (0, ("plan",)),
        (0, ("lifecycle", "simulate", "app")),
        (0, ("lifecycle", "explain", "app:v1.0.0")),
        (0, ("lifecycle", "lint", "--all")),
        (SCANNED, ("scan", "report", "app:v1.0.0")),
        (0, ("monitor", "publish", "--yes")),
    ),
    "cleaner": (
        (0, ("lifecycle", "prune", "app", "--dry-run")),
        (0, ("lifecycle", "prune", "--all", "--dry-run")),
        (0, ("lifecycle", "prune", "app", "--tags", "v*", "--keep-newest", "1", "--yes",
             "--at-most", "100%")),
    ),
}  # fmt: skip

_SETTING = "scanning is a setting of the whole registry; ECR gives up the one per repository"
_EMPTY = "asked only when DescribeImages shows nothing, before that is believed"
_CLI = "people look with `aws ecr list-images`; it shows less than DescribeImages"
# Actions of a document that none of the above asks for, each with the reason why it is there.
REASONS: dict[Role, dict[str, str]] = {
    "push": {},
    "pull": {},
    "deployer": {},
    "provisioner": {
        "ecr:GetRegistryScanningConfiguration": _SETTING,
        "ecr:ListImages": _EMPTY,
        "ecr:PutRegistryScanningConfiguration": _SETTING,
    },
    "monitor": {"ecr:ListImages": _CLI},
    "cleaner": {"ecr:ListImages": _CLI},
}


@dataclass
class Heard:
    """What was asked of ECR by one user."""

    allowed: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)


@contextmanager
def acting_as(lab: Lab, name: str, document: dict[str, Any]) -> Iterator[Heard]:
    """The command lines within run with the key of a user who has this policy and no other."""
    state = lab.stack.state
    iam = botocore.session.Session().create_client(
        "iam",
        region_name=REGION,
        endpoint_url=state.aws_endpoint,
        aws_access_key_id=state.access_key,
        aws_secret_access_key=state.secret_key,
    )
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="it", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    heard = Heard()

    def hear(checked: Checked) -> None:
        assert checked.caller.endswith(f":user/{name}")
        (heard.allowed if checked.allowed else heard.denied).add(checked.action)

    before = dict(lab.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lab.stack.aws.access, "on_check", hear)
        lab.environ |= {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(variable, lab.environ[variable])
        yield heard
    lab.environ.clear()
    lab.environ |= before


def prepare(lab: Lab, role: Role) -> None:
    """Repositories and images for the role to work on, made by the account's root."""
    company(lab.hub)
    # A second scan within a day is refused, and the SDK tries again and again: none on push.
    lab.write(IMAGES, text=CONFIG.replace("on-push", "off") if role == "deployer" else CONFIG)
    if role == "provisioner":
        return
    lab.done("apply", "--only", "aws", "--yes")
    lab.done("repo", "create", "new", "--yes")
    if role != "push":
        lab.done("sync")
        return
    lab.ecr.create_repository("elsewhere", {})
    hub = lab.stack.state.hub_registry
    lab.done("copy", f"{hub}/acme/app:v1.0.0", "oci:./out:v1")


class Docker:
    """What docker does at a registry, with a key's password and no more."""

    def __init__(self, lab: Lab) -> None:
        session = botocore.session.Session()
        ecr = session.create_client(
            "ecr", region_name=REGION, endpoint_url=lab.stack.state.aws_endpoint
        )
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        self._headers = {"Authorization": f"Basic {token}"}
        self._http = urllib3.PoolManager(retries=False)
        self._origin = f"http://{lab.stack.state.ecr_registry}"

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> Any:
        headers = {**self._headers, **({"Content-Type": kind} if kind else {})}
        where = path if path.startswith("http") else self._origin + path
        return self._http.request(method, where, body=body, headers=headers, redirect=False)

    def pull(self, name: str, tag: str) -> list[int]:
        found = self.ask("GET", f"/v2/{name}/manifests/{tag}")
        blobs = [one["digest"] for one in found.json()["layers"]]
        paths = [f"/v2/{name}/blobs/{digest}" for digest in blobs]
        return [
            found.status,
            *(self.ask(verb, one).status for one in paths for verb in ("HEAD", "GET")),
        ]

    def push(self, name: str, tag: str) -> list[int]:
        """A layer in two pieces, a config, a manifest; their statuses."""
        parts = [entry(tag.encode() * 99), entry(b"{}", CONFIG_TYPE)]
        found = [self._upload(name, content) for content in (tag.encode() * 99, b"{}")]
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": parts[1],
            "layers": parts[:1],
        }
        put = self.ask(
            "PUT", f"/v2/{name}/manifests/{tag}", json.dumps(document).encode(), OCI_MANIFEST
        )
        return [
            self.ask("HEAD", f"/v2/{name}/blobs/{parts[0]['digest']}").status,
            *found,
            put.status,
        ]

    def _upload(self, name: str, content: bytes) -> int:
        begun = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        sent = self.ask("PATCH", self._place(begun), content, "application/octet-stream")
        mark = "&" if "?" in self._place(sent) else "?"
        done = self.ask("PUT", f"{self._place(sent)}{mark}digest={digest_of(content)}")
        return int(done.status)

    @staticmethod
    def _place(answer: Any) -> str:
        assert answer.status in (201, 202), answer.data
        return str(answer.headers["Location"])


def run(lab: Lab, argv: tuple[str, ...]) -> Any:
    registry = lab.stack.state.ecr_registry
    return lab(*(one.replace("REGISTRY", registry) for one in argv))


@pytest.mark.parametrize("role", ROLES)
def test_the_role_is_what_its_verbs_need(lab: Lab, role: Role) -> None:
    prepare(lab, role)
    with acting_as(lab, f"a-{role}", role_policy(role, SCOPE)) as heard:
        for code, argv in VERBS[role]:
            done = run(lab, argv)
            assert done.code == code, f"{argv}\n{done.out}{done.err}"
            assert heard.denied == set(), argv
        _more(lab, role)
        assert heard.denied == set()
    ours = {one for one in actions_of(role) if one.startswith("ecr:")}
    assert heard.allowed <= ours
    assert ours - heard.allowed == set(REASONS[role])


def _more(lab: Lab, role: Role) -> None:
    """What other programs, and a second plan, do with the role."""
    if role == "provisioner":
        shelf = Shelf(lab.ecr, "app")
        shelf.index({"linux/amd64": shelf.image(b"a layer")}, tags=("v1",))
        done = lab("lifecycle", "lint", "app")
        assert done.code == 0, done.out + done.err
        lab.write(IMAGES, text=CHANGED)
        done = lab("apply", "--only", "aws", "--yes")
        assert done.code == 0, done.out + done.err
    elif role in ("push", "pull"):
        docker = Docker(lab)
        if role == "push":
            assert set(docker.push("app", "built-1")) == {200, 201}
        assert set(docker.pull("app", "v1.0.0")) <= {200, 307}


@pytest.mark.parametrize(
    ("role", "argv", "action"),
    [
        ("pull", ("tags", "ls", "app"), "ecr:DescribeImages"),
        ("push", ("repo", "show", "app"), "ecr:GetLifecyclePolicy"),
        ("deployer", ("lifecycle", "apply", "app", "--yes"), "ecr:DescribeRepositories"),
        ("monitor", ("tags", "protect", "app", "v1.0.0", "--yes"), "ecr:PutImage"),
        ("cleaner", ("tags", "protect", "app", "v1.0.0", "--yes"), "ecr:PutImage"),
    ],
)  # fmt: skip
def test_what_it_is_not_for_is_refused_and_named(
    lab: Lab, role: Role, argv: tuple[str, ...], action: str
) -> None:
    prepare(lab, "monitor")
    before = lab.held("app")
    with acting_as(lab, f"no-{role}", role_policy(role, SCOPE)) as heard:
        done = run(lab, (*argv, "--json"))
    assert done.code == 1, done.out
    assert heard.denied
    assert action in done.out
    assert lab.held("app") == before


@pytest.mark.parametrize("role", IN_USE_ROLES)
def test_in_use_is_what_ecs_and_lambda_are_asked(role: Role) -> None:
    asked = {*ecs.IAM_ACTIONS.values(), *functions.IAM_ACTIONS.values()}
    assert actions_of(role, in_use=True) - actions_of(role) == asked
    scope = Scope("aws", REGION, ACCOUNT, ("app",), in_use=True)
    (what_runs,) = [
        one for one in role_policy(role, scope)["Statement"] if "WhatRuns" in one["Sid"]
    ]
    assert set(what_runs["Action"]) == asked


def test_the_account_itself_is_not_recorded(lab: Lab) -> None:
    """The proof counts decisions about users; the root needs none."""
    heard: list[Checked] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lab.stack.aws.access, "on_check", heard.append)
        assert lab("repo", "ls").code == 0
    assert heard == []
