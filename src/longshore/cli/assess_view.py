"""What `assess` shows: one screen for a terminal, a page for a pull request. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from longshore.cli.typeset import one_line, shorten, size, table
from longshore.rewrite.assessment import Assessment, TreeFound
from longshore.rewrite.hazards.hazard import Hazard
from longshore.rewrite.skipped import Skipped
from longshore.rewrite.uses import Use
from longshore.text import tr

_IMAGES_SHOWN = 8
_HAZARDS_SHOWN = 5
_ROWS_SHOWN = 40
_COLUMNS = 100


def assess_lines(found: Assessment, *, whole: bool) -> list[str]:
    """One screen; `whole` shows every reference, hazard and skipped file."""
    lines = [*_head(found), "", *_pulls(found), *_ecr(found)]
    if found.images:
        lines += ["", *_images(found, whole)]
    if found.hazards:
        lines += ["", *_hazards(found, whole)]
    if whole:
        lines += ["", *_uses(found)]
    return lines + _left_out(found, whole)


def _head(found: Assessment) -> list[str]:
    counts = found.statuses()
    files = sum(tree.read for tree in found.trees)
    head = tr(
        "{pulls} image references in {files} files: {hub} from Docker Hub, {other} from other "
        "registries, {local} built here, {open} open",
        pulls=sum(counts.values()),
        files=files,
        hub=counts.get("hub", 0),
        other=counts.get("other", 0),
        local=counts.get("local", 0),
        open=counts.get("unresolved", 0),
    )
    if len(found.trees) == 1:
        return [head]
    rows = [
        (tree.name, len(tree.uses), len(tree.hub), tree.cost.per_run, len(tree.hazards))
        for tree in found.trees
    ]
    heads = [tr("TREE"), tr("REFERENCES"), tr("HUB"), tr("PULLS/RUN"), tr("HAZARDS")]
    return [head, "", *table(heads, rows, right=[1, 2, 3, 4])]


def _pulls(found: Assessment) -> list[str]:
    tree = found.heaviest
    if not any(one.hub for one in found.trees):
        open_ = found.statuses().get("unresolved", 0)
        done = tr("0 Docker Hub pulls left")
        if open_:
            done += tr("; {count} references stay open: see them with --all", count=open_)
        if _unread(found):
            done += tr("; but not everything was looked into, see below")
        return [done]
    lines = list(tree.cost.lines())
    if len(found.trees) > 1:
        lines = [f"{tree.name}: {lines[0]}", *lines[1:]]
    return lines


def _ecr(found: Assessment) -> list[str]:
    sizes = found.sizes
    if sizes is None:
        if not found.images:
            return []
        return [tr("ECR a month: not asked; --sizes asks Docker Hub for sizes (costs no pull)")]
    mark = "  EMBEDDED" if sizes.embedded else ""
    lines = [
        tr(
            "ECR a month: {dollars} for {bytes} compressed, all platforms of {count} tags "
            "({price}; layers that images share are counted for each){mark}",
            dollars=f"${sizes.monthly:.2f}",
            bytes=size(sizes.bytes),
            count=sizes.known,
            price=sizes.price,
            mark=mark,
        )
    ]
    if sizes.unknown:
        lines.append(
            tr("  size unknown of {count}: {names}", count=len(sizes.unknown), names=_some(sizes))
        )
    return lines


def _some(sizes: object) -> str:
    names = list(getattr(sizes, "unknown", ()))
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


def _images(found: Assessment, whole: bool) -> list[str]:
    many = len(found.trees) > 1
    shown = found.images if whole else found.images[:_IMAGES_SHOWN]
    heads = [tr("DOCKER HUB IMAGE"), tr("USES"), tr("TAGS"), *([tr("TREES")] if many else [])]
    rows = [
        (
            one.image.removeprefix("docker.io/"),
            one.uses,
            shorten(_tags(one.image, one.references), 44),
            *([len(one.trees)] if many else []),
        )
        for one in shown
    ]
    lines = table(heads, rows, right=[1])
    if rest := len(found.images) - len(shown):
        lines.append(tr("... and {count} more images (--all)", count=rest))
    return lines


def _tags(image: str, references: Sequence[str]) -> str:
    tags = (one.removeprefix(image).lstrip(":") or "latest" for one in references)
    return ", ".join(dict.fromkeys(tags))


def _hazards(found: Assessment, whole: bool) -> list[str]:
    hazards = found.hazards
    counts = {
        level: sum(one.severity == level for _, one in hazards)
        for level in ("high", "medium", "low")
    }
    lines = [
        tr(
            "Hazards: {high} high, {medium} medium, {low} low",
            high=counts["high"],
            medium=counts["medium"],
            low=counts["low"],
        )
    ]
    shown = hazards if whole else _one_of_each(hazards)[:_HAZARDS_SHOWN]
    many = len(found.trees) > 1
    for tree, one in shown:
        where = f"{tree}/" if many else ""
        place = one_line(f"{where}{one.file}:{one.line}:{one.column}")
        if not whole:
            place = _shorten_left(place, _COLUMNS - 11 - len(one.code))
        lines.append(f"  {one.severity:<6} {place}  {one.code}")
        message = one_line(one.message)
        lines.append(f"         {message if whole else shorten(message, _COLUMNS - 9)}")
        if whole:
            lines.append(f"         {one_line(one.fix)}")
    if rest := len(hazards) - len(shown):
        lines.append(tr("  ... and {count} more (--all); why: longshore explain CODE", count=rest))
    return lines


def _one_of_each(hazards: list[tuple[str, Hazard]]) -> list[tuple[str, Hazard]]:
    """The first of each kind, then the others: one screen is not for one mistake alone."""
    first: dict[str, tuple[str, Hazard]] = {}
    for tree, one in hazards:
        first.setdefault(one.code, (tree, one))
    chosen = {id(one) for _, one in first.values()}
    return [*first.values(), *(pair for pair in hazards if id(pair[1]) not in chosen)]


def _uses(found: Assessment) -> list[str]:
    many = len(found.trees) > 1
    rows = [
        (_where(tree, use, many), use.status, use.mention.role, use.mention.kind, use.reference)
        for tree in found.trees
        for use in tree.uses
    ]
    if not rows:
        return []
    return table([tr("PLACE"), tr("STATUS"), tr("ROLE"), tr("KIND"), tr("IMAGE")], rows)


def _where(tree: TreeFound, use: Use, many: bool) -> str:
    path = str(PurePosixPath(tree.name) / use.file) if many else use.file
    return f"{path}:{use.line}:{use.column}"


def _unread(found: Assessment) -> list[Skipped]:
    """What should have been looked into, and could not be."""
    skipped = [one for tree in found.trees for one in tree.skipped]
    return [one for one in skipped if not one.expected and one.reason != "binary"]


def _shorten_left(text: str, columns: int) -> str:
    """A path of at most so many columns: its end says more than its beginning."""
    return text if len(text) <= columns else f"…{text[1 - columns :]}"


def _left_out(found: Assessment, whole: bool) -> list[str]:
    skipped = [one for tree in found.trees for one in tree.skipped]
    trouble = _unread(found)
    shown = skipped if whole else trouble[:_HAZARDS_SHOWN]
    if not shown:
        return []
    lines = ["", tr("Not looked into:")]
    for one in shown[:_ROWS_SHOWN]:
        path = one_line(one.path)
        path = path if whole else _shorten_left(path, _COLUMNS - 6 - len(one.sentence))
        lines.append(f"  {path}  ({one.sentence})")
    if rest := len(trouble if not whole else skipped) - len(shown[:_ROWS_SHOWN]):
        lines.append(tr("  ... and {count} more (--json names them all)", count=rest))
    return lines


def assess_markdown(found: Assessment) -> str:
    """A page for a pull request; foreign text is kept from being markup."""
    lines = [f"## {tr('Docker Hub in this tree')}", ""]
    lines += [_text(line) for line in (*_head(found)[:1], *_pulls(found)) if line]
    if found.images:
        lines += ["", f"| {tr('image')} | {tr('tags')} | {tr('uses')} |", "|---|---|---:|"]
        lines += [
            f"| {_code(one.image)} | {_code(_tags(one.image, one.references))} | {one.uses} |"
            for one in found.images
        ]
    if found.hazards:
        lines += ["", f"| {tr('severity')} | {tr('place')} | {tr('hazard')} |", "|---|---|---|"]
        lines += [_row(one) for _, one in found.hazards]
    return "\n".join(lines) + "\n"


def _row(hazard: Hazard) -> str:
    place = _code(f"{hazard.file}:{hazard.line}")
    return f"| {hazard.severity} | {place} | {_text(hazard.message)} {_text(hazard.fix)} |"


def _code(text: str) -> str:
    plain = one_line(text).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`"


def _text(text: str) -> str:
    text = one_line(text)
    for mark in "\\`*_[]<>|#@":
        text = text.replace(mark, "\\" + mark)
    return text
