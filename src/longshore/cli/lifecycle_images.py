"""The images that lifecycle commands judge: a repository's, or those of a saved listing. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from longshore.cli.lifecycle_policies import read_text
from longshore.cli.typeset import short_digest
from longshore.cli.wiring import OpenTarget
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.grammar import Policy
from longshore.policy.lifecycle.listing import remarks_at
from longshore.text import tr

_MAX_LISTING = 4 * 1024**3
_SKEW = timedelta(minutes=5)


def read_images(
    target: OpenTarget, name: str, policy: Policy, *, read_indexes: bool = False
) -> tuple[tuple[ImageSeen, ...], tuple[str, ...]]:
    """A repository's images of every storage class, with what is to be known about them.

    What indexes contain is read where it can matter. To ECR that is a pull, so a policy that goes
    by pull times must be told `read_indexes`.
    """
    from longshore.oci.manifest import INDEXES

    images = tuple(target.ecr.describe_images(name))
    indexes = [one.digest for one in images if one.media_type in INDEXES]
    if not indexes or len(indexes) == len(images) or not policy.rules:
        return images, ()
    by_pull = any(one.selection.count_type == "sinceImagePulled" for one in policy.rules)
    if by_pull and not read_indexes:
        return images, (_not_read(len(indexes)),)
    found = target.ecr.index_children(name, indexes)
    filled = tuple(
        replace(one, children=found[one.digest]) if one.digest in found else one for one in images
    )
    unread = [digest for digest in indexes if digest not in found]
    return filled, ((_unreadable(unread),) if unread else ())


def _not_read(count: int) -> str:
    return tr(
        "what {count} indexes contain was not read, for that renews the pull times by which this "
        "policy goes: their manifests may be shown as going though the index keeps them "
        "(--read-indexes reads them)",
        count=count,
    )


def _unreadable(digests: Sequence[str]) -> str:
    shown = ", ".join(short_digest(one) for one in digests[:3])
    return tr(
        "{count} indexes could not be read ({digests}): archived ones cannot; their manifests may "
        "be shown as going though the index keeps them",
        count=len(digests),
        digests=shown,
    )


def read_listing(filename: str) -> tuple[tuple[ImageSeen, ...], tuple[str, ...]]:
    from longshore.policy.lifecycle.listing import parse_listing

    shown = tr("standard input") if filename == "-" else filename
    hint = tr("save one: aws ecr describe-images --repository-name NAME > images.json")
    listing = parse_listing(read_text(filename, hint, _MAX_LISTING), shown)
    return listing.images, tuple(str(remark) for remark in listing.remarks)


def from_the_future(images: Sequence[ImageSeen], at: datetime) -> tuple[str, ...]:
    """Images that were pushed after the moment that is asked about count as new."""
    return tuple(remark.message for remark in remarks_at(images, at, _SKEW))
