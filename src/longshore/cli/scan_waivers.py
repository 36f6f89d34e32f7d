"""Which waivers count: those of the file, in a pull request those of its base branch. I/O.

Whoever opens a pull request could waive what it brings in. So in a pull request's run `scan` of
longshore.yaml is read as it stands at the base commit; where that cannot be read, nothing is
waived and the standard limits hold.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.errors import LongshoreError
from longshore.policy.gate import DEFAULT_RULES, GateRules
from longshore.provision.config import parse_config
from longshore.text import tr

_EVENTS = ("pull_request", "pull_request_target")
_TIMEOUT_S = 20


def waivers_that_count(app: App) -> tuple[GateRules, list[str]]:
    """The rules of the gate, and what is to be said of where they come from."""
    if app.environ.get("GITHUB_EVENT_NAME") in _EVENTS:
        return _of_base(app)
    config = wiring.find_config(app.settings, app.environ)
    return (config.scan if config else DEFAULT_RULES), []


def _of_base(app: App) -> tuple[GateRules, list[str]]:
    file = wiring.config_file(app.settings)
    text = _at_base(app, file)
    if text is None:
        return DEFAULT_RULES, [
            tr(
                "the base branch's {file} cannot be read here (fetch-depth: 0 brings it): nothing "
                "is waived, and the standard limits hold",
                file=file.name,
            )
        ]
    try:
        rules = parse_config(text, f"{file.name} (base branch)", app.environ).scan
    except LongshoreError as error:
        return DEFAULT_RULES, [
            tr("the base branch's {file} is not valid: {why}", file=file.name, why=error.what)
        ]
    return rules, [tr("limits and waivers are those of the base branch")]


def _at_base(app: App, file: Path) -> str | None:
    """The file at the base commit; empty text stands for no file there."""
    commit = _base_commit(app)
    if not commit:
        return None
    folder = file.resolve().parent
    name = f"{commit}:./{file.name}"
    shown = _git(folder, app, "show", name)
    if shown is not None:
        return shown
    known = _git(folder, app, "cat-file", "-e", f"{commit}^{{commit}}")
    return None if known is None else "version: 1\ntargets: {local: {kind: local}}\n"


def _base_commit(app: App) -> str:
    try:
        event: Any = json.loads(Path(app.environ.get("GITHUB_EVENT_PATH", "")).read_text("utf-8"))
        commit = event["pull_request"]["base"]["sha"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    is_commit = isinstance(commit, str) and len(commit) in (40, 64)
    return commit if is_commit and all(one in "0123456789abcdef" for one in commit) else ""


def _git(folder: Path, app: App, *words: str) -> str | None:
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *words]
    environ = {"PATH": app.environ.get("PATH", ""), "HOME": app.environ.get("HOME", "/")}
    try:
        done = subprocess.run(
            command, env=environ, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
