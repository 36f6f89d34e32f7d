"""The embedded Docker Hub with its three listeners, for the tests of this folder."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.embedded.talk import Answer, Talk

from longshore.embedded.clock import Clock
from longshore.embedded.contents import Contents
from longshore.embedded.hub import Hub, HubOptions, hub_handlers
from longshore.embedded.limits import PullLimits
from longshore.embedded.server import Listener
from longshore.embedded.wire import application

USER, PASSWORD = "acme", "dckr_pat_päss:word"
LIMITS = PullLimits(anonymous=5, account=8)


def basic(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@dataclass(frozen=True)
class HubWorld:
    """A running Hub and its clients: `registry`, `api` and `cdn` send no login by themselves."""

    hub: Hub
    clock: Clock
    registry: Talk
    api: Talk
    cdn: Talk

    @property
    def contents(self) -> Contents:
        return self.hub.contents

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.registry.port}"

    def ask_token(self, *scopes: str, login: dict[str, str] | None = None) -> Answer:
        query = urlencode([("service", "registry.docker.io"), *(("scope", one) for one in scopes)])
        return self.api("GET", f"/token?{query}", headers=login or {})

    def client(
        self, repository: str, actions: str = "pull", login: dict[str, str] | None = None
    ) -> Talk:
        """A client of the registry with a token for the repository."""
        answer = self.ask_token(f"repository:{repository}:{actions}", login=login)
        assert answer.status == 200, answer
        return Talk(self.registry.port, {"Authorization": f"Bearer {answer.json()['token']}"})

    def pusher(self, repository: str) -> Talk:
        return self.client(repository, "pull,push", basic())

    def jwt(self) -> dict[str, str]:
        """The account's login at the web API."""
        body = b'{"username": "acme", "password": "dckr_pat_p\\u00e4ss:word"}'
        token = self.api("POST", "/v2/users/login", body).json()["token"]
        return {"Authorization": f"Bearer {token}"}

    def push(self, repository: str, tag: str = "v1", *, private: bool = False, **more: Any) -> str:
        """A small image; its digest."""
        talk = self.pusher(repository)
        if private:
            self.contents.create_repository(repository, {"private": True})
        return talk.push_image(repository, f"{repository} {tag}", tag, **more)[0]


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[HubWorld]:
    """The Hub of a folder, until the block ends."""
    clock = Clock(folder / "clock.json")
    contents = Contents(folder, "hub", clock)
    hub = Hub(contents, folder, HubOptions(USER, PASSWORD, **options))
    handlers = hub_handlers(hub)
    listeners = [
        Listener(application(handler), threads=8)
        for handler in (handlers.registry, handlers.api, handlers.cdn)
    ]
    try:
        registry, api, cdn = (listener.start() for listener in listeners)
        hub.bind(api.url, cdn.url)
        yield HubWorld(hub, clock, *(Talk(one.port, {}) for one in (registry, api, cdn)))
    finally:
        for listener in listeners:
            listener.stop(grace_s=0)
        contents.close()
