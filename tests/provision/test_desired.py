"""From config and target to what ought to be."""

from __future__ import annotations

import json

import pytest

from longshore.errors import ConfigError
from longshore.policy.lifecycle.grammar import find_flaws
from longshore.policy.lifecycle.preset import canonical_text, standard_policy
from longshore.provision.access import PULL_ACTIONS, PUSH_ACTIONS, partition_of
from longshore.provision.config import parse_config
from longshore.provision.desired import desired
from longshore.provision.resources import (
    MANAGED,
    AccountSetting,
    Desired,
    LifecyclePolicy,
    Note,
    Repository,
    RepositoryPolicy,
    Resource,
)

HEAD = """\
version: 1
targets:
  prod: {kind: ecr, account: "123456789012", region: ap-northeast-2}
  china: {kind: ecr, account: "123456789012", region: cn-north-1}
"""


def want(text: str, target: str = "prod", **files: str) -> Desired:
    config = parse_config(HEAD + text)
    return desired(config, config.target(target), {f"{n}.json": t for n, t in files.items()})


def of(made: Desired, kind: str) -> list[Resource]:
    return [resource for resource in made.resources if resource.kind == kind]


def test_settings_become_ecrs_words() -> None:
    made = want(
        """
repositories:
  shop:
    mutability: {default: immutable, except: [pr-*, latest]}
    scan: on-push
    encryption: {kms: {key: alias/x}}
    tags: {team: web}
"""
    )
    assert made.resources == (
        Repository(
            "shop",
            "IMMUTABLE_WITH_EXCLUSION",
            ("latest", "pr-*"),
            True,
            "KMS",
            "alias/x",
            (MANAGED, ("team", "web")),
        ),
    )
    assert made.place.account == "123456789012"


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("mutable", "MUTABLE"),
        ("immutable", "IMMUTABLE"),
        ("{default: mutable, except: ['v*']}", "MUTABLE_WITH_EXCLUSION"),
        ("{default: mutable, except: []}", "MUTABLE"),
    ],
)
def test_mutability(written: str, word: str) -> None:
    (made,) = want(f"repositories: {{shop: {{mutability: {written}}}}}").resources
    assert isinstance(made, Repository)
    assert made.mutability == word


def test_repositories_that_images_are_copied_into_exist_too() -> None:
    made = want(
        "images: [{from: a/one}, {from: a/two, to: shop}, {from: prom/x, mode: cache}]\n"
        "repositories: {shop: {scan: off}}\n"
    )
    assert made.resources == (Repository("a/one"), Repository("shop", scan_on_push=False))
    assert [note.resource for note in made.notes] == ["ecr/pull-through-cache/docker.io/prom/x"]


def lifecycle(written: str, **files: str) -> LifecyclePolicy | None:
    found = of(want(f"repositories: {{shop: {{{written}}}}}", **files), "lifecycle")
    assert all(isinstance(one, LifecyclePolicy) for one in found)
    return found[0] if found else None  # type: ignore[return-value]


def test_lifecycles() -> None:
    standard = canonical_text(standard_policy())
    assert lifecycle("") is None
    assert lifecycle("lifecycle: none") == LifecyclePolicy("shop", None)
    assert lifecycle("lifecycle: {preset: standard}") == LifecyclePolicy("shop", standard)
    loose = json.dumps(standard_policy(), indent=4)
    assert lifecycle("lifecycle: {file: p.json}", p=loose) == LifecyclePolicy("shop", standard)
    made = lifecycle('lifecycle: {keep: {"v*": 3}, untagged_days: 2}')
    assert made is not None
    assert made.text is not None
    assert find_flaws(made.text) == ()
    assert [rule["description"] for rule in json.loads(made.text)["rules"]] == [
        "what runs stays: images tagged live-*",
        "what a rollback needs stays: images tagged rollback-*",
        "the image tagged latest stays",
        "backups: at most 9999 stay; longshore lifecycle prune removes old backup tags",
        "images: the 3 newest of v* stay",
        "images without a tag go 2 days after their push",
    ]


def test_a_policy_file_that_ecr_would_refuse_is_an_error_with_place_and_ecrs_words() -> None:
    with pytest.raises(ConfigError) as caught:
        lifecycle("lifecycle: {file: p.json}", p='{"rules": null}')
    (problem,) = caught.value.problems
    assert str(problem.where) == "longshore.yaml:5:34"
    assert problem.message.startswith("ECR refuses p.json: rules: instance type (null)")
    assert problem.code == "lifecycle-policy-invalid"


def test_access_becomes_statements_and_named_roles_are_said() -> None:
    text = """
repositories:
  shop:
    access:
      push: [github-actions, "123456789012"]
      pull: [runtime, "arn:aws:iam::210987654321:role/app", "210987654321"]
"""
    made = want(text)
    (policy,) = of(made, "repository-policy")
    assert isinstance(policy, RepositoryPolicy)
    push, pull = policy.statements
    assert (push.sid, pull.sid) == ("LongshorePush", "LongshorePull")
    assert push.principals == ("arn:aws:iam::123456789012:root",)
    assert pull.principals == (
        "arn:aws:iam::210987654321:role/app",
        "arn:aws:iam::210987654321:root",
    )
    assert set(push.actions) == set(PUSH_ACTIONS) > set(PULL_ACTIONS) == set(pull.actions)
    assert made.notes == (
        Note(
            "ecr/repository-policy/shop",
            "access: github-actions, runtime: named roles are not provisioned yet; "
            "nothing is granted to them",
        ),
    )
    (policy,) = of(want(text, "china"), "repository-policy")
    assert isinstance(policy, RepositoryPolicy)
    assert policy.statements[0].principals == ("arn:aws-cn:iam::123456789012:root",)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-east-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_partitions(region: str, partition: str) -> None:
    assert partition_of(region) == partition


def test_blob_mounting() -> None:
    assert want("registry: {}").resources == ()
    (made,) = want("registry: {blob_mounting: true}").resources
    assert made == AccountSetting("BLOB_MOUNTING", "ENABLED")
    (made,) = want("registry: {blob_mounting: false}").resources
    assert made == AccountSetting("BLOB_MOUNTING", "DISABLED")
