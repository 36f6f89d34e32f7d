"""Rules added to a file that people wrote: only lines are added, and the file stays a config."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from longshore.errors import RefusedError
from longshore.provision.additions import NewRule, add_rules
from longshore.provision.config import parse_config

HEAD = "version: 1\ntargets: {l: {kind: local}}\n"
RULES = [
    NewRule("docker.io/library/node", "docker-hub/library/node", ("18", "20-alpine")),
    NewRule("docker.io/prom/prometheus", "docker-hub/prom/prometheus"),
]
TEXTS = [
    HEAD,
    HEAD + "images: []\nrepositories: {}\n",
    HEAD + "images:\n  - from: docker.io/a/b # x\n    to: bb   # last\n\n# more\nci: {provider: github}\n",
    HEAD + "images:\n- {from: docker.io/a/b, to: bb}\nrepositories:\n    bb: {scan: on-push}\n# end\n",
    (HEAD + "images:\n- {from: docker.io/a/b, to: bb}\n").replace("\n", "\r\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_lines_are_added_and_nothing_else_changes(text: str) -> None:
    before = parse_config(text, "f", {})
    changed = add_rules(text, RULES)
    after = parse_config(changed, "f", {})
    assert [rule.target for rule in after.images] == [
        *(rule.target for rule in before.images),
        "docker-hub/library/node",
        "docker-hub/prom/prometheus",
    ]
    assert set(after.repositories) >= {rule.target for rule in RULES} | set(before.repositories)
    kept = [line for line in text.splitlines() if line.split(":")[0] not in ("images", "repositories")]  # fmt: skip
    assert [line for line in changed.splitlines() if line in kept] == kept
    assert ("\r\n" in text) == ("\r\n" in changed)


def test_a_repository_that_is_there_stays_alone() -> None:
    text = HEAD + "repositories:\n  docker-hub/library/node: {scan: manual}\n"
    text = text.replace("manual", "on-push")
    assert add_rules(text, RULES[:1]).count("docker-hub/library/node:") == 1


def test_a_list_in_one_line_is_refused_with_the_lines_to_add() -> None:
    with pytest.raises(RefusedError) as caught:
        add_rules(HEAD + "images: [{from: docker.io/a/b, to: bb}]\n", RULES)
    assert caught.value.code == "config-not-editable"
    assert "docker-hub/library/node" in caught.value.hint
