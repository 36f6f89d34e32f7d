"""A program that scans one tree and says in JSON what it saw; `bench/scan.py` measures it. I/O."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from longshore.rewrite.scan import scan
from longshore.rewrite.tree import open_tree


def main() -> None:
    """TREE [WORKERS]."""
    tree = open_tree(Path(sys.argv[1]))
    found = scan(tree, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    said = {
        "files": found.counts.files,
        "read": found.counts.read,
        "parsed": found.counts.parsed,
        "read_bytes": found.counts.read_bytes,
        "references": len(found.uses),
        "skipped": len(found.skipped),
        "bugs": sum(one.reason == "bug" for one in found.skipped),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
