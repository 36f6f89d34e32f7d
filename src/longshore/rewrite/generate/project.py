"""What a tree is: Node or Python, which version, how it starts, which port. Pure.

Read from the files at its top. What the present Dockerfile says goes before what is usual.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from longshore.rewrite.syntax.dockerfile import Dockerfile, Instruction, parse_text

Kind = Literal["node", "python"]
READ = (
    *("package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"),
    *(".nvmrc", ".node-version", ".python-version", "requirements.txt", "requirements-dev.txt"),
    *("pyproject.toml", "Procfile", "manage.py", "main.py", "app.py", "server.js", "index.js"),
    *("Dockerfile", ".dockerignore"),
)
NODE_VERSION, PYTHON_VERSION = "24", "3.13"
_MAJOR = re.compile(r"\d+")
_MINOR = re.compile(r"3\.\d+")
_BASE = re.compile(r"(?:.*/)?(?P<name>node|python):(?P<tag>[\w.-]+)")


@dataclass(frozen=True)
class Project:
    """A tree whose image can be built. `command` starts it, in exec form.

    `install` is the package manager, `build` whether there is a build step, `output` the folder
    that it fills. `guessed` names what nothing in the tree said.
    """

    kind: Kind
    version: str
    command: tuple[str, ...]
    port: int
    install: Literal["npm", "yarn", "pnpm", "pip", "none"] = "npm"
    locked: bool = True
    build: bool = False
    output: str = ""
    alpine: bool = False
    tests: bool = False
    lint: bool = False
    health: str = "/health"
    guessed: tuple[str, ...] = ()


def detect_project(files: Mapping[str, str]) -> Project | None:
    """The project that the files at the top of a tree make; None when it is neither kind."""
    text = files.get("Dockerfile")
    present = parse_text(text) if text else None
    kinds = _kinds(files)
    if not kinds:
        return None
    bases = _bases(present) if present else []
    kind = next((name for name, _ in reversed(bases) if name in kinds), kinds[0])
    found = _python(files) if kind == "python" else _node(files, _json(files["package.json"]))
    return _as_present(found, present) if present else found


def _kinds(files: Mapping[str, str]) -> list[str]:
    kinds = ["node"] if "package.json" in files else []
    return kinds + (["python"] if {"requirements.txt", "pyproject.toml"} & set(files) else [])


def _bases(present: Dockerfile) -> list[tuple[str, str]]:
    """Names and tags of the Node and Python images that stages begin with."""
    texts = [stage.base.text for stage in present.stages if stage.base]
    found = [_BASE.fullmatch(text) for text in texts]
    return [(one["name"], one["tag"]) for one in found if one]


def _node(files: Mapping[str, str], package: Mapping[str, Any]) -> Project:
    scripts = _table(package, "scripts")
    engine = str(_table(package, "engines").get("node", ""))
    told = files.get(".nvmrc") or files.get(".node-version") or engine
    version = _MAJOR.search(told)
    command, guessed = _node_command(files, package, str(scripts.get("start", "")))
    manager, locked = _manager(files)
    return Project(
        "node",
        version[0] if version else NODE_VERSION,
        command,
        3000,
        manager,
        locked,
        build="build" in scripts,
        output=_output(str(scripts.get("build", ""))),
        tests="test" in scripts,
        lint="lint" in scripts,
        guessed=(*guessed, *(() if version else ("version",)), "port", "health"),
    )


def _node_command(
    files: Mapping[str, str], package: Mapping[str, Any], start: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if re.fullmatch(r"node [\w./ =-]+", start):
        return tuple(start.split()), ()
    if start:
        return ("npm", "start"), ()
    main = package.get("main")
    if isinstance(main, str) and main:
        return ("node", main), ()
    name = next((one for one in ("server.js", "index.js", "app.js") if one in files), "index.js")
    return ("node", name), ("command",)


def _manager(files: Mapping[str, str]) -> tuple[Literal["npm", "yarn", "pnpm"], bool]:
    if "pnpm-lock.yaml" in files:
        return "pnpm", True
    if "yarn.lock" in files:
        return "yarn", True
    return "npm", "package-lock.json" in files or "npm-shrinkwrap.json" in files


def _output(script: str) -> str:
    if "next build" in script:
        return ".next"
    return "build" if "react-scripts" in script else "dist"


def _python(files: Mapping[str, str]) -> Project:
    told = files.get(".python-version", "") + files.get("pyproject.toml", "")
    required = re.search(r"requires-python[^\n]*?(3\.\d+)", told)
    version = _MINOR.match(files.get(".python-version", "").strip()) or required
    wants = files.get("requirements.txt", "") + files.get("pyproject.toml", "")
    command, guessed = _python_command(files, wants.lower())
    return Project(
        "python",
        version[version.re.groups] if version else PYTHON_VERSION,
        command,
        8000,
        "pip" if "requirements.txt" in files or "pyproject.toml" in files else "none",
        build="requirements.txt" not in files,
        tests="pytest" in wants + files.get("requirements-dev.txt", ""),
        lint="ruff" in wants + files.get("requirements-dev.txt", ""),
        guessed=(*guessed, *(() if version else ("version",)), "port", "health"),
    )


def _python_command(
    files: Mapping[str, str], wants: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    web = re.search(r"^web:\s*([\w./:= -]+)$", files.get("Procfile", ""), re.MULTILINE)
    if web and "$" not in web[1]:
        return tuple(web[1].split()), ()
    module = next((one[:-3] for one in ("main.py", "app.py") if one in files), "main")
    place = ("--host", "0.0.0.0", "--port", "8000")  # noqa: S104 (inside the container)
    if "uvicorn" in wants or "fastapi" in wants:
        return ("uvicorn", f"{module}:app", *place), ("command",)
    if "gunicorn" in wants:
        return ("gunicorn", "--bind", "0.0.0.0:8000", f"{module}:app"), ("command",)
    return ("python", f"{module}.py"), () if f"{module}.py" in files else ("command",)


def _as_present(found: Project, present: Dockerfile) -> Project:
    """The project with what the present Dockerfile says about version, port, start and health."""
    said: dict[str, Any] = {}
    for name, tag in _bases(present):
        if name == found.kind:
            number = (_MAJOR if found.kind == "node" else _MINOR).match(tag)
            said["alpine"] = "alpine" in tag
            said |= {"version": number[0]} if number else {}
    last = present.stages[-1].instructions if present.stages else ()
    for one in last:
        said |= _said(one)
    known = {"version", "port", "command", "health"} & set(said)
    guessed = tuple(name for name in found.guessed if name not in known)
    return replace(found, **said, guessed=guessed)


def _said(one: Instruction) -> dict[str, Any]:
    if one.keyword == "EXPOSE":
        port = _MAJOR.match(one.arguments.text)
        return {"port": int(port[0])} if port and int(port[0]) < 65536 else {}
    if one.keyword == "CMD" and one.json:
        words = one.json[2:] if one.json[:2] == ("dumb-init", "--") else one.json
        return {"command": words}
    if one.keyword == "HEALTHCHECK":
        path = re.search(r"https?://[\w.-]+(?::[\w${}-]+)?(/[\w./-]*)", one.arguments.text)
        return {"health": path[1]} if path else {}
    return {}


def _json(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}
