"""What `monitor check` found, in the shape that every command's findings have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from longshore.facts import RepositorySeen
from longshore.policy.gate import DEFAULT_RULES, GateRules
from longshore.provision.resources import LifecyclePolicy, Repository
from longshore.watch.contents import Contents

Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class Finding:
    """One worry: `where` is a repository's name, or the registry; `fix` a command or a deed."""

    code: str
    severity: Severity
    where: str
    message: str
    fix: str

    def as_json(self) -> dict[str, Any]:
        """As every list `findings` has it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "where": {"resource": self.where},
            "message": self.message,
            "fix": self.fix,
        }


@dataclass(frozen=True)
class Unchecked:
    """What could not be looked at, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Before:
    """How a repository was at the last check."""

    protected: frozenset[str] = frozenset()
    mutability: str = ""
    exclusions: tuple[str, ...] = ()
    lifecycle: str | None = None

    def as_document(self) -> dict[str, Any]:
        """For the memory."""
        return {
            "protected": sorted(self.protected),
            "mutability": self.mutability,
            "exclusions": list(self.exclusions),
            "lifecycle": self.lifecycle,
        }


def read_before(document: Mapping[str, Any]) -> Before:
    """From the memory; what another version wrote is taken as far as it is understood."""
    lifecycle = document.get("lifecycle")
    return Before(
        frozenset(map(str, document.get("protected") or ())),
        str(document.get("mutability") or ""),
        tuple(map(str, document.get("exclusions") or ())),
        None if lifecycle is None else str(lifecycle),
    )


@dataclass(frozen=True)
class Watched:
    """A repository as it is, as it was, and as the config wants it (None: it says nothing)."""

    seen: RepositorySeen
    contents: Contents
    before: Before | None = None
    repository: Repository | None = None
    lifecycle: LifecyclePolicy | None = None

    @property
    def name(self) -> str:
        """The repository's name."""
        return self.seen.name

    @property
    def now(self) -> Before:
        """What is remembered of it for the next check."""
        seen = self.seen
        return Before(
            self.contents.protected, seen.mutability, seen.exclusions, seen.lifecycle_policy
        )


@dataclass(frozen=True)
class AlertLimits:
    """From which values on something is a finding; None: nobody asked for it."""

    storage_gb: float | None = None
    rules: GateRules = DEFAULT_RULES
    pulls_anomaly: float | None = None


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by severity, then place, then code."""
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.where, one.code))
