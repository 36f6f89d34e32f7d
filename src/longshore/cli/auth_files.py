"""The files in which docker, podman and skopeo keep logins: edited with care. I/O.

Only the entry of one registry changes; every other key stays as it was. The file is replaced
atomically with mode 0600, never through a symbolic link. Formats: docker/cli `config.json` and
containers-auth.json(5), which have `auths` and `credHelpers` alike.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longshore.errors import FileError, RefusedError, Where
from longshore.facts import Token
from longshore.text import tr

HELPER = "longshore"


def docker_auth_file(environ: Mapping[str, str]) -> Path:
    """Where docker looks: DOCKER_CONFIG, else `.docker` in the home folder."""
    folder = environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else _home(environ) / ".docker") / "config.json"


def containers_auth_file(environ: Mapping[str, str]) -> Path:
    """Where podman and skopeo look: REGISTRY_AUTH_FILE, else below XDG_RUNTIME_DIR."""
    if told := environ.get("REGISTRY_AUTH_FILE"):
        return Path(told)
    runtime = environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) if runtime else Path("/run/containers") / str(os.getuid())
    return (base / "containers" if runtime else base) / "auth.json"


def put_login(file: Path, registry: str, token: Token) -> None:
    """Store a password for one registry."""
    document = _read(file)
    pair = f"{token.username}:{token.password}".encode()
    _section(document, "auths", file)[registry] = {"auth": base64.b64encode(pair).decode()}
    _section(document, "credHelpers", file).pop(registry, None)
    _write(file, document)


def put_helper(file: Path, registry: str) -> None:
    """Let the credential helper answer for one registry, instead of a stored password."""
    document = _read(file)
    _section(document, "credHelpers", file)[registry] = HELPER
    for name in (registry, f"https://{registry}"):
        _section(document, "auths", file).pop(name, None)
    _write(file, document)


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())


def _read(file: Path) -> dict[str, Any]:
    if file.is_symlink():
        raise RefusedError(
            tr("{file} is a symbolic link, and is not written through", file=file),
            tr("name the real folder with DOCKER_CONFIG or REGISTRY_AUTH_FILE"),
            code="symlink",
            where=Where(file=str(file)),
        )
    try:
        document = json.loads(file.read_bytes() or b"{}")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _failed(file, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _failed(file, tr("it is not JSON; nothing was changed")) from error
    if not isinstance(document, dict):
        raise _failed(file, tr("it is not a JSON object; nothing was changed"))
    return document


def _section(document: dict[str, Any], name: str, file: Path) -> dict[str, Any]:
    section = document.setdefault(name, {})
    if not isinstance(section, dict):
        raise _failed(file, tr("'{name}' is not an object; nothing was changed", name=name))
    return section


def _write(file: Path, document: dict[str, Any]) -> None:
    if not document.get("credHelpers"):
        document.pop("credHelpers", None)
    text = json.dumps(document, indent="\t", ensure_ascii=False) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            os.replace(name, file)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise _failed(file, error.strerror or str(error)) from error


def _failed(file: Path, why: str) -> FileError:
    return FileError(
        tr("the login could not be kept in {file}: {why}", file=file, why=why),
        tr("repair the file, or name another folder with DOCKER_CONFIG or REGISTRY_AUTH_FILE"),
        code="auth-file",
        where=Where(file=str(file)),
    )
