"""Opens what a reference names, as a store to read or to write: each registry once a side. I/O.

Docker Hub's credentials go to Docker Hub only: where something stands in for it (the embedded Hub,
a mirror), the login for that host is used instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from longshore.cli import wiring
from longshore.cli.ecr_hosts import EcrHost, parse_ecr_host
from longshore.cli.settings import Settings
from longshore.cli.targeting import is_loopback_url
from longshore.errors import LoginError, Side, UsageError
from longshore.events import Event, Waiting
from longshore.oci.reference import DOCKER_HUB, Reference
from longshore.oci.store import Readable, Writable
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.embedded.state import LocalState
    from longshore.facts import Token
    from longshore.provision.settings import Config, Credentials
    from longshore.remote.credentials import CredentialSource
    from longshore.remote.registry import Registry
    from longshore.remote.transport import Transport, Waited

WORTH_TELLING_S = 2.0


@dataclass
class Traffic:
    """Requests and pulls of one side, summed over its registries."""

    requests: int = 0
    pulls: int = 0


@dataclass
class Opener:
    """Opens registries over one pool of connections; `opened` is the command's target, if any."""

    settings: Settings
    environ: Mapping[str, str]
    threads: int = 32
    opened: wiring.OpenTarget | None = None
    config: Config | None = None
    tell: Callable[[Event], None] = lambda event: None
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

    def is_ecr(self, host: str) -> bool:
        """Whether the registry makes no repository by itself when something is pushed."""
        from longshore.remote.ecr_registry import EcrRegistry

        return any(
            isinstance(found, EcrRegistry)
            for (name, _), found in self._registries.items()
            if name == host
        )

    def need_repository(self, reference: Reference) -> None:
        """Raise RegistryError when the target is an ECR that lacks the repository."""
        from longshore.remote.ecr_registry import EcrRegistry

        registry = self.registry(reference.registry, "target")
        if isinstance(registry, EcrRegistry):
            registry.asked(lambda: registry.ecr.describe_repositories([reference.repository]))

    def traffic(self, side: Side) -> Traffic:
        """What a side was asked so far."""
        seen = [found.traffic for (_, one), found in self._registries.items() if one == side]
        return Traffic(sum(one.requests for one in seen), sum(one.pulls for one in seen))

    def transport(self) -> Transport:
        """The one pool of connections."""
        if self._transport is None:
            from longshore.remote.transport import Transport, TransportOptions

            options = TransportOptions(threads=self.threads + 8, environ=self.environ)
            self._transport = Transport(options, on_wait=self._tell_waiting)
        return self._transport

    def _tell_waiting(self, waited: Waited) -> None:
        """A registry asks for patience; short waits are not worth a line."""
        if waited.seconds >= WORTH_TELLING_S:
            until = datetime.now(UTC) + timedelta(seconds=waited.seconds)
            reason = tr("{host} cannot be reached", host=waited.host)
            if waited.status:
                reason = tr(
                    "{host} asks to wait (status {status})", host=waited.host, status=waited.status
                )
            self.tell(Waiting(reason, until.isoformat(timespec="seconds")))

    def _open(self, host: str, side: Side) -> Registry:
        if host == DOCKER_HUB:
            return self._open_hub(side)
        if self._is_target(host):
            return self._open_ecr(side)
        if named := parse_ecr_host(host):
            return self._open_foreign_ecr(host, named, side)
        from longshore.remote.registry import Registry

        found = self.config.sources.get(host) if self.config else None
        address = found.registry if found else None
        return Registry(host, self.transport(), self._credentials(host), side, address=address)

    # -- Docker Hub -----------------------------------------------------------------------------

    def _open_hub(self, side: Side) -> Registry:
        from longshore.remote.hub import Hub, HubEndpoints

        registry, api = self._hub_addresses()
        if registry is None:
            return Hub(self.transport(), self._credentials(DOCKER_HUB), side)
        endpoints = HubEndpoints(_url(registry), _url(api or registry))
        return Hub(self.transport(), self._stand_in(registry), side, endpoints=endpoints)

    def _hub_addresses(self) -> tuple[str | None, str | None]:
        """Who answers in Docker Hub's name; None for Docker Hub itself."""
        found = self.config.sources.get(DOCKER_HUB) if self.config else None
        if found is not None and found.registry:
            return found.registry, found.api
        state = self._local()
        if state is not None:
            return state.hub_registry, state.hub_api
        registry = self.environ.get("LONGSHORE_HUB_REGISTRY")
        return registry or None, self.environ.get("LONGSHORE_HUB_API")

    def _stand_in(self, address: str) -> CredentialSource:
        """Credentials for what stands in for Docker Hub: those of its own host."""
        from longshore.facts import Token

        host = address.partition("://")[2].strip("/") or address
        state = self._local()
        if state is not None and host == state.hub_registry:
            token = Token(state.hub_user, state.hub_password) if state.hub_user else None
            return lambda _: token
        found = self._credentials(host)
        return lambda _: found(host)

    # -- ECR ------------------------------------------------------------------------------------

    def _is_target(self, host: str) -> bool:
        if self.opened is None and self._means_loopback():
            self.opened = wiring.open_target(self.settings, self.environ)
        return self.opened is not None and host == self.opened.endpoint.registry

    def _means_loopback(self) -> bool:
        return self.settings.local or is_loopback_url(self.environ.get("AWS_ENDPOINT_URL", ""))

    def _open_ecr(self, side: Side) -> Registry:
        from longshore.remote.ecr_registry import EcrRegistry

        assert self.opened is not None  # noqa: S101 - _is_target looked
        wiring.check_registry(self.opened)
        return EcrRegistry(self.opened.ecr, self.transport(), side)

    def _open_foreign_ecr(self, host: str, named: EcrHost, side: Side) -> Registry:
        """An ECR that the reference names in full: its region's session, whoever's account.

        Raises RefusedError when the API would be asked elsewhere than at AWS, UsageError for a host
        that the region's registry does not have.
        """
        from longshore.remote.aws import AwsOptions, open_session
        from longshore.remote.ecr import Ecr
        from longshore.remote.ecr_registry import EcrRegistry

        options = AwsOptions(
            region=named.region,
            use_fips=named.fips,
            use_dualstack=named.dualstack,
            environ=self.environ,
        )
        session = open_session(options)
        wiring.need_aws(session)
        ecr = Ecr(session, named.account)
        if ecr.registry_host != host:
            raise UsageError(
                tr(
                    "{host} is not a registry; it would be {other}",
                    host=host,
                    other=ecr.registry_host,
                ),
                tr("name the registry as AWS does"),
                code="bad-reference",
            )
        return EcrRegistry(ecr, self.transport(), side)

    # -- credentials ----------------------------------------------------------------------------

    def _local(self) -> LocalState | None:
        return self.opened.local if self.opened is not None else None

    def _credentials(self, host: str) -> CredentialSource:
        """The login of a registry, as the config says where to find it."""
        from longshore.remote.credentials import docker_config

        found = self.config.sources.get(host) if self.config else None
        if found is None or found.credentials.kind == "docker-config":
            return docker_config(self.environ)
        return lambda asked: referred_token(found.credentials, asked, self.environ)


def referred_token(where: Credentials, host: str, environ: Mapping[str, str]) -> Token | None:
    """The login that the config refers to. Raises LoginError when it is not there."""
    from longshore.facts import Token
    from longshore.remote.credentials import helper_credentials

    if where.kind == "helper":
        return helper_credentials(where.helper, environ)(host)
    if where.kind == "env":
        password = environ.get(where.password_env, "")
        if not password:
            raise LoginError(
                tr(
                    "{name}, which holds the password of {host}, is not set",
                    name=where.password_env,
                    host=host,
                ),
                tr(
                    "export {name}, or change sources.{host}.credentials",
                    name=where.password_env,
                    host=host,
                ),
            )
        return Token(where.username, password)
    if where.kind == "file":
        try:
            password = Path(where.password_file).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise LoginError(
                tr(
                    "the password file of {host} cannot be read: {why}",
                    host=host,
                    why=type(error).__name__,
                ),
                tr("look at sources.{host}.credentials", host=host),
            ) from None
        return Token(where.username, password)
    return None


def _url(address: str) -> str:
    return address if "://" in address else f"http://{address}"
