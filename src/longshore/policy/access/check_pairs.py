"""Whether both sides let a caller of another account in: its policies, the repository's. Pure.

IAM User Guide, "Cross-account policy evaluation logic": one side alone allows nothing. Conditions
are taken as met, as in `check_role`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from longshore.policy.access.check_subject import (
    Asked,
    Finding,
    Home,
    Subject,
    account_of,
    one_or_list,
    paste,
)
from longshore.policy.access.document import Document, Principals, Statement
from longshore.policy.access.ecr_actions import SCOPED, covered
from longshore.policy.access.evaluate import Caller, Policies, Request, decide
from longshore.policy.access.roles import actions_of
from longshore.text import tr

Place = tuple[Subject, Finding]
_ALL = Statement("Allow", ("*",), ("*",))
_ANY = (Document((_ALL,)),)
_ANYBODY = Document((replace(_ALL, principals=Principals((("*", "*"),))),))
_ECR_ARN = re.compile(r"arn:([^:]+):ecr:([^:]*):(\d{12}):repository/(.+)\Z", re.DOTALL)


def check_pairs(subjects: Sequence[Subject], asked: Asked) -> Iterator[Place]:
    """Findings about callers of other accounts, where both sides are among the subjects."""
    identities = [one for one in subjects if one.kind == "identity"]
    repositories = [one for one in subjects if one.kind == "repository"]
    home = _home(identities, asked.home)
    if not identities or not home.account:
        return
    if not repositories:
        yield from _other_side_unseen(identities, asked)
        return
    caller = asked.caller if asked.caller and asked.caller.account != home.account else None
    for repository in repositories:
        one = caller or _only_foreigner(repository, home)
        if one is not None:
            yield from _compare(one, identities, repository, home, asked)


def _home(identities: Sequence[Subject], home: Home) -> Home:
    """The registry: as told, else the one whose ARNs the identity policies name."""
    found = {
        match.groups()[:3]
        for subject in identities
        for statement in subject.document.statements
        for resource in statement.resources
        if (match := _ECR_ARN.match(resource))
    }
    if len(found) != 1 or (home.account and home.region):
        return home
    partition, region, account = found.pop()
    if home.account and home.account != account:
        return home
    return replace(home, partition=partition, region=region, account=account)


def _only_foreigner(repository: Subject, home: Home) -> Caller | None:
    """The one principal of another account that the repository lets in."""
    found = {
        value
        for statement in repository.document.statements
        if statement.effect == "Allow" and statement.principals
        for kind, value in statement.principals.entries
        if kind == "AWS" and account_of(value) not in ("", home.account)
    }
    if len(found) != 1:
        return None
    (value,) = found
    if value.isdigit() or value.endswith(":root"):
        return Caller(f"arn:{home.partition}:iam::{account_of(value)}:role/any")
    return Caller(value)


def _compare(
    caller: Caller,
    identities: Sequence[Subject],
    repository: Subject,
    home: Home,
    asked: Asked,
) -> Iterator[Place]:
    arn = _arn(identities, repository, home)
    if arn is None:
        return
    own = tuple(_unconditioned(one.document) for one in identities)
    theirs = _unconditioned(repository.document)
    wanted = sorted(_wanted(caller, arn, own, theirs, asked))
    across = [Request(caller, one, arn, resource_account=home.account) for one in wanted]
    lost = {
        "identity": [one.action for one in across if not _allowed(one, Policies(own, _ANYBODY))],
        "resource": [one.action for one in across if not _allowed(one, Policies(_ANY, theirs))],
    }
    if lost["resource"]:
        fix = {"Effect": "Allow", "Principal": {"AWS": caller.arn},
               "Action": one_or_list(lost["resource"])}  # fmt: skip
        message = _said(caller, lost["resource"], tr("the repository's policy"))
        yield repository, Finding("iam-one-side-only", "high", "", message, paste(fix))
    if lost["identity"]:
        fix = {"Effect": "Allow", "Action": one_or_list(lost["identity"]), "Resource": arn}
        message = _said(caller, lost["identity"], tr("the caller's own policy"))
        yield identities[0], Finding("iam-one-side-only", "high", "", message, paste(fix))


def _allowed(request: Request, policies: Policies) -> bool:
    """Short of an explicit Deny, which is somebody's wish and not a side forgotten."""
    decision = decide(request, policies)
    return decision.allowed or decision.because == "explicit-deny"


def _said(caller: Caller, actions: Sequence[str], side: str) -> str:
    return tr(
        "from another account both sides must allow; for {arn} {side} lacks {actions}",
        arn=caller.arn,
        side=side,
        actions=", ".join(actions),
    )


def _wanted(
    caller: Caller, arn: str, own: Sequence[Document], theirs: Document, asked: Asked
) -> frozenset[str]:
    """The actions of the role, else all that either side means to allow."""
    if asked.role is not None:
        return actions_of(asked.role) & SCOPED
    mine = Policies(tuple(own))
    found = set()
    for action in SCOPED:
        inside = Request(caller, action, arn, resource_account=caller.account)
        if decide(inside, mine).allowed or decide(inside, Policies(resource=theirs)).allowed:
            found.add(action)
    delegated = frozenset(
        action
        for statement in theirs.statements
        if statement.effect == "Allow"
        for pattern in statement.actions
        for action in covered(pattern)
    )
    return frozenset(found) | (delegated & SCOPED)


def _arn(identities: Sequence[Subject], repository: Subject, home: Home) -> str | None:
    """The repository's ARN: named, or the only one that the identity policies name."""
    if repository.repository or len(home.repositories) == 1:
        if not home.region:
            home = replace(home, region="us-east-1")
        return home.arn(repository.repository)
    named = {
        resource
        for subject in identities
        for statement in subject.document.statements
        for resource in statement.resources
        if _ECR_ARN.match(resource) and f":{home.account}:" in resource
    }
    if len(named) != 1:
        return None
    return named.pop().replace("*", "any")


def _unconditioned(document: Document) -> Document:
    """Allows without their conditions; Denies with conditions left out."""
    kept = tuple(
        replace(one, conditions=())
        for one in document.statements
        if one.effect == "Allow" or not one.conditions
    )
    return replace(document, statements=kept)


def _other_side_unseen(identities: Sequence[Subject], asked: Asked) -> Iterator[Place]:
    """ARNs of another account, while no policy of its repositories was given."""
    caller = asked.caller
    if caller is None or not caller.account:
        return
    for subject in identities:
        for statement in subject.document.statements:
            covers = frozenset().union(*(covered(one) for one in statement.actions)) & SCOPED
            if statement.effect != "Allow" or statement.not_actions or not covers:
                continue
            for resource in statement.resources:
                found = _ECR_ARN.match(resource)
                if found is None or found[3] == caller.account:
                    continue
                fix = {
                    "Effect": "Allow",
                    "Principal": {"AWS": caller.arn},
                    "Action": one_or_list(sorted(covers)),
                }
                message = tr(
                    "{resource} is in another account: its repository's policy must allow it too",
                    resource=resource,
                )
                path = f"{statement.path}.Resource"
                yield subject, Finding("iam-other-side", "low", path, message, paste(fix))
