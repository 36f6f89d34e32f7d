"""What the commands of `monitor` share: the target, its time, and what was seen last time. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.facts import RepositorySeen

if TYPE_CHECKING:
    from longshore.watch.inventory import Inventory, InventoryOptions
    from longshore.watch.memory import Memory


class Watch:
    """One run on one target."""

    def __init__(self, app: App, region: str | None) -> None:
        self.app = app
        self.target = wiring.open_target(app.settings, app.environ, region=region)
        self.now: datetime = wiring.target_now(self.target)

    @cached_property
    def repositories(self) -> dict[str, RepositorySeen]:
        """All repositories of the target, by name."""
        found = self.target.ecr.describe_repositories()
        return {seen.name: seen for seen in sorted(found, key=lambda seen: seen.name)}

    def open_memory(self) -> Memory:
        """What was seen last time."""
        from longshore.watch.memory import Memory

        end = self.target.endpoint
        folder: Path = wiring.state_dir(self.app.environ) / "monitor"
        return Memory(folder / f"{end.kind}-{end.account}-{end.region}.sqlite")

    def inventory(self, memory: Memory, options: InventoryOptions) -> Inventory:
        """The reader of this target's repositories."""
        from longshore.remote.ecr_scans import Scans
        from longshore.watch.inventory import Inventory

        scans = Scans(self.target.session, self.target.endpoint.account)
        return Inventory(self.target.ecr, scans, memory, options, self.now)


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are.

    >>> some(["a", "b", "c", "d"])
    'a, b, c +1'
    """
    more = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(names[:most]) + more
