"""Fixtures of the embedded servers' own tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.embedded.aws_world import World, running


@pytest.fixture(scope="session")
def _shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("aws")) as world:
        yield world


@pytest.fixture
def aws(_shared_world: World) -> World:
    """A running embedded account; its ECR is empty at the start of each test."""
    contents = _shared_world.aws.ecr.served.contents
    for repository in contents.list_repositories():
        contents.delete_repository(repository.name)
    return _shared_world


@pytest.fixture
def shop(aws: World) -> World:
    """The same with a repository `shop`."""
    aws.client().create_repository(repositoryName="shop")
    return aws
