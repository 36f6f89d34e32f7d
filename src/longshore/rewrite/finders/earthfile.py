"""Earthfiles: FROM, WITH DOCKER --pull, SAVE IMAGE, and the shell of RUN. Pure.

`+target`, `./dir+target` and whatever else holds a plus sign name a target, not an image; FROM
DOCKERFILE builds a file that is looked into by itself. SAVE IMAGE names what is built here, with
`--push` also what is pushed. `--load name=+target` gives a built image a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from longshore.rewrite.finders.dockerfile_scope import PLATFORM_VALUES, Home
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.mentions import OPEN, Mention, Role
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.dockerfile import Instruction, Word
from longshore.rewrite.syntax.dockerfile_variables import BadSubstitution, expand
from longshore.rewrite.syntax.earthfile import Recipe, parse_earthfile, words_of
from longshore.rewrite.syntax.traced import UNKNOWN, Traced, made, pieces_of
from longshore.text import tr

_KIND = "earthfile"
_NAME = re.compile(r"earthfile(?:[._-](?!md\Z|mdx\Z|rst\Z|txt\Z|html\Z)[a-z0-9_-]+)?\Z|.*\.earth\Z")
_SETTING = re.compile(r"([A-Za-z_]\w*)(?:\s*=\s*(.*))?\Z", re.DOTALL)
_SHELL = re.compile(r"\$\(|`")
_LOADS = re.compile(r"--load\b|--compose\b|^DOCKER LOAD\b")
_TOOLS = re.compile(r"\b(?:docker|podman|nerdctl|skopeo|crane)\b")


def takes(path: str) -> bool:
    """Whether a path is an Earthfile by its name."""
    return _NAME.match(path.rpartition("/")[2].lower()) is not None


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of an Earthfile."""
    recipes = parse_earthfile(file.text)
    home = Home(file.path, Span)
    shared = _Names(home)
    given = _given(recipes, home)
    found: list[Mention] = []
    for recipe in recipes:
        names = _Names(home, dict(shared.values), dict(shared.because))
        names.given.update(given.get(recipe.name, {}))
        named = list(_in_recipe(recipe, names))
        there = {one.expanded for one in named if one.role in ("pull", "build-output")}
        run = [one for command in recipe.commands for one in _shell(command, names, recipe.name)]
        loads = any(_LOADS.search(command.line.text) for command in recipe.commands)
        kept = [one for one in run if one.expanded not in there]
        found += named + [one for one in kept if not loads or one.role != "pull"]
        if recipe.name == "base":
            shared = names
    return found


@dataclass
class _Names:
    """Variables of a recipe; `given` are values that other recipes pass to it."""

    home: Home
    values: dict[str, Traced] = field(default_factory=lambda: dict(PLATFORM_VALUES))
    because: dict[str, list[str]] = field(default_factory=dict)
    given: dict[str, list[Traced]] = field(default_factory=dict)

    def set(self, command: Instruction) -> None:
        """Take an ARG, LET or SET."""
        words = [word for word in words_of(command) if not word.text.startswith("--")]
        if not words:
            return
        text = command.line.text[words[0].at : words[-1].end]
        match = _SETTING.match(text)
        if match is None:
            return
        name = match[1]
        if match[2] is None:
            if len(self.given.get(name, [])) == 1:
                self.values[name] = self.given[name][0]
            return
        value, missing = self.fill(command, Word(match[2], words[0].at + match.start(2)))
        self.values[name] = value
        self.because[name] = missing

    def fill(self, command: Instruction, word: Word) -> tuple[Traced, list[str]]:
        """A word filled in, and the build arguments that it waits for."""
        if _SHELL.search(word.text):
            return UNKNOWN, []
        try:
            found = expand(self.home.trace(command, word), self.values)
        except BadSubstitution:
            return UNKNOWN, []
        roots = [root for name in found.missing for root in self.because.get(name, [name])]
        return found.value, list(dict.fromkeys(roots))

    def mention(
        self, command: Instruction, word: Word, role: Role, job: str, built: bool = False
    ) -> Mention | None:
        """The image that a word names; None when it names a target."""
        word = _bare(word)
        if not word.text or "+" in word.text:
            return None
        if _SHELL.search(word.text):
            value, missing = made(_shell_open(word.text)), list[str]()
        else:
            value, missing = self.fill(command, word)
        if value.text in ("", "scratch") or "+" in value.text:
            return None
        span = command.locate(word)
        if span is None:
            return None
        composed = value.text != word.text
        return Mention(
            _KIND,
            role,
            span,
            word.text,
            value.text if composed else None,
            "build" if role == "pull" else None,
            job,
            pieces=pieces_of(value) if composed else (),
            needs=tr("build argument {names}", names=", ".join(missing)) if missing else "",
            built=built,
        )


def _in_recipe(recipe: Recipe, names: _Names) -> Iterator[Mention]:
    for command in recipe.commands:
        found: Iterable[Mention | None] = ()
        if command.keyword in ("ARG", "LET", "SET"):
            names.set(command)
        elif command.keyword == "FROM":
            found = _from(command, names, recipe.name)
        elif command.keyword == "SAVE":
            found = _save_image(command, names, recipe.name)
        elif command.keyword in ("WITH", "DOCKER"):
            found = _with_docker(command, names, recipe.name)
        yield from (one for one in found if one is not None)


def _from(command: Instruction, names: _Names, job: str) -> Iterator[Mention | None]:
    words = [word for word in words_of(command) if not word.text.startswith("--")]
    if words and words[0].text != "DOCKERFILE" and not words[0].text.startswith("("):
        yield names.mention(command, words[0], "pull", job)


def _save_image(command: Instruction, names: _Names, job: str) -> Iterator[Mention | None]:
    words = words_of(command)
    if not words or words[0].text != "IMAGE":
        return
    pushes = any(word.text in ("--push", "--push=true") for word in words)
    role: Role = "push" if pushes else "build-output"
    for word in words[1:]:
        if word.text.startswith("--cache-from="):
            at = word.at + len("--cache-from=")
            yield names.mention(command, Word(word.text[len("--cache-from=") :], at), "cache", job)
        elif not word.text.startswith("--"):
            yield names.mention(command, word, role, job, built=not pushes)


def _with_docker(command: Instruction, names: _Names, job: str) -> Iterator[Mention | None]:
    words = words_of(command)
    if command.keyword == "DOCKER":
        if len(words) > 1 and words[0].text == "PULL":
            yield names.mention(command, words[-1], "pull", job)
        return
    for option, value in _options(words):
        if option == "--pull":
            yield names.mention(command, value, "pull", job)
        elif option == "--load":
            bare = _bare(value)
            name, equals, _ = bare.text.partition("=")
            if equals:
                loaded = Word(name, bare.at)
                yield names.mention(command, loaded, "build-output", job, built=True)


def _options(words: list[Word]) -> Iterator[tuple[str, Word]]:
    for number, word in enumerate(words):
        if not word.text.startswith("--"):
            continue
        option, equals, value = word.text.partition("=")
        if equals:
            yield option, Word(value, word.at + len(option) + 1)
        elif number + 1 < len(words):
            yield option, words[number + 1]


def _shell(command: Instruction, names: _Names, job: str) -> list[Mention]:
    """What RUN names; `find` leaves out what WITH DOCKER has loaded or pulled before."""
    if command.keyword != "RUN" or not _TOOLS.search(command.line.text):
        return []
    at = command.arguments.at
    values = {name: value.text for name, value in names.values.items()}
    script = Script(
        command.arguments.text,
        lambda start, end: command.line.locate(at + start, at + end),
        _KIND,
        "build",
        job,
        variables=values,
        path=names.home.path,
    )
    return mentions_in(script)


def _given(recipes: Iterable[Recipe], home: Home) -> dict[str, dict[str, list[Traced]]]:
    """What the file's recipes pass to each other: `BUILD +it --NAME=value`."""
    found: dict[str, dict[str, list[Traced]]] = {}
    for command in (one for caller in recipes for one in caller.commands):
        if command.keyword not in ("BUILD", "FROM", "DO") or "+" not in command.line.text:
            continue
        words = words_of(command)
        called = [number for number, word in enumerate(words) if word.text.startswith("+")]
        for word in words[called[0] + 1 :] if called else ():
            name, equals, value = word.text.removeprefix("--").partition("=")
            if equals and word.text.startswith("--") and "$" not in value:
                traced = home.trace(command, _bare(Word(value, word.end - len(value))))
                target = found.setdefault(words[called[0]].text[1:], {})
                if len(target.setdefault(name, [])) < 2 and traced not in target[name]:
                    target[name].append(traced)
    return found


def _shell_open(text: str) -> str:
    """A name with `OPEN` for what a command substitution gives."""
    text = re.sub(r"\$\([^()]*\)|`[^`]*`|\$\{[^{}]*\}|\$\w+", OPEN, text)
    return re.sub(r"[\"']", "", text)


def _bare(word: Word) -> Word:
    text = word.text
    if len(text) >= 2 and text[0] in "\"'" and text[-1] == text[0]:
        inside = text[1:-1]
        return Word(inside, word.at + 1) if text[0] not in inside else word
    return word


FINDER = Finder("earthfile", takes, find)
