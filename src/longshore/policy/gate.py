"""Whether an image may be released, by what its scans found. Pure.

A scan that did not come to an end, or that could not look, never counts as clean: its image is not
checked, and what is not checked does not pass. A waiver takes one finding out of the count, with a
reason and until a day; afterwards it counts again.

>>> judge([ScanSeen("sha256:1", "FAILED")], GateRules(), date(2026, 1, 1)).passed
False
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from longshore.errors import UsageError
from longshore.facts import Finding, ScanSeen
from longshore.text import tr

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED", "UNTRIAGED")
FINISHED = frozenset(("COMPLETE", "ACTIVE"))
RUNNING = frozenset(("IN_PROGRESS", "PENDING"))
DEFAULT_MOST = (("CRITICAL", 0), ("HIGH", 0))


@dataclass(frozen=True)
class Waiver:
    """A finding that does not count: its name, maybe only in one package, why, and until when.

    On the day `until` it counts no more as waived. Both reason and day are demanded.
    """

    name: str
    reason: str
    until: date
    package: str = ""


@dataclass(frozen=True)
class GateRules:
    """What passes: at most so many findings of a severity; severities not named do not count.

    UNTRIAGED and UNDEFINED are counted only when named, since nobody has judged them.
    """

    most: tuple[tuple[str, int], ...] = DEFAULT_MOST
    only_fixable: bool = False
    waivers: tuple[Waiver, ...] = ()


DEFAULT_RULES = GateRules()


@dataclass(frozen=True)
class Over:
    """A severity with more findings than allowed."""

    severity: str
    found: int
    most: int


@dataclass(frozen=True)
class NotChecked:
    """An image of which nothing can be said, and why."""

    digest: str
    platform: str
    status: str
    reason: str
    wait: bool = False


@dataclass(frozen=True)
class Compared:
    """What is new and what is gone against the release that runs."""

    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]


@dataclass(frozen=True)
class GateVerdict:
    """The gate's answer. `counted` are the findings by which it was judged, each once.

    `checked` is whether everything could be looked at: when not, the image does not pass, and that
    is another answer than too many findings.
    """

    passed: bool
    checked: bool
    over: tuple[Over, ...]
    not_checked: tuple[NotChecked, ...]
    counted: tuple[Finding, ...]
    waived: tuple[tuple[Finding, Waiver], ...] = ()
    unfixable: tuple[Finding, ...] = ()
    expired: tuple[Waiver, ...] = ()
    unused: tuple[Waiver, ...] = ()
    compared: Compared | None = field(default=None)

    def counts(self) -> dict[str, int]:
        """Counted findings by severity, the worst first; only those that there are."""
        found = Counter(one.severity for one in self.counted)
        return {name: found[name] for name in SEVERITIES if found[name]}


def judge(
    scans: Sequence[ScanSeen],
    rules: GateRules,
    today: date,
    running: Sequence[ScanSeen] | None = None,
) -> GateVerdict:
    """The verdict over all platforms of an image. A finding on several platforms counts once.

    `running` are the scans of the release that runs; with them the verdict compares.
    """
    not_checked = tuple(_not_checked(scans))
    counted, waived, unfixable = [], [], []
    for finding in _once(one for scan in scans for one in scan.findings):
        waiver = _waiver(finding, rules.waivers, today)
        if waiver is not None:
            waived.append((finding, waiver))
        elif rules.only_fixable and finding.fixed_in is None:
            unfixable.append(finding)
        else:
            counted.append(finding)
    over = tuple(_over(counted, rules.most))
    used = {waiver for _, waiver in waived}
    expired = tuple(one for one in rules.waivers if one.until <= today)
    return GateVerdict(
        passed=not over and not not_checked,
        checked=not not_checked,
        over=over,
        not_checked=not_checked,
        counted=tuple(counted),
        waived=tuple(waived),
        unfixable=tuple(unfixable),
        expired=expired,
        unused=tuple(one for one in rules.waivers if one not in used and one not in expired),
        compared=None if running is None else compare(scans, running),
    )


def compare(scans: Sequence[ScanSeen], running: Sequence[ScanSeen]) -> Compared:
    """Findings that only one of the two has: the same vulnerability in the same package."""
    ours = {_key(one): one for scan in scans for one in scan.findings}
    theirs = {_key(one): one for scan in running for one in scan.findings}
    return Compared(
        tuple(sorted((ours[key] for key in ours.keys() - theirs.keys()), key=worst_first)),
        tuple(sorted((theirs[key] for key in theirs.keys() - ours.keys()), key=worst_first)),
    )


def parse_most(text: str) -> tuple[tuple[str, int], ...]:
    """`high=0,medium=10` as pairs. Raises UsageError.

    >>> parse_most("high=0,medium=10")
    (('HIGH', 0), ('MEDIUM', 10))
    """
    found: dict[str, int] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals or not number.isdecimal() or not number.isascii():
            raise UsageError(
                tr("'{text}' is not a severity with a number", text=part.strip()),
                tr("for example --max high=0,medium=10"),
                code="bad-severity",
            )
        if name.upper() not in SEVERITIES:
            raise UsageError(
                tr("'{text}' is not a severity", text=name),
                tr("they are: {names}", names=", ".join(one.lower() for one in SEVERITIES)),
                code="bad-severity",
            )
        if name.upper() in found:
            raise UsageError(
                tr("'{text}' is given twice", text=name.lower()),
                tr("name each severity once"),
                code="bad-severity",
            )
        found[name.upper()] = int(number)
    return tuple(found.items())


def worst_first(finding: Finding) -> tuple[int, str, str]:
    """Sorts findings by severity, then name, then package."""
    known = finding.severity in SEVERITIES
    rank = SEVERITIES.index(finding.severity) if known else len(SEVERITIES)
    return rank, finding.name, finding.package


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Each vulnerability of a package once, in its worst form, worst first."""
    best: dict[tuple[str, str], Finding] = {}
    for one in findings:
        known = best.get(_key(one))
        if known is None or worst_first(one) < worst_first(known):
            best[_key(one)] = one
    return sorted(best.values(), key=worst_first)


def _key(finding: Finding) -> tuple[str, str]:
    return finding.name, finding.package


def _waiver(finding: Finding, waivers: Sequence[Waiver], today: date) -> Waiver | None:
    return next(
        (
            one
            for one in waivers
            if one.name == finding.name
            and one.package in ("", finding.package)
            and today < one.until
        ),
        None,
    )


def _over(counted: Sequence[Finding], most: Sequence[tuple[str, int]]) -> list[Over]:
    found = Counter(one.severity for one in counted)
    return [Over(name, found[name], limit) for name, limit in most if found[name] > limit]


def _not_checked(scans: Sequence[ScanSeen]) -> list[NotChecked]:
    if not scans:
        return [NotChecked("", "", "", tr("there is no image that could be scanned"))]
    return [
        NotChecked(one.digest, one.platform, one.status, why_not(one), one.status in RUNNING)
        for one in scans
        if one.status not in FINISHED
    ]


def why_not(scan: ScanSeen) -> str:
    """Why a scan says nothing, in words; with what the scanner itself said."""
    said = _reasons().get(scan.status) or tr("its status is {status}", status=scan.status)
    return f"{said} ({scan.description})" if scan.description else said


def _reasons() -> Mapping[str, str]:
    return {
        "": tr("it was never scanned"),
        "IN_PROGRESS": tr("the scan is still running"),
        "PENDING": tr("the scan has not begun yet"),
        "FAILED": tr("the scan failed"),
        "UNSUPPORTED_IMAGE": tr("the scanner does not know this kind of image"),
        "SCAN_ELIGIBILITY_EXPIRED": tr("it is older than what enhanced scanning looks at"),
        "FINDINGS_UNAVAILABLE": tr("the findings are not available"),
        "LIMIT_EXCEEDED": tr("a quota of scans is used up"),
        "IMAGE_ARCHIVED": tr("it is in archive storage; restore it first"),
        "IMAGE_SIZE_EXCEEDED": tr("it is larger than what is scanned"),
    }
