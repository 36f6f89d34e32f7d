"""Lint: rules that take releases by age, and those that can take the last backup. Pure.

A backup is a release with one more tag: a rule for releases before the one for backups decides
about it, and takes the whole image.
"""

from __future__ import annotations

from collections.abc import Iterator

from longshore.policy.lifecycle.checks_protect import front, reaches, when
from longshore.policy.lifecycle.checks_reach import count_rule
from longshore.policy.lifecycle.findings import Edit, Finding
from longshore.policy.lifecycle.lint_subject import Line, Subject
from longshore.policy.lifecycle.strategy import BACKUP
from longshore.policy.lifecycle.words import days, selected
from longshore.text import tr

_YEAR = 365
_RELEASES = 10
_OF_ALL = 100  # of a rule for everything, which must hold more than releases
_MOST = 50
_BACKUPS = "backup-*"


def check_releases(subject: Subject) -> Iterator[Finding]:
    """What may take the release in force, or the last backup."""
    yield from _by_age(subject)
    yield from _backups(subject)


def _by_age(subject: Subject) -> Iterator[Finding]:
    """An age rule takes the only release after a quiet time."""
    for line in subject.expiring():
        if line.is_count:
            continue
        tags = next((one for one in subject.production if subject.deciding(one) is line), None)
        if tags is None:
            continue
        count = _OF_ALL if line.is_catch_all else _RELEASES
        rule = line.with_selection(
            countType="imageCountMoreThan", countUnit=None, countNumber=count
        )
        rule["description"] = f"keep the {count} newest {selected(line.rule.selection)}"
        yield Finding(
            "lifecycle-release-by-age",
            "high" if line.count < _YEAR else "medium",
            line.path("selection.countType"),
            tr(
                "rule {rule} deletes {images} {days} after their push, also the only one and the "
                "one that runs, when nothing newer was pushed",
                rule=line.number,
                images=selected(line.rule.selection),
                days=days(line.count),
            ),
            tr("keep a number of the newest instead of an age"),
            line.number,
            tags[0],
            Edit(line.at, (rule,), frozenset({line.at})),
        )


def _backups(subject: Subject) -> Iterator[Finding]:
    line = subject.deciding((BACKUP,))
    if line is None or line.keeps_all or line.rule.action != "expire":
        return
    known = subject.is_known(_BACKUPS)
    if not line.is_count and not line.is_catch_all:
        yield _backup_by_age(subject, line)
    elif line.is_catch_all and known:
        yield _last_backup(subject, line)
    elif known:
        yield from _backup_behind(subject, line)


def _backstop(subject: Subject, line: Line, remove: frozenset[int]) -> Edit:
    rule = count_rule(_BACKUPS, _MOST, f"a backstop: the {_MOST} newest backups")
    return Edit(min(front(subject), line.at), (rule,), remove)


def _backup_by_age(subject: Subject, line: Line) -> Finding:
    return Finding(
        "lifecycle-backup-by-age",
        "high",
        line.path("selection.countType"),
        tr(
            "rule {rule} counts {days} from the push of the image, not from the backup: a backup "
            "of an image that was pushed earlier goes at once, with all other tags of the image, "
            "and the last backup goes too",
            rule=line.number,
            days=days(line.count),
        ),
        tr(
            "keep a number of backups, before the rules for releases; what is to go by the time in "
            "the tag's name cannot be said in a rule of ECR"
        ),
        line.number,
        BACKUP,
        _backstop(subject, line, frozenset({line.at})),
    )


def _last_backup(subject: Subject, line: Line) -> Finding:
    return Finding(
        "lifecycle-deletes-backup",
        "high",
        line.path(),
        tr(
            "rule {rule} can delete the last backup ({tag}): {when}",
            rule=line.number,
            tag=BACKUP,
            when=when(line),
        ),
        tr("before it, put a rule that keeps backups"),
        line.number,
        BACKUP,
        _backstop(subject, line, frozenset()),
    )


def _backup_behind(subject: Subject, line: Line) -> Iterator[Finding]:
    """A backup is a release with one more tag: a rule for releases before it takes it along."""
    before = [one for one in subject.expiring() if one.at < line.at]
    taker = next((one for one in before if reaches(subject, one, _BACKUPS)), None)
    if taker is None:
        return
    yield Finding(
        "lifecycle-deletes-backup",
        "high",
        taker.path(),
        tr(
            "a backup is a release with one more tag, so rule {taker} ({images}) decides about it "
            "before rule {rule}, and can delete the last backup",
            taker=taker.number,
            images=selected(taker.rule.selection),
            rule=line.number,
        ),
        tr("put rule {rule} before rule {taker}", rule=line.number, taker=taker.number),
        line.number,
        BACKUP,
        Edit(min(front(subject), taker.at), (line.written,), frozenset({line.at})),
    )
