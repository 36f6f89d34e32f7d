"""A GitLab pipeline over all its files: what is included, its jobs, what each job inherits. Pure.

Keywords: docs.gitlab.com/ci/yaml. A job takes each key from itself, else from the last of its
`extends` that has it, else from `default` or the top level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as TableOf
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from longshore.rewrite.finders.expansion import Known
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import piece_of, scalars
from longshore.rewrite.mentions import BuildArgument
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence

NO_JOBS = {
    *("image", "services", "variables", "stages", "types", "before_script", "after_script"),
    *("cache", "include", "default", "workflow", "spec"),
}
_ROOTS = (".gitlab-ci.yml", ".gitlab-ci.yaml")
_JOB_KEYS = {"stage", "image", "extends", "rules", "only", "tags", "needs", "artifacts", "services"}
_MOST_FILES = 500
_MAX_DEPTH = 10


@dataclass(eq=False)
class Job:
    """One job, template or the defaults, in the file where it is written."""

    name: str
    node: Mapping
    file: SourceFile
    parents: list[Job] = field(default_factory=list)
    parallel: tuple[int, dict[str, list[Known]]] | None = None
    variables: dict[str, list[Known]] | None = None

    @property
    def runs(self) -> bool:
        """Whether it is a job by itself: hidden ones are only templates."""
        return not self.name.startswith(".")

    def lineage(self, depth: int = 0) -> Iterator[Job]:
        """The job, then what it extends, nearest first."""
        yield self
        if depth < _MAX_DEPTH:
            for parent in reversed(self.parents):
                yield from parent.lineage(depth + 1)

    def effective(self, key: str) -> tuple[Node, SourceFile] | None:
        """The value that a key has for this job, and the file that holds it."""
        for one in self.lineage():
            value = one.node.get(key)
            if value is not None:
                return value, one.file
        return None


@dataclass(eq=False)
class Project:
    """All files of one pipeline."""

    files: dict[str, SourceFile] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    defaults: list[Job] = field(default_factory=list)
    variables: dict[str, list[Known]] = field(default_factory=dict)


def project_of(file: SourceFile, tree: Tree) -> Project | None:
    """The pipeline that a file belongs to; None when no pipeline of the tree includes it."""
    folder = file.folder
    while True:
        for name in _ROOTS:
            root = tree.file(f"{folder}/{name}" if folder else name)
            if root is not None:
                project = root.once("gitlab-project", lambda one: read_project(one, tree))
                held = project.files.get(file.path)
                if held is not None:
                    return project if held.data == file.data else _as_given(root, file, tree)
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def _as_given(root: SourceFile, file: SourceFile, tree: Tree) -> Project:
    """The pipeline with one file as it is given, not as the tree holds it."""
    given = _TreeWith(tree, file)
    return read_project(given.file(root.path) or root, given)


@dataclass(frozen=True)
class _TreeWith:
    """A tree with another text for one of its files."""

    tree: Tree
    given: SourceFile

    @property
    def paths(self) -> frozenset[str]:
        return self.tree.paths

    def file(self, path: str) -> SourceFile | None:
        return self.given if path == self.given.path else self.tree.file(path)

    def build_arguments(self, dockerfile: str) -> TableOf[str, BuildArgument]:
        return self.tree.build_arguments(dockerfile)


def read_project(root: SourceFile, tree: Tree | None) -> Project:
    """A root file with all that it includes from the same tree."""
    project = Project()
    waiting = [root]
    while waiting and len(project.files) < _MOST_FILES:
        file = waiting.pop(0)
        if file.path in project.files:
            continue
        project.files[file.path] = file
        for node in read_of(file).documents:
            if isinstance(node, Mapping):
                _read_document(file, node, project)
                if tree is not None:
                    waiting += _included(node, root, file, tree)
    _link(project)
    return project


def looks_like_pipeline(file: SourceFile) -> bool:
    """Whether a YAML file of any name holds GitLab jobs (templates, components)."""
    for node in read_of(file).documents:
        if not isinstance(node, Mapping) or node.get("apiVersion") is not None:
            continue
        for key, value in node.items():
            if isinstance(value, Mapping) and key.value not in NO_JOBS:
                keys = set(value.keys())
                if "script" in keys and keys & _JOB_KEYS:
                    return True
    return False


def parallel_of(job: Job) -> tuple[int, dict[str, list[Known]]]:
    """How often a job runs in one pipeline, and the values of its matrix."""
    if job.parallel is None:
        job.parallel = _parallel(job)
    return job.parallel


def _parallel(job: Job) -> tuple[int, dict[str, list[Known]]]:
    found = job.effective("parallel")
    if found is None:
        return 1, {}
    node, file = found
    if isinstance(node, Scalar):
        return (int(node.value) if re.fullmatch(r"[0-9]{1,3}", node.value) else 1), {}
    if not isinstance(node, Mapping):
        return 1, {}
    values: dict[str, list[Known]] = {}
    times = 0
    for row in node.sequence("matrix"):
        if not isinstance(row, Mapping):
            continue
        cells = 1
        for key, cell in row.items():
            listed = scalars(cell)
            cells *= max(1, len(listed))
            known = values.setdefault(key.value, [])
            known += [Known(one.value, piece_of(file, one), listed=True) for one in listed]
        times += cells
    return max(1, times), values


def variables_of(job: Job) -> dict[str, list[Known]]:
    """A job's own `variables`; the long form has `value`, and maybe other `options`."""
    if job.variables is None:
        job.variables = _variables(job.node, job.file)
    return job.variables


def _variables(node: Mapping, file: SourceFile) -> dict[str, list[Known]]:
    found: dict[str, list[Known]] = {}
    for key, value in node.mapping("variables").items():
        one = value.get("value") if isinstance(value, Mapping) else value
        if isinstance(one, Scalar):
            found[key.value] = [Known(one.value, piece_of(file, one))]
    return found


def _read_document(file: SourceFile, node: Mapping, project: Project) -> None:
    project.defaults.append(Job("", node, file))
    if node.get("default") is not None:
        project.defaults.append(Job("", node.mapping("default"), file))
    for name, values in _variables(node, file).items():
        known = project.variables.setdefault(name, [])
        known += [one for one in values if all(one.value != other.value for other in known)]
    for key, value in node.mapping("spec").mapping("inputs").items():
        default = value.get("default") if isinstance(value, Mapping) else None
        if isinstance(default, Scalar):
            known = [Known(default.value, piece_of(file, default))]
            project.variables[f"inputs.{key.value}"] = known
    for key, value in node.items():
        if isinstance(value, Mapping) and key.value not in NO_JOBS:
            project.jobs.append(Job(key.value, value, file))


def _link(project: Project) -> None:
    by_name = {job.name: job for job in project.jobs}
    for job in project.jobs:
        for name in scalars(job.node.get("extends")):
            parent = by_name.get(name.value)
            if parent is not None and parent is not job:
                job.parents.append(parent)


def _included(node: Mapping, root: SourceFile, file: SourceFile, tree: Tree) -> list[SourceFile]:
    include = node.get("include")
    entries = include.items if isinstance(include, Sequence) else [include]
    found: list[SourceFile] = []
    for entry in entries:
        local = entry.get("local") if isinstance(entry, Mapping) else entry
        for one in scalars(local):
            if "://" not in one.value:
                found += _files_at(one.value.lstrip("/"), root.folder, tree)
    return found


def _files_at(path: str, folder: str, tree: Tree) -> list[SourceFile]:
    places = [f"{folder}/{path}", path] if folder else [path]
    for place in places:
        if "*" in place:
            names = sorted(one for one in tree.paths if fnmatchcase(one, place.replace("**", "*")))
            files = [tree.file(name) for name in names[:_MOST_FILES]]
        else:
            files = [tree.file(place)]
        found = [one for one in files if one is not None]
        if found:
            return found
    return []
