"""The workflow that looks after images when nobody pushes: every night, or by hand. Pure.

It copies base images from Docker Hub, looks whether the base or one of its packages has an update,
and builds again only then, under the tag of the day. Tags that ECR's rules cannot reach go by
longshore's own prune, and the metrics that AWS lacks are put.
"""

from __future__ import annotations

from longshore.rewrite.generate import steps
from longshore.rewrite.generate.emitted import Emitted, LeftOut, Remark
from longshore.rewrite.generate.layout import indented, quoted, step
from longshore.rewrite.generate.options import (
    BINFMT,
    BUILDKIT,
    BUILDKIT_TAG,
    PUBLIC,
    RUNNER,
    PipelineOptions,
    check_install,
)
from longshore.rewrite.generate.workflow import has_gate
from longshore.text import tr

PATH = ".github/workflows/image-operations.yml"
_TODAY = "nightly-$(date -u +%Y%m%d)"


def render_operations(options: PipelineOptions, path: str = PATH) -> Emitted:
    """The workflow. Raises RefusedError when nothing says where longshore is installed from."""
    check_install(options)
    jobs = [_sync(options), _check(options), _rebuild(options), _prune(options), _metrics(options)]
    lines = [line for job in jobs if job for line in ["", *indented(job, 2)]]
    text = "\n".join([*_head(), *lines[1:]]) + "\n"
    remarks = options.pins.remarks(text)
    if options.base is None:
        said = tr("the base image is not known, so only packages are looked at for updates")
        remarks = (*remarks, Remark("base-unknown", said))
    return Emitted(path, text, _left_out(options), remarks)


def _head() -> list[str]:
    return [
        "# Keeps images fresh when nobody pushes. First written by `longshore ci emit`.",
        "name: Image operations",
        "",
        "on:",
        "  schedule:",
        '    - cron: "17 3 * * *"',
        "  workflow_dispatch:",
        "",
        "permissions:",
        "  contents: read",
        "",
        "concurrency:",
        "  group: image-operations",
        "  cancel-in-progress: false",
        "",
        "jobs:",
    ]


def _job(
    options: PipelineOptions,
    name: str,
    lines: list[str],
    *,
    needs: str = "",
    when: str = "",
    outputs: dict[str, str] | None = None,
    minutes: int = 30,
) -> list[str]:
    body = [
        *([f"needs: {needs}"] if needs else []),
        *([f"if: {when}"] if when else []),
        f"runs-on: {RUNNER}",
        f"timeout-minutes: {minutes}",
        "permissions:",
        "  contents: read",
        *(["  id-token: write # AWS takes the run's own token"] if options.auth == "oidc" else []),
        *(
            ["outputs:", *(f"  {key}: {value}" for key, value in outputs.items())]
            if outputs
            else []
        ),
        "env:",
        f"  ECR_REPOSITORY: {options.value('ECR_REPOSITORY')}",
        "steps:",
        *indented(lines, 2),
    ]
    return [f"{name}:", *indented(body, 2)]


def _joined(*parts: list[str]) -> list[str]:
    """Steps with a blank line between them."""
    lines: list[str] = []
    for part in parts:
        for line in part:
            lines += [""] if lines and line.startswith("- ") else []
            lines.append(line)
    return lines


def _sync(options: PipelineOptions) -> list[str]:
    if options.plain:
        copies = _plain_copies(options)
        if not copies:
            return []
        work = [steps.login(options), steps.buildx(options), copies]
    else:
        copy = step("Copy what longshore.yaml names", run=["longshore sync --yes"])
        work = [steps.install(options), copy]
    lines = _joined(steps.checkout(options), steps.credentials(options), *work)
    return _job(options, "sync", lines, minutes=60)


def _plain_copies(options: PipelineOptions) -> list[str]:
    pairs = []
    if options.base and options.base.mirror:
        name = f"{options.base.name}:{options.base.tag}"
        pairs.append((f"docker.io/library/{name}", f"{options.base.mirror}:{options.base.tag}"))
    for image, tag in ((BUILDKIT, BUILDKIT_TAG), (BINFMT, "latest")):
        if mirror := options.mirrors.get(image):
            pairs.append((f"{image}:{tag}", f"{mirror}:{tag}"))
    if not pairs:
        return []
    run = [f'copy {source} "$REGISTRY/{target}"' for source, target in pairs]
    copy = 'copy() { docker buildx imagetools create --prefer-index=false --tag "$2" "$1"; }'
    return step("Copy base images", env={"REGISTRY": steps.REGISTRY}, run=[copy, *run])


def _check(options: PipelineOptions) -> list[str]:
    """Whether the newest image lacks an update, from its layers and its package manager."""
    look = step(
        "Look for updates",
        id="look",
        env={"REGISTRY": steps.REGISTRY, **_base_env(options)},
        run=_look(options),
    )
    lines = _joined(steps.checkout(options), steps.credentials(options), steps.login(options), look)
    needs = "sync" if _sync(options) else ""
    outputs = {"update": "${{ steps.look.outputs.update }}"}
    return _job(options, "updates", lines, needs=needs, outputs=outputs)


def _base_env(options: PipelineOptions) -> dict[str, str]:
    base = options.base
    if base is None:
        return {}
    if base.prefix is None:
        return {"BASE": f"{PUBLIC}/{base.name}:{base.tag}"}
    return {"BASE": f"{steps.REGISTRY}/{base.mirror}:{base.tag}"}


def _look(options: PipelineOptions) -> list[str]:
    classes = [f"{name}-" for name in options.rules.main] + ["nightly-"]
    wanted = " || ".join(f"starts_with(@, '{name}')" for name in classes)
    query = f"sort_by(imageDetails[?imageTags[?{wanted}]], &imagePushedAt)[-1].imageDigest"
    lines = [
        'digest=$(aws ecr describe-images --repository-name "$ECR_REPOSITORY" \\',
        "  --filter tagStatus=TAGGED --output text \\",
        f'  --query "{query}")',
        'if [ "$digest" = None ]; then',
        "  echo 'there is no image yet'",
        "  exit 0",
        "fi",
        'image="$REGISTRY/$ECR_REPOSITORY@$digest"',
        'docker pull --quiet "$image"',
        "update=false",
    ]
    if options.base is not None:
        layers = "docker image inspect --format '{{join .RootFS.Layers \" \"}}'"
        lines += [
            'docker pull --quiet "$BASE"',
            f'base_layers=$({layers} "$BASE")',
            f'case "$({layers} "$image")" in',
            '  "$base_layers"*) echo "the base is the newest" ;;',
            '  *) echo "the base has changed"; update=true ;;',
            "esac",
        ]
    return [
        *lines,
        "packages='if command -v apt-get >/dev/null; then",
        "    apt-get update -qq && apt-get -s upgrade | grep -c ^Inst",
        '  else apk update -q && apk version -q -l "<" | grep -c .; fi\'',
        'count=$(docker run --rm --user 0 --entrypoint sh "$image" -c "$packages" || true)',
        'echo "packages with an update: ${count:-unknown}"',
        'case "$count" in',
        "  0) ;;",
        "  '') echo '::warning::nobody could look at the packages' ;;",
        "  *) update=true ;;",
        "esac",
        'echo "update=$update" >> "$GITHUB_OUTPUT"',
    ]


def _rebuild(options: PipelineOptions) -> list[str]:
    inputs: dict[str, str | list[str]] = {"context": "."}
    if options.dockerfile != "Dockerfile":
        inputs["file"] = quoted(options.dockerfile)
    inputs |= {"push": "true", "pull": "true", "no-cache": "true"}
    inputs["tags"] = f"{steps.REGISTRY}/{steps.REPOSITORY}:${{{{ steps.tag.outputs.tag }}}}"
    if options.base and options.base.prefix is not None:
        inputs["build-args"] = f"BASE_REGISTRY={steps.REGISTRY}{options.base.prefix}"
    inputs |= steps.platforms(options)
    inputs["provenance"] = "false # no attestation: ECR scans what is left, Lambda takes it"
    tag = step("Tag of the day", id="tag", run=[f'echo "tag={_TODAY}" >> "$GITHUB_OUTPUT"'])
    build = step(
        "Build and push",
        id="build",
        uses=options.pins.uses("docker/build-push-action"),
        inputs=inputs,
    )
    gated = has_gate(options)
    lines = _joined(
        steps.checkout(options),
        steps.install(options) if gated and not options.plain else [],
        steps.credentials(options),
        steps.login(options),
        steps.qemu(options),
        steps.buildx(options),
        tag,
        build,
        steps.gate(options) if gated else [],
    )
    when = "needs.updates.outputs.update == 'true'"
    outputs = {"digest": "${{ steps.build.outputs.digest }}"}
    return _job(options, "rebuild", lines, needs="updates", when=when, outputs=outputs)


def _prune(options: PipelineOptions) -> list[str]:
    """Old tags go by longshore.yaml; what is in use by its `protect` stays."""
    if options.plain or "lifecycle" not in options.features:
        return []
    prune = step("Prune tags", run=["longshore lifecycle prune --all --yes"])
    lines = _joined(
        steps.checkout(options), steps.install(options), steps.credentials(options), prune
    )
    return _job(options, "prune", lines)


def _metrics(options: PipelineOptions) -> list[str]:
    if options.plain or "monitor" not in options.features:
        return []
    publish = step("Publish metrics", run=["longshore monitor publish --yes"])
    lines = _joined(
        steps.checkout(options), steps.install(options), steps.credentials(options), publish
    )
    return _job(options, "metrics", lines)


def _left_out(options: PipelineOptions) -> tuple[LeftOut, ...]:
    found = []
    if not has_gate(options):
        found.append(LeftOut("scan gate", tr("this version of longshore has no scan gate yet")))
    if options.plain and not _sync(options):
        found.append(LeftOut("sync", tr("longshore.yaml names no base image to copy")))
    for step_name, feature in (("lifecycle prune", "lifecycle"), ("monitor publish", "monitor")):
        if options.plain:
            found.append(LeftOut(step_name, tr("it needs longshore in the pipeline")))
        elif feature not in options.features:
            found.append(LeftOut(step_name, tr("this version of longshore does not have it yet")))
    return tuple(found)
