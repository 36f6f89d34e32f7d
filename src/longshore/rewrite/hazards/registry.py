"""All hazard checks, in the order that reports show them. Pure."""

from __future__ import annotations

from longshore.rewrite.hazards import (
    actions,
    base_images,
    build_context,
    build_secrets,
    builders,
    conditions,
    credentials,
    fixed_versions,
    hub_logins,
    iam_files,
    image_contents,
    image_tags,
    job_outputs,
    leftovers,
    lifecycle_files,
    pull_requests,
    running_process,
    scans,
    script_errors,
    server_scripts,
    workflow_folders,
)
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed

CHECKS: tuple[Check, ...] = (
    *hub_logins.CHECKS,
    *leftovers.CHECKS,
    *workflow_folders.CHECKS,
    *conditions.CHECKS,
    *image_tags.CHECKS,
    *lifecycle_files.CHECKS,
    *fixed_versions.CHECKS,
    *pull_requests.CHECKS,
    *credentials.CHECKS,
    *iam_files.CHECKS,
    *job_outputs.CHECKS,
    *builders.CHECKS,
    *scans.CHECKS,
    *actions.CHECKS,
    *build_secrets.CHECKS,
    *base_images.CHECKS,
    *running_process.CHECKS,
    *image_contents.CHECKS,
    *build_context.CHECKS,
    *server_scripts.CHECKS,
    *script_errors.CHECKS,
)

_RANK = {"high": 0, "medium": 1, "low": 2}


def look_for_hazards(surveyed: Surveyed) -> list[Hazard]:
    """What all checks say, the worst first, then by place."""
    found = [hazard for check in CHECKS for hazard in check.look(surveyed)]
    return sorted(
        dict.fromkeys(found),
        key=lambda one: (_RANK[one.severity], one.file, one.line, one.column, one.code),
    )
