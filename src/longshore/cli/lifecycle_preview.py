"""ECR's own preview of a lifecycle policy: started, waited for, and compared with ours. I/O."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longshore.cli.frame import App
from longshore.cli.lifecycle_inputs import Inputs, Subject
from longshore.cli.lifecycle_policies import is_same_policy
from longshore.cli.lifecycle_view import ROWS
from longshore.cli.typeset import short_digest
from longshore.cli.wiring import OpenTarget
from longshore.errors import AwsError, UsageError, Where
from longshore.facts import LifecyclePreview
from longshore.policy.lifecycle.evaluate import Verdict
from longshore.policy.lifecycle.previewing import Difference, differences, fitting
from longshore.policy.lifecycle.readings import DEFAULT, Readings, as_pairs
from longshore.text import tr

_LONGEST_S = 600.0
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_RUNNING = "LifecyclePolicyPreviewInProgressException"


@dataclass(frozen=True)
class Compared:
    """ECR's preview beside our verdicts; `fits` are the readings by which they would agree."""

    preview: LifecyclePreview
    found: tuple[Difference, ...]
    fits: tuple[Readings, ...] = ()


def compare_with_preview(
    app: App, inputs: Inputs, subject: Subject, verdicts: Sequence[Verdict]
) -> Compared:
    """Let ECR preview the subject's policy and compare. Raises AwsError."""
    target, chosen = inputs.target, subject.chosen
    if target is None or chosen is None:
        raise UsageError(
            tr("--preview asks ECR about a repository and a policy"),
            tr("name a repository: longshore lifecycle simulate REPOSITORY --preview"),
        )
    text = None if chosen.kind == "repository" else chosen.text
    preview = _run(app, target, subject.name, text)
    if preview.text and not is_same_policy(preview.text, chosen.text):
        raise _failed(
            subject.name,
            tr("somebody else started another preview of {name} meanwhile", name=subject.name),
        )
    found = differences(verdicts, preview)
    fits = fitting(chosen.policy, subject.images, inputs.at, preview) if found else ()
    return Compared(preview, found, fits)


def _run(app: App, target: OpenTarget, name: str, text: str | None) -> LifecyclePreview:
    """Start it and wait; one that runs already is waited for first."""
    ends = time.monotonic() + _LONGEST_S
    try:
        target.ecr.start_lifecycle_policy_preview(name, text)
    except AwsError as error:
        if error.aws_code != _RUNNING:
            raise
        app.output.say(tr("another preview of {name} is running; waiting for it", name=name))
        _wait(target, name, ends)
        target.ecr.start_lifecycle_policy_preview(name, text)
    preview = _wait(target, name, ends)
    if preview.status == "FAILED":
        raise _failed(name, tr("ECR says that the preview of {name} failed", name=name))
    if preview.status == "EXPIRED":
        raise _failed(name, tr("the preview of {name} is no longer kept by ECR", name=name))
    return preview


def _wait(target: OpenTarget, name: str, ends: float) -> LifecyclePreview:
    tries = 0
    while True:
        preview = target.ecr.get_lifecycle_policy_preview(name)
        if preview.status != "IN_PROGRESS":
            return preview
        if time.monotonic() > ends:
            raise _failed(name, tr("ECR still works on the preview of {name}", name=name))
        time.sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
        tries += 1


def _failed(name: str, what: str) -> AwsError:
    return AwsError(
        what,
        tr("run the same command again; without --preview longshore's own verdicts are shown"),
        operation="GetLifecyclePolicyPreview",
        iam_action="ecr:GetLifecyclePolicyPreview",
        code="lifecycle-preview-failed",
        where=Where(resource=name),
    )


def compared_json(compared: Compared) -> dict[str, Any]:
    """The key `preview` of the answer."""
    return {
        "status": compared.preview.status,
        "expiring": compared.preview.expiring,
        "transitioning": compared.preview.transitioning,
        "equal": not compared.found,
        "differences": [
            {
                "digest": one.digest,
                "tags": list(one.tags),
                "ours": _our_json(one),
                "ecr": {"action": one.ecr.action, "rule": one.ecr.rule} if one.ecr else None,
            }
            for one in compared.found
        ],
        "readings_that_fit": [as_pairs(one) for one in compared.fits],
    }


def _our_json(one: Difference) -> dict[str, Any] | None:
    if one.ours is None:
        return None
    rule = one.ours.rule.priority if one.ours.rule else None
    return {"action": one.ours.action, "rule": rule, "reason": one.ours.reason}


def compared_lines(compared: Compared, *, verbose: bool = False) -> list[str]:
    """Whether ECR agrees, and every difference with both reasons."""
    preview, found = compared.preview, compared.found
    acted = len(preview.images)
    if not found:
        return ["", tr("ECR'S PREVIEW agrees: acts on {count}, by the same rules", count=acted)]
    lines = ["", tr("ECR'S PREVIEW differs; images on which it does: {count}", count=len(found))]
    for one in found if verbose else found[:ROWS]:
        name = " ".join(one.tags) or tr("(untagged)")
        lines += [
            f"  {name}  {short_digest(one.digest)}",
            "    " + tr("ECR:  {words}", words=one.ecr_words()),
            "    " + tr("here: {words}", words=one.our_words()),
        ]
    if not verbose and len(found) > ROWS:
        lines.append(
            "  " + tr("... and {count} more; --verbose shows all", count=len(found) - ROWS)
        )
    return [*lines, *_fit_lines(compared.fits)]


def _fit_lines(fits: Sequence[Readings]) -> list[str]:
    if not fits:
        return []
    standard = as_pairs(DEFAULT)
    other = [f"--reading {k}={v}" for k, v in as_pairs(fits[0]).items() if standard[k] != v]
    if not other:
        return ["  " + tr("with the usual readings there is no difference")]
    return ["  " + tr("with {readings} there is no difference", readings=" ".join(other))]
