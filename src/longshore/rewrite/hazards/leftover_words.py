"""Words about Docker Hub that stay in documents when the images have gone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.hazards.hazard import Surveyed
from longshore.rewrite.source import SourceFile, Span

_DOCUMENT = re.compile(
    r"(?:.*/)?(?:readme[^/]*|contributing[^/]*|setup[^/]*|deploy[^/]*|secrets[^/]*|"
    r"(?:docs?|documentation)/.*)\.(?:md|markdown|rst|txt|adoc)\Z|(?:.*/)?readme\Z|"
    r"(?:.*/)?\.env\.(?:example|sample|template|dist)\Z",
    re.IGNORECASE,
)
_FOREIGN = re.compile(r"(?:^|/)(?:vendor|node_modules|third[_-]party|testdata|fixtures?)/")
_SECRET = re.compile(
    r"\bDOCKER_?HUB_\w*(?:USER(?:NAME)?|TOKEN|PASSWORD|PASS|PAT|ACCESS\w*|CRED\w*|SECRET|ID|LOGIN)\b"
    r"|\bDOCKER_(?:USERNAME|PASSWORD|ACCESS_TOKEN|HUB)\b"
)
_MOST_FILES = 400


def hub_secrets_in_documents(surveyed: Surveyed) -> list[tuple[SourceFile, Span]]:
    """Where documents ask for a secret of Docker Hub, the first place of each file."""
    return surveyed.once("hub secrets in documents", lambda one: list(_look(one)))


def is_hub_secret(text: str) -> bool:
    """Whether a text names such a secret."""
    return _SECRET.search(text) is not None


def _look(surveyed: Surveyed) -> Iterator[tuple[SourceFile, Span]]:
    paths = [one for one in surveyed.tree.paths if _DOCUMENT.match(one)]
    for path in sorted(one for one in paths if not _FOREIGN.search(one))[:_MOST_FILES]:
        file = surveyed.tree.file(path)
        found = _SECRET.search(file.text) if file is not None else None
        if file is not None and found is not None:
            yield file, Span(*found.span())
