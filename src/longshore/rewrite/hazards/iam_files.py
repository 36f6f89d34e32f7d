"""Check of IAM policies that lie in the tree: rights on every repository of the account. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from longshore.rewrite.hazards.hazard import Check, Hazard, Severity, Surveyed
from longshore.rewrite.hazards.iam_statements import Statement, is_of_ecr, statements_about_ecr
from longshore.text import tr

# Actions that know no resource (service authorization reference of Amazon ECR).
_WITHOUT_RESOURCE = frozenset(
    name.lower()
    for name in (
        *("GetAuthorizationToken", "DescribeRegistry", "GetAccountSetting", "PutAccountSetting"),
        *("GetRegistryPolicy", "PutRegistryPolicy", "DeleteRegistryPolicy"),
        *("GetRegistryScanningConfiguration", "PutRegistryScanningConfiguration"),
        *("PutReplicationConfiguration", "DescribePullThroughCacheRules"),
        *("CreatePullThroughCacheRule", "UpdatePullThroughCacheRule"),
        *("DeletePullThroughCacheRule", "ValidatePullThroughCacheRule"),
        *("CreateRepositoryCreationTemplate", "DescribeRepositoryCreationTemplates"),
        *("UpdateRepositoryCreationTemplate", "DeleteRepositoryCreationTemplate"),
        *("GetSigningConfiguration", "PutSigningConfiguration", "DeleteSigningConfiguration"),
        *("RegisterPullTimeUpdateExclusion", "DeregisterPullTimeUpdateExclusion"),
        "ListPullTimeUpdateExclusions",
    )
)
_READING = ("get", "batchget", "batchcheck", "describe", "list")
_EVERYTHING = ("*", "arn:aws:ecr:*:*:*", "arn:aws:ecr:*:*:repository/*")
_SHOWN = 3


def _resource_star(surveyed: Surveyed) -> Iterator[Hazard]:
    for one in statements_about_ecr(surveyed):
        wide = [name for name in one.actions if is_of_ecr(name) and _has_resource(name)]
        if not wide or one.conditional or not any(each in _EVERYTHING for each in one.resources):
            continue
        yield RESOURCE_STAR.at(
            one.file,
            one.span,
            tr(
                "{actions} on every repository of the account: a job that is taken over can "
                "replace or delete the images of all other teams",
                actions=_names(wide),
            )
            if _writes(wide)
            else tr(
                "{actions} on every repository of the account: whoever has this role reads the "
                "images of all teams",
                actions=_names(wide),
            ),
            tr(
                "two statements: `ecr:GetAuthorizationToken` on `*`, the rest on "
                "`arn:aws:ecr:<region>:<account>:repository/<name>`"
            ),
            _worth(one, wide),
        )


def _has_resource(action: str) -> bool:
    return action.partition(":")[2].lower() not in _WITHOUT_RESOURCE


def _worth(one: Statement, wide: list[str]) -> Severity:
    if any(name.lower() == "ecr:*" for name in wide):
        return "high"
    return "medium" if _writes(wide) else "low"


def _writes(actions: list[str]) -> bool:
    names = [one.partition(":")[2].lower() for one in actions]
    return any(not name.startswith(_READING) for name in names)


def _names(actions: list[str]) -> str:
    more = tr(" and {count} more", count=len(actions) - _SHOWN) if len(actions) > _SHOWN else ""
    return ", ".join(actions[:_SHOWN]) + more


RESOURCE_STAR = Check(
    "iam-resource-star",
    "medium",
    tr("An IAM policy gives rights on every ECR repository"),
    _resource_star,
)
CHECKS = (RESOURCE_STAR,)
