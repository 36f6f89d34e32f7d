"""Env files: lines that hold a whole image reference. Pure.

A line counts when its name says IMAGE, or when a compose file, Makefile or script beside it uses
the variable as an image; what only makes up a part (a tag, a version) is a piece of the place
of use.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.shape import (
    cover,
    has_host,
    has_tag,
    is_certain,
    is_possible,
    name_of,
    names_something,
)
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.compose import Service, project_of
from longshore.rewrite.syntax.env_file import Assignment, assignments, environment
from longshore.rewrite.syntax.interpolation import names_in
from longshore.text import tr

KIND = "env-file"

_NAME = re.compile(
    r"(?:\.env(?:[._-][\w.-]+)?|[\w.-]+\.env(?:[._-][\w.-]+)?|env(?:[._-][\w.-]+)?|\.envrc[\w.-]*)\Z",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\.(?:py|js|mjs|cjs|ts|tsx|go|rb|php|java|kt|rs|c|cc|cpp|h|md|html?|ya?ml|json|ps1|toml|d\.ts)\Z",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"(?:^|[_-])(?:[A-Z]*IMAGE|IMG)(?:[_-](?:NAME|REF|REFERENCE|URI|URL|FULL))?(?:[_-]\d+)?\Z|IMAGE",
    re.IGNORECASE,
)
_WHOLE_IMAGE = re.compile(
    r"(?:IMAGE|IMG)(?:[_-]?(?:NAME|REF|REFERENCE|URI|URL|FULL))?(?:[_-]\d+)?\Z", re.IGNORECASE
)
_PICTURE = re.compile(
    r"SIZE|QUALITY|WIDTH|HEIGHT|FORMAT|DRIVER|PATH|DIR|FOLDER|BUCKET|HOST|DOMAIN|CDN|TAG|VERSION|REGISTRY|MAX|PULL",
    re.IGNORECASE,
)
_USER = re.compile(
    r"(?:.*compose.*|.*stack.*|.*swarm.*)\.ya?ml\Z|Makefile\Z|GNUmakefile\Z|.*\.mk\Z|.*\.sh\Z|docker-bake\..*|[Jj]ustfile\Z",
    re.IGNORECASE,
)
_MOST_USERS = 60


def takes(path: str) -> bool:
    """Whether a file is an env file by its name."""
    name = path.rpartition("/")[2]
    return _NAME.match(name) is not None and _CODE.search(name) is None


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The lines of an env file that hold images."""
    values = environment(file)
    return list(_found(file, tree, values))


def _found(file: SourceFile, tree: Tree, values: dict[str, str]) -> Iterator[Mention]:
    users: str | None = None
    for one in assignments(file):
        value = cover(values[one.name] if "$" in one.written and one.quote != "'" else one.written)
        if not one.written or not is_possible(value) or not names_something(value):
            continue
        if not _is_named_image(one.name, value):
            if "/" not in value and not has_tag(value) and not is_official(value):
                continue
            users = _texts_of_users(file, tree) if users is None else users
            if not _is_used(one.name, users):
                continue
        found = _mention(file, one, value)
        if _is_only_built(one.name, file, tree):
            found = replace(found, role="build-output", built=True, pulled=None)
        yield found


def _is_named_image(name: str, value: str) -> bool:
    """Whether a variable's name and value speak of an image together."""
    if is_certain(value):
        return _IMAGE.search(name) is not None
    if _WHOLE_IMAGE.search(name) is None or _PICTURE.search(name) is not None:
        return False
    return has_tag(value) or has_host(value) or is_official(name_of(value)) or "/" in value


def _is_used(name: str, users: str) -> bool:
    """Whether a text uses the variable, and nothing else, as an image."""
    if name not in users:
        return False
    told = re.escape(name)
    word = rf"\$(?:{told}(?!\w)|\{{{told}(?::?[-+?][^}}\s]*)?\}}|\({told}\))"
    place = r"(?:image[\"']?[ \t]*[:=]|\bFROM|\b(?:pull|run|create)[ \t]+(?:[^\n]{0,200}?[ \t])??)"
    return re.search(rf"{place}[ \t]*[\"']?{word}[\"']?(?=[\s}}]|\Z)", users) is not None


def _is_only_built(name: str, file: SourceFile, tree: Tree) -> bool:
    """Whether compose files name their own builds by the variable, and nothing else."""
    uses = [
        service.builds
        for path in _users(tree.paths, file.folder)[:_MOST_USERS]
        if path.lower().endswith((".yml", ".yaml"))
        for service in _services(path, tree)
        if service.image is not None and name in names_in(service.image.value)
    ]
    return bool(uses) and all(uses)


def _services(path: str, tree: Tree) -> tuple[Service, ...]:
    file = tree.file(path)
    project = project_of(file, first_format=True) if file is not None else None
    return project.services if project is not None else ()


def _mention(file: SourceFile, one: Assignment, value: str) -> Mention:
    return Mention(
        KIND,
        "pull",
        one.span,
        one.written,
        None if value == one.written else value,
        pulled="host",
        job=one.name,
        needs=tr("a variable of this file") if OPEN in value else "",
    )


def _texts_of_users(file: SourceFile, tree: Tree) -> str:
    """The texts of what may read the file: beside it, one folder up or down."""
    texts = []
    for path in _users(tree.paths, file.folder)[:_MOST_USERS]:
        other = tree.file(path)
        if other is not None:
            texts.append(other.text)
    return "\n".join(texts)


@lru_cache(maxsize=64)
def _users(paths: frozenset[str], folder: str) -> tuple[str, ...]:
    above = posixpath.dirname(folder)
    near = []
    for path in _readers(paths):
        where = posixpath.dirname(path)
        if where in (folder, above) or posixpath.dirname(where) == folder:
            near.append(path)
    return tuple(near)


@lru_cache(maxsize=2)
def _readers(paths: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(path for path in paths if _USER.match(path.rpartition("/")[2])))


FINDER = Finder("env-file", takes, find)
