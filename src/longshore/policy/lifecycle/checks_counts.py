"""Lint: what takes the places of a count rule besides the images that it was written for. Pure.

A rule also counts images that an earlier rule has taken already (User Guide, evaluation rules):
a catch-all of ten keeps none of its own once ten newer images of other rules are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longshore.policy.lifecycle.checks_order import takes_all_of
from longshore.policy.lifecycle.evaluate import Verdict
from longshore.policy.lifecycle.findings import Edit, Finding
from longshore.policy.lifecycle.lint_subject import Line, Subject
from longshore.policy.lifecycle.words import ordinal, selected, short
from longshore.text import tr

_SMALL = 50
_SMALL_FAMILIES = ("live-", "rollback-", "latest")
_INDEXES = (
    "application/vnd.oci.image.index.",
    "application/vnd.docker.distribution.manifest.list.",
)


def check_counts(subject: Subject) -> Iterator[Finding]:
    """Catch-alls that others use up; manifests of indexes that take places."""
    for line in subject.expiring():
        if line.is_count:
            yield from _used_up(subject, line)
            yield from _children(subject, line)


def _used_up(subject: Subject, line: Line) -> Iterator[Finding]:
    inside = [
        one
        for one in subject.standard
        if one.at < line.at and one.patterns and takes_all_of(line, one) and not _is_small(one)
    ]
    if not inside:
        return
    lost = _lost_places(subject, line)
    held = [_holds(one) for one in inside]
    endless = any(one is None for one in held)
    total = sum(one or 0 for one in held)
    if not lost and (total < line.count and not endless):
        return
    example = lost[0].image if lost else None
    yield Finding(
        "lifecycle-count-used-up",
        "high" if lost else "medium",
        line.path("selection.countNumber"),
        _arithmetic(line, inside, held, total) if example is None else _shown(line, lost),
        tr("raise the number by what the other rules keep, or give these images a tag of their own")
        if not endless
        else tr("give these images a tag of their own, and a rule for it"),
        line.number,
        _name(lost[0]) if lost else "",
        None if endless or total < line.count else _raised(line, total),
    )


def _is_small(line: Line) -> bool:
    """Whether a rule keeps a few images whose number somebody else decides: what runs."""
    return line.keeps_all and all(one.startswith(_SMALL_FAMILIES) for one in line.patterns)


def _holds(line: Line) -> int | None:
    """How many images stay because of a rule; None: any number."""
    if not line.is_count or (line.keeps_all and not line.is_exact):
        return None
    return 1 if line.is_exact else line.count


def _arithmetic(line: Line, inside: Sequence[Line], held: Sequence[int | None], total: int) -> str:
    rules = ", ".join(str(one.number) for one in inside)
    if any(one is None for one in held):
        return tr(
            "rule {rule} keeps {count} of {images}, and images of rule {rules} count among them, "
            "without a limit: once {count} of those are newer, it keeps none of its own",
            rule=line.number,
            count=line.count,
            images=selected(line.rule.selection),
            rules=rules,
        )
    return tr(
        "rule {rule} keeps {count} of {images}, and images of rule {rules} count among them: these "
        "may be {sum}, and then it keeps none of its own",
        rule=line.number,
        count=line.count,
        images=selected(line.rule.selection),
        rules=rules,
        sum=str(total) if len(held) == 1 else f"{' + '.join(map(str, held))} = {total}",
    )


def _raised(line: Line, total: int) -> Edit:
    rule = line.with_selection(countNumber=line.count + total)
    return Edit(line.at, (rule,), frozenset({line.at}))


def _lost_places(subject: Subject, line: Line) -> list[Verdict]:
    """Images that a rule acts on, and would keep if it counted only its own."""
    if not subject.images:
        return []
    verdicts = subject.evaluation.verdicts
    own = sorted(
        (one for one in verdicts if one.rule is line.rule and one.because == "count"),
        key=lambda one: one.rank,
    )
    return [one for one in own[: line.count] if one.action == "expire"]


def _shown(line: Line, lost: Sequence[Verdict]) -> str:
    return tr(
        "rule {rule} keeps {count} of {images}, and images of earlier rules count among them: it "
        "deletes {lost} of its own {count} newest here, such as {example} (the {place} of all)",
        rule=line.number,
        count=line.count,
        images=selected(line.rule.selection),
        lost=len(lost),
        example=_name(lost[0]),
        place=ordinal(lost[0].rank),
    )


def _name(verdict: Verdict) -> str:
    image = verdict.image
    return image.tags[0] if image.tags else short(image.digest)


def _children(subject: Subject, line: Line) -> Iterator[Finding]:
    """Untagged manifests of indexes among the images that a rule keeps."""
    if line.patterns:
        return
    status = line.rule.selection.tag_status
    inner = {child for image in subject.images for child in image.children}
    indexes = sum(
        1 for one in subject.images if one.children or one.media_type.startswith(_INDEXES)
    )
    count = sum(1 for one in subject.images if one.digest in inner and not one.tags)
    if subject.given.images is not None and not indexes:
        return
    if line.count > _SMALL and not count:
        return
    untagged = status == "untagged"
    yield Finding(
        "lifecycle-children-take-places",
        "medium" if indexes else "low",
        line.path("selection.countNumber"),
        _of_children(line, indexes, count),
        tr("go by age: manifests of an index stay as long as the index")
        if untagged
        else tr("count tagged images only (tagPatternList *), and untagged ones by age"),
        line.number,
        edit=_by_age(line) if untagged else None,
    )


def _of_children(line: Line, indexes: int, count: int) -> str:
    if count:
        return tr(
            "{count} untagged manifests here belong to indexes (platforms, attestations), and as "
            "far as ECR's documents tell they count among the {keeps} that rule {rule} keeps",
            count=count,
            keeps=line.count,
            rule=line.number,
        )
    if indexes:
        return tr(
            "{count} images here are indexes; their manifests (platforms, attestations) are "
            "untagged, and as far as ECR's documents tell count among the {keeps} that rule {rule} "
            "keeps",
            count=indexes,
            keeps=line.count,
            rule=line.number,
        )
    return tr(
        "an image for several platforms, or with an attestation, brings two or more untagged "
        "manifests, which as far as ECR's documents tell count among the {keeps} that rule {rule} "
        "keeps",
        keeps=line.count,
        rule=line.number,
    )


def _by_age(line: Line) -> Edit:
    rule = line.with_selection(countType="sinceImagePushed", countUnit="days", countNumber=1)
    rule["description"] = "untagged images go after 1 day"
    return Edit(line.at, (rule,), frozenset({line.at}))
