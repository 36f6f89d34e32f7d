"""Which target is meant: file, flags and environment weighed, without looking at the network. Pure.

The embedded servers are meant only when the file, `--local` or a loopback `AWS_ENDPOINT_URL` says
so; nothing else ever leads to them, and a missing credential leads nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from longshore.cli.settings import Settings
from longshore.errors import UsageError
from longshore.remote.addresses import is_loopback
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config

_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL")
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")

# embedded: the servers of `longshore local`, found by their data folder;
# loopback: AWS's variables lead to this machine; aws: an account at AWS.
Way = Literal["embedded", "loopback", "aws"]


@dataclass(frozen=True)
class Choice:
    """What was chosen and why. `account` and `region` are None when nothing names them."""

    name: str
    way: Way
    why: str
    account: str | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    fips: bool = False
    dualstack: bool = False


def choose_target(
    settings: Settings,
    config: Config | None,
    environ: Mapping[str, str],
    region: str | None = None,
) -> Choice:
    """The target that a command is for; `region` is the command's own --region.

    Raises UsageError when the wishes exclude each other.
    """
    if settings.local:
        return _local(settings, config, region)
    if settings.target is None and config is None:
        return _without_file(environ, region)
    if config is None:
        if settings.target == "local":
            return Choice("local", "embedded", settings.origins["target"], None, region)
        raise UsageError(
            tr(
                "there is no longshore.yaml that could name the target '{name}'",
                name=settings.target,
            ),
            tr("go to its folder, or name the file with --config"),
            code="config-not-found",
        )
    return _of_file(settings, config, environ, region)


def _local(settings: Settings, config: Config | None, region: str | None) -> Choice:
    if settings.target is not None:
        named = config.target(settings.target).kind if config else settings.target
        if named != "local":
            raise UsageError(
                tr("--local and the target '{name}' exclude each other", name=settings.target),
                tr("leave one of them out"),
                code="local-and-target",
            )
    name = settings.target or "local"
    return Choice(name, "embedded", settings.origins["local"], None, region)


def _without_file(environ: Mapping[str, str], region: str | None) -> Choice:
    region = region or _first(environ, _REGION_VARIABLES)
    url = _first(environ, _ENDPOINT_VARIABLES)
    if url and is_loopback_url(url):
        return Choice("local", "loopback", "AWS_ENDPOINT_URL", None, region, endpoint_url=url)
    return Choice("aws", "aws", tr("AWS credentials"), None, region, endpoint_url=url)


def _of_file(
    settings: Settings, config: Config, environ: Mapping[str, str], region: str | None
) -> Choice:
    target = config.target(settings.target)
    why = settings.origins["target"] if settings.target else str(target.where or config.filename)
    if target.kind == "local":
        return Choice(target.name, "embedded", why, None, region)
    url = _first(environ, _ENDPOINT_VARIABLES)
    loopback = url is not None and is_loopback_url(url)
    return Choice(
        target.name,
        "loopback" if loopback else "aws",
        "AWS_ENDPOINT_URL" if loopback else why,
        target.account,
        region or target.region,
        target.profile,
        url,
        target.fips,
        target.dualstack,
    )


def is_loopback_url(url: str) -> bool:
    """Whether an address is on this machine.

    >>> is_loopback_url("http://127.0.0.1:4566"), is_loopback_url("https://ecr.example")
    (True, False)
    """
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)
