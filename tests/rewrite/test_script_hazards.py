"""Hazards of scripts: what is said of which text, and what is left in peace."""

from __future__ import annotations

import pytest

from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.hazards import script_errors, server_scripts
from longshore.rewrite.hazards.hazard import Hazard, Surveyed
from longshore.rewrite.source import read_source

CHECKS = (*server_scripts.CHECKS, *script_errors.CHECKS)


def hazards(path: str, text: str) -> list[Hazard]:
    file = read_source(path, text.encode())
    assert file is not None
    surveyed = Surveyed(TreeOfTexts({path: file}, {}), ())
    return [one for check in CHECKS for one in check.look(surveyed)]


def codes(path: str, text: str) -> set[str]:
    return {one.code for one in hazards(path, text)}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("cd /srv\ndocker compose build\ndocker compose up -d\n", "compose-builds-on-server"),
        ("docker-compose -f prod.yml up -d --build\n", "compose-builds-on-server"),
        ("sudo docker compose down\ndocker compose up -d\n", "stops-before-start"),
        ("docker system prune -a -f\n", "prune-deletes-rollback"),
        ("docker system prune -af --volumes\n", "prune-deletes-rollback"),
        ("docker image prune --all --force\n", "prune-deletes-rollback"),
        ("docker volume prune -f\n", "prune-deletes-rollback"),
        ("docker stop $(docker ps -aq)\n", "stops-every-container"),
        ("docker rm -f $(docker ps -a -q) || true\n", "stops-every-container"),
        ("docker rmi $(docker images -q)\n", "stops-every-container"),
        ("aws configure set aws_access_key_id $K\n", "aws-keys-on-server"),
        ("cat > ~/.aws/credentials <<EOF\nx\nEOF\n", "aws-keys-on-server"),
        ("curl https://awscli.amazonaws.com/awscli-exe-linux-x86_64.zip -o a.zip\n",
         "aws-cli-installed-each-deploy"),
        ("aws ecr get-login-password | docker login -u AWS --password-stdin $R\n",
         "login-not-renewed"),
        ("docker push acme/app:1 || true\n", "errors-hidden"),
        ("trivy image --exit-code 1 acme/app:1 || echo 'not clean'\n", "errors-hidden"),
        ("kubectl apply -f x.yml || :\n", "errors-hidden"),
        ("terraform apply -auto-approve || true\n", "errors-hidden"),
        ("aws ecr put-lifecycle-policy --x y || echo failed\n", "errors-hidden"),
        ("for i in 1 2 3; do curl -f http://x/health && break; sleep 5; done\necho done\n",
         "health-loop-cannot-fail"),
        ("for i in $(seq 30); do\n  if curl -sf http://x; then exit 0; fi\n  sleep 2\ndone\n",
         "health-loop-cannot-fail"),
        ("docker login -u me -p $PASSWORD\n", "password-on-command-line"),
        ("docker login --username=me --password=$P quay.io\n", "password-on-command-line"),
        ("docker tag app:latest app:backup-$(date +%s)\n", "backup-tag-not-pushed"),
    ],
)  # fmt: skip
def test_said_of_a_deploy_script(text: str, code: str) -> None:
    found = [one for one in hazards("deploy.sh", text) if one.code == code]
    assert len(found) == 1
    assert found[0].message
    assert found[0].fix


@pytest.mark.parametrize(
    "text",
    [
        "docker compose pull\ndocker compose up -d --no-build\n",
        "docker compose up -d\ndocker compose down --remove-orphans\n",
        "docker image prune -f\n",
        "docker image prune -a -f --filter until=240h\n",
        "docker system prune -f\n",
        "docker stop $(docker ps -aq --filter name=shop)\n",
        "docker rm -f app || true\n",
        "docker pull acme/app:cache || true\n",
        "docker push acme/app:1 || { echo failed; exit 1; }\n",
        "docker push acme/app:1 || (echo failed && exit 1)\n",
        "docker push acme/app:1 || exit 1\n",
        "aws ecr create-repository --repository-name x || true\n",
        "for i in 1 2 3; do curl -f http://x && exit 0; sleep 5; done\nexit 1\n",
        "for i in 1 2; do curl x && break; sleep 1; done\ncurl -f http://x/health\n",
        "for i in 1 2; do sleep 1; done\n",
        "fail() { echo no; exit 1; }\nfor i in 1 2; do curl x && break; sleep 1; done\nfail\n",
        "echo $P | docker login -u me --password-stdin\n",
        "docker tag app:1 app:backup-1\ndocker push app:backup-1\n",
        "docker tag app:1 acme/app:2\n",
        "echo 'docker system prune -a -f'\n# docker stop $(docker ps -aq)\n",
        "aws configure set region eu-west-1\n",
        "cat docs <<EOF\ndocker system prune -af\nEOF\n",
    ],
)
def test_nothing_is_said(text: str) -> None:
    assert codes("deploy.sh", text) == set()


def test_what_runs_on_a_throwaway_runner_may_prune() -> None:
    step = "jobs:\n  a:\n    steps:\n      - run: docker system prune -af\n"
    assert codes(".github/workflows/ci.yml", step) == set()
    sent = (
        "jobs:\n  a:\n    steps:\n      - uses: appleboy/ssh-action@v1\n        with:\n"
        "          script: |\n            docker compose down\n            docker compose up -d\n"
        "            docker system prune -af\n"
    )
    found = hazards(".github/workflows/ci.yml", sent)
    assert {one.code for one in found} == {"stops-before-start", "prune-deletes-rollback"}
    assert [one.line for one in found if one.code == "prune-deletes-rollback"] == [9]
    assert {one.severity for one in found if one.code == "prune-deletes-rollback"} == {"high"}


def test_a_script_inside_ssh_runs_on_a_server() -> None:
    text = "make\nssh app@host <<'EOF'\n  docker compose build\nEOF\n"
    found = hazards("scripts/ship.sh", text)
    assert [(one.code, one.line, one.column) for one in found] == [
        ("compose-builds-on-server", 3, 3)
    ]
    quoted = hazards("scripts/ship.sh", 'ssh host "cd /x && docker volume prune -f"\n')
    assert [(one.code, one.line, one.column) for one in quoted] == [
        ("prune-deletes-rollback", 1, 20)
    ]


def test_a_plain_script_is_no_server() -> None:
    assert codes("scripts/dev.sh", "docker compose down\ndocker compose up --build\n") == set()
    assert codes("Makefile", "up:\n\tdocker push a/b || true\n") == {"errors-hidden"}


@pytest.mark.parametrize("text", ["", "\0", "jobs:\n- {{", "run: |", "if [ x", "$(((", "a\\"])
@pytest.mark.parametrize("path", ["deploy.sh", "Makefile", ".github/workflows/a.yml"])
def test_broken_texts_say_nothing(path: str, text: str) -> None:
    file = read_source(path, text.encode())
    if file is not None:
        assert codes(path, text) == set()
