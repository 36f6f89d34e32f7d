"""Hosts and addresses: what is loopback, when two share an origin, which proxy is meant. Pure.

>>> is_loopback("127.0.0.1:5000"), is_loopback("registry.example")
(True, False)
>>> same_origin("https://a.example/x", "https://a.example:443/y")
True
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def host_only(host: str) -> str:
    """The host without its port and without the brackets of IPv6, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() and ":" not in name else host).lower()


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether the host (with or without port) is this machine, by name or address."""
    name = host_only(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=256)
def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what credentials belong to (RFC 6454)."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    try:
        port = parts.port
    except ValueError:
        port = -1
    return scheme, (parts.hostname or "").lower(), port or _PORTS.get(scheme, 0)


def same_origin(one: str, other: str) -> bool:
    """Whether credentials for one address may be shown to the other."""
    return origin(one) == origin(other)


def without_secrets(url: str) -> str:
    """An address that may be shown: no user, no query, no fragment.

    >>> without_secrets("https://u:p@host/path?signature=abc")
    'https://host/path'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy for an address, by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

    Loopback never goes through a proxy.
    """
    scheme, host, port = origin(url)
    if is_loopback(host) or _is_excepted(host, port, _variable(environ, "no_proxy")):
        return None
    proxy = _variable(environ, f"{scheme}_proxy") or _variable(environ, "all_proxy")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name) or environ.get(name.upper()) or None


def _is_excepted(host: str, port: int, exceptions: str | None) -> bool:
    entries = (exceptions or "").replace(",", " ").split()
    return any(_matches(host, port, entry.lower()) for entry in entries)


def _matches(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name = host_only(entry)
    if name != entry.strip("[]") and not entry.endswith(f":{port}") and not entry.endswith("]"):
        return False
    suffix = name.removeprefix("*").lstrip(".")
    return host == suffix or host.endswith(f".{suffix}")


def ecr_host(
    account: str, region: str, dns_suffix: str, *, fips: bool = False, dualstack: bool = False
) -> str:
    """The host of an account's ECR in a region (ECR User Guide, "Private registry").

    >>> ecr_host("123456789012", "ap-northeast-2", "amazonaws.com")
    '123456789012.dkr.ecr.ap-northeast-2.amazonaws.com'
    >>> ecr_host("123456789012", "us-east-1", "amazonaws.com", fips=True, dualstack=True)
    '123456789012.dkr-ecr-fips.us-east-1.on.aws'
    """
    service = "ecr-fips" if fips else "ecr"
    if not dualstack:
        return f"{account}.dkr.{service}.{region}.{dns_suffix}"
    suffix = "on.aws" if dns_suffix == "amazonaws.com" else f"on.{_dualstack_suffix(dns_suffix)}"
    return f"{account}.dkr-{service}.{region}.{suffix}"


def dns_suffix_of(region: str) -> str:
    """The DNS suffix of a Region's partition (botocore `partitions.json`, by the Region's form).

    >>> dns_suffix_of("ap-northeast-2"), dns_suffix_of("cn-north-1")
    ('amazonaws.com', 'amazonaws.com.cn')
    """
    special = (
        ("cn-", "amazonaws.com.cn"),
        ("eusc-", "amazonaws.eu"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
    )
    found = (suffix for begin, suffix in special if region.startswith(begin))
    return next(found, "amazonaws.com")


def _dualstack_suffix(dns_suffix: str) -> str:
    return dns_suffix.replace("amazonaws", "amazonwebservices", 1)
