"""`kill -9` of the embedded servers while images are pushed: nothing acknowledged is lost, and no
tag is served that cannot be pulled whole."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import botocore.session
import pytest

from longshore.embedded import daemon
from longshore.embedded.state import LocalState, UpOptions
from tests.kill.plain_client import PlainClient, basic, fetch

pytestmark = pytest.mark.kill
Login = Callable[[LocalState], str]


def hub_login(state: LocalState) -> str:
    scope = "repository:acme/killed:pull,push"
    url = f"{state.hub_api}/token?service=registry.docker.io&scope={scope}"
    _, said = fetch(url, basic(state.hub_user, state.hub_password))
    return "Bearer " + json.loads(said)["token"]


def ecr_login(state: LocalState) -> str:
    client = botocore.session.get_session().create_client(
        "ecr",
        region_name=state.region,
        endpoint_url=state.aws_endpoint,
        aws_access_key_id=state.access_key,
        aws_secret_access_key=state.secret_key,
    )
    if not client.describe_repositories()["repositories"]:
        client.create_repository(repositoryName="acme/killed")
    [data] = client.get_authorization_token()["authorizationData"]
    return "Basic " + data["authorizationToken"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "local"
    yield made
    daemon.down(made)


@pytest.mark.parametrize(
    ("registry", "login"), [("hub_registry", hub_login), ("ecr_registry", ecr_login)]
)
def test_no_tag_is_half(
    folder: Path, registry: str, login: Login, pytestconfig: pytest.Config
) -> None:
    rounds = max(1, pytestconfig.getoption("--kill-rounds") // 2)
    chance = random.Random(f"{pytestconfig.getoption('--kill-seed')} {registry}")
    acknowledged: dict[str, str] = {}
    killed_at_work = 0
    for number in range(rounds):
        state = daemon.up(UpOptions(folder))
        client = PlainClient(getattr(state, registry), "acme/killed", login(state), acknowledged)
        check(client)
        killed_at_work += push_until_killed(client, state, number, chance)
    state = daemon.up(UpOptions(folder))
    check(PlainClient(getattr(state, registry), "acme/killed", login(state), acknowledged))
    assert acknowledged
    assert killed_at_work


def check(client: PlainClient) -> None:
    """Every tag can be pulled whole, and what was acknowledged is there."""
    tags = client.list_tags() if client.acknowledged else []
    assert set(client.acknowledged) <= set(tags)
    for tag in tags:
        digest = client.pull(tag)
        assert digest == client.acknowledged.get(tag, digest)


def push_until_killed(
    client: PlainClient, state: LocalState, number: int, chance: random.Random
) -> bool:
    """Push from two threads and kill within 60 ms; whether a push was going on then."""
    failures: list[str] = []

    def push(which: int) -> None:
        own = random.Random(f"{number} {which}")
        try:
            for count in range(100):
                client.push(f"r{number}-{which}-{count}", own)
        except (OSError, http.client.HTTPException) as error:
            failures.append(str(error))

    threads = [threading.Thread(target=push, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(0, 0.06))
    os.kill(state.pid, signal.SIGKILL)
    for thread in threads:
        thread.join()
    return bool(failures)
