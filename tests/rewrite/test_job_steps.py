"""Steps around the references: logins, permissions, hidden images, in odd workflows too."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from longshore.rewrite.places import Wish
from tests.rewrite.rewritten import HOST, HUB, Rewritten, rewritten

PATH = ".github/workflows/ci.yml"
LOGIN = "uses: aws-actions/amazon-ecr-login@"
AWS = "uses: aws-actions/configure-aws-credentials@"


def run(text: str, auth: str = "oidc", **files: str) -> Rewritten:
    return rewritten({PATH: text, "Dockerfile": "FROM node:18\n", **files}, auth=auth)  # type: ignore[arg-type]


def job(steps: str, more: str = "", event: str = "push") -> str:
    return f"on: {event}\njobs:\n  a:\n    runs-on: x\n{more}    steps:\n{steps}"


def text_of(made: Rewritten) -> str:
    assert not made.proved.failed, made.proved.failed
    return made.texts[PATH]


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


BUILD = "      - run: docker build .\n"
CHECKOUT = "      - uses: actions/checkout@v4\n"


def test_the_login_stands_behind_the_checkout() -> None:
    text = text_of(run(job(CHECKOUT + BUILD)))
    assert text.index("checkout") < text.index(AWS) < text.index(LOGIN) < text.index("docker build")


def test_without_a_checkout_it_is_the_first_step() -> None:
    text = text_of(run(job("      - run: docker run node:18\n")))
    assert text.index(AWS) < text.index("docker run")


def test_it_stands_before_what_needs_it_even_before_the_checkout() -> None:
    steps = "      - uses: docker/setup-buildx-action@v3\n" + CHECKOUT + BUILD
    text = text_of(run(job(steps)))
    assert text.index(LOGIN) < text.index("setup-buildx") < text.index("checkout")


ODD = [
    "    -\n      name: build\n      run: docker build .\n",
    "    - run: docker build .\n",
    "      -   name: build\n          run: docker build .\n",
    "            - name: build\n              run: docker build .\n",
    "      # what it is\n      - run: docker build .\n",
    "      - {name: build, run: docker build .}\n",
]


@pytest.mark.parametrize("steps", ODD)
def test_steps_of_odd_shapes(steps: str) -> None:
    text = text_of(run(job(steps)))
    assert text.index(AWS) < text.index("docker build")
    dash = next(line for line in steps.splitlines() if "-" in line).index("-")
    assert f"\n{' ' * dash}- name: AWS credentials\n" in text
    if "# what" in steps:
        assert "      # what it is\n      - run: docker build .\n" in text


def test_blank_lines_between_steps_are_kept_up() -> None:
    text = text_of(run(job(CHECKOUT + "\n" + BUILD)))
    assert "# v2.1.7\n\n      - run: docker build .\n" in text
    assert "actions/checkout@v4\n\n      - name: AWS credentials\n" in text


def test_keys_in_quotes() -> None:
    text = (
        '"on": push\n"jobs":\n  "a":\n    "runs-on": x\n    "steps":\n'
        '      - "uses": "docker/setup-buildx-action@v3"\n        "with":\n          "install": true\n'
        '      - "run": "docker build ."\n'
    )
    made = text_of(run(text))
    assert "\n    permissions:\n" in made
    assert f"          driver-opts: image={HUB}/moby/buildkit:buildx-stable-1\n" in made


def test_steps_by_anchor_and_alias() -> None:
    text = job("      - &co\n        uses: actions/checkout@v4\n      - run: docker build .\n")
    text += "  b:\n    runs-on: y\n    steps:\n      - *co\n      - run: docker build .\n"
    made = text_of(run(text))
    assert made.count(LOGIN) == 2
    assert "      - *co\n      - name: AWS credentials\n" in made


def test_windows_line_ends() -> None:
    text = text_of(run(job(CHECKOUT + BUILD).replace("\n", "\r\n")))
    assert "\n" not in text.replace("\r\n", "")


def test_steps_in_flow_style_are_left_to_people() -> None:
    before = "on: push\njobs:\n  a: {runs-on: x, steps: [{run: docker build .}]}\n"
    made = run(before)
    assert text_of(made) == before
    assert any("cannot be added to" in note for note in made.notes)


def test_static_keys_need_no_permission() -> None:
    text = text_of(run(job(CHECKOUT + BUILD), "keys"))
    assert "secrets.AWS_SECRET_ACCESS_KEY" in text
    assert "permissions" not in text


# -- permissions ------------------------------------------------------------------------------------

PERMISSIONS = [
    ("", "", ["permissions:", "contents: read", "id-token: write"]),
    (
        "",
        "    permissions:\n      packages: write\n",
        ["permissions:", "id-token: write", "packages: write"],
    ),
    (
        "",
        "    permissions: {packages: write}\n",
        ["permissions: {id-token: write, packages: write}"],
    ),
    ("", "    permissions: {}\n", ["permissions: {id-token: write}"]),
    (
        "permissions:\n  checks: write\n",
        "",
        ["permissions:", "checks: write", "id-token: write", "runs-on: x"],
    ),
    ("permissions: {}\n", "", ["permissions:", "id-token: write", "runs-on: x"]),
    ("permissions: write-all\n", "", ["a:", "runs-on: x"]),
]


@pytest.mark.parametrize(("above", "inside", "then"), PERMISSIONS)
def test_permissions(above: str, inside: str, then: list[str]) -> None:
    text = text_of(run(above + job(CHECKOUT + BUILD, inside)))
    lines = lines_of(text[text.index("jobs:") :])
    assert "\n".join(then) in "\n".join(lines)


def test_what_the_steps_need_is_written_out() -> None:
    steps = (
        CHECKOUT
        + BUILD
        + "      - run: echo ${{ secrets.GITHUB_TOKEN }} | docker login ghcr.io -u x --password-stdin\n"
    )
    made = run(job(steps))
    assert "packages: write" in text_of(made)
    assert any("GITHUB_TOKEN" in note for note in made.notes)


def test_read_all_is_left_to_people() -> None:
    made = run("permissions: read-all\n" + job(CHECKOUT + BUILD))
    assert any("read-all" in note for note in made.notes)
    assert "id-token" not in text_of(made)


def test_callers_of_a_workflow_may_ask_for_the_token() -> None:
    caller = "on: push\njobs:\n  call:\n    permissions:\n      contents: read\n    uses: ./.github/workflows/ci.yml\n"
    made = run(
        job(CHECKOUT + BUILD, event="workflow_call"), **{".github/workflows/main.yml": caller}
    )
    assert (
        "permissions:\n      id-token: write\n      contents: read\n"
        in made.texts[".github/workflows/main.yml"]
    )
    assert any("secrets: inherit" in note for note in made.notes)


# -- logins that are there --------------------------------------------------------------------------

LOGINS = [
    "      - uses: aws-actions/amazon-ecr-login@v2\n",
    "      - run: aws ecr get-login-password | docker login --username AWS --password-stdin $R\n",
    "      - uses: docker/login-action@v3\n        with:\n          registry: ${{ secrets.ACCOUNT }}.dkr.ecr.eu-west-1.amazonaws.com\n",
]


@pytest.mark.parametrize("login", LOGINS)
def test_a_job_that_logs_in_already_gets_no_other(login: str) -> None:
    text = text_of(run(job(CHECKOUT + login + BUILD)))
    assert "AWS credentials" not in text


def test_a_login_in_an_action_of_the_tree_counts() -> None:
    action = "name: x\ndescription: x\nruns:\n  using: composite\n  steps:\n    - uses: aws-actions/amazon-ecr-login@v2\n"
    files = {".github/actions/in/action.yml": action}
    made = run(job(CHECKOUT + "      - uses: ./.github/actions/in\n" + BUILD), **files)
    assert "AWS credentials" not in text_of(made)


def test_a_login_on_a_condition_is_remarked() -> None:
    login = (
        "      - uses: aws-actions/amazon-ecr-login@v2\n        if: github.event_name == 'push'\n"
    )
    made = run(job(CHECKOUT + login + BUILD))
    assert any("condition" in note for note in made.notes)


def test_the_job_s_own_credentials_are_used_in_the_same_region_only() -> None:
    own = "      - uses: aws-actions/configure-aws-credentials@v4\n        with:\n          aws-region: {}\n"
    here = text_of(run(job(CHECKOUT + own.format("ap-northeast-2") + BUILD)))
    assert (here.count("configure-aws-credentials"), here.count(LOGIN)) == (1, 1)
    there = text_of(run(job(CHECKOUT + own.format("us-east-1") + BUILD)))
    assert (there.count("configure-aws-credentials"), there.count(LOGIN)) == (2, 1)
    assert there.index(LOGIN) < there.index("us-east-1")


def test_an_image_before_the_login_is_not_told() -> None:
    steps = "      - uses: docker/setup-buildx-action@v3\n" + LOGINS[0] + BUILD
    made = run(job(steps))
    assert "driver-opts" not in text_of(made)
    assert "move the login up" in made.reasons["docker/setup-buildx-action@v3"]


# -- images that actions fetch unasked --------------------------------------------------------------

HIDDEN = [
    (
        "      - uses: docker/setup-buildx-action@v3\n",
        f"        with:\n          driver-opts: image={HUB}/moby/buildkit:buildx-stable-1\n",
    ),
    (
        "      - uses: docker/setup-buildx-action@v3\n        with:\n          version: latest\n",
        f"        with:\n          driver-opts: image={HUB}/moby/buildkit:buildx-stable-1\n          version: latest\n",
    ),
    (
        "      - uses: docker/setup-buildx-action@v3\n        with: {version: latest}\n",
        f"        with: {{driver-opts: image={HUB}/moby/buildkit:buildx-stable-1, version: latest}}\n",
    ),
    (
        "      - {uses: docker/setup-buildx-action@v3}\n",
        f'      - {{with: {{driver-opts: "image={HUB}/moby/buildkit:buildx-stable-1"}}, uses: docker/setup-buildx-action@v3}}\n',
    ),
    (
        "      - uses: docker/setup-buildx-action@v3\n        with:\n          driver-opts: |\n            network=host\n",
        f"          driver-opts: |\n            image={HUB}/moby/buildkit:buildx-stable-1\n            network=host\n",
    ),
    (
        "      - uses: docker/setup-buildx-action@v3\n        with:\n          driver-opts: network=host\n",
        f"          driver-opts: |\n            network=host\n            image={HUB}/moby/buildkit:buildx-stable-1\n",
    ),
    (
        "      - uses: docker/setup-qemu-action@v3 # emulate\n",
        f"        with:\n          image: {HUB}/tonistiigi/binfmt:latest\n",
    ),
]


@pytest.mark.parametrize(("step", "then"), HIDDEN)
def test_hidden_images_are_told(step: str, then: str) -> None:
    assert then in text_of(run(job(CHECKOUT + step + BUILD)))


def test_hidden_images_follow_the_map() -> None:
    files = {PATH: job(CHECKOUT + "      - uses: docker/setup-buildx-action@v3\n" + BUILD)}
    made = rewritten(files, Wish((("moby/*", "keep"),)))
    assert "driver-opts" not in made.texts[PATH]


def test_hidden_images_in_an_action_of_the_tree() -> None:
    action = "name: x\ndescription: x\nruns:\n  using: composite\n  steps:\n    - uses: docker/setup-buildx-action@v3\n"
    files = {".github/actions/up/action.yml": action}
    made = run(job(CHECKOUT + "      - uses: ./.github/actions/up\n" + BUILD), **files)
    assert "driver-opts: image=" in made.texts[".github/actions/up/action.yml"]
    text = text_of(made)
    assert text.index(LOGIN) < text.index("actions/up")


# -- Docker Hub's login -----------------------------------------------------------------------------

HUB_LOGIN = "      # for the limits\n      - uses: docker/login-action@v3\n        with:\n          username: a\n          password: ${{ secrets.P }}\n"


def test_the_hub_login_goes_with_its_comment() -> None:
    text = text_of(run(job(CHECKOUT + HUB_LOGIN + BUILD)))
    assert "login-action" not in text
    assert "for the limits" not in text


@pytest.mark.parametrize(
    "more",
    [
        "      - run: docker run quiet/image:1 # kept\n",
        "      - uses: docker/scout-action@v1\n",
        "      - run: docker push $SOMETHING\n",
    ],
)
def test_the_hub_login_stays_while_something_may_need_it(more: str) -> None:
    files = {PATH: job(CHECKOUT + HUB_LOGIN + BUILD + more), "Dockerfile": "FROM node:18\n"}
    made = rewritten(files, Wish((("quiet/*", "keep"),)))
    assert "docker/login-action" in made.texts[PATH]


def test_a_login_that_others_refer_to_stays() -> None:
    login = HUB_LOGIN.replace("- uses", "- id: hub\n        uses")
    made = run(job(CHECKOUT + login + BUILD + "      - run: echo ${{ steps.hub.outcome }}\n"))
    assert "docker/login-action" in text_of(made)


def test_pull_requests_of_forks_are_remarked_once() -> None:
    made = run(job(CHECKOUT + BUILD, event="[push, pull_request]"))
    (note,) = [one for one in made.notes if "forks" in one]
    assert "rewrite.public_default" in note
    assert not any("forks" in one for one in run(job(CHECKOUT + BUILD)).notes)


def test_a_job_without_docker_stays_as_it_is() -> None:
    before = job(CHECKOUT + "      - run: make test\n")
    assert text_of(run(before)) == before


def test_twice_is_once() -> None:
    steps = CHECKOUT + "      - uses: docker/setup-buildx-action@v3\n" + HUB_LOGIN + BUILD
    first = run(job(steps))
    again = rewritten(first.texts)
    assert again.texts == first.texts
    assert HOST in first.texts[PATH]


def test_scripts_that_push_and_other_pipelines_are_named() -> None:
    made = rewritten({"push.sh": "#!/bin/sh\ndocker push acme/shop:1\n"})
    (note,) = made.proved.plan.step_changes
    assert (note.file, note.line) == ("push.sh", 2)
    assert "logged in to ECR" in note.what


def test_a_workflow_from_elsewhere_is_named() -> None:
    call = "on: push\njobs:\n  a:\n    uses: acme/ci/.github/workflows/b.yml@v1\n    with:\n      image: node:18\n"
    made = run(call)
    assert f"image: {HUB}/library/node:18\n" in text_of(made)
    assert any("not in this tree" in note for note in made.notes)
