"""Characters of a workflow that change around its references: steps, inputs, permissions. Pure.

Whole lines are put in or taken out; every other byte stays. What is not written as lines (a flow
sequence of steps) gives None, and the caller says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from longshore.rewrite.edits import Edit
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.workflow import Step
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Node, Scalar
from longshore.rewrite.syntax.yaml_nodes import Sequence as YamlSequence


def insert_steps(file: SourceFile, step: Step, steps: Sequence[Sequence[str]]) -> Edit | None:
    """Steps before another one and the comments above it, as far to the right as that one.

    A blank line divides them where the steps around are divided so.
    """
    dash = _dash(file, step)
    if dash is None:
        return None
    column = column_of(file, dash)
    line = _above_comments(file, file.place(dash)[0], column)
    divided = line > 1 and not _text_of_line(file, line - 1).strip()
    lines: list[str] = []
    for one in steps:
        lines += [*one, ""] if divided else one
    return _insert_lines(file, file.offset(line), lines, column)


def remove_step(file: SourceFile, steps: Sequence[Step], step: Step) -> Edit | None:
    """All lines of a step, with the comments right above it; the only step stays."""
    dash = _dash(file, step)
    if dash is None or len(steps) < 2:
        return None
    column = column_of(file, dash)
    line = file.place(dash)[0]
    first = _above_comments(file, line, column)
    start = file.offset(first if first > 1 else line)
    stop = file.text.find("\n", _last(step.node) - 1)
    stop = len(file.text) if stop < 0 else stop + 1
    if first > 1 and not _text_of_line(file, first - 1).strip():
        while (after := file.text.find("\n", stop)) >= 0 and not file.text[stop:after].strip():
            stop = after + 1
    return Edit(file.path, Span(start, stop), file.text[start:stop], "")


def add_input(file: SourceFile, step: Step, key: str, value: str) -> Edit | None:
    """One more pair of `with`, or `with` itself behind the `uses` line."""
    held = step.node.get("with")
    if isinstance(held, YamlMapping) and held.pairs:
        return append_pair(file, held, f"{key}: {value}")
    uses = step.node.key("uses")
    start = step.node.span.start
    if held is not None or uses is None:
        return None
    if file.text[start : start + 1] == "{":
        quoted = value if value.startswith('"') else f'"{value}"'
        pair = f"with: {{{key}: {quoted}}}, "
        return Edit(file.path, Span(start + 1, start + 1), "", pair)
    if _dash(file, step) is None:
        return None
    lines = ["with:", f"  {key}: {value}"]
    return after_line(file, file.place(uses.span.start)[0], lines, column_of(file, start))


def add_to_list(file: SourceFile, scalar: Scalar, line: str) -> Edit | None:
    """One more line of a list that is a text: a literal block, or one plain word made into one."""
    start = scalar.span.start
    if scalar.style == "|" and scalar.value.strip():
        first = start + len(scalar.raw) - len(scalar.raw.lstrip(" \r\n"))
        indent = column_of(file, first)
        return _insert_lines(file, first, [line], indent)
    own = file.text[line_start(file, start) : start]
    if scalar.style or scalar.raw != scalar.value or "\n" in scalar.value or not own.strip():
        return None
    margin = " " * (len(own) - len(own.lstrip()) + 2)
    end = line_end(file)
    new = f"|{end}{margin}{scalar.value}{end}{margin}{line}"
    behind = file.line_of(start)[scalar.span.end - line_start(file, start) :]
    if behind.strip():
        return None
    return Edit(file.path, scalar.span, scalar.value, new)


def append_pair(file: SourceFile, held: YamlMapping, pair: str) -> Edit | None:
    """A pair before the first one of a block mapping, or within a flow mapping's braces."""
    start = held.span.start
    if file.text[start : start + 1] == "{":
        more = ", " if held.pairs else ""
        return Edit(file.path, Span(start + 1, start + 1), "", f"{pair}{more}")
    if not held.pairs:
        return None
    at = key_start(held.pairs[0][0])
    if file.text[line_start(file, at) : at].strip():
        return None
    return _insert_lines(file, at, [pair], column_of(file, at))


def below_key(file: SourceFile, key: Node, held: YamlMapping, lines: Sequence[str]) -> Edit | None:
    """Lines at the top of a block mapping, right behind the line of its key."""
    first = held.pairs[0][0] if held.pairs else None
    flow = file.text[held.span.start : held.span.start + 1] == "{"
    if first is None or flow or file.place(first.span.start)[0] == file.place(key.span.start)[0]:
        return None
    indent = column_of(file, key_start(first))
    return after_line(file, file.place(key.span.start)[0], lines, indent)


def after_line(file: SourceFile, line: int, lines: Sequence[str], indent: int) -> Edit:
    """Whole lines behind a line of the file."""
    end = line_end(file)
    stop = file.text.find("\n", file.offset(line))
    body = end.join(f"{' ' * indent}{one}" for one in lines)
    if stop < 0:
        return Edit(file.path, Span(len(file.text), len(file.text)), "", end + body)
    return Edit(file.path, Span(stop + 1, stop + 1), "", body + end)


def key_start(key: Node) -> int:
    """Where a key begins, its quote included."""
    quoted = isinstance(key, Scalar) and key.style in ("'", '"')
    return key.span.start - (1 if quoted else 0)


def column_of(file: SourceFile, offset: int) -> int:
    """How far from the line's start, from 0."""
    return file.place(offset)[1] - 1


def line_start(file: SourceFile, offset: int) -> int:
    """The offset of a line's first character."""
    return file.offset(file.place(offset)[0])


def line_end(file: SourceFile) -> str:
    """How the file ends its lines."""
    return "\r\n" if "\r\n" in file.text else "\n"


def _insert_lines(file: SourceFile, before: int, lines: Iterable[str], indent: int) -> Edit:
    """Whole lines before the line of an offset."""
    end = line_end(file)
    at = line_start(file, before)
    text = "".join(f"{' ' * indent}{line}{end}" if line else end for line in lines)
    return Edit(file.path, Span(at, at), "", text)


def _dash(file: SourceFile, step: Step) -> int | None:
    """The offset of the `-` that begins a step; None when steps are not written as lines.

    It stands before the first key, or on a line of its own above it.
    """
    start = step.node.span.start
    first = line_start(file, start)
    before = file.text[first:start]
    while not before.strip() and first > 0:
        start, first = first, line_start(file, first - 1)
        before = file.text[first:start].partition("#")[0]
    if before.strip() != "-":
        return None
    return first + before.index("-")


def _above_comments(file: SourceFile, line: int, column: int) -> int:
    """The first of the comment lines right above a line that stand as far to the right."""
    while line > 1:
        text = _text_of_line(file, line - 1)
        bare = text.lstrip(" ")
        if not bare.startswith("#") or len(text) - len(bare) != column:
            break
        line -= 1
    return line


def _text_of_line(file: SourceFile, line: int) -> str:
    return file.line_of(file.offset(line))


def _last(node: Node) -> int:
    """Where the last value below a node ends; a block's own span may reach behind comments."""
    if isinstance(node, YamlMapping) and node.pairs:
        return max(max(key.span.end, _last(value)) for key, value in node.pairs)
    if isinstance(node, YamlSequence) and node.items:
        return max(_last(one) for one in node.items)
    return max(node.span.end, node.span.start + 1)
