"""One measurement of the lifecycle evaluator, in a process of its own. I/O.

    python lifecycle_steps.py longshore LISTING POLICY    # read the listing, then evaluate
    python lifecycle_steps.py json LISTING                # json.loads of it, and nothing else
    python lifecycle_steps.py sort LISTING                # merely sort the images' times

It prints seconds and peak MiB of each step as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from registry_listing import AT

from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import parse_policy
from longshore.policy.lifecycle.listing import parse_listing

T = TypeVar("T")
FOUND: dict[str, float] = {}


def step(name: str, work: Callable[[], T]) -> T:
    """Do it, and note what it took. The peak is the process's so far."""
    began, began_cpu = time.perf_counter(), time.process_time()
    made = work()
    FOUND[f"{name}_s"] = time.perf_counter() - began
    FOUND[f"{name}_cpu_s"] = time.process_time() - began_cpu
    FOUND[f"{name}_mib"] = peak_mib()
    return made


def peak_mib() -> float:
    """The process's own peak; what `getrusage` tells may be that of the program that started it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    what, listing, *policy = sys.argv[1:]
    FOUND["start_mib"] = peak_mib()
    text = step("text", lambda: Path(listing).read_bytes().decode("utf-8-sig"))
    FOUND["text_bytes"] = len(text)
    if what == "json":
        step("json", lambda: json.loads(text))
    else:
        images = step("read", lambda: parse_listing(text, listing)).images
        del text
        if what == "sort":
            times = [image.pushed_at for image in images if image.pushed_at]
            step("sort", lambda: sorted(times))
        else:
            rules = parse_policy(Path(policy[0]).read_text())
            found = step("evaluate", lambda: evaluate(rules, images, AT))
            FOUND["expired"] = len(found.acted())
    print(json.dumps(FOUND))


if __name__ == "__main__":
    main()
