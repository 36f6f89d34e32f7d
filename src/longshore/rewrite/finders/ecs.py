"""Container definitions of ECS and Elastic Beanstalk as JSON: `containerDefinitions[].image`. Pure.

Also a bare list of definitions (as Terraform renders them), and `Image.Name` of Dockerrun files.
Placeholders of templates (`${image}`, `<IMAGE>`, `{{ x }}`) stay open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, unique
from longshore.rewrite.finders.node_paths import mappings, mappings_at, nodes_at
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.json_nodes import json_documents
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Sequence

KIND = "ecs"
MARKS: tuple[bytes, ...] = (b"ontainerDefinitions", b"ontainerProperties", b"portMappings")
MARKS += (b'"essential"', b"AWSEBDockerrunVersion", b"logConfiguration")
_PATH = re.compile(r"\.(?:json|jsonc|json\.(?:tpl|tftpl|tmpl|template|erb|j2)|tpl|tftpl)\Z")
_DIALECT = Dialect(
    re.compile(
        r"\$\{(?P<name>[^}\n]{1,200})\}|\{\{(?P<braced>[^}\n]{1,200})\}\}"
        r"|<%=?(?P<other>[^%\n]{1,200})%>|<[A-Za-z_][\w -]{0,80}>|\$[A-Za-z_]\w{0,200}"
    )
)
_SIGNS = ("essential", "cpu", "memory", "memoryReservation", "portMappings", "logConfiguration")
_LISTS = ("containerDefinitions", "ContainerDefinitions", "container_definitions")


def takes(path: str) -> bool:
    """Whether a path may hold container definitions."""
    return _PATH.search(path.lower()) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a file; None when it holds no container definition."""
    finding = Finding(file, KIND, "node", _DIALECT)
    nodes = [one for root in json_documents(file).documents for one in _images(root)]
    if not nodes:
        return None
    return unique(found for node in nodes for found in finding.image(node))


def _images(root: Node) -> Iterator[Node]:
    for node in mappings(root):
        for name in _LISTS:
            for one in node.sequence(name):
                if isinstance(one, Mapping):
                    yield from _image(one)
        properties = node.get("containerProperties")
        if isinstance(properties, Mapping):
            yield from _image(properties)
    if isinstance(root, Sequence):
        for one in mappings_at(root, "*"):
            if any(one.get(key) is not None for key in _SIGNS):
                yield from _image(one)
    if isinstance(root, Mapping) and root.get("AWSEBDockerrunVersion") is not None:
        yield from nodes_at(root, "Image.Name")
    if isinstance(root, Mapping) and any(root.get(key) is not None for key in _SIGNS):
        yield from _image(root)


def _image(node: Mapping) -> Iterator[Node]:
    image = node.get("image") or node.get("Image")
    if image is not None:
        yield image
