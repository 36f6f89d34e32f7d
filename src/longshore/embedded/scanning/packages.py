"""Which packages are installed in an image, from its files. Pure.

Debian's (`var/lib/dpkg/status`, and `status.d` of distroless images), Alpine's (`lib/apk/db`),
Python's (`*.dist-info/METADATA`) and Node's (`node_modules/*/package.json`). What is there and not
understood is named, so that nobody takes it for looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Literal

Ecosystem = Literal["Debian", "Alpine", "PyPI", "npm"]
_STATUS = "var/lib/dpkg/status"
_STATUS_D = "var/lib/dpkg/status.d/"
_APK = "lib/apk/db/installed"
_RELEASES = ("etc/os-release", "usr/lib/os-release")
_RPM = ("var/lib/rpm/", "usr/lib/sysimage/rpm/")
_SOURCE = re.compile(r"(?P<name>\S+)(?:\s+\((?P<version>[^)]+)\))?\Z")


@dataclass(frozen=True)
class Package:
    """One installed package. `source` and its version are what Debian's data speaks of."""

    ecosystem: Ecosystem
    name: str
    version: str
    source: str = ""
    source_version: str = ""

    @property
    def known_as(self) -> str:
        """The name under which advisories speak of it."""
        return self.source or self.name

    @property
    def known_version(self) -> str:
        """The version that goes with `known_as`."""
        return self.source_version or self.version


@dataclass(frozen=True)
class System:
    """The image's system: `debian`, `12`, `bookworm`; empty where it does not say."""

    name: str = ""
    version: str = ""
    codename: str = ""


@dataclass(frozen=True)
class Installed:
    """All that was found. `not_understood` names what is there and was not looked into."""

    system: System
    packages: tuple[Package, ...]
    not_understood: tuple[str, ...] = ()

    def of(self, ecosystem: Ecosystem) -> tuple[Package, ...]:
        """The packages of one kind."""
        return tuple(one for one in self.packages if one.ecosystem == ecosystem)


def is_wanted(path: str) -> bool:
    """Whether a file of an image tells of packages."""
    return (
        path in (_STATUS, _APK, *_RELEASES)
        or (path.startswith(_STATUS_D) and not path.endswith(".md5sums"))
        or path.startswith(_RPM)
        or path.endswith(".dist-info/METADATA")
        or (path.endswith("/package.json") and "node_modules/" in path and _is_module(path))
    )


def _is_module(path: str) -> bool:
    """`node_modules/NAME/package.json`, also `@SCOPE/NAME`; not files deeper in a module."""
    inner = path.rpartition("node_modules/")[2].split("/")
    return len(inner) == (3 if inner[0].startswith("@") else 2)


def read_packages(files: Mapping[str, bytes]) -> Installed:
    """What is installed, from the wanted files."""
    found: dict[tuple[str, str, str], Package] = {}
    for path, content in sorted(files.items()):
        for one in _packages_of(path, content):
            found.setdefault((one.ecosystem, one.name, one.version), one)
    unread = ("rpm",) if any(path.startswith(_RPM) for path in files) else ()
    return Installed(_system(files), tuple(found.values()), unread)


def _packages_of(path: str, content: bytes) -> Iterator[Package]:
    text = content.decode("utf-8", "replace")
    if path == _STATUS or path.startswith(_STATUS_D):
        yield from _debian(text, is_whole=path == _STATUS)
    elif path == _APK:
        yield from _alpine(text)
    elif path.endswith(".dist-info/METADATA"):
        yield from _python(text)
    elif path.endswith("/package.json"):
        yield from _node(text)


def _debian(text: str, is_whole: bool) -> Iterator[Package]:
    """deb-status(5): paragraphs; only what is installed counts."""
    for paragraph in re.split(r"\n\s*\n", text):
        fields = _fields(paragraph)
        name, version = fields.get("package", ""), fields.get("version", "")
        if not name or not version:
            continue
        if is_whole and not fields.get("status", "").endswith(" installed"):
            continue
        source = _SOURCE.match(fields.get("source", ""))
        yield Package(
            "Debian",
            name,
            version,
            source["name"] if source else name,
            (source["version"] if source else None) or version,
        )


def _fields(paragraph: str) -> dict[str, str]:
    """The first line of each field; continuation lines do not matter here."""
    found: dict[str, str] = {}
    for line in paragraph.splitlines():
        if line[:1] not in (" ", "\t") and ":" in line:
            name, _, value = line.partition(":")
            found[name.strip().lower()] = value.strip()
    return found


def _alpine(text: str) -> Iterator[Package]:
    """apk's database: one letter a line, paragraphs by package."""
    for paragraph in text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in paragraph.splitlines() if line[1:2] == ":")
        if fields.get("P") and fields.get("V"):
            origin = fields.get("o", fields["P"])
            yield Package("Alpine", fields["P"], fields["V"], origin, fields["V"])


def _python(text: str) -> Iterator[Package]:
    """Core metadata: Name and Version; names as PyPI compares them (PEP 503)."""
    head = HeaderParser().parsestr(text.split("\n\n", 1)[0])
    name, version = head.get("Name", ""), head.get("Version", "")
    if name and version:
        yield Package("PyPI", re.sub(r"[-_.]+", "-", name).lower(), version)


def _node(text: str) -> Iterator[Package]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(document, dict):
        return
    name, version = document.get("name"), document.get("version")
    if isinstance(name, str) and isinstance(version, str) and name and version:
        yield Package("npm", name, version)


def _system(files: Mapping[str, bytes]) -> System:
    for path in _RELEASES:
        if path in files:
            text = files[path].decode("utf-8", "replace")
            pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
            values = {name.strip(): value.strip().strip("'\"") for name, value in pairs}
            return System(
                values.get("ID", ""), values.get("VERSION_ID", ""),
                values.get("VERSION_CODENAME", ""),
            )  # fmt: skip
    return System()
