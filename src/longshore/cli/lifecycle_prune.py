"""`longshore lifecycle prune`: takes away tags that ECR's rules cannot reach rightly. I/O."""

from __future__ import annotations

from collections.abc import Sequence

import click

from longshore.cli import wiring
from longshore.cli.frame import App, command
from longshore.cli.in_use import COLLECTORS
from longshore.cli.lifecycle_policies import read_text
from longshore.cli.lifecycle_prune_files import parse_rules
from longshore.cli.lifecycle_prune_rules import parse_limit, rule_of_flags
from longshore.cli.one_repository import check_repository_name
from longshore.errors import UsageError
from longshore.policy.lifecycle.pruning import PruneRule
from longshore.text import tr


@command(
    "prune",
    help=tr(
        "Takes tags away by rules that ECR does not have: by the time in a backup's name and never "
        "the last three, a number per branch, version or pull request, one limit for several "
        "patterns. An image goes only with its last tag. The rules are those of longshore.yaml, "
        "else backups after 7 days, or those of the flags. Never touched: live-*, rollback-*, "
        "latest, images in use, what an index that stays names. Shows everything first, and asks."
    ),
    examples=[
        "longshore lifecycle prune github-actions-demo-day2",
        "longshore lifecycle prune --all --dry-run --json",
        "longshore lifecycle prune shop --tags 'pr-*' --per pull-request --keep-newest 3",
        "longshore lifecycle prune shop --tags 'feature-*' --tags 'pr-*' --older-than 30d --yes",
    ],
)
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option("--all", "every", is_flag=True, help=tr("all that longshore.yaml names, or has none"))
@click.option("--tags", multiple=True, metavar="PATTERN", help=tr("a rule of your own: these tags"))
@click.option("--keep-newest", type=click.IntRange(0), metavar="N", help=tr("the N newest stay"))
@click.option("--older-than", metavar="AGE", help=tr("only what is older goes (7d, 4w)"))
@click.option("--at-least", type=click.IntRange(0), default=0, help=tr("so many stay at any age"))
@click.option(
    "--per",
    type=click.Choice(["family", "branch", "minor-version", "pull-request"]),
    default="family",
    help=tr("count within each branch, minor version or pull request"),
)
@click.option("--except", "excluding", multiple=True, metavar="PATTERN", help=tr("not these tags"))
@click.option("--by-name", is_flag=True, help=tr("age by the time in the tag, not of the push"))
@click.option("--rules", "file", metavar="FILE", help=tr("rules of a file, as import writes them"))
@click.option("--at-most", metavar="N|N%", help=tr("delete no more images at once (50%)"))
@click.option(
    "--allow-unread",
    multiple=True,
    type=click.Choice(COLLECTORS),
    help=tr("even if this place of use could not be read"),
)
@click.option(
    "--read-indexes",
    is_flag=True,
    help=tr("read what indexes contain even if that renews their pull times"),
)
@click.option("--region", metavar="REGION", help=tr("the AWS Region, if not the target's"))
@click.option("--dry-run", is_flag=True, help=tr("only show what would go"))
def prune(
    app: App,
    repositories: tuple[str, ...],
    every: bool,
    tags: tuple[str, ...],
    keep_newest: int | None,
    older_than: str | None,
    at_least: int,
    per: str,
    excluding: tuple[str, ...],
    by_name: bool,
    file: str | None,
    at_most: str | None,
    allow_unread: tuple[str, ...],
    read_indexes: bool,
    region: str | None,
    dry_run: bool,
) -> None:
    if every == bool(repositories):
        raise UsageError(
            tr("name the repositories, or give --all"),
            tr("for example: longshore lifecycle prune shop --dry-run"),
        )
    flagged = rule_of_flags(
        tags, keep_newest, older_than, at_least, per, excluding, by_name=by_name
    )
    own = _own_rules(flagged, file)
    limit = parse_limit(at_most)
    names = _checked(repositories)
    config = wiring.find_config(app.settings, app.environ)
    target = wiring.open_target(app.settings, app.environ, region=region)
    from longshore.cli.lifecycle_prune_run import Pruning

    run = Pruning(app, target, config, own, read_indexes, dry_run)
    found = [run.plan(name) for name in (run.all_names() if every else names)]
    run.show(found, limit, frozenset(allow_unread))


def _own_rules(flagged: PruneRule | None, file: str | None) -> tuple[PruneRule, ...]:
    """The rules of the flags or of a file; none: those of the config."""
    if file is None:
        return (flagged,) if flagged else ()
    if flagged:
        raise UsageError(
            tr("--rules and --tags exclude each other"), tr("put the rule into the file")
        )
    return parse_rules(read_text(file, tr("name a file with prune rules")), file)


def _checked(names: Sequence[str]) -> list[str]:
    for name in names:
        check_repository_name(name)
    return list(dict.fromkeys(names))
