"""What `lifecycle prune` shows: a plan before the question, and what came of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from longshore.cli.typeset import moment, short_digest, size
from longshore.policy.lifecycle.prune_words import rule_words
from longshore.policy.lifecycle.pruning import Kept, PruneStep
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.cli.in_use import Uses
    from longshore.cli.lifecycle_prune_run import Pruned
    from longshore.provision.prune_journal import Outcome

_SHOWN = 20


def talk(found: Sequence[Pruned], *, verbose: bool = False) -> list[str]:
    """What is to go, and why; what stays is counted, and listed with `verbose`."""
    return [line for one in found for line in _repository(one, verbose=verbose)]


def _repository(one: Pruned, *, verbose: bool) -> Iterator[str]:
    yield tr("{name}: {count} images", name=one.name, count=one.plan.images)
    for rule in one.rules:
        yield tr("  rule {name}: {what}", name=rule.name, what=rule_words(rule))
    for remark in one.remarks:
        yield f"  {remark}"
    steps = one.plan.steps if verbose else one.plan.steps[:_SHOWN]
    for step in steps:
        yield _step_line(step)
    if len(steps) < len(one.plan.steps):
        more = len(one.plan.steps) - len(steps)
        yield tr("  and {count} more (--verbose lists them)", count=more)
    if verbose:
        for kept in one.plan.kept:
            image = f"{short_digest(kept.digest)}  {' '.join(kept.tags)}"
            yield f"  {tr('keep')}  {image}: {kept.reason}"
    elif one.plan.kept:
        counts = Counter(kept.because for kept in one.plan.kept)
        said = ", ".join(f"{word} {count}" for word, count in counts.most_common())
        yield tr("  {count} stay: {why}", count=len(one.plan.kept), why=said)


def _step_line(step: PruneStep) -> str:
    word = tr("delete") if step.deletes_image else tr("untag")
    return f"  {word}  {short_digest(step.digest)}  {' '.join(step.tags)}: {step.reason}"


def question(found: Sequence[Pruned]) -> str:
    """The ordinary question."""
    tags, images, amount = _totals(found)
    return tr(
        "Remove {tags} tags, and with them {images} images ({size})?",
        tags=tags,
        images=images,
        size=size(amount),
    )


def lines(found: Sequence[Pruned], *, applied: bool, dry_run: bool) -> list[str]:
    """The result."""
    return [line for one in found for line in _result(one, applied=applied, dry_run=dry_run)] or [
        tr("there is no repository to prune")
    ]


def _result(one: Pruned, *, applied: bool, dry_run: bool) -> Iterator[str]:
    if not one.plan.steps and not one.outcomes:
        yield tr("{name}: nothing to prune", name=one.name)
        return
    if not applied or dry_run:
        tags = sum(len(step.tags) for step in one.plan.steps)
        yield tr(
            "{name}: {tags} tags would go, and with them {images} images; nothing was changed",
            name=one.name,
            tags=tags,
            images=len(one.plan.deleted),
        )
        return
    yield tr(
        "{name}: {tags} tags are gone, and with them {images} images",
        name=one.name,
        tags=sum(len(outcome.removed) for outcome in one.outcomes),
        images=sum(outcome.deleted for outcome in one.outcomes),
    )
    for outcome in one.outcomes:
        if outcome.left:
            tag, why = outcome.left[0]
            yield tr("  {tag} stays: {why}", tag=tag, why=why)
    yield tr("  record: {file}", file=one.record)


def document(
    found: Sequence[Pruned], uses: Uses, at: datetime, *, applied: bool, dry_run: bool
) -> dict[str, Any]:
    """`longshore.lifecycle.prune/1`."""
    return {
        "schema": "longshore.lifecycle.prune/1",
        "at": moment(at),
        "dry_run": dry_run,
        "applied": applied,
        "tags_removed": sum(len(out.removed) for one in found for out in one.outcomes),
        "images_deleted": sum(out.deleted for one in found for out in one.outcomes),
        "in_use": {
            "looked_at": list(uses.looked),
            "not_looked_at": list(uses.not_looked),
            "unread": [
                {"by": one.by, "where": one.where, "why": one.why, "repository": one.repository}
                for one in uses.unread
            ],
        },
        "repositories": [_repository_json(one, applied=applied) for one in found],
        "failures": [
            {"repository": one.name, "code": one.error.code, "message": one.error.what}
            for one in found
            if one.error is not None
        ],
    }


def _repository_json(one: Pruned, *, applied: bool) -> dict[str, Any]:
    outcomes = {outcome.digest: outcome for outcome in one.outcomes}
    return {
        "repository": one.name,
        "images": one.plan.images,
        "rules": [{"name": rule.name, "keeps": rule_words(rule)} for rule in one.rules],
        "steps": [_step_json(step, outcomes.get(step.digest)) for step in one.plan.steps],
        "kept": [_kept_json(kept) for kept in one.plan.kept],
        "remarks": list(one.remarks),
        "record": str(one.record) if applied and one.outcomes else None,
    }


def _step_json(step: PruneStep, outcome: Outcome | None) -> dict[str, Any]:
    return {
        "digest": step.digest,
        "tags": list(step.tags),
        "deletes_image": step.deletes_image,
        "rule": step.rule,
        "reason": step.reason,
        "size": step.image.size,
        "pushed_at": moment(step.image.pushed_at) or None,
        "outcome": _outcome_word(outcome),
        "removed": list(outcome.removed) if outcome else [],
        "left": [{"tag": tag, "reason": why} for tag, why in outcome.left] if outcome else [],
    }


def _outcome_word(outcome: Outcome | None) -> str:
    if outcome is None:
        return "planned"
    if outcome.left:
        return "failed" if outcome.failed else "left"
    return "deleted" if outcome.deleted else "untagged"


def _kept_json(kept: Kept) -> dict[str, Any]:
    return {
        "digest": kept.digest,
        "tags": list(kept.tags),
        "rule": kept.rule,
        "because": kept.because,
        "reason": kept.reason,
    }


def _totals(found: Sequence[Pruned]) -> tuple[int, int, int]:
    steps = [step for one in found for step in one.plan.steps]
    deleted = [step for step in steps if step.deletes_image]
    tags = sum(len(step.tags) for step in steps)
    return tags, len(deleted), sum(step.image.size for step in deleted)
