"""All embedded servers in this process, on ports and with accounts that stay the same. I/O.

Used by the background process and, in the same way, by tests. Each listener's requests go through
the access log and the scripted faults before they reach their server.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
from dataclasses import replace
from typing import Any

from longshore.embedded.access_log import AccessLog, with_log
from longshore.embedded.accounts import keep_accounts, open_accounts
from longshore.embedded.aws import Aws, RootKey, aws_handler
from longshore.embedded.clock import Clock
from longshore.embedded.contents import Contents
from longshore.embedded.ecr_auth import get_authorization_token
from longshore.embedded.ecr_registry import ecr_handlers
from longshore.embedded.ecr_state import EcrOptions
from longshore.embedded.faults import Faults, with_faults
from longshore.embedded.hub import Hub, HubOptions, hub_handlers
from longshore.embedded.limits import PullLimits
from longshore.embedded.server import Listener
from longshore.embedded.state import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    LISTENERS,
    LocalState,
    UpOptions,
    prepare_data_dir,
    write_client_files,
    write_private,
)
from longshore.embedded.wire import Handler, application
from longshore.errors import LongshoreError
from longshore.text import tr

_FIRST_PORT, _PORTS, _TRIES = 20000, 12000, 50


class Stack:
    """The servers of one data folder; at most one at a time may run on a folder.

    Raises LongshoreError (`port-taken`), RefusedError, FileError.
    """

    def __init__(self, options: UpOptions) -> None:
        folder = options.data_dir
        prepare_data_dir(folder)
        self.options = options
        self.clock = Clock(folder / "clock.json")
        self.faults = Faults()
        self.access = AccessLog(self.clock, folder / "access.jsonl")
        self._accounts = open_accounts(folder)
        self._listeners = {name: Listener() for name in LISTENERS}
        self._aws: Aws | None = None
        self._hub: Contents | None = None
        self._state: LocalState | None = None

    @property
    def state(self) -> LocalState:
        """Where the servers answer; only after `start`."""
        if self._state is None:
            raise RuntimeError("the servers are not started")
        return self._state

    @property
    def hub(self) -> Contents:
        """What the Hub holds; only after `start`."""
        if self._hub is None:
            raise RuntimeError("the servers are not started")
        return self._hub

    @property
    def aws(self) -> Aws:
        """The AWS account; only after `start`."""
        if self._aws is None:
            raise RuntimeError("the servers are not started")
        return self._aws

    @property
    def ecr(self) -> Contents:
        """What the ECR holds, in the region that it serves; only after `start`."""
        return self.aws.ecr.served.contents

    def start(self) -> LocalState:
        """Take the ports, then answer on all of them."""
        try:
            self._bind()
            self._state = self._make_state()
            self._serve()
            keep_accounts(self.options.data_dir, self._accounts)
            write_client_files(self._state)
            self._wait_until_all_answer()
            self.aws.lifecycle.start()
            self.aws.alarms.start()
        except BaseException:
            self.stop()
            raise
        return self._state

    def stop(self) -> None:
        """Let running requests end, close all files; safe to call twice."""
        for listener in self._listeners.values():
            listener.stop(grace_s=1)
        if self._aws is not None:
            self._aws.close()
        if self._hub is not None:
            self._hub.close()
        self.access.close()
        self._aws = self._hub = None

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def login(self) -> dict[str, Any]:
        """Write a docker config with the Hub account and a fresh ECR token; where, until when."""
        state = self.state
        root = self.aws.find_principal(state.access_key)
        if root is None:
            raise RuntimeError("the account's own key is unknown")
        [data] = get_authorization_token(self.aws.ecr.served, {}, root)["authorizationData"]
        hub = base64.b64encode(f"{state.hub_user}:{state.hub_password}".encode()).decode()
        auths = {
            state.hub_registry: {"auth": hub},
            state.ecr_registry: {"auth": data["authorizationToken"]},
        }
        state.docker_config.mkdir(mode=0o700, exist_ok=True)
        document = json.dumps({"auths": auths}, indent=2) + "\n"
        write_private(state.docker_config / "config.json", document)
        expires_at = data["expiresAt"].strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"registries": list(auths), "expires_at": expires_at}

    def contents_summary(self) -> list[dict[str, Any]]:
        """Repositories of both registries with their number of tags."""
        return [
            {
                "registry": registry,
                "repository": one.name,
                "tags": len(contents.list_tags(one.name)),
            }
            for registry, contents in (("hub", self.hub), ("ecr", self.ecr))
            for one in contents.list_repositories()
        ]

    def _bind(self) -> None:
        for name in LISTENERS:
            self._listeners[name] = self._bound(name)
        ports = {name: listener.port for name, listener in self._listeners.items()}
        self._accounts = replace(self._accounts, ports=ports)

    def _bound(self, name: str) -> Listener:
        """A listener on the wanted port, or on last time's, or on a free one."""
        if wanted := self.options.ports.get(name, 0):
            try:
                return _listener(wanted)
            except LongshoreError as error:
                raise LongshoreError(
                    error.what,
                    tr("choose another one with --port-{name}", name=name),
                    code=error.code,
                ) from None
        last = self._accounts.ports.get(name)
        for port in ([last] if last else []) + _candidates():
            try:
                return _listener(port)
            except LongshoreError:
                continue  # somebody else has it
        return _listener(0)

    def _make_state(self) -> LocalState:
        at, accounts, options = self._listeners, self._accounts, self.options
        return LocalState(
            aws_endpoint=at["aws"].url,
            ecr_registry=at["ecr"].address,
            hub_registry=at["hub"].address,
            hub_api=at["hub-api"].url,
            account=options.account or DEFAULT_ACCOUNT,
            region=options.region or DEFAULT_REGION,
            pid=os.getpid(),
            access_key=accounts.access_key,
            secret_key=accounts.secret_key,
            hub_user=accounts.hub_user,
            hub_password=accounts.hub_password,
            mode=options.mode or "ecr",
            pull_limit=options.pull_limit,
            account_pull_limit=options.account_pull_limit,
            data_dir=options.data_dir,
            ports=accounts.ports,
        )

    def _serve(self) -> None:
        for name, handler in {**self._hub_handlers(), **self._aws_handlers()}.items():
            watched = with_log(with_faults(handler, self.faults, name), self.access, name)
            self._listeners[name].app = application(watched)
            self._listeners[name].start()

    def _hub_handlers(self) -> dict[str, Handler]:
        state = self.state
        self._hub = Contents(state.data_dir, "hub", self.clock)
        limits = PullLimits(state.pull_limit, state.account_pull_limit)
        account = HubOptions(state.hub_user, state.hub_password, limits)
        hub = Hub(self._hub, state.data_dir, account)
        hub.bind(self._listeners["hub-api"].url, self._listeners["hub-cdn"].url)
        handlers = hub_handlers(hub)
        return {"hub": handlers.registry, "hub-api": handlers.api, "hub-cdn": handlers.cdn}

    def _aws_handlers(self) -> dict[str, Handler]:
        state = self.state
        account = EcrOptions(state.account, state.region, state.mode)
        root = RootKey(state.access_key, state.secret_key)
        self._aws = aws = Aws(state.data_dir, account, self.clock, root)
        aws.ecr.bind(self._listeners["ecr"].address, self._listeners["layers"].url)
        ecr = ecr_handlers(aws.ecr, aws.find_principal, aws.access)
        return {
            "aws": aws_handler(aws),
            "ecr": ecr.registry,
            "layers": ecr.layers,
        }

    def _wait_until_all_answer(self) -> None:
        for listener in self._listeners.values():
            connection = http.client.HTTPConnection(listener.host, listener.port, timeout=10)
            try:
                connection.request("GET", "/v2/")
                connection.getresponse().read()
            finally:
                connection.close()


def _candidates() -> list[int]:
    """Ports to try, none of which the system gives to outgoing connections by itself.

    One that it does could be taken at every restart.
    """
    return [_FIRST_PORT + secrets.randbelow(_PORTS) for _ in range(_TRIES)]


def _listener(port: int) -> Listener:
    made = Listener(port=port)
    made.bind()
    return made
