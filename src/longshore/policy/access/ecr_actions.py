"""ECR's actions as IAM knows them, and which of them know no repository. Pure.

From the operations of the service model and the service authorization reference of Amazon ECR; a
test compares the list with the SDK's model, so that a new operation is not called a mistake.

>>> sorted(covered("ecr:Complete*")), nearest("ecr:BatchGetImages")
(['ecr:CompleteLayerUpload'], 'ecr:BatchGetImage')
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache

from longshore.policy.access.wildcards import matches_action

TOKEN = "ecr:GetAuthorizationToken"  # noqa: S105
PULL = frozenset(
    f"ecr:{name}"
    for name in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
)
UPLOAD = frozenset(
    f"ecr:{name}" for name in ("CompleteLayerUpload", "InitiateLayerUpload", "UploadLayerPart")
)
PUT = "ecr:PutImage"
IMPORT = "ecr:BatchImportUpstreamImage"
REPLICATE = "ecr:ReplicateImage"

# Operations about the registry or the account: a policy that limits them to a repository never
# allows them.
ANYWHERE = frozenset(
    f"ecr:{name}"
    for name in (
        *("GetAuthorizationToken", "DescribeRegistry", "GetAccountSetting", "PutAccountSetting"),
        *("GetRegistryPolicy", "PutRegistryPolicy", "DeleteRegistryPolicy"),
        *("GetRegistryScanningConfiguration", "PutRegistryScanningConfiguration"),
        *("PutReplicationConfiguration", "CreateRepositoryCreationTemplate"),
        *("DescribeRepositoryCreationTemplates", "UpdateRepositoryCreationTemplate"),
        *("DeleteRepositoryCreationTemplate", "CreatePullThroughCacheRule"),
        *("DescribePullThroughCacheRules", "UpdatePullThroughCacheRule"),
        *("DeletePullThroughCacheRule", "ValidatePullThroughCacheRule"),
        *("GetSigningConfiguration", "PutSigningConfiguration", "DeleteSigningConfiguration"),
        *("RegisterPullTimeUpdateExclusion", "DeregisterPullTimeUpdateExclusion"),
        *("ListPullTimeUpdateExclusions", "StartReplicationBackfill", "StopReplicationBackfill"),
        *("ListReplicationBackfills", "DescribeReplicationBackfillResults"),
    )
)
_OF_REPOSITORIES = frozenset(
    f"ecr:{name}"
    for name in (
        *("BatchDeleteImage", "BatchGetRepositoryScanningConfiguration", "CreateRepository"),
        *("DeleteLifecyclePolicy", "DeleteRepository", "DeleteRepositoryPolicy"),
        *("DescribeImageReplicationStatus", "DescribeImageScanFindings", "DescribeImages"),
        *("DescribeImageSigningStatus", "DescribeRepositories", "GetLifecyclePolicy"),
        *("GetLifecyclePolicyPreview", "GetRepositoryPolicy", "ListImageReferrers"),
        *("ListImages", "ListTagsForResource", "PutImage", "PutImageScanningConfiguration"),
        *("PutImageTagMutability", "PutLifecyclePolicy", "SetRepositoryPolicy", "StartImageScan"),
        *("StartLifecyclePolicyPreview", "TagResource", "UntagResource"),
        *("UpdateImageStorageClass",),
    )
)
# Rights without an operation of their own.
ONLY_RIGHTS = frozenset((IMPORT, REPLICATE, "ecr:GetImageCopyStatus"))
ACTIONS = ANYWHERE | _OF_REPOSITORIES | PULL | UPLOAD | ONLY_RIGHTS
SCOPED = ACTIONS - ANYWHERE
# What takes images away, or changes who may do so: no part of a broad grant by accident.
GUARDED = frozenset(
    one
    for one in ACTIONS
    if one.partition(":")[2].startswith(("Delete", "Deregister", "Register", "Stop"))
    or one.partition(":")[2]
    in (
        *("BatchDeleteImage", "PutAccountSetting", "PutImageScanningConfiguration"),
        *("PutImageTagMutability", "PutLifecyclePolicy", "PutRegistryPolicy"),
        *("PutRegistryScanningConfiguration", "PutReplicationConfiguration"),
        *("PutSigningConfiguration", "SetRepositoryPolicy", "UpdateImageStorageClass"),
        *("UpdatePullThroughCacheRule", "UpdateRepositoryCreationTemplate"),
    )
)
READS = frozenset(
    one
    for one in ACTIONS
    if one.partition(":")[2].startswith(("Get", "List", "Describe", "Validate", "BatchGet"))
    or one in PULL
)


def is_ecr(pattern: str) -> bool:
    """Whether an action's pattern is about ECR alone."""
    return pattern.lower().startswith("ecr:")


@lru_cache(maxsize=1024)
def covered(pattern: str) -> frozenset[str]:
    """The actions of ECR that a pattern covers."""
    return frozenset(one for one in ACTIONS if matches_action(pattern, one))


def nearest(pattern: str) -> str:
    """The action that was probably meant; empty when none is near."""
    by_fold = {one.lower(): one for one in ACTIONS}
    name = pattern.lower().rpartition(":")[2]
    found = get_close_matches(f"ecr:{name}", by_fold, 1, cutoff=0.75)
    return by_fold[found[0]] if found else ""
