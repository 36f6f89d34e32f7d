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
    """

    partition: str
    region: str
    account: str
    repositories: tuple[str, ...]
    kms_keys: tuple[str, ...] = ()
    cache_prefixes: tuple[str, ...] = ()

    def arns(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The ARNs of repositories."""
        begin = f"arn:{self.partition}:ecr:{self.region}:{self.account}:repository/"
        return tuple(f"{begin}{name}" for name in names)


@dataclass(frozen=True)
class _Needs:
    """Actions without a resource, actions on repositories, and what the work is, in words."""

    anywhere: tuple[str, ...]
    repositories: tuple[str, ...]
    title: str


_TOKEN = ("ecr:GetAuthorizationToken",)
_PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
_NEEDS: dict[Role, _Needs] = {
    "push": _Needs(
        _TOKEN,
        (
            *_PULL,
            "ecr:CompleteLayerUpload",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
        ),
        "Push",
    ),
    "pull": _Needs(_TOKEN, _PULL, "Pull"),
    "deployer": _Needs(
        _TOKEN,
        (
            "ecr:BatchGetImage",
            "ecr:DescribeImageScanFindings",
            "ecr:DescribeImages",
            "ecr:PutImage",
        ),
        "Deploy",
    ),
    "provisioner": _Needs(
        (
            "ecr:GetAccountSetting",
            "ecr:GetRegistryScanningConfiguration",
            "ecr:PutAccountSetting",
            "ecr:PutRegistryScanningConfiguration",
        ),
        (
            "ecr:CreateRepository",
            "ecr:DeleteLifecyclePolicy",
            "ecr:DeleteRepositoryPolicy",
            "ecr:DescribeImages",
            "ecr:DescribeRepositories",
            "ecr:GetLifecyclePolicy",
            "ecr:GetLifecyclePolicyPreview",
            "ecr:GetRepositoryPolicy",
            "ecr:ListTagsForResource",
            "ecr:PutImageScanningConfiguration",
            "ecr:PutImageTagMutability",
            "ecr:PutLifecyclePolicy",
            "ecr:SetRepositoryPolicy",
            "ecr:StartLifecyclePolicyPreview",
            "ecr:TagResource",
            "ecr:UntagResource",
        ),
        "Provision",
    ),
    "monitor": _Needs(
        ("cloudwatch:GetMetricData",),
        (
            "ecr:DescribeImageScanFindings",
            "ecr:DescribeImages",
            "ecr:DescribeRepositories",
            "ecr:ListImages",
        ),
        "Monitor",
    ),
    "cleaner": _Needs(
        (),
        (
            "ecr:BatchDeleteImage",
            "ecr:BatchGetImage",
            "ecr:DescribeImages",
            "ecr:DescribeRepositories",
            "ecr:GetLifecyclePolicy",
            "ecr:ListImages",
        ),
        "Clean",
    ),
}
_KMS: dict[Role, tuple[str, ...]] = {
    "provisioner": ("kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"),
}


def role_policy(role: Role, scope: Scope) -> dict[str, Any]:
    """The policy document of a role. Raises UsageError when no repository is named."""
    if not scope.repositories and not scope.cache_prefixes:
        raise UsageError(
            tr("a policy for every repository of the account is not written"),
            tr("name the repositories; a name may end in *"),
            code="iam-no-repository",
        )
    return {"Version": "2012-10-17", "Statement": list(_statements(role, scope))}


def actions_of(role: Role) -> frozenset[str]:
    """All ECR actions that the role's policy allows somewhere."""
    needs = _NEEDS[role]
    return frozenset((*needs.anywhere, *needs.repositories))


def _statements(role: Role, scope: Scope) -> list[dict[str, Any]]:
    needs = _NEEDS[role]
    found = []
    if needs.anywhere:
        found.append(_allow(f"{needs.title}Registry", needs.anywhere, ("*",)))
    if scope.repositories:
        arns = scope.arns(scope.repositories)
        found.append(_allow(f"{needs.title}Images", needs.repositories, arns))
    if scope.cache_prefixes and role in ("pull", "push"):
        names = tuple(f"{prefix.rstrip('/')}/*" for prefix in scope.cache_prefixes)
        actions = (*_PULL, "ecr:BatchImportUpstreamImage")
        found.append(_allow("PullThroughCache", actions, scope.arns(names)))
    if scope.kms_keys and role in _KMS:
        found.append(_allow("EncryptWithKey", _KMS[role], scope.kms_keys))
    return found


def _allow(sid: str, actions: tuple[str, ...], resources: tuple[str, ...]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": resources[0] if len(resources) == 1 else sorted(resources),
    }
