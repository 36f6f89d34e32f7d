"""One background process for a folder: found again, ended only when ours, back after a kill."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from longshore.embedded import daemon
from longshore.embedded.state import (
    MARK,
    LocalState,
    UpOptions,
    default_data_dir,
    empty_data_dir,
    prepare_data_dir,
)
from longshore.errors import LongshoreError, RefusedError


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "local"
    yield made
    daemon.down(made)


def answers(address: str) -> bool:
    with socket.create_connection(address.removeprefix("http://").split(":"), timeout=2):  # type: ignore[arg-type]
        return True


def killed(state: LocalState) -> None:
    os.kill(state.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while daemon.status(state.data_dir) is not None:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_up_answers_everywhere_and_a_second_up_finds_it(folder: Path) -> None:
    first = daemon.up(UpOptions(folder))
    for address in (first.aws_endpoint, first.ecr_registry, first.hub_registry, first.hub_api):
        assert answers(address)
    assert daemon.up(UpOptions(folder)) == first == daemon.status(folder)
    assert daemon.down(folder)
    assert daemon.status(folder) is None
    assert not daemon.down(folder)
    with pytest.raises(ConnectionRefusedError):
        answers(first.ecr_registry)


def test_ports_and_accounts_are_the_same_after_a_kill(folder: Path) -> None:
    first = daemon.up(UpOptions(folder))
    killed(first)
    second = daemon.up(UpOptions(folder))
    assert second.pid != first.pid
    assert second.ports == first.ports
    assert second.env() == first.env()


def test_a_remembered_port_that_is_taken_is_given_up(folder: Path) -> None:
    first = daemon.up(UpOptions(folder))
    daemon.down(folder)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first.ports["ecr"]))
        taken.listen()
        second = daemon.up(UpOptions(folder))
    assert second.ports["ecr"] != first.ports["ecr"]
    assert second.ports["hub"] == first.ports["hub"]


def test_a_wanted_port_that_is_taken_is_an_error(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LongshoreError, match=str(port)) as caught:
            daemon.up(UpOptions(folder, ports={"ecr": port}))
    assert caught.value.code == "port-taken"
    assert "--port-ecr" in caught.value.hint
    assert daemon.status(folder) is None


def test_other_options_are_refused_while_it_runs(folder: Path) -> None:
    daemon.up(UpOptions(folder))
    with pytest.raises(RefusedError) as caught:
        daemon.up(UpOptions(folder, mode="strict-oci"))
    assert caught.value.code == "local-runs-differently"


def test_two_at_once_start_one(folder: Path) -> None:
    found: list[LocalState] = []
    threads = [
        threading.Thread(target=lambda: found.append(daemon.up(UpOptions(folder))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len({state.pid for state in found}) == 1


def test_secrets_are_private_and_not_in_the_command_line(folder: Path) -> None:
    state = daemon.up(UpOptions(folder))
    secrets = [state.secret_key, state.hub_password]
    assert all(len(secret) > 20 for secret in secrets)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("settings.json", "lock", "local.log", "control.sock"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    line = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(state.pid)], capture_output=True, check=True
    ).stdout.decode()
    assert "longshore.embedded.background" in line
    shown = line + repr(state) + (folder / "local.log").read_text()
    assert not any(secret in shown for secret in secrets)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_callers_accounts_and_proxies_stay_out(folder: Path) -> None:
    theirs = {"AWS_PROFILE": "prod", "HTTPS_PROXY": "http://127.0.0.1:1", "GITHUB_TOKEN": "x"}
    state = daemon.up(UpOptions(folder), {**os.environ, **theirs, "LANG": "C.UTF-8"})
    seen = Path(f"/proc/{state.pid}/environ").read_bytes().decode().split("\0")
    names = {line.partition("=")[0] for line in seen}
    assert not names & set(theirs)
    assert "LANG" in names


def test_a_process_that_does_not_answer_is_not_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody holds the lock and is not ours: `down` and `up` say so and touch nothing."""
    monkeypatch.setattr(daemon, "PATIENCE_S", 0.1)
    prepare_data_dir(folder)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, os, sys\n"
            "f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX)\n"
            "f.write(str(os.getpid())); f.flush(); print('held', flush=True)\n"
            "sys.stdin.read()",
            folder / "lock",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        for attempt in (lambda: daemon.down(folder), lambda: daemon.up(UpOptions(folder))):
            with pytest.raises(LongshoreError) as caught:
                attempt()
            assert caught.value.code == "local-not-answering"
            assert str(holder.pid) in caught.value.what
        with pytest.raises(LongshoreError):
            daemon.reset(folder)
        assert holder.poll() is None
        holder.communicate()


def test_a_deep_folder_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / "local"
    state = daemon.up(UpOptions(deep))
    try:
        assert daemon.status(deep) == state
    finally:
        daemon.down(deep)


def test_a_folder_of_somebody_else_is_never_used_nor_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RefusedError) as caught:
        daemon.up(UpOptions(tmp_path))
    assert caught.value.code == "local-folder-not-ours"
    for forget in (empty_data_dir, daemon.reset):
        with pytest.raises(RefusedError):
            forget(tmp_path)
    (tmp_path / MARK).write_text("something else")
    with pytest.raises(RefusedError):
        empty_data_dir(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_emptying_keeps_accounts_and_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").write_text("x")
    folder = tmp_path / "local"
    prepare_data_dir(folder)
    (folder / "hub").mkdir()
    (folder / "hub" / "blob").write_text("x")
    (folder / "link").symlink_to(outside)
    (folder / "settings.json").write_text("{}")
    empty_data_dir(folder)
    assert sorted(one.name for one in folder.iterdir()) == [MARK, "settings.json"]
    assert (outside / "keep").exists()


def test_the_default_folder() -> None:
    home = {"HOME": "/home/ada"}
    assert default_data_dir(home) == Path("/home/ada/.local/share/longshore/local")
    assert default_data_dir({**home, "XDG_DATA_HOME": "/data"}) == Path("/data/longshore/local")
    assert default_data_dir({**home, "LONGSHORE_LOCAL_DIR": "/tmp/x"}) == Path("/tmp/x")


def test_no_other_host_name_is_answered(folder: Path) -> None:
    state = daemon.up(UpOptions(folder))
    request = urllib.request.Request(
        f"http://{state.hub_registry}/v2/", headers={"Host": "evil.example.com"}
    )
    with pytest.raises(urllib.request.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    assert caught.value.code in (403, 421)
    caught.value.close()


def test_importing_it_is_light() -> None:
    code = "import sys, longshore.embedded.daemon; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    names = loaded.stdout.decode().split()
    assert not {"cheroot", "moto", "botocore", "sqlite3"} & set(names)
