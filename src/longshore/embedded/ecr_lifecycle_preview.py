"""ECR's own preview of a lifecycle policy: StartLifecyclePolicyPreview, Get... . I/O.

A preview is made of the images as they are when it is started, and kept until the next one is
started, restarts included. It is IN_PROGRESS for a moment, then COMPLETE, and EXPIRED after a day;
how long is not documented, those times are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.contents import Repository
from longshore.embedded.ecr_errors import invalid, policy_not_found, preview_running
from longshore.embedded.ecr_lifecycle import looked_at, place_of, read_policy
from longshore.embedded.ecr_lifecycle_records import DRY_RUN, policy_records
from longshore.embedded.ecr_paging import page
from longshore.embedded.ecr_settings import check_lifecycle
from longshore.embedded.ecr_state import Region
from longshore.policy.lifecycle.evaluate import Verdict, evaluate

Values = dict[str, Any]
PREVIEW_LASTS = timedelta(days=1)
_TAG_STATUS = {"TAGGED": (True,), "UNTAGGED": (False,), "ANY": (True, False)}


def start_lifecycle_policy_preview(region: Region, asked: Values) -> Values:
    """StartLifecyclePolicyPreview, of the policy given or the one in force."""
    name = asked["repositoryName"]
    repository = region.repository(name, asked.get("registryId"))
    text: str | None = asked.get("lifecyclePolicyText", repository.settings.get("lifecycle_policy"))
    if text is None:
        code = "LifecyclePolicyNotFoundException"
        raise policy_not_found("Lifecycle", code, name, region.account)
    check_lifecycle(text)
    now, kept = region.ecr.clock.now(), _kept(region, repository)
    if kept is not None and _status(region, kept, now) == "IN_PROGRESS":
        raise preview_running(name, region.account)
    policy = read_policy(text)
    decided = evaluate(policy, region.contents.images.read(name, now), now)
    acted = [verdict for verdict in decided.verdicts if verdict.action != "keep"]
    results = [_result(verdict) for verdict in acted]
    with region.lock, region.contents.transaction():
        of = repository.created_at.timestamp()
        preview = {"of": of, "text": text, "at": now.timestamp(), "results": results}
        region.contents.set_note(_note_of(name), preview)
        looked = looked_at(repository, policy, now)
        records = policy_records(DRY_RUN, place_of(region, name), looked, acted)
        region.contents.outbox.add({"record": record} for record in records)
    region.ecr.told()
    return {**_named(region, name, text), "status": "IN_PROGRESS"}


def get_lifecycle_policy_preview(region: Region, asked: Values) -> Values:
    """GetLifecyclePolicyPreview, at most a hundred results a page."""
    name = asked["repositoryName"]
    repository = region.repository(name, asked.get("registryId"))
    ids = asked.get("imageIds")
    if ids and ("maxResults" in asked or "nextToken" in asked):
        raise invalid("maxResults", "must not be set together with imageIds")
    kept = _kept(region, repository)
    if kept is None:
        raise AwsRefusal(
            "LifecyclePolicyPreviewNotFoundException",
            f"Lifecycle policy preview does not exist for the repository with name '{name}' "
            f"in the registry with id '{region.account}'",
        )
    status = _status(region, kept, region.ecr.clock.now())
    answer = {**_named(region, name, kept["text"]), "status": status}
    if status != "COMPLETE":
        return answer
    found = _chosen(kept["results"], asked)
    shown, token = page(
        *(found, lambda one: str(one["imageDigest"]), asked.get("nextToken")),
        len(found) or None if ids else asked.get("maxResults"),
    )
    results = [{**one, "imagePushedAt": _moment(one["imagePushedAt"])} for one in shown]
    summary = _summary(kept["results"])
    return {**answer, "previewResults": results, "nextToken": token, "summary": summary}


def forget_preview(region: Region, name: str) -> None:
    """A repository that is deleted takes its preview with it."""
    region.contents.set_note(_note_of(name), None)


def _kept(region: Region, repository: Repository) -> Values | None:
    """The preview that was started last, but not one of an earlier repository of that name."""
    found: Values | None = region.contents.note(_note_of(repository.name))
    return found if found and found["of"] == repository.created_at.timestamp() else None


def _chosen(results: Sequence[Values], asked: Values) -> list[Values]:
    tagged = _TAG_STATUS[asked.get("filter", {}).get("tagStatus", "ANY")]
    ids = asked.get("imageIds")
    return [
        one
        for one in results
        if bool(one["imageTags"]) in tagged
        and (not ids or any(_is_meant(one, image_id) for image_id in ids))
    ]


def _is_meant(result: Values, image_id: Values) -> bool:
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    return digest in (None, result["imageDigest"]) and (tag is None or tag in result["imageTags"])


def _summary(results: Sequence[Values]) -> Values:
    moving = sum(one["action"]["type"] == "TRANSITION" for one in results)
    counts = [{"targetStorageClass": "ARCHIVE", "imageTotalCount": moving}]
    return {
        "expiringImageTotalCount": len(results) - moving,
        "transitioningImageTotalCounts": counts if moving else None,
    }


def _result(verdict: Verdict) -> Values:
    image, is_move = verdict.image, verdict.action == "transition"
    action = {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"} if is_move else None
    return {
        "imageDigest": image.digest,
        "imageTags": list(image.tags),
        "imagePushedAt": image.pushed_at.timestamp() if image.pushed_at else None,
        "action": action or {"type": "EXPIRE"},
        "appliedRulePriority": verdict.rule.priority if verdict.rule else None,
        "storageClass": "STANDARD" if image.status == "ACTIVE" else "ARCHIVE",
    }


def _status(region: Region, kept: Values, now: datetime) -> str:
    age = (now - _moment(kept["at"])).total_seconds()
    if 0 <= age < region.ecr.preview_takes_s:
        return "IN_PROGRESS"
    return "EXPIRED" if age > PREVIEW_LASTS.total_seconds() else "COMPLETE"


def _named(region: Region, name: str, text: str) -> Values:
    return {
        "registryId": region.account,
        "repositoryName": name,
        "lifecyclePolicyText": text,
    }


def _note_of(name: str) -> str:
    return f"lifecycle-preview {name}"


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
