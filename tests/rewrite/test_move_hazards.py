"""Hazards that only a whole tree shows: a half-done move, policies, folders, what is left over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from longshore.rewrite.hazards.hazard import Surveyed
from longshore.rewrite.hazards.policy_texts import policy_texts
from tests.rewrite.hazards_of import BY_CODE, WORKFLOW, hazards_of, lines_of, survey
from tests.rewrite.pipelines import workflows
from tests.rewrite.test_workflow_hazards import ECR, HUB_LOGIN, LOGIN, push, workflow

HUB_BASE = {"Dockerfile": "FROM node:22-alpine\n"}
ECR_BASE = {"Dockerfile": f"FROM {ECR}/mirror/node:22\n"}
TO_ECR = push(ECR + "/shop:main-${{ github.sha }}")
BUILDX = "- uses: docker/setup-buildx-action@v3\n"
README = {"README.md": "Secrets: DOCKERHUB_USERNAME and DOCKERHUB_TOKEN\n"}


def tree(steps: str, *others: dict[str, str], job: str = "") -> dict[str, str]:
    found = {WORKFLOW: workflow(steps, job=job)}
    for one in others:
        found |= one
    return found


MOVED = tree(f"{LOGIN}\n{TO_ECR}", ECR_BASE)
HALF = tree(f"{LOGIN}\n{TO_ECR}", HUB_BASE)
SERVICE = "services:\n  db: {image: postgres:17}"


@pytest.mark.parametrize(
    ("texts", "worth"),
    [
        (HALF, "medium"),
        (HALF | README, "high"),
        (tree(f"{LOGIN}\n{TO_ECR}", ECR_BASE, job=SERVICE), "medium"),
        (tree(f"{BUILDX}{LOGIN}\n{TO_ECR}", ECR_BASE), "medium"),
        (MOVED, None),
        (tree(f"{LOGIN}\n- run: crane copy node:22 {ECR}/mirror/node:22", ECR_BASE), None),
        (tree(f"{HUB_LOGIN}\n{LOGIN}\n{TO_ECR}", HUB_BASE), None),
        (tree("- uses: a/docker-login@v1\n" + f"{LOGIN}\n{TO_ECR}", HUB_BASE), None),
        (tree(push("a/b:1"), HUB_BASE), None),
        (
            tree(f"- uses: ./.github/login\n{LOGIN}\n{TO_ECR}", HUB_BASE)
            | {
                ".github/login/action.yml": "runs:\n  using: composite\n  steps:\n"
                "    - uses: docker/login-action@v3\n      with: {username: u}\n"
            },
            None,
        ),
    ],
)
def test_the_login_is_gone_and_images_are_not(texts: dict[str, str], worth: str | None) -> None:
    found = lines_of(texts, "hub-login-removed")
    assert found == ([(LOGIN, worth)] if worth else [])


def test_pulls_are_named() -> None:
    (found,) = hazards_of(HALF, "hub-login-removed")
    assert "node:22-alpine (pulls in one run: 1)" in found.message


@pytest.mark.parametrize(
    ("texts", "reported"),
    [
        (HALF, True),
        (MOVED, False),
        (tree(push("a/b:1"), HUB_BASE), False),
        (HUB_BASE, False),
        ({"tests/push.sh": f"docker push {ECR}/x:1\n"} | HUB_BASE, False),
        ({"push.sh": f"docker push {ECR}/x:1\n"} | HUB_BASE, True),
    ],
)
def test_the_headline(texts: dict[str, str], reported: bool) -> None:
    if WORKFLOW not in texts and reported:
        assert hazards_of(texts, "hub-images-left")[0].file == "push.sh"
    assert len(hazards_of(texts, "hub-images-left")) == reported


BOTH = f"{HUB_LOGIN}\n{LOGIN}\n"


@pytest.mark.parametrize(
    ("texts", "reported"),
    [
        (tree(BOTH + TO_ECR, ECR_BASE), True),
        (tree(BOTH + "- uses: actions/checkout@v4\n" + TO_ECR, ECR_BASE), True),
        (tree(BOTH + TO_ECR, HUB_BASE), False),
        (tree(BUILDX + BOTH + TO_ECR, ECR_BASE), False),
        (tree(BOTH + TO_ECR + "\n" + push("a/b:1"), ECR_BASE), False),
        (tree(BOTH + TO_ECR + "\n- run: make image", ECR_BASE), False),
        (tree(BOTH + TO_ECR + "\n- uses: a/b@v1", ECR_BASE), False),
        (tree(BOTH + TO_ECR + "\n- run: docker compose up -d", ECR_BASE), False),
        (tree(BOTH + TO_ECR), False),
        (tree(HUB_LOGIN + "\n" + push("a/b:1"), ECR_BASE), False),
        (tree(BOTH + TO_ECR + "\n- run: docker push $IMAGE", ECR_BASE), False),
    ],
)
def test_a_login_for_nothing(texts: dict[str, str], reported: bool) -> None:
    assert len(hazards_of(texts, "hub-login-left")) == reported


@pytest.mark.parametrize(
    ("texts", "reported"),
    [
        (MOVED | README, True),
        (MOVED | {"docs/ci.md": "set DOCKER_PASSWORD\n"}, True),
        (MOVED | {"README.md": "docker pull acme/shop\n"}, False),
        (tree(BOTH + TO_ECR, ECR_BASE) | README, False),
        (tree(push("a/b:1")) | README, False),
        (MOVED | {"node_modules/x/README.md": README["README.md"]}, False),
    ],
)
def test_documents(texts: dict[str, str], reported: bool) -> None:
    assert len(hazards_of(texts, "hub-secrets-asked-for")) == reported


RENOVATE = '{"hostRules": [{"matchHost": "docker.io", "username": "u"}]}'
DEPENDABOT = (
    "version: 2\nregistries:\n  hub: {type: docker-registry, url: registry.hub.docker.com}\n"
)
KYVERNO = """\
kind: ClusterPolicy
metadata: {name: allowed-registries}
spec:
  rules:
    - validate:
        pattern:
          spec:
            containers:
              - image: "docker.io/* | ghcr.io/*"
"""


@pytest.mark.parametrize(
    ("path", "text", "reported"),
    [
        ("renovate.json", RENOVATE, True),
        ("renovate.json", RENOVATE.replace("docker.io", ECR), False),
        ("renovate.json", '{"extends": ["config:base"]}', False),
        ("renovate.json", '{"description": ["images of docker.io"]}', False),
        (".github/dependabot.yml", DEPENDABOT, True),
        (".github/dependabot.yml", "version: 2\nupdates: [{package-ecosystem: docker}]\n", False),
        ("policies/allow.yaml", KYVERNO, True),
        ("policies/allow.yaml", KYVERNO.replace("ghcr.io/*", ECR + "/*"), False),
        ("policies/deny.yaml", KYVERNO.replace("allowed-reg", "disallow-reg"), False),
        ("policies/x.yaml", "kind: ConfigMap\ndata: {a: docker.io}\n", False),
    ],
)
def test_bots_and_policies(path: str, text: str, reported: bool) -> None:
    assert len(hazards_of(MOVED | {path: text}, "hub-named-by-readers")) == reported
    assert hazards_of({path: text}, "hub-named-by-readers") == []


@pytest.mark.parametrize(
    ("texts", "reported"),
    [
        (tree(f"{LOGIN}\n{TO_ECR}\n- uses: peter-evans/dockerhub-description@v4"), True),
        (tree(f"{LOGIN}\n{TO_ECR}\n- uses: docker/scout-action@v1"), True),
        (MOVED | {"README.md": "![p](https://img.shields.io/docker/pulls/acme/shop.svg)\n"}, True),
        (MOVED | {"README.md": "![p](https://img.shields.io/github/stars/a/b)\n"}, False),
        (tree(push("a/b:1") + "\n- uses: peter-evans/dockerhub-description@v4"), False),
        (
            tree(f"{LOGIN}\n{TO_ECR}\n{push('a/b:1')}\n- uses: docker/scout-action@v1"),
            False,
        ),
    ],
)
def test_add_ons(texts: dict[str, str], reported: bool) -> None:
    assert len(hazards_of(texts, "hub-extras-left")) == reported


# --- lifecycle policies ---------------------------------------------------------------------------


def rule(number: int = 1, **selection: Any) -> dict[str, Any]:
    chosen = {"countType": "imageCountMoreThan", "countNumber": 5, **selection}
    return {"rulePriority": number, "selection": chosen, "action": {"type": "expire"}}


def policy(*rules: dict[str, Any]) -> str:
    return json.dumps({"rules": list(rules)}, indent=2)


GOOD = policy(
    rule(1, tagStatus="tagged", tagPrefixList=["v"]),
    rule(2, tagStatus="tagged", tagPatternList=["main-*"]),
    rule(3, tagStatus="untagged"),
)
BARE = policy(rule(1, tagStatus="tagged"))
TWO = policy(rule(1, tagStatus="tagged", tagPrefixList=["main-", "develop-"]))


@pytest.mark.parametrize(
    ("code", "path", "text", "reported"),
    [
        ("lifecycle-invalid", "ecr/lifecycle.json", GOOD, False),
        ("lifecycle-invalid", "ecr/lifecycle.json", BARE, True),
        ("lifecycle-invalid", "setup.sh", f"aws ecr put-lifecycle-policy --x '{BARE}'\n", True),
        ("lifecycle-invalid", "setup.sh", f"cat <<EOF\n{GOOD}\nEOF\n", False),
        (
            "lifecycle-invalid",
            "main.tf",
            f"policy = <<EOF\n{BARE.replace('5', '${n}')}\nEOF\n",
            False,
        ),
        ("lifecycle-invalid", "rules.json", '{"rules": [{"id": 1}]}', False),
        ("lifecycle-invalid", "tests/bad.json", BARE, False),
        ("lifecycle-invalid", "broken.json", BARE[:-9], False),
        ("lifecycle-several-prefixes", "a.json", TWO, True),
        ("lifecycle-several-prefixes", "a.json", GOOD, False),
        (
            "lifecycle-several-prefixes",
            "a.json",
            policy(rule(1, tagStatus="tagged", tagPrefixList=["v", "v1"])),
            False,
        ),
        (
            "lifecycle-several-prefixes",
            "a.json",
            policy(rule(1, tagStatus="tagged", tagPatternList=["prod*", "*web"])),
            False,
        ),
        (
            "lifecycle-several-prefixes",
            "a.json",
            policy(rule(1, tagStatus="tagged", tagPatternList=["prod-*", "dev-*"])),
            True,
        ),
    ],
)
def test_lifecycle_policies(code: str, path: str, text: str, reported: bool) -> None:
    assert len(hazards_of({path: text}, code)) == reported


def test_the_flawed_rule_is_shown() -> None:
    text = policy(
        rule(1, tagStatus="untagged"), rule(2, tagStatus="tagged", tagPrefixList=["a", "b"])
    )
    (found,) = hazards_of({"a.json": text}, "lifecycle-several-prefixes")
    assert text.split("\n")[found.line - 1].strip() == '"rulePriority": 2,'


META = (
    "- id: m\n  uses: docker/metadata-action@v5\n  with:\n    images: "
    + ECR
    + "/shop\n    tags: |\n      RULE\n"
    + push("${{ steps.m.outputs.tags }}")
)


@pytest.mark.parametrize(
    ("steps", "text", "reported"),
    [
        (push(ECR + "/shop:main-${{ github.sha }}"), GOOD, False),
        (push(ECR + "/shop:${{ github.sha }}"), GOOD, True),
        (push(ECR + "/shop:master-${{ github.sha }}"), GOOD, True),
        (push(ECR + "/shop:${{ github.sha }}\n" + ECR + "/shop:main-x"), GOOD, False),
        (push(ECR + "/shop:latest"), GOOD, False),
        (push("ghcr.io/a/b:${{ github.sha }}"), GOOD, False),
        (push(ECR + "/shop:${{ github.sha }}"), policy(rule(1, tagStatus="any")), False),
        (push(ECR + "/shop:${{ github.sha }}", "false"), GOOD, False),
        (push(ECR + "/shop:${{ vars.PREFIX }}-x"), GOOD, False),
        (META.replace("RULE", "type=sha"), GOOD, True),
        (META.replace("RULE", "type=sha,prefix=main-"), GOOD, False),
        (META.replace("RULE", "type=semver,pattern=v{{version}}"), GOOD, False),
    ],
)
def test_tags_that_no_rule_reaches(steps: str, text: str, reported: bool) -> None:
    texts = {WORKFLOW: workflow(steps, "{push: {branches: [main], tags: ['v*']}}"), "p.json": text}
    assert len(hazards_of(texts, "tags-without-lifecycle-rule")) == reported


# --- IAM ------------------------------------------------------------------------------------------


def statement(*actions: str, resource: Any = "*", **more: Any) -> str:
    one = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [one]}, indent=2)


ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/shop"
BLOCK = """\
data "aws_iam_policy_document" "x" {{
  statement {{
    actions = ["{}"]
    resources = [{}]
  }}
}}
"""
ENCODED = """\
resource "aws_iam_policy" "p" {{
  policy = jsonencode({{ Statement = [{{
    Effect = "Allow"
    Action = ["{}"]
    Resource = {}
  }}] }})
}}
"""
CLOUDFORMATION = """\
Resources:
  Role:
    Properties:
      Policies:
        - PolicyDocument:
            Statement:
              - Effect: EFFECT
                Action: [ecr:PutImage]
                Resource: RESOURCE
"""


@pytest.mark.parametrize(
    ("path", "text", "worth"),
    [
        ("p.json", statement("ecr:PutImage"), "medium"),
        ("p.json", statement("ecr:GetAuthorizationToken", "ecr:BatchDeleteImage"), "medium"),
        ("p.json", statement("ecr:*"), "high"),
        ("p.json", statement("ecr:BatchGetImage"), "low"),
        ("p.json", statement("ecr:GetAuthorizationToken"), None),
        ("p.json", statement("ecr:DescribeRegistry"), None),
        ("p.json", statement("ecr:PutImage", resource=ARN), None),
        ("p.json", statement("ecr:PutImage", resource=[ARN]), None),
        ("p.json", statement("ecr:PutImage", Condition={"StringEquals": {"a": "b"}}), None),
        ("p.json", statement("ecr:PutImage", Principal="*"), None),
        ("p.json", statement("s3:PutObject"), None),
        ("p.json", statement("ecr-public:PutImage"), None),
        ("p.json", statement("ecr:PutImage").replace("Allow", "Deny"), None),
        ("iam.sh", f"aws iam put-role-policy --policy-document '{statement('ecr:*')}'\n", "high"),
        ("iam.tf", BLOCK.format("ecr:PutImage", '"*"'), "medium"),
        ("iam.tf", BLOCK.format("ecr:PutImage", "aws_ecr_repository.x.arn"), None),
        ("iam.tf", BLOCK.format("ecr:GetAuthorizationToken", '"*"'), None),
        ("iam.tf", ENCODED.format("ecr:PutImage", '"*"'), "medium"),
        ("iam.tf", ENCODED.format("ecr:PutImage", "aws_ecr_repository.x.arn"), None),
        (
            "cf.yaml",
            CLOUDFORMATION.replace("EFFECT", "Allow").replace("RESOURCE", '"*"'),
            "medium",
        ),
        ("cf.yaml", CLOUDFORMATION.replace("EFFECT", "Deny").replace("RESOURCE", '"*"'), None),
        (
            "cf.yaml",
            CLOUDFORMATION.replace("EFFECT", "Allow").replace("RESOURCE", "!GetAtt R.Arn"),
            None,
        ),
        ("vendor/p.json", statement("ecr:PutImage"), None),
    ],
)
def test_iam(path: str, text: str, worth: str | None) -> None:
    found = lines_of({path: text}, "iam-resource-star")
    assert [severity for _, severity in found] == ([worth] if worth else [])
    assert all("ecr:" in line for line, _ in found)


# --- folders, old workflows, labels ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "reported"),
    [
        (".github/workflow/ci.yml", True),
        (".github/workflows/build/ci.yml", True),
        ("workflows/ci.yml", True),
        (".github/ci.yml", True),
        (WORKFLOW, False),
        (".github/workflows/archive/ci.yml", False),
        (".github/workflows/disabled/ci.yml", False),
        (".github/workflow-templates/ci.yml", False),
        ("examples/.github/workflow/ci.yml", False),
        ("docs/ci.yml", False),
        (".gitea/workflows/ci.yml", False),
    ],
)
def test_folders(path: str, reported: bool) -> None:
    assert len(hazards_of({path: workflow("- run: x")}, "workflow-never-read")) == reported


@pytest.mark.parametrize(
    "text",
    [
        "jobs: [1]\n",
        "name: x\non: [push]\n",
        workflow("- run: x", "{workflow_call: {}}"),
        workflow("- run: x").replace("on: [push]", "name: x"),
        "kind: Workflow\nspec: {jobs: {a: {runs-on: x}}}\n",
    ],
)
def test_other_files_in_such_folders(text: str) -> None:
    assert hazards_of({"workflows/a.yml": text}, "workflow-never-read") == []


OLD = ".github/workflows/old.yml"


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        (workflow(push("acme/shop:x")), workflow(push(ECR + "/shop:x")), True),
        (workflow(push("acme/shop:x")), workflow(push(ECR + "/web:x")), False),
        (workflow(push("ghcr.io/acme/shop:x")), workflow(push(ECR + "/shop:x")), False),
        (
            workflow(push("acme/shop:x"), "[workflow_dispatch]"),
            workflow(push(ECR + "/shop:x")),
            False,
        ),
        (
            workflow(push("acme/shop:x"), "{push: {tags: ['v*']}}"),
            workflow(push(ECR + "/shop:x"), "{push: {branches: [main]}}"),
            False,
        ),
        (workflow(push("acme/shop:x", "false")), workflow(push(ECR + "/shop:x")), False),
    ],
)
def test_old_workflows(old: str, new: str, reported: bool) -> None:
    found = hazards_of({OLD: old, WORKFLOW: new}, "old-workflow-left")
    assert [one.file for one in found] == [OLD] * reported


def test_one_workflow_that_pushes_twice_is_a_plan() -> None:
    both = workflow(push(f"acme/shop:x\n{ECR}/shop:x"))
    assert hazards_of({WORKFLOW: both}, "old-workflow-left") == []


@pytest.mark.parametrize(
    ("label", "reported"),
    [
        ('org.opencontainers.image.version="1.2.3"', True),
        ("org.opencontainers.image.version=$VERSION", False),
        ("version=1.2.3", False),
        ("org.opencontainers.image.title=x", False),
    ],
)
def test_labels(label: str, reported: bool) -> None:
    code = "label-version-hard-coded"
    found = lines_of({"Dockerfile": f"FROM node:22\nLABEL {label}\n"}, code)
    assert found == ([(f"LABEL {label}", "low")] if reported else [])
    in_workflow = workflow(push("a/b:x") + f"\n    labels: {label}")
    assert len(hazards_of({WORKFLOW: in_workflow}, code)) == reported


# --- all together ---------------------------------------------------------------------------------


def test_a_tree_that_has_moved_well_has_no_hazard_of_a_move() -> None:
    pinned = "@" + "0" * 40
    steps = (
        f"- uses: aws-actions/configure-aws-credentials{pinned}\n"
        "  with: {role-to-assume: 'arn:aws:iam::123456789012:role/x', aws-region: eu-west-1}\n"
        f"- {{id: ecr, uses: aws-actions/amazon-ecr-login{pinned}}}\n"
        + TO_ECR.replace("@v6", pinned)
        + f"\n- run: trivy image --exit-code 1 {ECR}/shop:x"
    )
    top = "permissions: {contents: read, id-token: write}\n"
    text = workflow(steps, "{push: {branches: [main]}}", top=top)
    surveyed = survey({WORKFLOW: text, "p.json": GOOD, **ECR_BASE})
    found = [one for check in BY_CODE.values() for one in check.look(surveyed)]
    assert {one.code for one in found} <= {"base-without-digest", "no-security-updates"}


def test_workflows_that_are_emitted_have_no_hazard_but_what_was_asked_for() -> None:
    found = set()
    for name, made in workflows():
        surveyed = survey({f".github/workflows/{name}.yml": made.text})
        for check in BY_CODE.values():
            found |= {(one.code, "postgres" in one.message) for one in check.look(surveyed)}
    kept = {("hub-login-removed", True), ("hub-images-left", True)}  # a service of a kept job
    assert found <= {("static-keys", False), *kept}


def test_policies_are_read_once() -> None:
    surveyed: Surveyed = survey({"a.json": GOOD})
    assert policy_texts(surveyed) is policy_texts(surveyed)
