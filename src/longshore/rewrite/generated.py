"""Folders that hold what others wrote or a build made; nothing in them is read or changed. Pure.

A name alone decides where it can mean nothing else. `vendor`, `dist`, `target` and their like are
also names of folders that people write in: there a sign is asked for. `third_party` and `build`
are read. `OpenTree` names each folder that was left out so; `--generated` reads them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ALWAYS = frozenset({
    *("node_modules", "bower_components", "jspm_packages", ".yarn", ".pnpm-store"),  # JavaScript
    *(".next", ".nuxt", ".svelte-kit", ".parcel-cache", ".turbo", ".angular"),
    *(".venv", ".tox", ".nox", "site-packages", "__pycache__", ".eggs"),  # Python
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints"),
    *(".terraform", ".terragrunt-cache", ".pulumi", "cdk.out", ".aws-sam"),  # infrastructure
    *(".gradle", ".m2", ".ivy2", ".bloop", ".metals", ".bundle", ".dart_tool", ".stack-work"),
    *(".hg", ".svn", ".bzr", ".jj", ".idea", ".direnv", ".cache"),  # histories and tools
})  # fmt: skip

# Names that need a sign: an entry of the folder that only a tool puts there.
SIGNS = {
    "vendor": r"modules\.txt|autoload\.php|composer|bundle|github\.com|golang\.org|k8s\.io"
    r"|vendor\.json|manifest\.json|gopkg\.in",
    "dist": r".*\.(?:m?js|cjs|css|map|whl|tar\.gz|d\.ts)|index\.html",
    "target": r"CACHEDIR\.TAG|\.rustc_info\.json|classes|test-classes|maven-.*|generated-sources"
    r"|.*\.jar|scala-.*|streams",
    "out": r"CACHEDIR\.TAG|_next|index\.html|production",
    "venv": r"pyvenv\.cfg",
    "env": r"pyvenv\.cfg",
    "Godeps": r"Godeps\.json|_workspace",
    "Pods": r"Manifest\.lock|Pods\.xcodeproj",
    "Carthage": r"Checkouts|Build",
    "deps": r"\.mix|.*\.beam",
    "_build": r"\.mix|log",
}
_SIGNS = {name: re.compile(sign) for name, sign in SIGNS.items()}


def is_generated(name: str, entries: Iterable[str] = ()) -> bool:
    """Whether a folder of this name, with these entries, is one of them."""
    if name in ALWAYS:
        return True
    sign = _SIGNS.get(name)
    return sign is not None and any(sign.fullmatch(entry) for entry in entries)


def needs_a_look(name: str) -> bool:
    """Whether the entries of a folder of this name have to be known."""
    return name in SIGNS
