#!/usr/bin/env python3
"""Measures longshore: how fast it starts, what it weighs, what copying costs, next to other tools.

    python bench/run.py                            # everything, a few minutes
    python bench/run.py start install              # only these parts
    python bench/run.py copy --workloads W2,W3 --runs 5 --scale 1
    python bench/run.py copy --rtt-ms 40           # both registries seem far away
    python bench/run.py nothing --tags 100,1000

Parts: `start` (programs that say their version), `install` (packages and MiB), `copy` (between two
docker-registry processes on loopback) and `nothing` (a sync with nothing to do, against the
embedded servers). Other tools take part when they are on PATH: skopeo, crane, regctl, regsync, oras
and the AWS CLI. Records go to bench/results/*.json, tables to bench/results/*.md and the screen.
What bench/README.md says was measured so.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import tables
from measure.copying import CopyRuns, measure_copying
from measure.images import SHAPES
from measure.installing import build_wheel, install, weigh
from measure.nothing_to_do import measure_nothing_to_do, peers_present
from measure.processes import find_program
from measure.starting import measure_start, weigh_imports
from measure.tools import TOOLS, present

RESULTS = Path(__file__).resolve().parent / "results"
PARTS = ("install", "start", "nothing", "copy")
OTHERS = {"aws": ("--version",), "docker-registry": ("--version",)}


def measure_parts(options: argparse.Namespace, folder: Path) -> None:
    """Each wanted part, in the order in which one needs what another makes."""
    longshore = options.longshore or find_program("longshore")
    if longshore is None:
        sys.exit("longshore is not installed; `make setup` installs it")
    if "install" in options.parts:
        python = part_install(options, folder)
        longshore_core = str(python.with_name("longshore"))
    else:
        longshore_core = longshore
    if "start" in options.parts:
        part_start(longshore_core, options, folder)
    if "nothing" in options.parts:
        part_nothing(longshore, options, folder)
    if "copy" in options.parts:
        part_copy(longshore, options, folder)


def part_install(options: argparse.Namespace, folder: Path) -> Path:
    """Packages and MiB; the Python of the installation without extras."""
    (folder / "wheel").mkdir()
    wheel = build_wheel(folder / "wheel")
    core = install(folder / "core", "core.txt", wheel)
    local = install(folder / "local", "local.txt", wheel)
    found = {"longshore": weigh(core), "longshore[local]": weigh(local)}
    write(options, "install", found, tables.install_table(found))
    return core


def part_start(longshore: str, options: argparse.Namespace, folder: Path) -> None:
    """Programs that say their version, and what longshore's help imports."""
    programs = [("longshore --version", [longshore, "--version"])]
    programs += [("longshore --help", [longshore, "--help"])]
    for name, word in (("aws", "--version"), ("skopeo", "--version"), ("crane", "version")):
        if program := find_program(name):
            programs.append((f"{name} {word}", [program, word]))
    home = folder / "home"
    home.mkdir()
    found = measure_start(programs, options.rounds, home)
    python = Path(longshore).with_name("python")
    imports = weigh_imports(str(python), longshore, home) if python.exists() else {}
    heavy = ", ".join(imports.get("heavy", [])) or "none"
    text = tables.start_table(found, programs[0][0])
    if imports:
        text += f"\n\n`longshore --help` imports {imports['modules']} modules, "
        text += f"{imports['of_longshore']} of them its own; heavy ones: {heavy}."
    write(options, "start", {"programs": found, "imports": imports}, text)


def part_nothing(longshore: str, options: argparse.Namespace, folder: Path) -> None:
    """Requests and pulls of a sync with nothing to do."""
    records: list[dict[str, object]] = []
    for tags in (int(word) for word in options.tags.split(",")):
        place = folder / f"nothing-{tags}"
        place.mkdir()
        records += measure_nothing_to_do(longshore, peers_present(), tags, place)
    write(options, "nothing", records, tables.nothing_table(records))


def part_copy(longshore: str, options: argparse.Namespace, folder: Path) -> None:
    """Copies between two registries."""
    wanted = options.tools.split(",") if options.tools else []
    tools = {**present(wanted), **({"longshore": longshore} if not wanted else {})}
    runs = CopyRuns(
        options.workloads.split(","), tools, options.runs, options.scale, options.rtt_ms
    )
    records: list[dict[str, object]] = []
    for record in measure_copying(runs, folder / "copy"):
        records.append(record)
        print(
            f"   {record['workload']} {record['tool']}, {record['phase']}: "
            f"{record['wall_s']:.2f} s", file=sys.stderr,
        )  # fmt: skip
    name = f"copy-rtt{options.rtt_ms:g}" if options.rtt_ms else "copy"
    said = f"sizes x {options.scale:g}, medians of {options.runs} runs, {options.rtt_ms:g} ms away"
    document = {"scale": options.scale, "rtt_ms": options.rtt_ms, "records": records}
    write(options, name, document, f"{said}\n\n{tables.copy_tables(records)}")


def write(options: argparse.Namespace, name: str, found: object, text: str) -> None:
    """Show a part's table, and keep it with what it was made from."""
    options.results.mkdir(exist_ok=True)
    here = machine()
    document = {"schema": f"longshore.bench.{name}/1", **here, "found": found}
    (options.results / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    shown = f"## {name}\n\n{as_sentence(here)}\n\n{text}\n"
    (options.results / f"{name}.md").write_text(shown)
    print(f"\n{shown}", end="", flush=True)


def machine() -> dict[str, Any]:
    """What it was measured on, as far as it matters to a reader."""
    words = {tool.program: tool.version for tool in TOOLS.values()}
    versions = {name: version_of(name, *asked) for name, asked in {**words, **OTHERS}.items()}
    return {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: version for name, version in versions.items() if version},
    }


def version_of(name: str, *words: str) -> str:
    """The version that a program tells; empty when it is not installed."""
    program = find_program(name)
    if program is None:
        return ""
    done = subprocess.run([program, *words], capture_output=True, text=True)
    found = re.search(r"\d+\.\d+[\w.+-]*", done.stdout)
    return found[0] if found else "?"


def as_sentence(found: dict[str, Any]) -> str:
    """The same for a reader."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    where = f"{found['cores']} cores, load {found['load']}, Python {found['python']}"
    return f"{found['at']}, {where}; {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog=f"W1 to W{len(SHAPES)}: see bench/measure/images.py",
    )
    parser.add_argument("parts", nargs="*", help=f"{' '.join(PARTS)}; all when none is named")
    parser.add_argument("--longshore", help="the program to measure; .venv/bin/longshore otherwise")
    parser.add_argument("--rounds", type=int, default=15, help="of starting programs")
    parser.add_argument("--tags", default="100,300", help="repositories with so many tags")
    parser.add_argument("--workloads", default=",".join(SHAPES), help="for copy")
    parser.add_argument("--tools", default="", help=f"for copy: {','.join(TOOLS)}")
    parser.add_argument("--runs", type=int, default=3, help="of each tool on each workload")
    parser.add_argument("--scale", type=float, default=0.25, help="factor on the sizes of layers")
    parser.add_argument("--rtt-ms", type=float, default=0.0, help="a round trip to each registry")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for results")
    options = parser.parse_args()
    options.parts = options.parts or list(PARTS)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # keeps the disk out of the figures
    with tempfile.TemporaryDirectory(prefix="longshore-bench-", dir=memory) as folder:
        measure_parts(options, Path(folder))


if __name__ == "__main__":
    main()
