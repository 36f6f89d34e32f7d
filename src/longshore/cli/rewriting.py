"""`rewrite`: the tree's references as a patch; `--write` edits, `--revert` takes it back. I/O."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longshore.cli import wiring
from longshore.cli.files import refuse_existing, write_file
from longshore.cli.frame import App, command
from longshore.cli.rewrite_digests import Pins
from longshore.cli.rewrite_plan import (
    Look,
    Rewrite,
    check_target,
    destination_of,
    missing_rules,
    plan_tree,
    refuse_missing,
    state_folder,
    with_digests,
)
from longshore.cli.stores import Opener
from longshore.cli.targeting import choose_target
from longshore.cli.trees import scan_tree
from longshore.cli.typeset import clean, one_line, table
from longshore.errors import FindingsError, LongshoreError, UsageError
from longshore.provision.settings import Config
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.rewrite.edits import ChangedFile
    from longshore.rewrite.lint import Linted
    from longshore.rewrite.readers import Readers

_MOST_READERS = 12
_BRANCH = "longshore/ecr"


@command(
    "rewrite",
    help=tr(
        "Shows what each Docker Hub reference of a tree becomes, as a patch. --write edits the "
        "files, --revert restores them exactly. Nothing else of a file changes."
    ),
    examples=[
        "longshore rewrite",
        "longshore rewrite --patch ecr.patch",
        "longshore rewrite --update-config",
        "longshore rewrite --write --commit",
        "longshore rewrite --revert",
    ],
)
@click.argument("tree", default=".")
@click.option("--write", is_flag=True, help=tr("edit the files"))
@click.option("--revert", is_flag=True, help=tr("take back what --write has done"))
@click.option("--update-config", is_flag=True, help=tr("add the images it needs to the file"))
@click.option("--patch", "patch_file", metavar="FILE", help=tr("write the patch to a file"))
@click.option("--commit", is_flag=True, help=tr("with --write: commit on a branch of its own"))
@click.option("--branch", metavar="NAME", default=_BRANCH, help=tr("the branch of --commit"))
@click.option("--allow-dirty", is_flag=True, help=tr("edit files with changes not committed too"))
@click.option("--unchecked", is_flag=True, help=tr("do not ask whether the target has the images"))
@click.option(
    "--pin/--no-pin", default=None, help=tr("write digests beside the tags, as the target has them")
)
@click.option(
    "--lint/--no-lint", default=True, help=tr("ask the linters that are installed (the usual)")
)
@click.option("--dry-run", is_flag=True, help=tr("only show (as without --write)"))
def rewrite(
    app: App,
    tree: str,
    write: bool,
    revert: bool,
    update_config: bool,
    patch_file: str | None,
    commit: bool,
    branch: str,
    allow_dirty: bool,
    unchecked: bool,
    pin: bool | None,
    lint: bool,
    dry_run: bool,
) -> None:
    folder = _folder(tree)
    if revert:
        _revert(app, folder)
        return
    if commit and not write:
        raise UsageError(tr("--commit needs --write"), tr("add --write"), code="usage")
    _use_file_of(app, folder)
    config = wiring.need_config(app.settings, app.environ)
    look = look_with(app, folder) if lint else None
    made = make_rewrite(app, folder, config, look)
    if update_config:
        _update_config(app, config, made)
        return
    target = _Target(app, config, unchecked, write and not dry_run, look)
    if config.rewrite.pin_digests if pin is None else pin:
        made = target.pinned(made)
    if patch_file is not None:
        refuse_existing([Path(patch_file)], force=not Path(patch_file).is_symlink())
        write_file(Path(patch_file), patch_of(made).decode("utf-8", "surrogateescape"))
    if not write or dry_run:
        _show(app, made, config, patch_file)
        return
    target.refuse_missing(made)
    _write(app, folder, made, commit, branch, allow_dirty)


@dataclass
class _Target:
    """The target, asked only when it has to be. `needed`: files are about to be written."""

    app: App
    config: Config
    unchecked: bool
    needed: bool
    look: Look | None
    _opener: tuple[Opener, str] | None = None

    def opener(self) -> tuple[Opener, str]:
        """What opens its repositories, and its registry."""
        if self._opener is None:
            app = self.app
            opened = wiring.open_target(app.settings, app.environ)
            opener = Opener(app.settings, app.environ, 8, opened, self.config, app.output.show)
            self._opener = opener, opened.endpoint.registry
        return self._opener

    def pinned(self, made: Rewrite) -> Rewrite:
        """The rewrite with digests; a mere look goes on without the target, and says so."""
        if self.unchecked:
            why = tr("they are asked only at the target, and --unchecked asks nothing there")
            return replace(made, pins=Pins(True, why_not=why))
        try:
            return with_digests(made, self.config, *self.opener(), self.look)
        except LongshoreError as error:
            if self.needed:
                raise
            why = tr("they are asked only at the target: {why}", why=error.what)
            return replace(made, pins=Pins(True, why_not=why))

    def refuse_missing(self, made: Rewrite) -> None:
        """Raise RefusedError when the target lacks an image that would be named."""
        if made.plan.needed and not self.unchecked:
            opener, registry = self.opener()
            refuse_missing(check_target(opener, made.plan, registry))


def look_with(app: App, folder: Path) -> Look:
    """The linters that are installed, for the files of a tree."""

    def look(changes: Sequence[ChangedFile]) -> Linted:
        from longshore.rewrite.lint import lint

        return lint(changes, folder, app.environ)

    return look


def make_rewrite(app: App, folder: Path, config: Config, look: Look | None = None) -> Rewrite:
    """Scan the tree, decide and prove; writes nothing."""
    from longshore.rewrite.walk import TreeOptions

    scanned = scan_tree(app, folder, TreeOptions())
    uses = scanned.result.uses
    made = plan_tree(scanned, config, destination_of(app, config, uses), look=look)
    embedded = choose_target(app.settings, config, app.environ).way != "aws"
    return replace(made, embedded=embedded)


def _folder(tree: str) -> Path:
    folder = Path(tree)
    if not folder.is_dir():
        raise UsageError(
            tr("{tree} is not a folder", tree=tree),
            tr("name the folder of the tree"),
            code="not-a-folder",
        )
    return folder


def _use_file_of(app: App, folder: Path) -> None:
    """A tree's own longshore.yaml, unless another file is named."""
    own = folder / "longshore.yaml"
    if app.settings.config is None and folder != Path(".") and own.exists():
        app.settings = replace(app.settings, config=str(own))


# -- showing ------------------------------------------------------------------------------------


def _show(app: App, made: Rewrite, config: Config, patch_file: str | None) -> None:
    document = {"schema": "longshore.rewrite/1", **made.as_json(), "written": []}
    lines = mapping_lines(made)
    if not app.output.machine and not patch_file and made.changes:
        _print_patch(app, patch_of(made))
        lines = ["", *lines]
    new = missing_rules(config, made.plan)
    step = "longshore rewrite --update-config" if new else "longshore rewrite --write"
    app.output.result(document, lines, next=step if made.changes else "longshore assess")


def patch_of(made: Rewrite) -> bytes:
    """The changes as a unified diff."""
    from longshore.rewrite.patch import render_patch

    return render_patch(made.changes)


def _print_patch(app: App, patch: bytes) -> None:
    """The patch: its very bytes into a pipe or file, without control characters on a terminal."""
    raw = getattr(sys.stdout, "buffer", None)
    if raw is not None and not sys.stdout.isatty():
        sys.stdout.flush()
        raw.write(patch)
        raw.flush()
        return
    encoding = sys.stdout.encoding or "utf-8"
    text = patch.decode("utf-8", "replace").encode(encoding, "replace").decode(encoding)
    app.output.text(clean(text))


def mapping_lines(made: Rewrite) -> list[str]:
    """The mapping, what stays and why, and how many pulls are left."""
    changed = [one for one in made.plan.decisions if one.changes]
    lines: list[str] = []
    if changed:
        found = {(one.use.image or "", one.mode, one.name): 0 for one in changed}
        for one in changed:
            found[one.use.image or "", one.mode, one.name] += 1
        host = made.destination.host
        rows = [
            (image, mode, new.removeprefix(f"{host}/"), count)
            for (image, mode, new), count in sorted(found.items())
        ]
        mark = "  EMBEDDED" if made.embedded else ""
        lines += [tr("registry: {host}", host=host) + mark]
        lines += table([tr("IMAGE"), tr("HOW"), tr("BECOMES"), tr("PLACES")], rows, right=[3])
    if made.plan.step_changes:
        lines += ["", tr("Around the references:")]
        lines += [
            f"  {one_line(one.file)}:{one.line}  {one_line(one.what)}"
            for one in made.plan.step_changes
        ]
    lines += made.pins.lines
    lines += _reader_lines(made.readers)
    if made.plan.left:
        lines += ["", tr("Stays at Docker Hub:")]
        lines += [
            f"  {one_line(one.use.file)}:{one.use.line}:{one.use.column}  "
            f"{one_line(one.use.mention.text)}  ({one.reason})"
            for one in made.plan.left
        ]
    lines += [
        f"  {one_line(one.file)}:{one.line}  {tr('not written: {why}', why=one_line(one.reason))}"
        for one in made.failed
    ]
    lines += [
        "",
        *_linter_lines(made),
        tr(
            "places that change: {count} (files: {files}); that stay at Docker Hub: {left}",
            count=len(changed),
            files=len(made.changes),
            left=len(made.plan.left),
        ),
    ]
    return lines


def _reader_lines(readers: Readers) -> list[str]:
    """Who else names what changes."""
    lines = [
        f"  {tr('also names it: {place}', place=f'{one.file}:{one.line}')}  {one_line(one.text)}"
        for one in readers.found[:_MOST_READERS]
    ]
    more = len(readers.found) + readers.more - len(lines)
    if more:
        lines.append(tr("  and {count} more lines (--json has them)", count=more))
    if readers.docs:
        lines.append(tr("  documents that name it: {count}", count=len(readers.docs)))
    return ["", tr("Look at these too, no image is named there:"), *lines] if lines else []


def _linter_lines(made: Rewrite) -> list[str]:
    """Which linters saw the edited files."""
    if not made.linters:
        return []
    words = {"timeout": tr("ended by time"), "failed": tr("gave no answer")}
    said = [
        one.name if one.outcome == "ran" else f"{one.name} ({words[one.outcome]})"
        for one in made.linters
    ]
    return [tr("linters that saw the edited files: {names}", names=", ".join(said))]


# -- the config ---------------------------------------------------------------------------------


def _update_config(app: App, config: Config, made: Rewrite) -> None:
    """Add a rule for every image that no rule copies yet."""
    from longshore.provision.additions import NewRule, add_rules
    from longshore.provision.config import parse_config

    known = {rule.source.name for rule in config.images}
    new = missing_rules(config, made.plan)
    rules = [
        NewRule(one.image, one.target.partition("/")[2], one.tags, open=one.all_tags)
        for one in new
        if one.image not in known
    ]
    narrow = [one for one in new if one.image in known]
    text = add_rules(config.text, rules, config.filename)
    parse_config(text, config.filename, app.environ)
    lines = [f"+ {rule.source} -> {rule.target}  {', '.join(rule.tags)}".rstrip() for rule in rules]
    lines += [
        tr(
            "! the rule for {image} leaves out {tags}: change its tags in {file}",
            image=one.image,
            tags=", ".join(one.tags),
            file=config.filename,
        )
        for one in narrow
    ]
    if rules:
        app.output.confirm(
            tr("add {count} image rules to {file}?", count=len(rules), file=config.filename), lines
        )
        write_file(Path(config.filename), text)
    else:
        lines.append(tr("{file} has a rule for every image already", file=config.filename))
    document = {
        "schema": "longshore.rewrite.config/1",
        "file": config.filename,
        "added": [{"from": one.source, "to": one.target, "tags": list(one.tags)} for one in rules],
        "narrow": [{"from": one.image, "tags": list(one.tags)} for one in narrow],
    }
    app.output.result(document, lines, next="longshore plan")


# -- writing ------------------------------------------------------------------------------------


def _write(
    app: App,
    folder: Path,
    made: Rewrite,
    commit: bool,
    branch: str,
    allow_dirty: bool,
) -> None:
    if made.changes:
        question = tr("change {count} files in {tree}?", count=len(made.changes), tree=folder)
        app.output.confirm(question, mapping_lines(made))
    written = write_rewrite(app, folder, made, allow_dirty)
    document: dict[str, Any] = {"schema": "longshore.rewrite/1", **made.as_json()}
    document["written"] = written
    lines = mapping_lines(made)
    if commit and written:
        document["commit"] = _commit(app, folder, branch, written)
        lines.append(tr("committed on {branch}: {id}", branch=branch, id=document["commit"][:12]))
    app.output.result(document, lines, next="longshore assess" if written else "")
    if made.failed:
        if app.output.machine:
            click.get_current_context().exit(FindingsError.exit_code)
        raise FindingsError(
            tr("{count} files were not written: see above", count=len(made.failed)),
            tr("change them by hand, or report the file"),
            code="edit-not-proved",
        )


def write_rewrite(app: App, folder: Path, made: Rewrite, allow_dirty: bool = False) -> list[str]:
    """Write the proved changes; originals are kept outside the tree."""
    from longshore.rewrite.run import write_edits

    state = state_folder(app, folder)
    written = write_edits(folder, made.changes, state, app.environ, allow_dirty=allow_dirty)
    return [one.path for one in written]


def _commit(app: App, folder: Path, branch: str, paths: Sequence[str]) -> str:
    from longshore.rewrite.git import Git

    message = tr("Pull images from Amazon ECR instead of Docker Hub")
    return Git(folder.resolve(), app.environ).commit(branch, message, paths)


def _revert(app: App, folder: Path) -> None:
    from longshore.rewrite.run import revert, written_files

    state = state_folder(app, folder)
    todo = written_files(state)
    if todo:
        question = tr("restore {count} files in {tree}?", count=len(todo), tree=folder)
        app.output.confirm(question, todo)
    done = revert(folder, state)
    lines = [f"{one_line(one.path)}  {one.outcome}  {one.detail}".rstrip() for one in done]
    document = {
        "schema": "longshore.rewrite.revert/1",
        "reverted": [one.as_json() for one in done],
    }
    app.output.result(document, lines or [tr("nothing was written here")])
    if any(not one.done for one in done):
        if app.output.machine:
            click.get_current_context().exit(FindingsError.exit_code)
        raise FindingsError(
            tr("some files have changed since, and stay as they are"),
            tr("their originals are below {folder}", folder=state),
            code="not-reverted",
        )
