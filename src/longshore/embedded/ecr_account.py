"""ECR's operations on a whole registry: account settings, policy, scanning, replication. I/O."""

from __future__ import annotations

from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.ecr_errors import invalid
from longshore.embedded.ecr_settings import check_policy, matches
from longshore.embedded.ecr_state import Region

Values = dict[str, Any]

_SETTINGS = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE",),
    "REGISTRY_POLICY_SCOPE": ("V2",),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
}
_POLICY, _SCANNING, _REPLICATION, _SETTING = (
    *("ecr-registry-policy", "ecr-scanning", "ecr-replication", "ecr-setting-"),
)


def describe_registry(region: Region, asked: Values) -> Values:
    """DescribeRegistry."""
    rules = region.contents.note(_REPLICATION) or {"rules": []}
    return {"registryId": region.account, "replicationConfiguration": rules}


def get_account_setting(region: Region, asked: Values) -> Values:
    """GetAccountSetting; what was never set has its default."""
    allowed = _allowed_values(asked["name"])
    value = region.contents.note(_SETTING + asked["name"]) or allowed[0]
    return {"name": asked["name"], "value": value}


def put_account_setting(region: Region, asked: Values) -> Values:
    """PutAccountSetting."""
    allowed = _allowed_values(asked["name"])
    if asked["value"] not in allowed:
        raise invalid("value", f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    region.contents.set_note(_SETTING + asked["name"], asked["value"])
    return {"name": asked["name"], "value": asked["value"]}


def _allowed_values(name: str) -> tuple[str, ...]:
    if name not in _SETTINGS:
        raise invalid("name", f"Member must satisfy enum value set: [{', '.join(_SETTINGS)}]")
    return _SETTINGS[name]


def blob_mounting_enabled(region: Region) -> bool:
    """Whether blobs may be mounted from one repository into another."""
    return bool(region.contents.note(_SETTING + "BLOB_MOUNTING") == "ENABLED")


# --- registry policy ----------------------------------------------------------------------------


def put_registry_policy(region: Region, asked: Values) -> Values:
    """PutRegistryPolicy."""
    check_policy(asked["policyText"], kind="registry")
    region.contents.set_note(_POLICY, asked["policyText"])
    return {"registryId": region.account, "policyText": asked["policyText"]}


def get_registry_policy(region: Region, asked: Values) -> Values:
    """GetRegistryPolicy."""
    text = region.contents.note(_POLICY)
    if text is None:
        raise AwsRefusal(
            "RegistryPolicyNotFoundException",
            f"Registry policy does not exist in the registry with id '{region.account}'",
        )
    return {"registryId": region.account, "policyText": text}


def delete_registry_policy(region: Region, asked: Values) -> Values:
    """DeleteRegistryPolicy."""
    answer = get_registry_policy(region, asked)
    region.contents.set_note(_POLICY, None)
    return answer


# --- scanning and replication rules -------------------------------------------------------------


def put_registry_scanning_configuration(region: Region, asked: Values) -> Values:
    """PutRegistryScanningConfiguration."""
    kept = {"scanType": asked.get("scanType", "BASIC"), "rules": asked.get("rules", [])}
    if kept["scanType"] == "BASIC" and any(
        rule["scanFrequency"] == "CONTINUOUS_SCAN" for rule in kept["rules"]
    ):
        raise invalid("rules", "CONTINUOUS_SCAN is not supported for scan type BASIC")
    region.contents.set_note(_SCANNING, kept)
    return {"registryScanningConfiguration": kept}


def get_registry_scanning_configuration(region: Region, asked: Values) -> Values:
    """GetRegistryScanningConfiguration."""
    return {"registryId": region.account, "scanningConfiguration": _scanning(region)}


def _scanning(region: Region) -> Values:
    kept: Values = region.contents.note(_SCANNING) or {"scanType": "BASIC", "rules": []}
    return kept


def scan_frequency(region: Region, name: str) -> tuple[str, str]:
    """How a repository is scanned: BASIC or ENHANCED, and when (MANUAL: not by itself)."""
    scanning = _scanning(region)
    repository = region.contents.repository(name)
    on_push = bool(repository and repository.settings.get("scan_on_push"))
    return scanning["scanType"], _frequency(scanning, name, on_push)[0]


def batch_get_repository_scanning_configuration(region: Region, asked: Values) -> Values:
    """BatchGetRepositoryScanningConfiguration: what is in effect for each repository."""
    found: list[Values] = []
    failures: list[Values] = []
    for name in asked["repositoryNames"]:
        repository = region.contents.repository(name)
        if repository is None:
            failures.append(
                {
                    "repositoryName": name,
                    "failureCode": "REPOSITORY_NOT_FOUND",
                    "failureReason": f"The repository with name '{name}' does not exist "
                    f"in the registry with id '{region.account}'",
                }
            )
            continue
        on_push = bool(repository.settings.get("scan_on_push"))
        frequency, filters = _frequency(_scanning(region), name, on_push)
        found.append(
            {
                "repositoryArn": region.arn(name),
                "repositoryName": name,
                "scanOnPush": frequency != "MANUAL",
                "scanFrequency": frequency,
                "appliedScanFilters": filters,
            }
        )
    return {"scanningConfigurations": found, "failures": failures}


def _frequency(scanning: Values, name: str, on_push: bool) -> tuple[str, list[Values]]:
    """Registry rules supersede the repository's own setting."""
    for rule in scanning["rules"]:
        filters = [entry for entry in rule["repositoryFilters"] if matches(entry["filter"], name)]
        if filters:
            return rule["scanFrequency"], filters
    return ("SCAN_ON_PUSH" if on_push and not scanning["rules"] else "MANUAL"), []


def put_replication_configuration(region: Region, asked: Values) -> Values:
    """PutReplicationConfiguration: kept and shown; nothing is replicated."""
    kept = asked["replicationConfiguration"]
    for place, rule in enumerate(kept["rules"], 1):
        for destination in rule["destinations"]:
            if (destination["region"], destination["registryId"]) == (region.name, region.account):
                raise invalid(
                    f"replicationConfiguration.rules.{place}.member.destinations",
                    "The destination must differ from the source registry",
                )
    region.contents.set_note(_REPLICATION, kept)
    return {"replicationConfiguration": kept}
