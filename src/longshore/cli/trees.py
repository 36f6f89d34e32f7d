"""Opens the trees that a command names, looks into them, and judges what it finds. I/O.

A folder that is no clone itself but holds clones is taken as many trees.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.cli.frame import App
from longshore.cli.typeset import one_line
from longshore.errors import UsageError, Where
from longshore.events import Notice
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.rewrite.assessment import TreeFound
    from longshore.rewrite.scan import ScanResult
    from longshore.rewrite.tree import OpenTree
    from longshore.rewrite.walk import TreeOptions


@dataclass(frozen=True)
class Scanned:
    """One tree with what stands in it."""

    name: str
    tree: OpenTree
    result: ScanResult


def find_trees(names: Sequence[str]) -> list[Path]:
    """The folders meant: each one given, or the clones in it. Raises UsageError."""
    found: list[Path] = []
    for name in names or (".",):
        folder = Path(name)
        if not name or not os.path.isdir(folder):
            raise _no_folder(name, tr("name the folder of a tree, or a folder of clones"))
        found += _clones(folder) or [folder]
    return list(dict.fromkeys(found))


def need_folders(names: Sequence[str]) -> tuple[str, ...]:
    """Folders with checked-out actions. Raises UsageError."""
    for name in names:
        if not Path(name).is_dir():
            raise _no_folder(name, tr("name a folder that holds OWNER/REPO/action.yml"))
    return tuple(names)


def _no_folder(name: str, hint: str) -> UsageError:
    what = tr("{tree} is not a folder", tree=one_line(name) or "''")
    return UsageError(what, hint, code="not-a-folder", where=Where(file=name))


def _clones(folder: Path) -> list[Path]:
    """The clones right below a folder that is none, when there are at least two."""
    if os.path.lexists(folder / ".git"):
        return []
    try:
        inside = sorted(one for one in folder.iterdir() if os.path.lexists(one / ".git"))
    except OSError:
        return []  # the walk says why it cannot be read
    return inside if len(inside) > 1 else []


def scan_tree(app: App, folder: Path, options: TreeOptions, jobs: int = 0) -> Scanned:
    """Walk and read one tree; progress goes to stderr."""
    from longshore.rewrite.scan import scan
    from longshore.rewrite.tree import open_tree

    tree = open_tree(folder, options)
    result = scan(tree, jobs)
    for one in result.skipped:
        if one.reason == "bug":
            app.output.show(Notice(f"{one.path}: {one.sentence}", level="warning"))
            app.output.detail(one.detail)
    return Scanned(str(folder), tree, result)


def judge_tree(scanned: Scanned) -> TreeFound:
    """Everything that `assess` says of one tree."""
    from longshore.rewrite.assessment import TreeFound
    from longshore.rewrite.hazards.hazard import Surveyed
    from longshore.rewrite.hazards.registry import look_for_hazards
    from longshore.rewrite.pipeline import pipeline_cost

    uses = tuple(scanned.result.uses)
    counts = scanned.result.counts
    return TreeFound(
        scanned.name,
        uses,
        tuple(look_for_hazards(Surveyed(scanned.tree, uses))),
        pipeline_cost(uses, scanned.tree),
        scanned.result.skipped,
        counts.files,
        counts.parsed,
    )
