"""The events that ECR sends to EventBridge about images. Pure.

ECR User Guide, "Amazon ECR events and EventBridge". There is one event for each tag of an image,
and one without a tag for an image that has none. There is none for pulls.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Event = dict[str, Any]


def image_events(
    at: datetime,
    repository: str,
    action: str,
    digest: str,
    tags: Iterable[str] = (),
    *,
    is_referrer: bool = False,
    **more: str,
) -> list[Event]:
    """What is told of one image: `action` is PUSH, DELETE or UPDATE_STORAGE_CLASS.

    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> [one["detail"].get("image-tag") for one in image_events(at, "shop", "DELETE", "sha256:1")]
    [None]
    """
    named: list[str | None] = [*tags] or [None]
    return [
        {
            "at": at.timestamp(),
            "detail-type": "ECR Referrer Action" if is_referrer else "ECR Image Action",
            "detail": {
                "result": "SUCCESS",
                "repository-name": repository,
                "image-digest": digest,
                "action-type": action,
                **({"image-tag": tag} if tag else {}),
                **{name.replace("_", "-"): text for name, text in more.items() if text},
            },
        }
        for tag in named
    ]


def storage_events(
    at: datetime,
    repository: str,
    digest: str,
    tags: Iterable[str],
    target: str,
    *,
    is_referrer: bool = False,
    media_type: str = "",
    artifact_type: str = "",
    activated_at: datetime | None = None,
) -> list[Event]:
    """What is told of an image that was archived (ARCHIVE) or is back (STANDARD)."""
    told = activated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if activated_at else ""
    return image_events(
        at,
        repository,
        "UPDATE_STORAGE_CLASS",
        digest,
        tags,
        is_referrer=is_referrer,
        target_storage_class=target,
        manifest_media_type=media_type,
        artifact_media_type=artifact_type,
        last_activated_at=told,
    )
