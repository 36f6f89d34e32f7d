"""ECR's repository operations: make, list, set, tag, drop; their two policies. I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.contents import Repository
from longshore.embedded.ecr_errors import (
    invalid,
    policy_not_found,
    repository_exists,
    repository_not_empty,
    repository_not_found,
)
from longshore.embedded.ecr_lifecycle import Schedule, schedule_of
from longshore.embedded.ecr_lifecycle_preview import forget_preview
from longshore.embedded.ecr_paging import page
from longshore.embedded.ecr_settings import (
    check_lifecycle,
    check_policy,
    describe,
    describe_mutability,
    read_encryption,
    read_mutability,
    read_tags,
    tag_list,
)
from longshore.embedded.ecr_state import Region

Values = dict[str, Any]


def create_repository(region: Region, asked: Values) -> Values:
    """CreateRepository."""
    name = asked["repositoryName"]
    if asked.get("registryId", region.account) != region.account:
        raise AwsRefusal(
            "AccessDeniedException", "Repositories cannot be created in another account's registry"
        )
    settings = {
        **read_mutability(asked),
        "scan_on_push": asked.get("imageScanningConfiguration", {}).get("scanOnPush", False),
        "encryption": read_encryption(asked, region.name, region.account),
        "tags": read_tags(asked.get("tags", [])),
    }
    with region.lock:
        if region.contents.repository(name) is not None:
            raise repository_exists(name, region.account)
        region.contents.create_repository(name, settings)
    return {"repository": _described(region, region.repository(name))}


def describe_repositories(region: Region, asked: Values) -> Values:
    """DescribeRepositories."""
    if names := asked.get("repositoryNames"):
        if "maxResults" in asked or "nextToken" in asked:
            raise invalid("maxResults", "must not be set together with repositoryNames")
        found = [region.repository(name, asked.get("registryId")) for name in names]
        return {"repositories": [_described(region, repository) for repository in found]}
    if asked.get("registryId", region.account) != region.account:
        return {"repositories": []}
    shown, token = page(
        list(region.contents.list_repositories()),
        lambda repository: repository.name,
        asked.get("nextToken"),
        asked.get("maxResults"),
    )
    return {"repositories": [_described(region, one) for one in shown], "nextToken": token}


def delete_repository(region: Region, asked: Values) -> Values:
    """DeleteRepository; with images in it only by `force`."""
    with region.lock:
        repository = _repository(region, asked)
        if region.contents.count_manifests(repository.name) and not asked.get("force"):
            raise repository_not_empty(repository.name, region.account)
        region.contents.delete_repository(repository.name)
        forget_preview(region, repository.name)
    return {"repository": _described(region, repository)}


def put_image_tag_mutability(region: Region, asked: Values) -> Values:
    """PutImageTagMutability."""
    settings = _change(region, asked, read_mutability(asked))
    return {**_named(region, asked), **describe_mutability(settings)}


def put_image_scanning_configuration(region: Region, asked: Values) -> Values:
    """PutImageScanningConfiguration."""
    scan = asked["imageScanningConfiguration"].get("scanOnPush", False)
    _change(region, asked, {"scan_on_push": scan})
    return {**_named(region, asked), "imageScanningConfiguration": {"scanOnPush": scan}}


# --- cost tags ----------------------------------------------------------------------------------


def tag_resource(region: Region, asked: Values) -> Values:
    """TagResource."""
    with region.lock:
        repository = _by_arn(region, asked["resourceArn"])
        tags = read_tags(asked["tags"], repository.settings.get("tags"))
        region.contents.update_repository(repository.name, {**repository.settings, "tags": tags})
    return {}


def untag_resource(region: Region, asked: Values) -> Values:
    """UntagResource."""
    with region.lock:
        repository = _by_arn(region, asked["resourceArn"])
        present: dict[str, str] = repository.settings.get("tags", {})
        tags = {key: value for key, value in present.items() if key not in asked["tagKeys"]}
        region.contents.update_repository(repository.name, {**repository.settings, "tags": tags})
    return {}


def list_tags_for_resource(region: Region, asked: Values) -> Values:
    """ListTagsForResource."""
    repository = _by_arn(region, asked["resourceArn"])
    return {"tags": tag_list(repository.settings.get("tags", {}))}


def _by_arn(region: Region, arn: str) -> Repository:
    prefix = region.arn("")
    if not arn.startswith("arn:") or ":repository/" not in arn:
        raise invalid("resourceArn", "Invalid ARN")
    name = arn.partition(":repository/")[2]
    if not arn.startswith(prefix):
        raise repository_not_found(name, (arn.split(":") + [""] * 5)[4])
    return region.repository(name)


# --- policies -----------------------------------------------------------------------------------


def put_lifecycle_policy(region: Region, asked: Values) -> Values:
    """PutLifecyclePolicy, with ECR's checks. A policy that is replaced keeps its time of day."""
    text = asked["lifecyclePolicyText"]
    with region.lock:
        repository = _repository(region, asked)
        check_lifecycle(text)
        present = schedule_of(repository) or Schedule(region.ecr.clock.now())
        version = repository.settings.get("lifecycle_version", 0) + 1
        schedule = replace(present, version=version).as_settings()
        _change(region, asked, {"lifecycle_policy": text, **schedule})
    return {**_named(region, asked), "lifecyclePolicyText": text}


def get_lifecycle_policy(region: Region, asked: Values) -> Values:
    """GetLifecyclePolicy."""
    return {**_named(region, asked), **_lifecycle(region, asked)}


def delete_lifecycle_policy(region: Region, asked: Values) -> Values:
    """DeleteLifecyclePolicy."""
    with region.lock:
        found = _lifecycle(region, asked)
        gone = {"lifecycle_policy": None, "lifecycle_anchor": None, "lifecycle_evaluated_at": None}
        _change(region, asked, gone)
    return {**_named(region, asked), **found}


def _lifecycle(region: Region, asked: Values) -> Values:
    """The policy's text, and when it was evaluated last."""
    repository = _repository(region, asked)
    schedule = schedule_of(repository)
    if schedule is None:
        raise policy_not_found(
            "Lifecycle", "LifecyclePolicyNotFoundException", repository.name, region.account
        )
    return {
        "lifecyclePolicyText": repository.settings["lifecycle_policy"],
        "lastEvaluatedAt": schedule.evaluated_at,
    }


def set_repository_policy(region: Region, asked: Values) -> Values:
    """SetRepositoryPolicy."""
    text = asked["policyText"]
    _repository(region, asked)
    check_policy(text)
    _change(region, asked, {"repository_policy": text})
    return {**_named(region, asked), "policyText": text}


def get_repository_policy(region: Region, asked: Values) -> Values:
    """GetRepositoryPolicy."""
    return {**_named(region, asked), "policyText": _policy(region, asked)}


def delete_repository_policy(region: Region, asked: Values) -> Values:
    """DeleteRepositoryPolicy."""
    with region.lock:
        text = _policy(region, asked)
        _change(region, asked, {"repository_policy": None})
    return {**_named(region, asked), "policyText": text}


def _policy(region: Region, asked: Values) -> str:
    repository = _repository(region, asked)
    text: str | None = repository.settings.get("repository_policy")
    if text is None:
        raise policy_not_found(
            "Repository", "RepositoryPolicyNotFoundException", repository.name, region.account
        )
    return text


# --- what they share ----------------------------------------------------------------------------


def _repository(region: Region, asked: Values) -> Repository:
    return region.repository(asked["repositoryName"], asked.get("registryId"))


def _named(region: Region, asked: Values) -> Values:
    return {"registryId": region.account, "repositoryName": asked["repositoryName"]}


def _change(region: Region, asked: Values, changes: Values) -> Values:
    with region.lock:
        repository = _repository(region, asked)
        settings = {**repository.settings, **changes}
        region.contents.update_repository(repository.name, settings)
    return settings


def _described(region: Region, repository: Repository) -> Values:
    name = repository.name
    uri = f"{region.host}/{name}"
    return describe(name, repository.settings, region.arn(name), uri, repository.created_at)
