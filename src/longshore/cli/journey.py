"""`init`, `migrate` and `status`: the way from nothing to moved, and where one stands. I/O."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from longshore.cli import wiring
from longshore.cli.copying import verify_lines, verify_once
from longshore.cli.frame import App, command
from longshore.cli.pairs import as_reference, parse_end
from longshore.cli.planning import carry_out, end_with, make_plan, summary_line
from longshore.cli.stores import Opener
from longshore.cli.typeset import duration, size
from longshore.cli.work import Work, open_work
from longshore.errors import (
    FileError,
    FindingsError,
    LoginError,
    LongshoreError,
    RefusedError,
    UsageError,
    Where,
)
from longshore.journey.planning import plan_lines
from longshore.journey.summary import Summary, moved, summary_lines, summary_markdown
from longshore.oci.reference import DOCKER_HUB, Reference
from longshore.text import tr
from longshore.transfer.plan import PairPlan, TagStep

SCRIPTS = ("create-ecr-repository.sh", "apply-ecr-lifecycle-policy.sh")


@command(
    "init",
    help=tr("Writes longshore.yaml from what it finds: Docker Hub repositories and the account."),
    examples=[
        "longshore init --namespace acme",
        "longshore init --image docker.io/acme/shop=github-actions-demo-day2 --yes",
        "longshore init --scripts",
    ],
)
@click.argument("tree", default=".")
@click.option(
    "--namespace", "namespaces", multiple=True, metavar="NAME", help=tr("a Docker Hub namespace")
)
@click.option(
    "--image", "images", multiple=True, metavar="SOURCE[=NAME]", help=tr("a repository to move")
)
@click.option("--region", metavar="REGION", help=tr("the AWS Region of the target"))
@click.option("--account", metavar="ID", help=tr("the AWS account of the target"))
@click.option("--scripts", is_flag=True, help=tr("write the two stand-alone shell scripts too"))
@click.option("--force", is_flag=True, help=tr("replace files that are there"))
@click.option("--dry-run", is_flag=True, help=tr("only show the file"))
def init(
    app: App,
    tree: str,
    namespaces: tuple[str, ...],
    images: tuple[str, ...],
    region: str | None,
    account: str | None,
    scripts: bool,
    force: bool,
    dry_run: bool,
) -> None:
    from longshore.provision.starter import Found, FoundImage, render_config

    folder = Path(tree)
    if not folder.is_dir():
        raise UsageError(tr("{tree} is not a folder", tree=tree), tr("name the tree's folder"))
    opener = _init_opener(app)
    found = [
        FoundImage(source, _tags(source, opener), name) for source, name in map(_image, images)
    ]
    found += _listed(namespaces, opener, {one.source.name for one in found})
    known_account, known_region = _caller(app, opener)
    text = render_config(
        Found(
            tuple(found),
            account or known_account,
            region or known_region,
            local=app.settings.local or opener.opened is not None,
        )
    )
    config = folder / (app.settings.config or "longshore.yaml")
    todo = {config: text}
    if scripts:
        todo |= {folder / "scripts" / name: _script(name) for name in SCRIPTS}
    if dry_run:
        app.output.text(text)
        return
    _refuse_existing(todo, force)
    app.output.confirm(
        tr("write {files}?", files=", ".join(str(path) for path in todo)),
        [tr("{count} repositories to move", count=len(found))],
    )
    for path, content in todo.items():
        _write(path, content, executable=path.suffix == ".sh")
    app.output.result(
        {
            "schema": "longshore.init/1",
            "files": [str(path) for path in todo],
            "images": [one.source.name for one in found],
        },
        [
            *[tr("wrote {file}", file=path) for path in todo],
            tr("{count} repositories to move", count=len(found))
            if found
            else tr("no repository is named yet: add them under images, or use --namespace"),
        ],
        next="longshore plan" if found else "longshore config check",
    )


def _init_opener(app: App) -> Opener:
    opened = None
    if app.settings.local:
        opened = wiring.open_caller(app.settings, app.environ)
    return Opener(app.settings, app.environ, 8, opened)


def _image(text: str) -> tuple[Reference, str]:
    source, _, name = text.partition("=")
    reference = as_reference(parse_end(source))
    if reference is None:
        raise UsageError(
            tr("'{text}' is not in a registry", text=source),
            tr("name a repository"),
            code="bad-reference",
        )
    return replace(reference, tag=None, digest=None), name


def _listed(namespaces: tuple[str, ...], opener: Opener, known: set[str]) -> list[Any]:
    """Every repository of the namespaces, with its tags."""
    from longshore.provision.starter import FoundImage
    from longshore.remote.hub import Hub

    found = []
    for namespace in namespaces:
        hub = opener.registry(DOCKER_HUB, "source")
        names = hub.list_repositories(namespace) if isinstance(hub, Hub) else []
        for name in names:
            source = Reference(DOCKER_HUB, name)
            if source.name not in known:
                found.append(FoundImage(source, _tags(source, opener)))
    return found


def _tags(source: Reference, opener: Opener) -> tuple[str, ...] | None:
    """The repository's tags; None when they cannot be listed now."""
    try:
        return tuple(sorted(seen.tag for seen in opener.source(source).list_tags()))
    except LongshoreError:
        return None


def _caller(app: App, opener: Opener) -> tuple[str, str]:
    """Account and region of the caller; empty where nobody is logged in."""
    region = app.environ.get("AWS_REGION") or app.environ.get("AWS_DEFAULT_REGION") or ""
    try:
        opened = opener.opened or wiring.open_caller(app.settings, app.environ)
    except LongshoreError:
        return "", region
    if opened.endpoint.embedded:
        opener.opened = opener.opened or opened
        return "", ""
    return opened.endpoint.account, opened.endpoint.region


def _script(name: str) -> str:
    return (files("longshore") / "data" / "scripts" / name).read_text("utf-8")


def _refuse_existing(todo: Mapping[Path, str], force: bool) -> None:
    for path in todo:
        if path.is_symlink():
            raise RefusedError(
                tr("{file} is a symbolic link; nothing is written through it", file=path),
                tr("remove the link, or name another folder"),
                code="symlink",
                where=Where(file=str(path)),
            )
        if path.exists() and not force:
            raise RefusedError(
                tr("{file} is there already", file=path),
                tr("replace it with --force, or look at --dry-run"),
                code="file-exists",
                where=Where(file=str(path)),
            )


def _write(path: Path, content: str, *, executable: bool) -> None:
    """Atomic: a temporary file in the same folder, then a rename."""
    import tempfile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".longshore-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        mode = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
        os.chmod(temporary, mode | (0o111 if executable else 0))
        os.replace(temporary, path)
    except OSError as error:
        raise FileError(
            tr("{file} cannot be written: {why}", file=path, why=error.strerror or error),
            where=Where(file=str(path)),
        ) from error


@command(
    "migrate",
    help=tr("The whole journey in order: plan, apply, verify, summary. Resumes where it stopped."),
    examples=["longshore migrate", "longshore migrate --yes --summary migration.md"],
)
@click.argument("tree", required=False)
@click.option("--summary", metavar="FILE", help=tr("write the summary as Markdown too"))
@click.option("--dry-run", is_flag=True, help=tr("only show the plan"))
def migrate(app: App, tree: str | None, summary: str | None, dry_run: bool) -> None:
    from longshore.provision.changes import NO_LIMITS

    began = time.monotonic()
    if tree is not None and app.settings.config is None:
        app.settings = replace(app.settings, config=str(Path(tree) / "longshore.yaml"))
    work = open_work(app)
    made = make_plan(work, ("aws", "images"), NO_LIMITS)
    lines = [*plan_lines(made.whole, made.both.aws), summary_line(made.whole)]
    if dry_run:
        app.output.result(made.whole.as_json(), lines, place=work.opened.place)
        return
    if made.whole.changes:
        place = work.opened.place.as_line()
        app.output.confirm(tr("carry this out?"), [place, *lines])
    document = carry_out(work, made)
    error: LongshoreError | None = document.pop("_error")
    if error is not None:
        app.output.result(document, [], place=work.opened.place)
        end_with(app, error)
    proof = verify_once(work)
    done = Summary(
        work.opened.place.as_json(),
        moved(made.both.images),
        len(document["applied"]),
        document["copy"] if "copy" in document else _nothing_copied(),
        proof,
        time.monotonic() - began,
        _allowance(work, made),
        _secrets(work),
    )
    human = {"bytes": size(done.copy["bytes"]), "seconds": duration(done.seconds)}
    if summary is not None:
        _write(Path(summary), summary_markdown(done, human), executable=False)
    broken = proof["missing"] or proof["different"]
    app.output.result(
        done.as_json(),
        [*summary_lines(done, human), *(verify_lines(proof) if broken else [])],
        place=work.opened.place,
        next="longshore sync" if broken else "longshore status",
    )
    if broken:
        if app.output.machine:
            click.get_current_context().exit(FindingsError.exit_code)
        raise FindingsError(
            tr("source and target are not equal yet"), tr("run it again"), code="not-equal"
        )


def _nothing_copied() -> dict[str, Any]:
    names = ("copied", "unchanged", "skipped", "failed", "left")
    return {
        "tags": dict.fromkeys(names, 0),
        "bytes": 0,
        "source": {"requests": 0, "pulls": 0},
        "target": {"requests": 0},
    }


def _allowance(work: Work, made: Any) -> Any:
    for job in made.jobs:
        if job.wish.pair.source_registry == DOCKER_HUB:
            return job.stores.source.read_allowance()
    return None


def _secrets(work: Work) -> dict[str, str]:
    """The values that the pipeline's settings need; none of them is secret."""
    end = work.opened.endpoint
    names = sorted({rule.target for rule in work.config.images})
    found = {"AWS_ACCOUNT_ID": end.account, "AWS_REGION": end.region}
    return found | ({"ECR_REPOSITORY": names[0]} if len(names) == 1 else {})


@command(
    "status",
    help=tr("One screen: what is done, what is left, what has drifted, and what comes next."),
    examples=["longshore status", "longshore status --json"],
)
def status(app: App) -> None:
    from longshore.provision.changes import NO_LIMITS

    try:
        work = open_work(app)
    except LoginError as error:
        raise LoginError(error.what, error.hint, code=error.code, where=error.where) from error
    made = make_plan(work, ("aws", "images"), NO_LIMITS)
    aws = [one for one in made.whole.changes if not one.resource.startswith("images/")]
    rows: list[dict[str, Any]] = [
        {
            "source": plan.pair.source,
            "target": plan.pair.target,
            "copied": sum(step.action == "unchanged" for step in _with_companions(plan)),
            "left": sum(step.action == "copy" for step in _with_companions(plan)),
            "skipped": sum(step.action == "skip" for step in plan.steps),
            "unfinished": work.journal.is_open(plan.pair.target),
        }
        for plan in made.both.images
    ]
    left = sum(row["left"] for row in rows)
    next_command = "longshore migrate" if aws and left else "longshore apply"
    if not aws:
        next_command = "longshore sync" if left else "longshore verify"
    app.output.result(
        {
            "schema": "longshore.status/1",
            "aws": {"changes": [one.as_json() for one in aws]},
            "images": rows,
            "pulls_needed": made.whole.pulls,
            "notes": list(made.whole.notes),
        },
        _status_lines(aws, rows),
        place=work.opened.place,
        next=next_command,
    )


def _with_companions(plan: PairPlan) -> list[TagStep]:
    """The tags of a pair, signatures in the tag scheme included."""
    return [*plan.steps, *(step for found in plan.companions.values() for step in found)]


def _status_lines(aws: list[Any], rows: list[dict[str, Any]]) -> list[str]:
    lines = [f"{tr('to do')}  {one.action} {one.resource}  ({one.reason})" for one in aws[:12]]
    if not aws:
        lines = [tr("AWS is as the config wants it")]
    for row in rows:
        state = tr("{copied} tags copied, {left} left", copied=row["copied"], left=row["left"])
        skipped = tr(", {count} stay out", count=row["skipped"]) if row["skipped"] else ""
        cut = tr("; the last run did not end") if row["unfinished"] and row["left"] else ""
        lines.append(f"{row['source']} -> {row['target']}  {state}{skipped}{cut}")
    return lines or [tr("the config names no image yet")]
