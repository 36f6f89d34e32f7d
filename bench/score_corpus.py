#!/usr/bin/env python3
"""Scores the finders on trees whose references are known: recall and precision, by kind and in all.

    python bench/score_corpus.py                                   # bench/corpus
    python bench/score_corpus.py --tree ~/src/app --labels app.yaml
    python bench/score_corpus.py --tree ~/src/app --template > app.yaml    # to be corrected by hand

A corpus is a folder with `trees/NAME/` and `NAME.yaml` for each. The labels are YAML or JSON:
`references` by file, or a list with `file` in each entry as `longshore assess --json` prints it;
an entry has line, image, tag, digest, status, kind, role and pulled. Files without entries hold
only what looks like images. The record goes to bench/results/finders.json, the table to
bench/results/finders.md and the screen; with --tree only to the screen.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from measure import scoring
from run import RESULTS, as_sentence, machine

from longshore.rewrite.scan import scan
from longshore.rewrite.tree import open_tree

CORPUS = Path(__file__).resolve().parent / "corpus"
_KEYS = ("line", "image", "tag", "digest", "status", "kind", "role", "pulled", "registry")


def main() -> None:
    options = parse()
    if options.template:
        print(template(options.tree), end="")
        return
    if options.tree is not None:
        found = score_tree(options.tree, options.labels)
        print(scoring.as_markdown(found))
    else:
        found = score_corpus(options.corpus)
        write(options.results, found)
    sys.exit(1 if found.missed or found.invented else 0)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="a folder of labelled trees")
    parser.add_argument("--tree", type=Path, help="one tree instead of a corpus")
    parser.add_argument("--labels", type=Path, help="what is known to stand in --tree")
    parser.add_argument("--template", action="store_true", help="print labels as they are found")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for results")
    options = parser.parse_args()
    if options.tree is None and (options.labels or options.template):
        parser.error("--labels and --template need --tree")
    if options.tree is not None and not (options.labels or options.template):
        parser.error("--tree needs --labels (or --template)")
    return options


def score_corpus(corpus: Path) -> scoring.Score:
    """Every tree of a corpus; file names begin with the tree's."""
    total = scoring.Score()
    for labels, tree in trees_of(corpus):
        total += score_tree(tree, labels, tree.name + "/")
    return total


def trees_of(corpus: Path) -> Iterator[tuple[Path, Path]]:
    """Labels and tree, by name."""
    for labels in sorted(corpus.glob("*.yaml")):
        yield labels, corpus / "trees" / labels.stem


def score_tree(tree: Path, labels: Path, prefix: str = "") -> scoring.Score:
    """One tree against its labels."""
    document = yaml.load(labels.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    expected = [dict(one, file=prefix + one["file"]) for one in scoring.expectations(document)]
    found = [dict(one, file=prefix + one["file"]) for one in uses_of(tree)]
    return scoring.score(expected, found)


def uses_of(tree: Path) -> list[dict[str, Any]]:
    """What longshore says of a tree."""
    return [use.as_json() for use in scan(open_tree(tree), 1).uses]


def template(tree: Path) -> str:
    """Labels as the finders see the tree: a start for whoever labels one by hand."""
    lines = ["references:\n"]
    last = None
    for one in uses_of(tree):
        if one["file"] != last:
            last = one["file"]
            lines.append(f"  {json.dumps(last)}:\n")
        lines.append("    - " + json.dumps({key: one[key] for key in _KEYS}) + "\n")
    return "".join(lines)


def write(folder: Path, found: scoring.Score) -> None:
    """Show the table, and keep it with what it was made from."""
    folder.mkdir(exist_ok=True)
    here = machine()
    document = {"schema": "longshore.bench.finders/1", **here, "found": scoring.as_json(found)}
    (folder / "finders.json").write_text(json.dumps(document, indent=1) + "\n")
    shown = f"## finders\n\n{as_sentence(here)}\n\n{scoring.as_markdown(found)}\n"
    (folder / "finders.md").write_text(shown)
    print(f"\n{shown}", end="")


if __name__ == "__main__":
    main()
