"""Lines that also hold the old text of a changed reference."""

from __future__ import annotations

from longshore.rewrite.readers import Readers, find_readers
from tests.rewrite.rewritten import rewritten, tree_of, uses_of


def readers(**files: str) -> Readers:
    given = {"Dockerfile": "FROM node:18-alpine\nFROM redis\n"} | {
        name.replace("__", "/").replace("_", "."): text for name, text in files.items()
    }
    tree = tree_of(given)
    return find_readers(tree, uses_of(tree), rewritten(given).proved.plan.decisions)


def places(found: Readers) -> list[tuple[str, int, str]]:
    return [(one.file, one.line, one.text) for one in found.found]


def test_scripts_and_policies_that_look_for_the_text() -> None:
    found = readers(
        check_py='import re\nassert "FROM node:18-alpine" in text\n',
        policy_rego='allowed := ["node:18-alpine", "node:18-alpine3.19", "my/node:18-alpine"]\n',
    )
    assert places(found) == [
        ("check.py", 2, "node:18-alpine"),
        ("policy.rego", 1, "node:18-alpine"),
    ]


def test_comments_and_bare_names_are_no_readers() -> None:
    found = readers(a_py="# node:18-alpine\nredis = connect('redis')\n")
    assert found.found == ()


def test_bots_name_images_without_a_tag() -> None:
    found = readers(renovate_json='{"packageRules": [{"matchPackageNames": ["node"]}]}\n')
    assert places(found) == [("renovate.json", 1, "node")]


def test_documents_are_only_counted() -> None:
    found = readers(README_md="Based on node:18-alpine.\n", docs__a_md="node:18-alpine\n")
    assert (found.found, found.docs) == ((), ("README.md", "docs/a.md"))


def test_the_list_is_bounded() -> None:
    text = 'x = "node:18-alpine"\n' * 30
    found = readers(a_py=text)
    assert len(found.found) < 10
    assert len(found.found) + found.more == 30


def test_nothing_is_read_when_nothing_changes() -> None:
    tree = tree_of({"Dockerfile": "FROM quay.io/a/b:1\n", "x.py": "quay.io/a/b:1\n"})
    assert find_readers(tree, uses_of(tree), ()) == Readers()
