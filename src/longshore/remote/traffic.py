"""Counts what was really asked of a registry: requests, pulls, bytes. I/O.

Redirects are requests; token requests are not. A pull is a manifest GET that was answered, for
that is what Docker Hub counts.
"""

from __future__ import annotations

import threading


class Traffic:
    """Counters that many threads add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.pulls = 0
        self.bytes_received = 0
        self.bytes_sent = 0

    def __repr__(self) -> str:
        return (
            f"Traffic(requests={self.requests}, pulls={self.pulls}, "
            f"bytes_received={self.bytes_received}, bytes_sent={self.bytes_sent})"
        )

    def add_request(self) -> None:
        """A request went out."""
        with self._lock:
            self.requests += 1

    def add_pull(self) -> None:
        """A manifest GET was answered."""
        with self._lock:
            self.pulls += 1

    def add_received(self, size: int) -> None:
        """So many bytes of blobs came in."""
        with self._lock:
            self.bytes_received += size

    def add_sent(self, size: int) -> None:
        """So many bytes of blobs went out."""
        with self._lock:
            self.bytes_sent += size
