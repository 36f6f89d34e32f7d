"""Helm values, charts, templates, unit tests and helmfiles."""

from __future__ import annotations

import re
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .trees import look, values

CASES = """
nginx:1.25
    image: nginx:1.25
acme/shop:1
    image: {repository: acme/shop, tag: "1"}
docker.io/acme/shop:1
    image: {registry: docker.io, repository: acme/shop, tag: "1", pullPolicy: Always}
docker.io/acme/shop:1@sha256:DIGEST
    image: {registry: docker.io, repository: acme/shop, tag: "1", digest: "sha256:DIGEST"}
acme/shop@sha256:DIGEST
    image: {repository: acme/shop, sha: DIGEST}
acme/shop@sha256:DIGEST
    image: {repository: acme/shop, tag: "sha256:DIGEST"}
acme/shop:_
    image: {repository: acme/shop, tag: ""}
acme/shop:_
    image: {repository: acme/shop}
acme/shop:3
    image: {name: acme/shop, tag: "3"}
acme/shop:3
    web: {image: {repo: acme/shop, tag: "3"}}
acme/web:2 acme/api:3
    web: {repository: acme/web, tag: "2"}
    api: {repository: acme/api, tag: "3", pullPolicy: Always}
acme/x:2
    imageRepository: acme/x
    imageTag: "2"
acme/x:2
    image: acme/x
    tag: "2"
acme/x:2 busybox:1.36 redis:7
    image: acme/x
    imageTag: "2"
    initImage: busybox:1.36
    cacheImage: redis
    cacheImageTag: "7"
quay.io/acme/x:1
    imageRegistry: quay.io
    image: {repository: acme/x, tag: "1"}
my.reg/acme/x:1 my.reg/y:2 gcr.io/z:3
    global: {imageRegistry: my.reg}
    image: {registry: docker.io, repository: acme/x, tag: "1"}
    side: {image: {repository: y, tag: "2"}}
    other: {image: {repository: gcr.io/z, tag: "3"}}
acme/x:1
    global: {imageRegistry: ""}
    image: {repository: acme/x, tag: "1"}
docker.io/istio/pilot:1.20
    global: {hub: docker.io/istio, tag: "1.20"}
    pilot: {image: pilot}
reg.io/a:1 reg.io/b:1
    images:
      registry: reg.io
      tag: "1"
      one: {repository: a}
      two: {repository: b}
acme/x:1 acme/y
    images: {one: "acme/x:1", two: acme/y, pullPolicy: IfNotPresent}
acme/x:1
    images: {tags: {test: "acme/x:1"}, local_registry: {active: false}}
acme/side:1 busybox
    extraContainers: [{name: a, image: "acme/side:1"}]
    extraInitContainers: |
      - name: b
        image: busybox
      - name: c
        image: "{{ .Values.x }}"
acme/env:1
    env: [{name: SIDE_IMAGE, value: "acme/env:1"}, {name: DB, value: "db/x:5432"}]
acme/arg:1
    extraArgs: [--side-image=acme/arg:1]
acme/x:_
    image: {repository: acme/x, tag: "{{ .Chart.AppVersion }}"}
quay.io/strimzi/operator:9 quay.io/strimzi/kafka:9
    defaultImageRegistry: quay.io
    defaultImageRepository: strimzi
    defaultImageTag: "9"
    image: {registry: "", repository: "", name: operator, tag: ""}
    kafka: {image: {registry: "", repository: "", name: kafka, tagPrefix: ""}}
nvcr.io/nvidia/driver:5
    driver: {repository: nvcr.io/nvidia, image: driver, version: "5"}
quay.io/csi/attacher:2 quay.io/csi/driver:3 busybox:1
    baseRepo: quay.io/acme
    sidecars:
      baseRepo: quay.io/csi
      images: {one: {image: attacher, tag: "2"}, two: {image: driver, tag: "3"}}
    init: {image: busybox, tag: "1"}
acme/web:_ acme/api:7
    global: {image: {repository: acme, name: , tag: "5"}}
    web: {image: {name: web}}
    api: {image: {name: api, tag: "7"}}
registry-1.docker.io/acme/x:1
    image: {repository: registry-1.docker.io/acme/x, tag: "1"}
""".replace("DIGEST", "b" * 64)


def cases() -> list[tuple[str, str]]:
    """Wanted values and body of each case."""
    found = []
    for block in re.split(r"\n(?=\S)", CASES.strip()):
        head, _, body = block.partition("\n")
        found.append((head, textwrap.dedent(body) + "\n"))
    return found


@pytest.mark.parametrize(("wanted", "body"), cases())
def test_values(wanted: str, body: str) -> None:
    seen = look({"chart/values.yaml": body})
    assert " ".join(one.value for one in seen) == wanted
    assert {(one.kind, one.role, one.mention.pulled) for one in seen} == {
        ("helm-values", "pull", "node")
    }


@pytest.mark.parametrize(
    "body",
    [
        "image: {}",
        "image: ''",
        "image: {repository: '', tag: x}",
        "image: {repository: '{{ .Values.x }}', tag: x}",
        "image: true",
        "imagePullSecrets: [{name: acme/x}]",
        "image: {pullPolicy: IfNotPresent, pullSecrets: [x]}",
        "git: {repository: acme/code, branch: main, tag: v1}",
        "git: {repository: 'https://github.com/a/b.git', tag: v1, pullPolicy: x}",
        "chart: {repository: 'https://charts.example.com', version: '1'}",
        "backup: {repository: 's3:https://x/y', tag: daily}",
        "restic: {repository: /data/x, tag: daily}",
        "logo: {image: acme/logo}",
        "theme: {image: logo.png}",
        "imageTag: '1.2'",
        "image: {tag: '1.2'}",
        "# image: nginx:1\nx: 1",
        "service: {name: db, port: 5432}\nhost: 'db:5432'",
        "podLabels: {image: nginx}",
        "global: {imageRegistry: docker.io}",
    ],
)
def test_no_images_in_values(body: str) -> None:
    assert values({"values.yaml": body + "\n"}) == []


@pytest.mark.parametrize(
    "path",
    [
        *("values.yaml", "values-prod.yml", "prod.values.yaml", "ci/ct-values.yaml"),
        *("values.yaml.gotmpl", "values.yaml.example", "envs/prod.yaml"),
    ],
)
def test_names_of_values_files(path: str) -> None:
    text = "image:\n  repository: acme/x\n  tag: '1'\n"
    assert [(one.line, one.value, one.kind) for one in look({path: text})] == [
        (2, "acme/x:1", "helm-values")
    ]


def test_pieces_are_the_keys() -> None:
    text = "image:\n  registry: docker.io\n  repository: acme/x # it\n  tag: '1'\n"
    (one,) = look({"values.yaml": text})
    assert (one.line, one.text) == (3, "acme/x")
    assert [(piece.part, piece.text) for piece in one.mention.pieces] == [
        ("registry", "docker.io"),
        ("repository", "acme/x"),
        ("tag", "1"),
    ]


CHART = """apiVersion: v2
name: shop
appVersion: "2.0.1"
annotations:
  artifacthub.io/images: |
    - name: shop
      image: docker.io/acme/shop:2.0.1
dependencies:
- name: redis
  version: 18.1.0
  repository: oci://registry-1.docker.io/bitnamicharts
- name: common
  version: 2.x.x
  repository: oci://registry-1.docker.io/bitnamicharts
- {name: other, version: "1", repository: "https://charts.example.com"}
- {name: local, version: "1", repository: "file://../local"}
"""


def test_charts() -> None:
    assert [(one.line, one.value, one.kind) for one in look({"chart/Chart.yaml": CHART})] == [
        (7, "docker.io/acme/shop:2.0.1", "helm-chart-images"),
        (11, "registry-1.docker.io/bitnamicharts/redis:18.1.0", "helm-chart-oci"),
        (14, "registry-1.docker.io/bitnamicharts/common:_", "helm-chart-oci"),
    ]


TEMPLATE = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" . }}
  labels:
    {{- include "shop.labels" . | nindent 4 }}
spec:
  containers:
    - name: web
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
    {{- if .Values.side.enabled }}
    - name: side
      image: quay.io/{{ .Values.side.repo }}:{{ .Values.side.tag }}
    {{- end }}
    - name: odd
      image: {{ .Values.odd.picture }}
    - name: literal
      image: busybox:1.36
    - name: partly
      image: nginx:{{ .Values.nginxTag }}
    - name: fixed
      image: {{ .Values.reg }}/acme/fixed:1
    - name: unknown
      image: {{ .Values.nobody }}/acme/unknown:{{ .Values.nobody }}
      # image: commented:1
    - name: default
      image: {{ .Values.absent | default "acme/default:1" }}
    - name: set
      image: {{ .Values.odd.picture | default "acme/default:2" }}
    - name: tag
      image: {{ .Values.absent }}:{{ .Values.absent | default "1.2:3" }}
"""
VALUES = """image: {repository: acme/shop, tag: ""}
side: {repo: acme/side, tag: v3}
odd: {picture: "acme/odd:4"}
nginxTag: "1.25"
reg: docker.io
sub: {image: {repository: acme/sub, tag: ""}}
"""
FILES = {
    "chart/Chart.yaml": CHART,
    "chart/templates/web.yaml": TEMPLATE,
    "chart/values.yaml": VALUES,
}


def test_templates_say_how_values_are_used() -> None:
    assert [(one.line, one.text, one.value) for one in look(FILES)] == [
        (1, "acme/shop", "acme/shop:2.0.1"),
        (2, "acme/side", "quay.io/acme/side:v3"),
        (3, "acme/odd:4", "acme/odd:4"),
        (6, "acme/sub", "acme/sub:2.0.1"),
    ]


def test_bare_names_are_the_ends_that_templates_make_them() -> None:
    template = 'image: {{ include "x" . }}/{{ .Values.web.image }}:{{ .Values.web.tag }}\n'
    files = {
        "c/Chart.yaml": "name: c\n",
        "c/templates/a.yaml": template,
        "c/values.yaml": "web: {image: web, tag: '1'}\n",
    }
    assert values(files) == ["_/web:1"]


def test_other_values_files_leave_the_charts_own_values() -> None:
    template = "image: {{ .Values.global.reg }}/{{ .Values.web.image }}:{{ .Values.web.tag }}\n"
    files = {
        "c/Chart.yaml": "name: c\n",
        "c/templates/a.yaml": template,
        "c/values.yaml": "global: {reg: quay.io/acme}\nweb: {image: web, tag: '1'}\n",
        "c/ci/values-two.yaml": "web: {image: other}\n",
    }
    assert values(files) == ["quay.io/acme/other:1"]


def test_templates_name_what_is_literal() -> None:
    seen = look(FILES, "chart/templates/web.yaml")
    assert [(one.line, one.text, one.value) for one in seen] == [
        (18, "busybox:1.36", "busybox:1.36"),
        (20, "nginx:{{ .Values.nginxTag }}", "nginx:1.25"),
        (22, "{{ .Values.reg }}/acme/fixed:1", "docker.io/acme/fixed:1"),
        (
            24,
            "{{ .Values.nobody }}/acme/unknown:{{ .Values.nobody }}",
            "_/acme/unknown:_",
        ),
        (27, "acme/default:1", "acme/default:1"),
    ]
    assert {one.kind for one in seen} == {"k8s-image"}


def test_templates_that_no_parser_reads() -> None:
    text = (
        '{{- define "x" -}}\nspec:\n  - image: acme/a:1\n    "image": "acme/b:2"\n'
        '  - image: "{{ .Values.image }}"\n   bad: [\n  - image: nginx:{{ .Values.t }} # tag\n'
        "  - image: {{ if .x }}acme/c{{ end }}\n  # image: acme/d\n  imagePullPolicy: Always\n"
        "  sidecarImage: acme/e:3\n  backgroundImage: hero\n  - { name: f, image: acme/f:1 }\n"
    )
    wanted = ["acme/a:1", "acme/b:2", "nginx:_", "acme/e:3", "acme/f:1"]
    assert values({"templates/_pod.tpl": text}) == wanted
    assert values({"chart/templates/pod.yaml": text}) == wanted


def test_unit_tests_of_charts() -> None:
    text = """suite: web
templates: [web.yaml]
tests:
  - it: works
    set:
      image.repository: acme/set
      image.tag: "1"
      side: {image: {repository: acme/side, tag: "2"}}
    asserts:
      - equal:
          path: spec.template.spec.containers[0].image
          value: acme/set:1
      - equal: {path: metadata.name, value: "acme/no:1"}
      - contains:
          path: spec.containers
          content: {name: x, image: "acme/x:3"}
"""
    assert [(one.line, one.value, one.kind) for one in look({"c/tests/web_test.yaml": text})] == [
        (6, "acme/set:1", "helm-unittest"),
        (8, "acme/side:2", "helm-unittest"),
        (12, "acme/set:1", "helm-unittest"),
        (16, "acme/x:3", "helm-unittest"),
    ]


def test_helmfiles() -> None:
    text = """repositories:
  - {name: bitnami, url: registry-1.docker.io/bitnamicharts, oci: true}
  - {name: other, url: "https://charts.example.com"}
releases:
  - name: {{ .Environment.Name }}
    chart: bitnami/redis
    version: 18.1.0
    values:
      - image: {repository: acme/redis, tag: "7"}
      - prod.yaml
    set:
      - {name: side.image, value: "acme/side:1"}
  - {name: b, chart: other/nginx}
  - {name: c, chart: "oci://docker.io/acme/charts/web", version: 1.0.0}
{{ if .x }}
{{ end }}
"""
    assert [(one.line, one.value) for one in look({"helmfile.yaml": text})] == [
        (6, "registry-1.docker.io/bitnamicharts/redis:18.1.0"),
        (9, "acme/redis:7"),
        (12, "acme/side:1"),
        (14, "docker.io/acme/charts/web:1.0.0"),
    ]


def test_values_that_no_parser_reads() -> None:
    text = (
        "image:\n  repository: acme/x\n  tag: {{ .Env }}\nbad: [\nside:\n  image: acme/y:1\n"
        "git:\n  repository: https://x/y\n  tag: v1\n"
    )
    assert values({"values.yaml.gotmpl": text}) == ["acme/x:_", "acme/y:1"]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="{}.VI|\"'aZ1/:@ \n#&*[]!>-%$", max_size=80))
def test_any_values_and_templates_are_read(text: str) -> None:
    look({"values.yaml": f"image: {text}\na:\n  repository: {text}\n  tag: {text}\n"})
    look({**FILES, "chart/templates/x.yaml": f"a: {{{{ x }}}}\nimage: {text}\n"})
    look({"x.yml.j2": f"image: {text}\n{text}: {{{{ image }}}}"})
    look({"Chart.yaml": f"dependencies:\n- repository: oci://{text}\n  name: {text}\n"})
