"""Azure Pipelines: container resources, job containers and services, tasks, scripts. Pure.

Reference: learn.microsoft.com/azure/devops/pipelines/yaml-schema. A name that `resources` defines
is no image; a bare word may be defined in another file and counts only with a tag, digest or path.
`vmImage` is a virtual machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect, Known
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, piece_of, placed, scalars, unique
from longshore.rewrite.finders.node_paths import mappings, mappings_at, nodes_at
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar
from longshore.rewrite.syntax.yaml_nodes import Sequence as NodeList

KIND = "azure-pipelines"
MARKS = (b"image", b"Image", b"docker", b"Docker", b"container", b"podman")
LATE_MARKS = (b"vmImage", b"task:", b"pool:", b"displayName", b"- template:")
TEMPLATE_MARKS: tuple[bytes, ...] = (
    b"vmImage",
    b"displayName:",
    b"- task:",
    b"- template:",
    b"- bash:",
)
TEMPLATE_MARKS += (b"- script:", b"- pwsh:")
_PATH = re.compile(
    r"(?:\A|/)(?:\.?azure[-_.]?(?:pipelines?|ci|devops|build)[^/]*|\.?vsts[^/]*"
    r"|\.(?:azure|azuredevops|azure-pipelines|vsts|ado|pipelines)/.*"
    r"|azure-?pipelines?/.*)\.ya?ml\Z",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"(?:\A|/)templates/.*\.ya?ml\Z", re.IGNORECASE)
_YAML = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
_DIALECT = Dialect(
    re.compile(
        r"\$\{\{\s{0,9}(?P<braced>[\w.]{1,200})\s{0,9}\}\}|\$\((?P<name>[A-Za-z_][\w.]{0,200})\)"
        r"|\$\[\s{0,9}variables(?:\.|\[')(?P<other>[\w.]{1,200})(?:'\])?\s{0,9}\]"
        r"|\$\{\{[^}\n]{0,300}\}\}|\$\[[^\]\n]{0,300}\]"
    ),
    masked=re.compile(r"\$\{\{[^}\n]{0,300}\}\}|\$\([A-Za-z_][\w.]{0,200}\)"),
)
_SCRIPT_KEYS = ("script", "bash", "pwsh", "powershell")
_SCRIPT_INPUTS = ("script", "inlineScript", "inline", "commands", "Inline", "ScriptBlock")
_HOST_INPUTS = ("containers", "imageName", "imageToDeploy", "DockerImage")
_STEPS = {*_SCRIPT_KEYS, "task", "checkout", "template", "download", "publish"}


def takes(path: str) -> bool:
    """Whether a path is a pipeline by its name or folder."""
    return _PATH.search(path) is not None


def takes_template(path: str) -> bool:
    """Whether a path is in a folder that charts and pipelines both use."""
    return _TEMPLATE.search(path) is not None


def takes_yaml(path: str) -> bool:
    """Whether a path may be a pipeline or template of another name."""
    return _YAML.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a pipeline or template; None when a file is none."""
    roots = [one for one in read_of(file).documents if isinstance(one, Mapping)]
    mine = [one for one in roots if _is_pipeline(one)]
    if not mine:
        return None
    return unique(found for root in mine for found in _Pipeline(file, root).mentions())


def _is_pipeline(root: Mapping) -> bool:
    if root.get("apiVersion") is not None or root.get("runs") is not None:
        return False
    if root.get("extends") is not None and root.get("resources") is not None:
        return True
    if root.mapping("resources").sequence("containers"):
        return True
    for key, words in (
        ("steps", _STEPS),
        ("jobs", {"job", "deployment", "template"}),
        ("stages", {"stage", "template"}),
    ):
        for item in root.sequence(key):
            if isinstance(item, Mapping):
                names = set(item.keys())
                if names & words or any(name.startswith("${{") for name in names):
                    return True
    return False


class _Pipeline:
    """One document: its variables, the containers it names, its jobs and steps."""

    def __init__(self, file: SourceFile, root: Mapping) -> None:
        self._file = file
        self._root = root
        self._nodes = list(mappings(root))
        self._values = self._variables()
        self._named = {
            name for node in self._containers() if (name := node.text("container")) is not None
        }
        self._whole = root.get("parameters") is None and root.get("pool") is not None

    def mentions(self) -> Iterator[Mention]:
        finding = Finding(self._file, KIND, "job-start", _DIALECT, self._lookup)
        for node in self._containers():
            kind = (node.text("type") or "").upper()
            if kind == "ACR":
                yield from finding.split(f"{OPEN}.azurecr.io", node.get("repository"), None)
            else:
                yield from finding.image(node.get("image"))
        for one in nodes_at(self._root, "extends.**.containers.*.image"):
            yield from finding.image(one)
        for node in self._nodes:
            yield from self._of_job(finding, node)
            yield from self._of_step(node)

    def _containers(self) -> list[Mapping]:
        found = mappings_at(self._root, "resources.containers.*")
        return found + mappings_at(self._root, "containers.*")

    def _of_job(self, finding: Finding, node: Mapping) -> Iterator[Mention]:
        container = node.get("container")
        resource = node.get("image") is not None or node.get("type") is not None
        if isinstance(container, Mapping):
            yield from self._reference(finding, container.get("image"), alias=False)
        elif not resource and isinstance(container, Scalar):
            yield from self._reference(finding, container, alias=True)
        services = node.get("services")
        if isinstance(services, Mapping) and (_is_job(node) or node is self._root):
            for _, value in services.items():
                nested = isinstance(value, Mapping)
                one = value.get("image") if isinstance(value, Mapping) else value
                yield from self._reference(finding, one, alias=not nested)

    def _reference(self, finding: Finding, node: Node | None, alias: bool) -> Iterator[Mention]:
        """An image; or, where an alias may stand, only what surely is one."""
        for found in finding.image(node):
            value = found.expanded
            if not alias:
                yield found
            elif value not in self._named and found.text not in self._named:
                certain = any(mark in value for mark in ":/@")
                if certain or (self._whole and OPEN not in value):
                    yield found

    def _of_step(self, node: Mapping) -> Iterator[Mention]:
        finding = Finding(
            self._file, KIND, "build", _DIALECT, self._lookup, variables=self._plain()
        )
        for key in _SCRIPT_KEYS:
            yield from finding.script(scalars(node.get(key)))
        task = (node.text("task") or "").lower()
        if not task:
            return
        inputs = node.mapping("inputs")
        for key in _SCRIPT_INPUTS:
            yield from finding.script(scalars(inputs.get(key)))
        if task.startswith("docker@"):
            yield from self._of_docker(finding, inputs)
        elif task.startswith(("azurewebappcontainer@", "azurecontainerapps@")):
            host = Finding(self._file, KIND, "host", _DIALECT, self._lookup)
            for key in _HOST_INPUTS:
                yield from host.image(inputs.get(key))

    def _of_docker(self, finding: Finding, inputs: Mapping) -> Iterator[Mention]:
        """Docker@2 pushes to the registry of a service connection, which no file names."""
        command = (inputs.text("command") or inputs.text("action") or "buildAndPush").lower()
        if "run" in command:
            yield from finding.image(inputs.get("imageName"))
        elif "push" in command:
            repository = inputs.get("repository")
            if isinstance(repository, Scalar) and placed(self._file, repository) is not None:
                named = "." in repository.value.partition("/")[0]
                yield from finding.split(None if named else OPEN, repository, None, "push")

    def _plain(self) -> dict[str, str]:
        return {name: one[0].value for name, one in self._values.items() if len(one) == 1}

    def _lookup(self, name: str) -> list[Known] | None:
        for prefix in ("variables.", "parameters."):
            name = name.removeprefix(prefix)
        return self._values.get(name)

    def _variables(self) -> dict[str, list[Known]]:
        values: dict[str, list[Known]] = {}
        for node in self._nodes:
            for key in ("variables", "parameters"):
                for name, text in _named_values(node.get(key)):
                    self._know(values, name, text, False)
            for row in mappings_at(node, "strategy.matrix.*"):
                for name_node, value in row.items():
                    if isinstance(value, Scalar):
                        self._know(values, name_node.value, value, True)
        return values

    def _know(self, values: dict[str, list[Known]], name: str, value: Scalar, listed: bool) -> None:
        known = Known(value.value, piece_of(self._file, value), listed)
        rows = values.setdefault(name, [])
        if value.value and known not in rows:
            rows.append(known)


def _is_job(node: Mapping) -> bool:
    return any(node.get(key) is not None for key in ("job", "deployment", "steps", "pool"))


def _named_values(node: Node | None) -> Iterator[tuple[str, Scalar]]:
    """Variables and parameters: a mapping, or a list of `name` with `value` or `default`."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if isinstance(value, Scalar):
                yield key.value, value
    elif isinstance(node, NodeList):
        for item in node.items:
            if isinstance(item, Mapping):
                value_node = item.get("value") or item.get("default")
                name = item.text("name")
                if name and isinstance(value_node, Scalar):
                    yield name, value_node
