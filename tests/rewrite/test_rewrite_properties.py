"""For any tree and any map: only names change, what is read again agrees, twice is once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from longshore.rewrite.edits import apply_all
from longshore.rewrite.places import Destination, Wish
from tests.rewrite.rewritten import HOST, Rewritten, rewritten, tree_of, uses_of

NAMES = st.sampled_from(
    ["node", "redis", "library/golang", "docker.io/nginx", "prom/prometheus", "index.docker.io/a/b",
     "acme/shop", "ghcr.io/x/y", "my-own", "registry-1.docker.io/c/d", "localhost:5000/z"]
)  # fmt: skip
ENDS = st.sampled_from(["", ":1", ":1.2-alpine", "@sha256:" + "b" * 64, ":2@sha256:" + "c" * 64])
REFERENCES = st.builds(lambda name, end: name + end, NAMES, ENDS)
QUOTES = st.sampled_from(["", "'", '"'])
NOISE = st.sampled_from(
    ["# FROM node:18 in words", "  ", "\t", "# caf\u00e9 \u9ad8", "#image: redis:7", ""]
)
PATTERNS = st.sampled_from(
    ["docker.io/library/*", "node", "redis", "prom/*", "docker.io/acme/*", "*", "a/*"]
)
MODES = st.sampled_from(["mirror", "cache", "public", "keep", "variable", "own/name"])
WISHES = st.builds(
    lambda pairs, public: Wish(tuple(dict(pairs).items()), (), public),
    st.lists(st.tuples(PATTERNS, MODES), max_size=3),
    st.booleans(),
)


@st.composite
def dockerfiles(draw: Any) -> str:
    lines = [draw(NOISE)] if draw(st.booleans()) else []
    if draw(st.booleans()):
        lines += [f"ARG BASE={draw(REFERENCES)}", "FROM ${BASE} AS base"]
    for number in range(draw(st.integers(1, 3))):
        lines += [draw(NOISE), f"FROM {draw(REFERENCES)} AS s{number}"]
        if draw(st.booleans()):
            lines.append(f"COPY --from={draw(REFERENCES)} /a /b")
        if draw(st.booleans()):
            lines += ["RUN <<EOF", f"FROM {draw(REFERENCES)}", "EOF"]
    return "\n".join(lines) + draw(st.sampled_from(["\n", ""]))


@st.composite
def compose_files(draw: Any) -> str:
    lines = ["services:"]
    for number in range(draw(st.integers(1, 4))):
        quote = draw(QUOTES)
        lines += [f"  s{number}:", f"    image: {quote}{draw(REFERENCES)}{quote}  # x"]
        lines += [draw(NOISE).replace("\t", "")] if draw(st.booleans()) else []
    return "\n".join(lines) + "\n"


@st.composite
def manifests(draw: Any) -> str:
    head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
    quote = draw(QUOTES)
    lines = [
        f"    - image: {quote}{draw(REFERENCES)}{quote}" for _ in range(draw(st.integers(1, 3)))
    ]
    return head + "\n".join(lines) + "\n"


@st.composite
def workflows(draw: Any) -> str:
    indent = " " * draw(st.sampled_from([0, 2, 4]))
    steps = [f"{indent}    - uses: actions/checkout@v4"] if draw(st.booleans()) else []
    kinds = st.sampled_from(["run", "build", "buildx", "login", "script"])
    for kind in draw(st.lists(kinds, min_size=1, max_size=4)):
        text = {
            "run": f"- run: docker run {draw(REFERENCES)}",
            "build": "- uses: docker/build-push-action@v6",
            "buildx": "- uses: docker/setup-buildx-action@v3",
            "login": "- uses: docker/login-action@v3",
            "script": "- run: |\n" + f"{indent}        docker pull {draw(REFERENCES)}",
        }[kind]
        steps += [f"{indent}    {text}"]
        steps += [f"{indent}    # a remark"] if draw(st.booleans()) else []
    service = (
        f"    services:\n      db: {{image: '{draw(REFERENCES)}'}}\n" if draw(st.booleans()) else ""
    )
    on = draw(st.sampled_from(["push", "[push, pull_request]"]))
    return f"on: {on}\njobs:\n  a:\n    runs-on: x\n{service}    steps:\n" + "\n".join(steps) + "\n"


TREES = st.fixed_dictionaries(
    {
        "Dockerfile": dockerfiles(),
        "compose.yaml": compose_files(),
        "k8s/pod.yaml": manifests(),
        ".github/workflows/a.yml": workflows(),
    }
)
TO = Destination(HOST, {"docker.io/acme/shop": "shop"}, "docker-hub", frozenset({"docker.io/a/b"}))
CALM = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def written(data: str, style: str) -> bytes:
    """The same text with other line ends, a byte order mark, or in UTF-16."""
    text = data.replace("\n", "\r\n") if "crlf" in style else data
    if "utf16" in style:
        return ("\ufeff" + text).encode("utf-16-le")
    return (b"\xef\xbb\xbf" if "bom" in style else b"") + text.encode()


STYLES = st.sampled_from(["", "crlf", "bom", "bom-crlf", "utf16", "utf16-crlf"])


def check(files: Mapping[str, bytes], made: Rewritten) -> None:
    """Outside of the edits every byte stays, and each edit is a name, or says itself."""
    tree = tree_of(files)
    assert not made.proved.failed
    for change in apply_all(dict(tree.files), made.proved.plan.edits):
        at_old = at_new = 0
        for old_from, old_to, new_from, new_to in change.ranges:
            assert change.before[at_old:old_from] == change.after[at_new:new_from]
            at_old, at_new = old_to, new_to
        assert change.before[at_old:] == change.after[at_new:]
        if not change.path.startswith(".github"):
            untouched(change.before, change.after, change.path, files)


def untouched(before: bytes, after: bytes, path: str, files: Mapping[str, bytes]) -> None:
    """Lines without a reference are the same, but for the variable's declaration."""
    tree = tree_of(files)
    lines = {use.line for use in uses_of(tree) if use.file == path}
    pieces = [piece for use in uses_of(tree) for piece in use.mention.pieces]
    file = tree.files[path]
    lines |= {file.place(one.span.start)[0] for one in pieces if one.file == path}
    codec = "utf-16-le" if before[:2] == b"\xff\xfe" else "utf-8"
    declared = re.compile(r"ARG DOCKER_HUB=docker\.io\r?\n")
    old = before.decode(codec).splitlines(keepends=True)
    new = declared.sub("", after.decode(codec), count=1).splitlines(keepends=True)
    assert len(old) == len(new)
    for number, (was, now) in enumerate(zip(old, new, strict=True), 1):
        assert was == now or number in lines, (path, number)


@CALM
@given(TREES, STYLES, WISHES)
@example(
    {"Dockerfile": "ARG BASE=node\nFROM ${BASE} AS base\n\nFROM node AS s0"}, "", Wish((), (), True)
)
def test_any_tree(texts: dict[str, str], style: str, wish: Wish) -> None:
    files = {path: written(text, style) for path, text in texts.items()}
    made = rewritten(files, wish, TO)
    check(files, made)
    left = {(one.use.file, one.use.reference) for one in made.proved.plan.left}
    left |= {
        (one.use.file, one.use.reference)
        for one in made.proved.plan.decisions
        if one.mode == "variable" and one.changes
    }
    after = [use for use in uses_of(tree_of(made.data)) if use.pulls_hub]
    for use in after:
        own = "env.DOCKER_HUB" in use.mention.text or use.mention.implicit
        assert own or (use.file, use.reference) in left
    again = rewritten(made.data, wish, TO)
    assert again.data == made.data


@CALM
@given(TREES, st.sampled_from(["oidc", "keys"]))
def test_workflows_read_as_before_but_for_what_was_meant(texts: dict[str, str], auth: Any) -> None:
    made = rewritten(texts, None, TO, auth)
    before, text = texts[".github/workflows/a.yml"], made.texts[".github/workflows/a.yml"]
    gone = before.count("login-action") - text.count("login-action")
    assert text.count("a remark") >= before.count("a remark") - gone
    needs = re.search(rf"(docker (run|pull) |image=|image: ){re.escape(HOST)}", text)
    assert "amazon-ecr-login" in text or needs is None
