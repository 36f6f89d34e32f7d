"""YAML that no other finder claims: `image:` where the mapping looks like a container. Pure.

A value counts only if it surely is a reference and its neighbours are those of a container:
`image:` is as often a picture, a machine's disk or an example of an API. Shell that stands under
`run`, `cmd`, `script` and their like is read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, scalars, unique
from longshore.rewrite.finders.line_rule import line_rule_mentions
from longshore.rewrite.finders.node_paths import mappings
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.shape import (
    cover,
    has_host,
    has_mark,
    has_tag,
    is_certain,
    is_possible,
    name_of,
)
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar, documents

KIND = "yaml-image"
MARKS = (b"image", b"Image", b"docker ", b"podman ")
_PATH = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
_DIALECT = Dialect(
    re.compile(
        r"\$?\{\{(?P<name>[^{}\n]{0,300})\}\}|\$\{(?P<braced>\w{1,200})(?::?-(?P<default>[^}\n]{0,200}))?"
        r"[^}\n]{0,200}\}|\$\((?P<other>[^()\n]{0,200})\)|\$[A-Za-z_]\w{0,200}"
    ),
    masked=re.compile(r"\{\{[^{}\n]{0,300}\}\}"),
)
_KEY = re.compile(
    r"(?:docker|container|base|builder|runtime|sidecar|init|worker|job|test|runner)"
    r"[_-]?(?:image|Image)\Z"
)
_CONTAINER = {
    *("command", "args", "env", "environment", "ports", "volumes", "entrypoint", "container_name"),
    *("tag", "restart", "networks", "depends_on", "pull_policy", "imagePullPolicy", "pullPolicy"),
    *("resources", "volumeMounts", "securityContext", "commands", "script", "working_dir", "cmd"),
    *("privileged", "mounts", "env_file", "envs", "cpu", "memory", "replicas", "published_ports"),
    *("containerPort", "port", "healthcheck", "environment_variables", "run", "entryPoint"),
    *("dockerfile", "registry", "docker_options", "services", "workingDir", "steps", "timeout"),
}
_NO_CONTAINER = {"profiles", "devices", "flavor", "machine_type", "ami", "disk", "box", "title"}
_NO_CONTAINER |= {"description", "alt", "caption", "author", "permalink", "layout", "date", "url"}
_SCRIPTS = ("run", "cmd", "cmds", "command", "commands", "script", "scripts", "shell", "sh", "args")
_API = ("openapi", "swagger", "asyncapi", "$schema")
_SITE = ("layout", "theme")
_SHELL = re.compile(r"\b(?:docker|podman|nerdctl|crane|skopeo|buildah)\s")


def takes(path: str) -> bool:
    """Whether a path is YAML."""
    return _PATH.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention]:
    """What surely are images in the mappings of a file."""
    read = documents(file)
    if not read.documents and read.problem:
        found = [one for one in line_rule_mentions(file, KIND, "host") if _is_sure(one.expanded)]
        return unique(found)
    found = []
    for root in read.documents:
        if isinstance(root, Mapping) and _is_foreign(root):
            continue
        for node in mappings(root):
            found += _of_mapping(file, node)
    return unique(found)


def _is_foreign(root: Mapping) -> bool:
    """An interface's description, a site's settings, or a workflow where nothing runs it."""
    if any(root.get(key) is not None for key in _API):
        return True
    if any(isinstance(root.get(key), Scalar) for key in _SITE):
        return True
    return isinstance(root.get("jobs"), Mapping) and root.get("on") is not None


def _of_mapping(file: SourceFile, node: Mapping) -> Iterator[Mention]:
    finding = Finding(file, KIND, "host", _DIALECT)
    keys = set(node.keys())
    for key, value in node.items():
        if not isinstance(value, Scalar):
            continue
        text = cover(value.value.strip())
        if key.value == "image" and _is_container_image(text, keys):
            if is_possible(text) and node.get("tag") is not None and not has_tag(text):
                yield from finding.split(node.get("registry"), value, node.get("tag"))
            else:
                yield from finding.image(value)
        elif _KEY.match(key.value) and not keys & _NO_CONTAINER and _is_sure(text):
            yield from finding.image(value)
    for name in _SCRIPTS:
        lines = [one for one in scalars(node.get(name)) if _SHELL.search(one.value)]
        yield from finding.script(lines)


def _is_container_image(text: str, keys: set[str]) -> bool:
    if not is_possible(text) or keys & _NO_CONTAINER or text.startswith("aws/"):
        return False
    siblings = len(keys & _CONTAINER)
    if is_certain(text):
        return True
    if has_tag(text):
        return siblings > 0 or (is_official(name_of(text)) and ("name" in keys or len(keys) == 1))
    if has_mark(text):
        return siblings > 1 or (siblings > 0 and ("name" in keys or has_host(text)))
    return siblings > 1 and is_official(text)


def _is_sure(text: str) -> bool:
    return is_certain(text) or (is_possible(text) and has_tag(text) and is_official(name_of(text)))
