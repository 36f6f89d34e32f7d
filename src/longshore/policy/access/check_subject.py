"""What `iam check` judges and what it says: subjects, findings, statements as text to paste. Pure.

A finding's `fix` is the corrected statement (or the one to add) as JSON; where there is nothing to
paste it says in words what to write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from longshore.policy.access.document import EVERYONE, Document, Principals, Statement
from longshore.policy.access.evaluate import Caller
from longshore.policy.access.roles import Role

Kind = Literal["identity", "repository", "registry", "trust"]
Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")
KINDS: tuple[Kind, ...] = ("identity", "repository", "registry", "trust")
REGISTRY_ACTIONS = ("ecr:replicateimage", "ecr:createrepository", "ecr:batchimportupstreamimage")
_ACCOUNT = re.compile(r"(?:arn:[^:]+:(?:iam|sts)::)?(\d{12})(?::.*)?\Z", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; `path` is the member of the document that it is about."""

    code: str
    severity: Severity
    path: str
    message: str
    fix: str


@dataclass(frozen=True)
class Home:
    """What is known of the registry: empty where it is not."""

    partition: str = "aws"
    region: str = ""
    account: str = ""
    repositories: tuple[str, ...] = ()

    def arn(self, name: str = "") -> str:
        """The ARN of a repository, in capitals what is not known."""
        repository = name or (self.repositories[0] if len(self.repositories) == 1 else "NAME")
        region, account = self.region or "REGION", self.account or "ACCOUNT"
        return f"arn:{self.partition}:ecr:{region}:{account}:repository/{repository}"

    def arns(self) -> str | list[str]:
        """The repositories' ARNs, as a policy has them."""
        if len(self.repositories) < 2:
            return self.arn()
        return [self.arn(name) for name in self.repositories]


@dataclass(frozen=True)
class Subject:
    """One policy. `size` is its length, `least` without blanks; `repository` whose policy it is."""

    name: str
    kind: Kind
    document: Document
    size: int = 0
    least: int = 0
    repository: str = ""


@dataclass(frozen=True)
class Asked:
    """What all subjects are judged by.

    `caller` is who would set or use the policies; `role` whose work the identity policies are for;
    `caches` the prefixes of pull-through rules.
    """

    home: Home = field(default_factory=Home)
    caller: Caller | None = None
    role: Role | None = None
    caches: tuple[str, ...] = ()
    in_use: bool = False


def kind_of(document: Document) -> Kind:
    """What sort of policy a document is, by what its statements name."""
    if not any(one.principals for one in document.statements):
        return "identity"
    actions = [pattern.lower() for one in document.statements for pattern in one.actions]
    if actions and all(one.startswith("sts:") for one in actions):
        return "trust"
    is_registry = all(one in REGISTRY_ACTIONS for one in actions) and any(
        one.resources for one in document.statements
    )
    return "registry" if is_registry else "repository"


# --- statements as text ---------------------------------------------------------------------------


def one_or_list(values: Sequence[str]) -> str | list[str]:
    """A single value stands alone, as people write it."""
    return values[0] if len(values) == 1 else list(values)


def written(statement: Statement, **other: Any) -> dict[str, Any]:
    """The statement as JSON; `other` replaces members, and None takes one away."""
    found: dict[str, Any] = {"Sid": statement.sid} if statement.sid else {}
    found["Effect"] = statement.effect
    if statement.principals is not None:
        name = "NotPrincipal" if statement.principals.negated else "Principal"
        found[name] = _principals(statement.principals)
    found["NotAction" if statement.not_actions else "Action"] = one_or_list(statement.actions)
    if statement.resources:
        name = "NotResource" if statement.not_resources else "Resource"
        found[name] = one_or_list(statement.resources)
    if statement.conditions:
        found["Condition"] = conditions_of(statement)
    for name in other:  # Action takes the place of NotAction, and the other way round
        found.pop(name.removeprefix("Not") if name.startswith("Not") else f"Not{name}", None)
    found |= other
    return {name: value for name, value in found.items() if value is not None}


def conditions_of(statement: Statement) -> dict[str, dict[str, Any]]:
    """The condition block of a statement."""
    found: dict[str, dict[str, Any]] = {}
    for one in statement.conditions:
        found.setdefault(one.operator, {})[one.key] = one_or_list(one.values)
    return found


def paste(*statements: dict[str, Any]) -> str:
    """Statements as text for a policy."""
    return ",\n".join(json.dumps(one, indent=2, ensure_ascii=False) for one in statements)


def _principals(principals: Principals) -> Any:
    if principals.entries == ((EVERYONE, EVERYONE),):
        return EVERYONE
    found: dict[str, list[str]] = {}
    for kind, value in principals.entries:
        found.setdefault(kind, []).append(value)
    return {kind: one_or_list(values) for kind, values in found.items()}


def account_of(principal: str) -> str:
    """The account that a principal of type AWS is in; empty when it does not say.

    >>> account_of("arn:aws:iam::123456789012:role/ci"), account_of("210987654321")
    ('123456789012', '210987654321')
    """
    found = _ACCOUNT.match(principal)
    return found[1] if found else ""
