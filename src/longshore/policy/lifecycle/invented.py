"""Images that nobody has pushed yet: a history to try a policy on, or the days to come. Pure.

A rate says how often an image comes and which tags it gets: `main-*=2/day`. Each `*` becomes a new
word with each image; a word without `*` is a tag that moves from image to image (`latest`);
`+` puts several tags on one image: `v*+prod-v*+latest=1/week`. The same rates and times always
give the same images.

>>> (rate,) = parse_rates("pr-*=2/day")
>>> [image.tags for image in pushes([rate], _EPOCH, _EPOCH + timedelta(days=1))]
[('pr-1',), ('pr-2',)]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from operator import attrgetter

from longshore.errors import UsageError
from longshore.facts import ImageSeen
from longshore.text import tr

ASSUMED_SIZE = 100 * 1024**2
MOST_IMAGES = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER = {"hour": 3600, "day": 86_400, "week": 604_800, "month": 30 * 86_400, "year": 365 * 86_400}
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*([a-z]+)", re.IGNORECASE)
_PATTERN = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9._*-]*\Z")
_UNTAGGED = "untagged"


@dataclass(frozen=True)
class Rate:
    """One image each `every`, with these tag patterns (none: untagged)."""

    patterns: tuple[str, ...]
    every: timedelta
    text: str

    def __str__(self) -> str:
        per_day = timedelta(days=1) / self.every
        often = per_day if per_day >= 1 else per_day * 7
        number = f"{often:.1f}".removesuffix(".0")
        if per_day >= 1:
            return tr("{tags} {number} a day", tags=self.name, number=number)
        return tr("{tags} {number} a week", tags=self.name, number=number)

    @property
    def name(self) -> str:
        """What comes: `main-*`, `untagged`."""
        return "+".join(self.patterns) or _UNTAGGED


def parse_rates(text: str, present: Sequence[ImageSeen] = ()) -> tuple[Rate, ...]:
    """The rates of `main-*=2/day,untagged=10/day`. Raises UsageError.

    `main` alone is short for `main-*`, or for a tag of that very name where one is present; its
    images get the tags that the newest such image has, as `prod-main-*` beside `main-*`.
    """
    found = [_rate(part.strip(), present) for part in text.split(",") if part.strip()]
    if not found:
        raise _bad(text, tr("it names no rate"))
    return tuple(rate for rate in found if rate is not None)


def pushes(
    rates: Sequence[Rate], after: datetime, until: datetime, present: Sequence[ImageSeen] = ()
) -> tuple[ImageSeen, ...]:
    """The images that come after one moment until another, oldest first.

    New numbers start behind those of the tags that are present; an image is as large as those
    present that look like it. Raises UsageError for more than a million.
    """
    if sum((until - after) / rate.every for rate in rates) > MOST_IMAGES:
        raise _bad(
            ",".join(rate.text for rate in rates),
            tr("that would be more than {most} images", most=MOST_IMAGES),
        )
    made = [image for rate in rates for image in _of_rate(rate, after, until, present)]
    return tuple(sorted(made, key=attrgetter("pushed_at", "digest")))


def pushed_onto(
    images: Sequence[ImageSeen], arriving: Sequence[ImageSeen]
) -> tuple[ImageSeen, ...]:
    """The images with the arriving ones; a tag that comes again leaves the image that had it.

    >>> old = ImageSeen("sha256:1", ("latest", "v1"))
    >>> [one.tags for one in pushed_onto([old], [ImageSeen("sha256:2", ("latest",))])]
    [('v1',), ('latest',)]
    """
    owner = {tag: image.digest for image in (*images, *arriving) for tag in image.tags}
    coming = {tag for image in arriving for tag in image.tags}

    def as_left(image: ImageSeen) -> ImageSeen:
        if coming.isdisjoint(image.tags):
            return image
        kept = tuple(tag for tag in image.tags if owner[tag] == image.digest)
        return image if kept == image.tags else replace(image, tags=kept)

    return tuple(as_left(image) for image in (*images, *arriving))


def _rate(part: str, present: Sequence[ImageSeen]) -> Rate | None:
    name, equals, often = part.rpartition("=")
    match = _RATE.fullmatch(often.strip())
    if not equals or not match:
        raise _bad(part, tr("it is not written as TAGS=NUMBER/UNIT"))
    unit = match[2].lower().removesuffix("s")
    seconds = next((_PER[word] for word in _PER if word.startswith(unit)), None)
    if seconds is None:
        raise _bad(part, tr("'{unit}' is no unit of time", unit=match[2]))
    number = float(match[1])
    if number == 0:
        return None
    if seconds / number < 0.001:
        raise _bad(part, tr("that is more than a thousand images a second"))
    typed = [word.strip() for word in name.split("+")]
    words = [_pattern(word, part, present) for word in typed]
    if len(words) == 1 and words[0] != typed[0]:
        words = _as_newest(words[0], present)
    patterns = () if words == [_UNTAGGED] else tuple(dict.fromkeys(words))
    return Rate(patterns, timedelta(seconds=seconds / number), part)


def _pattern(word: str, part: str, present: Sequence[ImageSeen]) -> str:
    if not _PATTERN.match(word) or len(word) > 100:
        raise _bad(part, tr("'{word}' cannot be a tag", word=word))
    if "*" in word or word in (_UNTAGGED, "latest") or any(word in one.tags for one in present):
        return word
    return f"{word}-*" if word[-1] not in "-_." else f"{word}*"


def _as_newest(pattern: str, present: Sequence[ImageSeen]) -> list[str]:
    """The pattern, with those that the newest image with such a tag has beside it."""
    head = pattern.removesuffix("*")
    alike = [
        (one.pushed_at, tag.removeprefix(head), one.tags)
        for one in present
        for tag in one.tags
        if tag.startswith(head) and len(tag) > len(head) and one.pushed_at
    ]
    if not alike:
        return [pattern]
    _, word, tags = max(alike)
    others = [f"{tag.removesuffix(word)}*" for tag in tags if tag.endswith(word)]
    return [pattern, *others]


def _bad(part: str, why: str) -> UsageError:
    return UsageError(
        tr("'{text}' is not a rate of pushes: {why}", text=part, why=why),
        tr("write it as main-*=2/day,v*=1/week,untagged=10/day (per hour, day, week, month)"),
        code="bad-rate",
    )


def _of_rate(
    rate: Rate, after: datetime, until: datetime, present: Sequence[ImageSeen]
) -> list[ImageSeen]:
    size = _size_like(rate, present)
    first = _first_number(rate, present)
    made, number = [], 1
    while (pushed_at := after + number * rate.every) <= until:
        word = _word(rate, first + number - 1, pushed_at)
        made.append(
            ImageSeen(
                digest="sha256:"
                + sha256(f"{rate.text}|{pushed_at.isoformat()}".encode()).hexdigest(),
                tags=tuple(pattern.replace("*", word) for pattern in rate.patterns),
                size=size,
                pushed_at=pushed_at,
            )
        )
        number += 1
    return made


def _word(rate: Rate, number: int, at: datetime) -> str:
    """What stands for the `*`: a version, a number, a time, or a commit."""
    head = next((one for one in rate.patterns if "*" in one), "").partition("*")[0]
    if head.endswith("pr-"):
        return str(number)
    if head == "v" or head.endswith("-v"):
        return f"{number}.0.0"
    if head.endswith("backup-"):
        return f"{at:%Y%m%d-%H%M%S}"
    return sha256(f"{rate.name}|{at.isoformat()}".encode()).hexdigest()[:7]


def _first_number(rate: Rate, present: Sequence[ImageSeen]) -> int:
    """One more than the largest number that follows the pattern's head in a tag."""
    head = next((one for one in rate.patterns if "*" in one), "").partition("*")[0]
    expression = re.compile(re.escape(head) + r"(\d{1,9})(?![0-9a-f])")
    found = [
        int(match[1])
        for image in present
        for tag in image.tags
        if (match := expression.match(tag)) is not None
    ]
    return max(found, default=0) + 1


def _size_like(rate: Rate, present: Sequence[ImageSeen]) -> int:
    """The mean size of the images with such tags, else of all, else an assumed one."""
    heads = tuple(one.partition("*")[0] for one in rate.patterns)
    alike = [image.size for image in present if any(tag.startswith(heads) for tag in image.tags)]
    if not heads:
        alike = [image.size for image in present if not image.tags]
    sizes = [size for size in (alike or [image.size for image in present]) if size]
    return sum(sizes) // len(sizes) if sizes else ASSUMED_SIZE
