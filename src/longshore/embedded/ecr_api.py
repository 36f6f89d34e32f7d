"""ECR's JSON 1.1 API: which function answers which of its 62 operations. I/O.

Requests are checked and answers shaped by the service's own model (`model.py`). An operation that
is not in the tables below answers a named error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from longshore.embedded import (
    ecr_account,
    ecr_images,
    ecr_layers,
    ecr_lifecycle_preview,
    ecr_repositories,
    ecr_storage,
    ecr_templates,
)
from longshore.embedded.aws_errors import AwsRefusal, not_offered
from longshore.embedded.ecr_access import EcrAccess
from longshore.embedded.ecr_auth import get_authorization_token
from longshore.embedded.ecr_scanning import Scanning
from longshore.embedded.ecr_state import Ecr, Region
from longshore.embedded.model import BadRequest, Model, Unreadable, load_model
from longshore.embedded.sigv4 import Verified

Values = dict[str, Any]
Operation = Callable[[Region, Values], Values]

CONTENT_TYPE = "application/x-amz-json-1.1"

OPERATIONS: dict[str, Operation] = {
    # repositories and their settings
    "CreateRepository": ecr_repositories.create_repository,
    "DescribeRepositories": ecr_repositories.describe_repositories,
    "DeleteRepository": ecr_repositories.delete_repository,
    "PutImageTagMutability": ecr_repositories.put_image_tag_mutability,
    "PutImageScanningConfiguration": ecr_repositories.put_image_scanning_configuration,
    "TagResource": ecr_repositories.tag_resource,
    "UntagResource": ecr_repositories.untag_resource,
    "ListTagsForResource": ecr_repositories.list_tags_for_resource,
    "PutLifecyclePolicy": ecr_repositories.put_lifecycle_policy,
    "GetLifecyclePolicy": ecr_repositories.get_lifecycle_policy,
    "DeleteLifecyclePolicy": ecr_repositories.delete_lifecycle_policy,
    "StartLifecyclePolicyPreview": ecr_lifecycle_preview.start_lifecycle_policy_preview,
    "GetLifecyclePolicyPreview": ecr_lifecycle_preview.get_lifecycle_policy_preview,
    "SetRepositoryPolicy": ecr_repositories.set_repository_policy,
    "GetRepositoryPolicy": ecr_repositories.get_repository_policy,
    "DeleteRepositoryPolicy": ecr_repositories.delete_repository_policy,
    # images
    "PutImage": ecr_images.put_image_operation,
    "BatchGetImage": ecr_images.batch_get_image,
    "BatchDeleteImage": ecr_images.batch_delete_image,
    "ListImages": ecr_images.list_images,
    "DescribeImages": ecr_images.describe_images,
    "ListImageReferrers": ecr_images.list_image_referrers,
    "UpdateImageStorageClass": ecr_storage.update_image_storage_class,
    # layers
    "BatchCheckLayerAvailability": ecr_layers.batch_check_layer_availability,
    "InitiateLayerUpload": ecr_layers.initiate_layer_upload,
    "UploadLayerPart": ecr_layers.upload_layer_part,
    "CompleteLayerUpload": ecr_layers.complete_layer_upload,
    "GetDownloadUrlForLayer": ecr_layers.get_download_url_for_layer,
    # the registry as a whole
    "DescribeRegistry": ecr_account.describe_registry,
    "GetAccountSetting": ecr_account.get_account_setting,
    "PutAccountSetting": ecr_account.put_account_setting,
    "PutRegistryPolicy": ecr_account.put_registry_policy,
    "GetRegistryPolicy": ecr_account.get_registry_policy,
    "DeleteRegistryPolicy": ecr_account.delete_registry_policy,
    "PutRegistryScanningConfiguration": ecr_account.put_registry_scanning_configuration,
    "GetRegistryScanningConfiguration": ecr_account.get_registry_scanning_configuration,
    "BatchGetRepositoryScanningConfiguration": (
        ecr_account.batch_get_repository_scanning_configuration
    ),
    "PutReplicationConfiguration": ecr_account.put_replication_configuration,
    "CreateRepositoryCreationTemplate": ecr_templates.create_template,
    "DescribeRepositoryCreationTemplates": ecr_templates.describe_templates,
    "UpdateRepositoryCreationTemplate": ecr_templates.update_template,
    "DeleteRepositoryCreationTemplate": ecr_templates.delete_template,
}
# Answered by the scanner (`ecr_scanning.py`).
SCANS = frozenset(("StartImageScan", "DescribeImageScanFindings"))
# Needs to know who asks.
_TOKEN = "GetAuthorizationToken"  # noqa: S105


class EcrApi:
    """The API over the regions of one account."""

    def __init__(self, ecr: Ecr, access: EcrAccess, scanning: Scanning) -> None:
        self._ecr = ecr
        self._access = access
        self._operations: dict[str, Operation] = {
            **OPERATIONS,
            "StartImageScan": scanning.start,
            "DescribeImageScanFindings": scanning.describe,
        }

    def answer(self, target: str, body: bytes, caller: Verified) -> bytes:
        """Carry out the operation that `X-Amz-Target` names. Raises AwsRefusal."""
        model = load_model("ecr")
        prefix, _, operation = target.rpartition(".")
        if prefix != model.target_prefix or operation not in model.operations:
            raise AwsRefusal("UnknownOperationException", "", 400)
        if operation != _TOKEN and operation not in self._operations:
            raise not_offered(f"the operation {operation} of ECR")
        asked = _read(model, operation, body)
        region = self._region(caller.region)
        self._access.check_call(region, caller.principal, operation, asked)
        if operation == _TOKEN:
            values = get_authorization_token(region, asked, caller.principal)
        else:
            values = self._operations[operation](region, asked)
        return json.dumps(model.write_answer(operation, values), separators=(",", ":")).encode()

    def _region(self, name: str) -> Region:
        try:
            return self._ecr.region(name)
        except KeyError:
            raise AwsRefusal(
                "InvalidSignatureException",
                f"Credential should be scoped to a valid region, not '{name}'.",
            ) from None


def _read(model: Model, operation: str, body: bytes) -> Values:
    try:
        return model.read_request(operation, json.loads(body) if body.strip() else {})
    except BadRequest as error:
        raise AwsRefusal("InvalidParameterException", str(error)) from None
    except (Unreadable, ValueError, RecursionError) as error:
        raise AwsRefusal("SerializationException", str(error)) from None
