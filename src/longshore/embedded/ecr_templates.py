"""ECR's repository creation templates, and the repositories that a push makes by them. I/O.

A push to a repository that does not exist makes it when a template for CREATE_ON_PUSH matches: the
longest prefix (a `/` is implied), else the template `ROOT`. Without one the push is refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.contents import Repository
from longshore.embedded.ecr_errors import invalid
from longshore.embedded.ecr_paging import page
from longshore.embedded.ecr_settings import (
    check_lifecycle,
    check_policy,
    describe_mutability,
    read_encryption,
    read_mutability,
    read_tags,
    tag_list,
)
from longshore.embedded.ecr_state import Region

Values = dict[str, Any]

_NOTE = "ecr-templates"
ROOT = "ROOT"
MIN_NAME = 2
_MEMBERS = (
    *("description", "encryptionConfiguration", "resourceTags", "imageTagMutability"),
    *("imageTagMutabilityExclusionFilters", "repositoryPolicy", "lifecyclePolicy"),
    *("appliedFor", "customRoleArn"),
)


def create_template(region: Region, asked: Values) -> Values:
    """CreateRepositoryCreationTemplate."""
    prefix = asked["prefix"]
    kept = {name: asked[name] for name in _MEMBERS if name in asked}
    _check(region, kept)
    now = region.ecr.clock.now().isoformat()
    with region.lock:
        if prefix in _templates(region):
            raise AwsRefusal(
                "TemplateAlreadyExistsException",
                f"The repository creation template with prefix '{prefix}' already exists "
                f"in the registry with id '{region.account}'",
            )
        _keep(region, prefix, {**kept, "createdAt": now, "updatedAt": now})
    return _answer(region, prefix)


def update_template(region: Region, asked: Values) -> Values:
    """UpdateRepositoryCreationTemplate: what is not named stays."""
    prefix = asked["prefix"]
    with region.lock:
        changed = {name: asked[name] for name in _MEMBERS if name in asked}
        if "imageTagMutability" in changed:
            changed.setdefault("imageTagMutabilityExclusionFilters", [])
        kept = {**_template(region, prefix), **changed}
        _check(region, kept)
        _keep(region, prefix, {**kept, "updatedAt": region.ecr.clock.now().isoformat()})
    return _answer(region, prefix)


def delete_template(region: Region, asked: Values) -> Values:
    """DeleteRepositoryCreationTemplate."""
    with region.lock:
        answer = _answer(region, asked["prefix"])
        _keep(region, asked["prefix"], None)
    return answer


def describe_templates(region: Region, asked: Values) -> Values:
    """DescribeRepositoryCreationTemplates."""
    if prefixes := asked.get("prefixes"):
        if "maxResults" in asked or "nextToken" in asked:
            raise invalid("maxResults", "must not be set together with prefixes")
        kept = _templates(region)
        shown, token = [prefix for prefix in prefixes if prefix in kept], None
    else:
        names = list(_templates(region))
        shown, token = page(names, str, asked.get("nextToken"), asked.get("maxResults"))
    return {
        "registryId": region.account,
        "repositoryCreationTemplates": [
            _described(prefix, _template(region, prefix)) for prefix in shown
        ],
        "nextToken": token,
    }


def repository_for_push(region: Region, name: str) -> Repository:
    """The repository, made by a template if need be. Raises RepositoryNotFoundException."""
    with region.lock:
        found = region.contents.repository(name)
        template = _matching(region, name) if found is None and len(name) >= MIN_NAME else None
        if template is not None:
            region.contents.create_repository(name, _settings(region, template))
    return region.repository(name)


def _matching(region: Region, name: str) -> Values | None:
    kept = {
        prefix: template
        for prefix, template in _templates(region).items()
        if "CREATE_ON_PUSH" in template["appliedFor"]
    }
    fitting = [prefix for prefix in kept if name.startswith(prefix.rstrip("/") + "/")]
    return kept[max(fitting, key=len)] if fitting else kept.get(ROOT)


def _settings(region: Region, template: Values) -> Values:
    return {
        **read_mutability(template),
        "scan_on_push": False,
        "encryption": read_encryption(template, region.name, region.account),
        "tags": read_tags(template.get("resourceTags", [])),
        "lifecycle_policy": template.get("lifecyclePolicy") or None,
        "repository_policy": template.get("repositoryPolicy") or None,
    }


def _check(region: Region, kept: Values) -> None:
    settings = _settings(region, kept)
    if settings["lifecycle_policy"]:
        check_lifecycle(settings["lifecycle_policy"])
    if settings["repository_policy"]:
        check_policy(settings["repository_policy"])
    has_key = bool(kept.get("encryptionConfiguration", {}).get("kmsKey"))
    if (has_key or settings["tags"]) and not kept.get("customRoleArn"):
        raise AwsRefusal(
            "ValidationException", "A custom role is required for resource tags or a KMS key"
        )


def _templates(region: Region) -> dict[str, Values]:
    found: dict[str, Values] = region.contents.note(_NOTE) or {}
    return found


def _keep(region: Region, prefix: str, template: Values | None) -> None:
    others = {name: kept for name, kept in _templates(region).items() if name != prefix}
    region.contents.set_note(_NOTE, {**others, prefix: template} if template else others)


def _template(region: Region, prefix: str) -> Values:
    kept = _templates(region).get(prefix)
    if kept is None:
        raise AwsRefusal(
            "TemplateNotFoundException",
            f"The repository creation template with prefix '{prefix}' does not exist "
            f"in the registry with id '{region.account}'",
        )
    return kept


def _answer(region: Region, prefix: str) -> Values:
    return {
        "registryId": region.account,
        "repositoryCreationTemplate": _described(prefix, _template(region, prefix)),
    }


def _described(prefix: str, kept: Values) -> Values:
    tags = {tag["Key"]: tag["Value"] for tag in kept.get("resourceTags", [])}
    return {
        "prefix": prefix,
        "description": kept.get("description"),
        "encryptionConfiguration": kept.get("encryptionConfiguration")
        or {"encryptionType": "AES256"},
        "resourceTags": tag_list(tags) or None,
        **describe_mutability(read_mutability(kept)),
        "repositoryPolicy": kept.get("repositoryPolicy"),
        "lifecyclePolicy": kept.get("lifecyclePolicy"),
        "appliedFor": kept["appliedFor"],
        "customRoleArn": kept.get("customRoleArn"),
        "createdAt": datetime.fromisoformat(kept["createdAt"]),
        "updatedAt": datetime.fromisoformat(kept["updatedAt"]),
    }
