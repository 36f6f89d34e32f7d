"""Tiltfiles: names that Tilt builds, and the shell it runs. Pure.

Reference: docs.tilt.dev/api. What `docker_build` and `custom_build` name stays on this machine or
goes to a development registry; it must stay equal to the name in the manifests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from longshore.rewrite.finders.expansion import PLAIN, Expanded
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, unique
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile, Span

KIND = "tilt"
MARKS = (b"docker", b"image", b"build", b"podman")
_PATH = re.compile(r"(?:\A|/)(?:Tiltfile[^/]*|[^/]+\.(?:tiltfile|tilt))\Z", re.IGNORECASE)
_BUILD = re.compile(
    r"\b(?:docker_build|custom_build|docker_build_with_restart|podman_build|ko_build|bazel_build"
    r"|pack|nix_build|custom_build_with_restart|docker_build_sub)\(\s{0,200}(?:ref\s{0,9}=\s{0,9})?"
    r"(?P<quote>[\"'])(?P<image>[^\"'\n]{1,300})(?P=quote)"
)
_SHELL = re.compile(
    r"\blocal\(|\blocal_resource\(\s{0,99}(?:[\"'][^\"'\n]{0,200}[\"']|\w{1,99})\s{0,99},\s{0,99}(?=[\"'])"
    r"|\b(?:cmd|serve_cmd|command)\s{0,9}=\s{0,9}(?=[\"'])"
)
_STRING = re.compile(r"(?P<quote>\"{3}|'{3}|\"|')(?P<text>(?:(?!(?P=quote)).){1,5000})", re.DOTALL)


def takes(path: str) -> bool:
    """Whether a path is a Tiltfile."""
    return _PATH.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention]:
    """The names that are built, and the images of the shell commands."""
    finding = Finding(file, KIND, "host", PLAIN)
    found: list[Mention] = []
    for call in _BUILD.finditer(file.text):
        if not _is_comment(file, call.start()):
            span = Span(*call.span("image"))
            made = finding.mention(span, Expanded(file.cut(span)), "build-output", built=True)
            found.append(replace(made, value=None))
    for call in _SHELL.finditer(file.text):
        text = _STRING.search(file.text, call.end(), call.end() + 6000)
        if text is None or _is_comment(file, call.start()):
            continue
        found += mentions_in(Script(text["text"], _moved(text.start("text")), KIND, "host"))
    return unique(one for one in found if file.cut(one.span) == one.text)


def _moved(by: int) -> Callable[[int, int], Span]:
    return lambda start, end: Span(start + by, end + by)


def _is_comment(file: SourceFile, offset: int) -> bool:
    return file.line_of(offset).lstrip().startswith("#")
