"""GitHub workflows and actions as a model: events, jobs, steps, with their YAML nodes. Pure.

Only what GitHub (and Gitea, Forgejo) read: files directly in the workflow folder of the tree, and
`action.yml` anywhere. Nothing is checked here; what has the wrong shape is left out.

Syntax: docs.github.com, "Workflow syntax for GitHub Actions", "Metadata syntax for actions".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.expressions import (
    Contexts,
    Table,
    Value,
    one_of,
    unsure,
    values_of,
)
from longshore.rewrite.syntax.matrix import Matrix, read_matrix
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Node, Scalar, Sequence, documents

_WORKFLOW = re.compile(r"\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml\Z", re.IGNORECASE)
_ACTION = re.compile(r"(?:.*/)?action\.ya?ml\Z")

Scalars = Mapping[str, Scalar]


@dataclass(frozen=True, eq=False)
class Uses:
    """What stands behind `uses:`: an action, a workflow, a folder of the tree or an image.

    `name` is `owner/repo` with the path, in lower case and without the version; empty for others.
    """

    node: Scalar

    @property
    def text(self) -> str:
        """As written, without blanks around it."""
        return self.node.value.strip()

    @property
    def is_docker(self) -> bool:
        """Whether it names an image: `docker://...`."""
        return self.text.lower().startswith("docker://")

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this tree."""
        return self.text.startswith(("./", "../"))

    @property
    def folder(self) -> str:
        """The tree's path for a local one, without `./`."""
        parts = [one for one in self.text.split("/") if one not in ("", ".")]
        return "/".join(parts) if self.is_local and ".." not in parts else ""

    @property
    def name(self) -> str:
        """`docker/build-push-action`; lower case; empty when local or an image."""
        if self.is_docker or self.is_local:
            return ""
        text = re.sub(r"\Ahttps?://[^/]+/", "", self.text)
        return text.partition("@")[0].strip().lower()

    @property
    def reference(self) -> str:
        """Branch, tag or commit; empty when absent."""
        return "" if self.is_docker or self.is_local else self.text.partition("@")[2].strip()

    @property
    def owner(self) -> str:
        """`docker`."""
        return self.name.partition("/")[0]

    @property
    def repository(self) -> str:
        """`docker/build-push-action`, without a path inside it."""
        return "/".join(self.name.split("/")[:2])

    @property
    def path(self) -> str:
        """What follows owner and repository."""
        return "/".join(self.name.split("/")[2:])

    @property
    def is_pinned(self) -> bool:
        """Whether it is fixed to a whole commit (or an image digest)."""
        if self.is_docker:
            return "@sha256:" in self.text
        return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", self.reference) is not None


@dataclass(frozen=True, eq=False)
class Step:
    """One step. `with_` has its input names in lower case."""

    node: YamlMapping
    index: int
    id: str
    name: str
    uses: Uses | None
    run: Scalar | None
    shell: str
    working_directory: str
    with_: Scalars
    env: Scalars
    condition: Scalar | None

    def input(self, name: str) -> Scalar | None:
        """An input that has a value."""
        found = self.with_.get(name)
        return found if found is not None and found.value.strip() else None

    def input_text(self, name: str, default: str = "") -> str:
        """An input's value without blanks around it."""
        found = self.input(name)
        return found.value.strip() if found is not None else default


@dataclass(frozen=True, eq=False)
class Container:
    """A job's container or one service. `name` is the service's; empty for the container."""

    name: str
    image: Scalar
    env: Scalars
    options: Scalar | None
    credentials: Node | None
    node: Node


@dataclass(frozen=True, eq=False)
class Job:
    """One job; `uses` when it calls a reusable workflow (with `with_`)."""

    id: str
    key: Scalar
    node: YamlMapping
    needs: tuple[str, ...]
    runs_on: tuple[str, ...]
    condition: Scalar | None
    environment: str
    matrix: Matrix
    permissions: Node | None
    env: Scalars
    container: Container | None
    services: tuple[Container, ...]
    services_node: Node | None
    steps: tuple[Step, ...]
    outputs: Scalars
    uses: Uses | None
    with_: Scalars
    secrets: Node | None
    concurrency: Node | None
    continue_on_error: Scalar | None

    def step(self, id: str) -> Step | None:
        """The step of an id."""
        return next((one for one in self.steps if one.id and one.id == id), None)


@dataclass(frozen=True, eq=False)
class Event:
    """One trigger. `node` is where its name stands, `config` what is said about it."""

    name: str
    node: Scalar
    config: Node | None

    def patterns(self, key: str) -> tuple[Scalar, ...]:
        """`branches`, `branches-ignore`, `tags`, `paths`, `types`, ...: their scalars."""
        found = self.config.get(key) if isinstance(self.config, YamlMapping) else None
        return tuple(_scalars(found))

    @property
    def inputs(self) -> YamlMapping | None:
        """The `inputs:` of `workflow_call` and `workflow_dispatch`."""
        found = self.config.get("inputs") if isinstance(self.config, YamlMapping) else None
        return found if isinstance(found, YamlMapping) else None


@dataclass(frozen=True, eq=False)
class Workflow:
    """One workflow file."""

    file: SourceFile
    node: YamlMapping
    name: str
    events: tuple[Event, ...]
    permissions: Node | None
    env: Scalars
    defaults: Node | None
    concurrency: Node | None
    jobs: tuple[Job, ...]

    def event(self, name: str) -> Event | None:
        """The trigger of a name."""
        return next((one for one in self.events if one.name == name), None)

    def job(self, id: str) -> Job | None:
        """The job of an id."""
        return next((one for one in self.jobs if one.id == id), None)

    @property
    def input_defaults(self) -> dict[str, Scalar]:
        """The defaults of `workflow_call` and `workflow_dispatch` inputs."""
        return {
            name: default
            for event in self.events
            if event.inputs is not None
            for name, default in _defaults(event.inputs).items()
        }

    @cached_property
    def steps(self) -> list[tuple[Job, Step]]:
        """All steps with their jobs."""
        return [(job, step) for job in self.jobs for step in job.steps]


@dataclass(frozen=True, eq=False)
class ActionFile:
    """An `action.yml`. `using`: docker, composite, node20. `image` only for docker."""

    file: SourceFile
    node: YamlMapping
    name: str
    inputs: Mapping[str, Scalar]
    using: str
    image: Scalar | None
    steps: tuple[Step, ...]


def is_workflow_path(path: str) -> bool:
    """Whether GitHub, Gitea or Forgejo read this path of a tree as a workflow."""
    return _WORKFLOW.match(path) is not None


def is_action_path(path: str) -> bool:
    """Whether the path is an action's metadata."""
    return _ACTION.match(path) is not None and not is_workflow_path(path)


def parse_workflow(file: SourceFile) -> Workflow | None:
    """The workflow of a file, parsed once; None when it is not one."""
    return file.once("workflow", _parse_workflow) if is_workflow_path(file.path) else None


def parse_action(file: SourceFile) -> ActionFile | None:
    """The action of an `action.yml`, parsed once; None when it is not one."""
    return file.once("action", _parse_action) if is_action_path(file.path) else None


def _parse_workflow(file: SourceFile) -> Workflow | None:
    root = next((one for one in documents(file).documents if isinstance(one, YamlMapping)), None)
    if root is None or not isinstance(root.get("jobs"), YamlMapping):
        return None
    events = tuple(_events(root))
    contexts: Contexts = {"inputs": inputs_of(events)}
    jobs = tuple(
        _job(key, value, contexts)
        for key, value in root.mapping("jobs").items()
        if isinstance(value, YamlMapping)
    )
    return Workflow(
        file,
        root,
        root.text("name") or "",
        events,
        root.get("permissions"),
        scalars_of(root.get("env")),
        root.get("defaults"),
        root.get("concurrency"),
        jobs,
    )


def _parse_action(file: SourceFile) -> ActionFile | None:
    root = next((one for one in documents(file).documents if isinstance(one, YamlMapping)), None)
    runs = root.get("runs") if root is not None else None
    if root is None or not isinstance(runs, YamlMapping) or runs.text("using") is None:
        return None
    image = runs.get("image")
    return ActionFile(
        file,
        root,
        root.text("name") or "",
        _defaults(root.mapping("inputs")),
        (runs.text("using") or "").lower(),
        image if isinstance(image, Scalar) and image.value.strip() else None,
        tuple(_steps(runs.sequence("steps"))),
    )


def scalars_of(node: Node | None) -> dict[str, Scalar]:
    """The scalar values of a mapping."""
    if not isinstance(node, YamlMapping):
        return {}
    return {key.value: value for key, value in node.items() if isinstance(value, Scalar)}


def inputs_of(events: tuple[Event, ...]) -> Table:
    """The inputs with their defaults; not sure where another event can start the workflow."""
    found: dict[str, Value] = {}
    callable_too = any(one.name == "workflow_call" for one in events)
    for event in events:
        for name, default in _defaults(event.inputs).items() if event.inputs is not None else ():
            values = values_of(default, {})
            is_sure = event.name == "workflow_call" or len(events) == 1 or callable_too
            found[name] = one_of([one if is_sure else unsure(one) for one in values])
    return Table(found, open=True)


def _events(root: YamlMapping) -> Iterator[Event]:
    node = root.get("on")
    if isinstance(node, Scalar):
        yield Event(node.value, node, None)
    elif isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Scalar):
                yield Event(item.value, item, None)
    elif node is not None:
        for key, value in node.items():
            yield Event(key.value, key, value)


def _defaults(inputs: YamlMapping) -> dict[str, Scalar]:
    found = {}
    for key, value in inputs.items():
        default = value.get("default") if isinstance(value, YamlMapping) else None
        if isinstance(default, Scalar):
            found[key.value] = default
    return found


def _job(key: Scalar, node: YamlMapping, contexts: Contexts) -> Job:
    condition, environment = node.get("if"), node.get("environment")
    strategy = node.mapping("strategy")
    return Job(
        id=key.value,
        key=key,
        node=node,
        needs=tuple(one.value for one in _scalars(node.get("needs"))),
        runs_on=tuple(one.value for one in _runners(node.get("runs-on"))),
        condition=condition if isinstance(condition, Scalar) else None,
        environment=_environment(environment),
        matrix=read_matrix(strategy.get("matrix"), contexts),
        permissions=node.get("permissions"),
        env=scalars_of(node.get("env")),
        container=_container("", node.get("container")),
        services=tuple(_services(node.get("services"))),
        services_node=node.get("services"),
        steps=tuple(_steps(node.sequence("steps"))),
        outputs=scalars_of(node.get("outputs")),
        uses=_uses(node.get("uses")),
        with_=scalars_of(node.get("with")),
        secrets=node.get("secrets"),
        concurrency=node.get("concurrency"),
        continue_on_error=_scalar(node.get("continue-on-error")),
    )


def _scalar(node: Node | None) -> Scalar | None:
    return node if isinstance(node, Scalar) else None


def _scalars(node: Node | None) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node]
    items = node.items if isinstance(node, Sequence) else []
    return [one for one in items if isinstance(one, Scalar)]


def _runners(node: Node | None) -> list[Scalar]:
    return _scalars(node.get("labels") if isinstance(node, YamlMapping) else node)


def _environment(node: Node | None) -> str:
    if isinstance(node, YamlMapping):
        return node.text("name") or ""
    return node.value if isinstance(node, Scalar) else ""


def _uses(node: Node | None) -> Uses | None:
    return Uses(node) if isinstance(node, Scalar) and node.value.strip() else None


def _container(name: str, node: Node | None) -> Container | None:
    if isinstance(node, Scalar):
        return Container(name, node, {}, None, None, node) if node.value.strip() else None
    if not isinstance(node, YamlMapping):
        return None
    image = node.get("image")
    if not isinstance(image, Scalar) or not image.value.strip():
        return None
    options = _scalar(node.get("options"))
    env = scalars_of(node.get("env"))
    return Container(name, image, env, options, node.get("credentials"), node)


def _services(node: Node | None) -> Iterator[Container]:
    if isinstance(node, YamlMapping):
        for key, value in node.items():
            found = _container(key.value, value)
            if found is not None:
                yield found


def _steps(nodes: list[Node]) -> Iterator[Step]:
    for index, node in enumerate(nodes):
        if isinstance(node, YamlMapping):
            yield Step(
                node,
                index,
                node.text("id") or "",
                node.text("name") or "",
                _uses(node.get("uses")),
                _scalar(node.get("run")),
                node.text("shell") or "",
                node.text("working-directory") or "",
                {name.lower(): one for name, one in scalars_of(node.get("with")).items()},
                scalars_of(node.get("env")),
                _scalar(node.get("if")),
            )
