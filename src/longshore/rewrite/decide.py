"""What becomes of every Docker Hub use of a tree: places, variables, kustomizations. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.kustomized import with_kustomizations
from longshore.rewrite.places import Destination, Wish
from longshore.rewrite.plan import Decision, plan_rewrite, without_conflicts
from longshore.rewrite.public_default import with_public_default
from longshore.rewrite.uses import Use


def decide(tree: Tree, uses: Sequence[Use], wish: Wish, destination: Destination) -> list[Decision]:
    """One decision a use, as far as the tree alone can tell."""
    decisions = plan_rewrite(uses, wish, destination).decisions
    found = with_public_default(tree, decisions)
    return without_conflicts(with_kustomizations(tree, found))
