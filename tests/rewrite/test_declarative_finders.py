"""Images in deployment, infrastructure and developer files that are data, not pipelines."""

from __future__ import annotations

import textwrap

import pytest

from tests.rewrite.found import arguments, found

CLOUDFORMATION = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Img: {Type: String, Default: "nginx:1.25"}
  Tag: {Type: String}
  Choice: {Type: String, AllowedValues: ["acme/a:1", "acme/b:2"]}
Mappings: {M: {us: {img: "amazon/x:1"}, eu: {img: "amazon/y:2"}}}
Resources:
  T:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: a, Image: !Ref Img}
        - Image: !Sub "acme/app:${Tag}"
        - Image: !Sub "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/x:1"
        - Image: {"Fn::Join": ["", [redis, ":", "7"]]}
        - Image: !If [Cond, "acme/c:1", !Ref Img]
        - Image: !FindInMap [M, !Ref "AWS::Region", img]
        - Image: !Ref Choice
        - Image: !Sub ["${n}/y:1", {n: acme}]
        - Image:
            Fn::Sub: "acme/z:${Tag}"
  B:
    Type: AWS::CodeBuild::Project
    Properties: {Environment: {Image: "aws/codebuild/standard:5.0"}}
  C:
    Type: AWS::CodeBuild::Project
    Properties: {Environment: {Image: "docker:dind"}}
  I:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: ami-0123
      UserData:
        Fn::Base64: !Sub |
          #!/bin/bash
          docker run -d -e R=${AWS::Region} httpd:2.4
"""


def test_cloudformation() -> None:
    assert found("stack.yaml", CLOUDFORMATION) == [
        "12 pull Img = nginx:1.25",
        "13 pull acme/app:${Tag} = acme/app:?",
        "14 pull ${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/x:1"
        " = ?.dkr.ecr.?.amazonaws.com/x:1",
        '15 pull {"Fn::Join": ["", [redis, ":", "7"]]} = redis:7',
        "16 pull acme/c:1",
        "16 pull Img = nginx:1.25",
        '17 pull !FindInMap [M, !Ref "AWS::Region", img] = amazon/x:1',
        '17 pull !FindInMap [M, !Ref "AWS::Region", img] = amazon/y:2',
        "18 pull Choice = acme/a:1",
        "18 pull Choice = acme/b:2",
        "19 pull ${n}/y:1 = acme/y:1",
        "21 pull acme/z:${Tag} = acme/z:?",
        "27 pull docker:dind",
        "35 pull httpd:2.4",
    ]


def test_cloudformation_json() -> None:
    text = (
        '{"Resources": {"A": {"Type": "AWS::ECS::TaskDefinition", "Properties":\n'
        ' {"ContainerDefinitions": [{"Image": "redis:7"}, {"Image": {"Ref": "P"}}]}}},\n'
        ' "Parameters": {"P": {"Default": "mysql:8"}}}\n'
    )
    assert found("stack.json", text) == ["2 pull redis:7", "2 pull P = mysql:8"]


ROLE = {
    "roles/x/defaults/main.yml": "x_image: grafana/grafana\nx_tag: '10'\n"
    "driver_container: acme/driver:2\nname_of_container: web\n"
    "y: {image: 'quay.io/a/b:1'}\nvm_image: cloud/ubuntu-2204\nlogo_image: img/logo.png\n",
    "group_vars/all.yml": "registry: docker.io\n",
}
TASKS = """\
- name: a
  community.docker.docker_container: {name: n, image: "{{ x_image }}:{{ x_tag }}"}
- name: b
  docker_image: {name: "acme/app", tag: "1", source: pull}
- docker_image: {name: local, build: {path: .}, source: build}
- docker_container: name=x image=redis:7 state=started
- shell: docker run --rm nginx:1 {{ foo }}
- docker_container: {name: a, state: absent, image: "gone:1"}
- docker_container: {name: a, image: "{{ img | default('mysql:8') }}"}
- docker_image: {name: "{{ item }}", source: pull}
  loop: ["alpine:3", "busybox:1"]
- k8s: {definition: {spec: {containers: [{image: "httpd:2"}]}}}
- debug: {msg: "image: foo/bar:1"}
- containers.podman.podman_container: {name: a, image: "{{ y.image }}"}
- docker_container: {name: a, image: "{{ registry }}/library/node:{{ unknown }}"}
- docker_login: {registry_url: ghcr.io, username: x}
- command: {cmd: kubectl apply -f -, stdin: "spec:\\n  containers:\\n  - image: a/b:1\\n"}
- copy:
    dest: /srv/compose.yml
    content: |
      services:
        db:
          image: postgres:16
- copy: {dest: /x, content: "logo:\\n  image: a/b:1\\n"}
"""


def test_ansible_tasks() -> None:
    assert found("roles/x/tasks/main.yml", TASKS, ROLE) == [
        "2 pull {{ x_image }}:{{ x_tag }} = grafana/grafana:10",
        "4 pull acme/app = acme/app:1",
        "5 build-output local",
        "6 pull redis:7",
        "7 pull nginx:1",
        "9 pull {{ img | default('mysql:8') }} = mysql:8",
        "11 pull alpine:3",
        "11 pull busybox:1",
        "12 pull httpd:2",
        "14 pull {{ y.image }} = quay.io/a/b:1",
        "15 pull {{ registry }}/library/node:{{ unknown }} = docker.io/library/node:?",
        "16 login ghcr.io",
        "17 pull a/b:1",
        "23 pull postgres:16",
    ]


def test_ansible_variables() -> None:
    path = "roles/x/defaults/main.yml"
    assert found(path, ROLE[path]) == [
        "1 pull grafana/grafana",
        "3 pull acme/driver:2",
        "5 pull quay.io/a/b:1",
    ]


SAMPLES: dict[str, tuple[str, str, list[str]]] = {
    "devcontainer": (
        ".devcontainer/devcontainer.json",
        """\
        // settings
        {
          "image": "mcr.microsoft.com/devcontainers/base:1", /* base */
          "features": {"ghcr.io/devcontainers/features/node:1": {}},
          "postCreateCommand": "docker pull redis:7",
        }
        """,
        ["3 pull mcr.microsoft.com/devcontainers/base:1", "5 pull redis:7"],
    ),
    "devcontainer variable": (
        ".devcontainer.json",
        '{"image": "node:${localEnv:V:18}"}\n',
        ["1 pull node:${localEnv:V:18} = node:18"],
    ),
    "ecs": (
        "deploy/task-definition.json",
        '{"containerDefinitions": [\n{"name": "a", "image": "nginx:1.25"},\n'
        '{"name": "b", "image": "<IMAGE1_NAME>"}]}\n',
        ["2 pull nginx:1.25", "3 pull <IMAGE1_NAME> = ?"],
    ),
    "ecs list": (
        "containers.json",
        '[{"name": "a", "image": "${repo}:${tag}", "essential": true},\n'
        ' {"image": "redis", "cpu": 1}]\n',
        ["1 pull ${repo}:${tag} = ?:?", "2 pull redis"],
    ),
    "dockerrun": (
        "Dockerrun.aws.json",
        '{"AWSEBDockerrunVersion": "1",\n "Image": {"Name": "acme/app:1"}}\n',
        ["2 pull acme/app:1"],
    ),
    "copilot": (
        "copilot/web/manifest.yml",
        "name: web\nimage: {build: Dockerfile, port: 80}\n"
        "sidecars: {nginx: {port: 80, image: 'nginx:1'}}\n---\nimage: {location: 'redis:7'}\n",
        ["3 pull nginx:1", "5 pull redis:7"],
    ),
    "codebuild": (
        "buildspec.yml",
        "version: 0.2\nenv: {variables: {V: '18'}}\nphases:\n  build:\n    commands:\n"
        "      - docker pull node:$V\n",
        ["6 pull node:$V = node:18"],
    ),
    "skaffold": (
        "skaffold.yaml",
        """\
        apiVersion: skaffold/v4beta6
        kind: Config
        build:
          artifacts:
          - {image: acme/app, docker: {cacheFrom: ["acme/app:latest"]}}
          - {image: other, buildpacks: {builder: "paketobuildpacks/builder:base"}}
        """,
        [
            "5 build-output acme/app",
            "5 cache acme/app:latest",
            "6 build-output other",
            "6 pull paketobuildpacks/builder:base",
        ],
    ),
    "tilt": (
        "Tiltfile",
        "docker_build('acme/app', '.')\n# docker_build('old')\n"
        "custom_build(\n  'acme/b', 'make')\nlocal('docker pull redis:7')\n",
        ["1 build-output acme/app", "4 build-output acme/b", "5 pull redis:7"],
    ),
    "goreleaser": (
        ".goreleaser.yaml",
        "dockers:\n- image_templates: ['acme/app:{{ .Tag }}', 'ghcr.io/acme/app:latest']\n"
        "kos: [{base_image: 'alpine:3'}]\n",
        [
            "2 push acme/app:{{ .Tag }} = acme/app:?",
            "2 push ghcr.io/acme/app:latest",
            "3 pull alpine:3",
        ],
    ),
    "a task called goreleaser": (
        "task/goreleaser.yaml",
        "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  steps:\n  - {name: a, image: 'a/b:1'}\n",
        ["5 pull a/b:1"],
    ),
    "ko": (
        ".ko.yaml",
        "defaultBaseImage: alpine:3\nbaseImageOverrides:\n  a.io/b/c: debian:12\n",
        ["1 pull alpine:3", "3 pull debian:12"],
    ),
    "image list": (
        "deploy/images.txt",
        "# needed\ndocker.io/acme/app:1\r\nnginx:1.25   # web\n\nquay.io/a/b@sha256:"
        + "0" * 64
        + "\n",
        [
            "2 pull docker.io/acme/app:1",
            "3 pull nginx:1.25",
            "5 pull quay.io/a/b@sha256:" + "0" * 64,
        ],
    ),
    "a theme that is none": (
        "config.yml",
        "theme: {dark: true}\nx:\n  o: {cpu: 1, mem: 2, image: 'acme/lab:1', gpu: 0}\n",
        ["3 pull acme/lab:1"],
    ),
    "a script's template": (
        "roles/x/templates/run.j2",
        "#!/bin/bash\n{{ bin }}/docker run node:18\n",
        ["2 pull node:18"],
    ),
    "dojo": (
        "Dojofile-test",
        'DOJO_DOCKER_IMAGE="acme/node-dojo:1"\n',
        ["1 pull acme/node-dojo:1"],
    ),
    "molecule": (
        "molecule/default/molecule.yml",
        "driver: {name: docker}\nplatforms:\n- {name: i, "
        'image: "acme/docker-${DISTRO:-rockylinux9}-ansible:latest", pre_build_image: true}\n',
        [
            "3 pull acme/docker-${DISTRO:-rockylinux9}-ansible:latest"
            " = acme/docker-rockylinux9-ansible:latest"
        ],
    ),
    "kitchen": (
        "kitchen.dokken.yml",
        "driver: {name: dokken}\nplatforms:\n"
        "- {name: debian-12, driver: {image: 'dokken/debian-12'}}\n",
        ["3 pull dokken/debian-12"],
    ),
    "conda-forge": (
        ".ci_support/linux_64_.yaml",
        "docker_image:\n- quay.io/condaforge/linux-anvil:1\n",
        ["2 pull quay.io/condaforge/linux-anvil:1"],
    ),
    "singularity": (
        "env/tool.def",
        "Bootstrap: docker\nFrom: ubuntu:22.04\n%post\n  echo\n\nBootstrap: library\nFrom: a/b:1\n",
        ["2 pull ubuntu:22.04"],
    ),
    "vagrant": (
        "Vagrantfile",
        """\
        config.vm.box = "ubuntu/jammy64"
        config.vm.provider "docker" do |d|
          d.image = "nginx:1"
          # d.image = "old:1"
        end
        config.vm.provider "openstack" do |os|
          os.image = "ubuntu-22"
        end
        config.vm.provision :docker do |p|
          p.pull_images "acme/a:1", "redis"
          p.run "db", image: "postgres:15", args: "-p 1:1"
          p.run "memcached"
        end
        """,
        [
            "3 pull nginx:1",
            "10 pull acme/a:1",
            "10 pull redis",
            "11 pull postgres:15",
            "12 pull memcached",
        ],
    ),
    "kamal": (
        "config/deploy.yml",
        "service: a\nimage: acme/app\nregistry: {username: x}\n"
        "accessories: {db: {image: 'mysql:8'}}\n",
        ["2 push acme/app", "3 login registry = docker.io", "4 pull mysql:8"],
    ),
    "kamal elsewhere": (
        "config/deploy.yml",
        "service: a\nimage: acme/app\nregistry: {server: ghcr.io, username: x}\n",
        ["2 push acme/app = ghcr.io/acme/app", "3 login ghcr.io"],
    ),
    "digitalocean": (
        ".do/app.yaml",
        "services:\n"
        "- image: {registry_type: DOCKER_HUB, registry: acme, repository: web, tag: '9'}\n"
        "- image: {registry_type: DOCR, repository: web, tag: '9'}\n",
        [
            "2 pull web = acme/web:9",
            "3 pull web = registry.digitalocean.com/web:9",
        ],
    ),
    "render": (
        "render.yaml",
        "services:\n- {type: web, runtime: image, image: {url: 'docker.io/acme/web:1'}}\n",
        ["2 pull docker.io/acme/web:1"],
    ),
    "captain": ("captain-definition", '{"imageName": "nginx:1"}\n', ["1 pull nginx:1"]),
    "gitpod": (".gitpod.yml", "image: gitpod/workspace-full\n", ["1 pull gitpod/workspace-full"]),
    "devfile": (
        "devfile.yaml",
        "schemaVersion: 2.2.0\nvariables: {v: '18'}\n"
        "components: [{name: t, container: {image: 'node:{{v}}'}}]\n",
        ["3 pull node:{{v}} = node:18"],
    ),
    "okteto": (
        "okteto.yml",
        "build: {api: {context: ., image: acme/api}}\ndev: {api: {image: 'okteto/golang:1'}}\n",
        ["1 push acme/api", "2 pull okteto/golang:1"],
    ),
    "fly": (
        "fly.toml",
        '[build]\n  image = "flyio/hellofly:latest"\n',
        ["2 pull flyio/hellofly:latest"],
    ),
    "fly builder": (
        "fly.toml",
        '[build]\n  builder = "paketobuildpacks/builder:base"\n',
        ["2 pull paketobuildpacks/builder:base"],
    ),
    "project.toml": (
        "project.toml",
        '[_]\nname = "x"\n[io.buildpacks]\nbuilder = "heroku/builder:22"\n',
        ["4 pull heroku/builder:22"],
    ),
    "cross": (
        "Cross.toml",
        '[target.x]\nimage = "ghcr.io/cross-rs/x:edge"\n',
        ["2 pull ghcr.io/cross-rs/x:edge"],
    ),
    "cibuildwheel": (
        "pyproject.toml",
        '[tool.cibuildwheel.linux]\nmanylinux-x86_64-image = "quay.io/pypa/manylinux_2_28:1"\n'
        'musllinux-x86_64-image = "musllinux_1_2"\n',
        ["2 pull quay.io/pypa/manylinux_2_28:1"],
    ),
    "marathon": (
        "marathon.json",
        '{"id": "/x", "container": {"type": "DOCKER", "docker": {"image": "acme/x:1"}}}\n',
        ["1 pull acme/x:1"],
    ),
    "any yaml": (
        "config/jobs.yaml",
        """\
        a: {image: /img/x.png, name: a}
        b: {image: acme/app:1.2, name: b}
        c: {image: "redis:7", command: x}
        d: {image: redis, ports: [1], env: {}}
        presubmits: {r: [{spec: {containers: [{image: "golang:1.21", command: [x]}]}}]}
        docker_image: node:18
        tasks: {t: {cmds: ["docker run --rm alpine:3 {{.X}}"]}}
        """,
        [
            "2 pull acme/app:1.2",
            "3 pull redis:7",
            "4 pull redis",
            "5 pull golang:1.21",
            "6 pull node:18",
            "7 pull alpine:3",
        ],
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_found(name: str) -> None:
    path, text, expected = SAMPLES[name]
    assert found(path, textwrap.dedent(text)) == expected


NOTHING = {
    "front matter": ("content/post.yml", "title: x\nimage: blog/foo\ndate: 2024-01-01\n"),
    "picture": ("data/team.yml", "- {name: x, image: people/x.jpg}\n"),
    "site": ("_config.yml", "theme: minima\nimage: acme/logo:1\n"),
    "openapi": ("api.yaml", "openapi: 3.0.0\nx: {image: 'acme/app:1', name: x}\n"),
    "cloud machine": ("vm.yml", "a: {image: debian-cloud/debian-11, name: x, machine_type: n1}\n"),
    "lxd": ("lxd.yml", "a: {image: 'ubuntu:22.04', name: x, profiles: [default]}\n"),
    "url": ("x.yml", "a: {image: 'https://example.com/x:1', command: x}\n"),
    "workflow elsewhere": (
        "examples/ci.yml",
        "on: push\njobs: {a: {container: {image: 'node:18', env: {}}}}\n",
    ),
    "vm kitchen": (".kitchen.yml", "driver: {name: openstack, image: 'ubuntu:22'}\n"),
    "json picture": ("package.json", '{"image": "acme/x:1", "name": "x"}\n'),
    "toml picture": ("book.toml", 'image = "img/logo.png"\nname = "x"\n'),
    "def that is none": ("types.def", "From: ubuntu:22.04\n"),
    "list of words": ("docs/images.txt", "a/b:1 is an image\nc/d:2\n"),
    "list of files": ("images.txt", "img/a.png\nimg/b.png\n"),
    "template of text": ("templates/x.j2", "docker run node:18\n"),
    "labels": ("labels.yml", "- {name: area/platform, color: red}\n"),
    "ansible vm": ("roles/v/tasks/main.yml", "- gcp_instance: {name: a, image: 'x/y:1'}\n"),
    "codebuild own": (
        "s.yaml",
        "Resources: {A: {Type: 'AWS::CodeBuild::Project', "
        "Properties: {Environment: {Image: 'aws/codebuild/standard:7.0'}}}}\n",
    ),
}


@pytest.mark.parametrize("name", NOTHING)
def test_not_found(name: str) -> None:
    assert found(*NOTHING[name]) == []


def test_build_arguments() -> None:
    text = '{"build": {"dockerfile": "../Dockerfile", "args": {"VARIANT": "16"}}}'
    assert arguments(".devcontainer/devcontainer.json", text) == ["Dockerfile VARIANT=16"]
    skaffold = (
        "apiVersion: skaffold/v2\nbuild: {artifacts: [{image: a, context: app, "
        "requires: [{image: own, alias: OWN}, {image: other}], "
        "docker: {buildArgs: {BASE: 'node:18'}}}]}\n"
    )
    assert arguments("deploy/skaffold.yaml", skaffold) == [
        "deploy/app/Dockerfile OWN=own",
        "deploy/app/Dockerfile BASE=node:18",
    ]
