"""The images that a tree names, as a first `longshore.yaml` wants them. I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.cli.frame import App
from longshore.oci.reference import DOCKER_HUB, Reference
from longshore.rewrite.places import Destination, Wish, place

if TYPE_CHECKING:
    from longshore.provision.starter import FoundImage
    from longshore.rewrite.uses import Use

_OWN_ROLES = ("push", "tag")


@dataclass(frozen=True)
class InTree:
    """Images to move, and the branches that the tree's pipelines build."""

    images: tuple[FoundImage, ...] = ()
    branches: tuple[str, ...] = ()


def find_in_tree(app: App, folder: Path) -> InTree:
    """Look through the tree; images that cannot come from the target are not among them."""
    from longshore.cli.trees import scan_tree
    from longshore.rewrite.walk import TreeOptions

    scanned = scan_tree(app, folder, TreeOptions())
    uses = [use for use in scanned.result.uses if use.status == "hub" and use.image]
    own = {str(use.image) for use in uses if use.mention.role in _OWN_ROLES}
    return InTree(tuple(_images(uses, own)), _branches(scanned.tree))


def _images(uses: Sequence[Use], own: set[str]) -> Iterable[FoundImage]:
    """The team's own images with all tags, others with the tags in use, under the prefix."""
    from longshore.provision.starter import FoundImage

    destination = Destination("")
    by_image: dict[str, list[Use]] = {}
    for use in uses:
        moves = use.mention.role in _OWN_ROLES or place(use, Wish(), destination).mode == "mirror"
        if moves and use.mention.role in ("pull", *_OWN_ROLES):
            by_image.setdefault(str(use.image), []).append(use)
    for image, places in sorted(by_image.items()):
        source = Reference(DOCKER_HUB, image.partition("/")[2])
        if image in own:
            yield FoundImage(source, uses=len(places))
            continue
        tags = _tags(places)
        target = destination.mirror(image).lstrip("/")
        yield FoundImage(source, None, target, tags, len(places), open=not tags)


def _tags(places: Sequence[Use]) -> tuple[str, ...]:
    """The tags in use; none (so all move) when one of them is open."""
    if any(use.tag_is_open for use in places):
        return ()
    return tuple(sorted({tag for use in places for tag in use.tags}))


def _branches(tree: object) -> tuple[str, ...]:
    """Plain branch names that the workflows build on push."""
    from longshore.rewrite.syntax.workflow import is_workflow_path, parse_workflow

    found: dict[str, None] = {}
    for path in sorted(getattr(tree, "paths", ())):
        file = tree.file(path) if is_workflow_path(path) else None  # type: ignore[attr-defined]
        workflow = parse_workflow(file) if file is not None else None
        push = workflow.event("push") if workflow is not None else None
        if push is not None:
            found.update(dict.fromkeys(one.value for one in push.patterns("branches")))
    return tuple(name for name in found if not name.startswith("!"))
