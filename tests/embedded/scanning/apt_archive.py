"""A package archive of a test's own: small packages, each with its Debian changelog."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.peers import peer


@dataclass(frozen=True)
class Release:
    """One version of a package: its changelog entries, the newest first."""

    name: str
    version: str
    entries: tuple[tuple[str, str, str], ...]
    source: str = ""


def build(folder: Path, releases: list[Release]) -> str:
    """An archive in the folder; its line for sources.list."""
    for program in ("apt-get", "apt-cache", "dpkg-deb"):
        peer(program)
    folder.mkdir(parents=True, exist_ok=True)
    paragraphs = []
    for release in releases:
        package = _package(folder, release)
        content = package.read_bytes()
        control = _control(release)
        paragraphs.append(
            f"{control}Filename: ./{package.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
        )
    (folder / "Packages").write_text("\n".join(paragraphs))
    return f"deb [trusted=yes] file:{folder} ./"


def _package(folder: Path, release: Release) -> Path:
    root = folder / "build"
    shutil.rmtree(root, ignore_errors=True)
    docs = root / "usr/share/doc" / release.name
    docs.mkdir(parents=True)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(_control(release))
    source = release.source or release.name
    text = "".join(
        f"{source} ({version}) bookworm-security; urgency={urgency}\n\n  * {what}\n\n"
        " -- A Maintainer <someone@example.com>  Mon, 02 Nov 2026 10:00:00 +0000\n\n"
        for version, urgency, what in release.entries
    )
    (docs / "changelog.Debian.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    package = folder / f"{release.name}_{release.version}_amd64.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", str(root), str(package)],
        check=True,
        capture_output=True,
    )
    shutil.rmtree(root)
    return package


def _control(release: Release) -> str:
    source = f"Source: {release.source}\n" if release.source else ""
    return (
        f"Package: {release.name}\n{source}Version: {release.version}\nArchitecture: amd64\n"
        "Maintainer: A Maintainer <someone@example.com>\nDescription: a package of the tests\n"
    )
