"""One entry of a saved listing as an image. Pure.

Member names are those of ECR's ImageDetail; `children` and `subject` are ours (`children`: the
digests of an index's manifests; `subject` is another name of `subjectManifestDigest`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from longshore.facts import ImageSeen
from longshore.text import tr

KNOWN_STATUSES = ("ACTIVE", "ARCHIVED", "ACTIVATING")
MEMBERS = {
    "digest": "imageDigest",
    "tags": "imageTags",
    "size": "imageSizeInBytes",
    "pushed_at": "imagePushedAt",
    "media_type": "imageManifestMediaType",
    "artifact_type": "artifactMediaType",
    "subject": "subjectManifestDigest",
    "pulled_at": "lastRecordedPullTime",
    "status": "imageStatus",
    "archived_at": "lastArchivedAt",
    "activated_at": "lastActivatedAt",
    "children": "children",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]")
_MILLISECONDS = 10**11


class BadMember(ValueError):
    """A member of an entry cannot be read: which, why, and what is wanted. "" is the entry."""

    def __init__(self, name: str, what: str, hint: str) -> None:
        super().__init__(what)
        self.name = name
        self.what = what
        self.hint = hint


class EntryReader:
    """Makes images of entries; equal words are kept once."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {"": ""}
        self.is_naive = False

    def read(self, entry: Any) -> ImageSeen:
        """The image of an entry. Raises BadMember. `is_naive` tells of a date without a zone."""
        self.is_naive = False
        if not isinstance(entry, dict):
            raise BadMember("", tr("an entry is not an object"), _leave_out_query())
        take = entry.get
        digest = self._text(entry, "imageDigest")
        if not digest:
            raise BadMember(
                "", tr("an entry has no imageDigest"), tr("give every entry its imageDigest")
            )
        return ImageSeen(
            digest,
            _strings(take("imageTags"), "imageTags"),
            _size(take("imageSizeInBytes")),
            self._time(take("imagePushedAt"), "imagePushedAt"),
            self._word(entry, "imageManifestMediaType"),
            self._word(entry, "artifactMediaType"),
            self._subject(entry),
            self._time(take("lastRecordedPullTime"), "lastRecordedPullTime"),
            self._word(entry, "imageStatus") or "ACTIVE",
            self._time(take("lastArchivedAt"), "lastArchivedAt"),
            self._time(take("lastActivatedAt"), "lastActivatedAt"),
            _strings(take("children"), "children"),
        )

    def repository(self, entry: dict[str, Any]) -> str:
        """The repository that the entry says it is of."""
        return self._word(entry, "repositoryName")

    def _text(self, entry: dict[str, Any], name: str) -> str:
        value = entry.get(name)
        return _plain(value, name) if value is not None else ""

    def _word(self, entry: dict[str, Any], name: str) -> str:
        """A word that many entries share."""
        value = entry.get(name)
        if value is None:
            return ""
        if type(value) is str and value in self._words:
            return self._words[value]
        return self._words.setdefault(_plain(value, name), value)

    def _subject(self, entry: dict[str, Any]) -> str | None:
        one, other = self._text(entry, "subject"), self._text(entry, "subjectManifestDigest")
        if one and other and one != other:
            raise BadMember(
                "subject",
                tr(
                    "subject and subjectManifestDigest differ: {one}, {other}", one=one, other=other
                ),
                tr("leave `subject` out; it only stands in for the other one"),
            )
        return one or other or None

    def _time(self, value: Any, name: str) -> datetime | None:
        if value is None:
            return None
        try:
            time = _moment(value)
            if time.tzinfo is None:
                self.is_naive = True
                return time.replace(tzinfo=UTC)
            return time if time.tzinfo is UTC else time.astimezone(UTC)
        except (ValueError, OverflowError, TypeError):
            raise BadMember(
                name,
                tr("{name} is no date: {value}", name=name, value=_shown(value)),
                _milliseconds(value) or tr("write 2026-11-23T09:30:00Z, or seconds since 1970"),
            ) from None


def _moment(value: Any) -> datetime:
    """A date in either form that the AWS CLI prints. Raises what Python raises."""
    if type(value) is str:
        return datetime.fromisoformat(value)
    if type(value) is bool:
        raise TypeError
    return _EPOCH + timedelta(seconds=value)


def _milliseconds(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > _MILLISECONDS:
        return tr("divide it by 1000: a number is seconds since 1970, this looks like milliseconds")
    return ""


def _strings(value: Any, name: str) -> tuple[str, ...]:
    """A list of words, each once, in their order."""
    if not value and (value is None or type(value) is list):
        return ()
    if type(value) is not list:
        raise BadMember(
            name,
            tr("{name} is not a list: {value}", name=name, value=_shown(value)),
            tr("write a list of strings, [] for none"),
        )
    for place, word in enumerate(value):
        _plain(word, f"{name}[{place}]")
    return tuple(value) if len(value) == 1 else tuple(dict.fromkeys(value))


def _plain(value: Any, name: str) -> str:
    """A word without blanks and control characters, which no name in a registry has."""
    if type(value) is not str:
        raise BadMember(
            name,
            tr("{name} is not a string: {value}", name=name, value=_shown(value)),
            tr("write it in double quotes"),
        )
    if not value or _UNPRINTABLE.search(value):
        raise BadMember(
            name,
            tr("{name} is no name that ECR takes: {value}", name=name, value=_shown(value)),
            tr("take out empty words, blanks and characters that cannot be printed"),
        )
    return value


def _size(value: Any) -> int:
    if value is None:
        return 0
    if type(value) is int and value >= 0:
        return value
    raise BadMember(
        "imageSizeInBytes",
        tr("imageSizeInBytes is no size: {value}", value=_shown(value)),
        tr("write a whole number of bytes, or leave it out"),
    )


def _shown(value: Any) -> str:
    """The value as a message shows it: one short line of plain characters."""
    words = ascii(value)
    return words if len(words) <= 60 else f"{words[:57]}..."


def _leave_out_query() -> str:
    return tr("save whole entries: aws ecr describe-images without --query, with --output json")
