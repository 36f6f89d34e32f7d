"""Hazards of Dockerfiles: what is reported, and what must not be."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders.dockerfile import find, takes
from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.hazards import (
    base_images,
    build_context,
    build_secrets,
    image_contents,
    running_process,
)
from longshore.rewrite.hazards.hazard import Hazard, Surveyed
from longshore.rewrite.hazards.registry import CHECKS
from longshore.rewrite.source import read_source
from longshore.rewrite.survey import judge_sightings, settle

MINE = (
    *base_images.CHECKS,
    *running_process.CHECKS,
    *image_contents.CHECKS,
    *build_context.CHECKS,
    *build_secrets.CHECKS,
)


def hazards_of(
    text: str, others: Mapping[str, str] | None = None, path: str = "Dockerfile"
) -> list[Hazard]:
    texts = {path: text, **(others or {})}
    files = {
        name: file
        for name, content in texts.items()
        if (file := read_source(name, content.encode("utf-8", "surrogateescape"))) is not None
    }
    tree = TreeOfTexts(files, {})
    uses = [
        use
        for file in files.values()
        if takes(file.path)
        for use in judge_sightings(file, find(file, tree) or ())
    ]
    surveyed = Surveyed(tree, tuple(settle(uses)))
    return [one for check in MINE for one in check.look(surveyed)]


def codes(text: str, others: Mapping[str, str] | None = None, path: str = "Dockerfile") -> set[str]:
    return {one.code for one in hazards_of(text, others, path)}


GOOD = """\
# syntax=docker/dockerfile:1@sha256:{d}
FROM node:24.1-alpine3.22@sha256:{d} AS build
WORKDIR /app
COPY package*.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:24.1-alpine3.22@sha256:{d}
RUN apk upgrade --no-cache && apk add --no-cache dumb-init
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
EXPOSE 8080
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health')"]
ENTRYPOINT ["dumb-init", "--"]
CMD ["node", "dist/server.js"]
""".replace("{d}", "0" * 64)
IGNORE = {".dockerignore": ".git\n"}

BAD = """\
FROM node:16
ARG NPM_TOKEN
ENV API_KEY=sk-12345
COPY . .
RUN apt-get update && apt-get install -y build-essential && npm install
ADD https://example.com/tool.tar.gz /opt/
EXPOSE 8080
CMD ["node", "server.js"]
"""


def test_a_good_dockerfile_has_no_hazard() -> None:
    assert hazards_of(GOOD, IGNORE) == []


def test_a_bad_one_has_them_all() -> None:
    assert codes(BAD) == {
        *("base-without-digest", "base-end-of-life", "root-user", "no-healthcheck", "no-init"),
        *("build-tools-in-image", "development-dependencies", "no-security-updates"),
        *("dockerignore-missing", "add-from-the-net", "secret-in-image", "secret-build-argument"),
    }


NODE = "FROM node:24\n"
RUNS = 'CMD ["node", "x.js"]\n'

CASES = [
    # code, Dockerfile, other files, whether it is reported
    ("base-without-version", "FROM node\n", {}, True),
    ("base-without-version", "FROM node:latest\n", {}, True),
    ("base-without-version", "FROM a/b\n", {}, True),
    ("base-without-version", "FROM node:24\nCOPY --from=composer x y\n", {}, True),
    ("base-without-version", "FROM node:24\n", {}, False),
    ("base-without-version", "FROM node@sha256:" + "0" * 64, {}, False),
    ("base-without-version", "ARG V\nFROM node:$V\n", {}, False),
    ("base-without-version", "ARG I\nFROM $I\n", {}, False),
    ("base-without-version", "FROM scratch\n", {}, False),
    ("base-without-version", "FROM node:24 AS a\nFROM a\n", {}, False),
    ("base-without-version", "FROM node\n", {"path": "vendor/x/Dockerfile"}, False),
    ("base-without-version", "FROM node\n", {"path": "testdata/Dockerfile"}, False),
    ("base-without-version", "FROM node\n", {"path": "Dockerfile.j2"}, False),
    ("base-without-digest", "FROM node:24\n", {}, True),
    ("base-without-digest", "FROM node:24@sha256:" + "0" * 64, {}, False),
    ("base-without-digest", "FROM node\n", {}, False),
    ("base-end-of-life", "FROM node:18-alpine\n", {}, True),
    ("base-end-of-life", "FROM node:18.20.1\n", {}, True),
    ("base-end-of-life", "ARG V=18\nFROM node:$V\n", {}, True),
    ("base-end-of-life", "FROM public.ecr.aws/docker/library/python:3.7\n", {}, True),
    ("base-end-of-life", "FROM debian:buster-slim\n", {}, True),
    ("base-end-of-life", "FROM ubuntu:18.04\n", {}, True),
    ("base-end-of-life", "FROM alpine:3.12.1\n", {}, True),
    ("base-end-of-life", "FROM centos:centos7\n", {}, True),
    ("base-end-of-life", "FROM golang:1.24-alpine3.16\n", {}, True),
    ("base-end-of-life", "FROM node:24-bookworm\n", {}, False),
    ("base-end-of-life", "FROM node:24-alpine3.22\n", {}, False),
    ("base-end-of-life", "FROM node:180\n", {}, False),
    ("base-end-of-life", "FROM python:3\n", {}, False),
    ("base-end-of-life", "FROM python:3.13-slim\n", {}, False),
    ("base-end-of-life", "FROM python:3.100\n", {}, False),
    ("base-end-of-life", "FROM acme/node:16\n", {}, False),
    ("base-end-of-life", "FROM alpine:latest\n", {}, False),
    ("root-user", NODE + RUNS, {}, True),
    ("root-user", NODE + "USER node\n" + RUNS, {}, False),
    ("root-user", NODE + "USER node\nUSER root\n" + RUNS, {}, True),
    ("root-user", NODE + "USER 0:0\n" + RUNS, {}, True),
    ("root-user", NODE + "USER 1000\n" + RUNS, {}, False),
    ("root-user", NODE + "USER $UID\n" + RUNS, {}, False),
    ("root-user", "FROM node:24 AS a\nUSER node\nFROM a\n" + RUNS, {}, False),
    ("root-user", "FROM node:24 AS a\nUSER node\nFROM node:24\n" + RUNS, {}, True),
    ("root-user", NODE, {}, False),
    ("root-user", 'FROM postgres:17\nCMD ["postgres"]\n', {}, False),
    ("root-user", "FROM gcr.io/distroless/nodejs22:nonroot\n" + RUNS, {}, False),
    ("root-user", 'FROM node:24\nRUN apk add gosu\nENTRYPOINT ["/start"]\n', {}, False),
    ("root-user", 'FROM node:24 AS a\nFROM scratch\nCOPY --from=a /x /x\nCMD ["/x"]\n', {}, True),
    ("root-user", NODE + RUNS, {"path": ".devcontainer/Dockerfile"}, False),
    ("root-user", NODE + RUNS, {"path": "Dockerfile.test"}, False),
    ("no-healthcheck", NODE + "EXPOSE 80\n" + RUNS, {}, True),
    ("no-healthcheck", NODE + RUNS, {}, False),
    ("no-healthcheck", NODE + "EXPOSE 80\nHEALTHCHECK NONE\n" + RUNS, {}, False),
    (
        "no-healthcheck",
        NODE + "EXPOSE 80\n" + RUNS,
        {"compose.yaml": "services:\n  a:\n    build: .\n    healthcheck: {}\n"},
        False,
    ),
    ("no-init", NODE + RUNS, {}, True),
    ("no-init", NODE + "CMD npm start\n", {}, True),
    ("no-init", 'FROM python:3.13\nENTRYPOINT ["python3", "-m", "x"]\n', {}, True),
    ("no-init", NODE + 'ENTRYPOINT ["tini", "--"]\n' + RUNS, {}, False),
    ("no-init", NODE + 'ENTRYPOINT ["/sbin/tini", "--"]\n' + RUNS, {}, False),
    ("no-init", NODE + 'CMD ["dumb-init", "node", "x.js"]\n', {}, False),
    ("no-init", NODE + 'ENTRYPOINT ["./start.sh"]\n' + RUNS, {}, False),
    ("no-init", 'FROM python:3.13\nCMD ["gunicorn", "x"]\n', {}, False),
    ("no-init", NODE + RUNS, {"compose.yml": "services:\n  a:\n    init: true\n"}, False),
    ("build-tools-in-image", NODE + "RUN apk add --no-cache build-base\n" + RUNS, {}, True),
    ("build-tools-in-image", NODE + "RUN apt-get install -y \\\n  gcc \\\n  x\n" + RUNS, {}, True),
    ("build-tools-in-image", NODE + "RUN apk add -t d gcc && apk del d\n" + RUNS, {}, False),
    (
        "build-tools-in-image",
        NODE + "RUN apt-get install -y gcc && make && apt-get purge -y gcc\n" + RUNS,
        {},
        False,
    ),
    ("build-tools-in-image", NODE + "RUN echo gcc\n" + RUNS, {}, False),
    ("build-tools-in-image", 'FROM golang:1.25\nRUN go build -o /x .\nCMD ["/x"]\n', {}, True),
    ("build-tools-in-image", 'FROM golang:1.25\nCMD ["go", "run", "."]\n', {}, False),
    (
        "build-tools-in-image",
        "FROM golang:1.25 AS b\nRUN go build\nFROM alpine:3.22\nCOPY --from=b x x\nCMD x\n",
        {},
        False,
    ),
    ("development-dependencies", NODE + "RUN npm ci\n" + RUNS, {}, True),
    ("development-dependencies", NODE + "RUN npm i --quiet\n" + RUNS, {}, True),
    ("development-dependencies", NODE + "RUN yarn\n" + RUNS, {}, True),
    ("development-dependencies", NODE + "RUN yarn install --frozen-lockfile\n" + RUNS, {}, True),
    ("development-dependencies", NODE + "RUN npm ci --omit=dev\n" + RUNS, {}, False),
    ("development-dependencies", NODE + "RUN npm ci --only=production\n" + RUNS, {}, False),
    ("development-dependencies", NODE + "RUN NODE_ENV=production npm ci\n" + RUNS, {}, False),
    ("development-dependencies", NODE + "ENV NODE_ENV production\nRUN npm ci\n" + RUNS, {}, False),
    ("development-dependencies", NODE + "RUN npm ci\nRUN npm prune --omit=dev\n" + RUNS, {}, False),
    ("development-dependencies", NODE + "RUN npm install -g pm2\n" + RUNS, {}, False),
    ("development-dependencies", NODE + "RUN npm install express\n" + RUNS, {}, False),
    ("development-dependencies", NODE + 'RUN npm ci\nCMD ["npm", "run", "dev"]\n', {}, False),
    (
        "development-dependencies",
        'FROM node:24 AS b\nRUN npm ci\nFROM nginx:1.29\nCOPY --from=b /a/dist /x\nCMD ["nginx"]\n',
        {},
        False,
    ),
    (
        "development-dependencies",
        "FROM node:24 AS b\nRUN npm ci\nFROM node:24\nCOPY --from=b /a/node_modules ./m\n" + RUNS,
        {},
        True,
    ),
    ("development-dependencies", "FROM node:24 AS a\nRUN npm ci\nFROM a\n" + RUNS, {}, True),
    (
        "development-dependencies",
        "FROM python:3.13\nRUN pip install -r requirements-dev.txt\nCMD x\n",
        {},
        True,
    ),
    (
        "development-dependencies",
        "FROM python:3.13\nRUN pip install -r requirements/dev.txt\nCMD x\n",
        {},
        True,
    ),
    (
        "development-dependencies",
        "FROM python:3.13\nRUN pip install -r requirements.txt\nCMD x\n",
        {},
        False,
    ),
    ("development-dependencies", "FROM python:3.13\nRUN poetry install\nCMD x\n", {}, True),
    ("development-dependencies", "FROM python:3.13\nRUN uv sync --no-dev\nCMD x\n", {}, False),
    ("no-security-updates", NODE + RUNS, {}, True),
    ("no-security-updates", NODE + "RUN apt-get update && apt-get -y upgrade\n" + RUNS, {}, False),
    ("no-security-updates", "FROM alpine:3.22\nRUN apk add -U --upgrade x\nCMD x\n", {}, False),
    ("no-security-updates", "FROM fedora:43\nRUN dnf -y update\nCMD x\n", {}, False),
    ("no-security-updates", NODE + RUNS, {"renovate.json": "{}"}, False),
    (
        "no-security-updates",
        NODE + RUNS,
        {".github/dependabot.yml": "updates:\n  - package-ecosystem: docker\n"},
        False,
    ),
    (
        "no-security-updates",
        NODE + RUNS,
        {".github/dependabot.yml": "updates:\n  - package-ecosystem: npm\n"},
        True,
    ),
    (
        "no-security-updates",
        NODE + RUNS,
        {".github/workflows/a.yml": "on:\n  schedule:\n    - cron: '1'\njobs: docker build .\n"},
        False,
    ),
    ("no-security-updates", 'FROM gcr.io/distroless/static\nCMD ["/x"]\n', {}, False),
    ("no-security-updates", 'FROM golang:1 AS b\nFROM scratch\nCMD ["/x"]\n', {}, False),
    ("dockerignore-missing", NODE + "COPY . .\n", {}, True),
    ("dockerignore-missing", NODE + "ADD ./ /x\n", {}, True),
    ("dockerignore-missing", NODE + "COPY --chown=a:b . /x\n", {}, True),
    ("dockerignore-missing", NODE + 'COPY [".", "/x"]\n', {}, True),
    ("dockerignore-missing", NODE + "COPY src .\n", {}, False),
    ("dockerignore-missing", "FROM node:24 AS a\nFROM node:24\nCOPY --from=a . .\n", {}, False),
    ("dockerignore-missing", NODE + "COPY . .\n", {".dockerignore": ""}, False),
    ("dockerignore-missing", NODE + "COPY . .\n", {"Dockerfile.dockerignore": ""}, False),
    (
        "dockerignore-missing",
        NODE + "COPY . .\n",
        {"path": "a/b/Dockerfile", ".dockerignore": ""},
        False,
    ),
    (
        "dockerignore-missing",
        NODE + "COPY . .\n",
        {"path": "a/Dockerfile", "b/.dockerignore": ""},
        True,
    ),
    ("add-from-the-net", NODE + "ADD https://a.b/c /d\n", {}, True),
    ("add-from-the-net", NODE + "ADD --checksum=sha256:0 https://a.b/c /d\n", {}, False),
    ("add-from-the-net", NODE + "ADD https://a.b/c.git#v1 /d\n", {}, False),
    ("add-from-the-net", NODE + "ADD a.tar.gz /d\n", {}, False),
    ("add-from-the-net", NODE + "RUN echo ADD https://a.b/c /d\n", {}, False),
    ("unused-stage", "FROM a:1 AS x\nFROM b:1\n", {}, True),
    ("unused-stage", "FROM a:1\nFROM b:1\n", {}, True),
    ("unused-stage", "FROM a:1 AS x\nFROM b:1\nCOPY --from=x a b\n", {}, False),
    ("unused-stage", "FROM a:1 AS x\nFROM b:1\nRUN --mount=from=x,target=/y z\n", {}, False),
    ("unused-stage", "FROM a:1\nFROM b:1\nCOPY --from=0 a b\n", {}, False),
    ("unused-stage", "FROM a:1 AS x\nFROM b:1\n", {"Makefile": "docker build --target x ."}, False),
    ("unused-stage", "FROM a:1 AS x\nFROM b:1\n", {"compose.yml": "build:\n  target: x\n"}, False),
    ("unused-stage", "FROM a:1 AS x\nFROM b:1\n", {"Makefile": "all: x\n"}, True),
    ("unused-stage", "FROM a:1 AS dev\nFROM b:1\n", {}, False),
    ("unused-stage", "FROM a:1 AS x-amd64\nFROM x-$TARGETARCH\n", {}, False),
    ("secret-in-image", NODE + "ENV DB_PASSWORD=hunter22\n", {}, True),
    ("secret-in-image", NODE + "ENV DB_PASSWORD hunter22\n", {}, True),
    ("secret-in-image", NODE + "ARG T_TOKEN\nENV T_TOKEN=$T_TOKEN\n", {}, True),
    ("secret-in-image", NODE + "ENV DB_PASSWORD=\n", {}, False),
    ("secret-in-image", NODE + "ENV DB_PASSWORD_FILE=/run/secrets/x\n", {}, False),
    ("secret-in-image", NODE + "ENV PASSWORD_MIN_LENGTH=12 TOKEN_URL=https://x\n", {}, False),
    ("secret-in-image", NODE + "ENV SECRET_KEY_BASE=dummy\n", {}, False),
    ("secret-in-image", NODE + "ENV API_KEY=changeme KEY=1 MONKEY=x\n", {}, False),
    ("secret-in-image", NODE + "ENV NEXT_PUBLIC_API_KEY=abc\n", {}, False),
    ("secret-in-image", NODE + "LABEL DB_PASSWORD=hunter22\n", {}, False),
    ("secret-build-argument", NODE + "ARG NPM_TOKEN\n", {}, True),
    ("secret-build-argument", "ARG GITHUB_TOKEN\n" + NODE, {}, True),
    ("secret-build-argument", NODE + "RUN --mount=type=secret,id=npm_token x\n", {}, False),
    ("secret-build-argument", NODE + "ARG VERSION\nARG TOKENIZER=x\n", {}, False),
]


@pytest.mark.parametrize(("code", "text", "others", "reported"), CASES)
def test_a_hazard_is_reported_or_not(
    code: str, text: str, others: dict[str, str], reported: bool
) -> None:
    files = dict(others)
    path = files.pop("path", "Dockerfile")
    assert (code in codes(text, files, path)) == reported


def test_every_check_is_registered_and_tested_both_ways() -> None:
    assert set(MINE) <= set(CHECKS)
    for check in MINE:
        assert {case[3] for case in CASES if case[0] == check.code} == {True, False}, check.code
        assert check.title
        assert not check.title.endswith(".")


def test_places_and_severities() -> None:
    found = {one.code: one for one in hazards_of(BAD)}
    assert (found["base-end-of-life"].line, found["base-end-of-life"].column) == (1, 6)
    assert (found["secret-in-image"].line, found["secret-in-image"].column) == (3, 5)
    assert found["dockerignore-missing"].line == 4
    assert found["add-from-the-net"].line == 6
    severities = {check.code: check.severity for check in MINE}
    assert {one.code: one.severity for one in found.values()} == {
        code: severities[code] for code in found
    }


def test_no_secret_is_shown() -> None:
    text = "FROM a:1\nENV API_KEY=sk-verysecret\nARG NPM_TOKEN=npm-verysecret\n"
    text += "ADD https://user:verysecret@a.b/c?sig=verysecret /d\n"
    found = hazards_of(text)
    assert {one.code for one in found} >= {
        "secret-in-image",
        "secret-build-argument",
        "add-from-the-net",
    }
    assert not any("verysecret" in one.message + one.fix for one in found)


LINES = st.sampled_from(
    [
        *(
            "FROM a:1",
            "FROM node AS b",
            "FROM b",
            "COPY --from=b node_modules x",
            "COPY . .",
            "ADD",
        ),
        *("RUN npm ci", "RUN", "CMD", "ENTRYPOINT []", "CMD [", "USER", "ENV", "ENV =", "ARG ="),
        *("ENV X_TOKEN", "EXPOSE", "ADD https:// x", "ADD []", "RUN <<E", "E", "\udc80", "COPY"),
        *(
            "COPY --from=99 node_modules y",
            "COPY --from=1 node_modules y",
            "HEALTHCHECK",
            "ONBUILD",
        ),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=14))
def test_no_dockerfile_is_too_odd(lines: list[str]) -> None:
    hazards_of("FROM node:16\n" + "\n".join(lines))
