"""JSON as nodes: values, positions, comments, and texts that are broken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.rewrite.syntax.json_nodes import parse_json
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, walk

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def plain(node: Node) -> object:
    """A node as Python values; all scalars are text."""
    if isinstance(node, Scalar):
        return node.value if node.style else json.loads(node.value)
    if isinstance(node, Sequence):
        return [plain(one) for one in node.items]
    return {key.value: plain(value) for key, value in node.pairs if isinstance(key, Scalar)}


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_reads_what_json_writes(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    (root,) = parse_json(text).documents
    assert plain(root) == value


@given(VALUES)
def test_spans_are_what_is_written(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    for root in parse_json(text).documents:
        for node in walk(root):
            if isinstance(node, Scalar):
                assert text[node.span.start : node.span.end] == node.raw
            else:
                assert text[node.span.start] + text[node.span.end - 1] in ("{}", "[]")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"image": "a"} // end', "a"),
        ('{/* "image": "no" */ "image": "a",}', "a"),
        ('{// "image": "no"\n"image" : "a"}', "a"),
        ("{image: 'a'}", "a"),
        ('\ufeff{"image": "a"}', "a"),
        ('{"image": "a"', "a"),
        ('{"x": [1, "image": "a"}', None),
        ('{"image": "no", "image": "a"}', "a"),
        ('{"u": "https://x/y", "image": "a"}', "a"),
        ('{"x" "image": "a"}', "a"),
        ('{"image": "a\\u0062"}', "ab"),
    ],
)
def test_tolerated(text: str, value: str | None) -> None:
    root = parse_json(text).documents[0]
    assert isinstance(root, Mapping)
    assert root.text("image") == value


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    for root in parse_json(text).documents:
        for node in walk(root):
            assert 0 <= node.span.start <= node.span.end <= len(text)


@pytest.mark.parametrize("unit", ['\\"', "/*", "[", '"', "'\"", "{", '{"a":', "x "])
def test_long_broken_texts_keep_what_stands_before(unit: str) -> None:
    (root,) = parse_json('{"image": "b", "a": ' + unit * 20_000).documents
    assert isinstance(root, Mapping)
    assert root.text("image") == "b"
