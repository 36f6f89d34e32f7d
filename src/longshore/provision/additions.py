"""Adds image rules and repositories to a `longshore.yaml` that people have written. Pure.

Only lines are added: every byte that was there stays, comments and order too. The result is what
`parse_config` takes; a file whose `images` or `repositories` cannot be added to by lines (written
in one line, or taken from an anchor) is refused with what to type instead.

>>> text = "version: 1\\nimages:\\n  - from: a/b\\n    to: b\\n"
>>> print(add_rules(text, [NewRule("docker.io/library/node", "docker-hub/library/node", ("18",))]))
version: 1
images:
  - from: a/b
    to: b
  - from: docker.io/library/node
    to: docker-hub/library/node
    tags: {allow: ["18"]}
repositories:
  docker-hub/library/node:
    mutability: {default: mutable}
    scan: on-push
    lifecycle: {preset: standard}
<BLANKLINE>
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from longshore.errors import RefusedError, Where
from longshore.text import tr

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class NewRule:
    """A source repository, its name at the target, and the tags that move.

    Without tags: the newest five when the tree leaves one `open`, else all.
    """

    source: str
    target: str
    tags: tuple[str, ...] = ()
    open: bool = False

    def lines(self, indent: str) -> list[str]:
        """The rule as a block item."""
        tags = ", ".join(json.dumps(tag) for tag in self.tags)
        rest = [f"{indent}  tags: {{allow: [{tags}]}}"] if self.tags else []
        rest = [f"{indent}  tags: {{newest: 5}}"] if self.open else rest
        return [f"{indent}- from: {self.source}", f"{indent}  to: {self.target}", *rest]

    def repository_lines(self, indent: str) -> list[str]:
        """Its repository: upstream moves tags, so they may move here."""
        return [
            f"{indent}{self.target}:",
            f"{indent}  mutability: {{default: mutable}}",
            f"{indent}  scan: on-push",
            f"{indent}  lifecycle: {{preset: standard}}",
        ]


def add_rules(text: str, rules: Sequence[NewRule], filename: str = "longshore.yaml") -> str:
    """The text with the rules and the repositories that it lacks. Raises RefusedError."""
    if not rules:
        return text
    targets = _known_targets(text)
    new = [rule for rule in rules if rule.target not in targets]
    # The later section first, so that the earlier one's lines do not move.
    todo = [
        ("images", [line for rule in rules for line in rule.lines("  ")]),
        ("repositories", [line for rule in new for line in rule.repository_lines("  ")]),
    ]
    for key, lines in todo:
        if lines:
            text = _add(text, key, lines, filename)
    return text


def _known_targets(text: str) -> set[str]:
    document = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    found = document.get("repositories") if isinstance(document, dict) else None
    return {str(name) for name in found} if isinstance(found, dict) else set()


def _add(text: str, key: str, lines: Sequence[str], filename: str) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, Loader=_LOADER)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next((pair for pair in pairs if pair[0].value == key), None)
    if found is None:
        before = text if not text or text.endswith("\n") else text + end
        return before + end.join([f"{key}:", *lines]) + end
    node = found[1]
    start, stop = node.start_mark.index, node.end_mark.index
    if not node.value and not isinstance(node, yaml.ScalarNode):
        return text[:start].rstrip(" ") + end + end.join(lines) + text[stop:]
    if isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null"):
        at = found[0].end_mark.index + 1
        return text[:at] + end + end.join(lines) + text[max(at, stop) :]
    if isinstance(node, yaml.ScalarNode) or node.flow_style or _is_anchor(text, start, node):
        raise RefusedError(
            tr("`{key}` in {file} is not written as a block of lines", key=key, file=filename),
            tr("add these lines to it: {lines}", lines=" / ".join(line.strip() for line in lines)),
            code="config-not-editable",
            where=Where(filename, node.start_mark.line + 1, node.start_mark.column + 1),
        )
    return _after_block(text, node, lines, end)


def _is_anchor(text: str, start: int, node: yaml.Node) -> bool:
    return text[start : start + 1] in "*&"


def _last_mark(node: yaml.Node) -> int:
    """Where the block's last value ends; a block's own end is after comments that follow it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _last_mark(last[1] if isinstance(last, tuple) else last)


def _after_block(text: str, node: yaml.Node, lines: Sequence[str], end: str) -> str:
    """Right after the last line of the block, at the block's own indentation."""
    indent = " " * node.start_mark.column
    kept = text[: _last_mark(node)].rstrip()
    line_end = text.find("\n", len(kept))
    at = len(text) if line_end < 0 else line_end + 1
    before = text[:at] if text[:at].endswith("\n") else text[:at] + end
    moved = [indent + re.sub(r"^  ", "", line) for line in lines]
    return before + end.join(moved) + end + text[at:]
