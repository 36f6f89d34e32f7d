"""Lint: rules that an earlier one puts out of reach, and rules that can never act. Pure.

Whether one rule takes all images of another is exact for rules that ask one tag; for a list, an
image needs one tag for each entry, and the earlier rule has them all only when each of its entries
includes one of them (otherwise there are tags that show the contrary). Several earlier rules
together are asked about rules with one entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longshore.policy.lifecycle.findings import Edit, Finding, Severity
from longshore.policy.lifecycle.lint_subject import LONG_AGO, Line, Subject, example_tag
from longshore.policy.lifecycle.matching import matches_tag
from longshore.policy.lifecycle.overlap import find_tag, includes, share
from longshore.policy.lifecycle.strategy import BACKUP, LATEST, SHIELDED
from longshore.policy.lifecycle.words import selected
from longshore.text import tr

_SHIELDED_TAGS = (*(one.replace("*", "prod") for one in SHIELDED), LATEST, BACKUP)
_MOST_IMAGES = 100_000  # ECR's quota for one repository


def check_order(subject: Subject) -> Iterator[Finding]:
    """Shadowed and partly shadowed rules, rules that never act."""
    for world in ("standard", "archive"):
        lines = [one for one in subject.lines if one.world == world and not one.is_dead]
        for place, line in enumerate(lines):
            before = lines[:place]
            if over := _over(line, before):
                yield _shadowed(line, over)
            else:
                yield from _partly(subject, line, before)
                never = tuple(_never(line))
                yield from never or _idle(line, lines[place + 1 :])


def takes_all_of(earlier: Line, later: Line) -> bool:
    """Whether the earlier rule takes every image that the later one takes."""
    status = later.rule.selection.tag_status
    match earlier.rule.selection.tag_status:
        case "any":
            return True
        case "untagged":
            return status == "untagged"
        case _:
            return status == "tagged" and all(
                any(includes(wide, narrow) for narrow in later.patterns)
                for wide in earlier.patterns
            )


def _over(line: Line, before: Sequence[Line]) -> tuple[Line, ...]:
    """The earlier rules that leave it nothing; one when one is enough."""
    for earlier in before:
        if takes_all_of(earlier, line):
            return (earlier,)
    status = line.rule.selection.tag_status
    tagged = [one for one in before if one.patterns]
    if status == "untagged" or len(line.patterns) > 1 or not tagged:
        return ()
    if status == "any":
        untagged = [one for one in before if one.rule.selection.tag_status == "untagged"]
        covered = untagged and find_tag(["*"], [one.patterns for one in tagged]) is None
        return (*untagged, *tagged) if covered else ()
    near = [one for one in tagged if all(share(*line.patterns, other) for other in one.patterns)]
    if near and find_tag(line.patterns, [one.patterns for one in near]) is None:
        return tuple(near)
    return ()


def _shadowed(line: Line, over: Sequence[Line]) -> Finding:
    first = over[0]
    same = takes_all_of(line, first)
    severity: Severity = "high" if any(_deletes_more(one, line) for one in over) else "medium"
    move = Edit(min(one.at for one in over), (line.written,), frozenset({line.at}))
    drop = Edit(line.at, (), frozenset({line.at}))
    return Finding(
        "lifecycle-shadowed",
        severity,
        line.path(),
        tr(
            "rule {rule} ({images}) can never act: rule {earlier} takes all of these images first",
            rule=line.number,
            images=selected(line.rule.selection),
            earlier=_numbers(over),
        ),
        tr("remove one of the two: they take the same images")
        if same
        else tr("give it a smaller priority number than rule {earlier}", earlier=_numbers(over)),
        line.number,
        _example(line),
        drop if same else move,
    )


def _deletes_more(earlier: Line, later: Line) -> bool:
    """Whether images go that the later rule was to keep."""
    if earlier.keeps_all:
        return False
    if earlier.is_count != later.is_count:
        return not earlier.is_count
    return earlier.count < later.count


def _partly(subject: Subject, line: Line, before: Sequence[Line]) -> Iterator[Finding]:
    for earlier in before:
        if len(line.patterns) != 1 or len(earlier.patterns) != 1 or earlier.keeps_all:
            continue
        pattern, other = line.patterns[0], earlier.patterns[0]
        is_rest = pattern.startswith("*") and not other.startswith("*")
        if is_rest or includes(pattern, other):
            continue  # what is left for the more general rule, as it should be
        shared = _shared(subject, pattern, other)
        if shared is None:
            continue
        yield Finding(
            "lifecycle-partly-shadowed",
            "low",
            line.path(),
            tr(
                "rule {earlier} decides about images such as {example}, though rule {rule} "
                "({images}) means them too",
                earlier=earlier.number,
                example=shared,
                rule=line.number,
                images=pattern,
            ),
            tr("put the rule first that is to decide about such images"),
            line.number,
            shared,
        )


def _shared(subject: Subject, pattern: str, other: str) -> str | None:
    """A tag of both; when images are given, one of theirs."""
    shared = example_tag([pattern, other]) if share(pattern, other) else None
    if shared is None or subject.given.images is None:
        return shared
    both = (tag for tag in subject.tags if matches_tag(pattern, tag) and matches_tag(other, tag))
    return min(both, default=None)


def _never(line: Line) -> Iterator[Finding]:
    if line.is_count and not line.is_exact and line.count > _MOST_IMAGES:
        yield Finding(
            "lifecycle-never-acts",
            "low",
            line.path("selection.countNumber"),
            tr(
                "rule {rule} acts on what is over {count} images, and a repository holds at most "
                "{most}",
                rule=line.number,
                count=line.count,
                most=_MOST_IMAGES,
            ),
            tr("9999 is what people write to keep all; for a limit choose a smaller number"),
            line.number,
        )
    elif not line.is_count and line.count >= LONG_AGO:
        yield Finding(
            "lifecycle-never-acts",
            "low",
            line.path("selection.countNumber"),
            tr(
                "rule {rule} waits {days} days: it acts on nothing for years",
                rule=line.number,
                days=line.count,
            ),
            tr("choose a smaller number, or a rule that counts images"),
            line.number,
        )


def _idle(line: Line, behind: Sequence[Line]) -> Iterator[Finding]:
    """A keep rule shields from the rules behind it; when there are none, it does nothing."""
    others = [one for one in behind if one.rule.selection.tag_status != "untagged"]
    meant = any(line.takes((tag,)) for tag in _SHIELDED_TAGS) and not line.is_catch_all
    if not line.keeps_all or others or meant or line.rule.action != "expire":
        return
    yield Finding(
        "lifecycle-keeps-without-need",
        "low",
        line.path(),
        tr(
            "rule {rule} keeps all of {images} from rules behind it, and there are none: it does "
            "nothing, these images stay for ever with or without it",
            rule=line.number,
            images=selected(line.rule.selection),
        ),
        tr("give it a number of images to keep, or remove it"),
        line.number,
    )


def _example(line: Line) -> str:
    return (example_tag(line.patterns) or "") if line.patterns else ""


def _numbers(lines: Sequence[Line]) -> str:
    return ", ".join(str(one.number) for one in lines)
