"""Which registry a reference opens, and which login goes where: told by what a listener hears."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from longshore.cli.settings import Settings
from longshore.cli.stores import Opener
from longshore.errors import LongshoreError, RefusedError, UsageError
from longshore.oci.reference import DOCKER_HUB, Reference
from longshore.provision.config import parse_config
from longshore.remote.ecr_registry import EcrRegistry
from longshore.remote.hub import Hub
from longshore.remote.registry import Registry

HUB_PASSWORD = "the-password-of-docker-hub"
OWN_PASSWORD = "the-password-of-this-host"
SECRETS = (HUB_PASSWORD, base64.b64encode(f"me:{HUB_PASSWORD}".encode()).decode())


@dataclass
class Ear:
    """A registry that refuses everybody, and everything that it was told."""

    port: int = 0
    heard: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def all(self) -> str:
        return "\n".join(self.heard)


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            made.heard.append(f"{self.path}\n{self.headers}\n{self.rfile.read(length).decode()}")
            body = b'{"errors": []}'
            self.send_response(401)
            realm = f'Bearer realm="http://{made.host}/token",service="s"'
            self.send_header("WWW-Authenticate", realm)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def logins(tmp_path: Path, **passwords: str) -> dict[str, str]:
    """An environment whose docker config holds these passwords of the user `me`."""
    auths = {
        host: {"auth": base64.b64encode(f"me:{password}".encode()).decode()}
        for host, password in passwords.items()
    }
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    return {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path), "PATH": ""}


def ask(opener: Opener, reference: Reference) -> None:
    """Try everything that a copy asks of a source first."""
    store = opener.source(reference)
    for question in (store.list_tags, lambda: store.resolve("v1"), store.read_allowance):
        with suppress(LongshoreError):
            question()


@pytest.mark.parametrize("name", [DOCKER_HUB, "https://index.docker.io/v1/", "index.docker.io"])
def test_docker_hubs_login_never_goes_to_what_stands_in_for_it(
    ear: Ear, tmp_path: Path, name: str
) -> None:
    environ = logins(tmp_path, **{name: HUB_PASSWORD})
    environ |= {"LONGSHORE_HUB_REGISTRY": ear.host, "LONGSHORE_HUB_API": f"http://{ear.host}"}
    ask(Opener(Settings(), environ), Reference(DOCKER_HUB, "acme/app"))
    assert len(ear.heard) >= 3
    assert not any(secret in ear.all for secret in SECRETS)
    assert "authorization" not in ear.all.lower()


def test_what_stands_in_gets_its_own_login(ear: Ear, tmp_path: Path) -> None:
    environ = logins(tmp_path, **{DOCKER_HUB: HUB_PASSWORD, ear.host: OWN_PASSWORD})
    environ |= {"LONGSHORE_HUB_REGISTRY": ear.host, "LONGSHORE_HUB_API": f"http://{ear.host}"}
    ask(Opener(Settings(), environ), Reference(DOCKER_HUB, "acme/app"))
    assert base64.b64encode(f"me:{OWN_PASSWORD}".encode()).decode() in ear.all
    assert not any(secret in ear.all for secret in SECRETS)


def test_a_mirror_of_the_config_gets_its_own_login_too(ear: Ear, tmp_path: Path) -> None:
    environ = logins(tmp_path, **{DOCKER_HUB: HUB_PASSWORD})
    text = (
        "version: 1\n"
        'targets: {a: {kind: ecr, account: "123456789012", region: eu-west-1}}\n'
        f'sources: {{docker.io: {{registry: "http://{ear.host}", api: "http://{ear.host}"}}}}\n'
    )
    config = parse_config(text, "longshore.yaml", environ)
    opener = Opener(Settings(), environ, config=config)
    ask(opener, Reference(DOCKER_HUB, "acme/app"))
    assert ear.heard
    assert not any(secret in ear.all for secret in SECRETS)


def test_another_registry_does_not_get_docker_hubs_login(ear: Ear, tmp_path: Path) -> None:
    environ = logins(tmp_path, **{DOCKER_HUB: HUB_PASSWORD, "127.0.0.1:1": OWN_PASSWORD})
    with pytest.raises(LongshoreError):
        Opener(Settings(), environ).source(Reference(ear.host, "acme/app")).list_tags()
    assert ear.heard
    assert "authorization" not in ear.all.lower()


AT_AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("docker.io", Hub),
        ("registry.example.com", Registry),
        ("123456789012.dkr.ecr.ap-northeast-2.amazonaws.com", EcrRegistry),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", EcrRegistry),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", EcrRegistry),
        ("123456789012.dkr.ecr.ap-northeast-2.amazonaws.com.evil.example", Registry),
        ("evil.example.123456789012.dkr.ecr.eu-west-1.amazonaws.com", Registry),
        ("12345678901.dkr.ecr.eu-west-1.amazonaws.com", Registry),
        ("public.ecr.aws", Registry),
    ],
)
def test_who_is_an_ecr(host: str, kind: type[Registry], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AT_AWS.items():
        monkeypatch.setenv(name, value)
    opened = Opener(Settings(), AT_AWS).registry(host, "source")
    assert type(opened) is kind
    assert opened.host == host


def test_one_client_for_each_side() -> None:
    opener = Opener(Settings(), {})
    one = opener.registry("registry.example.com", "source")
    assert opener.registry("registry.example.com", "source") is one
    assert opener.registry("registry.example.com", "target") is not one


def test_a_registry_at_aws_is_never_asked_for_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, ear: Ear
) -> None:
    environ = {**AT_AWS, "AWS_ENDPOINT_URL_ECR": f"http://{ear.host}"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RefusedError) as caught:
        Opener(Settings(), environ).registry(
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "target"
        )
    assert caught.value.code == "wrong-place"
    assert ear.heard == []


def test_a_host_of_another_partition_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AT_AWS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as caught:
        Opener(Settings(), AT_AWS).registry(
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn", "target"
        )
    assert "123456789012.dkr.ecr.eu-west-1.amazonaws.com" in caught.value.what
