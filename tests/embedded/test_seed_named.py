"""Stand-ins for the images that a tree names."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from longshore.embedded.clock import Clock
from longshore.embedded.contents import Contents
from longshore.embedded.seed.load import seed_named

WANTED = {"library/node": ["18-alpine", "20"], "prom/prometheus": ["v2.53.0"]}


def test_stand_ins_are_made_once_and_can_be_pulled(tmp_path: Path) -> None:
    with closing(Contents(tmp_path, "hub", Clock())) as contents:
        _seed_twice(contents)


def _seed_twice(contents: Contents) -> None:
    first = list(seed_named(contents, WANTED))[-1]["seeded"]
    assert (first["repositories"], first["tags"]) == (2, 3)
    index = contents.manifest("library/node", "18-alpine")
    assert index is not None
    assert contents.manifest("library/node", "20").digest != index.digest
    again = list(seed_named(contents, {**WANTED, "library/redis": ["7"]}))[-1]["seeded"]
    assert (again["repositories"], again["tags"]) == (1, 1)
    assert list(seed_named(contents, WANTED))[-1]["seeded"]["tags"] == 0
