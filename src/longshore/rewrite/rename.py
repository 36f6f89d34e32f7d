"""From a verdict on a place to the characters that change there. Pure.

Only the name changes; tag, digest, quotes and everything around stay. Where the name is composed
of variables, the piece that decides it changes (an ARG's default, a `.env` line, Helm's keys). If
no single piece decides, the place is left, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from longshore.rewrite.edits import Edit
from longshore.rewrite.judge import judge_server, judge_value
from longshore.rewrite.mentions import OPEN, Piece
from longshore.rewrite.places import Placed
from longshore.rewrite.source import Span
from longshore.rewrite.uses import Use
from longshore.text import tr

_GROUP = re.compile(r"\$\{\{.*?\}\}|\{\{.*?\}\}|\$\{[^{}]*\}|\$\([^()]*\)|<<.*?>>", re.DOTALL)
_VARIABLE = re.compile(r"[$\ufffc{}<>%]")


@dataclass(frozen=True)
class Renaming:
    """The edits of one use; none, with the reason, when it stays."""

    edits: tuple[Edit, ...] = ()
    reason: str = ""


def rename(use: Use, placed: Placed) -> Renaming:
    """The edits that make a use fetch `placed.new`."""
    if use.mention.implicit:
        return Renaming(reason=tr("nothing is written there: a tool fetches it by itself"))
    pieces = [one for one in use.mention.pieces if one.part not in ("tag", "digest")]
    if not pieces:
        whole = Piece(use.file, use.mention.span, use.mention.text)
        return _whole(whole, use, placed)
    if len(pieces) == 1:
        return _single(pieces[0], use, placed)
    if pieces[0].part == "registry" and not _is_apart(pieces[1], use):
        return _first(pieces[0], use, placed)
    return _split(pieces, placed)


def _is_apart(piece: Piece, use: Use) -> bool:
    """Whether a name is a value of its own (Helm's keys), not a part of a composed text."""
    return not (piece.file == use.file and _overlap(piece.span, use.mention.span)) or (
        piece.span == use.mention.span
    )


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def name_end(text: str) -> int:
    """Where the name ends in a reference's text and tag or digest begin.

    >>> name_end("host:5000/a/b:${TAG:-1}"), name_end("node@sha256:ab"), name_end("node")
    (13, 4, 4)
    """
    masked = _GROUP.sub(lambda found: "x" * len(found[0]), text)
    end = masked.find("@")
    end = len(text) if end < 0 else end
    colon = masked.rfind(":", masked.rfind("/", 0, end) + 1, end)
    return end if colon < 0 else colon


def _whole(piece: Piece, use: Use, placed: Placed) -> Renaming:
    end = name_end(piece.text)
    name = piece.text[:end]
    if _VARIABLE.search(name):
        return _beginning(piece, name, use, placed)
    judged = judge_value(name)
    if judged is None or judged.image != use.image:
        return Renaming(reason=tr("its text does not spell the image: {text}", text=name))
    return _edit(piece, Span(piece.span.start, piece.span.start + end), name, placed.new)


def _beginning(piece: Piece, name: str, use: Use, placed: Placed) -> Renaming:
    """A name that ends in variables: what stands before them may change when the rest stays."""
    literal = name[: _VARIABLE.search(name).start()]  # type: ignore[union-attr]
    path = (use.image or "").partition("/")[2]
    host, slash, rest = literal.partition("/")
    if slash and judge_server(host).status == "hub" and any(mark in host for mark in ".:"):
        begins, old = rest, host
    else:
        begins, old = literal, ""
    if "/" in begins and path.startswith(begins) and placed.new.endswith(f"/{path}"):
        new = placed.new.removesuffix(f"/{path}")
        if old:
            return _edit(piece, Span(piece.span.start, piece.span.start + len(old)), old, new)
        return _edit(piece, Span(piece.span.start, piece.span.start), "", f"{new}/")
    return Renaming(reason=tr("its name is composed of variables: {text}", text=name))


def _single(piece: Piece, use: Use, placed: Placed) -> Renaming:
    if piece.part == "reference":
        return _whole(piece, use, placed)
    if piece.part == "repository":
        name = piece.text[: name_end(piece.text)]
        judged = judge_value(name)
        if judged is None or judged.image != use.image:
            return Renaming(reason=tr("its registry comes from elsewhere: {text}", text=name))
        span = Span(piece.span.start, piece.span.start + len(name))
        return _edit(piece, span, name, placed.new)
    return _first(piece, use, placed)


def _first(piece: Piece, use: Use, placed: Placed) -> Renaming:
    """A name that begins with a variable's value: that changes, if the rest can stay."""
    written = use.mention.expanded
    name = written[: name_end(written)]
    rest = name.removeprefix(piece.text)
    if rest != name and rest and OPEN not in rest and placed.new.endswith(rest):
        return _edit(piece, piece.span, piece.text, placed.new.removesuffix(rest))
    return Renaming(reason=tr("only its registry is a variable, and the name changes too"))


def _split(pieces: Sequence[Piece], placed: Placed) -> Renaming:
    by_part = {piece.part: piece for piece in pieces}
    registry, repository = by_part.get("registry"), by_part.get("repository")
    if len(by_part) != len(pieces) or registry is None or repository is None:
        return Renaming(reason=tr("several places compose its name"))
    host, _, path = placed.new.partition("/")
    first = _edit(registry, registry.span, registry.text, host)
    second = _edit(repository, repository.span, repository.text, path)
    return Renaming((*first.edits, *second.edits))


def _edit(piece: Piece, span: Span, old: str, new: str) -> Renaming:
    if old == new:
        return Renaming()
    return Renaming((Edit(piece.file, span, old, new),))
