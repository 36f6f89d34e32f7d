"""The first longshore.yaml."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from longshore.oci.reference import parse_reference
from longshore.provision.config import parse_config
from longshore.provision.settings import Mutability
from longshore.provision.starter import Found, FoundImage, render_config

ENVIRON = {"AWS_ACCOUNT_ID": "123456789012", "AWS_REGION": "eu-west-1"}


def test_what_was_found_is_written_and_read_back() -> None:
    found = Found(
        images=(
            FoundImage(parse_reference("acme/shop"), ("v1", "v2", "latest")),
            FoundImage(parse_reference("acme/api"), ("v1", "main", "develop"), target="api"),
            FoundImage(parse_reference("node")),
        ),
        account="012345678901",
        region="ap-northeast-2",
        branches=("main", "feature/*"),
    )
    text = render_config(found)
    config = parse_config(text)
    assert config.target().account == "012345678901"
    assert [(str(rule.source), rule.target) for rule in config.images] == [
        ("docker.io/acme/api", "api"),
        ("docker.io/acme/shop", "acme/shop"),
        ("docker.io/library/node", "node"),
    ]
    assert set(config.repositories) == {"api", "acme/shop", "node"}
    shop = config.repositories["acme/shop"]
    assert shop.mutability == Mutability("immutable", ("latest", "pr-*", "live-*", "rollback-*"))
    assert (shop.scan, shop.lifecycle and shop.lifecycle.preset) == (True, "standard")
    assert config.repositories["api"].mutability == Mutability("mutable", ("v*",))
    assert config.ci.branches == ("main", "feature/*")
    assert "# tags there: 3" in text
    assert max(map(len, text.splitlines())) <= 110


def test_what_was_not_found_is_a_variable_and_never_a_guess() -> None:
    text = render_config(Found())
    assert "${AWS_ACCOUNT_ID}" in text
    config = parse_config(text, environ=ENVIRON)
    assert (config.target().account, config.target().region) == ("123456789012", "eu-west-1")
    assert (config.images, dict(config.repositories)) == ((), {})


def test_the_embedded_servers_alone() -> None:
    config = parse_config(render_config(Found(local=True)))
    assert [target.kind for target in config.targets.values()] == ["local"]


references = st.sampled_from(
    ["a/b", "node", "ghcr.io/a/b", "127.0.0.1:5000/x", "a/b__c", "x.io/yes", "true", "localhost/1"]
).map(parse_reference)
tags = st.none() | st.lists(st.sampled_from(["v1", "main", "latest", "x.y", "true", "on"])).map(
    tuple
)


@given(
    st.lists(st.builds(FoundImage, references, tags), unique_by=lambda one: one.source),
    st.lists(st.text(max_size=8), max_size=3),
)
def test_whatever_was_found_the_text_is_a_config(
    images: list[FoundImage], branches: list[str]
) -> None:
    names = tuple(name for name in branches if name.isprintable())
    config = parse_config(render_config(Found(tuple(images), branches=names)), environ=ENVIRON)
    assert sorted(str(rule.source) for rule in config.images) == sorted(
        image.source.name for image in images
    )
    assert {rule.target for rule in config.images} == set(config.repositories)
    if names:
        assert config.ci.branches == names
