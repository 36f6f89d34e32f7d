"""YAML templates (Jinja, ERB, gotmpl, ...) and samples, by what they will become. Pure.

Expressions are covered and the rest is read as YAML; where that fails, the plain line rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from longshore.rewrite.finders import compose, helm, kubernetes, kustomize
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.line_rule import default_lines, line_rule_mentions
from longshore.rewrite.mentions import Sighting
from longshore.rewrite.source import SourceFile

_SUFFIX = re.compile(
    r"\.(?:j2|jinja2?|tmpl|tpl|tftpl|gotmpl|gotemplate|erb|mustache|hbs|handlebars|template|ejs"
    r"|liquid|njk|in|sample|example|dist|default|orig|bak|old|templ|envsubst|base|tera|eex)\Z",
    re.IGNORECASE,
)
_YAML = re.compile(
    r"\.(?:ya?ml|json)(?:\.|\Z)|(?:compose|deployment|stack|manifest)[\w.-]*\Z", re.IGNORECASE
)
_KUBERNETES = re.compile(r"^[ \t-]*apiVersion:", re.MULTILINE)
_CONTAINERS = re.compile(r"^[ \t-]*(?:initContainers|containers|services|steps):", re.MULTILINE)


def takes(path: str) -> bool:
    """Whether a file is a template or sample of YAML, by its name."""
    name = path.rpartition("/")[2]
    return _SUFFIX.search(name) is not None and _YAML.search(_inner(name)) is not None


def find(file: SourceFile, tree: Tree) -> Iterable[Sighting] | None:
    """The images that a template names itself."""
    if "image" not in file.text.lower() and "repository" not in file.text:
        return ()
    name = _inner(file.name)
    found: Iterable[Sighting] | None
    if compose.takes(name):
        found = compose.find_named(file, tree, name)
    elif helm.VALUES_FINDER.takes(name):
        found = helm.find_values(file, tree)
    elif kustomize.takes(name):
        found = kustomize.find(file, tree)
    else:
        found = kubernetes.find(file, tree)
        found = compose.find_by_content(file, tree) if found is None else found
    if found is not None:
        return [*found, *default_lines(file, "k8s-image")]
    strict = _KUBERNETES.search(file.text) is None and _CONTAINERS.search(file.text) is None
    lines = line_rule_mentions(file, "k8s-image", strict=strict)
    return [*lines, *default_lines(file, "k8s-image")]


def _inner(path: str) -> str:
    """The path without what makes it a template."""
    before = None
    while before != path:
        before, path = path, _SUFFIX.sub("", path)
    return path


FINDER = Finder("template", takes, find)
