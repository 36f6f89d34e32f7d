"""A monorepo as companies have them, made up: the same for the same seed and number of files. I/O.

Two thirds is code in six languages, the rest what stands around it: manifests, charts, workflows,
Dockerfiles, documents, pictures. Sizes vary as in real trees (a few lines to some hundred KB). What
is installed below `node_modules` comes on top and is ignored by `.gitignore`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WORDS = (
    *("order", "cart", "price", "stock", "user", "token", "event", "queue", "cache", "index"),
    *("batch", "shard", "image", "build", "layer", "node", "client", "server", "request", "from"),
    *("response", "handler", "config", "value", "error", "result", "context", "retry", "limit"),
    *("table", "column", "metric", "trace", "span", "alert", "region", "bucket", "object"),
    *("stream", "record", "schema", "with", "return"),
)
IMAGES = (
    "node:18-alpine", "python:3.12-slim", "golang:1.22", "redis:7", "postgres:16", "nginx:1.27",
    "prom/prometheus:v2.53.0", "ghcr.io/acme/base:1", "gcr.io/distroless/static", "alpine",
)  # fmt: skip
LINES = {
    "ts": ("import {{ {a} }} from './{b}'", "export const {a} = ({b}: string) => {c}({b})"),
    "go": ("\t{a}, err := {b}.{c}(ctx)", "\tif err != nil {{ return nil, err }}", "// {a} {b}"),
    "py": ("    {a} = self.{b}({c})", "def {a}({b}: str) -> {c}:", "from {a} import {b}"),
    "java": ("        {a}.{b}({c});", "    private final String {a};", "import com.acme.{a};"),
    "rs": ("    let {a} = {b}.{c}()?;", "pub fn {a}({b}: &str) -> Result<()> {{", "use {a};"),
    "c": ("\t{a} = {b}({c}, 0);", "static int {a}(struct {b} *{c})", "#include <{a}.h>"),
}
SHARES = (
    ("ts", 27), ("go", 15), ("py", 13), ("java", 9), ("rs", 5), ("c", 3), ("json", 7), ("md", 6),
    ("yaml", 5), ("values", 0.4), ("workflow", 0.1), ("compose", 0.2), ("docker", 0.4),
    ("shell", 0.6), ("make", 0.2), ("tf", 0.4), ("css", 3), ("svg", 2), ("png", 3),
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """What was made: `read` files are not ignored."""

    files: int
    file_bytes: int
    ignored: int


def make_monorepo(root: Path, files: int, seed: int = 1) -> Made:
    """Fill an empty folder."""
    chance = random.Random(seed)
    kinds, weights = zip(*SHARES, strict=True)
    made = 0
    (root / ".gitignore").write_text(_IGNORED)
    for number in range(files - 1):
        kind = chance.choices(kinds, weights)[0]
        path, data = _file(kind, number, chance)
        place = root / _folder(kind, number) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        made += len(data)
    return Made(files, made + len(_IGNORED), _install(root, files // 3, chance))


_IGNORED = "node_modules/\n*.log\n*.pyc\n__pycache__/\n/coverage\n.env.local\n*.tmp\n!keep.tmp\n"


def _folder(kind: str, number: int) -> str:
    service = f"services/team{number % 7}/app{number % 210}"
    if kind == "workflow":
        return ".github/workflows"
    inner = {"yaml": "deploy/base", "values": "chart", "tf": "infra", "md": "docs", "png": "docs"}
    return f"{service}/{inner.get(kind, f'src/module{number % 7}')}"


def _file(kind: str, number: int, chance: random.Random) -> tuple[str, bytes]:
    maker = _MAKERS.get(kind)
    if maker is not None:
        name, text = maker(number, chance)
        return name, text.encode()
    if kind == "png":
        return f"p{number}.png", b"\x89PNG\r\n\x1a\n\0" + chance.randbytes(_size(chance) * 4)
    if kind in LINES:
        return f"{chance.choice(WORDS)}_{number}.{kind}", _text(LINES[kind], chance).encode()
    return f"{chance.choice(WORDS)}-{number}.{kind}", _text(_PLAIN, chance).encode()


_PLAIN = ("The {a} {b} of each {c} is kept.", '  "{a}": "{b}",', ".{a} .{b} {{ color: red }}")


def _size(chance: random.Random) -> int:
    return min(400_000, int(chance.lognormvariate(8.0, 1.0)))


def _text(patterns: tuple[str, ...], chance: random.Random) -> str:
    """Lines up to a size; a block of them is repeated, with other numbers."""
    block = "".join(
        chance.choice(patterns).format(
            *(), **dict(zip("abc", chance.sample(WORDS, 3), strict=True))
        )
        + "\n"
        for _ in range(40)
    )
    size = _size(chance)
    return "".join(f"{block}{number}\n" for number in range(size // len(block) + 1))[:size]


def _manifest(number: int, chance: random.Random) -> tuple[str, str]:
    image = chance.choice(IMAGES)
    name = f"app-{number}"
    if chance.random() < 0.5:
        size = min(200, int(chance.lognormvariate(3.0, 1.0)))
        data = "".join(f"  {chance.choice(WORDS)}.{i}: value\n" for i in range(size))
        return f"config-{number}.yaml", f"apiVersion: v1\nkind: ConfigMap\ndata:\n{data}"
    return f"{name}.yaml", (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n"
        f"    spec:\n      containers:\n        - name: {name}\n          image: {image}\n"
        + "".join(f"          # {chance.choice(WORDS)}\n" for _ in range(30))
    )


def _values(number: int, chance: random.Random) -> tuple[str, str]:
    name, _, tag = chance.choice(IMAGES).partition(":")
    return f"values-{number}.yaml", f'image:\n  repository: {name}\n  tag: "{tag}"\nreplicas: 2\n'


def _workflow(number: int, chance: random.Random) -> tuple[str, str]:
    jobs = "".join(
        f"  job{i}:\n    runs-on: ubuntu-latest\n    container: {chance.choice(IMAGES)}\n"
        f"    steps:\n      - uses: actions/checkout@v4\n      - run: |\n"
        f"          docker build -t app{number} .\n"
        f"          docker run --rm {chance.choice(IMAGES)}\n"
        for i in range(4)
    )
    return f"ci-{number}.yml", f"on: push\njobs:\n{jobs}"


def _compose(number: int, chance: random.Random) -> tuple[str, str]:
    some = chance.sample(IMAGES, 3)
    services = "".join(f"  s{i}:\n    image: {image}\n" for i, image in enumerate(some))
    return f"docker-compose.{number}.yml", f"services:\n{services}"


def _docker(number: int, chance: random.Random) -> tuple[str, str]:
    return f"Dockerfile.{number}", (
        f"# syntax=docker/dockerfile:1\nARG BASE={chance.choice(IMAGES)}\nFROM $BASE AS build\n"
        + "".join(f"RUN echo {word} \\\n  && make {word}\n" for word in chance.sample(WORDS, 12))
        + f"FROM {chance.choice(IMAGES)}\nCOPY --from=build /out /out\n"
    )


def _shell(number: int, chance: random.Random) -> tuple[str, str]:
    body = "".join(f'if [ -n "${word.upper()}" ]; then echo {word}; fi\n' for word in WORDS)
    last = f"docker run --rm {chance.choice(IMAGES)} ls\n" if number % 3 == 0 else ""
    return f"run-{number}.sh", f"#!/bin/sh\nset -e\n{body}{last}"


def _make(number: int, chance: random.Random) -> tuple[str, str]:
    body = "".join(f"{word}:\n\tgo test ./{word}/...\n" for word in WORDS)
    first = f"IMAGE ?= {chance.choice(IMAGES)}\n" if number % 3 == 0 else ""
    return f"m{number}/Makefile", first + body


def _terraform(number: int, chance: random.Random) -> tuple[str, str]:
    body = "".join(
        f'resource "aws_thing" "{word}" {{\n  name = "{word}"\n  count = 2\n}}\n'
        for word in WORDS[:20]
    )
    return (
        f"t{number}.tf",
        f'{body}variable "image" {{\n  default = "{chance.choice(IMAGES)}"\n}}\n',
    )


_MAKERS: dict[str, Callable[[int, random.Random], tuple[str, str]]] = {
    "yaml": _manifest, "values": _values, "workflow": _workflow, "compose": _compose,
    "docker": _docker, "shell": _shell, "make": _make, "tf": _terraform,
}  # fmt: skip


def _install(root: Path, files: int, chance: random.Random) -> int:
    """Packages below node_modules, which `.gitignore` names."""
    for number in range(files):
        place = root / f"services/team{number % 7}/app{number % 14}/node_modules/p{number // 40}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"f{number}.js").write_text(_text(LINES["ts"], chance))
    return files
