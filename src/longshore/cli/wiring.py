"""The only place that reads the environment and builds clients. I/O.

Everything heavy is imported inside the function that needs it, so that help stays fast.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from longshore.cli.output import Place
from longshore.cli.settings import DEFAULT_CONFIG, Settings
from longshore.cli.targeting import Choice, choose_target
from longshore.errors import FileError, RefusedError, UsageError, Where
from longshore.facts import Endpoint, Identity, Token
from longshore.remote.addresses import is_loopback
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.embedded.state import LocalState
    from longshore.oci.store import Writable
    from longshore.provision.settings import Config
    from longshore.remote.aws import AwsOptions, AwsSession
    from longshore.remote.ecr import Ecr

# A password of the registry is good for so long from the moment of its making.
_TOKEN_LASTS = timedelta(hours=12)


def read_environment() -> dict[str, str]:
    """The process's environment, read once at start."""
    return dict(os.environ)


def state_dir(environ: Mapping[str, str]) -> Path:
    """Where journals, locks and logs are kept: LONGSHORE_STATE_DIR, else below XDG_STATE_HOME."""
    if told := environ.get("LONGSHORE_STATE_DIR"):
        return Path(told)
    home = Path(environ.get("HOME") or Path.home())
    base = environ.get("XDG_STATE_HOME") or home / ".local" / "state"
    return Path(base) / "longshore"


def config_file(settings: Settings) -> Path:
    """The file that --config or LONGSHORE_CONFIG names, else longshore.yaml in this folder."""
    return Path(settings.config or DEFAULT_CONFIG)


def find_config(settings: Settings, environ: Mapping[str, str]) -> Config | None:
    """The config, or None when there is no file and nobody named one. Raises ConfigError."""
    if settings.config is None and not config_file(settings).exists():
        return None
    return need_config(settings, environ)


def need_config(settings: Settings, environ: Mapping[str, str]) -> Config:
    """The config. Raises UsageError when there is no file, ConfigError with all its mistakes."""
    from longshore.provision.config import parse_config

    return parse_config(config_text(settings), str(config_file(settings)), environ)


def config_text(settings: Settings) -> str:
    """The config file as it stands. Raises UsageError or FileError."""
    file = config_file(settings)
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise UsageError(
            tr("there is no file {file}", file=file),
            tr("`longshore init` writes one; or name another file with --config"),
            code="config-not-found",
            where=Where(file=str(file)),
        ) from None
    except UnicodeDecodeError:
        raise FileError(
            tr("{file} is not UTF-8 text", file=file), code="not-text", where=Where(file=str(file))
        ) from None
    except OSError as error:
        raise FileError(
            tr("{file} cannot be read: {why}", file=file, why=error.strerror or error),
            where=Where(file=str(file)),
        ) from None


@dataclass(frozen=True)
class OpenTarget:
    """A target whose AWS session is open, and whose caller is known."""

    name: str
    endpoint: Endpoint
    identity: Identity
    session: AwsSession
    ecr: Ecr
    local: LocalState | None = None

    @property
    def place(self) -> Place:
        """What plans, summaries and questions head with."""
        return Place(self.name, self.endpoint)


def open_target(
    settings: Settings, environ: Mapping[str, str], *, region: str | None = None
) -> OpenTarget:
    """The target that flags, file and environment mean; its caller is checked here, once for all.

    Raises RefusedError when the caller's account is not the target's, LoginError without
    credentials, and UsageError or ConfigError when it is not clear which target is meant.
    """
    return _open(choose_target(settings, find_config(settings, environ), environ, region), environ)


def open_caller(
    settings: Settings, environ: Mapping[str, str], *, region: str | None = None
) -> OpenTarget:
    """Whoever the credentials are of, with no file asked: what `init` writes a file from."""
    return _open(choose_target(settings, None, environ, region), environ)


def _open(choice: Choice, environ: Mapping[str, str]) -> OpenTarget:
    if choice.way == "embedded":
        return _open_embedded(choice, environ)
    return _open_aws(choice, environ)


def target_now(target: OpenTarget) -> datetime:
    """The time at the target: the embedded servers have a clock of their own."""
    if target.endpoint.embedded:
        ends = target.ecr.authorization_token().expires_at
        if ends is not None:
            return ends - _TOKEN_LASTS
    return datetime.now(UTC)


def check_registry(target: OpenTarget) -> None:
    """Embedded servers for the API and a registry at AWS do not go together: nothing is sent there.

    Raises UsageError. The embedded servers serve the images of one Region only.
    """
    end = target.endpoint
    if not end.embedded or is_loopback(end.registry):
        return
    raise UsageError(
        tr(
            "the embedded servers have no images in {region}; {registry} is at AWS",
            region=end.region,
            registry=end.registry,
        ),
        tr("name their Region in the target, or start others: longshore local up --region REGION"),
        code="wrong-region",
        where=Where(resource=target.name),
    )


def open_repository(target: OpenTarget, name: str, environ: Mapping[str, str]) -> Writable:
    """A repository of the target, to read and write its images."""
    from longshore.remote.ecr_registry import EcrRegistry
    from longshore.remote.transport import Transport, TransportOptions

    check_registry(target)
    transport = Transport(TransportOptions(threads=8, environ=environ))
    return cast("Writable", EcrRegistry(target.ecr, transport).repository(name))


def running_local(environ: Mapping[str, str]) -> LocalState:
    """The embedded servers that run now. Raises LongshoreError when they do not."""
    from longshore.embedded import daemon
    from longshore.embedded.state import default_data_dir

    folder = default_data_dir(environ)
    state = daemon.status(folder)
    if state is None:
        raise daemon.not_running(folder)
    return state


def ecr_token(region: str, environ: Mapping[str, str], *, fips: bool = False) -> Token:
    """A password for AWS's own ECR in a Region, never for the embedded one."""
    from longshore.remote.aws import AwsOptions, open_session
    from longshore.remote.ecr import Ecr

    session = open_session(AwsOptions(region=region, use_fips=fips, environ=environ))
    need_aws(session)
    return Ecr(session).authorization_token()


def need_aws(session: AwsSession) -> None:
    """Raise RefusedError when a registry at AWS is meant, but its API is asked on this machine."""
    if session.client("ecr").is_loopback:
        raise RefusedError(
            tr("AWS_ENDPOINT_URL leads to this machine, but the registry is at AWS"),
            tr("unset AWS_ENDPOINT_URL"),
            code="wrong-place",
        )


def embedded_token(state: LocalState, environ: Mapping[str, str]) -> Token:
    """A password for the embedded ECR."""
    from longshore.remote.aws import open_session
    from longshore.remote.ecr import Ecr

    return Ecr(open_session(_embedded_options(state, environ))).authorization_token()


def _open_embedded(choice: Choice, environ: Mapping[str, str]) -> OpenTarget:
    state = running_local(environ)
    if choice.region not in (None, state.region):
        raise UsageError(
            tr(
                "the embedded servers are in {region}, not in {asked}",
                region=state.region,
                asked=choice.region,
            ),
            tr("leave --region out, or start them with `longshore local up --region`"),
            code="wrong-region",
        )
    return _opened(choice, _embedded_options(state, environ), state)


def _embedded_options(state: LocalState, environ: Mapping[str, str]) -> AwsOptions:
    from longshore.remote.aws import AwsKeys, AwsOptions

    return AwsOptions(
        region=state.region,
        endpoint_url=state.aws_endpoint,
        keys=AwsKeys(state.access_key, state.secret_key),
        environ=environ,
    )


def _open_aws(choice: Choice, environ: Mapping[str, str]) -> OpenTarget:
    from longshore.remote.aws import AwsOptions

    options = AwsOptions(
        region=choice.region,
        profile=choice.profile,
        use_fips=choice.fips,
        use_dualstack=choice.dualstack,
        environ=environ,
    )
    return _opened(choice, options, None)


def _opened(choice: Choice, options: AwsOptions, state: LocalState | None) -> OpenTarget:
    from longshore.remote.aws import open_session
    from longshore.remote.ecr import Ecr
    from longshore.remote.identity import read_identity

    session = open_session(options)
    identity = read_identity(session)
    if choice.account not in (None, identity.account):
        raise _wrong_account(choice, identity)
    client = session.client("ecr")
    ecr = Ecr(session)
    endpoint = Endpoint(
        kind="local" if client.is_loopback else "ecr",
        account=identity.account,
        region=session.region,
        registry=state.ecr_registry if state else ecr.registry_host,
        aws_endpoint=client.endpoint if client.is_loopback or choice.endpoint_url else None,
    )
    return OpenTarget(choice.name, endpoint, identity, session, ecr, state)


def _wrong_account(choice: Choice, identity: Identity) -> RefusedError:
    return RefusedError(
        tr(
            "the target {name} is account {wanted}, but these credentials are of {found} ({arn})",
            name=choice.name,
            wanted=choice.account,
            found=identity.account,
            arn=identity.arn,
        ),
        tr("choose the right AWS_PROFILE, or another target with --target NAME"),
        code="wrong-account",
        where=Where(resource=choice.name),
    )
