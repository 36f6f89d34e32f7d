"""Names that kustomizations match: a manifest's name and `images[].name` never part. Pure.

Kustomize puts `newName` and `newTag` in the place of an image whose name in the manifest equals
`images[].name`, letter by letter. Where one of the two changes alone the match ends, without a
word. So a manifest that is matched stays as it is, and the kustomization gets the new name: its
`newName` changes, or is put in.

Source: kubectl.docs.kubernetes.io, "images" (kustomization).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from longshore.rewrite.edits import Edit
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.kustomize import KIND, kustomizations, resources_of
from longshore.rewrite.finders.manifest import text_of
from longshore.rewrite.plan import Decision
from longshore.rewrite.rename import name_end
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.step_edits import after_line, column_of, key_start
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Scalar, documents, walk
from longshore.text import tr


@dataclass(frozen=True)
class _Matched:
    """A kustomization that matches a name: its path, and whether it says a new name already."""

    path: str
    renamed: bool


def with_kustomizations(tree: Tree, decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions, changed so that no match of a kustomization ends."""
    names = _matches(tree) if any(one.changes for one in decisions) else {}
    found = []
    for one in decisions:
        if one.changes and one.use.mention.kind == KIND:
            one = _in_kustomization(tree, one)
        elif one.changes and names:
            one = _in_manifest(names, one)
        found.append(one)
    return found


def _matches(tree: Tree) -> Mapping[tuple[str, str], _Matched]:
    """By file and name: the kustomization that matches it."""
    found: dict[tuple[str, str], _Matched] = {}
    for path in kustomizations(tree.paths):
        file = tree.file(path)
        for root in documents(file).documents if file is not None else ():
            if not isinstance(root, YamlMapping):
                continue
            entries = list(_entries(root))
            if not entries:
                continue
            for taken in {path, *resources_of(path, root, tree), *_patches(path, root, tree)}:
                for name, new in entries:
                    found.setdefault((taken, name), _Matched(path, bool(new) and new != name))
    return found


def _entries(root: YamlMapping) -> Iterator[tuple[str, str]]:
    for node in root.sequence("images"):
        if isinstance(node, YamlMapping) and (name := text_of(node.get("name"))):
            yield name, text_of(node.get("newName"))


def _patches(path: str, root: YamlMapping, tree: Tree) -> Iterator[str]:
    """Files of patches: they are merged before the images are matched."""
    folder = posixpath.dirname(path)
    named = [text_of(one) for one in root.sequence("patchesStrategicMerge")]
    for key in ("patches", "patchesJson6902"):
        named += [
            text_of(one.get("path")) for one in root.sequence(key) if isinstance(one, YamlMapping)
        ]
    for name in named:
        found = posixpath.normpath(posixpath.join(folder, name)) if name else ""
        if found in tree.paths:
            yield found


def _in_manifest(names: Mapping[tuple[str, str], _Matched], one: Decision) -> Decision:
    text = one.use.mention.text
    matched = names.get((one.use.file, text[: name_end(text)]))
    if matched is None:
        return one
    return one.kept(
        tr("{file} matches this name and puts its newName there", file=matched.path)
        if matched.renamed
        else tr("{file} matches this name; it gets a newName there", file=matched.path)
    )


def _in_kustomization(tree: Tree, one: Decision) -> Decision:
    """`newName` put in where only `name` and a tag are written."""
    file = tree.file(one.use.file)
    span = one.use.mention.span
    for root in documents(file).documents if file is not None else ():
        for node in walk(root):
            if isinstance(node, YamlMapping):
                name = node.get("name")
                if isinstance(name, Scalar) and name.span == span and file is not None:
                    return _put_in(file, node, name, one)
    if file is not None and _is_bare_string(file, one):
        text = one.use.mention.text
        end = name_end(text)
        edit = Edit(file.path, Span(span.start, span.start), "", f"{text[:end]}=")
        return replace(one, edits=(edit, *one.edits))
    return one


def _put_in(file: SourceFile, node: YamlMapping, name: Scalar, one: Decision) -> Decision:
    key = node.key("name")
    pair = f"newName: {one.wanted.new}"
    if key is None or node.get("newName") is not None:
        return one.kept(tr("a newName cannot be put in there"))
    if file.text[node.span.start : node.span.start + 1] == "{":
        at = name.span.end + (1 if name.style in ("'", '"') else 0)
        return replace(one, edits=(Edit(file.path, Span(at, at), "", f", {pair}"),))
    line = file.place(name.span.end)[0]
    edit = after_line(file, line, [pair], column_of(file, key_start(key)))
    return replace(one, edits=(edit,))


def _is_bare_string(file: SourceFile, one: Decision) -> bool:
    """Argo CD's short form `name:tag`, which has to become `name=new:tag`."""
    span = one.use.mention.span
    before = file.text[max(0, span.start - 1) : span.start]
    line = file.line_of(span.start).strip()
    return before != "=" and line.startswith("-") and ":" not in line.partition(" ")[0]
