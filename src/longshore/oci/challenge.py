"""`WWW-Authenticate` challenges: read them, and say what to ask for. Pure.

RFC 9110 section 11.6.1 (challenges), RFC 6750 (Bearer), and the distribution project's token
specification (realm, service, scope).

>>> parse_challenges('Bearer realm="https://auth.example/token",service="reg"')[0].scheme
'bearer'
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"\s*,?\s*({_WORD})(?:\s+|\s*(?=,)|$)")
_PARAMETER = re.compile(rf'\s*,?\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))')


@dataclass(frozen=True)
class Challenge:
    """One challenge: scheme in lower case, parameters with lower-case names."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        """Where to ask for a token (Bearer) or the protected area's name (Basic)."""
        return self.parameters.get("realm", "")

    @property
    def service(self) -> str:
        """The service that the token is for."""
        return self.parameters.get("service", "")

    @property
    def scope(self) -> str:
        """The scope that the registry wants, or ""."""
        return self.parameters.get("scope", "")


def parse_challenges(header: str) -> list[Challenge]:
    """All challenges of a header, in order; what cannot be read ends the list."""
    found: list[Challenge] = []
    place = 0
    while place < len(header):
        scheme = _SCHEME.match(header, place)
        if scheme is None:
            break
        place, parameters = scheme.end(), {}
        while (parameter := _PARAMETER.match(header, place)) is not None:
            name, quoted, plain = parameter.groups()
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            parameters[name.lower()] = value
            place = parameter.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return found


def repository_scope(repository: str, *actions: str) -> str:
    """The token scope of actions on a repository.

    >>> repository_scope("library/node", "pull")
    'repository:library/node:pull'
    """
    return f"repository:{repository}:{','.join(sorted(actions))}"
