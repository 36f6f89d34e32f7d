"""Tags of a build without longshore: metadata-action, each line guarded, and a look at git. Pure.

The guards are needed: unguarded, `{{branch}}-{{sha}}` gives `-abc1234` on tags, the version type
drops the `v` of prereleases, and `latest` follows any stable tag, also a maintenance release. What
metadata-action cannot do (names in other alphabets, 128 characters) stays undone here.
"""

from __future__ import annotations

from longshore.policy.build_tags import TagRules
from longshore.rewrite.generate.layout import step
from longshore.rewrite.generate.options import PipelineOptions

_SAME = "github.event.pull_request.head.repo.full_name == github.repository"
_BRANCH = "startsWith(github.ref, 'refs/heads/') && github.event_name != 'schedule'"
_FEATURE = "startsWith(github.ref, 'refs/heads/feature/')"
_RELEASE = "startsWith(github.ref, 'refs/tags/v')"
_PULL = "github.event_name == 'pull_request'"


def plain_push(rules: TagRules) -> str:
    """The condition under which a build is pushed: never from a fork, nor for Dependabot."""
    event = f"(github.event_name != 'pull_request' || {_SAME})"
    if not rules.push_pull_requests:
        event = "github.event_name != 'pull_request'"
    return f"{event} && github.actor != 'dependabot[bot]'"


def plain_tags(options: PipelineOptions, pushed: str) -> list[str]:
    """The step that names the build, as `longshore tags compute` would where it can."""
    develop = [name for name in options.rules.develop if name != "develop"]
    named = " || ".join(f"github.ref == 'refs/heads/{name}'" for name in develop)
    branch = f"{_BRANCH} && !{_FEATURE}" + (f" && !({named})" if named else "")
    lines = [
        _raw("{{branch}}-{{sha}}", branch),
        _raw("feature-{{sha}}", f"{_BRANCH} && {_FEATURE}"),
        *([_raw("develop-{{sha}}", f"{_BRANCH} && ({named})")] if named else []),
        _raw("nightly-{{date 'YYYYMMDD' tz='UTC'}}", "github.event_name == 'schedule'"),
        f"type=ref,event=tag,enable=${{{{ {_RELEASE} }}}}",
    ]
    if options.rules.push_pull_requests:
        number = "${{ github.event.pull_request.number }}"
        lines.append(_raw(f"pr-{number}-{{{{sha}}}}", _PULL))
        lines.append(f"type=ref,event=pr,enable=${{{{ {_PULL} }}}}")
    return step(
        "Tags of this build",
        id="tags",
        when=pushed,
        uses=options.pins.uses("docker/metadata-action"),
        env={
            "DOCKER_METADATA_SHORT_SHA_LENGTH": "7",
            "DOCKER_METADATA_PR_HEAD_SHA": "true",
        },
        inputs={
            "images": "${{ steps.ecr.outputs.registry }}/${{ env.ECR_REPOSITORY }}",
            "flavor": "latest=false",
            "tags": lines,
        },
    )


def plain_latest(options: PipelineOptions) -> list[str]:
    """The step that moves `latest`, once the image is good; empty when nothing is latest."""
    match options.rules.latest:
        case "never":
            return []
        case "main":
            when = "github.ref_name == github.event.repository.default_branch"
            check: list[str] = []
        case _:
            when = _RELEASE
            check = [
                "newest=$(git tag --list 'v*' --sort=-version:refname | grep -v -e - | head -n 1)",
                'if [ "$GITHUB_REF_NAME" != "$newest" ]; then',
                '  echo "latest stays: $newest is the newest release"',
                "  exit 0",
                "fi",
            ]
    return step(
        "Move latest",
        when=f"env.PUSH == 'true' && {when}",
        env={
            "IMAGE": "${{ steps.ecr.outputs.registry }}/${{ env.ECR_REPOSITORY }}",
            "DIGEST": "${{ steps.build.outputs.digest }}",
        },
        run=[
            *check,
            "docker buildx imagetools create --prefer-index=false \\",
            '  --tag "$IMAGE:latest" "$IMAGE@$DIGEST"',
        ],
    )


def _raw(value: str, enable: str) -> str:
    return f"type=raw,value={value},enable=${{{{ {enable} }}}}"
