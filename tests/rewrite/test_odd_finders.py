"""Units, host set-up, and the languages that configurations are written in."""

from __future__ import annotations

import pytest

from tests.rewrite.found import found, mentions

UNIT = """\
[Unit]
Description=docker run prose:1
[Service]
Environment="IMAGE=grafana/grafana:9" OTHER=x
# ExecStart=/usr/bin/docker run comment:1
ExecStartPre=-/usr/bin/docker pull ${IMAGE}
ExecStart=/usr/bin/docker run --rm --name %n \\
  -p 80:80 \\
  nginx:1.2 serve
ExecStartPost=/usr/bin/docker run acme/x:%i
ExecStop=/usr/bin/docker stop %n
"""
DATA = """\
#cloud-config
packages: [docker.io]
runcmd:
  - docker run -d nginx:1
  - [docker, run, -d, "redis:7"]
  - |
    docker pull a/b:1
    echo no:1
write_files:
  - path: /etc/systemd/system/x.service
    content: |
      [Service]
      ExecStart=/usr/bin/docker run mysql:8
  - path: /opt/compose.yml
    content: |
      services:
        x:
          image: mongo:4
"""
BUTANE = """\
variant: fcos
systemd:
  units:
    - name: x.service
      contents: |
        [Service]
        ExecStart=/bin/podman run docker.io/library/busybox:1
storage:
  files:
    - path: /etc/containers/systemd/x.container
      contents:
        inline: |
          [Container]
          Image=docker.io/a/b:2
"""


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "app.service",
            UNIT,
            [
                "6 pull ${IMAGE} = grafana/grafana:9",
                "9 pull nginx:1.2",
                "10 pull acme/x:%i = acme/x:?",
            ],
        ),
        (
            "a.container",
            "[Container]\nImage=docker.io/library/nginx\nExec=x:1\n",
            ["2 pull docker.io/library/nginx"],
        ),
        ("a.container", "[Container]\n#Image=no:1\nImage = a/b:%i\n", ["3 pull a/b:%i = a/b:?"]),
        ("a.container", "[Container]\nImage=own.build\n", []),
        ("a.image", "[Image]\nImage=quay.io/a/b:1\n", ["2 pull quay.io/a/b:1"]),
        ("a.build", "[Build]\nImageTag=localhost/own:1\n", ["2 build-output localhost/own:1"]),
        ("a.service", "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n", []),
        (
            "user-data",
            DATA,
            [
                "4 pull nginx:1",
                "5 pull redis:7",
                "7 pull a/b:1",
                "13 pull mysql:8",
                "18 pull mongo:4",
            ],
        ),
        ("c.bu", BUTANE, ["7 pull docker.io/library/busybox:1", "14 pull docker.io/a/b:2"]),
        (
            "c.ign",
            '{"systemd": {"units": [{"contents":'
            ' "[Service]\\nExecStart=/bin/docker run a/b:1\\n"}]}}',
            ["1 pull a/b:1"],
        ),
    ],
)
def test_hosts(path: str, text: str, expected: list[str]) -> None:
    assert found(path, text) == expected


def test_hosts_pull_on_the_host() -> None:
    assert {one.pulled for one in mentions("user-data", DATA)} == {"host"}
    assert {one.kind for one in mentions("c.bu", BUTANE)} == {"systemd", "quadlet"}


JSONNET = """\
local image = 'redis:6';
{
  // image: 'no:1'
  _images+:: { foo: 'foo/bar:1', baz: 'quay.io/x:' + $._config.v, port: 'kafka' },
  image: 'nginx', logo_image: 'a.png', name: 'c:1',
  c: container.new('web', 'httpd:2') + { image:: "x/y:3" },
  d: { image: image, "image": 'grafana/%s' % a },
  e: k.core.v1.container.new('x', $._images.foo),
}
"""
CUE = """\
deployment: containers: [{
\timage: "gcr.io/x/y:1"
\tname: "c:1"
}, {image: *"redis:7" | string}]
#Image: "alpine:3"
image: {
\trepository: "user/app"
\ttag: "1.2"
}
x: image: "nginx:\\(tag)"
y: image: string
z: image: "logo.png"
"""
DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "a.libsonnet",
            JSONNET,
            [
                "4 pull foo/bar:1",
                "4 pull 'quay.io/x:' + $._config.v = quay.io/x:?",
                "5 pull nginx",
                "6 pull httpd:2",
                "6 pull x/y:3",
                "7 pull image = redis:6",
                "7 pull grafana/%s = grafana/?",
            ],
        ),
        (
            "a.cue",
            CUE,
            [
                "2 pull gcr.io/x/y:1",
                "4 pull redis:7",
                "5 pull alpine:3",
                "7 pull user/app = user/app:1.2",
                "10 pull nginx:\\(tag) = nginx:?",
            ],
        ),
        (
            "MODULE.bazel",
            f'oci.pull(\n name = "a:1",\n image = "index.docker.io/library/x",\n tag = "3",\n'
            f' digest = "{DIGEST}",\n)\nuse_repo(oci, "a")\n',
            [f"3 pull index.docker.io/library/x = index.docker.io/library/x:3@{DIGEST}"],
        ),
        (
            "WORKSPACE",
            'container_pull(\n name = "p",\n registry = "index.docker.io",\n'
            ' repository = "library/p",\n tag = "3.8", # tag\n)\n',
            ["4 pull library/p = index.docker.io/library/p:3.8"],
        ),
        ("BUILD.bazel", 'oci_image(name = "i", base = "@x", tars = ["a:1"])\n', []),
        (
            "d.nix",
            'x = pkgs.dockerTools.pullImage {\n imageName = "nixos/nix";\n finalImageTag = "2.2";\n'
            f' imageDigest = "{DIGEST}";\n}};\n# image = "no:1";\ny.image = "a/b:${{v}}";\n',
            [
                f"2 pull nixos/nix = nixos/nix:2.2@{DIGEST}",
                "7 pull a/b:${v} = a/b:?",
            ],
        ),
        (
            "e.nix",
            '{ image = "ubuntu"; b.image = ./x.img; c.image = "a/b:1"; }\n',
            ["1 pull a/b:1"],
        ),
        (
            "f.star",
            'def run(plan):\n    ServiceConfig(image = "eth/geth:1", x = "b:2")\n',
            ["2 pull eth/geth:1"],
        ),
        ("g.dhall", '{ image = Some "a:1", name = "b:2" } -- image = "c:3"\n', ["1 pull a:1"]),
    ],
)
def test_configurations(path: str, text: str, expected: list[str]) -> None:
    assert found(path, text) == expected
