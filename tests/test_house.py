"""The house holds: floors, purity, names, and how little `longshore --help` loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "longshore"
MODULES = sorted(PACKAGE.rglob("*.py"))

# The last words of a module's first line; a remark in brackets may follow.
KIND = re.compile(r"(Pure|I/O)(?: \([^)]*\))?\.\Z")
NAMELESS = {"utils", "util", "common", "helpers", "helper", "core", "misc", "shared"}
ACTING = {
    *("os", "socket", "ssl", "select", "selectors", "time", "random", "secrets", "uuid"),
    *("threading", "_thread", "multiprocessing", "concurrent", "asyncio", "queue", "subprocess"),
    *("signal", "shutil", "tempfile", "glob", "http", "logging", "ctypes", "fcntl"),
    *("urllib3", "botocore", "boto3", "requests", "cheroot", "moto", "flask", "click", "sys"),
    *("getpass", "webbrowser", "importlib", "inspect", "warnings"),
}
PURE_CALLS = {"open", "print", "input", "breakpoint", "eval", "exec"}
CLOCKS = {"now", "utcnow", "today"}
FILE_METHODS = {
    *("read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "touch"),
    *("iterdir", "is_file", "is_dir", "exists", "rename", "stat", "connect"),
}
PURE_FLOORS = ("oci", "policy")
PURE_HALL = ("errors.py", "facts.py", "events.py", "text.py")


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


def first_line(module: Path) -> str:
    return (ast.get_docstring(ast.parse(module.read_text("utf-8"))) or "").split("\n\n")[0]


def is_pure(module: Path) -> bool:
    kind = KIND.search(first_line(module))
    return kind is not None and kind[1] == "Pure"


PURE_MODULES = [module for module in MODULES if is_pure(module)]


def impurities(source: str) -> list[str]:
    """What a module's source does that a pure module must not."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.split(".")[0] in ACTING]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found += [node.module or ""] if (node.module or "").split(".")[0] in ACTING else []
        elif isinstance(node, ast.Call):
            found += _impure_call(node)
    return found


def _impure_call(node: ast.Call) -> list[str]:
    if isinstance(node.func, ast.Name) and node.func.id in PURE_CALLS:
        return [node.func.id]
    if isinstance(node.func, ast.Attribute):
        on_clock = isinstance(node.func.value, ast.Name) and node.func.value.id in {
            "datetime",
            "date",
        }
        if node.func.attr in FILE_METHODS or (on_clock and node.func.attr in CLOCKS):
            return [node.func.attr]
    return []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_first_line_says_pure_or_acting(module: Path) -> None:
    assert KIND.search(first_line(module)), first_line(module)


@pytest.mark.parametrize("module", PURE_MODULES, ids=name_of)
def test_pure_stays_pure(module: Path) -> None:
    assert impurities(module.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from time import monotonic",
        "import urllib3.util",
        "open('x')",
        "def f(p):\n    return p.read_text()",
        "from datetime import datetime\nx = datetime.now()",
    ],
)
def test_the_purity_test_sees_impurities(source: str) -> None:
    assert impurities(source)


@pytest.mark.parametrize("floor", PURE_FLOORS)
def test_pure_floors_hold_only_pure_modules(floor: str) -> None:
    assert [
        name_of(one) for one in sorted((PACKAGE / floor).rglob("*.py")) if not is_pure(one)
    ] == []


@pytest.mark.parametrize("name", PURE_HALL)
def test_the_hall_is_pure(name: str) -> None:
    assert is_pure(PACKAGE / name)


def test_pure_modules_import_no_function_of_an_acting_module() -> None:
    acting = {name_of(one)[:-3].replace("/", ".") for one in MODULES if not is_pure(one)}
    acting = {name.removesuffix(".__init__") for name in acting} - {"__init__"}
    rooms = {name for name in acting if (PACKAGE / name.replace(".", "/")).is_dir()}
    wrong = []
    for module in PURE_MODULES:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("longshore."):
                target = (node.module or "").removeprefix("longshore.")
                doing = [one.name for one in node.names if not one.name[:1].isupper()]
                if target in acting - rooms and doing:
                    wrong.append(f"{name_of(module)} imports {doing} of {target}")
    assert wrong == []


def test_names_say_what_a_module_is() -> None:
    own = {module.stem for module in MODULES} | {folder.parent.name for folder in MODULES}
    assert own & NAMELESS == set()
    stems = {module.stem for module in MODULES} - {"__init__", "__main__"}
    assert stems & set(sys.stdlib_module_names) == set()


def test_floors_hold() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


HEAVY = ("botocore", "boto3", "yaml", "moto", "cheroot", "rich", "urllib3", "flask")


@pytest.mark.parametrize(
    "argv", [["--help"], ["--version"], ["explain", "usage"], ["copy", "--help"], ["no-such"]]
)
def test_help_loads_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import sys\n"
        "from longshore.cli.main import run\n"
        f"run({argv!r}, {{}})\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout


def test_each_outside_library_has_one_owner() -> None:
    owners = {
        "botocore": {"remote/aws.py", "embedded/model.py"},
        "urllib3": {"remote/transport.py", "embedded/fetch.py"},
        "click": {"cli/"},
        "moto": {"embedded/"},
        "cheroot": {"embedded/"},
    }
    wrong = []
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for library in {name.split(".")[0] for name in names} & set(owners):
                if not any(name_of(module).startswith(owner) for owner in owners[library]):
                    wrong.append(f"{name_of(module)} imports {library}")
    assert wrong == []
