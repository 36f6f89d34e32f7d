"""`assess`: every image reference of a tree or many, pulls per run, hazards, cost. I/O."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from longshore import __version__
from longshore.cli.assess_done import DoneOptions, show_done
from longshore.cli.assess_view import assess_lines, assess_markdown
from longshore.cli.files import check_writable, refuse_existing, write_file
from longshore.cli.frame import App, command
from longshore.cli.output import to_json
from longshore.cli.trees import find_trees, judge_tree, need_folders, scan_tree
from longshore.errors import FindingsError, UsageError
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.rewrite.assessment import Assessment

_FORMATS = ("text", "json", "sarif", "markdown")


@command(
    "assess",
    help=tr(
        "Lists every image reference of a tree, counts the Docker Hub pulls of a pipeline run, and "
        "names the hazards of a half-done move. Needs no config, no account and no network."
    ),
    examples=[
        "longshore assess",
        "longshore assess . --all",
        "longshore assess ../api ../web ../clones --json",
        "longshore assess . --format sarif --output longshore.sarif --exit-code",
        "longshore assess --done --quiet-days 14",
    ],
)
@click.argument("trees", nargs=-1, metavar="[TREE...]")
@click.option("--all", "whole", is_flag=True, help=tr("every reference and hazard, not one screen"))
@click.option("--sizes", is_flag=True, help=tr("ask Docker Hub for sizes; costs no pull"))
@click.option("--exit-code", is_flag=True, help=tr("exit 3 on Docker Hub pulls or high hazards"))
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", help=tr("the report's form")
)
@click.option("--output", "file", metavar="FILE", help=tr("write the report to a file"))
@click.option("--skip", multiple=True, metavar="PATTERN", help=tr("leave out, as in .gitignore"))
@click.option("--nested", is_flag=True, help=tr("submodules and other clones in the tree too"))
@click.option("--generated", is_flag=True, help=tr("vendored and generated folders too"))
@click.option(
    "--max-file-size",
    type=click.IntRange(1, 1024),
    default=8,
    metavar="MIB",
    help=tr("larger files are named, not read; default: 8"),
)
@click.option(
    "--jobs",
    type=click.IntRange(0, 256),
    default=0,
    metavar="NUMBER",
    help=tr("processes; default: by size of the tree"),
)
@click.option("--actions", multiple=True, metavar="DIR", help=tr("actions of others lie there"))
@click.option("--done", is_flag=True, help=tr("is the move over: nothing left, nobody pulls"))
@click.option(
    "--quiet-days", type=click.IntRange(1, 365), default=7, help=tr("with --done: for so many days")
)
@click.option("--own", multiple=True, metavar="IMAGE", help=tr("with --done: yours at the Hub"))
@click.option("--offline", is_flag=True, help=tr("with --done: do not ask Docker Hub"))
@click.option("--allow-open", is_flag=True, help=tr("with --done: open references are no doubt"))
def assess(
    app: App,
    trees: tuple[str, ...],
    whole: bool,
    sizes: bool,
    exit_code: bool,
    form: str,
    file: str | None,
    skip: tuple[str, ...],
    nested: bool,
    generated: bool,
    max_file_size: int,
    jobs: int,
    actions: tuple[str, ...],
    done: bool,
    quiet_days: int,
    own: tuple[str, ...],
    offline: bool,
    allow_open: bool,
) -> None:
    from longshore.rewrite.assessment import Assessment
    from longshore.rewrite.walk import TreeOptions

    if file is not None:
        refuse_existing([Path(file)], force=True)
        check_writable(Path(file))
    most = max_file_size * 1024 * 1024
    options = TreeOptions(skip, nested, generated, most, need_folders(actions))
    scanned = (scan_tree(app, folder, options, jobs) for folder in find_trees(trees))
    if done:
        _refuse_forms(form, file)
        show_done(app, list(scanned), DoneOptions(quiet_days, offline, own, allow_open))
        return
    found = Assessment(tuple(judge_tree(one) for one in scanned))
    if sizes:
        found = _with_sizes(app, found)
    if app.output.machine:
        form = "json"
    _show(app, found, form, file, whole or app.settings.verbose)
    if exit_code:
        _end(app, found)


def _refuse_forms(form: str, file: str | None) -> None:
    if form != "text" or file is not None:
        raise UsageError(
            tr("--done answers on stdout, as text or with --json"),
            tr("leave out --format and --output"),
        )


def _show(app: App, found: Assessment, form: str, file: str | None, whole: bool) -> None:
    """The report on stdout or into a file."""
    text = _text(found, form)
    if file is not None:
        lines = assess_lines(found, whole=whole)
        write_file(Path(file), text if text is not None else "\n".join(lines) + "\n")
        app.output.say(tr("wrote {file}", file=file))
        return
    if app.output.machine or text is None:
        app.output.result(found.as_json(), assess_lines(found, whole=whole), next=_next(found))
        return
    app.output.text(text)


def _text(found: Assessment, form: str) -> str | None:
    from longshore.rewrite.hazards.registry import CHECKS
    from longshore.rewrite.sarif import sarif

    if form == "json":
        return to_json(found.as_json(), indent=2) + "\n"
    if form == "sarif":
        hazards = [hazard for _, hazard in found.hazards]
        return to_json(sarif(hazards, CHECKS, __version__), indent=2) + "\n"
    return assess_markdown(found) if form == "markdown" else None


def _next(found: Assessment) -> str:
    if not found.images:
        return ""
    folder = found.heaviest.name
    where = "" if folder == "." else f" {folder}"
    if (Path(folder) / "longshore.yaml").exists():
        return f"longshore rewrite{where}"
    return f"longshore init{where}"


def _with_sizes(app: App, found: Assessment) -> Assessment:
    from dataclasses import replace

    from longshore.cli.image_sizes import read_sizes

    return replace(found, sizes=read_sizes(app, found.images))


def _end(app: App, found: Assessment) -> None:
    high = sum(hazard.severity == "high" for _, hazard in found.hazards)
    left = sum(len(tree.hub) for tree in found.trees)
    if (high or left) and app.output.machine:
        click.get_current_context().exit(FindingsError.exit_code)  # the one object is written
    if high or left:
        raise FindingsError(
            tr("{left} Docker Hub pulls left, {high} high hazards", left=left, high=high),
            tr("see them with `longshore assess --all`"),
            code="hub-pulls-left" if left else "hazards",
        )
