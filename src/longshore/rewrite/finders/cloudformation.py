"""CloudFormation and SAM templates, in YAML and JSON: container images of any resource. Pure.

Reference: docs.aws.amazon.com/AWSCloudFormation. A property is text or a function (`!Sub`, `Ref`,
`Fn::Join`, `Fn::If`, `Fn::FindInMap`); parameters are filled in with their default and, when they
have none, their allowed values. `aws/codebuild/...` are AWS's own; `ImageId` is no container.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from longshore.rewrite.finders.expansion import Dialect, Expanded, Known, Lookup, by_name, expand
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, piece_of, placed, unique
from longshore.rewrite.finders.node_paths import mappings, mappings_at
from longshore.rewrite.mentions import OPEN, Mention, Pulled
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.json_nodes import json_documents
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, YamlFile, documents
from longshore.rewrite.syntax.yaml_nodes import Sequence as NodeList

KIND = "cloudformation"
MARKS = (b"AWS::", b"AWS\\u003a")
_PATH = re.compile(r"\.(?:ya?ml|json|template|cfn|sam|jsonc)\Z", re.IGNORECASE)
_IMAGE_KEYS = {"Image", "ImageUri", "ImageIdentifier", "ContainerImage", "DockerImage", "ImageURI"}
_NO_IMAGES = re.compile(r"(?:aws/codebuild/|aws/|codebuild/|ami-)")
_DIALECT = Dialect(
    re.compile(r"\$\{(?P<literal>!)[^}\n]{0,200}\}|\$\{\s{0,9}(?P<name>[\w.:-]{1,200})\s{0,9}\}"),
    masked=re.compile(r"\$\{(?:AWS::)?[\w.:-]{1,200}\}"),
)
_MAX_DEPTH = 8


def takes(path: str) -> bool:
    """Whether a path may be a template."""
    return _PATH.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a template; None when a file is none."""
    roots = [one for one in _documents(file).documents if isinstance(one, Mapping)]
    templates = [one for one in roots if _is_template(one)]
    if not templates:
        return None
    return unique(found for root in templates for found in _Template(file, root).mentions())


def _documents(file: SourceFile) -> YamlFile:
    body = file.text.lstrip("\ufeff \t\r\n")
    return json_documents(file) if body.startswith("{") else documents(file)


def _is_template(root: Mapping) -> bool:
    if root.get("apiVersion") is not None:
        return False
    resources = root.mapping("Resources")
    return root.get("AWSTemplateFormatVersion") is not None or any(
        isinstance(one, Mapping) and (one.text("Type") or "").startswith(("AWS::", "Custom::"))
        for _, one in resources.items()
    )


class _Template:
    """One template: its parameters, mappings and resources."""

    def __init__(self, file: SourceFile, root: Mapping) -> None:
        self._file = file
        self._root = root

    def mentions(self) -> Iterator[Mention]:
        for _, resource in self._root.mapping("Resources").items():
            if isinstance(resource, Mapping):
                yield from self._of_resource(resource)
        for node in mappings_at(self._root, "Globals.Function"):
            yield from self._image(node.get("ImageUri"), "node")

    def _of_resource(self, resource: Mapping) -> Iterator[Mention]:
        kind = resource.text("Type") or ""
        if kind.startswith(("AWS::EC2::Image", "AWS::ImageBuilder", "AWS::AppStream")):
            return
        build = kind.startswith("AWS::CodeBuild")
        for node in mappings(resource):
            for key, value in node.pairs:
                name = key.value if isinstance(key, Scalar) else ""
                if name in _IMAGE_KEYS:
                    yield from self._image(value, "build" if build else "node")
                elif name == "UserData":
                    finding = Finding(self._file, KIND, "host", _DIALECT, self._lookup)
                    yield from finding.script(_texts(value))

    def _image(self, node: Node | None, pulled: Pulled) -> Iterator[Mention]:
        finding = Finding(self._file, KIND, pulled, _DIALECT, self._lookup)
        for place, readings in self._values(node, 0):
            at = placed(self._file, place) if isinstance(place, Scalar) else (place.span, "")
            if at is None:
                continue
            for one in by_name(readings):
                if one.value and not _NO_IMAGES.match(one.value):
                    yield finding.mention(at[0], one)

    def _values(self, node: Node | None, depth: int) -> Iterator[tuple[Node, list[Expanded]]]:
        """The places of a property's values, with what each says."""
        if node is None or depth > _MAX_DEPTH:
            return
        name, argument = _function(node)
        if name == "If" and isinstance(argument, NodeList):
            for branch in argument.items[1:3]:
                yield from self._values(branch, depth + 1)
        elif name in ("", "Sub") and isinstance(argument, Scalar):
            text = argument.value.strip()
            known = expand(text, _DIALECT, self._lookup) if name else [Expanded(text)]
            yield argument, known
        elif name == "Ref" and isinstance(argument, Scalar):
            yield argument, expand(f"${{{argument.value.strip()}}}", _DIALECT, self._lookup)
        elif name == "Sub" and isinstance(argument, NodeList) and argument.items:
            yield from self._substituted(argument, depth)
        elif name == "Join" and isinstance(argument, NodeList) and len(argument.items) == 2:
            yield node, self._joined(argument, depth)
        elif name in ("FindInMap", "Select", "GetAtt", "ImportValue", "Split", "Transform"):
            yield node, self._looked_up(name, argument)

    def _substituted(self, argument: NodeList, depth: int) -> Iterator[tuple[Node, list[Expanded]]]:
        text = argument.items[0]
        given: dict[str, list[Known]] = {}
        for node in argument.items[1:]:
            for key, value in node.items() if isinstance(node, Mapping) else ():
                readings = [one for _, found in self._values(value, depth + 1) for one in found]
                given[key.value] = [Known(one.value) for one in readings]
        if isinstance(text, Scalar):
            lookup = self._with(given)
            yield text, expand(text.value.strip(), _DIALECT, lookup)

    def _joined(self, argument: NodeList, depth: int) -> list[Expanded]:
        mark = argument.items[0].value if isinstance(argument.items[0], Scalar) else ""
        parts = argument.items[1]
        texts: list[str] = []
        for part in parts.items if isinstance(parts, NodeList) else []:
            found = [one for _, known in self._values(part, depth + 1) for one in known]
            texts.append(found[0].value if len(found) == 1 else OPEN)
        return [Expanded(mark.join(texts), missing=("Fn::Join",) if OPEN in texts else ())]

    def _looked_up(self, name: str, argument: Node) -> list[Expanded]:
        table = argument.items[0] if isinstance(argument, NodeList) and argument.items else None
        if name == "FindInMap" and isinstance(argument, NodeList) and isinstance(table, Scalar):
            last = argument.items[-1]
            if isinstance(last, Scalar) and not last.tag:
                rows = self._root.mapping("Mappings").mapping(table.value)
                cells = [row.get(last.value) for _, row in rows.items() if isinstance(row, Mapping)]
                values = [Expanded(one.value) for one in cells if isinstance(one, Scalar)]
                if values:
                    return values
        return [Expanded(OPEN, missing=(f"Fn::{name}",))]

    def _with(self, given: dict[str, list[Known]]) -> Lookup:
        own: Callable[[str], list[Known] | None] = self._lookup
        return lambda name: given.get(name) or own(name)

    def _lookup(self, name: str) -> list[Known] | None:
        parameter = self._root.mapping("Parameters").mapping(name)
        default = parameter.get("Default")
        listed = [default] if isinstance(default, Scalar) else parameter.sequence("AllowedValues")
        return [
            Known(one.value, piece_of(self._file, one))
            for one in listed
            if isinstance(one, Scalar) and one.value
        ] or None


def _function(node: Node) -> tuple[str, Node]:
    """A node's function and its argument; no name for plain text."""
    if node.tag.startswith("!") and node.tag not in ("!", "!!str"):
        return node.tag[1:], node
    if isinstance(node, Mapping) and len(node.pairs) == 1:
        key, value = node.pairs[0]
        if isinstance(key, Scalar) and (key.value == "Ref" or key.value.startswith("Fn::")):
            return key.value.removeprefix("Fn::"), value
    return "", node


def _texts(node: Node) -> list[Scalar]:
    """The shell text below Fn::Base64, Fn::Sub and Fn::Join."""
    found: list[Scalar] = []
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, Scalar):
            found.append(one)
        elif isinstance(one, Mapping):
            stack.extend(value for _, value in one.pairs)
        else:
            stack.extend(reversed(one.items))
    return found if len(found) <= 1 else [one for one in found if len(one.value) > 1]
