"""A registry's listing and lifecycle policies of any size, the same each time. I/O.

The listing is what `aws ecr describe-images` prints, indented, in no order. Of 100 images 55 are
builds of branches, 12 of pull requests, 5 versions, 3 backups of those, 4 indexes with two
manifests each (untagged), 4 referrers, and the rest untagged leftovers.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
_PAGE = 10_000


def write_listing(file: Path, count: int) -> None:
    """Write the listing of a registry with so many images."""
    chance = random.Random(count)
    entries = _entries(count, chance)
    with file.open("w", encoding="utf-8") as stream:
        stream.write('{\n    "imageDetails": [')
        comma = "\n"
        while page := [entry for _, entry in zip(range(_PAGE), entries, strict=False)]:
            chance.shuffle(page)
            for entry in page:
                text = json.dumps(entry, indent=4).replace("\n", "\n        ")
                stream.write(f"{comma}        {text}")
                comma = ",\n"
        stream.write("\n    ]\n}\n")


def _entries(count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    made = 0
    while made < count:
        for entry in _some(made, chance):
            if made < count:
                yield entry
            made += 1


def _some(number: int, chance: random.Random) -> list[dict[str, Any]]:
    """An image, with what belongs to it."""
    kind, short = chance.randrange(100), f"{chance.getrandbits(40):010x}"
    if kind < 45:
        return [_entry(number, chance, [f"{chance.choice(_BRANCHES)}-{short}"])]
    if kind < 55:
        return [_entry(number, chance, [f"main-{short}", f"prod-main-{short}"])]
    if kind < 67:
        return [_entry(number, chance, [f"pr-{number}"])]
    if kind < 72:
        return [_entry(number, chance, [f"v{number}.{kind}.0", f"prod-v{number}"])]
    if kind < 75:
        return [_entry(number, chance, [f"backup-202611{kind}-{number:06d}"])]
    if kind < 79:
        return _index(number, chance, short)
    entry = _entry(number, chance, [])
    if kind < 83:
        entry["subjectManifestDigest"] = _digest(chance.randrange(number + 1))
    return [entry]


def _index(number: int, chance: random.Random, short: str) -> list[dict[str, Any]]:
    children = [_entry(number + 1, chance, []), _entry(number + 2, chance, [])]
    index = _entry(number, chance, [f"multi-{short}"])
    index["imageManifestMediaType"] = INDEX
    index["children"] = [child["imageDigest"] for child in children]
    return [index, *children]


_BRANCHES = ("develop", "feature", "day2-advanced", "hotfix", "release", "nightly")


def _entry(number: int, chance: random.Random, tags: list[str]) -> dict[str, Any]:
    pushed = AT - timedelta(seconds=chance.randrange(3 * 365 * 86_400))
    entry: dict[str, Any] = {
        "registryId": "123456789012",
        "repositoryName": "shop",
        "imageDigest": _digest(number),
        "imageTags": tags,
        "imageSizeInBytes": chance.randrange(10**9),
        "imagePushedAt": pushed.isoformat(),
        "imageManifestMediaType": MANIFEST,
        "artifactMediaType": CONFIG,
        "lastRecordedPullTime": (pushed + (AT - pushed) * chance.random()).isoformat(),
        "imageStatus": "ACTIVE",
    }
    if not tags:
        del entry["imageTags"]
    return entry


def _digest(number: int) -> str:
    return "sha256:" + hashlib.sha256(number.to_bytes(8, "big")).hexdigest()


def policy_of(rules: int) -> str:
    """A policy with so many rules: an untagged one, one for the rest, the others by pattern."""
    patterns = ["live-*", "rollback-*", "backup-*", "prod-*", "v*", "main-*", "pr-*"]
    patterns += [f"{branch}-*" for branch in _BRANCHES]
    patterns += [f"{branch}-{digit:x}*" for branch in _BRANCHES for digit in range(16)]
    patterns[8:8] = ["*-*0", "multi-*a*b*"]  # with nothing to search by, or several wildcards
    written = [
        _rule(number, {"tagStatus": "tagged", "tagPatternList": [pattern]}, 10 * number)
        for number, pattern in enumerate(patterns[: rules - 2], 1)
    ]
    untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
    written.append(_rule(rules - 1, untagged, 1))
    written.append(_rule(rules, {"tagStatus": "any"}, 1000))
    return json.dumps({"rules": written})


def _rule(number: int, selection: dict[str, Any], count: int) -> dict[str, Any]:
    chosen = {"countType": "imageCountMoreThan", "countNumber": count, **selection}
    return {"rulePriority": number, "selection": chosen, "action": {"type": "expire"}}
