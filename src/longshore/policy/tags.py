"""Which tags move: allow, deny, version range, newest N; one verdict per tag. Pure.

The order is: `deny`, then `allow`, then `semver`, then `newest` among what is left. A range judges
the tags that are versions; a tag that is none passes only when an `allow` pattern names it.
"newest" goes by push time when every tag has one, else by version, else by natural order; the
reason says which.

>>> from longshore.oci.store import TagSeen
>>> select_tags(TagFilter(allow=("v*",)), [TagSeen("dev")])[0].reason
'no allow pattern matches: v*'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from longshore.oci.store import TagSeen
from longshore.policy.versions import Range, Version, parse_range, parse_version
from longshore.text import tr


@dataclass(frozen=True)
class TagFilter:
    """What a config or a command line asks of tags; empty takes all.

    `allow` and `deny` are shell patterns over the whole tag, `semver` a version range.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    semver: str = ""
    newest: int | None = None

    @property
    def takes_all(self) -> bool:
        """Whether the filter asks nothing."""
        return self == TagFilter()


@dataclass(frozen=True)
class TagVerdict:
    """Whether a tag moves, and why."""

    tag: str
    keep: bool
    reason: str


def select_tags(wanted: TagFilter, tags: Iterable[TagSeen]) -> tuple[TagVerdict, ...]:
    """A verdict per tag, in natural order. Raises UsageError when the range cannot be read."""
    versions = parse_range(wanted.semver) if wanted.semver else None
    seen = {tag.tag: tag for tag in tags}
    verdicts = {tag: _judge(wanted, versions, tag) for tag in seen}
    if wanted.newest is not None:
        left = [seen[tag] for tag, verdict in verdicts.items() if verdict.keep]
        verdicts |= {verdict.tag: verdict for verdict in _keep_newest(left, wanted.newest)}
    return tuple(verdicts[tag] for tag in sorted(verdicts, key=natural_key))


def natural_key(tag: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts `v2` before `v10`; numbers come before letters.

    >>> sorted(["v10", "v2"], key=natural_key)
    ['v2', 'v10']
    """
    pieces = re.findall(r"[0-9]+|[^0-9]+", tag)
    return tuple((0, int(p), p) if p[0] in "0123456789" else (1, 0, p) for p in pieces)


def _judge(wanted: TagFilter, versions: Range | None, tag: str) -> TagVerdict:
    for pattern in wanted.deny:
        if fnmatchcase(tag, pattern):
            return TagVerdict(tag, False, tr("denied by '{pattern}'", pattern=pattern))
    allowed = next((p for p in wanted.allow if fnmatchcase(tag, p)), None)
    if wanted.allow and allowed is None:
        patterns = ", ".join(wanted.allow)
        return TagVerdict(tag, False, tr("no allow pattern matches: {patterns}", patterns=patterns))
    if versions is not None:
        return _judge_version(versions, tag, allowed)
    if allowed is not None:
        return TagVerdict(tag, True, tr("allowed by '{pattern}'", pattern=allowed))
    return TagVerdict(tag, True, tr("every tag is wanted"))


def _judge_version(versions: Range, tag: str, allowed: str | None) -> TagVerdict:
    version = parse_version(tag)
    if version is None and allowed is not None:
        reason = tr("not a version, but allowed by '{pattern}'", pattern=allowed)
        return TagVerdict(tag, True, reason)
    if version is None:
        return TagVerdict(tag, False, tr("not a version; '{range}' asks for", range=versions.text))
    if versions.holds(version):
        reason = tr("{version} is within '{range}'", version=version, range=versions.text)
        return TagVerdict(tag, True, reason)
    if version.prerelease:
        reason = tr(
            "{version} is a prerelease outside '{range}'", version=version, range=versions.text
        )
        return TagVerdict(tag, False, reason)
    reason = tr("{version} is outside '{range}'", version=version, range=versions.text)
    return TagVerdict(tag, False, reason)


def _keep_newest(tags: Sequence[TagSeen], newest: int) -> list[TagVerdict]:
    ordered, basis = _newest_first(tags)
    return [
        TagVerdict(
            tag.tag,
            place <= newest,
            tr(
                "number {place} from the newest by {basis}; newest: {newest}",
                place=place,
                basis=basis,
                newest=newest,
            ),
        )
        for place, tag in enumerate(ordered, start=1)
    ]


def _newest_first(tags: Sequence[TagSeen]) -> tuple[list[TagSeen], str]:
    """The tags, newest first, and what says so."""
    ordered = sorted(tags, key=lambda tag: natural_key(tag.tag), reverse=True)
    times = {tag.tag: tag.pushed_at for tag in tags if tag.pushed_at is not None}
    if len(times) == len(tags):
        return sorted(ordered, key=lambda tag: _known(times, tag), reverse=True), tr("push time")
    versions = {tag.tag: version for tag in tags if (version := parse_version(tag.tag))}
    if len(versions) == len(tags):
        return sorted(ordered, key=lambda tag: _version(versions, tag), reverse=True), tr("version")
    return ordered, tr("natural order of the names")


def _known(times: dict[str, datetime], tag: TagSeen) -> datetime:
    return times[tag.tag]


def _version(versions: dict[str, Version], tag: TagSeen) -> Version:
    return versions[tag.tag]
