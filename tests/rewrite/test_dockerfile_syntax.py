"""The Dockerfile scanner against BuildKit's own parser, and its places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.syntax.dockerfile import Instruction, parse_dockerfile, parse_text

oracle = pytest.importorskip("dockerfile", reason="BuildKit's parser has no wheel here")


def file_of(text: str) -> SourceFile:
    file = read_source("Dockerfile", text.encode("utf-8", "surrogateescape"))
    assert file is not None
    return file


def read_by_oracle(text: str) -> list[tuple[object, ...]] | None:
    try:
        commands = oracle.parse_string(text)
    except (oracle.GoParseError, ValueError):
        return None
    return [
        (
            one.cmd.upper(),
            (one.sub_cmd or "").upper(),
            one.start_line,
            one.end_line,
            one.value if _compares_words(one.sub_cmd or one.cmd) else None,
            # It does not give the heredocs behind ONBUILD, but their lines count.
            tuple((doc.name, doc.content) for doc in one.heredocs),
        )
        for one in commands
    ]


def read_here(text: str) -> list[tuple[object, ...]]:
    file = file_of(text)
    return [_as_oracle(file, one) for one in parse_dockerfile(file).instructions]


def _compares_words(keyword: str) -> bool:
    return keyword.upper() in ("FROM", "COPY", "ADD", "ARG", "ENV")


def _as_oracle(file: SourceFile, one: Instruction) -> tuple[object, ...]:
    inner = one.trigger or one
    words: object = None
    if inner.keyword in ("FROM", "COPY", "ADD"):
        words = inner.json or tuple(word.text for word in inner.words)
    elif inner.keyword == "ARG":
        words = tuple(
            each.name.text + ("" if each.value is None else f"={each.value.text}")
            for each in inner.assignments
        )
    elif inner.keyword == "ENV":
        words = tuple(
            word.text if word else ""
            for each in inner.assignments
            for word in (each.name, each.value)
        )
    return (
        one.keyword,
        one.trigger.keyword if one.trigger else "",
        file.place(one.span.start)[0],
        file.place(one.span.end)[0],
        words,
        tuple((doc.name, file.cut(doc.body)) for doc in one.heredocs if not one.trigger),
    )


HAND_MADE = [
    "FROM node:18",
    "from  node:18   as  Build\r\nRUN a\r\n",
    "FROM --platform=$BUILDPLATFORM node:18 AS a\nCOPY --from=a --chown=1:1 x y\n",
    "FROM a\nRUN b \\\n  # why\n\n  c \\\n  && d\nCMD e\n",
    "FROM a\nRUN b \\\\\nCMD c\n",
    "# escape=`\nFROM a\nRUN b `\n c\nCOPY c:\\x d\n",
    "#escape = `\nFROM a\nRUN b `   \n c\n",
    "# hello\n# escape=`\nFROM a\nRUN b `\nCMD c\n",
    "FROM a\nRUN <<EOF\nFROM b\nCOPY --from=c d e\nEOF\nCMD f\n",
    "FROM a\nRUN <<-EOF\n\tFROM b\n\tEOF\nCMD f\n",
    "FROM a\nRUN <<'EOF' cat > x\n$FROM\nEOF\nCMD f\n",
    "FROM a\nCOPY <<one <<two /x/\n1\none\n2\ntwo\nCMD f\n",
    "FROM a\nONBUILD RUN <<EOF\nFROM b\nEOF\nONBUILD COPY --from=x y z\n",
    "FROM a\nRUN echo $((1<<3)) cat<<EOF\nCMD b\n",
    "FROM a\nRUN echo '<<EOF'\nCMD b\n",
    'FROM a\nRUN ["sh", "<<EOF"]\nCMD b\n',
    "FROM a\nRUN python <<EOF \\\n > x\nFROM y\nEOF\nCMD b\n",
    'ARG A=1 B="2 3" C\nFROM a\nENV A b c d\nENV A=b C="d e" F=g\\ h\n',
    "FROM a\nENV A=1 \\\n  # note\n  B=2\nLABEL x=y\n",
    'FROM a\nCOPY ["a b", "c"]\nADD ["a b", "c"]\n',
    "   FROM a\n\tRUN b\n  # c\nCMD d\n",
    "FROM a\nRUN b \\",
    "FROM a\nRUN b \\\n",
    "\ufeffFROM a\nRUN b\n",
]


@pytest.mark.parametrize("text", HAND_MADE)
def test_reads_as_buildkit_does(text: str) -> None:
    expected = read_by_oracle(text)
    assert expected is not None
    assert read_here(text) == expected


PIECES = st.sampled_from(
    [
        *(
            "FROM a",
            "FROM a AS b",
            "from --platform=x a",
            "RUN x",
            "RUN --mount=type=bind,from=a y",
        ),
        *(
            "COPY --from=b x y",
            "ADD x y",
            "ONBUILD COPY --from=b x y",
            "ARG A=1",
            "ENV A=b C='d e'",
        ),
        *("# note", "# escape=`", "", "  ", 'CMD ["x"]', "RUN <<EOF", "RUN <<-'E O'", "EOF"),
        *("\tEOF", "COPY <<EOF /x", "RUN x \\", "RUN x `", "  && y \\", "  # in", "ENV A b  c"),
        *("RUN echo 'x <<EOF'", 'RUN echo "a', "RUN a\\\\", 'COPY ["a", "b"]', "RUN a <<A <<B"),
        *("A", "B", "ENV A=\\", "   B=1", "ARG X", "LABEL a=b"),
    ]
)
ENDS = st.sampled_from(["\n", "\n", "\r\n"])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(PIECES, ENDS), min_size=1, max_size=12))
def test_generated_files_read_as_buildkit_does(lines: list[tuple[str, str]]) -> None:
    text = "".join(line + end for line, end in lines)
    expected = read_by_oracle(text)
    if expected is not None:
        assert read_here(text) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("FROM ARUNab\\`'\"<-#=$\n\r\t{}/@:,"), max_size=80))
def test_any_text_is_read_and_places_are_exact(text: str) -> None:
    file = file_of(text)
    for one in parse_dockerfile(file).instructions:
        assert file.text[one.span.start].upper() == one.keyword[0]
        for word in one.words:
            span = one.locate(word)
            assert span is None or file.cut(span) == word.text


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("FROM a\nRUN cat << EOF\nx\nEOF\nCMD f\n", ["x\n"]),
        ("FROM a\nRUN cat <<- EOF\nx\nEOF\nCMD f\n", []),
        ("FROM a\nONBUILD RUN <<EOF\nFROM b\nEOF\nCMD f\n", ["FROM b\n"]),
        ("FROM a\nRUN cat <<EOF\nnever ends\n", []),
        ("FROM a\nRUN <<A <<B\n1\nA\n2\nB\nCMD f\n", ["1\n", "2\n"]),
    ],
)
def test_heredocs(text: str, bodies: list[str]) -> None:
    found = [one for each in parse_text(text).instructions for one in each.heredocs]
    assert [text[one.body.start : one.body.end] for one in found] == bodies


DIRECTIVES = [
    ("# syntax=docker/dockerfile:1\nFROM a", ["syntax=docker/dockerfile:1"]),
    ("#syntax = docker/dockerfile:1  # x\nFROM a", ["syntax=docker/dockerfile:1"]),
    (
        "# SYNTAX=a\n# Escape=`\n# check=skip=all\nFROM a",
        ["syntax=a", "escape=`", "check=skip=all"],
    ),
    ("\ufeff# syntax=a\nFROM a", ["syntax=a"]),
    ("#!/usr/bin/env docker\n# syntax=a\nFROM a", ["syntax=a"]),
    ("// syntax=a\n{}", ["syntax=a"]),
    ('{"syntax": "a/b:1", "x": []}', ["syntax=a/b:1"]),
    ("# syntax=a\r\nFROM a", ["syntax=a"]),
    ("\n# syntax=a\nFROM a", []),
    ("# hello\n# syntax=a\nFROM a", []),
    ("FROM a\n# syntax=b", []),
    ("# syntax=\nFROM a", []),
    ("# my syntax=a\nFROM a", []),
    ("# other=1\n# syntax=a\nFROM a", []),
]


@pytest.mark.parametrize(("text", "expected"), DIRECTIVES)
def test_directives_count_only_at_the_top(text: str, expected: list[str]) -> None:
    found = parse_text(text).directives
    assert [f"{one.name}={one.value}" for one in found] == expected
    assert all(text[one.span.start : one.span.end] == one.value for one in found)


def test_stages_by_name_number_and_case() -> None:
    made = parse_text("ARG V\nFROM a AS Base\nRUN x\nFROM base\nFROM c as base\n")
    assert [(one.index, one.name, one.label) for one in made.stages] == [
        (0, "base", "base"),
        (1, "", "1"),
        (2, "base", "base"),
    ]
    assert [one.keyword for one in made.heads] == ["ARG"]
    assert made.stage("BASE") is made.stages[2]
    assert made.stage("1") is made.stages[1]
    assert made.stage("7") is None
    assert made.stage("x") is None


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN " + "x" * 100_000,
        "FROM a\nRUN " + "'\"" * 20_000 + " <<EOF\n",
        "FROM a\n" + "RUN x <<E\n" * 2_000,
        "FROM a\nRUN x" + " \\\n y" * 5_000,
        " " * 100_000 + "FROM a",
        "FROM a\nENV " + "a=1 " * 10_000,
        "FROM a\n" + "ARG X=${X:-" * 2_000,
    ],
    ids=["long", "quotes", "heredocs", "continued", "blanks", "env", "nested"],
)
def test_long_texts_end(text: str) -> None:
    made = parse_text("FROM z\n" + text)
    assert made.instructions[0].arguments.text == "z"
    for one in made.instructions:
        assert len(one.assignments) <= len(text)
