"""Tags of a build without longshore: metadata-action, each line guarded, and a look at git. Pure.

The lines and what they leave undone are those of `policy/metadata_action`. Two more steps do what
the action cannot: one looks whether an earlier run pushed this very build, one moves `latest`.
"""

from __future__ import annotations

from longshore.policy.build_tags import TagRules
from longshore.policy.metadata_action import (
    default_branch_push,
    metadata_action,
    pushes,
    release_push,
)
from longshore.rewrite.generate.layout import step
from longshore.rewrite.generate.options import PipelineOptions


def plain_push(rules: TagRules) -> str:
    """The condition under which a build is pushed: never from a fork, nor for Dependabot."""
    return pushes(rules)


def plain_tags(options: PipelineOptions, pushed: str) -> list[str]:
    """The step that names the build, as `longshore tags compute` would where it can."""
    found = metadata_action(options.rules)
    return step(
        "Tags of this build",
        id="tags",
        when=pushed,
        uses=options.pins.uses("docker/metadata-action"),
        env={name: f'"{value}"' if value.isdigit() else value for name, value in found.env},
        inputs={
            "images": "${{ steps.ecr.outputs.registry }}/${{ env.ECR_REPOSITORY }}",
            "flavor": found.flavor,
            "tags": list(found.tags),
        },
    )


def plain_look(pushed: str) -> list[str]:
    """The step that looks whether an earlier run pushed this build: its tag cannot be pushed again.

    A pull request's tag moves, so those are built each time. A tag that holds the image of another
    commit ends the job.
    """
    return step(
        "Look for this build",
        id="there",
        when=f"{pushed} && github.event_name != 'pull_request'",
        env={
            "IMAGE": "${{ steps.ecr.outputs.registry }}/${{ env.ECR_REPOSITORY }}",
            "TAG": "${{ steps.tags.outputs.version }}",
        },
        run=[
            'found=$(aws ecr batch-get-image --repository-name "$ECR_REPOSITORY" \\',
            '  --image-ids "imageTag=$TAG" --output text \\',
            '  --query "images[0].imageId.imageDigest")',
            'case "$found" in sha256:*) ;; *) exit 0 ;; esac',
            "of=$(docker buildx imagetools inspect \"$IMAGE@$found\" --format '{{json .Image}}' |",
            '  sed -n \'s/.*image\\.revision": *"\\([0-9a-f]*\\)".*/\\1/p\' | head -n 1)',
            'if [ "${of:-$GITHUB_SHA}" != "$GITHUB_SHA" ]; then',
            '  echo "::error::$TAG is the image of commit $of"',
            "  exit 1",
            "fi",
            'echo "$TAG is there already: $found"',
            'echo "digest=$found" >> "$GITHUB_OUTPUT"',
        ],
    )


def plain_latest(options: PipelineOptions, digest: str) -> list[str]:
    """The step that moves `latest`, once the image is good; empty when nothing is latest."""
    rules, main = options.rules, default_branch_push()
    match rules.latest:
        case "never":
            return []
        case "main":
            when, check = main, []
        case _:
            when, check = f"({release_push(rules)} || {main})", _newest(rules)
    return step(
        "Move latest",
        when=f"env.PUSH == 'true' && {when}",
        env={
            "IMAGE": "${{ steps.ecr.outputs.registry }}/${{ env.ECR_REPOSITORY }}",
            "DIGEST": digest,
        },
        run=[
            *_no_old_run(),
            *check,
            "docker buildx imagetools create --prefer-index=false \\",
            f'  --tag "$IMAGE:{rules.prefix}latest" "$IMAGE@$DIGEST"',
        ],
    )


def _no_old_run() -> list[str]:
    return [
        'if [ "$GITHUB_REF_TYPE" = branch ] && [ "$GITHUB_RUN_ATTEMPT" != 1 ]; then',
        '  echo "latest stays: an old run was run again, it may have moved on since"',
        "  exit 0",
        "fi",
    ]


def _newest(rules: TagRules) -> list[str]:
    """Once a version is tagged only the highest stable one goes on; before that, the branch."""
    lists = ["'v[0-9]*'"]
    if rules.component:
        lists = [f"'{rules.component}/v[0-9]*'", f"'{rules.component}-v[0-9]*'"]
    name = '"$GITHUB_REF_NAME"'
    cut = ""
    if rules.component:
        cut = f" | sed 's|^{rules.component}[/-]||'"
        name = f"$(echo {name}{cut})"
    return [
        f"newest=$(git tag --list {' '.join(lists)}{cut} | grep -v -e - |",
        "  sort --version-sort | tail -n 1)",
        f"this={name}",
        'case "$GITHUB_REF_TYPE/$this" in',
        "  tag/*-*) newest=${newest:-none} ;;",
        "esac",
        'if [ -n "$newest" ] && [ "$this" != "$newest" ]; then',
        '  echo "latest stays: $newest is the newest release"',
        "  exit 0",
        "fi",
    ]
