"""The section `protect` of `longshore.yaml`: where images in use are looked for. Pure."""

from __future__ import annotations

from typing import Any

from longshore.errors import UsageError
from longshore.provision.settings import EcsPlaces, KubernetesPlaces, Protection
from longshore.provision.shapes import Shape, Text, Whole, Word
from longshore.provision.structures import Key, ListOf, Struct
from longshore.text import tr

IN_USE = ("compose", "kubernetes", "ecs", "lambda", "command")
_NEEDED_BY = (("command", "command"), ("kubernetes", "kubernetes"), ("ecs", "ecs"))


def protect() -> Shape[Protection]:
    """What counts as in use and is never deleted."""
    return Struct(
        _protection,
        {
            "in_use": Key(ListOf(Word(*IN_USE)), "Where to look for images in use"),
            "command": Key(
                ListOf(Text(), least=1), "A program and its arguments that prints images in use"
            ),
            "tags": Key(ListOf(Text()), "Tag patterns that count as in use"),
            "kubernetes": Key(_kubernetes(), "Clusters to ask, beside the tree's manifests"),
            "ecs": Key(_ecs(), "Where in ECS to look; all clusters when left out"),
        },
    )


def _kubernetes() -> Shape[KubernetesPlaces]:
    return Struct(
        KubernetesPlaces,
        {
            "contexts": Key(
                ListOf(Text(), least=1), "Contexts of kubectl, one a cluster", required=True
            ),
            "kubeconfig": Key(Text(), "kubectl's file, if not the usual one; read only by apply"),
        },
    )


def _ecs() -> Shape[EcsPlaces]:
    return Struct(
        EcsPlaces,
        {
            "clusters": Key(ListOf(Text(), least=1), "Names or ARNs of clusters"),
            "revisions": Key(
                Whole(1, 100), "How many task definitions and service revisions count, each (3)"
            ),
        },
    )


def _protection(**values: Any) -> Protection:
    made = Protection(**values)
    for field, word in _NEEDED_BY:
        if getattr(made, field) != getattr(Protection(), field) and word not in made.in_use:
            if field == "command":
                what = tr("a command is given, but in_use does not name it")
            else:
                what = tr("{key} is described, but in_use does not name it", key=field)
            raise UsageError(what, tr("add {word} to in_use", word=word))
    return made
