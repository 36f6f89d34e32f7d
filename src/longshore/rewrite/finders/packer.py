"""Packer templates: the image a docker source starts from, what is tagged, pushed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.hcl_values import Defined, branches, values
from longshore.rewrite.finders.readings import mention
from longshore.rewrite.mentions import OPEN, Mention, Piece, Role
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.hcl import Block, Body
from longshore.rewrite.syntax.hcl_reader import hcl
from longshore.rewrite.syntax.json_nodes import json_documents
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar

KIND = "packer"
_USER = re.compile(
    r"\{\{\s?user\s[`'\"\\]{1,2}(?P<name>[\w.-]{1,100})[`'\"\\]{1,2}\s?\}\}|\{\{[^{}]*\}\}"
)


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of a template; None when the file is something else."""
    if file.name.endswith(".json") and not file.name.endswith(".pkr.json"):
        return _old(file)
    if not file.name.endswith(".pkr.hcl"):
        return None
    return list(_template(file, hcl(file)))


def _template(file: SourceFile, body: Body) -> Iterator[Mention]:
    names = _names(file, body)

    def lookup(path: tuple[str, ...]) -> Sequence[Defined]:
        known = names.get(path[:2]) if len(path) == 2 else None
        return (known,) if known is not None else ()

    for block, role, name in _sites(body):
        value = block.body.get(name)
        for branch in branches(value) if value is not None else ():
            for one in values(branch, file.path, lookup):
                if one.known or role == "pull":
                    yield mention(file, KIND, branch.span, one, role, "build")


def _sites(body: Body) -> Iterator[tuple[Block, Role, str]]:
    stack = [(block, False) for block in reversed(body.blocks)]
    while stack:
        block, pushes = stack.pop()
        label = block.labels[0] if block.labels else ""
        if block.type == "source" and label.rpartition(".")[2] != "" and "docker" in label:
            if label == "docker" or label.startswith(("docker.", "source.docker.")):
                yield block, "pull", "image"
        elif block.type == "post-processor" and label in ("docker-tag", "docker-import"):
            yield block, "push" if pushes else "tag", "repository"
        inner = list(block.body.blocks)
        pushes = any(one.labels[:1] == ("docker-push",) for one in inner)
        stack.extend((one, pushes) for one in reversed(inner))


def _names(file: SourceFile, body: Body) -> dict[tuple[str, ...], Defined]:
    found: dict[tuple[str, ...], Defined] = {}
    for block in body.blocks:
        default = block.body.get("default")
        if block.type == "variable" and block.labels and default is not None:
            found["var", block.labels[0]] = Defined(file.path, default)
        elif block.type == "locals":
            for one in block.body.attributes:
                found["local", one.name] = Defined(file.path, one.value)
    return found


def _old(file: SourceFile) -> list[Mention] | None:
    """A template in JSON: `builders` of type docker."""
    if b"builders" not in file.data:
        return None
    roots = [one for one in json_documents(file).documents if isinstance(one, Mapping)]
    if not roots or roots[0].get("builders") is None:
        return None
    variables = roots[0].mapping("variables")
    found = []
    for builder in roots[0].sequence("builders"):
        if isinstance(builder, Mapping) and builder.text("type") == "docker":
            image = builder.get("image")
            if isinstance(image, Scalar) and file.cut(image.span) == image.raw:
                found.append(_builder(file, image, variables))
    return found


def _builder(file: SourceFile, image: Scalar, variables: Mapping) -> Mention:
    pieces: list[Piece] = []

    def fill(found: re.Match[str]) -> str:
        known = variables.get(found["name"] or "")
        if not isinstance(known, Scalar):
            return OPEN
        if found[0] == image.value:
            pieces.append(Piece(file.path, known.span, file.cut(known.span)))
        return known.value

    value = _USER.sub(fill, image.value)
    return Mention(
        KIND,
        "pull",
        image.span,
        image.raw,
        None if value == image.raw else value,
        "build",
        pieces=tuple(pieces),
    )


FINDER = Finder(
    "packer", lambda path: path.endswith((".pkr.hcl", ".json")), find, marks=(b"docker",)
)
