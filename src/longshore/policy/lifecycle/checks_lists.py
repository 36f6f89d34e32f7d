"""Lint: lists of tags, where AND is easily taken for OR, and entries that no tag fits. Pure."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence

from longshore.policy.lifecycle.findings import Edit, Finding, RuleText
from longshore.policy.lifecycle.lint_subject import Line, Subject, example_tag, possible
from longshore.policy.lifecycle.overlap import LONGEST, find_tag, includes, is_possible
from longshore.text import tr

_FIRST = set(string.ascii_letters + string.digits + "_")
_LEGAL = _FIRST | set(".-")
_REGEX_RUN = re.compile(r"\A[A-Za-z_-]+\.\*")
_REGEX_ENDS = re.compile(r"\A\^|\$\Z")
_REGEX_SET = re.compile(r"(?:\[[^\]]*\]|\\[dw])[*+?]?|\.[*+]")


def check_lists(subject: Subject) -> Iterator[Finding]:
    """Impossible entries, AND where OR was meant, entries without effect, regular expressions."""
    for line in subject.lines:
        yield from _impossible(line)
        entries = possible(line)
        if len(entries) > 1:
            yield from _several(subject, line, entries)
        yield from _like_regex(line, entries)


def _impossible(line: Line) -> Iterator[Finding]:
    for number, (entry, pattern) in enumerate(zip(_written(line), line.patterns, strict=True)):
        if is_possible(pattern):
            continue
        better = _corrected(entry, is_prefix=_is_prefix(line))
        advice = tr("correct the entry; in patterns only * stands for other characters")
        yield Finding(
            "lifecycle-impossible-tag",
            "high",
            f"{line.list_path}[{number}]",
            tr(
                "no tag can match '{entry}': {why}; rule {rule} never acts on any image",
                entry=entry,
                why=_why_impossible(entry, is_prefix=_is_prefix(line)),
                rule=line.number,
            ),
            tr("'{entry}' may be what was meant", entry=better) if better else advice,
            line.number,
            edit=_instead(line, number, better) if better else None,
        )


def _written(line: Line) -> Sequence[str]:
    """The entries as they are written, in the order of `line.patterns`."""
    selection = line.rule.selection
    prefixes = [one for one in selection.prefixes if "*" not in one]
    return [*selection.patterns, *prefixes, *(one for one in selection.prefixes if "*" in one)]


def _is_prefix(line: Line) -> bool:
    return bool(line.rule.selection.prefixes)


def _why_impossible(entry: str, *, is_prefix: bool) -> str:
    if is_prefix and "*" in entry:
        return tr("a prefix knows no wildcard, and no tag has a *")
    bare = entry.replace("*", "")
    wrong = next((one for one in bare if one not in _LEGAL), None)
    if wrong is not None:
        return tr("no tag has the character '{character}'", character=wrong)
    if entry[:1] in (".", "-"):
        return tr("no tag begins with '{character}'", character=entry[0])
    if len(bare) > LONGEST:
        return tr("no tag is longer than {most} characters", most=LONGEST)
    return tr("no tag is empty")


def _corrected(entry: str, *, is_prefix: bool) -> str:
    """What was probably meant; empty when that cannot be told."""
    found = _REGEX_ENDS.sub("", entry).replace("/", "-")
    if is_prefix:
        found = found.partition("*")[0].rstrip(".^")
        return found if is_possible(f"{found}*") else ""
    found = _REGEX_SET.sub("*", found).replace("?", "").replace("\\.", ".")
    if entry.startswith("^") and "*" not in found:
        found += "*"
    found = re.sub(r"\*+", "*", found)
    return found if is_possible(found) else ""


def _instead(line: Line, number: int, better: str) -> Edit:
    selection = line.rule.selection
    name = "tagPrefixList" if selection.prefixes else "tagPatternList"
    wrong = _written(line)[number]
    entries = [better if one == wrong else one for one in line.written["selection"][name]]
    rule = line.with_selection(**{name: list(dict.fromkeys(entries))})
    return Edit(line.at, (rule,), frozenset({line.at}))


def _several(subject: Subject, line: Line, entries: tuple[str, ...]) -> Iterator[Finding]:
    if any(_carries(entries, tags) for tags in _tags_of_images(subject)):
        return
    both = find_tag(entries)
    if both is None:
        yield _and_for_or(subject, line, entries)
        return
    wider = [one for one in entries if any(_is_wider(one, other) for other in entries)]
    if wider:
        yield _without_effect(line, entries, wider[0])


def _tags_of_images(subject: Subject) -> Iterator[tuple[str, ...]]:
    yield from (image.tags for image in subject.images if len(image.tags) > 1)
    if subject.given.strategy is not None:
        yield from (kind.tags for kind in subject.given.strategy.kinds)


def _carries(entries: tuple[str, ...], tags: Sequence[str]) -> bool:
    """Whether an image has a tag for each entry, and needs several for that."""
    from longshore.policy.lifecycle.matching import matches_tag

    return all(any(matches_tag(one, tag) for tag in tags) for one in entries) and not any(
        all(matches_tag(one, tag) for one in entries) for tag in tags
    )


def _and_for_or(subject: Subject, line: Line, entries: tuple[str, ...]) -> Finding:
    first, second = _apart(entries)
    looked = subject.given.images is not None
    nobody = tr("; no image here does") if looked else ""
    rules = _split(line, [one for one in entries if not _has_wider(one, entries)])
    return Finding(
        "lifecycle-several-prefixes",
        "high",
        line.list_path,
        tr(
            "the entries of a list are joined by AND: rule {rule} acts only on images that carry "
            "tags of all of {entries} at once{nobody}, never on one that has only {example}",
            rule=line.number,
            entries=", ".join(entries),
            nobody=nobody,
            example=_example(first),
        ),
        tr("write one rule for each; each then has a limit of its own"),
        line.number,
        _example(second),
        Edit(line.at, rules, frozenset({line.at}))
        if len(rules) + len(subject.lines) <= 51
        else None,
    )


def _apart(entries: tuple[str, ...]) -> tuple[str, str]:
    """Two entries that share no tag; the first and the last when only all together share none."""
    for place, one in enumerate(entries):
        for other in entries[place + 1 :]:
            if find_tag([one, other]) is None:
                return one, other
    return entries[0], entries[-1]


def _example(pattern: str) -> str:
    return example_tag([pattern]) or pattern


def _split(line: Line, entries: Sequence[str]) -> tuple[RuleText, ...]:
    """One rule for each entry, the same otherwise."""
    is_prefix = _is_prefix(line)
    name = "tagPrefixList" if is_prefix else "tagPatternList"
    made = []
    for entry in entries:
        said = entry.removesuffix("*") if is_prefix else entry
        rule = line.with_selection(**{name: [said]})
        if rule.get("description"):
            rule = {**rule, "description": f"{rule['description']} ({entry})"[:500]}
        made.append(rule)
    return tuple(made)


def _is_wider(one: str, other: str) -> bool:
    return one != other and includes(one, other)


def _has_wider(one: str, entries: tuple[str, ...]) -> bool:
    """Whether another entry matches all of its tags; of equals the first stays."""
    place = entries.index(one)
    return any(
        includes(other, one) and (at < place or not includes(one, other))
        for at, other in enumerate(entries)
        if at != place
    )


def _without_effect(line: Line, entries: tuple[str, ...], wide: str) -> Finding:
    narrow = next(one for one in entries if one != wide and includes(wide, one))
    outside = example_tag([wide], [[narrow]])
    widest = [one for one in entries if not _has_wider(one, entries)]
    return Finding(
        "lifecycle-entry-without-effect",
        "medium",
        line.list_path,
        tr(
            "the entries of a list are joined by AND, so '{wide}' changes nothing beside "
            "'{narrow}': rule {rule} does not take {example}",
            wide=wide,
            narrow=narrow,
            rule=line.number,
            example=outside or wide,
        ),
        tr("leave only '{wide}' to take both, or only '{narrow}'", wide=wide, narrow=narrow),
        line.number,
        outside or "",
        Edit(line.at, _split(line, widest), frozenset({line.at})) if outside else None,
    )


def _like_regex(line: Line, entries: tuple[str, ...]) -> Iterator[Finding]:
    for number, entry in enumerate(line.rule.selection.patterns):
        if entry not in entries or not _REGEX_RUN.search(entry):
            continue
        better = re.sub(r"\.\*", "*", entry)
        yield Finding(
            "lifecycle-looks-like-regex",
            "medium",
            f"{line.list_path}[{number}]",
            tr(
                "'{entry}' reads like a regular expression; here the dot is a dot, so it matches "
                "{inside} but not {outside}",
                entry=entry,
                inside=example_tag([entry]) or "",
                outside=example_tag([better], [[entry]]) or better,
            ),
            tr("write '{entry}'", entry=better),
            line.number,
            example_tag([better], [[entry]]) or "",
            _instead(line, number, better),
        )
