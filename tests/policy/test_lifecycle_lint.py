"""Lint: a corpus of policies, the truth of what it says, and corrections that hold."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.findings import SEVERITIES
from longshore.policy.lifecycle.grammar import PolicyRefused, find_flaws, parse_policy
from longshore.policy.lifecycle.lint import Placed, Report, corrected, lint
from longshore.policy.lifecycle.lint_subject import Given, example_tag
from longshore.policy.lifecycle.matching import patterns_of
from longshore.policy.lifecycle.places import line_and_column, places_of
from longshore.policy.lifecycle.preset import Families, canonical_text, standard_policy
from longshore.policy.lifecycle.strategy import TagRules, strategy_of
from tests.policy.lifecycle_corpus import AT, GOOD, MISTAKES, Case, image, policy, rule

CASES = [*MISTAKES, *GOOD]
ALONE = Given(AT)


def codes(report: Report) -> set[str]:
    return {one.finding.code.removeprefix("lifecycle-") for one in report.findings}


def only(text: str, code: str, known: Given = ALONE) -> Placed:
    (found,) = [
        one for one in lint(text, known).findings if one.finding.code == f"lifecycle-{code}"
    ]
    return found


# --- the corpus ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_findings_are_those_that_were_expected(case: Case) -> None:
    assert codes(lint(case.text, case.given)) == case.expected


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case.name)
def test_findings_have_a_place_and_their_fix_is_json(case: Case) -> None:
    lines = case.text.split("\n")
    report = lint(case.text, case.given)
    ranks = [SEVERITIES.index(one.finding.severity) for one in report.findings]
    assert ranks == sorted(ranks)
    for one in report.findings:
        assert 1 <= one.column <= len(lines[one.line - 1]) + 1
        assert one.finding.message
        assert one.finding.advice
        made = json.loads(one.fix) if one.fix else []
        for changed in made if isinstance(made, list) else [made]:
            assert {"rulePriority", "selection", "action"} <= set(changed)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_corrections_leave_nothing_high_and_ecr_takes_them(case: Case) -> None:
    try:
        rules = corrected(case.text, case.given)
    except PolicyRefused:
        assert case.expected == {"invalid"}
        return
    text = json.dumps({"rules": rules})
    assert find_flaws(text) == ()
    left = lint(text, case.given)
    assert [one.finding.code for one in left.of("high")] == []
    assert corrected(text, case.given) == rules


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_good_policies_are_left_as_they_are(case: Case) -> None:
    assert corrected(case.text, case.given) == json.loads(case.text)["rules"]


@pytest.mark.parametrize("markers", ["all", "needed", "none"])
def test_the_standard_preset_has_no_finding(markers: Any) -> None:
    branches = ("main", "develop", "feature/*", "day2-advanced")
    text = canonical_text(standard_policy(Families(markers=markers, branches=branches)))
    strategy = strategy_of(TagRules(markers=markers), branches)
    assert lint(text, ALONE).findings == ()
    assert lint(text, Given(AT, strategy=strategy)).findings == ()
    assert lint(text, Given(AT, (), strategy)).findings == ()


# --- what it says is true ------------------------------------------------------------------------

LOSSES = ("deletes-latest", "deletes-live", "release-by-age", "backup-by-age", "deletes-backup")
LOST = [
    (case, one.finding.code)
    for case in MISTAKES
    for one in lint(case.text, case.given).of("high")
    if one.finding.code.removeprefix("lifecycle-") in LOSSES
]


@pytest.mark.parametrize(("case", "code"), LOST, ids=lambda one: getattr(one, "name", one))
def test_what_is_said_to_be_lost_is_lost(case: Case, code: str) -> None:
    """An image with the tag of the finding, old, behind as many newer ones as the rule keeps."""
    found = next(
        one.finding for one in lint(case.text, case.given).findings if one.finding.code == code
    )
    ordered = (
        parse_policy(case.text) if not find_flaws(case.text) else parse_policy(any_last(case.text))
    )
    acting = next(one for one in ordered.rules if pointed_at(case, found.path) == one.selection)
    patterns = patterns_of(acting.selection)
    tag = example_tag(patterns) if patterns else "topic-1"
    tags = (found.example, tag or "") if found.example != tag else (tag,)
    victim = image(0, *tags, days=5000)
    newer = [
        image(n, tag or "", days=n / 1000) for n in range(1, acting.selection.count_number + 1)
    ]
    verdict = evaluate(ordered, [victim, *newer], AT).verdicts[0]
    assert verdict.action == "expire"


def pointed_at(case: Case, path: str) -> Any:
    place = int(path.split("[")[1].split("]")[0])
    written = json.loads(case.text)["rules"][place]
    (one,) = parse_policy(json.dumps({"rules": [written]})).rules
    return one.selection


def any_last(text: str) -> str:
    rules = json.loads(text)["rules"]
    rules.sort(key=lambda one: one["selection"]["tagStatus"] == "any")
    return json.dumps({"rules": [{**one, "rulePriority": at} for at, one in enumerate(rules, 1)]})


@pytest.mark.parametrize(
    "case",
    [one for one in MISTAKES if "several-prefixes" in one.expected],
    ids=lambda one: one.name,
)
def test_a_rule_for_several_prefixes_never_acts_and_its_fix_does(case: Case) -> None:
    found = lint(case.text, case.given).findings[0]
    selection = pointed_at(case, found.finding.path)
    entries = patterns_of(selection)
    images = [
        image(n, tag, days=400 + n)
        for n, tag in enumerate(
            f"{one.rstrip('*')}{k}" for one in entries for k in range(selection.count_number + 9)
        )
    ]
    number = found.finding.rule
    before = evaluate(parse_policy(case.text), images, AT).verdicts
    assert [one for one in before if one.rule and one.rule.priority == number] == []
    after = evaluate(
        parse_policy(json.dumps({"rules": corrected(case.text, case.given)})), images, AT
    )
    kept = dict.fromkeys(entries, 0)
    for one in after.verdicts:
        family = max((p for p in entries if one.image.tags[0].startswith(p[:-1])), key=len)
        kept[family] += one.action == "keep"
    limits = {p: n for p, n in kept.items() if not p.startswith("latest")}
    assert set(limits.values()) == {selection.count_number}


# --- any policy ----------------------------------------------------------------------------------

TAGS = ["v1", "v2", "va", "latest", "live-a", "a", "ab", "b-1", "backup-1"]
entries = st.sampled_from(
    ["v*", "v1", "*", "a*", "*b*", "latest", "live-*", "backup-*", "b-*", ".*", "a/b"]
)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["untagged", "any", "tagged", "tagged", "tagged"]))
    names = draw(st.lists(entries, min_size=1, max_size=2, unique=True))
    what = ",".join(names) if kind == "tagged" else kind
    number = draw(st.sampled_from([1, 2, 10, 60, 9999]))
    return rule(what, keep=number) if draw(st.booleans()) else rule(what, days=number)


@st.composite
def policies(draw: st.DrawFn) -> str:
    made = draw(st.lists(rules(), min_size=1, max_size=5))
    seen, kept = set(), []
    for one in made:
        status = one["selection"]["tagStatus"]
        if status == "tagged" or status not in seen:
            seen.add(status)
            kept.append(one)
    return policy(*sorted(kept, key=lambda one: one["selection"]["tagStatus"] == "any"))


repositories = st.lists(st.sets(st.sampled_from(TAGS), max_size=3), max_size=8).map(
    lambda all_tags: tuple(image(n, *sorted(tags), days=3 * n) for n, tags in enumerate(all_tags))
)
strategies = st.sampled_from([None, strategy_of(TagRules()), strategy_of(TagRules(markers="all"))])


@settings(max_examples=60, deadline=None)
@given(policies(), repositories, st.booleans(), strategies)
def test_any_policy_can_be_linted_and_corrected(
    text: str, images: tuple[ImageSeen, ...], alone: bool, strategy: Any
) -> None:
    known = Given(AT, None if alone else images, strategy)
    report = lint(text, known)
    assert report.unfinished == ()
    made = json.dumps({"rules": corrected(text, known)})
    assert find_flaws(made) == ()
    left = [one.finding for one in lint(made, known).of("high")]
    assert [one for one in left if one.edit is not None] == []


@settings(max_examples=60, deadline=None)
@given(policies(), repositories)
def test_shadowed_and_dead_rules_never_decide(text: str, images: tuple[ImageSeen, ...]) -> None:
    dead = {
        one.finding.rule
        for one in lint(text, ALONE).findings
        if one.finding.code in ("lifecycle-shadowed", "lifecycle-impossible-tag")
    }
    for days in (0, 4, 100, 20_000):
        verdicts = evaluate(parse_policy(text), images, AT + timedelta(days=days)).verdicts
        assert {one.rule.priority for one in verdicts if one.rule} & dead == set()


@settings(max_examples=60, deadline=None)
@given(policies())
def test_a_rule_that_is_not_shadowed_decides_about_some_image(text: str) -> None:
    """Exactness the other way: for every other rule there is an image that it decides about."""
    said = {
        one.finding.rule
        for one in lint(text, ALONE).findings
        if one.finding.code in ("lifecycle-shadowed", "lifecycle-impossible-tag")
    }
    ruled = parse_policy(text)
    for at, one in enumerate(ruled.rules):
        wanted = patterns_of(one.selection)
        if one.priority in said or len(wanted) != 1:
            continue
        before = [patterns_of(other.selection) for other in ruled.rules[:at]]
        tag = example_tag(wanted, [other for other in before if other])
        assert tag is not None
        (verdict,) = evaluate(ruled, [image(1, tag)], AT).verdicts
        assert verdict.rule == one


# --- single things -------------------------------------------------------------------------------


def test_the_split_has_one_rule_for_each_entry_with_priorities_that_rise() -> None:
    text = policy(rule("prefix:main-,develop-", keep=10), rule("untagged", days=1))
    fix = json.loads(only(text, "several-prefixes").fix)
    assert [(one["rulePriority"], one["selection"].get("tagPrefixList")) for one in fix] == [
        (1, ["main-"]),
        (2, ["develop-"]),
        (3, None),
    ]


def test_the_place_is_the_list_that_is_wrong() -> None:
    text = policy(rule("untagged", days=1), rule("prefix:main-,develop-", keep=10))
    found = only(text, "several-prefixes")
    assert text.split("\n")[found.line - 1].strip() == '"tagPrefixList": ['


def test_an_image_with_both_tags_shows_that_and_was_meant() -> None:
    text = policy(rule("main-*,prod-*", keep=60), rule("untagged", days=1))
    both = Given(AT, (image(1, "main-1", "prod-1"),))
    one = Given(AT, (image(1, "main-1"), image(2, "prod-1")))
    assert "several-prefixes" in codes(lint(text, ALONE))
    assert "several-prefixes" not in codes(lint(text, both))
    assert "no image here does" in only(text, "several-prefixes", one).finding.message


def test_no_latest_here_then_no_finding_about_it() -> None:
    text = policy(rule("any", keep=60))
    assert "deletes-latest" in codes(lint(text, ALONE))
    assert "deletes-latest" not in codes(lint(text, Given(AT, (image(1, "topic-1"),))))


def test_any_first_is_said_for_both_worlds_and_the_rest_is_looked_at() -> None:
    text = policy(rule("any", keep=200), rule("prefix:main-,develop-", keep=60))
    found = only(text, "any-not-last")
    assert "archived" in found.finding.message
    assert json.loads(found.fix)["rulePriority"] == 3
    assert only(text, "several-prefixes").finding.rule == 2


def test_a_text_over_the_size_is_refused_only_if_blanks_do_not_help() -> None:
    text = policy(*(rule(f"team{n}-*", days=14) for n in range(44)), rule("untagged", days=1))
    wide = text.replace("\n", "\n" + " " * 60)
    assert only(wide, "too-large").finding.severity == "medium"
    long = policy(*(rule(f"team{n}-*", days=14, says="x" * 900) for n in range(40)))
    assert only(long, "too-large").finding.severity == "high"


def test_near_fifty_rules() -> None:
    text = policy(*(rule(f"team{n}-*", days=14) for n in range(46)), rule("untagged", days=1))
    assert codes(lint(text, ALONE)) == {"near-limits"}


def test_a_hundred_thousand_images_are_linted() -> None:
    images = tuple(image(n, f"v1.{n}" if n % 3 else f"sha-{n:x}") for n in range(100_000))
    text = policy(rule("live-*", keep=9999), rule("v*", keep=10), rule("untagged", days=1))
    (found,) = (
        one
        for one in lint(text, Given(AT, images)).findings
        if one.finding.code == "lifecycle-tags-without-rule"
    )
    assert "33334" in found.finding.message


def test_places_of_nested_and_odd_documents() -> None:
    text = '{\n "a\\"b": [1, {"c": "}]"}, [ ]],\n\t"d": {} }'
    places = places_of(text)
    assert line_and_column(text, places['a"b[1].c']) == (2, 15)
    assert line_and_column(text, places["d"]) == (3, 2)
    assert line_and_column(text, places['a"b[2]']) == (2, 27)


def test_a_document_that_is_too_deep_is_only_refused() -> None:
    text = '{"rules": ' + "[" * 700 + "]" * 700 + "}"
    assert codes(lint(text, ALONE)) == {"invalid"}


def test_other_tags_of_the_image_that_runs_count() -> None:
    text = policy(rule("sha-*", keep=60), rule("live-*", keep=9999), rule("untagged", days=1))
    here = Given(AT, (image(1, "sha-1", "live-prod"), image(2, "sha-2")))
    apart = Given(AT, (image(1, "web-1", "live-prod"), image(2, "sha-2")))
    assert "deletes-live" in codes(lint(text, here))
    assert "deletes-live" not in codes(lint(text, apart))


def test_a_move_before_the_rule_that_shadows() -> None:
    text = policy(rule("*", keep=100), rule("v*", keep=200), rule("untagged", days=1))
    fix = json.loads(only(text, "shadowed").fix)
    assert [(one["rulePriority"], one["selection"].get("tagPatternList")) for one in fix] == [
        (1, ["v*"]),
        (2, ["*"]),
    ]


def test_priorities_keep_their_gaps() -> None:
    text = policy(
        rule("prefix:dev,qa", keep=60, rulePriority=10),
        rule("topic-*", keep=60, rulePriority=20),
        rule("untagged", days=1, rulePriority=30),
    )
    made = corrected(text, ALONE)
    assert [one["rulePriority"] for one in made] == [10, 11, 20, 30]


def test_latest_alone_is_no_rule_that_counts_deploys() -> None:
    """Its tag moves on, so the image before it is no longer one of latest*."""
    text = policy(rule("prefix:latest", keep=1), rule("any", keep=2))
    assert only(text, "count-against-live").finding.rule == 2


@pytest.mark.parametrize(
    ("entry", "better"),
    [
        (".*", "*"),
        ("^v.*$", "v*"),
        ("^latest", "latest*"),
        ("release/*", "release-*"),
        ("[0-9]+.[0-9]+", "*.*"),
        (r"v\d+\.\d+", "v*.*"),
        (r"v\b", ""),
        ("-x", ""),
        ("", ""),
    ],
)
def test_what_was_probably_meant(entry: str, better: str) -> None:
    found = only(policy(rule(entry, keep=60), rule("untagged", days=1)), "impossible-tag")
    said = json.loads(found.fix)["selection"]["tagPatternList"] if found.fix else [""]
    assert said == [better]
