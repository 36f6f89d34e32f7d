"""The policies of those who work with a registry, each with no more than its work needs. Pure.

Actions: service authorization reference of Amazon ECR, and ECR User Guide, "Required IAM
permissions for pushing an image". GetAuthorizationToken and the registry's own settings know no
resource, so they stand alone on `*`; everything else names repositories. IAM has no key for tags or
digests: that a pipeline may push only `dev-*` cannot be written.

>>> document = role_policy("pull", Scope("aws", "eu-west-1", "123456789012", ("shop",)))
>>> document["Statement"][1]["Resource"]
'arn:aws:ecr:eu-west-1:123456789012:repository/shop'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from longshore.errors import UsageError
from longshore.text import tr

Role = Literal["push", "pull", "deployer", "provisioner", "monitor", "cleaner"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Scope:
    """What a role is about: repositories (a name may end in `*`), keys that encrypt them.

    `cache_prefixes` are those of pull-through rules: pulling there may make a repository.
    `in_use`: the role also looks at what runs in ECS and Lambda, for the guards that ask so.
    """

    partition: str
    region: str
    account: str
    repositories: tuple[str, ...]
    kms_keys: tuple[str, ...] = ()
    cache_prefixes: tuple[str, ...] = ()
    in_use: bool = False

    def arns(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The ARNs of repositories."""
        begin = f"arn:{self.partition}:ecr:{self.region}:{self.account}:repository/"
        return tuple(f"{begin}{name}" for name in names)


@dataclass(frozen=True)
class _Needs:
    """What the work is, in a word, and the actions that it needs.

    `anywhere` know no repository, `listing` is about all of them, `repositories` about those named.
    """

    title: str
    anywhere: tuple[str, ...] = ()
    listing: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()


# The verbs that each role is for stand in tests/journey/test_roles.py, which runs them as it.
_TOKEN = ("ecr:GetAuthorizationToken",)
_LIST = ("ecr:DescribeRepositories",)
_PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
_NEEDS: dict[Role, _Needs] = {
    "push": _Needs(
        "Push",
        (*_TOKEN, "ecr:GetAccountSetting"),
        repositories=(
            *_PULL,
            "ecr:CompleteLayerUpload",
            "ecr:DescribeImageScanFindings",
            "ecr:DescribeImages",
            "ecr:DescribeRepositories",
            "ecr:InitiateLayerUpload",
            "ecr:ListImageReferrers",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
        ),
    ),
    "pull": _Needs("Pull", _TOKEN, repositories=_PULL),
    "deployer": _Needs(
        "Deploy",
        _TOKEN,
        repositories=(
            "ecr:BatchGetImage",
            "ecr:DescribeImageScanFindings",
            "ecr:DescribeImages",
            "ecr:ListImageReferrers",
            "ecr:PutImage",
            "ecr:StartImageScan",
        ),
    ),
    "provisioner": _Needs(
        "Provision",
        (
            *_TOKEN,
            "ecr:GetAccountSetting",
            "ecr:GetRegistryScanningConfiguration",
            "ecr:PutAccountSetting",
            "ecr:PutRegistryScanningConfiguration",
        ),
        _LIST,
        (
            "ecr:BatchGetImage",
            "ecr:CreateRepository",
            "ecr:DeleteLifecyclePolicy",
            "ecr:DeleteRepositoryPolicy",
            "ecr:DescribeImages",
            "ecr:GetLifecyclePolicy",
            "ecr:GetLifecyclePolicyPreview",
            "ecr:GetRepositoryPolicy",
            "ecr:ListImages",
            "ecr:ListTagsForResource",
            "ecr:PutImageScanningConfiguration",
            "ecr:PutImageTagMutability",
            "ecr:PutLifecyclePolicy",
            "ecr:SetRepositoryPolicy",
            "ecr:StartLifecyclePolicyPreview",
            "ecr:TagResource",
        ),
    ),
    "monitor": _Needs(
        "Monitor",
        (
            "cloudwatch:GetMetricData",
            "cloudwatch:PutMetricData",
            "ecr:GetAccountSetting",
            *_TOKEN,
        ),
        _LIST,
        (
            "ecr:BatchGetImage",
            "ecr:DescribeImageScanFindings",
            "ecr:DescribeImages",
            "ecr:GetLifecyclePolicy",
            "ecr:GetRepositoryPolicy",
            "ecr:ListImageReferrers",
            "ecr:ListImages",
            "ecr:ListTagsForResource",
        ),
    ),
    "cleaner": _Needs(
        "Clean",
        _TOKEN,
        _LIST,
        repositories=(
            "ecr:BatchDeleteImage",
            "ecr:BatchGetImage",
            "ecr:DescribeImages",
            "ecr:GetLifecyclePolicy",
            "ecr:ListImages",
        ),
    ),
}
_KMS: dict[Role, tuple[str, ...]] = {
    "provisioner": ("kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"),
}
# Before images are deleted, ECS and Lambda are asked what runs; a test compares these with the
# calls of `remote`. Most of them know no resource.
IN_USE_ROLES: tuple[Role, ...] = ("provisioner", "cleaner")
_IN_USE = (
    *(
        f"ecs:Describe{name}"
        for name in ("ServiceRevisions", "Services", "TaskDefinition", "Tasks")
    ),
    *(f"ecs:List{name}" for name in ("Clusters", "ServiceDeployments", "Services", "Tasks")),
    *("ecs:ListTaskDefinitionFamilies", "ecs:ListTaskDefinitions"),
    *("lambda:GetFunction", "lambda:ListAliases", "lambda:ListFunctions"),
)


def role_policy(role: Role, scope: Scope) -> dict[str, Any]:
    """The policy document of a role. Raises UsageError when no repository is named."""
    if not scope.repositories and not scope.cache_prefixes:
        raise UsageError(
            tr("a policy for every repository of the account is not written"),
            tr("name the repositories; a name may end in *"),
            code="iam-no-repository",
        )
    return {"Version": "2012-10-17", "Statement": list(_statements(role, scope))}


def actions_of(role: Role, *, in_use: bool = False) -> frozenset[str]:
    """All actions that the role's policy allows somewhere; caches and keys left out."""
    needs = _NEEDS[role]
    more = _IN_USE if in_use and role in IN_USE_ROLES else ()
    return frozenset((*needs.anywhere, *needs.listing, *needs.repositories, *more))


def optional_actions_of(role: Role) -> frozenset[str]:
    """What the role's policy allows besides, where there are caches or keys."""
    caches = {"ecr:BatchImportUpstreamImage"} if role in ("pull", "push") else set()
    return frozenset(caches | set(_KMS.get(role, ())))


def _statements(role: Role, scope: Scope) -> list[dict[str, Any]]:
    needs = _NEEDS[role]
    found = []
    token = set(needs.anywhere) & set(_TOKEN)
    settings = tuple(one for one in needs.anywhere if one not in token)
    if token:
        found.append(_allow(f"{needs.title}Login", tuple(token), ("*",)))
    if scope.repositories:
        arns = scope.arns(scope.repositories)
        found.append(_allow(f"{needs.title}Images", needs.repositories, arns))
    if needs.listing:
        found.append(_allow(f"{needs.title}Listing", needs.listing, scope.arns(("*",))))
    if settings:
        found.append(_allow(f"{needs.title}Settings", settings, ("*",)))
    if scope.cache_prefixes and role in ("pull", "push"):
        names = tuple(f"{prefix.rstrip('/')}/*" for prefix in scope.cache_prefixes)
        actions = (*_PULL, "ecr:BatchImportUpstreamImage")
        found.append(_allow("PullThroughCache", actions, scope.arns(names)))
    if scope.kms_keys and role in _KMS:
        found.append(_allow("EncryptWithKey", _KMS[role], scope.kms_keys))
    if scope.in_use and role in IN_USE_ROLES:
        found.append(_allow(f"{needs.title}WhatRuns", _IN_USE, ("*",)))
    return found


def _allow(sid: str, actions: tuple[str, ...], resources: tuple[str, ...]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": resources[0] if len(resources) == 1 else sorted(resources),
    }
