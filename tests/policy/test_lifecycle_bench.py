"""The measurement of lifecycle policies runs, and what it makes up is what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_measures_each_size_and_number_of_rules(tmp_path: Path) -> None:
    program = [sys.executable, ROOT / "bench" / "lifecycle.py", "--results", tmp_path]
    words = ["--images", "300,600", "--rules", "20,50", "--rounds", "1"]
    done = subprocess.run([*program, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "lifecycle.json").read_text())["found"]
    assert [(one["images"], one["rules"]) for one in found] == [
        *((300, 20), (300, 50)),
        *((600, 20), (600, 50)),
    ]
    assert all(one["read_s"] > 0 and one["evaluate_s"] > 0 and one["json_s"] > 0 for one in found)
    assert all(0 < one["expired"] < one["images"] for one in found)
    assert (tmp_path / "lifecycle.md").read_text() in f"\n{done.stdout}"
