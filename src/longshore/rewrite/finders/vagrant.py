"""Vagrantfiles: images of the docker provider and provisioner. Pure.

Other providers' images are machines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect, expand, nothing_known
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.image_values import Finding, unique
from longshore.rewrite.finders.shape import is_possible
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile, Span

KIND = "vagrant"
_RUBY = Dialect(re.compile(r"#\{(?P<name>[^}\n]{0,200})\}"))
_BLOCK = re.compile(
    r"\.(?:provider|provision)\s{0,9}\(?\s{0,9}[:\"']docker\b[^\n|]{0,200}\|\s{0,9}(?P<name>\w{1,60})"
)
_STRING = re.compile(r"\s{0,9}\(?[\"']([^\"'\n]{1,300})[\"']")
_STRINGS = re.compile(r"[\"']([^\"'\n]{1,300})[\"']")
_IMAGE = re.compile(r"\bimage(?::|[\"']?\s{0,9}=>)\s{0,9}[\"']([^\"'\n]{1,300})[\"']")


def find(file: SourceFile, tree: Tree) -> list[Mention]:
    """The images that docker blocks of a Vagrantfile name."""
    finding = Finding(file, KIND, "host", _RUBY)
    found: list[Mention] = []
    for name in sorted({re.escape(block["name"]) for block in _BLOCK.finditer(file.text)})[:20]:
        rule = re.compile(
            rf"\b{name}\.(?:(?:image\s{{0,9}}=|pull_images)(?P<list>[^\n#]{{1,1000}})"
            rf"|run\b(?P<run>[^\n#]{{1,1000}}))"
        )
        for line in rule.finditer(file.text):
            if file.line_of(line.start()).lstrip().startswith("#"):
                continue
            for span in _images(line):
                if is_possible(_RUBY.pattern.sub("x", file.cut(span))):
                    reading = expand(file.cut(span), _RUBY, nothing_known)[0]
                    found.append(finding.mention(span, reading))
    return unique(found)


def _images(line: re.Match[str]) -> Iterator[Span]:
    if line["list"] is not None:
        for one in _STRINGS.finditer(line["list"]):
            yield Span(*one.span(1)).moved(line.start("list"))
        return
    named = _IMAGE.search(line["run"]) or _STRING.match(line["run"])
    if named is not None:
        yield Span(*named.span(1)).moved(line.start("run"))


FINDER = Finder(
    KIND,
    lambda path: path.rpartition("/")[2].lower().startswith("vagrantfile"),
    find,
    (b"docker",),
)
