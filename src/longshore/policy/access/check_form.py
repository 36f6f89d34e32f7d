"""Mistakes in the wording of a policy: names IAM does not have, sizes, negations. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from longshore.policy.access.check_subject import (
    Finding,
    Severity,
    Subject,
    conditions_of,
    one_or_list,
    paste,
    written,
)
from longshore.policy.access.conditions import is_known
from longshore.policy.access.document import Condition, Statement
from longshore.policy.access.ecr_actions import covered, is_ecr, nearest
from longshore.text import tr

MAX_ECR = 10_240  # SetRepositoryPolicy and PutRegistryPolicy, by the service model
MAX_MANAGED = 6_144  # IAM quotas: a managed policy, blanks not counted
MAX_INLINE = 10_240  # all inline policies of a role
MAX_TRUST = 2_048  # by default; AWS raises it on request

_PLAIN = (
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    *("StringLike", "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan"),
    *("NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals"),
    *("DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan"),
    *("DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals"),
    *("ArnLike", "ArnNotEquals", "ArnNotLike", "Null"),
)
_OPERATORS = {one.lower(): one for one in _PLAIN} | {
    f"{one}IfExists".lower(): f"{one}IfExists" for one in _PLAIN if one != "Null"
}
_STS = {
    one.lower(): one
    for one in (
        *("sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"),
        *("sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext", "sts:*"),
    )
}
_EXACT = ("stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase")


def check_form(subject: Subject) -> Iterator[Finding]:
    """All findings about the wording."""
    yield from _size(subject)
    yield from _version(subject)
    for statement in subject.document.statements:
        yield from _actions(statement)
        for condition in statement.conditions:
            yield from _condition(subject, statement, condition)
        if statement.effect == "Allow":
            yield from _negations(statement)


def _size(subject: Subject) -> Iterator[Finding]:
    """IAM does not count blanks; ECR counts the text as it is sent."""
    if subject.kind == "identity" and MAX_MANAGED < subject.least <= MAX_INLINE:
        message = tr("too long for a managed policy ({most} characters)", most=MAX_MANAGED)
        yield Finding("iam-too-long", "low", "", message, tr("use an inline policy of the role"))
        return
    most = {"identity": MAX_INLINE, "trust": MAX_TRUST}.get(subject.kind, MAX_ECR)
    counts_blanks = subject.kind in ("repository", "registry")
    size = max(subject.size, subject.least) if counts_blanks else subject.least
    if size <= most:
        return
    message = tr("{size} characters, and AWS takes {most}", size=size, most=most)
    fits = subject.least <= most
    fix = tr("name repositories and principals with fewer words, or by a * where it is safe")
    if fits:
        fix = tr("send it without blanks: {size} characters", size=subject.least)
    raised = fits or subject.kind == "trust"  # a quota of IAM that AWS raises
    yield Finding("iam-too-long", "medium" if raised else "high", "", message, fix)


def _version(subject: Subject) -> Iterator[Finding]:
    document = subject.document
    if document.version == "2012-10-17":
        return
    values = (
        text
        for one in document.statements
        for text in (*one.resources, *(value for each in one.conditions for value in each.values))
    )
    if any("${" in text for text in values):
        message = tr("without this version IAM takes ${...} literally, so it never matches")
        yield Finding("iam-old-version", "medium", "Version", message, '"Version": "2012-10-17"')


def _actions(statement: Statement) -> Iterator[Finding]:
    for pattern in statement.actions:
        if pattern.lower().startswith("sts:"):
            near = _near_sts(pattern)
            known = near.lower() == pattern.lower() or "*" in pattern
        elif is_ecr(pattern):
            known, near = bool(covered(pattern)), nearest(pattern)
        elif ":" not in pattern and pattern != "*":
            known, near = False, nearest(pattern)
        else:
            continue
        if not known:
            yield _unknown_action(statement, pattern, near)


def _near_sts(pattern: str) -> str:
    found = get_close_matches(pattern.lower(), _STS, 1, cutoff=0.6)
    return _STS[found[0]] if found else ""


def _unknown_action(statement: Statement, pattern: str, near: str) -> Finding:
    if near:
        message = tr("there is no action {name}; {near} is near", name=pattern, near=near)
    else:
        message = tr("there is no action {name}", name=pattern)
    put = {one: near if one == pattern else one for one in statement.actions}
    actions = list(dict.fromkeys(one for one in put.values() if one))
    name = "NotAction" if statement.not_actions else "Action"
    fix = (
        paste(written(statement, **{name: one_or_list(actions)}))
        if actions
        else tr("take the statement out")
    )
    return Finding("iam-unknown-action", "medium", f"{statement.path}.{name}", message, fix)


def _condition(subject: Subject, statement: Statement, one: Condition) -> Iterator[Finding]:
    path = f"{statement.path}.Condition.{one.operator}"
    if not is_known(one.operator):
        near = _near_operator(one.operator)
        message = tr("IAM knows no condition operator {name}", name=one.operator)
        fix = paste(written(statement, Condition=_with_operator(statement, one, near)))
        yield Finding("iam-unknown-operator", "high", path, message, fix)
        return
    plain = one.operator.lower().rpartition(":")[2].removesuffix("ifexists")
    if plain in _EXACT and any("*" in _without_variables(value) for value in one.values):
        locked = subject.kind == "trust" and "not" not in plain  # nobody gets in
        like = "StringNotLike" if "not" in plain else "StringLike"
        message = tr(
            "with {operator} a * is only itself, so {key} never fits; {like} knows wildcards",
            operator=one.operator,
            key=one.key,
            like=like,
        )
        fix = paste(written(statement, Condition=_with_operator(statement, one, like)))
        severity: Severity = "high" if locked else "medium"
        yield Finding("iam-literal-wildcard", severity, f"{path}.{one.key}", message, fix)


def _without_variables(value: str) -> str:
    """`${*}` is a star that is meant literally."""
    return value.replace("${*}", "")


def _near_operator(operator: str) -> str:
    quantifier, colon, name = operator.rpartition(":")
    found = get_close_matches(name.lower(), _OPERATORS, 1, cutoff=0.6)
    return f"{quantifier}{colon}{_OPERATORS[found[0]]}" if found else "StringEquals"


def _with_operator(
    statement: Statement, changed: Condition, operator: str
) -> dict[str, dict[str, object]]:
    """The condition block with one condition under another operator."""
    block = conditions_of(statement)
    value = block[changed.operator].pop(changed.key)
    if not block[changed.operator]:
        del block[changed.operator]
    block.setdefault(operator, {})[changed.key] = value
    return block


def _negations(statement: Statement) -> Iterator[Finding]:
    path = statement.path
    if statement.not_actions:
        yield Finding(
            "iam-allow-not-action",
            "high",
            f"{path}.NotAction",
            tr("Allow with NotAction allows everything else, of all services and those to come"),
            paste(written(statement, Effect="Deny",
                          Action=one_or_list(statement.actions))),
        )  # fmt: skip
    if statement.not_resources:
        yield Finding(
            "iam-allow-not-resource",
            "high",
            f"{path}.NotResource",
            tr("Allow with NotResource allows it on everything else, and on what is made later"),
            paste(written(statement, Effect="Deny",
                          Resource=one_or_list(statement.resources))),
        )  # fmt: skip
    if statement.principals is not None and statement.principals.negated:
        named = [value for _, value in statement.principals.entries]
        deny = {
            "Effect": "Deny",
            "Principal": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": one_or_list(named)}},
        }
        yield Finding(
            "iam-allow-not-principal",
            "high",
            f"{path}.NotPrincipal",
            tr("Allow with NotPrincipal allows everybody else in the world, without signing in"),
            paste(written(statement, **deny)),
        )
