"""Tasks in YAML and JSON: Taskfile.yml, the scripts of package.json, cloud-init. Pure.

Keys: taskfile.dev/reference/schema; docs.npmjs.com (package.json, scripts);
cloudinit.readthedocs.io (runcmd, bootcmd, write_files).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.finders.shell_script import MARKS
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.json_nodes import json_documents
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Node, Scalar, Sequence, documents, walk

_TASKFILE = re.compile(r"[Tt]askfile(?:[.-][\w.-]+)?\.ya?ml\Z|.+\.[Tt]askfile\.ya?ml\Z")
_CLOUD_INIT = re.compile(
    r"(?:.*[.-])?(?:cloud-?(?:init|config)|user-?data)(?:[.-][\w.-]*)?\Z", re.IGNORECASE
)
_PACKAGE = {"package.json", "composer.json", "deno.json", "deno.jsonc", "project.json"}
_SCRIPT_KEYS = {"scripts", "tasks"}
_COMMAND_KEYS = {"cmd", "sh", "command"}
_REFERENCE = re.compile(r"\{\{-? *\.(\w+) *-?\}\}")
_EXPRESSION = re.compile(r"\{\{.*?\}\}")


def takes_taskfile(path: str) -> bool:
    """Whether a file is a Taskfile by its name."""
    return _TASKFILE.match(path.rpartition("/")[2]) is not None


def find_taskfile(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The images in `cmds`, and in what `sh:` runs."""
    found: list[Mention] = []
    for document in documents(file).documents:
        if not isinstance(document, YamlMapping) or document.get("tasks") is None:
            continue
        outer = _variables(document, {})
        for scalar in _shells(document.mapping("vars")):
            found += _read(file, scalar, "taskfile", "", outer)
        for key, task in document.mapping("tasks").items():
            known = _variables(task, outer) if isinstance(task, YamlMapping) else outer
            for scalar in _shells(task):
                found += _read(file, scalar, "taskfile", key.value, known)
    return found


def _variables(node: YamlMapping, outer: Mapping[str, str]) -> dict[str, str]:
    """`vars` as expressions name them: `.NAME`; and `env` as a shell does."""
    found = dict(outer)
    for section, dot in (("vars", "."), ("env", "")):
        for key, value in node.mapping(section).items():
            if isinstance(value, Scalar):
                said = _REFERENCE.sub(lambda one: found.get(f".{one[1]}", OPEN), value.value)
                found[dot + key.value] = _EXPRESSION.sub(OPEN, said)
    return found


def _shells(node: Node | None) -> Iterator[Scalar]:
    """The commands of a task: a text, a list of texts, or `cmd:` and `sh:` anywhere in it."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _shells(item) if isinstance(item, Scalar) else _commands(item)
    elif isinstance(node, YamlMapping):
        for name in ("cmds", "status"):
            for item in node.sequence(name):
                if isinstance(item, Scalar):
                    yield item
        for key, value in node.items():
            if key.value in _COMMAND_KEYS and isinstance(value, Scalar):
                yield value
            elif not isinstance(value, Scalar):
                yield from _commands(value)


def _commands(node: Node) -> Iterator[Scalar]:
    for one in walk(node):
        if isinstance(one, YamlMapping):
            for key, value in one.pairs:
                is_command = isinstance(key, Scalar) and key.value in _COMMAND_KEYS
                if is_command and isinstance(value, Scalar):
                    yield value


def _read(
    file: SourceFile, scalar: Scalar, kind: str, job: str, variables: Mapping[str, str]
) -> list[Mention]:
    script = Script(
        scalar.value, scalar.locate, kind, "host", job, variables=variables, path=file.path
    )
    return mentions_in(script)


def takes_package(path: str) -> bool:
    """Whether a file is a package.json or one of its relatives."""
    return path.rpartition("/")[2] in _PACKAGE


def find_package(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The images in `scripts`."""
    found: list[Mention] = []
    for document in json_documents(file).documents:
        if isinstance(document, YamlMapping):
            for scalar, job in _package_scripts(file.name, document):
                found += _read(file, scalar, "package-json", job, {})
    return found


def _package_scripts(name: str, document: YamlMapping) -> Iterator[tuple[Scalar, str]]:
    for section in _SCRIPT_KEYS:
        for key, value in document.mapping(section).items():
            nodes = value.items if isinstance(value, Sequence) else [value]
            for one in nodes:
                if isinstance(one, Scalar):
                    yield one, key.value
    if name == "project.json":
        for scalar in _commands(document):
            yield scalar, ""
        for one in walk(document):
            if isinstance(one, YamlMapping):
                for item in one.sequence("commands"):
                    if isinstance(item, Scalar):
                        yield item, ""


def takes_cloud_init(path: str) -> bool:
    """Whether a file may be cloud-init's by its name."""
    return _CLOUD_INIT.match(path.rpartition("/")[2]) is not None


def find_cloud_init(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The images in `runcmd` and `bootcmd`, and in scripts that `write_files` writes."""
    if "#cloud-config" not in file.text[:500]:
        return None
    found: list[Mention] = []
    for document in documents(file).documents:
        if isinstance(document, YamlMapping):
            for name in ("runcmd", "bootcmd"):
                for item in document.sequence(name):
                    if isinstance(item, Scalar):
                        found += _read(file, item, "cloud-init", "", {})
            for item in document.sequence("write_files"):
                content = item.get("content") if isinstance(item, YamlMapping) else None
                if isinstance(content, Scalar) and content.value.startswith("#!"):
                    found += _read(file, content, "cloud-init", "", {})
    return found


FINDERS = (
    Finder("taskfile", takes_taskfile, find_taskfile, MARKS),
    Finder("package-json", takes_package, find_package, MARKS),
    Finder("cloud-init", takes_cloud_init, find_cloud_init, MARKS),
)
