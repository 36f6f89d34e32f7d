"""The workflow that builds the image, pushes it to ECR, and says what came of it. Pure.

One job does all of it, because the registry's address must not leave a job: it holds the account
number, and outputs that hold a secret are dropped between jobs. What other jobs need is passed as
a digest and tags. Jobs that the tree has already (quality, tests) are kept as they are.
"""

from __future__ import annotations

from longshore.rewrite.generate import steps
from longshore.rewrite.generate.emitted import Emitted, LeftOut, Remark
from longshore.rewrite.generate.kept_jobs import Kept
from longshore.rewrite.generate.layout import flow_list, indented, quoted, step
from longshore.rewrite.generate.options import (
    BINFMT,
    BUILDKIT,
    BUILDKIT_TAG,
    RUNNER,
    PipelineOptions,
    check_install,
)
from longshore.rewrite.generate.plain_tags import (
    plain_latest,
    plain_look,
    plain_push,
    plain_tags,
)
from longshore.text import tr

PATH = ".github/workflows/image.yml"
_PUSHED = "steps.tags.outputs.push == 'true'"
_PLAIN_PUSHED = "env.PUSH == 'true'"
_THERE = "steps.names.outputs.digest"
_PLAIN_THERE = "steps.there.outputs.digest"


def render_workflow(
    options: PipelineOptions, kept: Kept, path: str = PATH, tests: tuple[str, ...] = ()
) -> Emitted:
    """The workflow. `tests` are the lines of new jobs where none are kept.

    Raises RefusedError when nothing says where longshore is installed from.
    """
    check_install(options)
    jobs = [*kept.lines, *([""] if kept.lines else []), *_jobs(options, kept, tests)]
    head = _head(options, kept)
    text = "\n".join([*head, "", "jobs:", *jobs]).rstrip() + "\n"
    remarks = (*kept.remarks, *_remarks(options), *options.pins.remarks(text))
    return Emitted(path, text, _left_out(options), remarks, _needs(options))


def _head(options: PipelineOptions, kept: Kept) -> list[str]:
    return [
        "# Builds the image and pushes it to Amazon ECR. First written by `longshore ci emit`.",
        f"name: {kept.name or 'Image'}",
        "",
        "on:",
        "  push:",
        f"    branches: {flow_list(options.branches)}",
        f"    tags: {flow_list(_versions(options))}",
        "  pull_request:",
        "  workflow_dispatch:",
        *kept.triggers,
        "",
        *(kept.permissions or ["permissions:", "  contents: read"]),
        "",
        "concurrency:",
        "  group: ${{ github.workflow }}-${{ github.ref }}",
        "  cancel-in-progress: ${{ github.event_name == 'pull_request' }}",
        *([""] if kept.settings else []),
        *kept.settings,
    ]


def _versions(options: PipelineOptions) -> list[str]:
    """The tags of the tree that build: versions, or those of one part of a monorepo."""
    name = options.rules.component
    return [f"{name}/v*", f"{name}-v*"] if name else ["v*"]


def _digest(options: PipelineOptions) -> str:
    """The image of this build: the one that an earlier run pushed, else the one just made."""
    there = _PLAIN_THERE if options.plain else _THERE
    return f"${{{{ {there} || steps.build.outputs.digest }}}}"


def _jobs(options: PipelineOptions, kept: Kept, tests: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    needs = list(kept.needs)
    if tests and not kept.lines:
        lines += [*tests, ""]
        needs = ["test"]
    lines += _image_job(options, kept.image_id, needs)
    if deploy := _deploy_job(options, kept.image_id):
        lines += ["", *deploy]
    return indented(lines, kept.column)


def _image_job(options: PipelineOptions, name: str, needs: list[str]) -> list[str]:
    tag = "${{ steps.names.outputs.tag || steps.tags.outputs.tag }}"
    if options.plain:
        tag = "${{ steps.tags.outputs.version }}"
    push = "${{ env.PUSH }}" if options.plain else "${{ steps.tags.outputs.push }}"
    body = [
        *([f"needs: {flow_list(needs)}"] if needs else []),
        f"runs-on: {RUNNER}",
        "timeout-minutes: 30",
        "permissions:",
        "  contents: read",
        *(["  id-token: write # AWS takes the run's own token"] if options.auth == "oidc" else []),
        "outputs:",
        f"  digest: {_digest(options)}",
        f"  tag: {tag}",
        f"  pushed: {push}",
        "env:",
        f"  ECR_REPOSITORY: {options.value('ECR_REPOSITORY')}",
        *([f"  PUSH: ${{{{ {plain_push(options.rules)} }}}}"] if options.plain else []),
        "steps:",
        *indented(_image_steps(options), 2),
    ]
    return [f"{name}:", *indented(body, 2)]


def _image_steps(options: PipelineOptions) -> list[str]:
    pushed = _PLAIN_PUSHED if options.plain else _PUSHED
    lines = [*steps.checkout(options, history=True), ""]
    if not options.plain:
        lines += _spaced(steps.install(options))
        lines += [*step("Tags of this build", id="tags", run=["longshore tags compute"]), ""]
    lines += [*steps.credentials(options, pushed), ""]
    lines += [*steps.login(options, pushed), ""]
    lines += _spaced(steps.qemu(options, pushed))
    lines += [*steps.buildx(options, pushed), ""]
    if options.plain:
        lines += [*plain_tags(options, pushed), "", *plain_look(pushed), ""]
    else:
        lines += [*_names(pushed), ""]
    lines += [*_build(options, pushed), ""]
    if has_gate(options):
        lines += [*steps.gate(options, pushed, _digest(options)), ""]
    if options.plain:
        lines += _spaced(plain_latest(options, _digest(options)))
    else:
        lines += [*_promote(options, pushed), ""]
    return [*lines, *_summary(options)]


def _spaced(lines: list[str]) -> list[str]:
    """A blank line behind each step."""
    spaced: list[str] = []
    for number, line in enumerate(lines):
        spaced += [""] if number and line.startswith("- ") else []
        spaced.append(line)
    return [*spaced, ""] if spaced else []


def has_gate(options: PipelineOptions) -> bool:
    """Whether the image has to pass the scan before a moving tag points to it."""
    return options.plain or "scan" in options.features


def _names(pushed: str) -> list[str]:
    """Which tags this build pushes, now that the registry can be asked what it has."""
    return step(
        "Names in the registry",
        id="names",
        when=pushed,
        env={"IMAGE": f"{steps.REGISTRY}/{steps.REPOSITORY}"},
        run=[
            'longshore tags compute --repository "$ECR_REPOSITORY" --image "$IMAGE" --no-summary',
        ],
    )


def _build(options: PipelineOptions, pushed: str) -> list[str]:
    names = "steps.tags.outputs.tags" if options.plain else "steps.names.outputs.build"
    there = _PLAIN_THERE if options.plain else _THERE
    inputs: dict[str, str | list[str]] = {"context": "."}
    if options.dockerfile != "Dockerfile":
        inputs["file"] = quoted(options.dockerfile)
    inputs["push"] = f"${{{{ {pushed} }}}}"
    inputs["tags"] = f"${{{{ {names} }}}}"
    inputs["labels"] = _labels(options)
    if BUILDKIT in options.mirrors:  # docker's own driver writes no annotations
        step_id = "tags" if options.plain else "names"
        inputs["annotations"] = f"${{{{ steps.{step_id}.outputs.annotations }}}}"
    if options.base and options.base.prefix is not None:
        path = f"format('BASE_REGISTRY={{0}}{options.base.prefix}', steps.ecr.outputs.registry)"
        inputs["build-args"] = f"${{{{ {pushed} && {path} || '' }}}}"
    inputs |= steps.platforms(options, pushed)
    inputs["provenance"] = "false # no attestation: ECR scans what is left, Lambda takes it"
    if BUILDKIT in options.mirrors:
        cache = "'type=gha' || ''"
        inputs["cache-from"] = f"${{{{ {pushed} && {cache} }}}}"
        inputs["cache-to"] = f"${{{{ {pushed} && 'type=gha,mode=max' || '' }}}}"
    uses = options.pins.uses("docker/build-push-action")
    return step("Build and push", id="build", when=f"{there} == ''", uses=uses, inputs=inputs)


def _labels(options: PipelineOptions) -> str:
    """What the image says about itself; a build that is not pushed has the first answer's."""
    if options.plain:
        return "${{ steps.tags.outputs.labels }}"
    return "${{ steps.names.outputs.labels || steps.tags.outputs.labels }}"


def _promote(options: PipelineOptions, pushed: str) -> list[str]:
    """Tags that come after the build: moving ones, and those that an earlier run left out."""
    return step(
        "Move the tags that move",
        when=f"{pushed} && steps.names.outputs.after != ''",
        env={
            "IMAGE": f"{steps.REGISTRY}/{steps.REPOSITORY}",
            "DIGEST": _digest(options),
            "TAGS": "${{ steps.names.outputs.after }}",
        },
        run=[
            "for tag in $TAGS; do",
            "  docker buildx imagetools create --prefer-index=false \\",
            '    --tag "$IMAGE:$tag" "$IMAGE@$DIGEST"',
            "done",
        ],
    )


def _summary(options: PipelineOptions) -> list[str]:
    tags = "${{ steps.names.outputs.tags || steps.tags.outputs.tags }}"
    there = _PLAIN_THERE if options.plain else _THERE
    if options.plain:
        tags = "${{ steps.tags.outputs.tag-names }}"
    push = "${{ env.PUSH }}" if options.plain else "${{ steps.tags.outputs.push }}"
    return step(
        "Summary",
        when="always()",
        env={
            "TAGS": tags,
            "PUSHED": push,
            "DIGEST": _digest(options),
            "THERE": f"${{{{ {there} }}}}",
        },
        run=[
            "{",
            "  echo '### Image'",
            "  echo",
            "  echo '| | |'",
            "  echo '|---|---|'",
            '  echo "| digest | ${DIGEST:-not built} |"',
            "  echo \"| tags | ${TAGS//$'\\n'/ } |\"",
            '  echo "| pushed | ${PUSHED:-false}${THERE:+, by an earlier run} |"',
            '} >> "$GITHUB_STEP_SUMMARY"',
        ],
    )


def _deploy_job(options: PipelineOptions, image: str) -> list[str]:
    if options.plain or "deploy" not in options.features or not options.environments:
        return []
    place = options.environments[0]
    body = [
        f"needs: {image}",
        f"if: needs.{image}.outputs.pushed == 'true' && startsWith(github.ref, 'refs/tags/v')",
        f"runs-on: {RUNNER}",
        "timeout-minutes: 30",
        f"environment: {quoted(place)}",
        "permissions:",
        "  contents: read",
        *(["  id-token: write # AWS takes the run's own token"] if options.auth == "oidc" else []),
        "env:",
        f"  ECR_REPOSITORY: {options.value('ECR_REPOSITORY')}",
        "steps:",
        *indented(
            [
                *steps.checkout(options),
                "",
                *_spaced(steps.install(options)),
                *steps.credentials(options),
                "",
                *step(
                    "Deploy",
                    env={"DIGEST": f"${{{{ needs.{image}.outputs.digest }}}}"},
                    run=[f'longshore deploy {quoted(place)} "$ECR_REPOSITORY@$DIGEST" --yes'],
                ),
            ],
            2,
        ),
    ]
    return ["deploy:", *indented(body, 2)]


def _left_out(options: PipelineOptions) -> tuple[LeftOut, ...]:
    found: list[LeftOut] = []
    if not has_gate(options):
        found.append(LeftOut("scan gate", tr("this version of longshore has no scan gate yet")))
    if options.plain:
        found.append(LeftOut("deploy", tr("a blue-green deploy needs longshore in the pipeline")))
    elif "deploy" not in options.features:
        found.append(LeftOut("deploy", tr("this version of longshore has no deploy yet")))
    elif not options.environments:
        found.append(LeftOut("deploy", tr("longshore.yaml names no environment")))
    if BUILDKIT not in options.mirrors:
        found.append(
            LeftOut(
                "build cache",
                tr("it needs BuildKit's own image, and no entry of images copies {image}",
                   image=f"{BUILDKIT}:{BUILDKIT_TAG}"),
            )
        )  # fmt: skip
    if options.wanted_platforms and not options.platforms and options.emulates:
        names = ", ".join(options.wanted_platforms)
        found.append(
            LeftOut(
                tr("platforms {names}", names=names),
                tr("they need entries of images for {buildkit} and {binfmt}",
                   buildkit=BUILDKIT, binfmt=BINFMT),
            )
        )  # fmt: skip
    return tuple(found)


def _remarks(options: PipelineOptions) -> tuple[Remark, ...]:
    if options.base is None or options.base.prefix is not None:
        return ()
    message = tr(
        "no entry of images copies docker.io/library/{name}; the base image comes from "
        "public.ecr.aws, whose anonymous pulls are limited too",
        name=options.base.name,
    )
    return (Remark("base-not-mirrored", message),)


def _needs(options: PipelineOptions) -> tuple[str, ...]:
    needs = []
    if options.base and options.base.prefix is not None:
        needs.append(f"docker.io/library/{options.base.name}:{options.base.tag}")
    if BUILDKIT in options.mirrors:
        needs.append(f"{BUILDKIT}:{BUILDKIT_TAG}")
    if options.platforms and options.emulates:
        needs.append(f"{BINFMT}:latest")
    return tuple(needs)
