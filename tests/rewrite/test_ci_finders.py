"""Images in the pipelines of CI systems: what is found, at which line, with which value."""

from __future__ import annotations

import textwrap

import pytest

from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import read_source
from tests.rewrite.found import found, mentions, tree_of

GITLAB = """\
image: "ruby:3.2"
services:
  - postgres:15
  - name: redis:$REDIS
    alias: cache
variables:
  REDIS: "7"
  PY: {value: "python:3.11", description: base}
  UNUSED_IMAGE: grafana/grafana:10
.node: &node
  image: node:$V
a: {extends: .node, variables: {V: "18"}, script: [npm ci]}
b: {<<: *node, variables: {V: "20"}, script: [npm ci]}
c:
  image: {name: "$PY", entrypoint: [""]}
  services: [!reference [.node, services], "docker:24-dind"]
  script:
    - IMG=alpine:3.19
    - docker run --rm $IMG true
d:
  image: $CI_REGISTRY_IMAGE/app:$CI_COMMIT_SHA
  script: [docker push "$CI_REGISTRY_IMAGE/app"]
e:
  image: $IMAGE
  parallel: {matrix: [{IMAGE: ["debian:12", "fedora:40"]}]}
  script: [make]
f: {image: "${CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX}/golang:1.22", script: [go test]}
g: {image: "acme/tool:${CI_COMMIT_TAG}", script: [x]}
"""


def test_gitlab() -> None:
    assert found(".gitlab-ci.yml", GITLAB) == [
        "1 pull ruby:3.2",
        "3 pull postgres:15",
        "4 pull redis:$REDIS = redis:7",
        "9 pull grafana/grafana:10",
        "11 pull node:$V = node:?",
        "15 pull $PY = python:3.11",
        "16 pull docker:24-dind",
        "19 pull $IMG = alpine:3.19",
        "21 pull $CI_REGISTRY_IMAGE/app:$CI_COMMIT_SHA = registry.?/?/app:?",
        "22 push $CI_REGISTRY_IMAGE/app = registry.?/?/app",
        "25 pull debian:12",
        "25 pull fedora:40",
        "27 pull ${CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX}/golang:1.22"
        " = dependency-proxy.?/?/golang:1.22",
        "28 pull acme/tool:${CI_COMMIT_TAG} = acme/tool:?",
    ]


def test_gitlab_pieces_and_times() -> None:
    by_text = {one.text: one for one in mentions(".gitlab-ci.yml", GITLAB)}
    assert [piece.text for piece in by_text["$PY"].pieces] == ["python:3.11"]
    assert by_text["node:$V"].pieces == ()
    assert by_text["node:$V"].times == 2
    assert by_text["postgres:15"].times == 7


def test_gitlab_includes_share_variables_and_templates() -> None:
    root = """\
        include:
          - local: /ci/*.yml
          - project: other/group
        variables: {BASE: "golang:1.22"}
        """
    part = "job:\n  image: $BASE\n  script: [go test]\nnot_a_job: {image: logo.png}\n"
    others = {".gitlab-ci.yml": textwrap.dedent(root)}
    assert found("ci/build.yml", part, others) == ["2 pull $BASE = golang:1.22"]
    assert found("ci/other.txt.yml", "a: {image: 'redis:7', script: [x]}\n", others) == [
        "1 pull redis:7"
    ]


def test_gitlab_component_with_inputs() -> None:
    text = """\
        spec:
          inputs:
            image: {default: "alpine:3.20"}
        ---
        lint:
          stage: test
          image: $[[ inputs.image ]]
          script:
            - docker run $[[ inputs.image ]] x
        """
    assert found("templates/lint.yml", textwrap.dedent(text)) == [
        "7 pull $[[ inputs.image ]] = alpine:3.20",
        "9 pull $[[ inputs.image ]] = alpine:3.20",
    ]


CIRCLE = """\
version: 2.1
parameters: {base: {type: string, default: "cimg/base:2024.01"}}
orbs:
  docker: circleci/docker@2.1
  own: {executors: {e: {docker: [{image: "cimg/go:1.21"}]}}}
x: &defaults
  docker:
    - image: circleci/ruby:2.7-node
    - {image: "postgres:<< parameters.pg >>", name: db}
executors:
  py:
    parameters: {tag: {type: string, default: "3.11"}}
    docker: [{image: "cimg/python:<< parameters.tag >>"}, {image: "<<pipeline.parameters.base>>"}]
jobs:
  vm:
    machine: {image: "ubuntu-2204:current"}
    steps: [{run: docker run nginx:1.25}, setup_remote_docker]
  one:
    <<: *defaults
    steps: [checkout]
  two:
    parameters: {image: {type: string}}
    docker: [{image: << parameters.image >>}]
    steps:
      - run: {name: x, command: "docker run --rm << parameters.image >> true"}
  three:
    parameters: {img: {type: string}}
    docker: [{image: << parameters.img >>}]
workflows:
  w:
    jobs:
      - two: {image: "node:18"}
      - three: {matrix: {parameters: {img: ["alpine:3", "debian:12"]}}}
      - docker/publish: {image: acme/shop}
      - docker/publish: {image: acme/shop, registry: quay.io}
"""


def test_circleci() -> None:
    assert found(".circleci/config.yml", CIRCLE) == [
        "5 pull cimg/go:1.21",
        "8 pull circleci/ruby:2.7-node",
        "9 pull postgres:<< parameters.pg >> = postgres:?",
        "13 pull cimg/python:<< parameters.tag >> = cimg/python:3.11",
        "13 pull <<pipeline.parameters.base>> = cimg/base:2024.01",
        "17 pull nginx:1.25",
        "23 pull << parameters.image >> = node:18",
        "25 pull << parameters.image >> = node:18",
        "33 pull alpine:3",
        "33 pull debian:12",
        "34 push acme/shop",
        "35 push acme/shop = quay.io/acme/shop",
    ]


SAMPLES: dict[str, tuple[str, str, list[str]]] = {
    "drone": (
        ".drone.yml",
        """\
        kind: pipeline
        type: docker
        name: default
        steps:
        - name: test
          image: golang:1.21
          commands: [go test, docker pull redis]
        - name: publish
          image: plugins/docker
          settings: {repo: acme/shop, cache_from: ["acme/shop:latest"]}
        - image: plugins/docker:20
          settings: {repo: registry.example.com/shop, registry: registry.example.com}
        services:
        - {name: db, image: "mysql:${V}"}
        ---
        kind: secret
        name: x
        """,
        [
            "6 pull golang:1.21",
            "7 pull redis",
            "9 pull plugins/docker",
            "10 push acme/shop",
            "10 cache acme/shop:latest",
            "11 pull plugins/docker:20",
            "12 push registry.example.com/shop",
            "14 pull mysql:${V} = mysql:?",
        ],
    ),
    "drone-old": (
        ".drone.yml",
        """\
        pipeline:
          build: {image: "golang:1.8", commands: [go build]}
          publish: {image: plugins/docker, repo: acme/shop}
        services:
          db: {image: "postgres:9"}
        """,
        [
            "2 pull golang:1.8",
            "3 pull plugins/docker",
            "3 push acme/shop",
            "5 pull postgres:9",
        ],
    ),
    "woodpecker": (
        ".woodpecker/build.yml",
        """\
        variables: [&go "golang:1.22"]
        matrix: {IMAGE: ["node:18", "node:20"], V: [6, 7]}
        steps:
          a: {image: *go, commands: [x]}
          b: {image: "${IMAGE}"}
          c: {image: "redis:${V}"}
          d:
            image: woodpeckerci/plugin-docker-buildx
            settings: {repo: "acme/a,quay.io/acme/a"}
        """,
        [
            "1 pull golang:1.22",
            "2 pull node:18",
            "2 pull node:20",
            "6 pull redis:${V} = redis:?",
            "8 pull woodpeckerci/plugin-docker-buildx",
            "9 push acme/a",
            "9 push quay.io/acme/a",
        ],
    ),
    "cloudbuild": (
        "cloudbuild.yaml",
        """\
        steps:
        - name: gcr.io/cloud-builders/docker
          args: [build, -t, "gcr.io/$PROJECT_ID/app:$SHORT_SHA", .]
        - {name: "node:$_V", entrypoint: npm, args: [ci]}
        - {name: docker, args: [run, --rm, "nginx:1"]}
        - {name: ubuntu, entrypoint: bash, args: [-c, "docker pull acme/app:latest || exit 0"]}
        - {name: "gcr.io/kaniko-project/executor", args: ["--destination=acme/app"]}
        images: ["gcr.io/$PROJECT_ID/app"]
        substitutions: {_V: "18"}
        """,
        [
            "2 pull gcr.io/cloud-builders/docker",
            "3 build-output gcr.io/$PROJECT_ID/app:$SHORT_SHA = gcr.io/?/app:?",
            "4 pull node:$_V = node:18",
            "5 pull docker",
            "5 pull nginx:1",
            "6 pull ubuntu",
            "6 pull acme/app:latest",
            "7 pull gcr.io/kaniko-project/executor",
            "7 push acme/app",
            "8 push gcr.io/$PROJECT_ID/app = gcr.io/?/app",
        ],
    ),
    "azure": (
        "azure-pipelines.yml",
        """\
        trigger: [main]
        pool: {vmImage: ubuntu-latest}
        resources:
          containers:
          - {container: py, image: "python:3.8", endpoint: hub}
          - {container: own, type: ACR, repository: team/app}
          - {container: db, image: "postgres:15"}
        variables: {tag: "16"}
        jobs:
        - job: a
          strategy: {matrix: {x: {img: "ubuntu:22.04"}, y: {img: "centos:7"}}}
          container: $[ variables['img'] ]
          services: {db: db, cache: "redis:7"}
          steps:
          - script: docker run --rm nginx:$(tag)
          - task: Docker@2
            inputs: {command: buildAndPush, repository: team/shop, containerRegistry: conn}
        - job: b
          container: py
        - job: c
          container: {image: "node:$(tag)", options: --init}
        - job: d
          container: alpine
        """,
        [
            "5 pull python:3.8",
            "6 pull team/app = ?.azurecr.io/team/app",
            "7 pull postgres:15",
            "11 pull ubuntu:22.04",
            "11 pull centos:7",
            "13 pull redis:7",
            "15 pull nginx:$(tag) = nginx:16",
            "17 push team/shop = ?/team/shop",
            "21 pull node:$(tag) = node:16",
            "23 pull alpine",
        ],
    ),
    "azure-template": (
        "eng/templates/build.yml",
        """\
        parameters:
        - {name: image, type: string, default: "mcr.microsoft.com/build:1"}
        jobs:
        - job: x
          displayName: X
          container: linux_x64
        - job: y
          container: ${{ parameters.image }}
          steps:
          - template: steps.yml
        """,
        ["8 pull ${{ parameters.image }} = mcr.microsoft.com/build:1"],
    ),
    "buildkite": (
        ".buildkite/pipeline.yml",
        """\
        env: {N: "18"}
        steps:
        - command: docker run alpine:3
          plugins:
          - docker#v5.9.0: {image: "node:${N}", environment: [A]}
          - docker-compose#v4.0.0: {push: ["app:acme/app:latest", "b:reg.example:5000/x:1"]}
          - "https://github.com/buildkite-plugins/docker-buildkite-plugin.git#v1": {image: "go:1"}
          - artifacts#v1.9: {upload: x}
        - group: g
          steps:
          - command: [make]
            matrix: ["3.8", "3.9"]
            plugins:
            - docker#v5: {image: "python:{{matrix}}"}
            - kubernetes: {podSpec: {containers: [{image: "busybox:1"}]}}
        """,
        [
            "3 pull alpine:3",
            "5 pull node:${N} = node:18",
            "6 push acme/app:latest",
            "6 push reg.example:5000/x:1",
            "7 pull go:1",
            "14 pull python:{{matrix}} = python:?",
            "15 pull busybox:1",
        ],
    ),
    "bitbucket": (
        "bitbucket-pipelines.yml",
        """\
        image: {name: "node:18", username: $USER}
        definitions:
          services: {pg: {image: "postgres:13"}, docker: {memory: 1024}}
          steps: [{step: &test {name: test, image: "python:3", script: [make]}}]
        pipelines:
          default:
          - step: *test
          - parallel:
            - step:
                image: $ORG/base:1
                script:
                - docker pull redis:7
                - pipe: docker://acme/pipe:1
                - pipe: atlassian/aws-s3-deploy:1.1.0
        """,
        [
            "1 pull node:18",
            "3 pull postgres:13",
            "4 pull python:3",
            "10 pull $ORG/base:1 = ?/base:1",
            "12 pull redis:7",
            "13 pull acme/pipe:1",
        ],
    ),
    "semaphore": (
        ".semaphore/semaphore.yml",
        """\
        version: v1.0
        agent:
          machine: {type: e1-standard-2, os_image: ubuntu2004}
          containers: [{name: main, image: "ruby:2.7"}]
        blocks:
        - task: {jobs: [{commands: [docker run --rm node:18]}]}
        """,
        ["4 pull ruby:2.7", "6 pull node:18"],
    ),
    "travis": (
        ".travis.yml",
        "language: go\nservices: [docker]\nscript:\n  - docker run --rm golang:1.20 go test\n",
        ["4 pull golang:1.20"],
    ),
    "appveyor": (
        "appveyor.yml",
        "image: Visual Studio 2022\nbuild_script:\n  - sh: docker pull redis:7\n",
        ["3 pull redis:7"],
    ),
    "codefresh": (
        "codefresh.yml",
        "version: '1.0'\nsteps:\n  t: {image: 'node:18', commands: [docker pull redis:7]}\n"
        "  b: {type: build, image_name: acme/app}\n",
        ["3 pull node:18", "3 pull redis:7"],
    ),
    "codefresh specification": (
        "codefresh/release.yml",
        "version: '1.0'\nkind: pipeline\nspec:\n  steps:\n    a: {image: 'node:18'}\n",
        ["5 pull node:18"],
    ),
    "screwdriver": (
        "screwdriver.yaml",
        "shared: {image: 'node:18'}\njobs: {main: {image: 'go:1', steps: [{t: npm ci}]}}\n",
        ["1 pull node:18", "2 pull go:1"],
    ),
    "buddy": (
        "buddy.yml",
        "- pipeline: x\n  actions:\n  - {docker_image_name: library/node, docker_image_tag: 18}\n",
        ["3 pull library/node = library/node:18"],
    ),
    "concourse": (
        "ci/pipeline.yml",
        """\
        resource_types:
        - {name: slack, type: registry-image, source: {repository: acme/slack, tag: "1"}}
        resources:
        - {name: img, type: registry-image, source: {repository: acme/app, tag: ((t))}}
        - {name: git, type: git, source: {uri: x}}
        jobs:
        - name: j
          plan:
          - put: img
          - task: t
            config:
              image_resource: {type: docker-image, source: {repository: golang}}
              platform: linux
        """,
        [
            "2 pull acme/slack = acme/slack:1",
            "4 push acme/app = acme/app:?",
            "12 pull golang",
        ],
    ),
    "taskcluster": (
        ".taskcluster.yml",
        "tasks:\n  - payload: {image: 'node:18', command: [x]}\n",
        ["2 pull node:18"],
    ),
    "teamcity": (
        ".teamcity/settings.kts",
        'script {\n  dockerImage = "gradle:7-jdk17"\n  // dockerImage = "old:1"\n}\n',
        ["2 pull gradle:7-jdk17"],
    ),
    "pre-commit": (
        ".pre-commit-config.yaml",
        """\
        repos:
        - repo: local
          hooks:
          - {id: a, language: docker_image, entry: "hadolint/hadolint:v2 hadolint"}
          - id: b
            language: docker_image
            entry: --entrypoint /bin/x -e A=b koalaman/shellcheck:v0.9
          - {id: c, language: system, entry: node server.js}
          - {id: d, language: docker, entry: run}
        """,
        ["4 pull hadolint/hadolint:v2", "7 pull koalaman/shellcheck:v0.9"],
    ),
    "gitlab-runner": (
        "etc/config.toml",
        '[[runners]]\n  [runners.docker]\n    image = "alpine:latest"\n    # image = "x:1"\n',
        ["3 pull alpine:latest"],
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_found(name: str) -> None:
    path, text, expected = SAMPLES[name]
    assert found(path, textwrap.dedent(text)) == expected


NOTHING = {
    "circle machine": (".circleci/config.yml", "jobs: {a: {machine: {image: 'ubuntu:2204'}}}\n"),
    "drone exec": (".drone.yml", "kind: pipeline\ntype: exec\nsteps: [{commands: [make]}]\n"),
    "azure pool": ("azure-pipelines.yml", "pool: {vmImage: 'ubuntu:22'}\nsteps: [{script: ls}]\n"),
    "azure alias": ("p.yml", "jobs: [{job: a, pool: x, container: c1}]\n# vmImage\n"),
    "gitlab empty": (".gitlab-ci.yml", "image:\nservices: []\na: {image: '', script: [x]}\n"),
    "gitlab trigger names": (".gitlab-ci.yml", "a: {environment: {name: review/app}, script: x}\n"),
    "buildkite others": (".buildkite/p.yml", "steps: [{plugins: [{cache#v1: {image: 'a:1'}}]}]\n"),
    "pre-commit remote": (
        ".pre-commit-config.yaml",
        "repos: [{repo: 'https://x/docker_image', hooks: [{id: node}]}]\n",
    ),
    "travis image key": (".travis.yml", "image: 'foo:1'\nscript: make docker\n"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_not_found(name: str) -> None:
    assert found(*NOTHING[name]) == []


def test_templates_of_pipelines_are_read_past_their_expressions() -> None:
    text = """\
        {% if cookiecutter.ci %}
        image: python:{{ cookiecutter.python }}
        {% endif %}
        test:
          services: ["postgres:15"]
          script:
            - docker run node:{{ cookiecutter.node }} true
        """
    assert found("{{cookiecutter.x}}/.gitlab-ci.yml", textwrap.dedent(text)) == [
        "2 pull python:{{ cookiecutter.python }} = python:?",
        "5 pull postgres:15",
        "7 pull node:{{ cookiecutter.node }} = node:?",
    ]


@pytest.mark.parametrize("written", ["python:3.12", "mirror.example/python:3.12"])
def test_a_pipeline_as_it_is_given_not_as_the_tree_holds_it(written: str) -> None:
    path, text = ".gitlab-ci.yml", "include: {local: b.yml}\na: {image: IMAGE, script: [make]}\n"
    tree = tree_of({path: text.replace("IMAGE", "python:3.12"), "b.yml": "b: {script: [make]}\n"})
    file = read_source(path, text.replace("IMAGE", written).encode())
    assert file is not None
    said = sightings(file, tree, finders_for(path))
    assert [one.text for one in said if isinstance(one, Mention)] == [written]
