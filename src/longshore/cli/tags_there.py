"""What a repository of the target has already of the tags of a build. I/O.

Each tag is asked by HEAD, so that the rights of a role that pushes are enough. Where a tag is
there, its image says of which commit it is (`org.opencontainers.image.revision`, as annotation or
label): that costs reading a manifest and a config, which ECR counts as a pull of that image.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from longshore.cli import wiring
from longshore.cli.output import Place
from longshore.cli.settings import Settings
from longshore.cli.tags_answer import There
from longshore.errors import LongshoreError
from longshore.oci.manifest import Manifest
from longshore.oci.store import Readable
from longshore.policy.image_labels import revision_in

_LARGEST_CONFIG = 4 * 1024 * 1024
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


class Shelf:
    """A repository, asked tag by tag; each answer is kept."""

    def __init__(self, name: str, store: Readable, place: Place) -> None:
        self.name, self.place = name, place
        self._store = store
        self._seen: dict[str, There | None] = {}

    def look(self, tags: Iterable[str]) -> dict[str, There]:
        """Those of the tags that are there, by name."""
        for tag in tags:
            if tag not in self._seen:
                found = self._store.resolve(tag)
                revision = self._revision(found.digest) if found else ""
                self._seen[tag] = There(tag, found.digest, revision) if found else None
        return {tag: one for tag in tags if (one := self._seen[tag]) is not None}

    def has(self, tag: str) -> bool:
        """Whether the tag is there; the image is not read."""
        return self._store.resolve(tag) is not None

    def names(self) -> tuple[str, ...]:
        """All tags. Needs the right to list images."""
        return tuple(seen.tag for seen in self._store.list_tags())

    def _revision(self, digest: str) -> str:
        manifest = self._store.fetch_manifest(digest)
        if found := revision_in(manifest.annotations):
            return found
        if manifest.is_index:
            if not manifest.children:
                return ""
            manifest = self._store.fetch_manifest(manifest.children[0].digest)
            if found := revision_in(manifest.annotations):
                return found
        return revision_in(_labels(self._store, manifest))


def open_shelf(settings: Settings, environ: Mapping[str, str], repository: str) -> Shelf:
    """The repository at the target. Raises what opening a target raises."""
    target = wiring.open_target(settings, environ)
    store = wiring.open_repository(target, repository, environ)
    return Shelf(repository, store, target.place)


def has_credentials(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Whether somebody gave credentials, without asking the network for them."""
    return settings.local or any(environ.get(name) for name in _CREDENTIALS)


def _labels(store: Readable, manifest: Manifest) -> Iterable[tuple[str, str]]:
    """The labels of an image's config; none where there is no such config, or a broken one."""
    if manifest.config is None or manifest.config.size > _LARGEST_CONFIG:
        return []
    try:
        stream = store.open_blob(manifest.config)
        try:
            document = json.loads(b"".join(bytes(chunk) for chunk in stream.chunks()))
        finally:
            stream.close()
    except (LongshoreError, ValueError, RecursionError):
        return []
    config = document.get("config") if isinstance(document, dict) else None
    found = config.get("Labels") if isinstance(config, dict) else None
    pairs = found.items() if isinstance(found, dict) else ()
    return [(key, value) for key, value in pairs if isinstance(value, str)]
