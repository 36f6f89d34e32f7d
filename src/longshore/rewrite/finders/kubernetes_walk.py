"""Where the objects of Kubernetes and its many operators name images. Pure.

Containers have `image`; operators add `image` maps, `fooImage` keys, and images in the arguments
and variables of other programs. The walk is over any mapping, so that templates inside custom
resources are seen like pods.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.finders.image_maps import is_split, split_image
from longshore.rewrite.finders.manifest import Manifest, pull_condition, text_of
from longshore.rewrite.finders.shape import (
    cover,
    has_host,
    has_mark,
    is_certain,
    is_possible,
    names_something,
)
from longshore.rewrite.mentions import Mention
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence

_IMAGE_KEY = re.compile(r"(?:[A-Za-z][\w-]*(?:Image|[_-]image)|imageName|image_name)\Z")
_IMAGE_NAME = re.compile(r"image", re.IGNORECASE)
_ASSIGNED = re.compile(r"(--?[A-Za-z][\w.-]{0,80}|[A-Za-z_]\w{0,80})=(?=\S)")
_IMAGE_FLAG = re.compile(r"--?[\w-]*image\Z")
PICTURES = frozenset({
    *("logo", "icon", "icons", "avatar", "banner", "background", "favicon", "theme", "branding"),
    *("openGraph", "opengraph", "seo", "hero", "social", "card", "screenshots"),
})  # fmt: skip
# Groups whose `image` is mostly that of a virtual machine.
_MACHINES = re.compile(
    r"(?:cluster\.x-k8s\.io|machine\.openshift\.io|kops\.k8s\.io|harvesterhci\.io"
    r"|vmoperator\.vmware\.com|metal3\.io|karpenter\.|machine\.sapcloud\.io|backstage\.io)"
)
_SKIPPED = frozenset({"status", "managedFields", "openAPIV3Schema", "ownerReferences"})


@dataclass(frozen=True)
class Walk:
    """A document's walk: how strict it is where a key alone does not tell."""

    manifest: Manifest
    strict: bool = False

    def mentions(self, root: Node) -> Iterator[Mention]:
        """Every image below a node, in the order of the text."""
        seen: set[int] = set()
        stack: list[tuple[Node, str, bool]] = [(root, "", self.strict)]
        while stack:
            node, key, strict = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, Sequence):
                yield from self.words(node, key)
                stack.extend((item, key, strict) for item in reversed(node.items))
            elif isinstance(node, Mapping):
                yield from self._mapping(node, key, strict)
                stack.extend(_below(node, key, strict))

    def _mapping(self, node: Mapping, key: str, strict: bool) -> Iterator[Mention]:
        if {"monitors", "pool"} & set(node.keys()):
            return
        yield from _once(split_image(self.manifest, node, key))
        yield from self.named_value(node)
        if text_of(node.get("kind")) == "DockerImage":
            yield from _once(self.manifest.image(node.get("name")))
        for name, value in node.pairs:
            if isinstance(name, Scalar) and isinstance(value, Scalar):
                yield from self._pair(node, key, name.value, value, strict)

    def _pair(
        self, node: Mapping, parent: str, key: str, value: Scalar, strict: bool
    ) -> Iterator[Mention]:
        if value.style in ("|", ">") and "\n" in value.value.strip():
            if not is_prose(key):
                yield from self.manifest.lines(value)
        elif key == "image":
            if parent.rpartition(".")[2] in PICTURES or is_split(node, parent):
                return
            test = is_certain if strict else is_possible
            tail = _tail(node, value)
            condition = pull_condition(node)
            yield from _once(self.manifest.image(value, tail=tail, test=test, condition=condition))
        elif key == "reference" and parent.endswith(".image"):
            yield from _once(self.manifest.image(value))
        elif _IMAGE_KEY.match(key):
            test = is_certain if strict or key == "imageName" else has_mark
            if not test(value.value) and test is has_mark:
                test = is_certain
            yield from _once(self.manifest.image(value, test=test))
        elif key == "dockerImageRepository" or value.value.startswith("docker://"):
            yield from _once(self.manifest.image(value, test=has_mark))
        elif _IMAGE_NAME.search(key) and parent.endswith((".data", ".stringData", ".annotations")):
            yield from _once(self.manifest.image(value, test=is_certain))

    def named_value(self, node: Mapping) -> Iterator[Mention]:
        """A variable `- name: FOO_IMAGE, value: acme/foo:1`."""
        name, value = node.get("name"), node.get("value")
        if not isinstance(name, Scalar) or not isinstance(value, Scalar):
            return
        if _IMAGE_NAME.search(name.value) or has_host(value.value):
            yield from _once(self.manifest.image(value, test=is_certain))

    def words(self, node: Sequence, key: str) -> Iterator[Mention]:
        """Arguments: `--reloader-image=acme/reloader:1`, or `--image` and its value apart."""
        key = key.rpartition(".")[2]
        if key not in ("args", "command", "literals", "extraArgs", "images", "relatedImages"):
            return
        before = ""
        for item in node.items:
            if isinstance(item, Scalar) and not item.style.startswith(("|", ">")):
                yield from self._word(item, before, key)
            before = item.value if isinstance(item, Scalar) else ""

    def _word(self, item: Scalar, before: str, key: str) -> Iterator[Mention]:
        if key == "images" or _IMAGE_FLAG.match(before):
            yield from _once(self.manifest.image(item, test=has_mark))
            return
        found = _ASSIGNED.match(item.value)
        if found is None or item.raw != item.value:
            return
        value = cover(item.value[found.end() :])
        flag = found[1].lower()
        push = flag in ("--destination", "-d")
        test = has_mark if _IMAGE_FLAG.match(flag) else is_certain
        if not names_something(value) or not test(value):
            return
        if not (push or "image" in flag or has_host(value)):
            return
        span = self.manifest.place(item)
        if span is not None:
            moved = type(span)(span.start + found.end(), span.end)
            yield self.manifest.mention(moved, value, "push" if push else "pull")


def is_machine_group(api_version: str) -> bool:
    """Whether objects of this group speak of machines, whose images are not containers'."""
    return _MACHINES.search(api_version) is not None


def _below(node: Mapping, path: str, strict: bool) -> Iterator[tuple[Node, str, bool]]:
    above = path.rpartition(".")[2]
    for name, value in reversed(node.pairs):
        key = name.value if isinstance(name, Scalar) else ""
        if key not in _SKIPPED and not isinstance(value, Scalar):
            yield value, f"{above}.{key}", strict or key in ("metadata", "labels", "matchLabels")


def _tail(node: Mapping, value: Scalar) -> str:
    """A tag that stands beside `image`, not in it."""
    name = value.value.rpartition("/")[2]
    if ":" in name or "@" in name:
        return ""
    tag = text_of(node.get("tag")) or text_of(node.get("imageTag"))
    return f":{tag}" if tag and is_possible(f"x:{tag}") else ""


def is_prose(key: str) -> bool:
    return key in ("description", "message", "summary", "notes", "readme", "README", "README.md")


def _once(mention: Mention | None) -> Iterator[Mention]:
    if mention is not None:
        yield mention
