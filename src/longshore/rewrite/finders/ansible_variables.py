"""What Ansible knows of a variable: the play, the role, its defaults, group variables. Pure.

Only the usual places are read, nearest first; an inventory may always say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect, Known, Lookup
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import piece_of, scalars
from longshore.rewrite.finders.node_paths import mappings
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence

Values = dict[str, list[Known]]

JINJA = Dialect(
    re.compile(
        r"\{\{-?\s{0,9}(?P<name>[A-Za-z_][\w.]{0,200})\s{0,9}"
        r"(?:\|\s{0,9}(?:default|d)\(\s{0,9}(?:'(?P<default>[^'{}\n]{0,300})'|\"[^\"{}\n]{0,300}\")"
        r"[^)}\n]{0,50}\)\s{0,9})?(?:\|[^}\n]{0,200})?-?\}\}"
        r"|\{\{[^}\n]{0,500}\}\}"
    ),
    masked=re.compile(r"\{\{[^}\n]{0,500}\}\}|\{%[^%\n]{0,500}%\}"),
)
_ROLE = re.compile(r"(?P<role>.*?)(?:\A|/)(?:tasks|handlers|vars|defaults|meta|templates)/[^/]+\Z")
_ROLE_FILES = ("vars/main.yml", "vars/main.yaml", "defaults/main.yml", "defaults/main.yaml")
_GROUP_FILES = (
    *("group_vars/all.yml", "group_vars/all.yaml", "group_vars/all/main.yml"),
    *("group_vars/all/vars.yml", "group_vars/all/all.yml", "vars/main.yml", "vars.yml"),
    *("inventory/group_vars/all.yml", "inventory/group_vars/all/main.yml"),
    *("vars/all.yml", "vars/vars.yml", "vars/common.yml", "vars/defaults.yml"),
)
_MAX_DEPTH = 4


def lookup_of(file: SourceFile, tree: Tree, task: Mapping | None = None) -> Lookup:
    """What is known inside a file, and inside one of its tasks."""
    tables = [_loop(file, task)] if task is not None else []
    if task is not None:
        tables.append(_flat(file, task.get("vars"), ""))
    tables += file.once("ansible-tables", lambda one: list(_tables(one, tree)))

    def values(name: str) -> list[Known] | None:
        return next((table[name] for table in tables if name in table), None)

    return values


def _tables(file: SourceFile, tree: Tree) -> Iterator[Values]:
    plays: Values = {}
    for root in read_of(file).documents:
        for play in root.items if isinstance(root, Sequence) else ():
            if isinstance(play, Mapping):
                plays.update(_flat(file, play.get("vars"), ""))
        for node in mappings(root):
            for key in ("set_fact", "ansible.builtin.set_fact"):
                plays.update(_flat(file, node.get(key), ""))
    yield plays
    role = _ROLE.match(file.path)
    base = role["role"] if role is not None else file.folder
    for name in _ROLE_FILES:
        yield from _table_at(f"{base}/{name}" if base else name, tree)
    folder = file.folder
    while True:
        for name in _GROUP_FILES:
            yield from _table_at(f"{folder}/{name}" if folder else name, tree)
        if not folder:
            return
        folder = folder.rpartition("/")[0]


def _table_at(path: str, tree: Tree) -> Iterator[Values]:
    file = tree.file(path)
    if file is not None:
        yield file.once("ansible-variables", table_of)


def table_of(file: SourceFile) -> Values:
    """The variables of a variables file."""
    found: Values = {}
    for root in read_of(file).documents:
        found.update(_flat(file, root, ""))
    return found


def _flat(file: SourceFile, node: Node | None, prefix: str, depth: int = 0) -> Values:
    """Variables by name; those inside mappings by dotted name."""
    found: Values = {}
    if not isinstance(node, Mapping) or depth > _MAX_DEPTH:
        return found
    for key, value in node.items():
        name = f"{prefix}{key.value}"
        if isinstance(value, Scalar):
            found[name] = [Known(value.value, piece_of(file, value))]
        else:
            found.update(_flat(file, value, f"{name}.", depth + 1))
    return found


def _loop(file: SourceFile, task: Mapping) -> Values:
    """What `item` is in a task with a loop."""
    found: Values = {}
    for key in ("loop", "with_items", "with_list"):
        node = task.get(key)
        if not isinstance(node, Sequence):
            continue
        items = [Known(one.value, piece_of(file, one), listed=True) for one in scalars(node)]
        if items:
            found.setdefault("item", []).extend(items)
        for one in node.items:
            if isinstance(one, Mapping):
                for name, value in one.items():
                    if isinstance(value, Scalar):
                        known = Known(value.value, piece_of(file, value), listed=True)
                        found.setdefault(f"item.{name.value}", []).append(known)
    return found
