"""The Dockerfiles of a tree as checks look at them: stages, what a stage inherits, commands. Pure.

Only Dockerfiles that name an image are looked at, and neither templates nor what lies in folders of
fixtures and vendored code: what is broken there is broken on purpose, or belongs to others.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from longshore.rewrite.finders.dockerfile import is_template, takes
from longshore.rewrite.hazards.hazard import Surveyed
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.dockerfile import Dockerfile, Instruction, Stage, parse_dockerfile
from longshore.rewrite.uses import Use

_FOREIGN = re.compile(
    r"(?:^|/)(?:vendor|node_modules|third[_-]party|testdata|fixtures?|testfiles|__fixtures__|mocks?)/"
)
_FOR_DEVELOPERS = re.compile(
    r"(?:^|/)\.devcontainer/|(?:^|[/._-])(?:dev|devel|development|local|test|tests|testing|e2e|ci|"
    r"lint|debug|sandbox|playground)(?:[/._-]|\Z)",
    re.IGNORECASE,
)
_DIVIDERS = re.compile(r"&&|\|\||[;|\n()]")


@dataclass(frozen=True, eq=False)
class BuiltImage:
    """One Dockerfile with the judged uses in it; `final` is the stage that is built by default."""

    file: SourceFile
    dockerfile: Dockerfile
    uses: tuple[Use, ...]

    @property
    def final(self) -> Stage:
        """The last stage."""
        return self.dockerfile.stages[-1]

    @property
    def for_developers(self) -> bool:
        """Whether its path says that it is no image for production."""
        return _FOR_DEVELOPERS.search(self.file.path) is not None

    def chain(self, stage: Stage) -> list[Stage]:
        """The stage and those that it begins from, the first one first."""
        found = [stage]
        while (below := self._below(found[-1])) is not None:
            found.append(below)
        return found[::-1]

    def inherited(self, stage: Stage) -> list[Instruction]:
        """The instructions that make up a stage, those of its base stages first."""
        return [one for each in self.chain(stage) for one in each.instructions]

    def base(self, stage: Stage) -> Use | None:
        """The image that a stage begins from in the end; None for scratch or a name unknown."""
        first = self.chain(stage)[0]
        if first.base is None:
            return None
        place = first.start.line.place(first.base.at)
        ends = place + len(first.base.text)
        for use in self.uses:
            if use.mention.kind == "dockerfile-from" and place <= use.mention.span.start < ends:
                return use
        return None

    def begins_from_scratch(self, stage: Stage) -> bool:
        """Whether nothing lies below."""
        base = self.chain(stage)[0].base
        return base is not None and base.text.lower() == "scratch"

    def official_base(self, stage: Stage) -> str:
        """The name of the official image below (`node`); empty when there is none."""
        use = self.base(stage)
        return official_name(use) if use is not None else ""

    def _below(self, stage: Stage) -> Stage | None:
        if stage.base is None:
            return None
        name = stage.base.text.lower().strip("\"'")
        named = self._named.get(name, []) if name else []
        at = bisect_left(named, stage.index)
        return self.dockerfile.stages[named[at - 1]] if at else None

    @cached_property
    def _named(self) -> dict[str, list[int]]:
        """The numbers of the stages of each name."""
        found: dict[str, list[int]] = {}
        for stage in self.dockerfile.stages:
            found.setdefault(stage.name, []).append(stage.index)
        return found


def built_images(surveyed: Surveyed) -> Iterator[BuiltImage]:
    """Every Dockerfile that is worth a look, in the order of their paths."""
    by_file: dict[str, list[Use]] = {}
    for use in surveyed.uses:
        if use.mention.kind.startswith("dockerfile-"):
            by_file.setdefault(use.file, []).append(use)
    for path in sorted(by_file):
        if not takes(path) or is_template(path) or _FOREIGN.search(path):
            continue
        file = surveyed.tree.file(path)
        dockerfile = parse_dockerfile(file) if file is not None else None
        if file is not None and dockerfile is not None and dockerfile.stages:
            yield BuiltImage(file, dockerfile, tuple(by_file[path]))


def commands_of(one: Instruction) -> list[list[str]]:
    """The commands of a RUN, CMD or ENTRYPOINT as words; quotes are not looked into."""
    if one.json is not None:
        return [list(one.json)] if one.json else []
    texts = [one.arguments.text, *(each.text for each in one.heredocs)]
    parts = (part.split() for text in texts for part in _DIVIDERS.split(text))
    return [part for part in parts if part]


def last_of(instructions: list[Instruction], *keywords: str) -> Instruction | None:
    """The last instruction of these keywords."""
    return next((one for one in reversed(instructions) if one.keyword in keywords), None)


def official_name(use: Use) -> str:
    """`node` for Docker Hub's official image and for copies of it; empty for all else."""
    _, library, name = (use.image or "").rpartition("/library/")
    return name if library and "/" not in name else ""


def is_known(use: Use) -> bool:
    """Whether tag and digest of a use can be told from the tree."""
    return use.status in ("hub", "other") and OPEN not in use.mention.expanded
