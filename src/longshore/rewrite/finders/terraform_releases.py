"""Helm releases in Terraform: images set by name, values written as YAML, charts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.hcl_texts import Inner, inner_mentions
from longshore.rewrite.finders.hcl_values import Lookup, values
from longshore.rewrite.finders.readings import Value, mention
from longshore.rewrite.mentions import Mention, Part, Piece
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.hcl import (
    Block,
    Expression,
    Listing,
    Object,
    Template,
    walk,
)

_KIND = "terraform"
_SETTERS = ("set", "set_string", "set_sensitive")
_OCI = "oci://"


@dataclass(frozen=True)
class _Setting:
    name: str
    value: Expression


def release_mentions(file: SourceFile, block: Block, lookup: Lookup) -> Iterator[Mention]:
    """The images of one release."""
    yield from _set(file, list(_settings(block)), lookup)
    yield from _chart(file, block, lookup)
    given = block.body.get("values")
    for one in walk(given) if given is not None else ():
        if isinstance(one, Template) and one.heredoc:
            yield from inner_mentions(Inner(file, one, lookup), _KIND, "node", True)
        elif isinstance(one, Object):
            yield from _values(file, one, lookup)


def _settings(block: Block) -> Iterator[_Setting]:
    for name in _SETTERS:
        for inner in block.body.all(name):
            made = _setting(inner.body.text("name"), inner.body.get("value"))
            if made is not None:
                yield made
        listed = block.body.get(name)
        for item in listed.items if isinstance(listed, Listing) else ():
            if isinstance(item, Object):
                key = item.get("name")
                text = key.literal if isinstance(key, Template) else None
                made = _setting(text, item.get("value"))
                if made is not None:
                    yield made


def _setting(name: str | None, value: Expression | None) -> _Setting | None:
    if name is None or value is None:
        return None
    return _Setting(name.replace("\\\\.", "."), value)


def _set(file: SourceFile, settings: list[_Setting], lookup: Lookup) -> Iterator[Mention]:
    known = {one.name: one.value for one in settings}
    for one in settings:
        stem, _, last = one.name.rpartition(".")
        if last in ("repository", "name") and stem.lower().endswith("image"):
            yield from _split(
                file,
                one.value,
                known.get(f"{stem}.registry"),
                known.get(f"{stem}.tag"),
                lookup,
            )
        elif last.lower().endswith("image"):
            yield from _whole(file, one.value, lookup)


def _values(file: SourceFile, value: Object, lookup: Lookup) -> Iterator[Mention]:
    """`yamlencode({ image = { repository = … } })`: one object; those in it come by themselves."""
    for entry in value.entries:
        if not entry.key.lower().endswith("image"):
            continue
        if isinstance(entry.value, Object):
            inner = entry.value
            repository = inner.get("repository") or inner.get("name")
            if repository is not None:
                yield from _split(file, repository, inner.get("registry"), inner.get("tag"), lookup)
        else:
            yield from _whole(file, entry.value, lookup)


def _whole(file: SourceFile, value: Expression, lookup: Lookup) -> Iterator[Mention]:
    for one in values(value, file.path, lookup):
        if one.known:
            yield mention(file, _KIND, value.span, one)


def _split(
    file: SourceFile,
    repository: Expression,
    registry: Expression | None,
    tag: Expression | None,
    lookup: Lookup,
) -> Iterator[Mention]:
    made = values(repository, file.path, lookup)[0]
    if not made.known or "://" in made.text:
        return
    pieces: list[Piece] = list(_pieces(file, repository, made, "repository"))
    text = made.text
    if registry is not None:
        host = values(registry, file.path, lookup)[0]
        text = f"{host.text}/{text}" if host.text else text
        pieces += _pieces(file, registry, host, "registry")
    if tag is not None:
        mark = values(tag, file.path, lookup)[0]
        text += f":{mark.text}" if mark.text else ""
        pieces += _pieces(file, tag, mark, "tag")
    yield mention(file, _KIND, repository.span, replace(made, text=text, pieces=tuple(pieces)))


def _pieces(file: SourceFile, value: Expression, made: Value, part: Part) -> Iterator[Piece]:
    if made.pieces:
        yield from (replace(one, part=part) for one in made.pieces)
    elif isinstance(value, Template):
        yield Piece(file.path, value.span, file.cut(value.span), part)


def _chart(file: SourceFile, block: Block, lookup: Lookup) -> Iterator[Mention]:
    """A chart that is kept in a registry: `oci://registry-1.docker.io/bitnamicharts`."""
    repository, chart = block.body.get("repository"), block.body.get("chart")
    for value, rest in ((repository, chart), (chart, None)):
        if not isinstance(value, Template) or not (value.literal or "").startswith(_OCI):
            continue
        text = (value.literal or "")[len(_OCI) :].rstrip("/")
        span = Span(value.span.start + len(_OCI), value.span.end)
        name = values(rest, file.path, lookup)[0].text if rest is not None else ""
        tag = block.body.text("version")
        whole = (f"{text}/{name}" if name else text) + (f":{tag}" if tag else "")
        yield replace(mention(file, _KIND, span, Value(whole)), kind="helm-chart-oci")
        return
