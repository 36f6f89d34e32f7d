"""A registry that stands in an attribute of its own, beside the image's name. Pure.

`docker_registry_url` of Azure's web apps, `ecr_url` that is handed to a template: the name alone
would be taken for Docker Hub's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.finders.readings import Value
from longshore.rewrite.finders.shape import has_host
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.hcl import Expression

_REGISTRY = re.compile(
    r"(?:\w+_)?registry(?:_(?:url|server|host|hostname|uri|endpoint|address|domain))?\Z"
    r"|(?:\w+_)?(?:ecr|acr|gcr|repository|repo)_(?:url|uri|host|registry|server)\Z"
    r"|(?:\w+_)?login_server\Z",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"https?://")
_HUB = {DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}


def hosted(
    value: Value,
    here: Mapping[str, Expression],
    read: Callable[[Expression], Sequence[Value]],
) -> Value:
    """The value behind its registry, when that is written (or left open) beside it."""
    if value.text.startswith(OPEN) or has_host(value.text):
        return value
    for name, expression in here.items():
        if not _REGISTRY.match(name):
            continue
        found = list(read(expression))
        host = _host(found[0].text) if len(found) == 1 else OPEN
        if host not in ("", DOCKER_HUB, "true", "false"):
            return replace(value, text=f"{host}/{value.text}")
    return value


def _host(text: str) -> str:
    """A registry's address as images have it; Docker Hub's by its name."""
    if text.strip(OPEN) == "" and text:
        return OPEN
    host = _SCHEME.sub("", text).partition("/v1")[0].partition("/v2")[0].strip("/")
    return DOCKER_HUB if host.lower() in _HUB else host
