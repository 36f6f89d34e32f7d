"""The worked examples of ECR's documents: every verdict and every rule as the documents say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import parse_policy
from longshore.policy.lifecycle.readings import every_reading, open_points

from .lifecycle_oracle import fates

EXAMPLES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("lifecycle_official.json").read_text("utf-8")
)
ACTIONS = {"expired": "expire", "transitioned": "transition", "kept": "keep"}
STATUSES = {"standard": "ACTIVE", "archive": "ARCHIVED"}


def time(image: dict[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(image[name]) if name in image else None


def seen(image: dict[str, Any]) -> ImageSeen:
    return ImageSeen(
        image["id"],
        tuple(image["tags"]),
        pushed_at=time(image, "pushed_at"),
        pulled_at=time(image, "last_pulled_at"),
        archived_at=time(image, "last_archived_at"),
        status=STATUSES[image.get("storage_class", "standard")],
    )


def expected(example: dict[str, Any]) -> dict[str, str]:
    found = example["expected"]
    return {digest: action for name, action in ACTIONS.items() for digest in found[name]}


def orders(images: list[ImageSeen]) -> Iterator[tuple[ImageSeen, ...]]:
    yield from permutations(images) if len(images) < 6 else (tuple(images), tuple(images[::-1]))


def name_of(example: dict[str, Any]) -> str:
    return str(example["name"])


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_worked_example(example: dict[str, Any]) -> None:
    policy = parse_policy(json.dumps(example["policy"]))
    at = datetime.fromisoformat(example["now"])
    images = [seen(image) for image in example["images"]]
    assert open_points(policy, images) in ((), ("day",))  # nothing that is open decides here
    for readings in every_reading(open_points(policy, images)):
        for order in orders(images):
            found = evaluate(policy, order, at, readings).verdicts
            assert {one.image.digest: one.action for one in found} == expected(example)
            acting = {
                one.image.digest: one.rule.priority
                for one in found
                if one.action != "keep" and one.rule
            }
            assert acting == example["expected"]["by_rule"]


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_the_second_implementation_agrees(example: dict[str, Any]) -> None:
    policy = parse_policy(json.dumps(example["policy"]))
    images = [seen(image) for image in example["images"]]
    found = fates(policy, images, datetime.fromisoformat(example["now"]))
    assert {digest: action for digest, (action, _) in found.items()} == expected(example)


def test_all_examples_are_there() -> None:
    assert len({example["name"] for example in EXAMPLES}) == 19
