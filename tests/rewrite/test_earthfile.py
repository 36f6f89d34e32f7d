"""Which images an Earthfile names; targets are none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders.earthfile import find, takes
from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import read_source

X = OPEN
HEAD = "VERSION 0.8\n"


def found_in(text: str) -> list[Mention]:
    file = read_source("Earthfile", text.encode("utf-8", "surrogateescape"))
    assert file is not None
    found = list(find(file, TreeOfTexts({}, {})) or [])
    for one in found:
        assert file.cut(one.span) == one.text
        assert all(file.cut(piece.span) == piece.text for piece in one.pieces)
    return found


PULLS = [
    ("FROM alpine:3.18", ["alpine:3.18"]),
    ("FROM alpine:3.18 # why", ["alpine:3.18"]),
    ("FROM --platform=linux/amd64 node:18", ["node:18"]),
    ('FROM "alpine":"3.13"', ["alpine:3.13"]),
    ("a:\n  FROM +base", []),
    ("a:\n  FROM ./dir+target", []),
    ("a:\n  FROM --pass-args ..+base", []),
    ("a:\n  FROM github.com/x/y:v1+target --A=node:1", []),
    ("a:\n  FROM (+b --X=1)", []),
    ("a:\n  FROM DOCKERFILE -f ./Dockerfile .", []),
    ("a:\n  FROM scratch", []),
    ("ARG --global V=18\na:\n  FROM node:$V", ["node:18"]),
    ("ARG --global V = 18\na:\n  FROM node:$V", ["node:18"]),
    ("a:\n  ARG I=node:18\n  FROM $I", ["node:18"]),
    ("a:\n  LET I=node:18\n  FROM $I", ["node:18"]),
    ("a:\n  ARG V\n  FROM node:$V", [f"node:{X}"]),
    ("a:\n  ARG V=$(cat v)\n  FROM node:$V", [f"node:{X}"]),
    ("a:\n  FROM node:$(cat v)", [f"node:{X}"]),
    ("a:\n  ARG V\n  FROM node:$V\nall:\n  BUILD +a --V=18", ["node:18"]),
    ("a:\n  ARG V\n  FROM node:$V\nall:\n  BUILD +a --V=18\n  BUILD +a --V=20", [f"node:{X}"]),
    (
        "a:\n  FROM x\n  WITH DOCKER --pull redis:7\n    RUN docker run redis:7\n  END",
        ["x", "redis:7"],
    ),
    ("a:\n  WITH DOCKER --pull=a:1 --pull b:2\n    RUN x\n  END", ["a:1", "b:2"]),
    ("a:\n  WITH DOCKER \\\n      --pull a:1 \\\n      --load b:2=+c\n    RUN x\n  END", ["a:1"]),
    ("a:\n  WITH DOCKER --load=+b\n    RUN docker run made-here\n  END", []),
    ("a:\n  WITH DOCKER --compose docker-compose.yml\n    RUN docker run made-here\n  END", []),
    ("a:\n  LOCALLY\n  RUN docker run --rm alpine:3 ls", ["alpine:3"]),
    ("a:\n  DOCKER PULL redis:7", ["redis:7"]),
    ("a:\n  COPY +b/x ./\n  COPY ./node:18 ./\n  BUILD +b --I=node:18", []),
    ("a:\n  IF [ $X = 1 ]\n    FROM a:1\n  ELSE\n    FROM b:1\n  END", ["a:1", "b:1"]),
    ("# FROM node:18\nFROM a", ["a"]),
    ("FN:\n  FUNCTION\n  ARG I=node:18\n  FROM $I", ["node:18"]),
]


@pytest.mark.parametrize(("text", "expected"), PULLS)
def test_what_is_pulled(text: str, expected: list[str]) -> None:
    found = [one for one in found_in(HEAD + text + "\n") if one.role == "pull"]
    assert [one.expanded for one in found] == expected
    assert {one.kind for one in found} <= {"earthfile"}


NAMED = [
    ("SAVE IMAGE shop:1", [("build-output", "shop:1", True)]),
    (
        "SAVE IMAGE shop:1 shop:2",
        [("build-output", "shop:1", True), ("build-output", "shop:2", True)],
    ),
    ("SAVE IMAGE --push acme/shop:1", [("push", "acme/shop:1", False)]),
    ("SAVE IMAGE --cache-hint", []),
    ("SAVE IMAGE", []),
    (
        "SAVE IMAGE --push --cache-from=acme/c:1 acme/s",
        [("cache", "acme/c:1", False), ("push", "acme/s", False)],
    ),
    ("SAVE ARTIFACT a AS LOCAL b", []),
    ("WITH DOCKER --load b:2=+c", [("build-output", "b:2", True)]),
    ('WITH DOCKER --load "b:2=(+c --x=y z)"', [("build-output", "b:2", True)]),
]


@pytest.mark.parametrize(("text", "expected"), NAMED)
def test_what_is_built_and_pushed(text: str, expected: list[tuple[str, str, bool]]) -> None:
    found = found_in(f"{HEAD}a:\n  {text}\n")
    assert [(one.role, one.text, one.built) for one in found] == expected
    assert all(one.job == "a" for one in found)


def test_names_of_files() -> None:
    assert all(takes(path) for path in ("Earthfile", "a/Earthfile", "x.earth", "Earthfile.dev"))
    assert not any(takes(path) for path in ("Earthfile.md", "earth", "Dockerfile", "earth.txt"))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    "a:",
                    "B:",
                    "  FROM $V",
                    "  ARG V=(",
                    "  ARG V = '",
                    "  SAVE IMAGE \\",
                    "  FROM (",
                ),
                *(
                    "  WITH DOCKER --load",
                    "  RUN docker run $(",
                    "  BUILD +a --V=x",
                    "FROM",
                    "\udc80",
                ),
                *("  SAVE IMAGE a:$(x) `y", "  LET", "  SET =", "  ARG --global V=$V$V"),
            ]
        ),
        max_size=14,
    )
)
def test_no_file_is_too_odd(lines: list[str]) -> None:
    found_in("\n".join(lines))


def test_long_texts_end() -> None:
    end = "\nb:\n  FROM node:1\n"
    for text in ("a:\n  FROM " + "(x " * 20_000, "a:\n" + "  BUILD +a --V=x\n" * 2_000):
        assert found_in(text + end)[-1].text == "node:1"
