"""What is out there, as values that every room may share. Pure.

A fact says what was read, from where, at what time; it decides nothing. Times are aware UTC
datetimes, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

TargetKind = Literal["ecr", "local"]


@dataclass(frozen=True)
class Identity:
    """Who the AWS credentials are (sts:GetCallerIdentity)."""

    account: str
    arn: str
    user_id: str = ""


@dataclass(frozen=True)
class Endpoint:
    """Where a target is: account, region, AWS endpoint (None: the public one) and registry host."""

    kind: TargetKind
    account: str
    region: str
    registry: str
    aws_endpoint: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether this is the embedded ECR."""
        return self.kind == "local"


@dataclass(frozen=True)
class ExclusionFilter:
    """A tag wildcard that mutability does not apply to (ECR ImageTagMutabilityExclusionFilter)."""

    pattern: str


@dataclass(frozen=True)
class RepositorySeen:
    """An ECR repository with its settings, as the API returns them.

    `mutability` is ECR's word: MUTABLE, IMMUTABLE, MUTABLE_WITH_EXCLUSION,
    IMMUTABLE_WITH_EXCLUSION. `lifecycle_policy` and `repository_policy` are the texts, None when
    there is none.
    """

    name: str
    arn: str
    uri: str
    mutability: str = "MUTABLE"
    exclusions: tuple[str, ...] = ()
    scan_on_push: bool = False
    encryption: str = "AES256"
    kms_key: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    lifecycle_policy: str | None = None
    repository_policy: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImageSeen:
    """An image in ECR, as DescribeImages shows it. `size` is the logical compressed size.

    `status` is ECR's word: ACTIVE, ARCHIVED, or ACTIVATING while it is restored; `archived_at` and
    `activated_at` say when it was last archived and restored. `children` are the digests of an
    index's manifests; DescribeImages does not tell them, a reader of manifests does.
    """

    digest: str
    tags: tuple[str, ...] = ()
    size: int = 0
    pushed_at: datetime | None = None
    media_type: str = ""
    artifact_type: str = ""
    subject: str | None = None
    pulled_at: datetime | None = None
    status: str = "ACTIVE"
    archived_at: datetime | None = None
    activated_at: datetime | None = None
    children: tuple[str, ...] = ()


@dataclass(frozen=True)
class ManifestSeen:
    """A manifest or index as ECR keeps it: its digest, media type and exact bytes."""

    digest: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class ReferrerSeen:
    """A manifest whose subject is an image, as ListImageReferrers shows it; `size` is its own."""

    digest: str
    media_type: str = ""
    artifact_type: str = ""
    size: int = 0
    status: str = "ACTIVE"


@dataclass(frozen=True)
class PreviewedImage:
    """An image that ECR's own preview of a lifecycle policy would act on.

    `action` and `storage_class` are the words of the policy's text: expire or transition, standard
    or archive. `rule` is the priority of the rule that acts.
    """

    digest: str
    tags: tuple[str, ...]
    action: str
    rule: int
    pushed_at: datetime | None = None
    storage_class: str = "standard"


@dataclass(frozen=True)
class LifecyclePreview:
    """ECR's own preview of a lifecycle policy, and the `text` it is about.

    `status` is ECR's word: IN_PROGRESS, COMPLETE, EXPIRED or FAILED; only a complete one has
    images. `expiring` and `transitioning` are ECR's counts.
    """

    status: str
    text: str
    images: tuple[PreviewedImage, ...] = ()
    expiring: int = 0
    transitioning: int = 0


@dataclass(frozen=True)
class InUse:
    """An image that something runs, or that must stay for another reason.

    `repository` is the target's repository, `digest` what runs; where only a tag is known (a
    manifest names `shop:v2`) `digest` is None until it is looked up. `by` says who uses it
    (`compose`, `kubernetes`, `ecs`, `lambda`, `command`, `release`, `backup`), `where` the very
    place in words: a file with its line, a service's ARN.
    """

    repository: str
    by: str
    where: str
    digest: str | None = None
    tag: str | None = None


@dataclass(frozen=True)
class Unread:
    """A place where images in use were to be looked for, and that could not be read.

    `by` and `where` are as in `InUse`, `why` the reason in words. `repository` is the one that it
    is about; empty: it may be about any. Nothing that may be in use there is known to be free.
    """

    by: str
    where: str
    why: str
    repository: str = ""


@dataclass(frozen=True)
class UsesSeen:
    """What one look for images in use gave, and what it could not read."""

    uses: tuple[InUse, ...] = ()
    unread: tuple[Unread, ...] = ()

    def __add__(self, other: UsesSeen) -> UsesSeen:
        return UsesSeen(self.uses + other.uses, self.unread + other.unread)


@dataclass(frozen=True)
class Token:
    """A registry password with its expiry; never printed."""

    username: str
    password: str
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Token({self.username!r}, '***', {self.expires_at})"


@dataclass(frozen=True)
class TagUsage:
    """When Docker Hub last gave a tag away, and when it was pushed.

    `told` is whether the Hub says anything of pulls at all; told and no `pulled_at` means never.
    """

    tag: str
    told: bool
    pulled_at: datetime | None = None
    pushed_at: datetime | None = None


@dataclass(frozen=True)
class HubUsage:
    """How a repository of Docker Hub is used. `asked_at` is the Hub's own time of the answer.

    `pull_count` counts all pulls there ever were; None when the Hub does not say.
    """

    repository: str
    asked_at: datetime
    pull_count: int | None
    tags: tuple[TagUsage, ...]


@dataclass(frozen=True)
class Finding:
    """One vulnerability in one package of an image, as a scan names it.

    `severity` is ECR's word (CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL, UNDEFINED; UNTRIAGED with
    enhanced scanning). `fixed_in` is the version that mends it; None when none is known.
    """

    name: str
    severity: str
    package: str = ""
    version: str = ""
    fixed_in: str | None = None
    uri: str = ""
    description: str = ""


@dataclass(frozen=True)
class ScanSeen:
    """What is known of a scan of one image (never of an index: its manifests are scanned).

    `status` is ECR's word; empty when the image was never scanned. Findings exist only with
    COMPLETE (basic scanning) and ACTIVE (enhanced). `looked_at` says in words what was looked at,
    where the scanner tells it.
    """

    digest: str
    status: str = ""
    description: str = ""
    platform: str = ""
    findings: tuple[Finding, ...] = ()
    completed_at: datetime | None = None
    data_of: datetime | None = None
    looked_at: str = ""


@dataclass(frozen=True)
class MetricValue:
    """One value of a metric at one time. `unit` is CloudWatch's word (Bytes, Count)."""

    name: str
    value: float
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    at: datetime


@dataclass(frozen=True)
class MetricAsked:
    """Which metric is asked for: one point for each period, made by the statistic (Sum, ...)."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str = "Sum"
    period_s: int = 3600


MetricPoint = tuple[datetime, float]


@dataclass(frozen=True)
class AlertSeen:
    """A topic, rule or alarm as it is: its fields, and whether longshore made it.

    `pending` are subscribers that have not confirmed yet.
    """

    document: Mapping[str, Any]
    managed: bool
    pending: tuple[str, ...] = ()
