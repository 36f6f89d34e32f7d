"""Env files, templates of YAML, parts of manifests, and lines without an end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders.line_rule import line_rule_mentions
from longshore.rewrite.finders.shape import is_certain, is_possible
from longshore.rewrite.source import read_source

from .trees import look, values

POD = "apiVersion: v1\nkind: Pod\n"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("POSTGRES_IMAGE=postgres:15", "postgres:15"),
        ("export APP_IMAGE='acme/app:1' # why", "acme/app:1"),
        ("IMAGE=quay.io/acme/app", "quay.io/acme/app"),
        ("IMAGE_NAME=acme/app", "acme/app"),
        ("DB_IMAGE=mysql", "mysql"),
        ("V=15\nDB_IMAGE=postgres:${V}", "postgres:15"),
        ("DOCKER_IMAGE=acme/app:${NOBODY}", "acme/app:_"),
        ("JAEGER=jaegertracing/all-in-one:1", "jaegertracing/all-in-one:1"),
        ("CACHE=redis", "redis"),
        ("TOOL=acme/tool:1", "acme/tool:1"),
    ],
)
def test_lines_that_hold_images(line: str, wanted: str) -> None:
    files = {
        "compose.yml": "services:\n  a:\n    image: ${JAEGER}\n  b:\n    image: $CACHE\n",
        "Makefile": "up:\n\tdocker run --rm $(TOOL) x\n",
        ".env": f"{line}\n",
    }
    assert [(one.value, one.kind, one.role) for one in look(files)] == [
        (wanted, "env-file", "pull")
    ]


@pytest.mark.parametrize(
    "line",
    [
        *("IMAGE_TAG=latest", "IMAGE_QUALITY=80", "IMAGE_DRIVER=gd", "IMAGE_HOST=cdn.example.com"),
        *("IMAGE_URL=https://example.com/a.png", "IMAGE_PATH=/data/x:y", "MAX_IMAGE_SIZE=10:20"),
        *("DATABASE_URL=postgres://u:p@db:5432/x", "REDIS=redis:6379", "HOSTS=web/a:80"),
        *("# DB_IMAGE=postgres:15", "CLOUD_IMAGE_FOLDER=acme/x", "USER=node:node", "IMAGE="),
        *("DEFAULT_IMAGE=${OTHER}", "LOGO_IMAGE=img/logo.png", "OTHER=acme/unused:1"),
        "BUILT=acme/app",
    ],
)
def test_lines_that_hold_none(line: str) -> None:
    files = {"compose.yml": "services:\n  a: {image: x, environment: {A: $REDIS}}\n"}
    assert values({**files, ".env": f"{line}\n"}) == []


def test_a_name_for_a_build_is_no_pull() -> None:
    text = "services:\n  a:\n    build: .\n    image: ${APP_IMAGE}\n"
    (one,) = look({"compose.yml": text, ".env": "APP_IMAGE=acme/app:1\n"})
    assert (one.role, one.mention.built) == ("build-output", True)


@pytest.mark.parametrize("path", [".env.example", "prod.env", ".env.prod", "env.sample", ".envrc"])
def test_names_of_env_files(path: str) -> None:
    assert values({path: "A_IMAGE=acme/a:1\n"}) == ["acme/a:1"]


@pytest.mark.parametrize("path", ["environment.py", "env.py", "src/env.ts", ".env.d.ts", "env.go"])
def test_code_is_no_env_file(path: str) -> None:
    assert all(one.kind != "env-file" for one in look({path: "A_IMAGE=acme/a:1\n"}))


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        ("roles/x/templates/app.yml.j2", "services: {a: {image: 'acme/{{ n }}:1'}}\n", "acme/_:1"),
        ("deploy.yaml.tmpl", f"{POD}x:\n  - image: redis\n", "redis"),
        ("pod.yaml.erb", f"{POD}x: {{image: 'nginx:<%= @t %>'}}\n", "nginx:_"),
        ("pod.yaml.tpl", f"{POD}x: {{image: '${{i}}'}}\n", ""),
        ("any.yml.j2", "{% if a %}\nimage: hero\n{% endif %}\n[\nimage: acme/b:1\n", "acme/b:1"),
        ("a.yml.j2", "- image: \"{{ web | default('acme/web:1') }}\"\n", "acme/web:1"),
        ("kustomization.yaml.tmpl", "images:\n- {name: a/b, newTag: {{ t }} }\n", "a/b:_"),
    ],
)
def test_templates_of_yaml(path: str, text: str, wanted: str) -> None:
    assert " ".join(values({path: text})) == wanted


def test_parts_that_stand_alone() -> None:
    pod = "spec:\n  template:\n    containers:\n    - name: a\n      image: acme/a\n"
    assert values({"patch.yaml": pod}) == ["acme/a"]
    one = "web:\n  image: {repository: acme/web, tag: '1'}\n"
    assert [(seen.value, seen.kind) for seen in look({"prod.yaml": one})] == [
        ("acme/web:1", "helm-values")
    ]


def test_the_line_rule_by_itself() -> None:
    file = read_source("x", b"image: acme/a:1\n- image: 'b/c' # d\nimage: {{ x }}\nimage: a b\n")
    assert file is not None
    assert [one.text for one in line_rule_mentions(file, "k8s-image")] == ["acme/a:1", "b/c"]


@pytest.mark.parametrize(
    ("text", "possible", "certain"),
    [
        ("nginx", True, False),
        ("nginx:1.25", True, False),
        ("acme/x", True, False),
        ("acme/x:1", True, True),
        ("docker.io/acme/x@sha256:" + "a" * 64, True, True),
        ("localhost:5000/x:1", True, True),
        ("x.png", False, False),
        ("a/b.tar.gz", False, False),
        ("https://x/y:1", False, False),
        ("/a/b:1", False, False),
        ("./a:1", False, False),
        ("~/a", False, False),
        ("1.25", False, False),
        ("true", False, False),
        ("Some/Thing", False, False),
        ("a b", False, False),
        ("a=b/c:1", False, False),
        ("", False, False),
    ],
)
def test_shapes(text: str, possible: bool, certain: bool) -> None:
    assert (is_possible(text), is_certain(text)) == (possible, certain)


LONG = {
    "compose.yml": "services:\n  a:\n    image: x\n    command: ",
    "values.yaml": "image: x\nb: ",
    "values.yaml.gotmpl": "image: x\nb: [ {{ ",
    "templates/a.tpl": "image: {{ ",
    "a.yaml": "apiVersion: v1\nkind: Pod\nimage: ",
    "b.yaml": "apiVersion: v1\nkind: Pod\nx: [\n- image: ",
    ".env": "A_IMAGE=",
    "kustomization.yaml": "images: [",
    "x.yml.j2": "image: x\n{% ",
}


@pytest.mark.parametrize("path", list(LONG))
@pytest.mark.parametrize("unit", ["a", "a/", "{{ ", "{{ a }}", ", image: x", '"', "${a:-", "<a"])
def test_places_in_one_very_long_line(path: str, unit: str) -> None:
    text = LONG[path] + unit * (10_000 // len(unit)) + "\n"
    assert all(len(one.text) <= len(text) for one in look({path: text}))  # `look` checks places


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(LONG)),
    st.text(alphabet="image: \n{}[]%\"'/a1-$#<>|&*.V", max_size=120),
)
def test_anything_is_read(path: str, text: str) -> None:
    look({path: text})
    look({path: LONG[path] + text})
