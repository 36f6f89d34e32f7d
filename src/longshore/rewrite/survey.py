"""All judged uses of a tree: what one file alone cannot know is settled here. Pure.

A name that the tree builds and does not push is `local` where it is pulled: a bare name (`shop`)
anywhere in the tree, a name with a namespace (`acme/shop`) only below the folder that builds it,
since elsewhere it is more likely the published one. A bare name is local even if it is pushed:
Docker Hub gives none away but the official ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from longshore.rewrite.finders.official import is_official
from longshore.rewrite.judge import judge
from longshore.rewrite.mentions import Mention, Sighting
from longshore.rewrite.source import SourceFile
from longshore.rewrite.uses import Use
from longshore.text import tr


@dataclass(frozen=True)
class Builders:
    """Where image names are built, and which of them are pushed."""

    built: Mapping[str, tuple[tuple[str, int], ...]]
    pushed: frozenset[str]

    def builder_of(self, use: Use) -> str | None:
        """`file:line` of what builds the image that a use fetches, or None."""
        name = use.image
        if name is None or use.status != "hub" or name in self.pushed:
            return None
        bare = name.startswith("docker.io/library/")
        for file, line in self.built.get(name, ()):
            folder = file.rpartition("/")[0]
            below = not folder or use.file.startswith(folder + "/")
            if bare or file == use.file or (folder and below):
                return f"{file}:{line}"
        return None


def judge_sightings(file: SourceFile, sightings: Iterable[Sighting]) -> list[Use]:
    """The uses of one file, each place and image once, in the order of the text."""
    found: dict[tuple[object, ...], Use] = {}
    for one in sightings:
        if not isinstance(one, Mention):
            continue
        use = judge(one, file)
        if use is not None:
            key = (one.span, use.image or one.expanded, use.tag, one.role, one.implicit)
            found.setdefault(key, use)
    return sorted(found.values(), key=lambda use: (use.mention.span, use.reference))


def settle(uses: Sequence[Use]) -> list[Use]:
    """All uses of a tree, with those that it builds itself marked as local."""
    builders = _builders(uses)
    settled = []
    for use in uses:
        builder = builders.builder_of(use) if use.mention.role in ("pull", "cache", "tag") else None
        if builder is not None:
            use = replace(use, status="local", reason=tr("built by {place}", place=builder))
        settled.append(use)
    return sorted(settled, key=lambda use: (use.file, use.line, use.column, use.reference))


def _builders(uses: Sequence[Use]) -> Builders:
    built: dict[str, list[tuple[str, int]]] = {}
    pushed: set[str] = set()
    for use in uses:
        if use.image is None:
            continue
        own = _is_own_bare_name(use.image)
        if use.mention.role == "push" and not own:
            pushed.add(use.image)
        elif use.mention.built or (own and use.mention.role in ("push", "build-output")):
            built.setdefault(use.image, []).append((use.file, use.line))
    return Builders({name: tuple(places) for name, places in built.items()}, frozenset(pushed))


def _is_own_bare_name(image: str) -> bool:
    """A bare name that is no official image's (`controller:latest`): nobody can push it there."""
    bare = image.removeprefix("docker.io/library/")
    return bare != image and not is_official(bare)


@dataclass(frozen=True)
class MergedImage:
    """One image of one or many trees: its references (`:?` for an open tag), and how many uses."""

    image: str
    references: tuple[str, ...]
    uses: int
    trees: tuple[str, ...] = field(default=())


def merge_images(by_tree: Mapping[str, Sequence[Use]]) -> list[MergedImage]:
    """Every Docker Hub image that something pulls, most used first."""
    references: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    trees: dict[str, set[str]] = {}
    for tree, uses in by_tree.items():
        for use in uses:
            if not use.pulls_hub or use.image is None:
                continue
            references.setdefault(use.image, set()).update(_written(use))
            counts[use.image] = counts.get(use.image, 0) + 1
            trees.setdefault(use.image, set()).add(tree)
    made = [
        MergedImage(name, tuple(sorted(references[name])), counts[name], tuple(sorted(trees[name])))
        for name in references
    ]
    return sorted(made, key=lambda one: (-one.uses, one.image))


def _written(use: Use) -> list[str]:
    """Each reference that a use may fetch."""
    if use.digest is not None:
        return [use.reference]
    return [f"{use.image}:{tag}" for tag in use.tags] or [f"{use.image}:?"]
