"""Kubernetes manifests, operators' objects, kustomizations, Flux and Argo CD."""

from __future__ import annotations

import re
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .trees import look, values

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"


def of_kind(kind: str, body: str, version: str = "example.com/v1") -> dict[str, str]:
    """A manifest of this kind with this body."""
    return {"deploy/it.yaml": f"apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: it\n{body}"}


def test_containers_of_all_sorts() -> None:
    text = (
        f"{POD}  initContainers:\n  - name: a\n    image: busybox\n  containers:\n"
        "  - image: acme/web:1 # it\n    name: web\n"
        "  ephemeralContainers:\n  - {image: 'alpine:3'}\n"
        "  volumes:\n  - image: {reference: acme/data:2, pullPolicy: Always}\n    name: d\n"
        "---\napiVersion: batch/v1\nkind: CronJob\nspec:\n  jobTemplate:\n    spec:\n"
        "      template:\n        spec:\n          containers:\n          - image: redis\n"
    )
    seen = look({"k8s/all.yml": text})
    assert [(one.line, one.value) for one in seen] == [
        *((7, "busybox"), (9, "acme/web:1"), (12, "alpine:3"), (14, "acme/data:2"), (25, "redis")),
    ]
    assert {one.kind for one in seen} == {"k8s-image"}
    assert {one.mention.pulled for one in seen} == {"node"}
    assert [one.mention.job for one in seen] == ["Pod/web"] * 4 + ["CronJob"]


def test_json_and_lists() -> None:
    text = (
        '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod",\n'
        '\t"spec": {"containers": [{"name": "a", "image": "acme\\/web:1"}]}}]}'
    )
    seen = look({"a.json": text})
    assert [(one.text, one.value) for one in seen] == [("acme\\/web:1", "acme/web:1")]


CASES = """
Prometheus: quay.io/p/p:1 a/thanos:2
    spec: {image: "quay.io/p/p:1", thanos: {image: "a/thanos:2"}}
Prometheus: acme/prom
    spec: {baseImage: acme/prom, version: v2}
Task: a/b ubuntu docker:dind
    spec:
      stepTemplate: {image: a/b}
      steps: [{image: ubuntu}]
      sidecars: [{image: docker:dind}]
Task: node:18 python:_
    spec:
      params: [{name: IMG, default: "node:18"}, {name: v}]
      steps:
      - image: $(params.IMG)
      - image: python:$(params.v)
      - image: $(params.v)
Workflow: a/b:1 python
    spec:
      templates:
      - container: {image: "a/b:1"}
      - script: {image: python}
      - container: {image: "{{inputs.parameters.image}}"}
Cluster: ghcr.io/cnpg/postgresql:16
    spec: {imageName: "ghcr.io/cnpg/postgresql:16"}
Kafka: acme/kafka:3
    spec: {kafka: {image: "acme/kafka:3"}}
Foo: acme/x:1.20
    spec: {app: {image: {repository: acme/x, tag: "1.20"}}}
Foo: acme/x@sha256:DIGEST
    spec: {image: {repository: acme/x, digest: "sha256:DIGEST"}}
ClusterPolicy: nvcr.io/nvidia/driver:5
    spec: {driver: {repository: nvcr.io/nvidia, image: driver, version: "5"}}
Foo: acme/side:1
    spec: {sidecarImage: "acme/side:1", backgroundImage: hero}
Deployment: acme/reload:1 acme/other:2
    spec:
      args: [--reloader-image=acme/reload:1, --port=80, --image, acme/other:2, --at=web:8080]
Deployment: acme/rel:1
    spec:
      env:
      - {name: RELATED_IMAGE_X, value: "acme/rel:1"}
      - {name: BROKER, value: "kafka/x:9092"}
      - {name: IMAGE_DIR, value: /a/b}
ImageStream: docker.io/acme/s2i:1
    spec:
      tags:
      - from: {kind: DockerImage, name: "docker.io/acme/s2i:1"}
      - from: {kind: ImageStreamTag, name: "x:1"}
Template: acme/t:1
    parameters: [{name: IMAGE, value: "acme/t:1"}]
    objects:
    - spec: {containers: [{image: "${IMAGE}"}]}
VirtualMachine: kubevirt/fedora:1
    spec: {containerDisk: {image: "kubevirt/fedora:1"}}
ConfigMap: acme/agent:1 acme/inner:2
    data:
      AGENT_IMAGE: acme/agent:1
      IMAGE_URL: http://x/y:1
      pod.yaml: |
        spec:
          - image: acme/inner:2
          - image: proxyv2
Pod: nginx:_ acme/_:1
    spec:
      containers:
      - image: nginx:${TAG}
      - image: ${IMAGE}
      - image: $(IMAGE)
      - image: acme/<name>:1
Pod: acme/out:1
    spec: {containers: [{args: [--destination=acme/out:1]}]}
""".replace("DIGEST", "b" * 64)


def cases() -> list[tuple[str, str, list[str]]]:
    """Kind, body and wanted values of each case."""
    found = []
    for block in re.split(r"\n(?=\S)", CASES.strip()):
        head, _, body = block.partition("\n")
        kind, _, wanted = head.partition(": ")
        found.append((kind, textwrap.dedent(body) + "\n", wanted.split()))
    return found


@pytest.mark.parametrize(("kind", "body", "wanted"), cases())
def test_operators_and_their_like(kind: str, body: str, wanted: list[str]) -> None:
    assert values(of_kind(kind, body)) == wanted


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("PersistentVolume", "spec: {rbd: {monitors: [a], pool: p, image: foo}}"),
        ("StorageClass", "parameters: {pool: kube, image: foo}"),
        ("Page", "spec: {image: foo.png, logo: {image: acme/logo}}"),
        ("Page", "spec: {image: 'https://example.com/a.png'}"),
        ("Pod", "metadata: {labels: {image: nginx}}"),
        ("Pod", "spec: {imagePullPolicy: Never, imagePullSecrets: [{name: image}]}"),
        ("Pod", "status: {containerStatuses: [{image: 'nginx:1', imageID: 'docker://x'}]}"),
        ("Pod", "spec: {containers: [{image: ''}, {image: ' '}, {image: null}, {name: image}]}"),
        ("Service", "spec: {ports: [{name: a, targetPort: 80}], externalName: 'db:5432'}"),
        ("Foo", "spec: {image: {repository: 'https://github.com/a/b.git', tag: v1}}"),
        ("Foo", "spec: {source: {repository: acme/code, branch: main, tag: v1}}"),
        ("Foo", "spec:\n  description: |\n    image: it says\n    image: nginx\n"),
        ("Pod", "spec:\n  securityContext: {runAsUser: 1, runAsGroup: 2}\n  user: a:b"),
    ],
)
def test_what_looks_like_an_image(kind: str, body: str) -> None:
    assert values(of_kind(kind, body)) == []


def test_machines_have_images_too() -> None:
    group = "infrastructure.cluster.x-k8s.io/v1beta1"
    text = "spec: {template: {spec: {image: ubuntu-2204, imageName: ubuntu-22.04}}}"
    assert values(of_kind("OpenStackMachineTemplate", text, group)) == []


def test_definitions_are_not_manifests() -> None:
    crd = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  x:\n"
        "    image: {description: the image, type: string}\n    default: {image: 'acme/x:1'}\n"
    )
    assert values({"crd.yaml": crd}) == []
    pod = f"{POD}  containers:\n  - image: acme/web:1\n"
    assert values({"crd.yaml": f"{crd}---\n{pod}"}) == ["acme/web:1"]


def test_large_definitions_are_passed_over_and_nothing_moves() -> None:
    crd = (
        "apiVersion: apiextensions.k8s.io/v1\r\nkind: CustomResourceDefinition\r\nspec:\r\n"
        + "  image: some long words of a description\r\n" * 4000
    )
    pod = f"{POD}  containers:\n  - image: acme/web:1\n"
    (one,) = look({"all.yaml": f"{crd}--- # next\r\n{pod}---\r\n{crd}"})
    assert (one.value, one.line) == ("acme/web:1", 4010)


def test_never_pulled_is_a_remark() -> None:
    text = f"{POD}  containers:\n  - image: acme/web:1\n    imagePullPolicy: Never\n"
    assert look({"a.yaml": text})[0].mention.condition == "imagePullPolicy: Never"


def test_a_broken_document_does_not_hide_the_others() -> None:
    broken = "apiVersion: v1\nkind: Pod\nx: [\n  image: b/c\n"
    text = f"{POD}  containers:\n  - image: acme/a:1\n---\n{broken}"
    assert values({"a.yaml": text}) == ["acme/a:1", "b/c"]


KUSTOMIZATION = """apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deployment.yaml, ../base]
images:
- name: app
  newName: docker.io/acme/app
  newTag: "1.20"
- name: redis
  newTag: 7-alpine
- name: unused
  newTag: "2"
- name: acme/side
  digest: sha256:%s
- name: controller
  newName: controller
  newTag: latest
- name: nothing
- name: moved
  newName: quay.io/acme/moved
helmCharts:
- name: nginx
  repo: oci://registry-1.docker.io/bitnamicharts
  version: 15.0.1
  valuesInline: {image: {repository: acme/inline, tag: "3"}}
- {name: other, repo: "https://charts.example.com", version: "1"}
patches:
- patch: |-
    - op: replace
      path: /spec/template/spec/containers/0/image
      value: acme/patched:1
- patch: |
    apiVersion: v1
    kind: Pod
    spec:
      containers:
        - image: "acme/merged:2"
configMapGenerator:
- name: x
  literals: [SIDE_IMAGE=acme/literal:4, PORT=80]
""" % ("c" * 64)


def test_kustomizations() -> None:
    files = {
        "base/pod.yaml": f"{POD}  containers:\n  - image: redis:6\n",
        "base/kustomization.yaml": "resources: [pod.yaml]\n",
        "over/deployment.yaml": f"{POD}  containers:\n  - image: app\n",
        "over/kustomization.yaml": KUSTOMIZATION,
    }
    seen = look(files)
    assert [(one.line, one.text, one.value, one.kind) for one in seen] == [
        (6, "docker.io/acme/app", "docker.io/acme/app:1.20", "kustomize-images"),
        (8, "redis", "redis:7-alpine", "kustomize-images"),
        (12, "acme/side", "acme/side@sha256:" + "c" * 64, "kustomize-images"),
        (19, "quay.io/acme/moved", "quay.io/acme/moved:_", "kustomize-images"),
        (
            22,
            "registry-1.docker.io/bitnamicharts",
            "registry-1.docker.io/bitnamicharts/nginx:15.0.1",
            "helm-chart-oci",
        ),
        (24, "acme/inline", "acme/inline:3", "helm-values"),
        (30, "acme/patched:1", "acme/patched:1", "k8s-image"),
        (36, "acme/merged:2", "acme/merged:2", "k8s-image"),
        (39, "acme/literal:4", "acme/literal:4", "k8s-image"),
    ]
    assert [(one.part, one.text) for one in seen[0].mention.pieces] == [
        ("repository", "docker.io/acme/app"),
        ("tag", "1.20"),
    ]
    # `app` only stands for what the kustomization puts in its place.
    assert values(files, "over/deployment.yaml") == []
    assert values(files, "base/pod.yaml") == ["redis:6"]


def test_a_patch_of_its_own_file() -> None:
    text = (
        "- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: acme/x:1\n"
        "- op: add\n  path: /spec/template/spec/containers/-\n  value:\n    name: p\n"
        "    image: nginx\n- {op: remove, path: /spec/image}\n"
    )
    assert values({"patch.yaml": text}) == ["acme/x:1", "nginx"]


def test_flux() -> None:
    text = """apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  chart: {spec: {chart: redis, version: 1.x}}
  values:
    image: {registry: docker.io, repository: acme/redis, tag: "7"}
    env: {IMAGE: x}
  postRenderers:
  - kustomize:
      images: [{name: acme/a, newName: acme/b, newTag: "1"}]
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
spec:
  url: oci://docker.io/acme/charts
  ref: {tag: 1.2.3}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
spec: {type: oci, url: "oci://registry-1.docker.io/bitnamicharts"}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
spec: {url: "https://charts.example.com"}
"""
    assert [(one.value, one.kind) for one in look({"flux.yaml": text})] == [
        ("docker.io/acme/redis:7", "helm-values"),
        ("acme/b:1", "kustomize-images"),
        ("docker.io/acme/charts:1.2.3", "helm-chart-oci"),
        ("registry-1.docker.io/bitnamicharts/_:_", "helm-chart-oci"),
    ]


def test_argo_cd() -> None:
    text = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  annotations:
    argocd-image-updater.argoproj.io/image-list: app=acme/app:1.x, quay.io/a/b
spec:
  sources:
  - chart: nginx
    repoURL: registry-1.docker.io/bitnamicharts
    targetRevision: 15.0.0
    helm:
      values: |
        image:
          repository: acme/text
          tag: "1"
        other: x
      valuesObject: {sidecar: {image: "acme/object:2"}}
      parameters:
      - {name: image.repository, value: acme/param}
      - {name: image.tag, value: "3"}
      - {name: replicas, value: "3"}
  - repoURL: https://git.example.com/acme/x.git
    kustomize: {images: ["app=acme/kust:4", "acme/same:5", "acme/none"]}
"""
    assert [(one.line, one.value) for one in look({"app.yaml": text})] == [
        (5, "acme/app:1.x"),
        (5, "quay.io/a/b"),
        (9, "registry-1.docker.io/bitnamicharts/nginx:15.0.0"),
        (14, "acme/text:1"),
        (17, "acme/object:2"),
        (19, "acme/param:3"),
        (23, "acme/kust:4"),
        (23, "acme/same:5"),
    ]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="${}:-aZ1./@ \n'\"#&*[]!|>(){{}}=", max_size=80))
def test_anything_below_a_manifest_is_read(text: str) -> None:
    look({"a.yaml": f"{POD}  containers:\n  - image: {text}\n    args: [{text}]\n"})
    look({"kustomization.yaml": f"images:\n- name: {text}\n  newName: {text}\n"})
    look({"a.json": f'{{"apiVersion": "v1", "kind": "Pod", "image": "{text}"}}'})
