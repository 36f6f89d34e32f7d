"""Docker Hub's pull limits, and how many pipeline runs fit into them. Pure.

Source: docs.docker.com, "Docker Hub pull usage and limits", as of 2025-03-27 and still shown in
2026. A pull is a GET of a manifest; each platform of an image counts by itself, HEAD requests and
blobs do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_S = 6 * 3600
AS_OF = "2026-11"
SOURCE = "docs.docker.com: Docker Hub pull usage and limits"


@dataclass(frozen=True)
class PullLimit:
    """What one kind of client may pull in a window; None means no limit but fair use."""

    plan: str
    pulls: int | None
    per: str

    def runs(self, pulls_per_run: int) -> int | None:
        """How many whole runs fit into one window; None when nothing limits them."""
        if self.pulls is None or pulls_per_run < 1:
            return None
        return self.pulls // pulls_per_run


ANONYMOUS = PullLimit("anonymous", 100, "address")
ACCOUNT = PullLimit("personal", 200, "account")
PAID = PullLimit("paid", None, "account")
LIMITS = (ANONYMOUS, ACCOUNT, PAID)
