"""Error codes of AWS and of the target account. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_place(), *_policies(), *_calls()]


def _place() -> list[Explanation]:
    return [
        Explanation(
            "wrong-account",
            3,
            tr("The AWS credentials belong to another account than the target names."),
            (tr("another profile is active (AWS_PROFILE)"), tr("a misspelt account in the file")),
            (
                tr("`aws sts get-caller-identity` shows whose credentials are used"),
                tr("choose the profile, or another target with --target"),
            ),
        ),
        Explanation(
            "no-region",
            2,
            tr("Nobody said which AWS Region is meant."),
            (),
            (tr("name it: --region, AWS_REGION, or `region` of the target in longshore.yaml"),),
        ),
        Explanation(
            "local-and-target",
            2,
            tr("--local and a target of AWS were asked for at once."),
            (),
            (tr("leave one of them out"),),
        ),
    ]


def _policies() -> list[Explanation]:
    return [
        Explanation(
            "lifecycle-policy-invalid",
            2,
            tr("ECR would refuse this lifecycle policy; the message has ECR's words."),
            (
                tr("a rule for `any` that is not the last"),
                tr("two rules with one priority"),
                tr("`tagged` without a list of patterns or prefixes"),
            ),
            (tr("mend the rule that the message names"),),
        ),
    ]


def _calls() -> list[Explanation]:
    return [
        Explanation(
            "aws-error",
            1,
            tr("An AWS API refused a call; the message has its words."),
            (),
            (tr("--json shows operation, code and the IAM action that the call needs"),),
        ),
    ]
