"""`docker-credential-longshore`: gives docker, podman and skopeo a fresh ECR password. I/O.

The protocol of docker/docker-credential-helpers: one word on the command line, the server on
standard input, JSON or an error text on standard output. A password is fetched at each `get` with
the caller's AWS credentials, so nothing expires and nothing is stored. Loopback registries are
answered for only when they are the embedded ECR that runs now; never by AWS.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from longshore.cli import language, wiring
from longshore.cli.ecr_hosts import parse_ecr_host
from longshore.cli.typeset import one_line
from longshore.errors import LongshoreError
from longshore.facts import Token
from longshore.remote.addresses import is_loopback

# What clients look for in the answer: then they go on without a login.
NOT_FOUND = "credentials not found in native keychain"
_MAX_INPUT = 64 * 1024


@dataclass(frozen=True)
class Answered:
    """What goes to standard output, and the exit code."""

    text: str
    code: int = 0


def main() -> None:
    """Entry point of `docker-credential-longshore`."""
    environ = wiring.read_environment()
    language.install(environ)
    answered = answer(sys.argv[1:], sys.stdin, environ)
    if answered.text:
        sys.stdout.write(answered.text + "\n")
    sys.exit(answered.code)


def answer(argv: list[str], stdin: TextIO, environ: Mapping[str, str]) -> Answered:
    """The answer to one call; every error of ours becomes the protocol's text and exit 1."""
    verb = argv[0] if len(argv) == 1 else ""
    if verb == "list":
        return Answered("{}")
    if verb == "version":
        from longshore import __version__

        return Answered(f"docker-credential-longshore (longshore) {__version__}")
    if verb in ("store", "erase"):
        stdin.read(_MAX_INPUT)  # nothing is ever stored; `docker login` and `logout` are content
        return Answered("")
    if verb != "get":
        return Answered("usage: docker-credential-longshore get|store|erase|list", 1)
    server = stdin.read(_MAX_INPUT).strip()
    try:
        token = token_for(server, environ)
    except LongshoreError as error:
        return Answered(one_line(f"{error.what} ({error.hint})" if error.hint else error.what), 1)
    if token is None:
        return Answered(NOT_FOUND, 1)
    found = {"ServerURL": server, "Username": token.username, "Secret": token.password}
    return Answered(json.dumps(found))


def token_for(server: str, environ: Mapping[str, str]) -> Token | None:
    """A password for a registry, or None when the registry is none of ours."""
    host = server.removeprefix("https://").removeprefix("http://").partition("/")[0]
    if is_loopback(host):
        return _embedded(host, environ)
    ecr = parse_ecr_host(host)
    if ecr is None:
        return None
    return wiring.ecr_token(ecr.region, environ, fips=ecr.fips)


def _embedded(host: str, environ: Mapping[str, str]) -> Token | None:
    from longshore.embedded import daemon
    from longshore.embedded.state import default_data_dir

    state = daemon.status(default_data_dir(environ))
    if state is None or state.ecr_registry != host:
        return None
    return wiring.embedded_token(state, environ)
