"""Known vulnerabilities in the OSV format, and which packages they are about. Pure.

Format: ossf.github.io/osv-schema. Read are `affected[].package`, `ranges` of the types ECOSYSTEM
and SEMVER (events introduced, fixed, last_affected), `versions`, aliases, and the severity: a word
of the database, else the base score of a CVSS v3 vector by its own formula (first.org/cvss/v3.1).
Debian's ecosystem carries the release (`Debian:12`); an entry for another release is not this one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from longshore.embedded.scanning.packages import Ecosystem, Installed, Package
from longshore.embedded.scanning.versions import compare
from longshore.facts import Finding

SEVERITIES = {
    "critical": "CRITICAL", "high": "HIGH", "important": "HIGH", "medium": "MEDIUM",
    "moderate": "MEDIUM", "low": "LOW", "negligible": "INFORMATIONAL",
    "unimportant": "INFORMATIONAL", "not yet assigned": "UNDEFINED", "unknown": "UNDEFINED",
}  # fmt: skip


class NotOsv(Exception):
    """The data is not in the OSV format; the text says where."""


@dataclass(frozen=True)
class Span:
    """Versions from `introduced` on, up to but without `fixed`, or with `last`."""

    introduced: str = "0"
    fixed: str = ""
    last: str = ""


@dataclass(frozen=True)
class Advisory:
    """One vulnerability in one package."""

    name: str
    ecosystem: Ecosystem
    release: str
    package: str
    spans: tuple[Span, ...]
    versions: frozenset[str]
    severity: str
    uri: str = ""
    summary: str = ""


def parse_osv(text: str) -> list[Advisory]:
    """Entries of a file: one object, a list, `{"vulns": [...]}`, or one object a line.

    Raises NotOsv.
    """
    found: list[Advisory] = []
    for entry in _entries(text):
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            raise NotOsv("an entry has no id")
        if entry.get("withdrawn"):
            continue
        for affected in entry.get("affected") or ():
            if isinstance(affected, dict):
                found += _advisories(entry, affected)
    return found


def _entries(text: str) -> Iterator[Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise NotOsv(f"it is not JSON: {error}") from None
        try:
            yield from (json.loads(line) for line in lines)
        except ValueError as line_error:
            raise NotOsv(f"it is neither JSON nor JSON lines: {line_error}") from None
        return
    if isinstance(document, dict) and isinstance(document.get("vulns"), list):
        yield from document["vulns"]
    elif isinstance(document, list):
        yield from document
    else:
        yield document


def _advisories(entry: Mapping[str, Any], affected: Mapping[str, Any]) -> Iterator[Advisory]:
    package = affected.get("package") or {}
    ecosystem, _, release = str(package.get("ecosystem", "")).partition(":")
    if ecosystem not in get_args(Ecosystem):
        return
    yield Advisory(
        _name(entry),
        cast("Ecosystem", ecosystem),
        release,
        str(package.get("name", "")),
        tuple(_spans(affected)),
        frozenset(str(one) for one in affected.get("versions") or ()),
        _severity(entry, affected),
        f"https://osv.dev/vulnerability/{entry['id']}",
        str(entry.get("summary") or entry.get("details") or "")[:400],
    )


def _name(entry: Mapping[str, Any]) -> str:
    """The CVE where there is one: that is what people waive and search for."""
    names = [
        str(one)
        for one in (entry["id"], *(entry.get("aliases") or ()), *(entry.get("upstream") or ()))
    ]
    return next((one for one in names if one.startswith("CVE-")), names[0])


def _spans(affected: Mapping[str, Any]) -> Iterator[Span]:
    for one in affected.get("ranges") or ():
        if one.get("type") not in ("ECOSYSTEM", "SEMVER"):
            continue
        introduced: str | None = None
        for event in one.get("events") or ():
            if "introduced" in event:
                if introduced is not None:
                    yield Span(introduced)
                introduced = str(event["introduced"])
            elif "fixed" in event and introduced is not None:
                yield Span(introduced, fixed=str(event["fixed"]))
                introduced = None
            elif "last_affected" in event and introduced is not None:
                yield Span(introduced, last=str(event["last_affected"]))
                introduced = None
        if introduced is not None:
            yield Span(introduced)


def _severity(entry: Mapping[str, Any], affected: Mapping[str, Any]) -> str:
    for holder in (affected, entry):
        for member in ("ecosystem_specific", "database_specific"):
            about = holder.get(member) or {}
            word = str(about.get("severity") or about.get("urgency") or "").lower()
            if word in SEVERITIES:
                return SEVERITIES[word]
    for one in (*(affected.get("severity") or ()), *(entry.get("severity") or ())):
        if str(one.get("type", "")) == "CVSS_V3":
            return severity_of_vector(str(one.get("score", "")))
    return "UNDEFINED"


_WEIGHTS: dict[str, dict[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_RIGHTS = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def severity_of_vector(vector: str) -> str:
    """The severity of a CVSS v3 vector; UNDEFINED when it cannot be read.

    >>> severity_of_vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
    'CRITICAL'
    """
    score = base_score(vector)
    if score is None:
        return "UNDEFINED"
    limits = ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.1, "LOW"))
    return next((word for least, word in limits if score >= least), "INFORMATIONAL")


def base_score(vector: str) -> float | None:
    """The base score by the formula of CVSS v3.1; None when the vector cannot be read."""
    values = dict(part.split(":", 1) for part in vector.split("/")[1:] if ":" in part)
    try:
        weight = {name: table[values[name]] for name, table in _WEIGHTS.items()}
        scope = values["S"]
        rights = _RIGHTS[scope][values["PR"]]
    except KeyError:
        return None
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    changed = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15
    impact = changed if scope == "C" else 6.42 * lost
    if impact <= 0:
        return 0.0
    ease = 8.22 * weight["AV"] * weight["AC"] * rights * weight["UI"]
    total = min((1.08 if scope == "C" else 1.0) * (impact + ease), 10)
    return _round_up(total)


def _round_up(value: float) -> float:
    """To one digit, upwards, as appendix A of the specification does it."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


def find(installed: Installed, advisories: Iterable[Advisory]) -> list[Finding]:
    """What of the advisories is about what is installed; a vulnerability once per package."""
    by_package: dict[tuple[str, str], list[Advisory]] = defaultdict(list)
    for one in advisories:
        if one.release in ("", installed.system.version):
            by_package[one.ecosystem, one.package].append(one)
    found: dict[tuple[str, str], Finding] = {}
    for package in installed.packages:
        for one in by_package.get((package.ecosystem, package.known_as), ()):
            hit = _hit(package, one)
            if hit is not None:
                found.setdefault((one.name, package.known_as), hit)
    return list(found.values())


def _hit(package: Package, advisory: Advisory) -> Finding | None:
    version = package.known_version
    for span in advisory.spans:
        if _is_within(package.ecosystem, version, span):
            return _finding(package, advisory, span.fixed or None)
    return _finding(package, advisory, None) if version in advisory.versions else None


def _is_within(ecosystem: Ecosystem, version: str, span: Span) -> bool:
    """A version that cannot be ordered counts as within: it is reported rather than passed over."""
    try:
        if span.introduced != "0" and compare(ecosystem, version, span.introduced) < 0:
            return False
        if span.fixed:
            return compare(ecosystem, version, span.fixed) < 0
        return not span.last or compare(ecosystem, version, span.last) <= 0
    except ValueError:
        return True


def _finding(package: Package, advisory: Advisory, fixed: str | None) -> Finding:
    return Finding(
        advisory.name,
        advisory.severity,
        package.known_as,
        package.known_version,
        fixed,
        advisory.uri,
        advisory.summary,
    )
