"""`assess --done`: whether the move is over, and what is to be revoked then. I/O.

Trees are read as `assess` reads them; Docker Hub is asked about the team's own repositories, which
costs no pull. What is decided from that stands in `rewrite.done`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from longshore.cli import wiring
from longshore.cli.assess_done_view import done_lines
from longshore.cli.frame import App
from longshore.cli.stores import Opener
from longshore.cli.targeting import choose_target, is_loopback_url
from longshore.cli.trees import Scanned
from longshore.errors import FindingsError, LongshoreError
from longshore.oci.reference import DOCKER_HUB, parse_reference
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config
    from longshore.remote.registry import Registry
    from longshore.rewrite.done import Ending, Quiet
    from longshore.rewrite.hub_credentials import Credential
    from longshore.rewrite.source import SourceFile

_THREADS = 4


@dataclass(frozen=True)
class DoneOptions:
    """`own`: repositories of the team that neither file nor tree names."""

    quiet_days: int = 7
    offline: bool = False
    own: tuple[str, ...] = ()
    allow_open: bool = False


def show_done(app: App, scanned: Sequence[Scanned], options: DoneOptions) -> None:
    """The answer, then exit 0 (over), 3 (not over) or 1 (could not be checked)."""
    ending = _judged(app, scanned, options)
    app.output.result(ending.as_json(), done_lines(ending), next=_next(ending, options))
    error = _error(ending)
    if error is None:
        return
    if not app.output.machine:
        app.output.error(error)
    click.get_current_context().exit(error.exit_code)


def _judged(app: App, scanned: Sequence[Scanned], options: DoneOptions) -> Ending:
    from longshore.rewrite.done import Ending, remains_of
    from longshore.rewrite.hub_credentials import merge_credentials

    configs = _configs(app, scanned)
    own, others = _own(configs, scanned, options.own)
    unasked = _why_unasked(options, configs, own)
    asked = () if unasked or not own else tuple(_ask_all(app, configs, own, options.quiet_days))
    return Ending(
        tuple(remains_of(one.name, one.result.uses, one.result.skipped) for one in scanned),
        tuple(quiet for quiet, _ in asked),
        tuple(merge_credentials(_credentials(app, scanned))),
        options.quiet_days,
        unasked,
        others,
        options.allow_open,
        tuple(_logins(configs)),
        any(embedded for _, embedded in asked),
    )


def _configs(app: App, scanned: Sequence[Scanned]) -> list[Config]:
    """The file of the command line, and the trees' own."""
    from longshore.provision.config import parse_config

    first = wiring.find_config(app.settings, app.environ)
    found = {} if first is None else {Path(first.filename).resolve(): first}
    for one in scanned:
        path = Path(one.name) / "longshore.yaml"
        if app.settings.config is None and path.is_file() and path.resolve() not in found:
            text = path.read_text("utf-8")
            found[path.resolve()] = parse_config(text, str(path), app.environ)
    return list(found.values())


def _own(
    configs: Iterable[Config], scanned: Iterable[Scanned], named: Iterable[str]
) -> tuple[list[str], tuple[str, ...]]:
    """The team's repositories at the Hub, and those that the rules copy from others."""
    own = {parse_reference(name).repository: None for name in named}
    others: dict[str, None] = {}
    for config in configs:
        for rule in config.images:
            if not rule.source.is_hub:
                continue
            name = rule.source.repository
            mirrored = rule.target == f"{config.rewrite.prefix}/{name}" or rule.mode == "cache"
            foreign = mirrored or name.startswith("library/")
            (others if foreign else own)[name] = None
    for one in scanned:
        for use in one.result.uses:
            if use.status == "hub" and use.image and use.mention.role == "push":
                own[use.image.partition("/")[2]] = None
    return sorted(own), tuple(f"{DOCKER_HUB}/{name}" for name in sorted(set(others) - set(own)))


def _why_unasked(options: DoneOptions, configs: Sequence[Config], own: Sequence[str]) -> str:
    if options.offline:
        return tr("Docker Hub was not asked (--offline)")
    if not own and not any(one.images for one in configs):
        return tr("no repository of yours at Docker Hub is known: name them with --own")
    return ""


def _ask_all(
    app: App, configs: Sequence[Config], own: Sequence[str], days: int
) -> Iterator[tuple[Quiet, bool]]:
    """What the Hub says of each repository, and whether the embedded one said it."""
    config = configs[0] if configs else None
    settings = replace(app.settings, config=config.filename) if config else app.settings
    choice = choose_target(settings, config, app.environ)
    # Where the images go to the embedded ECR, they come from the embedded Hub.
    opened = wiring.open_target(settings, app.environ) if choice.way == "embedded" else None
    opener = Opener(settings, app.environ, _THREADS, opened, config, app.output.show)
    hub = opener.registry(DOCKER_HUB, "source")
    with ThreadPoolExecutor(_THREADS) as pool:
        yield from pool.map(lambda name: _ask(hub, name, days), own)


def _ask(hub: Registry, name: str, days: int) -> tuple[Quiet, bool]:
    from longshore.remote.hub import Hub
    from longshore.remote.hub_usage import read_usage
    from longshore.rewrite.done import judge_usage, not_asked

    if not isinstance(hub, Hub):
        return not_asked(name, tr("what stands in for Docker Hub has no web API")), False
    embedded = is_loopback_url(hub.api.url)
    try:
        return judge_usage(read_usage(hub, name), days), embedded
    except LongshoreError as error:
        return not_asked(name, error.what), embedded


def _credentials(app: App, scanned: Iterable[Scanned]) -> Iterator[Credential]:
    """Those that the trees name, and those that they named before `rewrite --write`."""
    from longshore.rewrite.hub_credentials import hub_credentials, past_credentials

    for one in scanned:
        yield from hub_credentials(one.tree)
        yield from past_credentials(_originals(app, Path(one.name)))


def _originals(app: App, folder: Path) -> Iterator[SourceFile]:
    from longshore.cli.rewrite_plan import state_folder
    from longshore.rewrite.originals import Originals
    from longshore.rewrite.source import read_source

    kept = Originals(state_folder(app, folder))
    for record in kept.records():
        data = kept.original(record)
        file = read_source(record.path, data) if data is not None else None
        if file is not None:
            yield file


def _logins(configs: Iterable[Config]) -> Iterator[str]:
    """Where longshore and people here have a login for the Hub."""
    for config in configs:
        found = config.sources.get(DOCKER_HUB)
        where = found.credentials if found is not None else None
        if where is not None and where.kind == "env":
            yield tr("{file}: sources.docker.io reads {name}", file=config.filename,
                     name=where.password_env)  # fmt: skip
        elif where is not None and where.kind == "file":
            yield tr("{file}: sources.docker.io reads {name}", file=config.filename,
                     name=where.password_file)  # fmt: skip
        elif where is not None and where.kind == "helper":
            yield tr("{file}: sources.docker.io asks docker-credential-{name}",
                     file=config.filename, name=where.helper)  # fmt: skip
    yield tr("`docker logout` on every machine and server that was logged in")


def _next(ending: Ending, options: DoneOptions) -> str:
    if ending.verdict == "done":
        return ""
    if ending.left:
        return "longshore rewrite"
    trees = [one.tree for one in ending.trees if one.tree != "."]
    own = [word for name in options.own for word in ("--own", name)]
    return " ".join(["longshore assess", *trees, "--done", *own])


def _error(ending: Ending) -> LongshoreError | None:
    if ending.verdict == "done":
        return None
    if ending.verdict == "not-done":
        return FindingsError(
            tr(
                "the move is not over: {left} places still need Docker Hub, {active} of your "
                "repositories there were used in the last {days} days",
                left=len(ending.left),
                active=len(ending.active),
                days=ending.quiet_days,
            ),
            tr("keep the token and the secrets until this says otherwise"),
            code="move-not-over",
        )
    return LongshoreError(
        tr("whether the move is over could not be checked: {why}", why=ending.doubts[0]),
        tr("answer that and run the command again; until then revoke nothing"),
        code="move-not-proved",
    )
