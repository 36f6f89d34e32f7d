"""Known vulnerabilities of a Debian image, from its own release's package archive. I/O.

There is no database in this: apt is asked which packages of the image have a newer version in the
release's security suite, those packages are fetched, and the CVE names in the changelog entries
newer than what is installed are the findings. So only what is already mended is found, the
severity is the changelog's urgency (never CRITICAL), and the answer is that of the day. apt runs
with folders of its own; the sources are those that the user gave, nothing of the machine's is
touched.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from longshore.embedded.scanning.packages import Installed, Package
from longshore.embedded.scanning.versions import compare
from longshore.facts import Finding

_TIMEOUT_S = 300
_MAX_CHANGELOG = 32 * 1024 * 1024
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_ENTRY = re.compile(
    r"^(?P<source>[a-z0-9][a-z0-9+.-]+) \((?P<version>[^)]+)\) (?P<suite>[^;]+);"
    r".*?urgency=(?P<urgency>[a-z]+)",
    re.MULTILINE | re.IGNORECASE,
)
_SEVERITIES = {"low": "LOW", "medium": "MEDIUM", "high": "HIGH", "emergency": "HIGH",
               "critical": "HIGH"}  # fmt: skip
LIMITS = (
    "only what a newer package of the security suite mends; severities are the changelogs' "
    "urgencies, never CRITICAL"
)


class AptFailed(Exception):
    """apt could not say; the text is the reason."""


class Archive:
    """Package archives of one release, asked through apt in a folder of ours.

    `sources` are lines of sources.list(5); `architecture` is Debian's word (amd64, arm64).
    """

    def __init__(self, folder: Path, sources: Sequence[str], architecture: str) -> None:
        self._folder = folder
        self._sources = tuple(sources)
        self._architecture = architecture

    def find(self, installed: Installed) -> list[Finding]:
        """The findings for the image's Debian packages. Raises AptFailed."""
        if shutil.which("apt-get") is None:
            raise AptFailed("there is no apt-get on this machine")
        self._prepare()
        self._apt("apt-get", "update")
        newer = self._newer(installed.of("Debian"))
        findings: list[Finding] = []
        for package, version in newer:
            findings += self._findings(package, version)
        return _once(findings)

    def _prepare(self) -> None:
        for name in ("lists/partial", "cache/archives/partial", "etc/preferences.d", "state",
                     "downloads"):  # fmt: skip
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "sources.list").write_text("\n".join(self._sources) + "\n")
        (self._folder / "status").write_text("")
        (self._folder / "apt.conf").write_text("")

    def _newer(self, packages: Iterable[Package]) -> list[tuple[Package, str]]:
        """One binary package per source that has a newer version, with that version."""
        by_name = {one.name: one for one in packages}
        found: dict[str, tuple[Package, str]] = {}
        for name, version in self._candidates(sorted(by_name)):
            package = by_name.get(name)
            if package is None or package.known_as in found:
                continue
            if compare("Debian", version, package.version) > 0:
                found[package.known_as] = (package, version)
        return list(found.values())

    def _candidates(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The newest version of each package in the archives."""
        for start in range(0, len(names), 200):
            text = self._apt("apt-cache", "policy", *names[start : start + 200])
            name = ""
            for line in text.splitlines():
                if line and not line.startswith(" "):
                    name = line.rstrip(":").partition(":")[0]
                elif line.strip().startswith("Candidate:"):
                    version = line.partition(":")[2].strip()
                    if version != "(none)":
                        yield name, version

    def _findings(self, package: Package, version: str) -> list[Finding]:
        """The CVEs of the changelog entries that the installed version does not have yet."""
        text = self._changelog(package, version)
        found: list[Finding] = []
        marks = list(_ENTRY.finditer(text))
        for mark, following in zip_longest(marks, marks[1:]):
            try:
                is_new = compare("Debian", mark["version"], package.known_version) > 0
            except ValueError:
                continue
            if not is_new:
                continue
            entry = text[mark.start() : following.start() if following else len(text)]
            severity = _SEVERITIES.get(mark["urgency"].lower(), "UNDEFINED")
            names = sorted(set(_CVE.findall(entry)))
            if not names and "security" in mark["suite"]:
                names = [f"{mark['source']}-{mark['version']}"]
                severity = "UNDEFINED"
            found += [
                Finding(
                    name, severity, package.known_as, package.known_version, mark["version"],
                    f"https://security-tracker.debian.org/tracker/{name}"
                    if name.startswith("CVE-") else "",
                )
                for name in names
            ]  # fmt: skip
        return found

    def _changelog(self, package: Package, version: str) -> str:
        """The Debian changelog inside the newer package."""
        downloads = self._folder / "downloads"
        for old in downloads.iterdir():
            old.unlink()
        self._apt("apt-get", "download", f"{package.name}={version}", cwd=downloads)
        archives = list(downloads.glob("*.deb"))
        if len(archives) != 1:
            raise AptFailed(f"apt brought no package {package.name} {version}")
        return read_changelog(archives[0])

    def _apt(self, *command: str, cwd: Path | None = None) -> str:
        folder = self._folder
        options = {
            "Dir::State": folder / "state",
            "Dir::State::lists": folder / "lists",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc": folder / "etc",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "-",
            "Dir::Etc::preferencesparts": folder / "etc/preferences.d",
            "APT::Architecture": self._architecture,
            "APT::Architectures": self._architecture,
            "APT::Sandbox::User": "",
            "APT::Get::List-Cleanup": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "1",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        environ = {**os.environ, "LC_ALL": "C", "APT_CONFIG": str(folder / "apt.conf")}
        try:
            done = subprocess.run(
                [command[0], *words, *command[1:]],
                cwd=cwd, env=environ, capture_output=True, timeout=_TIMEOUT_S, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AptFailed(f"{command[0]} {command[1]}: {error}") from None
        errors = done.stderr.decode("utf-8", "replace")
        if done.returncode or "Failed to fetch" in errors:
            last = [line for line in errors.splitlines() if line.startswith(("E:", "W:", "Err"))]
            raise AptFailed(f"{command[0]} {command[1]}: {(last or ['failed'])[-1]}")
        return done.stdout.decode("utf-8", "replace")


def read_changelog(package: Path) -> str:
    """The changelog of a .deb. Raises AptFailed."""
    try:
        done = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(package)],
            capture_output=True, timeout=_TIMEOUT_S, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise AptFailed(f"a package cannot be opened: {error}") from None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        names = [one for one in archive.getnames() if "/doc/" in one and "/changelog" in one]
        for ending in ("changelog.Debian.gz", "changelog.gz", "changelog.Debian", "changelog"):
            name = next((one for one in names if one.endswith(ending)), None)
            stream = archive.extractfile(name) if name else None
            if stream is not None:
                content = stream.read(_MAX_CHANGELOG)
                if ending.endswith(".gz"):
                    content = gzip.decompress(content)
                return content.decode("utf-8", "replace")
    return ""


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """A vulnerability once per package, with the first version that mends it."""
    by_key: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for one in findings:
        by_key[one.name, one.package].append(one)
    return [each[-1] for each in by_key.values()]
