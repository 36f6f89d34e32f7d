"""`longshore config`: what the file says, whether it is right, and its schema. I/O."""

from __future__ import annotations

from longshore.cli.frame import group
from longshore.text import tr

config = group(
    "config",
    help=tr("Shows and checks longshore.yaml."),
    examples=["longshore config check", "longshore config show --origin"],
)
