"""Lint: rules that archive. A pull of an archived image is answered with 404. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from longshore.policy.lifecycle.checks_protect import front, keeping, shielded_from
from longshore.policy.lifecycle.findings import Edit, Finding
from longshore.policy.lifecycle.lint_subject import Line, Subject
from longshore.policy.lifecycle.strategy import LATEST, SHIELDED
from longshore.policy.lifecycle.words import days, selected
from longshore.text import tr


def check_archive(subject: Subject) -> Iterator[Finding]:
    """Images that run and are archived; rules for an archive into which nothing goes."""
    into = list(subject.expiring("transition"))
    for line in into:
        yield from _archives(subject, line)
    yield from _empty_archive(subject, into)


def _archives(subject: Subject, line: Line) -> Iterator[Finding]:
    wanted = (*SHIELDED, LATEST)
    open_ones = [one for one in wanted if shielded_from(subject, one) > line.at]
    reached = [tags for tags in subject.production if line.takes(tags)]
    if not open_ones or not (reached or line.takes((LATEST,))):
        return
    known = subject.is_known(*SHIELDED) or LATEST in subject.tags
    yield Finding(
        "lifecycle-archives-live",
        "high" if known else "medium",
        line.path("action"),
        _how(line),
        tr("before it, put rules that keep {tags}", tags=", ".join(open_ones)),
        line.number,
        reached[0][0] if reached else LATEST,
        Edit(min(front(subject), line.at), tuple(keeping(one) for one in open_ones)),
    )


def _how(line: Line) -> str:
    if line.rule.selection.count_type == "sinceImagePulled":
        return tr(
            "rule {rule} archives {images} {days} after the last pull, and what runs on pulls "
            "nothing: the next start, on another host, is answered with 404",
            rule=line.number,
            images=selected(line.rule.selection),
            days=days(line.count),
        )
    return tr(
        "rule {rule} archives {images} also while they run: the next start, on another host, is "
        "answered with 404",
        rule=line.number,
        images=selected(line.rule.selection),
    )


def _empty_archive(subject: Subject, into: list[Line]) -> Iterator[Finding]:
    archived = any(one.status != "ACTIVE" for one in subject.images)
    behind = next((one for one in subject.lines if one.world == "archive"), None)
    if behind is None or into or archived:
        return
    yield Finding(
        "lifecycle-archive-without-transition",
        "low",
        behind.path("selection.storageClass"),
        tr(
            "rule {rule} is for archived images, and no rule archives any: it acts only on what "
            "people archive by hand",
            rule=behind.number,
        ),
        tr("add a rule with the action transition, or remove this one"),
        behind.number,
    )
