"""Trust of an AWS role in GitHub's OIDC tokens: the policy, and why a token fits it or not. Pure.

The `sub` of a token begins with the repository, in one of two forms since 2026: by name
(`repo:acme/shop:...`), or by name and number (`repo:acme@1001/shop@2002:...`) for repositories that
were made, renamed or transferred after 2026-07-15 or that opted in. A policy for the wrong form
lets nobody in, so both may be written while a repository moves. (GitHub documentation, "OpenID
Connect reference"; IAM User Guide, "Available keys for AWS web identity federation".)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from longshore.errors import UsageError
from longshore.policy.access.conditions import Context, is_met
from longshore.policy.access.document import Condition, Document, Statement
from longshore.policy.access.wildcards import matches_action
from longshore.text import tr

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
ASSUME = "sts:AssumeRoleWithWebIdentity"
# Claims that STS offers to trust policies as keys of their own (announced January 2026).
KNOWN_CLAIMS = frozenset(
    ("aud", "sub", "amr", "azp", "repository_id", "repository", "ref", "environment",
     "job_workflow_ref", "workflow", "actor", "actor_id", "enterprise_id")
)  # fmt: skip
SubjectForm = Literal["name", "id", "both"]


@dataclass(frozen=True)
class Trusted:
    """Which runs of which repository on GitHub may take the role.

    `uses` are what follows the repository in `sub`: `ref:refs/heads/main`,
    `environment:production`, `pull_request`; a `*` in one makes the comparison StringLike.
    """

    owner: str
    repository: str
    uses: tuple[str, ...]
    owner_id: str = ""
    repository_id: str = ""
    form: SubjectForm = "name"

    def subjects(self) -> tuple[str, ...]:
        """The values of `sub`. Raises UsageError when a number is wanted and not known."""
        if self.form != "name" and not (self.owner_id and self.repository_id):
            raise UsageError(
                tr(
                    "the numbers of {name} are not known, and its tokens carry them",
                    name=f"{self.owner}/{self.repository}",
                ),
                tr("give --owner-id and --repository-id; GitHub's API tells both as id"),
                code="github-ids-missing",
            )
        by_name = f"repo:{self.owner}/{self.repository}"
        by_id = f"repo:{self.owner}@{self.owner_id}/{self.repository}@{self.repository_id}"
        begins = {"name": (by_name,), "id": (by_id,), "both": (by_name, by_id)}[self.form]
        return tuple(f"{begin}:{use}" for begin in begins for use in self.uses)


def provider_arn(partition: str, account: str) -> str:
    """The ARN of GitHub's identity provider in an account."""
    return f"arn:{partition}:iam::{account}:oidc-provider/{ISSUER}"


def trust_policy(trusted: Trusted, partition: str, account: str) -> dict[str, Any]:
    """The role's trust policy. Raises UsageError (numbers missing, no use, a use for everyone)."""
    if not trusted.uses:
        raise UsageError(
            tr("nothing of {name} would be trusted", name=f"{trusted.owner}/{trusted.repository}"),
            tr("name branches, tags or environments"),
            code="trust-nobody",
        )
    if wide := [use for use in trusted.uses if not use.strip("*")]:
        raise UsageError(
            tr("'{use}' would trust every run, those of pull requests too", use=wide[0]),
            tr("name branches, tags or environments, for example ref:refs/heads/main"),
            code="trust-everybody",
        )
    equal: dict[str, Any] = {f"{ISSUER}:aud": AUDIENCE}
    if trusted.repository_id:
        equal[f"{ISSUER}:repository_id"] = trusted.repository_id
    subjects = trusted.subjects()
    condition: dict[str, Any] = {"StringEquals": equal}
    key = f"{ISSUER}:sub"
    if any("*" in one for one in subjects):
        condition["StringLike"] = {key: _one_or_list(subjects)}
    else:
        equal[key] = _one_or_list(subjects)
    statement = {
        "Sid": "GitHubActions",
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn(partition, account)},
        "Action": ASSUME,
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _one_or_list(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


# --- why a token fits, or not ---------------------------------------------------------------------


@dataclass(frozen=True)
class Tested:
    """One condition against a token: whether it is met, what the token says, and what to do."""

    condition: Condition
    met: bool
    found: tuple[str, ...] | None
    hint: str = ""


@dataclass(frozen=True)
class StatementTested:
    """One statement against a token."""

    statement: Statement
    trusts_provider: bool
    is_about_tokens: bool
    conditions: tuple[Tested, ...]

    @property
    def fits(self) -> bool:
        """Whether the statement lets the token in (or, as a Deny, keeps it out)."""
        conditions = all(one.met for one in self.conditions)
        return self.trusts_provider and self.is_about_tokens and conditions


@dataclass(frozen=True)
class TokenTested:
    """Whether a role's trust policy takes a token, statement by statement.

    `problems` are of the token itself: another issuer, an audience of somebody else, expired.
    """

    taken: bool
    statements: tuple[StatementTested, ...]
    problems: tuple[str, ...]


def explain_token(
    document: Document, claims: Mapping[str, Any], at: datetime | None = None
) -> TokenTested:
    """Compare a token's claims with a trust policy, as STS would. Raises UnknownOperator.

    Only claims that STS passes on can meet a condition. The signature is not looked at; with `at`
    the token's times are.
    """
    context = Context(_context(claims))
    tested = tuple(_test(one, context, claims) for one in document.statements)
    denied = any(one.fits and one.statement.effect == "Deny" for one in tested)
    allowed = any(one.fits and one.statement.effect == "Allow" for one in tested)
    problems = tuple(_token_problems(claims, at))
    return TokenTested(allowed and not denied and not problems, tested, problems)


def _context(claims: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {f"{ISSUER}:{name}": _values(claims[name]) for name in KNOWN_CLAIMS if name in claims}


def _values(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)


def _test(statement: Statement, context: Context, claims: Mapping[str, Any]) -> StatementTested:
    entries = statement.principals.entries if statement.principals else ()
    trusts = any(
        kind == "Federated" and value.endswith(f":oidc-provider/{ISSUER}")
        for kind, value in entries
    )
    about = any(matches_action(one, ASSUME) for one in statement.actions)
    return StatementTested(
        statement,
        trusts,
        about is not statement.not_actions,
        tuple(_test_condition(one, context, claims) for one in statement.conditions),
    )


def _test_condition(condition: Condition, context: Context, claims: Mapping[str, Any]) -> Tested:
    met = is_met(condition, context)
    return Tested(
        condition, met, context.get(condition.key), "" if met else _hint(condition, claims)
    )


def _hint(condition: Condition, claims: Mapping[str, Any]) -> str:
    """What most probably is wrong with a condition that the token does not meet."""
    issuer, _, claim = condition.key.rpartition(":")
    if issuer.lower() != ISSUER:
        return tr("the key must begin with {issuer}:", issuer=ISSUER)
    if claim.lower() not in KNOWN_CLAIMS:
        return tr("STS passes no claim {claim} on, so this is never met", claim=claim)
    if claim not in claims:
        return tr("the token has no claim {claim}", claim=claim)
    found = _values(claims[claim])[0]
    plain = condition.operator.lower().startswith("stringequals")
    if plain and any("*" in value for value in condition.values):
        return tr("with StringEquals a * is only itself: use StringLike")
    if claim == "aud":
        return tr("ask for the token with the audience {audience}", audience=AUDIENCE)
    if claim == "sub":
        return _subject_hint(condition.values, found)
    return tr("the token says {found}", found=found)


def _subject_hint(wanted: Sequence[str], found: str) -> str:
    by_number = "@" in found.partition(":")[2].partition(":")[0]
    numbers_wanted = any("@" in one.partition(":")[2].partition(":")[0] for one in wanted)
    if by_number and not numbers_wanted:
        return tr("the token has the form with numbers; the policy names the form without them")
    if numbers_wanted and not by_number:
        return tr("the token has the form without numbers; the policy names the form with them")
    same_repository = any(_repository(one) == _repository(found) for one in wanted)
    if same_repository:
        return tr("the repository fits; what runs does not: the token says {found}", found=found)
    if any(_repository(one).lower() == _repository(found).lower() for one in wanted):
        return tr("upper and lower case differ: the token says {found}", found=found)
    return tr("the token is of another repository: {found}", found=found)


def _repository(subject: str) -> str:
    return ":".join(subject.split(":")[:2])


def _token_problems(claims: Mapping[str, Any], at: datetime | None) -> list[str]:
    found: list[str] = []
    issuer = str(claims.get("iss", "")).removeprefix("https://")
    if issuer and issuer != ISSUER:
        found.append(tr("the token was issued by {issuer}", issuer=issuer))
    if AUDIENCE not in _values(claims.get("aud", AUDIENCE)):
        found.append(
            tr(
                "the token is for {found}, not for {wanted}: the identity provider must list it "
                "as a client id",
                found=", ".join(_values(claims["aud"])),
                wanted=AUDIENCE,
            )
        )
    expires = claims.get("exp")
    if at is not None and isinstance(expires, int | float) and expires < at.timestamp():
        found.append(tr("the token expired at {time}", time=datetime.fromtimestamp(expires, UTC)))
    return found
