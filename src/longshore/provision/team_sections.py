"""The sections of `longshore.yaml` about the team: tags, tree, pipeline, releases, alerts. Pure.

Each function gives the shape of one section. Descriptions go into the JSON Schema, in English.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from longshore.errors import UsageError
from longshore.policy.slugs import is_component
from longshore.provision.settings import (
    Alerts,
    CiSettings,
    Environment,
    RewriteSettings,
    TagStrategy,
)
from longshore.provision.shapes import Flag, Number, Shape, Text, Whole, Word, did_you_mean, one_of
from longshore.provision.structures import Either, Key, ListOf, MapOf, Struct
from longshore.text import tr

SEVERITIES = ("critical", "high", "medium", "low", "informational", "undefined")
# A commit by its 40 digits; a wheel by its SHA-256; a file of the tree with pip's hashes.
_INSTALL = (
    r"git\+https://[A-Za-z0-9._/:-]+@[0-9a-f]{40}"
    r"|(?:https|file)://[A-Za-z0-9._/:%+-]+\.whl#sha256=[0-9a-f]{64}"
    r"|(?!/)(?!.*\.\./)[A-Za-z0-9._/-]+\.txt"
)


def tags() -> Shape[TagStrategy]:
    """How builds are tagged."""
    return Struct(
        _tags,
        {
            "strategy": Key(Word("standard"), "The table in the docs"),
            "main": Key(ListOf(Text()), "Branches that count as production"),
            "develop": Key(ListOf(Text()), "Branches that count as development"),
            "latest": Key(Word("newest-release", "main", "never"), "What the tag latest follows"),
            "pull_requests": Key(
                Word("build", "push"), "Whether images of pull requests are pushed as pr-N"
            ),
            "pull_request_commits": Key(
                Flag(), "Also tag each commit of a pull request, as pr-N-COMMIT"
            ),
            "markers": Key(
                Word("all", "needed", "none"),
                "Which images get a second tag, prod-TAG or branch-TAG, by which they are counted",
            ),
            "sha_length": Key(Whole(7, 40), "How many characters of the commit tags have"),
            "feature": Key(
                Word("class", "slug"), "Tags of feature/x: feature-COMMIT, or feature-x-COMMIT"
            ),
            "component": Key(
                Text(tr("a component's name"), r"[a-z0-9][a-z0-9._-]{0,39}", example="svc-a"),
                "The part of a monorepo that is built: its versions are tagged NAME/v1.2.0",
            ),
            "component_prefix": Key(Flag(), "Begin the image's tags with the component's name"),
            "ladder": Key(Flag(), "Move v2 and v2.1 to the highest version of their line"),
            "repository": Key(
                Text(tr("a name of a repository"), r"[a-z0-9][a-z0-9._/-]{1,255}", example="shop"),
                "Where to look for images that are there already",
            ),
        },
    )


def _tags(**values: Any) -> TagStrategy:
    made = TagStrategy(**values)
    if made.component and not is_component(made.component, made.main):
        raise UsageError(
            tr("'{name}' cannot stand at the beginning of tags", name=made.component),
            tr("choose a name of a-z, 0-9 and - that is no class of tags, like svc-a"),
        )
    return made


def rewrite() -> Shape[RewriteSettings]:
    """How references in the tree change."""
    return Struct(
        RewriteSettings,
        {
            "map": Key(
                MapOf(Text()),
                "Pattern of images to: mirror, cache, public, variable, keep, or a repository",
            ),
            "prefix": Key(
                Text(tr("a name prefix"), r"[a-z0-9]+(?:[._-][a-z0-9]+)*", example="docker-hub"),
                "What the names of mirrored and cached images begin with",
            ),
            "pin_digests": Key(Flag(), "Write digests beside the tags"),
            "public_default": Key(
                Flag(), "Make the registry a variable with Docker Hub as its default"
            ),
            "skip": Key(ListOf(Text()), "Patterns of files that stay as they are"),
        },
    )


def ci() -> Shape[CiSettings]:
    """The pipeline."""
    return Struct(
        CiSettings,
        {
            "provider": Key(Word("github"), "Whose pipeline"),
            "branches": Key(ListOf(Text()), "Branches that build"),
            "auth": Key(Word("oidc", "keys"), "How the pipeline logs in to AWS"),
            "secrets": Key(
                MapOf(Text(tr("a name of a secret"), r"[A-Za-z_][A-Za-z0-9_]*", example="ECR_KEY")),
                "Names under which the pipeline's secrets are stored",
            ),
            "install": Key(
                Text(
                    tr("a commit, a wheel with its hash, or a requirements file with hashes"),
                    _INSTALL,
                    example="git+https://git.example.com/longshore.git@COMMIT",
                ),
                "Where the pipeline gets longshore from, pinned",
            ),
            "role": Key(
                Text(tr("a name of a role"), r"[\w+=,.@/-]{1,64}", example="github-actions"),
                "The AWS role of the pipeline, with auth: oidc",
            ),
        },
    )


def deploy() -> Shape[dict[str, Environment]]:
    """Places that releases are deployed to."""
    host = Text(
        tr("an ssh address without a password"),
        r"ssh://([A-Za-z0-9._-]+@)?[A-Za-z0-9.\[\]:-]+",
        example="ssh://deploy@app.example.com",
    )
    environment = Struct(
        lambda **values: Environment("", **values),
        {
            "kind": Key(Word("hosts", "ecs"), "Hosts over ssh, or an ECS service", required=True),
            "hosts": Key(ListOf(host, least=1), "The hosts, as ssh addresses"),
            "proxy": Key(Word("nginx", "haproxy", "traefik"), "What stands before the service"),
            "compose": Key(Text(), "The compose file"),
            "service": Key(Text(), "The service that is released"),
            "health": Key(Text(tr("a path"), r"/\S*", example="/health"), "The health check"),
            "cluster": Key(Text(), "The ECS cluster"),
        },
        placed=True,
    )
    named = Either(
        mapping=MapOf(environment),
        then=lambda pairs: {name: replace(value, name=name) for name, value in pairs},
    )
    return Struct(
        lambda environments=None: environments or {},
        {"environments": Key(named, "Places by name")},
    )


def alerts() -> Shape[Alerts]:
    """Who is told, and from which values on."""
    subscriber = Text(
        tr("an address"),
        r"(mailto:[^\s@]+@[^\s@]+|https://\S+|arn:aws\S+)",
        example="mailto:me@x.io",
    )
    pulls = Struct(
        lambda anomaly: anomaly,
        {"anomaly": Key(Number(), "So many times the usual is unusual", required=True)},
    )
    return Struct(
        Alerts,
        {
            "subscribers": Key(ListOf(subscriber), "mailto:, https:// or an ARN"),
            "storage_gb": Key(Number(), "Storage in GB from which on an alert is sent"),
            "scan": Key(MapOf(Whole(), _check_severity), "Findings allowed, by severity"),
            "pulls": Key(pulls, "Unusual numbers of pulls", argument="pulls_anomaly"),
        },
    )


def _check_severity(name: str) -> tuple[str, str] | None:
    if name in SEVERITIES:
        return None
    message = tr("'{text}' is not {wanted}", text=name, wanted=one_of(SEVERITIES))
    return message, did_you_mean(name, SEVERITIES)
