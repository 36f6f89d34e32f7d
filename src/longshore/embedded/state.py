"""What is known of the embedded servers outside their process: options, addresses, folder. I/O.

The data folder is marked when it is made; only a marked folder is ever emptied. Files with secrets
in them are written with mode 0600, the folder has mode 0700.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from longshore.errors import FileError, RefusedError
from longshore.text import tr

Mode = Literal["ecr", "strict-oci"]
MARK = ".longshore-local"
_MARK_TEXT = "Data of `longshore local`. `longshore local reset` empties this folder.\n"
_KEPT = {MARK, "settings.json", "lock", "up.lock", "control.sock", "local.log", "client"}
LISTENERS = ("hub", "hub-api", "hub-cdn", "ecr", "layers", "aws")
DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "ap-northeast-2"
# What would lead a client away from the embedded servers if the caller's shell had it.
LEADS_AWAY = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    *("AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM"),
    *("AWS_ENDPOINT_URL_SNS", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
    *("AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    *("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"),
    *("AWS_CA_BUNDLE", "DOCKER_AUTH_CONFIG"),
)


@dataclass(frozen=True)
class UpOptions:
    """What `up` is asked for; None is whatever runs already, else the default.

    `ports` by listener (LISTENERS); 0 or missing takes any free one. `pull_limit` is the Hub's
    anonymous pulls in six hours, `account_pull_limit` those of its account; None is no limit.
    """

    data_dir: Path
    ports: Mapping[str, int] = field(default_factory=dict)
    mode: Mode | None = None
    account: str | None = None
    region: str | None = None
    pull_limit: int | None = None
    account_pull_limit: int | None = None
    timeout_s: float = 60.0

    @property
    def wishes(self) -> dict[str, Any]:
        """What was asked for by name, ports aside."""
        named = {
            "mode": self.mode,
            "account": self.account,
            "region": self.region,
            "pull_limit": self.pull_limit,
            "account_pull_limit": self.account_pull_limit,
        }
        return {name: value for name, value in named.items() if value is not None}

    def as_json(self) -> dict[str, Any]:
        """For the background process."""
        return {**asdict(self), "data_dir": str(self.data_dir), "ports": dict(self.ports)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> UpOptions:
        """Back from `as_json`."""
        return cls(**{**document, "data_dir": Path(document["data_dir"])})


@dataclass(frozen=True)
class LocalState:
    """Where the embedded servers answer, and how to log in."""

    aws_endpoint: str
    ecr_registry: str
    hub_registry: str
    hub_api: str
    account: str
    region: str
    pid: int
    access_key: str
    secret_key: str = field(repr=False)
    hub_user: str = ""
    hub_password: str = field(default="", repr=False)
    mode: Mode = "ecr"
    pull_limit: int | None = None
    account_pull_limit: int | None = None
    data_dir: Path = Path()
    ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def docker_config(self) -> Path:
        """The folder that `local login` writes and DOCKER_CONFIG names."""
        return self.data_dir / "docker"

    @property
    def client_files(self) -> Path:
        """The folder of the files that keep the caller's own AWS profile and registries out."""
        return self.data_dir / "client"

    def env(self, current: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that make real clients work here; `current` is what NO_PROXY joins."""
        no_proxy = _joined((current or {}).get("NO_PROXY", ""))
        config = self.docker_config / "config.json"
        return {
            "AWS_ENDPOINT_URL": self.aws_endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCOUNT_ID": self.account,
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(self.client_files / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.client_files / "aws-credentials"),
            "DOCKER_CONFIG": str(self.docker_config),
            "REGISTRY_AUTH_FILE": str(config),
            "CONTAINERS_REGISTRIES_CONF": str(self.client_files / "registries.conf"),
            "ECR_REGISTRY": self.ecr_registry,
            "HUB_REGISTRY": self.hub_registry,
            "LONGSHORE_HUB_REGISTRY": self.hub_registry,
            "LONGSHORE_HUB_API": self.hub_api,
            "LONGSHORE_LOCAL_DIR": str(self.data_dir),
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }

    def as_json(self, current: Mapping[str, str] | None = None) -> dict[str, Any]:
        """`longshore.local/1`, as INTERFACE asks."""
        return {
            "schema": "longshore.local/1",
            "running": True,
            "embedded": True,
            "aws_endpoint": self.aws_endpoint,
            "ecr_registry": self.ecr_registry,
            "hub_registry": self.hub_registry,
            "hub_api": self.hub_api,
            "account": self.account,
            "region": self.region,
            "pid": self.pid,
            "mode": self.mode,
            "pull_limit": self.pull_limit,
            "account_pull_limit": self.account_pull_limit,
            "data_dir": str(self.data_dir),
            "ports": dict(self.ports),
            "env": self.env(current),
        }

    def to_wire(self) -> dict[str, Any]:
        """Every field, secrets too: only for the control socket and 0600 files."""
        return {**asdict(self), "data_dir": str(self.data_dir), "ports": dict(self.ports)}

    @classmethod
    def from_wire(cls, document: Mapping[str, Any]) -> LocalState:
        """Back from `to_wire`."""
        known = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        return cls(**{**known, "data_dir": Path(document["data_dir"])})


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """`$LONGSHORE_LOCAL_DIR`, else `longshore/local` below `$XDG_DATA_HOME` (`~/.local/share`)."""
    if told := environ.get("LONGSHORE_LOCAL_DIR"):
        return Path(told).absolute()
    home = Path(environ.get("HOME") or Path.home())
    base = environ.get("XDG_DATA_HOME") or home / ".local" / "share"
    return Path(base).absolute() / "longshore" / "local"


def prepare_data_dir(folder: Path) -> None:
    """Make and mark the folder. Raises RefusedError when it holds something else, FileError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_marked(folder):
            if (folder.is_symlink() or _has_other_files(folder)) and not is_marked(folder):
                raise RefusedError(
                    tr("{folder} holds something else than embedded servers' data", folder=folder),
                    tr("name an empty or new folder with --data-dir"),
                    code="local-folder-not-ours",
                )
            write_private(folder / MARK, _MARK_TEXT)
        folder.chmod(0o700)
    except OSError as error:
        raise _unusable(folder, error) from None


def is_marked(folder: Path) -> bool:
    """Whether the folder is one that `prepare_data_dir` made."""
    try:
        return not folder.is_symlink() and (folder / MARK).read_text() == _MARK_TEXT
    except (OSError, UnicodeDecodeError):
        return False


def _has_other_files(folder: Path) -> bool:
    """Whether there is more than a mark that somebody is writing at this moment."""
    return any(not one.name.startswith(f".{MARK}") for one in folder.iterdir())


def resettable(folder: Path) -> list[Path]:
    """What `empty_data_dir` would delete: everything but addresses and accounts.

    Raises RefusedError for a folder without the mark, FileError.
    """
    if not is_marked(folder):
        raise RefusedError(
            tr("{folder} is not marked as data of `longshore local`", folder=folder),
            tr("nothing was deleted; delete it yourself if you are sure"),
            code="local-folder-not-ours",
        )
    try:
        return sorted(entry for entry in folder.iterdir() if entry.name not in _KEPT)
    except OSError as error:
        raise _unusable(folder, error) from None


def empty_data_dir(folder: Path) -> None:
    """Delete all data in a marked folder, keeping its addresses and accounts.

    Raises RefusedError for a folder without the mark, FileError.
    """
    try:
        for entry in resettable(folder):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    except OSError as error:
        raise _unusable(folder, error) from None


def write_private(path: Path, text: str) -> None:
    """Write a 0600 file in one step: the old content or the new one, never half."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_client_files(state: LocalState) -> None:
    """The files that `env` names: no AWS profiles, no logins yet, plain HTTP to two registries."""
    for folder in (state.client_files, state.docker_config):
        folder.mkdir(mode=0o700, exist_ok=True)
    for name in ("aws-config", "aws-credentials"):
        write_private(state.client_files / name, "")
    allowed = [
        f'[[registry]]\nlocation = "{host}"\ninsecure = true\n'
        for host in (state.hub_registry, state.ecr_registry)
    ]
    write_private(state.client_files / "registries.conf", "\n".join(allowed))
    logins = state.docker_config / "config.json"
    if not logins.exists():
        write_private(logins, "{}\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of ours; empty when the file is missing or broken."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _joined(no_proxy: str) -> str:
    names = [name.strip() for name in no_proxy.split(",") if name.strip()]
    return ",".join(dict.fromkeys(["127.0.0.1", "localhost", "::1", *names]))


def _unusable(folder: Path, error: OSError) -> FileError:
    return FileError(
        tr("{folder} cannot be used: {why}", folder=folder, why=error.strerror or error),
        tr("name another folder with --data-dir"),
        code="local-folder-unusable",
    )
