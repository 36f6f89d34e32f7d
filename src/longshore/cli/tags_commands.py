"""`longshore tags`: what a repository's tags point to, and tags that protect an image. I/O.

A plain name is a repository of the target; a name with a host (`docker.io/library/node`) is read
from that registry. Listings cost no pull anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import click

from longshore.cli import wiring
from longshore.cli.frame import App, group
from longshore.cli.output import Place
from longshore.cli.stores import Opener
from longshore.cli.tags_compute import compute_tags
from longshore.cli.typeset import moment, short_digest, size, table
from longshore.errors import RefusedError, RegistryError, UsageError, Where
from longshore.oci.manifest import Descriptor, Manifest
from longshore.oci.reference import Reference, is_tag, parse_reference
from longshore.oci.store import Readable, TagSeen, Writable
from longshore.remote.addresses import is_loopback
from longshore.text import tr

tags = group(
    "tags",
    help=tr("Tags of a repository, of the target or of any registry."),
    examples=[
        "longshore tags ls github-actions-demo-day2",
        "longshore tags show docker.io/library/alpine:3.20",
    ],
)
tags.add_command(compute_tags)

_with_region = click.option(
    "--region", metavar="REGION", help=tr("the AWS Region, if not the target's")
)


@tags.command(
    "ls",
    help=tr("Lists tags with digest, size and age. Costs no pull."),
    examples=["longshore tags ls shop", "longshore tags ls docker.io/library/alpine --json"],
)
@click.argument("repository")
@_with_region
def ls(app: App, repository: str, region: str | None) -> None:
    opened = _open(app, repository, region)
    found = sorted(opened.store.list_tags(), key=lambda seen: seen.tag)
    heads = [tr("TAG"), tr("DIGEST"), tr("SIZE"), tr("PUSHED")]
    rows = [
        (seen.tag, short_digest(seen.digest or "-"), size(seen.size or None), _time(seen.pushed_at))
        for seen in found
    ]
    app.output.result(
        {
            "schema": "longshore.tags.ls/1",
            **opened.mark,
            "repository": opened.name,
            "tags": [_seen_as_json(seen) for seen in found],
        },
        [*opened.marked, *(table(heads, rows, right=[2]) if rows else [tr("there is no tag")])],
        place=opened.place,
        next=f"longshore tags show {repository}:{found[0].tag}" if found else "",
    )


@tags.command(
    "show",
    help=tr(
        "Shows what a tag or digest points to: platforms, layers, signatures. At Docker Hub only "
        "what costs no pull, unless --manifest says to spend one."
    ),
    examples=[
        "longshore tags show shop:v1.2.0",
        "longshore tags show shop@sha256:0123...",
        "longshore tags show docker.io/library/alpine:3.20 --manifest",
    ],
)
@click.argument("reference")
@click.option("--manifest", "read", is_flag=True, help=tr("read it even if that costs a pull"))
@_with_region
def show(app: App, reference: str, read: bool, region: str | None) -> None:
    wanted = _parse(reference)
    opened = _open(app, reference, region)
    store, name = opened.store, opened.name
    found = store.resolve(wanted.wanted)
    if found is None:
        raise _no_such_tag(name, wanted.wanted)
    manifest = None
    if read or not wanted.is_hub or opened.place is not None:
        manifest = store.fetch_manifest(found.digest)
    pointing = [seen.tag for seen in store.list_tags() if seen.digest == found.digest]
    referrers = store.list_referrers(found.digest)
    app.output.result(
        {
            "schema": "longshore.tags.show/1",
            **opened.mark,
            "reference": f"{name}:{wanted.wanted}"
            if wanted.digest is None
            else f"{name}@{wanted.digest}",
            "digest": found.digest,
            "media_type": found.media_type,
            "tags": sorted(pointing),
            "platforms": _platforms(manifest),
            "layers": [_blob(layer) for layer in manifest.layers] if manifest else [],
            "referrers": [_referrer(one) for one in referrers],
            "manifest_read": manifest is not None,
        },
        [*opened.marked, *_lines(found, pointing, manifest, referrers)],
        place=opened.place,
        next=f"longshore tags ls {name}",
    )


@tags.command(
    "protect",
    help=tr(
        "Puts a second tag on an image, one that the standard lifecycle policy never removes "
        "(live-*, rollback-*, latest). The image itself is not changed."
    ),
    examples=[
        "longshore tags protect shop v1.2.0",
        "longshore tags protect shop v1.2.0 --as live-prod",
    ],
)
@click.argument("repository")
@click.argument("tag")
@click.option("--as", "name", metavar="NAME", help=tr("the protecting tag (default: live-TAG)"))
@click.option("--dry-run", is_flag=True, help=tr("only show what would be done"))
@_with_region
def protect(
    app: App, repository: str, tag: str, name: str | None, dry_run: bool, region: str | None
) -> None:
    protecting = _protecting(name or f"live-{tag}", tag)
    opened = _open(app, repository, region)
    store, full_name, place = opened.store, opened.name, opened.place
    if place is None:
        raise UsageError(
            tr("'{name}' is not a repository of the target", name=repository),
            tr("give the repository's name without a host"),
        )
    found, there = store.resolve(tag), store.resolve(protecting)
    if found is None:
        raise _no_such_tag(full_name, tag)
    already = there is not None and there.digest == found.digest
    if there is not None and not already:
        raise _taken(full_name, protecting, there)
    if not already and not dry_run:
        question = tr("Put {new} on the image of {tag}?", new=protecting, tag=tag)
        app.output.confirm(question, [place.as_line()])
        cast(Writable, store).push_manifest(store.fetch_manifest(found.digest), protecting)
    app.output.result(
        {
            "schema": "longshore.tags.protect/1",
            "repository": full_name,
            "tag": tag,
            "protected_by": protecting,
            "digest": found.digest,
            "already": already,
            "dry_run": dry_run,
        },
        [_protected_line(protecting, found, already, dry_run)],
        place=place,
        next=f"longshore tags show {repository}:{protecting}",
    )


def _protected_line(protecting: str, found: Descriptor, already: bool, dry_run: bool) -> str:
    digest = short_digest(found.digest)
    if already:
        return tr("{tag} protects {digest} already", tag=protecting, digest=digest)
    if dry_run:
        return tr("{tag} would be put on {digest}", tag=protecting, digest=digest)
    return tr("{tag} protects {digest} now", tag=protecting, digest=digest)


def _protecting(name: str, tag: str) -> str:
    from fnmatch import fnmatchcase

    from longshore.policy.lifecycle.preset import PROTECTED

    if not is_tag(name):
        raise UsageError(
            tr("'{name}' is not a tag", name=name),
            tr("name a shorter or simpler one: --as live-NAME"),
            code="tag-invalid",
        )
    if name == tag or not any(fnmatchcase(name, pattern) for pattern in PROTECTED):
        raise UsageError(
            tr("no lifecycle rule protects the tag {name}", name=name),
            tr("choose one that matches: {patterns}", patterns=", ".join(PROTECTED)),
            code="not-protecting",
        )
    return name


def _taken(repository: str, tag: str, there: Descriptor) -> RefusedError:
    return RefusedError(
        tr("{tag} protects another image: {digest}", tag=tag, digest=short_digest(there.digest)),
        tr("choose another name with --as; moving it would leave that image without protection"),
        code="protecting-tag-taken",
        where=Where(resource=f"{repository}:{tag}"),
    )


def _no_such_tag(repository: str, tag: str) -> RegistryError:
    return RegistryError(
        tr("{repository} has no {tag}", repository=repository, tag=tag),
        tr("list what is there: longshore tags ls {repository}", repository=repository),
        side="target",
        status=404,
        code="manifest-not-found",
        where=Where(resource=repository),
    )


def _parse(text: str) -> Reference:
    """A reference; a name without a host is a repository of the target, not of Docker Hub."""
    if _has_host(text):
        return parse_reference(text)
    return parse_reference(f"target.invalid/{text}")


def _has_host(text: str) -> bool:
    first, slash, _ = text.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


@dataclass(frozen=True)
class _Opened:
    """A repository and how to call it; `place` when it is one of the target's.

    `stand_in` is the embedded server that answers in another registry's name, or in its own.
    """

    store: Readable
    name: str
    place: Place | None = None
    stand_in: str = ""

    @property
    def mark(self) -> dict[str, str]:
        """What results of the embedded servers carry."""
        return {"mark": "EMBEDDED", "answered_by": self.stand_in} if self.stand_in else {}

    @property
    def marked(self) -> list[str]:
        """The same as a line."""
        if not self.stand_in:
            return []
        return [tr("{name} answered by {host}  EMBEDDED", name=self.name, host=self.stand_in)]


def _open(app: App, text: str, region: str | None) -> _Opened:
    wanted = _parse(text)
    if not _has_host(text):
        target = wiring.open_target(app.settings, app.environ, region=region)
        store = wiring.open_repository(target, wanted.repository, app.environ)
        return _Opened(store, wanted.repository, target.place)
    config = wiring.find_config(app.settings, app.environ)
    opener = Opener(app.settings, app.environ, threads=4, config=config)
    host = urlsplit(opener.registry(wanted.registry, "source").session.base).netloc
    is_ours = opener.opened is not None and opener.opened.endpoint.embedded
    embedded = is_loopback(host) and (wanted.is_hub or is_ours)
    return _Opened(opener.source(wanted), wanted.name, stand_in=host if embedded else "")


def _lines(
    found: Descriptor,
    pointing: Sequence[str],
    manifest: Manifest | None,
    referrers: Sequence[Descriptor],
) -> list[str]:
    rows: list[tuple[str, str]] = [
        (tr("digest"), found.digest),
        (tr("media type"), found.media_type),
        (tr("tags"), " ".join(sorted(pointing)) or "-"),
    ]
    if manifest is None:
        rows.append((tr("platforms"), tr("not looked at (--manifest costs one pull)")))
    elif manifest.is_index:
        rows.append((tr("platforms"), " ".join(_platforms(manifest)) or "-"))
    else:
        total = sum(layer.size for layer in manifest.layers)
        count = tr("{count} layers, {size}", count=len(manifest.layers), size=size(total))
        rows.append((tr("layers"), count))
    shown = [one.artifact_type or one.media_type for one in referrers]
    rows.append((tr("referrers"), " ".join(shown) or tr("none")))
    return table([tr("WHAT"), tr("VALUE")], rows)


def _platforms(manifest: Manifest | None) -> list[str]:
    children = manifest.children if manifest else ()
    return [str(one.platform) for one in children if one.platform and one.platform.is_known]


def _blob(blob: Descriptor) -> dict[str, Any]:
    return {"digest": blob.digest, "size": blob.size, "media_type": blob.media_type}


def _referrer(one: Descriptor) -> dict[str, Any]:
    return {**_blob(one), "artifact_type": one.artifact_type}


def _seen_as_json(seen: TagSeen) -> dict[str, Any]:
    return {
        "tag": seen.tag,
        "digest": seen.digest,
        "size": seen.size,
        "media_type": seen.media_type,
        "pushed_at": moment(seen.pushed_at) or None,
    }


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "-"
