"""Places that real trees showed: variables handed to commands, PowerShell steps, builders in Go."""

from __future__ import annotations

import textwrap

import pytest

from tests.rewrite.found import found

WORKFLOW = """\
on: push
env:
  TEST_IMAGE_NAME: shop:test
  BUILDKIT_SYNTAX: docker/dockerfile:1.9
jobs:
  windows:
    runs-on: windows-2022
    steps:
      - run: |
          & docker build `
            --build-arg X=1 `
            -t ${{ env.TEST_IMAGE_NAME }} .
      - shell: pwsh
        run: |
          $side = "redis:7"
          docker run -d $side
          docker run --rm `
            -v c:\\a:c:\\b `
            node:20-nanoserver cmd
  reusable:
    uses: acme/builder/.github/workflows/build.yml@v1
    with:
      meta-images: |
        acme/shop
"""
CASES = {
    "lists of folders": ("a.sh", "IMAGES=${1:-images/hub images/sample}\n", []),
    "lists of images": (
        "a.sh",
        'IMAGES="nginx acme/two:2 images/hub"\n',
        ["1 pull nginx", "1 pull acme/two:2"],
    ),
    "handed by name": (
        "a.sh",
        "$compose $arg BASE_IMAGE=acme/base:25.8 db\nmake BUILD_IMAGE='golang:1.22' X=b:1\n",
        ["1 pull acme/base:25.8", "2 pull golang:1.22"],
    ),
    "handed on": ("a.sh", 'make GO_IMAGE=$GO_IMAGE NODE_IMAGE="$NODE" IMG=a/b:1 IMAGE=c:1\n', []),
    "said": ("a.sh", "echo BASE_IMAGE=node:18; grep BASE_IMAGE=node:18 .env\n", []),
    "syntax": (
        "a.sh",
        'export BUILDKIT_SYNTAX="docker/dockerfile:1.10"\n',
        ["1 pull docker/dockerfile:1.10"],
    ),
    "workflow": (
        ".github/workflows/w.yml",
        WORKFLOW,
        [
            "3 pull shop:test",
            "4 pull docker/dockerfile:1.9",
            "12 build-output ${{ env.TEST_IMAGE_NAME }} = shop:test",
            "16 pull $side = redis:7",
            "19 pull node:20-nanoserver",
            "24 tag acme/shop",
        ],
    ),
    "azure": (
        "azure-pipelines.yml",
        """\
        steps:
          - pwsh: |
              $image = "acme/tool:1"
              docker pull $image
              docker run --rm `
                -v a:b `
                node:20 ls
        """,
        ["4 pull $image = acme/tool:1", "7 pull node:20"],
    ),
    "llb": (
        "build.go",
        """\
        import "github.com/moby/buildkit/client/llb"
        func f() { return llb.Image("alpine:latest").Run(x) }
        var name = other.Image("not/this:1")
        """,
        ["2 pull alpine:latest"],
    ),
    "docker for Python": (
        "run.py",
        "import docker\nspec = docker.types.ContainerSpec(image='acme/ssd', args=['a:b'])\n",
        ["2 pull acme/ssd"],
    ),
    "tests of a chart, of any name": (
        "charts/a/tests/web.yaml",
        """\
        tests:
          - set: {image: {repository: acme/web, tag: v2}}
            asserts:
              - equal: {path: "spec.containers[0].image", value: "acme/web:v2"}
        """,
        ["2 pull acme/web = acme/web:v2", "4 pull acme/web:v2"],
    ),
    "no tests of a chart": ("tests/data.yaml", "tests: [{image: 1}]\nname: acme/web:1\n", []),
    "Argo CD without a scheme": (
        "app.yaml",
        """\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        spec: {source: {repoURL: r.example/charts, chart: valkey, targetRevision: 1.2.3}}
        """,
        ["3 pull r.example/charts = r.example/charts/valkey:1.2.3"],
    ),
    "Nomad packs": (
        "packs/web/templates/web.nomad.tpl",
        """\
        job [[ template "job_name" . ]] {
          group "web" {
            task "nginx" {
              driver = "docker"
              config { image = "nginx:[[ var "version_tag" . ]]" }
            }
          }
        }
        """,
        ['5 pull nginx:[[ var "version_tag" . ]] = nginx:?'],
    ),
    "Concourse tasks with types of their own names": (
        "ci/task.yml",
        """\
        platform: linux
        image_resource:
          type: registry-image-resource
          source: {repository: ubuntu, tag: jammy}
        """,
        ["4 pull ubuntu = ubuntu:jammy"],
    ),
    "Dockerfile templates": (
        "Dockerfile.j2",
        "FROM {{ base }} AS a\nCOPY --from=tools /x /x\nCOPY --from=acme/tools:1 /x /x\n",
        ["3 pull acme/tools:1"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_places(name: str) -> None:
    path, text, expected = CASES[name]
    said = found(path, textwrap.dedent(text))
    assert said == expected


def test_build_arguments_of_inline_dockerfiles() -> None:
    text = 'target "a" {\n  dockerfile-inline = <<EOT\nFROM node:20 AS x\nFROM x\nEOT\n}\n'
    assert found("docker-bake.hcl", text) == ["3 pull node:20"]
