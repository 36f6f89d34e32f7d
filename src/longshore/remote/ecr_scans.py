"""ECR's image scans: start one, read its findings, read and set the registry's scanning. I/O.

Basic and enhanced findings come out as the same facts. With the native engine DescribeImages tells
nothing of scans, so each image is asked with DescribeImageScanFindings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from longshore.errors import AwsError
from longshore.facts import Finding, ScanSeen
from longshore.remote.aws import AwsSession
from longshore.remote.ecr_answers import time_of

_PAGE = 1000

# What each method of Scans must be allowed; the operation of the same name is what it calls.
IAM_ACTIONS = {
    "start_image_scan": "ecr:StartImageScan",
    "describe_image_scan_findings": "ecr:DescribeImageScanFindings",
    "get_registry_scanning_configuration": "ecr:GetRegistryScanningConfiguration",
    "put_registry_scanning_configuration": "ecr:PutRegistryScanningConfiguration",
}


@dataclass(frozen=True)
class ScanningRule:
    """Which repositories are scanned when: `SCAN_ON_PUSH`, `CONTINUOUS_SCAN`, `MANUAL`."""

    frequency: str
    filters: tuple[str, ...]


@dataclass(frozen=True)
class ScanningSeen:
    """The registry's scanning: `BASIC` or `ENHANCED`, with at most two rules."""

    scan_type: str
    rules: tuple[ScanningRule, ...]


class Scans:
    """Scans in one account's ECR. All methods raise AwsError, LoginError or LimitError."""

    def __init__(self, session: AwsSession, account: str | None = None) -> None:
        self._client = session.client("ecr")
        self._registry: dict[str, Any] = {"registryId": account} if account else {}

    def start(self, repository: str, digest: str) -> ScanSeen:
        """Start a basic scan of one image by hand.

        Raises AwsError with `aws_code` LimitExceededException (once in 24 hours),
        UnsupportedImageTypeException, ImageArchivedException, ValidationException (enhanced).
        """
        answer = self._call("start_image_scan", repository, digest)
        return _scan(digest, answer, ())

    def read(self, repository: str, digest: str) -> ScanSeen:
        """The scan of one image with all its findings; status "" when it was never scanned."""
        asked = self._asked(repository, digest)
        action = IAM_ACTIONS["describe_image_scan_findings"]
        findings: list[Finding] = []
        last: dict[str, Any] = {}
        try:
            for page in self._client.pages(
                "DescribeImageScanFindings",
                {**asked, "maxResults": _PAGE},
                action=action,
                resource=repository,
            ):
                last = page
                findings += _findings(page.get("imageScanFindings") or {})
        except AwsError as error:
            if error.aws_code != "ScanNotFoundException":
                raise
            return ScanSeen(digest)
        return _scan(digest, last, tuple(findings))

    def read_registry(self) -> ScanningSeen:
        """How the registry scans."""
        action = IAM_ACTIONS["get_registry_scanning_configuration"]
        answer = self._client.call(
            "GetRegistryScanningConfiguration", {}, action=action, resource="registry"
        )
        found = answer.get("scanningConfiguration") or {}
        rules = tuple(
            ScanningRule(
                str(rule.get("scanFrequency", "")),
                tuple(str(one["filter"]) for one in rule.get("repositoryFilters", ())),
            )
            for rule in found.get("rules", ())
        )
        return ScanningSeen(str(found.get("scanType", "BASIC")), rules)

    def write_registry(self, wanted: ScanningSeen) -> None:
        """Set how the registry scans."""
        rules = [
            {
                "scanFrequency": rule.frequency,
                "repositoryFilters": [
                    {"filter": one, "filterType": "WILDCARD"} for one in rule.filters
                ],
            }
            for rule in wanted.rules
        ]
        self._client.call(
            "PutRegistryScanningConfiguration",
            {"scanType": wanted.scan_type, "rules": rules},
            action=IAM_ACTIONS["put_registry_scanning_configuration"],
            resource="registry",
        )

    def _call(self, method: str, repository: str, digest: str) -> dict[str, Any]:
        action = IAM_ACTIONS[method]
        operation = action.partition(":")[2]
        return self._client.call(
            operation, self._asked(repository, digest), action=action, resource=repository
        )

    def _asked(self, repository: str, digest: str) -> dict[str, Any]:
        return {
            **self._registry,
            "repositoryName": repository,
            "imageId": {"imageDigest": digest},
        }


def _scan(digest: str, answer: Mapping[str, Any], findings: tuple[Finding, ...]) -> ScanSeen:
    status = answer.get("imageScanStatus") or {}
    about = answer.get("imageScanFindings") or {}
    return ScanSeen(
        digest,
        str(status.get("status", "")),
        str(status.get("description") or ""),
        findings=findings,
        completed_at=time_of(about.get("imageScanCompletedAt")),
        data_of=time_of(about.get("vulnerabilitySourceUpdatedAt")),
    )


def _findings(about: Mapping[str, Any]) -> list[Finding]:
    basic = [_basic(one) for one in about.get("findings") or ()]
    enhanced = [each for one in about.get("enhancedFindings") or () for each in _enhanced(one)]
    return basic + enhanced


def _basic(found: Mapping[str, Any]) -> Finding:
    attributes = {
        str(one.get("key")): str(one.get("value") or "") for one in found.get("attributes") or ()
    }
    return Finding(
        str(found.get("name", "")),
        str(found.get("severity", "UNDEFINED")),
        attributes.get("package_name", ""),
        attributes.get("package_version", ""),
        attributes.get("patched_versions") or attributes.get("fixed_in") or None,
        str(found.get("uri") or ""),
        str(found.get("description") or ""),
    )


def _enhanced(found: Mapping[str, Any]) -> list[Finding]:
    """One finding per vulnerable package; suppressed and closed ones are left out."""
    if found.get("status", "ACTIVE") != "ACTIVE":
        return []
    about = found.get("packageVulnerabilityDetails") or {}
    packages = about.get("vulnerablePackages") or [{}]
    return [
        Finding(
            str(about.get("vulnerabilityId") or found.get("title") or ""),
            str(found.get("severity", "UNTRIAGED")),
            str(package.get("name") or ""),
            str(package.get("version") or ""),
            _fixed(package),
            str(about.get("sourceUrl") or ""),
            str(found.get("description") or ""),
        )
        for package in packages
    ]


def _fixed(package: Mapping[str, Any]) -> str | None:
    """Inspector writes NotAvailable where no version mends it."""
    version = str(package.get("fixedInVersion") or "")
    return version if version and version != "NotAvailable" else None
