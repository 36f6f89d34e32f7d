"""The finders of compose, Kubernetes, Kustomize, Helm and their templates, in order. Pure."""

from __future__ import annotations

from longshore.rewrite.finders import (
    compose,
    env_file,
    fragments,
    helm,
    kubernetes,
    kustomize,
    templates,
)

NAMED = (
    compose.FINDER,
    kustomize.FINDER,
    helm.CHART_FINDER,
    helm.HELMFILE_FINDER,
    helm.VALUES_FINDER,
    helm.TEST_FINDER,
    helm.TEMPLATE_FINDER,
    templates.FINDER,
    env_file.FINDER,
)
# Files of any name: their content says what they are.
LATE = (kubernetes.FINDER, compose.BY_CONTENT, fragments.FINDER)
