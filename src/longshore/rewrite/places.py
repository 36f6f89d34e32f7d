"""What each place may become: when an image is pulled decides where it may come from. Pure.

A job's service containers and its container are pulled before the first step: no step can log in
for them, so only a public registry serves. A step's images can come from ECR when the login stands
before it. What the user's `rewrite.map` says wins where it can work, and is refused with the reason
where it cannot.

Sources: docs.github.com "Workflow syntax" (`jobs.<id>.services`, `container`), AWS "Using pull
through cache rules" (Docker Hub's official images keep `library/`), gallery.ecr.aws/docker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.uses import Use
from longshore.text import tr

Mode = Literal["mirror", "cache", "public", "variable", "keep"]

OFFICIAL = "docker.io/library/"
PUBLIC = "public.ecr.aws/docker/library/"
MODES = ("mirror", "cache", "public", "variable", "keep")
_WITH_VARIABLES = ("dockerfile-from", "compose-image")
_WITHOUT_VARIABLES = ("dockerfile-copy-from", "dockerfile-mount-from", "dockerfile-syntax")
_OWN_ROLES = ("push", "tag", "cache", "build-output")
_RETIRED = frozenset({
    *("celery", "crux", "django", "fsharp", "hipache", "iojs", "java", "jboss", "nuxeo", "rails"),
    *("satosa", "sentry", "teamspeak", "ubuntu-debootstrap", "ubuntu-upstart", "znc"),
})  # fmt: skip


@dataclass(frozen=True)
class Destination:
    """The target as patches name it. `repositories`: source image name to target repository.

    `host` is ECR's own host of the account and Region, also for the embedded servers: which
    loopback port answers for it is a matter of the run, not of the tree.
    """

    host: str
    repositories: Mapping[str, str] = field(default_factory=dict)
    prefix: str = "docker-hub"
    cached: frozenset[str] = frozenset()

    def mirror(self, image: str) -> str:
        """Host and repository of an image's copy; `prefix` and the full path when none is named."""
        path = self.repositories.get(image) or f"{self.prefix}/{image.partition('/')[2]}"
        return f"{self.host}/{path}"

    @property
    def registry(self) -> str:
        """What stands before an image's full path when no rule names it."""
        return f"{self.host}/{self.prefix}"

    def cache(self, image: str) -> str:
        """Host and repository behind the pull-through rule; `library/` is written out."""
        return f"{self.host}/{self.prefix}/{image.partition('/')[2]}"


@dataclass(frozen=True)
class Wish:
    """What the user asks for: patterns of images to modes or names, and files to leave alone.

    `public_default`: where a variable can stand, it does, and Docker Hub is its default.
    """

    map: tuple[tuple[str, str], ...] = ()
    skip: tuple[str, ...] = ()
    public_default: bool = False


@dataclass(frozen=True)
class Placed:
    """Where a use is to fetch from. `new` is host and repository, empty when it stays."""

    mode: Mode
    new: str = ""
    reason: str = ""


STAYS = Placed("keep")


def place(use: Use, wish: Wish, destination: Destination) -> Placed:
    """What one Docker Hub use becomes, with the reason."""
    if use.image is None:
        return Placed("keep", reason=tr("part of its name is open: {why}", why=_open(use)))
    if skipped := _skipped(use.file, wish.skip):
        return Placed("keep", reason=tr("rewrite.skip has {pattern}", pattern=skipped))
    told = _told(use.image, wish.map)
    if told == "keep":
        return Placed("keep", reason=tr("rewrite.map keeps it"))
    own = told not in (None, *MODES)
    if own:
        destination = Destination(destination.host, {use.image: str(told)}, destination.prefix)
    if told is None and use.image not in destination.repositories and _is_made_up(use.image):
        name = use.image.removeprefix(OFFICIAL)
        return Placed(
            "keep",
            reason=tr(
                "{name} is no official image, so it is most likely built somewhere here; "
                "an image rule or rewrite.map moves it all the same",
                name=name,
            ),
        )
    if told == "variable" or (told is None and wish.public_default):
        if variable := _variable(use, destination):
            return variable
        told = None
    if use.mention.role in _OWN_ROLES and use.image in destination.repositories:
        return Placed("mirror", destination.mirror(use.image), tr("the team's own image moves"))
    return _by_moment(use, told or _usual(use, destination), destination)


def _variable(use: Use, destination: Destination) -> Placed | None:
    """The registry as a variable; None where none can stand, or the copy has another name."""
    image = str(use.image)
    if use.mention.kind in _WITHOUT_VARIABLES:
        reason = tr(
            "no variable is possible there: name it in a FROM of its own, and take it from there"
        )
        if use.mention.kind == "dockerfile-syntax":
            reason = tr("no variable is possible there; the build argument BUILDKIT_SYNTAX is")
        return Placed("keep", reason=reason)
    if use.mention.kind not in _WITH_VARIABLES or use.mention.role != "pull":
        return None
    new = destination.cache(image) if image in destination.cached else destination.mirror(image)
    if new != f"{destination.registry}/{image.partition('/')[2]}":
        return None
    return Placed("variable", new, tr("a variable, with Docker Hub as its default"))


def _is_made_up(image: str) -> bool:
    """Whether a name without a namespace is none that Docker Hub's official images have had."""
    name = image.removeprefix(OFFICIAL)
    return name != image and not is_official(name) and name not in _RETIRED


def _open(use: Use) -> str:
    return use.mention.needs or use.mention.text


def _usual(use: Use, destination: Destination) -> str:
    return "cache" if use.image in destination.cached else "mirror"


def _by_moment(use: Use, told: str, destination: Destination) -> Placed:
    image = str(use.image)
    why_not = _why_no_login(use)
    if why_not or told == "public":
        if image.startswith(OFFICIAL) and use.digest is None:
            public = PUBLIC + image.removeprefix(OFFICIAL)
            return Placed("public", public, why_not or tr("rewrite.map says public"))
        if use.digest is not None and image.startswith(OFFICIAL):
            reason = tr("the digest may differ at public.ecr.aws; {why}", why=why_not)
            return Placed("keep", reason=reason)
        stays = why_not or tr("only official images are at public.ecr.aws/docker/library")
        return Placed("keep", reason=stays)
    if elsewhere := _elsewhere(use.mention.kind):
        return Placed("keep", reason=elsewhere)
    if told == "cache":
        return Placed("cache", destination.cache(image), tr("behind the pull-through rule"))
    return Placed("mirror", destination.mirror(image), tr("copied by longshore sync"))


def _why_no_login(use: Use) -> str:
    if use.mention.pulled == "job-start":
        return tr("pulled before the first step, where no login is possible")
    if use.mention.kind == "devcontainer-image":
        return tr("pulled by developers, who may have no AWS login")
    return ""


def _elsewhere(kind: str) -> str | None:
    """Why names of this kind are better changed in another way than by an edit at their place."""
    return {
        "code-testcontainers": tr(
            "set TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX in the job: no code changes, ryuk is covered"
        ),
        "helm-chart-oci": tr("a chart: Chart.lock must follow; `helm dependency update` makes it"),
        "helm-unittest": tr("an expected value: it follows the chart's values"),
    }.get(kind)


def _told(image: str, patterns: tuple[tuple[str, str], ...]) -> str | None:
    """The value of the longest pattern that matches, as the most exact one."""
    names = {image, image.removeprefix(f"{DOCKER_HUB}/"), image.removeprefix(OFFICIAL)}
    found = [
        (len(pattern), value)
        for pattern, value in patterns
        if any(fnmatchcase(name, pattern) for name in names)
    ]
    return max(found)[1] if found else None


def _skipped(file: str, patterns: tuple[str, ...]) -> str | None:
    return next((one for one in patterns if matches_path(file, one)), None)


def matches_path(file: str, pattern: str) -> bool:
    """Whether a path matches a pattern in which `*` stays in a folder and `**` does not.

    >>> matches_path("docs/a/b.md", "docs/**"), matches_path("docs/a/b.md", "docs/*")
    (True, False)
    """
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    marks = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    regex = "".join(marks.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regex, file) is not None
