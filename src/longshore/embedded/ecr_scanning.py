"""ECR's image scans: by hand, on push, and their findings. I/O.

Scans are done one after the other in the background by `scanning/`; what they found is kept as a
note of the registry. An image is scanned once in 24 hours, as ECR's basic scanning does it; an
index is not scanned, its manifests are. The configuration of the registry decides what is scanned
on push, else the repository's own setting.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.contents import Stored
from longshore.embedded.ecr_account import scan_frequency
from longshore.embedded.ecr_errors import image_not_found
from longshore.embedded.ecr_paging import page
from longshore.embedded.ecr_state import Ecr, Region
from longshore.embedded.scanning.data import Result, scan_image
from longshore.errors import LongshoreError
from longshore.facts import Finding
from longshore.oci.manifest import parse_manifest

log = logging.getLogger("longshore.embedded")
Values = dict[str, Any]
_AGAIN_AFTER = timedelta(hours=24)
_FINISHED = "COMPLETE"


class Scanning:
    """The scans of all regions."""

    def __init__(self, ecr: Ecr, data_dir: Path) -> None:
        self._ecr = ecr
        self._data_dir = data_dir
        self._waiting: queue.SimpleQueue[tuple[Region, str, str] | None] = queue.SimpleQueue()
        self._known: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        ecr.on_pushed(self.pushed)

    # --- operations ----------------------------------------------------------------------------

    def start(self, region: Region, asked: Values) -> Values:
        """StartImageScan."""
        stored = _image(region, asked)
        scan_type, _ = scan_frequency(region, asked["repositoryName"])
        if scan_type == "ENHANCED":
            raise AwsRefusal(
                "ValidationException",
                "This feature is disabled: images are scanned by enhanced scanning.",
            )
        if stored.status(region.ecr.clock.now()) != "ACTIVE":
            raise AwsRefusal("ImageArchivedException", "The image is archived.")
        if not _can_be_scanned(stored):
            raise AwsRefusal(
                "UnsupportedImageTypeException",
                f"The image with media type '{stored.media_type}' cannot be scanned.",
            )
        known = self._note(region, stored.repository, stored.digest)
        now = region.ecr.clock.now()
        if known and now - datetime.fromtimestamp(known["at"], UTC) < _AGAIN_AFTER:
            raise AwsRefusal(
                "LimitExceededException",
                "The scan quota per image has been exceeded. Wait and try again.",
            )
        note = self._begin(region, stored.repository, stored.digest)
        return {**_head(region, stored), "imageScanStatus": _status(note)}

    def describe(self, region: Region, asked: Values) -> Values:
        """DescribeImageScanFindings."""
        stored = _image(region, asked)
        note = self._note(region, stored.repository, stored.digest)
        if note is None:
            raise AwsRefusal(
                "ScanNotFoundException",
                f"Image scan does not exist for the image with '{{imageDigest:'{stored.digest}'}}'"
                f" in the repository with name '{stored.repository}' in the registry with id "
                f"'{region.account}'",
            )
        if note["status"] == "IN_PROGRESS":
            self._enqueue(region, stored.repository, stored.digest)
        head = {**_head(region, stored), "imageScanStatus": _status(note)}
        if note["status"] != _FINISHED:
            return head
        shown, token = page(
            note["findings"],
            lambda one: f"{one['name']} {one['attributes'][0]['value']}",
            asked.get("nextToken"),
            asked.get("maxResults"),
        )
        about = {
            "imageScanCompletedAt": _time(note.get("completed_at")),
            "vulnerabilitySourceUpdatedAt": _time(note.get("data_of")),
            "findingSeverityCounts": dict(Counter(one["severity"] for one in note["findings"])),
            "findings": shown,
        }
        return {**head, "imageScanFindings": about, "nextToken": token}

    # --- doing ---------------------------------------------------------------------------------

    def pushed(self, region: Region, stored: Stored) -> None:
        """An image came: scan it if the registry or the repository says so."""
        if not _can_be_scanned(stored):
            return
        _, frequency = scan_frequency(region, stored.repository)
        if frequency != "MANUAL" and not self._note(region, stored.repository, stored.digest):
            self._begin(region, stored.repository, stored.digest)

    def close(self) -> None:
        """Stop after the scan that runs; what waits is done when it is asked for again."""
        with self._lock:
            worker = self._worker
        if worker is not None:
            self._waiting.put(None)
            worker.join(timeout=30)

    def wait(self, timeout_s: float = 60) -> None:
        """Until nothing waits: for tests and seeds."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            with self._lock:
                if not self._known:
                    return
            time.sleep(0.02)

    def _begin(self, region: Region, repository: str, digest: str) -> Values:
        now = region.ecr.clock.timestamp()
        note = {"status": "IN_PROGRESS", "description": "", "at": now, "findings": []}
        region.contents.set_note(_name(repository, digest), note)
        self._enqueue(region, repository, digest)
        return note

    def _enqueue(self, region: Region, repository: str, digest: str) -> None:
        key = (region.name, repository, digest)
        with self._lock:
            if key in self._known:
                return
            self._known.add(key)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="scans", daemon=True)
                self._worker.start()
        self._waiting.put((region, repository, digest))

    def _work(self) -> None:
        while (wanted := self._waiting.get()) is not None:
            region, repository, digest = wanted
            try:
                self._scan(region, repository, digest)
            except Exception:
                log.exception("the scan of %s failed", repository)
                self._end(region, repository, digest, Result("FAILED", "the scanner failed"))
            finally:
                with self._lock:
                    self._known.discard((region.name, repository, digest))

    def _scan(self, region: Region, repository: str, digest: str) -> None:
        contents = region.contents
        stored = contents.manifest(repository, digest)
        if stored is None:
            contents.set_note(_name(repository, digest), None)
            return
        manifest = parse_manifest(stored.content, stored.media_type)
        config = b"{}"
        if manifest.config is not None:
            config = contents.blob_path(str(manifest.config.digest)).read_bytes()
        self._end(
            region,
            repository,
            digest,
            scan_image(manifest, config, contents.blob_path, self._data_dir),
        )

    def _end(self, region: Region, repository: str, digest: str, result: Result) -> None:
        now = region.ecr.clock.now()
        note = self._note(region, repository, digest) or {"at": now.timestamp()}
        note |= {
            "status": result.status,
            "description": result.description,
            "completed_at": now.timestamp(),
            "data_of": result.data_of.timestamp() if result.data_of else None,
            "findings": [_finding(one) for one in result.findings],
        }
        region.contents.set_note(_name(repository, digest), note)
        stored = region.contents.manifest(repository, digest)
        if stored is not None:
            region.tell([_event(region, stored, note, now)])

    def _note(self, region: Region, repository: str, digest: str) -> Values | None:
        found: Values | None = region.contents.note(_name(repository, digest))
        return found


def _image(region: Region, asked: Values) -> Stored:
    """The image that is meant. Raises ImageNotFoundException."""
    name, image_id = asked["repositoryName"], asked["imageId"]
    region.repository(name, asked.get("registryId"))
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    stored = region.contents.manifest(name, digest or tag or "")
    if stored is None or (digest and tag and tag not in stored.tags):
        raise image_not_found(digest, tag, name, region.account)
    return stored


def _can_be_scanned(stored: Stored) -> bool:
    """Indexes are not, and neither is what refers to another image."""
    try:
        manifest = parse_manifest(stored.content, stored.media_type)
    except LongshoreError:
        return False
    return not manifest.is_index and stored.subject is None


def _name(repository: str, digest: str) -> str:
    return f"ecr-scan {repository}@{digest}"


def _head(region: Region, stored: Stored) -> Values:
    image_id: Values = {"imageDigest": str(stored.digest)}
    if stored.tags:
        image_id["imageTag"] = stored.tags[0]
    return {
        "registryId": region.account,
        "repositoryName": stored.repository,
        "imageId": image_id,
    }


def _status(note: Mapping[str, Any]) -> Values:
    return {"status": note["status"], "description": note["description"] or None}


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _finding(one: Finding) -> Values:
    """In the shape of ImageScanFinding; what mends it is an attribute of ours."""
    attributes = [
        {"key": "package_name", "value": one.package},
        {"key": "package_version", "value": one.version},
    ]
    if one.fixed_in:
        attributes.append({"key": "fixed_in", "value": one.fixed_in})
    return {
        "name": one.name,
        "severity": one.severity,
        "uri": one.uri or None,
        "description": one.description or None,
        "attributes": attributes,
    }


def _event(region: Region, stored: Stored, note: Values, at: datetime) -> Values:
    """The event ECR Image Scan (ECR User Guide, "Sample events")."""
    counts = Counter(one["severity"] for one in note["findings"])
    return {
        "at": at.timestamp(),
        "detail-type": "ECR Image Scan",
        "resources": [region.arn(stored.repository)],
        "detail": {
            "scan-status": note["status"],
            "repository-name": stored.repository,
            "finding-severity-counts": dict(counts),
            "image-digest": str(stored.digest),
            "image-tags": list(stored.tags),
        },
    }
