"""The finders of compose, Kubernetes, Kustomize, Helm and their templates, in order. Pure."""

from __future__ import annotations

from longshore.rewrite.finders import compose, helm, kubernetes, kustomize

NAMED = (
    compose.FINDER,
    kustomize.FINDER,
    helm.CHART_FINDER,
    helm.HELMFILE_FINDER,
    helm.VALUES_FINDER,
    helm.TEST_FINDER,
    helm.TEMPLATE_FINDER,
)
# Files of any name: their content says what they are.
LATE = (kubernetes.FINDER, compose.BY_CONTENT)
