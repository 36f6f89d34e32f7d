"""Languages that configurations are written in: Jsonnet, CUE, Bazel, Nix, Dhall, Starlark. Pure.

Here a field called `image` is an image; a table called `images` holds them. Names are filled in as
far as the file itself gives them values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.code_rules import arguments, is_image
from longshore.rewrite.finders.code_values import Program, Reading, program, readings
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.readings import is_certain, mention
from longshore.rewrite.mentions import Mention, Piece, Pulled
from longshore.rewrite.source import SourceFile, Span

_TABLE = re.compile(r"_?(?:images|image_?[rR]epos|dockerImages|container_?[iI]mages)\Z")
_NOT_IMAGE = re.compile(r"(?:disk|boot|os|vm|logo|icon|background|panel)_?image", re.IGNORECASE)
_FIELD = re.compile(r"#?(?:[a-zA-Z0-9]+_?)?[iI]mages?(?:_?[nN]ame)?\Z|_?image\Z")
_NIX = re.compile(r"oci-containers|dockerTools|arion|quadlet|virtualisation\.(?:docker|podman)")
_PICTURE = re.compile(r"\.(?:png|jpe?g|svg|gif|ico|webp|img|iso|qcow2)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class _Field:
    """A field of a table: its name, where its value begins, and what ends it before its time."""

    name: str
    start: int
    ends: tuple[str, ...] = ()

    def place(self, code: Program) -> tuple[int, int]:
        """Where the value begins and ends."""
        end = code.code.end_of_value(self.start)
        cut = (at for at in range(self.start, end) if code.code.word(at) in self.ends)
        return self.start, next(cut, end)


def jsonnet(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """`image: 'x'`, `_images+:: { … }`, `container.new('web', 'x')`."""
    code = program(file, "jsonnet")
    return _unique([*_calls(code, "jsonnet"), *_fields(code, "jsonnet", _jsonnet_fields(code))])


def cue(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """`image: "x"`, `image: *"x" | string`, `image: { repository: "x", tag: "1" }`."""
    code = program(file, "cue")
    fields = list(_colon_fields(code, ("|", "&")))
    return _unique([*_fields(code, "cue", fields), *_parted(code, "cue"), *_sources(code, fields)])


def starlark(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """`image = "x"` and `"image": "x"` of Kurtosis, Drone and their like."""
    code = program(file, "starlark")
    found = _unique(_fields(code, "starlark", list(_colon_fields(code, ()))))
    return found or None


def dhall(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """`image = Some "x"`."""
    code = program(file, "dhall")
    fields = []
    for field in _colon_fields(code, ()):
        begin = field.start + (code.code.word(field.start) == "Some")
        fields.append(replace(field, start=begin))
    return _unique(_fields(code, "dhall", fields))


def bazel(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """`oci.pull(image = …, tag = …)`, `container_pull(registry = …, repository = …)`."""
    code = program(file, "starlark")
    found: list[Mention] = []
    for at, opening in code.code.calls:
        name, path = code.code.tokens[at].text, code.code.path(at)
        if name in ("container_pull", "docker_pull", "oci_pull", "oci_image_pull") or (
            name == "pull" and path
        ):
            found += _pull(code, opening)
    return _unique(found) or None


def nix(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """`dockerTools.pullImage { imageName = …; }`, `oci-containers.….image = "x"`."""
    runs = _NIX.search(file.text) is not None
    code = program(file, "nix")
    found: list[Mention] = []
    for at, token in enumerate(code.code.tokens):
        if token.kind != "word" or code.code.word(at + 1) != "=":
            continue
        place = (at + 2, _semicolon(code, at + 2))
        if token.text == "imageName":
            tag = _nix_sibling(code, at, "finalImageTag")
            digest = _nix_sibling(code, at, "imageDigest")
            found += _joined(code, "nix", place, None, tag, digest, "build")
        elif token.text == "image":
            named = _read(code, "nix", place, "host")
            found += (one for one in named if runs or is_certain(one.expanded))
    return _unique(found)


def _pull(code: Program, opening: int) -> Iterator[Mention]:
    _, named = arguments(code, opening)
    tag, digest = named.get("tag"), named.get("digest")
    if "image" in named:
        yield from _joined(code, "bazel", named["image"], None, tag, digest, "build")
    elif "repository" in named:
        registry = named.get("registry")
        yield from _joined(code, "bazel", named["repository"], registry, tag, digest, "build")


def _joined(
    code: Program,
    kind: str,
    place: tuple[int, int],
    registry: tuple[int, int] | None,
    tag: tuple[int, int] | None,
    digest: tuple[int, int] | None,
    pulled: Pulled,
) -> Iterator[Mention]:
    """An image whose parts are written apart; it stands at the repository."""
    found = readings(code, *place)
    if len(found) != 1 or not found[0].value.known:
        return
    one, path = found[0], code.file.path
    text = one.value.text
    pieces = [Piece(path, one.span, code.file.cut(one.span), "repository")]
    host = _part(code, registry)
    if host is not None:
        text = f"{host.value.text.rstrip('/')}/{text}"
        pieces.append(Piece(path, host.span, code.file.cut(host.span), "registry"))
    mark = _part(code, tag)
    if mark is not None and ":" not in text.rpartition("/")[2] and "@" not in text:
        text += f":{mark.value.text}"
        pieces.append(Piece(path, mark.span, code.file.cut(mark.span), "tag"))
    sum_ = _part(code, digest)
    if sum_ is not None and ":" in sum_.value.text and "@" not in text:
        text += f"@{sum_.value.text}"
        pieces.append(Piece(path, sum_.span, code.file.cut(sum_.span), "digest"))
    made = tuple(pieces) if len(pieces) > 1 else one.value.pieces
    yield mention(
        code.file, kind, one.span, replace(one.value, text=text, pieces=made), pulled=pulled
    )


def _part(code: Program, place: tuple[int, int] | None) -> Reading | None:
    found = readings(code, *place) if place is not None else []
    return found[0] if len(found) == 1 and found[0].value.text else None


def _fields(code: Program, kind: str, fields: Iterable[_Field]) -> Iterator[Mention]:
    for one in fields:
        if _FIELD.match(one.name) and not _NOT_IMAGE.search(one.name):
            yield from _read(code, kind, one.place(code), "node")
        elif _in_table(code, one.start):
            yield from _read(code, kind, one.place(code), "node", bare=False)


def _in_table(code: Program, at: int) -> bool:
    """Whether the value stands in a table called `images`."""
    opening = code.code.within[at] if at < len(code.code.within) else -1
    index = opening - 1
    while index >= 0 and code.code.word(index) in (":", "::", "+", "="):
        index -= 1
    if opening < 0 or index < 0 or index == opening - 1:
        return False
    return _TABLE.match(code.code.tokens[index].text) is not None


def _read(
    code: Program, kind: str, place: tuple[int, int], pulled: Pulled, bare: bool = True
) -> Iterator[Mention]:
    for one in readings(code, *place):
        text = one.value.text
        if is_image(one.value, bare) and not _PICTURE.search(text):
            yield mention(code.file, kind, one.span, one.value, pulled=pulled)


def _jsonnet_fields(code: Program) -> list[_Field]:
    found = []
    for at, token in enumerate(code.code.tokens):
        if token.kind not in ("word", "string"):
            continue
        start = at + 1
        if code.code.word(start) == "+":
            start += 1
        if code.code.word(start) not in (":", "::"):
            continue
        start += 2 if code.code.word(start + 1) == ":" else 1
        found.append(_Field(token.text, start))
    return found


def _calls(code: Program, kind: str) -> Iterator[Mention]:
    for at, opening in code.code.calls:
        path = code.code.path(at)
        if code.code.tokens[at].text == "new" and path.endswith("ontainer"):
            plain, named = arguments(code, opening)
            place = named.get("image") or (plain[1] if len(plain) > 1 else None)
            if place is not None:
                yield from _read(code, kind, place, "node")


def _colon_fields(code: Program, ends: tuple[str, ...]) -> Iterator[_Field]:
    for at, token in enumerate(code.code.tokens):
        if token.kind not in ("word", "string") or code.code.word(at + 1) not in (":", "="):
            continue
        name = token.text
        if code.code.word(at - 1) == "#":
            name = "#" + name
        yield _Field(name, at + 2, ends)


def _parted(code: Program, kind: str) -> Iterator[Mention]:
    """`image: { repository: "x", tag: "y" }`, on lines of their own."""
    fields = {one.start: one for one in _colon_fields(code, ("|", "&"))}
    groups: dict[int, dict[str, _Field]] = {}
    for start, one in fields.items():
        around = code.code.within[start] if start < len(code.code.within) else -1
        if around >= 0 and one.name in ("repository", "registry", "tag", "digest"):
            groups.setdefault(around, {})[one.name] = one
    for around, group in groups.items():
        head = code.code.tokens[around - 2].text if around >= 2 else ""
        if "repository" in group and _FIELD.match(head):
            parts = {name: one.place(code) for name, one in group.items()}
            yield from _joined(
                code,
                kind,
                parts["repository"],
                parts.get("registry"),
                parts.get("tag"),
                parts.get("digest"),
                "node",
            )


def _sources(code: Program, fields: list[_Field]) -> Iterator[Mention]:
    """`docker.#Pull & { source: "alpine:3" }` of Dagger's first language."""
    if "#Pull" not in code.file.text and "#FetchImage" not in code.file.text:
        return
    for one in fields:
        if one.name == "source":
            for made in _read(code, "cue", one.place(code), "build"):
                if is_certain(made.expanded):
                    yield made


def _semicolon(code: Program, start: int) -> int:
    at = start
    while at < min(start + 60, len(code.code.tokens)) and code.code.word(at) not in (";", "}"):
        at += 1
    return at


def _nix_sibling(code: Program, at: int, name: str) -> tuple[int, int] | None:
    around = code.code.within[at]
    close = code.code.pairs[around] if around >= 0 else -1
    for index in range(around + 1, min(close, around + 200)):
        if code.code.tokens[index].text == name and code.code.word(index + 1) == "=":
            return index + 2, _semicolon(code, index + 2)
    return None


def _unique(found: Iterable[Mention]) -> list[Mention]:
    kept: dict[tuple[Span, str], Mention] = {}
    for one in found:
        kept.setdefault((one.span, one.expanded), one)
    spans = {one.span for one in kept.values()}
    return [
        one
        for one in sorted(kept.values(), key=lambda one: one.span)
        if not any(place.span != one.span and place.span in spans for place in one.pieces[:1])
    ]


def _ends(*ends: str) -> Callable[[str], bool]:
    return lambda path: path.endswith(ends)


def _is_bazel(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in ("BUILD", "WORKSPACE") or name.endswith((".bzl", ".bazel", ".bzlmod"))


FINDERS: tuple[Finder, ...] = (
    Finder("jsonnet", _ends(".jsonnet", ".libsonnet"), jsonnet, marks=(b"mage", b"ontainer")),
    Finder("cue", _ends(".cue"), cue, marks=(b"mage", b"#Pull")),
    Finder("bazel", _is_bazel, bazel, marks=(b"pull",)),
    Finder("nix", _ends(".nix"), nix, marks=(b"mage",)),
    Finder("dhall", _ends(".dhall"), dhall, marks=(b"mage",)),
    Finder("starlark", _ends(".star"), starlark, marks=(b"mage",)),
)
