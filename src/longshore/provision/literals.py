"""Secrets that stand in a file by mistake: recognised by their well-known forms. Pure.

A message about one never repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.errors import Problem
from longshore.provision.document import Mapping, Node, Scalar
from longshore.text import tr

_AWS_KEY = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")
_TOKEN = re.compile(
    r"\bdckr_(?:pat|oat)_[\w-]{10,}|\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}"
    r"|\bglpat-[\w-]{16,}|\bxox[abeprs]-[\w-]{10,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
_SLACK = re.compile(r"hooks\.slack\.com/services/\w+/\w+/")
_PASSWORD = re.compile(r"(?:^(?!mailto:)|\w://)[^/\s:@$]+:(?!\$\{)[^/\s:@]+@(?!sha\d)")


def find_secrets(node: Node) -> Iterator[Problem]:
    """A problem for each value of the document that has the form of a secret."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            yield from find_secrets(entry.value)
    elif not isinstance(node, Scalar):
        for item in node.items:
            yield from find_secrets(item)
    elif kind := name_secret(node.text):
        message = tr("{kind} must not stand in the file", kind=kind)
        hint = tr("put it into an environment variable and write ${NAME} here")
        yield Problem(node.where, message, "config-secret", hint)


def name_secret(text: str) -> str:
    """What kind of secret the text holds, or nothing.

    >>> name_secret("https://me:hunter2@example.com")
    'a password inside an address'
    """
    if _AWS_KEY.search(text):
        return tr("an AWS access key")
    if _TOKEN.search(text):
        return tr("an access token")
    if _PRIVATE_KEY.search(text):
        return tr("a private key")
    if _SLACK.search(text):
        return tr("a Slack webhook address")
    return tr("a password inside an address") if _PASSWORD.search(text) else ""
