"""What is installed, how versions are ordered, and which advisories are about it."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.embedded.scanning.apt_archive import Release, build
from tests.peers import peer

from longshore.embedded.scanning.advisories import NotOsv, base_score, find, parse_osv
from longshore.embedded.scanning.debian import Archive
from longshore.embedded.scanning.filesystem import Unreadable, read_files
from longshore.embedded.scanning.packages import (
    Installed,
    Package,
    System,
    is_wanted,
    read_packages,
)
from longshore.embedded.scanning.versions import compare

STATUS = """Package: libssl3
Status: install ok installed
Source: openssl
Version: 3.0.2-1

Package: removed
Status: deinstall ok config-files
Version: 1

Package: zlib1g
Status: install ok installed
Source: zlib (1:1.2.13.dfsg-1)
Version: 1:1.2.13.dfsg-1+b1
Description: with a continuation
 Version: 9
"""
DEBIAN_12 = b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'


def layer(folder: Path, name: str, files: dict[str, bytes | None], **links: str) -> Path:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content or b"")
            archive.addfile(info, io.BytesIO(content or b""))
        for path, target in links.items():
            info = tarfile.TarInfo(path.replace("__", "/"))
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    found = folder / name
    found.write_bytes(gzip.compress(stream.getvalue(), mtime=0))
    return found


def test_upper_layers_win_and_whiteouts_take_away(tmp_path: Path) -> None:
    lower = layer(
        tmp_path,
        "lower",
        {
            "var/lib/dpkg/status": b"old",
            "./app/node_modules/left/package.json": b"{}",
            "app/node_modules/right/package.json": b"{}",
            "srv/a-1.dist-info/METADATA": b"Name: a",
        },
    )
    upper = layer(
        tmp_path,
        "upper",
        {
            "var/lib/dpkg/status": b"new",
            "app/node_modules/.wh.left": None,
            "srv/.wh..wh..opq": None,
        },
    )
    found = read_files([lower, upper], is_wanted)
    assert found == {"var/lib/dpkg/status": b"new", "app/node_modules/right/package.json": b"{}"}


def test_links_are_followed_inside_the_image(tmp_path: Path) -> None:
    links = {"etc__os-release": "../usr/lib/os-release"}
    one = layer(tmp_path, "one", {"usr/lib/os-release": DEBIAN_12}, **links)
    assert read_packages(read_files([one], is_wanted)).system.codename == "bookworm"


@pytest.mark.parametrize("content", [b"no archive", b"\x28\xb5\x2f\xfd rest", b"\x1f\x8b broken"])
def test_layers_that_cannot_be_read_are_no_empty_answer(tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "layer"
    broken.write_bytes(content)
    with pytest.raises(Unreadable):
        read_files([broken], is_wanted)


def test_packages_of_every_kind() -> None:
    files = {
        "var/lib/dpkg/status": STATUS.encode(),
        "etc/os-release": DEBIAN_12,
        "lib/apk/db/installed": (
            b"P:musl\nV:1.2.5-r1\no:musl\n\nP:ssl_client\nV:1.36.1-r2\no:busybox\n"
        ),
        "usr/lib/python3/site-packages/Flask_Login-0.6.dist-info/METADATA": (
            b"Metadata-Version: 2.1\nName: Flask_Login\nVersion: 0.6\n\nName: not-this\n"
        ),
        "app/node_modules/@scope/x/package.json": b'{"name": "@scope/x", "version": "1.0.0"}',
        "app/node_modules/odd/package.json": b"[1]",
        "var/lib/rpm/rpmdb.sqlite": b"",
    }
    found = read_packages(files)
    assert found.system == System("debian", "12", "bookworm")
    assert {(one.ecosystem, one.known_as, one.known_version) for one in found.packages} == {
        ("Debian", "openssl", "3.0.2-1"),
        ("Debian", "zlib", "1:1.2.13.dfsg-1"),
        ("Alpine", "musl", "1.2.5-r1"),
        ("Alpine", "busybox", "1.36.1-r2"),
        ("PyPI", "flask-login", "0.6"),
        ("npm", "@scope/x", "1.0.0"),
    }
    assert found.not_understood == ("rpm",)


VERSION = st.from_regex(r"\A([0-2]:)?[0-9][a-z0-9.+~]{0,6}(-[a-z0-9.+~]{1,4})?\Z")


@settings(max_examples=150, deadline=None)
@given(VERSION, VERSION)
def test_debian_versions_are_ordered_as_dpkg_orders_them(one: str, other: str) -> None:
    order = compare("Debian", one, other)
    word = "lt" if order < 0 else "gt" if order > 0 else "eq"
    asked = [peer("dpkg"), "--compare-versions", one, word, other]
    assert subprocess.run(asked, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("ecosystem", "ordered"),
    [
        ("PyPI", ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1!0.1"]),
        ("npm", ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
                 "1.0.0-rc.1", "1.0.0", "1.0.1", "1.10.0"]),
        ("Alpine", ["1.2_alpha1", "1.2_rc2", "1.2", "1.2-r1", "1.2_p1", "1.2a", "1.10"]),
    ],
)  # fmt: skip
def test_versions_of_languages(ecosystem: Any, ordered: list[str]) -> None:
    for place, one in enumerate(ordered):
        for other_place, other in enumerate(ordered):
            order = compare(ecosystem, one, other)
            assert (order > 0) is (place > other_place), (one, other)
            assert (order == 0) is (place == other_place), (one, other)


def test_python_versions_that_are_the_same() -> None:
    assert compare("PyPI", "1.0", "1.0.0") == 0
    with pytest.raises(ValueError, match="not-a-version"):
        compare("PyPI", "not-a-version", "1")


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H", 5.9),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N", None),
        ("nonsense", None),
    ],
)
def test_base_scores_are_those_of_the_calculator(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


def osv(package: str, ecosystem: str, **more: Any) -> dict[str, Any]:
    events = more.pop("events", [{"introduced": "0"}, {"fixed": "2.0"}])
    return {
        "id": "GHSA-1",
        "aliases": ["CVE-2026-1"],
        "database_specific": {"severity": "MODERATE"},
        "affected": [
            {
                "package": {"name": package, "ecosystem": ecosystem},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
                **more,
            }
        ],
    }


@pytest.mark.parametrize(
    ("entry", "package", "fixed"),
    [
        (osv("x", "PyPI"), Package("PyPI", "x", "1.9"), "2.0"),
        (osv("x", "PyPI"), Package("PyPI", "x", "2.0"), "none"),
        (osv("x", "PyPI"), Package("npm", "x", "1.0.0"), "none"),
        (osv("x", "PyPI", events=[{"introduced": "1"}]), Package("PyPI", "x", "0.9"), "none"),
        (osv("x", "PyPI", events=[{"introduced": "1"}]), Package("PyPI", "x", "7"), None),
        (osv("x", "npm", events=[{"introduced": "0"}, {"last_affected": "1.2.0"}]),
         Package("npm", "x", "1.2.0"), None),
        (osv("x", "npm", events=[{"introduced": "0"}, {"fixed": "1.0.0"}, {"introduced": "2.0.0"},
                                 {"fixed": "2.1.0"}]), Package("npm", "x", "2.0.5"), "2.1.0"),
        (osv("x", "npm", events=[], versions=["1.0.0"]), Package("npm", "x", "1.0.0"), None),
        (osv("openssl", "Debian:12"), Package("Debian", "libssl3", "1.1-1", "openssl"), "2.0"),
        (osv("openssl", "Debian:11"), Package("Debian", "libssl3", "1.1-1", "openssl"), "none"),
        (osv("x", "PyPI"), Package("PyPI", "x", "odd version"), "2.0"),
    ],
)  # fmt: skip
def test_what_an_advisory_is_about(
    entry: dict[str, Any], package: Package, fixed: str | None
) -> None:
    installed = Installed(System("debian", "12", "bookworm"), (package,))
    found = find(installed, parse_osv(json.dumps([entry])))
    if fixed == "none":
        assert found == []
        return
    assert [(one.name, one.severity, one.fixed_in) for one in found] == [
        ("CVE-2026-1", "MEDIUM", fixed)
    ]


@pytest.mark.parametrize("text", ["", "no json", '{"no": "id"}', "[1]", '{"id": 1}\n{"id": '])
def test_data_that_is_not_osv(text: str) -> None:
    with pytest.raises(NotOsv):
        parse_osv(text)


def test_osv_as_lines_and_as_an_answer_of_the_service() -> None:
    entry = osv("x", "PyPI")
    for text in (json.dumps(entry), json.dumps({"vulns": [entry]}),
                 f"{json.dumps(entry)}\n{json.dumps(entry)}\n"):  # fmt: skip
        assert parse_osv(text)[0].package == "x"
    assert parse_osv(json.dumps({**entry, "withdrawn": "2026-01-01T00:00:00Z"})) == []


def test_debian_findings_come_from_the_changelogs_of_newer_packages(tmp_path: Path) -> None:
    mended = ("3.0.2-1+deb12u2", "high", "Fix CVE-2026-0002 and CVE-2026-0003.")
    before = ("3.0.2-1+deb12u1", "medium", "Fix CVE-2026-0001.")
    first = ("3.0.2-1", "low", "Fix CVE-2020-9999, long ago.")
    source = build(
        tmp_path / "archive",
        [
            Release("libssl3", "3.0.2-1+deb12u2", (mended, before, first), "openssl"),
            Release("zlib1g", "1:1.2.13.dfsg-1+b1", (), "zlib"),
        ],
    )
    installed = read_packages({"var/lib/dpkg/status": STATUS.encode(), "etc/os-release": DEBIAN_12})
    found = Archive(tmp_path / "apt", [source], "amd64").find(installed)
    assert sorted((one.name, one.severity, one.package, one.fixed_in) for one in found) == [
        ("CVE-2026-0001", "MEDIUM", "openssl", "3.0.2-1+deb12u1"),
        ("CVE-2026-0002", "HIGH", "openssl", "3.0.2-1+deb12u2"),
        ("CVE-2026-0003", "HIGH", "openssl", "3.0.2-1+deb12u2"),
    ]
