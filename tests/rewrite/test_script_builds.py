"""Build arguments that scripts and Makefiles hand to Dockerfiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshore.rewrite.scan import scan
from longshore.rewrite.tree import open_tree

SCRIPT = """\
#!/bin/sh
NODE=node:20-alpine
docker build --build-arg BASE=$NODE --build-arg V=3.20 -f web/Dockerfile .
docker buildx build --build-arg=V=1 -t x elsewhere
docker compose build --build-arg V=2
docker build --build-arg UNSET --build-arg EMPTY= web
"""
MAKEFILE = """\
GO = golang:1.22
image:
\tdocker build \\
\t  --build-arg BASE=$(GO) \\
\t  -t api:dev ../api
"""
CASES = [
    (
        {
            "build.sh": SCRIPT,
            "web/Dockerfile": "ARG BASE\nARG V\nARG W\nFROM $BASE\nFROM alpine:$V\nFROM x:$W\n",
        },
        [
            "docker.io/library/node:20-alpine",
            "docker.io/library/alpine:3.20",
            "docker.io/library/x",
        ],
    ),
    (
        {"make/Makefile": MAKEFILE, "api/Dockerfile": "ARG BASE\nFROM ${BASE}-alpine\n"},
        ["docker.io/library/golang:1.22-alpine"],
    ),
    (
        {"build.sh": SCRIPT, "web/Dockerfile": "ARG BASE=debian:12\nFROM $BASE\n"},
        ["docker.io/library/debian:12"],
    ),
]


@pytest.mark.parametrize(("files", "expected"), CASES)
def test_dockerfiles_are_told(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    found = scan(open_tree(tmp_path), 1)
    assert [one for one in found.skipped if not one.expected] == []
    uses = [use for use in found.uses if use.mention.kind == "dockerfile-from"]
    assert [use.reference for use in uses] == expected
    for use in uses:
        for piece in use.mention.pieces:
            text = files[piece.file]
            assert text[piece.span.start : piece.span.end] == piece.text
