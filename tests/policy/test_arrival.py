"""What a copy brings and a count rule takes away again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from longshore.policy.lifecycle.arrival import Arriving, expiring_on_arrival
from longshore.policy.lifecycle.preset import canonical_text, standard_policy

STANDARD = canonical_text(standard_policy())


def names(found) -> list[str]:
    return sorted(one.image.tags[0] for one in found)


def arrive(*tags: str) -> list[Arriving]:
    return [Arriving(f"sha256:{tag}", (tag,), place) for place, tag in enumerate(tags)]


def test_the_sixth_develop_image_goes_and_it_is_the_oldest() -> None:
    found = expiring_on_arrival(STANDARD, arrive(*[f"develop-{n}" for n in range(6)]))
    assert names(found) == ["develop-0"]
    assert (found[0].keeps, found[0].patterns) == (5, ("develop-*",))


def test_what_a_rule_before_protects_stays_but_takes_a_place() -> None:
    images = arrive(*[f"v1.{n}" for n in range(11)])
    images[0] = Arriving(images[0].digest, ("v1.0", "live-prod"), 0)
    assert names(expiring_on_arrival(STANDARD, images)) == []
    images.append(Arriving("sha256:x", ("v2",), 99))
    assert names(expiring_on_arrival(STANDARD, images)) == ["v1.1"]


def test_latest_and_what_no_rule_names_stay() -> None:
    assert expiring_on_arrival(STANDARD, arrive("latest", "1", "stable", "build-7")) == []


def test_lists_are_and_and_only_a_star_is_a_wildcard() -> None:
    rule = {
        "rulePriority": 1,
        "selection": {
            "tagStatus": "tagged",
            "tagPatternList": ["a[*", "b?*"],
            "countType": "imageCountMoreThan",
            "countNumber": 1,
        },
        "action": {"type": "expire"},
    }
    text = canonical_text({"rules": [rule]})
    both = [Arriving(f"d{n}", ("a[1", "b?2"), n) for n in range(2)]
    one = [Arriving(f"e{n}", ("a1", "bx"), n) for n in range(5)]
    found = expiring_on_arrival(text, both + one)
    assert [expiring.image.digest for expiring in found] == ["d0"]


@given(some.lists(some.sampled_from(["v", "main-", "pr-", "x-"]), max_size=40), some.randoms())
def test_the_order_of_the_list_does_not_matter_and_the_newest_is_never_taken(kinds, dice) -> None:
    images = arrive(*[f"{kind}{place}" for place, kind in enumerate(kinds)])
    found = names(expiring_on_arrival(STANDARD, images))
    shuffled = list(images)
    dice.shuffle(shuffled)
    assert names(expiring_on_arrival(STANDARD, shuffled)) == found
    for kind, keeps in (("v", 10), ("main-", 10), ("pr-", 3)):
        own = [image.tags[0] for image in images if image.tags[0].startswith(kind)]
        assert sorted(own[: max(0, len(own) - keeps)]) == sorted(n for n in found if n in own)
