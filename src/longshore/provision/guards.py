"""Refuses a lifecycle policy that reaches an image in use, or of which that is not known. Pure.

What the policy reaches is judged in `policy/reach`; who gathers what is in use hands it in. A
refusal names the image and the flag that allows it; the rest of the plan is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from longshore.facts import Unread
from longshore.policy.lifecycle.grammar import Policy
from longshore.policy.lifecycle.matching import matches_tag, patterns_of
from longshore.policy.lifecycle.preset import KEEP_ALL
from longshore.policy.reach import Hit, Judgement
from longshore.provision.changes import Limits, Plan, Refusal
from longshore.provision.resources import LifecyclePolicy, Note, resource_name
from longshore.text import tr

_MOST = 10


@dataclass(frozen=True)
class Guarded:
    """What was found out about the policy that one repository is to get.

    `going` is how many images it takes at once; `looked` says in words where images in use were
    looked for, `not_looked` where not.
    """

    name: str
    judgement: Judgement
    unread: tuple[Unread, ...] = ()
    going: int | None = None
    looked: tuple[str, ...] = ()
    not_looked: tuple[str, ...] = ()


def policies_to_guard(plan: Plan) -> dict[str, str]:
    """The policy texts that the plan puts on repositories which exist already, by repository."""
    made = {one.name for one in plan.changes if one.kind == "repository" and one.action == "create"}
    return {
        change.name: change.wanted.text
        for change in plan.changes
        if isinstance(change.wanted, LifecyclePolicy) and change.wanted.text is not None
        if change.name not in made
    }


def with_guards(plan: Plan, guarded: Sequence[Guarded]) -> Plan:
    """The plan with what the guards refuse and say."""
    refused = [refusal for one in guarded for refusal in refusals(one, plan.limits)]
    notes = [note for one in guarded for note in _notes(one)]
    return replace(
        plan, refused=(*plan.refused, *refused), notes=(*plan.notes, *dict.fromkeys(notes))
    )


def refusals(guarded: Guarded, limits: Limits) -> list[Refusal]:
    """What is refused about one repository's policy, unless the limits allow it."""
    resource = resource_name("lifecycle", guarded.name)
    found = [
        Refusal(resource, unread_words(one), f"--allow-unread {one.by}")
        for one in guarded.unread
        if one.by not in limits.allow_unread
    ]
    if guarded.name not in limits.allow_in_use:
        flag = f"--allow-in-use {guarded.name}"
        hits = guarded.judgement.hits
        found += [Refusal(resource, hit.sentence, flag) for hit in hits[:_MOST]]
        if more := len(hits) - _MOST:
            found += [Refusal(resource, _more(more), flag)] if more > 0 else []
    return found


def unread_words(one: Unread) -> str:
    """What could not be read, in a sentence."""
    return tr(
        "what is in use is not known: {by}, {where}: {why}", by=one.by, where=one.where, why=one.why
    )


def remedy(hit: Hit, repository: str, policy: Policy) -> str:
    """The command that puts the image out of the rule's reach; empty when the policy has no way.

    It is a second tag, live-TAG, that a rule before the one in question keeps for good.
    """
    for tag in hit.held.image.tags[:1]:
        for rule in policy.rules:
            one = rule.selection
            if (
                rule.priority >= hit.rule
                or one.count_number < KEEP_ALL
                or one.tag_status != "tagged"
            ):
                continue
            if all(matches_tag(pattern, f"live-{tag}") for pattern in patterns_of(one)):
                return f"longshore tags protect {repository} {tag}"
    return ""


def _more(count: int) -> str:
    return tr("and {count} more images in use", count=count)


def _notes(guarded: Guarded) -> list[Note]:
    resource = resource_name("lifecycle", guarded.name)
    notes = []
    if guarded.going is not None:
        going = tr("{count} images would go at once by this policy", count=guarded.going)
        notes.append(Note(resource, going))
    for hit in guarded.judgement.beyond:
        notes.append(Note(resource, hit.sentence))
    for use in guarded.judgement.found.absent[:_MOST]:
        what = use.digest or use.tag or "latest"
        absent = tr("{place} names {image}, which is not there", place=use.where, image=what)
        notes.append(Note(resource, absent))
    if guarded.looked:
        where = ", ".join(guarded.looked)
        notes.append(Note(resource, tr("images in use were looked for in: {where}", where=where)))
    for one in guarded.not_looked:
        notes.append(Note(resource, tr("not looked at: {what}", what=one)))
    return notes
