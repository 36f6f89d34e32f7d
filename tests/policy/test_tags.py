"""Which tags move, and the versions and ranges that decide it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.oci.store import TagSeen
from longshore.policy.tags import TagFilter, natural_key, select_tags
from longshore.policy.versions import Version, parse_range, parse_version

START = datetime(2026, 1, 1, tzinfo=UTC)
TAGS = ["latest", "v0.9.0", "v1.0.0", "v1.2.0", "v2.0.0-rc.1", "main-abc1234", "main-0011223"]


def kept(wanted: TagFilter, tags: list[TagSeen]) -> list[str]:
    return [verdict.tag for verdict in select_tags(wanted, tags) if verdict.keep]


def reasons(wanted: TagFilter, *tags: str) -> dict[str, str]:
    return {v.tag: v.reason for v in select_tags(wanted, [TagSeen(tag) for tag in tags])}


def test_an_empty_filter_takes_all() -> None:
    assert TagFilter().takes_all
    assert sorted(kept(TagFilter(), [TagSeen(t) for t in TAGS])) == sorted(TAGS)


def test_the_example_of_the_config() -> None:
    wanted = TagFilter(allow=("v*", "main-*"), semver=">=1.0", newest=20)
    seen = [TagSeen(tag) for tag in TAGS]
    assert kept(wanted, seen) == ["main-0011223", "main-abc1234", "v1.0.0", "v1.2.0"]


@pytest.mark.parametrize(
    ("wanted", "tag", "keep", "reason"),
    [
        (TagFilter(deny=("*-rc*",)), "v1-rc1", False, "denied by '*-rc*'"),
        (TagFilter(allow=("v*",), deny=("v1*",)), "v1", False, "denied by 'v1*'"),
        (TagFilter(allow=("v*", "w*")), "x", False, "no allow pattern matches: v*, w*"),
        (TagFilter(allow=("v*",)), "v1", True, "allowed by 'v*'"),
        (TagFilter(allow=("V*",)), "v1", False, "no allow pattern matches: V*"),
        (TagFilter(), "x", True, "every tag is wanted"),
        (TagFilter(semver=">=1"), "x", False, "not a version; '>=1' asks for"),
        (TagFilter(allow=("x",), semver=">=1"), "x", True, "not a version, but allowed by 'x'"),
        (TagFilter(semver=">=1"), "0.9", False, "0.9.0 is outside '>=1'"),
        (TagFilter(semver=">=1"), "1.1", True, "1.1.0 is within '>=1'"),
        (TagFilter(semver=">=1"), "2-rc.1", False, "2.0.0-rc.1 is a prerelease outside '>=1'"),
        (TagFilter(newest=1), "a", True, "number 1 from the newest by natural order"),
    ],
)
def test_reasons(wanted: TagFilter, tag: str, keep: bool, reason: str) -> None:
    (verdict,) = select_tags(wanted, [TagSeen(tag)])
    assert verdict.keep == keep
    assert verdict.reason.startswith(reason)


def test_newest_goes_by_push_time_when_every_tag_has_one() -> None:
    seen = [TagSeen(f"v{n}", pushed_at=START - timedelta(days=n)) for n in (1, 2, 3)]
    verdicts = select_tags(TagFilter(newest=2), seen)
    assert [v.tag for v in verdicts if v.keep] == ["v1", "v2"]
    assert verdicts[2].reason == "number 3 from the newest by push time; newest: 2"


def test_newest_goes_by_version_when_a_time_is_missing() -> None:
    seen = [TagSeen("v9", pushed_at=START), TagSeen("v10"), TagSeen("v10-rc.1")]
    verdicts = select_tags(TagFilter(newest=2), seen)
    assert [v.tag for v in verdicts if v.keep] == ["v10", "v10-rc.1"]
    assert "by version" in verdicts[0].reason


def test_newest_goes_by_natural_order_otherwise() -> None:
    seen = [TagSeen("build-9"), TagSeen("build-10"), TagSeen("build-x")]
    assert kept(TagFilter(newest=2), seen) == ["build-10", "build-x"]
    assert "natural order" in reasons(TagFilter(newest=2), "build-9")["build-9"]


def test_newest_counts_only_what_the_other_filters_left() -> None:
    seen = [TagSeen(tag) for tag in ("a-1", "b-2", "b-3")]
    assert kept(TagFilter(deny=("b-3",), newest=1), seen) == ["b-2"]


tags = st.lists(
    st.builds(
        TagSeen,
        st.sampled_from([*TAGS, "1", "1.4", "1.4.0", "x", "v10", "v9", "0", "00"]),
        pushed_at=st.none() | st.integers(0, 5).map(lambda n: START + timedelta(hours=n)),
    ),
    unique_by=lambda tag: tag.tag,
)
filters = st.builds(
    TagFilter,
    allow=st.lists(st.sampled_from(["v*", "*", "main-*", "?"])).map(tuple),
    deny=st.lists(st.sampled_from(["x", "*-rc*", "v1*"])).map(tuple),
    semver=st.sampled_from(["", ">=1.0", "^1", "<2 || >=2.0.0-0"]),
    newest=st.none() | st.integers(1, 4),
)


@given(filters, tags, st.data())
def test_order_does_not_matter_and_each_tag_has_one_reasoned_verdict(
    wanted: TagFilter, seen: list[TagSeen], data: st.DataObject
) -> None:
    verdicts = select_tags(wanted, seen)
    shuffled = data.draw(st.permutations(seen))
    assert select_tags(wanted, shuffled) == verdicts
    assert sorted(v.tag for v in verdicts) == sorted(t.tag for t in seen)
    assert all(verdict.reason for verdict in verdicts)


@given(filters, tags)
def test_choosing_twice_chooses_the_same(wanted: TagFilter, seen: list[TagSeen]) -> None:
    first = kept(wanted, seen)
    again = kept(wanted, [tag for tag in seen if tag.tag in first])
    if wanted.newest is None:
        assert again == first
    else:
        assert len(first) <= wanted.newest
        assert again == first


@given(filters, tags)
def test_newest_is_a_subset_of_the_same_filter_without_it(
    wanted: TagFilter, seen: list[TagSeen]
) -> None:
    free = TagFilter(wanted.allow, wanted.deny, wanted.semver)
    candidates = kept(free, seen)
    chosen = kept(wanted, seen)
    assert set(chosen) <= set(candidates)
    if wanted.newest is not None:
        assert len(chosen) == min(wanted.newest, len(candidates))


# --- versions and ranges


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1", Version(1)),
        ("v1.4", Version(1, 4)),
        ("V1.4.2", Version(1, 4, 2)),
        ("1.4.2-rc.1", Version(1, 4, 2, "rc.1")),
        ("18-alpine", Version(18, 0, 0, "alpine")),
        ("20241201", Version(20241201)),
        ("latest", None),
        ("v", None),
        ("vendor", None),
        ("1.2.3.4", None),
        ("1.2.3_4", None),
        ("1.2.3-", None),
        ("١", None),
        ("9" * 40, None),
    ],
)
def test_versions(text: str, version: Version | None) -> None:
    assert parse_version(text) == version


def test_precedence_is_that_of_the_specification() -> None:
    order = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11"
    texts = [*order.split(), "1.0.0-rc.1", "1.0.0", "1.0.1"]
    versions = [parse_version(text) for text in texts]
    assert sorted(versions, key=lambda v: v or Version(0)) == versions
    assert all(a < b for a, b in pairwise(versions) if a and b)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.0", "1 1.0.0 7.1", "0.9.9 1.0.0-rc.1 2.0.0-rc.1"),
        (">=1.0 <2", "1.9.9", "2.0.0 0.1"),
        (">=1.0, <2", "1.9.9", "2.0.0 0.1"),
        (">= 1.0 < 2", "1.9.9", "2.0.0 0.1"),
        (">1.2", "1.3.0", "1.2.9"),
        (">1.2.0", "1.2.1", "1.2.0"),
        ("<=1.2", "1.2.9", "1.3.0"),
        ("<=1.2.3", "1.2.3", "1.2.4"),
        ("<1.2", "1.1.9", "1.2.0"),
        ("^1.2.3", "1.2.3 1.9", "1.2.2 2.0.0"),
        ("^0.2.3", "0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("~1.2.3", "1.2.9", "1.3.0"),
        ("~1", "1.9", "2.0"),
        ("~> 1.4", "1.4.9", "1.5"),
        ("1.2", "1.2.0 1.2.7", "1.3.0"),
        ("=1.2.3", "1.2.3", "1.2.4"),
        ("v1.2.3", "1.2.3", "1.2.4"),
        ("1.x", "1.0 1.99", "2.0"),
        ("1.2.*", "1.2.4", "1.3"),
        ("*", "0.0.1 99", "1.0.0-rc.1"),
        ("1.2 - 2.3", "1.2.0 2.3.9", "2.4.0 1.1"),
        ("<1 || >=3", "0.5 3.0", "2.0"),
        (">=2.0.0-0", "2.0.0-rc.1 2.0.0 3.0.0-beta", "1.9"),
        (">=1.0.0-0 <2", "1.5.0-rc.1", "2.0.0-rc.1 2.0.0"),
    ],
)
def test_ranges(text: str, inside: str, outside: str) -> None:
    held = parse_range(text)
    for version in inside.split():
        assert held.holds(parse_version(version) or Version(0)), version
    for version in outside.split():
        assert not held.holds(parse_version(version) or Version(0)), version


@pytest.mark.parametrize(
    "text", ["", "abc", ">=", ">=1.0 and <2", "1.2.3.4", "1 || ", ">>1", "!=1"]
)
def test_bad_ranges_say_what_they_cannot_read(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_range(text)
    assert caught.value.code == "bad-version-range"
    assert f"'{text}'" in caught.value.what


small = st.builds(Version, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


@given(small, small, small)
def test_a_hyphen_range_is_between_its_ends(low: Version, high: Version, version: Version) -> None:
    assert parse_range(f"{low} - {high}").holds(version) == (low <= version <= high)


@given(small, small)
def test_caret_and_tilde_hold_their_own_version_and_no_other_major(
    base: Version, version: Version
) -> None:
    for operator in "^~":
        held = parse_range(f"{operator}{base}")
        assert held.holds(base)
        if version.major != base.major or version < base:
            assert not held.holds(version)


@given(st.text(max_size=30))
def test_garbage_is_read_or_refused(text: str) -> None:
    parse_version(text)
    natural_key(text)
    with suppress(UsageError):
        parse_range(text)
