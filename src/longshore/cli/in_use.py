"""Asks the places that the config's `protect` names for images in use. I/O.

    uses = gather_uses(app, target, config, run_commands=False)
    found = find_held(uses, "shop", images, now)      # digest -> who uses it
    uses.unread                                          # counts as in use

The repository's own tags (live-*, rollback-*, the newest backups, `protect.tags`) always count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.facts import ImageSeen, Unread, UsesSeen
from longshore.policy.in_use import Found, Releases, find_in_use, releases_by_tags, uses_by_tags
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config, Protection
    from longshore.remote.workloads import Watched
    from longshore.rewrite.scan import ScanResult

COLLECTORS = ("compose", "kubernetes", "ecs", "lambda", "command")
IMAGES = "images"  # the word for a repository's own listing, where a collector's name is asked for
_NOTHING = UsesSeen()
_COMPOSE = ("compose-image",)
_KUBERNETES = (
    *("k8s-image", "kustomize-images", "kustomize-replaced", "helm-values"),
    *("helm-template", "helm-chart-images"),
)


@dataclass(frozen=True)
class Uses:
    """All uses that were found, what could not be read, and what was looked at or not, in words."""

    seen: UsesSeen = _NOTHING
    looked: tuple[str, ...] = ()
    not_looked: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What could not be read; it counts as in use."""
        return self.seen.unread

    def unread_of(self, repository: str) -> tuple[Unread, ...]:
        """What could not be read and may be about the repository."""
        return tuple(one for one in self.unread if one.repository in ("", repository))


def gather_uses(
    app: App, target: wiring.OpenTarget, config: Config | None, *, run_commands: bool
) -> Uses:
    """Ask every collector that the config names. Nothing here fails: what does is unread.

    Programs that the config names are run with `run_commands` only.
    """
    if config is None:
        return Uses()
    from longshore.remote.workloads import watch

    gathering = _Gathering(app, target, config, watch(target.endpoint), run_commands)
    protect = config.protect
    parts = [part for name in COLLECTORS if name in protect.in_use for part in gathering.ask(name)]
    seen = UsesSeen()
    for part in parts:
        seen += part.seen
    return Uses(
        UsesSeen(tuple(dict.fromkeys(seen.uses)), tuple(dict.fromkeys(seen.unread))),
        tuple(word for part in parts for word in part.looked),
        tuple(word for part in parts for word in part.not_looked),
        protect.tags,
    )


def find_held(
    uses: Uses,
    repository: str,
    images: Sequence[ImageSeen],
    at: datetime,
    releases: Releases | None = None,
) -> Found:
    """What is in use of a repository whose images were read. `releases` default to its own tags."""
    own = releases(repository) if releases else releases_by_tags(repository, images, at)
    named = uses_by_tags(repository, images, uses.patterns)
    return find_in_use(repository, (*uses.seen.uses, *own, *named), images)


@dataclass
class _Gathering:
    """One look around. The tree is scanned once, for both collectors that want it."""

    app: App
    target: wiring.OpenTarget
    config: Config
    watched: Watched
    run_commands: bool
    _scanned: ScanResult | None = None

    @property
    def _protect(self) -> Protection:
        return self.config.protect

    @property
    def _folder(self) -> Path:
        return Path(self.config.filename).parent

    def ask(self, name: str) -> Iterator[Uses]:
        """What one collector gives, in parts."""
        asked: dict[str, Callable[[], Iterator[Uses]]] = {
            "compose": self._compose,
            "kubernetes": self._kubernetes,
            "ecs": self._ecs,
            "lambda": self._lambda,
            "command": self._command,
        }
        yield from asked[name]()

    def _compose(self) -> Iterator[Uses]:
        yield self._of_tree(
            "compose", _COMPOSE, tr("compose files of {folder}", folder=self._folder)
        )

    def _kubernetes(self) -> Iterator[Uses]:
        words = tr("Kubernetes manifests of {folder}", folder=self._folder)
        yield self._of_tree("kubernetes", _KUBERNETES, words)
        places = self._protect.kubernetes
        if not places.contexts:
            yield Uses(not_looked=(tr("no cluster: protect.kubernetes.contexts names none"),))
            return
        if places.kubeconfig and not self.run_commands:
            why = tr("kubectl with {file}: only apply runs it", file=places.kubeconfig)
            yield Uses(not_looked=(why,))
            return
        from longshore.remote.kubernetes import ClusterLook, read_cluster

        for context in places.contexts:
            file = places.kubeconfig or ""
            look = ClusterLook(context, file, self.app.environ, str(self._folder))
            words = tr("Kubernetes cluster {context}", context=context)
            yield Uses(read_cluster(look, self.watched), (words,))

    def _ecs(self) -> Iterator[Uses]:
        from longshore.remote.ecs import EcsLook, read_ecs

        places = self._protect.ecs
        look = EcsLook(places.clusters, places.revisions)
        seen = read_ecs(self.target.session, self.watched, look)
        yield Uses(seen, (tr("ECS in {region}", region=self.target.endpoint.region),))

    def _lambda(self) -> Iterator[Uses]:
        from longshore.remote.functions import read_functions

        seen = read_functions(self.target.session, self.watched)
        if self.target.endpoint.embedded and seen == _NOTHING:
            yield Uses(not_looked=(tr("Lambda: the embedded servers do not have it"),))
            return
        yield Uses(seen, (tr("Lambda in {region}", region=self.target.endpoint.region),))

    def _command(self) -> Iterator[Uses]:
        argv = self._protect.command
        if not argv:
            yield Uses(not_looked=(tr("no command: protect.command names none"),))
        elif not self.run_commands:
            yield Uses(not_looked=(tr("the command {name}: only apply runs it", name=argv[0]),))
        else:
            from longshore.remote.programs import read_printed_images

            folder = str(self._folder)
            seen = read_printed_images(argv, self.app.environ, folder, self.watched)
            yield Uses(seen, (tr("the command {name}", name=argv[0]),))

    def _of_tree(self, by: str, kinds: Sequence[str], words: str) -> Uses:
        from longshore.cli.in_use_tree import uses_of_tree
        from longshore.cli.trees import scan_tree
        from longshore.remote.workloads import attempt
        from longshore.rewrite.walk import TreeOptions

        def read() -> UsesSeen:
            if self._scanned is None:
                self._scanned = scan_tree(self.app, self._folder, TreeOptions()).result
            return uses_of_tree(self._scanned, by, kinds, self.watched)

        return Uses(attempt(by, str(self._folder), read), (words,))
