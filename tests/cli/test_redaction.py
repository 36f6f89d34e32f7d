"""No secret survives in what is kept."""

from __future__ import annotations

import pytest

from longshore.cli.redaction import redact, redact_argv

SECRET = "s3cr3t-Value/with+chars="


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}",
        f'{{"password": "{SECRET}"}}',
        "https://user:s3cr3t-Value@registry.example/v2/",
        f"Authorization: Basic {SECRET}",
        f"authorization: bearer {SECRET}",
        f"?X-Amz-Signature={SECRET}&x=1",
        f"token: {SECRET}",
    ],
)
def test_shapes(text: str) -> None:
    assert "s3cr3t-Value" not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "secret",
    ["AKIAIOSFODNN7EXAMPLE", "eyJhbGciOi.eyJzdWIiOiI.c2ln", "ghp_abcdefghijklmnop0123"],
)
def test_well_known_keys(secret: str) -> None:
    assert secret not in redact(f"said {secret} here")


def test_values_of_secret_variables() -> None:
    environ = {"AWS_SECRET_ACCESS_KEY": "abcdefgh12345", "AWS_REGION": "ap-northeast-2"}
    text = redact("in ap-northeast-2 with abcdefgh12345", environ)
    assert text == "in ap-northeast-2 with ***"


@pytest.mark.parametrize(
    ("argv", "kept"),
    [
        (["copy", "a", "b"], ["copy", "a", "b"]),
        (["login", "--password", "x"], ["login", "--password", "***"]),
        (["login", "--password=x"], ["login", "--password=***"]),
        (["login", "--password-stdin", "host"], ["login", "--password-stdin", "host"]),
        (["copy", "u:p@h", "https://u:p@h/x"], ["copy", "u:p@h", "https://***@h/x"]),
    ],
)
def test_command_lines(argv: list[str], kept: list[str]) -> None:
    assert redact_argv(argv) == kept
