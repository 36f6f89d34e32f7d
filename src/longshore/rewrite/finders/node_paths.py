"""Where in a document things stand, by a path of keys: `jobs.*.docker.*.image`. Pure.

`*` is every value of a mapping and every item of a list; `**` is the node itself and everything
below it, at any depth. A list met where a key is wanted is entered.

>>> from longshore.rewrite.syntax.yaml_nodes import parse_yaml
>>> root = parse_yaml("jobs: {a: {image: x}, b: {image: y}}").documents[0]
>>> [node.value for node in nodes_at(root, "jobs.*.image")]
['x', 'y']
"""

from __future__ import annotations

from collections.abc import Iterator

from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, walk


def nodes_at(root: Node, path: str) -> list[Node]:
    """The nodes at a path, each once, in order."""
    found = [root]
    for step in path.split(".") if path else []:
        found = _once(one for node in found for one in _step(node, step))
    return found


def scalars_at(root: Node, path: str) -> list[Scalar]:
    """The scalars at a path."""
    return [node for node in nodes_at(root, path) if isinstance(node, Scalar)]


def mappings_at(root: Node, path: str) -> list[Mapping]:
    """The mappings at a path."""
    return [node for node in nodes_at(root, path) if isinstance(node, Mapping)]


def mappings(root: Node) -> Iterator[Mapping]:
    """Every mapping of a document, each once."""
    return (node for node in walk(root) if isinstance(node, Mapping))


def _step(node: Node, step: str) -> Iterator[Node]:
    if step == "**":
        yield from walk(node)
    elif step == "*":
        if isinstance(node, Sequence):
            yield from node.items
        elif isinstance(node, Mapping):
            yield from (value for _, value in node.items())
    elif isinstance(node, Mapping):
        value = node.get(step)
        if value is not None:
            yield value
    elif isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Mapping):
                yield from _step(item, step)


def _once(nodes: Iterator[Node]) -> list[Node]:
    return list({id(node): node for node in nodes}.values())
