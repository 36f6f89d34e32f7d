"""The images of a saved `aws ecr describe-images`, and what is odd about them. Pure.

What would make a verdict wrong is refused with file, line and column: no JSON, an entry without
digest, a bad date, two accounts of one image. What a reader only has to know is a `Remark`.

>>> listing = parse_listing('[{"imageDigest": "sha256:1", "imageTags": ["v1"]}]', "images.json")
>>> listing.images[0].tags, listing.remarks[0].code
(('v1',), 'no-push-time')
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from longshore.errors import UsageError, Where
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.listing_entry import KNOWN_STATUSES, MEMBERS, BadMember, EntryReader
from longshore.policy.lifecycle.listing_text import BadListing, Entries
from longshore.policy.lifecycle.places import line_and_column, nearest_place, places_of
from longshore.text import tr

_SHORT = 19


@dataclass(frozen=True)
class Remark:
    """Something odd about `count` images of a listing; digest and line are those of the first."""

    code: str
    message: str
    count: int = 1
    digest: str = ""
    line: int | None = None

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Listing:
    """What a saved listing holds. `repository` is the one that it names, "" when it names none."""

    images: tuple[ImageSeen, ...]
    remarks: tuple[Remark, ...] = ()
    repository: str = ""


def parse_listing(text: str, filename: str) -> Listing:
    """Read a listing. Raises UsageError with file, line and column."""
    reader = _Reader(text, filename)
    entries = Entries(text)
    try:
        for offset, entry in entries:
            reader.take(offset, entry)
    except BadListing as bad:
        raise _error(bad.what, bad.hint, filename, line_and_column(text, bad.offset)) from None
    reader.look_whole(goes_on=entries.goes_on)
    return Listing(tuple(reader.images), reader.remarks(), reader.repository)


def remarks_at(
    images: Sequence[ImageSeen], at: datetime, skew: timedelta = timedelta()
) -> tuple[Remark, ...]:
    """What is odd about the images at a moment: times that lie behind it by more than `skew`."""
    behind = at + skew
    late = [
        image
        for image in images
        if any(
            time is not None and time > behind
            for time in (image.pushed_at, image.pulled_at, image.archived_at, image.activated_at)
        )
    ]
    if not late:
        return ()
    message = tr(
        "{count} of the images have times after {at} (the first is {digest}): they count as the "
        "newest; look at the clock that wrote the listing, or at --at",
        count=len(late),
        at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        digest=late[0].digest[:_SHORT],
    )
    return (Remark("after-the-moment", message, len(late), late[0].digest),)


class _Noted(NamedTuple):
    """How often something odd was seen; words, digest and offset of the first."""

    times: int
    words: str
    digest: str
    offset: int


class _Reader:
    """Takes entries one by one and notes what is odd, each sort once with its number."""

    def __init__(self, text: str, filename: str) -> None:
        self.images: list[ImageSeen] = []
        self.repository = ""
        self._text, self._filename = text, filename
        self._entry = EntryReader()
        self._offsets = array("q")
        self._by_digest: dict[str, int] = {}
        self._odd: dict[str, _Noted] = {}

    def take(self, offset: int, entry: Any) -> None:
        """Read an entry. Raises UsageError."""
        try:
            image = self._entry.read(entry)
            self._belongs(entry)
        except BadMember as bad:
            raise self._error(bad.what, bad.hint, offset, bad.name) from None
        place = self._by_digest.setdefault(image.digest, len(self.images))
        if place < len(self.images):
            self._merge(place, image, offset)
            return
        self.images.append(image)
        self._offsets.append(offset)
        if image.pushed_at is None:
            self._note("no-push-time", image, offset)
        if self._entry.is_naive:
            self._note("no-time-zone", image, offset)
        if image.status not in KNOWN_STATUSES:
            self._note("unknown-status", image, offset, image.status)

    def look_whole(self, *, goes_on: bool) -> None:
        """Note what only all entries together tell."""
        tags: dict[str, int] = {}
        for place, image in enumerate(self.images):
            offset = self._offsets[place]
            for tag in image.tags:
                if tags.setdefault(tag, place) != place:
                    self._note("tag-twice", image, offset, tag)
            for child in image.children:
                if child not in self._by_digest:
                    self._note("unknown-child", image, offset, child)
            if image.subject and image.subject not in self._by_digest:
                self._note("unknown-subject", image, offset, image.subject)
        if goes_on:
            self._odd["more-pages"] = _Noted(1, "", "", len(self._text))

    def remarks(self) -> tuple[Remark, ...]:
        """What was noted, as sentences."""
        return tuple(self._remark(code, noted) for code, noted in self._odd.items())

    def _remark(self, code: str, noted: _Noted) -> Remark:
        line = line_and_column(self._text, noted.offset)[0]
        counted = tr(
            "{count}, the first is {words} in line {line}",
            count=noted.times,
            words=noted.words[:_SHORT] if ":" in noted.words else noted.words,
            line=line,
        )
        message = _sentence(code) if not noted.words else f"{_sentence(code)} ({counted})"
        return Remark(code, message, noted.times, noted.digest, line)

    def _note(self, code: str, image: ImageSeen, offset: int, words: str = "") -> None:
        noted = self._odd.get(code) or _Noted(0, words or image.digest, image.digest, offset)
        self._odd[code] = noted._replace(times=noted.times + 1)

    def _belongs(self, entry: dict[str, Any]) -> None:
        """A policy is about one repository."""
        name = self._entry.repository(entry)
        if name and self.repository and name != self.repository:
            raise BadMember(
                "repositoryName",
                tr(
                    "the listing has images of two repositories: {one}, {other}",
                    one=self.repository,
                    other=name,
                ),
                tr("save the listing of each repository in a file of its own"),
            )
        self.repository = self.repository or name

    def _merge(self, place: int, image: ImageSeen, offset: int) -> None:
        """The same image once more: its tags are added. Raises UsageError if they differ."""
        known = self.images[place]
        merged = replace(known, tags=tuple(dict.fromkeys(known.tags + image.tags)))
        if replace(image, tags=merged.tags) != merged:
            line, _ = line_and_column(self._text, self._offsets[place])
            raise self._error(
                tr(
                    "{digest} is listed twice, also in line {line}, and differs in {members}",
                    digest=image.digest[:_SHORT],
                    members=", ".join(_differing(known, image)),
                    line=line,
                ),
                tr("save the listing again, or take one of the two out"),
                offset,
            )
        self.images[place] = merged
        self._note("digest-twice", image, offset)

    def _error(self, what: str, hint: str, offset: int, member: str = "") -> UsageError:
        """The mistake of an entry, at the member that has it."""
        if member:
            offset = nearest_place(places_of(self._text, offset), member)
        return _error(what, hint, self._filename, line_and_column(self._text, offset))


def _differing(one: ImageSeen, other: ImageSeen) -> Iterator[str]:
    for member in fields(ImageSeen):
        if member.name != "tags" and getattr(one, member.name) != getattr(other, member.name):
            yield MEMBERS[member.name]


def _error(what: str, hint: str, filename: str, place: tuple[int, int]) -> UsageError:
    return UsageError(what, hint, code="bad-listing", where=Where(filename, *place))


def _sentence(code: str) -> str:
    match code:
        case "no-push-time":
            return tr("images without imagePushedAt are kept, and no rule counts them")
        case "no-time-zone":
            return tr("dates without a time zone are read as UTC")
        case "unknown-status":
            return tr("no rule selects an image whose imageStatus is not known here")
        case "tag-twice":
            return tr("a tag stands at two images; a repository has it at one: save it again")
        case "unknown-child":
            return tr("an index names manifests that are not in the listing")
        case "unknown-subject":
            return tr("subjects are not in the listing; what only follows them is kept")
        case "digest-twice":
            return tr("an image is listed more than once; its tags were put together")
        case _:
            return tr("the last page names a nextToken: the listing goes on, what counts is wrong")
