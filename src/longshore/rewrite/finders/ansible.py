"""Ansible: images in the tasks of docker, podman and Kubernetes modules, and in variables. Pure.

Modules: docs.ansible.com, collections community.docker, containers.podman, kubernetes.core. A
variable that names an image is reported where it is set, and where a task uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from longshore.rewrite.finders.ansible_variables import JINJA, lookup_of
from longshore.rewrite.finders.embedded_data import line_spots
from longshore.rewrite.finders.expansion import Lookup, expand
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, scalars, unique
from longshore.rewrite.finders.node_paths import mappings, nodes_at
from longshore.rewrite.finders.shape import has_mark, is_certain, is_possible
from longshore.rewrite.mentions import OPEN, Mention, Role
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence

KIND = "ansible"
MARKS = (b"image", b"docker", b"podman")
_YAML = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
_VARIABLES = re.compile(
    r"(?:\A|/)(?:(?:roles|ansible[^/]*|playbooks?)/(?:.*/)?(?:defaults|vars)/.*"
    r"|(?:defaults|vars)/(?:main|[^/]+)|(?:group_vars|host_vars)/.*)\.ya?ml\Z"
)
_TASKS = re.compile(r"(?:\A|/)(?:tasks|handlers)/[^/]+\.ya?ml\Z")
_RUNS = {
    *("docker_container", "docker_swarm_service", "podman_container", "docker", "ecs_container"),
    *("docker_container_exec", "docker_service_update", "nerdctl_container"),
}
_IMAGES: dict[str, Role] = {
    "docker_image": "pull",
    "docker_image_pull": "pull",
    "podman_image": "pull",
    "docker_image_build": "build-output",
    "docker_image_push": "push",
    "docker_image_tag": "tag",
    "docker_image_info": "tag",
}
_COMPOSE = {"docker_compose", "docker_compose_v2", "docker_service", "docker_stack"}
_KUBERNETES = {"k8s", "kubernetes", "openshift_raw", "k8s_raw"}
_SHELL = {"shell", "command", "raw", "win_shell", "win_command"}
_TEXTS = {"copy": "content", "blockinfile": "block"}
_WRITTEN = re.compile(r"^[ \t]*(?:apiVersion|services|(?:init)?containers):", re.M | re.I)
_PAIR = re.compile(r"(?:\A|\s)(?P<key>image|name|state|tag)=(?P<value>'[^']*'|\"[^\"]*\"|\S+)")
_PLAY = {"hosts", "tasks", "roles", "import_playbook"}
_TASK = {"name", "register", "when", "become", "tags", "notify", "loop", "with_items", "block"}
_KEY = re.compile(
    r"(?:.*[_-])?(?:image|docker_?image|container_?image|image_?name|container)\Z", re.I
)
_NO_KEY = re.compile(
    r"(?:\A|_)(?:vm|os|boot|ami|disk|cloud|iso|machine|box|qcow2?|background|logo|libvirt|base_os"
    r"|proxmox|openstack|gcp|gce|azure|ec2|lxc|lxd|packer|vagrant|template)(?:_|\Z)",
    re.IGNORECASE,
)


def takes(path: str) -> bool:
    """Whether a path may hold tasks or variables."""
    return _YAML.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a playbook, tasks or variables; None when a file is none of them."""
    roots = read_of(file).documents
    if any(isinstance(one, Sequence) and _is_tasks(one) for one in roots):
        tasks = [one for root in roots for one in mappings(root)]
        return unique(found for task in tasks for found in _Task(file, tree, task).mentions())
    if _VARIABLES.search(file.path):
        return unique(_of_variables(file, tree))
    return None if not _TASKS.search(file.path) else []


def _is_tasks(root: Sequence) -> bool:
    for item in root.items:
        if isinstance(item, Mapping):
            keys = set(item.keys())
            if keys & _PLAY and ("hosts" in keys or "import_playbook" in keys):
                return True
            modules = {_short(key) for key in keys}
            known = {*_RUNS, *_IMAGES, *_COMPOSE, *_KUBERNETES, *_SHELL, "docker_login"}
            if modules & (known - {"docker", "command"}) and (keys & _TASK or len(keys) == 1):
                return True
            if modules & {"command", "block", "include_tasks", "import_tasks"} and keys & _TASK:
                return "agents" not in keys and "plugins" not in keys and "label" not in keys
            if {"ansible.builtin"} & {key.rpartition(".")[0] for key in keys}:
                return True
    return False


def _short(key: str) -> str:
    """A module's name without its collection."""
    return key.rpartition(".")[2] if key.count(".") in (0, 2) else ""


class _Task:
    """One task (or a mapping that turns out to be none)."""

    def __init__(self, file: SourceFile, tree: Tree, node: Mapping) -> None:
        self._file = file
        self._node = node
        self._lookup: Lookup = lookup_of(file, tree, node)
        self._finding = Finding(file, KIND, "host", JINJA, self._lookup)

    def mentions(self) -> Iterator[Mention]:
        for key, value in self._node.items():
            module = _short(key.value)
            if key.value in ("action", "local_action") and isinstance(value, Mapping):
                module = _short(value.text("module") or "")
            if module in _SHELL:
                given = value.get("cmd") if isinstance(value, Mapping) else value
                yield from self._finding.script(scalars(given))
                if isinstance(value, Mapping):
                    yield from self._of_text(value.get("stdin"))
            elif isinstance(value, Mapping):
                yield from self._of_module(module, value)
            elif module in _RUNS and isinstance(value, Scalar):
                yield from self._of_pairs(value, "image")
            elif module in _IMAGES and isinstance(value, Scalar):
                yield from self._of_pairs(value, "name")

    def _of_module(self, module: str, given: Mapping) -> Iterator[Mention]:
        absent = given.text("state") == "absent"
        if module in _RUNS and not absent:
            yield from self._finding.image(given.get("image"))
        elif module in _IMAGES and not absent:
            yield from self._of_image(module, given)
        elif module in _COMPOSE:
            for path in ("definition.services.*.image", "compose.*.services.*.image"):
                for node in nodes_at(given, path):
                    yield from self._finding.image(node)
        elif module in _KUBERNETES:
            for path in ("**.containers.*.image", "**.initContainers.*.image"):
                for node in nodes_at(given, path):
                    yield from self._finding.image(node)
        elif module in ("ecs_taskdefinition", "podman_play"):
            for node in nodes_at(given, "containers.*.image"):
                yield from self._finding.image(node)
        elif module in ("docker_login", "podman_login"):
            yield from self._of_login(given)
        elif module in _TEXTS:
            yield from self._of_text(given.get(_TEXTS[module]))

    def _of_image(self, module: str, given: Mapping) -> Iterator[Mention]:
        role = _IMAGES[module]
        source = given.text("source") or ""
        built = source == "build" or any(given.get(one) is not None for one in ("path", "build"))
        if role == "pull" and built:
            role = "build-output"
        elif role == "pull" and source in ("load", "local"):
            role = "tag"
        if (given.text("push") or "").lower() in ("true", "yes"):
            role = "push"
        names = given.get("name")
        for name in scalars(names):
            for found in self._finding.split(None, name, _tag(name, given), role):
                yield found if role != "build-output" else replace(found, built=True)
        if role != "pull":
            for one in scalars(given.get("repository")):
                yield from self._finding.image(one, "push" if role == "push" else "tag")

    def _of_text(self, text: Node | None) -> Iterator[Mention]:
        """A manifest or compose file that is written by the task."""
        if not isinstance(text, Scalar) or not _WRITTEN.search(text.value):
            return
        for spot in line_spots(text.value):
            span = text.locate(spot.image.start, spot.image.end)
            if span is not None:
                value = text.value[spot.image.start : spot.image.end]
                yield from self._finding.image(Scalar(value, span, "", value))

    def _of_login(self, given: Mapping) -> Iterator[Mention]:
        server = given.get("registry_url") or given.get("registry") or given.get("url")
        if isinstance(server, Scalar):
            yield from self._finding.image(server, "login")

    def _of_pairs(self, value: Scalar, wanted: str) -> Iterator[Mention]:
        pairs = {found["key"]: found for found in _PAIR.finditer(value.value)}
        found = pairs.get(wanted)
        if found is None or ("state" in pairs and pairs["state"]["value"] == "absent"):
            return
        quoted = 1 if found["value"][:1] in "'\"" else 0
        span = value.locate(found.start("value") + quoted, found.end("value") - quoted)
        text = found["value"].strip("'\"")
        if span is not None and text:
            yield from self._finding.image(Scalar(text, span, "", text))


def _tag(name: Scalar, given: Mapping) -> Node | None:
    """The separate tag, unless the name has one."""
    return None if ":" in name.value.rpartition("/")[2] else given.get("tag")


def _of_variables(file: SourceFile, tree: Tree) -> Iterator[Mention]:
    """Values of variables whose name says image, when they look like a reference."""
    lookup = lookup_of(file, tree)
    finding = Finding(file, KIND, "host", JINJA, lookup)
    for root in read_of(file).documents:
        for node in mappings(root):
            for key, value in node.items():
                if not isinstance(value, Scalar) or not _KEY.match(key.value):
                    continue
                if _NO_KEY.search(key.value) or "\n" in value.value:
                    continue
                is_mine = is_certain if key.value.endswith("container") else _is_reference
                if any(is_mine(one.value) for one in expand(value.value, JINJA, lookup)):
                    yield from finding.image(value)


def _is_reference(value: str) -> bool:
    bare = value.replace(OPEN, "x")
    return is_possible(bare) and has_mark(bare) and not value.startswith(OPEN + ":")
