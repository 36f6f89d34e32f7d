"""What command lines name: tables of what is found, and of what never is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import Span


def mentions(text: str, **variables: str) -> list[Mention]:
    script = Script(text, Span, "shell-script", "host", "job", 2, variables, path="a.sh")
    found = mentions_in(script, definitions=True)
    for one in found:
        assert text[one.span.start : one.span.end] == one.text
    return found


def named(text: str, role: str = "pull", **variables: str) -> list[str]:
    """What is found in a role, open parts as `?`."""
    return [
        one.expanded.replace(OPEN, "?") for one in mentions(text, **variables) if one.role == role
    ]


ENGINES = [
    ("docker run node:18", "node:18"),
    ("docker run --rm -it -v \"$PWD\":/w -w /w node:18-alpine npm ci", "node:18-alpine"),
    ("docker run -dit -p80:80 --name=foo -e A=b -eC=d nginx", "nginx"),
    ("docker run --user $(id -u):$(id -g) --gpus all a/b:1 c:2", "a/b:1"),
    ("docker run --network host --entrypoint sh alpine -c 'x'", "alpine"),
    ("docker container run -h h a/b", "a/b"),
    ("docker create --name x redis:7", "redis:7"),
    ("docker -H tcp://h:1 --context c pull a/b:1", "a/b:1"),
    ("docker pull -q --platform linux/amd64 a/b@sha256:" + "a" * 64, "a/b@sha256:" + "a" * 64),
    ("docker image pull a", "a"),
    ("podman run --pod p --tz local docker.io/library/x:1", "docker.io/library/x:1"),
    ("podman pull docker://a/b:1", "a/b:1"),
    ("nerdctl -n k8s.io pull a:1", "a:1"),
    ("sudo -E -u x timeout -k 5 30 docker pull a:1", "a:1"),
    ("env A=b nohup docker run a:1 &", "a:1"),
    ("time docker run a:1", "a:1"),
    ("! docker pull a:1", "a:1"),
    ("xargs -I{} docker run -v {}:/x a:1", "a:1"),
    ("retry 5 docker pull a:1", "a:1"),
    ("travis_retry docker pull a:1", "a:1"),
    ("bash ci/retry.sh docker pull a:1", "a:1"),
    ("/usr/bin/docker pull a:1", "a:1"),
    ("$DOCKER run --rm a:1", "a:1"),
    ('"${CONTAINER_ENGINE:-docker}" pull a:1', "a:1"),
    ("DOCKER=$(command -v podman); $DOCKER pull a:1", "a:1"),
    ("$SUDO docker pull a:1", "a:1"),
    ("docker run $OPTS a/b:1 sh", "a/b:1"),
    ('docker run "${ARGS[@]}" a/b:1', "a/b:1"),
    ("OPTS='-v a:b --rm'; docker run $OPTS a:1 sh", "a:1"),
    ("docker run --unknown-option value a/b:1 sh", "a/b:1"),
    ("docker exec kind-control-plane crictl pull a:1", "a:1"),
    ("docker service create --replicas 2 --name x a:1 cmd", "a:1"),
    ("docker service update --image a:2 svc", "a:2"),
    ("docker plugin install --alias x a/b:1", "a/b:1"),
    ("docker pull registry:2", "registry:2"),
    ("grype registry:2", "registry:2"),
    ("docker manifest inspect -v a:1", "a:1"),
    ("docker buildx imagetools inspect a:1 --raw", "a:1"),
    ("docker buildx create --driver-opt network=host,image=moby/buildkit:v1,x=y --use",
     "moby/buildkit:v1"),
    ("docker buildx bake --set '*.args.BASE_IMAGE=a/b:1'", "a/b:1"),
    ("docker build --build-context x=docker-image://a:1 .", "a:1"),
    ("docker buildx --builder b build --build-arg BASE_IMAGE=node:18 .", "node:18"),
    ("docker buildx --builder=b imagetools inspect a:1", "a:1"),
    ("docker build --build-arg BASE_IMAGE=node:18 .", "node:18"),
    ("docker build --build-arg NODE=node:18 .", "node:18"),
    ("docker scout cves --only-severity critical a/b:1", "a/b:1"),
    ("docker scan --file Dockerfile a/b:1", "a/b:1"),
    ("buildah from --name x a:1", "a:1"),
]  # fmt: skip
CLIENTS = [
    ("crane digest --platform linux/amd64 alpine", "alpine"),
    ("crane pull --format oci node:18 out.tar", "node:18"),
    ("crane copy a:1 ghcr.io/x/a:1", "a:1"),
    ("crane append -b a:1 -t b:1 -f x.tar", "a:1"),
    ("skopeo copy --all docker://a:1 oci:dir:latest", "a:1"),
    ("skopeo inspect --raw docker://docker.io/a/b:1 | jq .", "docker.io/a/b:1"),
    ("skopeo sync --src docker --dest dir a:1 /tmp", "a:1"),
    ("regctl image copy a:1 x.io/a:1", "a:1"),
    ("regctl manifest get --format x a:1", "a:1"),
    ("oras pull docker.io/a/b:1 -o out", "docker.io/a/b:1"),
    ("cosign verify --key cosign.pub a/b:1", "a/b:1"),
    ("trivy image --severity HIGH,CRITICAL --exit-code 1 --no-progress alpine", "alpine"),
    ("trivy --exit-code 0 a:1", "a:1"),
    ("grype a:1 --fail-on high", "a:1"),
    ("grype docker:a/b:1", "a/b:1"),
    ("syft registry:a/b:1 -o json", "a/b:1"),
    ("dive --ci a/b:1", "a/b:1"),
    ("dockle --exit-code 1 a", "a"),
    ("snyk container test a:1 --file=Dockerfile", "a:1"),
    ("ctr -n k8s.io images pull docker.io/library/a:1", "docker.io/library/a:1"),
    ("sudo k3s ctr images pull a/b:1", "a/b:1"),
    ("crictl --runtime-endpoint unix:///x pull a:1", "a:1"),
    ("singularity pull x.sif docker://a:1", "a:1"),
    ("apptainer exec -B /x docker://a ls", "a"),
    ("kubectl run t --rm -it --image=a:1 --restart=Never -- sh", "a:1"),
    ("kubectl -n x create deployment d --image a", "a"),
    ("kubectl set image -n x deployment/app app=a/b:1", "a/b:1"),
    ("kubectl debug -it pod/x --image=a:1", "a:1"),
    ("kustomize edit set image app=a/b:1", "a/b:1"),
    ("helm upgrade --install x ./c --set image.repository=a/b,image.tag=1", "a/b:1"),
    ("helm install x ./c --set sidecar.image=a/b:1", "a/b:1"),
    ("helm install x ./c --set a.image.registry=r.io --set a.image.repository=b", "r.io/b"),
    ("helm pull oci://registry-1.docker.io/a/b --version 1.2.3", "registry-1.docker.io/a/b:1.2.3"),
    ("kind create cluster --image kindest/node:v1", "kindest/node:v1"),
    ("k3d cluster create -i rancher/k3s:v1", "rancher/k3s:v1"),
    ("minikube ssh -- docker pull a:1", "a:1"),
    ("gcloud run deploy s --image docker.io/a/b:1", "docker.io/a/b:1"),
    ("az acr import -n r --source docker.io/library/a:1 --image a:1", "docker.io/library/a:1"),
    ("pack build x --builder a/b --run-image c/d", "a/b"),
    ("act -P ubuntu-latest=a:1 push", "a:1"),
    ("./mvnw jib:build -Djib.from.image=a:1", "a:1"),
    ("gitlab-runner exec docker test --docker-image a/b:1", "a/b:1"),
]
SCRIPTS = [
    ("IMG=a:1; docker run $IMG", "a:1"),
    ('docker run "${IMG:-a:1}" x', "a:1"),
    ("docker pull a:${V:-1}", "a:1"),
    ('docker pull "$REG"/a:1', "?/a:1"),
    ('V="a/b:$(x "$y" | jq)"; docker pull "$V"', "a/b:?"),
    ('docker run --name "$(x "a b" "${y:-"c"}")" a:1', "a:1"),
    ("docker pull a:${{ matrix.v }}", "a:?"),
    ("ssh h docker pull a:1", "a:1"),
    ('ssh -i k u@h "cd /x && sudo docker pull a:1"', "a:1"),
    ('ssh h "docker run \\"a:1\\""', "a:1"),
    ("ssh h <<'E'\ndocker pull a:1\nE", "a:1"),
    ("ssh h bash -s <<E\ndocker pull a:1\nE\n", "a:1"),
    ("sshpass -p x ssh h 'docker pull a:1'", "a:1"),
    ("bash -lc 'docker pull a:1'", "a:1"),
    ("eval \"docker pull a:1\"", "a:1"),
    ("dotenv -e .env -- docker run a:1", "a:1"),
    ("aws-vault exec x -- docker pull a:1", "a:1"),
    ("concurrently 'docker run a:1' 'npm start'", "a:1"),
    ("sudo su app -c 'docker pull a:1'", "a:1"),
    ("alias x='docker run --rm a:1'", "a:1"),
    ("vagrant ssh -c 'docker pull a:1'", "a:1"),
    ("cat > x.sh <<E\ndocker pull a:1\nE", "a:1"),
    ("tee run.sh <<E\n#!/bin/sh\ndocker pull a:1\nE", "a:1"),
    ("kubectl apply -f - <<E\nimage: a:1\nE", "a:1"),
    ("cat <<E | kubectl apply -f -\n  - image: \"a:1\"\nE", "a:1"),
    ("cat > compose.yml <<'E'\nimage: a:1\nE", "a:1"),
    ("docker build - <<E\nFROM a:1\nE", "a:1"),
    ("p() { docker pull \"$1\"; }\np a:1", "a:1"),
    ("p() { local i=$1; shift; docker run \"$@\" $i; }\np a:1 --rm", "a:1"),
    ("r() { \"$@\"; }\nr docker pull a:1", "a:1"),
    ("x=$(docker run --rm a:1 cat /v)", "a:1"),
    ("if ! docker pull a:1; then exit 1; fi", "a:1"),
    ("CMD=\"docker run --rm a:1\"\n", "a:1"),
    ("D='docker run --rm'; $D a:1 ls", "a:1"),
    ("export BASE_IMAGE=a/b:1", "a/b:1"),
    ("export REGISTRY_IMAGE=registry:2", "registry:2"),
    ("docker run \\\n{% if x %}\n -m {{ y }} \\\n{% endif %}\n a:1 sh", "a:1"),
    ("export IMAGE=\"${IMAGE-a/b:1}\"", "a/b:1"),
    ("DB_IMAGE=postgres make up", "postgres"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "image"), [*ENGINES, *CLIENTS, *SCRIPTS])
def test_the_image_is_found_once(text: str, image: str) -> None:
    found = [one for one in named(text) if one not in {"c/d"}]
    assert found == [image]


@pytest.mark.parametrize(
    "text",
    [
        "# docker pull a:1",
        "echo docker pull a:1",
        'echo "docker run a:1"; printf "docker run %s" a',
        "grep -q 'docker run a:1' x; sed -i 's|docker pull a:1|b|' x",
        "cat <<E\nusage: docker pull a:1\ndocker pull a:1\nE",
        "usage() { echo 'docker run a:1'; }",
        "log 'docker pull a:1'; die \"docker pull a:1 failed\"",
        'USAGE="docker run a:1"',
        "docker run --rm -it $(docker build -q .)",
        "docker run $(f) bash",
        'docker run "$@"',
        "docker run",
        "docker run --help",
        "docker run --unknown value nginx",
        "docker ps -a; docker logs x; docker stop app; docker network create a; docker volume rm b",
        "docker cp app:/x y; docker exec -it app bash; docker inspect app; docker rm -f a:1",
        "docker compose run web; docker-compose up; docker stack deploy -c x y",
        "docker rmi $(docker images -q); docker rmi abc123def456",
        "docker load -i x.tar; docker system prune -af",
        "docker context use default; docker buildx use x; docker buildx inspect --bootstrap",
        "docker build --build-arg VERSION=1:2 --target base --network host -f a/Dockerfile .",
        "docker build --build-arg debug_image=not-used .",
        "docker build --build-arg REGISTRY=docker.io/acme .",
        "apt-get install -y docker.io docker-compose",
        "command -v docker; which podman; systemctl restart docker; usermod -aG docker x",
        "curl -fsSL https://get.docker.com | sh",
        "trivy fs .; trivy config dir; trivy image --input x.tar; grype sbom:./x.json; grype dir:.",
        "syft . -o json; snyk test; dive build -t x .",
        "skopeo copy oci:a:1 dir:b; crane push x.tar",
        "kubectl get pods -o jsonpath='{..image}'; kubectl rollout restart deploy/x",
        "helm install x bitnami/redis --set image.tag=3; helm repo add a https://x.io/a",
        "kind load docker-image a:1; minikube start --driver docker",
        "gcloud compute instances create x --image debian-11 --image-family y",
        "aws ecs run-task --x y; terraform apply; make docker-run IMAGE=a:1",
        "PATH=/a/b:/c DIR=a/b URL=http://x:1/y HOST=localhost:8080 IMAGE_DIR=a/b IMAGE_TAG=1.2",
        "user=node:node; chown node:node x; image=a/$B",
        "for i in a:1 b:2; do echo $i; done",
        '[ "$x" = docker:run ] && [[ $y =~ docker ]]',
        "python -c 'import docker; docker.run(\"a:1\")'",
        "if false; then :; fi; docker",
        "rm -rf docker run a:1",
        "docker pull ./x; docker pull http://x/y; docker pull -a",
    ],
)
def test_nothing_is_pulled(text: str) -> None:
    assert named(text) == []


@pytest.mark.parametrize(
    ("text", "role", "found"),
    [
        ("docker push -q a/b:1", "push", ["a/b:1"]),
        ("docker buildx build --push -t a/b:1 -t a/b:2 .", "push", ["a/b:1", "a/b:2"]),
        ("docker build --tag=a/b:1 .", "build-output", ["a/b:1"]),
        ("docker tag a:1 b/c:2", "tag", ["a:1", "b/c:2"]),
        ("crane copy a:1 b/c:1", "push", ["b/c:1"]),
        ("docker build --cache-from a/b --cache-to type=registry,ref=a/c:x,mode=max .", "cache",
         ["a/b", "a/c:x"]),
        ("docker login -u x -p y", "login", ["docker.io"]),
        ("echo $P | sudo docker login --username x --password-stdin quay.io", "login",
         ["quay.io"]),
        ("skopeo login docker.io -u x -p y", "login", ["docker.io"]),
        ("helm registry login -u x docker.io", "login", ["docker.io"]),
        ("docker commit c a:1", "build-output", ["a:1"]),
        ("az acr build -t a/b:1 .", "push", ["a/b:1"]),
    ],
)  # fmt: skip
def test_roles(text: str, role: str, found: list[str]) -> None:
    assert named(text, role) == found


def test_a_login_without_a_server_stands_at_its_words() -> None:
    (one,) = mentions("echo x | docker login -u a --password-stdin")
    assert (one.text, one.expanded) == ("docker login", "docker.io")


def test_what_a_script_builds_and_what_it_pushes() -> None:
    found = mentions("docker build -t a/b .\ndocker build -t c .\ndocker push a/b\n")
    assert [(one.text, one.built) for one in found if one.role == "build-output"] == [
        ("a/b", False),
        ("c", True),
    ]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("for i in a:1 'b:2'; do docker pull $i; done", ["a:1", "b:2"]),
        ('I=(a:1 "b:2"); for i in "${I[@]}"; do docker pull "$i"; done', ["a:1", "b:2"]),
        ('I="a:1\n  b:2"\nfor i in $I; do docker pull $i; done', ["a:1", "b:2"]),
        ("p() { docker pull $1; }\np a:1\np b:2", ["a:1", "b:2"]),
        ("for v in 1 2; do docker pull a:$v; done", ["a:$v"]),
        ("for n in a b; do docker pull x/$n:1; done", ["x/$n:1", "x/$n:1"]),
        ("docker save -o x a:1 b:2; docker pull a", ["a"]),
    ],
)
def test_items_are_reported_at_their_own_place(text: str, places: list[str]) -> None:
    assert [one.text for one in mentions(text) if one.role == "pull"] == places


def test_one_place_with_several_names() -> None:
    found = mentions("for n in a b; do docker pull x/$n:1; done")
    assert [one.expanded for one in found] == ["x/a:1", "x/b:1"]
    assert len({one.span for one in found}) == 1
    either = mentions("if y; then I=a:1; else I=b:2; fi; docker run $I")
    assert [one.expanded for one in either] == ["a:1", "b:2"]
    assert named("for v in 1 2; do docker pull a:$v; done") == ["a:?"]


def test_an_edit_belongs_to_the_definition() -> None:
    text = "IMG=node:18\ndocker run $IMG\n"
    (one,) = mentions(text)
    (piece,) = one.pieces
    assert (piece.file, piece.text, piece.span.start, piece.part) == (
        "a.sh",
        "node:18",
        4,
        "reference",
    )
    (inside,) = mentions("docker run ${IMG:-node:18}")
    assert inside.pieces[0].text == "node:18"
    assert mentions("docker run a:1")[0].pieces == ()


def test_the_script_says_when_and_for_whom() -> None:
    (one,) = mentions("docker pull $X")
    assert (one.kind, one.pulled, one.job, one.times) == ("shell-script", "host", "job", 2)
    assert one.needs == "X"
    (push,) = mentions("docker push a/b")
    assert push.pulled is None


def test_values_from_outside() -> None:
    assert named("docker pull $I", I="a:1") == ["a:1"]
    script = Script(
        "docker pull a:${{ matrix.v }} && docker pull ${{ env.I }}", Span, "gha-run", "host",
        variables={"matrix.v": "3", "I": "b:2"},
    )  # fmt: skip
    assert [one.expanded for one in mentions_in(script)] == ["a:3", "b:2"]


def test_what_cannot_be_placed_is_left_out() -> None:
    script = Script("docker pull a:1", lambda _start, _end: None, "x", "host")
    assert mentions_in(script) == []


PIECES = st.sampled_from(
    [text for text, _ in (*ENGINES[:20], *SCRIPTS)]
    + ["\n", " ", ";", "\\\n", "'", '"', "$(", ")", "`", "${", "}", "<<E\n", "E\n", "|", "&&", "{{"]
    + ["for i in a b; do ", "done", "if ", "fi\n", "f() {", "$1", "docker ", "run ", "é", "\udc80"]
)


@settings(max_examples=250, deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_any_script_is_read_and_its_places_are_exact(pieces: list[str]) -> None:
    mentions("".join(pieces))


@pytest.mark.parametrize(
    "unit", ["a", "$(", "${", '"', "'", "\\", "$", "{{", "|", "<<E ", "docker run ", "(", "a||"]
)
def test_a_very_long_line_hides_nothing_before_it(unit: str) -> None:
    text = "docker pull a:1\n" + unit * (50_000 // len(unit)) + "\ndocker pull b:2\n"
    assert "a:1" in named(text)
