"""Records as Markdown: medians, ratios and counts. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

GIB = 1024**3
Record = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def start_table(found: Mapping[str, Mapping[str, float]], first: str) -> str:
    """Programs that say their version."""
    rows = [[name, _times(one["ratio"]), f"{one['rss_mib']:.0f}"] for name, one in found.items()]
    return table(["program", f"time, as multiples of `{first}`", "peak MiB"], rows)


def install_table(found: Mapping[str, Record]) -> str:
    """What installations weigh."""
    rows = [
        [name, one["packages"], one["mib"], ", ".join(
            f"{part} {size}" for part, size in list(one["largest_mib"].items())[:3])]
        for name, one in found.items()
    ]  # fmt: skip
    return table(["installation", "packages", "MiB", "largest, MiB"], rows)


def nothing_table(records: Sequence[Record]) -> str:
    """A sync with nothing to do."""
    head = ["tags", "tool", "pulls", "requests to the Hub", "to ECR's registry", "AWS calls",
            "token requests"]  # fmt: skip
    keys = ("tags", "tool", "pulls", "hub_requests", "ecr_registry_requests", "aws_calls",
            "token_requests")  # fmt: skip
    return table(head, [[record[key] for key in keys] for record in records])


def copy_tables(records: Sequence[Record]) -> str:
    """One table for each workload and phase; times are multiples of longshore's."""
    parts = []
    for workload in _unique(records, "workload"):
        for phase in _unique(records, "phase"):
            some = [one for one in records if (one["workload"], one["phase"]) == (workload, phase)]
            if some:
                parts.append(f"### {workload}, {phase}\n\n{_copy_table(some)}")
    return "\n\n".join(parts)


def _copy_table(records: Sequence[Record]) -> str:
    cold = records[0]["phase"] == "cold"
    head = ["tool", "time", "requests, source + target", "pulls", "MiB read"]
    head += ["CPU s per GiB" if cold else "CPU s", "peak MiB", "wrong tags"]
    base = _median(records, records[0]["tool"], "wall_s")
    rows = []
    for tool in _unique(records, "tool"):
        one = next(record for record in records if record["tool"] == tool)
        cpu = _median(records, tool, "cpu_s")
        rows.append([
            tool,
            _times(_median(records, tool, "wall_s") / base),
            f"{one['source_requests']} + {one['target_requests']}",
            one["pulls"],
            f"{one['source_bytes'] / 1024**2:.0f}",
            f"{cpu / (one['unique_bytes'] / GIB):.2f}" if cold else f"{cpu:.2f}",
            f"{_median(records, tool, 'rss_mib'):.0f}",
            max(record["wrong_tags"] for record in records if record["tool"] == tool),
        ])  # fmt: skip
    if cold:
        source, target = records[0]["minimum_cold"]
        rows.append(["*the least there is*", "", f"{source} + {target}", "", "", "", "", ""])
    return table(head, rows)


def _median(records: Sequence[Record], tool: str, key: str) -> float:
    found = [record[key] for record in records if record["tool"] == tool]
    return statistics.median(value or 0.0 for value in found)


def _unique(records: Sequence[Record], key: str) -> list[str]:
    return list(dict.fromkeys(record[key] for record in records))


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
