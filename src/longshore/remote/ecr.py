"""Amazon ECR's control plane as typed calls: one method is one API operation. I/O.

Dicts come in and facts go out. `IAM_ACTIONS` names what each method must be allowed; it feeds the
policies that longshore writes. Bytes of images travel over the registry (`ecr_registry.py`).
"""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlsplit

from longshore.errors import AwsError
from longshore.facts import (
    ImageSeen,
    LifecyclePreview,
    ManifestSeen,
    ReferrerSeen,
    RepositorySeen,
    Token,
)
from longshore.oci.digest import Digest
from longshore.oci.manifest import ACCEPT
from longshore.remote.addresses import ecr_host
from longshore.remote.aws import AwsSession
from longshore.remote.ecr_answers import (
    children_of,
    image_of,
    manifest_of,
    preview_of,
    referrer_of,
    repository_of,
    time_of,
)
from longshore.remote.identity import read_identity
from longshore.text import tr

Item = TypeVar("Item")

BLOB_MOUNTING = "BLOB_MOUNTING"
_PAGE = 1000
_SMALL_PAGE = 100
_REFERRERS_PAGE = 50
_BATCH = 100
_UNKNOWN_FILTER = {"InvalidParameterException", "ValidationException", "SerializationException"}

# What each method of Ecr must be allowed; the operation of the same name is what it calls.
IAM_ACTIONS = {
    "authorization_token": "ecr:GetAuthorizationToken",
    "describe_repositories": "ecr:DescribeRepositories",
    "create_repository": "ecr:CreateRepository",
    "delete_repository": "ecr:DeleteRepository",
    "put_image_tag_mutability": "ecr:PutImageTagMutability",
    "put_image_scanning_configuration": "ecr:PutImageScanningConfiguration",
    "put_lifecycle_policy": "ecr:PutLifecyclePolicy",
    "get_lifecycle_policy": "ecr:GetLifecyclePolicy",
    "delete_lifecycle_policy": "ecr:DeleteLifecyclePolicy",
    "start_lifecycle_policy_preview": "ecr:StartLifecyclePolicyPreview",
    "get_lifecycle_policy_preview": "ecr:GetLifecyclePolicyPreview",
    "set_repository_policy": "ecr:SetRepositoryPolicy",
    "get_repository_policy": "ecr:GetRepositoryPolicy",
    "delete_repository_policy": "ecr:DeleteRepositoryPolicy",
    "list_tags_for_resource": "ecr:ListTagsForResource",
    "tag_resource": "ecr:TagResource",
    "untag_resource": "ecr:UntagResource",
    "list_images": "ecr:ListImages",
    "describe_images": "ecr:DescribeImages",
    "index_children": "ecr:BatchGetImage",
    "list_image_referrers": "ecr:ListImageReferrers",
    "update_image_storage_class": "ecr:UpdateImageStorageClass",
    "batch_check_layers": "ecr:BatchCheckLayerAvailability",
    "batch_delete_image": "ecr:BatchDeleteImage",
    "batch_get_image": "ecr:BatchGetImage",
    "put_image": "ecr:PutImage",
    "get_account_setting": "ecr:GetAccountSetting",
    "put_account_setting": "ecr:PutAccountSetting",
}


class Ecr:
    """One account's ECR in one region. `account` names the registry when it is not the caller's.

    All methods raise AwsError, LoginError or LimitError.
    """

    def __init__(self, session: AwsSession, account: str | None = None) -> None:
        self.session = session
        self.region = session.region
        self._client = session.client("ecr")
        self._account = account
        self._registry: dict[str, Any] = {"registryId": account} if account else {}
        self._on_call: Callable[[str], None] = lambda operation: None

    def listening(self, on_call: Callable[[str], None]) -> Ecr:
        """The same ECR; `on_call` hears each operation that is asked, tokens excepted."""
        other = copy.copy(self)
        other._on_call = on_call
        return other

    @property
    def endpoint(self) -> str:
        """Where the API is."""
        return self._client.endpoint

    @cached_property
    def account(self) -> str:
        """The registry's account: as given, else the caller's."""
        return self._account or read_identity(self.session).account

    @cached_property
    def registry_host(self) -> str:
        """The host of the registry; a loopback endpoint says itself where its registry is."""
        if self._client.is_loopback:
            address = str(self._authorization().get("proxyEndpoint") or "")
            return urlsplit(address).netloc
        options = self.session.options
        return ecr_host(
            self.account,
            self.region,
            self.session.dns_suffix,
            fips=options.use_fips,
            dualstack=options.use_dualstack,
        )

    def authorization_token(self) -> Token:
        """A password for the registry, good for twelve hours."""
        found = self._authorization()
        try:
            pair = base64.b64decode(str(found["authorizationToken"])).decode()
        except (KeyError, binascii.Error, UnicodeDecodeError):
            pair = ""
        user, colon, password = pair.partition(":")
        if not colon:
            raise AwsError(
                tr("AWS gave a registry token that cannot be read"),
                tr("run the same command again"),
                operation="GetAuthorizationToken",
                iam_action=IAM_ACTIONS["authorization_token"],
                code="bad-answer",
            )
        return Token(user, password, time_of(found.get("expiresAt")))

    # Repositories

    def describe_repositories(self, names: Sequence[str] | None = None) -> list[RepositorySeen]:
        """Repositories with their settings; of the names, or all.

        Tags and policies are not here: they cost a call each. A name that does not exist raises
        AwsError `repository-not-found`.
        """
        if names is None:
            return self._describe_repositories({"maxResults": _PAGE}, "")
        found: list[RepositorySeen] = []
        for batch in _batches(names):
            found += self._describe_repositories({"repositoryNames": batch}, ", ".join(batch))
        return found

    def create_repository(
        self,
        name: str,
        *,
        mutability: str = "MUTABLE",
        exclusions: Sequence[str] = (),
        scan_on_push: bool = False,
        encryption: str = "AES256",
        kms_key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> RepositorySeen:
        """Create a repository with settings in ECR's own words."""
        encrypted = {"encryptionType": encryption, **({"kmsKey": kms_key} if kms_key else {})}
        answer = self._call(
            "create_repository",
            name,
            {
                **_mutability(mutability, exclusions),
                "imageScanningConfiguration": {"scanOnPush": scan_on_push},
                "encryptionConfiguration": encrypted,
                **({"tags": _tag_list(tags)} if tags else {}),
            },
        )
        return repository_of(answer["repository"])

    def delete_repository(self, name: str, *, force: bool = False) -> None:
        """Delete a repository; one with images only with `force`."""
        self._call("delete_repository", name, {"force": force})

    def put_image_tag_mutability(
        self, name: str, mutability: str, exclusions: Sequence[str] = ()
    ) -> None:
        """Set whether tags may move, and which ones are excepted."""
        self._call("put_image_tag_mutability", name, _mutability(mutability, exclusions))

    def put_image_scanning_configuration(self, name: str, scan_on_push: bool) -> None:
        """Set whether images are scanned when they arrive."""
        setting = {"imageScanningConfiguration": {"scanOnPush": scan_on_push}}
        self._call("put_image_scanning_configuration", name, setting)

    def put_lifecycle_policy(self, name: str, text: str) -> None:
        """Set the lifecycle policy's text."""
        self._call("put_lifecycle_policy", name, {"lifecyclePolicyText": text})

    def get_lifecycle_policy(self, name: str) -> str | None:
        """The lifecycle policy's text; None when there is none."""
        answer = self._call_or_none(
            "get_lifecycle_policy", name, "LifecyclePolicyNotFoundException"
        )
        return None if answer is None else str(answer["lifecyclePolicyText"])

    def delete_lifecycle_policy(self, name: str) -> None:
        """Remove the lifecycle policy; none there is as good."""
        self._call_or_none("delete_lifecycle_policy", name, "LifecyclePolicyNotFoundException")

    def start_lifecycle_policy_preview(self, name: str, text: str | None = None) -> None:
        """Let ECR work out what a policy would do; None: the policy that is in force.

        Changes nothing. While another preview of the repository runs, ECR refuses
        (`lifecycle-policy-preview-in-progress`).
        """
        parameters = {} if text is None else {"lifecyclePolicyText": text}
        self._call("start_lifecycle_policy_preview", name, parameters)

    def get_lifecycle_policy_preview(self, name: str) -> LifecyclePreview:
        """The preview that was started last, with all of its results once it is COMPLETE.

        Raises AwsError `lifecycle-policy-preview-not-found` when none was.
        """
        pages = list(self._pages("get_lifecycle_policy_preview", name, {"maxResults": _SMALL_PAGE}))
        return preview_of(pages)

    def set_repository_policy(self, name: str, text: str, *, force: bool = False) -> None:
        """Set the repository's policy; `force` even if it locks the caller out."""
        self._call("set_repository_policy", name, {"policyText": text, "force": force})

    def get_repository_policy(self, name: str) -> str | None:
        """The repository's policy text; None when there is none."""
        answer = self._call_or_none(
            "get_repository_policy", name, "RepositoryPolicyNotFoundException"
        )
        return None if answer is None else str(answer["policyText"])

    def delete_repository_policy(self, name: str) -> None:
        """Remove the repository's policy; none there is as good."""
        self._call_or_none("delete_repository_policy", name, "RepositoryPolicyNotFoundException")

    def list_tags_for_resource(self, arn: str) -> tuple[tuple[str, str], ...]:
        """A repository's AWS tags, sorted by key."""
        answer = self._call_plain("list_tags_for_resource", {"resourceArn": arn}, arn)
        return tuple(sorted((tag["Key"], tag.get("Value", "")) for tag in answer.get("tags", [])))

    def tag_resource(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add AWS tags to a repository, or change their values."""
        self._call_plain("tag_resource", {"resourceArn": arn, "tags": _tag_list(tags)}, arn)

    def untag_resource(self, arn: str, keys: Sequence[str]) -> None:
        """Remove AWS tags from a repository."""
        self._call_plain("untag_resource", {"resourceArn": arn, "tagKeys": list(keys)}, arn)

    # Images

    def list_images(self, name: str) -> list[tuple[str, str | None]]:
        """Digest and tag of each tag, and digest and None of each untagged image."""
        pages = self._pages("list_images", name, {"maxResults": _PAGE})
        return [
            (str(found["imageDigest"]), found.get("imageTag"))
            for page in pages
            for found in page["imageIds"]
        ]

    def describe_images(
        self,
        name: str,
        *,
        tags: Sequence[str] = (),
        digests: Sequence[str] = (),
        status: str = "ANY",
        tagged_only: bool = False,
    ) -> list[ImageSeen]:
        """Images with tags, sizes and times; all of a repository, or those named.

        Of a repository, images of every status, or those of one (`ACTIVE` are those that can be
        pulled). An endpoint that knows no archive is asked without it. An image that was named and
        does not exist raises AwsError `image-not-found`. Costs no pull.
        """
        ids = [{"imageTag": tag} for tag in tags] + [{"imageDigest": one} for one in digests]
        if ids:
            found: list[ImageSeen] = []
            for batch in _batches(ids):
                for page in self._pages("describe_images", name, {"imageIds": batch}):
                    found += [image_of(detail) for detail in page["imageDetails"]]
            return found
        by_tags = {"tagStatus": "TAGGED"} if tagged_only else {}
        # Without the filter ECR shows the active ones.
        by_status = {"imageStatus": status} if status != "ACTIVE" else {}
        try:
            return self._described(name, {**by_status, **by_tags})
        except AwsError as error:
            if status != "ANY" or error.aws_code not in _UNKNOWN_FILTER:
                raise
            return self._described(name, by_tags)

    def index_children(self, name: str, digests: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The digests of the manifests that each of these indexes names.

        By BatchGetImage, a hundred to a call: to ECR that is a pull, and refreshes the indexes'
        `lastRecordedPullTime`. What cannot be read (gone, archived, no manifest) is not in the
        answer.
        """
        read = {one.digest: children_of(one) for one in self.batch_get_image(name, digests)}
        return {digest: found for digest, found in read.items() if found is not None}

    def list_image_referrers(
        self, name: str, digest: str, *, status: str = "ANY"
    ) -> list[ReferrerSeen]:
        """Signatures, SBOMs and others whose subject is the digest. Costs no pull.

        The caller needs `ecr:BatchGetImage` too.
        """
        parameters = {
            "subjectId": {"imageDigest": digest},
            "filter": {"artifactStatus": status},
            "maxResults": _REFERRERS_PAGE,
        }
        pages = self._pages("list_image_referrers", name, parameters)
        return [referrer_of(found) for page in pages for found in page.get("referrers", [])]

    def update_image_storage_class(self, name: str, digest: str, storage_class: str) -> str:
        """Archive an image (`ARCHIVE`) or restore it (`STANDARD`); its status afterwards.

        A restore takes ECR up to 20 minutes (`ACTIVATING`); archived images are paid for 90 days.
        """
        parameters = {"imageId": {"imageDigest": digest}, "targetStorageClass": storage_class}
        answer = self._call("update_image_storage_class", name, parameters)
        return str(answer.get("imageStatus", ""))

    def batch_check_layers(self, name: str, digests: Iterable[Digest]) -> set[Digest]:
        """Those of the layers that the repository holds, 100 to a call."""
        present: set[Digest] = set()
        for batch in _batches(digests):
            answer = self._call("batch_check_layers", name, {"layerDigests": batch})
            present |= {
                Digest(layer["layerDigest"])
                for layer in answer.get("layers", [])
                if layer.get("layerAvailability") == "AVAILABLE"
            }
        return present

    def batch_delete_image(
        self,
        name: str,
        *,
        tags: Sequence[str] = (),
        digests: Sequence[str] = (),
        pairs: Sequence[tuple[str, str]] = (),
    ) -> list[tuple[str, str]]:
        """Delete by tag (the last tag takes the image with it) or by digest (with all its tags).

        `pairs` are digests with a tag of theirs: refused unless the tag is still that image's. Use
        them only for images that are to go: whether the others of its tags stay is not documented.
        Returns what was not deleted: the tag or digest, and ECR's reason.
        """
        ids = [{"imageTag": tag} for tag in tags] + [{"imageDigest": one} for one in digests]
        ids += [{"imageDigest": digest, "imageTag": tag} for digest, tag in pairs]
        failed: list[tuple[str, str]] = []
        for batch in _batches(ids):
            answer = self._call("batch_delete_image", name, {"imageIds": batch})
            for failure in answer.get("failures", []):
                image = failure.get("imageId", {})
                which = str(image.get("imageTag") or image.get("imageDigest") or "")
                failed.append((which, str(failure.get("failureCode", ""))))
        return failed

    def batch_get_image(self, name: str, digests: Sequence[str]) -> list[ManifestSeen]:
        """Manifests by digest, as they are kept; those that are not there are left out.

        In ECR's books this is a pull: `lastRecordedPullTime` is renewed.
        """
        found: list[ManifestSeen] = []
        for batch in _batches(digests):
            asked = {
                "imageIds": [{"imageDigest": digest} for digest in batch],
                "acceptedMediaTypes": ACCEPT.split(", "),
            }
            answer = self._call("batch_get_image", name, asked)
            found += [manifest_of(image) for image in answer.get("images", [])]
        return found

    def put_image(
        self,
        name: str,
        manifest: bytes,
        *,
        media_type: str = "",
        tag: str | None = None,
        digest: str | None = None,
    ) -> str:
        """Store a manifest whose layers are there; returns its digest. How a retag is done."""
        answer = self._call(
            "put_image",
            name,
            {
                "imageManifest": manifest.decode(),
                **({"imageManifestMediaType": media_type} if media_type else {}),
                **({"imageTag": tag} if tag else {}),
                **({"imageDigest": digest} if digest else {}),
            },
        )
        return str(answer["image"]["imageId"]["imageDigest"])

    # The account

    def get_account_setting(self, setting: str) -> str:
        """The value of an account setting, as BLOB_MOUNTING."""
        answer = self._call_plain("get_account_setting", {"name": setting}, setting)
        return str(answer.get("value", ""))

    def put_account_setting(self, setting: str, value: str) -> None:
        """Change an account setting."""
        parameters = {"name": setting, "value": value}
        self._call_plain("put_account_setting", parameters, setting)

    # Calls

    def _described(self, name: str, chosen: Mapping[str, str]) -> list[ImageSeen]:
        parameters = {"maxResults": _PAGE, **({"filter": chosen} if chosen else {})}
        pages = self._pages("describe_images", name, parameters)
        return [image_of(detail) for page in pages for detail in page["imageDetails"]]

    def _authorization(self) -> dict[str, Any]:
        answer = self._call_plain("authorization_token", {}, "")
        data = answer.get("authorizationData") or [{}]
        return dict(data[0])

    def _describe_repositories(
        self, parameters: Mapping[str, Any], resource: str
    ) -> list[RepositorySeen]:
        parameters = {**self._registry, **parameters}
        pages = self._pages_of("describe_repositories", parameters, resource)
        return [repository_of(found) for page in pages for found in page["repositories"]]

    def _call(self, method: str, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self._call_plain(
            method, {**self._registry, "repositoryName": name, **parameters}, name
        )

    def _call_plain(
        self, method: str, parameters: Mapping[str, Any], resource: str
    ) -> dict[str, Any]:
        action = IAM_ACTIONS[method]
        operation = action.partition(":")[2]
        if method != "authorization_token":
            self._on_call(operation)
        return self._client.call(operation, parameters, action=action, resource=resource)

    def _call_or_none(self, method: str, name: str, absent: str) -> dict[str, Any] | None:
        try:
            return self._call(method, name, {})
        except AwsError as error:
            if error.aws_code == absent:
                return None
            raise

    def _pages(
        self, method: str, name: str, parameters: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        chosen = {**self._registry, "repositoryName": name, **parameters}
        return self._pages_of(method, chosen, name)

    def _pages_of(
        self, method: str, parameters: Mapping[str, Any], resource: str
    ) -> Iterator[dict[str, Any]]:
        action = IAM_ACTIONS[method]
        operation = action.partition(":")[2]
        pages = self._client.pages(operation, parameters, action=action, resource=resource)
        for page in pages:
            self._on_call(operation)
            yield page


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _mutability(mutability: str, exclusions: Sequence[str]) -> dict[str, Any]:
    filters = [{"filterType": "WILDCARD", "filter": pattern} for pattern in exclusions]
    found: dict[str, Any] = {"imageTagMutability": mutability}
    return {**found, "imageTagMutabilityExclusionFilters": filters} if filters else found


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
