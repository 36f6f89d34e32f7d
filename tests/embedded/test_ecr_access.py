"""IAM at both doors of the embedded ECR: what a policy allows works, the rest is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.embedded.aws_world import ACCOUNT, OCI, REGION, World, digest_of, running

from longshore.embedded.aws import RootKey
from longshore.policy.access.roles import Role, Scope, role_policy

SCOPE = Scope("aws", REGION, ACCOUNT, ("shop",))
ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("access")
    with running(folder) as one:
        for name in ("shop", "other"):
            one.client().create_repository(repositoryName=name)
        manifest = one.manifest("shop", "first")
        one.client().put_image(
            repositoryName="shop", imageManifest=manifest.decode(), imageTag="v1"
        )
        yield one


@dataclass
class User:
    """A user of the embedded IAM with a key of its own."""

    world: World
    key: RootKey

    @property
    def ecr(self) -> Any:
        return self.world.client(key=self.key)

    def password(self) -> str:
        data = self.ecr.get_authorization_token()["authorizationData"][0]
        return base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]


def user(world: World, name: str, *policies: dict[str, Any]) -> User:
    iam = world.client("iam")
    iam.create_user(UserName=name)
    for place, document in enumerate(policies):
        iam.put_user_policy(
            UserName=name, PolicyName=f"p{place}", PolicyDocument=json.dumps(document)
        )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return User(world, RootKey(key["AccessKeyId"], key["SecretAccessKey"]))


def of_role(world: World, role: Role, name: str = "") -> User:
    return user(world, name or f"a-{role}", role_policy(role, SCOPE))


def refused(call: Any, **values: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**values)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    return str(caught.value.response["Error"]["Message"])


def test_push_only_pushes_and_does_not_delete(world: World) -> None:
    pusher = of_role(world, "push")
    manifest = world.manifest("shop", "pushed")
    pusher.ecr.put_image(repositoryName="shop", imageManifest=manifest.decode(), imageTag="v2")
    message = refused(
        pusher.ecr.batch_delete_image, repositoryName="shop", imageIds=[{"imageTag": "v2"}]
    )
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/a-push is not authorized to perform: "
        f"ecr:BatchDeleteImage on resource: {ARN} because no identity-based policy allows the "
        "ecr:BatchDeleteImage action"
    )
    manifest = world.manifest("other", "pushed")
    refused(pusher.ecr.put_image, repositoryName="other", imageManifest=manifest.decode())


def test_pull_only_over_the_registry_protocol(world: World) -> None:
    puller = of_role(world, "pull")
    password = puller.password()
    assert world.v2("GET", "/v2/", password=password).status == 200
    found = world.v2("GET", "/v2/shop/manifests/v1", password=password)
    assert found.status == 200
    layer = json.loads(found.data)["layers"][0]["digest"]
    assert world.v2("GET", f"/v2/shop/blobs/{layer}", password=password).status == 307
    for method, path in (
        ("POST", "/v2/shop/blobs/uploads/"),
        ("PUT", "/v2/shop/manifests/v9"),
        ("DELETE", "/v2/shop/manifests/v1"),
        ("GET", "/v2/shop/tags/list"),
        ("GET", "/v2/other/manifests/v1"),
    ):
        answer = world.v2(method, path, b"{}", {"Content-Type": OCI}, password=password)
        assert (answer.status, answer.json()["errors"][0]["code"]) == (403, "DENIED"), path
        assert "is not authorized to perform: ecr:" in answer.json()["errors"][0]["message"]


def test_a_mount_reads_from_its_source(world: World) -> None:
    pusher = of_role(world, "push", "mounter")
    digest = world.layer("other", b"a layer of another team")
    asked = f"/v2/shop/blobs/uploads/?mount={digest}&from=other"
    answer = world.v2("POST", asked, password=pusher.password())
    assert answer.status == 403
    assert "GetDownloadUrlForLayer" in answer.json()["errors"][0]["message"]


def test_who_has_no_policy_gets_no_password(world: World) -> None:
    nobody = user(world, "nobody")
    message = refused(nobody.ecr.get_authorization_token)
    assert "on resource: * because no identity-based policy" in message


def test_missing_repositories_are_not_told_to_strangers(world: World) -> None:
    puller = of_role(world, "pull", "asker")
    refused(puller.ecr.describe_images, repositoryName="is-there-one")


def test_groups_and_attached_policies_count(world: World) -> None:
    iam = world.client("iam")
    member = user(world, "member")
    document = json.dumps(role_policy("monitor", SCOPE))
    arn = iam.create_policy(PolicyName="look", PolicyDocument=document)["Policy"]["Arn"]
    iam.create_group(GroupName="lookers")
    iam.attach_group_policy(GroupName="lookers", PolicyArn=arn)
    refused(member.ecr.describe_images, repositoryName="shop")
    iam.add_user_to_group(GroupName="lookers", UserName="member")
    assert member.ecr.describe_images(repositoryName="shop")["imageDetails"]


def test_a_deny_of_the_repository_stops_everybody(world: World) -> None:
    world.client().create_repository(repositoryName="locked")
    deny = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "ecr:PutImage",
                "Condition": {"StringNotEquals": {"aws:username": "releaser"}},
            }
        ],
    }
    world.client().set_repository_policy(repositoryName="locked", policyText=json.dumps(deny))
    manifest = world.manifest("locked", "one").decode()
    wide = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}],
    }
    releaser, other = user(world, "releaser", wide), user(world, "wide", wide)
    put = {"repositoryName": "locked", "imageManifest": manifest, "imageTag": "v1"}
    assert "explicit deny in a resource-based policy" in refused(other.ecr.put_image, **put)
    assert "explicit deny" in refused(world.client().put_image, **put)
    releaser.ecr.put_image(**put)


def test_a_role_is_limited_by_its_boundary_and_session(world: World) -> None:
    iam, sts = world.client("iam"), world.client("sts")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
    edge = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ecr:Describe*", "Resource": "*"}],
    }
    boundary = iam.create_policy(PolicyName="edge", PolicyDocument=json.dumps(edge))["Policy"]
    iam.create_role(
        RoleName="bound",
        AssumeRolePolicyDocument=json.dumps(trust),
        PermissionsBoundary=boundary["Arn"],
    )
    wide = {**edge, "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="bound", PolicyName="wide", PolicyDocument=json.dumps(wide))
    arn = f"arn:aws:iam::{ACCOUNT}:role/bound"

    def assume(**more: Any) -> Any:
        found = sts.assume_role(RoleArn=arn, RoleSessionName="run", **more)["Credentials"]
        key = RootKey(found["AccessKeyId"], found["SecretAccessKey"])
        return world.client(key=key, token=found["SessionToken"])

    ecr = assume()
    assert ecr.describe_repositories()["repositories"]
    assert "no permissions boundary allows" in refused(
        ecr.batch_delete_image, repositoryName="shop", imageIds=[{"imageTag": "v1"}]
    )
    only = {**edge, "Statement": [{"Effect": "Allow", "Action": "ecr:List*", "Resource": "*"}]}
    narrow = assume(Policy=json.dumps(only))
    assert "no session policy allows" in refused(narrow.describe_repositories)


def test_tags_of_repository_and_request_are_conditions(world: World) -> None:
    by_team = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "ecr:DescribeImages",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}},
            },
            {
                "Effect": "Allow",
                "Action": "ecr:CreateRepository",
                "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/red/*",
                "Condition": {"StringEquals": {"aws:RequestTag/team": "red"}},
            },
        ],
    }
    red = user(world, "red", by_team)
    make = red.ecr.create_repository
    refused(make, repositoryName="red/app")
    refused(make, repositoryName="blue/app", tags=[{"Key": "team", "Value": "red"}])
    make(repositoryName="red/app", tags=[{"Key": "team", "Value": "red"}])
    assert red.ecr.describe_images(repositoryName="red/app")["imageDetails"] == []
    refused(red.ecr.describe_images, repositoryName="shop")


def test_policies_outlive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        first.client().create_repository(repositoryName="shop")
        key = of_role(first, "monitor").key
    with running(tmp_path) as again:
        monitor = User(again, key)
        assert monitor.ecr.describe_images(repositoryName="shop")["imageDetails"] == []
        refused(monitor.ecr.delete_repository, repositoryName="shop")


def test_digests_are_those_of_the_bytes(world: World) -> None:
    """The pusher reads back what it pushed: BatchGetImage belongs to pushing."""
    pusher = of_role(world, "push", "reader")
    found = pusher.ecr.batch_get_image(repositoryName="shop", imageIds=[{"imageTag": "v1"}])
    image = found["images"][0]
    assert digest_of(image["imageManifest"].encode()) == image["imageId"]["imageDigest"]
