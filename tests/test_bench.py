"""The measuring programs run, and count what they say they count."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import peer

ROOT = Path(__file__).parent.parent


def bench(results: Path, *words: str) -> str:
    program = [sys.executable, ROOT / "bench" / "run.py", *words, "--results", results]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_start(tmp_path: Path) -> None:
    bench(tmp_path, "start", "--rounds", "1")
    found = json.loads((tmp_path / "start.json").read_text())["found"]
    assert found["programs"]["longshore --version"]["ratio"] == 1
    assert found["imports"]["heavy"] == []
    assert found["imports"]["of_longshore"] > 5


@pytest.mark.peer
def test_copy_counts_requests_pulls_and_wrong_tags(tmp_path: Path) -> None:
    peer("docker-registry")
    words = ["--workloads", "W4,W5", "--scale", "0.001", "--runs", "1", "--tools", "longshore"]
    shown = bench(tmp_path, "copy", *words)
    records = json.loads((tmp_path / "copy.json").read_text())["found"]["records"]
    seen = {(one["workload"], one["phase"]): one for one in records}
    cold, again, moved = (seen["W4", name] for name in ("cold", "no-op", "one tag moved"))
    assert [one["exit"] for one in records] == [0] * 6
    assert [one["wrong_tags"] for one in records] == [0] * 6
    assert (cold["pulls"], again["pulls"], moved["pulls"]) == (50, 0, 5)
    assert cold["minimum_cold"] == [171, 291]
    assert cold["target_requests"] == 291
    assert cold["source_bytes"] == cold["unique_bytes"]
    assert seen["W5", "cold"]["target_classes"]["POST mount"] == 33
    assert "the least there is" in shown
