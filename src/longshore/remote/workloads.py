"""What collectors of images in use share: which names are the target's, and failing softly. I/O.

A collector gives the uses that it found and the places that it could not read, never one for the
other: what cannot be read counts as in use (`facts.Unread`). Collectors: `ecs`, `functions`
(Lambda), `kubernetes`, `programs` (a command of the user's).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from longshore.errors import AwsError, LongshoreError, UsageError
from longshore.facts import Endpoint, InUse, Unread, UsesSeen
from longshore.oci.digest import parse_digest
from longshore.oci.reference import Reference, parse_reference
from longshore.remote.addresses import dns_suffix_of, ecr_host

T = TypeVar("T")
R = TypeVar("R")

# The embedded servers' answer for what they do not have: nothing runs there.
_NOT_OFFERED = "NotImplementedByEmbeddedServer"
_THREADS = 8


@dataclass(frozen=True)
class Watched:
    """The names of the target's registry; images of others are nobody's business here."""

    hosts: frozenset[str]

    def use(self, uri: str, by: str, where: str, digest: str = "") -> InUse | None:
        """The use of an image by its name; `digest` is what runs, when that is known."""
        found = _parsed(uri)
        if found is None or found.registry.lower() not in self.hosts:
            return None
        return InUse(found.repository, by, where, _digest(digest) or found.digest, found.tag)

    def reads(self, uri: str) -> bool:
        """Whether the text is an image's name at all."""
        return _parsed(uri) is not None


def watch(endpoint: Endpoint) -> Watched:
    """The target's registry by all its names: as it is reached, and as ECR calls it."""
    suffix = dns_suffix_of(endpoint.region)
    names = {endpoint.registry.lower()} | {
        ecr_host(endpoint.account, endpoint.region, suffix, fips=fips, dualstack=dual)
        for fips in (False, True)
        for dual in (False, True)
    }
    return Watched(frozenset(names))


def seen_uses(uses: Iterable[InUse | None]) -> UsesSeen:
    """Those that are the target's."""
    return UsesSeen(tuple(use for use in uses if use is not None))


def attempt(by: str, where: str, read: Callable[[], UsesSeen]) -> UsesSeen:
    """What `read` gives; when it fails, the place and the reason instead."""
    try:
        return read()
    except LongshoreError as error:
        if isinstance(error, AwsError) and error.aws_code == _NOT_OFFERED:
            return UsesSeen()
        why = f"{error.what} ({error.hint})" if error.hint else error.what
        return UsesSeen(unread=(Unread(by, where, why),))


def each(ask: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Ask about many things at once."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(ask, items))


def texts(found: Mapping[str, Any], *names: str) -> list[str]:
    """The texts of these keys that are there and not empty."""
    return [str(found[name]) for name in names if found.get(name)]


def _parsed(uri: str) -> Reference | None:
    try:
        return parse_reference(uri.strip())
    except UsageError:
        return None


def _digest(text: str) -> str | None:
    try:
        return parse_digest(text) if text else None
    except UsageError:
        return None
