#!/usr/bin/env python3
"""Measures how long longshore takes to look through a large tree, next to ripgrep.

    python bench/scan.py                       # 50,000 files, five rounds
    python bench/scan.py --files 5000 --rounds 3
    python bench/scan.py --tree ~/src/monorepo
    LONGSHORE_BENCH_RENOVATE=/path/to/renovate python bench/scan.py

The tree is made up (bench/measure/monorepo.py) and lies in memory where there is /dev/shm. ripgrep
reads every file that is not ignored and prints the lines that a person would look for references
in. Rounds are paired: each starts every program once, files come from the system's cache. Renovate,
if named, extracts only (platform `local`, no network); once, for it takes long. The record goes to
bench/results/scan.json, the table to bench/results/scan.md and the screen.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure.monorepo import make_monorepo
from measure.processes import Spent, clean_environment, find_program, run
from measure.tables import table
from run import RESULTS, as_sentence, machine, version_of

PATTERN = "from|image|docker"
RENOVATE = "LONGSHORE_BENCH_RENOVATE"


def main() -> None:
    options = parse()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="longshore-scan-", dir=memory) as scratch:
        tree = options.tree or Path(scratch) / "tree"
        home = Path(scratch) / "home"
        home.mkdir()
        if options.tree is None:
            tree.mkdir()
            make_monorepo(tree, options.files)
            subprocess.run(["git", "init", "-q", tree], check=True)
            subprocess.run(["git", "-C", tree, "add", "."], check=True)
        found = measure(tree, options.rounds, home)
        if renovate := os.environ.get(RENOVATE):
            found["programs"]["renovate, extract"] = measure_renovate(renovate, tree, home)
    write(options.results, found)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=50_000, help="of the made up tree")
    parser.add_argument("--tree", type=Path, help="a tree to scan instead")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for results")
    return parser.parse_args()


def programs(tree: Path) -> dict[str, list[str]]:
    """What is run, longshore first."""
    python = find_program("python") or sys.executable
    scan = [python, str(Path(__file__).parent / "measure" / "scan_tree.py"), str(tree)]
    found = {"longshore": scan, "longshore, one process": [*scan, "1"]}
    ripgrep = find_program("rg")
    if ripgrep is None:
        sys.exit("ripgrep is not installed; `make setup-peers` installs it")
    # `.github` and `.gitlab-ci.yml` are hidden files; `.git` is no part of the tree.
    words = [ripgrep, "--no-config", "--hidden", "--glob", "!.git", "--ignore-case"]
    found["ripgrep"] = [*words, "--line-number", PATTERN, str(tree)]
    return found


def measure(tree: Path, rounds: int, home: Path) -> dict[str, Any]:
    """Medians, with what longshore counted; the first round warms the cache and is left out."""
    environ = clean_environment(home)
    wanted = programs(tree)
    seen: dict[str, list[Spent]] = {name: [] for name in wanted}
    for number in range(rounds + 1):
        for name, words in wanted.items():
            spent = run(words, environ, home)
            if spent.code:
                sys.exit(f"{name} ended with {spent.code}: {spent.stderr[-2000:].decode()}")
            if number:
                seen[name].append(spent)
    counts = json.loads(seen["longshore"][0].stdout)
    listed = run([wanted["ripgrep"][0], *_LISTING, str(tree)], environ, home)
    counts["bytes_for_ripgrep"] = sum(
        Path(os.fsdecode(name)).stat().st_size for name in listed.stdout.split(b"\n") if name
    )
    base = [spent.wall_s for spent in seen["ripgrep"]]
    return {
        "counts": counts,
        "programs": {name: _medians(some, base) for name, some in seen.items()},
    }


_LISTING = ("--no-config", "--hidden", "--glob", "!.git", "--files")


def _medians(some: list[Spent], base: list[float]) -> dict[str, float]:
    ratios = [spent.wall_s / other for spent, other in zip(some, base, strict=True)]
    return {
        "wall_s": round(statistics.median(spent.wall_s for spent in some), 3),
        "cpu_s": round(statistics.median(spent.cpu_s for spent in some), 3),
        "rss_mib": round(statistics.median(spent.rss_mib or 0.0 for spent in some), 1),
        "ratio": round(statistics.median(ratios), 2),
    }


def measure_renovate(program: str, tree: Path, home: Path) -> dict[str, Any]:
    """One extraction; how many Docker references it lists."""
    report = home / "report.json"
    more = {
        "LOG_LEVEL": "error", "RENOVATE_CACHE_DIR": str(home / "cache"),
        "RENOVATE_REPORT_TYPE": "file", "RENOVATE_REPORT_PATH": str(report),
    }  # fmt: skip
    words = [program, "--platform=local", "--dry-run=extract", "--onboarding=false"]
    spent = run([*words, "--require-config=ignored"], clean_environment(home, **more), tree)
    found: dict[str, Any] = {
        "wall_s": round(spent.wall_s, 1),
        "cpu_s": round(spent.cpu_s, 1),
        "rss_mib": round(spent.rss_mib or 0.0, 1),
        "exit": spent.code,
        "version": version_of_renovate(program),
    }
    if report.exists():
        found["references"] = _docker_references(json.loads(report.read_text()))
    return found


def version_of_renovate(program: str) -> str:
    """As it says."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "?"


def _docker_references(document: Any) -> int:
    """All entries anywhere in the report whose data source is docker."""
    if isinstance(document, dict):
        own = document.get("datasource") == "docker"
        return own + sum(_docker_references(one) for one in document.values())
    if isinstance(document, list):
        return sum(_docker_references(one) for one in document)
    return 0


def write(folder: Path, found: dict[str, Any]) -> None:
    """Show the table, and keep it with what it was made from."""
    folder.mkdir(exist_ok=True)
    here = machine()
    if ripgrep := version_of("rg", "--version"):
        here["versions"]["ripgrep"] = ripgrep
    base = found["programs"]["ripgrep"]["wall_s"]
    rows = [
        [name, f"{one['wall_s']:.2f}", f"{one.get('ratio', one['wall_s'] / base):.1f}",
         f"{one['cpu_s']:.2f}", f"{one['rss_mib']:.0f}"]
        for name, one in found["programs"].items()
    ]  # fmt: skip
    head = ["program", "seconds", "times ripgrep", "CPU seconds", "largest process, MiB"]
    shown = f"## scan\n\n{as_sentence(here)}\n\n{as_text(found)}\n\n{table(head, rows)}\n"
    document = {"schema": "longshore.bench.scan/1", **here, "found": found}
    (folder / "scan.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "scan.md").write_text(shown)
    print(f"\n{shown}", end="")


def as_text(found: dict[str, Any]) -> str:
    """What was there to be read, and what was found."""
    counts, mib = found["counts"], 1024 * 1024
    said = (
        f"{counts['files']:,} files that are not ignored, {counts['bytes_for_ripgrep'] / mib:.0f} "
        f"MiB. longshore read {counts['read']:,} of them ({counts['read_bytes'] / mib:.0f} MiB), "
        f"parsed {counts['parsed']:,} and found {counts['references']:,} references."
    )
    renovate = found["programs"].get("renovate, extract")
    if renovate and "references" in renovate:
        said += (
            f" Renovate {renovate['version']} lists {renovate['references']:,} Docker references."
        )
    return said


if __name__ == "__main__":
    if shutil.which("git") is None:
        sys.exit("git is not installed")
    main()
