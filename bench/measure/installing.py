"""What an installation weighs: MiB and packages, without and with the embedded servers. I/O.

Installs into a new virtual environment from the locked requirements, as a user would; pip takes the
packages from wherever this machine takes packages. pip and setuptools themselves are not counted.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from measure.processes import ROOT

MIB = 1024 * 1024
_TOOLS = ("pip", "setuptools", "wheel", "_distutils_hack", "pkg_resources", "distutils-precedence")


def build_wheel(folder: Path) -> Path:
    """longshore's own wheel, built from a copy so that the tree stays clean."""
    tree = folder / "tree"
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    words = ["wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(tree)]
    _pip(Path(sys.executable), *words)
    return next(folder.glob("longshore-*.whl"))


def install(folder: Path, requirements: str, wheel: Path) -> Path:
    """A new environment with the locked requirements and longshore; its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    _pip(python, "install", "--require-hashes", "-r", str(ROOT / "requirements" / requirements))
    _pip(python, "install", "--no-deps", str(wheel))
    return python


def weigh(python: Path) -> dict[str, object]:
    """Packages and their sizes in MiB, compiled files included."""
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"],
        check=True, capture_output=True,
    )  # fmt: skip
    names = [one["name"] for one in json.loads(listed.stdout) if one["name"] not in _TOOLS]
    sizes = dict(_sizes(next(python.parent.parent.glob("lib/python*/site-packages"))))
    largest = sorted(sizes.items(), key=lambda one: -one[1])[:5]
    return {
        "packages": len(names),
        "names": sorted(names),
        "mib": round(sum(sizes.values()) / MIB, 1),
        "largest_mib": {name: round(size / MIB, 1) for name, size in largest},
    }


def _sizes(packages: Path) -> Iterator[tuple[str, int]]:
    for one in packages.iterdir():
        if not one.name.startswith(_TOOLS):
            files = one.rglob("*") if one.is_dir() else [one]
            yield one.name, sum(file.stat().st_size for file in files if file.is_file())


def _pip(python: Path, *words: str) -> None:
    subprocess.run(
        [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *words],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
