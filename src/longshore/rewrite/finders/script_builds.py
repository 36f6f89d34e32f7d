"""What scripts give the ARGs of Dockerfiles (`docker build --build-arg NODE=20 web`). Pure.

The Dockerfile is looked for from the script's folder, then from the top of the tree; a build whose
Dockerfile is not in the tree gives nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from longshore.rewrite.finders import container_options as options
from longshore.rewrite.finders.command_options import read_line
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.programs import is_engine, program_line
from longshore.rewrite.finders.shell_commands import Script
from longshore.rewrite.mentions import OPEN, BuildArgument
from longshore.rewrite.syntax.shell import Shell, parse_shell
from longshore.rewrite.syntax.shell_values import Field, Values

_VERBS = ("build", "bud")
_NO_BUILDS = ("compose", "bake")


def arguments_in(
    script: Script, tree: Tree, folder: str, shell: Shell | None = None
) -> Iterator[BuildArgument]:
    """The build arguments that the commands of a script hand to Dockerfiles of the tree."""
    if "--build-arg" not in script.text:
        return
    shell = parse_shell(script.text) if shell is None else shell
    values = Values(shell, script.variables)
    for command in shell.commands:
        if not any("build-arg" in word.raw or word.raw.startswith("$") for word in command.words):
            continue
        yield from _of_command(program_line(values.fields(command.words)), script, tree, folder)


def _of_command(
    fields: Sequence[Field], script: Script, tree: Tree, folder: str
) -> Iterator[BuildArgument]:
    head = [one.text for one in fields[:4]]
    verb = next((at for at, text in enumerate(head) if text in _VERBS), 0)
    if not verb or not is_engine(fields) or any(one in head[:verb] for one in _NO_BUILDS):
        return
    line = read_line(fields[verb + 1 :], options.BUILD_VALUED, options.BUILD_FLAGS)
    files = [one.text for one in line.of("file", "f")]
    context = line.words[0].text if line.words else "."
    dockerfile = _dockerfile(files[-1] if files else "", context, tree, folder)
    if dockerfile is None:
        return
    for one in line.of("build-arg"):
        name, equals, _ = one.text.partition("=")
        value = one.after(len(name) + 1)
        written = script.original[value.start : value.end] == value.text
        start = value.start if written else one.start  # a variable's value does not stand here
        span = script.locate(start, value.end) if equals and value.values else None
        if span is not None and name and value.text != OPEN:
            yield BuildArgument(dockerfile, name, value.text, script.path, span)


def _dockerfile(file: str, context: str, tree: Tree, folder: str) -> str | None:
    path = file or posixpath.join(context, "Dockerfile")
    if OPEN in path or path.startswith("/"):
        return None
    for base in (folder, ""):
        found = posixpath.normpath(posixpath.join(base, path))
        if found in tree.paths:
            return found
    return None
