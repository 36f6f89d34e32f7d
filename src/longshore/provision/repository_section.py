"""The section `repositories` of `longshore.yaml`. Pure.

Limits are those of the ECR API: at most five exclusion filters of at most two wildcards each.
"""

from __future__ import annotations

import re
from dataclasses import replace

from longshore.errors import UsageError
from longshore.policy.naming import check_name
from longshore.provision.lifecycle_section import lifecycle
from longshore.provision.settings import (
    Access,
    Encryption,
    Mutability,
    RepositorySettings,
)
from longshore.provision.shapes import Parsed, Shape, Text, Word
from longshore.provision.structures import Either, Key, ListOf, MapOf, Struct
from longshore.text import tr

MAX_EXCEPTIONS = 5
MAX_EXCEPTION_WILDCARDS = 2
MAX_TAGS = 49
_MUTABILITIES: dict[object, Mutability] = {
    "mutable": Mutability("mutable"),
    "immutable": Mutability("immutable"),
}
_ENCRYPTIONS: dict[object, Encryption] = {
    "aes256": Encryption("AES256"),
    "kms": Encryption("KMS"),
}
_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::\d{12}:[\w+=,.@/-]+\Z")
_ROLE = re.compile(r"[A-Za-z][\w-]*\Z|\d{12}\Z")


def repositories() -> Shape[dict[str, RepositorySettings]]:
    """Target repositories by name."""
    settings = Struct(
        lambda **values: RepositorySettings("", **values),
        {
            "mutability": Key(_mutability(), "Whether tags may move"),
            "scan": Key(
                Either(scalar=Word("on-push", "off"), then=lambda word: word == "on-push"),
                "Scan images when they are pushed",
            ),
            "encryption": Key(_encryption(), "aes256 or kms; fixed when the repository is made"),
            "lifecycle": Key(lifecycle(), "Which images go, and when"),
            "access": Key(_access(), "Who may push and pull"),
            "tags": Key(_aws_tags(), "AWS tags of the repository, for cost reports"),
        },
        placed=True,
    )
    return Either(
        mapping=MapOf(settings, check_repository_name),
        then=lambda pairs: {name: replace(value, name=name) for name, value in pairs},
    )


def check_repository_name(name: str) -> tuple[str, str] | None:
    """What ECR has against the name, as message and hint."""
    verdict = check_name(name)
    if verdict.legal:
        return None
    return (
        tr("ECR refuses the name '{name}': {reason}", name=name, reason=verdict.reason),
        tr("take '{name}'", name=verdict.suggestion),
    )


def _mutability() -> Shape[Mutability]:
    words = Word("mutable", "immutable")
    return Either(
        scalar=words,
        mapping=Struct(
            Mutability,
            {
                "default": Key(words, "mutable or immutable", required=True),
                "except": Key(
                    ListOf(Parsed(tr("a tag pattern"), _parse_exception), most=MAX_EXCEPTIONS),
                    "Tag patterns for which the contrary holds; ECR allows 5",
                    argument="exceptions",
                ),
            },
        ),
        then=lambda value: _MUTABILITIES.get(value, value),
    )


def _parse_exception(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z._*-]{1,128}", text):
        raise UsageError(
            tr("'{text}' is not a pattern that ECR takes", text=text),
            tr("use letters, digits, '.', '_', '-' and '*', at most 128"),
        )
    if text.count("*") > MAX_EXCEPTION_WILDCARDS:
        raise UsageError(
            tr("'{text}' has more than {most} wildcards", text=text, most=MAX_EXCEPTION_WILDCARDS),
        )
    return text


def _encryption() -> Shape[Encryption]:
    key = Struct(
        lambda key=None: Encryption("KMS", key),
        {"key": Key(Text(), "The key's ARN, id or alias; left out, AWS's own key for ECR")},
    )
    return Either(
        scalar=Word("aes256", "kms"),
        mapping=Struct(lambda kms: kms, {"kms": Key(key, "Encrypt with KMS", required=True)}),
        then=lambda value: _ENCRYPTIONS.get(value, value),
    )


def _access() -> Shape[Access]:
    who = ListOf(Parsed(tr("a principal"), _parse_principal))
    return Struct(
        Access, {"push": Key(who, "Who may push and pull"), "pull": Key(who, "Who may pull")}
    )


def _parse_principal(text: str) -> str:
    if _ARN.match(text) or _ROLE.match(text):
        return text
    raise UsageError(
        tr("'{text}' is no principal", text=text),
        tr('name a role\'s ARN, an account like "123456789012", or a role that longshore makes'),
    )


def _aws_tags() -> Shape[tuple[tuple[str, str], ...]]:
    value = Text(tr("at most 256 letters, digits, spaces or _.:/=+-@"), r"[\w\s.:/=+@-]{0,256}")
    pairs = MapOf(value, _check_tag_key, most=MAX_TAGS)
    return Either(mapping=pairs, then=lambda found: tuple(sorted(found)))


def _check_tag_key(name: str) -> tuple[str, str] | None:
    if not re.fullmatch(r"[\w\s.:/=+@-]{1,128}", name):
        return tr("'{name}' is not a tag key", name=name), tr("use letters, digits or _.:/=+-@")
    if name.lower().startswith(("aws:", "longshore:")):
        return tr("'{name}' has a reserved beginning", name=name), tr("take another name")
    return None
