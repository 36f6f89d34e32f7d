"""Registry passwords: GetAuthorizationToken makes them, `/v2/` asks whether one is good. I/O."""

from __future__ import annotations

import base64
from collections.abc import Callable
from enum import Enum
from typing import Any

from longshore.embedded.ecr_errors import invalid
from longshore.embedded.ecr_state import Ecr, Region
from longshore.embedded.ecr_tokens import TOKEN_LIFETIME, USER, Password
from longshore.embedded.sigv4 import Principal

Values = dict[str, Any]


class Login(Enum):
    """What a registry password is good for."""

    OK = "ok"
    NONE = "none"
    EXPIRED = "expired"
    OTHER_REGION = "other-region"


def get_authorization_token(region: Region, asked: Values, caller: Principal) -> Values:
    """GetAuthorizationToken: one password for the caller, good for 12 hours."""
    for account in asked.get("registryIds", ()):
        if account != region.account:
            raise invalid("registryIds", f"The registry with id '{account}' is not embedded here")
    expires_at = region.ecr.clock.now() + TOKEN_LIFETIME
    if caller.expires_at is not None:
        expires_at = min(expires_at, caller.expires_at)
    password = region.ecr.signer.make_password(
        Password(caller.access_key, region.account, region.name, expires_at)
    )
    return {
        "authorizationData": [
            {
                "authorizationToken": base64.b64encode(f"{USER}:{password}".encode()).decode(),
                "expiresAt": expires_at.replace(microsecond=0),
                "proxyEndpoint": f"{'http' if region.is_served else 'https'}://{region.host}",
            }
        ]
    }


def check_login(
    ecr: Ecr,
    credentials: tuple[str, str] | None,
    find: Callable[[str], Principal | None],
) -> tuple[Login, Principal | None]:
    """What the credentials of a `/v2/` request are worth, and whose they are."""
    if credentials is None or credentials[0] != USER:
        return Login.NONE, None
    password = ecr.signer.read_password(credentials[1])
    if password is None or password.account != ecr.options.account:
        return Login.NONE, None
    if password.expires_at <= ecr.clock.now():
        return Login.EXPIRED, None
    if password.region != ecr.options.region:
        return Login.OTHER_REGION, None
    principal = find(password.access_key)
    return (Login.NONE if principal is None else Login.OK), principal
