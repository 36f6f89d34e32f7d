"""Nomad jobs: the image in the `config` of a task whose driver runs containers. Pure.

Levant's and Nomad Pack's template marks (`[[ .tag ]]`) are covered first: inside a string they are
an unknown value, outside they are nothing.

Spec: developer.hashicorp.com/nomad/docs/job-specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.hcl_values import Defined, branches, values
from longshore.rewrite.finders.readings import mention
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.hcl import Block, Body
from longshore.rewrite.syntax.hcl_reader import parse_hcl

KIND = "nomad"
_DRIVERS = {"docker", "podman", "containerd-driver", "nerdctl", "rkt", ""}
_MARK = re.compile(r"\[\[[^\[\]\n]{1,500}\]\]|\{\{[^{}\n]{1,500}\}\}")
_SCHEMES = ("docker://", "docker-image://", "oci://")
_NAME = re.compile(r"\.(?:nomad|hcl|job|nomad\.tpl|levant|hcl\.tpl|nomad\.j2)\Z|\.nomad\.")


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of a job file; None when the file holds no job."""
    body = parse_hcl(_covered(file.text))
    if not any(True for _ in body.all("job")):
        return None
    return list(job_mentions(file, body))


def job_mentions(file: SourceFile, body: Body) -> Iterator[Mention]:
    """The images of the jobs of a body whose spans are places of the file."""
    names = _names(file, body)

    def lookup(path: tuple[str, ...]) -> Sequence[Defined]:
        known = names.get(path[:2]) if len(path) == 2 else None
        return (known,) if known is not None else ()

    for job in body.all("job"):
        for task in _tasks(job.body):
            if (task.body.text("driver") or "") not in _DRIVERS:
                continue
            for config in task.body.all("config"):
                value = config.body.get("image")
                for branch in branches(value) if value is not None else ():
                    for one in values(branch, file.path, lookup):
                        made = mention(file, KIND, branch.span, one, job="/".join(task.labels))
                        yield _bare(made, file)


def _tasks(body: Body) -> Iterator[Block]:
    stack = list(reversed(body.blocks))
    while stack:
        block = stack.pop()
        if block.type in ("task", "sidecar_task"):
            yield block
        else:
            stack.extend(reversed(block.body.blocks))


def _names(file: SourceFile, body: Body) -> dict[tuple[str, ...], Defined]:
    found: dict[tuple[str, ...], Defined] = {}
    for block in body.blocks:
        default = block.body.get("default")
        if block.type == "variable" and block.labels and default is not None:
            found["var", block.labels[0]] = Defined(file.path, default)
        elif block.type == "locals":
            for one in block.body.attributes:
                found["local", one.name] = Defined(file.path, one.value)
    return found


def _bare(made: Mention, file: SourceFile) -> Mention:
    """The mention without `docker://`."""
    for scheme in _SCHEMES:
        if made.text.startswith(scheme):
            span = Span(made.span.start + len(scheme), made.span.end)
            value = made.expanded[len(scheme) :]
            text = file.cut(span)
            return Mention(
                made.kind,
                made.role,
                span,
                text,
                None if value == text else value,
                made.pulled,
                made.job,
                needs=made.needs,
            )
    return made


def _covered(text: str) -> str:
    if "[[" not in text and "{{" not in text:
        return text

    def cover(found: re.Match[str]) -> str:
        line = text.rfind("\n", 0, found.start()) + 1
        quoted = text.count('"', line, found.start()) % 2 == 1
        return (OPEN if quoted else " ") * len(found[0])

    return _MARK.sub(cover, text)


FINDER = Finder("nomad", lambda path: _NAME.search(path) is not None, find, marks=(b"image",))
