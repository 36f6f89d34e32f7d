"""All checks of `iam check` over the policies that were read. Pure.

One policy is judged by itself; the identity policies of a run together by the role's work (they are
taken to be one holder's), and with repositories' policies by the rule of both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longshore.policy.access.check_form import check_form
from longshore.policy.access.check_identity import check_identity
from longshore.policy.access.check_pairs import check_pairs
from longshore.policy.access.check_resource import check_resource
from longshore.policy.access.check_role import check_role
from longshore.policy.access.check_subject import SEVERITIES, Asked, Finding, Subject
from longshore.policy.access.check_trust import check_trust

Place = tuple[Subject, Finding]


def check(subjects: Sequence[Subject], asked: Asked) -> list[Place]:
    """Findings with the policy that each is about; worst first within a policy."""
    found = [(subject, one) for subject in subjects for one in check_one(subject, asked)]
    identities = [one for one in subjects if one.kind == "identity"]
    if asked.role is not None:
        found += check_role(identities, asked.role, asked)
    found += check_pairs(subjects, asked)
    order = {subject.name: place for place, subject in enumerate(subjects)}
    return sorted(found, key=lambda one: (order[one[0].name], SEVERITIES.index(one[1].severity)))


def check_one(subject: Subject, asked: Asked) -> Iterator[Finding]:
    """Findings about one policy by itself."""
    yield from check_form(subject)
    if subject.kind == "identity":
        yield from check_identity(subject, asked)
    elif subject.kind == "trust":
        yield from check_trust(subject, asked)
    else:
        yield from check_resource(subject, asked)
