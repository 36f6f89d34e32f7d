"""The files of a Helm chart: values, `Chart.yaml`, templates, unit tests, helmfiles. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.helm_chart import chart_of
from longshore.rewrite.finders.helm_oci import KIND as OCI
from longshore.rewrite.finders.helm_oci import chart_at, chart_mention, tail_of
from longshore.rewrite.finders.helm_recipes import fill_expressions, value_at
from longshore.rewrite.finders.helm_values import (
    mentions_of_chart_values,
    mentions_of_paths,
    mentions_of_settings,
    mentions_of_values,
)
from longshore.rewrite.finders.kubernetes_walk import Walk
from longshore.rewrite.finders.line_rule import default_lines, line_rule_mentions, repository_lines
from longshore.rewrite.finders.manifest import Fill, Manifest, text_of
from longshore.rewrite.finders.shape import cover, is_possible
from longshore.rewrite.mentions import OPEN, Mention, Piece
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import has_marks, masked_documents, read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, documents

VALUES = "helm-values"

_VALUES = re.compile(
    r"(?:[\w.-]*values[\w.-]*)\.ya?ml(?:\.(?:gotmpl|tmpl|tpl|j2|template|example|sample|dist))?\Z",
    re.IGNORECASE,
)
_CHART = re.compile(r"(?:Chart|requirements)(?:\.template)?\.(?:ya?ml|lock)\Z")
_TEMPLATE = re.compile(
    r"(?!.*\.(?:nomad|hcl|job|tf)\.\w+\Z)(?:.*/)?templates/.*\.(?:ya?ml|tpl|json|gotmpl)\Z",
    re.IGNORECASE,
)
_TEST = re.compile(r"(?:.*/)?(?:unit)?-?tests?/(?:.*/)?[\w.-]+\.ya?ml\Z")
_HELMFILE = re.compile(r"(?:.*/)?(?:helmfile[\w.-]*|helmfile\.d/[^/]+)\.ya?ml(?:\.gotmpl)?\Z")
_EXPRESSION = re.compile(r"\{\{[^{}\n]{0,1000}\}\}")
# An image (or a variable's value) of which something is written out.
_LITERAL = re.compile(
    rf"image(?!pull)[\w-]{{0,60}}[\"']?[ \t]*[:=][ \t]*[\"']?{OPEN}?[\w./-]{{0,200}}[a-z0-9]"
    rf"|(?:value:[ \t]*[\"']?|=)[\w.{OPEN}-]{{1,200}}/|docker://|-image[\"']?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_IMAGE_PATH = re.compile(r"(?:\.|^)(?:image|imageName)\Z")


def find_values(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images that a values file names."""
    read = read_of(file)
    roots = [one for one in read.documents if isinstance(one, Mapping)]
    if any(root.get("apiVersion") and root.get("kind") for root in roots):
        return None
    manifest = Manifest(file, VALUES)
    if read.problem:
        return _unique([*line_rule_mentions(file, VALUES), *repository_lines(file, VALUES)])
    chart = chart_of(file.path, tree)
    return _unique(one for root in roots for one in mentions_of_chart_values(manifest, root, chart))


def find_chart(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """Charts from OCI registries, and the images that annotations list."""
    found: list[Mention] = []
    for root in documents(file).documents:
        if not isinstance(root, Mapping):
            continue
        manifest = Manifest(file, "helm-chart-images")
        for one in root.sequence("dependencies"):
            if isinstance(one, Mapping):
                found += chart_mention(manifest, one, "repository", "name", "version")
        for key, value in root.mapping("annotations").items():
            if key.value.endswith("images") and isinstance(value, Scalar):
                found += manifest.lines(value)
    return _unique(found)


def find_template(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """Images that a chart's template says itself, not through values."""
    if not has_marks(file.text):
        return None
    if not _LITERAL.search(_EXPRESSION.sub(OPEN, file.text)):
        return ()
    kind = "k8s-image"
    chart = chart_of(file.path, tree)
    root, version = (chart.values, chart.app_version) if chart is not None else (None, "")
    defaults = default_lines(file, kind, is_set=lambda path: bool(_said(root, path)))
    read = masked_documents(file)
    if read.problem or file.path.endswith(".tpl"):
        return [*line_rule_mentions(file, kind), *defaults]
    walk = Walk(Manifest(file, kind, fill=_filling(root, version), literal=True))
    found = [one for document in read.documents for one in walk.mentions(document)]
    return _unique([*found, *defaults])


def _said(root: Mapping | None, path: str) -> str:
    return text_of(value_at(root, path)) if root is not None else ""


def _filling(root: Mapping | None, app_version: str) -> Fill:
    """Expressions of a template with what the chart's own values say."""

    def fill(text: str) -> tuple[str, tuple[Piece, ...]]:
        if root is None or "{{" not in text:
            return cover(text), ()
        return cover(fill_expressions(text, root, app_version)), ()

    return fill


def find_test(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """What unit tests of a chart (helm-unittest) set and expect."""
    roots = [one for one in read_of(file).documents if isinstance(one, Mapping)]
    suites = [one for one in roots if isinstance(one.get("tests"), Sequence)]
    if not any(one.get("asserts") for suite in suites for one in _mappings(suite, "tests")):
        return None
    manifest = Manifest(file, "helm-unittest", "test")
    return _unique(one for suite in suites for one in _suite(manifest, suite))


def find_helmfile(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The charts and inline values of a helmfile's releases."""
    manifest = Manifest(file, VALUES)
    found: list[Mention] = []
    for root in masked_documents(file).documents:
        if isinstance(root, Mapping):
            found += _releases(manifest, root)
    return _unique(found)


def _suite(manifest: Manifest, suite: Mapping) -> Iterator[Mention]:
    yield from _set(manifest, suite.get("set"))
    for test in _mappings(suite, "tests"):
        yield from _set(manifest, test.get("set"))
        for claim in _mappings(test, "asserts"):
            for _, said in claim.items():
                if not isinstance(said, Mapping):
                    continue
                if _IMAGE_PATH.search(text_of(said.get("path"))):
                    mention = manifest.image(said.get("value"))
                    if mention is not None:
                        yield mention
                else:
                    yield from Walk(manifest).mentions(said)


def _set(manifest: Manifest, node: Node | None) -> Iterator[Mention]:
    if not isinstance(node, Mapping):
        return
    known = {key.value: one for key, one in node.items() if isinstance(one, Scalar)}
    dotted = {key: one for key, one in known.items() if "." in key}
    yield from mentions_of_paths(manifest, dotted)
    yield from mentions_of_values(manifest, node)


def _releases(manifest: Manifest, root: Mapping) -> Iterator[Mention]:
    registries = {
        text_of(one.get("name")): one
        for one in _mappings(root, "repositories")
        if text_of(one.get("oci")) == "true" or text_of(one.get("url")).startswith("oci://")
    }
    for release in _mappings(root, "releases"):
        chart = release.get("chart")
        name, _, rest = text_of(chart).partition("/")
        if isinstance(chart, Scalar) and rest and name in registries:
            yield from _through(manifest, chart, registries[name], rest, release.get("version"))
        else:
            yield from chart_at(manifest, chart, None, release.get("version"))
        for values in release.sequence("values"):
            if isinstance(values, Mapping):
                yield from mentions_of_values(manifest, values)
        yield from mentions_of_settings(manifest, list(_mappings(release, "set")))


def _through(
    manifest: Manifest, chart: Scalar, registry: Mapping, rest: str, version: Node | None
) -> Iterator[Mention]:
    """A chart that is named through one of the helmfile's own registries."""
    url = text_of(registry.get("url")).removeprefix("oci://").rstrip("/")
    placed = manifest.value_of(chart)
    if placed is not None:
        value = f"{url}/{rest}{tail_of(text_of(version))}"
        if is_possible(value):
            yield replace(manifest, kind=OCI, pulled="host").mention(placed[0], value)


def _mappings(node: Mapping, key: str) -> Iterator[Mapping]:
    return (one for one in node.sequence(key) if isinstance(one, Mapping))


def _unique(found: Iterable[Mention]) -> list[Mention]:
    return list({(one.span, one.role): one for one in reversed(list(found))}.values())[::-1]


VALUES_FINDER = Finder(
    "helm-values", lambda path: _VALUES.match(path.rpartition("/")[2]) is not None, find_values
)
CHART_FINDER = Finder(
    "helm-chart", lambda path: _CHART.match(path.rpartition("/")[2]) is not None, find_chart
)
TEMPLATE_FINDER = Finder(
    "helm-template", lambda path: _TEMPLATE.match(path) is not None, find_template
)
TEST_FINDER = Finder("helm-unittest", lambda path: _TEST.match(path) is not None, find_test)
HELMFILE_FINDER = Finder("helmfile", lambda path: _HELMFILE.match(path) is not None, find_helmfile)
