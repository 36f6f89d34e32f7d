"""`longshore monitor`: metrics that AWS lacks, and the hourly check. I/O.

Each command's own module is loaded with it.
"""

from __future__ import annotations

from longshore.cli.frame import group
from longshore.cli.monitor_alerts import alerts
from longshore.cli.monitor_check import check
from longshore.cli.monitor_publish import publish
from longshore.text import tr

monitor = group(
    "monitor",
    help=tr("Watches the registry: puts the metrics that AWS lacks, and checks every hour."),
    examples=[
        "longshore monitor publish --yes",
        "longshore monitor check",
    ],
)
monitor.add_command(publish)
monitor.add_command(check)
monitor.add_command(alerts)
