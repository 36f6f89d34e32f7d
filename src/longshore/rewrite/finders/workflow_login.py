"""Registries that workflows log in to; Docker Hub when an action names none. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.finders.workflow_places import Places, Sort, located
from longshore.rewrite.mentions import Mention, Piece
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.workflow import Step, Uses
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar, Sequence, parse_yaml

LOGIN = Sort("gha-login", "login", open_too=True)


@dataclass(frozen=True)
class Login:
    """How an action logs in: the input with the server, and one that is there when it does."""

    registry: str
    when: str = ""


LOGINS = {
    "docker/login-action": Login("registry"),
    "crazy-max/ghaction-docker-login": Login("registry"),
    "azure/docker-login": Login("login-server"),
    "redhat-actions/podman-login": Login("registry"),
    "redhat-actions/push-to-registry": Login("registry", "username"),
    "docker/build-push-action": Login("registry", "username"),
    "elgohr/publish-docker-github-action": Login("registry", "username"),
    "mr-smithers-excellent/docker-build-push": Login("registry", "username"),
    "jerray/publish-docker-action": Login("registry", "username"),
    "whoan/docker-build-with-cache-action": Login("registry", "username"),
    "addnab/docker-run-action": Login("registry", "username"),
    "docker/scout-action": Login("-", "dockerhub-user"),
}


def login_mentions(places: Places, step: Step) -> Iterator[Mention]:
    """The server that a step logs in to."""
    if step.uses is None or step.uses.repository not in LOGINS:
        return
    known = LOGINS[step.uses.repository]
    if known.when and step.input(known.when) is None:
        return
    registry, several = step.input(known.registry), step.input("registry-auth")
    if registry is not None:
        yield from _named(places, registry, step, step.uses)
    if several is not None and step.uses.repository == "docker/login-action":
        yield from _several(places, several, step.uses)
    elif registry is None:
        yield from _at_uses(places, step.uses)


def uses_span(places: Places, uses: Uses) -> Span | None:
    """The place of a `uses:` value."""
    return located(places.file, uses.node, 0, len(uses.node.value))


def _named(places: Places, registry: Scalar, step: Step, uses: Uses) -> Iterator[Mention]:
    """The server that an input names: its place is the step's `uses:`, as of any login."""
    span = uses_span(places, uses)
    for one in places.value(registry, LOGIN, step):
        if span is None:
            yield one
            continue
        pieces = one.pieces or (Piece(places.file.path, one.span, one.text),)
        text = places.file.cut(span)
        yield replace(one, span=span, text=text, value=one.expanded, pieces=pieces)


def _at_uses(places: Places, uses: Uses) -> Iterator[Mention]:
    span = uses_span(places, uses)
    if span is not None:
        yield _made(places, span, DOCKER_HUB, implicit=True)


def _several(places: Places, node: Scalar, uses: Uses) -> Iterator[Mention]:
    """`registry-auth`: a YAML list inside the value; an entry without a registry is the Hub."""
    for document in parse_yaml(node.value).documents:
        for entry in document.items if isinstance(document, Sequence) else []:
            if not isinstance(entry, Mapping):
                continue
            registry = entry.get("registry")
            if isinstance(registry, Scalar) and registry.value.strip():
                yield from places.value(node, LOGIN, None, registry.span.start, registry.span.end)
                continue
            first = entry.pairs[0][0] if entry.pairs else None
            span = node.locate(first.span.start, first.span.end) if first is not None else None
            span = span or uses_span(places, uses)
            if span is not None:
                yield _made(places, span, DOCKER_HUB, implicit=True)


def _made(places: Places, span: Span, value: str, implicit: bool) -> Mention:
    text = places.file.cut(span)
    times = len(places.scope.combinations)
    return Mention(
        LOGIN.kind, "login", span, text, value, job=places.job, times=times, implicit=implicit
    )
