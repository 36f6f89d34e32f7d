"""The tree's part of `migrate` and `status`: pulls per run before and after, the patch. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.cli.files import write_file
from longshore.cli.frame import App
from longshore.cli.rewrite_plan import (
    Rewrite,
    check_target,
    plan_tree,
    refuse_missing,
    with_digests,
)
from longshore.cli.rewriting import look_with, make_rewrite, patch_of, write_rewrite
from longshore.journey.changes import PlannedChange
from longshore.journey.summary import TreeMoved
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.cli.stores import Opener
    from longshore.provision.settings import Config
    from longshore.rewrite.uses import Use


@dataclass(frozen=True)
class TreePart:
    """One tree on its way: the proved rewrite, and pulls per run without and with it."""

    folder: Path
    made: Rewrite
    before: int
    after: int
    config: Config

    @property
    def matters(self) -> bool:
        """Whether the tree names Docker Hub at all."""
        return bool(self.made.plan.decisions)


def look_at_tree(app: App, folder: Path, config: Config) -> TreePart:
    """Scan the tree and plan its rewrite; writes nothing."""
    from longshore.rewrite.pipeline import pipeline_cost

    made = make_rewrite(app, folder, config)
    uses = made.scanned.result.uses
    tree = made.scanned.tree
    before = pipeline_cost(uses, tree).per_run
    after = pipeline_cost(moved_uses(uses, made), tree).per_run
    return TreePart(folder, made, before, after, config)


def tree_changes(part: TreePart) -> tuple[PlannedChange, ...]:
    """One change a file: place -> text before and after."""
    made = part.made
    found = []
    for one in made.changes:
        diff: dict[str, dict[str, str]] = {}
        file = made.scanned.tree.file(one.path)
        for edit in one.edits:
            line, column = file.place(edit.span.start) if file is not None else (0, 0)
            diff[f"{line}:{column}"] = {"from": edit.old.strip(), "to": edit.new.strip()}
        reason = tr("{count} places", count=len(diff))
        found.append(PlannedChange(f"tree/{one.path}", "update", reason, diff))
    return tuple(found)


def moved_uses(uses: Sequence[Use], made: Rewrite) -> list[Use]:
    """The uses as they are once the rewrite is written."""
    moved = {id(one.use): one.new for one in made.plan.decisions if one.changes}
    by_place = {
        (one.use.file, one.use.mention.span, one.use.image): one.new
        for one in made.plan.decisions
        if one.changes
    }
    found = []
    for use in uses:
        new = moved.get(id(use)) or by_place.get((use.file, use.mention.span, use.image))
        if new is not None and use.status == "hub":
            host = new.partition("/")[0]
            use = replace(use, status="other", registry=host)
        found.append(use)
    return found


def finish_tree(
    app: App, part: TreePart, opener: Opener, registry: str, *, write: bool, patch: str | None
) -> TreeMoved:
    """Write the files (`write`), or the patch (`patch`), or only say what would change.

    Raises RefusedError when an image that the tree would name is not at the target.
    """
    made = part.made
    look = look_with(app, part.folder) if write else None
    if write:
        made = plan_tree(made.scanned, part.config, made.destination, look=look)
    if part.config.rewrite.pin_digests and (write or patch is not None):
        made = with_digests(made, part.config, opener, registry, look)
    if patch is not None:
        write_file(Path(patch), patch_of(made).decode("utf-8", "surrogateescape"))
    written: list[str] = []
    if write:
        refuse_missing(check_target(opener, made.plan, registry))
        written = write_rewrite(app, part.folder, made)
    return TreeMoved(
        str(part.folder),
        sum(one.changes for one in made.plan.decisions),
        tuple(one.path for one in made.changes),
        part.before,
        part.after,
        tuple(
            (f"{one.use.file}:{one.use.line}", one.use.mention.text, one.reason)
            for one in made.plan.left
        ),
        tuple(written),
        patch,
    )
