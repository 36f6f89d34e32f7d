"""Pages of ECR's listings: `maxResults` and an opaque `nextToken`. Pure.

Items are in the order of their keys and the token names the last key shown, so that a listing goes
on correctly although something was added or removed in between. A token is not JSON: SDKs take
such a one for their own.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from longshore.embedded.ecr_errors import invalid

Item = TypeVar("Item")


def page(
    items: Sequence[Item],
    key: Callable[[Item], str],
    token: str | None,
    size: int | None,
    default_size: int = 100,
) -> tuple[list[Item], str | None]:
    """One page of the items and the next page's token. Raises InvalidParameterException."""
    ordered = sorted(items, key=key)
    if token is not None:
        after = _read(token)
        ordered = [item for item in ordered if key(item) > after]
    shown = ordered[: size or default_size]
    return shown, _write(key(shown[-1])) if len(shown) < len(ordered) else None


def _write(key: str) -> str:
    return base64.urlsafe_b64encode(b"\0" + key.encode()).decode()


def _read(token: str) -> str:
    try:
        found = base64.urlsafe_b64decode(token.encode())
        if found.startswith(b"\0"):
            return found[1:].decode()
    except (ValueError, binascii.Error):
        pass
    raise invalid("nextToken", "Invalid token")
