"""Images that a workflow pulls without naming them: the defaults of actions. Pure.

Sources: the actions' own documentation and metadata, read November 2026; only actions whose image
is certain. Versions that an action chooses by its own version stay open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.finders.workflow_builds import BAKE, BUILD_PUSH
from longshore.rewrite.finders.workflow_inputs import driver_image
from longshore.rewrite.finders.workflow_login import uses_span
from longshore.rewrite.finders.workflow_places import Places
from longshore.rewrite.mentions import OPEN, Mention, Pulled
from longshore.rewrite.syntax.workflow import Step

KIND = "gha-implicit"
BUILDX = "docker/setup-buildx-action"
_BUILDKIT = "moby/buildkit:buildx-stable-1"
_SCANNER = "docker/buildkit-syft-scanner:stable-1"
_NO_BUILDER = {"docker", "remote", "cloud"}
_OFF = {"", "false", "no", "off"}


@dataclass(frozen=True)
class Hidden:
    """An action's own image. `explicit` is the input that replaces it, `version` gives its tag."""

    image: str
    explicit: str = ""
    version: str = ""
    pulled: Pulled = "setup"
    default: str = "latest"


HIDDEN: dict[str, Hidden] = {
    "docker/setup-qemu-action": Hidden("tonistiigi/binfmt:latest", "image"),
    "helm/kind-action": Hidden(f"kindest/node:{OPEN}", "node_image"),
    "container-tools/kind-action": Hidden(f"kindest/node:{OPEN}", "node_image"),
    "engineerd/setup-kind": Hidden(f"kindest/node:{OPEN}", "image"),
    "absaoss/k3d-action": Hidden(f"rancher/k3s:{OPEN}"),
    "supercharge/mongodb-github-action": Hidden("mongo", "mongodb-image", "mongodb-version"),
    "supercharge/redis-github-action": Hidden("redis", "redis-image", "redis-version"),
    "harmon758/postgresql-action": Hidden("postgres", "", "postgresql version"),
    "mirromutth/mysql-action": Hidden("mysql", "", "mysql version"),
    "getong/mariadb-action": Hidden("mariadb", "", "mariadb version"),
    "getong/redis-action": Hidden("redis", "", "redis version"),
}


def implicit_mentions(places: Places, step: Step) -> Iterator[Mention]:
    """The images that a step pulls without naming them."""
    if step.uses is None:
        return
    action = step.uses.repository
    if action == BUILDX:
        yield from _builder(places, step)
    elif action in HIDDEN:
        yield from _hidden(places, step, HIDDEN[action])
    elif action in BUILD_PUSH | BAKE and _scans(step):
        yield from _at_uses(places, step, _SCANNER, "build")


def _builder(places: Places, step: Step) -> Iterator[Mention]:
    if step.input("driver") is not None and step.input_text("driver") in _NO_BUILDER:
        return
    if any(True for _ in driver_image(places, step)) or step.input("endpoint") is not None:
        endpoint = step.input_text("endpoint")
        if not endpoint or "://" in endpoint:
            return
    yield from _at_uses(places, step, _BUILDKIT, "setup")


def _hidden(places: Places, step: Step, hidden: Hidden) -> Iterator[Mention]:
    if hidden.explicit and step.input(hidden.explicit) is not None and not hidden.version:
        return
    if not hidden.version:
        yield from _at_uses(places, step, hidden.image, hidden.pulled)
        return
    if hidden.explicit and step.input(hidden.explicit) is not None:
        return
    version = step.input(hidden.version)
    tags = [hidden.default]
    if version is not None:
        tags = [one.text.text.strip() for one in places.scope.readings(version, step)]
    tag = tags[0] if len(tags) == 1 else OPEN
    yield from _at_uses(places, step, f"{hidden.image}:{tag}", hidden.pulled)


def _scans(step: Step) -> bool:
    sbom = step.input_text("sbom").lower()
    attests = step.input_text("attests")
    wanted = sbom not in _OFF or "type=sbom" in attests
    return wanted and "generator=" not in sbom + attests


def _at_uses(places: Places, step: Step, image: str, pulled: Pulled) -> Iterator[Mention]:
    span = uses_span(places, step.uses) if step.uses is not None else None
    if span is not None:
        times = len(places.scope.of_step(step))
        text = places.file.cut(span)
        yield Mention(KIND, "pull", span, text, image, pulled, places.job, times, implicit=True)
