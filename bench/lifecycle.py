#!/usr/bin/env python3
"""Measures what judging a lifecycle policy costs as a registry grows: time and memory per image.

    python bench/lifecycle.py                           # 1,000 to 1,000,000 images, 20 and 50 rules
    python bench/lifecycle.py --images 100000 --rules 20 --rounds 5

The listings are made up (bench/measure/registry_listing.py) and lie in memory where there is
/dev/shm. Each measurement is a process of its own. Beside reading the listing and evaluating stand
`json.loads` of the same text, which is what reading cannot do without, and sorting the images'
times, which is what evaluating cannot do without. Times are of the processor (the record has those
of the clock too); memory is the peak of the whole process, Python itself included. The record goes
to bench/results/lifecycle.json, the table to bench/results/lifecycle.md and the screen.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure.processes import clean_environment, find_program, run
from measure.registry_listing import policy_of, write_listing
from measure.tables import table
from run import RESULTS, as_sentence, machine

STEPS = Path(__file__).resolve().parent / "measure" / "lifecycle_steps.py"
MIB = 1024 * 1024
BESIDE = ("json_s", "json_cpu_s", "json_mib", "sort_s", "sort_cpu_s")
_LARGE = 500_000  # images; from there on one round will do


def main() -> None:
    options = parse()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    records: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="longshore-lifecycle-", dir=memory) as scratch:
        for count in options.images:
            listing = Path(scratch) / "images.json"
            write_listing(listing, count)
            rounds = 1 if count >= _LARGE else options.rounds
            for record in measure(listing, options.rules, rounds, Path(scratch)):
                records.append({"images": count, **record})
                print(f"   {count} images, {record['rules']} rules", file=sys.stderr)
            listing.unlink()
    write(options.results, records)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=numbers, default=[10**power for power in (3, 4, 5, 6)])
    parser.add_argument("--rules", type=numbers, default=[20, 50])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for results")
    return parser.parse_args()


def numbers(words: str) -> list[int]:
    """Numbers between commas."""
    return [int(word) for word in words.split(",")]


def measure(listing: Path, rules: list[int], rounds: int, scratch: Path) -> list[dict[str, Any]]:
    """A record for each number of rules; rounds are interleaved, medians taken."""
    alone: list[dict[str, float]] = []
    judged: dict[int, list[dict[str, float]]] = {count: [] for count in rules}
    for _ in range(rounds):
        alone.append({**steps(scratch, "json", listing), **steps(scratch, "sort", listing)})
        for count in rules:
            policy = scratch / f"policy-{count}.json"
            policy.write_text(policy_of(count))
            judged[count].append(steps(scratch, "longshore", listing, policy))
    both = medians(alone)
    beside = {name: both[name] for name in BESIDE}
    return [{"rules": count, **medians(some), **beside} for count, some in judged.items()]


def steps(home: Path, *words: object) -> dict[str, float]:
    """What one process tells."""
    python = find_program("python") or sys.executable
    spent = run([python, str(STEPS), *map(str, words)], clean_environment(home), home)
    if spent.code:
        sys.exit(f"{words} ended with {spent.code}: {spent.stderr[-2000:].decode()}")
    found: dict[str, float] = json.loads(spent.stdout)
    return found


def medians(some: list[dict[str, float]]) -> dict[str, float]:
    """Number by number."""
    return {name: round(statistics.median(one[name] for one in some), 5) for name in some[0]}


def as_table(records: list[dict[str, Any]]) -> str:
    """One line for each size and number of rules."""
    head = [
        "images", "rules", "text, MiB", "reading, CPU s", "evaluating, CPU s", "both, µs an image",
        "reading / json.loads", "evaluating / sorting", "peak, MiB", "bytes an image beside text",
        "json.loads alone, MiB",
    ]  # fmt: skip
    return table(head, map(_row, records))


def _row(one: dict[str, Any]) -> list[str]:
    images, text = one["images"], one["text_bytes"] / MIB
    both = one["read_cpu_s"] + one["evaluate_cpu_s"]
    # Bytes and text stand side by side for a moment; what the images need comes after.
    beside = max(one["evaluate_mib"] - one["start_mib"] - text, 0.0)
    return [
        f"{images:,}", str(one["rules"]), f"{text:.1f}", f"{one['read_cpu_s']:.3f}",
        f"{one['evaluate_cpu_s']:.3f}", f"{both / images * 1e6:.1f}",
        f"{one['read_cpu_s'] / one['json_cpu_s']:.1f}",
        f"{one['evaluate_cpu_s'] / one['sort_cpu_s']:.0f}",
        f"{one['evaluate_mib']:.0f}", f"{beside * MIB / images:.0f}", f"{one['json_mib']:.0f}",
    ]  # fmt: skip


def write(results: Path, records: list[dict[str, Any]]) -> None:
    results.mkdir(exist_ok=True)
    here = machine()
    document = {"schema": "longshore.bench.lifecycle/1", **here, "found": records}
    (results / "lifecycle.json").write_text(json.dumps(document, indent=1) + "\n")
    shown = f"## lifecycle\n\n{as_sentence(here)}\n\n{as_table(records)}\n"
    (results / "lifecycle.md").write_text(shown)
    print(f"\n{shown}", end="", flush=True)


if __name__ == "__main__":
    main()
