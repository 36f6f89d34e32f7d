"""`longshore lifecycle explain`: why one image stays or goes, rule by rule. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from longshore.cli.frame import App, command
from longshore.cli.lifecycle_inputs import Asked, Inputs, Subject, with_inputs
from longshore.cli.lifecycle_judged import doubt_json
from longshore.cli.lifecycle_named import look_up
from longshore.cli.lifecycle_timeline import day
from longshore.cli.lifecycle_view import doubt_lines, name_of, when
from longshore.cli.typeset import moment, short_digest, size, table
from longshore.policy.lifecycle import words
from longshore.policy.lifecycle.chain import Account, Link, account_for
from longshore.policy.lifecycle.evaluate import Verdict, evaluate
from longshore.policy.lifecycle.forecast import Prospect, prospect
from longshore.text import tr


@command(
    "explain",
    help=tr(
        "Says why a lifecycle policy keeps or deletes one image: each rule in order, what it "
        "makes of the image, when the image goes at the earliest. IMAGE is repository:tag or "
        "repository@digest; with --images a tag, a digest, or its first 6 hex digits."
    ),
    examples=[
        "longshore lifecycle explain shop:main-abc1234",
        "longshore lifecycle explain shop@sha256:0123456789ab --preset standard",
        "longshore lifecycle explain v1.2.0 --images images.json --policy policy.json",
        "longshore lifecycle explain shop:latest --at +30d --json",
    ],
)
@click.argument("image")
@with_inputs
def explain_image(app: App, image: str, asked: Asked) -> None:
    inputs, subject, found = look_up(app, image, asked)
    evaluation = evaluate(subject.policy, subject.images, inputs.at, inputs.readings)
    account = account_for(evaluation, subject.images, found)
    repository = subject.name if inputs.target else None
    app.output.result(
        {
            "schema": "longshore.lifecycle.explain/1",
            "at": moment(inputs.at),
            "repository": repository,
            "policy": subject.chosen.as_json() if subject.chosen else None,
            **_account_json(account, inputs),
            "remarks": list(subject.remarks),
            "readings": inputs.readings_json,
        },
        _lines(account, inputs, subject),
        place=inputs.place,
        next=f"longshore lifecycle simulate {repository}" if repository else "",
    )


# --- JSON ----------------------------------------------------------------------------------------


def _account_json(account: Account, inputs: Inputs) -> dict[str, Any]:
    verdict = account.verdict
    image = verdict.image
    return {
        "image": {
            "digest": image.digest,
            "tags": list(image.tags),
            "status": image.status,
            "pushed_at": moment(image.pushed_at) or None,
            "pulled_at": moment(image.pulled_at) or None,
            "size": image.size,
        },
        "action": verdict.action,
        "rule": verdict.rule.priority if verdict.rule else None,
        "reason": verdict.reason,
        "earliest": _prospect_json(account.prospect),
        "when_archived": _prospect_json(account.then),
        "moving_tags": list(account.moving),
        "without_them": _verdict_json(account.without, inputs) if account.without else None,
        "rules": [_link_json(link) for link in account.links],
        "indexes": [_verdict_json(one, inputs) for one in _holders(account)],
        "subject": next((_verdict_json(one, inputs) for one in _subject(account)), None),
        "referrers": [
            {"digest": one.digest, "tags": list(one.tags), "artifact_type": one.artifact_type}
            for one in account.referrers
        ],
        "open_points": [doubt_json(doubt) for doubt in account.doubts],
    }


def _prospect_json(seen: Prospect | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "kind": seen.kind,
        "at": moment(seen.at) or None,
        "pushes": seen.pushes or None,
        "rule": seen.rule.priority if seen.rule else None,
        "other": seen.other or None,
        "sentence": seen.sentence(),
    }


def _link_json(link: Link) -> dict[str, Any]:
    return {
        "rule": link.rule.priority,
        "does": words.rule_words(link.rule),
        "role": link.role,
        "matched": [{"pattern": pattern, "tag": tag} for pattern, tag in link.matched],
        "missing": link.missing or None,
        "shielded_by": link.by,
        "rank": link.rank or None,
        "among": link.among or None,
        "sentence": link.sentence(),
    }


def _verdict_json(verdict: Verdict, inputs: Inputs) -> dict[str, Any]:
    return {
        "digest": verdict.image.digest,
        "tags": list(verdict.image.tags),
        "action": verdict.action,
        "rule": verdict.rule.priority if verdict.rule else None,
        "reason": verdict.reason,
        "earliest": _prospect_json(prospect(verdict, inputs.at, inputs.readings)),
    }


def _holders(account: Account) -> list[Verdict]:
    held_by = {one.digest for one in account.holders}
    return [one for one in account.behind if one.image.digest in held_by]


def _subject(account: Account) -> list[Verdict]:
    subject = account.verdict.image.subject
    return [one for one in account.behind if one.image.digest == subject]


# --- the screen ----------------------------------------------------------------------------------


def _lines(account: Account, inputs: Inputs, subject: Subject) -> list[str]:
    image = account.verdict.image
    lines = [
        "  ".join(
            [
                f"{subject.name}  {' '.join(image.tags) or tr('(untagged)')}",
                short_digest(image.digest),
                size(image.size or None),
                tr("pushed {day}", day=day(image.pushed_at)),
                *([image.status.lower()] if image.status != "ACTIVE" else []),
            ]
        ),
        _verdict_line(account.verdict),
        *_earliest(account, inputs),
        when(inputs.at, inputs.now),
    ]
    if subject.chosen:
        lines.append(subject.chosen.as_line())
    lines += [tr("note: {remark}", remark=remark) for remark in subject.remarks]
    lines += ["", *_link_lines(account.links), *_related(account, inputs)]
    return [*lines, *doubt_lines(account.doubts, inputs.readings)]


def _link_lines(links: Sequence[Link]) -> list[str]:
    if links and all(link.role == "follows" for link in links):
        return [tr("no rule looks at it: untagged, with a subject, it only follows that")]
    rows = [(link.rule.priority, words.rule_words(link.rule), link.sentence()) for link in links]
    return table([tr("RULE"), tr("DOES"), tr("WITH THIS IMAGE")], rows, right=[0])


def _verdict_line(verdict: Verdict) -> str:
    match verdict.action:
        case "expire":
            return tr("IT EXPIRES: {reason}", reason=verdict.reason)
        case "transition":
            return tr("IT IS ARCHIVED: {reason}", reason=verdict.reason)
        case _:
            return tr("IT STAYS: {reason}", reason=verdict.reason)


def _earliest(account: Account, inputs: Inputs) -> list[str]:
    lines = []
    if account.verdict.action == "keep":
        verb = account.prospect.rule.action if account.prospect.rule else "expire"
        sentence = account.prospect.sentence()
        if verb == "transition":
            lines.append(tr("archived: {when}", when=sentence))
        else:
            lines.append(tr("it goes: {when}", when=sentence))
    if account.then is not None:
        lines.append(tr("once archived, it goes: {when}", when=account.then.sentence()))
    if account.without is not None:
        tags = ", ".join(account.moving)
        if account.without.action == "keep":
            seen = prospect(account.without, inputs.at, inputs.readings)
            lines.append(tr("without {tags} it would go: {when}", tags=tags, when=seen.sentence()))
        else:
            reason = account.without.reason
            lines.append(tr("only {tags} saves it: without, {reason}", tags=tags, reason=reason))
    return lines


def _related(account: Account, inputs: Inputs) -> list[str]:
    rows = [(tr("index that names it"), one) for one in _holders(account)]
    rows += [(tr("its subject"), one) for one in _subject(account)]
    lines = [
        f"  {what}  {short_digest(one.image.digest)} {name_of(one.image)}  {_stays(one, inputs)}"
        for what, one in rows
    ]
    if account.referrers:
        names = ", ".join(short_digest(one.digest) for one in account.referrers[:5])
        lines.append("  " + tr("what has it as subject goes with it: {names}", names=names))
    children = account.verdict.image.children
    if children:
        lines.append("  " + tr("it holds {count} manifests while it is there", count=len(children)))
    return ["", tr("RELATED"), *lines] if lines else []


def _stays(verdict: Verdict, inputs: Inputs) -> str:
    if verdict.action != "keep":
        return _verdict_line(verdict)
    sentence = prospect(verdict, inputs.at, inputs.readings).sentence()
    return tr("stays; goes {when}", when=sentence)
