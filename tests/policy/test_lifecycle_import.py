"""Retention of zot, Harbor and Quay: tables, and naive readings of each as an oracle."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.foreign import (
    Globs,
    Imported,
    matches_path,
    of_doublestar,
    of_expression,
    parse_duration,
)
from longshore.policy.lifecycle.foreign_harbor import import_harbor
from longshore.policy.lifecycle.foreign_quay import import_quay
from longshore.policy.lifecycle.foreign_zot import import_zot
from longshore.policy.lifecycle.grammar import parse_policy
from longshore.policy.lifecycle.matching import matches_tag
from longshore.policy.lifecycle.pruning import plan_prune

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
Import = Callable[..., Imported]


def given_(read: Import, document: Any, repository: str | None = None) -> Imported:
    return read(json.dumps(document), "retention.json", repository)


def left(made: Imported, images: Sequence[ImageSeen]) -> set[str]:
    """The tags that are there once ECR and prune have run."""
    policy = parse_policy(json.dumps(made.policy))
    expired = {one.image.digest for one in evaluate(policy, images, AT).acted()}
    plan = plan_prune(made.rules, images, [], AT)
    pruned = {tag for step in plan.steps for tag in step.tags}
    return {tag for one in images if one.digest not in expired for tag in one.tags} - pruned


# --- patterns -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "patterns", "exact"),
    [
        (".*", ("*",), True),
        ("", ("*",), True),
        ("v2.*", ("*v2*",), True),
        (".*-prod", ("*-prod*",), True),
        ("^v", ("v*",), True),
        (r"^v1\.2$", ("v1.2",), True),
        ("^.*-rc$", ("*-rc",), True),
        ("^v[0-9]+$", ("v*",), False),
        ("^v*", ("*",), False),
        (r"^v\d", ("v*",), False),
        ("^v.$", ("v*",), False),
        ("a|b", ("*",), False),
        ("(?i)v", ("*",), False),
        ("^a{2}", ("*",), False),
        ("^ab?c$", ("a*",), False),
    ],
)
def test_expressions(expression: str, patterns: tuple[str, ...], exact: bool) -> None:
    assert of_expression(expression) == Globs(patterns, exact)


@pytest.mark.parametrize(
    ("pattern", "patterns", "exact"),
    [
        ("**", ("*",), True),
        ("v*", ("v*",), True),
        ("{v*,latest}", ("v*", "latest"), True),
        ("a{1,2}b{x,y}", ("a1bx", "a1by", "a2bx", "a2by"), True),
        ("v?.1", ("v*",), False),
        ("[ab]c", ("*",), False),
        ("{v1,{v2,v3}}", ("v1", "v2", "v3"), True),
    ],
)
def test_shell_patterns(pattern: str, patterns: tuple[str, ...], exact: bool) -> None:
    found = of_doublestar(pattern)
    assert (set(found.patterns), found.exact) == (set(patterns), exact)


TAG = st.text("v12.-ab", min_size=1, max_size=6)
EXPRESSION = st.lists(
    st.sampled_from(["v", "1", "-", "a", ".*", ".", r"\.", "[12]", "b+", "^", "$", "a|b", "(1)"]),
    max_size=5,
).map("".join)


@given(EXPRESSION, TAG)
def test_a_pattern_matches_at_least_what_the_expression_finds(expression: str, tag: str) -> None:
    found = of_expression(expression)
    ours = any(matches_tag(pattern, tag) for pattern in found.patterns)
    theirs = re.search(expression, tag) is not None
    assert ours or not theirs
    assert ours == theirs or not found.exact


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("**", "a/b/c", True),
        ("*", "a", True),
        ("*", "a/b", False),
        ("infra/*", "infra/x", True),
        ("infra/*", "infra/x/y", False),
        ("tmp/**", "tmp/x/y", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("{a,b}/x", "b/x", True),
        ("a.b", "axb", False),
    ],
)
def test_repositories(pattern: str, name: str, matches: bool) -> None:
    assert matches_path(pattern, name) is matches


@pytest.mark.parametrize(
    ("text", "hours"),
    [("720h", 720), ("1h30m", 1.5), ("7d", 168), ("2w", 336), ("1.5h", 1.5)],
)
def test_durations(text: str, hours: float) -> None:
    assert parse_duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "7", "soon", None, 7, "-1h", "1h 2m", "9" * 400 + "w"])
def test_no_durations(text: object) -> None:
    assert parse_duration(text) is None


# --- zot ------------------------------------------------------------------------------------------

ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "patterns": st.lists(
            st.sampled_from(["v1.*", "^v", "main", "-rc$", ".*", "^v[0-9]$", r"^pr-\d+"]),
            max_size=2,
        ),
        "mostRecentlyPushedCount": st.integers(0, 3),
        "pushedWithin": st.sampled_from(["24h", "72h", "36h"]),
        "pulledWithin": st.sampled_from(["24h", "720h"]),
        "mostRecentlyPulledCount": st.integers(0, 2),
    },
)
ZOT = st.lists(ENTRY, max_size=3)
NAMES = (
    *("v1.0", "v1.1", "v2", "v9-rc", "main-1", "main-2", "main-3", "pr-1", "pr-22", "x", "y-rc"),
)


@st.composite
def one_tag_each(draw: st.DrawFn) -> list[ImageSeen]:
    """Images with a tag each, pushed at different times."""
    tags = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=8))
    hours = draw(st.lists(st.integers(0, 100), unique=True, min_size=len(tags), max_size=len(tags)))
    return [
        ImageSeen(
            f"sha256:{place}",
            (tag,),
            pushed_at=AT - timedelta(hours=ago, minutes=1),
            pulled_at=draw(st.none() | st.integers(0, ago).map(lambda h: AT - timedelta(hours=h))),
        )
        for place, (tag, ago) in enumerate(zip(tags, hours, strict=True))
    ]


def zot(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    policy = {"repositories": ["**"], "keepTags": entries}
    return {"storage": {"retention": {"delay": "24h", "policies": [policy]}}}


def naive_zot(entries: Sequence[dict[str, Any]], images: Sequence[ImageSeen]) -> set[str]:
    """The tags that zot retains, entry by entry."""
    tags = {one.tags[0]: one for one in images}
    if not entries:
        return set(tags)
    kept: set[str] = set()
    for place, entry in enumerate(entries):
        mine = [tag for tag in tags if first_entry(tag, entries) == place]
        limited = False
        for name, time in (("Pushed", "pushed_at"), ("Pulled", "pulled_at")):
            by_time = sorted(mine, key=lambda tag: str(getattr(tags[tag], time)), reverse=True)
            if count := entry.get(f"mostRecently{name}Count"):
                limited = True
                kept |= set(by_time[:count])
            if within := entry.get(f"{name.lower()}Within"):
                limited = True
                since = AT - timedelta(hours=int(within[:-1]))
                seen = [tag for tag in mine if (when := getattr(tags[tag], time)) and when > since]
                pushed = [tag for tag in mine if (tags[tag].pushed_at or AT) > since]
                kept |= {*seen, *pushed}
        kept |= set() if limited else set(mine)
    return kept


def first_entry(tag: str, entries: Sequence[dict[str, Any]]) -> int | None:
    for place, entry in enumerate(entries):
        if any(re.search(one, tag) for one in entry.get("patterns") or [".*"]):
            return place
    return None


@given(ZOT, one_tag_each())
def test_zot_as_zot_does_it(entries: list[dict[str, Any]], images: list[ImageSeen]) -> None:
    made = given_(import_zot, zot(entries))
    theirs, ours = naive_zot(entries, images), left(made, images)
    assert theirs <= ours
    if not [lost for lost in made.lost if lost.what.startswith("keepTags")]:
        assert ours == theirs


def test_zot_carries_what_it_can() -> None:
    entries: list[dict[str, Any]] = [
        {"patterns": ["^v"], "mostRecentlyPushedCount": 10, "pushedWithin": "720h"},
        {"patterns": ["^main-"], "pulledWithin": "168h"},
        {"patterns": ["^live-"]},
    ]
    made = given_(import_zot, zot(entries))
    first, rest = made.rules
    assert (first.patterns, first.keep_newest, first.keep_for_days) == (("v*",), 10, 30)
    assert (rest.patterns, rest.keep_newest) == (("*",), 0)
    assert rest.excluding == ("v*", "main-*", "live-*")
    assert made.untagged_days == 1
    (lost,) = made.lost
    assert lost.what == "keepTags[1].pulledWithin"
    assert "sinceImagePulled" in lost.why


def test_zot_one_limit_for_all_is_ecrs_own() -> None:
    made = given_(import_zot, zot([{"mostRecentlyPushedCount": 10}]))
    assert made.rules == ()
    selections = [rule["selection"] for rule in made.policy["rules"]]
    assert [one.get("tagPatternList") for one in selections] == [
        *(["live-*"], ["rollback-*"], ["latest"], ["*"]),
        None,
    ]
    assert selections[3]["countNumber"] == 10


def test_zot_chooses_by_the_repository() -> None:
    policies = [
        {"repositories": ["infra/*"], "deleteUntagged": False, "keepTags": [{"patterns": ["^v"]}]},
        {"repositories": ["tmp/**"], "keepTags": [{"mostRecentlyPushedCount": 1}]},
    ]
    document = {"storage": {"gc": False, "retention": {"dryRun": True, "policies": policies}}}
    assert given_(import_zot, document, "infra/x").untagged_days is None
    assert given_(import_zot, document, "tmp/a/b").untagged_days == 1
    other = given_(import_zot, document, "shop")
    assert (other.prune, other.untagged_days) == ((), None)
    assert [one.what for one in other.lost] == ["gc: false", "dryRun: true", "policies"]
    with pytest.raises(UsageError) as caught:
        given_(import_zot, document)
    assert (caught.value.code, "--repository" in caught.value.hint) == ("import-which", True)


@pytest.mark.parametrize(("delay", "days"), [("1h", 1), ("24h", 1), ("25h", 2), ("nonsense", 1)])
def test_zot_delays(delay: str, days: int) -> None:
    document = zot([])
    document["storage"]["retention"]["delay"] = delay
    made = given_(import_zot, document)
    assert made.untagged_days == days
    assert bool(made.lost) is (delay != "24h")


# --- Harbor ---------------------------------------------------------------------------------------


def harbor_rule(
    template: str,
    value: int | None = None,
    pattern: str = "**",
    decoration: str = "matches",
    extras: str = "",
    **more: Any,
) -> dict[str, Any]:
    selector = {"kind": "doublestar", "decoration": decoration, "pattern": pattern}
    return {
        "action": "retain",
        "template": template,
        "params": {} if value is None else {template: value},
        "tag_selectors": [{**selector, **({"extras": extras} if extras else {})}],
        "scope_selectors": {"repository": [{"decoration": "repoMatches", "pattern": "**"}]},
        **more,
    }


HARBOR = st.lists(
    st.builds(
        harbor_rule,
        st.sampled_from(["latestPushedK", "nDaysSinceLastPush", "always", "nDaysSinceLastPull"]),
        st.integers(0, 4),
        st.sampled_from(["**", "v*", "{v*,main-*}", "pr-?", "*-rc"]),
        st.sampled_from(["matches", "excludes"]),
        disabled=st.sampled_from([False, False, True]),
    ),
    max_size=3,
)


def naive_harbor(rules: Sequence[dict[str, Any]], images: Sequence[ImageSeen]) -> set[str]:
    """The tags of the artifacts that some rule retains."""
    rules = [rule for rule in rules if not rule["disabled"]]
    kept = {one.tags[0] for one in images} if not rules else set()
    for rule in rules:
        (selector,) = rule["tag_selectors"]
        wanted = selector["decoration"] == "matches"
        mine = [one for one in images if harbor_match(selector["pattern"], one.tags[0]) is wanted]
        number = rule["params"][rule["template"]]
        since = AT - timedelta(days=number)
        if rule["template"] == "latestPushedK":
            newest = sorted(mine, key=lambda one: one.pushed_at or AT, reverse=True)
            mine = newest[:number]
        elif rule["template"] == "nDaysSinceLastPush":
            mine = [one for one in mine if one.pushed_at and one.pushed_at >= since]
        elif rule["template"] == "nDaysSinceLastPull":
            mine = [one for one in mine if one.pulled_at and one.pulled_at >= since]
        kept |= {one.tags[0] for one in mine}
    return kept


def harbor_match(pattern: str, tag: str) -> bool:
    if pattern.startswith("{"):
        return any(harbor_match(one, tag) for one in pattern[1:-1].split(","))
    return fnmatchcase(tag, pattern)


@given(HARBOR, one_tag_each())
def test_harbor_as_harbor_does_it(rules: list[dict[str, Any]], images: list[ImageSeen]) -> None:
    made = given_(import_harbor, {"algorithm": "or", "rules": rules})
    theirs, ours = naive_harbor(rules, images), left(made, images)
    assert theirs <= ours
    if not [lost for lost in made.lost if "untagged" not in lost.what]:
        assert ours == theirs


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ([harbor_rule("latestPushedK", 3)], None),
        ([harbor_rule("latestPushedK", 3, extras='{"untagged":false}')], 1),
        ([harbor_rule("nDaysSinceLastPush", 5)], 5),
        ([harbor_rule("latestPushedK", 3, decoration="excludes")], None),
        ([harbor_rule("latestPushedK", 3, decoration="excludes", extras='{"untagged":true}')], 1),
        ([harbor_rule("always")], None),
        (
            [
                harbor_rule("nDaysSinceLastPush", 5),
                harbor_rule("latestPushedK", 3, extras='{"untagged":false}'),
            ],
            5,
        ),
    ],
)
def test_harbor_and_untagged_images(rules: list[dict[str, Any]], days: int | None) -> None:
    assert given_(import_harbor, {"rules": rules}).untagged_days == days


def test_harbor_scopes() -> None:
    rule = harbor_rule("latestPushedK", 3)
    rule["scope_selectors"]["repository"] = [{"decoration": "repoExcludes", "pattern": "shop"}]
    assert given_(import_harbor, {"rules": [rule]}, "shop").prune == ()
    assert given_(import_harbor, {"rules": [rule]}, "web").policy["rules"][3]
    assert "rules[0]" in given_(import_harbor, {"rules": [rule]}).lost[0].what


def test_harbor_defaults_are_told() -> None:
    made = given_(import_harbor, {"rules": [harbor_rule("latestPushedK")]})
    assert made.policy["rules"][3]["selection"]["countNumber"] == 10
    assert "Harbor takes 10" in [one.why for one in made.lost]


# --- Quay -----------------------------------------------------------------------------------------

QUAY = st.lists(
    st.fixed_dictionaries(
        {"method": st.just("number_of_tags"), "value": st.integers(1, 3)},
        optional={
            "tagPattern": st.sampled_from(["^v", "main", "^v[0-9]", "-rc$"]),
            "tagPatternMatches": st.booleans(),
        },
    )
    | st.fixed_dictionaries(
        {"method": st.just("creation_date"), "value": st.sampled_from(["1d", "36h", "3d"])},
        optional={"tagPattern": st.sampled_from(["^v", "main"])},
    ),
    max_size=3,
)


def naive_quay(policies: Sequence[dict[str, Any]], images: Sequence[ImageSeen]) -> set[str]:
    """The tags that no policy takes."""
    gone: set[str] = set()
    for policy in policies:
        found = re.compile(policy.get("tagPattern", ""))
        wanted = policy.get("tagPatternMatches", True) or "tagPattern" not in policy
        mine = [one for one in images if (found.search(one.tags[0]) is not None) is wanted]
        if policy["method"] == "number_of_tags":
            mine = sorted(mine, key=lambda one: one.pushed_at or AT, reverse=True)
            gone |= {one.tags[0] for one in mine[policy["value"] :]}
        else:
            length = parse_duration(policy["value"])
            assert length is not None
            gone |= {one.tags[0] for one in mine if one.pushed_at and one.pushed_at < AT - length}
    return {one.tags[0] for one in images} - gone


@given(QUAY, one_tag_each())
def test_quay_as_quay_does_it(policies: list[dict[str, Any]], images: list[ImageSeen]) -> None:
    made = given_(import_quay, {"policies": policies})
    theirs, ours = naive_quay(policies, images), left(made, images)
    assert theirs <= ours
    if not [lost for lost in made.lost if lost.what != "tags"]:
        assert ours == theirs


def test_quay_reads_one_a_list_and_an_answer() -> None:
    policy = {"method": "creation_date", "value": "2w", "tag_pattern": "^dev-"}
    for document in (policy, [policy], {"policies": [policy]}):
        (rule,) = given_(import_quay, document).rules
        assert (rule.patterns, rule.keep_for_days) == (("dev-*",), 14)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [import_zot, import_harbor, import_quay])
@pytest.mark.parametrize("text", ["", "{", "null", "3", '"x"', "[" * 100_000, '{"policies": 3}'])
def test_files_of_nobody(read: Import, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text, "file.json")
    assert caught.value.code == "import-unreadable"
    assert "file.json" in caught.value.what


@pytest.mark.parametrize(
    ("read", "document", "place"),
    [
        (import_zot, zot([{"patterns": "v"}]), "keepTags[0].patterns"),
        (import_zot, zot([{"mostRecentlyPushedCount": "3"}]), "mostRecentlyPushedCount"),
        (import_zot, zot([{"pushedWithin": "soon"}]), "keepTags[0].pushedWithin"),
        (import_harbor, {"rules": [harbor_rule("latestPushedK", -1)]}, "params.latestPushedK"),
        (import_harbor, {"rules": "x"}, "rules"),
        (import_quay, {"method": "other", "value": 1}, "policies[0].method"),
        (import_quay, {"method": "number_of_tags", "value": True}, "policies[0].value"),
        (import_quay, {"method": "creation_date", "value": "x"}, "policies[0].value"),
    ],
)
def test_values_of_nobody(read: Import, document: Any, place: str) -> None:
    with pytest.raises(UsageError) as caught:
        given_(read, document)
    assert place in caught.value.what
