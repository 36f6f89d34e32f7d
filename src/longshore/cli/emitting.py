"""What `ci emit` reads of a tree and writes into it. I/O.

Only files at fixed places are looked at, and nothing in them is run. A present file is replaced
only with --force; no part of a path that is written may be a link.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from longshore.cli.commands import entries
from longshore.cli.files import refuse_existing, write_file
from longshore.errors import RefusedError, UsageError, Where
from longshore.provision.settings import CiSettings, Config
from longshore.provision.tag_rules import tag_rules
from longshore.rewrite.generate.actions_pins import Pins, parse_pins
from longshore.rewrite.generate.dockerfile import base_image, render_dockerfile
from longshore.rewrite.generate.emitted import Emitted
from longshore.rewrite.generate.ignore_file import render_ignore
from longshore.rewrite.generate.kept_jobs import Kept, keep_jobs, pushes_an_image
from longshore.rewrite.generate.operations import PATH as OPERATIONS
from longshore.rewrite.generate.operations import render_operations
from longshore.rewrite.generate.options import BaseImage, PipelineOptions
from longshore.rewrite.generate.project import READ, Project, detect_project
from longshore.rewrite.generate.quality_jobs import render_tests
from longshore.rewrite.generate.workflow import PATH, render_workflow
from longshore.rewrite.source import SourceFile, read_source
from longshore.text import tr

WHAT = ("workflow", "operations", "dockerfile", "all")
_WORKFLOWS = Path(".github/workflows")
_LARGEST = 2 * 1024 * 1024
_HUB = "docker.io/"


class EmitTree:
    """A tree, as far as the writers of files need it."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(
                tr("{tree} is not a folder", tree=folder),
                tr("name the tree's folder"),
                code="not-a-folder",
            )
        self.folder = folder
        self.files = {name: text for name in READ if (text := self.read(name)) is not None}
        self.project: Project | None = detect_project(self.files)

    def read(self, path: str) -> str | None:
        """A file's text; None when there is none, or it is no text of usual size."""
        file = self.folder / path
        try:
            if file.is_symlink() or not file.is_file() or file.stat().st_size > _LARGEST:
                return None
            return file.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def workflows(self) -> list[SourceFile]:
        """The workflows of the tree, by name."""
        folder = self.folder / _WORKFLOWS
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        found = []
        for name in names:
            path = f"{_WORKFLOWS.as_posix()}/{name}"
            text = self.read(path) if name.endswith((".yml", ".yaml")) else None
            source = read_source(path, text.encode()) if text is not None else None
            found += [source] if source else []
        return found

    def building_workflow(self, named: str | None) -> SourceFile | None:
        """The workflow to start from: the named one, or the only one that builds an image."""
        if named is not None:
            text = self.read(named)
            source = read_source(named, text.encode()) if text is not None else None
            if source is None:
                raise UsageError(
                    tr("there is no workflow {file} in the tree", file=named),
                    tr("name it by its path in the tree"),
                    code="no-workflow",
                )
            return source
        others = [one for one in self.workflows() if one.path != OPERATIONS]
        building = [one for one in others if pushes_an_image(one)]
        return building[0] if len(building) == 1 else None


def read_pins() -> Pins:
    """The list of actions that comes with longshore."""
    return parse_pins((files("longshore") / "data" / "actions.json").read_text("utf-8"))


def pipeline_options(
    config: Config | None, tree: EmitTree, *, plain: bool, auth: str | None
) -> PipelineOptions:
    """What the file, the tree and this version of longshore say together."""
    if config is None:
        options = PipelineOptions(read_pins(), plain=plain)
    else:
        ci = config.ci
        options = PipelineOptions(
            read_pins(),
            branches=ci.branches,
            auth=ci.auth,
            role=ci.role,
            names=dict(ci.secrets),
            plain=plain,
            install=None if plain else ci.install,
            rules=tag_rules(config),
            gate={name.lower(): number for name, number in config.scan.most},
            mirrors={one.source.name: one.target for one in config.images},
            environments=tuple(config.deploy),
        )
    return replace(
        options,
        auth="keys" if auth == "keys" else "oidc" if auth == "oidc" else options.auth,
        features=frozenset(entry.name for entry in entries()),
        base=_base(tree.project, options),
    )


def _base(project: Project | None, options: PipelineOptions) -> BaseImage | None:
    if project is None:
        return None
    name, tag = base_image(project)
    return BaseImage(name, tag, options.mirrors.get(f"{_HUB}library/{name}", ""))


def as_present(
    options: PipelineOptions, kept: Kept | None, config: Config | None
) -> PipelineOptions:
    """The options with the present workflow's platforms; its branches where no file names any."""
    if kept is None:
        return options
    written = config is not None and config.ci.branches != CiSettings().branches
    branches = options.branches if written or not kept.branches else kept.branches
    return replace(options, branches=branches, wanted_platforms=kept.platforms)


def emit(
    tree: EmitTree, options: PipelineOptions, what: str, named: str | None, config: Config | None
) -> list[Emitted]:
    """The files that were asked for. Raises UsageError for a tree that has no Dockerfile here."""
    made: list[Emitted] = []
    present = tree.building_workflow(named)
    kept = keep_jobs(present) if present else None
    options = as_present(options, kept, config)
    if what in ("workflow", "all"):
        path = present.path if present and kept else PATH
        tests = render_tests(options, tree.project)
        made.append(render_workflow(options, kept or Kept(), path, tests))
    if what in ("operations", "all"):
        made.append(render_operations(options))
    if what == "dockerfile" and tree.project is None:
        raise UsageError(
            tr("{tree} is neither a Node nor a Python project", tree=tree.folder),
            tr("there is no package.json, requirements.txt or pyproject.toml at its top"),
            code="unknown-project",
        )
    if what in ("dockerfile", "all") and tree.project is not None:
        made.append(render_dockerfile(tree.project))
        made.append(render_ignore(tree.project, tree.files.get(".dockerignore")))
    return made


def differences(tree: EmitTree, made: Iterable[Emitted]) -> list[str]:
    """All files as one unified diff against the tree."""
    lines: list[str] = []
    for one in made:
        present = tree.read(one.path)
        before = (present or "").splitlines(keepends=True)
        names = (f"a/{one.path}" if present is not None else "/dev/null", f"b/{one.path}")
        for line in difflib.unified_diff(before, one.text.splitlines(keepends=True), *names):
            lines += line.rstrip("\n").split("\n")
            if line[:1] in "+- " and not line.endswith("\n"):
                lines.append("\\ No newline at end of file")
    return lines


def changed(tree: EmitTree, made: Sequence[Emitted]) -> list[Emitted]:
    """The files that are not in the tree in just these words."""
    return [one for one in made if tree.read(one.path) != one.text]


def refuse(tree: EmitTree, made: Sequence[Emitted], *, force: bool) -> None:
    """Raise RefusedError when one of the files may not be written."""
    for one in made:
        _refuse_links(tree.folder, one.path)
    refuse_existing([tree.folder / one.path for one in made], force)


def write(tree: EmitTree, made: Sequence[Emitted], *, force: bool) -> list[str]:
    """Write the files and give their paths back. Raises RefusedError before the first one."""
    refuse(tree, made, force=force)
    for one in made:
        write_file(tree.folder / one.path, one.text)
    return [one.path for one in made]


def _refuse_links(folder: Path, path: str) -> None:
    place = folder
    for part in path.split("/"):
        place = place / part
        if place.is_symlink():
            raise RefusedError(
                tr("{file} is a symbolic link; nothing is written through it", file=place),
                tr("remove the link, or name another folder"),
                code="symlink",
                where=Where(file=str(place)),
            )
