"""A small runner of GitHub workflows: jobs in order, conditions, expressions, `run:` steps by bash.

A step that uses an action is carried out by its equivalent, a function of the test; one without is
passed over and listed in `not_run`. Files such as $GITHUB_OUTPUT are read as GitHub's runner does.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from longshore.rewrite.syntax.expression_grammar import (
    Binary,
    Call,
    Expression,
    Index,
    Literal,
    Name,
    Not,
    parse_expression,
    split_template,
)

LIMIT_S = 120


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression's inside; a name that is not there is empty."""
    return _value(parse_expression(text.strip()), contexts)


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with its `${{ }}` filled in."""
    parts = split_template(text)
    return "".join(_text(evaluate(part, contexts)) if is_inside else part
                   for _, part, is_inside in parts)  # fmt: skip


def _value(tree: Expression, contexts: Mapping[str, Any]) -> Any:
    match tree:
        case Literal(text, _, kind):
            if text in ("true", "false") and kind != "string":
                return text == "true"
            return text
        case Name(name):
            return contexts.get(name, {})
        case Index(inner, key):
            held = _value(inner, contexts)
            return held.get(_value(key, contexts), "") if isinstance(held, Mapping) else ""
        case Not(inner):
            return not _value(inner, contexts)
        case Binary(operator, left, right):
            return _binary(operator, left, right, contexts)
        case Call(name, args):
            return _call(name.lower(), [_value(one, contexts) for one in args])
    raise AssertionError(f"not known to this runner: {tree}")


def _binary(operator: str, left: Expression, right: Expression, contexts: Mapping[str, Any]) -> Any:
    first = _value(left, contexts)
    if operator == "&&":
        return _value(right, contexts) if first else first
    if operator == "||":
        return first or _value(right, contexts)
    same = _text(first).lower() == _text(_value(right, contexts)).lower()
    return same if operator == "==" else not same


def _call(name: str, args: list[Any]) -> Any:
    match name:
        case "format":
            return re.sub(r"\{(\d+)\}", lambda found: _text(args[int(found[1]) + 1]), args[0])
        case "startswith":
            return _text(args[0]).lower().startswith(_text(args[1]).lower())
        case "always":
            return True
    raise AssertionError(f"not known to this runner: {name}()")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value or "")


@dataclass
class JobRun:
    """One job while it runs. Equivalents may set `env`, and `folder` is its workspace."""

    folder: Path
    temp: Path
    env: dict[str, str]
    contexts: dict[str, Any]

    def shell(self, *argv: str, given: str = "") -> str:
        """A program that must succeed; what it prints."""
        ran = subprocess.run(
            argv,
            cwd=self.folder,
            env=self.env,
            input=given,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert ran.returncode == 0, f"{argv}: {ran.stdout}{ran.stderr}"
        return ran.stdout


Equivalent = Callable[[JobRun, dict[str, str]], dict[str, str] | None]


@dataclass
class Run:
    """What came of a workflow: per job its outputs, steps by name, and what was passed over."""

    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)
    summary: str = ""
    log: str = ""


@dataclass
class Runner:
    """Runs the jobs of one workflow for one event."""

    text: str
    folder: Path
    github: dict[str, Any]
    env: dict[str, str]
    secrets: dict[str, str]
    equivalents: Mapping[str, Equivalent]
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def document(self) -> Any:
        return yaml.load(self.text, Loader=yaml.BaseLoader)

    def is_triggered(self) -> bool:
        """Whether the event sets the workflow off."""
        on, event, ref = self.document["on"], self.github["event_name"], self.github["ref"]
        if event != "push":
            return event in on
        kind = "branches" if ref.startswith("refs/heads/") else "tags"
        name = ref.split("/", 2)[2]
        return any(fnmatchcase(name, pattern) for pattern in on["push"].get(kind, ()))

    def run(self, only: str = "") -> Run:
        """All jobs, those first that others need; or one of them, as if the others had passed."""
        made, jobs = Run(), dict(self.document["jobs"])
        if only:
            made.outputs = {name: {} for name in jobs if name != only}
            jobs = {only: jobs[only]}
        while jobs:
            name = next(name for name in jobs if _needs(jobs[name]) <= set(made.outputs))
            self._run_job(name, jobs.pop(name), made)
        return made

    def _run_job(self, name: str, job: Any, made: Run) -> None:
        contexts: dict[str, Any] = {
            "github": self.github,
            "secrets": self.secrets,
            "vars": self.variables,
            "needs": {one: {"outputs": made.outputs[one]} for one in _needs(job)},
            "steps": {},
            "env": {},
        }
        if "if" in job and not evaluate(job["if"], contexts):
            made.outputs[name] = {}
            made.skipped.append(name)
            return
        workspace, temp = self.folder / name / "work", self.folder / name / "temp"
        workspace.mkdir(parents=True)
        temp.mkdir()
        own = {key: filled(value, contexts) for key, value in job.get("env", {}).items()}
        contexts["env"] = own
        running = JobRun(workspace, temp, {**self.env, **own}, contexts)
        running.env |= {"GITHUB_WORKSPACE": str(workspace), "RUNNER_TEMP": str(temp), "CI": "true"}
        for step in job["steps"]:
            self._run_step(running, step, made)
        outputs = {key: filled(value, contexts) for key, value in job.get("outputs", {}).items()}
        for value in outputs.values():
            dropped = [one for one in self.secrets.values() if one and one in value]
            assert not dropped, "an output that holds a secret never arrives"
        made.outputs[name] = outputs

    def _run_step(self, running: JobRun, step: Any, made: Run) -> None:
        name, contexts = step.get("name") or step.get("uses"), running.contexts
        if "if" in step and not evaluate(step["if"], contexts):
            made.skipped.append(name)
            return
        if "run" in step:
            outputs = self._bash(running, step, made)
            made.ran.append(name)
        else:
            action = step["uses"].partition("@")[0]
            inputs = {key: filled(value, contexts) for key, value in step.get("with", {}).items()}
            made.inputs[name] = inputs
            equivalent = self.equivalents.get(action)
            if equivalent is None:
                made.not_run.append(action)
                return
            outputs = equivalent(running, inputs) or {}
            made.replaced.append(action)
        if "id" in step:
            contexts["steps"][step["id"]] = {"outputs": outputs}

    def _bash(self, running: JobRun, step: Any, made: Run) -> dict[str, str]:
        files = {
            name: running.temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.write_text("")
        own = {key: filled(text, running.contexts) for key, text in step.get("env", {}).items()}
        script = running.temp / "script.sh"
        script.write_text(filled(step["run"], running.contexts))
        ran = subprocess.run(
            ["bash", "-e", str(script)],
            cwd=running.folder,
            env={**running.env, **own, **{name: str(file) for name, file in files.items()}},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        made.log += ran.stdout + ran.stderr
        assert ran.returncode == 0, f"{step['name']}: {ran.stdout}{ran.stderr}"
        made.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        return read_outputs(files["GITHUB_OUTPUT"].read_text())


def read_outputs(text: str) -> dict[str, str]:
    """$GITHUB_OUTPUT as a runner reads it."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        if many := re.fullmatch(r"([\w-]+)<<(\S+)", line):
            found[many[1]] = "\n".join(iter(lambda: next(lines), many[2]))
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found


def _needs(job: Any) -> set[str]:
    needs = job.get("needs", [])
    return {needs} if isinstance(needs, str) else set(needs)
