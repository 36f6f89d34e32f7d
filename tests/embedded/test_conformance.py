"""The OCI distribution specification's own conformance suite against the embedded registries.

`OCI_CONFORMANCE` names the suite's program (built from the specification's folder `conformance`;
docs/local.md says more). Without it these tests are skipped, aloud, also in CI.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.embedded import aws_world, hub_world

from longshore.embedded.clock import Clock
from longshore.embedded.contents import Contents
from longshore.embedded.registry import registry_handler
from longshore.embedded.registry_rules import Rules
from longshore.embedded.server import Listener
from longshore.embedded.wire import application

PROGRAM = "OCI_CONFORMANCE"
LIMIT_S = 120
ONE, TWO = "acme/one", "acme/two"


class Served(NamedTuple):
    """A registry to be examined; `without` are the parts that it does not claim."""

    address: str
    user: str = ""
    password: str = ""
    without: tuple[str, ...] = ()


@contextmanager
def plain(folder: Path) -> Iterator[Served]:
    contents = Contents(folder, "hub", Clock())
    with Listener(application(registry_handler(Rules(contents)))) as listener:
        yield Served(listener.address)
    contents.close()


@contextmanager
def hub(folder: Path) -> Iterator[Served]:
    with hub_world.running(folder) as world:
        yield Served(world.address, hub_world.USER, hub_world.PASSWORD)


@contextmanager
def strict_ecr(folder: Path) -> Iterator[Served]:
    """ECR without its departures; it names images by sha256 only."""
    with aws_world.running(folder, mode="strict-oci") as world:
        for name in (ONE, TWO):
            world.client().create_repository(repositoryName=name)
        yield Served(world.registry, "AWS", world.password(), ("OCI_DATA_SHA512",))


@pytest.mark.peer
@pytest.mark.parametrize("registry", [plain, hub, strict_ecr])
def test_conformance(
    registry: Callable[[Path], AbstractContextManager[Served]], tmp_path: Path
) -> None:
    program = os.environ.get(PROGRAM)
    if not program:
        pytest.skip(f"{PROGRAM} does not name the OCI conformance suite's program")
    with registry(tmp_path / "data") as served:
        ran = subprocess.run(
            [program],
            env=_settings(served, tmp_path),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
            check=False,
        )
    said = ran.stdout.decode(errors="replace")
    failed = "\n".join(line for line in said.splitlines() if "FAIL" in line)
    assert ran.returncode == 0, failed or said
    assert "Pass" in said


def _settings(served: Served, folder: Path) -> dict[str, str]:
    """The variables of both programs: that of v1.1.1, and the one after it."""
    now = {
        "OCI_REGISTRY": served.address,
        "OCI_TLS": "disabled",
        "OCI_REPO1": ONE,
        "OCI_REPO2": TWO,
        "OCI_VERSION": "1.1",
        "OCI_RESULTS_DIR": str(folder),
        "OCI_API_BLOBS_UPLOAD_CANCEL": "true",
        "OCI_API_MANIFESTS_DIGEST_HEADER": "true",
        **dict.fromkeys(served.without, "false"),
    }
    before = {
        "OCI_ROOT_URL": f"http://{served.address}",
        "OCI_NAMESPACE": ONE,
        "OCI_CROSSMOUNT_NAMESPACE": TWO,
        "OCI_REPORT_DIR": "none",
        "OCI_TEST_PULL": "1",
        "OCI_TEST_PUSH": "1",
        "OCI_TEST_CONTENT_DISCOVERY": "1",
        "OCI_TEST_CONTENT_MANAGEMENT": "1",
    }
    login = {"OCI_USERNAME": served.user, "OCI_PASSWORD": served.password}
    return {"PATH": os.defpath, "HOME": str(folder), **before, **now, **login}
