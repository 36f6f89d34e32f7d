"""Image references, exactly as distribution/reference reads them. Pure.

Grammar: github.com/distribution/reference `reference.go`; familiar names as in `normalize.go`:
`node` is docker.io/library/node, `index.docker.io/x` is docker.io/x, no tag means `latest`.

>>> parse_reference("node:18-alpine")
Reference(registry='docker.io', repository='library/node', tag='18-alpine', digest=None)
>>> str(parse_reference("127.0.0.1:5000/shop"))
'127.0.0.1:5000/shop'
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from longshore.errors import UsageError
from longshore.oci.digest import Digest, parse_digest
from longshore.text import tr

DOCKER_HUB = "docker.io"
DEFAULT_TAG = "latest"

_DOMAIN_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(
    rf"(?:{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?\Z"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*\Z")
_TAG = re.compile(r"\w[\w.-]{0,127}\Z", re.ASCII)
_HUB_ALIASES = {"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
_MAX_NAME = 255


@dataclass(frozen=True, order=True)
class Reference:
    """One image: `registry` (host and port), `repository`, and a tag, a digest, or neither."""

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        text = f"{self.registry}/{self.repository}"
        text += f":{self.tag}" if self.tag else ""
        return text + (f"@{self.digest}" if self.digest else "")

    @property
    def name(self) -> str:
        """Registry and repository without tag or digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def wanted(self) -> str:
        """What to ask a registry for: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or DEFAULT_TAG

    @property
    def is_hub(self) -> bool:
        """Whether the image lives on Docker Hub."""
        return self.registry == DOCKER_HUB

    def at(self, tag_or_digest: str) -> Reference:
        """The same repository at another tag or digest."""
        if ":" in tag_or_digest:
            return replace(self, tag=None, digest=parse_digest(tag_or_digest))
        return replace(self, tag=tag_or_digest, digest=None)


def is_tag(text: str) -> bool:
    """Whether the text is a tag by the distribution grammar (at most 128 characters)."""
    return _TAG.match(text) is not None


def is_repository(text: str) -> bool:
    """Whether the text is a repository path by the distribution grammar."""
    return _PATH.match(text) is not None and len(text) <= _MAX_NAME


def parse_reference(text: str) -> Reference:
    """Read a reference as Docker does. Raises UsageError that says what is wrong with it."""
    rest, at, digest_text = text.partition("@")
    digest = parse_digest(digest_text) if at else None
    registry, path = _split_domain(rest)
    name, tag = _split_tag(path)
    if tag is not None and not is_tag(tag):
        raise _bad(text, tr("'{tag}' is not a tag", tag=tag))
    if registry == DOCKER_HUB and "/" not in name:
        name = f"library/{name}"
    if not is_repository(name):
        raise _bad(text, _why_not_repository(name))
    return Reference(registry, name, tag, digest)


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    looks_like_host = any(mark in first for mark in ".:") or first == "localhost"
    looks_like_host = looks_like_host or first != first.lower()
    if not slash or not looks_like_host:
        return DOCKER_HUB, text
    if not _DOMAIN.match(first):
        raise _bad(text, tr("'{host}' is not a registry host", host=first))
    return (DOCKER_HUB if first.lower() in _HUB_ALIASES else first), rest


def _split_tag(path: str) -> tuple[str, str | None]:
    name, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:
        return path, None
    return name, tag


def _why_not_repository(name: str) -> str:
    if not name:
        return tr("the repository is empty")
    if name != name.lower():
        return tr("repository names are lower case; did you mean '{name}'?", name=name.lower())
    if len(name) > _MAX_NAME:
        return tr("the repository name is longer than {limit} characters", limit=_MAX_NAME)
    return tr("'{name}' is not a repository name", name=name)


def _bad(text: str, why: str) -> UsageError:
    return UsageError(
        tr("'{text}' is not an image reference: {why}", text=text, why=why),
        tr("write it as registry/repository:tag, for example docker.io/library/node:18"),
        code="bad-reference",
    )
