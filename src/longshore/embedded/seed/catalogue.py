"""Which repositories, tags and layers there are to be: a small company's Docker Hub. Pure.

About eighty tags in seven repositories, of every kind that a migration meets: single images and
four-platform indexes, Docker and OCI manifests, gzip and zstd layers, attestations, signatures,
SBOMs, tags that move together, base layers shared by all, and one private repository.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from longshore.embedded.seed.archive import Compression, Style
from longshore.oci.platforms import Platform

AMD64 = Platform("linux", "amd64")
FOUR = (
    AMD64,
    Platform("linux", "arm64"),
    Platform("linux", "arm", "v7"),
    Platform("linux", "s390x"),
)
_BEGIN = datetime(2025, 3, 3, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class SystemLayer:
    """A platform's base: a program at /bin/hello, os-release, users."""

    distribution: str
    platform: Platform


@dataclass(frozen=True)
class LibraryLayer:
    """Files of the machine: `library`, `tests`, `interpreter` or names of installed packages."""

    content: tuple[str, ...]
    compression: Compression = "gzip"


@dataclass(frozen=True)
class SourceLayer:
    """An application's sources at one revision."""

    application: str
    revision: str
    compression: Compression = "gzip"


@dataclass(frozen=True)
class ProgramLayer:
    """An application's executable on one platform; it prints which image it is from."""

    application: str
    version: str
    platform: Platform


Recipe = SystemLayer | LibraryLayer | SourceLayer | ProgramLayer


@dataclass(frozen=True)
class Image:
    """One image or index and all tags on it. `layers` are shared by its platforms.

    `system` names the distribution below, `program` says whether it has one of its own.
    """

    repository: str
    tags: tuple[str, ...]
    created: datetime
    system: str
    layers: tuple[Recipe, ...] = ()
    platforms: tuple[Platform, ...] = (AMD64,)
    style: Style = "oci"
    program: bool = True
    attested: bool = False
    signed: bool = False
    revision: str = ""

    @property
    def version(self) -> str:
        """The first tag: what the image calls itself."""
        return self.tags[0]

    def recipes(self, platform: Platform) -> tuple[Recipe, ...]:
        """The layers on one platform, lowest first."""
        own = ProgramLayer(self.repository, self.version, platform)
        return (
            SystemLayer(self.system, platform),
            *self.layers,
            *((own,) if self.program else ()),
        )


@dataclass(frozen=True)
class Catalogue:
    """All images, oldest first, and the repositories that only their owner may read."""

    images: tuple[Image, ...]
    private: frozenset[str]

    @property
    def repositories(self) -> tuple[str, ...]:
        """Names, sorted."""
        return tuple(sorted({image.repository for image in self.images}))

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Each layer once, in order of first use."""
        found: dict[Recipe, None] = {}
        for image in self.images:
            for platform in image.platforms:
                found.update(dict.fromkeys(image.recipes(platform)))
        return tuple(found)


RUNTIME = (LibraryLayer(("interpreter",)), LibraryLayer(("library",)))
WEB = LibraryLayer(("flask", "werkzeug", "jinja2", "click", "markupsafe", "itsdangerous"))
SDK = LibraryLayer(("botocore", "boto3", "s3transfer", "jmespath"))
MODELS = LibraryLayer(("moto",))
NATIVE = LibraryLayer(("cryptography", "cffi", "cheroot", "xmltodict"))
FAST = LibraryLayer(("zstandard", "pyyaml", "urllib3", "requests"), "zstd")


def catalogue(seed: int = 1) -> Catalogue:
    """The whole company. The seed changes revisions, sources and keys; names and tags stay."""
    images = (
        *_bases(),
        *_shop(seed),
        *_api(seed),
        *_worker(seed),
        *_web(seed),
        *_private_tool(seed),
    )
    return Catalogue(
        tuple(sorted(images, key=lambda image: image.created)), frozenset({"acme/private-tool"})
    )


def revision(seed: int, *words: object) -> str:
    """A commit's hash, made up from the words.

    >>> len(revision(1, "acme/shop", 3))
    40
    """
    text = "/".join(str(word) for word in (seed, *words))
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _day(days: float) -> datetime:
    return _BEGIN + timedelta(days=days)


def _bases() -> list[Image]:
    def alpine(tags: tuple[str, ...], day: int) -> Image:
        return Image(
            "library/alpine",
            tags,
            _day(day),
            system=f"alpine {tags[0]}",
            platforms=FOUR,
            style="docker",
            program=False,
        )

    def python(tags: tuple[str, ...], day: int, *more: Recipe) -> Image:
        layers = (*RUNTIME, *more)
        return Image(
            "library/python",
            tags,
            _day(day),
            system="debian 12",
            layers=layers,
            platforms=FOUR,
            program=False,
            attested=True,
        )

    return [
        alpine(("3.19",), 0),
        alpine(("3.20",), 40),
        alpine(("3.21", "3", "latest"), 90),
        python(("3.11-slim", "slim"), 10),
        python(("3.11.7", "3.11", "3", "latest"), 11, LibraryLayer(("tests",))),
    ]


def _built(
    seed: int, repository: str, tags: tuple[str, ...], day: float, base: Image, mark: object
) -> Image:
    """An application's image: the base with sources of one revision on top."""
    commit = revision(seed, repository, mark)
    packed: Compression = "gzip"
    if any(isinstance(one, LibraryLayer) and one.compression == "zstd" for one in base.layers):
        packed = "zstd"
    sources = SourceLayer(repository, commit, packed)
    return replace(
        base,
        repository=repository,
        tags=tuple(tag.replace("SHA", commit[:7]) for tag in tags),
        created=_day(day),
        layers=(*base.layers, sources),
        revision=commit,
    )


def _on_python(*layers: Recipe) -> Image:
    return Image("", ("",), _BEGIN, system="debian 12", layers=(*RUNTIME, *layers))


def _shop(seed: int) -> list[Image]:
    name = "acme/shop"
    old = replace(_on_python(WEB), style="docker")
    new = _on_python(WEB, SDK)
    many = replace(new, platforms=FOUR, attested=True)
    early = ["v1.0.0", "v1.0.1", "v1.1.0", "v1.1.1", "v1.1.2"]
    images = [_built(seed, name, (tag,), 20 + 9 * at, old, tag) for at, tag in enumerate(early)]
    for at, tag in enumerate(["v1.2.0", "v1.2.1"]):
        images.append(_built(seed, name, (tag,), 70 + 8 * at, many, tag))
    signed = replace(many, signed=True)
    images.append(_built(seed, name, ("v1.2.2",), 88, signed, "v1.2.2"))
    images.append(_built(seed, name, ("v1.2.3", "1.2", "1", "latest"), 96, signed, "v1.2.3"))
    for at in range(8):
        images.append(_built(seed, name, ("main-SHA",), 60 + 5 * at, new, f"main {at}"))
    for at in range(6):
        images.append(_built(seed, name, ("develop-SHA",), 72 + 4.5 * at, new, f"develop {at}"))
    for at in range(4):
        images.append(_built(seed, name, ("feature-SHA",), 84 + 3.5 * at, new, f"feature {at}"))
    for at in range(4):
        images.append(_built(seed, name, (f"pr-{117 + 3 * at}",), 90 + 2.5 * at, old, f"pr {at}"))
    return images


def _api(seed: int) -> list[Image]:
    base = _on_python(FAST, NATIVE)
    versions = [f"2.{minor}.{patch}" for minor in range(4) for patch in range(3)]
    images = [
        _built(seed, "acme/api", (version,), 30 + 5 * at, base, version)
        for at, version in enumerate(versions)
    ]
    images[-1] = replace(images[-1], tags=("2.3.2", "2.3", "2", "latest"))
    return images


def _worker(seed: int) -> list[Image]:
    base = replace(_on_python(SDK, MODELS), style="docker")
    images = [
        _built(seed, "acme/worker", (f"build-{41 + at}",), 25 + 11 * at, base, at)
        for at in range(6)
    ]
    images[-1] = replace(images[-1], tags=(*images[-1].tags, "stable", "latest"))
    return images


def _web(seed: int) -> list[Image]:
    single = Image("", ("",), _BEGIN, system="alpine 3.20", style="docker")
    many = replace(single, platforms=FOUR, style="oci", attested=True)
    images = [
        _built(seed, "acme/web", (f"0.{at}.0",), 35 + 7 * at, single, at) for at in range(5, 10)
    ]
    images.append(_built(seed, "acme/web", ("1.0.0",), 80, many, "1.0.0"))
    images.append(_built(seed, "acme/web", ("1.0.1", "1.0", "1", "latest"), 95, many, "1.0.1"))
    return images


def _private_tool(seed: int) -> list[Image]:
    base = _on_python(NATIVE)
    return [
        _built(seed, "acme/private-tool", ("0.1",), 45, base, "0.1"),
        _built(seed, "acme/private-tool", ("0.2", "latest"), 85, base, "0.2"),
    ]
