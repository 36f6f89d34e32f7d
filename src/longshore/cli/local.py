"""`longshore local`: the embedded Docker Hub and ECR, started, filled and bent. I/O."""

from __future__ import annotations

from longshore.cli import local_data, local_scanner, local_servers, local_time
from longshore.cli.local_frame import local

__all__ = ["local", "local_data", "local_scanner", "local_servers", "local_time"]
