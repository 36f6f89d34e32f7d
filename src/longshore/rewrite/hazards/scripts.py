"""The shell texts of a tree as checks look at them, and where each of them runs. Pure.

Scripts, Makefiles, the steps of workflows and GitLab jobs, what is sent to servers over ssh. A text
runs on a `server` when it is sent there, or when its file's name says that it deploys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from longshore.rewrite.finders import makefile, shell_script
from longshore.rewrite.finders.nested_scripts import nested_scripts
from longshore.rewrite.finders.programs import program_line
from longshore.rewrite.hazards.hazard import Surveyed
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.makefile import parse_makefile
from longshore.rewrite.syntax.shell import Command, Shell, parse_shell
from longshore.rewrite.syntax.shell_values import Field, Values
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar, Sequence, documents, walk

_WORKFLOW = re.compile(
    r"(?:\A|/)\.(?:github|gitea|forgejo)/(?:workflows/|actions/.*)[^/]+\.ya?ml\Z"
)
_GITLAB = re.compile(r"(?:\A|/)[\w.-]*\.?gitlab-ci[\w.-]*\.ya?ml\Z|(?:\A|/)\.gitlab/.*\.ya?ml\Z")
_FOLDERS = re.compile(r"(?:\A|/)(?:bin|scripts?|hack|ci|tools|deploy\w*|ops|infra|server)/[^/]+\Z")
_DEPLOYS = re.compile(
    r"(?:\A|[/_.-])(?:deploy(?:ment)?|release|rollout|restart|redeploy|server|prod(?:uction)?"
    r"|rollback|blue-?green|go-?live|update-?server)(?:[_./-]|\Z)",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"(?:^|/)(?:vendor|node_modules|third[_-]party|testdata|fixtures?|__fixtures__)/"
)
_SSH_INPUTS = ("script", "command", "commands", "run", "cmd")
_JOB_SCRIPTS = ("before_script", "script", "after_script")
_MOST_CHARACTERS = 300_000
_MAX_NESTING = 3
Locate = Callable[[int, int], Span | None]


@dataclass(frozen=True, eq=False)
class ShellText:
    """One shell text of the tree. `locate` places its characters in the file."""

    file: SourceFile
    shell: Shell
    locate: Locate
    server: bool
    runner: bool
    values: Values

    @cached_property
    def lines(self) -> tuple[tuple[Command, tuple[str, ...]], ...]:
        """The commands with their words after expansion, `sudo` and its like taken off."""
        return tuple((one, self._words(one)) for one in self.shell.commands)

    def _words(self, command: Command) -> tuple[str, ...]:
        return tuple(one.text for one in self.fields(command))

    def fields(self, command: Command) -> list[Field]:
        """A command's words after expansion, from its program on."""
        return list(program_line(self.values.fields(command.words)))

    def place(self, command: Command) -> Span:
        """Where a command stands in the file."""
        found = self.locate(command.start, command.end)
        if found is None:
            found = self.locate(command.start, min(command.start + 1, len(self.shell.text)))
        return found or Span(0, 0)


def scripts_of(surveyed: Surveyed) -> tuple[ShellText, ...]:
    """All shell texts of the tree, those inside others too; read once."""
    return surveyed.once("shell texts", lambda one: tuple(_all(one)))


def _all(surveyed: Surveyed) -> Iterator[ShellText]:
    for path in sorted(surveyed.tree.paths):
        kind = _kind(path)
        file = surveyed.tree.file(path) if kind else None
        if file is None or len(file.text) > _MOST_CHARACTERS:
            continue
        if kind == "shell":
            yield from _shell_file(file)
        elif kind == "make":
            made = file.once("makefile", lambda one: parse_makefile(one.text))
            yield from _with_inner(file, made.shell, Span, _DEPLOYS.search(path) is not None, False)
        else:
            yield from _yaml_file(file, workflow=kind == "workflow")


def _kind(path: str) -> str:
    if _FOREIGN.search(path):
        return ""
    if _WORKFLOW.search(path):
        return "workflow"
    if _GITLAB.search(path):
        return "gitlab"
    if makefile.takes(path):
        return "make"
    if shell_script.takes(path):
        named = "." in path.rpartition("/")[2]
        return "shell" if named or _FOLDERS.search(path) else ""
    return ""


def _shell_file(file: SourceFile) -> Iterator[ShellText]:
    if not shell_script.is_script(file):
        return
    shell = file.once("shell", lambda one: parse_shell(one.text))
    yield from _with_inner(file, shell, Span, _DEPLOYS.search(file.path) is not None, False)


def _with_inner(
    file: SourceFile, shell: Shell, locate: Locate, server: bool, runner: bool
) -> Iterator[ShellText]:
    yield from _nested(file, shell, locate, server, runner, Values(shell, {}), 0)


def _nested(
    file: SourceFile,
    shell: Shell,
    locate: Locate,
    server: bool,
    runner: bool,
    values: Values,
    depth: int,
) -> Iterator[ShellText]:
    """A text, and the texts that it runs: over ssh they are a server's."""
    made = ShellText(file, shell, locate, server, runner and not server, values)
    yield made
    if depth == _MAX_NESTING:
        return
    for command in shell.commands:
        fields = made.fields(command)
        if not fields:
            continue
        remote = "ssh" in fields[0].text.rpartition("/")[2]
        for start, text in nested_scripts(values, command, fields):
            inner = parse_shell(text)
            known = values.inside(inner, start, command.start)
            moved = _moved(locate, start - values.base)
            yield from _nested(file, inner, moved, server or remote, runner, known, depth + 1)


def _moved(locate: Locate, by: int) -> Locate:
    return lambda start, end: locate(start + by, end + by)


def _yaml_file(file: SourceFile, *, workflow: bool) -> Iterator[ShellText]:
    for document in documents(file).documents:
        for node in walk(document):
            if isinstance(node, Mapping):
                for scalar, server in _steps(node) if workflow else _jobs(node):
                    shell = parse_shell(scalar.value)
                    yield from _with_inner(file, shell, scalar.locate, server, True)


def _steps(node: Mapping) -> Iterator[tuple[Scalar, bool]]:
    """A workflow step's `run`, or what an ssh action runs on a server."""
    run, uses = node.get("run"), node.text("uses")
    if isinstance(run, Scalar):
        yield run, False
    if uses is not None and "ssh" in uses.partition("@")[0]:
        for name in _SSH_INPUTS:
            script = node.mapping("with").get(name)
            if isinstance(script, Scalar):
                yield script, True


def _jobs(node: Mapping) -> Iterator[tuple[Scalar, bool]]:
    """The script lines of a GitLab job."""
    for name in _JOB_SCRIPTS:
        lines = node.get(name)
        items = lines.items if isinstance(lines, Sequence) else [lines]
        for item in items:
            if isinstance(item, Scalar):
                yield item, False
