"""`longshore lifecycle`: what ECR's lifecycle policies do, and putting one on a repository. I/O."""

from __future__ import annotations

from longshore.cli.frame import group
from longshore.cli.lifecycle_apply import apply
from longshore.cli.lifecycle_diff import diff
from longshore.cli.lifecycle_explain import explain_image
from longshore.cli.lifecycle_import import import_retention
from longshore.cli.lifecycle_lint import lint_policy
from longshore.cli.lifecycle_prune import prune
from longshore.cli.lifecycle_simulate import simulate
from longshore.text import tr

lifecycle = group(
    "lifecycle",
    help=tr("Lifecycle policies: rules by which ECR deletes old images."),
    examples=[
        "longshore lifecycle lint --policy policy.json",
        "longshore lifecycle simulate github-actions-demo-day2",
        "longshore lifecycle apply github-actions-demo-day2",
    ],
)
for _one in (lint_policy, simulate, explain_image, diff, apply, prune, import_retention):
    lifecycle.add_command(_one)
