"""Files whose images stand at fixed places: which file, which paths, which scripts. Pure.

A `Layout` is a row of a table: the names of the files, and for each role the paths of keys where
references stand (see `node_paths`). What needs more than that has a finder of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.finders.expansion import PLAIN, Dialect, Known
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.image_values import Finding, piece_of, scalars, unique
from longshore.rewrite.finders.node_paths import mappings_at, nodes_at
from longshore.rewrite.mentions import Mention, Pulled, Role
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar


@dataclass(frozen=True)
class Layout:
    """One kind of file; paths and keys stand in one text, with blanks between.

    `images`, `pushes`, `builds`: values that are references (strings, lists of them, or mappings
    with `name`); `schemed`: only if they begin with docker://. `split`: paths of mappings, then
    the keys of registry, repository and tag. `scripts`: shell text. `variables`: mappings of
    variables. `needs`: keys of which the document must have one, when the name alone is not
    enough. `skip`: values that are no images here.
    """

    kind: str
    names: str
    images: str = ""
    pushes: str = ""
    builds: str = ""
    split: tuple[tuple[str, str, str, str], ...] = ()
    scripts: str = ""
    schemed: str = ""
    variables: str = ""
    pulled: Pulled = "job-start"
    dialect: Dialect = PLAIN
    needs: str = ""
    marks: tuple[bytes, ...] = (b"image", b"docker", b"podman")
    skip: str = r"(?!)"

    def finder(self) -> Finder:
        """The finder of this kind."""
        names = re.compile(rf"(?:\A|/)(?:{self.names})\Z", re.IGNORECASE)
        return Finder(
            self.kind, lambda path: names.search(path) is not None, self._find, self.marks
        )

    def _find(self, file: SourceFile, _tree: Tree) -> list[Mention] | None:
        roots = read_of(file).documents
        wanted = [one for one in roots if self._is_mine(one)]
        if roots and not wanted:
            return None
        return unique(found for root in wanted for found in self.mentions(file, root))

    def _is_mine(self, root: Node) -> bool:
        if isinstance(root, Mapping) and root.get("apiVersion") and root.get("kind"):
            return False  # a cluster's object that is called like the tool
        if not self.needs:
            return True
        return isinstance(root, Mapping) and any(
            root.get(key) is not None for key in self.needs.split()
        )

    def mentions(self, file: SourceFile, root: Node) -> Iterator[Mention]:
        """Everything that one document names."""
        values = self._values(file, root)
        plain = {name: known[0].value for name, known in values.items() if len(known) == 1}
        finding = Finding(file, self.kind, self.pulled, self.dialect, values.get, variables=plain)
        skip = re.compile(self.skip)
        roles: tuple[tuple[Role, str], ...] = (
            ("pull", self.images),
            ("push", self.pushes),
            ("build-output", self.builds),
        )
        for role, paths in roles:
            for node in (one for path in paths.split() for one in nodes_at(root, path)):
                for found in finding.images(node, role):
                    if not skip.search(found.expanded):
                        yield found
        for node in (one for path in self.schemed.split() for one in nodes_at(root, path)):
            if isinstance(node, Scalar) and node.value.startswith("docker://"):
                yield from finding.image(node)
        for path, registry, repository, tag in self.split:
            for one in mappings_at(root, path):
                yield from finding.split(one.get(registry), one.get(repository), one.get(tag))
        for path in self.scripts.split():
            for node in nodes_at(root, path):
                yield from finding.script(scalars(node))

    def _values(self, file: SourceFile, root: Node) -> dict[str, list[Known]]:
        values: dict[str, list[Known]] = {}
        for path in self.variables.split():
            for one in mappings_at(root, path):
                for key, value in one.items():
                    if isinstance(value, Scalar):
                        known = Known(value.value, piece_of(file, value))
                        values.setdefault(key.value, []).append(known)
        return values
