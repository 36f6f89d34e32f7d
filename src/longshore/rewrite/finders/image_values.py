"""From a value in a CI file to mentions: its place, its readings, the shell beside it. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace

from longshore.rewrite.finders.command_files import looks_like_powershell, powershell_as_shell
from longshore.rewrite.finders.expansion import (
    PLAIN,
    Dialect,
    Expanded,
    Lookup,
    by_name,
    expand,
    nothing_known,
)
from longshore.rewrite.finders.shape import is_possible
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.mentions import OPEN, Mention, Piece, Pulled, Role
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence

_SCHEMES = ("docker://", "docker-image://")
_NOTHING = {"", "null", "~", "none", "None", "true", "false"}
_UNSAFE = re.compile(r"[\"`\\\n]")
_OPENS = re.compile(f"{OPEN}{{2,}}")
_TOOLS = re.compile(
    r"docker|podman|nerdctl|buildah|skopeo|crane|cosign|trivy|grype|syft|kaniko|regctl|oras"
    r"|kubectl|helm|pack\b|ctr\b|crictl|singularity|apptainer|image",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Finding:
    """What all mentions of one file share: its kind, when it pulls, how it writes variables."""

    file: SourceFile
    kind: str
    pulled: Pulled = "job-start"
    dialect: Dialect = PLAIN
    lookup: Lookup = nothing_known
    job: str = ""
    times: int = 1
    variables: Table[str, str] = field(default_factory=dict)

    def image(self, node: Node | None, role: Role = "pull", built: bool = False) -> list[Mention]:
        """The mentions of one value that is an image reference."""
        if not isinstance(node, Scalar) or (not node.style and node.value in _NOTHING):
            return []
        place = placed(self.file, node)
        if place is None:
            return []
        span, value = place
        readings = expand(value, self.dialect, self.lookup)
        if all(one.whole is not None and one.whole.listed for one in readings):
            return [found for one in readings for found in self._listed(one, role)]
        return [
            self.mention(span, one, role, built)
            for one in by_name(readings)
            if role == "login" or is_possible(one.value.replace(OPEN, "x"))
        ]

    def images(self, node: Node | None, role: Role = "pull") -> list[Mention]:
        """The same for a value, a list of values, or a mapping with `name`."""
        if isinstance(node, Sequence):
            return [found for one in node.items for found in self.images(one, role)]
        return self.image(node.get("name") if isinstance(node, Mapping) else node, role)

    def mention(
        self, span: Span, reading: Expanded, role: Role = "pull", built: bool = False
    ) -> Mention:
        """A mention of characters of the file with one reading of them."""
        text = self.file.cut(span)
        return Mention(
            self.kind,
            role,
            span,
            text,
            None if reading.value == text else reading.value,
            pulled=self.pulled if role == "pull" else None,
            job=self.job,
            times=self.times,
            pieces=reading.pieces,
            needs=", ".join(dict.fromkeys(reading.missing)),
            built=built,
        )

    def split(
        self,
        registry: Node | str | None,
        repository: Node | None,
        tag: Node | None,
        role: Role = "pull",
    ) -> list[Mention]:
        """An image written as several values; the mention stands at the repository."""
        place = placed(self.file, repository) if isinstance(repository, Scalar) else None
        if place is None or not isinstance(repository, Scalar):
            return []
        span, value = place
        host = registry.value if isinstance(registry, Scalar) else registry
        host = host.strip("/") if isinstance(host, str) else ""
        mark = tag.value if isinstance(tag, Scalar) and tag.value not in _NOTHING else ""
        if not host and not mark:
            return self.image(repository, role)
        whole = f"{host}/{value}" if host else value
        if mark:
            whole += f"@{mark}" if mark.startswith("sha256:") else f":{mark}"
        pieces = [Piece(self.file.path, span, self.file.cut(span), "repository")]
        if host and isinstance(registry, Scalar):
            pieces.append(
                Piece(self.file.path, registry.span, self.file.cut(registry.span), "registry")
            )
        if mark and isinstance(tag, Scalar):
            pieces.append(Piece(self.file.path, tag.span, self.file.cut(tag.span), "tag"))
        readings = by_name(expand(whole, self.dialect, self.lookup))
        return [
            replace(self.mention(span, one, role), value=one.value, pieces=tuple(pieces))
            for one in readings
        ]

    def script(self, nodes: Iterable[Scalar]) -> list[Mention]:
        """What the commands of a script name; the parts are one script, in order."""
        shell = ShellText(self.file, self.dialect)
        for node in nodes:
            shell.line(node)
        return shell.mentions(self)

    def command(self, program: str, words: Iterable[Scalar]) -> list[Mention]:
        """What one command names that is written as a list of words."""
        shell = ShellText(self.file, self.dialect)
        shell.words(program, words)
        return shell.mentions(self)

    def _listed(self, reading: Expanded, role: Role) -> list[Mention]:
        place = reading.whole.place if reading.whole is not None else None
        if place is None or place.file != self.file.path:
            return []
        made = self.mention(place.span, Expanded(reading.value, (), reading.missing), role)
        return [replace(made, times=1)]


class ShellText:
    """Shell text put together from values of a file, with the way back to their places."""

    def __init__(self, file: SourceFile, dialect: Dialect) -> None:
        self._file = file
        self._dialect = dialect
        self._text: list[str] = []
        self._starts: list[int] = []
        self._parts: list[tuple[Scalar, int]] = []
        self._length = 0

    def line(self, node: Scalar) -> None:
        """A value that is one or more lines of shell."""
        self._add(node, self._masked(node.value))
        self._plain("\n")

    def words(self, program: str, nodes: Iterable[Scalar]) -> None:
        """A command whose words are values."""
        self._plain(program)
        for node in nodes:
            self._plain(' "')
            self._add(node, _UNSAFE.sub("_", self._masked(node.value)))
            self._plain('"')
        self._plain("\n")

    def mentions(self, finding: Finding) -> list[Mention]:
        """What stands in the text, at its places in the file."""
        text = "".join(self._text)
        if not _TOOLS.search(text):
            return []
        variables = finding.variables
        if looks_like_powershell(text):
            text, own = powershell_as_shell(text)
            variables = {**own, **variables}
        script = Script(
            text,
            self.locate,
            finding.kind,
            "host",
            finding.job,
            finding.times,
            variables,
        )
        return [
            made for one in mentions_in(script) if (made := _unmasked(one, finding)) is not None
        ]

    def locate(self, start: int, end: int) -> Span | None:
        """The file's span for characters of the text, when they are of one value."""
        at = bisect_right(self._starts, start) - 1
        if at < 0:
            return None
        node, length = self._parts[at]
        first = self._starts[at]
        if end > first + length:
            return None
        return node.locate(start - first, end - first)

    def _masked(self, text: str) -> str:
        if self._dialect.masked is None:
            return text
        return self._dialect.masked.sub(lambda found: OPEN * len(found[0]), text)

    def _add(self, node: Scalar, text: str) -> None:
        self._starts.append(self._length)
        self._parts.append((node, len(text)))
        self._plain(text)

    def _plain(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)


def placed(file: SourceFile, node: Scalar) -> tuple[Span, str] | None:
    """Where a value's reference stands and what it is, without blanks and `docker://`."""
    value = _OPENS.sub(OPEN, node.value.strip())
    written = file.cut(node.span)
    start = node.span.start + len(written) - len(written.lstrip())
    text = written.strip()
    if not text or "\n" in text:
        return None
    for scheme in _SCHEMES:
        if text.startswith(scheme) and value.startswith(scheme):
            text, value, start = text[len(scheme) :], value[len(scheme) :], start + len(scheme)
    return (Span(start, start + len(text)), value) if text else None


def piece_of(file: SourceFile, node: Scalar) -> Piece | None:
    """A value as the place where an edit belongs."""
    place = placed(file, node)
    return Piece(file.path, place[0], file.cut(place[0])) if place is not None else None


def scalars(node: Node | None) -> list[Scalar]:
    """The scalars of a value: itself, or those of its lists, in order (aliased lists too)."""
    found: list[Scalar] = []
    stack = [node]
    while stack and len(found) < 10_000:
        one = stack.pop()
        if isinstance(one, Scalar):
            found.append(one)
        elif isinstance(one, Sequence) and one.tag != "!reference":
            stack.extend(reversed(one.items))
    return found


def unique(mentions: Iterable[Mention]) -> list[Mention]:
    """Each mention once: aliases and merged parts are seen several times. Most pulls win."""
    kept: dict[tuple[Span, str, Role], Mention] = {}
    for one in mentions:
        key = (one.span, one.expanded, one.role)
        if key not in kept or kept[key].times < one.times:
            kept[key] = one
    return sorted(kept.values(), key=lambda one: one.span)


def _unmasked(mention: Mention, finding: Finding) -> Mention | None:
    written = finding.file.cut(mention.span)
    if OPEN not in mention.text or OPEN in written:
        return mention if mention.text == written else None
    readings = expand(written, finding.dialect, finding.lookup)
    value = _OPENS.sub(OPEN, mention.expanded)
    known = len(readings) == 1 and readings[0].value != written
    if known and value == _OPENS.sub(OPEN, mention.text):
        return replace(mention, text=written, value=readings[0].value)
    return replace(mention, text=written, value=value)
