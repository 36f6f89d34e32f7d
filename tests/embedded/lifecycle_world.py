"""An embedded ECR without listeners, with made up images, for the tests of lifecycle runs."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.embedded.aws_world import ACCOUNT, OCI, OCI_INDEX, REGION, digest_of

from longshore.embedded import ecr_repositories
from longshore.embedded.clock import Clock
from longshore.embedded.ecr_lifecycle_schedule import Lifecycle
from longshore.embedded.ecr_state import Ecr, EcrOptions, Region
from longshore.embedded.ecr_telling import JOURNAL, RecordJournal, Telling
from longshore.facts import ImageSeen

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def rule(
    priority: int,
    status: str,
    count_type: str,
    number: int,
    *patterns: str,
    storage: str = "",
    action: str = "expire",
) -> dict[str, Any]:
    """A rule of a policy's text."""
    selection: dict[str, Any] = {"tagStatus": status}
    if patterns:
        selection["tagPatternList"] = list(patterns)
    if storage:
        selection["storageClass"] = storage
    selection |= {"countType": count_type, "countNumber": number}
    if count_type != "imageCountMoreThan":
        selection["countUnit"] = "days"
    done = {"type": action, **({"targetStorageClass": "archive"} if action != "expire" else {})}
    return {"rulePriority": priority, "selection": selection, "action": done}


def policy(*rules: dict[str, Any]) -> str:
    """A policy's text, as long as ECR wants it."""
    return json.dumps({"rules": rules}, indent=2).ljust(100)


@dataclass
class Store:
    """The registries of a folder, their clock, and what EventBridge was told."""

    folder: Path
    clock: Clock
    ecr: Ecr
    lifecycle: Lifecycle
    telling: Telling
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def region(self) -> Region:
        return self.ecr.served

    def create(self, name: str = "shop", text: str | None = None) -> None:
        ecr_repositories.create_repository(self.region, {"repositoryName": name})
        if text is not None:
            self.put_policy(text, name)

    def put_policy(self, text: str, name: str = "shop") -> None:
        asked = {"repositoryName": name, "lifecyclePolicyText": text}
        ecr_repositories.put_lifecycle_policy(self.region, asked)

    def push(
        self,
        what: str,
        tags: Sequence[str] = (),
        age: timedelta = timedelta(),
        *,
        children: Sequence[str] = (),
        subject: str | None = None,
        name: str = "shop",
    ) -> str:
        """An image, an index or a referrer, pushed so long ago; its digest."""
        document: dict[str, Any] = {"schemaVersion": 2, "annotations": {"what": what}}
        kind = OCI_INDEX if children else OCI
        if children:
            entries = [{"mediaType": OCI, "digest": one, "size": 1} for one in children]
            document["manifests"] = entries
        if subject:
            document["subject"] = {"mediaType": OCI, "digest": subject, "size": 1}
        content = json.dumps({**document, "mediaType": kind}).encode()
        contents = self.region.contents
        for tag in tags or (None,):
            contents.put_manifest(name, content, kind, tag)
        digest = digest_of(content)
        contents.set_pushed(name, digest, self.clock.now() - age)
        return digest

    def images(self, name: str = "shop") -> list[ImageSeen]:
        return self.region.contents.images.read(name, self.clock.now())

    def statuses(self, name: str = "shop") -> dict[str, str]:
        return {image.digest: image.status for image in self.images(name)}

    def tags(self, name: str = "shop") -> list[str]:
        return sorted(tag for image in self.images(name) for tag in image.tags)

    def records(self, name: str = "shop") -> list[dict[str, Any]]:
        kept = self.telling.records()
        return [one for one in kept if one["serviceEventDetails"]["repositoryName"] == name]

    def anchor(self, name: str = "shop") -> datetime:
        settings = self.region.repository(name).settings
        return datetime.fromtimestamp(settings["lifecycle_anchor"], UTC)


@contextmanager
def opened(
    folder: Path, *, listening: bool = False, start: datetime | None = None
) -> Iterator[Store]:
    """The registries of the folder; with `start` it is that time."""
    clock = Clock(folder / "clock.json")
    if start is not None:
        clock.set(start)
    ecr = Ecr(folder, EcrOptions(ACCOUNT, REGION), clock)
    ecr.has_listeners = lambda region: listening
    told: list[dict[str, Any]] = []
    telling = Telling(ecr, RecordJournal(folder / JOURNAL), lambda _, events: told.extend(events))
    store = Store(folder, clock, ecr, Lifecycle(ecr, telling), telling, told)
    try:
        yield store
    finally:
        store.lifecycle.close()
        ecr.close()


def actions(record: Mapping[str, Any]) -> dict[str, int]:
    """The images that a record names, with their rule."""
    return {
        one["lifecycleEventImage"]["digest"]: one["rulePriority"]
        for one in record["serviceEventDetails"]["lifecycleEventImageActions"]
    }


def main() -> None:
    """Catch up in a folder, and die at the given call of a method, if it comes to that."""
    folder, where, nth = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with opened(folder) as store:
        target: Any = {
            "delete": store.region.contents,
            "archive": store.region.contents.images,
            "add": store.region.contents.outbox,
            "append": store.telling.journal,
            "drop": store.region.contents.outbox,
        }[where]
        method = {"delete": "delete_manifest"}.get(where, where)
        real, count = getattr(target, method), [0]

        def counted(*args: Any, **more: Any) -> Any:
            count[0] += 1
            if count[0] == nth:
                os.kill(os.getpid(), 9)
            return real(*args, **more)

        setattr(target, method, counted)
        store.lifecycle.catch_up()
    print("done", flush=True)


def copied(folder: Path, to: Path) -> Path:
    """The same folder once more."""
    shutil.copytree(folder, to)
    return to


if __name__ == "__main__":
    main()
