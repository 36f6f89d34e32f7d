"""Which of two versions is the newer one, as each kind of package orders them. Pure.

Debian: deb-version(7). Python: the order of PEP 440 for plain releases. npm: Semantic Versioning.
Alpine: its letters and suffixes. A version that cannot be read raises ValueError: nothing is
guessed.

>>> compare("Debian", "3.0.2-1~deb12u1", "3.0.2-1") < 0
True
"""

from __future__ import annotations

import re
from itertools import zip_longest

from longshore.embedded.scanning.packages import Ecosystem

_ALPINE = re.compile(
    r"(?P<numbers>\d+(?:\.\d+)*)(?P<letter>[a-z]?)(?P<rest>(?:_[a-z]+\d*)*)(?:-r(?P<revision>\d+))?\Z"
)
_ALPINE_ORDER = {
    "alpha": -4,
    "beta": -3,
    "pre": -2,
    "rc": -1,
    "": 0,
    "cvs": 1,
    "svn": 2,
    "git": 3,
    "hg": 4,
    "p": 5,
}
_PYTHON = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<numbers>\d+(?:\.\d+)*)"
    r"(?:[._-]?(?P<pre>a|alpha|b|beta|c|rc|pre|preview)[._-]?(?P<pre_n>\d*))?"
    r"(?:(?:[._-]?(?:post|rev|r)[._-]?(?P<post>\d*))|-(?P<post_n>\d+))?"
    r"(?P<dev>[._-]?dev[._-]?(?P<dev_n>\d*))?(?:\+.*)?\Z",
    re.IGNORECASE,
)
_SEMVER = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?\Z")
_PRE = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}


def compare(ecosystem: Ecosystem, one: str, other: str) -> int:
    """Below, at or above zero as `one` is older, the same or newer. Raises ValueError."""
    if ecosystem == "Debian":
        return _compare_debian(one, other)
    key = {"PyPI": _python_key, "npm": _semver_key, "Alpine": _alpine_key}[ecosystem]
    left, right = key(one), key(other)
    return (left > right) - (left < right)


def _compare_debian(one: str, other: str) -> int:
    left, right = _debian_parts(one), _debian_parts(other)
    if left[0] != right[0]:
        return 1 if left[0] > right[0] else -1
    return _compare_text(left[1], right[1]) or _compare_text(left[2], right[2])


def _debian_parts(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    if not epoch.isdecimal() or not rest:
        raise ValueError(version)
    upstream, dash, revision = rest.rpartition("-")
    return int(epoch), upstream if dash else rest, revision if dash else ""


def _compare_text(one: str, other: str) -> int:
    """Runs of non-digits by dpkg's order, runs of digits as numbers, in turn."""
    pieces = zip_longest(_runs(one), _runs(other), fillvalue=("", 0))
    for (text, number), (other_text, other_number) in pieces:
        for letter, other_letter in zip_longest(text, other_text, fillvalue=""):
            if difference := _weight(letter) - _weight(other_letter):
                return difference
        if number != other_number:
            return number - other_number
    return 0


def _runs(text: str) -> list[tuple[str, int]]:
    return [
        (text, int(digits or 0))
        for text, digits in re.findall(r"([^0-9]*)([0-9]*)", text)
        if text or digits
    ]


def _weight(letter: str) -> int:
    """`~` before the end, the end before letters, letters before everything else."""
    if letter == "~":
        return -1
    if not letter:
        return 0
    return ord(letter) if letter.isalpha() else ord(letter) + 256


def _python_key(version: str) -> tuple[object, ...]:
    found = _PYTHON.match(version.strip())
    if found is None:
        raise ValueError(version)
    numbers = _numbers(found["numbers"])
    pre = (_PRE[found["pre"].lower()], int(found["pre_n"] or 0)) if found["pre"] else (9, 0)
    post_text = found["post"] if found["post"] is not None else found["post_n"]
    post = -1 if post_text is None else int(post_text or 0)
    dev = int(found["dev_n"] or 0) if found["dev"] else 1 << 60
    if found["dev"] and not found["pre"] and post < 0:
        pre = (-1, 0)
    return int(found["epoch"] or 0), numbers, pre, post, dev


def _numbers(text: str) -> tuple[int, ...]:
    """The release without zeros at the end: 1.0 is 1."""
    numbers = [int(one) for one in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _semver_key(version: str) -> tuple[object, ...]:
    found = _SEMVER.match(version.strip())
    if found is None:
        raise ValueError(version)
    release = tuple(int(one or 0) for one in found.groups()[:3])
    if found[4] is None:
        return release, 1, ()
    parts = tuple(
        (0, int(one), "") if one.isdecimal() else (1, 0, one) for one in found[4].split(".")
    )
    return release, 0, parts


def _alpine_key(version: str) -> tuple[object, ...]:
    found = _ALPINE.match(version)
    if found is None:
        raise ValueError(version)
    suffixes = re.findall(r"_([a-z]+)(\d*)", found["rest"])
    if any(name not in _ALPINE_ORDER for name, _ in suffixes):
        raise ValueError(version)
    ordered = tuple((_ALPINE_ORDER[name], int(number or 0)) for name, number in suffixes)
    numbers = tuple(int(one) for one in found["numbers"].split("."))
    return numbers, found["letter"], (*ordered, (0, 0)), int(found["revision"] or 0)
