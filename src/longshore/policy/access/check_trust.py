"""Mistakes in trust policies: roles that anybody's runs may take, or nobody's. Pure.

A token of GitHub's comes from any repository of the world; the conditions on `sub` and `aud` are
all that tells the team's runs from others'.
"""

from __future__ import annotations

from collections.abc import Iterator

from longshore.policy.access.check_resource import is_closed
from longshore.policy.access.check_subject import (
    Asked,
    Finding,
    Severity,
    Subject,
    account_of,
    conditions_of,
    one_or_list,
    paste,
    written,
)
from longshore.policy.access.document import Condition, Statement
from longshore.policy.access.trust import ASSUME, AUDIENCE, ISSUER, KNOWN_CLAIMS, provider_arn
from longshore.policy.access.wildcards import matches_action
from longshore.text import tr

_REPOSITORY_CLAIMS = ("repository_id", "repository", "job_workflow_ref")
_EXAMPLE = "repo:OWNER/REPOSITORY:ref:refs/heads/main"


def check_trust(subject: Subject, asked: Asked) -> Iterator[Finding]:
    """All findings about a trust policy."""
    for statement in subject.document.statements:
        if statement.effect != "Allow":
            continue
        yield from _everyone(statement)
        yield from _accounts(statement, asked)
        federated = _federated(statement)
        if any(ISSUER in one for one in federated):
            yield from _provider(statement, asked, federated)
            yield from _action(statement)
            yield from _audience(statement)
            yield from _subject(statement)
            yield from _claims(statement)


def _federated(statement: Statement) -> list[str]:
    entries = statement.principals.entries if statement.principals else ()
    return [value for kind, value in entries if kind == "Federated"]


def _everyone(statement: Statement) -> Iterator[Finding]:
    if statement.principals is None or not statement.principals.everyone or is_closed(statement):
        return
    message = tr("everybody with an AWS account may take the role")
    fix = paste(written(statement, Principal={"AWS": "arn:aws:iam::ACCOUNT:role/NAME"}))
    yield Finding("iam-trust-everyone", "high", f"{statement.path}.Principal", message, fix)


def _accounts(statement: Statement, asked: Asked) -> Iterator[Finding]:
    home = asked.home.account
    entries = statement.principals.entries if statement.principals else ()
    keys = {one.key.lower() for one in statement.conditions}
    for kind, value in entries:
        account = account_of(value) if kind == "AWS" else ""
        if not home or account in ("", home) or "sts:externalid" in keys or is_closed(statement):
            continue
        message = tr("the other account {account} may take the role", account=account)
        block = conditions_of(statement)
        limit = {**block.get("StringEquals", {}), "sts:ExternalId": "A-SECRET-OF-BOTH"}
        fix = paste(written(statement, Condition={**block, "StringEquals": limit}))
        yield Finding("iam-other-account", "low", f"{statement.path}.Principal", message, fix)


def _provider(statement: Statement, asked: Asked, federated: list[str]) -> Iterator[Finding]:
    for value in federated:
        if value.startswith("arn:") and value.endswith(f":oidc-provider/{ISSUER}"):
            continue
        if ISSUER not in value or f":oidc-provider/{ISSUER}/" in value:
            continue  # another provider, or that of an enterprise at its own address
        message = tr("{value} is no ARN of an identity provider; nobody gets in", value=value)
        account = asked.home.account or account_of(value) or "ACCOUNT"
        arn = provider_arn(asked.home.partition, account)
        fix = paste(written(statement, Principal={"Federated": arn}))
        yield Finding("iam-trust-provider", "high", f"{statement.path}.Principal", message, fix)


def _action(statement: Statement) -> Iterator[Finding]:
    if any(matches_action(one, ASSUME) for one in statement.actions) or statement.not_actions:
        return
    message = tr("tokens come with sts:AssumeRoleWithWebIdentity, which is not allowed here")
    fix = paste(written(statement, Action=ASSUME))
    yield Finding("iam-trust-action", "high", f"{statement.path}.Action", message, fix)


def _conditions(statement: Statement, claim: str) -> list[Condition]:
    key = f"{ISSUER}:{claim}"
    return [one for one in statement.conditions if one.key.lower() == key]


def _binds(one: Condition) -> bool:
    """Whether a token without the claim, or with any value, is kept out."""
    operator = one.operator.lower()
    if "not" in operator or operator.startswith("forallvalues:") or operator.endswith("ifexists"):
        return False
    return operator != "null"


def _audience(statement: Statement) -> Iterator[Finding]:
    binding = [one for one in _conditions(statement, "aud") if _binds(one)]
    path = f"{statement.path}.Condition"
    if not binding:
        message = tr("tokens for other services are taken too: no condition on aud")
        fix = _with_equal(statement, "aud", AUDIENCE)
        yield Finding("iam-trust-no-audience", "medium", path, message, fix)
    elif not any(AUDIENCE in one.values for one in binding):
        message = tr(
            "GitHub's action asks for tokens for {wanted}; this wants {found}",
            wanted=AUDIENCE,
            found=", ".join(binding[0].values),
        )
        fix = _with_equal(statement, "aud", AUDIENCE)
        yield Finding("iam-trust-audience", "medium", path, message, fix)


def _subject(statement: Statement) -> Iterator[Finding]:
    conditions = _conditions(statement, "sub")
    binding = [one for one in conditions if _binds(one)]
    pinned = any(
        _binds(one) for claim in _REPOSITORY_CLAIMS for one in _conditions(statement, claim)
    )
    path = f"{statement.path}.Condition"
    if not binding:
        if pinned:
            return
        message = tr("runs of every repository on GitHub may take the role: no condition on sub")
        if conditions:
            message = tr("{operator} lets in tokens that it was to keep out",
                         operator=conditions[0].operator)  # fmt: skip
        fix = _with_equal(statement, "sub", _EXAMPLE)
        yield Finding("iam-trust-no-subject", "high", path, message, fix)
        return
    for one in binding:
        like = one.operator.lower().rpartition(":")[2] == "stringlike"
        for value in one.values if like else ():
            yield from _wide_subject(statement, one, value, pinned)
    for value in (value for one in binding for value in one.values):
        if not value.startswith(("repo:", "*")) and "repo:" not in value:
            message = tr("the sub of a token begins with repo:; {value} fits none", value=value)
            fix = _with_equal(statement, "sub", f"repo:{value}")
            yield Finding("iam-trust-subject", "high", path, message, fix)


def _wide_subject(
    statement: Statement, one: Condition, value: str, pinned: bool
) -> Iterator[Finding]:
    path = f"{statement.path}.Condition.{one.operator}.{one.key}"
    repository, colon, use = value.removeprefix("repo:").partition(":")
    owner, slash, name = repository.partition("/")
    severity: Severity = "high"
    if not value.startswith("repo:") or "*" in owner or not slash:
        message = tr("{value} fits repositories of other owners too", value=value)
    elif "*" in name or "?" in name:
        message = tr("{value} fits every repository of the owner that is named so, also new ones",
                     value=value)  # fmt: skip
    elif not colon or not use.strip("*"):
        severity = "medium"
        message = tr("{value} fits every run of the repository, those of pull requests too",
                     value=value)  # fmt: skip
    else:
        return
    if pinned and severity == "high":
        severity = "low"
    good = f"repo:{owner}/{name}" if slash and "*" not in owner + name else "repo:OWNER/REPOSITORY"
    fix = _with_equal(statement, "sub", f"{good}:ref:refs/heads/main")
    yield Finding("iam-trust-wide-subject", severity, path, message, fix)


def _claims(statement: Statement) -> Iterator[Finding]:
    for one in statement.conditions:
        issuer, colon, claim = one.key.rpartition(":")
        path = f"{statement.path}.Condition.{one.operator}.{one.key}"
        if issuer.lower() == ISSUER and claim.lower() not in KNOWN_CLAIMS and _binds(one):
            message = tr("STS passes no claim {claim} on, so this is never met", claim=claim)
            fix = _without(statement, one)
        elif (not colon and claim in KNOWN_CLAIMS) or issuer.startswith("https://"):
            message = tr("the key must begin with {issuer}:", issuer=ISSUER)
            fix = _renamed(statement, one, f"{ISSUER}:{claim}")
        else:
            continue
        yield Finding("iam-trust-claim", "high", path, message, fix)


def _with_equal(statement: Statement, claim: str, value: str) -> str:
    """The statement with one claim compared, and no other condition on that claim."""
    key = f"{ISSUER}:{claim}"
    block = {
        operator: kept
        for operator, keys in conditions_of(statement).items()
        if (kept := {name: one for name, one in keys.items() if name.lower() != key})
    }
    operator = "StringLike" if "*" in value else "StringEquals"
    block[operator] = {**block.get(operator, {}), key: value}
    return paste(written(statement, Condition=block))


def _without(statement: Statement, gone: Condition) -> str:
    kept = tuple(one for one in statement.conditions if one != gone)
    block: dict[str, dict[str, object]] = {}
    for one in kept:
        block.setdefault(one.operator, {})[one.key] = one_or_list(one.values)
    return paste(written(statement, Condition=block or None))


def _renamed(statement: Statement, old: Condition, key: str) -> str:
    block = conditions_of(statement)
    keys = block[old.operator]
    block[old.operator] = {(key if name == old.key else name): one for name, one in keys.items()}
    return paste(written(statement, Condition=block))
