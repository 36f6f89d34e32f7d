"""Saved listings: what is read, what is remarked, what is refused and where."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.listing import Listing, parse_listing, remarks_at

A, B, C = ("sha256:" + letter * 64 for letter in "abc")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def entry(digest: str = A, **members: Any) -> dict[str, Any]:
    return {"imageDigest": digest, "imagePushedAt": "2026-11-23T12:00:00Z", **members}


def page(*entries: Any, **more: Any) -> str:
    return json.dumps({"imageDetails": list(entries), **more}, indent=4)


def read(text: str) -> Listing:
    return parse_listing(text, "images.json")


def codes(listing: Listing) -> list[str]:
    return [remark.code for remark in listing.remarks]


def refused(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert caught.value.code == "bad-listing"
    assert caught.value.hint
    return caught.value


def test_every_member_of_an_entry() -> None:
    text = page(
        {
            "registryId": "123456789012",
            "repositoryName": "shop",
            "imageDigest": A,
            "imageTags": ["v1", "latest"],
            "imageSizeInBytes": 97906,
            "imagePushedAt": "2026-11-23T21:00:00+09:00",
            "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
            "artifactMediaType": "application/vnd.oci.image.config.v1+json",
            "lastRecordedPullTime": 1795435200.5,
            "subjectManifestDigest": B,
            "imageStatus": "ACTIVATING",
            "lastArchivedAt": "2026-11-23T12:00:00.000Z",
            "lastActivatedAt": 1795435200,
            "children": [C],
            "imageScanFindingsSummary": {"findingSeverityCounts": {"HIGH": 1}},
        },
        entry(B),
        entry(C),
    )
    listing = read(text)
    assert listing.repository == "shop"
    assert listing.remarks == ()
    assert listing.images[0] == ImageSeen(
        digest=A,
        tags=("v1", "latest"),
        size=97906,
        pushed_at=NOON,
        media_type="application/vnd.oci.image.index.v1+json",
        artifact_type="application/vnd.oci.image.config.v1+json",
        subject=B,
        pulled_at=NOON + timedelta(seconds=0.5),
        status="ACTIVATING",
        archived_at=NOON,
        activated_at=NOON,
        children=(C,),
    )


@pytest.mark.parametrize(
    "text",
    [
        page(entry(A), entry(B)),
        json.dumps([entry(A), entry(B)]),
        "\ufeff" + page(entry(A), entry(B)),
        page(entry(A)) + "\n" + page(entry(B)),
        json.dumps([{"imageDetails": [entry(A)]}, {"imageDetails": [entry(B)]}]),
        json.dumps({"nextToken": None, "imageDetails": [entry(A), entry(B)], "more": {"a": [1]}}),
        json.dumps(entry(A)) + "\n" + json.dumps(entry(B)) + "\n",
        page(entry(A), nextToken="x") + page(entry(B)),
    ],
)
def test_forms_of_a_listing(text: str) -> None:
    listing = read(text)
    assert [image.digest for image in listing.images] == [A, B]
    assert listing.remarks == ()


@pytest.mark.parametrize("text", ["[]", '{"imageDetails": []}', " [ ] [] "])
def test_a_repository_without_images(text: str) -> None:
    assert read(text).images == ()


WHOLE = page(entry(A, imageTags=["v1"], lastRecordedPullTime=1.5), entry(B, children=[A])) + "\n"

REFUSED = [
    ("", (1, 1), "the listing is empty"),
    (" \n ", (1, 1), "the listing is empty"),
    ("imageDetails:\n- imageDigest: a\n", (1, 1), "no JSON"),
    ("IMAGEDETAILS\tsha256:1", (1, 1), "no JSON"),
    ("null", (1, 1), "no JSON"),
    ('{"repositories": []}', (1, 1), "there is no list `imageDetails`"),
    ('{"imageDetails": null}', (1, 1), "there is no list `imageDetails`"),
    ('{"imageDetails": {}}', (1, 1), "there is no list `imageDetails`"),
    ("{}", (1, 1), "there is no list `imageDetails`"),
    ('{"imageDetails": [\n  5]}', (2, 3), "an entry is not an object"),
    ('[["sha256:1", "v1"]]', (1, 2), "an entry is not an object"),
    ('{"imageDetails": [\n {"imageTags": []}]}', (2, 2), "an entry has no imageDigest"),
    (page(entry("")), (4, 13), "imageDigest is no name that ECR takes: ''"),
    (page(entry(None)), (3, 9), "an entry has no imageDigest"),  # type: ignore[arg-type]
    (page(entry("a b")), (4, 13), "imageDigest is no name that ECR takes: 'a b'"),
    (page(entry(A, imageTags="v1")), (6, 13), "imageTags is not a list: 'v1'"),
    (page(entry(A, imageTags=["v1", 2])), (8, 17), "imageTags[1] is not a string: 2"),
    (
        page(entry(A, imageTags=["\ud800"])),
        (7, 17),
        r"imageTags[0] is no name that ECR takes: '\ud",
    ),
    (
        page(entry(A, imageTags=["\x1b[2J"])),
        (7, 17),
        r"imageTags[0] is no name that ECR takes: '\x1b",
    ),
    (page(entry(A, imageTags=False)), (6, 13), "imageTags is not a list: False"),
    (page(entry(A, imagePushedAt="yesterday")), (5, 13), "imagePushedAt is no date: 'yesterday'"),
    (page(entry(A, imagePushedAt="")), (5, 13), "imagePushedAt is no date: ''"),
    (page(entry(A, imagePushedAt=True)), (5, 13), "imagePushedAt is no date: True"),
    (page(entry(A, imagePushedAt=[1])), (5, 13), "imagePushedAt is no date: [1]"),
    (page(entry(A, imagePushedAt=1e300)), (5, 13), "imagePushedAt is no date: 1e+300"),
    (page(entry(A, imagePushedAt="2026-02-30T00:00:00Z")), (5, 13), "imagePushedAt is no date"),
    (
        page(entry(A, lastArchivedAt="0001-01-01T00:00:00+09:00")),
        (6, 13),
        "lastArchivedAt is no date",
    ),
    (page(entry(A, imageSizeInBytes=-1)), (6, 13), "imageSizeInBytes is no size: -1"),
    (page(entry(A, imageSizeInBytes="1 MB")), (6, 13), "imageSizeInBytes is no size: '1 MB'"),
    (page(entry(A, imageStatus=5)), (6, 13), "imageStatus is not a string: 5"),
    (page(entry(A, children=A)), (6, 13), "children is not a list"),
    (
        page(entry(A, subject=B, subjectManifestDigest=C)),
        (6, 13),
        "subject and subjectManifestDigest",
    ),
    (
        page(entry(A, repositoryName="a"), entry(B, repositoryName="b")),
        (11, 13),
        "images of two rep",
    ),
    (
        page(entry(A), entry(A, imageSizeInBytes=5)),
        (7, 9),
        "also in line 3, and differs in imageSize",
    ),
    (
        page(entry(A), entry(A, imagePushedAt=0, children=[B])),
        (7, 9),
        "differs in imagePushedAt, children",
    ),
    (WHOLE[:-2], (19, 1), "the listing is cut off"),
    (WHOLE[:60], (4, 27), "the listing is cut off"),
    ('{"imageDetails": [', (1, 19), "the listing is cut off"),
    ('{"imageDetails": [{"imageDigest": "a",', (1, 39), "the listing is cut off"),
    ('{"imageDetails": [{"imageDigest": "a"}, ]}', (1, 39), "a comma with nothing behind it"),
    ('{"imageDetails": [], }', (1, 20), "a comma with nothing behind it"),
    ('{"imageDetails": [] "x": 1}', (1, 21), "a comma is missing here"),
    ('{"imageDetails" []}', (1, 17), "a colon is missing here"),
    ("{'imageDetails': []}", (1, 2), "a name in double quotes is missing here"),
    ('[{"imageDigest": "a" "b"}]', (1, 22), "this is not JSON: expecting ',' delimiter"),
    ('[{"imageDigest": NaN}]', (1, 2), "this is not JSON: NaN is no number"),
    ('[{"imageSizeInBytes": -Infinity}]', (1, 2), "this is not JSON: -Infinity is no number"),
    ('[{"imageSizeInBytes": ' + "9" * 5000 + "}]", (1, 2), "this is not JSON"),
    ('{"more": ' + "[" * 200_000 + "]" * 200_000 + "}", (1, 10), "this is nested too deeply"),
    ("[" * 200_000, (1, 2), "this is nested too deeply"),
    ('{"imageDetails": []} x', (1, 22), "no JSON"),
]


@pytest.mark.parametrize(("text", "place", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(text: str, place: tuple[int, int], words: str) -> None:
    error = refused(text)
    assert words in error.what
    assert error.where is not None
    assert (error.where.file, error.where.line, error.where.column) == ("images.json", *place)
    assert error.what.isprintable()


def test_milliseconds_are_known() -> None:
    assert "divide it by 1000" in refused(page(entry(A, imagePushedAt=1795435200000))).hint


def test_the_hint_names_the_command() -> None:
    assert "aws ecr describe-images" in refused("").hint
    assert "--query" in refused("[[1]]").hint


REMARKS = [
    (page(entry(A, imagePushedAt=None)), "no-push-time", 1, A, 3),
    (page(entry(A, imagePushedAt="2026-11-23T12:00:00"), entry(B)), "no-time-zone", 1, A, 3),
    (page(entry(B), entry(A, imageStatus="MOVING")), "unknown-status", 1, A, 7),
    (page(entry(A, imageTags=["x"]), entry(B, imageTags=["x"])), "tag-twice", 1, B, 10),
    (page(entry(A, children=[B, C, "d"]), entry(B)), "unknown-child", 2, A, 3),
    (page(entry(A, subject=C), entry(B, subjectManifestDigest=C)), "unknown-subject", 2, A, 3),
    (page(entry(A), entry(A), entry(A)), "digest-twice", 2, A, 7),
    (page(entry(A), nextToken="more"), "more-pages", 1, "", 9),
    (page(entry(A), NextToken="more"), "more-pages", 1, "", 9),
]


@pytest.mark.parametrize(("text", "code", "count", "digest", "line"), REMARKS)
def test_what_is_remarked(text: str, code: str, count: int, digest: str, line: int) -> None:
    (remark,) = read(text).remarks
    assert (remark.code, remark.count, remark.digest, remark.line) == (code, count, digest, line)
    assert str(remark) == remark.message
    assert f"line {line}" in remark.message or code == "more-pages"


def test_an_image_that_is_listed_twice_has_the_tags_of_both() -> None:
    (image,) = read(page(entry(A, imageTags=["v1", "x"]), entry(A, imageTags=["x", "v2"]))).images
    assert image.tags == ("v1", "x", "v2")


def test_a_tag_that_an_entry_names_twice_counts_once() -> None:
    listing = read(page(entry(A, imageTags=["v1", "v1"])))
    assert (listing.images[0].tags, codes(listing)) == (("v1",), [])


def test_a_date_without_zone_is_utc() -> None:
    assert read(page(entry(A, imagePushedAt="2026-11-23 12:00:00"))).images[0].pushed_at == NOON


def test_images_of_the_future() -> None:
    images = read(page(entry(A), entry(B, imagePushedAt="2026-11-23T12:00:01Z"))).images
    assert remarks_at(images, NOON + timedelta(seconds=1)) == ()
    (remark,) = remarks_at(images, NOON)
    assert (remark.code, remark.count, remark.digest) == ("after-the-moment", 1, B)
    assert "2026-11-23T12:00:00Z" in remark.message
    assert remarks_at(images, NOON - timedelta(days=1))[0].count == 2


def test_a_listing_that_is_cut_off_anywhere_is_refused() -> None:
    for end in range(1, len(WHOLE) - 1):
        expected = "this is not JSON" if WHOLE[end - 2 : end] == "1." else "cut off"
        assert expected in refused(WHOLE[:end]).what, end


def iso(time: datetime | None, hours: int) -> str | None:
    return time.astimezone(timezone(timedelta(hours=hours))).isoformat() if time else None


def epoch(time: datetime | None, hours: int) -> float | None:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() if time else None


_DIGEST = st.text("abcdef0123456789", min_size=1, max_size=5).map(lambda words: f"sha256:{words}")
_TIME = st.datetimes(
    datetime(2015, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip
_IMAGES = st.lists(
    st.builds(
        ImageSeen,
        _DIGEST,
        st.lists(st.text("v.-1", min_size=1, max_size=4), max_size=3, unique=True).map(tuple),
        size=st.integers(0, 2**50),
        pushed_at=_TIME,
        media_type=st.sampled_from(["", "application/json"]),
        artifact_type=st.sampled_from(["", "a/b"]),
        subject=st.none() | _DIGEST,
        pulled_at=st.none() | _TIME,
        status=st.sampled_from(["ACTIVE", "ARCHIVED", "ACTIVATING"]),
        archived_at=st.none() | _TIME,
        activated_at=st.none() | _TIME,
        children=st.lists(_DIGEST, max_size=2, unique=True).map(tuple),
    ),
    max_size=4,
    unique_by=lambda image: image.digest,
)


@given(_IMAGES, st.sampled_from([iso, epoch]), st.integers(-12, 14), st.sampled_from([None, 1]))
def test_what_was_written_is_read(
    images: list[ImageSeen], date: Any, hours: int, indent: Any
) -> None:
    members = [
        {
            "imageDigest": image.digest,
            "imageTags": list(image.tags),
            "imageSizeInBytes": image.size,
            "imagePushedAt": date(image.pushed_at, hours),
            "imageManifestMediaType": image.media_type or None,
            "artifactMediaType": image.artifact_type or None,
            "subjectManifestDigest": image.subject,
            "lastRecordedPullTime": date(image.pulled_at, hours),
            "imageStatus": image.status,
            "lastArchivedAt": date(image.archived_at, hours),
            "lastActivatedAt": date(image.activated_at, hours),
            "children": list(image.children),
        }
        for image in images
    ]
    listing = read(json.dumps({"imageDetails": members}, indent=indent))
    assert listing.images == tuple(images)
    assert set(codes(listing)) <= {"tag-twice", "unknown-child", "unknown-subject"}


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def outcome(text: str) -> Listing | UsageError:
    try:
        return read(text)
    except UsageError as error:
        return error


@given(_json, st.dictionaries(st.sampled_from([*entry(), "imageTags", "children"]), _json))
def test_any_document_is_read_or_refused(value: Any, members: Any) -> None:
    for document in (value, {"imageDetails": value}, [value], [{**entry(), **members}]):
        found = outcome(json.dumps(document))
        assert isinstance(found, Listing) or found.where is not None


@given(st.text('[]{},:"\\ \nimageDetails01-nulNaN', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = outcome(text)
    assert isinstance(found, Listing) or found.where is not None
