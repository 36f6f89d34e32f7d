"""Image references in shell text: docker, podman, crane, skopeo and their like. Pure.

`shell` reads the structure, `shell_values` fills in variables, `container_commands` and
`registry_commands` know the programs; here prefixes (`sudo`, `xargs`), scripts inside
scripts (`ssh host "…"`, heredocs) and calls of the script's own functions are followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.finders.container_commands import Named
from longshore.rewrite.finders.heredoc_files import heredoc_images
from longshore.rewrite.finders.image_variables import (
    commands_in_variables,
    handed_images,
    unused_images,
)
from longshore.rewrite.finders.nested_scripts import nested_scripts
from longshore.rewrite.finders.programs import may_matter, named_by
from longshore.rewrite.mentions import OPEN, Mention, Piece, Pulled
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.shell import Command, Shell, parse_shell
from longshore.rewrite.syntax.shell_values import Chunk, Value, Values, at_own_place, text_of

_MAX_CALLS = 40
_MAX_NESTING = 4
_MANY_FUNCTIONS = 500
_POSITIONAL = re.compile(r"\$\{?[1-9@*]")
_PASSES_ON = {'"$@"', "$@", "$*", '"$*"', "${@}", '"${@}"'}
_QUOTES = "\"'"


@dataclass(frozen=True)
class Script:
    """Shell text that stands somewhere in a file (a `run:` step, a script, a recipe).

    `locate` gives the file's span for characters of `text`; None when they cannot be placed.
    `variables` are values that are known from outside (env, matrix); they may hold OPEN. An
    expression `${{ matrix.node }}` or `{{ node }}` is looked up by what stands between the braces.
    `path` is the file's, for the places that an edit belongs to. `written` is what the file holds
    where `text` was changed to be read, character for character.
    """

    text: str
    locate: Callable[[int, int], Span | None]
    kind: str
    pulled: Pulled
    job: str = ""
    times: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    written: str = ""

    @property
    def original(self) -> str:
        """The text as the file has it."""
        return self.written or self.text


def mentions_in(
    script: Script, shell: Shell | None = None, *, definitions: bool = False
) -> list[Mention]:
    """Every image that the commands of a script name. `shell` is its text, already read.

    `definitions`: variables that hold an image and that no command uses are reported too.
    """
    shell = parse_shell(script.text) if shell is None else shell
    values = Values(shell, script.variables)
    found = _once(script, _named(shell, values), [])
    if definitions:
        found = _once(script, commands_in_variables(shell, values), found)
        found = _once(script, unused_images(shell, values, found), found)
        found = _once(script, handed_images(shell, values, found), found)
    return _with_pushes(_same_name_once(found))


def _same_name_once(found: list[Mention]) -> list[Mention]:
    """Mentions of one place that differ in the tag alone, as one with an open tag."""
    groups: dict[tuple[Span, str, str], list[Mention]] = {}
    for one in found:
        groups.setdefault((one.span, one.role, _name(one.expanded)), []).append(one)
    return [
        group[0]
        if len(group) == 1 or not name.strip(OPEN)
        else replace(group[0], value=f"{name}:{OPEN}", pieces=())
        for (_, _, name), group in groups.items()
    ]


def _name(text: str) -> str:
    """The name without its tag."""
    head, _, tag = text.rpartition(":")
    return head if head and "/" not in tag else text


def _once(script: Script, every: Iterable[Named], before: list[Mention]) -> list[Mention]:
    found = list(before)
    seen = {(one.span, one.value, one.role) for one in before}
    for named in every:
        for mention in _mentions(script, named):
            key = (mention.span, mention.value, mention.role)
            if key not in seen:
                seen.add(key)
                found.append(mention)
    return found


def _named(shell: Shell, values: Values, depth: int = 0) -> Iterator[Named]:
    """What all commands name, nested scripts included."""
    functions = _functions(shell)
    wrappers = functions.wrappers
    for command in shell.commands:
        if command.words and command.words[0].raw in _PASSES_ON:
            continue  # read where the function is called
        if command.name and not may_matter(command.name, wrappers):
            continue
        for known in _frames(command, values, functions):
            fields = known.fields(command.words)
            yield from named_by(fields, wrappers)
            yield from heredoc_images(known, command, fields, _fed_by(shell, command))
            if depth == _MAX_NESTING:
                continue
            for start, text in nested_scripts(known, command, fields):
                inner = parse_shell(text)
                yield from _named(inner, known.inside(inner, start, command.start), depth + 1)


def _fed_by(shell: Shell, command: Command) -> list[str]:
    """The programs that read a command's output."""
    if not command.heredocs:
        return []
    return [one.name for one in shell.commands if one.fed_by is command]


@dataclass(frozen=True)
class _Functions:
    """The functions that a text defines: who calls them, and how they use what they are given."""

    calls: Mapping[str, list[Command]]
    wrappers: frozenset[str]
    takes: frozenset[str]
    shifts: Mapping[str, list[tuple[int, int]]]


def _functions(shell: Shell) -> _Functions:
    known = shell.functions if len(shell.functions) < _MANY_FUNCTIONS else ()
    names = {one.name: list[Command]() for one in known}
    wrappers: set[str] = set()
    shifts: dict[str, list[tuple[int, int]]] = {}
    for one in shell.commands if names else ():
        if one.name in names:
            names[one.name].append(one)
        if one.function and one.words and one.words[0].raw in _PASSES_ON:
            wrappers.add(one.function)
        if one.function and one.name == "shift":
            said = one.words[1].literal if len(one.words) > 1 else "1"
            count = int(said) if said and said.isdecimal() and len(said) < 3 else 1
            shifts.setdefault(one.function, []).append((one.start, count))
    takes = {
        one.name for one in shell.functions if _POSITIONAL.search(shell.text, one.start, one.end)
    }
    return _Functions(names, frozenset(wrappers), frozenset(takes), shifts)


def _frames(command: Command, values: Values, functions: _Functions) -> Iterator[Values]:
    """The variables as each call of the function around the command sets them."""
    name = command.function
    called = functions.calls.get(name, [])[:_MAX_CALLS]
    if not called or values.arguments is not None or name not in functions.takes:
        yield values
        return
    shifts = functions.shifts.get(name, [])
    for call in called:
        given = [at_own_place(one) for one in values.fields(call.words[1:])]
        yield values.called_with(tuple(given), shifts)


def _mentions(script: Script, named: Named) -> Iterator[Mention]:
    if named.server and not named.field.values:
        made = _mention(script, named, Span(named.field.start, named.field.end), DOCKER_HUB, ())
        if made is not None:
            yield made
    for value in _distinct(named.field.values):
        chunks = [chunk for chunk in value if chunk.text or chunk.start < chunk.end]
        if not text_of(value) or _only_ran(chunks):
            continue
        span = _span(script.original, chunks)
        made = _mention(script, named, span, named.value or text_of(value), tuple(chunks))
        if made is not None:
            yield made


def _only_ran(chunks: list[Chunk]) -> bool:
    """Whether the whole name is what a command prints: nothing is named here."""
    return all(chunk.name.startswith("$(") for chunk in chunks)


def _distinct(values: tuple[Value, ...]) -> list[Value]:
    """The values, those that differ in the tag alone as one with an open tag."""
    by_name: dict[tuple[str, tuple[Span | None, ...]], list[Value]] = {}
    for value in values:
        name = _name(text_of(value))
        chunks = [chunk for chunk in value if chunk.text]
        places = tuple(chunk.place for chunk in chunks)
        places = () if None in places else places
        by_name.setdefault((name, places), []).append(value)
    found: list[Value] = []
    for (name, _), same in by_name.items():
        first = same[0]
        if len(same) > 1 and name.strip(OPEN):
            first = (_with_open_tag(first, name),)
        found.append(first)
    return found


def _joins(text: str, left: Span, right: Span) -> bool:
    """Whether two places are parts of one word, with nothing but quotes between them."""
    return left == right or (
        left.end <= right.start and not text[left.end : right.start].strip(_QUOTES)
    )


def _with_open_tag(value: Value, name: str) -> Chunk:
    place = value[0].place if len(value) == 1 else None
    return Chunk(f"{name}:{OPEN}", value[0].start, value[-1].end, place=place, name="tag")


def _span(text: str, chunks: list[Chunk]) -> Span:
    """Where a value is used: without its quotes, unless they stand inside it."""
    places = [chunk.place for chunk in chunks if chunk.place is not None]
    if len(places) < len(chunks) or not all(_joins(text, a, b) for a, b in pairwise(places)):
        places = [Span(chunk.start, chunk.end) for chunk in chunks]
    start, end = places[0].start, places[-1].end
    within = text[start:end]
    for quote in _QUOTES:
        if within.count(quote) % 2:
            if text[start - 1 : start] == quote and within.find(quote) >= 0:
                return Span(start - 1, end)
            if text[end : end + 1] == quote:
                return Span(start, end + 1)
    return Span(start, end)


def _mention(
    script: Script, named: Named, span: Span, value: str, chunks: tuple[Chunk, ...]
) -> Mention | None:
    place = script.locate(span.start, span.end)
    text = script.original[span.start : span.end]
    if place is None or place.end - place.start != len(text) or not text:
        return None
    unknown = [chunk.name for chunk in chunks if chunk.name and OPEN in chunk.text]
    return Mention(
        script.kind,
        named.role,
        place,
        text,
        value,
        script.pulled if named.role == "pull" else None,
        script.job,
        script.times,
        _pieces(script, span, chunks),
        needs=", ".join(dict.fromkeys(unknown)),
        built=named.built,
    )


def _pieces(script: Script, span: Span, chunks: tuple[Chunk, ...]) -> tuple[Piece, ...]:
    """The definition, when the whole reference is written there."""
    said = [chunk for chunk in chunks if chunk.text]
    if len(said) != 1 or said[0].source in {None, span}:
        return ()
    source = said[0].source
    assert source is not None  # noqa: S101
    place = script.locate(source.start, source.end)
    text = script.original[source.start : source.end]
    if place is None or place.end - place.start != len(text):
        return ()
    return (Piece(script.path, place, text),)


def _with_pushes(found: list[Mention]) -> list[Mention]:
    """A name that is built and then pushed by the same script is not local."""
    pushed = {one.expanded for one in found if one.role == "push"}

    def is_pushed(name: str) -> bool:
        head, _, tag = name.rpartition(":")
        return name in pushed or (bool(head) and "/" not in tag and head in pushed)

    return [
        replace(one, built=False) if one.built and is_pushed(one.expanded) else one for one in found
    ]
