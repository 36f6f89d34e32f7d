"""What ECR says when it refuses: exception names and words. Pure.

Wording as public reports quote it (`The repository with name '...' does not exist ...`). A reason
that was never seen in public is plain English.
"""

from __future__ import annotations

from collections.abc import Iterable

from longshore.embedded.aws_errors import AwsRefusal
from longshore.policy.lifecycle.grammar import Flaw, refusal


def invalid(where: str, constraint: str) -> AwsRefusal:
    """A value that ECR does not take."""
    return AwsRefusal(
        "InvalidParameterException",
        f"Invalid parameter at '{where}' failed to satisfy constraint: '{constraint}'",
    )


def invalid_lifecycle(flaw: Flaw) -> AwsRefusal:
    """A lifecycle policy that ECR does not take."""
    return AwsRefusal("InvalidParameterException", refusal(flaw))


def repository_not_found(name: str, account: str) -> AwsRefusal:
    """No repository of that name."""
    return AwsRefusal(
        "RepositoryNotFoundException",
        f"The repository with name '{name}' does not exist in the registry with id '{account}'",
    )


def repository_exists(name: str, account: str) -> AwsRefusal:
    """There is one already."""
    return AwsRefusal(
        "RepositoryAlreadyExistsException",
        f"The repository with name '{name}' already exists in the registry with id '{account}'",
    )


def repository_not_empty(name: str, account: str) -> AwsRefusal:
    """It cannot be deleted without `force`."""
    return AwsRefusal(
        "RepositoryNotEmptyException",
        f"The repository with name '{name}' in registry with id '{account}' cannot be deleted "
        "because it still contains images",
    )


def policy_not_found(kind: str, code: str, name: str, account: str) -> AwsRefusal:
    """`kind` is "Lifecycle" or "Repository"."""
    return AwsRefusal(
        code,
        f"{kind} policy does not exist for the repository with name '{name}' "
        f"in the registry with id '{account}'",
    )


def preview_running(name: str, account: str) -> AwsRefusal:
    """Another preview of the repository has not ended."""
    return AwsRefusal(
        "LifecyclePolicyPreviewInProgressException",
        f"The previous lifecycle policy preview request for the repository with name '{name}' "
        f"in the registry with id '{account}' has not completed. Wait and try again.",
    )


def image_id_text(digest: str | None, tag: str | None) -> str:
    """An image id as ECR's messages write it."""
    return f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"


def image_not_found(digest: str | None, tag: str | None, name: str, account: str) -> AwsRefusal:
    """No such image."""
    return AwsRefusal(
        "ImageNotFoundException",
        f"The image with imageId {image_id_text(digest, tag)} does not exist within the "
        f"repository with name '{name}' in the registry with id '{account}'",
    )


def image_exists(digest: str, tag: str | None, name: str, account: str) -> AwsRefusal:
    """The same image is there, under the same tag."""
    return AwsRefusal(
        "ImageAlreadyExistsException",
        f"Image with digest '{digest}' and tag '{tag or 'null'}' already exists in the "
        f"repository with name '{name}' in registry with id '{account}'",
    )


def tag_immutable(tag: str, name: str) -> AwsRefusal:
    """The tag is taken, and may not move."""
    return AwsRefusal(
        "ImageTagAlreadyExistsException",
        f"The image tag '{tag}' already exists in the '{name}' repository "
        "and cannot be overwritten because the tag is immutable.",
    )


def too_many_tags(tag: str, name: str, account: str, limit: int) -> AwsRefusal:
    """The quota of tags per image."""
    return AwsRefusal(
        "LimitExceededException",
        f"Adding tag '{tag}' to an image in the repository with name '{name}' in registry with "
        f"id '{account}' exceeds the maximum allowed number of tags per image which is '{limit}'",
    )


def layers_not_found(digests: Iterable[str], name: str, account: str) -> AwsRefusal:
    """A manifest came before its layers."""
    return AwsRefusal(
        "LayersNotFoundException",
        f"Layers with digests '[{', '.join(digests)}]' required for pushing image into "
        f"repository with name '{name}' in the registry with id '{account}' do not exist",
    )


def images_not_found(digests: Iterable[str], name: str, account: str) -> AwsRefusal:
    """An index came before its manifests."""
    return AwsRefusal(
        "ReferencedImagesNotFoundException",
        f"Images with digests '[{', '.join(digests)}]' required for pushing image into "
        f"repository with name '{name}' in the registry with id '{account}' do not exist",
    )


def layer_exists(digest: str, name: str, account: str) -> AwsRefusal:
    """The layer was there before the upload ended."""
    return AwsRefusal(
        "LayerAlreadyExistsException",
        f"The layer with digest '{digest}' already exists in the repository with name '{name}' "
        f"in registry with id '{account}'",
    )


def layer_inaccessible(digest: str, name: str, account: str) -> AwsRefusal:
    """All images with the layer are archived."""
    return AwsRefusal(
        "LayerInaccessibleException",
        f"The layer with digest '{digest}' in the repository with name '{name}' in registry with "
        f"id '{account}' is not available because its images are archived",
    )


def upload_not_found(upload: str, name: str, account: str) -> AwsRefusal:
    """No such upload, or one of another repository."""
    return AwsRefusal(
        "UploadNotFoundException",
        f"The upload with id '{upload}' could not be found in the repository with name '{name}' "
        f"in registry with id '{account}'",
    )


def throttled() -> AwsRefusal:
    """Faster than the quota allows."""
    return AwsRefusal("ThrottlingException", "Rate exceeded")
