"""Opens what a reference on the command line names, as a store to read or write. I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from longshore.errors import Side
from longshore.oci.reference import Reference, parse_reference
from longshore.oci.store import Readable, Writable

if TYPE_CHECKING:
    from longshore.remote.registry import Registry
    from longshore.remote.transport import Transport


@dataclass
class Traffic:
    """Requests and pulls of one side, summed over its registries."""

    requests: int = 0
    pulls: int = 0


@dataclass
class Opener:
    """Opens registries once each, one client per side, over one pool of connections."""

    environ: Mapping[str, str]
    threads: int = 32
    _transport: Transport | None = None
    _registries: dict[tuple[str, Side], Registry] = field(default_factory=dict)

    def source(self, reference: Reference) -> Readable:
        """The repository to read from."""
        return self.registry(reference.registry, "source").repository(reference.repository)

    def target(self, reference: Reference) -> Writable:
        """The repository to write to."""
        store = self.registry(reference.registry, "target").repository(reference.repository)
        return cast(Writable, store)

    def registry(self, host: str, side: Side) -> Registry:
        """The client of a registry on one side of the copy."""
        if (host, side) not in self._registries:
            self._registries[host, side] = self._open(host, side)
        return self._registries[host, side]

    def traffic(self, side: Side) -> Traffic:
        """What a side was asked so far."""
        seen = [found.traffic for (_, one), found in self._registries.items() if one == side]
        return Traffic(sum(one.requests for one in seen), sum(one.pulls for one in seen))

    def transport(self) -> Transport:
        """The one pool of connections."""
        if self._transport is None:
            from longshore.remote.transport import Transport, TransportOptions

            options = TransportOptions(threads=self.threads * 2 + 8, environ=self.environ)
            self._transport = Transport(options)
        return self._transport

    def _open(self, host: str, side: Side) -> Registry:
        from longshore.remote.credentials import docker_config
        from longshore.remote.registry import Registry

        return Registry(host, self.transport(), docker_config(self.environ), side)


def parse(text: str) -> Reference:
    """A reference as `copy` takes it."""
    return parse_reference(text)
