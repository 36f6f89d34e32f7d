"""What AWS can hold for longshore, as values: wanted (Desired) and read (Actual). Pure.

In a wanted resource None means: not managed, leave it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from longshore.errors import Where
from longshore.facts import AlertSeen, RepositorySeen, TargetKind
from longshore.provision.settings import NOWHERE, PairsOfText, as_written

Kind = Literal["repository", "lifecycle", "repository-policy", "account-setting", "alert"]

MANAGED_TAG = "longshore:managed"
MANAGED = (MANAGED_TAG, "true")
BLOB_MOUNTING = "BLOB_MOUNTING"
OWN_STATEMENTS = "Longshore"


@dataclass(frozen=True)
class Repository:
    """A repository. `tags` are those that must be there; others are left alone."""

    kind: ClassVar[Kind] = "repository"
    name: str
    mutability: str | None = None
    exclusions: tuple[str, ...] = ()
    scan_on_push: bool | None = None
    encryption: str | None = None
    kms_key: str | None = None
    tags: PairsOfText = (MANAGED,)
    where: Where = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class LifecyclePolicy:
    """A repository's lifecycle policy, as canonical text; None: there must be none."""

    kind: ClassVar[Kind] = "lifecycle"
    name: str
    text: str | None


@dataclass(frozen=True)
class Statement:
    """One permission of a repository policy; only statements of ours, marked by their Sid."""

    sid: str
    principals: tuple[str, ...]
    actions: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As IAM writes it."""
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": {"AWS": list(self.principals)},
            "Action": list(self.actions),
        }


@dataclass(frozen=True)
class RepositoryPolicy:
    """Our statements in a repository's policy; those of others stay. `text`: the whole of it."""

    kind: ClassVar[Kind] = "repository-policy"
    name: str
    statements: tuple[Statement, ...] = ()
    text: str | None = None


@dataclass(frozen=True)
class AccountSetting:
    """A setting of the account's registry in one region."""

    kind: ClassVar[Kind] = "account-setting"
    name: str
    value: str


@dataclass(frozen=True)
class Alert:
    """A topic, rule or alarm that tells people; `name` is topic/NAME, rule/NAME or alarm/NAME."""

    kind: ClassVar[Kind] = "alert"
    name: str
    document: Mapping[str, Any]


Resource = Repository | LifecyclePolicy | RepositoryPolicy | AccountSetting | Alert


@dataclass(frozen=True)
class Note:
    """Something that the plan says without changing anything."""

    resource: str
    message: str


@dataclass(frozen=True)
class Place:
    """Where a plan applies: target, account, region, and the AWS endpoint when it is not AWS's."""

    target: str
    kind: TargetKind
    account: str
    region: str
    endpoint: str | None = None


@dataclass(frozen=True)
class Desired:
    """All that ought to be."""

    place: Place
    resources: tuple[Resource, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Actual:
    """All that is, as far as it was read.

    `images` says how many images a repository holds, None when that could not be read;
    repositories that are not in it were not asked. `unread` counts repositories whose tags were
    not looked at, None when not even their number is known.
    """

    repositories: Mapping[str, RepositorySeen] = field(default_factory=dict)
    images: Mapping[str, int | None] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    unread: int | None = 0
    alerts: Mapping[str, AlertSeen] = field(default_factory=dict)


def resource_name(kind: Kind, name: str) -> str:
    """The name in plans, for example `ecr/repository/acme/shop`; `${ENV}` is not filled in."""
    return f"ecr/{kind}/{as_written(name)}"
