"""Storage, the quota of images, scans that found too much or did not end, and backups. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from longshore.facts import ScanSeen
from longshore.policy.gate import FINISHED, RUNNING, GateRules, judge, why_not
from longshore.policy.prices import GB
from longshore.text import tr
from longshore.watch.contents import Looked, tags_of, unfinished
from longshore.watch.findings import AlertLimits, Finding, Severity, Watched

IMAGE_QUOTA = 100_000
NEAR = 0.8


def check_storage(watched: Sequence[Watched], limits: AlertLimits) -> Iterator[Finding]:
    """All repositories together over the config's threshold."""
    if limits.storage_gb is None:
        return
    unique = [one.contents.unique_bytes for one in watched]
    is_unique = None not in unique and bool(watched)
    sizes = unique if is_unique else [one.contents.logical_bytes for one in watched]
    found = sum(size for size in sizes if size is not None) / GB
    if found <= limits.storage_gb:
        return
    message = tr("{found} GB are stored, {most} GB are the limit (alerts.storage_gb)",
                 found=f"{found:.1f}", most=f"{limits.storage_gb:g}")  # fmt: skip
    if not is_unique:
        message += tr("; layers that images share are counted with each, --unique counts them once")
    yield Finding("monitor-storage", "medium", "registry", message, tr(
        "look at what a lifecycle policy would delete: longshore lifecycle simulate REPOSITORY"
    ))  # fmt: skip


def check_quota(one: Watched) -> Iterator[Finding]:
    """A repository that is nearly full: at the quota no image can be pushed."""
    count = len(one.contents.images)
    if count <= IMAGE_QUOTA * NEAR:
        return
    message = tr("{count} images; the quota is {quota} for a repository, then pushes fail",
                 count=count, quota=IMAGE_QUOTA)  # fmt: skip
    yield Finding("monitor-image-quota", "high", one.name, message,
                  f"longshore lifecycle lint {one.name}")  # fmt: skip


def check_backups(one: Watched) -> Iterator[Finding]:
    """What runs (a live-* tag) has no backup."""
    live = [tag for tag in one.contents.protected if tag.startswith("live-")]
    if live and not one.contents.backups:
        yield Finding(
            "monitor-no-backup",
            "medium",
            one.name,
            tr("{tags} runs, and there is no backup-* image", tags=", ".join(sorted(live))),
            f"longshore tags protect {one.name} {min(live)} --as backup-TIME",
        )


def check_scans(one: Watched, rules: GateRules, now: datetime) -> Iterator[Finding]:
    """Scans with too many findings, and scans that did not end; one finding for each kind."""
    yield from _too_much(one, rules, now)
    late = [(looked, scan) for looked in one.contents.looked for scan in unfinished(looked, now)]
    for status in sorted({scan.status for _, scan in late}):
        found = [(looked, scan) for looked, scan in late if scan.status == status]
        yield _unfinished(one.name, status, found)


def _too_much(one: Watched, rules: GateRules, now: datetime) -> Iterator[Finding]:
    over: dict[str, list[Looked]] = {}
    for looked in one.contents.looked:
        finished = [scan for scan in looked.scans if scan.status in FINISHED]
        for each in judge(finished, rules, now.date()).over if finished else ():
            over.setdefault(each.severity, []).append(looked)
    for severity, images in over.items():
        most = dict(rules.most)[severity]
        yield Finding(
            "monitor-scan-findings",
            "critical" if severity == "CRITICAL" else "high",
            one.name,
            tr(
                "{images} have more than {most} {severity} findings",
                images=_names(images),
                most=most,
                severity=severity.lower(),
            ),
            f"longshore scan report {one.name}:{_tag(images[0])}",
        )


def _unfinished(name: str, status: str, found: Sequence[tuple[Looked, ScanSeen]]) -> Finding:
    images = list(dict.fromkeys(looked for looked, _ in found))
    codes: dict[str, tuple[str, Severity]] = {
        "UNSUPPORTED_IMAGE": ("monitor-scan-unsupported", "medium"),
        **dict.fromkeys(("", *RUNNING), ("monitor-scan-unfinished", "high")),
    }
    code, severity = codes.get(status, ("monitor-scan-failed", "high"))
    return Finding(
        code,
        severity,
        name,
        tr("{images}: {why}", images=_names(images), why=why_not(found[0][1])),
        f"longshore scan run {name}:{_tag(images[0])}",
    )


def _names(images: Sequence[Looked], most: int = 3) -> str:
    more = f" +{len(images) - most}" if len(images) > most else ""
    return ", ".join(_tag(one) for one in images[:most]) + more


def _tag(one: Looked) -> str:
    return min(tags_of([one.image]), default=one.image.digest)


def left_out(watched: Iterable[Watched]) -> tuple[int, int]:
    """How many images' scans were not looked at: by number, and as indexes that stay unread."""
    unread = sum(1 for one in watched for each in one.contents.looked if each.unread)
    return sum(one.contents.left_out for one in watched), unread
