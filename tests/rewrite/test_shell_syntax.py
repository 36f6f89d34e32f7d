"""Shell text and Makefiles as structure: words, templates, commands, positions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.syntax.groovy import read_groovy
from longshore.rewrite.syntax.makefile import parse_makefile
from longshore.rewrite.syntax.shell import Shell, parse_shell
from longshore.rewrite.syntax.shell_values import Values, text_of
from longshore.rewrite.syntax.shell_words import Text, Unknown, Variable, inner_text, read_word
from longshore.rewrite.syntax.templates import COVER, cover

NASTY = st.text(
    st.sampled_from(list("abX1 \t\n\r\\'\"$`(){}[]<>|&;#=:+-/*?!@%^~.,é\ue000\u200b")), max_size=60
)


def words(text: str) -> list[list[str]]:
    return [[word.raw for word in one.words] for one in parse_shell(text).commands]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("docker pull a && docker pull b", [["docker", "pull", "a"], ["docker", "pull", "b"]]),
        ("docker run \\\n  -v a:b \\\n  c", [["docker", "run", "-v", "a:b", "c"]]),
        ("if x; then docker pull a; fi", [["x"], ["docker", "pull", "a"]]),
        ("x=$(docker pull a)", [["docker", "pull", "a"]]),
        ("echo `docker pull a`", [["echo", "`docker pull a`"], ["docker", "pull", "a"]]),
        ("A=1 B=2 docker pull a", [["docker", "pull", "a"]]),
        ("docker pull a > b 2>&1 &", [["docker", "pull", "a"]]),
        ('docker pull \'a\'"b"c$X-"d"', [["docker", "pull", '\'a\'"b"c$X-"d"']]),
        ("# docker pull a\ndocker pull b # docker pull c", [["docker", "pull", "b"]]),
        ("cat <<'E'\ndocker pull a\nE\nls", [["cat"], ["ls"]]),
        ("docker pull é:1; docker pull b", [["docker", "pull", "é:1"], ["docker", "pull", "b"]]),
        ("case $x in\n a) docker pull y;;\nesac", [["docker", "pull", "y"]]),
        ("docker pull ${{ matrix.a }}:1", [["docker", "pull", "${{ matrix.a }}:1"]]),
        ("{% if x %}\ndocker pull {{ a }}\n{% endif %}", [["docker", "pull", "{{ a }}"]]),
        ("diff <(docker run a) b", [["diff", "<(docker run a)", "b"], ["docker", "run", "a"]]),
    ],
)
def test_commands(text: str, found: list[list[str]]) -> None:
    assert words(text) == found


def test_a_broken_line_hides_no_other() -> None:
    assert ["docker", "pull", "a"] in words("echo don't\ndocker pull a\n")
    assert ["docker", "pull", "b"] in words("if [ x\ndocker pull b\n")
    assert ["docker", "pull", "x"] not in words('echo "usage:\ndocker pull x\n" (\n')


def test_fallback_pipe_heredoc_and_function() -> None:
    shell = parse_shell("a | b || c\nf() { d; }\ncat <<E > x.yml\nbody\nE\n")
    by_name = {one.name: one for one in shell.commands}
    assert by_name["b"].fed_by is by_name["a"]
    assert by_name["b"].fallback is by_name["c"]
    assert by_name["d"].function == "f"
    heredoc = by_name["cat"].heredocs[0]
    assert shell.text[heredoc.start : heredoc.end] == "body\n"
    assert [word.raw for word in by_name["cat"].outputs] == ["x.yml"]


def test_loops() -> None:
    shell = parse_shell("for i in a 'b c' $X; do echo $i; done\nwhile read l; do ls; done\n")
    assert [(one.keyword, one.variable) for one in shell.loops] == [("for", "i"), ("while", "")]
    assert [word.raw for word in shell.loops[0].items] == ["a", "'b c'", "$X"]


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("a\\ b", [Text("a", 0, 1), Text(" ", 1, 3), Text("b", 3, 4)]),
        ("'a$b'", [Text("a$b", 1, 4, True)]),
        ('"$a"', [Variable("a", 1, 3, True)]),
        ("${a:-b}", [Variable("a", 0, 7, False, "", ":-", (Text("b", 5, 6),))]),
        ("${a[@]}", [Variable("a", 0, 7, False, "@")]),
        ("$(x)y", [Unknown(0, 4, False, "x"), Text("y", 4, 5)]),
        ("$", [Text("$", 0, 1)]),
        ('""', [Text("", 1, 1, True)]),
    ],
)
def test_word_parts(word: str, parts: list[object]) -> None:
    assert list(read_word(word, 0, len(word))) == parts


def value(text: str, name: str, **given: str) -> list[str]:
    values = Values(parse_shell(text), given)
    return [text_of(one) for one in values.lookup(name, len(text))]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("X=a", ["a"]),
        ("X=a; X=b", ["b"]),
        ("if y; then X=a; else X=b; fi", ["a", "b"]),
        ("X=a; [ y ] && X=b", ["a", "b"]),
        ("Y=1; X=a:$Y", ["a:1"]),
        ("X=${Y:-a}", ["a"]),
        ("Y=b; X=${Y:-a}", ["b"]),
        ("X=${X:-a}", ["a"]),
        ("Y=a:1; X=${Y%:*}", ["a"]),
        ("Y=r/a; X=${Y##*/}", ["a"]),
        ("Y=a-b; X=${Y//-/_}", ["a_b"]),
        ('X="a"; X+=":1"', ["a:1"]),
        (': "${X:=a}"', ["a"]),
        ("export X=a", ["a"]),
        ("X=$G", ["given"]),
        ("X=$X", ["\ufffc"]),
        ("X=$(ls)", ["\ufffc"]),
        ("if y; then P=a/; fi; X=${P}b", ["a/b", "b"]),
    ],
)
def test_values(text: str, known: list[str]) -> None:
    assert value(text, "X", G="given") == known


def test_values_never_explode() -> None:
    text = "A0=x\n" + "".join(f"A{n + 1}=$A{n}$A{n}$A{n}\n" for n in range(40))
    assert len(value(text, "A40")) == 1
    either = "".join(f"if y; then B{n}=$B{n + 1}1; else B{n}=$B{n + 1}2; fi\n" for n in range(40))
    assert len(value(either, "B0")) <= 24


@settings(max_examples=300, deadline=None)
@given(NASTY)
def test_any_text_keeps_its_positions(text: str) -> None:
    shell = parse_shell(text)
    for command in shell.commands:
        assert 0 <= command.start <= command.end <= len(text)
        for word in command.words:
            assert text[word.start : word.end] == word.raw
            assert all(word.start <= part.start <= part.end <= word.end for part in word.parts)
            start, inner = inner_text(text, word.parts)
            assert len(inner) <= len(word.raw)
            assert start + len(inner) <= word.end or not inner


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "\t",
                "x: y",
                "a",
                "$(",
                "${X}",
                ")",
                "define f\n",
                "endef\n",
                "$(call f,a)",
                "ifdef X",
                "endif",
                ":=",
                "$$",
                "\\\n",
                "\n",
                ";",
                "#",
                "include b",
                "$@",
            ]
        )
    )
)
def test_a_makefile_keeps_its_length(pieces: list[str]) -> None:
    text = "".join(pieces)
    made = parse_makefile(text)
    assert len(made.shell.text) == len(text)
    assert [at for at, sign in enumerate(text) if sign == "\n"] == [
        at for at, sign in enumerate(made.shell.text) if sign == "\n"
    ]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from(list("{}%#$<>= ab\n'")), max_size=40))
def test_covering_keeps_the_length(text: str) -> None:
    covered = cover(text)
    assert len(covered.text) == len(text)
    for start, (end, _) in covered.marks.items():
        assert set(covered.text[start:end]) == {COVER}


@settings(max_examples=200, deadline=None)
@given(NASTY)
def test_groovy_tokens_stand_where_they_say(text: str) -> None:
    at = 0
    for token in read_groovy(text):
        assert text[token.start : token.end] == token.text
        assert token.start >= at
        at = token.end


def test_makefile_variables_and_recipes() -> None:
    text = (
        "A ?= x # note\nB = $(A)/$(name)\nifdef C\nA = y\nendif\n"
        "t: u ; echo one\n\t@docker pull $(B) $$HOME\n"
    )
    shell: Shell = parse_makefile(text).shell
    assert [(one.name, one.value.raw if one.value else "") for one in shell.assignments] == [
        ("A", "x"),
        ("B", "$(A)/$(name)"),
        ("A", "y"),
    ]
    assert [one.name for one in shell.commands] == ["echo", "docker"]
