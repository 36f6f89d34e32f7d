"""Which images a scan command is about, and what is known of their scans. I/O.

An index is never scanned, its platform manifests are; attestations that a build put into the index
hold no software of their own and are left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.typeset import moment
from longshore.errors import AwsError, LimitError, RegistryError, UsageError, Where
from longshore.facts import ScanSeen
from longshore.oci.reference import Reference, parse_reference
from longshore.policy.gate import RUNNING
from longshore.remote.ecr_scans import Scans
from longshore.text import tr

_ONCE_IN = timedelta(hours=24)
_BEGINS_IN_S = 20.0
_POLL_S = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Part:
    """One image that can be scanned; `platform` is empty when the image is no part of an index."""

    digest: str
    platform: str = ""


@dataclass(frozen=True)
class Subject:
    """An image of the target with the parts that are scanned."""

    repository: str
    reference: str
    digest: str
    parts: tuple[Part, ...]


class Scanner:
    """Scans of one target."""

    def __init__(self, app: App, region: str | None) -> None:
        self._app = app
        self.target = wiring.open_target(app.settings, app.environ, region=region)
        self.scans = Scans(self.target.session, self.target.endpoint.account)

    def find(self, text: str) -> Subject:
        """The image that a command line names: `shop:v1`, `shop@sha256:...`, or with the host."""
        wanted = self._parse(text)
        store = wiring.open_repository(self.target, wanted.repository, self._app.environ)
        found = store.resolve(wanted.wanted)
        if found is None:
            raise RegistryError(
                tr("{repository} has no {tag}", repository=wanted.repository, tag=wanted.wanted),
                tr("list what is there: longshore tags ls {name}", name=wanted.repository),
                side="target",
                status=404,
                code="manifest-not-found",
                where=Where(resource=wanted.repository),
            )
        manifest = store.fetch_manifest(found.digest)
        parts: Sequence[Part] = (Part(str(found.digest)),)
        if manifest.is_index:
            parts = [
                Part(str(child.digest), str(child.platform))
                for child in manifest.children
                if child.platform is None or child.platform.is_known
            ]
        shown = f"{wanted.repository}:{wanted.wanted}"
        if wanted.digest is not None:
            shown = f"{wanted.repository}@{wanted.digest}"
        return Subject(wanted.repository, shown, str(found.digest), tuple(parts))

    def read(self, subject: Subject) -> list[ScanSeen]:
        """What is known of each part's scan."""
        return [
            replace(self.scans.read(subject.repository, part.digest), platform=part.platform)
            for part in subject.parts
        ]

    def wait(self, subject: Subject, timeout_s: float) -> list[ScanSeen]:
        """The scans once none is running, at most `timeout_s` seconds later.

        A scan on push begins soon after the push; what has not begun by then never will.
        """
        started = time.monotonic()
        tries = 0
        while True:
            scans = self.read(subject)
            if not any(one.status in RUNNING or not one.status for one in scans):
                return scans
            is_running = any(one.status in RUNNING for one in scans)
            patience = timeout_s if is_running else min(timeout_s, _BEGINS_IN_S)
            left = started + patience - time.monotonic()
            if left <= 0:
                return scans
            time.sleep(min(left, _POLL_S[min(tries, len(_POLL_S) - 1)]))
            tries += 1

    def start(self, subject: Subject, say: Callable[[str], None]) -> None:
        """Start the scan of each part; a part that was scanned today keeps that scan."""
        for part in subject.parts:
            if when := self._scanned_today(subject, part):
                say(tr("scanned at {when}; ECR scans an image once in 24 hours", when=when))
                continue
            try:
                self.scans.start(subject.repository, part.digest)
            except (AwsError, LimitError) as error:
                if not _keeps(error):
                    raise
                name = part.platform or part.digest[:19]
                say(f"{name}: {error.what}")

    def _scanned_today(self, subject: Subject, part: Part) -> str:
        """When the part was scanned, if that is why it is not scanned again; else empty.

        Asking first is quicker: the SDK takes the quota's answer for throttling and tries again.
        """
        at = self.scans.read(subject.repository, part.digest).completed_at
        return moment(at) if at and wiring.target_now(self.target) - at < _ONCE_IN else ""

    def _parse(self, text: str) -> Reference:
        first, slash, rest = text.partition("/")
        has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
        if has_host and first != self.target.endpoint.registry:
            raise UsageError(
                tr("{host} is not the target's registry", host=first),
                tr(
                    "the target's is {host}; name the image as {rest}",
                    host=self.target.endpoint.registry,
                    rest=rest,
                ),
            )
        return parse_reference(f"target.invalid/{rest if has_host else text}")


def _keeps(error: AwsError | LimitError) -> bool:
    """Whether the answer leaves an older scan, or a reason, to be read."""
    if isinstance(error, LimitError):
        return error.code == "aws-quota"
    return error.aws_code in ("UnsupportedImageTypeException", "ImageArchivedException")
