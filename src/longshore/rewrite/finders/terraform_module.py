"""The names that one Terraform folder defines: variables, locals, values files. Pure.

A folder is a module: every `.tf` file in it sees the others' variables. A values file
(`terraform.tfvars`, `*.auto.tfvars`) goes before a default; other values files are only looked
into, since nobody says which of them is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.hcl_values import Defined, take
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.hcl import Body, Expression
from longshore.rewrite.syntax.hcl_json import hcl_of_json
from longshore.rewrite.syntax.hcl_reader import hcl

_ENDS = (".tf", ".tofu", ".tf.json", ".tofu.json", ".tfvars", ".tfvars.json")
_ALWAYS = re.compile(r"(?:terraform|.*\.auto)\.tfvars(?:\.json)?\Z")
_MOST_FILES = 400


@dataclass(frozen=True, eq=False)
class Module:
    """A folder's files, and where its names get their values."""

    files: dict[str, SourceFile]
    names: dict[tuple[str, str], tuple[Defined, ...]]

    def find(self, path: tuple[str, ...]) -> tuple[Defined, ...]:
        """What `var.name.key` is, as far as the folder says."""
        found = []
        for one in self.names.get((path[0], path[1] if len(path) > 1 else ""), ()):
            value = take(one.value, path[2:])
            if value is not None:
                found.append(Defined(one.file, value))
        return tuple(found)


def module_of(file: SourceFile, tree: Tree) -> Module:
    """The module that a file belongs to."""
    beside = [
        one
        for path in _files(tree.paths).get(file.folder, ())[:_MOST_FILES]
        if path != file.path and (one := tree.file(path)) is not None
    ]
    files = sorted([file, *beside], key=lambda one: one.path)
    return _module(tuple((one.path, one.data, one.encoding) for one in files))


def body_of(file: SourceFile) -> Body:
    """A file's blocks, whether it is written as HCL or as JSON."""
    return hcl_of_json(file) if file.name.endswith(".json") else hcl(file)


@lru_cache(maxsize=2)
def _files(paths: frozenset[str]) -> dict[str, list[str]]:
    """A tree's Terraform files by folder."""
    found: dict[str, list[str]] = {}
    for path in paths:
        if path.endswith(_ENDS):
            found.setdefault(path.rpartition("/")[0], []).append(path)
    return {folder: sorted(names) for folder, names in found.items()}


@lru_cache(maxsize=4)
def _module(contents: tuple[tuple[str, bytes, str], ...]) -> Module:
    files = {path: _read(path, data, encoding) for path, data, encoding in contents}
    names: dict[tuple[str, str], list[Defined]] = {}
    given: dict[tuple[str, str], list[Defined]] = {}
    for path, file in files.items():
        body = body_of(file)
        if ".tfvars" in path:
            if _ALWAYS.search(path):
                for one in body.attributes:
                    given.setdefault(("var", one.name), []).append(Defined(path, one.value))
            continue
        for key, value in _definitions(body):
            names.setdefault(key, []).append(Defined(path, value))
    names.update({key: found[-1:] for key, found in given.items()})
    return Module(files, {key: tuple(found) for key, found in names.items()})


def _definitions(body: Body) -> Iterator[tuple[tuple[str, str], Expression]]:
    for block in body.blocks:
        if block.type == "variable" and block.labels:
            default = block.body.get("default")
            if default is not None:
                yield ("var", block.labels[0]), default
        elif block.type == "locals":
            for one in block.body.attributes:
                yield ("local", one.name), one.value


def _read(path: str, data: bytes, encoding: str) -> SourceFile:
    errors = "surrogateescape" if encoding == "utf-8" else "strict"
    return SourceFile(path, data, data.decode(encoding, errors), encoding)
