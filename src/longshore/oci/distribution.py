"""Paths, headers and error bodies of the registry protocol. Pure.

OCI distribution-spec v1.1: endpoints (end-1 to end-12), error codes, `Link` and `Range` headers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urljoin, urlsplit

_LINK = re.compile(r'<([^>]*)>\s*;\s*(?:[^,]*;\s*)?rel="?next"?', re.IGNORECASE)


@dataclass(frozen=True)
class ApiError:
    """One entry of a registry's `{"errors": [...]}`."""

    code: str
    message: str


def manifest_path(repository: str, tag_or_digest: str) -> str:
    """end-3, end-7, end-9."""
    return f"/v2/{repository}/manifests/{quote(tag_or_digest, safe=':')}"


def blob_path(repository: str, digest: str) -> str:
    """end-2, end-10."""
    return f"/v2/{repository}/blobs/{digest}"


def uploads_path(repository: str, *, mount: str = "", source: str = "") -> str:
    """end-4a, and end-11 when `mount` names a digest that the repository `source` holds."""
    path = f"/v2/{repository}/blobs/uploads/"
    return f"{path}?{urlencode({'mount': mount, 'from': source})}" if mount else path


def tags_path(repository: str, page_size: int = 1000) -> str:
    """end-8."""
    return f"/v2/{repository}/tags/list?n={page_size}"


def referrers_path(repository: str, digest: str) -> str:
    """end-12a."""
    return f"/v2/{repository}/referrers/{digest}"


def referrers_tag(digest: str) -> str:
    """The fallback tag of registries without the referrers API ("referrers tag schema")."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"


def closing_location(location: str, base: str, digest: str) -> str:
    """Where to PUT the blob: the upload's Location made absolute, with the digest appended."""
    absolute = urljoin(base, location)
    mark = "&" if urlsplit(absolute).query else "?"
    return f"{absolute}{mark}{urlencode({'digest': digest})}"


def next_page(link: str, base: str) -> str | None:
    """The absolute address of the next page, from a `Link` header."""
    match = _LINK.search(link)
    return urljoin(base, match[1]) if match else None


def parse_errors(body: bytes) -> list[ApiError]:
    """The errors in a body, or none when the body is not of that form."""
    try:
        entries = json.loads(body)["errors"]
        return [
            ApiError(str(entry.get("code") or ""), str(entry.get("message") or ""))
            for entry in entries
            if isinstance(entry, dict)
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
