"""The two ends of a copy as the command line names them: registries, OCI layouts, archives. I/O.

docker.io/acme/shop:v1     a registry; no tag means latest
oci:FOLDER[:TAG]           an OCI image layout
oci-archive:FILE[:TAG]     the same as a tar file (source only)
docker-archive:FILE[:TAG]  what `docker save` writes (source only)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from longshore.cli.stores import Opener
from longshore.errors import FileError, UsageError, Where
from longshore.oci.reference import DEFAULT_TAG, Reference, is_tag, parse_reference
from longshore.oci.store import Readable, Writable
from longshore.text import tr

_KINDS = ("oci", "oci-archive", "docker-archive")


@dataclass(frozen=True)
class Local:
    """An image on disk; `kind` is oci, oci-archive or docker-archive."""

    kind: str
    path: str
    tag: str | None

    @property
    def name(self) -> str:
        """The place without the tag."""
        return f"{self.kind}:{self.path}"

    @property
    def registry(self) -> str:
        """No registry: nothing is mounted."""
        return self.name

    @property
    def wanted(self) -> str:
        """The tag to look for."""
        return self.tag or DEFAULT_TAG


End = Reference | Local


def parse_end(text: str) -> End:
    """Read one end. Raises UsageError."""
    kind, colon, rest = text.partition(":")
    if not colon or kind not in _KINDS:
        return parse_reference(text)
    path, colon, tag = rest.rpartition(":")
    if not colon or not is_tag(tag):
        path, tag = rest, ""
    if not path:
        raise UsageError(
            tr("'{text}' names no file", text=text),
            tr("write it as {kind}:PATH or {kind}:PATH:TAG", kind=kind),
            code="bad-reference",
        )
    return Local(kind, path, tag or None)


def as_reference(end: End) -> Reference | None:
    """The end if it is in a registry."""
    return end if isinstance(end, Reference) else None


def open_source(end: End, opener: Opener) -> Readable:
    """The end as a store to read."""
    if isinstance(end, Reference):
        return opener.source(end)
    from longshore.remote.docker_archive import open_saved
    from longshore.remote.layout import open_archive, open_layout

    path = Path(end.path)
    if end.kind == "oci":
        return cast(Readable, open_layout(path))
    found = open_archive(path) if end.kind == "oci-archive" else open_saved(path)
    return cast(Readable, found)


def open_target(end: End, opener: Opener) -> Writable:
    """The end as a store to write. Raises UsageError for archives."""
    if isinstance(end, Reference):
        if end.digest is not None:
            raise UsageError(
                tr("a target cannot be a digest: {target}", target=end),
                tr("name a tag, or no tag to keep the source's"),
                code="bad-reference",
            )
        return opener.target(end)
    if end.kind != "oci":
        raise UsageError(
            tr("{target} cannot be written", target=end.name),
            tr("write to an OCI layout instead: oci:FOLDER"),
            code="bad-reference",
        )
    from longshore.remote.layout import open_layout

    return cast(Writable, open_layout(Path(end.path), "target", create=True))


def read_couples(
    source: str | None, target: str | None, pairs: str | None
) -> list[tuple[End, End]]:
    """Both ends of every copy. Raises UsageError or FileError."""
    if pairs is not None:
        if source is not None:
            raise UsageError(tr("--pairs stands alone"), tr("leave SOURCE and TARGET out"))
        return _read_pairs(pairs)
    if source is None or target is None:
        raise UsageError(
            tr("SOURCE and TARGET are missing"),
            tr("type `longshore copy SOURCE TARGET`, or `longshore copy --pairs FILE`"),
        )
    return [(parse_end(source), parse_end(target))]


def target_tag(source: End, target: End) -> str:
    """The tag that one image gets: the target's, else the source's own."""
    return target.tag or source.tag or source.wanted


def refuse_collisions(couples: Sequence[tuple[End, End]]) -> None:
    """Raise UsageError when two images are to get the same tag."""
    known: dict[str, str] = {}
    for source, target in couples:
        name = f"{target.name}:{target_tag(source, target)}"
        image = f"{source.name}:{source.wanted}"
        if known.setdefault(name, image) != image:
            raise UsageError(
                tr("{one} and {other} both want {name}", one=known[name], other=image, name=name),
                tr("give one of them another tag"),
                code="bad-pairs-file",
            )


def _read_pairs(name: str) -> list[tuple[End, End]]:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            tr("cannot read {file}: {why}", file=name, why=error),
            tr("name a text file with one `SOURCE TARGET` a line"),
            where=Where(file=name),
        ) from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = [] if line.lstrip().startswith("#") else line.split()
        if words and len(words) != 2:
            raise UsageError(
                tr("a line must be `SOURCE TARGET`; this one has {count} words", count=len(words)),
                tr("write the two references with a space between"),
                code="bad-pairs-file",
                where=Where(name, number, 1),
            )
        if words:
            found.append(_couple(words, Where(name, number, 1)))
    if not found:
        raise UsageError(
            tr("{file} names no pair", file=name), code="bad-pairs-file", where=Where(name, 1, 1)
        )
    return found


def _couple(words: list[str], where: Where) -> tuple[End, End]:
    try:
        return parse_end(words[0]), parse_end(words[1])
    except UsageError as error:
        error.where = where
        raise
