"""Lint: rules that can delete `latest` or an image that runs. Pure.

Rules act on whole images, and the first rule that an image meets decides. So an image that runs
is safe only where a rule that keeps all of its tag stands before every rule that another of its
tags meets: `live-prod` beside `v2.0.0`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longshore.policy.lifecycle.checks_reach import count_rule
from longshore.policy.lifecycle.findings import Edit, Finding, RuleText, Severity
from longshore.policy.lifecycle.lint_subject import FEW, Line, Subject
from longshore.policy.lifecycle.matching import matches_tag
from longshore.policy.lifecycle.overlap import includes
from longshore.policy.lifecycle.strategy import LATEST, SHIELDED
from longshore.policy.lifecycle.words import days, selected
from longshore.text import tr

_KEEP_ALL = 9999
_MANY = 100  # pushes that somebody will make before latest moves again
_LIKELY = 10
_RARE = 50


def check_protect(subject: Subject) -> Iterator[Finding]:
    """What may take `latest`, or what runs."""
    yield from _latest(subject)
    yield from _live(subject)


def keeping(pattern: str) -> RuleText:
    """A rule that keeps all of a pattern from the rules behind it."""
    return count_rule(pattern, _KEEP_ALL, f"{pattern} never go")


def shields(line: Line, pattern: str) -> bool:
    """Whether a rule keeps all images with such tags."""
    keeps = line.keeps_all or (line.is_count and line.count >= FEW and not line.is_catch_all)
    return keeps and bool(line.patterns) and all(includes(one, pattern) for one in line.patterns)


def shielded_from(subject: Subject, pattern: str) -> int:
    """The place of the rule that keeps all images with such tags; behind all when there is none."""
    places = (line.at for line in subject.standard if shields(line, pattern))
    return min(places, default=len(subject.lines))


def front(subject: Subject) -> int:
    """Where a rule that shields goes: behind those that stand first and do so already."""
    at = 0
    for line in subject.lines:
        if not (line.keeps_all and line.patterns and line.world == "standard"):
            break
        at += 1
    return at


def _latest(subject: Subject) -> Iterator[Finding]:
    known = subject.given.images is None or LATEST in subject.tags
    if not known and subject.given.strategy is None:
        return
    shield = shielded_from(subject, LATEST)
    direct = subject.deciding((LATEST,))
    if direct is not None and direct in subject.expiring() and not _only_latest(subject, direct):
        severity: Severity = "high" if not direct.is_count or direct.count <= _MANY else "medium"
        yield _loses_latest(subject, direct, severity, tr("latest itself"))
        return
    first = min(shield, direct.at if direct is not None else shield)
    beside = [line for line in subject.expiring() if line.at < first and _beside(subject, line)]
    if beside and subject.is_known(LATEST):
        other = next((tags[0] for tags in subject.production if beside[0].takes(tags)), "")
        yield _loses_latest(
            subject, beside[0], "medium", other or selected(beside[0].rule.selection)
        )


def _only_latest(subject: Subject, line: Line) -> bool:
    """Whether `latest` is the only tag that a count rule meets: one image, the newest there is."""
    if not line.is_count or line.is_catch_all:
        return False
    others = {tag for tag in subject.tags if line.takes((tag,))} - {LATEST}
    return line.patterns == (f"{LATEST}*",) and len(others) < line.count


def _beside(subject: Subject, line: Line) -> bool:
    """Whether a rule meets the other tags of the image that is latest."""
    sets = [*subject.carrying(LATEST), *subject.production]
    return any(line.takes(tags) for tags in sets)


def _loses_latest(subject: Subject, line: Line, severity: Severity, through: str) -> Finding:
    return Finding(
        "lifecycle-deletes-latest",
        severity,
        line.path(),
        tr(
            "rule {rule} can delete the image that is tagged latest (through {tag}): {when}",
            rule=line.number,
            tag=through,
            when=when(line),
        ),
        tr("before it, put a rule that keeps latest"),
        line.number,
        LATEST,
        Edit(min(front(subject), line.at), (keeping(LATEST),)),
    )


def when(line: Line) -> str:
    if line.is_count:
        if line.is_catch_all:
            return tr("after {pushes}, whatever their tags", pushes=_pushes(line.count))
        images = selected(line.rule.selection)
        return tr("after {pushes} of {images}", pushes=_pushes(line.count), images=images)
    return tr(
        "it goes {days} after its push, also when nothing newer is there", days=days(line.count)
    )


def _live(subject: Subject) -> Iterator[Finding]:
    if subject.is_known(*SHIELDED):
        open_ones = [one for one in SHIELDED if _is_open(subject, one)]
        if open_ones:
            yield _deletes_live(subject, open_ones)
        return
    line = next((one for one in subject.expiring() if _may_run_out(subject, one)), None)
    if line is None or any(_marks(one) for one in subject.standard if one.at < line.at):
        return
    rules = tuple(keeping(one) for one in SHIELDED)
    yield Finding(
        "lifecycle-count-against-live",
        "medium" if line.count <= _LIKELY else "low",
        line.path("selection.countNumber"),
        tr(
            "rule {rule} counts pushes, not deploys: {pushes} of {images} that nobody deploys, and "
            "it deletes the image that runs",
            rule=line.number,
            pushes=_pushes(line.count),
            images=selected(line.rule.selection),
        ),
        tr(
            "keep a tag on what runs, and before rule {rule} a rule that keeps this tag, such as "
            "{tags}",
            rule=line.number,
            tags=", ".join(SHIELDED),
        ),
        line.number,
        edit=Edit(min(front(subject), line.at), rules),
    )


def _pushes(count: int) -> str:
    return tr("1 push") if count == 1 else tr("{count} pushes", count=count)


def _marks(line: Line) -> bool:
    """Whether a rule keeps some tag that may be that of what runs; `latest` need not be."""
    return line.keeps_all and bool(line.patterns) and not line.takes((LATEST,))


def _may_run_out(subject: Subject, line: Line) -> bool:
    counts = line.is_count and line.count < _RARE
    return counts and subject.runs(line) and not _only_latest(subject, line)


def _is_open(subject: Subject, pattern: str) -> bool:
    return _threat(subject, pattern) is not None


def _threat(subject: Subject, pattern: str) -> Line | None:
    """The first rule that can delete an image with such a tag."""
    shield = shielded_from(subject, pattern)
    tags = [tag for tag in subject.tags if matches_tag(pattern, tag)]
    tag = min(tags, default=pattern.replace("*", "prod"))
    for line in subject.expiring():
        if line.at < shield and (line.takes((tag,)) or reaches(subject, line, pattern)):
            return line
    return None


def reaches(subject: Subject, line: Line, pattern: str) -> bool:
    """Whether a rule meets what runs in production, or an image here with a tag of the pattern."""
    sets = [*subject.production, *subject.carrying(pattern)]
    return any(line.takes(tags) for tags in sets)


def _deletes_live(subject: Subject, patterns: Sequence[str]) -> Finding:
    line = _threat(subject, patterns[0])
    assert line is not None  # noqa: S101
    late = [one for one in patterns if shielded_from(subject, one) < len(subject.lines)]
    rules = tuple(keeping(one) for one in patterns)
    remove = frozenset(shielded_from(subject, one) for one in late)
    said = (
        tr("the rule that keeps them stands behind it")
        if late
        else tr("no rule keeps them before it")
    )
    tags = sorted(tag for tag in subject.tags for one in patterns if matches_tag(one, tag))
    return Finding(
        "lifecycle-deletes-live",
        "high",
        line.path(),
        tr(
            "rule {rule} can delete an image that runs or is to be rolled back to ({tags}): {why}",
            rule=line.number,
            tags=", ".join(tags[:2] or patterns),
            why=said,
        ),
        tr("put rules that keep {tags} first", tags=", ".join(patterns)),
        line.number,
        tags[0] if tags else patterns[0].replace("*", "prod"),
        Edit(min(front(subject), line.at), rules, remove),
    )
