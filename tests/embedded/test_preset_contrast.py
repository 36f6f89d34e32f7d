"""Under the embedded ECR's clock: five rules as one writes them at first, and the preset."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from tests.embedded.lifecycle_world import DAY, START, Store, opened
from tests.policy.pipeline import BRANCHES, Pipeline

from longshore.policy.lifecycle.preset import canonical_text, standard_policy

SCRIPT = Path(__file__).parents[2] / "scripts" / "demo_lifecycle.py"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path, listening=True, start=START) as made:
        yield made


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo_lifecycle", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def turn(store: Store, by: timedelta) -> None:
    store.clock.set(store.clock.now() + by)
    store.lifecycle.catch_up()


def test_the_demonstration(store: Store, demo: ModuleType) -> None:
    five = json.dumps(demo.obvious_rules())
    texts = {demo.OBVIOUS: five, demo.STANDARD: canonical_text(standard_policy())}
    for name, text in texts.items():
        store.create(name, text)
        for number in range(12):
            tags = [f"main-{number:07x}", f"prod-main-{number:07x}"]
            store.push(f"{number}", [*tags, *(["live-prod"] if number == 0 else [])], name=name)
            store.clock.set(store.clock.now() + timedelta(minutes=1))
    turn(store, 7 * DAY)
    for name in texts:
        store.push("0", ["backup-20260308-090000"], 7 * DAY + timedelta(minutes=30), name=name)
    turn(store, timedelta(hours=25))
    assert "live-prod" not in store.tags(demo.OBVIOUS)
    assert len(store.images(demo.OBVIOUS)) == 11  # and no other rule of the five has fired
    assert "live-prod" in store.tags(demo.STANDARD)
    assert len(store.images(demo.STANDARD)) == 11  # the 10 newest, and what runs


def test_the_preset_leaves_here_what_the_simulated_pipeline_says(store: Store) -> None:
    """The same pushes, by the pipeline's own tags; then two of ECR's days."""
    line = Pipeline()
    line.now = START
    store.create("shop", canonical_text(standard_policy()))

    def push(ref: str) -> None:
        digest = line.push(ref)
        store.clock.set(line.now)
        store.push(digest, line.images[digest].tags)

    for number in range(14):
        push("main")
        push(BRANCHES[number % 5])
        if number % 3 == 0:
            push(f"v1.{number}.0")
    turn(store, 2 * DAY)
    line.now = store.clock.now()
    line.expire()
    left = sorted(tag for image in line.images.values() for tag in image.tags)
    assert store.tags() == left
    assert len([tag for tag in left if tag.startswith("prod-")]) == 10
    assert len([tag for tag in left if tag.startswith("branch-")]) == 5
