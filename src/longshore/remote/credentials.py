"""Registry passwords as docker keeps them: config file and credential helpers. I/O.

Docker's `config.json`: `auths`, `credHelpers`, `credsStore`. A helper is the program
`docker-credential-NAME`, asked with `get` and the server's name on standard input. Nothing here is
ever printed; a password is only handed to `session.py`, for its own host.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshore.errors import LoginError
from longshore.facts import Token
from longshore.oci.reference import DOCKER_HUB
from longshore.text import tr

CredentialSource = Callable[[str], Token | None]

# Helpers give this user name when the password is an OAuth2 refresh token (docker/cli).
REFRESH_USER = "<token>"
HUB_SERVER = "https://index.docker.io/v1/"
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_HELPER_TIMEOUT_S = 60
_NOT_FOUND = "credentials not found"


def anonymous(host: str) -> None:
    """A CredentialSource that knows nobody."""


def explicit(tokens: Mapping[str, Token], otherwise: CredentialSource) -> CredentialSource:
    """Credentials given by host win; all other hosts are asked of `otherwise`."""
    return lambda host: tokens[host] if host in tokens else otherwise(host)


@dataclass(frozen=True)
class DockerConfig:
    """A CredentialSource over docker's config file, read anew at each question.

    So a `docker login` in another window counts at once. `environ` is what helpers run with.
    """

    file: Path
    environ: Mapping[str, str]

    def __call__(self, host: str) -> Token | None:
        """The password for a registry host; None when the file has none. Raises LoginError."""
        config = self._read()
        helpers = _mapping(config.get("credHelpers"))
        for server in server_names(host):
            if server in helpers:
                return self._ask(str(helpers[server]), server)
        auths = {_plain(key): entry for key, entry in _mapping(config.get("auths")).items()}
        entry = _mapping(auths.get(_plain(server_names(host)[0])))
        found = self._from_entry(entry)
        if found is None and config.get("credsStore"):
            return self._ask_all(str(config["credsStore"]), host)
        return found

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads(self.file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise LoginError(
                tr("{file} cannot be read: {why}", file=self.file, why=type(error).__name__),
                tr("repair or remove the file, then log in again"),
                code="bad-docker-config",
            ) from None
        return _mapping(document)

    def _from_entry(self, entry: dict[str, Any]) -> Token | None:
        if entry.get("identitytoken"):
            return Token(REFRESH_USER, str(entry["identitytoken"]))
        if entry.get("username") and entry.get("password"):
            return Token(str(entry["username"]), str(entry["password"]))
        try:
            text = base64.b64decode(str(entry.get("auth") or ""), validate=False).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise LoginError(
                tr("an 'auth' entry in {file} is not base64 of user:password", file=self.file),
                tr("log in to that registry again"),
                code="bad-docker-config",
            ) from None
        user, colon, password = text.rstrip("\0").partition(":")
        return Token(user, password) if colon else None

    def _ask_all(self, helper: str, host: str) -> Token | None:
        for server in server_names(host):
            found = self._ask(helper, server)
            if found is not None:
                return found
        return None

    def ask(self, helper: str, host: str) -> Token | None:
        """What a helper has for a host, under any name that the host is known by."""
        return self._ask_all(helper, host)

    def _ask(self, helper: str, server: str) -> Token | None:
        if not _HELPER_NAME.match(helper):
            raise self._helper_failed(helper, tr("that is not a helper's name"))
        try:
            done = subprocess.run(
                [f"docker-credential-{helper}", "get"],
                input=server.encode(),
                capture_output=True,
                env=dict(self.environ),
                timeout=_HELPER_TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError:
            raise self._helper_failed(helper, tr("the program is not installed")) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._helper_failed(helper, type(error).__name__) from None
        if done.returncode != 0:
            if _NOT_FOUND in (done.stdout + done.stderr).decode(errors="replace").lower():
                return None
            raise self._helper_failed(helper, tr("exit code {code}", code=done.returncode))
        return self._answer(helper, done.stdout)

    def _answer(self, helper: str, output: bytes) -> Token | None:
        try:
            answer = _mapping(json.loads(output))
        except (ValueError, RecursionError):
            raise self._helper_failed(helper, tr("its answer is not JSON")) from None
        user, secret = answer.get("Username"), answer.get("Secret")
        return Token(str(user), str(secret)) if user and secret else None

    def _helper_failed(self, helper: str, why: str) -> LoginError:
        return LoginError(
            tr(
                "the credential helper docker-credential-{name} failed: {why}", name=helper, why=why
            ),
            tr("install or repair it, or remove it from {file}", file=self.file),
            code="credential-helper-failed",
        )


def docker_config(environ: Mapping[str, str]) -> DockerConfig:
    """Docker's own config file: in `DOCKER_CONFIG`, else in `.docker` of the home directory."""
    folder = environ.get("DOCKER_CONFIG")
    home = environ.get("HOME") or os.path.expanduser("~")
    return DockerConfig(
        (Path(folder) if folder else Path(home, ".docker")) / "config.json", environ
    )


def helper_credentials(name: str, environ: Mapping[str, str]) -> CredentialSource:
    """The credentials that the helper docker-credential-NAME keeps, whatever docker's file says."""
    asked = docker_config(environ)
    return lambda host: asked.ask(name, host)


def server_names(host: str) -> tuple[str, ...]:
    """Under which names a registry's credentials may be kept; Docker Hub has an old one."""
    if host in (DOCKER_HUB, "index.docker.io", "registry-1.docker.io"):
        return HUB_SERVER, "index.docker.io", DOCKER_HUB, "registry-1.docker.io"
    return host, f"https://{host}"


def _plain(server: str) -> str:
    """Docker compares servers without scheme and path (docker/cli `ConvertToHostname`)."""
    return re.sub(r"\Ahttps?://", "", server).partition("/")[0].lower()


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
