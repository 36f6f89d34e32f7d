"""Objects of Flux, Argo CD and k3s that carry Helm charts and values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.helm_oci import chart_at
from longshore.rewrite.finders.helm_values import mentions_of_settings, mentions_of_values
from longshore.rewrite.finders.kustomize import images_of_strings, mentions_of_kustomization
from longshore.rewrite.finders.manifest import Manifest, text_of
from longshore.rewrite.finders.shape import cover, is_possible, names_something
from longshore.rewrite.mentions import Mention
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar

_GROUPS = re.compile(r"fluxcd\.io|argoproj\.io|helm\.cattle\.io|k3s\.cattle\.io|fleet\.cattle\.io")
_KINDS = frozenset({
    *("HelmRelease", "OCIRepository", "HelmRepository", "Application", "ApplicationSet"),
    *("HelmChart", "HelmChartConfig"),
})  # fmt: skip
_UPDATER = "argocd-image-updater.argoproj.io/image-list"
_ENTRY = re.compile(r"(?:[\w-]+=)?([^\s,=]+)")


def is_helm_object(kind: str, version: str) -> bool:
    """Whether an object is one of these."""
    return kind in _KINDS and _GROUPS.search(version) is not None


def mentions_of_helm_object(manifest: Manifest, root: Mapping, tree: Tree) -> Iterator[Mention]:
    """What one of these objects names."""
    spec, kind = root.mapping("spec"), text_of(root.get("kind"))
    if kind == "HelmRelease":
        yield from _release(manifest, spec, tree)
    elif kind == "OCIRepository":
        reference = spec.mapping("ref")
        version = next(
            (reference.get(key) for key in ("digest", "tag", "semver") if reference.get(key)), None
        )
        yield from chart_at(manifest, spec.get("url"), None, version)
    elif kind == "HelmRepository":
        yield from _repository(manifest, spec)
    elif kind in ("HelmChart", "HelmChartConfig"):
        yield from chart_at(manifest, spec.get("chart"), None, spec.get("version"))
        yield from _values(manifest, spec, "valuesContent")
        yield from _values(manifest, spec, "values")
    else:
        template = spec.mapping("template").mapping("spec") if kind == "ApplicationSet" else spec
        for source in (template.get("source"), *template.sequence("sources")):
            if isinstance(source, Mapping):
                yield from _source(manifest, source, tree)
        yield from _updater(manifest, root)


def _release(manifest: Manifest, spec: Mapping, tree: Tree) -> Iterator[Mention]:
    chart = spec.mapping("chart")
    yield from chart_at(manifest, chart.get("repository"), chart.get("name"), chart.get("version"))
    yield from _values(manifest, spec, "values")
    for renderer in spec.sequence("postRenderers"):
        if isinstance(renderer, Mapping):
            yield from mentions_of_kustomization(manifest, renderer.mapping("kustomize"), tree)


def _repository(manifest: Manifest, spec: Mapping) -> Iterator[Mention]:
    """A registry of charts: which of them is said elsewhere."""
    url = spec.get("url")
    open_name = Scalar("{{ chart }}", spec.span, "", "{{ chart }}")
    if text_of(url).startswith("oci://"):
        yield from chart_at(manifest, url, open_name, None)


def _source(manifest: Manifest, source: Mapping, tree: Tree) -> Iterator[Mention]:
    chart = source.get("chart")
    yield from chart_at(manifest, source.get("repoURL"), chart, source.get("targetRevision"))
    helm = source.mapping("helm")
    yield from _values(manifest, helm, "values")
    yield from _values(manifest, helm, "valuesObject")
    parameters = [one for one in helm.sequence("parameters") if isinstance(one, Mapping)]
    yield from mentions_of_settings(replace(manifest, kind="helm-values"), parameters)
    kustomize = replace(manifest, kind="kustomize-images")
    images = source.mapping("kustomize").sequence("images")
    yield from images_of_strings(kustomize, images)


def _values(manifest: Manifest, node: Mapping, key: str) -> Iterator[Mention]:
    """Values of a chart: a mapping, or a text that is one."""
    manifest = replace(manifest, kind="helm-values")
    values = node.get(key)
    if isinstance(values, Mapping):
        yield from mentions_of_values(manifest, values)
    elif isinstance(values, Scalar):
        inner = manifest.inner(values)
        for root in inner[1] if inner is not None else ():
            if inner is not None and isinstance(root, Mapping):
                yield from mentions_of_values(inner[0], root)


def _updater(manifest: Manifest, root: Mapping) -> Iterator[Mention]:
    """Images whose newer tags Argo CD's image updater looks for."""
    listed = root.mapping("metadata").mapping("annotations").get(_UPDATER)
    if not isinstance(listed, Scalar) or listed.raw != listed.value:
        return
    for found in _ENTRY.finditer(listed.value):
        value = cover(found[1])
        span = listed.locate(found.start(1), found.end(1))
        if span is not None and names_something(value) and is_possible(value):
            yield replace(manifest, kind="argocd-image-updater").mention(span, value)
