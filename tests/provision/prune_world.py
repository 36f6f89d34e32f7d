"""A repository of the embedded ECR with images as old as a test wants them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from longshore.embedded.stack import Stack
from longshore.facts import InUse
from longshore.oci.digest import digest_of
from longshore.oci.manifest import OCI_INDEX, OCI_MANIFEST
from longshore.policy.lifecycle.pruning import PrunePlan, PruneRule, plan_prune
from longshore.remote.aws import AwsKeys, AwsOptions, open_session
from longshore.remote.ecr import Ecr

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class PruneWorld:
    """One repository. Images are written straight into what the ECR holds."""

    stack: Stack
    name: str
    ecr: Ecr = field(init=False)

    def __post_init__(self) -> None:
        state = self.stack.state
        self.ecr = Ecr(
            open_session(
                AwsOptions(
                    region=state.region,
                    endpoint_url=state.aws_endpoint,
                    keys=AwsKeys(state.access_key, state.secret_key),
                    max_attempts=1,
                )
            )
        )
        self.ecr.create_repository(self.name)

    def push(self, name: str, *tags: str, days: float = 30, **more: Any) -> str:
        """An image without layers; its digest."""
        empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}")}
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {**empty, "size": 2},
            "layers": [],
            "annotations": {"name": name},
            **more,
        }
        return self.put(document, OCI_MANIFEST, tags, days)

    def push_index(self, *children: str, tags: Sequence[str] = (), days: float = 30) -> str:
        """An index of images that are there; its digest."""
        entries = [{"mediaType": OCI_MANIFEST, "digest": one, "size": 1} for one in children]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        return self.put(document, OCI_INDEX, tags, days)

    def put(
        self, document: dict[str, Any], media_type: str, tags: Sequence[str], days: float
    ) -> str:
        content = json.dumps(document).encode()
        for tag in tags or (None,):
            self.stack.ecr.put_manifest(self.name, content, media_type, tag)
        digest = digest_of(content)
        self.stack.ecr.set_pushed(self.name, digest, AT - timedelta(days=days))
        return digest

    def tags(self) -> dict[str, str]:
        """What each tag points to."""
        return {tag: one.digest for one in self.ecr.describe_images(self.name) for tag in one.tags}

    def digests(self) -> set[str]:
        """All images."""
        return {one.digest for one in self.ecr.describe_images(self.name)}

    def plan(self, *rules: PruneRule, in_use: Sequence[InUse] = ()) -> PrunePlan:
        """What a prune would do now, with every index read."""
        from dataclasses import replace

        images = self.ecr.describe_images(self.name)
        indexes = [one.digest for one in images if one.media_type == OCI_INDEX]
        children = self.ecr.index_children(self.name, indexes)
        images = [replace(one, children=children.get(one.digest, ())) for one in images]
        return plan_prune(rules, images, in_use, AT)


def backup(days: float) -> str:
    """The tag of a backup so long ago."""
    return f"backup-{AT - timedelta(days=days):%Y%m%d-%H%M%S}"
