"""What `assess` found in one tree or many, as one value with several views. Pure.

JSON (longshore.assess/1), lines for a terminal, Markdown for a pull request; SARIF is in `sarif`.
Nothing stands here that was not read: what was left out is named, and sizes that nobody asked for
are not zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from longshore.rewrite.hazards.hazard import Hazard
from longshore.rewrite.pipeline import PipelineCost
from longshore.rewrite.skipped import Skipped
from longshore.rewrite.survey import MergedImage, merge_images
from longshore.rewrite.uses import Use


@dataclass(frozen=True)
class Sizes:
    """What the Hub said of the images that would move: compressed bytes, all platforms.

    `unknown` are references whose size could not be read. `monthly` is US dollars in ECR.
    """

    bytes: int
    monthly: float
    known: int
    unknown: tuple[str, ...] = ()
    price: str = ""
    embedded: bool = False

    def as_json(self) -> dict[str, Any]:
        """The key `ecr` of the answer."""
        return {
            "bytes": self.bytes,
            "monthly": round(self.monthly, 4),
            "currency": "USD",
            "known": self.known,
            "unknown": list(self.unknown),
            "price": self.price,
            "embedded": self.embedded,
        }


@dataclass(frozen=True)
class TreeFound:
    """One tree: `name` as the user gave it, all judged uses, hazards, and what was left out."""

    name: str
    uses: tuple[Use, ...]
    hazards: tuple[Hazard, ...]
    cost: PipelineCost
    skipped: tuple[Skipped, ...] = ()
    files: int = 0
    read: int = 0

    @property
    def hub(self) -> list[Use]:
        """What fetches from Docker Hub."""
        return [use for use in self.uses if use.pulls_hub]

    def uses_as_json(self, tree: str | None) -> list[dict[str, Any]]:
        """The uses, with the tree's name when there are several."""
        extra = {} if tree is None else {"tree": tree}
        return [extra | use.as_json() for use in self.uses]


@dataclass(frozen=True)
class Assessment:
    """All trees of one run."""

    trees: tuple[TreeFound, ...]
    sizes: Sizes | None = None
    _images: list[MergedImage] = field(default_factory=list, compare=False, repr=False)

    @property
    def uses(self) -> list[Use]:
        """Every use of every tree."""
        return [use for tree in self.trees for use in tree.uses]

    @property
    def hazards(self) -> list[tuple[str, Hazard]]:
        """Every hazard with its tree, the worst first."""
        rank = {"high": 0, "medium": 1, "low": 2}
        found = [(tree.name, hazard) for tree in self.trees for hazard in tree.hazards]
        return sorted(found, key=lambda one: rank[one[1].severity])

    @property
    def images(self) -> list[MergedImage]:
        """The Docker Hub images of all trees, most used first."""
        if not self._images:
            self._images.extend(merge_images({tree.name: tree.uses for tree in self.trees}))
        return self._images

    @property
    def heaviest(self) -> TreeFound:
        """The tree whose run pulls most."""
        return max(self.trees, key=lambda tree: tree.cost.per_run)

    def statuses(self) -> Mapping[str, int]:
        """How many references of each status, pulls only."""
        return Counter(use.status for use in self.uses if use.mention.role == "pull")

    def as_json(self) -> dict[str, Any]:
        """`longshore.assess/1`."""
        many = len(self.trees) > 1
        cost = self.heaviest.cost
        document: dict[str, Any] = {
            "schema": "longshore.assess/1",
            "references": [
                one for tree in self.trees for one in tree.uses_as_json(tree.name if many else None)
            ],
            "hazards": [
                ({"tree": tree} if many else {}) | hazard.as_json() for tree, hazard in self.hazards
            ],
            "pulls": cost.as_json(),
            "images": [_image(one, many) for one in self.images],
            "hub_pulls_left": sum(len(tree.hub) for tree in self.trees),
            "skipped": [
                ({"tree": tree.name} if many else {}) | one.as_json()
                for tree in self.trees
                for one in tree.skipped
            ],
            "files": {
                "listed": sum(tree.files for tree in self.trees),
                "read": sum(tree.read for tree in self.trees),
            },
            "ecr": self.sizes.as_json() if self.sizes else None,
        }
        if many:
            document["trees"] = [_tree(tree) for tree in self.trees]
        return document


def _image(one: MergedImage, many: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "image": one.image,
        "references": list(one.references),
        "uses": one.uses,
    }
    return found | ({"trees": list(one.trees)} if many else {})


def _tree(tree: TreeFound) -> dict[str, Any]:
    return {
        "tree": tree.name,
        "references": len(tree.uses),
        "hub_pulls_left": len(tree.hub),
        "hazards": len(tree.hazards),
        "pulls": tree.cost.as_json(),
    }


def select_hazards(hazards: Sequence[Hazard], floor: str) -> list[Hazard]:
    """The hazards of at least this severity."""
    rank = {"high": 0, "medium": 1, "low": 2}
    return [one for one in hazards if rank[one.severity] <= rank[floor]]
