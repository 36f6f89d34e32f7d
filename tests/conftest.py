"""For all tests: a clean environment, a home of their own, and the embedded servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from longshore.embedded.seed.load import seed_company
from longshore.embedded.stack import Stack
from longshore.embedded.state import UpOptions

# A busy machine is no failure.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

_FOREIGN = ("AWS_", "DOCKER_", "LONGSHORE_", "GITHUB_", "XDG_", "REGISTRY_AUTH", "CONTAINERS_")
_FOREIGN_NAMES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NO_COLOR", "ECR_REGISTRY"}
_KILL_ROUNDS = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kill-rounds", type=int, default=_KILL_ROUNDS, help="how often the kill tests kill"
    )
    parser.addoption("--kill-seed", type=int, default=1, help="the kill tests' random seed")


@pytest.fixture(scope="session", autouse=True)
def _own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No account, registry or proxy of whoever runs the tests; an empty home."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_FOREIGN) or name.upper() in _FOREIGN_NAMES:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield home


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Running embedded servers, the whole company at the Hub with little in each layer.

    Shared by all tests of a worker: do not change what the Hub has, write under names of your own.
    """
    with Stack(UpOptions(tmp_path_factory.mktemp("stack") / "local")) as made:
        list(seed_company(made.hub, small=True))
        yield made


@pytest.fixture
def fresh_stack(tmp_path: Path) -> Iterator[Stack]:
    """Running embedded servers of this test's own, empty."""
    with Stack(UpOptions(tmp_path / "local")) as made:
        yield made
