"""`longshore config`: what the file says, whether it is right, and its schema. I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from longshore.cli import wiring
from longshore.cli.frame import App, group
from longshore.cli.settings import DEFAULT_CONFIG
from longshore.cli.typeset import table
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.document import Node

Value = tuple[str, str, str]  # key, value as written, origin

config = group(
    "config",
    help=tr("Shows and checks longshore.yaml, and prints its schema."),
    examples=["longshore config check", "longshore config show --origin"],
)


@config.command(
    "show",
    help=tr("Shows every setting as it is written; ${ENV} is never filled in."),
    examples=["longshore config show --origin", "longshore --target dev config show --json"],
)
@click.option("--origin", is_flag=True, help=tr("also where each value comes from"))
def show(app: App, origin: bool) -> None:
    written = wiring.find_config(app.settings, app.environ)
    values = [
        *_run_settings(app),
        *(_file_values(written.text, written.filename) if written else []),
    ]
    heads = [tr("KEY"), tr("VALUE"), tr("ORIGIN")]
    columns = 3 if origin else 2
    app.output.result(
        {
            "schema": "longshore.config/1",
            "file": written.filename if written else None,
            "values": [{"key": key, "value": value, "origin": at} for key, value, at in values],
        },
        table(heads[:columns], [value[:columns] for value in values]),
        next="longshore config check" if written else "longshore init",
    )


@config.command(
    "check",
    help=tr("Reads the file and names every mistake with line, column and what to write instead."),
    examples=["longshore config check", "longshore config check --config other.yaml --json"],
)
def check(app: App) -> None:
    found = wiring.need_config(app.settings, app.environ)
    counts = {
        "targets": len(found.targets),
        "images": len(found.images),
        "repositories": len(found.repositories),
    }
    summary = tr(
        "{file} is right: {targets} targets, {images} images, {repositories} repositories",
        file=found.filename,
        **counts,
    )
    unused = list(found.unused)
    lines = [summary]
    if unused:
        names = ", ".join(unused)
        lines.append(tr("read, but not used by this version yet: {names}", names=names))
    document = {"schema": "longshore.config.check/1", "file": found.filename, "problems": []}
    app.output.result({**document, **counts, "unused": unused}, lines, next="longshore plan")


@config.command(
    "schema",
    help=tr("Prints the JSON Schema of longshore.yaml, for editors and checkers."),
    examples=["longshore config schema > longshore.schema.json"],
)
def schema(app: App) -> None:
    from longshore.provision.config import config_schema

    document = config_schema()
    if app.output.machine:
        app.output.result({"schema": "longshore.config.schema/1", "document": document})
        return
    app.output.text(json.dumps(document, indent=2, ensure_ascii=False))


def _run_settings(app: App) -> Iterator[Value]:
    settings = app.settings
    values: dict[str, Any] = {
        "config": settings.config or DEFAULT_CONFIG,
        "target": settings.target or "-",
        "local": settings.local,
        "json": settings.json,
        "jsonl": settings.jsonl,
        "quiet": settings.quiet,
        "verbose": settings.verbose,
        "yes": settings.yes,
        "no_color": settings.no_color,
    }
    for name, value in values.items():
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        yield f"--{name.replace('_', '-')}", shown, settings.origins[name]


def _file_values(text: str, filename: str) -> list[Value]:
    from longshore.provision.document import parse_document

    node, _ = parse_document(text.removeprefix("\ufeff"), filename)
    return list(_flat(node, "")) if node else []


def _flat(node: Node, path: str) -> Iterator[Value]:
    """Every value of the file with its path and place.

    A list of single values is one value.
    """
    from longshore.provision.document import Mapping, Scalar

    if isinstance(node, Scalar):
        yield path, node.text, str(node.where)
    elif isinstance(node, Mapping):
        for entry in node.entries:
            yield from _flat(entry.value, f"{path}.{entry.key}" if path else entry.key)
    elif all(isinstance(item, Scalar) for item in node.items):
        words = [item.text for item in node.items if isinstance(item, Scalar)]
        yield path, f"[{', '.join(words)}]", str(node.where)
    else:
        for place, item in enumerate(node.items):
            yield from _flat(item, f"{path}[{place}]")
