"""The sections of `longshore.yaml` about registries: targets, sources, images, repositories. Pure.

Each function gives the shape of one section. Descriptions go into the JSON Schema, in English.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from longshore.errors import UsageError, Where
from longshore.oci.platforms import Platform, parse_platform
from longshore.oci.reference import Reference, parse_reference
from longshore.policy.naming import suggest_name
from longshore.policy.tags import TagFilter
from longshore.policy.versions import parse_range
from longshore.provision.document import Node, Scalar
from longshore.provision.literals import name_secret
from longshore.provision.repository_section import check_repository_name
from longshore.provision.settings import (
    ALL_TAGS,
    LOCAL_ACCOUNT,
    LOCAL_REGION,
    Credentials,
    ImageRule,
    RegistrySettings,
    Source,
    Target,
)
from longshore.provision.shapes import (
    Flag,
    NumberOr,
    Parsed,
    Reading,
    Schema,
    Shape,
    Text,
    Whole,
    Word,
)
from longshore.provision.structures import Either, Key, ListOf, MapOf, Struct
from longshore.text import tr

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


# --- targets ------------------------------------------------------------------------------------


def targets() -> Shape[dict[str, Target]]:
    """Where to; the first is the default."""
    target = Struct(
        _target,
        {
            "kind": Key(
                Word("ecr", "local"), "ecr, or local for the embedded servers", required=True
            ),
            "account": Key(account(), "The AWS account, 12 digits in quotes"),
            "region": Key(
                Text(
                    tr("an AWS region"), r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", example="ap-northeast-2"
                ),
                "The AWS region",
            ),
            "profile": Key(Text(), "The profile of the AWS configuration to use"),
            "fips": Key(Flag(), "Use the FIPS endpoints"),
            "dualstack": Key(Flag(), "Use the dual-stack (IPv6) endpoints"),
        },
        placed=True,
    )
    return Either(
        mapping=MapOf(target, _check_word, least=1),
        then=lambda pairs: {name: replace(value, name=name) for name, value in pairs},
    )


def account() -> Text:
    """An AWS account number."""
    return Text(tr("an AWS account, 12 digits in quotes"), r"\d{12}", example='"123456789012"')


def _target(
    kind: Literal["ecr", "local"],
    account: str = "",
    region: str = "",
    profile: str | None = None,
    fips: bool = False,
    dualstack: bool = False,
    where: Where = Where(),  # noqa: B008
) -> Target:
    if kind == "local":
        account, region = account or LOCAL_ACCOUNT, region or LOCAL_REGION
    missing = [name for name, value in (("account", account), ("region", region)) if not value]
    if missing:
        raise UsageError(
            tr("a target of kind ecr needs: {keys}", keys=", ".join(missing)),
            tr('write {kind: ecr, account: "123456789012", region: ap-northeast-2}'),
        )
    return Target("", kind, account, region, profile, fips, dualstack, where)


def _check_word(name: str) -> tuple[str, str] | None:
    if _NAME.match(name):
        return None
    return tr("'{name}' is not a name", name=name), tr("use letters, digits, '.', '_' and '-'")


# --- sources ------------------------------------------------------------------------------------


def sources() -> Shape[dict[str, Source]]:
    """Registries with limits, and where their logins are found."""
    address = Text(tr("an address"), r"https?://[^\s/]+/?", example="https://mirror.example.com")
    source = Struct(
        lambda **values: Source("", **values),
        {
            "credentials": Key(_Credentials(), "Where the login is found; never a secret itself"),
            "pulls": Key(
                NumberOr(Whole(1), Word("auto", "unlimited")),
                "Pulls allowed per window; auto asks the registry's headers",
            ),
            "registry": Key(address, "Another address that answers for this registry"),
            "api": Key(address, "Another address of Docker Hub's web API"),
        },
        placed=True,
    )
    return Either(
        mapping=MapOf(source, _check_host),
        then=lambda pairs: {name: replace(value, host=name) for name, value in pairs},
    )


def _check_host(name: str) -> tuple[str, str] | None:
    if _HOST.match(name):
        return None
    return tr("'{name}' is not a registry host", name=name), tr("for example docker.io")


class _Credentials(Shape[Credentials]):
    """A word, or a user with the place of the password; no message repeats what it holds."""

    def __init__(self) -> None:
        self.wanted = tr("docker-config, anonymous, helper:NAME or {username, password}")
        self.login = Struct(
            _login,
            {
                "username": Key(Text(), "The user", required=True),
                "password": Key(_Variable(), "${NAME}: the variable that holds it"),
                "password_file": Key(Text(), "A file that holds it"),
            },
        )

    def read(self, node: Node, reading: Reading) -> Credentials | None:
        if not isinstance(node, Scalar):
            return self.login.read(node, reading)
        if node.text in {"docker-config", "anonymous"}:
            return Credentials("anonymous" if node.text == "anonymous" else "docker-config")
        if match := re.fullmatch(r"helper:([A-Za-z0-9._-]+)", node.text):
            return Credentials("helper", helper=match[1])
        kind = name_secret(node.text) or tr("this is not a reference to credentials; a secret")
        message = tr("{kind} must not stand in the file", kind=kind)
        reading.fail(node.where, message, tr("write {wanted}", wanted=self.wanted), "config-secret")
        return None

    def schema(self) -> Schema:
        word = {"type": "string", "pattern": "^(docker-config|anonymous|helper:[A-Za-z0-9._-]+)$"}
        return {"anyOf": [word, self.login.schema()]}


class _Variable(Shape[str]):
    """`${NAME}` and nothing else; the value stays out of the config."""

    def __init__(self) -> None:
        self.wanted = "${NAME}"

    def read(self, node: Node, reading: Reading) -> str | None:
        match = isinstance(node, Scalar) and re.fullmatch(r"\$\{([A-Za-z_]\w*)\}", node.text)
        if match:
            return match[1]
        message = tr("a password must not stand in the file")
        hint = tr("put it into an environment variable and write ${NAME} here")
        reading.fail(node.where, message, hint, "config-secret")
        return None

    def schema(self) -> Schema:
        return {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"}


def _login(username: str, password: str = "", password_file: str = "") -> Credentials:
    if bool(password) == bool(password_file):
        raise UsageError(
            tr("either password or password_file is needed"),
            tr("write {username: NAME, password: ${NAME_OF_VARIABLE}}"),
        )
    kind: Literal["env", "file"] = "env" if password else "file"
    return Credentials(kind, username, password, password_file)


# --- images -------------------------------------------------------------------------------------


def images() -> Shape[tuple[ImageRule, ...]]:
    """What moves, and under which name."""
    return ListOf(
        Struct(
            _image_rule,
            {
                "from": Key(
                    Parsed(tr("an image repository"), _parse_source),
                    "Registry and repository, without a tag",
                    required=True,
                    argument="source",
                ),
                "to": Key(
                    Parsed(tr("a name that ECR takes"), _parse_name),
                    "The name in ECR; left out, the source's own path",
                    argument="target",
                ),
                "tags": Key(_tag_filter(), "Which tags move; left out, all"),
                "platforms": Key(_platforms(), "all, or a list like [linux/amd64, linux/arm64]"),
                "referrers": Key(Flag(), "Whether signatures, SBOMs and attestations move too"),
                "mode": Key(Word("copy", "cache"), "copy, or cache for a pull-through rule"),
            },
            placed=True,
        )
    )


def _image_rule(source: Reference, target: str = "", **values: object) -> ImageRule:
    return ImageRule(source, target or suggest_name(source), **values)  # type: ignore[arg-type]


def _parse_source(text: str) -> Reference:
    reference = parse_reference(text)
    if reference.tag or reference.digest:
        raise UsageError(
            tr("'{text}' names one image; a repository is wanted", text=text),
            tr("write {name}, and name tags under `tags: {{allow: [...]}}`", name=reference.name),
        )
    return reference


def _parse_name(text: str) -> str:
    if refused := check_repository_name(text):
        raise UsageError(*refused)
    return text


def _tag_filter() -> Shape[TagFilter]:
    pattern = Text(tr("a tag pattern"), r"[\w.*?\[\]!-]{1,128}", example='"v*"')
    return Struct(
        lambda **values: replace(ALL_TAGS, **values),
        {
            "allow": Key(ListOf(pattern), "Patterns of tags that move"),
            "deny": Key(ListOf(pattern), "Patterns of tags that stay; wins over allow"),
            "semver": Key(
                Parsed(tr("a version range"), _parse_semver),
                "A version range, like '>=1.0'",
            ),
            "newest": Key(Whole(1, 100_000), "How many of the newest move"),
        },
    )


def _parse_semver(text: str) -> str:
    parse_range(text)
    return text


def _platforms() -> Shape[tuple[Platform, ...]]:
    return Either(
        scalar=Word("all"),
        sequence=ListOf(Parsed(tr("a platform"), parse_platform), least=1),
        then=lambda value: () if value == "all" else value,
    )


# --- the registry -------------------------------------------------------------------------------


def registry() -> Shape[RegistrySettings]:
    """Settings of the whole registry, one per account and region."""
    doc = "Let pushes share layers between repositories (account setting BLOB_MOUNTING)"
    return Struct(RegistrySettings, {"blob_mounting": Key(Flag(), doc)})
