"""The finders of compose, Kubernetes, Kustomize, Helm and their templates, in order. Pure."""

from __future__ import annotations

from longshore.rewrite.finders import compose, kubernetes, kustomize

NAMED = (compose.FINDER, kustomize.FINDER)
# Files of any name: their content says what they are.
LATE = (kubernetes.FINDER, compose.BY_CONTENT)
