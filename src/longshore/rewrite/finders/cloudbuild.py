"""Google Cloud Build: the builders of steps, what docker does in their arguments, `images`. Pure.

Reference: cloud.google.com/build/docs/build-file-schema. `name` of a step is an image; `_NAME`
substitutions have their defaults in the file. `images` are pushed at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect, Known
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, piece_of, scalars, unique
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar

KIND = "cloudbuild"
_PATH = re.compile(
    r"(?:\A|/)(?:[^/]*cloud[-_.]?build[^/]*|\.?gcb[^/]*|\.?cloudbuild/.*)\.(?:ya?ml|json)\Z",
    re.IGNORECASE,
)
_YAML = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
LATE_MARKS = (b"gcr.io/cloud-builders/", b"gcr.io/google.com/cloudsdktool/", b"$PROJECT_ID")
_DIALECT = Dialect(
    re.compile(
        r"(?P<literal>\$)\$|\$\{(?P<braced>\w{1,200})[^}\n]{0,200}\}|\$(?P<name>[A-Z_][A-Z0-9_]*)"
    )
)
_PROGRAM = re.compile(r"(?:\A|/)(docker|podman|buildah|skopeo|crane|pack|nerdctl)(?:[:@].*)?\Z")
_KANIKO = re.compile(r"kaniko[^/]*/executor|(?:\A|/)kaniko(?:[:@].*)?\Z")
_SHELLS = {"bash", "sh", "/bin/bash", "/bin/sh", "ash", "/bin/ash"}


def takes(path: str) -> bool:
    """Whether a path is a build file by its name."""
    return _PATH.search(path) is not None


def takes_yaml(path: str) -> bool:
    """Whether a path may be a build file of another name."""
    return _YAML.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a build file; None when it is none."""
    roots = [one for one in read_of(file).documents if isinstance(one, Mapping)]
    builds = [build for root in roots for build in _builds(root)]
    if not builds:
        return None
    return unique(found for build in builds for found in _of_build(file, build))


def _builds(root: Mapping) -> list[Mapping]:
    """The build itself, or the one inside a trigger."""
    if root.get("apiVersion") is not None or root.get("runs") is not None:
        return []
    found = [root, root.mapping("build")]
    return [one for one in found if _has_steps(one)]


def _has_steps(build: Mapping) -> bool:
    steps = build.sequence("steps")
    return any(isinstance(one, Mapping) and one.text("name") for one in steps)


def _of_build(file: SourceFile, build: Mapping) -> Iterator[Mention]:
    values: dict[str, list[Known]] = {}
    for key, value in build.mapping("substitutions").items():
        if isinstance(value, Scalar):
            values[key.value] = [Known(value.value, piece_of(file, value))]
    plain = {name: known[0].value for name, known in values.items()}
    finding = Finding(file, KIND, "job-start", _DIALECT, values.get, variables=plain)
    for step in build.sequence("steps"):
        if isinstance(step, Mapping):
            yield from finding.image(step.get("name"))
            yield from _of_command(finding, step)
    for one in scalars(build.get("images")):
        yield from finding.image(one, "push")


def _of_command(finding: Finding, step: Mapping) -> Iterator[Mention]:
    words = scalars(step.get("args"))
    entry = step.text("entrypoint") or ""
    script = step.get("script")
    if isinstance(script, Scalar):
        yield from finding.script([script])
    program = _PROGRAM.search(entry or step.text("name") or "")
    if entry in _SHELLS or (not entry and words and words[0].value in _SHELLS):
        yield from finding.script([one for one in words if " " in one.value])
    elif program is not None:
        yield from finding.command(program[1], words)
    elif _KANIKO.search(step.text("name") or ""):
        yield from finding.command("/kaniko/executor", words)
