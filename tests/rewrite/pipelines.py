"""Files as `ci emit` writes them, for every choice that one can make."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from longshore.cli.emitting import read_pins
from longshore.policy.build_tags import TagRules
from longshore.rewrite.generate.dockerfile import base_image, render_dockerfile
from longshore.rewrite.generate.emitted import Emitted
from longshore.rewrite.generate.ignore_file import render_ignore
from longshore.rewrite.generate.kept_jobs import Kept, keep_jobs
from longshore.rewrite.generate.operations import render_operations
from longshore.rewrite.generate.options import BINFMT, BUILDKIT, BaseImage, PipelineOptions
from longshore.rewrite.generate.project import Project, detect_project
from longshore.rewrite.generate.quality_jobs import render_tests
from longshore.rewrite.generate.workflow import render_workflow
from longshore.rewrite.source import read_source

COMMIT = "0123456789abcdef0123456789abcdef01234567"
INSTALLS = (
    f"git+https://git.example.com/acme/longshore.git@{COMMIT}",
    f"https://files.example.com/longshore-1.0-py3-none-any.whl#sha256={COMMIT[:32] * 2}",
    "ci/longshore.txt",
)
BRANCHES = ("main", "develop", "feature/*", "day2-advanced")
EVERYTHING = frozenset({"scan", "deploy", "lifecycle", "monitor"})
MIRRORS = {
    BUILDKIT: "mirror/buildkit",
    BINFMT: "mirror/binfmt",
    "docker.io/library/node": "mirror/node",
}

NODE = '{"scripts": {"start": "node server.js", "test": "node --test", "lint": "eslint ."}}'
BUILT = '{"scripts": {"start": "node dist/main.js", "build": "tsc"}, "engines": {"node": ">=20"}}'
TREES: dict[str, dict[str, str]] = {
    "node": {"package.json": NODE, "package-lock.json": "{}"},
    "node-without-lock": {"package.json": NODE},
    "node-built": {"package.json": BUILT, "package-lock.json": "{}"},
    "node-yarn": {"package.json": BUILT, "yarn.lock": ""},
    "node-pnpm": {"package.json": NODE, "pnpm-lock.yaml": ""},
    "node-alpine": {
        "package.json": NODE,
        "package-lock.json": "{}",
        "Dockerfile": 'FROM node:18-alpine\nEXPOSE 8080\nCMD ["node", "app.js"]\n',
    },
    "python": {"requirements.txt": "flask\ngunicorn\npytest\nruff\n", "app.py": ""},
    "python-project": {"pyproject.toml": 'requires-python = ">=3.12"\n', "main.py": ""},
    "python-alpine": {
        "requirements.txt": "fastapi\nuvicorn\n",
        "Dockerfile": "FROM python:3.12-alpine\n",
    },
}

PRESENT = """\
name: CI
on:
  push:
    branches: [main]
  schedule:
    - cron: "0 4 * * 1"
env:
  LEVEL: "1" # how much is said
jobs:
    # what a linter says
    quality:
        runs-on: ubuntu-latest
        steps:
            - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
              with: {persist-credentials: false}
            - run: npm ci

            # the rules of the house
            - run: npm run lint
    test:
        runs-on: ubuntu-latest
        needs: quality
        strategy:
            matrix: {node: [20, 22]}
        services:
            db:
                image: postgres:16
        steps:
            - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
              with: {persist-credentials: false}
            - run: npm test
    build:
        needs: [quality, test]
        runs-on: ubuntu-latest
        outputs:
            image: ${{ steps.meta.outputs.tags }}
        steps:
            - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
              with: {persist-credentials: false}
            - uses: docker/login-action@v3
              with:
                  username: ${{ secrets.DOCKERHUB_USERNAME }}
                  password: ${{ secrets.DOCKERHUB_TOKEN }}
            - uses: docker/build-push-action@v5
              with:
                  push: true
                  tags: acme/shop:latest
    # tells the team
    notify:
        needs: build
        runs-on: ubuntu-latest
        steps:
            - run: echo "$DIGEST"
              env:
                  DIGEST: ${{ needs.build.outputs.digest }}
"""


def project(name: str) -> Project:
    """The project of one of the trees."""
    found = detect_project(TREES[name])
    assert found is not None
    return found


def kept(text: str = PRESENT) -> Kept:
    """What stays of a workflow."""
    source = read_source(".github/workflows/ci.yml", text.encode())
    assert source is not None
    found = keep_jobs(source)
    assert found is not None
    return found


def options(**rest: object) -> PipelineOptions:
    """Options with the first user's branches; the rest as given."""
    base = BaseImage(*base_image(project("node")), mirror="mirror/node")
    values: dict[str, object] = {
        "branches": BRANCHES,
        "install": INSTALLS[0],
        "base": base,
        "mirrors": MIRRORS,
        "environments": ("prod",),
    }
    return PipelineOptions(read_pins(), **{**values, **rest})  # type: ignore[arg-type]


def workflows() -> Iterator[tuple[str, Emitted]]:
    """Both workflows over the matrix of choices."""
    choices = product(
        ("oidc", "keys"),
        ("plain", *INSTALLS),
        (frozenset[str](), EVERYTHING),
        (True, False),
    )
    for number, (auth, install, features, mirrored) in enumerate(choices):
        plain = install == "plain"
        pushes = bool(number % 2)
        rules = TagRules(
            develop=("develop", "dev"),
            latest=("newest-release", "main", "never")[number % 3],  # type: ignore[arg-type]
            push_pull_requests=pushes,
        )
        made = options(
            auth=auth,
            plain=plain,
            install=None if plain else install,
            features=features,
            rules=rules,
            names={"AWS_REGION": "REGION"} if pushes else {},
            gate={"critical": 0, "high": 5},
            wanted_platforms=("linux/amd64", "linux/arm64") if number % 3 else (),
            dockerfile="Dockerfile" if mirrored else "docker/Dockerfile",
            **({} if mirrored else {"mirrors": {}, "base": BaseImage("node", "24")}),
        )
        name = f"{auth}-{'plain' if plain else number}-{len(features)}-{mirrored}"
        tests = render_tests(made, project(sorted(TREES)[number % len(TREES)]))
        stays = kept() if number % 4 == 3 else Kept()
        yield f"{name}-{number}", render_workflow(made, stays, tests=tests)
        yield f"{name}-{number}-operations", render_operations(made)


def images() -> Iterator[tuple[str, Emitted, Emitted]]:
    """The Dockerfile and its ignore file, for every tree."""
    for name in TREES:
        yield name, render_dockerfile(project(name)), render_ignore(project(name))
