"""HCL is read as tree-sitter reads it, and whatever it holds it is read in one pass."""

from __future__ import annotations

from typing import Any

import pytest
import tree_sitter
import tree_sitter_hcl
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.source import read_source
from longshore.rewrite.syntax.hcl import Body, Call, Choice, Listing, Object, Reach, Template, walk
from longshore.rewrite.syntax.hcl_json import hcl_of_json
from longshore.rewrite.syntax.hcl_reader import parse_hcl

WELL_FORMED = """\
# é comment { "quoted"
variable "image" { default = "x:1" }
locals {
  reg = "é${var.reg}/x:${local.tag}" // tail
  map = { a = "1", "b" : "2", (var.k) = "3"
    c = "4" }
  list = [for s in var.all : "${s}-x" if s != "no"]
  obj = {for k, v in var.m : k => "v${v}"}
  cond = var.a == "b" ? "yes" : "no"
  deep = lookup(var.m, "k", ["d", "e"])
  far = data.x.y.z.w
  all = aws_x.y[*].id
  neg = -1 + 2 * (3 - 4)
  esc = "a\\\\b$${x}%%{y}"
  nest = "a${join(",", ["b", "c${var.d}"])}e"
}
resource "a" "b" {
  text = <<-EOT
    line ${var.x}
    "EOT" is not the end
    EOT
  plain = <<JSON
{ "image": "n:1" }
JSON
  /* block
     comment */
  dynamic "setting" {
    for_each = toset(["a"])
    content {
      name = setting.value
    }
  }
}
"""
LABELS = ("identifier", "string_lit")


def shape(body: Body) -> list[tuple[Any, ...]]:
    """What stands in a body: names, blocks, and every string with its place."""
    found: list[tuple[Any, ...]] = []
    for attribute in body.attributes:
        found.append(("attribute", attribute.name))
        for one in walk(attribute.value):
            if isinstance(one, Template):
                found.append(("text", one.span.start, one.span.end))
    for block in body.blocks:
        found += [("block", block.type, block.labels), *shape(block.body)]
    return sorted(found, key=str)


def oracle(text: str) -> list[tuple[Any, ...]]:
    """The same from tree-sitter; heredocs are left out, their ends are drawn differently."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))
    data = text.encode()
    found: list[tuple[Any, ...]] = []

    def cut(node: Any) -> str:
        return data[node.start_byte : node.end_byte].decode()

    def visit(node: Any) -> None:
        if node.type == "attribute":
            found.append(("attribute", cut(node.children[0])))
        elif node.type == "block":
            names = [cut(one).strip('"') for one in node.children if one.type in LABELS]
            found.append(("block", names[0], tuple(names[1:])))
        elif node.type == "quoted_template_start" and node.parent.parent.type != "block":
            begin = len(data[: node.end_byte].decode())
            end = len(data[: node.parent.end_byte].decode()) - 1
            if node.parent.parent.type != "block":
                found.append(("text", begin, end))
        for child in node.children:
            visit(child)

    visit(parser.parse(data).root_node)
    return sorted(found, key=str)


def test_all_stands_where_tree_sitter_sees_it() -> None:
    heredocs = [("text", at, end) for at, end in _heredocs(parse_hcl(WELL_FORMED))]
    mine = [one for one in shape(parse_hcl(WELL_FORMED)) if one not in heredocs]
    labels = [one for one in oracle(WELL_FORMED) if not _is_label(one)]
    conditions = [one for one in labels if one not in mine]
    assert [one for one in mine if one not in labels] == []
    # What a condition compares names nothing; it is not kept by either in the same way.
    assert len(conditions) <= 2
    assert len(mine) > 35


def _is_label(one: tuple[Any, ...]) -> bool:
    return one[0] == "text" and WELL_FORMED[one[1] - 2] == " " and WELL_FORMED[one[2] + 2] == "{"


def _heredocs(body: Body) -> list[tuple[int, int]]:
    found = [
        (one.span.start, one.span.end)
        for attribute in body.attributes
        for one in walk(attribute.value)
        if isinstance(one, Template) and one.heredoc
    ]
    return found + [place for block in body.blocks for place in _heredocs(block.body)]


def first(text: str) -> Any:
    return parse_hcl(f"a = {text}\n").attributes[0].value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('"x"', Template),
        ("var.a.b", Reach),
        ('f("x")', Call),
        ('["x"]', Listing),
        ('{ a = "x" }', Object),
        ('v ? "a" : "b"', Choice),
    ],
)
def test_values(text: str, kind: type) -> None:
    assert isinstance(first(text), kind)


def test_reaches() -> None:
    assert first('var.m["k"].a[0].*.id').path == ("var", "m", "k", "a", "0", "*", "id")
    assert first("var.m[each.key]").path == ("var", "m", "*")


def test_positions_are_characters() -> None:
    for block in parse_hcl(WELL_FORMED).blocks:
        for attribute in block.body.attributes:
            written = WELL_FORMED[attribute.span.start : attribute.span.end]
            assert written == attribute.name
            for one in walk(attribute.value):
                if isinstance(one, Template) and one.literal is not None:
                    assert WELL_FORMED[one.span.start : one.span.end] == one.literal


def test_a_heredoc_ends_at_its_mark_alone() -> None:
    text = "a = <<-END\n  ENDx\n  x END\n  END\nb = 1\n"
    body = parse_hcl(text)
    span = body.attributes[0].value.span
    assert text[span.start : span.end] == "  ENDx\n  x END\n"
    assert [one.name for one in body.attributes] == ["a", "b"]


@pytest.mark.parametrize(
    "broken",
    ["[[ if .x ]]", "} stray", 'x = "unclosed', "= nothing", "z = ", 'label "unclosed', "🦀 @ %"],
)
def test_what_is_broken_costs_a_line(broken: str) -> None:
    text = f'a = "before"\n{broken}\n\nblock "l" {{\n  b = "after"\n}}\n'
    body = parse_hcl(text)
    assert body.text("a") == "before"
    assert [one.body.text("b") for one in body.blocks] == ["after"]


def test_bom_and_windows_lines() -> None:
    body = parse_hcl('\ufeffa = "b"\r\nc {\r\n d = <<END\r\nx\r\nEND\r\n}\r\n')
    assert body.text("a") == "b"
    assert body.blocks[0].body.text("d") == "x\r\n"


def test_json_takes_the_same_shapes() -> None:
    text = '{"resource": {"docker_image": {"x": {"name": "a:${var.t}"}}}, "variable": {"t": {}}}'
    file = read_source("main.tf.json", text.encode())
    assert file is not None
    body = hcl_of_json(file)
    assert [one.labels for one in body.blocks] == [("docker_image", "x"), ("t",)]
    name = body.blocks[0].body.get("name")
    assert isinstance(name, Template)
    assert isinstance(name.parts[1], Reach)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abx01=\"${}[]()<>\n \t.,:?%#/*-é'\\|&!", max_size=120))
def test_any_text_is_read_to_its_end(text: str) -> None:
    for found in shape(parse_hcl(text)):
        if found[0] == "text":
            assert 0 <= found[1] <= found[2] <= len(text)


LONG = ['a = "' + "x" * 200_000, "a =" + " " * 200_000 + "x", "[" * 200_000, "a {\n" * 50_000]
LONG += ['"' * 200_000, 'a = "' + "${" * 100_000, "a = \n" * 40_000, "a = <<E\n" * 25_000]
LONG += ["a = (" * 40_000, "a ? " * 50_000, "/*" * 100_000, "a." * 100_000, "a[" * 100_000]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_reading_comes_to_an_end(text: str) -> None:
    found = shape(parse_hcl(text))
    assert all(one[1] <= one[2] <= len(text) for one in found if one[0] == "text")
