"""Which images a Dockerfile names, and which of its words are none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders.dockerfile import (
    BY_CONTENT,
    FINDER,
    find,
    find_by_content,
    mentions_in_dockerfile,
    takes,
)
from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.mentions import OPEN, BuildArgument, Mention
from longshore.rewrite.source import SourceFile, Span, read_source

X = OPEN


def file_of(text: str, path: str = "Dockerfile") -> SourceFile:
    file = read_source(path, text.encode("utf-8", "surrogateescape"))
    assert file is not None
    return file


def found_in(text: str, path: str = "Dockerfile", tree: TreeOfTexts | None = None) -> list[Mention]:
    file = file_of(text, path)
    mentions = find(file, tree or TreeOfTexts({}, {}))
    assert mentions is not None
    for one in mentions:
        assert file.cut(one.span) == one.text
        for piece in one.pieces:
            assert piece.file != path or file.cut(piece.span) == piece.text
    return list(mentions)


def values(text: str) -> list[str]:
    return [one.expanded for one in found_in(text)]


FROMS = [
    ("FROM node:18", ["node:18"]),
    ("from node:18 as build", ["node:18"]),
    ("FROM --platform=$BUILDPLATFORM node:18 AS b", ["node:18"]),
    ('FROM "node:18"', ["node:18"]),
    ("FROM node:18 # the base", ["node:18"]),
    ("FROM \\\n  # why\n  node:18 \\\n  AS b", ["node:18"]),
    ("FROM node:\\\n18", ["node:18"]),
    ("FROM a@sha256:" + "0" * 64, ["a@sha256:" + "0" * 64]),
    ("FROM scratch", []),
    ("FROM SCRATCH", []),
    ("FROM", []),
    ("FROM a AS b\nFROM b", ["a"]),
    ("FROM a AS Build\nFROM build", ["a"]),
    ("FROM build\nFROM a AS build", ["build", "a"]),
    ("ARG V=18\nFROM node:$V", ["node:18"]),
    ("ARG V=18\nFROM node:${V}-alpine", ["node:18-alpine"]),
    ("ARG V\nFROM node:$V", [f"node:{X}"]),
    ("FROM node:${V}", [f"node:{X}"]),
    ("FROM node:${V:-20}", ["node:20"]),
    ("ARG V\nFROM node:${V:-20}", ["node:20"]),
    ("ARG V=\nFROM node:${V:-20}", ["node:20"]),
    ("ARG V=\nFROM node:${V-20}x", ["node:x"]),
    ("ARG V=1\nFROM node:20${V:+-alpine}", ["node:20-alpine"]),
    ("FROM node:20${V+-alpine}", ["node:20"]),
    ("ARG V=1\nFROM node:${V?no}", ["node:1"]),
    ("ARG V\nFROM node:${V:?no}", [f"node:{X}"]),
    ("ARG V=18.2.1\nFROM node:${V%.*}", ["node:18.2"]),
    ("ARG V=18.2.1\nFROM node:${V%%.*}", ["node:18"]),
    ("ARG V=v18.2\nFROM node:${V#v}", ["node:18.2"]),
    ("ARG V=a.b.c\nFROM node:${V##*.}", ["node:c"]),
    ("ARG V=1_2_3\nFROM node:${V/_/.}", ["node:1.2_3"]),
    ("ARG V=1_2_3\nFROM node:${V//_/.}", ["node:1.2.3"]),
    ("ARG A=1\nARG B=${A}.2 C=3\nFROM node:$B.$C", ["node:1.2.3"]),
    ("ARG A=1\nARG A\nFROM node:$A", ["node:1"]),
    ("ARG A=1\nARG A=2\nFROM node:$A", ["node:2"]),
    ("ARG A='node:18'\nFROM $A", ["node:18"]),
    ('ARG A="node:18"\nFROM ${A}', ["node:18"]),
    ("ARG A=node:${V:-${W:-18}}\nFROM ${A}", ["node:18"]),
    ("FROM a\nARG V=1\nFROM node:$V", ["a", f"node:{X}"]),
    ("FROM node:18-$TARGETOS", ["node:18-linux"]),
    ("FROM node:18-$TARGETARCH", [f"node:18-{X}"]),
    ("FROM a AS base-linux\nFROM base-$TARGETOS", ["a"]),
    ("FROM a AS base-amd64\nFROM b AS base-arm64\nFROM base-${TARGETARCH}", ["a", "b"]),
    ("ARG B=debian\nFROM a AS export-debian\nFROM export-$B", ["a"]),
    ("ARG B=x\nFROM a AS export-debian\nFROM export-$B", ["a"]),
    ("ARG B=x\nFROM a AS export-debian\nFROM other-$B", ["a", "other-x"]),
    ("ARG T=b\nFROM a AS b\nFROM $T", ["a"]),
    ("ARG T\nFROM a AS b\nFROM $T", ["a"]),
    ("ARG BASE_IMAGE\nFROM a AS b\nFROM $BASE_IMAGE", ["a", X]),
    ("ARG R\nFROM ${R}node AS build-node\nFROM ${R}node", [f"{X}node"]),
    ("ARG REGISTRY\nFROM ${REGISTRY}go AS build-go\nFROM ${REGISTRY}go", [f"{X}go", f"{X}go"]),
    ("ARG V=1\nFROM a AS node\nFROM node:$V", ["a", "node:1"]),
    ("# escape=`\nFROM a `\n AS b\nFROM b", ["a"]),
    ("FROM a\nRUN <<E\nFROM b\nE\n", ["a"]),
    ("FROM a\nRUN echo \\\nFROM b\n", ["a"]),
    ("FROM node:${templateOption:variant}-slim", [f"node:{X}-slim"]),
    ("FROM {{ base }}", []),
    ("FROM node:{{ version }}", []),
    ("FROM %%BASE%%", []),
    ("FROM @BASE@", []),
    ("FROM <%= base %>", []),
    ("# FROM a\nFROM b", ["b"]),
]


@pytest.mark.parametrize(("text", "expected"), FROMS)
def test_from(text: str, expected: list[str]) -> None:
    assert values(text) == expected
    assert values(text.replace("\n", "\r\n") + "\r\n") == expected


OTHERS = [
    ("COPY --from=nginx:1 a b", [("dockerfile-copy-from", "nginx:1")]),
    ("copy --chown=a:b --from=nginx:1 a b", [("dockerfile-copy-from", "nginx:1")]),
    ('COPY --from="nginx:1" a b', [("dockerfile-copy-from", "nginx:1")]),
    ("COPY --from=base a b", []),
    ("COPY --from=BASE a b", []),
    ("COPY --from=later a b\nFROM x AS later", [("dockerfile-from", "x")]),
    ("COPY --from=0 a b", []),
    ("COPY --from=12 a b", []),
    ("COPY a --from=nginx b", []),
    ("ADD --from=nginx a b", []),
    ("COPY a b", []),
    ("ONBUILD COPY --from=nginx:1 a b", [("dockerfile-copy-from", "nginx:1")]),
    ("ONBUILD COPY --from=builder a b", []),
    ("RUN --mount=type=bind,from=nginx:1,target=/x ls", [("dockerfile-mount-from", "nginx:1")]),
    ("RUN --mount=from=nginx:1 ls", [("dockerfile-mount-from", "nginx:1")]),
    ('RUN --mount=type=bind,"from=nginx:1" ls', [("dockerfile-mount-from", "nginx:1")]),
    ("RUN --mount=type=bind,from=base ls", []),
    ("RUN --mount=type=cache,target=/from=x ls", []),
    ("RUN --mount=type=cache,target=/x --network=none echo from=y", []),
    (
        "RUN --mount=type=cache,target=/a \\\n  --mount=from=a:1 \\\n # x\n --mount=from=b/c ls",
        [("dockerfile-mount-from", "a:1"), ("dockerfile-mount-from", "b/c")],
    ),
    ("RUN <<E\nCOPY --from=x a b\nE", []),
    ("ARG V=2\nCOPY --from=nginx:$V a b", [("dockerfile-copy-from", "nginx:2")]),
    ("RUN docker run --rm node:18", [("dockerfile-run", "node:18")]),
    (
        "RUN x && \\\n  skopeo copy docker://alpine:3 dir:/x",
        [("dockerfile-run", "alpine:3")],
    ),
    ("ARG V=3\nRUN <<E\ncrane export alpine:$V /x\nE", [("dockerfile-run", "alpine:3")]),
    ("RUN docker build -t shop . && docker push shop", []),
    ("RUN docker --version; echo 'docker pull node'", []),
    ("RUN apt-get install -y docker skopeo crane", []),
    ("ENV IMAGE=node:18\nLABEL image=node:18", []),
]


@pytest.mark.parametrize(("text", "expected"), OTHERS)
def test_copy_and_mount(text: str, expected: list[tuple[str, str]]) -> None:
    found = found_in(f"FROM scratch AS base\n{text}\n")
    assert [(one.kind, one.expanded) for one in found] == expected


def test_syntax_and_the_shape_of_a_mention() -> None:
    found = found_in("# syntax=docker/dockerfile:1\nFROM node:18 AS build\nFROM nginx\n")
    assert [(one.kind, one.text, one.role, one.pulled, one.job) for one in found] == [
        ("dockerfile-syntax", "docker/dockerfile:1", "pull", "build", ""),
        ("dockerfile-from", "node:18", "pull", "build", "build"),
        ("dockerfile-from", "nginx", "pull", "build", "1"),
    ]
    assert found[1].value is None
    assert found[1].pieces == ()


def test_each_from_counts() -> None:
    assert values("FROM node:18 AS a\nFROM node:18 AS b\n") == ["node:18", "node:18"]


PIECES = [
    ("ARG I=node:18\nFROM $I", [("node:18", "reference")]),
    ("ARG I='node:18'\nFROM $I", [("node:18", "reference")]),
    ("FROM ${I:-node:18}", [("node:18", "reference")]),
    ("ARG V=18\nFROM node:$V", [("node:", "repository"), ("18", "tag")]),
    ("ARG R=docker.io\nFROM $R/node", [("docker.io", "registry"), ("/node", "repository")]),
    (
        "ARG R=docker.io/library/\nFROM ${R}node:1",
        [("docker.io/library/", "registry"), ("node:1", "repository")],
    ),
    ("ARG D=@sha256:0\nFROM node$D", [("node", "repository"), ("@sha256:0", "digest")]),
    ("ARG V=18.1\nFROM node:${V%.*}", [("node:", "repository"), ("18", "tag")]),
    ("ARG V=1_2\nFROM node:${V/_/.}", [("node:", "repository")]),
    ("FROM node:\\\n18", [("node:", "repository"), ("18", "tag")]),
]


@pytest.mark.parametrize(("text", "expected"), PIECES)
def test_pieces_are_the_characters_that_decide(text: str, expected: list[tuple[str, str]]) -> None:
    (mention,) = found_in(text)
    assert [(piece.text, piece.part) for piece in mention.pieces] == expected


def tree_with(name: str, value: str) -> TreeOfTexts:
    given = BuildArgument("Dockerfile", name, value, "compose.yaml", Span(7, 7 + len(value)))
    return TreeOfTexts({}, {"Dockerfile": {name: given}})


def test_other_files_give_what_has_no_default() -> None:
    (mention,) = found_in("ARG I\nFROM $I", tree=tree_with("I", "node:18"))
    assert mention.expanded == "node:18"
    assert [(one.file, one.span) for one in mention.pieces] == [("compose.yaml", Span(7, 14))]
    (mention,) = found_in("ARG I=node:20\nFROM $I", tree=tree_with("I", "node:18"))
    assert mention.expanded == "node:20"
    (mention,) = found_in("ARG I\nFROM $I")
    assert mention.expanded == X
    assert "I" in mention.needs
    (mention,) = found_in("ARG A\nARG B=x-$A\nFROM node:$B")
    assert mention.needs.endswith(" A")


def test_a_named_context_is_no_image() -> None:
    text = "FROM node:18\nCOPY --from=assets a b\n"
    assert len(found_in(text)) == 2
    assert len(found_in(text, tree=tree_with("context:assets", "../assets"))) == 1


CONTEXTS = [
    (
        "compose.yml",
        "services:\n  x:\n    build:\n      context: .\n"
        "      additional_contexts: {assets: ../a, Base: 'service:y'}\n",
    ),
    (
        "compose.yml",
        "services:\n  x:\n    build:\n      context: .\n"
        "      additional_contexts: [assets=../a, base=docker-image://alpine:3]\n",
    ),
    (
        "docker-bake.hcl",
        'target "p" {\n  contexts = { base = "target:b" }\n}\n'
        'target "x" {\n  inherits = ["p"]\n  context = "."\n  contexts = { assets = "../a" }\n}\n',
    ),
    (
        ".github/workflows/ci.yml",
        "on: push\njobs:\n  a:\n    steps:\n      - uses: docker/build-push-action@v6\n"
        "        with:\n          context: .\n          build-contexts: |\n"
        "            assets=../a\n            base=target:x\n",
    ),
]


@pytest.mark.parametrize(("path", "text"), CONTEXTS)
def test_files_that_give_named_contexts(path: str, text: str) -> None:
    dockerfile = file_of("FROM base\nFROM node:18\nCOPY --from=assets a b\n")
    other = file_of(text, path)
    tree = TreeOfTexts({"Dockerfile": dockerfile, path: other}, {})
    said = [
        one for one in sightings(other, tree, finders_for(path)) if isinstance(one, BuildArgument)
    ]
    given = {"Dockerfile": {one.name: one for one in said if one.dockerfile == "Dockerfile"}}
    found = find(dockerfile, TreeOfTexts({}, given)) or ()
    assert [one.text for one in found] == ["node:18"]


def test_a_whole_reference_is_an_image_even_where_a_context_replaces_it() -> None:
    tree = tree_with("context:alpine:3", "docker-image://x/alpine:3")
    assert [one.text for one in found_in("FROM alpine:3\n", tree=tree)] == ["alpine:3"]


def test_a_stage_that_the_last_one_does_not_need_says_so() -> None:
    text = (
        "FROM a AS build\nFROM b AS test\nCOPY --from=build x y\n"
        "FROM c AS tool\nFROM build AS mid\nRUN --mount=from=tool x\nFROM mid\n"
    )
    assert [(one.text, bool(one.condition)) for one in found_in(text)] == [
        ("a", False),
        ("b", True),
        ("c", False),
    ]


TAKEN = [
    *("Dockerfile", "a/dockerfile", "Dockerfile.dev", "Dockerfile-alpine", "Dockerfile_x"),
    *("api.Dockerfile", "api.dockerfile", "Containerfile", "Containerfile.x", "Dockerfile.prod.j2"),
    *("Dockerfile.in", "x.containerfile", "Dockerfile.node18", "docker/prod-Dockerfile"),
    *("Dockerfile.go", "Dockerfile.template", "DOCKERFILE", "Dockerfile2", "MyDockerfile"),
]
LEFT = [
    *(
        "Dockerfile.dockerignore",
        "a.dockerignore",
        "Dockerfile.md",
        "compose.yml",
        "file",
        "docker",
    ),
    *("Dockerfiles/readme", "Makefile", "Dockerfile.html", "Containerfile.containerignore"),
]


@pytest.mark.parametrize("path", TAKEN)
def test_names_that_are_taken(path: str) -> None:
    assert takes(path)
    assert found_in("FROM a\n", path)


@pytest.mark.parametrize("path", LEFT)
def test_names_that_are_left(path: str) -> None:
    assert not takes(path)


@pytest.mark.parametrize(
    ("path", "text", "images"),
    [
        (
            "src/web.docker",
            "# web\nARG V=18\nFROM node:$V AS a\nRUN x\nFROM a\nCMD y\n",
            ["node:18"],
        ),
        ("docker/web", "\ufefffrom node:18\nrun x\n", ["node:18"]),
        ("web", "FROM node:18\n", None),
        ("x.docker", "image: node:18\nFROM node:18\nRUN x\n", None),
        ("authors", "FROM THE AUTHORS, AS IS\nRUN x\n", None),
        ("model", "FROM llama3\nPARAMETER temperature 1\n", None),
        ("notes", "FROM node:18\nRUN x\nand then you are done\n", None),
        ("query", "from users\nwhere x\n", None),
    ],
)
def test_a_dockerfile_of_any_name(path: str, text: str, images: list[str] | None) -> None:
    found = find_by_content(file_of(text, path), TreeOfTexts({}, {}))
    assert (None if found is None else [one.expanded for one in found]) == images
    assert BY_CONTENT.takes(path)
    assert not BY_CONTENT.takes("Makefile")
    assert not BY_CONTENT.takes("notes.txt")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("dockerfile.py", "FROM = 1\nfrom os import path\n"),
        ("dockerfile.py", "import os\nfrom os import path\n"),
        ("dockerfile.sql", "SELECT 1\nFROM a\n"),
        ("dockerfile.js", "// FROM a\nimport x from 'y'\n"),
        ("Dockerfile.txt", "This is\nFROM a\n"),
        ("generate-dockerfile", "#!/bin/sh\ncat <<E\nFROM a\nE\n"),
        ("dockerfile.yml", "on: push\n"),
    ],
)
def test_another_language_is_not_mine(path: str, text: str) -> None:
    assert path == "generate-dockerfile" or takes(path)
    if path != "generate-dockerfile":
        assert find(file_of(text, path), TreeOfTexts({}, {})) is None


def test_dockerfile_text_inside_another_file() -> None:
    outer = "dockerfile_inline: |\n  ARG V=18\n  FROM node:$V\n"
    start = outer.index("ARG")
    text = "ARG V=18\nFROM node:$V\n"

    def locate(first: int, last: int) -> Span | None:
        lines = text[:first].count("\n")
        return Span(start + first + 2 * lines, start + last + 2 * lines)

    (mention,) = mentions_in_dockerfile(
        text, locate, "compose.yaml", kind="compose-inline", job="x"
    )
    assert outer[mention.span.start : mention.span.end] == mention.text == "node:$V"
    assert (mention.kind, mention.job, mention.expanded) == ("compose-inline", "x", "node:18")
    assert all(outer[one.span.start : one.span.end] == one.text for one in mention.pieces)


def test_the_finder_runs_after_those_that_give_build_arguments() -> None:
    assert FINDER.late
    assert FINDER.may_find(b"from a")


LINES = st.sampled_from(
    [
        *("FROM a:1", "FROM $V AS b", "FROM ${V:-${W:-x}}", "FROM b", "ARG V=a:2", "ARG W=$V$V"),
        *("ARG V=$V$V$V$V", "COPY --from=$V x y", "RUN --mount=from=c,x <<E", "E", "# syntax=a/b"),
        *(
            "FROM ${V/x",
            "FROM ${V%%*}",
            "FROM \\",
            "RUN \\",
            "ARG X=${",
            "FROM ${A//*/b}",
            "\udc80",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=14))
def test_no_file_is_too_odd(lines: list[str]) -> None:
    found_in("\n".join(lines))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("FROMARGVab${}:-+?#%/*'\"\\ \n=@"), max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    found_in("ARG V=a\nFROM " + text)


@pytest.mark.parametrize(
    "text",
    [
        "FROM " + "${a:-" * 10_000,
        "ARG A=aa\n" + "ARG A=$A$A\n" * 300 + "FROM $A",
        "ARG A=" + "a" * 100 + "\nFROM ${A//*a*a*a*a*b/x}",
        "FROM a AS b\n" * 200 + "FROM b-$X",
        "FROM " + "a" * 100_000,
    ],
    ids=["nested", "doubling", "pattern", "stages", "long"],
)
def test_long_texts_end(text: str) -> None:
    assert found_in("FROM node:1 AS z\n" + text)[0].text == "node:1"
