"""Digests beside the tags of references that change: which can hold one, and the edit. Pure.

A digest is taken as it is at the target. Only a reference that stands whole in one piece can hold
one, and only where it is read as data: commands of scripts name the same tag again later
(`docker tag`), which a pull by digest does not bring.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from longshore.oci.reference import DEFAULT_TAG
from longshore.rewrite.edits import Edit
from longshore.rewrite.mentions import Piece
from longshore.rewrite.plan import Decision
from longshore.rewrite.rename import name_end
from longshore.rewrite.source import Span

_TARGET = ("mirror", "cache")
_HOLDERS = frozenset({
    *("dockerfile-from", "dockerfile-copy-from", "dockerfile-mount-from", "dockerfile-syntax"),
    *("compose-image", "compose-build-arg", "env-file", "k8s-image", "yaml-image", "ecs"),
    *("gitlab-ci", "circleci", "azure-pipelines", "bitbucket", "drone", "woodpecker"),
    *("cloudbuild", "buildkite", "earthfile", "bake", "terraform", "cloudformation", "nomad"),
    *("devcontainer-image", "gha-uses-docker"),
})  # fmt: skip


@dataclass(frozen=True, order=True)
class Asked:
    """A tag at the target whose digest is wanted."""

    repository: str
    tag: str


def wanted_digests(decisions: Sequence[Decision]) -> list[Asked]:
    """What is to be asked at the target, each once."""
    own = own_images(decisions)
    found = {asked for one in decisions if (asked := asked_of(one, own)) is not None}
    return sorted(found)


def own_images(decisions: Sequence[Decision]) -> frozenset[str]:
    """Images that the tree publishes: their tags are to follow each build."""
    return frozenset(str(one.use.image) for one in decisions if one.use.mention.role == "push")


def asked_of(one: Decision, own: frozenset[str]) -> Asked | None:
    """The tag of a decision that can hold a digest; None when it cannot, or has one."""
    use = one.use
    if use.image in own:
        return None
    if not one.edits or one.mode not in _TARGET or use.mention.role != "pull":
        return None
    if use.digest is not None or use.tag_is_open or len(use.tags) != 1 or _end(one) is None:
        return None
    return Asked(one.name.partition("/")[2], use.tags[0])


def pinned(decisions: Sequence[Decision], digests: Mapping[Asked, str]) -> list[Decision]:
    """The decisions with the digests that are known.

    Uses that share a text are pinned together, or not at all.
    """
    own = own_images(decisions)
    torn = _torn(decisions, own)
    found = []
    for one in decisions:
        asked = asked_of(one, own)
        digest = digests.get(asked) if asked is not None else None
        if digest and not any(_place(edit) in torn for edit in one.edits):
            one = _with_digest(one, digest)
        found.append(one)
    return found


def _torn(decisions: Sequence[Decision], own: frozenset[str]) -> set[tuple[object, ...]]:
    """Places of edits for which uses want different things."""
    wanted: dict[tuple[object, ...], set[Asked | None]] = defaultdict(set)
    for one in decisions:
        for edit in one.edits:
            wanted[_place(edit)].add(asked_of(one, own))
    return {place for place, asked in wanted.items() if len(asked) > 1}


def _place(edit: Edit) -> tuple[object, ...]:
    return edit.file, edit.span


def _with_digest(one: Decision, digest: str) -> Decision:
    end = _end(one)
    if end is None:
        return one
    tail = f"@{digest}" if one.use.tag else f":{DEFAULT_TAG}@{digest}"
    name = one.edits[-1]
    if end.span.start == name.span.end:
        made = replace(name, new=name.new + tail)
        return replace(one, new=one.new + tail, edits=(*one.edits[:-1], made))
    return replace(one, new=one.new + tail, edits=(*one.edits, replace(end, new=tail)))


def _end(one: Decision) -> Edit | None:
    """An empty edit where a digest belongs: behind the tag, or behind the name without one."""
    mention, name = one.use.mention, one.edits[-1]
    if mention.kind not in _HOLDERS or mention.implicit:
        return None
    pieces = [piece for piece in mention.pieces if piece.part not in ("tag", "digest")]
    if len(pieces) != len(mention.pieces) or len(pieces) > 1:
        return None
    piece = pieces[0] if pieces else Piece(one.use.file, mention.span, mention.text)
    written = piece.text[name_end(piece.text) :]
    wanted = f":{one.use.tag}" if one.use.tag else ""
    if written != wanted or name.file != piece.file or name.span.start != piece.span.start:
        return None
    return Edit(piece.file, Span(piece.span.end, piece.span.end), "", "")
