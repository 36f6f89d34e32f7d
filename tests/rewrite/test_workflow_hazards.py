"""Hazards of workflows: what is reported, where, how bad; and what must not be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rewrite.hazards_of import BY_CODE, WORKFLOW, lines_of, survey

SHA = "0" * 40
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
LOGIN = "- {id: ecr, uses: aws-actions/amazon-ecr-login@v2}"
HUB_LOGIN = "- uses: docker/login-action@v3\n  with: {username: u, password: p}"


def workflow(steps: str, on: str = "[push]", job: str = "", top: str = "") -> str:
    """A workflow of one job with these steps."""
    lines = "\n".join(f"      {line}" for line in steps.strip("\n").split("\n"))
    inside = "".join(f"    {line}\n" for line in job.split("\n") if line)
    return (
        f"on: {on}\n{top}jobs:\n  build:\n    runs-on: ubuntu-latest\n{inside}    steps:\n{lines}\n"
    )


def push(tags: str, push: str = "true", condition: str = "") -> str:
    """A build-push step."""
    when = f"  if: {condition}\n" if condition else ""
    lines = "\n".join(f"      {one}" for one in tags.split("\n"))
    step = f"- uses: docker/build-push-action@v6\n{when}  with:\n"
    return f"{step}    push: {push}\n    tags: |\n{lines}"


BRANCHES = "{push: {branches: [main, 'feature/**']}}"
MAIN = "{push: {branches: [main]}}"
PR = "{pull_request: {}}"
SAME = "github.event.pull_request.head.repo.full_name == github.repository"

TAGS = [
    # code, event, steps, the line and severity, or None
    ("slash-in-tag", BRANCHES, push("a/b:${{ github.ref_name }}"), "high"),
    ("slash-in-tag", "[push]", push("a/b:${{ github.ref_name }}"), "high"),
    ("slash-in-tag", PR, push("a/b:${{ github.head_ref }}", "false"), "high"),
    ("slash-in-tag", PR, push("a/b:${{ github.ref_name }}", "false"), "high"),
    ("slash-in-tag", "[workflow_dispatch]", push("a/b:${{ github.ref_name }}"), "low"),
    ("slash-in-tag", MAIN, push("a/b:${{ github.ref_name }}"), None),
    ("slash-in-tag", "{push: {tags: ['v*']}}", push("a/b:${{ github.ref_name }}"), None),
    ("slash-in-tag", "{push: {tags: ['rel/*']}}", push("a/b:${{ github.ref_name }}"), "high"),
    (
        "slash-in-tag",
        BRANCHES,
        push("a/b:${{ github.ref_name }}", condition="github.ref == 'refs/heads/main'"),
        None,
    ),
    ("slash-in-tag", "[workflow_call]", push("a/b:${{ github.ref_name }}"), None),
    ("slash-in-tag", "[push]", push("localhost:5000/a/b:${{ github.sha }}"), None),
    ("slash-in-tag", "[push]", push("${{ env.REG }}/a/b:${{ github.sha }}"), None),
    (
        "slash-in-tag",
        "[push]",
        "- run: docker build -t a/b:$GITHUB_REF_NAME .",
        "high",
    ),
    ("slash-in-tag", "[push]", "- run: docker build -t a/b:${GITHUB_REF#refs/heads/} .", "high"),
    ("slash-in-tag", "[push]", "- run: docker build -t a/b:${GITHUB_REF_NAME//\\//-} .", None),
    ("slash-in-tag", "[push]", "- run: docker build -t a/b:${GITHUB_SHA::7} .", None),
    (
        "slash-in-tag",
        "[push]",
        '- id: t\n  run: echo "tag=${GITHUB_REF#refs/heads/}" >> "$GITHUB_OUTPUT"\n'
        + push("a/b:${{ steps.t.outputs.tag }}"),
        "high",
    ),
    (
        "slash-in-tag",
        "[push]",
        '- run: |\n    B=${GITHUB_REF_NAME}\n    echo "TAG=$B" >> $GITHUB_ENV\n'
        + push("a/b:${{ env.TAG }}"),
        "high",
    ),
    (
        "slash-in-tag",
        "[push]",
        '- id: t\n  run: echo "tag=$(echo $GITHUB_REF_NAME | tr / -)" >> $GITHUB_OUTPUT\n'
        + push("a/b:${{ steps.t.outputs.tag }}"),
        None,
    ),
    (
        "slash-in-tag",
        "[push, pull_request]",
        "- id: m\n  uses: docker/metadata-action@v5\n  with: {images: a/b, tags: 'type=raw,value="
        "${{ github.ref_name }}'}\n" + push("${{ steps.m.outputs.tags }}"),
        None,
    ),
    ("ref-name-cut", "[push]", "- run: docker build -t a/b:${GITHUB_REF##*/} .", "low"),
    ("ref-name-cut", MAIN, "- run: docker build -t a/b:${GITHUB_REF##*/} .", None),
    ("ref-name-cut", "[push]", push("a/b:${{ github.sha }}"), None),
    ("latest-from-any-branch", "[push]", push("a/b:latest"), "medium"),
    ("latest-from-any-branch", "{push: {branches: [main, develop]}}", push("a/b:latest"), "medium"),
    ("latest-from-any-branch", "[push]", "- run: docker push a/b:latest", "medium"),
    ("latest-from-any-branch", MAIN, push("a/b:latest"), None),
    ("latest-from-any-branch", "{push: {branches: [develop]}}", push("a/b:latest"), None),
    (
        "latest-from-any-branch",
        "{push: {branches: [main, 'release/**']}}",
        push("a/b:latest"),
        None,
    ),
    ("latest-from-any-branch", "[push]", push("a/b:latest", "false"), None),
    ("latest-from-any-branch", "[workflow_dispatch]", push("a/b:latest"), None),
    (
        "latest-from-any-branch",
        "[push]",
        push("a/b:latest", condition="github.ref == 'refs/heads/main'"),
        None,
    ),
    (
        "latest-from-any-branch",
        "[push]",
        push("a/b:latest", "${{ github.ref_name == 'main' }}"),
        None,
    ),
    (
        "latest-from-any-branch",
        "[push]",
        "- id: m\n  uses: docker/metadata-action@v5\n  with:\n    images: a/b\n    tags: |\n"
        "      type=sha\n      type=raw,value=latest\n" + push("${{ steps.m.outputs.tags }}"),
        "medium",
    ),
    (
        "latest-from-any-branch",
        "[push]",
        "- id: m\n  uses: docker/metadata-action@v5\n  with:\n    images: a/b\n    tags: |\n"
        "      type=sha\n      type=raw,value=latest,enable={{is_default_branch}}\n"
        + push("${{ steps.m.outputs.tags }}"),
        None,
    ),
    ("version-hard-coded", "[push]", push("a/b:1.2.3"), "medium"),
    ("version-hard-coded", "[push]", push("a/b:v1.2"), "medium"),
    ("version-hard-coded", "[push]", "- run: docker push a/b:1.0.0", "medium"),
    ("version-hard-coded", "[push]", push("a/b:${{ github.ref_name }}"), None),
    ("version-hard-coded", "{push: {tags: ['v*']}}", push("a/b:${{ github.ref_name }}"), None),
    ("version-hard-coded", "[push]", push("a/b:1.2.3", "false"), None),
    ("version-hard-coded", "[workflow_dispatch]", push("a/b:1.2.3"), None),
    ("version-hard-coded", "[push]", push("a/php:8.2"), None),
    ("version-hard-coded", "[push]", "- run: docker pull a/b:1.0.0", None),
    ("sha-not-short", "[push]", "- env: {SHORT_SHA: '${{ github.sha }}'}\n  run: x", "low"),
    ("sha-not-short", "[push]", "- run: echo SHORT_SHA=${GITHUB_SHA} >> $GITHUB_ENV", "low"),
    ("sha-not-short", "[push]", "- run: echo SHORT_SHA=${GITHUB_SHA::7} >> $GITHUB_ENV", None),
    ("sha-not-short", "[push]", "- run: SHORT_SHA=$(echo $GITHUB_SHA | cut -c1-7)", None),
    ("sha-not-short", "[push]", "- env: {IMAGE_TAG: '${{ github.sha }}'}\n  run: x", None),
    ("sha-without-prefix", "[push]", push(ECR + "/a:${{ github.sha }}"), "low"),
    (
        "sha-without-prefix",
        "[push]",
        f"{LOGIN}\n- env: {{R: '${{{{ steps.ecr.outputs.registry }}}}'}}\n"
        "  run: docker push $R/app:${{ github.sha }}",
        "low",
    ),
    ("sha-without-prefix", "[push]", push(ECR + "/a:main-${{ github.sha }}"), None),
    ("sha-without-prefix", "[push]", push("ghcr.io/a/b:${{ github.sha }}"), None),
    # pull requests
    ("push-on-pull-request", PR, push("a/b:${{ github.sha }}"), "high"),
    ("push-on-pull-request", PR, push(ECR + "/b:${{ github.sha }}"), "high"),
    ("push-on-pull-request", "{pull_request_target: {}}", push("a/b:x"), "high"),
    ("push-on-pull-request", PR, push("a/b:latest", condition=SAME), "high"),
    ("push-on-pull-request", PR, push("a/b:staging", condition=SAME), "medium"),
    (
        "push-on-pull-request",
        PR,
        push("a/b:pr-${{ github.event.pull_request.number }}", condition=SAME),
        None,
    ),
    ("push-on-pull-request", PR, push("a/b:pr-${{ github.event.number }}"), "high"),
    (
        "push-on-pull-request",
        "[push, pull_request]",
        push("a/b:x", "${{ github.event_name != 'pull_request' }}"),
        None,
    ),
    ("push-on-pull-request", PR, push("a/b:x", "false"), None),
    ("push-on-pull-request", PR, push("localhost:5000/a/b:x"), None),
    ("push-on-pull-request", PR, push("ttl.sh/a/b:x"), None),
    ("push-on-pull-request", "[push]", push("a/b:x"), None),
    ("push-on-pull-request", PR, "- run: docker push a/b:x", "high"),
    (
        "push-on-pull-request",
        PR,
        push("a/b:pr-1", condition="github.event.pull_request.head.repo.fork == false"),
        "medium",
    ),
    (
        "push-on-pull-request",
        PR,
        push("a/b:${{ github.sha }}", condition="${{ !github.event.pull_request.head.repo.fork }}"),
        None,
    ),
    (
        "push-on-pull-request",
        PR,
        push("a/b:x", condition="contains(github.event.pull_request.labels.*.name, 'preview')"),
        "medium",
    ),
    ("push-on-pull-request", "{pull_request: {types: [closed]}}", push("a/b:x"), None),
    (
        "secrets-empty-in-forks",
        PR,
        push(
            "${{ secrets.AWS_ACCOUNT_ID }}.dkr.ecr.${{ secrets.AWS_REGION }}.amazonaws.com/a:x",
            "false",
        ),
        "medium",
    ),
    (
        "secrets-empty-in-forks",
        PR,
        push("${{ vars.AWS_ACCOUNT_ID }}.dkr.ecr.${{ vars.R }}.amazonaws.com/a:x", "false"),
        None,
    ),
    (
        "secrets-empty-in-forks",
        "[push]",
        push("${{ secrets.AWS_ACCOUNT_ID }}.dkr.ecr.x.amazonaws.com/a:x"),
        None,
    ),
]


@pytest.mark.parametrize(("code", "on", "steps", "worth"), TAGS)
def test_tags(code: str, on: str, steps: str, worth: str | None) -> None:
    found = lines_of({WORKFLOW: workflow(steps, on)}, code)
    assert [severity for _, severity in found] == ([worth] if worth else []), found


def test_the_place_is_the_tag_itself() -> None:
    text = workflow(push("a/b:1\na/b:${{ github.ref_name }}"))
    assert lines_of({WORKFLOW: text}, "slash-in-tag") == [("a/b:${{ github.ref_name }}", "high")]


def test_an_output_of_another_job_is_followed() -> None:
    text = """\
on: [push]
jobs:
  name:
    runs-on: ubuntu-latest
    outputs: {tag: "${{ steps.t.outputs.tag }}"}
    steps:
      - id: t
        run: echo "tag=${GITHUB_REF_NAME}" >> $GITHUB_OUTPUT
  build:
    needs: name
    runs-on: ubuntu-latest
    steps:
      - run: docker build -t a/b:${{ needs.name.outputs.tag }} .
"""
    assert [worth for _, worth in lines_of({WORKFLOW: text}, "slash-in-tag")] == ["high"]


KEYS = "- uses: aws-actions/configure-aws-credentials@v4\n  with: {"
ROLE = KEYS + "role-to-assume: 'arn:aws:iam::1:role/x', aws-region: x}"
STATIC = KEYS + "aws-access-key-id: '${{ secrets.AWS_ACCESS_KEY_ID }}', aws-region: x}"
ID_TOKEN = "permissions: {id-token: write, contents: read}"

RIGHTS = [
    # code, steps, of the job, at the top, severity or None
    ("static-keys", STATIC, "", "", "medium"),
    ("static-keys", ROLE, "", "", None),
    ("static-keys", "- env: {AWS_ACCESS_KEY_ID: '${{ secrets.K }}'}\n  run: x", "", "", "medium"),
    ("static-keys", "- env: {AWS_ACCESS_KEY_ID: test}\n  run: x", "", "", None),
    ("static-keys", KEYS + "aws-access-key-id: AKIAABCDEFGHIJKLMNOP}", "", "", "high"),
    ("static-keys", KEYS + "aws-access-key-id: AKIAIOSFODNN7EXAMPLE}", "", "", None),
    (
        "static-keys",
        KEYS + "aws-access-key-id: '${{ secrets.A }}', aws-session-token: '${{ secrets.T }}'}",
        "",
        "",
        None,
    ),
    ("id-token-missing", ROLE, "", "", "high"),
    ("id-token-missing", ROLE, "permissions: {contents: read}", ID_TOKEN + "\n", "high"),
    ("id-token-missing", ROLE, "permissions: read-all", "", "high"),
    ("id-token-missing", ROLE, ID_TOKEN, "", None),
    ("id-token-missing", ROLE, "", ID_TOKEN + "\n", None),
    ("id-token-missing", ROLE, "", "permissions: write-all\n", None),
    ("id-token-missing", STATIC, "", "", None),
    ("id-token-missing", STATIC + "\n" + ROLE, "", "", None),
    ("id-token-missing", ROLE, "env: {AWS_ACCESS_KEY_ID: x}", "", None),
    ("packages-write-left", push(ECR + "/a:x"), "permissions: {packages: write}", "", "low"),
    ("packages-write-left", push(ECR + "/a:x"), "permissions: {packages: read}", "", None),
    ("packages-write-left", push("ghcr.io/a/b:x"), "permissions: {packages: write}", "", None),
    (
        "packages-write-left",
        push(ECR + "/a:x") + "\n- run: npm publish",
        "permissions: {packages: write}",
        "",
        None,
    ),
    ("permissions-missing", push("a/b:x"), "", "", "low"),
    ("permissions-missing", push("a/b:x"), ID_TOKEN, "", None),
    ("permissions-missing", push("a/b:x"), "", "permissions: {}\n", None),
    ("permissions-missing", "- run: npm test", "", "", None),
    ("action-not-pinned", HUB_LOGIN, "", "", "low"),
    ("action-not-pinned", HUB_LOGIN + "\n" + HUB_LOGIN, "", "", "low"),
    ("action-not-pinned", "- uses: docker/login-action@" + SHA, "", "", None),
    ("action-not-pinned", "- uses: a/b@v1\n  env: {T: '${{ secrets.T }}'}", "", "", "medium"),
    ("action-not-pinned", "- uses: a/b@main\n  env: {T: '${{ secrets.T }}'}", "", "", "medium"),
    (
        "action-not-pinned",
        "- uses: a/b@v1\n  env: {T: '${{ secrets.GITHUB_TOKEN }}'}",
        "",
        "",
        None,
    ),
    ("action-not-pinned", "- uses: a/b@v1", "", "", None),
    ("action-not-pinned", "- uses: ./x\n  env: {T: '${{ secrets.T }}'}", "", "", None),
]


@pytest.mark.parametrize(("code", "steps", "job", "top", "worth"), RIGHTS)
def test_rights(code: str, steps: str, job: str, top: str, worth: str | None) -> None:
    found = lines_of({WORKFLOW: workflow(steps, "[push]", job, top)}, code)
    assert [severity for _, severity in found] == ([worth] if worth else []), found


def test_a_called_workflow_has_the_rights_of_its_caller() -> None:
    assert lines_of({WORKFLOW: workflow(ROLE, "[workflow_call]")}, "id-token-missing") == []


def test_a_runner_of_ones_own_may_have_a_role() -> None:
    text = workflow(ROLE).replace("ubuntu-latest", "[self-hosted, linux]")
    assert lines_of({WORKFLOW: text}, "id-token-missing") == []


BUILD = "- id: b\n  uses: docker/build-push-action@v6\n"
OUTPUTS = [
    (
        "- id: b\n  uses: docker/build-push-action@v6\n- run: echo ${{ steps.b.outputs.image }}",
        "high",
    ),
    (
        "- id: b\n  uses: docker/build-push-action@v6\n- run: echo ${{ steps.b.outputs.digest }}",
        None,
    ),
    ("- run: echo ${{ steps.nobody.outputs.x }}", "medium"),
    ("- id: B\n  run: x\n- run: echo ${{ steps.b.outputs.x }}", None),
    ("- id: b\n  uses: a/b@v1\n- run: echo ${{ steps.b.outputs.whatever }}", None),
    ("- run: 'echo steps.b.outputs.x'", None),
    ("- id: m\n  uses: docker/metadata-action@v5\n- if: steps.m.outputs.tag\n  run: x", "high"),
    ("- id: m\n  uses: docker/metadata-action@v5\n- if: steps.m.outputs.tags\n  run: x", None),
]


@pytest.mark.parametrize(("steps", "worth"), OUTPUTS)
def test_outputs(steps: str, worth: str | None) -> None:
    found = lines_of({WORKFLOW: workflow(steps)}, "unknown-output")
    assert [severity for _, severity in found] == ([worth] if worth else []), found


def handed_on(value: str, step: str = "", secret: str = "secrets.AWS_ACCOUNT_ID") -> str:
    return f"""\
on: [push]
env: {{ACCOUNT: "${{{{ {secret} }}}}"}}
jobs:
  build:
    runs-on: ubuntu-latest
    outputs:
      image: {value}
    steps:
      - id: ecr
        uses: aws-actions/amazon-ecr-login@v2
{step}
  deploy:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - run: echo ${{{{ needs.build.outputs.image }}}}
"""


WRITTEN = """\
      - id: t
        env: {R: "${{ steps.ecr.outputs.registry }}", T: "${{ github.sha }}"}
        run: echo "image=$R/app:$T" >> "$GITHUB_OUTPUT"
"""


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        (handed_on("${{ steps.ecr.outputs.registry }}/app:1"), True),
        (handed_on("${{ steps.t.outputs.image }}", WRITTEN), True),
        (handed_on("${{ steps.t.outputs.image }}", WRITTEN.replace("$R/", "")), False),
        (handed_on("${{ steps.ecr.outputs.registry }}/app:1", "", "vars.AWS_ACCOUNT_ID"), False),
        (handed_on("${{ steps.ecr.outputs.registry }}/a", "", "secrets.SERVICE_ACCOUNT_ID"), False),
        (handed_on("${{ github.sha }}"), False),
        (handed_on("${{ secrets.AWS_ACCOUNT_ID }}.dkr.ecr.x.amazonaws.com"), True),
    ],
)
def test_an_address_with_a_secret_in_it_does_not_arrive(text: str, reported: bool) -> None:
    found = lines_of({WORKFLOW: text}, "registry-output-masked")
    assert [worth for _, worth in found] == ["high"] * reported


TRIVY = "- uses: aquasecurity/trivy-action@v1\n  with: {image-ref: 'IMAGE'EXTRA}"


def trivy(extra: str = "", image: str = "a/b", more: str = "") -> str:
    step = TRIVY.replace("IMAGE", image).replace("EXTRA", f", {extra}" if extra else "")
    return step + (f"\n  {more}" if more else "")


SARIF_UPLOAD = "\n- uses: github/codeql-action/upload-sarif@v3"
SCANS = [
    ("scan-cannot-fail", trivy(), "medium"),
    ("scan-cannot-fail", trivy("exit-code: '0'"), "medium"),
    ("scan-cannot-fail", trivy("exit-code: '1'"), None),
    ("scan-cannot-fail", trivy("exit-code: 1", more="continue-on-error: true"), "medium"),
    (
        "scan-cannot-fail",
        trivy("exit-code: 1", more="id: s\n  continue-on-error: true")
        + "\n- if: steps.s.outcome == 'failure'\n  run: exit 1",
        None,
    ),
    ("scan-cannot-fail", trivy("format: sarif") + SARIF_UPLOAD, "low"),
    ("scan-cannot-fail", trivy("format: sarif") + "\n" + trivy("exit-code: 1"), None),
    ("scan-cannot-fail", trivy("format: cyclonedx"), None),
    ("scan-cannot-fail", "- run: trivy image a/b || true", "medium"),
    ("scan-cannot-fail", "- run: trivy image --exit-code 1 a/b || true", "medium"),
    ("scan-cannot-fail", "- run: trivy image --exit-code=1 a/b", None),
    ("scan-cannot-fail", "- run: trivy image a/b", "medium"),
    ("scan-cannot-fail", "- run: trivy --version", None),
    ("scan-cannot-fail", "- run: grype a/b --fail-on high", None),
    ("scan-cannot-fail", "- run: grype a/b", "medium"),
    ("scan-cannot-fail", "- uses: anchore/scan-action@v4\n  with: {image: a}", None),
    ("scan-cannot-fail", "- run: docker build .", None),
    ("sarif-severity", trivy("format: sarif, severity: HIGH"), "low"),
    (
        "sarif-severity",
        trivy("format: sarif, severity: HIGH, limit-severities-for-sarif: true"),
        None,
    ),
    ("sarif-severity", trivy("format: table, severity: HIGH"), None),
    ("scan-without-login", trivy(image=ECR + "/a:1"), "medium"),
    ("scan-without-login", f"{LOGIN}\n" + trivy(image=ECR + "/a:1"), None),
    ("scan-without-login", f"{STATIC}\n" + trivy(image=ECR + "/a:1"), None),
    ("scan-without-login", trivy(image="a/b:1"), None),
    ("scan-without-login", "- run: docker build .\n" + trivy(image=ECR + "/a:1"), None),
    ("scan-after-deploy", "- run: kubectl apply -f x\n" + trivy(), "medium"),
    ("scan-after-deploy", trivy() + "\n- run: kubectl apply -f x", None),
    ("scan-after-deploy", trivy(), None),
]


@pytest.mark.parametrize(("code", "steps", "worth"), SCANS)
def test_scans(code: str, steps: str, worth: str | None) -> None:
    found = lines_of({WORKFLOW: workflow(steps)}, code)
    assert [severity for _, severity in found] == ([worth] if worth else []), found


@pytest.mark.parametrize(("needs", "reported"), [("[build]", True), ("[build, scan]", False)])
def test_a_deployment_waits_for_the_scan(needs: str, reported: bool) -> None:
    text = f"""\
on: [push]
jobs:
  build: {{runs-on: ubuntu-latest, steps: [{{run: make}}]}}
  scan:
    runs-on: ubuntu-latest
    needs: build
    steps:
      - run: trivy image --exit-code 1 a/b
  deploy:
    needs: {needs}
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/amazon-ecs-deploy-task-definition@v2
"""
    assert len(lines_of({WORKFLOW: text}, "scan-after-deploy")) == reported


BUILDX = "- uses: docker/setup-buildx-action@v3"
OWN = BUILDX + f"\n  with: {{driver-opts: 'image={ECR}/buildkit:1'}}"
CACHE = push("a/b:1") + "\n    cache-to: type=registry,mode=max,ref="
LAMBDA = "\n- run: aws lambda update-function-code --function-name f --image-uri x"
BUILDS = [
    ("setup-before-login", f"{BUILDX}\n{HUB_LOGIN}", "low"),
    ("setup-before-login", f"{HUB_LOGIN}\n{BUILDX}", None),
    ("setup-before-login", BUILDX, None),
    ("setup-before-login", f"{BUILDX}\n  with: {{driver: docker}}\n{HUB_LOGIN}", None),
    ("setup-before-login", f"{OWN}\n{LOGIN}", "high"),
    ("setup-before-login", f"{LOGIN}\n{OWN}", None),
    ("cache-without-image-manifest", CACHE + ECR + "/a:cache", "low"),
    ("cache-without-image-manifest", CACHE + ECR + "/a:cache,image-manifest=true", None),
    ("cache-without-image-manifest", CACHE + "a/b:cache", None),
    ("cache-without-image-manifest", push("a/b:1") + "\n    cache-to: type=gha", None),
    ("index-for-lambda", push(ECR + "/a:1") + LAMBDA, "high"),
    ("index-for-lambda", push(ECR + "/a:1") + "\n    provenance: false" + LAMBDA, None),
    ("index-for-lambda", push(ECR + "/a:1"), None),
    ("index-for-lambda", push(ECR + "/a:1", "false") + LAMBDA, None),
]


@pytest.mark.parametrize(("code", "steps", "worth"), BUILDS)
def test_builds(code: str, steps: str, worth: str | None) -> None:
    found = lines_of({WORKFLOW: workflow(steps)}, code)
    assert [severity for _, severity in found] == ([worth] if worth else []), found


@pytest.mark.parametrize(
    ("terraform", "reported"),
    [('image_tag_mutability = "IMMUTABLE"', True), ('image_tag_mutability = "MUTABLE"', False)],
)
def test_a_second_push_to_an_immutable_tag(terraform: str, reported: bool) -> None:
    text = workflow(f"{LOGIN}\n" + push(ECR + "/a:${{ github.sha }}"))
    tree = {WORKFLOW: text, "ecr.tf": terraform + "\n"}
    assert len(lines_of(tree, "provenance-on-immutable-tag")) == reported


CONDITIONS = [
    (MAIN, "github.ref == 'refs/heads/production'", True),
    (MAIN, "github.ref_name == 'prod' && github.event_name == 'push'", True),
    (MAIN, "startsWith(github.ref, 'refs/tags/')", True),
    (MAIN, "github.event_name == 'pull_request'", True),
    (MAIN, "github.ref == 'refs/heads/main'", False),
    ("[push]", "github.ref == 'refs/heads/production'", False),
    ("[push]", "startsWith(github.ref, 'refs/tags/v')", False),
    ("{push: {branches: ['release/**']}}", "github.ref == 'refs/heads/release/2.1'", False),
    ("{push: {tags: ['v*']}}", "startsWith(github.ref, 'refs/tags/v')", False),
    ("{push: {branches: [main]}, workflow_dispatch: {}}", "github.ref == 'refs/heads/prod'", False),
    ("[workflow_call]", "github.ref == 'refs/heads/prod'", False),
    ("[issue_comment]", "github.ref == 'refs/heads/prod'", False),
    ("[pull_request]", "github.base_ref == 'prod'", False),
    ("[pull_request]", "github.ref == 'refs/heads/main'", True),
    (MAIN, "inputs.deploy && github.ref == 'refs/heads/prod'", False),
    (MAIN, "github.repository == 'someone/else' && github.ref == 'refs/heads/main'", False),
    (MAIN, "always() && github.ref == 'refs/heads/main'", False),
    (MAIN, "false", False),
    ("[pull_request]", "github.head_ref == 'main'", False),
    ("[pull_request]", "startsWith(github.head_ref, 'docs/') && github.ref != 'x'", False),
    (MAIN, "github.actor != 'x'", False),
]


@pytest.mark.parametrize(("on", "condition", "reported"), CONDITIONS)
def test_conditions(on: str, condition: str, reported: bool) -> None:
    job = f"name: deploy\nif: {condition}"
    found = lines_of({WORKFLOW: workflow("- run: x", on, job)}, "condition-never-true")
    assert found == ([(f"if: {condition}", "high")] if reported else [])


@pytest.mark.parametrize(
    ("condition", "text", "reported"),
    [
        ("always()", "deployed successfully", True),
        ("${{ always() }}", "배포 성공", True),
        ("success()", "deployed successfully", False),
        ("always()", "job ${{ job.status }}: deployed successfully or not", False),
        ("always()", "result ${{ needs.build.result }} success", False),
        ("always()", "build is done", False),
        ("failure()", "success", False),
    ],
)
def test_success_in_any_case(condition: str, text: str, reported: bool) -> None:
    step = f"- uses: a/slack-notify@v1\n  if: {condition}\n  with: {{text: '{text}'}}"
    assert len(lines_of({WORKFLOW: workflow(step)}, "success-always")) == reported


@given(st.text(max_size=300), st.sampled_from([WORKFLOW, "a.json", "x.tf", "README.md", "p.yaml"]))
@settings(max_examples=40, deadline=None)
def test_no_check_raises(text: str, path: str) -> None:
    surveyed = survey({path: text, WORKFLOW: workflow(push("a/b:latest"))})
    for check in BY_CODE.values():
        list(check.look(surveyed))


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from(["", "'", "${{", "\n", " - "]))
@settings(max_examples=60, deadline=None)
def test_no_check_raises_on_a_broken_workflow(start: int, length: int, put: str) -> None:
    whole = workflow(f"{LOGIN}\n{BUILDX}\n{trivy()}\n{push('a/b:${{ github.ref_name }}')}", PR)
    text = whole[:start] + put + whole[start + length :]
    surveyed = survey({WORKFLOW: text})
    for check in BY_CODE.values():
        list(check.look(surveyed))
