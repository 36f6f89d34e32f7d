"""simulate --preview: ECR's own preview beside ours, on the embedded ECR."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import RunCli
from tests.cli.test_lifecycle_simulate import fill, newest, untagged, write_policy
from tests.embedded.aws_world import OCI, World, descriptor


@pytest.fixture(autouse=True)
def _quick(account: World) -> None:
    """Previews are done in a moment."""
    account.aws.ecr.preview_takes_s = 0.05


def sign(account: World) -> None:
    """A signature of v1: untagged, with a subject."""
    image = account.client().batch_get_image(repositoryName="shop", imageIds=[{"imageTag": "v1"}])[
        "images"
    ][0]
    subject = descriptor(OCI, image["imageManifest"].encode())
    account.push("shop", "signature", subject=subject, artifactType="application/vnd.test.sig")


def test_it_agrees(account: World, cli: RunCli) -> None:
    fill(account)
    write_policy(newest("v*", 1), untagged(5))
    done = cli("lifecycle", "simulate", "shop", "--policy", "policy.json", "--preview", "--json")
    assert done.code == 0, done.err
    preview = done.json["preview"]
    assert (preview["status"], preview["equal"], preview["expiring"]) == ("COMPLETE", True, 1)
    words = cli("lifecycle", "simulate", "shop", "--policy", "policy.json", "--preview").out
    assert "ECR'S PREVIEW agrees: acts on 1, by the same rules" in words


def test_of_the_policy_in_force(account: World, cli: RunCli) -> None:
    fill(account)
    found = cli("lifecycle", "simulate", "shop", "--preview", "--json").json
    assert found["preview"]["equal"]


def test_it_differs_and_the_reading_is_named(account: World, cli: RunCli) -> None:
    fill(account)
    sign(account)
    selection = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
    write_policy((selection, "expire"))
    words = ("lifecycle", "simulate", "shop", "--policy", "policy.json", "--preview")
    assert cli(*words, "--json").json["preview"]["equal"]
    other = (*words, "--reading", "referrers=ordinary")
    preview = cli(*other, "--json").json["preview"]
    assert not preview["equal"]
    assert preview["differences"]
    assert all(one["ours"]["reason"] for one in preview["differences"])
    assert {"referrers": "follow"}.items() <= preview["readings_that_fit"][0].items()
    done = cli(*other)
    assert "ECR'S PREVIEW differs; images on which it does: " in done.out
    assert "with the usual readings there is no difference" in done.out
    assert "ECR:  " in done.out
    assert "here: " in done.out


def test_one_that_runs_already_is_waited_for(account: World, cli: RunCli) -> None:
    fill(account)
    account.client().start_lifecycle_policy_preview(repositoryName="shop")
    done = cli("lifecycle", "simulate", "shop", "--preview")
    assert done.code == 0, done.err
    assert "ECR'S PREVIEW agrees" in done.out


def test_without_the_permission(
    account: World, cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(account)
    iam = account.client("iam")
    iam.create_user(UserName="reader")
    reads = [
        *("ecr:DescribeImages", "ecr:GetLifecyclePolicy", "ecr:GetAuthorizationToken"),
        *("ecr:BatchGetImage", "ecr:GetLifecyclePolicyPreview"),
    ]
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": reads, "Resource": "*"}],
    }
    iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    done = cli("lifecycle", "simulate", "shop", "--preview", "--json")
    assert done.code == 1
    assert done.json["iam_action"] == "ecr:StartLifecyclePolicyPreview"


def test_the_whole_registry(account: World, cli: RunCli) -> None:
    fill(account)
    account.client().create_repository(repositoryName="bare")
    found = cli("lifecycle", "simulate", "--all", "--preview", "--json").json
    told = {one["repository"]: "preview" in one for one in found["repositories"]}
    assert told == {"shop": True, "bare": False}
