"""How long a program takes to say its version, and what longshore loads for it. I/O.

Runs are paired: each round starts every program once, so that a busy moment hits all of them. The
files are in the system's cache, as they are for anybody who types a second command.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure.processes import clean_environment, run

# Belongs to the AWS SDK, the embedded servers or HTTP: not to be loaded for a help text.
HEAVY = ("botocore", "moto", "cheroot", "flask", "urllib3", "yaml", "sqlite3", "ssl")
_IMPORT = re.compile(rb"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)")


def measure_start(
    programs: Sequence[tuple[str, Sequence[str]]], rounds: int, home: Path
) -> dict[str, dict[str, float]]:
    """Medians in seconds, and as multiples of the first program's."""
    environ = clean_environment(home)
    seen: dict[str, list[tuple[float, float, float | None]]] = {name: [] for name, _ in programs}
    for _ in range(rounds):
        for name, words in programs:
            spent = run(words, environ, home)
            seen[name].append((spent.wall_s, spent.cpu_s, spent.rss_mib))
    first = seen[programs[0][0]]
    return {
        name: {
            "wall_s": round(statistics.median(one[0] for one in found), 4),
            "cpu_s": round(statistics.median(one[1] for one in found), 4),
            "rss_mib": round(statistics.median(one[2] or 0.0 for one in found), 1),
            # The ratio of each round, not of the medians: what was measured together.
            "ratio": round(
                statistics.median(one[0] / base[0] for one, base in zip(found, first, strict=True)),
                2,
            ),
        }
        for name, found in seen.items()
    }


def weigh_imports(python: str, program: str, home: Path) -> dict[str, Any]:
    """What `longshore --help` imports: how many modules, which take longest, which are heavy."""
    words = [python, "-X", "importtime", program, "--help"]
    found = _IMPORT.findall(run(words, clean_environment(home), home).stderr)
    own = sorted(((int(own), name.decode()) for own, _, name in found), reverse=True)
    names = {name for _, name in own}
    return {
        "modules": len(names),
        "of_longshore": sum(name.partition(".")[0] == "longshore" for name in names),
        "heavy": sorted(name for name in HEAVY if name in names),
        "longest_ms": {name: round(took / 1000, 1) for took, name in own[:8]},
    }
