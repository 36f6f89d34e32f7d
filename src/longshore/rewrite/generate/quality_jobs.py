"""A job that tests a project, for a tree that has no workflow yet. Pure."""

from __future__ import annotations

from longshore.rewrite.generate import steps
from longshore.rewrite.generate.layout import indented, step
from longshore.rewrite.generate.options import RUNNER, PipelineOptions
from longshore.rewrite.generate.project import Project


def render_tests(options: PipelineOptions, project: Project | None) -> tuple[str, ...]:
    """The lines of the job `test`; none for a project of another kind."""
    if project is None:
        return ()
    work = _node(options, project) if project.kind == "node" else _python(options, project)
    body = [
        f"runs-on: {RUNNER}",
        "timeout-minutes: 15",
        "steps:",
        *indented([*steps.checkout(options), "", *work], 2),
    ]
    return ("test:", *indented(body, 2))


def _node(options: PipelineOptions, project: Project) -> list[str]:
    tool = project.install
    install = {
        "npm": ["npm ci" if project.locked else "npm install"],
        "yarn": ["yarn install --frozen-lockfile"],
        "pnpm": ["corepack enable", "pnpm install --frozen-lockfile"],
    }[str(tool)]
    lines = [
        *step(
            "Set up Node",
            uses=options.pins.uses("actions/setup-node"),
            inputs={"node-version": f'"{project.version}"', "package-manager-cache": "false"},
        ),
        "",
        *step("Install", run=install),
    ]
    if project.lint:
        lines += ["", *step("Quality", run=[f"{tool} run lint"])]
    if project.tests:
        lines += ["", *step("Tests", run=[f"{tool} test"])]
    return lines


def _python(options: PipelineOptions, project: Project) -> list[str]:
    source = "." if project.build else "-r requirements.txt"
    lines = [
        *step(
            "Set up Python",
            uses=options.pins.uses("actions/setup-python"),
            inputs={"python-version": f'"{project.version}"'},
        ),
        "",
        *step("Install", run=[f"python -m pip install {source}"]),
    ]
    if project.lint:
        lines += ["", *step("Quality", run=["python -m pip install ruff", "ruff check ."])]
    tests = ["python -m pip install pytest", "python -m pytest"]
    return [*lines, "", *step("Tests", run=tests if project.tests else _compile())]


def _compile() -> list[str]:
    return ["python -m compileall -q ."]
