"""ci secrets against a small server that speaks GitHub's API, with a real key pair."""

from __future__ import annotations

import io
import json
import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from nacl.public import PrivateKey, SealedBox
from tests.cli.conftest import RunCli

from longshore.errors import LongshoreError, MissingExtraError
from longshore.remote.github import seal

TOKEN = "ghp_the-token-of-the-test"
FILE = """\
version: 1
targets: {prod: {kind: ecr, account: "123456789012", region: ap-northeast-2}}
repositories: {github-actions-demo-day2: {}}
ci: {auth: keys}
"""
KEYS = "AWS_ACCESS_KEY_ID=AKIAEXAMPLE\nexport AWS_SECRET_ACCESS_KEY='with = sign'\n# done\n"


@dataclass
class GitHub:
    """acme/shop at GitHub: what it stores, and what was asked."""

    url: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    organization: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    key: PrivateKey = field(default_factory=PrivateKey.generate)

    def opened(self, name: str) -> str:
        """A secret as GitHub reads it."""
        return SealedBox(self.key).decrypt(b64decode(self.secrets[name])).decode()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """What the API says."""
        place, _, query = path.partition("?")
        place = place.removeprefix("/api/v3/repos/acme/shop/actions/")
        if self.status:
            return self.status, {"message": "no"}
        if (method, place) == ("GET", "secrets/public-key"):
            return 200, {"key_id": "7", "key": b64encode(bytes(self.key.public_key)).decode()}
        if method == "GET" and place in ("secrets", "variables"):
            return 200, self.page(place, sorted(getattr(self, place)), query)
        if method == "GET" and place.startswith("organization-"):
            key = place.removeprefix("organization-")
            if not self.organization:
                return 404, {}
            return 200, self.page(key, self.organization.get(key, []), query)
        name = place.rpartition("/")[2]
        if method == "PUT" and place.startswith("secrets/"):
            assert body["key_id"] == "7"
            new = name not in self.secrets
            self.secrets[name] = body["encrypted_value"]
            return (201 if new else 204), {}
        if method == "PATCH" and name in self.variables:
            self.variables[name] = body["value"]
            return 204, None
        if (method, place) == ("POST", "variables"):
            self.variables[body["name"]] = body["value"]
            return 201, {}
        return 404, {"message": "Not Found"}

    def page(self, key: str, names: list[str], query: str) -> dict[str, Any]:
        number = int(re.findall(r"[?&]page=(\d+)", f"?{query}")[0]) - 1
        size = int(re.findall(r"per_page=(\d+)", query)[0])
        shown = names[number * size : (number + 1) * size]
        return {"total_count": len(names), key: [{"name": one} for one in shown]}


@pytest.fixture
def github() -> Iterator[GitHub]:
    made = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            made.asked.append(f"{self.command} {self.path}")
            made.tokens.add(self.headers["Authorization"])
            status, document = made.answer(self.command, self.path, body)
            content = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_PATCH = handle_any

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/api/v3"
    yield made
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def secrets(
    cli: RunCli, environ: dict[str, str], github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """`secrets("--set", stdin="...")` for acme/shop, with a token."""
    environ |= {
        "GITHUB_API_URL": github.url,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "acme/shop",
        "AWS_ACCESS_KEY_ID": "AKIAOFTHECALLER",
        "AWS_SECRET_ACCESS_KEY": "of-the-caller",
    }
    Path("longshore.yaml").write_text(FILE)

    def call(*argv: str, stdin: str = "", **variables: str) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        return cli("ci", "secrets", *argv, **variables)

    return call


def test_without_a_token_it_says_what_is_needed(secrets: Any, github: GitHub) -> None:
    done = secrets("--json", GITHUB_TOKEN="")
    assert [one["name"] for one in done.json["values"]] == [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCOUNT_ID",
        "AWS_REGION",
        "ECR_REPOSITORY",
    ]
    assert {one["state"] for one in done.json["values"]} == {"unknown"}
    assert done.json["missing"] == []
    assert github.asked == []
    fewer = secrets("--auth", "oidc", "--json", GITHUB_TOKEN="").json["values"]
    assert [one["name"] for one in fewer] == ["AWS_ACCOUNT_ID", "AWS_REGION", "ECR_REPOSITORY"]


def test_it_sees_what_is_there(secrets: Any, github: GitHub) -> None:
    github.secrets = dict.fromkeys(["AWS_ACCESS_KEY_ID", "DOCKERHUB_TOKEN"], "")
    github.variables = {"AWS_REGION": "x", "AWS_SECRET_ACCESS_KEY": "not a place for it"}
    github.organization = {"secrets": ["AWS_ACCOUNT_ID", "DOCKER_PASSWORD"]}
    done = secrets("--json").json
    states = {one["name"]: (one["state"], one["owner"]) for one in done["values"]}
    assert states == {
        "AWS_ACCESS_KEY_ID": ("secret", "repository"),
        "AWS_SECRET_ACCESS_KEY": ("missing", None),
        "AWS_ACCOUNT_ID": ("secret", "organization"),
        "AWS_REGION": ("variable", "repository"),
        "ECR_REPOSITORY": ("missing", None),
    }
    assert done["missing"] == ["AWS_SECRET_ACCESS_KEY", "ECR_REPOSITORY"]
    assert done["left_over"] == ["DOCKERHUB_TOKEN", "DOCKER_PASSWORD"]
    assert github.tokens == {f"Bearer {TOKEN}"}
    assert all(line.startswith("GET ") for line in github.asked)


def test_more_than_a_page_is_read(secrets: Any, github: GitHub) -> None:
    github.secrets = {f"A{number:03}": "" for number in range(150)} | {"AWS_REGION": ""}
    states = {one["name"]: one["state"] for one in secrets("--json").json["values"]}
    assert states["AWS_REGION"] == "secret"


def test_what_is_missing_is_stored_sealed(secrets: Any, github: GitHub) -> None:
    github.secrets = {"AWS_REGION": "old"}
    done = secrets("--set", "--yes", "--json", stdin=KEYS)
    assert done.code == 0, done.err
    assert done.json["missing"] == []
    assert github.opened("AWS_ACCESS_KEY_ID") == "AKIAEXAMPLE"
    assert github.opened("AWS_SECRET_ACCESS_KEY") == "with = sign"
    assert github.opened("AWS_ACCOUNT_ID") == "123456789012"
    assert github.opened("ECR_REPOSITORY") == "github-actions-demo-day2"
    assert github.secrets["AWS_REGION"] == "old"
    shown = done.out + done.err
    for value in ("AKIAEXAMPLE", "with = sign", TOKEN, "of-the-caller"):
        assert value not in shown
    secrets("--set", "--yes", "--force")
    assert github.opened("AWS_REGION") == "ap-northeast-2"


def test_variables_for_what_is_no_secret(secrets: Any, github: GitHub) -> None:
    assert secrets("--set", "--variables", "--yes", stdin=KEYS).code == 0
    assert set(github.secrets) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert github.variables == {
        "AWS_ACCOUNT_ID": "123456789012",
        "AWS_REGION": "ap-northeast-2",
        "ECR_REPOSITORY": "github-actions-demo-day2",
    }
    github.variables["AWS_REGION"] = "elsewhere"
    assert secrets("--set", "--variables", "--force", "--yes").code == 0
    assert github.variables["AWS_REGION"] == "ap-northeast-2"


def test_the_caller_s_own_keys_are_never_stored(secrets: Any, github: GitHub) -> None:
    done = secrets("--set", "--yes", "--json")
    assert done.json["missing"] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    assert "AWS_ACCESS_KEY_ID" not in github.secrets


def test_nothing_is_stored_unasked(secrets: Any, github: GitHub) -> None:
    assert secrets("--set", stdin=KEYS).code == 3
    dry = secrets("--set", "--dry-run", "--json", stdin=KEYS).json
    assert len(dry["would_store"]) == 5
    assert (dry["stored"], len(dry["missing"])) == ([], 5)
    assert github.secrets == github.variables == {}
    assert all(line.startswith("GET ") for line in github.asked)


def test_the_token_may_come_by_standard_input(secrets: Any, github: GitHub) -> None:
    given = f"{TOKEN}-2\n{KEYS}"
    assert secrets("--token-stdin", "--set", "--yes", stdin=given, GITHUB_TOKEN="").code == 0
    assert github.tokens == {f"Bearer {TOKEN}-2"}
    assert github.opened("AWS_ACCESS_KEY_ID") == "AKIAEXAMPLE"


def test_names_of_the_file(secrets: Any, github: GitHub) -> None:
    text = FILE.replace("auth: keys", "auth: oidc, secrets: {AWS_REGION: REGION}")
    Path("longshore.yaml").write_text(text)
    github.variables = {"REGION": "x"}
    values = {one["stored_as"]: one["state"] for one in secrets("--json").json["values"]}
    assert values == {
        "AWS_ACCOUNT_ID": "missing",
        "REGION": "variable",
        "ECR_REPOSITORY": "missing",
    }


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@github.com:acme/shop.git", "acme/shop"),
        ("https://github.com/acme/shop", "acme/shop"),
        ("https://git.example.com/acme/shop", None),
    ],
)
def test_the_tree_s_remote_names_the_repository(secrets: Any, url: str, name: str | None) -> None:
    Path(".git").mkdir()
    Path(".git/config").write_text(f'[remote "up"]\n\turl = x\n[remote "origin"]\n\turl = {url}\n')
    done = secrets("--json", GITHUB_REPOSITORY="", GITHUB_TOKEN="")
    assert done.json["repository"] == name


@pytest.mark.parametrize(
    ("status", "headers", "code", "exit_code"),
    [
        (401, {}, "github-token", 4),
        (403, {}, "github-refused", 1),
        (404, {}, "github-refused", 1),
        (403, {"x-ratelimit-remaining": "0"}, "github-limit", 6),
    ],
)
def test_refusals(
    secrets: Any, github: GitHub, status: int, headers: dict[str, str], code: str, exit_code: int
) -> None:
    github.status, github.headers = status, headers
    done = secrets("--json")
    assert (done.code, done.json["code"]) == (exit_code, code)
    assert TOKEN not in done.out + done.err


@pytest.mark.parametrize(
    ("argv", "variables", "stdin", "code"),
    [
        (["--set"], {"GITHUB_TOKEN": ""}, "", "github-token"),
        (["--set"], {"GITHUB_REPOSITORY": ""}, "", "bad-repository"),
        (["--repository", "../x"], {}, "", "bad-repository"),
        (["--set", "--yes"], {}, "PASSWORD=x\n", "bad-value"),
        (["--set", "--yes"], {}, "hello\n", "bad-value"),
        ([], {"GITHUB_API_URL": "http://api.example.com"}, "", "plain-http"),
    ],
)
def test_what_cannot_be_done_is_said(
    secrets: Any, argv: list[str], variables: dict[str, str], stdin: str, code: str
) -> None:
    done = secrets(*argv, "--json", stdin=stdin, **variables)
    assert done.json["code"] == code


def test_a_key_that_is_none_and_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LongshoreError):
        seal("not base64", "x")
    monkeypatch.setitem(__import__("sys").modules, "nacl.public", None)
    with pytest.raises(MissingExtraError) as error:
        seal("", "x")
    assert "longshore[github]" in error.value.hint
