"""Takes secrets out of text that is about to be kept or shown. Pure.

Two ways at once: the values of variables whose names sound secret, and shapes of well-known
secrets (AWS keys, tokens, passwords in URLs, Authorization headers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

HIDDEN = "***"
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_KEY|AUTH", re.I)
_SHAPES = (
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), HIDDEN),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    (re.compile(r"\b(?:ghp|gho|ghs|ghu|dckr_pat|github_pat)_[\w-]{10,}"), HIDDEN),
    (re.compile(r"(://)[^/\s:@]+:[^/\s@]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?i)\b(basic|bearer)\s+[\w.+/=~-]{8,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)((?:password|passwd|secret|token|x-amz-signature|x-amz-credential"
            r"|x-amz-security-token)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+"
        ),
        rf"\1{HIDDEN}",
    ),
)


def is_secret_name(name: str) -> bool:
    """Whether a variable or flag of this name probably holds a secret."""
    return _SECRET_NAME.search(name) is not None


def redact(text: str, environ: Mapping[str, str] | None = None) -> str:
    """The text with every secret that can be recognised replaced by three stars.

    >>> redact("https://me:hunter22@registry.example/v2/")
    'https://***@registry.example/v2/'
    """
    for name, value in (environ or {}).items():
        if is_secret_name(name) and len(value) >= 8:
            text = text.replace(value, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def redact_argv(argv: list[str]) -> list[str]:
    """A command line for a log: the value after a flag with a secret name is hidden too.

    >>> redact_argv(["login", "--password", "x"])
    ['login', '--password', '***']
    """
    kept: list[str] = []
    hide_next = False
    for word in argv:
        name, equals, _ = word.partition("=")
        secret = word.startswith("-") and is_secret_name(name.replace("-", "_"))
        shown = f"{name}={HIDDEN}" if secret and equals else redact(word)
        kept.append(HIDDEN if hide_next and not word.startswith("-") else shown)
        hide_next = secret and not equals and not word.endswith("-stdin")
    return kept
