"""Helm values: images as one text, or split into registry, repository and tag. Pure.

The mention stands at the repository's value. What a chart's `global` says goes before every
image; a tag that is empty is the chart's own version when its templates say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Items
from dataclasses import dataclass, replace

from longshore.rewrite.finders.helm_chart import Chart
from longshore.rewrite.finders.helm_recipes import Cooked, cook
from longshore.rewrite.finders.image_maps import (
    Defaults,
    Parts,
    composed,
    is_split,
    namespace_of,
    split_image,
)
from longshore.rewrite.finders.kubernetes_walk import PICTURES, Walk, is_prose
from longshore.rewrite.finders.manifest import Manifest, text_of
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.shape import (
    cover,
    has_mark,
    has_tag,
    is_certain,
    is_possible,
    name_of,
    names_something,
)
from longshore.rewrite.mentions import OPEN, Mention, Part
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence

_KEY = re.compile(
    r"(?P<stem>(?:[A-Za-z][\w-]{0,80})??[iI]mage)(?P<what>|[-_]?(?:[rR]epository|[rR]epo|[nN]ame))\Z"
)
_GLOBAL_REGISTRIES = (
    "imageRegistry",
    "registry",
    "dockerRegistry",
    "image.registry",
    "images.registry",
)
_HUBS = (
    *("hub", "baseRepo", "baseRepository", "imagePrefix", "imageBase", "imageNamespace"),
    *("imageRepositoryPrefix", "imageRepoPrefix", "repositoryPrefix", "repoPrefix"),
)
_SKIPPED = frozenset({"labels", "matchLabels", "podLabels", "nodeSelector", "ingress"})


@dataclass(frozen=True)
class _Level:
    """A mapping on the way down, with what its surroundings give to images."""

    node: Node
    path: str
    defaults: Defaults


def mentions_of_values(manifest: Manifest, root: Mapping, tag: str = "") -> Iterator[Mention]:
    """Every image that values name, each place once. `tag` stands for an empty one."""
    places = set()
    for one in _walk(manifest, root, tag):
        if one.span not in places:
            places.add(one.span)
            yield one


def mentions_of_chart_values(
    manifest: Manifest, root: Mapping, chart: Chart | None
) -> Iterator[Mention]:
    """The same for the values of a chart, whose templates say more."""
    if chart is None:
        yield from mentions_of_values(manifest, root)
        return
    cooked = {}
    for recipe in chart.recipes:
        made = cook(recipe, root, chart.app_version, chart.values)
        mention = _cooked(manifest, made) if made is not None else None
        if mention is not None and (mention.span not in cooked or OPEN not in mention.expanded):
            cooked[mention.span] = mention
    for one in mentions_of_values(manifest, root, chart.tag):
        better = cooked.pop(one.span, None)
        if better is not None and name_of(better.expanded) == name_of(one.expanded):
            better = replace(better, pieces=one.pieces or better.pieces)
        yield better if better is not None and _knows_more(better, one) else one
    yield from cooked.values()


def _knows_more(cooked: Mention, found: Mention) -> bool:
    """Whether a recipe's image is to be believed: it is whole, or it tells that a bare name of
    the values is only the end of one."""
    name = name_of(found.expanded)
    return OPEN not in cooked.expanded or ("/" not in name and not is_official(name))


def _cooked(manifest: Manifest, made: Cooked) -> Mention | None:
    placed = manifest.value_of(made.node)
    value = cover(made.value)
    if placed is None or not names_something(value) or not is_possible(value):
        return None
    if not has_mark(value):
        return None
    part: Part = "repository" if len(made.parts) > 1 or has_tag(value) else "reference"
    piece = manifest.piece(made.node, part)
    return manifest.mention(placed[0], value, pieces=(piece,) if piece is not None else ())


def mentions_of_settings(manifest: Manifest, settings: Items[Mapping]) -> Iterator[Mention]:
    """Settings by path: `- name: image.repository, value: acme/shop`."""
    known: dict[str, Scalar] = {}
    for one in settings:
        value = one.get("value")
        if isinstance(value, Scalar) and text_of(value):
            known[text_of(one.get("name"))] = value
    yield from mentions_of_paths(manifest, known)


def mentions_of_paths(manifest: Manifest, known: dict[str, Scalar]) -> Iterator[Mention]:
    """Values that are given by their dotted paths."""
    for name, value in known.items():
        stem, _, key = name.rpartition(".")
        if key == "repository" or (key == "name" and stem.endswith("image")):
            parts = Parts(
                value,
                known.get(f"{stem}.registry"),
                None,
                known.get(f"{stem}.tag"),
                known.get(f"{stem}.digest"),
            )
            mention = composed(manifest, parts)
        elif key.lower().endswith("image"):
            tag = text_of(known.get(f"{name}Tag")) or text_of(known.get(f"{stem}.tag".lstrip(".")))
            tail = f":{tag}" if tag and not has_tag(value.value) else ""
            mention = manifest.image(value, tail=tail)
        else:
            continue
        if mention is not None:
            yield mention


def _walk(manifest: Manifest, root: Mapping, tag_: str) -> Iterator[Mention]:
    seen: set[int] = set()
    shared = Walk(manifest)
    stack = [_Level(root, "", _with_hub(root.mapping("global"), _with_hub(root, _global(root))))]
    while stack:
        level = stack.pop()
        node = level.node
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Sequence):
            yield from shared.words(node, level.path)
            stack.extend(replace(level, node=item) for item in reversed(node.items))
        elif isinstance(node, Mapping):
            yield from _mapping(manifest, node, level, tag_)
            yield from shared.named_value(node)
            stack.extend(_below(node, level))


def _mapping(manifest: Manifest, node: Mapping, level: _Level, tag_: str) -> Iterator[Mention]:
    defaults = level.defaults
    empty = node.get("tag") is not None and not text_of(node.get("tag"))
    if defaults.tag == OPEN and tag_ and (empty or level.path in ("", ".image")):
        defaults = replace(defaults, tag=tag_)
    found = split_image(manifest, node, level.path, defaults)
    if found is not None:
        yield found
    parent = level.path.rpartition(".")[2]
    for key, value in node.pairs:
        if not isinstance(key, Scalar) or not isinstance(value, Scalar) or not text_of(value):
            continue
        if value.style in ("|", ">") and "\n" in value.value.strip():
            yield from () if is_prose(key.value) else manifest.lines(value)
            continue
        one = None
        if matched := _KEY.match(key.value):
            if parent not in PICTURES and not (key.value == "image" and is_split(node, level.path)):
                one = _flat(manifest, node, value, matched, defaults)
        elif "images" in level.path.split("."):
            one = manifest.image(value, test=has_mark)
        if one is not None:
            yield one


def _flat(
    manifest: Manifest,
    node: Mapping,
    value: Scalar,
    matched: re.Match[str],
    defaults: Defaults,
) -> Mention | None:
    """An image in keys side by side: `image` and `tag`, `fooImage` and `fooImageTag`."""
    stem, plain = matched["stem"], matched["stem"].lower() == "image"
    if stem == "defaultImage" and matched["what"]:
        return None
    tag = _beside(node, stem, ("Tag", "_tag", "-tag", "Version", "_version"))
    if tag is None and plain:
        tag = _scalar(node, "tag") or _scalar(node, "version" if matched["what"] else "tag")
    registry = _beside(node, stem, ("Registry", "_registry", "-registry"))
    whole = has_tag(value.value)
    if matched["what"] and not (tag or registry or is_certain(cover(value.value))):
        split = matched["what"].lower().strip("-_") != "name" and has_mark(cover(value.value))
        return composed(manifest, Parts(value), defaults) if split else None
    if not plain and not (tag or has_mark(cover(value.value))):
        return None
    parts = Parts(value, registry, None, tag)
    if plain:
        parts = defaults.around(parts)
    elsewhere = parts.registry is not None or defaults.registry is not None
    if not elsewhere and (whole or (plain and parts.tag is None)):
        return manifest.image(value)
    return composed(manifest, parts, defaults if plain else replace(defaults, hub=None))


def _below(node: Mapping, level: _Level) -> Iterator[_Level]:
    above = level.path.rpartition(".")[2]
    for name, value in reversed(node.pairs):
        key = name.value if isinstance(name, Scalar) else ""
        if key in _SKIPPED or isinstance(value, Scalar):
            continue
        defaults = level.defaults
        if key == "images" and isinstance(value, Mapping):
            defaults = _of_images(value, defaults)
        yield _Level(value, f"{above}.{key}", _with_hub(node, defaults))


def _of_images(node: Mapping, defaults: Defaults) -> Defaults:
    """What `images: {registry: ..., tag: ...}` gives to the images below."""
    registry, tag = _scalar(node, "registry"), text_of(node.get("tag"))
    known = cover(tag) if tag and is_possible(f"x:{tag}") else defaults.tag
    return replace(defaults, registry=defaults.registry or registry, tag=known)


def _global(root: Mapping) -> Defaults:
    """A registry that goes before all images, and a tag that all share."""
    node = root.mapping("global")
    registry = next((one for path in _GLOBAL_REGISTRIES if (one := _at(node, path))), None)
    if registry is None:
        registry = _scalar(root, "imageRegistry")
    shared = root.mapping("image")
    if registry is None and not any(text_of(shared.get(key)) for key in ("repository", "name")):
        registry = _scalar(shared, "registry")
    default = text_of(root.get("defaultImageRepository")) or namespace_of(node.mapping("image"))
    if registry is None:
        registry = _scalar(root, "defaultImageRegistry")
    return Defaults(registry, text_of(root.get("defaultImageTag")) or OPEN, default or OPEN)


def _at(root: Mapping, path: str) -> Scalar | None:
    *folders, key = path.split(".")
    for folder in folders:
        root = root.mapping(folder)
    return _scalar(root, key)


def _with_hub(node: Mapping, defaults: Defaults) -> Defaults:
    """With what goes before the bare image names below, and the tag after them."""
    for key in _HUBS:
        if hub := _scalar(node, key):
            return replace(defaults, hub=hub, hub_tag=_scalar(node, "tag"))
    return defaults


def _beside(node: Mapping, stem: str, ends: Iterable[str]) -> Scalar | None:
    return next((one for one in (_scalar(node, stem + end) for end in ends) if one), None)


def _scalar(node: Mapping, key: str) -> Scalar | None:
    value = node.get(key)
    return value if isinstance(value, Scalar) and text_of(value) else None
