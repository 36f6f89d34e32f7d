"""One image explained: each rule's part, ranks, relations, what its moving tags save it from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.chain import Account, account_for, find_images
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import Policy
from tests.policy.lifecycle_days import NOW, image, newest, older, policy


def account(rules: Policy, images: list[ImageSeen], place: int = 0) -> Account:
    return account_for(evaluate(rules, images, NOW), images, images[place])


def test_each_rule_says_its_part() -> None:
    images = [image("main-1 v1", 3), image("main-2", 1), image("v2", 2), image("-x")]
    rules = policy(
        newest("live-*", 9),
        newest("main-*", 1),
        newest("v* & main-*", 5),
        older("untagged", 1),
        older("any", 90, "sinceImageTransitioned"),
        newest("any", 2),
    )
    found = account(rules, images)
    assert [link.role for link in found.links] == [
        *("no-match", "decides", "shielded", "no-match", "other-storage", "shielded")
    ]
    decides, shielded, last = found.links[1], found.links[2], found.links[5]
    assert (decides.rank, decides.among) == (2, 2)
    assert (shielded.matched, shielded.by) == ((("v*", "v1"), ("main-*", "main-1")), 2)
    assert (last.rank, last.among) == (4, 4)
    sentences = [link.sentence() for link in found.links]
    assert sentences[0] == "no tag meets live-*"
    assert sentences[1] == "DECIDES: main-1 matches main-*, 2nd newest of 2, limit 1"
    assert "rule 2 comes first" in sentences[2]
    assert sentences[3] == "the image has a tag"
    assert "archive" in sentences[4]


def test_an_and_list_that_half_matches_names_what_is_missing() -> None:
    (link,) = account(policy(newest("v* & main-*", 5)), [image("v1")]).links
    assert (link.matched, link.missing) == ((("v*", "v1"),), "main-*")
    assert link.sentence() == "no tag meets main-*"


def test_age_rules_tell_age_and_limit() -> None:
    (link,) = account(policy(older("untagged", 7)), [image("-x", 3)]).links
    assert link.sentence() == "DECIDES: pushed 3 days ago, limit 7 days"


def test_relations() -> None:
    child = image("-child", 9)
    index = image("v1", 9, children=(child.digest,))
    signature = image("-sig", 1, subject=index.digest)
    images = [child, index, signature]
    rules = policy(older("untagged", 5), newest("v*", 3))
    found = account(rules, images)
    assert found.holders == (index,)
    assert [one.image for one in found.behind] == [index]
    assert found.prospect.kind == "index"
    assert account(rules, images, 1).referrers == (signature,)
    follower = account(rules, images, 2)
    assert {link.role for link in follower.links} == {"follows"}
    assert follower.doubts == ()


def test_what_only_a_moving_tag_saves() -> None:
    images = [image("main-1 live-prod", 9), image("main-2", 1), image("latest main-3")]
    rules = policy(newest("live-*", 9999), newest("latest", 9999), newest("main-*", 2))
    saved = account(rules, images)
    assert saved.moving == ("live-prod",)
    assert saved.without is not None
    assert (saved.without.action, saved.without.rank) == ("expire", 3)
    newest_one = account(rules, images, 2)
    assert newest_one.without is not None
    assert newest_one.without.action == "keep"
    assert account(rules, images, 1).moving == ()


def test_what_becomes_of_an_archived_image() -> None:
    rules = policy((older("v*", 5), "transition"), older("any", 90, "sinceImageTransitioned"))
    found = account(rules, [image("v1", 9)])
    assert found.prospect.kind == "now"
    assert found.then is not None
    assert found.then.at is not None
    assert (found.then.at - NOW).days == 90


def test_doubts_are_those_of_the_image() -> None:
    images = [image("v1", 1), image("v2", 1), image("v3", 0)]
    rules = policy(newest("v*", 2))
    assert account(rules, images, 2).doubts == ()
    assert [one.point for one in account(rules, images, 0).doubts] == ["ties"]


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "a b", "-"]), st.integers(0, 20)), min_size=1),
    st.permutations([newest("a*", 2), newest("b*", 1), older("a*", 4), older("untagged", 3)]),
)
def test_the_rule_that_decides_is_the_verdicts(
    found: list[tuple[str, int]], selections: list[object]
) -> None:
    images = [
        image(" ".join(f"{word}{n}" for word in kind.split()), age)
        for n, (kind, age) in enumerate(found)
    ]
    rules = policy(*selections)  # type: ignore[arg-type]
    for place in range(len(images)):
        told = account(rules, images, place)
        decides = [link.rule for link in told.links if link.role == "decides"]
        assert decides == ([told.verdict.rule] if told.verdict.rule else [])
        for link in told.links:
            assert link.sentence()
            if link.role == "shielded":
                assert link.by == decides[0].priority < link.rule.priority


@pytest.mark.parametrize(
    ("text", "found"), [("v1", 1), ("sha256:", 0), ("abc", 0), ("nope", 0), ("1b4f0e", 0)]
)
def test_finding(text: str, found: int) -> None:
    assert len(find_images([image("v1"), image("v2")], text)) == found


def test_finding_by_the_beginning_of_a_digest() -> None:
    one, other = image("v1"), image("v2")
    digits = one.digest.removeprefix("sha256:")
    assert find_images([one, other], digits[:6].upper()) == (one,)
    assert find_images([one, other], one.digest) == (one,)
    assert find_images([one, other], digits[:5]) == ()
    assert len(find_images([one, other, ImageSeen(f"{one.digest[:-1]}x")], digits[:20])) == 2
