"""Values as OpenMetrics text, for Prometheus. Pure.

Format: OpenMetrics 1.0, sections "ABNF" and "Overall Structure". All are gauges without times, so
that the textfile collector of node_exporter takes them too. The samples of one metric stand
together, and the text ends with `# EOF`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longshore.facts import MetricValue

_FAMILIES = {
    "StorageBytesLogical": (
        *("longshore_ecr_storage_logical_bytes", "bytes"),
        "Compressed size of all images, shared layers counted with each image.",
    ),
    "StorageBytesUnique": (
        *("longshore_ecr_storage_unique_bytes", "bytes"),
        "Compressed size of the different layers of each repository.",
    ),
    "ImageCount": ("longshore_ecr_images", "", "Images, of every status."),
    "ImageCountLargest": (
        *("longshore_ecr_images_largest", ""),
        "Images of the fullest repository.",
    ),
    "BackupCount": ("longshore_ecr_backups", "", "Tags that begin with backup-."),
    "FindingsCritical": (
        *("longshore_ecr_findings_critical", ""),
        "Critical findings in the scans that were read, each once per package and repository.",
    ),
    "FindingsHigh": (
        *("longshore_ecr_findings_high", ""),
        "High findings in the scans that were read, each once per package and repository.",
    ),
    "ScanNotCompleted": (
        *("longshore_ecr_scans_not_completed", ""),
        "Scans that did not end within 30 minutes of the push, failed, or were not made.",
    ),
    "CollectorHeartbeat": (
        *("longshore_ecr_collector_heartbeat", ""),
        "One whenever all of this was collected.",
    ),
}
CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def render(values: Sequence[MetricValue]) -> str:
    """The whole text.

    >>> print(render([]), end="")
    # EOF
    """
    lines: list[str] = []
    for name, (family, unit, text) in _FAMILIES.items():
        samples = [one for one in values if one.name == name]
        if samples:
            lines += _family(family, unit, text, samples)
    return "".join(f"{line}\n" for line in (*lines, "# EOF"))


def _family(family: str, unit: str, text: str, samples: Sequence[MetricValue]) -> Iterator[str]:
    yield f"# TYPE {family} gauge"
    if unit:
        yield f"# UNIT {family} {unit}"
    yield f"# HELP {family} {_escaped(text)}"
    for one in samples:
        labels = ",".join(f'{key.lower()}="{_escaped(value)}"' for key, value in one.dimensions)
        yield f"{family}{{{labels}}} {_number(one.value)}"


def _escaped(text: str) -> str:
    """Backslash, quote and line feed, as the grammar's `escaped-string`."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
