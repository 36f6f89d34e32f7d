"""Loopback, origins and proxies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.remote.addresses import (
    host_only,
    is_loopback,
    proxy_for,
    same_origin,
    without_secrets,
)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST:5000", True),
        ("shop.localhost:80", True),
        ("127.9.9.9:5000", True),
        ("[::1]:5000", True),
        ("::1", True),
        ("localhost.example", False),
        ("127.0.0.1.example.com", False),
        ("10.0.0.1", False),
        ("registry.example:5000", False),
        ("[::2]", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a/x", "https://a:443/y?z", True),
        ("https://A/x", "https://a/x", True),
        ("https://a/x", "http://a/x", False),
        ("https://a/x", "https://a:444/x", False),
        ("https://a/x", "https://a.b/x", False),
        ("https://a/x", "https://a@b/x", False),
        ("https://a/x", "https://a:bad/x", False),
    ],
)
def test_origin(one: str, other: str, same: bool) -> None:
    assert same_origin(one, other) is same


PROXIES = {"HTTPS_PROXY": "http://proxy:3128", "http_proxy": "plain:80"}


@pytest.mark.parametrize(
    ("url", "no_proxy", "proxy"),
    [
        ("https://registry.example/v2/", "", "http://proxy:3128"),
        ("http://registry.example/v2/", "", "http://plain:80"),
        ("https://127.0.0.1:1/", "", None),
        ("https://registry.example/", "*", None),
        ("https://registry.example/", "example", None),
        ("https://registry.example/", ".example", None),
        ("https://registry.example/", "*.example", None),
        ("https://registry.example/", "ample", "http://proxy:3128"),
        ("https://registry.example:5000/", "registry.example:5000", None),
        ("https://registry.example:5001/", "registry.example:5000", "http://proxy:3128"),
        ("https://10.1.2.3/", "192.168.0.0/16, 10.0.0.0/8", None),
        ("https://11.1.2.3/", "10.0.0.0/8", "http://proxy:3128"),
        ("https://registry.example/", "10.0.0.0/8", "http://proxy:3128"),
    ],
)
def test_proxy(url: str, no_proxy: str, proxy: str | None) -> None:
    assert proxy_for(url, {**PROXIES, "NO_PROXY": no_proxy}) == proxy
    assert proxy_for(url, {}) is None


def test_shown_addresses_carry_no_secret() -> None:
    shown = without_secrets("https://user:pw@host:1/path?X-Amz-Signature=abc#f")
    assert shown == "https://host:1/path"


@given(st.text(max_size=30))
def test_any_text_is_some_host(text: str) -> None:
    assert isinstance(host_only(text), str)
    assert is_loopback(text) in (True, False)
