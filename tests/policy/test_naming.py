"""Names of repositories in ECR."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.oci.reference import parse_reference
from longshore.policy.naming import check_name, make_legal, suggest_name, suggest_names


@pytest.mark.parametrize(
    "name",
    ["ab", "a/b", "acme/shop", "a__b", "a---b", "a.b_c-d/e", "0a", "a" * 256],
)
def test_legal(name: str) -> None:
    assert check_name(name).legal


@pytest.mark.parametrize(
    ("name", "reason", "suggestion"),
    [
        ("", "it is empty", "image"),
        ("a", "1 characters; 2 to 256 are allowed", "image-a"),
        ("Acme/SHop", "upper-case letters: ASH", "acme/shop"),
        ("acme shop!", "characters that are not", "acme-shop"),
        ("acme//shop", "an empty part between slashes", "acme/shop"),
        ("/acme", "an empty part between slashes", "acme"),
        ("a___b", "each part begins", "a__b"),
        ("a._b", "each part begins", "a.b"),
        ("-ab-", "each part begins", "ab"),
        ("x" * 257, "257 characters", "x" * 256),
        ("쇼핑", "characters that are not", "image"),
    ],
)
def test_refused(name: str, reason: str, suggestion: str) -> None:
    verdict = check_name(name)
    assert not verdict.legal
    assert reason in verdict.reason
    assert verdict.suggestion == suggestion


@given(st.text(max_size=300))
def test_every_suggestion_is_legal(name: str) -> None:
    legal = make_legal(name)
    assert check_name(legal).legal
    assert make_legal(legal) == legal


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("node:18", "node"),
        ("docker.io/acme/shop", "acme/shop"),
        ("ghcr.io/acme/shop", "acme/shop"),
        ("registry.example.com/library/node", "library/node"),
        ("docker.io/library/r", "image-r"),
    ],
)
def test_suggestion(image: str, name: str) -> None:
    assert suggest_name(parse_reference(image)) == name


def test_registry_goes_in_front_where_two_images_collide() -> None:
    images = [parse_reference(text) for text in ("ghcr.io/acme/shop", "acme/shop", "acme/api:1")]
    assert suggest_names(images) == {
        "docker.io/acme/api": "acme/api",
        "docker.io/acme/shop": "acme/shop",
        "ghcr.io/acme/shop": "ghcr.io/acme/shop",
    }


@given(
    st.lists(
        st.sampled_from(
            ["a", "library/a", "b/c", "ghcr.io/b/c", "quay.io/a", "quay.io:5000/a", "x.io/b__c"]
        )
    )
)
def test_no_two_images_share_a_name_and_order_does_not_matter(texts: list[str]) -> None:
    images = [parse_reference(text) for text in texts]
    names = suggest_names(images)
    assert len(set(names.values())) == len(names) == len({image.name for image in images})
    assert names == suggest_names(list(reversed(images)))
    assert all(check_name(name).legal for name in names.values())
