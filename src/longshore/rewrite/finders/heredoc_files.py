"""Files that a script writes or pipes from a heredoc: manifests and Dockerfiles. Pure.

`kubectl apply -f - <<EOF`, `cat > compose.yml <<EOF`, `docker build - <<EOF`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from longshore.rewrite.finders.command_options import may_be_image
from longshore.rewrite.finders.container_commands import Named
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.shell import Command, Heredoc
from longshore.rewrite.syntax.shell_values import Chunk, Field, Value, Values
from longshore.rewrite.syntax.shell_words import read_word

_READERS = {"kubectl", "oc", "kind", "k3d", "docker-compose", "docker", "podman", "nomad", "k"}
_YAML_FILE = re.compile(r"\.ya?ml(?:\.\w+)?\Z", re.IGNORECASE)
_DOCKERFILE = re.compile(
    r"(?:^|/)(?:[\w.-]*\.)?(?:Dockerfile|Containerfile)(?:\.[\w.-]+)?\Z", re.IGNORECASE
)
_IMAGE_LINE = re.compile(
    r"^[ \t]*(?:-[ \t]+)?image:[ \t]+[\"']?(?P<image>[^\s\"'#\\]+)", re.MULTILINE
)
_FROM_LINE = re.compile(
    r"^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?(?P<image>\S+)(?:[ \t]+AS[ \t]+(?P<stage>\S+))?",
    re.MULTILINE | re.IGNORECASE,
)


def heredoc_images(
    values: Values, command: Command, fields: Sequence[Field], fed: Sequence[str]
) -> Iterator[Named]:
    """The images in a command's heredocs; `fed` are the programs that read its output."""
    if not command.heredocs:
        return
    program = fields[0].text.rpartition("/")[2] if fields else ""
    outputs = [word.literal or word.raw for word in command.outputs]
    if program == "tee":
        outputs += [one.text for one in fields[1:]]
    words = {one.text for one in fields}
    for body in command.heredocs:
        if any(_DOCKERFILE.search(one.strip("\"'")) for one in outputs) or (
            "build" in words and program in {"docker", "podman", "buildah"}
        ):
            yield from _from_lines(values, command, body)
        elif any(_YAML_FILE.search(one.strip("\"'")) for one in outputs) or (
            not outputs and (program in _READERS or any(one in _READERS for one in fed))
        ):
            for found in _IMAGE_LINE.finditer(values.shell.text, body.start, body.end):
                yield from _image(values, command, body, found)


def _from_lines(values: Values, command: Command, body: Heredoc) -> Iterator[Named]:
    stages: set[str] = {"scratch"}
    for found in _FROM_LINE.finditer(values.shell.text, body.start, body.end):
        if found["image"].lower() not in stages:
            yield from _image(values, command, body, found)
        if found["stage"]:
            stages.add(found["stage"].lower())


def _image(
    values: Values, command: Command, body: Heredoc, found: re.Match[str]
) -> Iterator[Named]:
    start, end = found.span("image")
    base = values.base
    known: list[Value]
    if body.quoted:
        here = Span(start + base, end + base)
        known = [(Chunk(found["image"], here.start, here.end, here),)]
    else:
        known = values.expand(read_word(values.shell.text, start, end), command.start)
    one = Field(tuple(known), start + base, end + base)
    if may_be_image(one.text):
        yield Named(one, "pull")
