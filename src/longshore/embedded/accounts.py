"""Ports and accounts of one data folder: made once, the same after each restart. I/O."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from longshore.embedded.state import read_json, write_private

_FILE = "settings.json"
_KEY_LETTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Accounts:
    """Who may log in, and where the servers answered last."""

    access_key: str
    secret_key: str = field(repr=False)
    hub_user: str = "acme"
    hub_password: str = field(default="", repr=False)
    ports: Mapping[str, int] = field(default_factory=dict)


def open_accounts(folder: Path) -> Accounts:
    """The folder's accounts, new ones when it has none."""
    found = read_json(folder / _FILE)
    try:
        return Accounts(**found)
    except TypeError:
        return _new()


def keep_accounts(folder: Path, accounts: Accounts) -> None:
    """Write them to a 0600 file."""
    write_private(folder / _FILE, json.dumps(asdict(accounts)))


def _new() -> Accounts:
    letters = "".join(secrets.choice(_KEY_LETTERS) for _ in range(16))
    return Accounts(
        access_key=f"AKIA{letters}",
        secret_key=secrets.token_urlsafe(30),
        hub_password=f"dckr_pat_{secrets.token_urlsafe(20)}",
    )
