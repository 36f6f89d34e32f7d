"""GitLab pipelines: images and services of jobs, defaults and templates, and their scripts. Pure.

An image that a template names is reported at its own line, once, with the variables of the jobs
that use it. GitLab's own registry and dependency proxy are other registries, whatever their host.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longshore.rewrite.finders.expansion import Dialect, Known, Lookup, expand, single
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.gitlab_project import (
    Job,
    Project,
    looks_like_pipeline,
    parallel_of,
    project_of,
    read_project,
    variables_of,
)
from longshore.rewrite.finders.image_values import Finding, scalars, unique
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.shape import cover, has_tag, is_certain, name_of
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar
from longshore.rewrite.syntax.yaml_nodes import Sequence as NodeList

KIND = "gitlab-ci"
MARKS = (b"image", b"services", b"docker", b"podman", b"script")
TEMPLATE_MARKS = (b"  script:",)
_NAME = re.compile(r"(?:\A|[./])gitlab-ci[^/]*\.ya?ml\Z|\.gitlab-ci\.ya?ml\Z", re.IGNORECASE)
_FOLDER = re.compile(r"(?:\A|/)(?:\.gitlab/ci|\.gitlab-ci|\.gitlab|gitlab-ci)/.*\.ya?ml\Z")
_YAML = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
_DIALECT = Dialect(
    re.compile(
        r"(?P<literal>\$)\$(?=[A-Za-z_{])"
        r"|\$\{(?P<braced>\w{1,200})\}|\$(?P<name>[A-Za-z_]\w{0,200})"
        r"|\$\[\[\s{0,9}(?P<other>inputs\.[\w-]{1,200})[^\]\n]{0,200}\]\]"
    ),
    masked=re.compile(r"\$\[\[[^\]\n]{0,300}\]\]"),
)
_WORD = re.compile(r"\w+")
_SCRIPTS = ("before_script", "script", "after_script")
_REGISTRY = f"registry.{OPEN}"
_PROXY = f"dependency-proxy.{OPEN}/{OPEN}"
_PREDEFINED = {
    "CI_REGISTRY": _REGISTRY,
    "CI_REGISTRY_IMAGE": f"{_REGISTRY}/{OPEN}",
    "CI_DEPENDENCY_PROXY_SERVER": f"dependency-proxy.{OPEN}",
    "CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX": _PROXY,
    "CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX": _PROXY,
    "CI_TEMPLATE_REGISTRY_HOST": "registry.gitlab.com",
}


def takes_by_name(path: str) -> bool:
    """Whether a path is a pipeline's by its name or folder."""
    return _NAME.search(path) is not None or _FOLDER.search(path) is not None


def find_gitlab_ci(file: SourceFile, tree: Tree) -> list[Mention]:
    """The mentions of a pipeline file."""
    project = project_of(file, tree) or read_project(file, None)
    return _mentions(file, project)


def takes_yaml(path: str) -> bool:
    """Whether a path may be a file that a pipeline includes."""
    return _YAML.search(path) is not None


def find_included(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a file that a pipeline includes, or that looks like one."""
    project = project_of(file, tree)
    if project is None:
        if not looks_like_pipeline(file):
            return None
        project = read_project(file, None)
    return _mentions(file, project)


def _mentions(file: SourceFile, project: Project) -> list[Mention]:
    users = _users(project)
    found: list[Mention] = []
    for writer in (*project.defaults, *project.jobs):
        if writer.file.path != file.path:
            continue
        for node in (*_values(writer.node, "image"), *_values(writer.node, "services")):
            found += _image(file, project, node, users.get(id(node)) or [writer])
        found += _scripts(file, project, writer)
    return unique([*found, *_unused(file, project, found)])


def _unused(file: SourceFile, project: Project, found: Sequence[Mention]) -> list[Mention]:
    """Variables that surely are images and that no place of the pipeline is seen to use."""
    written = [mention.text for mention in found]
    for job in (*project.defaults, *project.jobs):
        for key in ("image", "services"):
            written += [node.value for node in _values(job.node, key)]
    used = {name for text in written for name in _WORD.findall(text)}
    mentions: list[Mention] = []
    for job in (*project.defaults, *project.jobs):
        if job.file.path != file.path:
            continue
        finding = Finding(file, KIND, "job-start", _DIALECT, _lookup(project, [job]), job.name)
        for name, value in job.node.mapping("variables").items():
            one = value.get("value") if isinstance(value, Mapping) else value
            if "IMAGE" not in name.value.upper() or name.value in used:
                continue
            if isinstance(one, Scalar) and _is_reference(one.value):
                mentions += finding.image(one)
    return mentions


def _is_reference(text: str) -> bool:
    value = cover(text)
    return is_certain(value) or (has_tag(value) and is_official(name_of(value)))


def _users(project: Project) -> dict[int, list[Job]]:
    """Which jobs run with which value, by the value's node."""
    users: dict[int, list[Job]] = {}
    for job in project.jobs:
        if not job.runs or job.node.get("trigger") is not None:
            continue
        for key in ("image", "services"):
            holder = next((one for one in job.lineage() if one.node.get(key) is not None), None)
            holders = [holder] if holder is not None else project.defaults
            for one in holders:
                for node in _values(one.node, key):
                    users.setdefault(id(node), []).append(job)
    return users


def _image(file: SourceFile, project: Project, node: Scalar, users: Sequence[Job]) -> list[Mention]:
    lookup = _lookup(project, users)
    times = sum(parallel_of(job)[0] for job in users)
    finding = Finding(file, KIND, "job-start", _DIALECT, lookup, users[0].name, times)
    return finding.image(node)


def _scripts(file: SourceFile, project: Project, job: Job) -> list[Mention]:
    lookup = _lookup(project, [job])
    names = {
        *_PREDEFINED,
        *project.variables,
        *(name for one in job.lineage() for name in variables_of(one)),
    }
    known = {name: value for name in names if (value := _plain(lookup, name)) is not None}
    times = parallel_of(job)[0]
    finding = Finding(file, KIND, "build", _DIALECT, lookup, job.name, times, known)
    lines = [one for key in _SCRIPTS for one in scalars(job.node.get(key))]
    return finding.script(lines)


def _plain(lookup: Lookup, name: str) -> str | None:
    value = single(lookup, name)
    if value is None or "$" not in value:
        return value
    readings = expand(value, _DIALECT, lookup)
    return readings[0].value if len(readings) == 1 else None


def _values(job: Mapping, key: str) -> list[Scalar]:
    """The references that a job writes for `image` (one) or `services` (a list)."""
    value = job.get(key)
    found: list[Scalar] = []
    for one in value.items if isinstance(value, NodeList) else [value]:
        node = one.get("name") if isinstance(one, Mapping) else one
        if isinstance(node, NodeList):
            found += _values_of_list(node)
        elif isinstance(node, Scalar):
            found.append(node)
    return found


def _values_of_list(node: NodeList) -> list[Scalar]:
    """A list within the list: an aliased block of services; `!reference` names no image."""
    items = [] if node.tag == "!reference" else node.items
    names = [one.get("name") if isinstance(one, Mapping) else one for one in items]
    return [one for one in names if isinstance(one, Scalar)]


def _lookup(project: Project, users: Sequence[Job]) -> Lookup:
    """The values of a variable for the jobs that use it: matrix, job, template, pipeline."""

    def values(name: str) -> list[Known]:
        found: list[Known] = []
        for job in users:
            found += _values_for(project, job, name)
        if not found and name in _PREDEFINED:
            return [Known(_PREDEFINED[name])]
        return list(dict.fromkeys(found))

    return values


def _values_for(project: Project, job: Job, name: str) -> list[Known]:
    matrix = parallel_of(job)[1].get(name)
    if matrix:
        return matrix
    for one in job.lineage():
        own = variables_of(one).get(name)
        if own:
            return own
    return project.variables.get(name, [])
