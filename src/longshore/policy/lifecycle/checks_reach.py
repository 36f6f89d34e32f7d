"""Lint: images that no rule reaches or bounds, and rules that reach none. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from longshore.policy.lifecycle.findings import Edit, Finding, RuleText
from longshore.policy.lifecycle.lint_subject import Line, Subject, family_of
from longshore.policy.lifecycle.matching import matches_tag
from longshore.policy.lifecycle.overlap import find_tag
from longshore.policy.lifecycle.strategy import BACKUP, LATEST, SHIELDED, Kind
from longshore.policy.lifecycle.words import selected
from longshore.text import tr

_SHOWN = 3
_SAFE_ALONE = (*SHIELDED, LATEST)


def check_reach(subject: Subject) -> Iterator[Finding]:
    """Untagged images without a rule, tags without one, families without a limit, idle rules."""
    yield from _untagged(subject)
    yield from _nothing_tagged(subject)
    yield from _unreached_kinds(subject)
    yield from _unreached_images(subject)
    yield from _unbounded(subject)
    yield from _matches_nothing(subject)


def count_rule(pattern: str, count: int, description: str = "") -> RuleText:
    """A rule that keeps the newest of a pattern."""
    return {
        "description": description or f"keep the {count} newest {pattern}",
        "selection": {
            "tagStatus": "tagged",
            "tagPatternList": [pattern],
            "countType": "imageCountMoreThan",
            "countNumber": count,
        },
        "action": {"type": "expire"},
    }


def before_catch_alls(subject: Subject) -> int:
    """Where a rule for one family goes: before the first rule that takes everything."""
    places = [one.at for one in subject.lines if one.is_catch_all or not one.patterns]
    return min(
        (at for at in places if subject.lines[at].world == "standard"), default=len(subject.lines)
    )


def _untagged(subject: Subject) -> Iterator[Finding]:
    if subject.deciding(()) is not None:
        return
    count = sum(1 for one in subject.images if not one.tags and one.status == "ACTIVE")
    rule = {
        "description": "untagged images go after 1 day",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": 1,
        },
        "action": {"type": "expire"},
    }
    looked = tr("; {count} are here now", count=count) if count else ""
    yield Finding(
        "lifecycle-untagged-without-rule",
        "low" if subject.given.images is not None and not count else "medium",
        "rules",
        tr(
            "no rule reaches untagged images: what a moved tag leaves behind stays for ever, and "
            "is paid for{looked}",
            looked=looked,
        ),
        tr("add a rule for untagged images"),
        edit=Edit(before_catch_alls(subject), (rule,)),
    )


def _nothing_tagged(subject: Subject) -> Iterator[Finding]:
    """Where nothing but the policy is known: a policy that bounds no tagged image at all."""
    known = subject.given.strategy is not None or subject.given.images is not None
    reached = [one for one in subject.standard if one.rule.selection.tag_status != "untagged"]
    if known or reached or any(one.patterns for one in subject.lines):
        return
    yield Finding(
        "lifecycle-tags-without-rule",
        "low",
        "rules",
        tr("no rule reaches tagged images: they stay for ever, and are paid for"),
        tr("if they are to go some day, add a rule for each kind of tag"),
    )


def _unreached_kinds(subject: Subject) -> Iterator[Finding]:
    strategy = subject.given.strategy
    if strategy is None:
        return
    for kind in strategy.kinds:
        tag = _left_out(subject, kind)
        if tag is None or _is_meant(subject, tag):
            continue
        yield Finding(
            "lifecycle-tags-without-rule",
            "medium",
            "rules",
            tr(
                "no rule reaches {kind} ({example}), which the tag strategy makes: they stay for "
                "ever, and are paid for",
                kind=kind.name,
                example=tag,
            ),
            tr("add a rule for {pattern}", pattern=kind.pattern),
            example=tag,
            edit=Edit(before_catch_alls(subject), (count_rule(kind.pattern, kind.keep),)),
        )


def _is_meant(subject: Subject, tag: str) -> bool:
    """Whether a list that was taken for OR means it: that is said already."""
    dead = (line for line in subject.lines if line.is_dead)
    return any(matches_tag(entry, tag) for line in dead for entry in line.patterns)


def _left_out(subject: Subject, kind: Kind) -> str | None:
    """A tag of the kind that no rule takes, nor the other tags that such an image has."""
    beside = kind.tags[1:]
    if beside and subject.deciding(beside) is not None:
        return None
    if any(one.rule.selection.tag_status == "any" for one in subject.standard):
        return None
    if subject.deciding(kind.tags) is None:
        return kind.tags[0]
    return find_tag([kind.language], [one.patterns for one in subject.standard if one.patterns])


def _unreached_images(subject: Subject) -> Iterator[Finding]:
    """Tagged images of the listing that no rule reaches, by the family of their tags."""
    left = [
        one.image
        for one in subject.evaluation.verdicts
        if one.because == "no-rule" and one.image.tags and one.image.status == "ACTIVE"
    ]
    families: Counter[str] = Counter()
    example: dict[str, str] = {}
    for image in left:
        if all(any(matches_tag(one, tag) for one in _SAFE_ALONE) for tag in image.tags):
            continue
        tag = min(image.tags)
        if _is_meant(subject, tag):
            continue
        families[family_of(tag)] += 1
        example.setdefault(family_of(tag), tag)
    if not families:
        return
    most = [name for name, _ in families.most_common()]
    shown = ", ".join(f"{name} ({families[name]})" for name in most[:_SHOWN])
    more = tr(" and {count} more", count=len(most) - _SHOWN) if len(most) > _SHOWN else ""
    count = families.total()
    words = (
        tr("no rule reaches 1 tagged image here ({tags}): it stays for ever", tags=example[most[0]])
        if count == 1
        else tr(
            "no rule reaches {count} tagged images here, such as {families}{more}: they stay for "
            "ever, and are paid for",
            count=count,
            families=shown,
            more=more,
        )
    )
    yield Finding(
        "lifecycle-tags-without-rule",
        "medium",
        "rules",
        words,
        tr("add a rule for each kind of tag"),
        example=example[most[0]],
    )


def _unbounded(subject: Subject) -> Iterator[Finding]:
    """Families that grow, and that only a rule which keeps all reaches."""
    strategy = subject.given.strategy
    seen: set[int] = set()
    for kind in strategy.kinds if strategy is not None else ():
        line = subject.deciding(kind.tags)
        if line is None or not line.keeps_all or line.is_exact or line.at in seen:
            continue
        seen.add(line.at)
        yield Finding(
            "lifecycle-unbounded",
            "medium",
            line.path("selection.countNumber"),
            tr(
                "rule {rule} keeps all of {images}, and the tag strategy makes ever more of them "
                "({example})",
                rule=line.number,
                images=selected(line.rule.selection),
                example=kind.tags[0],
            ),
            tr("give it the number of images to keep, such as {count}", count=kind.keep),
            line.number,
            kind.tags[0],
            Edit(line.at, (line.with_selection(countNumber=kind.keep),), frozenset({line.at})),
        )


def _matches_nothing(subject: Subject) -> Iterator[Finding]:
    """Rules for tags that neither the images have nor the strategy makes."""
    for line in subject.standard:
        if not line.patterns or any(line.takes((one,)) for one in _expected()):
            continue
        seen = subject.table.matching(line.patterns)
        if seen or not _is_judged(subject) or _can_come(subject, line):
            continue
        strategy = subject.given.strategy is not None
        yield Finding(
            "lifecycle-matches-nothing",
            "medium" if strategy else "low",
            line.list_path,
            tr(
                "rule {rule} ({images}) reaches no tag that the tag strategy makes, nor any image "
                "that was looked at",
                rule=line.number,
                images=selected(line.rule.selection),
            )
            if strategy
            else tr(
                "rule {rule} ({images}) reaches none of the {count} images here",
                rule=line.number,
                images=selected(line.rule.selection),
                count=len(subject.images),
            ),
            tr("correct its tags, or remove it"),
            line.number,
        )


def _expected() -> Sequence[str]:
    """Tags that may come although none is there yet."""
    return ("live-prod", "rollback-prod", LATEST, BACKUP)


def _is_judged(subject: Subject) -> bool:
    return bool(subject.images) or subject.given.strategy is not None


def _can_come(subject: Subject, line: Line) -> bool:
    """Whether the tag strategy makes tags of each entry."""
    strategy = subject.given.strategy
    if strategy is None:
        return False
    languages = [*(kind.language for kind in strategy.kinds), *strategy.seldom]
    markers = [tag for kind in strategy.kinds for tag in kind.tags[1:]]
    return all(
        any(matches_tag(entry, tag) for tag in markers)
        or any(find_tag([entry, language]) for language in languages)
        for entry in line.patterns
    )
