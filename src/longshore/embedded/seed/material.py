"""Reads files that every machine with longshore has: the interpreter, its library, packages. I/O.

Compiled and cached files are left out, since they change by themselves. What is missing (Debian
splits the library's tests off) makes a layer smaller, never an error.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from longshore.embedded.seed.archive import Entry
from longshore.embedded.seed.documents import Package

_LEFT_OUT = {"__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter"}
_LEFT_OUT |= {"ensurepip", "turtledemo", "lib2to3"}
# Read at once: `sysconfig` fills this in place, and a second thread would see half of it.
_BUILT_WITH = sysconfig.get_config_vars()


def read_library(limit: int) -> list[Entry]:
    """The standard library without tests and caches, at most `limit` bytes of it."""
    root = Path(sysconfig.get_path("stdlib"))
    files = (path for path in _walk(root) if path.suffix in {".py", ".so", ".txt", ".cfg"})
    return _read(files, root, f"usr/local/lib/{root.name}", limit)


def read_library_tests(limit: int) -> list[Entry]:
    """The library's own tests, where they are installed."""
    root = Path(sysconfig.get_path("stdlib"))
    return _read(_walk(root / "test"), root, f"usr/local/lib/{root.name}", limit)


def read_interpreter(limit: int) -> list[Entry]:
    """The interpreter and its shared library."""
    program = Path(os.path.realpath(sys.executable))
    found = [(program, f"usr/local/bin/{program.name}")]
    folder, name = _BUILT_WITH.get("LIBDIR"), _BUILT_WITH.get("INSTSONAME")
    if folder and name:
        found.append((Path(folder) / name, f"usr/local/lib/{name}"))
    return [
        Entry(inside, path.read_bytes()[:limit], executable=True)
        for path, inside in found
        if path.is_file()
    ]


def read_packages(names: Iterable[str], limit: int) -> list[Entry]:
    """The files of installed packages, at most `limit` bytes of them together."""
    root = Path(sysconfig.get_path("purelib"))
    files: list[Path] = []
    for name in names:
        try:
            listed = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for one in listed:
            path = Path(str(one.locate()))
            inside = not path.is_symlink() and path.is_relative_to(root)
            if inside and ".." not in one.parts and path.suffix != ".pyc":
                files.append(path)
    return _read(sorted(files), root, f"usr/local/lib/{root.parent.name}/site-packages", limit)


def list_packages() -> list[Package]:
    """All installed distributions, sorted by name; longshore's own checkout is not among them."""
    found = {}
    for one in importlib.metadata.distributions():
        name = str(one.metadata["Name"] or "").lower()
        if name and name != "longshore":
            found[name] = Package(name, one.version, _license(one.metadata.json))
    return [found[name] for name in sorted(found)]


def _license(metadata: dict[str, str | list[str]]) -> str:
    words = metadata.get("license_expression") or metadata.get("license") or ""
    line = str(words).strip().partition("\n")[0]
    return line if 0 < len(line) < 60 else "NOASSERTION"


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(names):
            path = Path(folder, name)
            if not name.endswith((".pyc", ".a")) and not path.is_symlink():
                yield path


def _read(files: Iterable[Path], root: Path, prefix: str, limit: int) -> list[Entry]:
    entries: list[Entry] = []
    total = 0
    for path in files:
        try:
            content = path.read_bytes()
        except OSError:
            continue
        total += len(content)
        if total > limit and entries:
            break
        inside = f"{prefix}/{path.relative_to(root).as_posix()}"
        entries.append(Entry(inside, content, executable=path.suffix == ".so"))
    return entries
