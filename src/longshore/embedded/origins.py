"""Names of this machine, so that two of its ports are two hosts to a client. Pure.

Docker Hub's CDN and ECR's layer store are other hosts than the registries, which is why clients
leave their Authorization header behind when they are sent there. Some compare host names without
ports (Go's newer ones do) and would carry it along from one port of 127.0.0.1 to another.
"""

from __future__ import annotations

_NUMBER, _NAME = "127.0.0.1", "localhost"


def other_host(address: str, host: str) -> str:
    """An address of this machine under a name that is not the one in `host`.

    >>> other_host("http://127.0.0.1:5001/blob?x=1", "127.0.0.1:5000")
    'http://localhost:5001/blob?x=1'
    >>> other_host("http://127.0.0.1:5001/blob?x=1", "localhost:5000")
    'http://127.0.0.1:5001/blob?x=1'
    """
    scheme, _, rest = address.partition("://")
    place, slash, path = rest.partition("/")
    name, colon, port = place.rpartition(":")
    if name not in (_NUMBER, _NAME):
        return address
    used = host.lower().rpartition(":")[0] or host.lower()
    name = _NUMBER if used == _NAME else _NAME
    return f"{scheme}://{name}{colon}{port}{slash}{path}"
