"""Checks of what a build reads: whole folders, files from the net, stages for nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.dockerfile_images import needed_stages
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.hazards.dockerfiles import BuiltImage, built_images
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.neighbours import folders_above, words_about_targets
from longshore.rewrite.syntax.dockerfile import Instruction, Stage
from longshore.text import tr

_IGNORES = (".dockerignore", ".containerignore")
_ARCHIVE_OF_GIT = re.compile(r"\.git(?:[#?]|\Z)|\Agit@")
_BY_HAND = re.compile(
    r"(?:.*[._-])?(?:dev|devel|develop|development|test|tests|unit|e2e|lint|debug|prod|production|"
    r"release|ci|check|docs?|export|binar(?:y|ies)|artifacts?|local|staging)(?:[._-].*)?\Z"
)


def _no_ignore(surveyed: Surveyed) -> Iterator[Hazard]:
    for image in built_images(surveyed):
        copies = _copies_all(image)
        if copies is not None and not _has_ignore(surveyed.tree, image.file.path):
            yield NO_IGNORE.at(
                image.file,
                copies.span,
                tr(
                    "the whole folder goes into the build and into a layer, since there is no "
                    ".dockerignore: .git with its history, .env files, local builds; and every "
                    "changed file spoils the cache"
                ),
                tr(
                    "write a .dockerignore beside it: `.git`, `.env*`, `node_modules`, build "
                    "results; or copy only what is needed by name"
                ),
            )


def _copies_all(image: BuiltImage) -> Instruction | None:
    for one in image.dockerfile.instructions:
        if one.keyword not in ("COPY", "ADD") or one.flag("from") is not None:
            continue
        words = one.json or tuple(word.text for word in one.words)
        if any(word in (".", "./", "/", "*", "./*") for word in words[:-1]):
            return one
    return None


def _has_ignore(tree: Tree, path: str) -> bool:
    if any(f"{path}{name}" in tree.paths for name in _IGNORES):
        return True
    folders = list(folders_above(path))
    return any(
        (f"{folder}/{name}" if folder else name) in tree.paths
        for folder in folders
        for name in _IGNORES
    )


def _remote_add(surveyed: Surveyed) -> Iterator[Hazard]:
    for image in built_images(surveyed):
        for one in image.dockerfile.instructions:
            address = _address(one)
            if address:
                yield REMOTE_ADD.at(
                    image.file,
                    one.span,
                    tr(
                        "what {host} sends on the day of the build goes into the image unchecked: "
                        "a changed or forged file is not noticed",
                        host=re.sub(r"\A(https?://)(?:[^/@]*@)?([^/?#]*).*", r"\1\2", address),
                    ),
                    tr(
                        "write `ADD --checksum=sha256:… <address> <path>`, with the sum you checked"
                    ),
                )


def _address(one: Instruction) -> str:
    if one.keyword != "ADD" or one.flag("checksum") is not None:
        return ""
    words = one.json or tuple(word.text.strip("\"'") for word in one.words)
    for word in words[:-1]:
        if re.match(r"https?://[^\s$]", word) and not _ARCHIVE_OF_GIT.search(word):
            return word
    return ""


def _unused_stage(surveyed: Surveyed) -> Iterator[Hazard]:
    images = [(one, _unneeded(one)) for one in built_images(surveyed)]
    if not any(stages for _, stages in images):
        return
    spoken_of = words_about_targets(surveyed.tree)
    for image, stages in images:
        for stage in stages:
            if stage.name in spoken_of or _BY_HAND.match(stage.name):
                continue
            yield UNUSED_STAGE.at(
                image.file,
                stage.start.span,
                tr(
                    "nothing takes anything from stage {name}, and no file of the tree builds it: "
                    "older builders pull and build it all the same",
                    name=stage.label,
                ),
                tr(
                    "remove the stage, or take over from it with `COPY --from={name}`",
                    name=stage.label,
                ),
            )


def _unneeded(image: BuiltImage) -> list[Stage]:
    needed = needed_stages(image.dockerfile)
    return [one for one in image.dockerfile.stages if one.index not in needed]


NO_IGNORE = Check(
    "dockerignore-missing",
    "medium",
    tr("The whole folder is copied and there is no .dockerignore"),
    _no_ignore,
)
REMOTE_ADD = Check(
    "add-from-the-net", "medium", tr("ADD fetches a file without a checksum"), _remote_add
)
UNUSED_STAGE = Check(
    "unused-stage", "low", tr("A stage of a Dockerfile is used by nothing"), _unused_stage
)
CHECKS = (NO_IGNORE, REMOTE_ADD, UNUSED_STAGE)
