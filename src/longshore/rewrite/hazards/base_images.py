"""Checks of the images that a build begins from: fixed or not, and how old. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from longshore.rewrite.hazards.dockerfiles import BuiltImage, built_images, is_known, official_name
from longshore.rewrite.hazards.end_of_life import AS_OF, ended
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.uses import Use
from longshore.text import tr

_KINDS = ("dockerfile-from", "dockerfile-copy-from", "dockerfile-mount-from")


def _images(image: BuiltImage) -> Iterator[Use]:
    for use in image.uses:
        if use.mention.kind in _KINDS and is_known(use):
            yield use


def _without_tag(surveyed: Surveyed) -> Iterator[Hazard]:
    for image in built_images(surveyed):
        for use in _images(image):
            if use.digest is None and use.tag in (None, "latest"):
                yield WITHOUT_TAG.at(
                    image.file,
                    use.mention.span,
                    tr(
                        "{image} has no fixed version: each build may begin from another image, "
                        "and nobody can tell later which one it was",
                        image=use.mention.text,
                    ),
                    tr(
                        "write the version that you tested, for example {name}:1.2.3",
                        name=use.image,
                    ),
                )


def _without_digest(surveyed: Surveyed) -> Iterator[Hazard]:
    for image in built_images(surveyed):
        moving = [one for one in _images(image) if one.digest is None]
        moving = [one for one in moving if one.tag not in (None, "latest")]
        if moving:
            names = ", ".join(dict.fromkeys(one.mention.text for one in moving))
            yield WITHOUT_DIGEST.at(
                image.file,
                moving[0].mention.span,
                tr("a tag can be moved to another image without notice: {names}", names=names),
                tr(
                    "add the digest behind the tag, {reference}@sha256:…, and let a bot renew it; "
                    "or pull from a repository whose tags are immutable",
                    reference=moving[0].mention.text,
                ),
            )


def _ended(surveyed: Surveyed) -> Iterator[Hazard]:
    for image in built_images(surveyed):
        for use in _images(image):
            found = ended(official_name(use), use.tag or "")
            if found is not None:
                yield ENDED.at(
                    image.file,
                    use.mention.span,
                    tr(
                        "{release} has had no security updates since {day} "
                        "(table of {date}): holes found later stay open in every image built on it",
                        release=found[0],
                        day=found[1],
                        date=AS_OF,
                    ),
                    tr("move to a release that is still supported, and test the application on it"),
                )


WITHOUT_TAG = Check(
    "base-without-version",
    "medium",
    tr("An image of the build has no tag, or `latest`"),
    _without_tag,
)
WITHOUT_DIGEST = Check(
    "base-without-digest",
    "low",
    tr("An image of the build is named by a tag that can move"),
    _without_digest,
)
ENDED = Check(
    "base-end-of-life",
    "medium",
    tr("The base image's release is out of support"),
    _ended,
)
CHECKS = (WITHOUT_TAG, ENDED, WITHOUT_DIGEST)
