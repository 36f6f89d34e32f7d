"""Images in workflows and actions: tables of what is found where, traps, properties."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.finders.workflow import find_in_action, find_in_workflow
from longshore.rewrite.judge import judge
from longshore.rewrite.mentions import OPEN, BuildArgument, Mention, Sighting
from longshore.rewrite.source import SourceFile, read_source

NO_TREE = TreeOfTexts({}, {})
PATH = ".github/workflows/ci.yml"


def source(text: str, path: str = PATH) -> SourceFile:
    file = read_source(path, text.encode("utf-8", "surrogateescape"))
    assert file is not None
    return file


def sightings(text: str) -> tuple[SourceFile, list[Sighting]]:
    file = source(text)
    return file, list(find_in_workflow(file, NO_TREE) or ())


def said(text: str) -> list[str]:
    """Each mention as `kind role text`, with `=> value` when it differs, `xN`, flags."""
    file, found = sightings(text)
    lines = []
    for one in found:
        if not isinstance(one, Mention):
            continue
        assert file.cut(one.span) == one.text
        line = f"{one.kind} {one.role} {one.text}"
        line += f" => {one.expanded}" if one.expanded != one.text else ""
        line += f" x{one.times}" if one.times != 1 else ""
        line += " built" if one.built else ""
        lines.append(line.replace(OPEN, "*"))
    return lines


def in_steps(steps: str, job: str = "") -> str:
    indented = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
    return f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n{job}    steps:\n{indented}"


def in_job(job: str) -> str:
    indented = "".join(f"    {line}\n" for line in job.strip("\n").split("\n"))
    return f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n{indented}"


MATRIX = """    strategy:
      matrix:
        node: [18, 20]
        image: ["node:18", "node:20"]
"""


@pytest.mark.parametrize(
    ("job", "found"),
    [
        ("container: node:18", ["gha-container pull node:18"]),
        ("container: 'node:18' # base", ["gha-container pull node:18"]),
        ("container:\n  image: &i node:18\n  options: --user root", ["gha-container pull node:18"]),
        ("container: {image: docker://node:18}", ["gha-container pull node:18"]),
        ("container: ''", []),
        ("container: ~", []),
        ("container: {env: {A: b}}", []),
        (
            "services:\n  db:\n    image: postgres:16\n    ports: ['5432:5432']",
            ["gha-service pull postgres:16"],
        ),
        ("services: {db: postgres}", ["gha-service pull postgres"]),
        ("services:\n  db:\n    image: ''", []),
        (
            "strategy: {matrix: {v: [1, 2]}}\ncontainer: node:${{ matrix.v }}",
            ["gha-container pull node:${{ matrix.v }} => node:* x2"],
        ),
        (
            "strategy: {matrix: {v: [18]}}\ncontainer: node:${{ matrix.v }}-alpine",
            ["gha-container pull node:${{ matrix.v }}-alpine => node:18-alpine"],
        ),
        (
            "strategy: {matrix: {v: [a, b], i: ['x/p:1', 'x/q:2']}}\ncontainer: ${{ matrix.i }}",
            ["gha-matrix pull x/p:1 x2", "gha-matrix pull x/q:2 x2"],
        ),
        (
            "strategy:\n  matrix:\n    include:\n      - {os: u, c: {image: 'a/b:1'}}\n"
            "      - {os: w}\n"
            "container: ${{ matrix.c.image }}",
            ["gha-matrix pull a/b:1"],
        ),
        (
            "strategy:\n  matrix:\n    include:\n      - c: {image: 'a/b:1', options: --x}\n"
            "container: ${{ matrix.c }}",
            ["gha-matrix pull a/b:1"],
        ),
        (
            "strategy: {matrix: {builder: ['x/b:tiny'], t: ['a/b:1', 'src/foo:bar', 'web:test']}}\n"
            "steps: [{run: './smoke.sh --builder ${{ matrix.builder }} ${{ matrix.t }}'}]",
            ["gha-matrix pull x/b:tiny x3", "gha-matrix pull a/b:1"],
        ),
        (
            'strategy:\n  matrix:\n    i: ${{ fromJSON(\'["a:1", "b:2"]\') }}\n'
            "container: ${{ matrix.i }}",
            ["gha-matrix pull a:1", "gha-matrix pull b:2"],
        ),
        (
            "strategy: {matrix: {db: [pg, my]}}\nservices:\n  db:\n"
            "    image: ${{ matrix.db == 'pg' && 'postgres:16' || 'mysql:8' }}",
            ["gha-service pull postgres:16", "gha-service pull mysql:8"],
        ),
        (
            "services:\n  db:\n    image: ${{ github.ref == 'x' && 'postgres:16' || '' }}",
            ["gha-service pull postgres:16"],
        ),
        ("container: ${{ vars.IMAGE }}", ["gha-container pull ${{ vars.IMAGE }} => *"]),
        ("container: ${{ vars.IMAGE || 'node:18' }}", ["gha-container pull node:18"]),
        (
            "container: ${{ vars.REG }}/node:18",
            ["gha-container pull ${{ vars.REG }}/node:18 => */node:18"],
        ),
        (
            "services:\n  m:\n    image: minio/minio\n    options: >-\n"
            "      --health-cmd 'curl x'\n"
            "      --entrypoint sh mysql:8.4 -c 'x'",
            ["gha-service pull minio/minio", "gha-service pull mysql:8.4"],
        ),
        (
            "services:\n  m:\n    image: mysql:8\n    options: --health-cmd foo",
            ["gha-service pull mysql:8"],
        ),
        (
            "strategy: {matrix: {v: [1, 2, 3]}}\nservices: {r: {image: 'redis:7'}}",
            ["gha-service pull redis:7 x3"],
        ),
        (
            "strategy:\n  matrix:\n    distro: ['debian:12', 'ubuntu:22.04']\n"
            "    os: [ubuntu-22.04]\n"
            "    py: ['3.10']\nsteps: [{run: ./x.sh}]",
            ["gha-matrix pull debian:12", "gha-matrix pull ubuntu:22.04"],
        ),
    ],
)
def test_jobs(job: str, found: list[str]) -> None:
    assert said(in_job(job)) == found


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ("- uses: docker://alpine:3.20", ["gha-uses-docker pull alpine:3.20"]),
        ("- uses: 'docker://ghcr.io/a/b'", ["gha-uses-docker pull ghcr.io/a/b"]),
        ("- uses: actions/checkout@v4\n- uses: ./local\n- uses: a/b/c@main", []),
        # builds
        (
            "- uses: docker/build-push-action@v6\n  with: {push: true, tags: 'a/b:1, a/b:2'}",
            ["gha-input push a/b:1", "gha-input push a/b:2"],
        ),
        (
            "- uses: docker/build-push-action@v6\n  with:\n    load: true\n    tags: app:test",
            ["gha-input build-output app:test built"],
        ),
        (
            "- uses: docker/build-push-action@v6\n  with:\n    push: ${{ github.ref == 'x' }}\n"
            "    tags: |\n"
            "      # two\n      a/b:${{ github.sha }}\n      ${{ steps.m.outputs.tags }}\n",
            ["gha-input push a/b:${{ github.sha }} => a/b:*"],
        ),
        (
            "- uses: docker/build-push-action@v6\n  with:\n"
            "    outputs: type=image,name=a/b,push-by-digest=true,push=true",
            ["gha-input push a/b"],
        ),
        (
            "- uses: docker/build-push-action@v6\n  with:\n    cache-from: |\n"
            "      type=registry,ref=a/b:c\n"
            "      type=gha,scope=x\n      a/old:1\n    cache-to: type=registry,ref=a/b:c,mode=max",
            ["gha-input cache a/b:c", "gha-input cache a/old:1", "gha-input cache a/b:c"],
        ),
        (
            "- uses: docker/build-push-action@v6\n  with:\n    build-contexts: |\n"
            "      alpine=docker-image://alpine:3.20\n      src=./src",
            ["gha-input pull alpine:3.20"],
        ),
        (
            "- uses: docker/build-push-action@v6\n  with:\n    build-args: |\n"
            "      BASE_IMAGE=node:18\n"
            "      VERSION=1.2.3\n      URL=http://x/y:1\n      X=a/b:1",
            ["gha-input pull node:18", "gha-input pull a/b:1"],
        ),
        (
            "- uses: docker/build-push-action@v6\n  with: {sbom: true}",
            [
                "gha-implicit pull docker/build-push-action@v6 "
                "=> docker/buildkit-syft-scanner:stable-1"
            ],
        ),
        (
            "- uses: docker/build-push-action@v6\n  with: {sbom: generator=a/gen:1}",
            ["gha-input pull a/gen:1"],
        ),
        ("- uses: docker/build-push-action@v6\n  with: {sbom: false}", []),
        (
            "- uses: docker/build-push-action@v1\n"
            "  with: {repository: a/b, tags: latest, username: u}",
            ["gha-login login docker/build-push-action@v1 => docker.io", "gha-input push a/b"],
        ),
        (
            "- uses: docker/metadata-action@v5\n  with:\n    images: |\n      a/b\n"
            "      name=ghcr.io/a/b,enable=true\n"
            "    tags: |\n      type=sha\n      latest",
            ["gha-input tag a/b", "gha-input tag ghcr.io/a/b"],
        ),
        (
            "- uses: docker/metadata-action@v5\n  with: {images: 'a/b,c/d'}",
            ["gha-input tag a/b", "gha-input tag c/d"],
        ),
        (
            "- uses: docker/bake-action@v5\n  with:\n    push: true\n    set: |\n"
            "      *.tags=a/b:1\n"
            "      app.args.BASE_IMAGE=node:18\n      app.contexts.base=docker-image://alpine:3\n"
            "      *.cache-from=type=registry,ref=a/c:1\n      *.platform=linux/arm64",
            [
                "gha-input push a/b:1",
                "gha-input pull node:18",
                "gha-input pull alpine:3",
                "gha-input cache a/c:1",
            ],
        ),
        # hidden images and what replaces them
        (
            "- uses: docker/setup-buildx-action@v3",
            ["gha-implicit pull docker/setup-buildx-action@v3 => moby/buildkit:buildx-stable-1"],
        ),
        ("- uses: docker/setup-buildx-action@v3\n  with: {driver: docker}", []),
        (
            "- uses: docker/setup-buildx-action@v3\n  with:\n    driver-opts: |\n"
            "      network=host\n"
            "      image=moby/buildkit:v0.15",
            ["gha-input pull moby/buildkit:v0.15"],
        ),
        (
            "- uses: docker/setup-buildx-action@v3\n"
            "  with: {driver-opts: 'image=a.example/x:1,network=host'}",
            ["gha-input pull a.example/x:1"],
        ),
        (
            "- uses: docker/setup-qemu-action@v3",
            ["gha-implicit pull docker/setup-qemu-action@v3 => tonistiigi/binfmt:latest"],
        ),
        (
            "- uses: docker/setup-qemu-action@v3\n  with: {image: 'tonistiigi/binfmt:qemu-v8'}",
            ["gha-input pull tonistiigi/binfmt:qemu-v8"],
        ),
        (
            "- uses: supercharge/mongodb-github-action@1\n  with: {mongodb-version: 6}",
            ["gha-implicit pull supercharge/mongodb-github-action@1 => mongo:6"],
        ),
        (
            "- uses: helm/kind-action@v1",
            ["gha-implicit pull helm/kind-action@v1 => kindest/node:*"],
        ),
        (
            "- uses: helm/kind-action@v1\n  with: {node_image: 'kindest/node:v1'}",
            ["gha-input pull kindest/node:v1"],
        ),
        # logins
        (
            "- uses: docker/login-action@v3\n  with: {username: u}",
            ["gha-login login docker/login-action@v3 => docker.io"],
        ),
        (
            "- uses: docker/login-action@v3\n  with: {registry: ghcr.io}",
            ["gha-login login docker/login-action@v3 => ghcr.io"],
        ),
        (
            "- uses: docker/login-action@v3\n  with:\n    registry-auth: |\n      - username: u\n"
            "        password: p\n      - registry: ghcr.io\n        username: x",
            ["gha-login login username => docker.io", "gha-login login ghcr.io"],
        ),
        ("- uses: aws-actions/amazon-ecr-login@v2", []),
        # inputs
        (
            "- uses: aquasecurity/trivy-action@0.28.0\n  with: {image-ref: 'a/b:1', format: sarif}",
            ["gha-input pull a/b:1"],
        ),
        ("- uses: anchore/sbom-action@v0\n  with: {path: ./x, image: ''}", []),
        ("- uses: docker/scout-action@v1\n  with: {image: 'local://app:1'}", []),
        (
            "- uses: docker/scout-action@v1\n  with: {image: 'registry://${{ env.N }}:1'}\n"
            "  env: {N: a/b}",
            ["gha-input pull ${{ env.N }}:1 => a/b:1"],
        ),
        ("- uses: x/y@v1\n  with: {image-names: 'ghcr.io/a/b'}", ["gha-input tag ghcr.io/a/b"]),
        ("- uses: x/y@v1\n  with: {image-name: app}", []),
        (
            "- uses: docker/scout-action@v1\n  with: {image: 'registry://a/b:1'}",
            ["gha-input pull a/b:1"],
        ),
        ("- uses: addnab/docker-run-action@v3\n  with: {image: alpine}", ["gha-input pull alpine"]),
        (
            "- uses: x/y@v1\n  with: {image: 'a/b:1', image-name: app, container: foo}",
            ["gha-input pull a/b:1"],
        ),
        ("- uses: x/y@v1\n  with: {image: logo.png, images: 'docs/a.png,docs/b.png'}", []),
        ("- uses: x/y@v1\n  with: {image: ubuntu-2204, name: 'a/b:1', key: 'x:y'}", []),
        (
            "- uses: x/y@v1\n  with: {base-image: 'python:3.12-slim'}",
            ["gha-input pull python:3.12-slim"],
        ),
        # commands
        ("- run: docker run --rm alpine:3.20 true", ["gha-run pull alpine:3.20"]),
        (
            "- run: |\n    set -e\n    docker pull redis:7\n    echo node:18",
            ["gha-run pull redis:7"],
        ),
        ("- run: print('docker run alpine:3')\n  shell: python", []),
        (
            "- uses: appleboy/ssh-action@v1\n  with:\n    host: h\n    script: |\n"
            "      docker pull a/b:1\n",
            ["gha-run pull a/b:1"],
        ),
        (
            "- uses: nick-fields/retry@v3\n  with: {command: docker pull a/b:1}",
            ["gha-run pull a/b:1"],
        ),
        (
            "- run: docker run $IMG true\n  env: {IMG: 'a/b:1'}",
            ["gha-run pull $IMG => a/b:1", "gha-env pull a/b:1"],
        ),
        (
            '- run: echo "IMG=a/b:1" >> $GITHUB_ENV\n- uses: addnab/docker-run-action@v3\n'
            "  with: {image: '${{ env.IMG }}'}",
            ["gha-input pull ${{ env.IMG }} => a/b:1"],
        ),
        (
            "- id: ecr\n  uses: aws-actions/amazon-ecr-login@v2\n"
            "- uses: docker/build-push-action@v6\n"
            "  with: {push: true, tags: '${{ steps.ecr.outputs.registry }}/app:1'}",
            [
                "gha-input push ${{ steps.ecr.outputs.registry }}/app:1"
                " => *.dkr.ecr.*.amazonaws.com/app:1"
            ],
        ),
        ("- run: sudo apt-get install docker.io", []),
        ("- uses: a/b@v1\n  with: {args: 'docker run x'}", []),
        (
            "- run: |\n    BUILDER_IMAGE=a/b:1\n    IMAGE=a/own:1\n    ./x $BUILDER_IMAGE $IMAGE",
            ["gha-run pull a/b:1"],
        ),
    ],
)
def test_steps(steps: str, found: list[str]) -> None:
    assert said(in_steps(steps)) == found


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        (
            "- run: docker run node:${{ matrix.node }} true",
            [
                "gha-matrix pull node:18 x2",
                "gha-matrix pull node:20 x2",
                "gha-run pull node:${{ matrix.node }} => node:* x4",
            ],
        ),
        (
            "- run: docker run ${{ matrix.image }} true",
            ["gha-matrix pull node:18 x2", "gha-matrix pull node:20 x2"],
        ),
        (
            "- uses: docker/build-push-action@v6\n  with:\n"
            "    build-args: BASE=${{ matrix.image }}",
            ["gha-matrix pull node:18 x2", "gha-matrix pull node:20 x2"],
        ),
        (
            "- if: matrix.node == 18\n  uses: docker://node:${{ matrix.node }}",
            [
                "gha-matrix pull node:18 x2",
                "gha-matrix pull node:20 x2",
                "gha-uses-docker pull node:${{ matrix.node }} => node:18 x2",
            ],
        ),
    ],
)
def test_steps_with_a_matrix(steps: str, found: list[str]) -> None:
    assert said(in_steps(steps, MATRIX)) == found


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ("IMAGE: node:18", ["gha-env pull node:18"]),
        ("POSTGRES_IMAGE: postgres:16-alpine", ["gha-env pull postgres:16-alpine"]),
        ("CACHE: ghcr.io/a/b:1", ["gha-env pull ghcr.io/a/b:1"]),
        ("IMAGE_NAME: acme/shop", ["gha-env tag acme/shop"]),
        (
            "TRIVY_DB: 'docker.io/a/db:2,ghcr.io/a/db:2'",
            ["gha-env pull docker.io/a/db:2", "gha-env pull ghcr.io/a/db:2"],
        ),
        ("REGISTRY: ghcr.io", []),
        (
            "NAMES: docker.io/a/b quay.io/a/b",
            ["gha-env pull docker.io/a/b", "gha-env pull quay.io/a/b"],
        ),
        (
            "API_IMAGE: acme/api:${{ github.sha }}",
            ["gha-env pull acme/api:${{ github.sha }} => acme/api:*"],
        ),
        (
            "X: quay.io/a/b:${{ vars.V }}",
            ["gha-env pull quay.io/a/b:${{ vars.V }} => quay.io/a/b:*"],
        ),
        ("IMAGE: ${{ vars.A }}/b:${{ vars.V }}", []),
        ("IMAGE_HOST: localhost:${{ vars.PORT }}", []),
        ("URL: example.com/a:${{ vars.PORT }}", []),
        ("DATABASE_URL: postgres://u:p@db:5432/x", []),
        ("REDIS: localhost:6379/0", []),
        ("KAFKA: kafka:9092", []),
        ("IMAGE_PATH: a/b", []),
        ("NODE_VERSION: '18'", []),
        ("SCRIPT: lint:fix", []),
        ("CIBW_MANYLINUX_X86_64_IMAGE: manylinux2014", []),
    ],
)
def test_env(env: str, found: list[str]) -> None:
    assert said(f"on: push\nenv:\n  {env}\njobs:\n  a:\n    steps: [{{run: x}}]\n") == found


def test_what_a_variable_is_used_for_decides_its_role() -> None:
    push = (
        "on: push\nenv: {IMAGE: 'a/b:1'}\njobs:\n  a:\n    steps:\n    - run: docker push $IMAGE\n"
    )
    assert said(push) == ["gha-env push a/b:1", "gha-run push $IMAGE => a/b:1"]


def test_inputs_of_reusable_workflows() -> None:
    text = (
        "on:\n  workflow_call:\n    inputs:\n      image: {default: 'node:18'}\n"
        "      other-image: {default: 'a/b:1'}\n      name: {default: 'x:1'}\n"
        "jobs:\n  a:\n    container: ${{ inputs.image }}\n"
        "  b:\n    uses: ./.github/workflows/x.yml\n    with: {image: 'redis:7', target: 'a:b'}\n"
    )
    assert said(text) == [
        "gha-input pull a/b:1",
        "gha-container pull ${{ inputs.image }} => node:18",
        "gha-input pull redis:7",
    ]


def test_inputs_that_only_one_trigger_sets_may_be_absent() -> None:
    text = (
        "on:\n  push:\n  workflow_dispatch:\n    inputs: {v: {default: 'a:1'}}\n"
        "jobs:\n  a:\n    container: ${{ inputs.v || 'b:2' }}\n"
    )
    assert said(text) == [
        "gha-container pull ${{ inputs.v || 'b:2' }} => a:1",
        "gha-container pull b:2",
    ]


def test_where_an_edit_belongs() -> None:
    text = (
        "on: push\nenv: {REG: docker.io, WHOLE: 'node:18'}\njobs:\n  a:\n    steps:\n"
        "    - uses: docker://${{ env.WHOLE }}\n    - uses: docker://${{ env.REG }}/a/b:1\n"
        "    - uses: docker://a/${{ env.REG }}\n"
    )
    _, found = sightings(text)
    pieces = {
        one.text: [(piece.text, piece.part) for piece in one.pieces]
        for one in found
        if isinstance(one, Mention) and one.kind == "gha-uses-docker"
    }
    assert pieces == {
        "${{ env.WHOLE }}": [("node:18", "reference")],
        "${{ env.REG }}/a/b:1": [("docker.io", "registry")],
        "a/${{ env.REG }}": [],
    }


def test_when_images_are_pulled() -> None:
    text = (
        "on: push\njobs:\n  a:\n    container: a/job:1\n    steps:\n    - uses: docker://a/uses:1\n"
        "    - uses: docker/setup-buildx-action@v3\n    - run: docker run a/run:1\n"
        "    - uses: docker/build-push-action@v6\n"
        "      with: {build-args: I=a/arg:1, tags: t:1, push: true}\n"
    )
    _, found = sightings(text)
    pulled = {one.expanded: one.pulled for one in found if isinstance(one, Mention)}
    assert pulled == {
        "a/job:1": "job-start",
        "a/uses:1": "job-start",
        "moby/buildkit:buildx-stable-1": "setup",
        "a/run:1": "host",
        "a/arg:1": "build",
        "t:1": None,
    }


@pytest.mark.parametrize(
    ("inputs", "dockerfile"),
    [
        ("build-args: V=1", "Dockerfile"),
        ("context: ./web\n    build-args: V=1", "web/Dockerfile"),
        ("context: web\n    file: web/Dockerfile.dev\n    build-args: V=1", "web/Dockerfile.dev"),
        ("context: '{{defaultContext}}:sub'\n    build-args: V=1", "sub/Dockerfile"),
        ("context: ${{ github.workspace }}/x\n    build-args: V=1", "x/Dockerfile"),
        ("context: https://github.com/a/b.git\n    build-args: V=1", None),
        ("file: ${{ vars.F }}\n    build-args: V=1", None),
        ("context: ../up\n    build-args: V=1", None),
    ],
)
def test_build_arguments_reach_the_dockerfile(inputs: str, dockerfile: str | None) -> None:
    file, found = sightings(in_steps(f"- uses: docker/build-push-action@v6\n  with:\n    {inputs}"))
    arguments = [one for one in found if isinstance(one, BuildArgument)]
    assert [(one.dockerfile, one.name, one.value) for one in arguments] == (
        [(dockerfile, "V", "1")] if dockerfile is not None else []
    )
    assert all(file.cut(one.span) == "1" for one in arguments)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("runs:\n  using: docker\n  image: docker://alpine:3\n", ["gha-uses-docker alpine:3"]),
        ("runs:\n  using: docker\n  image: Dockerfile\n", []),
        (
            "runs:\n  using: composite\n  steps:\n    - run: docker run a/b:1\n      shell: bash\n"
            "    - uses: docker://x/y:1\n",
            ["gha-run a/b:1", "gha-uses-docker x/y:1"],
        ),
        (
            "inputs:\n  image: {default: 'a/b:1'}\n  name: {default: 'c:1'}\n"
            "runs: {using: node20, main: x.js}\n",
            ["gha-input a/b:1"],
        ),
        ("name: x\n", None),
        ("runs: {}\n", None),
    ],
)
def test_actions(text: str, found: list[str] | None) -> None:
    file = source(text, "tools/action.yml")
    mentions = find_in_action(file, NO_TREE)
    if found is None:
        assert mentions is None
        return
    assert [f"{one.kind} {one.text}" for one in mentions or () if isinstance(one, Mention)] == found


@pytest.mark.parametrize(
    "text", ["", "jobs: 1", "a: [", "jobs:\n", "- x", "on: push\njobs: {a: 1}"]
)
def test_what_is_no_workflow(text: str) -> None:
    assert not find_in_workflow(source(text), NO_TREE)


SAMPLE = in_steps(
    "- uses: docker/build-push-action@v6\n  with:\n    push: true\n    tags: |\n"
    "      a/b:${{ matrix.v }}\n"
    "    build-args: |\n      BASE=${{ matrix.image }}\n- uses: docker://alpine:3\n"
    '- run: |\n    docker run "$IMG:${{ matrix.node }}"\n  env: {IMG: node}\n'
    "- uses: docker/login-action@v3\n  with:\n    registry-auth: |\n      - registry: ghcr.io\n",
    MATRIX + "    container: {image: \"${{ matrix.image || 'node:18' }}\"}\n"
    "    services: {r: {image: redis, options: --entrypoint sh a:1}}\n",
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SAMPLE)), st.integers(0, 30), st.text(max_size=6))
def test_broken_workflows_are_read_and_places_are_exact(at: int, gone: int, instead: str) -> None:
    text = SAMPLE[:at] + instead + SAMPLE[at + gone :]
    file = read_source(PATH, text.encode("utf-8", "replace"))
    if file is None:
        return
    for one in find_in_workflow(file, NO_TREE) or ():
        if isinstance(one, Mention):
            assert file.cut(one.span) == one.text
            judge(one, file)
        else:
            assert file.cut(one.span)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark(begin: str, end: str) -> None:
    text = begin + in_steps("- run: |\n    docker pull redis:7\n- uses: docker://alpine:3").replace(
        "\n", end
    )
    assert said(text) == ["gha-run pull redis:7", "gha-uses-docker pull alpine:3"]


def test_a_long_line_is_read() -> None:
    tags = ",".join(f"a/b:{number}" for number in range(8000))
    text = in_steps(
        f"- uses: docker/build-push-action@v6\n  with:\n    push: true\n    tags: {tags}"
    )
    assert len(said(text)) == 8000
    huge = "x" * 100_000
    assert (
        said(
            in_steps(
                f"- uses: a/b@v1\n  with: {{image: {huge}, images: '{huge}'}}\n- run: docker {huge}"
            )
        )
        == []
    )


def test_undecodable_bytes_are_kept() -> None:
    file = read_source(
        PATH, in_steps("- uses: docker://alpine:3 # \udcff").encode("utf-8", "surrogateescape")
    )
    assert file is not None
    (one,) = [one for one in find_in_workflow(file, NO_TREE) or () if isinstance(one, Mention)]
    assert file.cut(one.span) == "alpine:3"
