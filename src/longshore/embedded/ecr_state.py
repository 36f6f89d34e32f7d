"""The embedded ECR's registries, one per region, and what they share. I/O.

The configured region is the one that answers under `/v2/`; any other region has its own, at first
empty, registry that the API serves, as at AWS. All that a registry holds is in `Contents`, its own
settings in its notes.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from longshore.embedded.clock import Clock
from longshore.embedded.contents import Contents, Repository, Stored
from longshore.embedded.ecr_errors import repository_not_found, throttled
from longshore.embedded.ecr_tokens import Signer

Mode = Literal["ecr", "strict-oci"]
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d\Z")


@dataclass(frozen=True)
class EcrOptions:
    """What the embedded ECR is told at start.

    `put_image_per_s` is the quota of PutImage calls, None for none (ECR's is 10). Mode `ecr`
    includes ECR's departures from the OCI specification, `strict-oci` leaves them out.
    """

    account: str
    region: str
    mode: Mode = "ecr"
    put_image_per_s: float | None = None


class Region:
    """One region's registry. Whoever checks first and writes then holds `lock`."""

    def __init__(self, ecr: Ecr, name: str, folder: Path) -> None:
        self.ecr = ecr
        self.name = name
        self.account = ecr.options.account
        self.lock = threading.RLock()
        self.contents = Contents(folder, "ecr", ecr.clock)
        self.put_image_quota = Quota(lambda: ecr.put_image_per_s)

    @property
    def is_served(self) -> bool:
        """Whether this region's registry answers under `/v2/`."""
        return self.name == self.ecr.options.region

    def repository(self, name: str, registry_id: str | None = None) -> Repository:
        """The repository. Raises RepositoryNotFoundException, also for another account's."""
        account = registry_id or self.account
        found = self.contents.repository(name) if account == self.account else None
        if found is None:
            raise repository_not_found(name, account)
        return found

    def arn(self, name: str) -> str:
        """A repository's ARN."""
        return f"arn:{self.partition}:ecr:{self.name}:{self.account}:repository/{name}"

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        prefix = self.name.partition("-")[0]
        if prefix == "us" and self.name.startswith("us-gov-"):
            return "aws-us-gov"
        return "aws-cn" if prefix == "cn" else "aws"

    @property
    def host(self) -> str:
        """The registry's host: ours for the region that is served, AWS's form for others."""
        if self.is_served:
            return self.ecr.registry_host
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        return f"{self.account}.dkr.ecr.{self.name}.{suffix}"

    def tell(self, events: Sequence[dict[str, Any]]) -> None:
        """Let EventBridge know, if anybody listens there; each event at its time."""
        if not self.ecr.has_listeners(self.name):
            return
        for event in events:
            self.contents.outbox.add([{"event": event}], due=event["at"])
        self.ecr.told()

    def close(self) -> None:
        """Close its files."""
        self.contents.close()


class Ecr:
    """All regions of one account. Addresses are known once the listeners have their ports."""

    def __init__(self, data_dir: Path, options: EcrOptions, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.put_image_per_s = options.put_image_per_s
        self.preview_takes_s = 0.5
        self.has_listeners: Callable[[str], bool] = lambda region: False
        self._on_told: list[Callable[[], None]] = []
        self._on_pushed: list[Callable[[Region, Stored], None]] = []
        self._on_pulled: list[Callable[[Region, str], None]] = []
        self.registry_host = "127.0.0.1"
        self.layers_origin = "http://127.0.0.1"
        self._folder = data_dir
        self.signer = Signer(data_dir / "ecr-token.key")
        self._regions: dict[str, Region] = {}
        self._lock = threading.Lock()

    def bind(self, registry_host: str, layers_origin: str) -> None:
        """Say where `/v2/` (`127.0.0.1:PORT`) and the layer store (`http://...`) answer."""
        self.registry_host = registry_host
        self.layers_origin = layers_origin.rstrip("/")

    def region(self, name: str) -> Region:
        """The region's registry, made when it is first asked for. Raises KeyError."""
        if _REGION.match(name) is None:
            raise KeyError(name)
        with self._lock:
            if name not in self._regions:
                served = name == self.options.region
                folder = self._folder if served else self._folder / "ecr-regions" / name
                self._regions[name] = Region(self, name, folder)
            return self._regions[name]

    def regions(self) -> list[Region]:
        """All regions that hold something, the one that is served first."""
        others = self._folder / "ecr-regions"
        names = sorted(one.name for one in others.iterdir()) if others.is_dir() else []
        return [self.served, *(self.region(name) for name in names if _REGION.match(name))]

    def on_pushed(self, act: Callable[[Region, Stored], None]) -> None:
        """Who is to know of each image that comes."""
        self._on_pushed.append(act)

    def pushed(self, region: Region, stored: Stored) -> None:
        """An image came."""
        for act in self._on_pushed:
            act(region, stored)

    def on_pulled(self, act: Callable[[Region, str], None]) -> None:
        """Who is to know of each pull, by the repository's name."""
        self._on_pulled.append(act)

    def pulled(self, region: Region, repository: str) -> None:
        """A manifest was read."""
        for act in self._on_pulled:
            act(region, repository)

    def on_told(self, act: Callable[[], None]) -> None:
        """Who is to know at once that an outbox was filled."""
        self._on_told.append(act)

    def told(self) -> None:
        """An outbox was filled."""
        for act in self._on_told:
            act()

    @property
    def served(self) -> Region:
        """The region that answers under `/v2/`."""
        return self.region(self.options.region)

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for region in self._regions.values():
                region.close()
            self._regions.clear()


class Quota:
    """So many calls a second, as a bucket that refills (real time). None: no quota."""

    def __init__(self, per_second: Callable[[], float | None]) -> None:
        self._per_second = per_second
        self._left = 0.0
        self._at = 0.0
        self._lock = threading.Lock()

    def take(self) -> None:
        """Count one call. Raises ThrottlingException."""
        rate = self._per_second()
        if rate is None:
            return
        with self._lock:
            now = time.monotonic()
            self._left = min(rate, self._left + (now - self._at) * rate) if self._at else rate
            self._at = now
            if self._left < 1:
                raise throttled()
            self._left -= 1
