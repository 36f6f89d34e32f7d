"""Files that say how a Dockerfile's image is built, run or renewed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.finder import Tree

_COMPOSE = re.compile(r"(?:.*[._-])?(?:docker-)?(?:compose|stack)(?:[._-].*)?\.ya?ml\Z")
_RENOVATE = frozenset(
    {"renovate.json", "renovate.json5", ".renovaterc", ".renovaterc.json", ".renovaterc.json5"}
)
_ECOSYSTEM = re.compile(r"ecosystem\W+docker\b")
_CRON = re.compile(r"^[ \t]*-?[ \t]*cron[ \t]*:", re.MULTILINE)
_BUILDS = re.compile(r"build-push-action|docker (?:buildx )?build|bake-action|kaniko|buildah")
_CALLERS = re.compile(
    r"(?:.*\.(?:ya?ml|sh|bash|mk|hcl|ps1|just)|makefile|justfile|jenkinsfile|tiltfile|rakefile|"
    r"package\.json|docker-bake.*|devcontainer\.json|tasks?\.py|fabfile\.py|.*\.toml|.*\.md)\Z"
)
_MOST_CALLERS = 3000


class ComposeFiles:
    """The compose files of a tree, by folder."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._by_folder: dict[str, list[str]] = {}
        for path in sorted(tree.paths):
            folder, _, name = path.rpartition("/")
            if name.endswith((".yml", ".yaml")) and _COMPOSE.match(name.lower()):
                self._by_folder.setdefault(folder, []).append(path)

    def texts(self, dockerfile: str) -> Iterator[str]:
        """The compose files beside a Dockerfile and above it."""
        for folder in folders_above(dockerfile):
            for path in self._by_folder.get(folder, ()):
                yield text_of(self._tree, path)


def folders_above(path: str) -> Iterator[str]:
    """The folder of a file, its parent, and so on up to the top (empty)."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def is_renewed(tree: Tree) -> bool:
    """Whether a bot renews base images, or a workflow builds on a schedule."""
    for path in sorted(tree.paths):
        name = path.rpartition("/")[2].lower()
        if name in _RENOVATE:
            return True
        if not path.startswith(".github/") or not name.endswith((".yml", ".yaml")):
            continue
        text = text_of(tree, path)
        if name.startswith("dependabot.") and _ECOSYSTEM.search(text):
            return True
        if _CRON.search(text) and _BUILDS.search(text):
            return True
    return False


def words_about_targets(tree: Tree) -> frozenset[str]:
    """Every word of the files that speak of build targets: whoever is named there is used."""
    found: set[str] = set()
    read = 0
    for path in sorted(tree.paths):
        if not _CALLERS.match(path.rpartition("/")[2].lower()):
            continue
        read += 1
        if read > _MOST_CALLERS:
            break
        text = text_of(tree, path).lower()
        if "target" in text:
            found.update(re.findall(r"[a-z0-9][a-z0-9._-]*", text))
    return frozenset(found)


def text_of(tree: Tree, path: str) -> str:
    """The text of a file; empty when it cannot be read."""
    file = tree.file(path)
    return file.text if file is not None else ""
