"""Terraform, Bake, Nomad, Packer: what is an image, and what only looks like one."""

from __future__ import annotations

import pytest

from longshore.rewrite.finders import bake
from longshore.rewrite.mentions import BuildArgument
from tests.rewrite.found import found, mentions, tree_of

DOCKER = """\
resource "docker_image" "nginx" {
  name = "nginx:latest"
}
resource "docker_image" "own" {
  name = "shop"
  build { context = "." }
}
resource "docker_container" "web" {
  image = docker_image.nginx.image_id
}
resource "docker_container" "db" { image = "redis" }
data "docker_registry_image" "u" { name = "ubuntu:jammy" }
"""


def test_docker_resources() -> None:
    assert found("main.tf", DOCKER) == [
        "2 pull nginx:latest",
        "5 build-output shop",
        "11 pull redis",
        "12 pull ubuntu:jammy",
    ]


def test_a_variable_is_reported_at_its_use_with_the_default_as_the_piece() -> None:
    others = {"infra/variables.tf": 'variable "image" { default = "acme/web:2" }\n'}
    use = 'resource "docker_container" "web" { image = var.image }\n'
    assert found("infra/main.tf", use, others) == ["1 pull var.image = acme/web:2"]
    made = mentions("infra/main.tf", use, others)[0]
    assert [(one.file, one.text, one.part) for one in made.pieces] == [
        ("infra/variables.tf", "acme/web:2", "reference")
    ]
    assert found("infra/variables.tf", others["infra/variables.tf"], {"infra/main.tf": use}) == []


def test_a_values_file_goes_before_the_default() -> None:
    others = {
        "variables.tf": 'variable "image" { default = "a:1" }\n',
        "terraform.tfvars": 'image = "b:2"\n',
        "other/terraform.tfvars": 'image = "c:3"\n',
    }
    use = 'resource "docker_container" "web" { image = var.image }\n'
    assert found("main.tf", use, others) == ["1 pull var.image = b:2"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('image = "${var.reg}/x:1"', ["1 pull ${var.reg}/x:1 = ?/x:1"]),
        ('image = "x:${var.tag}"', ["1 pull x:${var.tag} = x:?"]),
        ('image = var.c ? "a:1" : "b:2"', ["1 pull a:1", "1 pull b:2"]),
        ('image = coalesce(var.i, "a:1")', ["1 pull var.i = ?", "1 pull a:1"]),
        ('image = format("%s:%s", "a/b", var.t)', ['1 pull format("%s:%s", "a/b", var.t) = a/b:?']),
        ('image = join(":", ["a/b", "1"])', ['1 pull join(":", ["a/b", "1"]) = a/b:1']),
        (
            'image = "${aws_ecr_repository.a.repository_url}:1"',
            ["1 pull ${aws_ecr_repository.a.repository_url}:1 = ?.dkr.ecr.?.amazonaws.com/?:1"],
        ),
        (
            'image_name = "a/b:1"\n docker_registry_url = "https://mcr.microsoft.com"',
            ["1 pull a/b:1 = mcr.microsoft.com/a/b:1"],
        ),
        ('image_name = "a/b:1"\n registry_url = "https://index.docker.io/v1/"', ["1 pull a/b:1"]),
        ('image = "a/b:1"\n ecr_url = var.ecr', ["1 pull a/b:1 = ?/a/b:1"]),
        ('image = "r.io/a/b:1"\n registry = "x.io"', ["1 pull r.io/a/b:1"]),
        ("image = docker_image.x.latest", []),
        ("image = each.value.image", []),
        ('image = ""', []),
        ("image = null", []),
    ],
)
def test_expressions(line: str, expected: list[str]) -> None:
    assert found("main.tf", f'resource "docker_container" "x" {{ {line} }}\n') == expected


CLOUD = """\
resource "aws_ecs_task_definition" "a" {
  container_definitions = jsonencode([{ name = "x", image = "nginx" }, merge({ image = "b:2" })])
}
resource "aws_ecs_task_definition" "b" {
  container_definitions = <<EOF
[{ "name": "x", "image": "httpd:${var.tag}" }, {"image": "${var.unknown}"}]
EOF
}
resource "kubernetes_deployment" "c" {
  spec { template { spec {
    container { image = "mongo" }
    dynamic "init_container" {
      for_each = [1]
      content { image = "busybox:1" }
    }
  } } }
}
resource "azurerm_linux_web_app" "d" {
  site_config { linux_fx_version = "DOCKER|acme/app:3" }
}
resource "digitalocean_app" "e" {
  spec { service { image {
    registry_type = "DOCKER_HUB"
    registry      = "grafana"
    repository    = "loki"
    tag           = "2"
  } } }
}
resource "null_resource" "f" {
  provisioner "remote-exec" { inline = ["docker pull mysql:8", "echo done"] }
}
resource "aws_instance" "g" {
  ami       = "ami-123"
  user_data = <<-EOT
    #!/bin/bash
    docker run -d grafana/grafana:9
  EOT
}
resource "kubectl_manifest" "h" {
  yaml_body = <<YAML
spec:
  containers:
  - image: alpine:4
YAML
}
variable "tag" { default = "2.4" }
"""


def test_cloud_resources() -> None:
    assert found("main.tf", CLOUD) == [
        "2 pull nginx",
        "2 pull b:2",
        "6 pull httpd:${var.tag} = httpd:2.4",
        "6 pull ${var.unknown} = ?",
        "11 pull mongo",
        "14 pull busybox:1",
        "19 pull acme/app:3",
        "25 pull loki = grafana/loki:2",
        "30 pull mysql:8",
        "36 pull grafana/grafana:9",
        "43 pull alpine:4",
    ]


RELEASE = """\
resource "helm_release" "r" {
  repository = "oci://registry-1.docker.io/bitnamicharts"
  chart      = "redis"
  set {
    name  = "image.repository"
    value = "bitnami/redis"
  }
  set {
    name  = "image.tag"
    value = "7"
  }
  set {
    name  = "replicas"
    value = "a:1"
  }
  values = [<<EOF
image:
  repository: foo/bar
  tag: "3"
EOF
  , yamlencode({ image = { repository = "q/r", tag = "2" }, sidecar = { image = "s/t:3" } })]
}
"""


def test_helm_releases() -> None:
    assert found("main.tf", RELEASE) == [
        "2 pull registry-1.docker.io/bitnamicharts = registry-1.docker.io/bitnamicharts/redis",
        "6 pull bitnami/redis = bitnami/redis:7",
        "18 pull foo/bar = foo/bar:3",
        "21 pull q/r = q/r:2",
        "21 pull s/t:3",
    ]
    made = mentions("main.tf", RELEASE)[1]
    assert [(one.part, one.text) for one in made.pieces] == [
        ("repository", "bitnami/redis"),
        ("tag", "7"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        'resource "google_compute_instance" "v" { boot_disk { initialize_params { '
        'image = "debian-cloud/debian-11" } } }',
        'resource "digitalocean_droplet" "v" { image = "ubuntu-22-04-x64" }',
        'resource "lxd_instance" "v" { image = "ubuntu:22.04" }',
        'resource "hcloud_server" "v" { image = "ubuntu-24.04" }',
        'resource "aws_instance" "v" { image_id = "ami-1" }',
        'resource "aws_codebuild_project" "p" { environment { image = "aws/codebuild/x:7" } }',
        'module "vm" { image = "ubuntu-2204" }',
        'module "site" { logo_image = "logo.png:1" }',
        'resource "unknown_thing" "x" { image = "something" }',
        'variable "vm_image" { default = "ubuntu:9" }',
        'variable "image" { default = "ubuntu-os-cloud/ubuntu-2204-lts" }',
        'variable "address" { default = "redis:6379" }',
        'variable "image" {\n  description = "docker run nginx:1"\n  type = string\n}',
        'resource "lxd_instance" "v" { image = var.image }\nvariable "image" { default = "u:1" }',
        '# image = "nginx:1"\n/* image = "nginx:1" */',
        'provider "docker" { registry_auth { address = "registry-1.docker.io" } }',
    ],
)
def test_what_is_no_image(text: str) -> None:
    assert found("main.tf", text + "\n") == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("variables.tf", 'variable "db_image" { default = "postgres:15" }', ["1 pull postgres:15"]),
        ("l.tf", 'locals { images = { a = "a/b:1", n = 2 } }', ["1 pull a/b:1"]),
        ("l.tf", 'locals { services = { web = { image = "c:2" } } }', ["1 pull c:2"]),
        ("prod.tfvars", 'container_image = "acme/web"', ["1 pull acme/web"]),
        ("m.tf", 'module "m" { container_image = "acme/web" }', ["1 pull acme/web"]),
        (
            "m.tf",
            'module "m" {\n image_name = "acme/web"\n image_tag = "3"\n}',
            ["2 pull acme/web = acme/web:3"],
        ),
        (
            "m.tf",
            'module "m" { image = { repository = "a/b", tag = "1" } }',
            ["1 pull a/b = a/b:1"],
        ),
        ("m.tf", 'x "y" { env {\n name = "INNER_IMAGE"\n value = "a/b:1" \n} }', ["3 pull a/b:1"]),
        ("terragrunt.hcl", 'inputs = { image = "a/b:1", name = "c:2" }', ["1 pull a/b:1"]),
        ("main.tf.json", '{"resource": {"docker_image": {"x": {"name": "a:1"}}}}', ["1 pull a:1"]),
        (
            "task.json.tftpl",
            '[{"image": "nginx:${tag}"}, {"image": "b:1"}]',
            ["1 pull nginx:${tag} = nginx:?", "1 pull b:1"],
        ),
        (
            "run.sh.tpl",
            "#!/bin/sh\n%{ if x }\ndocker run acme/x:${tag} go\n",
            ["3 pull acme/x:${tag} = acme/x:?"],
        ),
    ],
)
def test_definitions_and_other_files(path: str, text: str, expected: list[str]) -> None:
    assert found(path, text + "\n") == expected


def test_a_nomad_job_in_terraform() -> None:
    job = 'job "j" { group "g" { task "t" {\n driver = "docker"\n config { image = "a/b:1" }\n} } }'
    text = f'resource "nomad_job" "j" {{\n  jobspec = <<EOT\n{job}\nEOT\n}}\n'
    assert found("main.tf", text) == ["5 pull a/b:1"]


def test_a_side_loaded_image_is_not_pulled() -> None:
    text = (
        'resource "kubernetes_pod" "p" { container {\n image = "a:1"\n'
        ' image_pull_policy = "Never"\n} }\n'
    )
    assert mentions("main.tf", text)[0].condition == "imagePullPolicy: Never"


BAKE = """\
variable "TAG" { default = "1.2" }
variable "BASE" { default = "docker-image://debian:12" }
group "default" { targets = ["app"] }
function "tag" {
  params = [x]
  result = ["acme/${x}"]
}
target "common" {
  args = { BASE_IMAGE = "alpine:3", VERSION = "18", IMAGE_NAME = "a:b", FROM_STAGE = "base" }
  cache-from = ["type=registry,ref=acme/app:cache", "type=gha", { type = "registry", ref = "u/z" }]
}
target "app" {
  inherits   = ["common"]
  dockerfile = "app/Dockerfile"
  contexts = {
    node = "docker-image://node:18"
    base = BASE
    other = "target:common"
    src = "../src"
    doc = "https://github.com/a/b.git"
  }
  tags   = ["acme/app:${TAG}", "app:dev", tag("x")]
  output = ["type=image,push=true"]
}
target "local" {
  args = { VERSION = "19" }
  tags = ["acme/b", "b"]
}
"""


def test_bake() -> None:
    assert found("docker-bake.hcl", BAKE) == [
        "9 pull alpine:3",
        "10 cache acme/app:cache",
        "10 cache u/z",
        "16 pull node:18",
        "17 pull BASE = debian:12",
        "22 push acme/app:${TAG} = acme/app:1.2",
        "22 push app:dev",
        "27 tag acme/b",
        "27 build-output b",
    ]
    base = mentions("docker-bake.hcl", BAKE)[4]
    assert [one.text for one in base.pieces] == ["debian:12"]


def test_bake_tells_the_dockerfile_its_arguments() -> None:
    text = (
        'target "a" { args = { BASE = "node:18" } }\n'
        'target "b" {\n inherits = ["a"]\n args = { V = "1" }\n}\n'
    )
    tree = tree_of({"docker-bake.hcl": text, "Dockerfile": "FROM x"})
    said = bake.find(tree.files["docker-bake.hcl"], tree) or ()
    made = [(one.dockerfile, one.name, one.value) for one in said if isinstance(one, BuildArgument)]
    assert made == [
        ("Dockerfile", "BASE", "node:18"),
        ("Dockerfile", "BASE", "node:18"),
        ("Dockerfile", "V", "1"),
    ]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "docker-bake.json",
            '{"target": {"a": {"contexts": {"x": "docker-image://b:1"}, "tags": ["u/a:1"]}}}',
            ["1 pull b:1", "1 tag u/a:1"],
        ),
        ("build.hcl", 'target "a" {\n dockerfile = "D"\n tags = ["u/a"]\n}', ["3 tag u/a"]),
        ("tsconfig.json", '{"target": "es2020"}', []),
        ("policy.hcl", 'target "x" { capabilities = ["read"] }', []),
    ],
)
def test_bake_by_name_and_content(path: str, text: str, expected: list[str]) -> None:
    assert found(path, text + "\n") == expected


NOMAD = """\
variable "v" { default = "7" }
job "é" {
  group "g" {
    task "t" {
      driver = "docker"
      config { image = "redis:${var.v}" }
    }
    [[ if .extra ]]
    task "u" {
      driver = "docker"
      config { image = "foo/bar:[[ .tag ]]" }
    }
    [[ end ]]
    task "w" {
      driver = "exec"
      config { image = "no:1" }
    }
    task "x" {
      driver = "podman"
      config { image = "docker://docker.io/library/busybox:1" }
    }
  }
}
"""


@pytest.mark.parametrize("path", ["a.nomad", "b.nomad.hcl", "c.hcl"])
def test_nomad(path: str) -> None:
    assert found(path, NOMAD) == [
        "6 pull redis:${var.v} = redis:7",
        "11 pull foo/bar:[[ .tag ]] = foo/bar:?",
        "20 pull docker.io/library/busybox:1",
    ]


def test_packer() -> None:
    text = (
        'source "docker" "u" { image = "ubuntu:jammy" }\n'
        'source "amazon-ebs" "v" { image = "no:1" }\n'
        'build { post-processors {\n post-processor "docker-tag" { repository = "a/b" }\n'
        ' post-processor "docker-push" {}\n } }\n'
    )
    assert found("x.pkr.hcl", text) == ["1 pull ubuntu:jammy", "4 push a/b"]
    old = (
        '{"variables": {"i": "centos:7"},'
        ' "builders": [{"type": "docker", "image": "{{user `i`}}"}]}'
    )
    assert found("packer.json", old) == ["1 pull {{user `i`}} = centos:7"]
    assert found("other.json", '{"builders": [{"type": "qemu", "image": "docker:1"}]}') == []
