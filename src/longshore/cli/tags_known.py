"""What `tags compute` finds out beyond the event: in git, at the registry, in the config. I/O.

Versions are looked for in git where its history is whole, else at the registry where it can be
reached; else they are not known, and `latest` stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.cli.frame import App
from longshore.cli.git_objects import commits_like
from longshore.cli.tags_answer import There
from longshore.cli.tags_there import Shelf, has_credentials, open_shelf
from longshore.cli.tree_tags import TreeTags, read_tree_tags
from longshore.errors import LongshoreError, RefusedError, Where
from longshore.facts import ImageSeen
from longshore.policy.build_tags import Build, BuildTags, Remark, TagRules, compute
from longshore.policy.builds import LATEST
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.matching import matches_tag
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.settings import Config, Mutability

_MOST_TRIES = 34


@dataclass(frozen=True)
class Versions:
    """The versions that are known, and where they were looked for."""

    names: tuple[str, ...] | None
    source: str
    why: str = ""


def told_versions(told: Sequence[str]) -> Versions:
    """Those that were typed, by commas or lines."""
    names = [name.strip() for text in told for name in text.replace("\n", ",").split(",")]
    return Versions(tuple(name for name in names if name), "told")


def find_versions(tree: TreeTags, shelf: Shelf | None) -> Versions:
    """Git's tags where its history is whole, else the registry's, else none that are known."""
    if tree.state == "whole" and (tree.names or shelf is None):
        return Versions(tree.names, "git")
    if shelf is None:
        return Versions(None, "nowhere", tr("{why}; no registry was asked", why=tree.why))
    try:
        names = shelf.names()
    except LongshoreError as error:
        if error.code == "repository-not-found":
            raise
        if tree.state == "whole":
            return Versions(tree.names, "git")
        why = tr("{why}; the registry's tags cannot be listed: {error}", why=tree.why,
                 error=error.what)  # fmt: skip
        return Versions(None, "nowhere", why)
    return Versions(names, "registry")


def in_tree(build: Build, rules: TagRules) -> tuple[Build, TreeTags]:
    """The build with the branches and the like-named commits of the tree in this folder."""
    tree = read_tree_tags(Path.cwd())
    if tree.home is None:
        return build, tree
    commits = commits_like(tree.home, build.sha, rules.sha_length)
    return replace(build, commits=tuple(sorted(commits)), branches=tree.branches), tree


def find_shelf(app: App, told: str | None, config: Config | None) -> tuple[Shelf | None, str]:
    """The repository to look at, or why there is none. One that was typed has to be reachable."""
    if told is not None:
        return open_shelf(app.settings, app.environ, told), ""
    name = config.tags.repository if config else None
    if name is None:
        return None, ""
    if not has_credentials(app.settings, app.environ):
        return None, tr("{name} was not looked at: there are no credentials", name=name)
    try:
        shelf = open_shelf(app.settings, app.environ, name)
        shelf.has(LATEST)
    except LongshoreError as error:
        return None, tr("{name} was not looked at: {why}", name=name, why=error.what)
    return shelf, ""


def settle(
    build: Build, rules: TagRules, shelf: Shelf | None
) -> tuple[BuildTags, dict[str, There]]:
    """The tags, made longer where the registry has another commit's image under them.

    Raises RefusedError when a version's tag holds the image of another commit.
    """
    if shelf is None:
        return compute(build, rules), {}
    if build.attempt > 1:
        build = replace(build, latest_there=shelf.has(rules.prefix + LATEST))
    made = compute(build, rules)
    for _ in range(_MOST_TRIES):
        there = shelf.look(made.immutable)
        others = [one for one in there.values() if _is_another(one.revision, build.sha)]
        if not others:
            return made, there
        build = replace(
            build,
            commits=(*build.commits, *(one.revision for one in others)),
            taken=build.taken | {one.tag for one in others},
        )
        if (again := compute(build, rules)).tags == made.tags:
            raise _taken(others[0], shelf.name, build)
        made = again
    raise _taken(others[0], shelf.name, build)


def _is_another(revision: str, sha: str) -> bool:
    return bool(revision) and not revision.startswith(sha) and not sha.startswith(revision)


def _taken(found: There, repository: str, build: Build) -> RefusedError:
    return RefusedError(
        tr(
            "{tag} is the image of commit {other}, this build is of {sha}",
            tag=found.tag,
            other=found.revision,
            sha=build.sha,
        ),
        tr("a version is built once: tag another version, v1.2.4 after v1.2.3"),
        code="tag-of-another-commit",
        where=Where(resource=f"{repository}:{found.tag}"),
    )


def unlabelled(there: Mapping[str, There]) -> Iterator[Remark]:
    """Images under a tag of this build that do not say which commit they are of."""
    for one in there.values():
        if not one.revision:
            said = tr("{tag} is there; its image names no commit and is taken for this one",
                      tag=one.tag)  # fmt: skip
            yield Remark("commit-not-named", said)
    if len({one.digest for one in there.values()}) > 1:
        names = ", ".join(there)
        yield Remark("tags-disagree", tr("{tags} point to different images", tags=names))


def against_config(app: App, config: Config | None, made: BuildTags, told: str) -> list[Remark]:
    """What the config's own lifecycle policy and mutability say of the tags."""
    name = told or _repository(config, app.environ)
    if config is None or not name or not made.push:
        return []
    return [*_without_rule(config, name, made), *_not_movable(config, name, made)]


def _repository(config: Config | None, environ: Mapping[str, str]) -> str:
    """The repository that the build goes to: the named one, else the only one of the file."""
    if config is None:
        return ""
    named = config.tags.repository or environ.get("ECR_REPOSITORY", "")
    if named or len(config.repositories) != 1:
        return named
    return next(iter(config.repositories))


def _without_rule(config: Config, name: str, made: BuildTags) -> Iterator[Remark]:
    from longshore.cli.lifecycle_policies import of_config

    try:
        chosen = of_config(config, name)
    except LongshoreError as error:
        why = tr("the lifecycle policy of {name} was not looked at: {why}", name=name,
                 why=error.what)  # fmt: skip
        yield Remark("policy-not-looked-at", why)
        return
    if chosen is None:
        return
    at = datetime(2000, 1, 1, tzinfo=UTC)
    image = ImageSeen("sha256:0", made.at_once, pushed_at=at)
    if evaluate(chosen.policy, [image], at).verdicts[0].rule is None:
        said = tr(
            "no rule of the lifecycle policy of {name} reaches {tag}: such images stay for ever; "
            "`markers: needed` under tags gives them one that does",
            name=name, tag=made.own,
        )  # fmt: skip
        yield Remark("tag-without-rule", said)


def _not_movable(config: Config, name: str, made: BuildTags) -> Iterator[Remark]:
    settings = config.repositories.get(name)
    if settings is None or settings.mutability is None:
        return
    mutability = settings.mutability
    for tag in made.moving:
        excepted = any(matches_tag(pattern, tag) for pattern in mutability.exceptions)
        if (mutability.default == "immutable") is excepted:
            continue
        yield Remark("tag-cannot-move", _why_not_movable(tag, name, mutability))


def _why_not_movable(tag: str, name: str, mutability: Mutability) -> str:
    patterns = ", ".join(mutability.exceptions)
    if mutability.default == "mutable":
        return tr("{tag} moves, but {name} keeps {patterns} from moving", tag=tag, name=name,
                  patterns=patterns)  # fmt: skip
    return tr(
        "{tag} moves, but {name} lets no tag move except {patterns}; ECR takes five exceptions, "
        "and one like v* would let versions move too",
        tag=tag, name=name, patterns=patterns or tr("none"),
    )  # fmt: skip
