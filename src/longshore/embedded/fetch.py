"""The stand-in's own few outgoing requests: to loopback addresses, and nowhere else. I/O.

A topic's HTTP subscriber or an event's API destination is called from here, by a thread of its
own, so that a subscriber that calls back does not wait for itself.
"""

from __future__ import annotations

import http.client
import ipaddress
import logging
import queue
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TIMEOUT_S = 5
MAX_WAITING = 1000

log = logging.getLogger("longshore.embedded")


@dataclass(frozen=True)
class Delivery:
    """One request to make."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def is_allowed(url: str) -> bool:
    """Whether the address is plain HTTP to this machine.

    >>> is_allowed("http://127.0.0.1:8080/hook"), is_allowed("http://example.com/hook")
    (True, False)
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        return False
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"


class Deliveries:
    """Makes requests one after the other, in the background; failures are only logged."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Delivery | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def send(self, delivery: Delivery) -> bool:
        """Queue the request; False when it may not be made."""
        if not is_allowed(delivery.url):
            log.warning("delivery to %s refused: only loopback addresses", _host(delivery.url))
            return False
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="longshore-deliveries", daemon=True
                )
                self._thread.start()
        try:
            self._waiting.put_nowait(delivery)
        except queue.Full:
            log.warning("delivery to %s dropped: too many are waiting", _host(delivery.url))
            return False
        return True

    def close(self) -> None:
        """Make the requests that wait, then end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join(TIMEOUT_S)

    def _run(self) -> None:
        while (delivery := self._waiting.get()) is not None:
            try:
                status = _request(delivery)
                log.info("delivery to %s answered %s", _host(delivery.url), status)
            except (OSError, http.client.HTTPException) as error:
                log.warning("delivery to %s failed: %s", _host(delivery.url), error)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _request(delivery: Delivery) -> int:
    parts = urlsplit(delivery.url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout=TIMEOUT_S
    )
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(delivery.method, path, delivery.body, delivery.headers)
        return connection.getresponse().status
    finally:
        connection.close()
