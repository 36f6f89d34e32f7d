"""Hazards of small trees, as all finders and checks see them."""

from __future__ import annotations

from collections.abc import Mapping

from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.hazards.hazard import Hazard, Surveyed
from longshore.rewrite.hazards.registry import CHECKS
from longshore.rewrite.source import read_source
from longshore.rewrite.survey import judge_sightings, settle

BY_CODE = {check.code: check for check in CHECKS}
WORKFLOW = ".github/workflows/ci.yml"


def survey(texts: Mapping[str, str]) -> Surveyed:
    """A tree of texts, looked into by every finder."""
    made = {
        path: read_source(path, text.encode("utf-8", "surrogateescape"))
        for path, text in texts.items()
    }
    files = {path: file for path, file in made.items() if file is not None}
    tree = TreeOfTexts(files, {})
    uses = [
        use
        for path, file in files.items()
        for use in judge_sightings(file, sightings(file, tree, finders_for(path)))
    ]
    return Surveyed(tree, tuple(settle(uses)))


def hazards_of(texts: Mapping[str, str], code: str) -> list[Hazard]:
    """What one check says of a tree."""
    return list(BY_CODE[code].look(survey(texts)))


def lines_of(texts: Mapping[str, str], code: str) -> list[tuple[str, str]]:
    """The lines that one check points at, with the severity."""
    surveyed = survey(texts)
    found = []
    for one in BY_CODE[code].look(surveyed):
        file = surveyed.tree.file(one.file)
        assert file is not None
        line = file.text.split("\n")[one.line - 1]
        assert 1 <= one.column <= len(line) + 1
        found.append((line.strip(), one.severity))
    return found
