"""What every error code means: one catalogue, put together from one file per area. Pure.

A test reads the codes raised anywhere in the source and asks that each stands here.
"""

from __future__ import annotations

from longshore.cli.explanations import (
    access,
    aws,
    aws_exceptions,
    command_line,
    hazards,
    images,
    in_use,
    lifecycle,
    lifecycle_lint,
    lifecycle_prune,
    monitoring,
    registries,
    rewriting,
    source_tree,
    stand_in,
    tree,
)
from longshore.cli.explanations.entry import Explanation

__all__ = ["Explanation", "explanations", "explanations_of_hazards"]

_AREAS = (
    *(command_line, tree, source_tree, rewriting, images, registries),
    *(aws_exceptions, aws, access, lifecycle, lifecycle_lint, lifecycle_prune, in_use),
    *(monitoring, stand_in),
)


def explanations() -> dict[str, Explanation]:
    """All explanations by code, in the reader's language."""
    return {entry.code: entry for area in _AREAS for entry in area.entries()}


def explanations_of_hazards() -> dict[str, Explanation]:
    """Those of the hazards that `assess` names; apart, since they load what reads trees."""
    return {entry.code: entry for entry in hazards.entries()}
