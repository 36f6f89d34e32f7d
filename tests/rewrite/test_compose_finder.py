"""Compose files: what they pull, what they build, and what looks like an image and is none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .trees import arguments, look, values

PULL = ("compose-image", "pull")
BUILT = ("compose-image", "build-output")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("image: node:18", "node:18"),
        ("image: 'node:18'  # why", "node:18"),
        ('image: "docker.io/library/redis"', "docker.io/library/redis"),
        ("image: &i node:18", "node:18"),
        ("image: acme/shop@sha256:" + "a" * 64, "acme/shop@sha256:" + "a" * 64),
        ("image: quay.io/x/y:1", "quay.io/x/y:1"),
        ("image: ${IMG}", "_"),
        ("image: ${IMG:-nginx:1.25}", "nginx:1.25"),
        ("image: postgres:${V:-15}-alpine", "postgres:15-alpine"),
        ("image: postgres:$V", "postgres:_"),
        ("image: ${REG:-docker.io}/acme/shop:${T:?set it}", "docker.io/acme/shop:_"),
        ("image: ${REG}/acme/shop:1", "_/acme/shop:1"),
        ("image: ${REG}acme/shop:1", "acme/shop:1"),
        ("image: ${R:+$R/}acme/shop", "acme/shop"),
        ("image: >-\n      acme/folded:1", "acme/folded:1"),
        ("image: !reset acme/tagged:1", "acme/tagged:1"),
    ],
)
def test_images_of_services(body: str, wanted: str) -> None:
    (one,) = look({"compose.yaml": f"services:\n  web:\n    {body}\n"})
    assert (one.value, one.kind, one.role, one.mention.job) == (wanted, *PULL, "web")
    assert one.mention.pulled == "host"


@pytest.mark.parametrize(
    "body",
    [
        "image:",
        "image: ''",
        "image: null",
        "image: logo.png",
        "image: [a, b]",
        "image: {name: x}",
        "image: Not An Image",
        "environment: {BROKER: 'kafka:9092', REDIS: 'redis:6379', IMAGE_PATH: /data/x}",
        "environment: [BROKER=kafka:9092, 'LOGO_IMAGE=img/logo.png']",
        "user: node:node",
        "ports: ['8080:80', '127.0.0.1:5000:5000']",
        "volumes: ['data:/data', './a:/b:ro', {type: volume, source: data, target: /x}]",
        "links: ['db:database']",
        "extra_hosts: ['host.docker.internal:host-gateway']",
        "command: --image nginx:1.25",
        "build: .",
        "build: {context: ., args: {NODE_VERSION: '18', IMAGE_TAG: '1.2'}}",
        "build: {context: ., cache_from: ['type=gha', 'type=local,src=/x']}",
        "labels: {image: acme/shop}",
        "configs: [{source: a, target: /b}]",
    ],
)
def test_no_images(body: str) -> None:
    text = f"services:\n  db:\n    image: postgres:15\n  web:\n    {body}\n"
    assert values({"docker-compose.yml": text}) == ["postgres:15"]


@pytest.mark.parametrize(
    "path",
    [
        "docker-compose.yml",
        "docker-compose.prod.yaml",
        "compose.yaml",
        "compose.override.yml",
        "deploy/app-compose.yml",
        "docker-stack.yml",
        "stack.yml",
        "infra/monitoring.yml",  # by content
        "docker-compose.yml.example",
        "docker-compose.yml.j2",
        "docker-compose.tmpl.yml",
        "docker-compose.json",
    ],
)
def test_names_of_files(path: str) -> None:
    if path.endswith("json"):
        text = '{"services": {"web": {"image": "nginx:1"}}}'
    else:
        text = "services:\n  web:\n    image: nginx:1\n"
    assert [(one.value, one.kind) for one in look({path: text})] == [("nginx:1", "compose-image")]


def test_the_first_format() -> None:
    text = "web:\n  image: nginx:1\n  links: [db]\ndb:\n  build: ./db\nx: 1\n"
    assert values({"docker-compose.yml": text}) == ["nginx:1"]
    assert values({"other.yml": "thing:\n  image: acme\n  links: [db]\n"}) == []


def test_an_anchor_is_told_once() -> None:
    text = (
        "x-app: &app\n  image: acme/app:1\nx-unused: {image: acme/unused:1}\n"
        "services:\n  web:\n    <<: *app\n  worker:\n    <<: [*app]\n    command: work\n"
        "  other:\n    <<: *app\n    image: acme/other:2\n"
    )
    seen = look({"compose.yml": text})
    assert [(one.line, one.value, one.mention.job) for one in seen] == [
        (2, "acme/app:1", "web"),
        (12, "acme/other:2", "other"),
    ]


def test_image_beside_build_is_its_name() -> None:
    text = "services:\n  web:\n    build: .\n    image: acme/web:1\n  db:\n    image: mysql:8\n"
    first, second = look({"compose.yml": text})
    assert (first.kind, first.role, first.mention.built) == (*BUILT, True)
    assert (second.value, second.role, second.mention.built) == ("mysql:8", "pull", False)


def test_what_extends_a_build_is_built() -> None:
    base = "services:\n  base:\n    build: .\n"
    text = (
        "services:\n  web:\n    extends: {file: base.yml, service: base}\n    image: acme/web\n"
        "  job:\n    extends: local\n    image: acme/job\n  local:\n    build: .\n"
    )
    assert [one.role for one in look({"base.yml": base, "compose.yml": text})] == [
        "build-output",
        "build-output",
    ]


def test_names_that_compose_gives() -> None:
    text = "services:\n  web:\n    build: .\n  job: {image: shop-web}\n  old: {image: shop_web}\n"
    assert [one.role for one in look({"shop/compose.yml": text})] == ["build-output"] * 2
    assert [one.role for one in look({"other/compose.yml": text})] == ["pull"] * 2
    named = look({"other/compose.yml": f"name: shop\n{text}"})
    assert [one.role for one in named] == ["build-output"] * 2


def test_an_override_builds_what_has_no_known_name() -> None:
    files = {
        "docker-compose.override.yml": "services:\n  web:\n    build: .\n  db:\n    build: ./db\n",
        "docker-compose.yml": "services:\n  web: {image: webapp}\n  db: {image: 'postgres:15'}\n",
    }
    assert [(one.value, one.role) for one in look(files)] == [
        ("webapp", "build-output"),
        ("postgres:15", "pull"),
    ]


def test_profiles_are_a_remark() -> None:
    text = "services:\n  web:\n    image: nginx\n    profiles: [debug, ci]\n"
    assert look({"compose.yml": text})[0].mention.condition == "profile: debug, ci"


def test_dot_env_wins_over_defaults_and_samples_only_fill() -> None:
    files = {
        "app/.env": "DB=postgres:16\nTAG=2\n",
        "app/.env.example": "DB=postgres:1\nCACHE=redis:7\nTAG=1\n",
        ".env": "ROOT=nginx:1\n",
        "app/compose.yml": (
            "services:\n  a:\n    image: ${DB:-postgres:15}\n  b:\n    image: $CACHE\n"
            "  c:\n    image: acme/x:$TAG\n  d:\n    image: ${CACHE:-redis:6}\n"
            "  e:\n    image: $ROOT\n  f:\n    image: acme/${NOBODY}\n"
        ),
    }
    seen = look(files)
    assert [one.value for one in seen] == [
        *("postgres:16", "redis:7", "acme/x:2", "redis:6", "nginx:1", "acme/_"),
    ]
    assert seen[0].mention.pieces[0].file == "app/.env"
    assert seen[0].mention.pieces[0].text == "postgres:16"
    assert seen[3].mention.pieces[0].text == "redis:6"
    assert seen[3].mention.pieces[0].part == "reference"
    assert seen[2].mention.pieces == ()
    assert seen[5].mention.needs == "variable NOBODY"


@pytest.mark.parametrize(
    ("image", "part", "text"),
    [
        ("${R:-docker.io}/a/b:1", "registry", "docker.io"),
        ("${N:-acme/b}:1", "repository", "acme/b"),
        ("${I:-acme/b:1}", "reference", "acme/b:1"),
    ],
)
def test_pieces_say_which_part(image: str, part: str, text: str) -> None:
    (one,) = look({"compose.yml": f"services: {{a: {{image: '{image}'}}}}\n"})
    assert [(piece.part, piece.text) for piece in one.mention.pieces] == [(part, text)]


BUILD = """services:
  web:
    build:
      context: web
      dockerfile: docker/Dockerfile
      args:
        BASE: node:18
        VERSION: ${V:-3}
        BASE_TAG: "18"
        TITLE: "some text"
      cache_from:
        - acme/web:cache
        - type=registry,ref=acme/web:buildcache
        - type=gha
      cache_to: ["type=registry,ref=acme/web:buildcache,mode=max"]
      additional_contexts:
        base: docker-image://alpine:3.20
        src: ../src
      tags: ["acme/web:extra"]
"""


def test_what_builds_take() -> None:
    docker = "ARG BASE\nARG VERSION\nFROM ${BASE} AS a\nFROM python:${VERSION}\n"
    files = {"web/docker/Dockerfile": docker, "compose.yml": BUILD}
    assert [(one.value, one.kind, one.role) for one in look(files)] == [
        ("node:18", "compose-build-arg", "pull"),
        ("acme/web:cache", "compose-cache-from", "cache"),
        ("acme/web:buildcache", "compose-cache-from", "cache"),
        ("acme/web:buildcache", "compose-cache-from", "cache"),
        ("alpine:3.20", "compose-build-context", "pull"),
        ("acme/web:extra", "compose-image", "build-output"),
    ]
    given = {one.name: (one.dockerfile, one.value) for one in arguments(files)}
    assert given == {
        "BASE": ("web/docker/Dockerfile", "node:18"),
        "VERSION": ("web/docker/Dockerfile", "3"),
        "BASE_TAG": ("web/docker/Dockerfile", "18"),
        "TITLE": ("web/docker/Dockerfile", "some text"),
        "context:base": ("web/docker/Dockerfile", "docker-image://alpine:3.20"),
        "context:src": ("web/docker/Dockerfile", "../src"),
    }


def test_arguments_as_a_list_and_without_the_dockerfile() -> None:
    text = (
        "services:\n  a:\n    build:\n      args:\n"
        "        - BASE_IMAGE=node:18\n        - V=1\n        - HOME\n"
    )
    assert [(one.value, one.line) for one in look({"compose.yml": text})] == [("node:18", 5)]
    assert [(one.name, one.value) for one in arguments({"compose.yml": text})] == [
        ("BASE_IMAGE", "node:18"),
        ("V", "1"),
    ]


def test_a_dockerfile_inside() -> None:
    text = (
        "services:\n  a:\n    build:\n      args: {V: '3.20'}\n      dockerfile_inline: |\n"
        "        ARG V\n        FROM alpine:${V} AS one\n"
        "        FROM one\n        COPY --from=busybox:1 /x /y\n"
    )
    seen = look({"compose.yml": text})
    assert [(one.line, one.value) for one in seen] == [(7, "alpine:3.20"), (9, "busybox:1")]


def test_images_that_services_start_or_mount() -> None:
    text = (
        "services:\n  hub:\n    image: acme/hub:1\n    environment:\n"
        "      NOTEBOOK_IMAGE: acme/notebook:1\n      RUNNER_IMAGE: ${X:-acme/runner:2}\n"
        "    volumes: [{type: image, source: acme/data:3, target: /x}]\n"
        "models:\n  llm: {model: ai/smollm2}\n"
    )
    assert [(one.value, one.kind) for one in look({"compose.yml": text})] == [
        ("acme/hub:1", "compose-image"),
        ("acme/notebook:1", "compose-environment"),
        ("acme/runner:2", "compose-environment"),
        ("acme/data:3", "compose-volume-image"),
        ("ai/smollm2", "compose-model"),
    ]


def test_other_files_with_services_are_none() -> None:
    assert values({"services.yaml": "services:\n  App\\Foo:\n    arguments: ['x']\n"}) == []
    assert values({"a.yml": "services:\n  - image: x\n"}) == []


def test_broken_and_templated_files_fall_back_to_lines() -> None:
    text = "services:\n  web:\n   image: nginx:1\n  bad: [\n  db:\n    image: 'mysql:8'  # x\n"
    assert values({"docker-compose.yml": text}) == ["nginx:1", "mysql:8"]
    jinja = "services:\n{% for x in y %}\n  {{ x }}:\n    image: redis:{{ v }}\n{% endfor %}\n"
    assert values({"docker-compose.yml.j2": jinja}) == ["redis:_"]


def test_line_ends_and_marks_do_not_move_places() -> None:
    text = '\ufeffservices:\r\n  web:\r\n    image: "nginx:1"\r\n'
    (one,) = look({"compose.yml": text})
    assert (one.line, one.text) == (3, "nginx:1")


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="${}:-?+aZ./@ \n'\"#&*[]{}!|>", max_size=60))
def test_any_image_value_is_read(value: str) -> None:
    look({"compose.yml": f"services:\n  a:\n    image: {value}\n  b:\n    image: nginx:1\n"})
