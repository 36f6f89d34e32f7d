"""Which images a prune must not touch, whatever its rules say, and why. Pure.

An image that runs, or that carries a protected tag, is out of reach; so are the index that names
it and the subject that it hangs on (they would take it along), and all that those name or are
signed with. What may be in use but is not known well enough counts as in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from longshore.facts import ImageSeen, InUse
from longshore.oci.manifest import INDEXES
from longshore.policy.lifecycle.matching import glob_expression
from longshore.text import tr

Shielding = Literal["protected", "in-use", "belongs-to-protected", "archived"]


@dataclass(frozen=True)
class Shield:
    """Why an image is out of reach."""

    because: Shielding
    reason: str


class Ties:
    """How images hang together: indexes and what they name, subjects and what refers to them."""

    def __init__(self, images: Sequence[ImageSeen]) -> None:
        self.by_digest: dict[str, ImageSeen] = {image.digest: image for image in images}
        self.parents: dict[str, list[str]] = {}
        self.referrers: dict[str, list[str]] = {}
        for image in images:
            for child in image.children:
                self.parents.setdefault(child, []).append(image.digest)
            if image.subject:
                self.referrers.setdefault(image.subject, []).append(image.digest)

    def above(self, digest: str) -> list[str]:
        """What takes the image along when it goes: its indexes and its subject."""
        image = self.by_digest.get(digest)
        subject = [image.subject] if image is not None and image.subject else []
        return [*self.parents.get(digest, ()), *subject]

    def below(self, digest: str) -> list[str]:
        """What the image names, and what refers to it."""
        image = self.by_digest.get(digest)
        return [*(image.children if image is not None else ()), *self.referrers.get(digest, ())]


def is_unread(image: ImageSeen) -> bool:
    """Whether the image is an index of which nobody read what it names.

    An archived one cannot be read, and is not touched; ECR itself guards what it names.
    """
    return image.media_type in INDEXES and not image.children and image.status == "ACTIVE"


def shields(
    images: Sequence[ImageSeen], in_use: Iterable[InUse], protected: Sequence[str], ties: Ties
) -> dict[str, Shield]:
    """The images out of reach. `in_use` is of this repository."""
    found = {**_archived(images), **_running(images, in_use), **_tagged(images, protected)}
    seeds = {digest: shield for digest, shield in found.items() if shield.because != "archived"}
    upwards = _spread(seeds, ties.above)
    for digest in [*upwards, *_spread(upwards, ties.below)]:
        if digest not in seeds:
            found[digest] = Shield(
                "belongs-to-protected",
                tr("it belongs to an image that is protected or in use"),
            )
    return found


def _tagged(images: Sequence[ImageSeen], protected: Sequence[str]) -> dict[str, Shield]:
    expressions = [(pattern, glob_expression(pattern)) for pattern in protected]
    found: dict[str, Shield] = {}
    for image in images:
        for tag in image.tags:
            for pattern, expression in expressions:
                if expression.fullmatch(tag):
                    found[image.digest] = Shield(
                        "protected",
                        tr("it is tagged {tag}; {pattern} is protected", tag=tag, pattern=pattern),
                    )
    return found


def _running(images: Sequence[ImageSeen], in_use: Iterable[InUse]) -> dict[str, Shield]:
    by_tag = {tag: image.digest for image in images for tag in image.tags}
    found: dict[str, Shield] = {}
    for one in in_use:
        shield = Shield("in-use", tr("{by} uses it: {where}", by=one.by, where=one.where))
        if one.digest is not None:
            found[one.digest] = shield
        tag = one.tag or ("latest" if one.digest is None else "")
        if tag in by_tag:
            found[by_tag[tag]] = shield
    return found


def _archived(images: Sequence[ImageSeen]) -> dict[str, Shield]:
    said = tr("it is in archive storage, or being restored from there")
    return {one.digest: Shield("archived", said) for one in images if one.status != "ACTIVE"}


def _spread(seeds: Iterable[str], step: Callable[[str], Iterable[str]]) -> dict[str, None]:
    """The seeds and all that `step` reaches from them."""
    reach = dict.fromkeys(seeds)
    todo = list(reach)
    while todo:
        for digest in step(todo.pop()):
            if digest not in reach:
                reach[digest] = None
                todo.append(digest)
    return reach
