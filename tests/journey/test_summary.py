"""The summary says what was done, and no name in it can become markup."""

from __future__ import annotations

import re

from longshore.journey.summary import Moved, Summary, summary_lines, summary_markdown
from longshore.oci.store import PullAllowance

COPY = {
    "schema": "longshore.copy/1",
    "tags": {"copied": 3, "unchanged": 1, "skipped": 1, "failed": 0, "left": 0},
    "bytes": 10,
    "source": {"requests": 9, "pulls": 4},
    "target": {"requests": 9},
}
PROOF = {"schema": "longshore.verify/1", "equal": 4, "missing": 0, "different": 0,
         "referrers": 2, "items": [1]}  # fmt: skip
HUMAN = {"bytes": "10 B", "seconds": "1 s"}


def made(**more: object) -> Summary:
    moved = (Moved("docker.io/a", "ecr/a", 4, (("dev", "no allow pattern"),)),)
    place = {"account": "1", "region": "r", "registry": "ecr", "embedded": True}
    return Summary(place, moved, 2, COPY, PROOF, 1.25, **more)


def test_the_document_holds_the_facts() -> None:
    found = made(allowance=PullAllowance(100, 96, 21600)).as_json()
    assert found["pulls"] == {"used": 4, "left": 96, "limit": 100}
    assert found["verify"]["equal"] == 4
    assert found["repositories"][0]["skipped"] == [{"tag": "dev", "reason": "no allow pattern"}]


def test_an_unknown_limit_is_never_a_number() -> None:
    assert made().as_json()["pulls"] == {"used": 4, "left": None, "limit": None}
    assert "no limit seen" in " ".join(summary_lines(made(), HUMAN))


def test_markdown_keeps_foreign_names_from_being_markup() -> None:
    moved = (Moved("evil|`x`\n# head", "ecr/a", 1, (("<b>", "[x](http://y)"),)),)
    summary = Summary({"account": "1"}, moved, 0, COPY, PROOF, 1.0)
    text = summary_markdown(summary, HUMAN)
    assert "\n# head" not in text
    assert re.search(r"(?<!\\)\]\(", text) is None
    assert all(line.count("|") - line.count("\\|") in (0, 4) for line in text.splitlines())
    assert "(EMBEDDED)" in summary_markdown(made(), HUMAN)
