"""Releases whose support has ended, with the day; a table of 2026-11-23. Pure.

Only releases that were out of support on the table's day are listed, by the projects' own
schedules: nodejs/Release, devguide.python.org/versions, wiki.debian.org/LTS, ubuntu.com/about/
release-cycle (standard support), alpinelinux.org/releases, php.net/eol, the CentOS announcements.
"""

from __future__ import annotations

import re

AS_OF = "2026-11-23"

NODE = {
    "4": "2018-04-30",
    "6": "2019-04-30",
    "8": "2019-12-31",
    "10": "2021-04-30",
    "12": "2022-04-30",
    "13": "2020-06-01",
    "14": "2023-04-30",
    "15": "2021-06-01",
    "16": "2023-09-11",
    "17": "2022-06-01",
    "18": "2025-04-30",
    "19": "2023-06-01",
    "20": "2026-04-30",
    "21": "2024-06-01",
    "23": "2025-06-01",
}
PYTHON = {
    "2": "2020-01-01",
    "2.7": "2020-01-01",
    "3.4": "2019-03-18",
    "3.5": "2020-09-30",
    "3.6": "2021-12-23",
    "3.7": "2023-06-27",
    "3.8": "2024-10-07",
    "3.9": "2025-10-31",
    "3.10": "2026-10-31",
}
DEBIAN = {
    "7": "2018-05-31",
    "8": "2020-06-30",
    "9": "2022-06-30",
    "10": "2024-06-30",
    "11": "2026-08-31",
}
DEBIAN_NAMES = {"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11"}
UBUNTU = {
    "14.04": "2019-04-25",
    "16.04": "2021-04-30",
    "18.04": "2023-05-31",
    "20.04": "2025-05-31",
    "20.10": "2021-07-22",
    "21.04": "2022-01-20",
    "21.10": "2022-07-14",
    "22.10": "2023-07-20",
    "23.04": "2024-01-25",
    "23.10": "2024-07-11",
    "24.10": "2025-07-10",
}
UBUNTU_NAMES = {"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04"}
ALPINE = {
    "3.10": "2021-05-01",
    "3.11": "2021-11-01",
    "3.12": "2022-05-01",
    "3.13": "2022-11-01",
    "3.14": "2023-05-01",
    "3.15": "2023-11-01",
    "3.16": "2024-05-23",
    "3.17": "2024-11-22",
    "3.18": "2025-05-09",
    "3.19": "2025-11-01",
    "3.20": "2026-04-01",
    "3.21": "2026-11-01",
}
PHP = {
    "5.6": "2018-12-31",
    "7.2": "2020-11-30",
    "7.3": "2021-12-06",
    "7.4": "2022-11-28",
    "8.0": "2023-11-26",
    "8.1": "2025-12-31",
}
CENTOS = {"6": "2020-11-30", "7": "2024-06-30", "8": "2021-12-31"}

_TABLES = {
    "node": ("Node.js", NODE, 1),
    "python": ("Python", PYTHON, 2),
    "debian": ("Debian", DEBIAN, 1),
    "ubuntu": ("Ubuntu", UBUNTU, 2),
    "alpine": ("Alpine", ALPINE, 2),
    "php": ("PHP", PHP, 2),
    "centos": ("CentOS", CENTOS, 1),
}
_VERSION = re.compile(r"(?:centos)?(\d+(?:\.\d+)*)(?![\d.])")
_WORDS = re.compile(r"[a-z]+")
_ALPINE_SUFFIX = re.compile(r"-alpine(3\.\d+)")


def ended(image: str, tag: str) -> tuple[str, str] | None:
    """What is out of support in an official image (`Node.js 16`), and since when; None if nothing.

    >>> ended("node", "16-alpine"), ended("node", "22")
    (('Node.js 16', '2023-09-11'), None)
    """
    return _release(image, tag) or _distribution(image, tag)


def _release(image: str, tag: str) -> tuple[str, str] | None:
    if image not in _TABLES:
        return None
    title, table, parts = _TABLES[image]
    found = _VERSION.match(tag)
    if found is None:
        return None
    version = ".".join(found[1].split(".")[:parts])
    return (f"{title} {version}", table[version]) if version in table else None


def _distribution(image: str, tag: str) -> tuple[str, str] | None:
    words = set(_WORDS.findall(tag))
    for name, version in DEBIAN_NAMES.items():
        if name in words:
            return f"Debian {version} ({name})", DEBIAN[version]
    for name, version in UBUNTU_NAMES.items():
        if name in words:
            return f"Ubuntu {version} ({name})", UBUNTU[version]
    found = _ALPINE_SUFFIX.search(tag)
    if found and found[1] in ALPINE:
        return f"Alpine {found[1]}", ALPINE[found[1]]
    return None
