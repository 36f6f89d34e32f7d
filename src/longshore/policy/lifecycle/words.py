"""Lifecycle rules and verdicts in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longshore.policy.lifecycle.grammar import Rule, Selection
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.policy.lifecycle.verdicts import Verdict

DAY_S = 86_400
_SHORT = 19


def selected(selection: Selection) -> str:
    """Which images a rule is about: `v*`, `v* & beta*`, `untagged images`, `all images`."""
    if selection.tag_status == "tagged":
        prefixes = tuple(f"{prefix}*" for prefix in selection.prefixes)
        found = " & ".join(selection.patterns + prefixes)
    elif selection.tag_status == "untagged":
        found = tr("untagged images")
    else:
        found = tr("all images")
    if selection.storage_class == "archive":
        return tr("{images} in archive storage", images=found)
    return found


def rule_words(rule: Rule) -> str:
    """What a rule does, without its number: `keeps the 5 newest of v*`."""
    selection = rule.selection
    images, count = selected(selection), selection.count_number
    if selection.count_type == "imageCountMoreThan":
        if rule.action == "transition":
            return tr(
                "keeps the {newest} of {images} out of archive",
                newest=_newest(count),
                images=images,
            )
        return tr("keeps the {newest} of {images}", newest=_newest(count), images=images)
    verb = tr("archives") if rule.action == "transition" else tr("expires")
    return tr(
        "{verb} {images} {since} more than {days} ago",
        verb=verb,
        images=images,
        since=since(rule),
        days=days(count),
    )


def since(rule: Rule) -> str:
    """What an age rule counts from."""
    match rule.selection.count_type:
        case "sinceImagePulled":
            return tr("pulled")
        case "sinceImageTransitioned":
            return tr("archived")
        case _:
            return tr("pushed")


def reason(verdict: Verdict) -> str:
    """Why a verdict is as it is, in a sentence."""
    if verdict.because == "subject":
        return _of_subject(verdict)
    if verdict.rule is None:
        return _of_no_rule(verdict)
    begin = tr("rule {rule} {does}", rule=verdict.rule.priority, does=rule_words(verdict.rule))
    return f"{begin}; {_this(verdict, verdict.rule)}"


def _of_no_rule(verdict: Verdict) -> str:
    if verdict.because == "circle":
        return tr("it and others name each other in a circle, which cannot be; such images stay")
    if verdict.because != "restoring":
        return tr("no rule reaches it")
    if verdict.image.status == "ACTIVATING":
        return tr("it is being restored from archive; no rule selects it meanwhile")
    return tr("its status is {status}; no rule selects it", status=verdict.image.status)


def _this(verdict: Verdict, rule: Rule) -> str:
    match verdict.because:
        case "count":
            return tr("this is the {place}", place=ordinal(verdict.rank))
        case "undated":
            return tr("the time of this one is not known, so it is kept here; ECR may not")
        case "in-index":
            return tr(
                "it would act on this one, but index {index} names it: kept while that is there",
                index=short(verdict.other),
            )
        case _:
            return tr("this one was {since} {age} ago", since=since(rule), age=age(verdict.age_s))


def _of_subject(verdict: Verdict) -> str:
    subject = short(verdict.other)
    if verdict.behind is None:
        return tr("its subject {subject} is not among the images", subject=subject)
    why = reason(verdict.behind)
    if verdict.action == "keep":
        return tr("it stays with its subject {subject}: {reason}", subject=subject, reason=why)
    return tr(
        "it goes with its subject {subject}, within 24 hours: {reason}", subject=subject, reason=why
    )


def _newest(count: int) -> str:
    return tr("newest") if count == 1 else tr("{count} newest", count=count)


def days(count: int) -> str:
    """`1 day`, `7 days`."""
    return tr("1 day") if count == 1 else tr("{count} days", count=count)


def age(seconds: float) -> str:
    """An age to two digits or so: `40 minutes`, `3.5 hours`, `12 days`."""
    if seconds < 0:
        return tr("0 minutes")
    if seconds < 2 * 3600:
        return tr("{count} minutes", count=int(seconds // 60))
    if seconds < 2 * DAY_S:
        return tr("{count} hours", count=f"{seconds / 3600:.1f}".removesuffix(".0"))
    return tr("{count} days", count=f"{seconds / DAY_S:.1f}".removesuffix(".0"))


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = (
        "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{ending}"


def short(digest: str) -> str:
    """A digest as tables show it."""
    return digest[:_SHORT]
