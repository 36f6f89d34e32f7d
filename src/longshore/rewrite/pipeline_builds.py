"""Which Dockerfiles and Compose files the commands and actions of a pipeline use. Pure.

Commands are read without running anything: `cd` is followed, and so are scripts of the tree that
are called; variables that are not known leave a path unknown. Make's targets are not looked into.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.compose import Project, project_of
from longshore.rewrite.syntax.shell import Command, parse_shell
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Scalar, Sequence

_BUILDS = re.compile(r"\b(?:build|buildx|bud|bake|compose|up|sh|bash|source)\b|\./")
_ENGINES = {"docker", "podman", "nerdctl", "buildah"}
_SHELLS = {"bash", "sh", "zsh", "source", "."}
_COMPOSERS = {"docker-compose", "podman-compose"}
_COMPOSE_FILES = (*("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"),)
_OVERRIDES = ("docker-compose.override.yml", "docker-compose.override.yaml", "compose.override.yml")
_WITHOUT_VALUE = frozenset({
    *("--push", "--load", "--no-cache", "--pull", "-q", "--quiet", "--rm", "--force-rm"),
    "--squash",
    *("--compress", "--check", "-D", "--debug", "--all-platforms", "--provenance", "--sbom"),
    *("-d", "--detach", "--build", "--wait", "--no-build", "--remove-orphans", "--force-recreate"),
    *("--abort-on-container-exit", "--no-deps", "-V", "--renew-anon-volumes", "--no-start", "-T"),
    *("--always-recreate-deps", "--no-recreate", "--quiet-pull", "--parallel", "--ansi", "-it"),
    *("--ignore-pull-failures", "--include-deps", "-i", "-ti", "--service-ports", "--verbose"),
})  # fmt: skip
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_PREFIXES = {"sudo", "time", "exec", "command", "env"}
_TARGET = re.compile(
    r'^\s*target\s+"(?P<name>[^"]+)"\s*\{(?P<body>.*?)^\}', re.MULTILINE | re.DOTALL
)
_ASSIGNED = re.compile(r'^\s*(context|dockerfile|target)\s*=\s*"([^"]*)"', re.MULTILINE)


@dataclass(frozen=True)
class Build:
    """One Dockerfile that is built, for so many platforms; `target` is the stage asked for."""

    dockerfile: str
    platforms: int = 1
    target: str = ""


@dataclass(frozen=True)
class Composed:
    """Services of a Compose file that are pulled or started; empty means all."""

    file: str
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Called:
    """A script of the tree that is run in a folder."""

    file: str
    folder: str = ""


Work = Build | Composed | Called


def work_of_script(
    text: str, folder: str, tree: Tree, variables: Mapping[str, str]
) -> Iterator[Work]:
    """What the commands of a script build and start, in order."""
    if not _BUILDS.search(text):
        return
    here = folder
    for command in parse_shell(text).commands:
        words = _words(command, variables)
        while words and (words[0] in _PREFIXES or re.fullmatch(r"\w+=.*", words[0])):
            words = words[1:]
        if len(words) > 1 and words[0] == "cd":
            here = joined(here, words[1]) or here
        elif words:
            yield from _of_command(words, here, tree)


def work_of_compose(
    file: str, tree: Tree, services: tuple[str, ...], build: bool, pull: bool
) -> Iterator[Work]:
    """What `compose up`, `pull` or `build` do with a file."""
    source = tree.file(file)
    project = project_of(source) if source is not None else None
    if project is None:
        return
    wanted = _with_needed(project, services)
    if pull:
        yield Composed(file, wanted)
    folder = file.rpartition("/")[0]
    for service in project.services:
        if build and service.build is not None and (not wanted or service.name in wanted):
            path = service.build.path(folder)
            if path is not None:
                node = service.build.node
                target = node.text("target") if node is not None else None
                yield Build(path, 1, target or "")


def work_of_bake(files: list[str], tree: Tree, targets: frozenset[str]) -> Iterator[Work]:
    """The Dockerfiles of Bake's targets, as far as they are plainly written.

    `targets` are those asked for; a name that no file defines (a group's) means all.
    """
    for path in files:
        file = tree.file(path)
        if file is None:
            continue
        if not path.endswith(".hcl"):
            yield from work_of_compose(path, tree, (), build=True, pull=False)
            continue
        known = {one["name"] for one in _TARGET.finditer(file.text)}
        for target in _TARGET.finditer(file.text):
            if targets and targets <= known and target["name"] not in targets:
                continue
            said = dict(_ASSIGNED.findall(target["body"]))
            folder = joined(path.rpartition("/")[0], said.get("context", "."))
            made = (
                joined(folder, said.get("dockerfile", "Dockerfile")) if folder is not None else None
            )
            if made is not None and tree.file(made) is not None:
                yield Build(made, 1, said.get("target", ""))


def bake_files(folder: str, tree: Tree) -> list[str]:
    """The files that Bake reads when none is named."""
    names = ("docker-bake.hcl", "docker-bake.override.hcl", *_COMPOSE_FILES)
    paths = [joined(folder, name) for name in names]
    return [one for one in paths if one is not None and one in tree.paths]


def joined(folder: str, path: str) -> str | None:
    """A path of the tree; None when it is open or leads out of it."""
    if OPEN in path or "$" in path or "://" in path or path.startswith(("/", "~")):
        return None
    found = posixpath.normpath(posixpath.join(folder, path))
    return None if found.startswith("..") else "" if found == "." else found


def count_platforms(text: str) -> int:
    """How many platforms a list names."""
    return max(1, len([one for one in re.split(r"[,\s]+", text) if one]))


def _of_command(words: list[str], folder: str, tree: Tree) -> Iterator[Work]:
    program = words[0].rpartition("/")[2]
    script = _script_of(words, folder)
    if script is not None and script in tree.paths:
        yield Called(script, folder)
    elif program in _COMPOSERS:
        yield from _compose(words[1:], folder, tree)
    elif program in _ENGINES:
        yield from _engine(words[1:], folder, tree)


def _script_of(words: list[str], folder: str) -> str | None:
    """The script that a command runs: `./x.sh`, `bash x.sh`, `. x.sh`."""
    if words[0] in _SHELLS:
        words = [one for one in words[1:] if not one.startswith("-")]
    elif not words[0].startswith(("./", "../")) and not words[0].endswith(".sh"):
        return None
    return joined(folder, words[0]) if words else None


def _engine(rest: list[str], folder: str, tree: Tree) -> Iterator[Work]:
    while rest and rest[0].startswith("-"):
        rest = rest[1:] if "=" in rest[0] or rest[0] in _WITHOUT_VALUE else rest[2:]
    if rest and rest[0] in ("buildx", "image", "builder"):
        rest = rest[1:]
    if not rest:
        return
    if rest[0] == "compose":
        yield from _compose(rest[1:], folder, tree)
    elif rest[0] in ("build", "bud"):
        yield from _build(rest[1:], folder)
    elif rest[0] == "bake":
        options, targets = _options(rest[1:])
        files = [joined(folder, one) for one in options.get("-f", []) + options.get("--file", [])]
        named = [one for one in files if one is not None]
        yield from work_of_bake(named or bake_files(folder, tree), tree, frozenset(targets))


def _build(words: list[str], folder: str) -> Iterator[Work]:
    options, places = _options(words)
    context = joined(folder, places[0]) if places and places[0] != "-" else None
    if context is None:
        return
    files = options.get("-f", []) + options.get("--file", [])
    path = joined(folder, files[-1]) if files else joined(context, "Dockerfile")
    if path is not None:
        platforms = ",".join(options.get("--platform", []))
        target = options.get("--target", [""])[-1]
        yield Build(path, count_platforms(platforms) if OPEN not in platforms else 1, target)


def _compose(words: list[str], folder: str, tree: Tree) -> Iterator[Work]:
    files: list[str] = []
    while words and words[0].startswith("-"):
        name, mark, value = words[0].partition("=")
        if name in ("-f", "--file"):
            files.append(value if mark else (words[1] if len(words) > 1 else ""))
        words = words[1:] if mark or name in _WITHOUT_VALUE else words[2:]
    if not words or words[0] not in ("up", "pull", "build", "run", "create"):
        return
    _, services = _options(words[1:])
    verb = words[0]
    services = services[:1] if verb == "run" else services
    paths = [joined(folder, one) for one in files] if files else _default_files(folder, tree)
    for path in paths:
        if path is not None:
            build, pull = verb in ("up", "build", "run", "create"), verb != "build"
            yield from work_of_compose(path, tree, tuple(services), build, pull)


def _default_files(folder: str, tree: Tree) -> list[str | None]:
    first = [joined(folder, name) for name in _COMPOSE_FILES]
    found = [one for one in first if one is not None and one in tree.paths][:1]
    more = [joined(folder, name) for name in _OVERRIDES]
    return [*found, *(one for one in more if one is not None and one in tree.paths)]


def _with_needed(project: Project, services: tuple[str, ...]) -> tuple[str, ...]:
    """Services with those that they depend on; none named means all without a profile."""
    known = {one.name: one for one in project.services}
    if not services or not all(name in known for name in services):
        return tuple(one.name for one in project.services if not one.profiles)
    wanted = list(services)
    for name in wanted:
        node = known[name].node.get("depends_on") if name in known else None
        if isinstance(node, YamlMapping):
            wanted += [one for one in node.keys() if one not in wanted]  # noqa: SIM118
        elif isinstance(node, Sequence):
            names = [one.value for one in node.items if isinstance(one, Scalar)]
            wanted += [one for one in names if one not in wanted]
    return tuple(wanted)


def _options(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The options with their values, and the bare words."""
    options: dict[str, list[str]] = {}
    bare: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.startswith("-") or word == "-":
            bare.append(word)
            continue
        name, mark, value = word.partition("=")
        if not mark and name not in _WITHOUT_VALUE and at < len(words):
            value = words[at]
            at += 1
        options.setdefault(name, []).append(value)
    return options, bare


def _words(command: Command, variables: Mapping[str, str]) -> list[str]:
    found = []
    for word in command.words:
        text = word.literal
        if text is None:
            raw = word.raw.strip("\"'")
            text = _VARIABLE.sub(lambda one: variables.get(one[1] or one[2], OPEN), raw)
            text = re.sub(r"\$\(.*\)|`.*`|\$\{.*\}", OPEN, text)
        found.append(text)
    return found
