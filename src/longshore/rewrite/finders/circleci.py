"""CircleCI: images of executors and jobs, in orbs and behind parameters; `run` commands. Pure.

Keywords: circleci.com/docs/configuration-reference. Every `docker:` list counts, wherever it stands
(anchors, inline orbs, orb sources). A parameter's values are its default and whatever workflows
pass, directly or by a matrix. `machine.image` is a virtual machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from longshore.rewrite.finders.expansion import Dialect, Known, Lookup
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, piece_of, scalars, unique
from longshore.rewrite.finders.node_paths import mappings
from longshore.rewrite.mentions import Mention, Role
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar
from longshore.rewrite.syntax.yaml_nodes import Sequence as NodeList

KIND = "circleci"
MARKS = (b"image", b"docker", b"podman")
_PATH = re.compile(r"(?:\A|/)(?:\.circleci/.*|circle)\.ya?ml\Z", re.IGNORECASE)
_ORB_SOURCE = re.compile(r"(?:\A|/)src/(?:executors|jobs|commands|examples)/[^/]+\.ya?ml\Z")
_DIALECT = Dialect(
    re.compile(
        r"<<\s{0,9}(?P<name>[\w.-]{1,200})\s{0,9}>>"
        r"|\$\{(?P<braced>\w{1,200})\}|\$(?P<other>[A-Za-z_]\w{0,200})"
    ),
    masked=re.compile(r"<<\s{0,9}#?/?[\w.\s-]{1,200}>>"),
)
_PIPELINE = "pipeline.parameters."
_OWN = ("parameters.", "matrix.")
_HUB_ORBS = ("circleci/docker@", "circleci/docker-publish@")
_PUBLISH = {"publish", "build", "push", "hadolint"}


@dataclass
class _Parameters:
    """What is known of parameters: defaults by holder, values passed by holder, the pipeline's."""

    passed: dict[tuple[str, str], list[Known]] = field(default_factory=dict)
    anywhere: dict[str, list[Known]] = field(default_factory=dict)
    pipeline: dict[str, list[Known]] = field(default_factory=dict)

    def give(self, holder: str, name: str, known: Known) -> None:
        for values in (
            self.passed.setdefault((holder, name), []),
            self.anywhere.setdefault(name, []),
        ):
            if known not in values:
                values.append(known)

    def lookup(self, holder: str) -> Lookup:
        """Values of an expression inside the holder (a job, an executor, a command)."""

        def values(expression: str) -> Sequence[Known] | None:
            if expression.startswith(_PIPELINE):
                return self.pipeline.get(expression.removeprefix(_PIPELINE))
            name = next(
                (expression.removeprefix(one) for one in _OWN if expression.startswith(one)), ""
            )
            own = [
                one
                for one in self.passed.get((holder, name), ())
                if not re.search(rf"<<\s*parameters\.{re.escape(name)}\s*>>", one.value)
            ]
            return own or [one for one in self.anywhere.get(name, ()) if "<<" not in one.value]

        return values


def takes(path: str) -> bool:
    """Whether a path is a CircleCI configuration or an orb's source."""
    return _PATH.search(path) is not None or _ORB_SOURCE.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a configuration, or None for a file that is none."""
    roots = [one for one in read_of(file).documents if isinstance(one, Mapping)]
    orb_source = _PATH.search(file.path) is None
    if orb_source and not any(_is_orb_part(one) for one in roots):
        return None
    parameters = _Parameters()
    for root in roots:
        _read_parameters(file, root, parameters, file.name.rpartition(".")[0])
    found: list[Mention] = []
    for root in roots:
        top = file.name.rpartition(".")[0] if orb_source else ""
        for holder, node in _holders(root, top):
            found += _of_mapping(file, holder, node, parameters)
        found += _orb_publishes(file, root)
    return unique(found)


def _is_orb_part(root: Mapping) -> bool:
    return any(root.get(key) is not None for key in ("docker", "steps", "usage")) and (
        root.get("description") is not None or root.get("parameters") is not None
    )


def _holders(root: Node, top: str) -> Iterator[tuple[str, Mapping]]:
    """Every mapping with the job, executor or command that it belongs to."""
    seen: set[int] = set()
    stack: list[tuple[str, Node, bool]] = [(top, root, False)]
    while stack:
        holder, node, names = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, NodeList):
            stack.extend((holder, one, False) for one in reversed(node.items))
        elif isinstance(node, Mapping):
            yield holder, node
            for key, value in reversed(node.pairs):
                inner = key.value if names and isinstance(key, Scalar) else holder
                below = isinstance(key, Scalar) and key.value in ("jobs", "executors", "commands")
                stack.append((inner, value, below))


def _of_mapping(
    file: SourceFile, holder: str, node: Mapping, parameters: _Parameters
) -> list[Mention]:
    found: list[Mention] = []
    finding = Finding(file, KIND, "job-start", _DIALECT, parameters.lookup(holder), holder)
    docker = node.get("docker")
    for one in docker.items if isinstance(docker, NodeList) else ():
        if isinstance(one, Mapping):
            found += finding.image(one.get("image"))
    run = node.get("run")
    found += finding.script(scalars(run.get("command") if isinstance(run, Mapping) else run))
    for phase in ("pre", "override", "post"):
        if not holder and file.name.startswith("circle."):
            found += finding.script(scalars(node.get(phase)))
    return found


def _read_parameters(file: SourceFile, root: Mapping, parameters: _Parameters, top: str) -> None:
    for name, known in _defaults(file, root):
        parameters.pipeline.setdefault(name, []).append(known)
        parameters.give(top, name, known)
    for holder, node in _holders(root, ""):
        if holder:
            for name, known in _defaults(file, node):
                parameters.give(holder, name, known)
    for node in mappings(root):
        for key, value in node.items():
            if isinstance(value, Mapping):
                name = (value.text("name") if key.value == "executor" else key.value) or ""
                _read_passed(file, name.rpartition("/")[2], value, parameters)


def _defaults(file: SourceFile, node: Mapping) -> Iterator[tuple[str, Known]]:
    for key, value in node.mapping("parameters").items():
        if isinstance(value, Mapping):
            default = value.get("default")
            for one in (*scalars(default), *scalars(value.get("enum"))):
                if one.value:
                    yield key.value, Known(one.value, piece_of(file, one))


def _read_passed(file: SourceFile, holder: str, node: Mapping, parameters: _Parameters) -> None:
    for key, value in node.items():
        if isinstance(value, Scalar) and value.value and key.value not in ("name", "type"):
            parameters.give(holder, key.value, Known(value.value, piece_of(file, value)))
    for key, value in node.mapping("matrix").mapping("parameters").items():
        for one in scalars(value):
            parameters.give(holder, key.value, Known(one.value, piece_of(file, one), listed=True))


def _orb_publishes(file: SourceFile, root: Mapping) -> Iterator[Mention]:
    """`docker/publish` and its like push to Docker Hub unless a registry is given."""
    orbs = {
        f"{key.value}/{verb}"
        for key, value in root.mapping("orbs").items()
        if isinstance(value, Scalar) and value.value.startswith(_HUB_ORBS)
        for verb in _PUBLISH
    }
    for node in mappings(root):
        for key, value in node.items():
            if key.value in orbs and isinstance(value, Mapping):
                registry = value.get("registry")
                finding = Finding(file, KIND, dialect=_DIALECT)
                role: Role = "push" if key.value.endswith(("publish", "push")) else "tag"
                if registry is None:
                    yield from finding.image(value.get("image"), role)
                else:
                    yield from finding.split(registry, value.get("image"), None, role)
