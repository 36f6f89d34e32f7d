"""skopeo with the keys of a pusher and of a puller, and nothing else, at the embedded ECR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.embedded.aws_world import ACCOUNT, REGION, World
from tests.embedded.test_aws_peers import NAME, Shell, day2, layout, login
from tests.embedded.test_ecr_access import user

from longshore.embedded.ecr_access import Checked
from longshore.policy.access.roles import Role, Scope, actions_of, role_policy

pytestmark = pytest.mark.peer
__all__ = ["day2"]


def shell_of(world: World, role: Role, folder: Path) -> Shell:
    """A shell whose AWS key is that of a user with the role's policy."""
    folder.mkdir()
    key = user(
        world, f"skopeo-{role}", role_policy(role, Scope("aws", REGION, ACCOUNT, (NAME,)))
    ).key
    shell = Shell(world, folder)
    shell.env |= {"AWS_ACCESS_KEY_ID": key.access_key, "AWS_SECRET_ACCESS_KEY": key.secret_key}
    login(shell, world.registry, "skopeo", "--tls-verify=false")
    return shell


def test_a_push_and_a_pull_by_skopeo(
    day2: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[Checked] = []
    monkeypatch.setattr(day2.aws.access, "on_check", heard.append)
    where = f"docker://{day2.registry}/{NAME}"
    pusher = shell_of(day2, "push", tmp_path / "pusher")
    layout(tmp_path / "pusher" / "layout", day2)
    pusher.ok(f"skopeo copy --all --dest-tls-verify=false oci:layout:it {where}:v1")
    puller = shell_of(day2, "pull", tmp_path / "puller")
    puller.ok(f"skopeo copy --all --src-tls-verify=false {where}:v1 oci:back:it")
    assert [one for one in heard if not one.allowed] == []
    _only(heard, "push", "pull")
    refused = puller.run(f"skopeo copy --all --dest-tls-verify=false oci:back:it {where}:v2")
    assert refused.returncode != 0
    assert "is not authorized to perform: ecr:InitiateLayerUpload" in refused.stderr or (
        "is not authorized to perform: ecr:PutImage" in refused.stderr
    )
    refused = pusher.run(f"skopeo delete --tls-verify=false {where}:v1")
    assert "is not authorized to perform: ecr:BatchDeleteImage" in refused.stderr
    tags: Any = day2.client().list_images(repositoryName=NAME)["imageIds"]
    assert {one.get("imageTag") for one in tags} >= {"v1", "main-abc1234"}


def _only(heard: list[Checked], *roles: Role) -> None:
    for role in roles:
        asked = {one.action for one in heard if one.caller.endswith(f"/skopeo-{role}")}
        assert asked
        assert asked <= actions_of(role)
