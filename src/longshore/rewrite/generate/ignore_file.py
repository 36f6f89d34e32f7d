"""`.dockerignore`: what never belongs into a build. Pure.

Lines of a present file stay where they are; what is missing is added below them.
"""

from __future__ import annotations

from longshore.rewrite.generate.emitted import Emitted
from longshore.rewrite.generate.project import Project

PATH = ".dockerignore"
_ALWAYS = (
    ".git",
    ".github",
    ".env",
    ".env.*",
    "*.md",
    "Dockerfile*",
    ".dockerignore",
    "compose*.yml",
)
_MORE = ("docker-compose*.yml", "longshore.yaml", ".vscode", ".idea", "coverage", "*.log")
_NODE = ("node_modules", "npm-debug.log*")
_PYTHON = ("__pycache__", "*.pyc", ".venv", "venv", ".pytest_cache", ".mypy_cache", ".ruff_cache")


def render_ignore(project: Project, present: str | None = None) -> Emitted:
    """The file for a project; with a present one, that and what it lacks."""
    wanted = [*_ALWAYS, *_MORE, *(_NODE if project.kind == "node" else _PYTHON)]
    if project.kind == "python" and project.build:
        wanted.remove("*.md")  # pyproject.toml names a README that the build reads
    lines = (present or "").splitlines()
    known = {line.strip().strip("/") for line in lines}
    missing = [one for one in wanted if one not in known and f"!{one}" not in known]
    if missing and lines and lines[-1].strip():
        lines.append("")
    return Emitted(PATH, "\n".join([*lines, *missing]) + "\n")
