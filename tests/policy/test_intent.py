"""Own intents: what they become, what is left to prune, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.compile import (
    Compiled,
    compile_flaws,
    compile_intent,
    compile_standard,
)
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import find_flaws, parse_policy
from longshore.policy.lifecycle.intent import FamilyIntent, Intent
from longshore.policy.lifecycle.preset import KEEP_ALL, Families
from longshore.policy.lifecycle.pruning import BACKUP_RULE, PruneRule

from .test_preset import AGE, COUNT, rows

PRODUCTION = FamilyIntent("production", ("latest", "v*", "main-*", "master-*"), 10)
BRANCHES = FamilyIntent("branches", ("develop-*", "feature-*"), 5)


def own_rows(made: Compiled) -> list[tuple[object, ...]]:
    """The rules behind the protecting ones and the backups'."""
    assert made.policy is not None
    return rows(made.policy)[4:]


def compiled(*families: FamilyIntent, markers: str = "all") -> Compiled:
    return compile_intent(Intent(families=families), Families(markers=markers))  # type: ignore[arg-type]


def test_protection_cannot_be_taken_away_only_added() -> None:
    made = compile_intent(Intent(keep=(("v*", 1),), protect=("base-*", "latest")))
    assert made.protected == ("live-*", "rollback-*", "latest", "base-*")
    assert rows(made.policy or {})[:5] == [
        *((pattern, COUNT, KEEP_ALL) for pattern in made.protected),
        ("backup-*", COUNT, KEEP_ALL),
    ]


def test_the_old_keys_are_one_rule_each() -> None:
    made = compile_intent(Intent((("v*", 3),), (("nightly-*", 14),), 2, 9))
    assert own_rows(made) == [("v*", COUNT, 3), ("nightly-*", AGE, 14), ("untagged", AGE, 2)]
    backups = PruneRule("backups", ("backup-*",), keep_for_days=9, at_least=3, clock="tag-name")
    assert made.prune == (backups,)
    assert made.notes == (
        "backups: `longshore lifecycle prune` takes their tags after 9 days, never the last 3; "
        "ECR's rule only bounds them",
    )


def test_one_pattern_is_one_rule_and_needs_nothing_else() -> None:
    made = compiled(FamilyIntent("requests", ("pr-*",), 3), FamilyIntent("v", ("v*",), None, 90))
    assert own_rows(made) == [("pr-*", COUNT, 3), ("v*", AGE, 90)]
    assert (made.prune, made.notes) == ((), ())


def test_one_limit_by_markers() -> None:
    made = compiled(PRODUCTION, BRANCHES, FamilyIntent("requests", ("pr-*",), 3))
    assert own_rows(made) == [
        ("prod-*", COUNT, 10),
        *((pattern, COUNT, 10) for pattern in ("v*", "main-*", "master-*")),
        ("branch-*", COUNT, 5),
        *((pattern, COUNT, 5) for pattern in ("develop-*", "feature-*")),
        ("pr-*", COUNT, 3),
    ]
    assert made.notes[0] == (
        "production: 10 images by their marker prod-*; images without it, such as those copied "
        "from elsewhere, up to 30 more until `longshore lifecycle prune` runs"
    )


def test_one_limit_without_markers_is_an_upper_bound_and_prune() -> None:
    family = FamilyIntent("production", ("v*", "main-*"), 10, marker="none")
    for made in (compiled(family), compiled(PRODUCTION, markers="none")):
        patterns = [row[0] for row in own_rows(made)]
        assert "prod-*" not in patterns
    made = compiled(family)
    assert own_rows(made) == [("v*", COUNT, 10), ("main-*", COUNT, 10)]
    assert made.prune == (PruneRule("production", ("v*", "main-*"), keep_newest=10),)
    assert made.notes == (
        "production: up to 20 images until `longshore lifecycle prune` runs, because v* and "
        "main-* carry no marker",
    )


@pytest.mark.parametrize(
    "families",
    [
        (FamilyIntent("production", ("v*",), 10), FamilyIntent("main", ("main-*",), 3)),
        (FamilyIntent("production", ("v*", "x-*"), 10),),
        (PRODUCTION, FamilyIntent("rest", ("*",), 3)),
        (BRANCHES, FamilyIntent("hotfixes", ("hotfix-*",), 3)),
        (BRANCHES, FamilyIntent("branch", ("hotfix-*",), 3)),
    ],
)
def test_no_marker_is_used_that_stands_on_other_images_as_well(
    families: tuple[FamilyIntent, ...],
) -> None:
    made = compile_intent(Intent(families=families), Families(branches=("main", "develop")))
    patterns = [row[0] for row in own_rows(made)]
    assert not {"prod-*", "branch-*"} & set(patterns)
    joint = [note for note in made.notes if "up to" in note]
    assert all("stands on other images as well" in note for note in joint)


def test_only_main_branches_that_the_pipeline_builds_must_be_named() -> None:
    intent = Intent(families=(FamilyIntent("production", ("v*", "main-*"), 10),))
    for branches, used in ((("main", "feature/*"), True), (("main", "master"), False)):
        made = compile_intent(intent, Families(branches=branches))
        assert (("prod-*", COUNT, 10) in own_rows(made)) is used


@pytest.mark.parametrize(
    ("family", "why"),
    [
        (FamilyIntent("x", ("v*",), 3, 30), "its rules take what is old or what is not among"),
        (FamilyIntent("x", ("v*",), 3, per="minor-version"), "not those of each minor version"),
        (FamilyIntent("x", ("*",), 3), "the images of live-*, rollback-*, latest and backup-*"),
    ],
)
def test_what_ecr_cannot_do_is_shielded_there_and_done_by_prune(
    family: FamilyIntent, why: str
) -> None:
    made = compiled(family)
    assert own_rows(made) == [(family.tags[0], COUNT, KEEP_ALL)]
    (rule,) = made.prune
    assert (rule.keep_newest, rule.keep_for_days, rule.per) == (
        *(family.keep_newest, family.keep_for_days),
        family.per,
    )
    assert why in made.notes[0]


def test_a_family_behind_one_that_shares_its_tags_leaves_them_alone() -> None:
    made = compiled(FamilyIntent("old", ("v1.*",), 2), FamilyIntent("all", ("v*",), 3))
    assert own_rows(made) == [("v1.*", COUNT, 2), ("v*", COUNT, KEEP_ALL)]
    assert made.prune == (PruneRule("all", ("v*",), keep_newest=3, excluding=("v1.*",)),)


def test_archiving_and_its_end() -> None:
    made = compiled(
        FamilyIntent("short", ("x-*",), 2),
        FamilyIntent("audit", ("audit-*",), None, 365, archive_after_days=84),
    )
    policy = parse_policy(made.text or "")
    at = datetime(2026, 3, 1, tzinfo=UTC)

    def image(tags: tuple[str, ...], days: int, archived: int | None = None) -> ImageSeen:
        past = at - timedelta(days=archived or 0)
        return ImageSeen(
            f"sha256:{days}{tags}", tags, pushed_at=at - timedelta(days=days, seconds=1),
            status="ACTIVE" if archived is None else "ARCHIVED",
            archived_at=None if archived is None else past - timedelta(seconds=1),
        )  # fmt: skip

    cases = {
        image(("audit-1",), 83): "keep",
        image(("audit-2",), 84): "transition",
        image(("audit-3", "live-prod"), 200): "keep",
        image(("audit-4",), 364, 280): "keep",
        image(("audit-5",), 366, 281): "expire",
        image(("audit-6", "rollback-prod"), 400, 300): "keep",
        image(("audit-7", "x-7"), 400, 300): "keep",
    }
    found = evaluate(policy, list(cases), at).verdicts
    assert [one.action for one in found] == list(cases.values())
    assert made.notes == (
        "audit: archived after 84 days; a pull of an archived image answers 404, restoring it "
        "takes time and money, and below 150 TB archive costs what standard storage costs",
    )


@pytest.mark.parametrize(
    ("families", "flaw"),
    [
        ([FamilyIntent("a", ("v*",))], "a: nothing is asked; add keep_newest, keep_for or"),
        ([FamilyIntent("a", ("latest",), 3)], "a: latest always stays; name tags that may go"),
        ([FamilyIntent("a", ("v*",), None, 9, per="branch")], "a: per says of what keep_newest"),
        (
            [FamilyIntent("a", ("v*",), 3, archive_after_days=30)],
            "the nearest is archive_after: 30d with keep_for: 120d",
        ),
        (
            [FamilyIntent("a", ("v*",), None, 100, archive_after_days=30)],
            "ECR keeps what it archived for 90 days at least; the nearest is keep_for: 120d",
        ),
        ([FamilyIntent("a", ("backup-*",), None, 7)], "it counts from the push, not from the"),
        ([FamilyIntent("a", ("live-prod",), 3)], "a: live-prod is protected and never goes"),
        (
            [FamilyIntent("a", ("v*",), 3), FamilyIntent("b", ("v1.*", "x-*"), 3)],
            "b: every tag that v1.* matches belongs to a already; take it out, or write b first",
        ),
        ([FamilyIntent("a", ("a*b*c*d*e*",), 3)], "'a*b*c*d*e*' has more than 4 wildcards"),
        (
            [FamilyIntent(f"f{n}", tuple(f"t{n}-{m}-*" for m in range(10)), 1) for n in range(5)],
            "54 rules; ECR takes 50",
        ),
    ],
)
def test_what_nobody_can_do_is_refused_with_what_comes_nearest(
    families: list[FamilyIntent], flaw: str
) -> None:
    (found,) = compile_flaws(Intent(families=tuple(families)))
    assert flaw in found


def test_the_standard_preset_says_where_a_limit_is_not_one() -> None:
    assert compile_standard().notes == ()
    made = compile_standard(Families(branches=("main", "develop"), markers="none"))
    assert made.prune == (BACKUP_RULE,)
    assert made.notes == (
        "production: up to 20 images, because v* and main-* carry no marker",
        "branches: up to 15 images, because develop-*, feature-* and nightly-* carry no marker",
        "images of other branches are reached by no rule, because they carry no marker",
    )
    assert compile_standard(Families(branches=("main",), markers="needed")).notes[:1] == (
        "production: up to 20 images, because v* and main-* carry no marker",
    )


def test_components_carry_markers_and_have_tags_like_latest() -> None:
    needed = compile_standard(Families(markers="needed", components=True))
    assert needed.notes == ()
    assert needed.protected == ("live-*", "rollback-*", "latest", "*-latest")
    assert rows(needed.policy or {})[3] == ("*-latest", COUNT, KEEP_ALL)
    (note,) = compile_standard(Families(markers="none", components=True)).notes
    assert note.startswith("images of components are reached by no rule")


patterns = st.text("abv*-.", min_size=1, max_size=6).filter(lambda p: p.count("*") <= 4)
counted = st.dictionaries(patterns, st.integers(1, 500), max_size=4).map(lambda d: tuple(d.items()))
plain_intents = st.builds(
    Intent,
    keep=counted,
    max_age_days=counted,
    untagged_days=st.none() | st.integers(1, 99),
    backup_days=st.none() | st.integers(1, 99),
    protect=st.lists(patterns, max_size=3).map(tuple),
)


@given(plain_intents)
def test_every_intent_of_the_old_keys_becomes_a_policy_that_ecr_takes(intent: Intent) -> None:
    assert compile_flaws(intent) == []
    made = compile_intent(intent)
    assert find_flaws(made.text or "") == ()
    assert made.policy is not None
    rules = made.policy["rules"]
    assert [rule["rulePriority"] for rule in rules] == list(range(1, len(rules) + 1))
    assert all(len(rule["selection"].get("tagPatternList", "1")) == 1 for rule in rules)


@pytest.mark.parametrize(
    ("intent", "flaw"),
    [
        (Intent(keep=(("a*b*c*d*e*", 1),)), "'a*b*c*d*e*' has more than 4 wildcards"),
        (Intent(keep=tuple((f"r{n}-*", 1) for n in range(50))), "54 rules; ECR takes 50"),
    ],
)
def test_flaws_of_an_intent(intent: Intent, flaw: str) -> None:
    assert compile_flaws(intent) == [flaw]
    assert find_flaws(compile_intent(intent).text or "")
