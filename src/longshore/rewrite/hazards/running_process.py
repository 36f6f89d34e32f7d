"""Checks of the process that an image starts: its user, its health, its init. Pure.

Only the last stage counts, and only when it says itself what it starts. Bases whose own entrypoint
gives up root (databases, web servers) are left alone; so is what an entrypoint script may do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.hazards.dockerfiles import BuiltImage, built_images, commands_of, last_of
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.neighbours import ComposeFiles
from longshore.rewrite.syntax.dockerfile import Instruction
from longshore.text import tr

_PLAIN_BASES = frozenset(
    {
        *("node", "python", "pypy", "golang", "rust", "ruby", "php", "perl", "openjdk", "swift"),
        *("eclipse-temurin", "amazoncorretto", "ibmjava", "sapmachine", "maven", "gradle", "dart"),
        *("erlang", "elixir", "haskell", "julia", "clojure", "buildpack-deps", "gcc", "bash"),
        *("debian", "ubuntu", "alpine", "busybox", "centos", "rockylinux", "almalinux", "fedora"),
        *("amazonlinux", "oraclelinux", "archlinux", "opensuse"),
    }
)
_DROPS_ROOT = re.compile(r"\b(?:gosu|su-exec|setpriv|runuser|chpst|s6-|supervisord?|sudo)\b")
_ROOT = re.compile(r"(?:root|0)(?::.*)?\Z")
_INITS = re.compile(r"(?:^|/)(?:tini|tini-static|dumb-init|catatonit|docker-init|init|s6-svscan)\Z")
_INIT_TRUE = re.compile(r"\binit[ \t]*:[ \t]*true")
_NEED_INIT = re.compile(
    r"(?:^|/)(?:node|npm|npx|yarn|pnpm|ts-node|tsx|bun|python|python[23](?:\.\d+)?|flask)\Z"
)


def _starts(image: BuiltImage) -> Instruction | None:
    """What the image starts, when its Dockerfile says so."""
    return last_of(image.inherited(image.final), "CMD", "ENTRYPOINT")


def _root_user(surveyed: Surveyed) -> Iterator[Hazard]:
    for image in built_images(surveyed):
        starts = _starts(image)
        if starts is None or image.for_developers or _DROPS_ROOT.search(image.file.text):
            continue
        user = last_of(image.inherited(image.final), "USER")
        if user is None and not _begins_as_root(image):
            continue
        if user is None or _ROOT.match(user.arguments.text.strip("\"'")):
            yield ROOT_USER.at(
                image.file,
                (user or starts).span,
                tr(
                    "the container runs as root: whoever breaks into the process owns the "
                    "container, and is root on the host's kernel and in every mounted folder"
                ),
                tr(
                    "create a user and switch to it before CMD: `USER 10001`, or the one that the "
                    "base image brings (`USER node`)"
                ),
            )


def _begins_as_root(image: BuiltImage) -> bool:
    scratch = image.begins_from_scratch(image.final)
    return scratch or image.official_base(image.final) in _PLAIN_BASES


def _no_healthcheck(surveyed: Surveyed) -> Iterator[Hazard]:
    compose = ComposeFiles(surveyed.tree)
    for image in built_images(surveyed):
        starts, inherited = _starts(image), image.inherited(image.final)
        serves = last_of(inherited, "EXPOSE") is not None
        if starts is None or not serves or image.for_developers:
            continue
        if image.official_base(image.final) not in _PLAIN_BASES:
            continue
        if last_of(inherited, "HEALTHCHECK") or any(
            "healthcheck" in text for text in compose.texts(image.file.path)
        ):
            continue
        yield NO_HEALTHCHECK.at(
            image.file,
            starts.span,
            tr(
                "nothing tells whether the service answers: a hung process counts as running, and "
                "a deploy cannot wait until the new version is ready"
            ),
            tr(
                "add `HEALTHCHECK CMD [...]` that asks the service with the language at hand; "
                "for ECS and Kubernetes, which ignore it, say the same in the task or the manifest"
            ),
        )


def _no_init(surveyed: Surveyed) -> Iterator[Hazard]:
    compose = ComposeFiles(surveyed.tree)
    for image in built_images(surveyed):
        if image.for_developers:
            continue
        first = _first_process(image)
        if first is None or not _NEED_INIT.search(first[1]):
            continue
        if any(_INIT_TRUE.search(text) for text in compose.texts(image.file.path)):
            continue
        yield NO_INIT.at(
            image.file,
            first[0].span,
            tr(
                "{program} runs as process 1: it neither passes on nor heeds the signal to stop, "
                "so each stop takes ten seconds and cuts requests off; orphaned children stay "
                "as zombies",
                program=first[1].rpartition("/")[2],
            ),
            tr(
                'install dumb-init or tini and write `ENTRYPOINT ["dumb-init", "--"]`; or start '
                "the container with an init (`docker run --init`, `init: true` in compose)"
            ),
        )


def _first_process(image: BuiltImage) -> tuple[Instruction, str] | None:
    """The program that becomes process 1, and the instruction that names it."""
    inherited = image.inherited(image.final)
    entrypoint, command = last_of(inherited, "ENTRYPOINT"), last_of(inherited, "CMD")
    starts = (
        entrypoint
        if entrypoint is not None and entrypoint.arguments.text not in ("", "[]")
        else command
    )
    if starts is None or image.official_base(image.final) not in _PLAIN_BASES:
        return None
    words = next(iter(commands_of(starts)), [])
    words = [word for word in words if word not in ("exec", "sh", "-c", "/bin/sh")]
    if not words or any(_INITS.search(word) for word in words[:2]):
        return None
    return starts, words[0]


ROOT_USER = Check("root-user", "medium", tr("The image runs as root"), _root_user)
NO_HEALTHCHECK = Check(
    "no-healthcheck",
    "low",
    tr("The image does not say how to tell that it is well"),
    _no_healthcheck,
)
NO_INIT = Check("no-init", "low", tr("The process has no init above it"), _no_init)
CHECKS = (ROOT_USER, NO_HEALTHCHECK, NO_INIT)
