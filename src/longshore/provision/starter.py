"""The text of a first `longshore.yaml`, from what was found. Pure.

It is meant to be read and edited: every section has a comment, and `parse_config` takes it as it
is. What was not found is a variable to be set, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from longshore.oci.reference import Reference
from longshore.policy.naming import suggest_names
from longshore.text import tr

MOVING = ("latest", "pr-*", "live-*", "rollback-*")
_FEWER = '{allow: ["v*"], newest: 20}'
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*\Z")
_NOT_TEXT = {"true", "false", "null"}
_SHORT = re.compile(r"v?\d+(?:\.\d+)?\Z")
_MOVES = re.compile(r"[a-z][a-z._-]*\Z")


@dataclass(frozen=True)
class FoundImage:
    """A repository of a source registry, its tags as far as known, and a wanted target name.

    `only` are the tags that the tree uses: nothing else moves. Empty: all tags, or the newest five
    when the tree leaves a tag of somebody else's image `open`. `uses` says how often the tree names
    it.
    """

    source: Reference
    tags: tuple[str, ...] | None = None
    target: str = ""
    only: tuple[str, ...] = ()
    uses: int = 0
    open: bool = False


@dataclass(frozen=True)
class Found:
    """What `init` saw. Empty account or region: not known. `local`: only the embedded servers."""

    images: tuple[FoundImage, ...] = ()
    account: str = ""
    region: str = ""
    local: bool = False
    branches: tuple[str, ...] = ()


def render_config(found: Found) -> str:
    """A commented config that `parse_config` accepts."""
    names = suggest_names(image.source for image in found.images)
    images = [
        (image, image.target or names[image.source.name])
        for image in sorted(found.images, key=lambda image: image.source.name)
    ]
    parts = [
        _comment(tr("What moves where, and how it is kept there. All keys: docs/config.md")),
        _comment(tr("Check it: longshore config check. What would change: longshore plan")),
        "version: 1",
        "",
        *_targets(found),
        *_sources(images),
        *_images(images),
        *_repositories(images),
    ]
    if found.branches:
        branches = ", ".join(_quoted(branch) for branch in found.branches)
        parts += [f"ci: {{provider: github, auth: oidc, branches: [{branches}]}}"]
    return "\n".join(parts).rstrip() + "\n"


def _comment(text: str) -> str:
    return f"# {' '.join(text.split())}"


def _with(line: str, text: str) -> str:
    return f"{line}   {_comment(text)}"


def _targets(found: Found) -> list[str]:
    head = tr("where to; the first is the default, --target NAME picks another")
    account = json.dumps(found.account or "${AWS_ACCOUNT_ID}")
    region = _quoted(found.region) if found.region else '"${AWS_REGION}"'
    prod = f"  prod: {{kind: ecr, account: {account}, region: {region}}}"
    return [
        _with("targets:", head),
        *([] if found.local else [prod]),
        _with("  local: {kind: local}", tr("the embedded servers: try everything there first")),
        "",
    ]


def _sources(images: Sequence[tuple[FoundImage, str]]) -> list[str]:
    hosts = sorted({image.source.registry for image, _ in images}) or ["docker.io"]
    head = tr("logins by reference only: docker-config is what docker login wrote")
    return [
        _with("sources:", head),
        *(f"  {_quoted(host)}: {{credentials: docker-config, pulls: auto}}" for host in hosts),
        "",
    ]


def _images(images: Sequence[tuple[FoundImage, str]]) -> list[str]:
    if not images:
        return [
            _with("images: []", tr("for example:")),
            "#  - from: docker.io/acme/shop",
            "#    to: acme/shop",
            '#    tags: {allow: ["v*", "main-*"], semver: ">=1.0", newest: 20}',
            "",
        ]
    lines = [_with("images:", tr("what moves; fewer tags: {example}", example=_FEWER))]
    for image, target in images:
        line = f"  - from: {_quoted(image.source.name)}"
        if image.uses:
            line = _with(line, tr("places in the tree: {count}", count=image.uses))
        elif image.tags is not None:
            line = _with(line, tr("tags there: {count}", count=len(image.tags)))
        lines += [line, f"    to: {_quoted(target)}"]
        if image.only:
            allowed = ", ".join(json.dumps(tag) for tag in sorted(image.only))
            lines.append(f"    tags: {{allow: [{allowed}]}}")
        elif image.open:
            why = tr("the tree leaves a tag open: better name the tags that it uses")
            lines.append(_with("    tags: {newest: 5}", why))
    return [*lines, ""]


def _repositories(images: Sequence[tuple[FoundImage, str]]) -> list[str]:
    tags: dict[str, set[str]] = {}
    for image, target in images:
        tags.setdefault(target, set()).update(image.only or image.tags or ())
    if not tags:
        return ["repositories: {}", ""]
    lines = ["repositories:"]
    anchors: dict[str, str] = {}
    mirrored = {target for image, target in images if image.only or image.open}
    for target in sorted(tags):
        settings = _settings(sorted(tags[target]), target in mirrored)
        if anchor := anchors.get(settings):
            lines.append(f"  {_quoted(target)}: *{anchor}")
            continue
        anchor = f"standard{len(anchors) + 1}" if anchors else "standard"
        anchors[settings] = anchor
        lines += [f"  {_quoted(target)}: &{anchor}", settings]
    return [*lines, ""]


def _settings(tags: Sequence[str], mirrored: bool) -> str:
    fixed = tr("fixed once the repository is made; the other choice is kms")
    kept = tr("10 production images, 5 of branches, 3 of pull requests, ...")
    return "\n".join(
        [
            f"    mutability: {_mutability(tags) if not mirrored else _upstream()}",
            "    scan: on-push",
            _with("    encryption: aes256", fixed),
            _with("    lifecycle: {preset: standard}", kept),
        ]
    )


def _upstream() -> str:
    return _with("{default: mutable}", tr("whoever publishes these images moves their tags"))


def _mutability(tags: Sequence[str]) -> str:
    """Immutable but for tags that look as if they moved; ECR takes five exceptions."""
    moving = [tag for tag in tags if _MOVES.match(tag) and tag != "latest"]
    floating = floating_versions(tags)
    if any(tag.startswith("v") for tag in floating):
        return _with("{default: mutable}", tr("tags such as {tag} move", tag=floating[0]))
    if len(moving) + len(floating) > 1:
        return _with('{default: mutable, except: ["v*"]}', tr("releases stay, other tags may move"))
    exceptions = ", ".join(_quoted(tag) for tag in (*MOVING, *moving, *floating))
    return _with(f"{{default: immutable, except: [{exceptions}]}}", tr("these may move"))


def floating_versions(tags: Sequence[str]) -> list[str]:
    """Short versions that stand for the newest of a line, and so move with each release.

    >>> floating_versions(["1", "1.2", "1.2.3", "2024", "v2.0", "v2.0.1"])
    ['1', '1.2', 'v2.0']
    """
    versions = [tag.removeprefix("v") for tag in tags]
    return [
        tag
        for tag in tags
        if _SHORT.match(tag)
        and any(other.startswith(tag.removeprefix("v") + ".") for other in versions)
    ]


def _quoted(text: str) -> str:
    """The text as a YAML scalar that is read back as the same text."""
    if _PLAIN.match(text) and text.lower() not in _NOT_TEXT:
        return text
    return json.dumps(text.replace("${", "$${"), ensure_ascii=False)
