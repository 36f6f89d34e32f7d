"""Inputs of actions that are image references. Pure.

Known actions stand in a table; of others only inputs with an image's name are taken, and only
values that have a tag, a digest, a namespace or a registry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from longshore.rewrite.finders.shape import (
    has_mark,
    is_certain,
    is_possible,
    names_something,
)
from longshore.rewrite.finders.workflow_builds import BAKE, BUILD_PUSH, METADATA
from longshore.rewrite.finders.workflow_places import Places, Sort, parts_of, trimmed
from longshore.rewrite.mentions import Mention, Pulled, Role
from longshore.rewrite.syntax.workflow import Job, Scalars, Step
from longshore.rewrite.syntax.yaml_nodes import Scalar

KIND = "gha-input"


@dataclass(frozen=True)
class Input:
    """One input of a known action. `many`: a list; `loose`: a word that is no image is left out."""

    name: str
    role: Role = "pull"
    pulled: Pulled = "host"
    many: bool = False
    loose: bool = False

    @property
    def sort(self) -> Sort:
        """What its mentions share."""
        return Sort(KIND, self.role, self.pulled if self.role == "pull" else None)


BUILDER = Sort(KIND, "pull", "setup")
_SCANNED = (Input("image", loose=True),)
_RUN = (Input("image"),)
KNOWN: dict[str, tuple[Input, ...]] = {
    "docker/setup-qemu-action": (Input("image", pulled="setup"),),
    "docker/scout-action": (Input("image", loose=True), Input("to", loose=True)),
    "aquasecurity/trivy-action": (Input("image-ref", loose=True),),
    "anchore/scan-action": _SCANNED,
    "anchore/sbom-action": _SCANNED,
    "snyk/actions": _SCANNED,
    "azure/container-scan": (Input("image-name", loose=True),),
    "azure/k8s-deploy": (Input("images", pulled="node", many=True),),
    "azure/webapps-deploy": (Input("images", pulled="node", many=True),),
    "azure/aci-deploy": (Input("image", pulled="node"),),
    "azure/container-apps-deploy-action": (
        Input("imagetodeploy", pulled="node"),
        Input("imagetobuild", role="push"),
    ),
    "aws-actions/amazon-ecs-render-task-definition": (Input("image", pulled="node"),),
    "google-github-actions/deploy-cloudrun": (Input("image", pulled="node"),),
    "helm/kind-action": (Input("node_image"),),
    "engineerd/setup-kind": (Input("image"),),
    "container-tools/kind-action": (Input("node_image"),),
    "addnab/docker-run-action": _RUN,
    "maus007/docker-run-action-fork": _RUN,
    "tj-actions/docker-run": _RUN,
    "pyo3/maturin-action": (Input("container", loose=True),),
    "messense/maturin-action": (Input("container", loose=True),),
    "uraimo/run-on-arch-action": (Input("base_image"),),
    "redhat-actions/buildah-build": (
        Input("base-image", pulled="build"),
        Input("image", role="build-output"),
        Input("tags", role="build-output", many=True, loose=True),
    ),
    "redhat-actions/push-to-registry": (Input("tags", role="push", many=True, loose=True),),
    "mr-smithers-excellent/docker-build-push": (Input("image", role="push"),),
    "elgohr/publish-docker-github-action": (Input("name", role="push"),),
    "jerray/publish-docker-action": (Input("repository", role="push"),),
    "whoan/docker-build-with-cache-action": (
        Input("image_name", role="push"),
        Input("pull_image_and_stages"),
    ),
    "devcontainers/ci": (
        Input("imagename", role="push"),
        Input("cachefrom", role="cache", many=True),
    ),
    "crazy-max/ghaction-container-scan": _SCANNED,
    "goodwithtech/dockle-action": _SCANNED,
    "erzz/dockle-action": _SCANNED,
    "supercharge/mongodb-github-action": (Input("mongodb-image"),),
    "supercharge/redis-github-action": (Input("redis-image"),),
    "buildpacks/github-actions": (Input("builder", loose=True),),
    "zaproxy/action-baseline": (Input("docker_name"),),
    "zaproxy/action-full-scan": (Input("docker_name"),),
    "zaproxy/action-api-scan": (Input("docker_name"),),
    "akhilerm/tag-push-action": (
        Input("src", many=True),
        Input("dst", role="push", many=True),
    ),
    "noelware/docker-manifest-action": (
        Input("inputs", role="push", many=True),
        Input("images", many=True),
    ),
    "int128/docker-manifest-create-action": (
        Input("tags", role="push", many=True),
        Input("sources", many=True),
    ),
    "actions/attest-build-provenance": (Input("subject-name", role="tag", loose=True),),
    "actions/attest-sbom": (Input("subject-name", role="tag", loose=True),),
    "actions/attest": (Input("subject-name", role="tag", loose=True),),
}
_NAMES = re.compile(
    r"(?:[a-z0-9]+[-_])*(?:image|images|image[-_]?ref|image[-_]?url|image[-_]?uri|container)\Z"
    r"|(?:container|docker|base|builder|runner|node|test|target|source)image\Z"
    r"|(?:docker[-_]name|container[-_]name[-_]and[-_]tag)\Z"
)
_OWN_NAMES = re.compile(r"(?:[a-z0-9]+[-_])*image[-_]?names?\Z|meta-images\Z")
_OUTPUT_NAMES = re.compile(r"output|push|publish|destination|target")
_APPENDED = re.compile(r"(?<![\w-])image=([^\s,\"']+)")
_TAKEN = BUILD_PUSH | BAKE | METADATA
_SCHEMES = re.compile(r"(?:registry|docker|podman):(?://)?(?=[a-z0-9$])", re.IGNORECASE)
_NO_SCHEMES = re.compile(r"(?:local|fs|archive|oci-dir|sbom|dir|file|oci-archive|docker-archive):")


def input_mentions(places: Places, step: Step) -> Iterator[Mention]:
    """The images among a step's inputs."""
    if step.uses is None or step.uses.is_docker:
        return
    action = step.uses.repository
    for known in KNOWN.get(action, ()):
        scalar = step.input(known.name)
        if scalar is not None:
            yield from _known(places, step, scalar, known)
    if action not in KNOWN and action not in _TAKEN:
        yield from _by_name(places, step, step.with_)
    yield from driver_image(places, step)


def call_mentions(places: Places, job: Job) -> Iterator[Mention]:
    """The images that a job hands to a reusable workflow."""
    if job.uses is not None:
        yield from _by_name(places, None, {name.lower(): one for name, one in job.with_.items()})


def driver_image(places: Places, step: Step) -> Iterator[Mention]:
    """`driver-opts: image=moby/buildkit:...`: the builder's own image."""
    options, more = step.input("driver-opts"), step.input("append")
    if options is not None:
        for start, end in parts_of(options.value):
            yield from places.value(options, BUILDER, step, start, end, prefix="image=")
    if more is not None:
        for found in _APPENDED.finditer(more.value):
            yield from places.value(more, BUILDER, step, *found.span(1))


def _known(places: Places, step: Step, scalar: Scalar, known: Input) -> Iterator[Mention]:
    if known.many:
        yield from places.entries(scalar, known.sort, step, accept=_accept(known.loose))
        return
    start, end = trimmed(scalar.value, 0, None)
    if _NO_SCHEMES.match(scalar.value, start, end):
        return
    scheme = _SCHEMES.match(scalar.value, start, end)
    start = scheme.end() if scheme else start
    yield from places.value(scalar, known.sort, step, start, end, _accept(known.loose))


def _accept(loose: bool) -> Callable[[str], bool]:
    return has_mark if loose else is_possible


def _by_name(places: Places, step: Step | None, inputs: Scalars) -> Iterator[Mention]:
    for name, scalar in inputs.items():
        role: Role = "push" if _OUTPUT_NAMES.search(name) else "pull"
        if _OWN_NAMES.match(name):
            role = "tag"
        elif not _NAMES.match(name):
            continue
        sort = Sort(KIND, role, "host" if role == "pull" else None)
        is_many = "\n" in scalar.value.strip() or "," in scalar.value
        accept = is_certain if is_many and role != "tag" else _is_named
        yield from places.entries(scalar, sort, step, accept=accept)


def _is_named(value: str) -> bool:
    return has_mark(value) and names_something(value)
