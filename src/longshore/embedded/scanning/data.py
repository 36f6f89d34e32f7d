"""What scans are held against, the user's OSV files and Debian sources; and one result. I/O.

`scanner.json` in the data folder says what there is; `longshore local scanner` writes it. Without
data nothing is scanned: the scan fails and says so, it never finds nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from longshore.embedded.scanning.advisories import Advisory, NotOsv, find, parse_osv
from longshore.embedded.scanning.debian import LIMITS, AptFailed, Archive
from longshore.embedded.scanning.filesystem import Unreadable, read_files
from longshore.embedded.scanning.packages import Ecosystem, Installed, is_wanted, read_packages
from longshore.facts import Finding
from longshore.oci.manifest import Manifest

SETTINGS = "scanner.json"
_SYSTEMS: tuple[Ecosystem, ...] = ("Debian", "Alpine")
_ARCHITECTURES = {"amd64": "amd64", "arm64": "arm64", "arm": "armhf", "386": "i386",
                  "ppc64le": "ppc64el", "s390x": "s390x"}  # fmt: skip
_IMAGE_CONFIGS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
_apt_turn = threading.Lock()


@dataclass(frozen=True)
class ScannerSettings:
    """OSV files, and lines of sources.list(5) in which `{codename}` stands for the release."""

    osv: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to hold a scan against."""
        return not self.osv and not self.apt


@dataclass(frozen=True)
class Result:
    """How a scan ended, in ECR's word, with what was looked at in `description`."""

    status: str
    description: str
    findings: tuple[Finding, ...] = ()
    data_of: datetime | None = None


@dataclass
class _Looking:
    """What one scan has looked at so far."""

    findings: list[Finding] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    covered: set[Ecosystem] = field(default_factory=set)
    times: list[float] = field(default_factory=list)


def read_settings(data_dir: Path) -> ScannerSettings:
    """What the user gave; nothing when the file is missing or broken."""
    try:
        found = json.loads((data_dir / SETTINGS).read_text("utf-8"))
        return ScannerSettings(
            tuple(str(one) for one in found["osv"]), tuple(str(one) for one in found["apt"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ScannerSettings()


def scan_image(
    manifest: Manifest, config: bytes, path_of: Callable[[str], Path], data_dir: Path
) -> Result:
    """Look into one image. Never raises for what is in it: that is a status."""
    if manifest.config is None or manifest.config.media_type not in _IMAGE_CONFIGS:
        return Result("UNSUPPORTED_IMAGE", "this is an artifact, not an image")
    settings = read_settings(data_dir)
    if settings.is_empty:
        return Result(
            "FAILED",
            "there is no vulnerability data here: give some with `longshore local scanner`",
        )
    try:
        files = read_files([path_of(str(one.digest)) for one in manifest.layers], is_wanted)
    except Unreadable as error:
        return Result("FAILED", str(error))
    installed = read_packages(files)
    if not installed.packages:
        unread = f" ({', '.join(installed.not_understood)})" if installed.not_understood else ""
        return Result("UNSUPPORTED_IMAGE", f"no list of packages that is understood{unread}")
    looking = _Looking()
    try:
        _look_in_osv(installed, settings.osv, looking)
        _look_in_archives(installed, settings.apt, _architecture(config), data_dir, looking)
    except (NotOsv, AptFailed, OSError) as error:
        return Result("FAILED", str(error))
    return _result(installed, looking)


def _look_in_osv(installed: Installed, files: Sequence[str], looking: _Looking) -> None:
    advisories: list[Advisory] = []
    for name in files:
        path = Path(name)
        made_at = path.stat().st_mtime
        looking.times.append(made_at)
        try:
            advisories += _read_osv(name, made_at)
        except NotOsv as error:
            raise NotOsv(f"{path.name} is not in the OSV format: {error}") from None
    release = installed.system.version
    known = {one.ecosystem for one in advisories if one.release in ("", release)}
    for ecosystem in sorted(known):
        packages = installed.of(ecosystem)
        if packages:
            looking.covered.add(ecosystem)
            looking.looked.append(f"{len(packages)} {ecosystem} packages against OSV data")
    looking.findings += find(installed, advisories)


@lru_cache(maxsize=8)
def _read_osv(name: str, made_at: float) -> tuple[Advisory, ...]:
    return tuple(parse_osv(Path(name).read_text("utf-8")))


def _look_in_archives(
    installed: Installed,
    sources: Sequence[str],
    architecture: str,
    data_dir: Path,
    looking: _Looking,
) -> None:
    codename = installed.system.codename
    packages = installed.of("Debian")
    if not sources or not packages:
        return
    if not codename:
        looking.left.append("Debian packages of an image that does not say its release")
        return
    lines = [line.replace("{codename}", codename) for line in sources]
    with _apt_turn:
        folder = data_dir / "apt" / f"{codename}-{architecture}"
        looking.findings += Archive(folder, lines, architecture).find(installed)
    looking.covered.add("Debian")
    looking.times.append(datetime.now(UTC).timestamp())
    looking.looked.append(f"{len(packages)} Debian packages against newer packages: {LIMITS}")


def _architecture(config: bytes) -> str:
    try:
        found: Mapping[str, Any] = json.loads(config)
        return _ARCHITECTURES.get(str(found.get("architecture")), "amd64")
    except (ValueError, AttributeError):
        return "amd64"


def _result(installed: Installed, looking: _Looking) -> Result:
    kinds = {one.ecosystem for one in installed.packages}
    left = [f"{len(installed.of(one))} {one} packages" for one in sorted(kinds - looking.covered)]
    left += [*looking.left, *(f"{one} packages" for one in installed.not_understood)]
    system = next((one for one in _SYSTEMS if one in kinds), None)
    said = f"looked at {'; '.join(looking.looked)}" if looking.looked else "looked at nothing"
    description = f"{said}; not looked at: {', '.join(left)}" if left else said
    if not looking.covered or (system is not None and system not in looking.covered):
        return Result("FAILED", f"no vulnerability data for this system: {description}")
    when = min(looking.times, default=None)
    data_of = datetime.fromtimestamp(when, UTC) if when is not None else None
    return Result("COMPLETE", description, tuple(looking.findings), data_of)
