"""`longshore ci`: the pipeline of a tree, written for ECR, and what it needs at GitHub. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from longshore.cli import wiring
from longshore.cli.ci_secrets import list_secrets
from longshore.cli.frame import App, group
from longshore.cli.settings import DEFAULT_CONFIG, Settings
from longshore.rewrite.generate.emitted import Emitted
from longshore.rewrite.generate.options import PipelineOptions
from longshore.text import tr

ci = group(
    "ci",
    help=tr("The pipeline: workflows and a Dockerfile for ECR, and the values they need."),
    examples=["longshore ci emit", "longshore ci secrets"],
)
ci.add_command(list_secrets)


@ci.command(
    "emit",
    help=tr(
        "Shows a workflow for ECR, one for operations, and a Dockerfile, as a diff against the "
        "tree; --write writes them. Jobs for quality and tests stay as they are."
    ),
    examples=[
        "longshore ci emit",
        "longshore ci emit workflow --plain --auth keys",
        "longshore ci emit dockerfile --tree shop --write",
        "longshore ci emit all --write --force --yes",
    ],
)
@click.argument(
    "what", type=click.Choice(["workflow", "operations", "dockerfile", "all"]), default="all"
)
@click.option("--tree", default=".", metavar="DIR", help=tr("the tree (default: this folder)"))
@click.option("--plain", is_flag=True, help=tr("a pipeline without longshore inside"))
@click.option("--auth", type=click.Choice(["oidc", "keys"]), help=tr("how it logs in to AWS"))
@click.option("--from", "named", metavar="FILE", help=tr("the workflow whose jobs are kept"))
@click.option("--write", is_flag=True, help=tr("write the files"))
@click.option("--force", is_flag=True, help=tr("replace files that are there"))
@click.option("--dry-run", is_flag=True, help=tr("only show the diff, even with --write"))
def emit_files(
    app: App,
    what: str,
    tree: str,
    plain: bool,
    auth: str | None,
    named: str | None,
    write: bool,
    force: bool,
    dry_run: bool,
) -> None:
    from longshore.cli import emitting

    place = emitting.EmitTree(Path(tree))
    config = wiring.find_config(_settings(app, Path(tree)), app.environ)
    options = emitting.pipeline_options(config, place, plain=plain, auth=auth)
    made = emitting.emit(place, options, what, named, config)
    todo = emitting.changed(place, made)
    written: list[str] = []
    _tell(app, made)
    if write and todo and not dry_run:
        emitting.refuse(place, todo, force=force)
        names = ", ".join(one.path for one in todo)
        app.output.confirm(tr("write {files}?", files=names), emitting.differences(place, todo))
        written = emitting.write(place, todo, force=force)
    lines = [tr("wrote {file}", file=path) for path in written]
    if not written:
        lines = emitting.differences(place, todo) or [tr("everything is there already")]
    app.output.result(
        _document(place, options, made, written),
        lines,
        next="longshore ci secrets" if written or not todo else _again(what, tree, options, auth),
    )


def _settings(app: App, tree: Path) -> Settings:
    """The settings; without --config the tree's own longshore.yaml counts."""
    own = tree / DEFAULT_CONFIG
    if app.settings.config is None and own.is_file():
        return replace(app.settings, config=str(own))
    return app.settings


def _again(what: str, tree: str, options: PipelineOptions, auth: str | None) -> str:
    flags = [what, *(["--tree", tree] if tree != "." else [])]
    flags += ["--plain"] if options.plain else []
    flags += ["--auth", auth] if auth else []
    return " ".join(["longshore ci emit", *flags, "--write"])


def _tell(app: App, made: Sequence[Emitted]) -> None:
    for one in made:
        for left in one.left_out:
            app.output.say(
                tr("{file}: without {step}: {why}", file=one.path, step=left.step, why=left.reason)
            )
        for remark in one.remarks:
            app.output.warn(tr("{file}: {why}", file=one.path, why=remark.message))


def _document(
    place: Any, options: PipelineOptions, made: Sequence[Emitted], written: Sequence[str]
) -> dict[str, Any]:
    from longshore.rewrite.generate.dockerfile import equal_checks

    whole: dict[str, Any] = {
        "schema": "longshore.ci.emit/1",
        "auth": options.auth,
        "plain": options.plain,
        "files": [
            {
                "file": one.path,
                "text": one.text,
                "exists": place.read(one.path) is not None,
                "written": one.path in written,
                "left_out": [{"step": left.step, "reason": left.reason} for left in one.left_out],
                "hazards": [{"code": some.code, "message": some.message} for some in one.remarks],
                "needs": list(one.needs),
            }
            for one in made
        ],
        "secrets": [options.stored(name) for name in options.needed()],
    }
    if place.project is not None:
        whole["health"] = equal_checks(place.project)
    return whole
