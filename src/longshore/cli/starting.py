"""`init`: from nothing to a longshore.yaml that says what is to move, and where to. I/O."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from longshore.cli import wiring
from longshore.cli.files import refuse_existing, write_file
from longshore.cli.frame import App, command
from longshore.cli.pairs import as_reference, parse_end
from longshore.cli.stores import Opener
from longshore.cli.tree_images import InTree, find_in_tree
from longshore.errors import LongshoreError, UsageError
from longshore.oci.reference import DOCKER_HUB, Reference
from longshore.text import tr

SCRIPTS = ("create-ecr-repository.sh", "apply-ecr-lifecycle-policy.sh")


@command(
    "init",
    help=tr(
        "Writes longshore.yaml from what it finds: the Docker Hub images that the tree names, "
        "repositories of a namespace, the account."
    ),
    examples=[
        "longshore init",
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
@click.option("--look/--no-look", default=True, help=tr("look for images in the tree (usual)"))
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
    look: bool,
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
    in_tree = find_in_tree(app, folder) if look else InTree()
    named = {one.source.name for one in found}
    found += [one for one in in_tree.images if one.source.name not in named]
    known_account, known_region = _caller(app, opener)
    text = render_config(
        Found(
            tuple(found),
            account or known_account,
            region or known_region,
            local=app.settings.local or opener.opened is not None,
            branches=in_tree.branches,
        )
    )
    config = folder / (app.settings.config or "longshore.yaml")
    todo = {config: text}
    if scripts:
        todo |= {folder / "scripts" / name: _script(name) for name in SCRIPTS}
    if dry_run:
        if app.output.machine:
            names = [str(path) for path in todo]
            whole = {"schema": "longshore.init/1", "dry_run": True, "files": names, "text": text}
            app.output.result(whole)
        else:
            app.output.text(text)
        return
    if scripts and config.exists() and not force:
        del todo[config]
    refuse_existing(todo, force)
    app.output.confirm(
        tr("write {files}?", files=", ".join(str(path) for path in todo)),
        text.splitlines() if config in todo else [],
    )
    for path, content in todo.items():
        write_file(path, content, executable=path.suffix == ".sh")
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
