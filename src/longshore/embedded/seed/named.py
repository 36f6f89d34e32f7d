"""Stand-ins for the images that a tree names: right names and tags, small made-up content. Pure.

So that a team can rehearse a move with its own tree: every Docker Hub reference of it can be
pulled from the embedded Hub. The layers are this machine's, not the images' own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from longshore.embedded.seed.catalogue import AMD64, Catalogue, Image
from longshore.oci.platforms import Platform

_MADE = datetime(2025, 3, 3, 9, 30, tzinfo=UTC)
_PLATFORMS = (AMD64, Platform("linux", "arm64"))


def named_images(wanted: Mapping[str, Sequence[str]]) -> Catalogue:
    """A catalogue with one image for each repository and tag."""
    images = [
        Image(
            repository,
            (tag,),
            _MADE,
            system="alpine 3.20" if "alpine" in tag else "debian 12",
            platforms=_PLATFORMS,
            style="docker",
        )
        for repository, tags in sorted(wanted.items())
        for tag in sorted(set(tags))
    ]
    return Catalogue(tuple(images), frozenset())
