"""Jobs of the present workflow that stay, as they are written; those that push images go. Pure.

A job that pushes images is left out, and the new one takes its name when it was the only one, so
that other jobs' `needs` still lead somewhere. One that tests before it builds keeps those steps. A
job that builds without pushing is a test and stays. Lines are cut whole; nothing that stays is
written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from longshore.rewrite.generate.emitted import Remark
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.workflow import Job, Step, Workflow, parse_workflow
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Node
from longshore.text import tr

IMAGE = "image"
_ACTIONS = re.compile(
    r"docker/(?:build-push|login|metadata|setup-buildx|setup-qemu|bake|scout)-action"
    r"|aws-actions/(?:amazon-ecr-login|configure-aws-credentials)\Z",
    re.IGNORECASE,
)
_IMAGES = re.compile(
    r"\b(?:docker|podman|buildah)\s+(?:image\s+|buildx\s+)?(?:build|bud|push|tag|login|pull)\b"
    r"|\bdocker[ -]compose\s+(?:build|push)\b"
)
_BUILD_ACTION = re.compile(r"docker/(?:build-push|bake)-action", re.IGNORECASE)
_PUSHES = re.compile(
    r"\b(?:docker|podman|buildah)\s+(?:image\s+)?push\b|\bdocker[ -]compose\s+push\b"
    r"|\bbuildx?\s+(?:build|bake)\b[^|;&]*\s--push\b"
)
_TESTS = re.compile(
    r"\b(?:tests?|lint|audit|check|pytest|tox|nox|ruff|mypy|eslint|vet|rspec|phpunit|coverage|typecheck"
    r"|verify)\b",
    re.IGNORECASE,
)
_OWN_EVENTS = {"push", "pull_request", "workflow_dispatch"}
_OUTPUT = re.compile(r"needs\.([\w-]+)\.outputs\.([\w-]+)")
_OFFERED = {"digest", "tag", "pushed"}


@dataclass(frozen=True)
class Kept:
    """What of the present workflow stays. `lines` are jobs, `needs` those that come first.

    `settings` are the workflow's `env` and `defaults`, `column` is where jobs begin. `branches` and
    `platforms` are those of the present workflow, as far as they are plain.
    """

    lines: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    image_id: str = IMAGE
    column: int = 2
    name: str = ""
    settings: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()


def keep_jobs(file: SourceFile) -> Kept | None:
    """What stays of a workflow; None when the file is none, or cannot be cut by lines."""
    found = parse_workflow(file)
    if found is None or not found.jobs:
        return None
    jobs = found.node.get("jobs")
    if not isinstance(jobs, YamlMapping) or not _is_block(file, jobs):
        return None
    return _kept(file, found, jobs)


def pushes_an_image(file: SourceFile) -> bool:
    """Whether a workflow has a job that pushes an image."""
    found = parse_workflow(file)
    return found is not None and any(_pushes(step) for job in found.jobs for step in job.steps)


def _kept(file: SourceFile, found: Workflow, jobs: YamlMapping) -> Kept:
    blocks = _blocks(file, jobs)
    building = [job for job in found.jobs if any(_pushes(step) for step in job.steps)]
    gone = [job.id for job in building if not _other_work(job)]
    lines: list[str] = []
    for job in found.jobs:
        if job.id in gone:
            continue
        start, end = blocks[job.id]
        cut = _image_lines(file, job, end) if job in building else set()
        own = [_line(file, number) for number in range(start, end) if number not in cut]
        lines += [*([""] if lines and lines[-1] else []), *own]
    while lines and not lines[-1]:
        lines.pop()
    kept_ids = [job.id for job in found.jobs if job.id not in gone]
    image = gone[0] if len(gone) == 1 else _free(IMAGE, kept_ids)
    made = Kept(
        tuple(lines),
        tuple(_before(found.jobs, kept_ids, gone)),
        image,
        _column(file, jobs),
        found.name,
        tuple(_section(file, found, "env") + _section(file, found, "defaults")),
        tuple(_section(file, found, "permissions")),
        tuple(_triggers(file, found)),
        tuple(gone),
        _branches(found),
        _platforms(building),
    )
    dropped = [_dropped(job) for job in building if job.id in gone and _more(job)]
    return replace(made, remarks=(*dropped, *_remarks(made, "\n".join(lines))))


def _branches(found: Workflow) -> tuple[str, ...]:
    push = found.event("push")
    patterns = push.patterns("branches") if push else ()
    return tuple(one.value for one in patterns if "${{" not in one.value)


def _platforms(jobs: Iterable[Job]) -> tuple[str, ...]:
    for job in jobs:
        for step in job.steps:
            text = step.input_text("platforms") if _pushes(step) else ""
            if text and "${{" not in text:
                return tuple(one.strip() for one in re.split(r"[,\n]", text) if one.strip())
    return ()


def _pushes(step: Step) -> bool:
    if step.uses and _BUILD_ACTION.match(step.uses.node.value):
        told = step.input_text("push", "false") != "false"
        return told or "push=true" in step.input_text("outputs") + step.input_text("set")
    return step.run is not None and _PUSHES.search(step.run.value) is not None


def _is_about_images(step: Step) -> bool:
    uses = step.uses.node.value.partition("@")[0] if step.uses else ""
    return bool(_ACTIONS.match(uses) or (step.run and _IMAGES.search(step.run.value)))


def _other_work(job: Job) -> bool:
    """Whether a job that pushes an image tests something before it builds."""
    return any(
        step.run is not None and not _is_about_images(step) and _TESTS.search(step.run.value)
        for step in _before_build(job)
    )


def _before_build(job: Job) -> list[Step]:
    first = next(n for n, step in enumerate(job.steps) if _is_about_images(step) or _pushes(step))
    last = next(number for number, step in enumerate(job.steps) if _pushes(step))
    later = [step for step in job.steps[first:last] if not _is_about_images(step)]
    return [*job.steps[:first], *later]


def _image_lines(file: SourceFile, job: Job, end: int) -> set[int]:
    """The lines of a job's steps from the first one that is about images; and its AWS ones."""
    starts = [_with_comments(file, file.place(step.node.span.start)[0]) for step in job.steps]
    starts.append(end)
    stay = {step.index for step in _before_build(job)}
    gone: set[int] = set()
    for number, step in enumerate(job.steps):
        if step.index not in stay:
            gone |= set(range(starts[number], starts[number + 1]))
    return {number for number in gone if _line(file, number).strip()}


def _blocks(file: SourceFile, jobs: YamlMapping) -> dict[str, tuple[int, int]]:
    """The lines of each job: from the comments above its key to those of the next one."""
    keys = [(key.value, file.place(key.span.start)[0]) for key, _ in jobs.items()]
    starts = [_with_comments(file, line) for _, line in keys]
    ends = [*starts[1:], _end_of(file, keys[-1][1], jobs)]
    return {name: (starts[at], ends[at]) for at, (name, _) in enumerate(keys)}


def _end_of(file: SourceFile, line: int, jobs: YamlMapping) -> int:
    """The line behind the last job: the first one that is indented less."""
    column = _column(file, jobs)
    last = file.text.count("\n") + 1
    for number in range(line + 1, last + 1):
        text = _line(file, number)
        if text.strip() and len(text) - len(text.lstrip()) < column:
            return _with_comments(file, number)
    return last + 1


def _column(file: SourceFile, jobs: YamlMapping) -> int:
    """How far the names of jobs are indented."""
    line = _line(file, file.place(jobs.pairs[0][0].span.start)[0])
    return len(line) - len(line.lstrip())


def _with_comments(file: SourceFile, line: int) -> int:
    while line > 1 and _line(file, line - 1).lstrip().startswith("#"):
        line -= 1
    return line


def _line(file: SourceFile, number: int) -> str:
    last = file.text.count("\n") + 1
    if number > last:
        return ""
    return file.line_of(file.offset(number)).rstrip("\r\n")


def _is_block(file: SourceFile, node: YamlMapping) -> bool:
    return not file.cut(Span(node.span.start, node.span.start + 1)).startswith("{")


def _before(jobs: Iterable[Job], kept: list[str], gone: list[str]) -> list[str]:
    """The kept jobs that neither wait for a job that builds, nor are waited for by a kept one."""
    needs = {job.id: set(job.needs) for job in jobs}
    late = set(gone)
    while more := {name for name in needs if needs[name] & late} - late:
        late |= more
    first = [name for name in kept if name not in late]
    return [name for name in first if not any(name in needs[other] for other in first)]


def _section(file: SourceFile, found: Workflow, name: str) -> list[str]:
    """A top-level section, as written."""
    key, value = found.node.key(name), found.node.get(name)
    if key is None or value is None:
        return []
    start, end = file.place(key.span.start)[0], _last_line(file, value)
    return [_line(file, number) for number in range(start, end + 1)]


def _last_line(file: SourceFile, node: Node) -> int:
    """The last line of a section; comments below it belong to what follows."""
    text = file.cut(node.span)
    first, last = (
        file.place(node.span.start)[0],
        file.place(node.span.start + len(text.rstrip()))[0],
    )
    while last > first and (_line(file, last).lstrip() or "#").startswith("#"):
        last -= 1
    return last


def _triggers(file: SourceFile, found: Workflow) -> list[str]:
    """Events of the present workflow besides the usual ones."""
    lines: list[str] = []
    for event in found.events:
        if event.name in _OWN_EVENTS:
            continue
        start = file.place(event.node.span.start)[0]
        plain = not _line(file, start).strip().startswith(f"{event.name}:")
        if event.config is None or plain or not file.cut(event.config.span).strip():
            lines += [f"  {event.name}:"]
            continue
        end = _last_line(file, event.config)
        own = [_line(file, number) for number in range(start, end + 1)]
        shift = len(own[0]) - len(own[0].lstrip())
        lines += [f"  {line[shift:]}" if line.strip() else "" for line in own]
    return lines


def _free(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "-ecr"
    return name


def _more(job: Job) -> list[str]:
    """What a job did besides its image: names of steps."""
    own = [step for step in job.steps if step.run is not None and not _is_about_images(step)]
    return [step.name or (step.run.value.split("\n")[0] if step.run else "") for step in own]


def _dropped(job: Job) -> Remark:
    said = tr(
        "the job {job} is left out; besides pushing an image it ran: {steps}",
        job=job.id,
        steps="; ".join(_more(job)),
    )
    return Remark("job-left-out", said)


def _remarks(made: Kept, text: str) -> list[Remark]:
    remarks = []
    for name in sorted({found[2] for found in _OUTPUT.finditer(text) if found[1] == made.image_id}):
        if name not in _OFFERED:
            said = tr(
                "a kept job reads needs.{job}.outputs.{output}, which is not there any more; the "
                "image is named by its digest and tag, never by an address",
                job=made.image_id,
                output=name,
            )
            remarks.append(Remark("output-gone", said))
    for name in made.dropped:
        if name != made.image_id and re.search(rf"needs:.*\b{re.escape(name)}\b", text):
            said = tr("a kept job needs {job}, which is left out", job=name)
            remarks.append(Remark("needs-gone", said))
    return remarks
