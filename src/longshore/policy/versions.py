"""Versions in tags, and ranges of them. Pure.

Order: semver.org 2.0.0, clause 11. Tags are laxer than semver: a `v` may stand in front, and
`1` and `1.4` are versions too. Ranges as npm and Helm write them: `>=1.0 <3`, `^1.2`, `~1.4`,
`1.x`, `1.2 - 2.3`, alternatives with `||`.

A prerelease lies in a range only when the range names one (`>=2.0.0-0` lets all of them in).

>>> parse_range(">=1.0").holds(parse_version("v1.4.2"))
True
>>> parse_range(">=1.0").holds(parse_version("v2.0.0-rc.1"))
False
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

from longshore.errors import UsageError
from longshore.text import tr

_VERSION = re.compile(
    r"[vV]?(?P<major>\d{1,18})(?:\.(?P<minor>\d{1,18}))?(?:\.(?P<patch>\d{1,18}))?"
    r"(?:-(?P<prerelease>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"\Z",
    re.ASCII,
)
_PARTIAL = re.compile(
    r"[vV]?(?P<major>\d{1,18}|[xX*])(?:\.(?P<minor>\d{1,18}|[xX*]))?"
    r"(?:\.(?P<patch>\d{1,18}|[xX*]))?"
    r"(?:-(?P<prerelease>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?\Z",
    re.ASCII,
)
_OPERATORS = re.compile(r"(>=|<=|==|~>|>|<|=|~|\^)\s*")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)\Z")


@total_ordering
@dataclass(frozen=True)
class Version:
    """A version; a prerelease comes before its release."""

    major: int
    minor: int = 0
    patch: int = 0
    prerelease: str = ""

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        return f"{text}-{self.prerelease}" if self.prerelease else text

    def _key(self) -> tuple[object, ...]:
        identifiers = tuple(
            (0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in self.prerelease.split(".")
            if self.prerelease
        )
        return (self.major, self.minor, self.patch, not self.prerelease, identifiers)

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()


@dataclass(frozen=True)
class Bound:
    """One comparison, for example `>= 1.2.0`."""

    operator: str
    version: Version

    def holds(self, version: Version) -> bool:
        """Whether the version passes the comparison."""
        match self.operator:
            case ">=":
                return version >= self.version
            case "<":
                return version < self.version
            case ">":
                return version > self.version
            case _:
                return version <= self.version


@dataclass(frozen=True)
class Group:
    """Bounds that must all hold. `prereleases` says whether one of them named a prerelease."""

    bounds: tuple[Bound, ...]
    prereleases: bool = False

    def holds(self, version: Version) -> bool:
        """Whether the version passes every bound."""
        if version.prerelease and not self.prereleases:
            return False
        return all(bound.holds(version) for bound in self.bounds)


@dataclass(frozen=True)
class Range:
    """Groups of which one must hold; `text` is as written."""

    text: str
    groups: tuple[Group, ...]

    def holds(self, version: Version) -> bool:
        """Whether the version lies in the range."""
        return any(group.holds(version) for group in self.groups)


def parse_version(text: str) -> Version | None:
    """The version that a tag names, or None.

    >>> parse_version("18-alpine")
    Version(major=18, minor=0, patch=0, prerelease='alpine')
    """
    match = _VERSION.match(text)
    if match is None:
        return None
    return Version(
        int(match["major"]),
        int(match["minor"] or 0),
        int(match["patch"] or 0),
        match["prerelease"] or "",
    )


def parse_range(text: str) -> Range:
    """Read a range. Raises UsageError that names the part it cannot read."""
    return Range(text, tuple(_group(part.strip(), text) for part in text.split("||")))


def _group(part: str, text: str) -> Group:
    if between := _HYPHEN.match(part):
        terms = [(">=", between[1]), ("<=", between[2])]
    else:
        joined = _OPERATORS.sub(r"\1", part.replace(",", " "))
        terms = [_split_operator(word) for word in joined.split()]
    if not terms:
        raise _bad(text, part)
    bounds: list[Bound] = []
    for operator, version in terms:
        bounds += _bounds(operator, version, text)
    named = any("-" in version for _, version in terms)
    return Group(tuple(bounds), named)


def _split_operator(word: str) -> tuple[str, str]:
    match = _OPERATORS.match(word)
    return (match[1], word[match.end() :]) if match else ("=", word)


def _bounds(operator: str, written: str, text: str) -> list[Bound]:
    """The comparison as `>=` and `<` bounds; a missing part of the version means any."""
    match = _PARTIAL.match(written)
    if match is None:
        raise _bad(text, operator + written)
    parts: list[int] = []
    for name in ("major", "minor", "patch"):
        if not (match[name] or "x").isdigit():
            break
        parts.append(int(match[name]))
    low = _filled(parts, match["prerelease"] or "")
    if not parts:
        return [] if operator not in {"<", ">"} else [Bound("<", _lowest(Version(0)))]
    return _bounds_of(operator, low, parts)


def _bounds_of(operator: str, low: Version, parts: list[int]) -> list[Bound]:
    whole = len(parts) == 3
    match operator:
        case ">=":
            return [Bound(">=", low)]
        case "<":
            return [Bound("<", low if low.prerelease else _lowest(low))]
        case ">":
            return [Bound(">", low) if whole else Bound(">=", _next(parts, len(parts) - 1))]
        case "<=":
            return [Bound("<=", low) if whole else Bound("<", _after(parts, len(parts) - 1))]
        case "^":
            first = next((i for i, part in enumerate(parts) if part), len(parts) - 1)
            return [Bound(">=", low), Bound("<", _after(parts, first))]
        case "~" | "~>":
            return [Bound(">=", low), Bound("<", _after(parts, min(1, len(parts) - 1)))]
        case _ if whole:
            return [Bound(">=", low), Bound("<=", low)]
        case _:
            return [Bound(">=", low), Bound("<", _after(parts, len(parts) - 1))]


def _next(parts: list[int], place: int) -> Version:
    return _filled([*parts[:place], parts[place] + 1])


def _filled(parts: list[int], prerelease: str = "") -> Version:
    major, minor, patch = [*parts, 0, 0, 0][:3]
    return Version(major, minor, patch, prerelease)


def _after(parts: list[int], place: int) -> Version:
    return _lowest(_next(parts, place))


def _lowest(version: Version) -> Version:
    """The very first prerelease, so that prereleases of an upper bound stay outside."""
    return Version(version.major, version.minor, version.patch, "0")


def _bad(text: str, part: str) -> UsageError:
    return UsageError(
        tr("'{text}' is not a version range: cannot read '{part}'", text=text, part=part),
        tr("write it like '>=1.0', '^2.1', '1.x' or '>=1.2 <2 || >=3'"),
        code="bad-version-range",
    )
