"""`longshore local seed reset fault`: what the servers hold, and how they bend. I/O."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from longshore.cli.frame import App
from longshore.cli.local_frame import (
    ask,
    folder_of,
    in_folder,
    in_same_folder,
    local,
)
from longshore.embedded import daemon
from longshore.embedded.state import LISTENERS, LocalState, UpOptions
from longshore.errors import UsageError
from longshore.events import StepDone
from longshore.text import tr


@local.command(
    "seed",
    help=tr("Fills the Hub with images made from this machine's own files, or with given ones."),
    examples=(
        "longshore local seed",
        "longshore local seed --small",
        "longshore local seed --tree .",
        "longshore local seed --from image.tar --as acme/thing",
    ),
)
@click.option("--seed", "number", type=int, default=1, help=tr("another number, other revisions"))
@click.option("--small", is_flag=True, help=tr("all images, with only a little in each"))
@click.option(
    "--from",
    "path",
    type=click.Path(path_type=Path, exists=True),
    help=tr("an OCI layout, or an archive made by `docker save`"),
)
@click.option("--as", "name", metavar="REPOSITORY", help=tr("the repository's name, with --from"))
@click.option(
    "--tree",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help=tr("stand-ins for the Docker Hub images that a tree names, to rehearse its move"),
)
@in_folder
def seed(
    app: App,
    data_dir: Path | None,
    number: int,
    small: bool,
    path: Path | None,
    name: str | None,
    tree: Path | None,
) -> None:
    question: dict[str, Any] = {"do": "seed", "seed": number, "small": small}
    if tree is not None:
        question["images"] = _named_in(app, tree)
    if path is not None:
        question = {"do": "load", "path": str(path.absolute()), "as": name}
    elif name is not None:
        raise UsageError(tr("--as needs --from"), tr("add --from PATH"), code="usage")
    last: Mapping[str, Any] = {}
    for answer in daemon.command(folder_of(app, data_dir), question):
        if "step" in answer:
            app.output.show(StepDone(answer["step"], answer.get("resource", "")))
        last = answer if "seeded" in answer else last
    seeded = last["seeded"]
    line = tr(
        "EMBEDDED Hub: {repositories} repositories, {tags} tags, {megabytes} MB in {seconds} s",
        repositories=seeded["repositories"],
        tags=seeded["tags"],
        megabytes=round(seeded["bytes"] / 1e6, 1),
        seconds=seeded["seconds"],
    )
    env = in_same_folder("longshore local env", data_dir)
    app.output.result(
        {"schema": "longshore.local.seed/1", **seeded}, [line], next=f'eval "$({env})"'
    )


def _named_in(app: App, tree: Path) -> dict[str, list[str]]:
    """Docker Hub repositories that a tree pulls, with the tags that it names."""
    from longshore.cli.trees import scan_tree
    from longshore.rewrite.walk import TreeOptions

    found: dict[str, set[str]] = {}
    for use in scan_tree(app, tree, TreeOptions()).result.uses:
        if use.pulls_hub and use.image is not None and use.digest is None:
            tags = found.setdefault(use.image.removeprefix("docker.io/"), set())
            tags.update(use.tags or ("latest",))
    return {name: sorted(tags) for name, tags in sorted(found.items())}


@local.command(
    "reset",
    help=tr("Deletes everything that the servers hold; addresses and accounts stay."),
    examples=("longshore local reset --dry-run", "longshore local reset --yes"),
)
@click.option("--dry-run", is_flag=True, help=tr("only say what would be deleted"))
@in_folder
def reset(app: App, data_dir: Path | None, dry_run: bool) -> None:
    folder = folder_of(app, data_dir)
    entries = daemon.resettable(folder)
    running = daemon.status(folder)
    document = {"schema": "longshore.local.reset/1", "data_dir": str(folder), "dry_run": dry_run}
    document |= {"entries": [entry.name for entry in entries], "running": running is not None}
    if dry_run:
        app.output.result(document, [tr("would delete {path}", path=one) for one in entries])
        return
    app.output.confirm(tr("Delete all images and AWS state in {folder}?", folder=folder))
    if running is not None:
        daemon.down(folder)
    daemon.reset(folder)
    if running is not None:
        daemon.up(_same(running), app.environ)
    seed_command = in_same_folder("longshore local seed", data_dir)
    app.output.result(document, [tr("EMBEDDED servers emptied")], next=seed_command)


@local.command(
    "fault",
    help=tr(
        "Lets requests fail on purpose. Without options lists the faults in force; what is not "
        "said matches every request, and one request is met."
    ),
    examples=(
        "longshore local fault --on hub --path manifests --status 429 --header 'Retry-After: 2'",
        "longshore local fault --on layers --cut-after 100000 --times 3",
        "longshore local fault --clear",
    ),
)
@click.option("--on", "listener", type=click.Choice(LISTENERS), help=tr("only at this server"))
@click.option("--method", metavar="NAMES", help=tr("only these methods, as GET,HEAD"))
@click.option("--path", metavar="REGEX", help=tr("only paths in which this is found"))
@click.option("--operation", metavar="NAME", help=tr("only this operation of an AWS service"))
@click.option("--after", type=click.IntRange(0), metavar="N", help=tr("let N requests pass first"))
@click.option("--times", type=click.IntRange(0), metavar="N", help=tr("meet N requests; 0: all"))
@click.option("--delay-ms", type=click.IntRange(0), metavar="MS", help=tr("wait before answering"))
@click.option("--reset", is_flag=True, help=tr("reset the connection"))
@click.option("--status", type=click.IntRange(100, 599), help=tr("answer with this status"))
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'")
@click.option("--body", metavar="TEXT", help=tr("the answer's body, with --status"))
@click.option("--applies", is_flag=True, help=tr("the request takes effect all the same"))
@click.option("--flip-at", type=click.IntRange(0), metavar="N", help=tr("change the byte at N"))
@click.option("--cut-after", type=click.IntRange(0), metavar="N", help=tr("end after N bytes"))
@click.option("--endless", is_flag=True, help=tr("a body without end"))
@click.option("--clear", is_flag=True, help=tr("no more faults"))
@in_folder
def fault(
    app: App, data_dir: Path | None, clear: bool, headers: tuple[str, ...], **rest: Any
) -> None:
    rule = {name: value for name, value in rest.items() if value not in (None, False)}
    if headers:
        rule["headers"] = dict(_header(text) for text in headers)
    if rule.get("times") == 0:
        rule["times"] = None
    question: dict[str, Any] = {"do": "fault", "clear": clear, "add": rule or None}
    found = ask(folder_of(app, data_dir), question)["faults"]
    lines = [", ".join(f"{name} {value}" for name, value in one.items()) for one in found]
    lines = [tr("EMBEDDED: {count} faults in force", count=len(found)), *lines]
    app.output.result({"schema": "longshore.local.fault/1", "faults": found}, lines)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise UsageError(
            tr("'{text}' is not a header", text=text),
            tr("write it as 'Retry-After: 2'"),
            code="usage",
        )
    return name.strip(), value.strip()


def _same(state: LocalState) -> UpOptions:
    return UpOptions(
        state.data_dir,
        mode=state.mode,
        account=state.account,
        region=state.region,
        pull_limit=state.pull_limit,
        account_pull_limit=state.account_pull_limit,
    )
