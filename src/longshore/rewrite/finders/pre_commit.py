"""pre-commit: hooks with `language: docker_image`; their `entry` begins with the image. Pure.

pre-commit runs `docker run ... ENTRY`, so options of `docker run` may stand before the image.
"""

from __future__ import annotations

import re

from longshore.rewrite.finders.expansion import PLAIN
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, unique
from longshore.rewrite.finders.node_paths import mappings
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.yaml_nodes import Scalar, documents

KIND = "pre-commit"
MARKS = (b"docker_image",)
_PATH = re.compile(r"(?:\A|/)(?:\.pre-commit[^/]*|pre-commit[^/]*|prek[^/]*)\.ya?ml\Z")
_WORD = re.compile(r"'[^']*'|\"[^\"]*\"|\S+")
_TAKES_VALUE = {
    *("--entrypoint", "-e", "--env", "--env-file", "-v", "--volume", "--mount", "-w", "--workdir"),
    *("-u", "--user", "--network", "--net", "--platform", "--name", "-p", "--publish", "--tmpfs"),
    *("-h", "--hostname", "--add-host", "--cpus", "-m", "--memory", "--label", "-l", "--pull"),
    *("--security-opt", "--cap-add", "--cap-drop", "--ulimit", "--shm-size", "--gpus"),
}


def takes(path: str) -> bool:
    """Whether a path is a configuration or a list of hooks."""
    return _PATH.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention]:
    """The images of all hooks that run one."""
    found: list[Mention] = []
    finding = Finding(file, KIND, "host", PLAIN)
    for root in documents(file).documents:
        for node in mappings(root):
            entry = node.get("entry")
            if node.text("language") == "docker_image" and isinstance(entry, Scalar):
                found += finding.image(_image(entry))
    return unique(found)


def _image(entry: Scalar) -> Scalar | None:
    """The first word of an entry that is neither an option nor an option's value."""
    skip = False
    for word in _WORD.finditer(entry.value):
        text = word[0]
        if skip:
            skip = False
        elif text.startswith("-"):
            skip = text in _TAKES_VALUE
        else:
            quoted = 1 if text[0] in "'\"" else 0
            span = entry.locate(word.start() + quoted, word.end() - quoted)
            bare = text.strip("'\"")
            return Scalar(bare, span, "", bare) if span is not None else None
    return None
