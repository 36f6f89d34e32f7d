"""`longshore lifecycle diff`: what another policy would change, by rule and by image. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import Any

import click

from longshore.cli.frame import App, command
from longshore.cli.lifecycle_inputs import Asked, Inputs, Subject, gather, with_images
from longshore.cli.lifecycle_judged import whole_size
from longshore.cli.lifecycle_policies import Chosen, of_words
from longshore.cli.lifecycle_timeline import day
from longshore.cli.lifecycle_view import ROWS, name_of, when
from longshore.cli.typeset import moment, short_digest, size, table
from longshore.errors import FindingsError, UsageError
from longshore.policy.lifecycle import words
from longshore.policy.lifecycle.comparison import (
    IMAGE_KINDS,
    ImageChange,
    ImageKind,
    RuleChange,
    compare,
    compare_rules,
)
from longshore.policy.lifecycle.evaluate import Verdict, evaluate
from longshore.policy.lifecycle.forecast import Prospect
from longshore.policy.lifecycle.grammar import Rule
from longshore.policy.lifecycle.readings import open_points, others
from longshore.text import tr


@command(
    "diff",
    help=tr(
        "Compares two lifecycle policies: their rules, and what becomes of the same images. OLD "
        "and NEW are files, preset:standard, config:REPOSITORY (longshore.yaml) or "
        "live:REPOSITORY (in force). Images are those of REPOSITORY, or of --images."
    ),
    examples=[
        "longshore lifecycle diff live:shop preset:standard",
        "longshore lifecycle diff live:shop new.json --exit-code",
        "longshore lifecycle diff old.json new.json --images images.json --at +30d",
        "longshore lifecycle diff old.json new.json shop",
    ],
)
@click.argument("old")
@click.argument("new")
@click.argument("repository", required=False)
@with_images
@click.option(
    "--exit-code", is_flag=True, help=tr("exit 3 when NEW expires an image that OLD keeps")
)
def diff(
    app: App, old: str, new: str, repository: str | None, asked: Asked, exit_code: bool
) -> None:
    name = repository or _named(old) or _named(new)
    if exit_code and name is None and asked.images is None:
        raise UsageError(
            tr("--exit-code asks about images, and none were named"),
            tr("name a repository, or a saved listing with --images FILE"),
        )
    if [old, new, asked.images].count("-") > 1:
        raise UsageError(tr("only one of OLD, NEW and --images can be standard input"))
    before, after = (of_words(app, one, asked.region) for one in (old, new))
    rules = compare_rules(before.policy, after.policy)
    inputs: Inputs | None = None
    changes: tuple[ImageChange, ...] = ()
    doubtful = 0
    if name is not None or asked.images is not None:
        names = [] if asked.images is not None else [name or ""]
        both = (before.policy, after.policy)
        inputs = gather(app, asked, names, needs_policy=False, policies=both)
        changes, doubtful = _compare(inputs, before, after)
    document = {
        "schema": "longshore.lifecycle.diff/1",
        "old": before.as_json(),
        "new": after.as_json(),
        "rules": [_rule_json(one) for one in rules],
        **_images_json(inputs, changes if app.output.machine else (), doubtful),
    }
    lines = [*_rule_lines(before, after, rules), *_image_lines(app, inputs, changes, doubtful)]
    place = inputs.place if inputs else None
    app.output.result(document, lines, place=place, next=_next(inputs, after, new))
    if exit_code:
        _end(app, changes)


def _next(inputs: Inputs | None, after: Chosen, new: str) -> str:
    """To put the new policy where the images were."""
    if inputs is None or inputs.target is None or new == "-":
        return ""
    command = f"longshore lifecycle apply {inputs.subjects[0].name} --dry-run"
    if after.kind == "preset":
        return f"{command} --preset {new.partition(':')[2]}"
    return f"{command} --policy {quote(new)}" if after.kind == "file" else ""


def _named(text: str) -> str | None:
    """The repository that a `live:` or `config:` policy is of."""
    kind, _, name = text.partition(":")
    return name if kind in ("live", "config") and name else None


def _compare(inputs: Inputs, before: Chosen, after: Chosen) -> tuple[tuple[ImageChange, ...], int]:
    """The changes by the chosen readings; how many more NEW expires in some other reading."""
    (subject,) = inputs.subjects
    images, at = subject.images, inputs.at
    old = evaluate(before.policy, images, at, inputs.readings)
    new = evaluate(after.policy, images, at, inputs.readings)
    changes = compare(old, new)
    sure = {one.new.image.digest for one in changes if one.kind == "newly-expired"}
    points = tuple(
        dict.fromkeys((*open_points(before.policy, images), *open_points(after.policy, images)))
    )
    maybe: set[str] = set()
    for _, readings in others(inputs.readings, points):
        was = evaluate(before.policy, images, at, readings).verdicts
        will = evaluate(after.policy, images, at, readings).verdicts
        maybe |= {
            one.image.digest
            for one, other in zip(will, was, strict=True)
            if one.action == "expire" and other.action != "expire"
        }
    return changes, len(maybe - sure)


def _end(app: App, changes: Sequence[ImageChange]) -> None:
    lost = [one for one in changes if one.kind == "newly-expired"]
    if lost and app.output.machine:
        click.get_current_context().exit(FindingsError.exit_code)
    if lost:
        first = name_of(lost[0].new.image)
        raise FindingsError(
            tr("the new policy expires {count} images that the old one keeps", count=len(lost)),
            tr("look at the first: {image}, {reason}", image=first, reason=lost[0].new.reason),
            code="lifecycle-expires-more",
        )


# --- JSON ----------------------------------------------------------------------------------------


def _rule_json(change: RuleChange) -> dict[str, Any]:
    return {
        "change": change.kind,
        "old": _one_rule(change.old),
        "new": _one_rule(change.new),
    }


def _one_rule(rule: Rule | None) -> dict[str, Any] | None:
    return {"rule": rule.priority, "does": words.rule_words(rule)} if rule else None


def _images_json(
    inputs: Inputs | None, changes: Sequence[ImageChange], doubtful: int
) -> dict[str, Any]:
    if inputs is None:
        return {"at": None, "images": [], "counts": None, "remarks": [], "readings": None}
    (subject,) = inputs.subjects
    counts = {kind: sum(1 for one in changes if one.kind == kind) for kind in IMAGE_KINDS}
    return {
        "at": moment(inputs.at),
        "repository": subject.name if inputs.target else None,
        "counts": {
            "images": len(subject.images),
            **counts,
            "newly-expired-in-doubt": doubtful,
        },
        "images": [_change_json(one) for one in changes],
        "remarks": list(subject.remarks),
        "readings": inputs.readings_json,
    }


def _change_json(change: ImageChange) -> dict[str, Any]:
    def side(verdict: Verdict, sentence: str, at: str) -> dict[str, Any]:
        return {
            "action": verdict.action,
            "rule": verdict.rule.priority if verdict.rule else None,
            "reason": verdict.reason,
            "earliest": sentence,
            "earliest_at": at or None,
        }

    image, was, will = change.new.image, change.old_prospect, change.new_prospect
    return {
        "digest": image.digest,
        "tags": list(image.tags),
        "change": change.kind,
        "old": side(change.old, was.sentence(), moment(was.at)),
        "new": side(change.new, will.sentence(), moment(will.at)),
    }


# --- the screen ----------------------------------------------------------------------------------


def _rule_lines(before: Chosen, after: Chosen, rules: Sequence[RuleChange]) -> list[str]:
    lines = [tr("--- {source}", source=before.source), tr("+++ {source}", source=after.source)]
    for change in rules:
        lines += _one_change(change)
    if all(change.kind == "same" for change in rules):
        lines.append(tr("the rules are the same"))
    return lines


def _one_change(change: RuleChange) -> list[str]:
    old = _written(change.old) if change.old else ""
    new = _written(change.new) if change.new else ""
    match change.kind:
        case "same":
            return [f"  {new}"]
        case "moved":
            was = change.old.priority if change.old else 0
            return ["~ " + tr("{rule} (another place: it was rule {was})", rule=new, was=was)]
        case "changed":
            return [f"- {old}", f"+ {new}"]
        case "added":
            return [f"+ {new}"]
        case _:
            return [f"- {old}"]


def _written(rule: Rule) -> str:
    return tr("rule {rule} {does}", rule=rule.priority, does=words.rule_words(rule))


def _titles() -> dict[ImageKind, str]:
    return {
        "newly-expired": tr("EXPIRES NOW, stayed before"),
        "no-longer-expired": tr("STAYS NOW, expired before"),
        "newly-archived": tr("IS ARCHIVED NOW, stayed before"),
        "no-longer-archived": tr("STAYS NOW, was archived before"),
        "sooner": tr("STAYS, and can go sooner"),
        "later": tr("STAYS, and can go only later"),
        "other-rule": tr("THE SAME, by another rule"),
    }


def _image_lines(
    app: App, inputs: Inputs | None, changes: Sequence[ImageChange], doubtful: int
) -> list[str]:
    if inputs is None:
        return ["", tr("no images to compare with; name a repository, or --images FILE")]
    (subject,) = inputs.subjects
    lines = ["", when(inputs.at, inputs.now), _summary(subject, changes)]
    lines += [tr("note: {remark}", remark=remark) for remark in subject.remarks]
    if doubtful:
        lines.append(
            tr(
                "note: {count} more could newly expire, where ECR's documents leave it open "
                "(--reading)",
                count=doubtful,
            )
        )
    for kind in IMAGE_KINDS:
        group = [one for one in changes if one.kind == kind]
        if kind == "other-rule" and group and not app.settings.verbose:
            count = len(group)
            lines += ["", tr("{count} fare the same by another rule (--verbose)", count=count)]
        elif group:
            lines += ["", f"{_titles()[kind]}: {len(group)}", *_rows(group, app.settings.verbose)]
    return lines


def _summary(subject: Subject, changes: Sequence[ImageChange]) -> str:
    lost = [one for one in changes if one.kind == "newly-expired"]
    saved = [one for one in changes if one.kind == "no-longer-expired"]
    other = len(changes) - len(lost) - len(saved)
    total = len(subject.images)
    amount = whole_size(one.new.image for one in lost)
    if not changes:
        return tr("{name}: the same for all {count} images", name=subject.name, count=total)
    return tr(
        "{name}, {total} images: {lost} newly expire ({bytes}), {saved} no longer do, "
        "{other} fare differently otherwise",
        name=subject.name,
        total=total,
        lost=len(lost),
        saved=len(saved),
        other=other,
        bytes=tr("size unknown") if amount is None else size(amount),
    )


def _rows(group: Sequence[ImageChange], verbose: bool) -> list[str]:
    shown = group if verbose else group[:ROWS]
    rows = [
        (
            name_of(one.new.image),
            short_digest(one.new.image.digest),
            day(one.new.image.pushed_at),
            _side(one.old, one.old_prospect),
            _side(one.new, one.new_prospect),
        )
        for one in shown
    ]
    heads = [tr("IMAGE"), tr("DIGEST"), tr("PUSHED"), tr("OLD"), tr("NEW")]
    lines = [f"  {line}" for line in table(heads, rows)]
    if len(shown) < len(group):
        more = len(group) - len(shown)
        lines.append("  " + tr("... and {count} more; --verbose shows all", count=more))
    return lines


def _side(verdict: Verdict, seen: Prospect) -> str:
    rule = verdict.rule.priority if verdict.rule else None
    if verdict.action == "expire":
        return tr("EXPIRES (rule {rule})", rule=rule)
    if verdict.action == "transition":
        return tr("ARCHIVED (rule {rule})", rule=rule)
    if rule is None:
        return tr("stays (no rule)")
    return tr("stays {how_long} (rule {rule})", rule=rule, how_long=seen.short())
