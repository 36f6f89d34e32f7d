"""The steps that both workflows are made of. Pure.

Each function gives the lines of one step. `PUSHED` is the condition under which a build has an
account to push to: pull requests of forks have none, and run through without it.
"""

from __future__ import annotations

from longshore.rewrite.generate.layout import step
from longshore.rewrite.generate.options import (
    BINFMT,
    BUILDKIT,
    BUILDKIT_TAG,
    PipelineOptions,
    install_commands,
)

REGISTRY = "${{ steps.ecr.outputs.registry }}"
REPOSITORY = "${{ env.ECR_REPOSITORY }}"
BUILT = "${{ steps.build.outputs.digest }}"


def checkout(options: PipelineOptions, *, history: bool = False) -> list[str]:
    """The tree; `history` brings all of its tags."""
    inputs = {"persist-credentials": "false"}
    if history:
        inputs = {"fetch-depth": "0 # all tags, to tell the newest release", **inputs}
    return step("Check out", uses=options.pins.uses("actions/checkout"), inputs={**inputs})


def install(options: PipelineOptions) -> list[str]:
    """Python and longshore, exactly the one that longshore.yaml names."""
    if options.install is None:
        return []
    return [
        *step(
            "Set up Python",
            uses=options.pins.uses("actions/setup-python"),
            inputs={"python-version": '"3.12"'},
        ),
        *step("Install longshore", run=install_commands(options.install)),
    ]


def credentials(options: PipelineOptions, when: str = "") -> list[str]:
    """AWS credentials, refused when they are of another account."""
    account = options.value("AWS_ACCOUNT_ID")
    if options.auth == "oidc":
        inputs = {"role-to-assume": f"arn:aws:iam::{account}:role/{options.role}"}
    else:
        inputs = {
            "aws-access-key-id": options.value("AWS_ACCESS_KEY_ID"),
            "aws-secret-access-key": options.value("AWS_SECRET_ACCESS_KEY"),
        }
    return step(
        "AWS credentials",
        when=when,
        uses=options.pins.uses("aws-actions/configure-aws-credentials"),
        inputs={
            **inputs,
            "aws-region": options.value("AWS_REGION"),
            "allowed-account-ids": account,
        },
    )


def login(options: PipelineOptions, when: str = "") -> list[str]:
    """docker logged in to ECR; its output is the registry's address."""
    uses = options.pins.uses("aws-actions/amazon-ecr-login")
    return step("Log in to Amazon ECR", id="ecr", when=when, uses=uses)


def qemu(options: PipelineOptions, pushed: str = "") -> list[str]:
    """Other platforms than the runner's; by itself the action fetches from Docker Hub too."""
    if not options.platforms or not options.emulates:
        return []
    image = f"{REGISTRY}/{options.mirrors[BINFMT]}:latest"
    uses = options.pins.uses("docker/setup-qemu-action")
    return step("Set up QEMU", when=pushed, uses=uses, inputs={"image": image})


def platforms(options: PipelineOptions, pushed: str = "") -> dict[str, str]:
    """The build's input `platforms`, where there is one."""
    names = ",".join(options.platforms)
    if not names:
        return {}
    return {"platforms": f"${{{{ {pushed} && '{names}' || '' }}}}" if pushed else names}


def buildx(options: PipelineOptions, pushed: str = "") -> list[str]:
    """Buildx. By itself it fetches BuildKit from Docker Hub, so it is told where else to go.

    `pushed` is the condition under which a login came before; empty where one always does.
    """
    uses = options.pins.uses("docker/setup-buildx-action")
    mirror = options.mirrors.get(BUILDKIT)
    if mirror is None:
        return step("Set up Buildx", uses=uses, inputs={"driver": "docker"})
    image = f"image={REGISTRY}/{mirror}:{BUILDKIT_TAG}"
    if not pushed:
        return step("Set up Buildx", uses=uses, inputs={"driver-opts": image})
    path = f"format('image={{0}}/{mirror}:{BUILDKIT_TAG}', steps.ecr.outputs.registry)"
    return step(
        "Set up Buildx",
        uses=uses,
        inputs={
            "driver": f"${{{{ {pushed} && 'docker-container' || 'docker' }}}}",
            "driver-opts": f"${{{{ {pushed} && {path} || '' }}}}",
        },
    )


def gate(options: PipelineOptions, when: str = "", digest: str = BUILT) -> list[str]:
    """What the registry's scan found, by digest; too much of it ends the job."""
    env = {"DIGEST": digest}
    if not options.plain:
        run = ['longshore scan gate "$ECR_REPOSITORY@$DIGEST"']
        return step("Scan gate", id="gate", when=when, env=env, run=run)
    return step("Scan gate", id="gate", when=when, env=env, run=_plain_gate(options))


def _plain_gate(options: PipelineOptions) -> list[str]:
    """ECR scans manifests, not indexes: of several platforms, each one has to pass."""
    allowed = {name.upper(): number for name, number in options.gate.items()}
    allowed = allowed or {"CRITICAL": 0, "HIGH": 0}
    pairs = " ".join(f"{name}:{number}" for name, number in allowed.items())
    find = ['images="$DIGEST"']
    if options.platforms:
        find = [
            'images=$(aws ecr batch-get-image --repository-name "$ECR_REPOSITORY" \\',
            '  --image-ids "imageDigest=$DIGEST" --output text \\',
            '  --query "images[0].imageManifest" |',
            "  jq -r '.manifests[].digest')",
            '[ -n "$images" ]',
        ]
    look = [
        '  image=(--repository-name "$ECR_REPOSITORY" --image-id "imageDigest=$one")',
        '  aws ecr wait image-scan-complete "${image[@]}"',
        f"  for allowed in {pairs}; do",
        "    severity=${allowed%:*}",
        '    found=$(aws ecr describe-image-scan-findings "${image[@]}" --output text \\',
        '      --query "imageScanFindings.findingSeverityCounts.$severity || \\`0\\`")',
        '    echo "$one: $severity: $found, allowed ${allowed#*:}"',
        """    case "$found" in ''|*[!0-9]*) echo '::error::that is no number'; exit 1 ;; esac""",
        '    if [ "$found" -gt "${allowed#*:}" ]; then',
        '      echo "::error::the image has $found findings of severity $severity"',
        "      failed=yes",
        "    fi",
        "  done",
    ]
    return [*find, "for one in $images; do", *look, "done", '[ -z "${failed:-}" ]']
