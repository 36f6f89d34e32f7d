"""`kill -9` of a running copy, and of the servers under it: no tag is ever half, nothing that was
whole is copied again, and the same command ends what was begun."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from longshore.embedded import daemon
from longshore.embedded.state import LocalState, UpOptions
from tests.kill.plain_client import basic, fetch
from tests.kill.whole import Reader

pytestmark = pytest.mark.kill

REPOSITORIES = ("private-tool", "shop", "web", "worker")
KILLS_A_JOURNEY = 4
LIMIT_S = 60


@dataclass(frozen=True)
class Held:
    """A repository at the Hub: tags, and what refers to their images."""

    tags: dict[str, str]
    referrers: dict[str, set[str]]


def read_hub(state: LocalState, name: str) -> Held:
    """Ask the Hub as any client would, by HEADs and listings."""
    url = f"{state.hub_api}/token?service=registry.docker.io&scope=repository:acme/{name}:pull"
    _, said = fetch(url, basic(state.hub_user, state.hub_password))
    reader = Reader(state.hub_registry, f"acme/{name}", f"Bearer {json.loads(said)['token']}")
    tags = {tag: reader.resolve(tag) for tag in reader.list_tags()}
    referrers = {digest: reader.referrers(digest) for digest in tags.values()}
    reader.close()
    return Held(tags, referrers)


@dataclass
class Company:
    """The servers in the background, and journeys through them, each into names of its own."""

    folder: Path
    options: UpOptions
    state: LocalState
    at_hub: dict[str, Held]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def up(self) -> None:
        """Start the servers again, at the same addresses."""
        before, self.state = self.state, daemon.up(self.options)
        assert (self.state.hub_registry, self.state.ecr_registry) == (
            before.hub_registry,
            before.ecr_registry,
        )

    def kill(self) -> None:
        os.kill(self.state.pid, signal.SIGKILL)

    def journey(self) -> Journey:
        """A new target, with a home and a state of its own."""
        number = next(self.numbers)
        made = Journey(self, f"j{number}", self.folder / f"journey-{number}")
        made.prepare()
        return made

    def log(self) -> list[dict[str, Any]]:
        """All requests so far; the line that a kill has cut is left out."""
        found = []
        for line in (self.state.data_dir / "access.jsonl").read_text().splitlines():
            if line.endswith("}"):
                found.append(json.loads(line))
        return found


@dataclass
class Journey:
    """Some repositories on their way from the Hub to `<name>/...` at the ECR."""

    company: Company
    name: str
    folder: Path
    begins_at: int = 0
    pulls_lost: int = 0

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME")}
        local = {"LONGSHORE_LOCAL_DIR": str(self.company.state.data_dir)}
        return kept | local | {"LONGSHORE_STATE_DIR": str(self.folder / "state"), "TERM": "dumb"}

    def prepare(self) -> None:
        self.folder.mkdir()
        rules = [
            f"  - {{from: docker.io/acme/{name}, to: {self.name}/{name}}}\n"
            for name in REPOSITORIES
        ]
        targets = "version: 1\ntargets: {here: {kind: local}}\n"
        (self.folder / "longshore.yaml").write_text(targets + "images:\n" + "".join(rules))
        self.must("apply", "--only", "aws", "--yes")
        self.begins_at = len(self.company.log())

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """The command in the background; its events come line by line."""
        return subprocess.Popen(
            [sys.executable, "-m", "longshore.cli.main", *argv, "--jsonl"],
            env=self.environ,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def must(self, *argv: str) -> dict[str, Any]:
        """The answer of a command that has to succeed."""
        process = self.start(*argv)
        said, _ = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, said[-3000:]
        answer: dict[str, Any] = json.loads(said.splitlines()[-1])
        return answer

    @contextmanager
    def readers(self) -> Iterator[list[Reader]]:
        """One for each repository at the ECR, none of whose answers is of ours."""
        state = self.company.state
        config = state.docker_config / "config.json"
        list(daemon.command(state.data_dir, {"do": "login"}))
        auth = json.loads(config.read_text())["auths"][state.ecr_registry]["auth"]
        names = [f"{self.name}/{name}" for name in REPOSITORIES]
        made = [Reader(state.ecr_registry, name, f"Basic {auth}") for name in names]
        yield made
        for reader in made:
            reader.close()

    def check_whole(self) -> dict[str, str]:
        """Every tag that the ECR shows can be pulled, every byte of it, and what the Hub has for
        its image (signatures, SBOMs) is there already. Gives what each tag points to."""
        found = {}
        with self.readers() as readers:
            for reader in readers:
                tags = {tag: reader.pull(tag) for tag in reader.list_tags()}
                found.update((f"{reader.repository}:{tag}", one) for tag, one in tags.items())
                at_hub = self.company.at_hub[reader.repository.rpartition("/")[2]]
                for digest in set(tags.values()):
                    assert at_hub.referrers[digest] <= reader.referrers(digest)
                    stem = digest.replace(":", "-")
                    assert {tag for tag in at_hub.tags if tag.startswith(stem)} <= set(tags)
        return found

    def check_end(self, kills: int) -> None:
        """All tags are equal, no blob went up twice, no pull was spent twice but in a kill."""
        found = self.check_whole()
        assert found == self.wanted()
        log = self.company.log()[self.begins_at :]
        uploads, pulls = uploads_in(log, self.name), pulls_in(log)
        with self.readers() as readers:
            for reader in readers:
                assert uploads[reader.repository] <= len(reader.list_blobs()), reader.repository
        twice = sum(count - 1 for count in pulls.values())
        assert twice <= self.pulls_lost, f"{twice} manifests were pulled again"
        assert all(count <= 1 + kills for count in pulls.values())

    def wanted(self) -> dict[str, str]:
        """What the Hub has."""
        return {
            f"{self.name}/{name}:{tag}": digest
            for name, held in self.company.at_hub.items()
            for tag, digest in held.tags.items()
        }


def uploads_in(log: list[dict[str, Any]], prefix: str) -> Counter[str]:
    """Blobs that each repository of the journey took, whole."""
    found: Counter[str] = Counter()
    for one in log:
        path = one["path"].removeprefix("/v2/")
        done = (one["listener"], one["method"], one["status"]) == ("ecr", "PUT", 201)
        if done and "/blobs/uploads/" in path and path.startswith(f"{prefix}/"):
            found[path.partition("/blobs/")[0]] += 1
    return found


def pulls_in(log: list[dict[str, Any]]) -> Counter[str]:
    """How often each manifest was pulled from the Hub."""
    wanted = ("hub", "GET", "manifest", 200)
    lines = ((one, (one["listener"], one["method"], one["kind"], one["status"])) for one in log)
    return Counter(one["path"] for one, kind in lines if kind == wanted)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("killed")
    options = UpOptions(folder / "local")
    state = daemon.up(options)
    list(daemon.command(options.data_dir, {"do": "seed", "seed": 1, "small": True}))
    at_hub = {name: read_hub(state, name) for name in REPOSITORIES}
    assert any(found for held in at_hub.values() for found in held.referrers.values())
    yield Company(folder, options, state, at_hub)
    daemon.down(options.data_dir)


def killed_after(process: subprocess.Popen[str], events: int, pause_s: float) -> bool:
    """Kill the copy after some events; whether it was still at work."""
    assert process.stdout is not None
    for _ in itertools.islice(process.stdout, events):
        pass
    time.sleep(pause_s)
    was_running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=LIMIT_S)
    return was_running


@pytest.mark.parametrize("part", [0, 1])
def test_killed_anywhere_and_resumed(
    company: Company, pytestconfig: pytest.Config, part: int
) -> None:
    rounds = max(1, pytestconfig.getoption("--kill-rounds") // 2)
    chance = random.Random(f"{pytestconfig.getoption('--kill-seed')} sync {part}")
    at_work = 0
    while rounds > 0:
        journey = company.journey()
        kills = min(rounds, KILLS_A_JOURNEY)
        rounds -= kills
        for _ in range(kills):
            at_work += kill_once(journey, chance)
            journey.check_whole()
        answer = journey.must("sync")
        assert answer["tags"]["failed"] == answer["tags"]["left"] == 0
        journey.check_end(kills)
        assert journey.must("sync")["tags"]["copied"] == 0
    print(f"{at_work} copies were at work when they were killed")
    assert at_work


def kill_once(journey: Journey, chance: random.Random) -> bool:
    """Kill the copy at a random moment, and sometimes the servers with it."""
    jobs = chance.choice([2, 4, 8, 24])
    command = chance.choice([["sync", "--jobs", str(jobs)], ["migrate", "--yes"]])
    servers_too = chance.random() < 0.25
    process = journey.start(*command)
    events = chance.randrange(chance.choice([8, 30, 80]))
    was_running = killed_after(process, events, chance.uniform(0, 0.02))
    if servers_too:
        journey.company.kill()
        journey.company.up()
    # What was being read at that moment was not kept yet: as many manifests as are read at once.
    reading = 12 if command[0] == "migrate" else min(jobs, max(8, jobs // 2))
    journey.pulls_lost += reading if was_running else 0
    return was_running


def test_the_servers_are_killed_under_a_copy(company: Company, pytestconfig: pytest.Config) -> None:
    """They come back at once, at the same address: the copy goes on and ends well."""
    chance = random.Random(f"{pytestconfig.getoption('--kill-seed')} servers")
    journey = company.journey()
    process = journey.start("sync")
    assert process.stdout is not None
    for _ in itertools.islice(process.stdout, chance.randrange(1, 40)):
        pass
    company.kill()
    company.up()
    said, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, said[-3000:]
    found = journey.check_whole()
    assert found == journey.wanted()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_soon_and_keeps_the_state(
    company: Company, number: signal.Signals
) -> None:
    journey = company.journey()
    process = journey.start("sync", "--jobs", "4")
    assert process.stdout is not None
    for _ in itertools.islice(process.stdout, 12):
        pass
    began = time.monotonic()
    process.send_signal(number)
    said, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130, said[-3000:]
    assert time.monotonic() - began < 8
    answer = json.loads(said.splitlines()[-1])
    assert answer["error"]["code"] == "interrupted"
    assert answer["tags"]["left"] > 0
    journey.check_whole()
    journey.must("sync")
    journey.pulls_lost = 4
    journey.check_end(1)


def test_an_interrupt_does_not_wait_for_a_server_that_hangs(company: Company) -> None:
    journey = company.journey()
    hang = {"listener": "hub-cdn", "times": None, "delay_ms": 12_000}
    list(daemon.command(company.state.data_dir, {"do": "fault", "add": hang}))
    try:
        process = journey.start("sync")
        assert process.stdout is not None
        while "progress" not in process.stdout.readline():
            pass
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT_S)
        assert process.returncode == 130
        assert time.monotonic() - began < 10
    finally:
        list(daemon.command(company.state.data_dir, {"do": "fault", "clear": True}))
    assert journey.check_whole() == {}


def test_a_second_run_at_once_is_refused(company: Company) -> None:
    journey = company.journey()
    slow = {"listener": "hub-cdn", "times": None, "delay_ms": 400}
    list(daemon.command(company.state.data_dir, {"do": "fault", "add": slow}))
    try:
        first = journey.start("sync", "--jobs", "2")
        assert first.stdout is not None
        first.stdout.readline()
        for command in (["sync"], ["apply", "--yes"], ["migrate", "--yes"]):
            second = journey.start(*command)
            said, _ = second.communicate(timeout=LIMIT_S)
            assert second.returncode == 3, said
            error = json.loads(said.splitlines()[-1])
            assert error["code"] == "already-running"
            assert str(first.pid) in error["message"]
    finally:
        list(daemon.command(company.state.data_dir, {"do": "fault", "clear": True}))
    first.communicate(timeout=LIMIT_S)
    assert first.returncode == 0
    assert journey.check_whole() == journey.wanted()
