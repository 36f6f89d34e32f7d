"""Program text of every language, and the kinds of images that it can name. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from longshore.rewrite.finders import cloud_code, testcontainers
from longshore.rewrite.finders.code_rules import CodeKind, mentions_of
from longshore.rewrite.finders.code_values import Program, Reading, program, readings
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.readings import is_certain, mention
from longshore.rewrite.finders.terraform_names import is_image_name
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile, Span

_MOST = 500
KINDS: tuple[CodeKind, ...] = (*testcontainers.KINDS, *cloud_code.KINDS)
_LANGUAGES = {
    **dict.fromkeys(("java",), "java"),
    **dict.fromkeys(("kt", "kts"), "kotlin"),
    **dict.fromkeys(("scala", "sc"), "scala"),
    **dict.fromkeys(("groovy",), "groovy"),
    **dict.fromkeys(("go",), "go"),
    **dict.fromkeys(("js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"), "script"),
    **dict.fromkeys(("cs",), "csharp"),
    **dict.fromkeys(("rs",), "rust"),
    **dict.fromkeys(("py", "pyi"), "python"),
    **dict.fromkeys(("rb",), "ruby"),
    **dict.fromkeys(("ex", "exs"), "elixir"),
    **dict.fromkeys(("php",), "php"),
}


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images that a program names; None when it names none."""
    language = _LANGUAGES[file.name.rpartition(".")[2].lower()]
    kinds = [kind for kind in KINDS if kind.covers(language, file.text)]
    if not kinds:
        return None
    code = program(file, language)
    found: dict[tuple[Span, str], Mention] = {}
    for kind in kinds:
        for one in mentions_of(kind, code):
            found.setdefault((one.span, one.expanded), one)
    for one in _constants(kinds, code, _used(found.values())):
        found.setdefault((one.span, one.expanded), one)
    spans = {one.span for one in found.values()}
    once = [one for one in found.values() if not _is_again(one, spans)]
    return sorted(once, key=lambda one: one.span) or None


def _is_again(one: Mention, spans: set[Span]) -> bool:
    """Whether it is a name whose value is an image's place of its own."""
    return any(place.span != one.span and place.span in spans for place in one.pieces)


def _used(found: Iterable[Mention]) -> set[Span]:
    return {place.span for one in found for place in one.pieces} | {one.span for one in found}


def _constants(kinds: list[CodeKind], code: Program, used: set[Span]) -> Iterator[Mention]:
    """Names like `POSTGRES_IMAGE` that are given an image which no call of the file takes."""
    for name, starts in code.names.items() if kinds else ():
        if not is_image_name(name):
            continue
        for start in starts[:_MOST]:
            for one in _given(code, start):
                known = OPEN not in one.value.text and is_certain(one.value.text)
                if known and not one.value.pieces and one.span not in used:
                    yield mention(
                        code.file, kinds[0].kind, one.span, one.value, pulled=kinds[0].pulled
                    )


def _given(code: Program, start: int) -> list[Reading]:
    """What a name is given: a value, or the values of a list or table."""
    if code.code.word(start) not in ("[", "{"):
        return readings(code, start, code.code.end_of_value(start))
    found: list[Reading] = []
    for first, end in code.code.parts(start):
        named = end - first > 2 and code.code.word(first + 1) in (":", "=>")
        found += readings(code, first + 2 if named else first, end)
    return found


# What every file that names an image holds, and what only one language's kinds go by. The fewer
# there are, the faster the many files are passed over that hold none.
_MARKS = (b"ocker", b"ontainer", b"agger", b"cdk", b"ulumi")
_OWN_MARKS = {"python": (b"airflow",), "go": (b"buildkit",), "csharp": (b"CDK",)}


def _finder(languages: frozenset[str], own: tuple[bytes, ...]) -> Finder:
    endings = frozenset(end for end, language in _LANGUAGES.items() if language in languages)
    return Finder(
        "code", lambda path: path.rpartition(".")[2].lower() in endings, find, (*_MARKS, *own)
    )


FINDERS: tuple[Finder, ...] = (
    *(_finder(frozenset({language}), own) for language, own in _OWN_MARKS.items()),
    _finder(frozenset(_LANGUAGES.values()).difference(_OWN_MARKS), ()),
)
