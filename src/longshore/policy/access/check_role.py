"""Whether policies together are those of a role: what is missing, what is too much. Pure.

Conditions are taken as met: whether they are is asked of a request, not of a document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longshore.policy.access.check_identity import about_ecr
from longshore.policy.access.check_subject import (
    Asked,
    Finding,
    Severity,
    Subject,
    one_or_list,
    paste,
    written,
)
from longshore.policy.access.document import Statement
from longshore.policy.access.ecr_actions import ANYWHERE, GUARDED, READS, covered, is_ecr
from longshore.policy.access.roles import Role, actions_of, optional_actions_of
from longshore.policy.access.wildcards import matches_action, matches_arn
from longshore.text import tr

Place = tuple[Subject, Finding]


def check_role(subjects: Sequence[Subject], role: Role, asked: Asked) -> Iterator[Place]:
    """Findings about the identity policies of one holder of the role."""
    if not subjects:
        return
    missing = _missing(subjects, role, asked)
    if missing:
        message = tr(
            "the work of the role {role} needs {actions}", role=role, actions=", ".join(missing)
        )
        fix = _statements(missing, asked)
        yield subjects[0], Finding("iam-missing-action", "medium", "", message, fix)
    wanted = actions_of(role, in_use=asked.in_use) | optional_actions_of(role)
    for subject in subjects:
        for statement in subject.document.statements:
            if statement.effect == "Allow" and not statement.not_actions:
                yield from ((subject, one) for one in _superfluous(statement, role, wanted))


def _missing(subjects: Sequence[Subject], role: Role, asked: Asked) -> list[str]:
    statements = [one for each in subjects for one in each.document.statements]
    allows = [one for one in statements if one.effect == "Allow"]
    denies = [one for one in statements if one.effect == "Deny" and not one.conditions]
    home = asked.home
    known = bool(home.region and home.account)
    arns: list[str | None] = [home.arn(name) for name in home.repositories] if known else []
    return sorted(
        action
        for action in actions_of(role, in_use=asked.in_use)
        if not all(
            _gives(allows, action, arn) and not _gives(denies, action, arn)
            for arn in (arns if action not in ANYWHERE and is_ecr(action) else []) or [None]
        )
    )


def _gives(statements: Sequence[Statement], action: str, arn: str | None) -> bool:
    return any(_covers(one, action, arn) for one in statements)


def _covers(statement: Statement, action: str, arn: str | None) -> bool:
    named = any(matches_action(one, action) for one in statement.actions)
    if named is statement.not_actions:
        return False
    if action in ANYWHERE or not statement.resources:
        return (
            not statement.resources or ("*" in statement.resources) is not statement.not_resources
        )
    if arn is None:
        return True
    held = any(matches_arn(one, arn) for one in statement.resources)
    return held is not statement.not_resources


def _statements(missing: Sequence[str], asked: Asked) -> str:
    anywhere = [one for one in missing if one in ANYWHERE or not is_ecr(one)]
    scoped = [one for one in missing if one not in anywhere]
    found = []
    if anywhere:
        found.append({"Effect": "Allow", "Action": one_or_list(anywhere), "Resource": "*"})
    if scoped:
        resource = asked.home.arns()
        found.append({"Effect": "Allow", "Action": one_or_list(scoped), "Resource": resource})
    return paste(*found)


def _superfluous(statement: Statement, role: Role, wanted: frozenset[str]) -> Iterator[Finding]:
    more = sorted(about_ecr(statement) - wanted)
    wild = [one for one in statement.actions if one in ("*", "*:*") or one.lower() == "ecr:*"]
    if not more or wild:  # the wildcard is a finding of its own
        return
    guarded = [one for one in more if one in GUARDED]
    writes = [one for one in more if one not in READS]
    severity: Severity = "high" if guarded else "medium" if writes else "low"
    message = tr(
        "the role {role} has no use for {actions}", role=role, actions=", ".join(guarded + [
            one for one in more if one not in guarded])
    )  # fmt: skip
    kept: set[str] = set()
    for pattern in statement.actions:
        if not covered(pattern) & set(more):
            kept.add(pattern)
        else:
            kept |= covered(pattern) & wanted
    fix = (
        paste(written(statement, Action=one_or_list(sorted(kept))))
        if kept
        else tr("take the statement out")
    )
    yield Finding("iam-more-than-needed", severity, f"{statement.path}.Action", message, fix)
