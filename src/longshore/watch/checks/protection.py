"""What protects images: lifecycle policy, tags that cannot move, who may come, tags in use. Pure.

What the config wants is compared at every check; where it says nothing, how it was last time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from longshore.policy.access.document import Document, DocumentRefused, Statement, parse_document
from longshore.provision.differences import lifecycle_diff
from longshore.text import tr
from longshore.watch.findings import Before, Finding, Unchecked, Watched

# Keys that say who or from where; with another condition everyone still comes in.
_NARROWING = (
    *("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn"),
    *("aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce"),
    *("aws:userid", "aws:principaltype"),
)


def check_lifecycle(one: Watched) -> Iterator[Finding]:
    """The lifecycle policy is gone, or another one than the config's (or than last time)."""
    live = one.seen.lifecycle_policy
    if one.lifecycle is not None:
        wanted = one.lifecycle.text
        than, fix = tr("longshore.yaml wants"), "longshore plan"
    elif one.before is not None and one.before.lifecycle is not None:
        wanted = one.before.lifecycle
        than, fix = tr("there was at the last check"), f"longshore repo show {one.name}"
    else:
        return
    if not lifecycle_diff(live, wanted):
        return
    if live is None:
        message = tr("it has no lifecycle policy, and {than} one", than=than)
        yield Finding("monitor-lifecycle-missing", "high", one.name, message, fix)
    else:
        message = tr("its lifecycle policy is another one than {than}", than=than)
        yield Finding("monitor-lifecycle-changed", "medium", one.name, message, fix)


def check_mutability(one: Watched) -> Iterator[Finding]:
    """Tags may move that were fixed."""
    wanted = one.repository
    if wanted is not None and wanted.mutability is not None:
        before, fix = Before(frozenset(), wanted.mutability, wanted.exclusions), "longshore plan"
    elif one.before is not None:
        before, fix = one.before, f"longshore repo show {one.name}"
    else:
        return
    if is_loosened(before, one.now):
        message = tr(
            "tags can be moved that were fixed: it is {now}, not {before}",
            now=_shown(one.now),
            before=_shown(before),
        )
        yield Finding("monitor-tags-mutable", "high", one.name, message, fix)


def is_loosened(before: Before, now: Before) -> bool:
    """Whether fewer tags are fixed than before. Exclusions turn the setting's word round."""
    was, now_is = (one.mutability.startswith("IMMUTABLE") for one in (before, now))
    old, new = set(before.exclusions), set(now.exclusions)
    if was and now_is:
        return bool(new - old)
    if was:
        return True
    return before.mutability == "MUTABLE_WITH_EXCLUSION" and not now_is and bool(old - new)


def _shown(one: Before) -> str:
    patterns = " ".join(sorted(one.exclusions))
    return f"{one.mutability} {patterns}".strip()


def check_policy(one: Watched) -> Iterator[Finding | Unchecked]:
    """The repository's policy lets everyone in."""
    text = one.seen.repository_policy
    if text is None:
        return
    try:
        document = parse_document(text, one.name)
    except DocumentRefused as error:
        yield Unchecked(tr("the policy of {name}", name=one.name), error.what)
        return
    for statement in open_statements(document):
        yield Finding(
            "monitor-public",
            "critical",
            one.name,
            tr(
                "the statement {name} lets everyone do {actions}",
                name=statement.name,
                actions=", ".join(statement.actions),
            ),
            tr("name the accounts, or add a condition on aws:PrincipalOrgID"),
        )


def open_statements(document: Document) -> Iterator[Statement]:
    """Statements that allow something to whoever comes."""
    for one in document.statements:
        principals = one.principals
        is_everyone = principals is not None and (principals.everyone or principals.negated)
        narrowed = any(condition.key.lower() in _NARROWING for condition in one.conditions)
        if one.effect == "Allow" and is_everyone and not narrowed:
            yield one


def check_protected(one: Watched) -> Iterator[Finding]:
    """Tags of what runs, or of where one can go back to, are gone since the last check."""
    gone = sorted((one.before.protected if one.before else frozenset()) - one.contents.protected)
    if gone:
        yield Finding(
            "monitor-protected-gone",
            "high",
            one.name,
            tr("{tags} was there at the last check, and is gone", tags=", ".join(gone)),
            f"longshore tags protect {one.name} DIGEST --as {gone[0]}",
        )


def check_gone(before: Mapping[str, Before], there: Mapping[str, object]) -> Iterator[Finding]:
    """Repositories that are gone since the last check."""
    for name in sorted(set(before) - set(there)):
        tags = ", ".join(sorted(before[name].protected))
        fix = "longshore repo ls"
        if tags:
            message = tr("it was there at the last check with {tags}, and is gone", tags=tags)
            yield Finding("monitor-repository-gone", "high", name, message, fix)
        else:
            message = tr("it was there at the last check, and is gone")
            yield Finding("monitor-repository-gone", "low", name, message, fix)
