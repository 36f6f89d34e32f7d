"""Expressions: which texts a template can become, and where their characters stand."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax import expression_grammar, expressions
from longshore.rewrite.syntax.expression_grammar import (
    BadExpression,
    parse_expression,
    split_template,
)
from longshore.rewrite.syntax.expressions import (
    Choice,
    Items,
    Table,
    Text,
    Unknown,
    evaluate,
    plain,
    texts_of,
    truth,
    values_of,
)
from longshore.rewrite.syntax.yaml_nodes import Scalar, parse_yaml

CONTEXTS = {
    "matrix": Table({"node": plain("18"), "os": Table({"image": plain("debian:12")})}),
    "env": Table({"REG": plain("docker.io"), "ON": plain("true")}, open=True),
    "inputs": Table({"image": Choice((plain("a:1"), plain("b:2")))}, open=True),
    "strategy": Table({"list": Items((plain("x"), plain("y")))}),
}


@pytest.mark.parametrize("module", [expressions, expression_grammar])
def test_examples_in_the_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("node:18", ["node:18"]),
        ("node:${{ matrix.node }}-alpine", ["node:18-alpine"]),
        ("node:${{matrix.NODE}}", ["node:18"]),
        ("${{ matrix['os'].image }}", ["debian:12"]),
        ("${{ matrix.absent }}x", ["x"]),
        ("${{ env.REG }}/a:${{ github.sha }}", [f"docker.io/a:{OPEN}"]),
        ("${{ env.ABSENT }}", [OPEN]),
        ("${{ inputs.image }}", ["a:1", "b:2"]),
        ("${{ vars.I || 'node:18' }}", ["node:18", OPEN]),
        ("${{ github.event_name == 'push' && 'a' || 'b' }}", ["a", "b"]),
        ("${{ matrix.node == 18 && 'a' || 'b' }}", ["a"]),
        ("${{ matrix.node != '18' && 'a' || 'b' }}", ["b"]),
        ("${{ !matrix.node && 'a' || 'b' }}", ["b"]),
        ("${{ (matrix.node >= 16) && 'new' || 'old' }}", ["new"]),
        ("${{ format('{0}/{1}:{{x}}', env.REG, matrix.node) }}", ["docker.io/18:{x}"]),
        ("${{ format('a') }}", ["a"]),
        ('${{ fromJSON(\'["p", "q"]\')[1] }}', ["q"]),
        ('${{ fromJSON(\'{"k": "v"}\').k }}', ["v"]),
        ("${{ join(strategy.list, '/') }}", ["x/y"]),
        ("${{ toJSON(strategy.list) }}", ['["x", "y"]']),
        ("${{ contains(strategy.list, 'X') && 'has' || 'not' }}", ["has"]),
        ("${{ startsWith(github.ref, 'refs') && 'tag' || 'main' }}", ["tag", "main"]),
        ("${{ endsWith('node:18', '18') && 'a' }}", ["a"]),
        ("it''s ${{ 'it''s }} here' }}", ["it''s it's }} here"]),
        ("${{ case(github.x, 'a', github.y, 'b', 'c') }}", ["a", "b", "c"]),
        ("${{ hashFiles('x') }}", [OPEN]),
        ("${{ not an expression }}", [OPEN]),
        ("${{ unclosed", ["${{ unclosed"]),
        ("${{ secrets.A }}/${{ secrets.B }}", [f"{OPEN}/{OPEN}"]),
        ("${{ null }}x${{ true }}${{ 1.5 }}", ["xtrue1.5"]),
        ("${{ matrix.* }}", [OPEN]),
    ],
)
def test_texts_of(template: str, texts: list[str]) -> None:
    assert [one.text for one in texts_of(template, CONTEXTS)] == texts


def test_what_would_resolve_it_is_named() -> None:
    (text,) = texts_of("${{ vars.REG }}/x:${{ needs.a.outputs.tag }}", CONTEXTS)
    assert text.needs == ("vars.REG", "needs.a.outputs.tag")


def test_fragments_know_where_they_stand() -> None:
    source = 'image: "${{ github.x && \'node:18\' || fromJSON(\'[\\"a:1\\",\\"b:2\\"]\')[1] }}"'
    scalar = scalar_of(source)
    first, second = texts_of(scalar, {})
    for text in (first, second):
        (one,) = text.fragments
        assert one.source is scalar
        assert scalar.value[one.start :].startswith(one.text)
    assert (first.text, second.text) == ("node:18", "b:2")


def test_the_whole_source_of_a_value() -> None:
    value = scalar_of("v: node:18")
    (whole,) = values_of(value, {})
    (text,) = texts_of("${{ env.V }}", {"env": Table({"V": whole})})
    assert text.whole_source is value
    (longer,) = texts_of("${{ env.V }}-alpine", {"env": Table({"V": whole})})
    assert longer.whole_source is None


@pytest.mark.parametrize(
    ("text", "known"),
    [("''", False), ("'0'", True), ("0", False), ("null", False), ("'x'", True), ("vars.X", None)],
)
def test_truth(text: str, known: bool | None) -> None:
    (value,) = evaluate(text, {})
    assert truth(value) is known


@pytest.mark.parametrize(
    "text", ["", "a b", "a.", "(a", "f(a", "a[1", "'open", "a || ", "#", "." * 9]
)
def test_bad_expressions(text: str) -> None:
    with pytest.raises(BadExpression):
        parse_expression(text)


@given(st.text(alphabet="${}'\" ab.|&()[]!=<>,*0-", max_size=120))
def test_any_text_is_read(text: str) -> None:
    pieces = list(split_template(text))
    assert all(text[start : start + len(piece)] == piece for start, piece, _ in pieces)
    assert texts_of(text, CONTEXTS)


@pytest.mark.parametrize(
    "text", ["${{ " * 10_000, "${{ '" * 10_000, "${{" + "(" * 10_000 + "}}", "${{ a }}" * 2_000]
)
def test_long_texts_are_read(text: str) -> None:
    assert texts_of("x" + text, {})[0].text.startswith("x")


def test_a_long_chain_of_choices_is_followed() -> None:
    text = "${{ " + " || ".join(f"vars.v{number}" for number in range(60)) + " || 'node:18' }}"
    assert "node:18" in [one.text for one in texts_of(text, {})]


def test_values_of_nested_nodes() -> None:
    node = parse_yaml("a: [1, '${{ vars.X }}']\nb: {c: d}\n").documents[0]
    (table,) = values_of(node, {})
    assert isinstance(table, Table)
    items, inner = table.get("A"), table.get("b")
    assert isinstance(items, Items)
    assert isinstance(inner, Table)
    assert isinstance(items.items[0], Text)
    assert isinstance(items.items[1], Unknown)


def scalar_of(text: str) -> Scalar:
    node = parse_yaml(text).documents[0]
    assert not isinstance(node, Scalar)
    (scalar,) = [one for one in [node.get("image") or node.get("v")] if isinstance(one, Scalar)]  # type: ignore[union-attr]
    return scalar
