"""What a policy does, on the screen: summary, rules with their images, doubts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from longshore.cli.lifecycle_judged import ACTIONS, Judged
from longshore.cli.lifecycle_timeline import day
from longshore.cli.typeset import short_digest, shorten, size, table
from longshore.facts import ImageSeen
from longshore.policy.lifecycle import words
from longshore.policy.lifecycle.comparison import Doubt, question
from longshore.policy.lifecycle.evaluate import Action, Verdict
from longshore.policy.lifecycle.forecast import Fate
from longshore.policy.lifecycle.grammar import Rule
from longshore.policy.lifecycle.readings import Readings
from longshore.text import tr

ROWS = 20


def head_lines(judged: Judged) -> list[str]:
    """The summary, the policy and where it is from, what is to be known."""
    lines = [summary(judged)]
    if judged.subject.chosen:
        lines.append(judged.subject.chosen.as_line())
        lines += [tr("note: {remark}", remark=one) for one in judged.subject.chosen.notes]
    if judged.ahead and judged.ahead.rates:
        rates = ", ".join(str(one) for one in judged.ahead.rates)
        lines.append(tr("pushed meanwhile: {rates}", rates=rates))
    return [*lines, *(tr("note: {remark}", remark=one) for one in judged.subject.remarks)]


def judged_lines(judged: Judged, *, verbose: bool = False) -> list[str]:
    """What goes by rule, then what stays, then what is in doubt."""
    lines: list[str] = []
    for action in ("expire", "transition"):
        lines += _groups(judged, action, verbose)
    lines += kept_lines(judged)
    if verbose:
        lines += _groups(judged, "keep", verbose)
    return [
        *lines,
        *doubt_lines(judged.doubts, judged.readings, verbose=verbose),
        *_untried(judged),
    ]


def summary(judged: Judged) -> str:
    """`shop: 14 of 63 images expire (1.2 GiB), none is archived, 49 stay`."""
    total, gone = len(judged.fates), judged.count("expire")
    stored, kept = judged.count("transition"), judged.count("keep")
    name = judged.subject.name
    if judged.ahead is not None:
        name = tr("{name}, until {day}", name=name, day=day(judged.ahead.course.until))
    if not total:
        return tr("{name}: there is no image", name=name)
    if not gone and not stored:
        return tr("{name}: nothing expires; all {count} images stay", name=name, count=total)
    if not stored:
        return tr(
            "{name}: {gone} of {total} images expire ({bytes}), {kept} stay",
            name=name,
            gone=gone,
            total=total,
            kept=kept,
            bytes=_amount(judged.bytes_of("expire")),
        )
    if not gone:
        return tr(
            "{name}: {stored} of {total} images go to archive ({archived}), nothing expires, "
            "{kept} stay",
            name=name,
            stored=stored,
            total=total,
            kept=kept,
            archived=_amount(judged.bytes_of("transition")),
        )
    return tr(
        "{name}: of {total} images {gone} expire ({bytes}), {stored} go to archive ({archived}), "
        "{kept} stay",
        name=name,
        gone=gone,
        total=total,
        kept=kept,
        stored=stored,
        bytes=_amount(judged.bytes_of("expire")),
        archived=_amount(judged.bytes_of("transition")),
    )


def kept_lines(judged: Judged) -> list[str]:
    """How many images each rule keeps, and how many no rule reaches."""
    counts: Counter[tuple[int, str]] = Counter()
    last = max((rule.priority for rule in judged.subject.policy.rules), default=0) + 1
    for one in judged.of("keep"):
        rule, because = one.verdict.rule, one.verdict.because
        by_rule = rule is not None and because not in ("subject", "in-index")
        place = rule.priority if rule and by_rule else last
        counts[place, _keeps(one.verdict)] += 1
    if not counts:
        return []
    rows = [(count, why) for (_, why), count in sorted(counts.items())]
    return ["", tr("STAY"), *(f"  {line}" for line in _plain(rows))]


def doubt_lines(doubts: Sequence[Doubt], readings: Readings, *, verbose: bool = False) -> list[str]:
    """What ECR's documents leave open and matters here."""
    if not doubts:
        return []
    lines = ["", tr("IN DOUBT: ECR's documents do not say, and here it matters")]
    for doubt in doubts:
        lines.append("  " + question(doubt.point))
        more = [one.image for one, other in doubt.pairs if other.action == "expire"]
        less = [one.image for one, other in doubt.pairs if one.action == "expire"]
        rest = len(doubt.pairs) - len(more) - len(less)
        parts = [
            tr("{count} more would expire ({names})", count=len(more), names=_names(more, verbose))
            if more
            else "",
            tr("{count} would not expire ({names})", count=len(less), names=_names(less, verbose))
            if less
            else "",
            tr("{count} would be archived or not", count=rest) if rest else "",
        ]
        taken, reading = getattr(readings, doubt.point), f"--reading {doubt.point}={doubt.choice}"
        found = "; ".join(part for part in parts if part)
        lines.append("    " + tr("taken here: {taken}", taken=taken))
        lines.append(f"    {reading}: {found}")
    return lines


def total_lines(all_judged: Sequence[Judged]) -> list[str]:
    """One line for each repository, and the total."""
    heads = [
        *(tr("REPOSITORY"), tr("IMAGES"), tr("EXPIRE"), tr("ARCHIVE"), tr("STAY")),
        *(tr("FREED"), tr("POLICY")),
    ]
    rows: list[list[object]] = []
    for one in all_judged:
        chosen = one.subject.chosen
        policy = chosen.source if chosen else tr("none: nothing ever goes")
        rows.append([one.subject.name, len(one.fates), *_numbers([one]), policy])
    if len(rows) > 1:
        images = sum(len(one.fates) for one in all_judged)
        rows.append([tr("total"), images, *_numbers(all_judged), ""])
    return table(heads, rows, right=range(1, 6))


def name_of(image: ImageSeen, columns: int = 40) -> str:
    """The image's tags, as many as fit, else its digest.

    >>> name_of(ImageSeen("sha256:0123456789abcdef", ("v1", "latest")))
    'v1 latest'
    """
    if not image.tags:
        return tr("(untagged)")
    text = " ".join(image.tags)
    if len(text) <= columns:
        return text
    shown, rest = shorten(image.tags[0], columns - 5), len(image.tags) - 1
    return f"{shown} +{rest}" if rest else shown


def when(at: datetime, now: datetime) -> str:
    """`at 2026-12-24 09:00 UTC`, with how far that is from now."""
    seconds = (at - now).total_seconds()
    shown = f"{at:%Y-%m-%d %H:%M} UTC"
    if abs(seconds) < 60:
        return tr("as of now, {time}", time=shown)
    if seconds > 0:
        return tr(
            "as of {time}, in {length}, if nothing is pushed until then",
            time=shown,
            length=words.age(seconds),
        )
    return tr("as of {time}, {length} ago", time=shown, length=words.age(-seconds))


def _numbers(all_judged: Sequence[Judged]) -> list[object]:
    counts: list[object] = [sum(one.count(action) for one in all_judged) for action in ACTIONS]
    return [*counts, size(sum(one.bytes_of("expire") or 0 for one in all_judged))]


def _amount(count: int | None) -> str:
    return tr("size unknown") if count is None else size(count)


def _groups(judged: Judged, action: Action, verbose: bool) -> Iterator[str]:
    """The images with an action, by the rule that decides, the newest first."""
    groups: dict[int | None, list[Fate]] = {}
    for fate in judged.of(action):
        groups.setdefault(_rule_of(fate.verdict), []).append(fate)
    titles = {"expire": tr("EXPIRE"), "transition": tr("ARCHIVE"), "keep": tr("STAY, one by one")}
    if groups:
        yield ""
        yield titles[action]
    for priority in sorted(groups, key=lambda one: (one is None, one or 0)):
        group = sorted(groups[priority], key=_order)
        rule = group[0].verdict.rule
        yield "  " + _title(rule, len(group))
        shown = group if verbose else group[:ROWS]
        dated = judged.ahead is not None and action != "keep"
        rows = [_row(fate, dated) for fate in shown]
        yield from (f"    {line}" for line in _plain(rows))
        if len(shown) < len(group):
            more = len(group) - len(shown)
            yield "    " + tr("... and {count} more; --verbose shows all", count=more)


def _row(fate: Fate, dated: bool) -> tuple[str, ...]:
    image = fate.image
    at = fate.goes_at or fate.archived_at
    cells = (
        name_of(image),
        short_digest(image.digest),
        size(image.size or None),
        tr("pushed {day}", day=day(image.pushed_at)),
        why_short(fate.verdict),
    )
    return (*cells[:4], tr("goes {day}", day=day(at)), cells[4]) if dated else cells


def why_short(verdict: Verdict) -> str:
    """What decided, in a few words; the rule stands above."""
    match verdict.because:
        case "count":
            return tr("{place} newest", place=words.ordinal(verdict.rank))
        case "age" if verdict.rule is not None:
            age = words.age(verdict.age_s)
            if verdict.rule.selection.count_type == "sinceImagePushed":
                return tr("{age} ago", age=age)
            return tr("{since} {age} ago", since=words.since(verdict.rule), age=age)
        case "subject":
            return tr("with its subject {digest}", digest=short_digest(verdict.other))
        case "in-index":
            return tr("held by index {digest}", digest=short_digest(verdict.other))
        case "undated":
            return tr("time unknown, so kept")
        case "restoring":
            return tr("being restored")
        case _:
            return ""


def _title(rule: Rule | None, count: int) -> str:
    if rule is None:
        return tr("{count} that no rule reaches", count=count)
    does = words.rule_words(rule)
    return tr("{count} by rule {rule}, which {does}", count=count, rule=rule.priority, does=does)


def _keeps(verdict: Verdict) -> str:
    """Why an image stays, in words that all images of the same kind share."""
    rule = verdict.rule
    match verdict.because:
        case "in-index":
            return tr("an index that is there names them")
        case "subject":
            return tr("they stay with their subject")
        case "restoring":
            return tr("being restored from archive")
    if rule is None:
        return tr("no rule reaches them: they stay for ever")
    number, does = rule.priority, words.rule_words(rule)
    if verdict.because == "undated":
        return tr("time unknown, so kept: rule {rule} {does}", rule=number, does=does)
    if rule.selection.count_type == "imageCountMoreThan":
        return tr("rule {rule} {does}", rule=number, does=does)
    return tr("not yet: rule {rule} {does}", rule=number, does=does)


def _rule_of(verdict: Verdict) -> int | None:
    return verdict.rule.priority if verdict.rule else None


def _order(fate: Fate) -> tuple[float, float, str]:
    """What goes first, then what was pushed last."""
    at, pushed_at = fate.goes_at or fate.archived_at, fate.image.pushed_at
    return (
        at.timestamp() if at else 0.0,
        -pushed_at.timestamp() if pushed_at else 0.0,
        fate.image.digest,
    )


def _names(images: Sequence[ImageSeen], verbose: bool) -> str:
    shown = images if verbose else images[:3]
    names = [image.tags[0] if image.tags else short_digest(image.digest) for image in shown]
    return ", ".join([*names, *(["..."] if len(images) > len(shown) else [])])


def _plain(rows: Sequence[Sequence[object]]) -> list[str]:
    """Aligned rows without heads; the last column is not padded."""
    return table([""] * len(rows[0]), rows, right=[0] if isinstance(rows[0][0], int) else ())[1:]


def _untried(judged: Judged) -> list[str]:
    if judged.ahead is None or not judged.ahead.untried:
        return []
    return ["", tr("note: too many images and steps to try the open points along this course")]
