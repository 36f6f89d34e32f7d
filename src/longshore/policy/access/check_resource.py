"""Mistakes in the policies of repositories and of the registry: open to others, locking out. Pure.

Who may come in is decided by principal and condition: a principal `*` counts as closed only by a
condition that somebody from outside cannot meet, a missing key included.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from longshore.policy.access.conditions import Context, is_known
from longshore.policy.access.document import Condition, Statement
from longshore.policy.access.ecr_actions import ANYWHERE, READS, covered
from longshore.policy.access.evaluate import Caller, Policies, Request, decide
from longshore.policy.access.wildcards import matches_action
from longshore.text import tr

SET_POLICY = "ecr:SetRepositoryPolicy"
_CLOSING = frozenset(
    (
        *("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount"),
        *("aws:principalarn", "aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid"),
        *("aws:sourceorgpaths", "aws:sourcevpc", "aws:sourcevpce", "aws:userid", "aws:username"),
        *("aws:sourceip", "aws:vpcsourceip"),
    )
)
_SOURCE_KEYS = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
_EVERY_ADDRESS = ("0.0.0.0/0", "::/0")
_REGISTRY = frozenset(
    ("ecr:ReplicateImage", "ecr:CreateRepository", "ecr:BatchImportUpstreamImage")
)


def check_resource(subject: Subject, asked: Asked) -> Iterator[Finding]:
    """All findings about a repository's or the registry's policy."""
    for statement in subject.document.statements:
        if statement.effect == "Allow":
            yield from _public(statement)
            yield from _services(statement, asked)
            yield from _other_accounts(statement, asked)
        yield from _gone(statement)
        if subject.kind == "repository":
            yield from _useless(statement)
    if subject.kind == "repository":
        yield from _locks_out(subject, asked)


def is_closed(statement: Statement) -> bool:
    """Whether a condition keeps out whoever is not meant, though the principal is everyone."""
    return any(_closes(one) for one in statement.conditions)


def _closes(one: Condition) -> bool:
    """A positive condition on who or where, which an absent key does not meet."""
    operator = one.operator.lower()
    if one.key.lower() not in _CLOSING or "not" in operator or operator.startswith("forallvalues:"):
        return False
    if operator.endswith("ifexists") or operator == "null":
        return False
    return not any(value.strip("*") in ("", "arn:", "o-") or value in _EVERY_ADDRESS
                   for value in one.values)  # fmt: skip


def _public(statement: Statement) -> Iterator[Finding]:
    if statement.principals is None or not statement.principals.everyone or is_closed(statement):
        return
    block = conditions_of(statement)
    limit = {**block.get("StringEquals", {}), "aws:PrincipalOrgID": "o-YOURORGANIZATION"}
    fix = paste(written(statement, Condition={**block, "StringEquals": limit}))
    message = tr("everybody with an AWS account is let in: Principal * without a condition on who")
    if statement.conditions:
        message = tr("everybody is let in: no condition here keeps other organizations out")
    yield Finding("iam-public", "high", f"{statement.path}.Principal", message, fix)


def _services(statement: Statement, asked: Asked) -> Iterator[Finding]:
    entries = statement.principals.entries if statement.principals else ()
    services = [value for kind, value in entries if kind == "Service"]
    named = {one.key.lower() for one in statement.conditions}
    if not services or named & set(_SOURCE_KEYS):
        return
    block = conditions_of(statement)
    account = asked.home.account or "ACCOUNT"
    limit = {**block.get("StringEquals", {}), "aws:SourceAccount": account}
    message = tr(
        "{service} may be told to come here by any account: no condition says for whom it acts",
        service=services[0],
    )
    fix = paste(written(statement, Condition={**block, "StringEquals": limit}))
    yield Finding("iam-any-source", "medium", f"{statement.path}.Principal", message, fix)


def _other_accounts(statement: Statement, asked: Asked) -> Iterator[Finding]:
    home = asked.home.account
    entries = statement.principals.entries if statement.principals else ()
    if not home or (statement.principals and statement.principals.negated):
        return
    others = {
        value: account_of(value)
        for kind, value in entries
        if kind == "AWS" and account_of(value) not in ("", home)
    }
    actions = frozenset().union(*(covered(one) for one in statement.actions))
    writes = sorted(actions - READS - _REGISTRY)
    for value, account in others.items():
        severity: Severity = "medium" if writes or statement.not_actions else "low"
        message = tr(
            "the other account {account} may {action} here",
            account=account,
            action=writes[0] if writes else tr("read"),
        )
        kept = sorted(one for one in statement.actions if covered(one) and not covered(one) - READS)
        fix = tr("take {principal} out, if nobody there needs it", principal=value)
        if writes and kept and not statement.not_actions:
            fix = paste(written(statement, Principal={"AWS": value}, Action=one_or_list(kept)))
        yield Finding("iam-other-account", severity, f"{statement.path}.Principal", message, fix)


def _gone(statement: Statement) -> Iterator[Finding]:
    entries = statement.principals.entries if statement.principals else ()
    for kind, value in entries:
        if kind != "AWS" or value == "*":
            continue
        if value.startswith(("AIDA", "AROA")):
            message = tr(
                "{value} is what AWS shows of a user or role that was deleted", value=value
            )
            fix = tr("name the ARN of the one that is there now, or take it out")
            yield Finding(
                "iam-principal-gone", "medium", f"{statement.path}.Principal", message, fix
            )
        elif "*" in value:
            message = tr("AWS takes no * inside a principal ({value})", value=value)
            rest = {"Principal": "*", "Condition": {**conditions_of(statement),
                    "ArnLike": {"aws:PrincipalArn": value}}}  # fmt: skip
            fix = paste(written(statement, **rest))
            yield Finding(
                "iam-principal-wildcard", "high", f"{statement.path}.Principal", message, fix
            )


def _useless(statement: Statement) -> Iterator[Finding]:
    """What a repository's policy cannot hold, or cannot give."""
    if statement.resources:
        message = tr("a repository's policy is about its repository; ECR refuses a Resource in it")
        name = "NotResource" if statement.not_resources else "Resource"
        fix = paste(written(statement, **{name: None}))
        yield Finding("iam-resource-not-taken", "medium", f"{statement.path}.{name}", message, fix)
    lost = [one for one in statement.actions if covered(one) and covered(one) <= ANYWHERE]
    if lost and statement.effect == "Allow" and not statement.not_actions:
        message = tr("{action} is no right on a repository; the caller's own policy must give it",
                     action=lost[0])  # fmt: skip
        rest = [one for one in statement.actions if one not in lost]
        fix = (
            paste(written(statement, Action=one_or_list(rest)))
            if rest
            else tr("take the statement out")
        )
        yield Finding("iam-right-not-here", "low", f"{statement.path}.Action", message, fix)


def _locks_out(subject: Subject, asked: Asked) -> Iterator[Finding]:
    """A Deny by which whoever sets the policy could not set another one."""
    home = asked.home
    account = home.account or (asked.caller.account if asked.caller else "") or "0" * 12
    caller = asked.caller or Caller(f"arn:{home.partition}:iam::{account}:user/somebody")
    arn = home.arn(subject.repository).replace("REGION", "us-east-1").replace("ACCOUNT", account)
    for statement in subject.document.statements:
        if statement.effect != "Deny":
            continue
        if asked.caller is None and statement.conditions:
            continue  # whether they spare the one who sets it is not known
        if not all(is_known(one.operator) for one in statement.conditions):
            continue
        alone = Policies(resource=type(subject.document)((statement,)))
        if (
            decide(Request(caller, SET_POLICY, arn, _context(caller)), alone).because
            != "explicit-deny"
        ):
            continue
        message = tr("who sets this policy cannot set another: it denies SetRepositoryPolicy")
        if asked.caller is not None:
            message = tr("{arn} could not set another policy: it denies SetRepositoryPolicy",
                         arn=asked.caller.arn)  # fmt: skip
        yield Finding(
            "iam-locks-out", "high", f"{statement.path}.Action", message, _spared(statement)
        )
        return


def _context(caller: Caller) -> Context:
    """What is known of a caller without asking."""
    values = {"aws:PrincipalArn": (caller.arn,), "aws:PrincipalAccount": (caller.account,)}
    if ":user/" in caller.arn:
        values["aws:username"] = (caller.arn.rpartition("/")[2],)
    if caller.role_name:
        partition = caller.arn.split(":")[1]
        role = f"arn:{partition}:iam::{caller.account}:role/{caller.role_name}"
        values["aws:PrincipalArn"] = (role,)
    return Context(values)


def _spared(statement: Statement) -> str:
    """The Deny without SetRepositoryPolicy."""
    if statement.not_actions:
        actions = sorted({*statement.actions, SET_POLICY})
        return paste(written(statement, NotAction=one_or_list(actions)))
    found: set[str] = set()
    for one in statement.actions:
        wide = matches_action(one, SET_POLICY)
        found |= (covered(one) - ANYWHERE - {SET_POLICY}) if wide else {one}
    if not found:
        return tr("take the statement out")
    return paste(written(statement, Action=one_or_list(sorted(found))))
