"""From a mention to a verdict: which image, whose registry, or why that is not known. Pure.

The grammar is `oci.reference`'s, which is distribution/reference's. What stays open (`OPEN`) makes
as much unknown as it can: an open tag leaves the image known, an open end of the name leaves the
registry known, an open beginning leaves nothing known.

>>> judge_value("node:\\ufffc").image, judge_value("acme/\\ufffc").registry
('docker.io/library/node', 'docker.io')
>>> judge_value("\\ufffc.dkr.ecr.\\ufffc.amazonaws.com/shop:1").status
'other'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from longshore.errors import UsageError
from longshore.oci.reference import DOCKER_HUB, is_tag, parse_reference
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.uses import Status, Use
from longshore.text import tr

_SCHEME = re.compile(r"docker-daemon:/{0,2}|(?:docker-image|docker|oci|https?)://")
_HUB_HOSTS = frozenset(
    {
        *("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"),
        *("hub.docker.com", "docker.com", "registry.docker.io"),
    }
)
_HOST = re.compile(
    r"[A-Za-z0-9\ufffc](?:[A-Za-z0-9\ufffc.-]*[A-Za-z0-9\ufffc])?(?::[0-9\ufffc]+)?\Z"
)
_OPEN_NAME = re.compile(r"[a-z0-9\ufffc._/-]+\Z")


@dataclass(frozen=True)
class Judged:
    """What a text names. `image` is None when only the registry, or nothing, is known."""

    status: Status
    registry: str | None = None
    image: str | None = None
    tag: str | None = None
    digest: str | None = None


def judge(mention: Mention, file: SourceFile) -> Use | None:
    """The verdict on a mention; None when its text can be no image at all."""
    if mention.role == "login":
        judged = judge_server(mention.expanded)
    else:
        found = judge_value(mention.expanded)
        if found is None:
            return None
        judged = found
    line, column = file.place(mention.span.start)
    status, reason = judged.status, ""
    if status == "unresolved":
        needs = mention.needs or tr("the value of what it is composed of")
        reason = tr("open: {needs}", needs=needs)
    elif mention.role == "build-output" and mention.built:
        status, reason = "local", tr("built here")
    elif "imagePullPolicy: Never" in mention.condition:
        status, reason = "local", tr("never pulled: imagePullPolicy is Never")
    elif mention.needs and judged.tag is None and judged.digest is None:
        reason = tr("open: {needs}", needs=mention.needs)
    return Use(
        file.path,
        line,
        column,
        mention,
        status,
        judged.image,
        judged.registry,
        judged.tag,
        judged.digest,
        reason,
    )


def judge_server(text: str) -> Judged:
    """The registry that a login names; Docker Hub when none is named."""
    host = _SCHEME.sub("", text.strip(), count=1).partition("/")[0].lower()
    host = host.removesuffix(":443")
    if not host or host in _HUB_HOSTS:
        return Judged("hub", DOCKER_HUB)
    if OPEN in host and "." not in host:
        return Judged("unresolved")
    return Judged("other", host)


def judge_value(text: str) -> Judged | None:
    """What an image text names, or None when it names no image."""
    text = _SCHEME.sub("", text.strip(), count=1)
    if OPEN in text:
        return _judge_open(text)
    first, slash, rest = text.partition("/")
    if slash and first.lower().removesuffix(":443") in _HUB_HOSTS:
        text = f"{DOCKER_HUB}/{rest}"
    try:
        reference = parse_reference(text)
    except UsageError:
        return None
    if reference.repository == "library/scratch" and reference.is_hub:
        return None
    status: Status = "hub" if reference.is_hub else "other"
    return Judged(status, reference.registry, reference.name, reference.tag, reference.digest)


def _judge_open(text: str) -> Judged | None:
    rest, _, digest = text.partition("@")
    first, slash, path = rest.partition("/")
    has_host = bool(slash) and any(mark in first for mark in ".:")
    has_host = has_host or (bool(slash) and first == "localhost")
    name, tag = _split(path if has_host else rest)
    known_tag = tag if tag and OPEN not in tag and is_tag(tag) else None
    known_digest = digest if digest and OPEN not in digest else None
    if has_host:
        return _with_host(first, name, known_tag, known_digest)
    if not name or name.startswith(OPEN):
        return Judged("unresolved", None, None, known_tag, known_digest)
    if not _OPEN_NAME.match(name):
        return None
    if OPEN in name:
        if "/" not in name:
            # `node-OPEN`: what is open may bring a slash, but no registry before it.
            return Judged("unresolved", None, None, known_tag, known_digest)
        if OPEN in name.partition("/")[0]:
            return Judged("unresolved", None, None, known_tag, known_digest)
        return Judged("hub", DOCKER_HUB, None, known_tag, known_digest)
    closed = judge_value(name)
    if closed is None:
        return None
    return Judged(closed.status, closed.registry, closed.image, known_tag, known_digest)


def _with_host(host: str, name: str, tag: str | None, digest: str | None) -> Judged | None:
    if not _HOST.match(host) or not name:
        return None
    hub = host.lower().removesuffix(":443") in _HUB_HOSTS
    if host.startswith(OPEN) and host.strip(OPEN + ":0123456789") == "":
        return Judged("unresolved", None, None, tag, digest)
    registry = DOCKER_HUB if hub else host
    image = None
    if OPEN not in name:
        closed = judge_value(f"{DOCKER_HUB}/{name}")
        if closed is None:
            return None
        image = closed.image if hub else f"{registry}/{name}"
    status: Status = "hub" if hub else "other"
    return Judged(status, registry, image if OPEN not in registry else None, tag, digest)


def _split(path: str) -> tuple[str, str | None]:
    name, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:
        return path, None
    return name, tag
