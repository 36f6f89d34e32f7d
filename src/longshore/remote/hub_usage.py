"""Who still uses a repository of Docker Hub, as far as its web API tells. I/O.

`tag_last_pulled` of each tag and `last_pulled` of each of its images, `tag_last_pushed`, and the
repository's `pull_count` (docs.docker.com/reference/api/hub). The Hub does not say who pulled, and
what was pulled by the digest of an image without a tag shows in the count alone. Costs no pull.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from longshore.errors import RegistryError
from longshore.facts import HubUsage, TagUsage
from longshore.remote.hub import PAGE_SIZE, Hub
from longshore.text import tr

_NEVER = 1  # the year of the Hub's zero date


def read_usage(hub: Hub, name: str) -> HubUsage:
    """The usage of `namespace/name`. Raises RegistryError, LimitError, LoginError.

    A repository that the login may not see looks like one that is not there: RegistryError.
    """
    namespace, _, rest = name.partition("/")
    path = f"/v2/namespaces/{quote(namespace)}/repositories/{quote(rest, safe='')}"
    about = hub.api.entry(path)
    if about is None:
        raise RegistryError(
            tr("Docker Hub shows no repository {name} to this login", name=name),
            tr("log in as an account that may see it: docker login"),
            side=hub.side,
            status=404,
        )
    entries = hub.api.entries(f"{path}/tags?page_size={PAGE_SIZE}")
    tags = tuple(sorted((tag_usage(one) for one in entries), key=lambda one: one.tag))
    count = about.get("pull_count")
    known = isinstance(count, int) and not isinstance(count, bool)
    return HubUsage(name, _answered_at(hub), count if known else None, tags)


def _answered_at(hub: Hub) -> datetime:
    """The Hub's clock, so that a wrong one here does not count; else this machine's."""
    try:
        return parsedate_to_datetime(hub.api.date).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(hub.api.now(), UTC)


def tag_usage(entry: Mapping[str, Any]) -> TagUsage:
    """What one entry of the tag list says."""
    told = "tag_last_pulled" in entry
    pulled = [entry.get("tag_last_pulled"), *(one.get("last_pulled") for one in _images(entry))]
    times = [_time(one) for one in pulled if one]
    # What cannot be read as a time is no answer.
    readable = all(one is not None for one in times)
    seen = [one for one in times if one is not None and one.year > _NEVER]
    pushed = _time(entry.get("tag_last_pushed") or entry.get("last_updated"))
    return TagUsage(str(entry["name"]), told and readable, max(seen, default=None), pushed)


def _images(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = entry.get("images")
    yield from (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def _time(value: Any) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
