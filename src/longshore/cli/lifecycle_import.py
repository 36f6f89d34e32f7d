"""`longshore lifecycle import`: another registry's retention, for ECR and for our prune. I/O."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click

from longshore.cli.files import refuse_existing, write_file
from longshore.cli.frame import App, command
from longshore.cli.lifecycle_policies import read_text
from longshore.cli.lifecycle_prune_files import rules_as_json
from longshore.policy.lifecycle.foreign import Imported
from longshore.policy.lifecycle.foreign_harbor import import_harbor
from longshore.policy.lifecycle.foreign_quay import import_quay
from longshore.policy.lifecycle.foreign_zot import import_zot
from longshore.policy.lifecycle.grammar import parse_policy
from longshore.policy.lifecycle.prune_words import rule_words
from longshore.policy.lifecycle.words import rule_words as policy_words
from longshore.text import tr

_READERS: dict[str, Callable[[str, str, str | None], Imported]] = {
    "zot": import_zot,
    "harbor": import_harbor,
    "quay": import_quay,
}


@command(
    "import",
    help=tr(
        "Reads the retention of zot, Harbor or Quay, and says it as a policy for ECR, as rules for "
        "`longshore lifecycle prune`, and as a list of what could not be carried over. What cannot "
        "be said here stays: nothing goes that the other registry would keep. Changes nothing; "
        "--write writes the policy, and the prune rules beside it."
    ),
    examples=[
        "longshore lifecycle import config.json --from zot --repository infra/shop",
        "longshore lifecycle import retention.json --from harbor --write policy.json",
        "longshore lifecycle import autoprune.json --from quay --json",
    ],
)
@click.argument("file")
@click.option(
    "--from",
    "registry",
    type=click.Choice(list(_READERS)),
    required=True,
    help=tr("whose file it is"),
)
@click.option("--repository", metavar="NAME", help=tr("its name there, where the file asks for it"))
@click.option("--write", metavar="FILE", help=tr("write the policy there"))
@click.option("--force", is_flag=True, help=tr("replace files that are there"))
def import_retention(
    app: App, file: str, registry: str, repository: str | None, write: str | None, force: bool
) -> None:
    hint = tr("name the file that the other registry has, or gives by its API")
    shown = tr("standard input") if file == "-" else file
    made = _READERS[registry](read_text(file, hint), shown, repository)
    written = _written(made, Path(write), force=force) if write else []
    app.output.result(
        {
            "schema": "longshore.lifecycle.import/1",
            "from": registry,
            "repository": repository,
            "policy": made.policy,
            "prune": {"rules": rules_as_json(made.rules)},
            "not_carried": [{"what": one.what, "why": one.why} for one in made.lost],
            "written": [str(path) for path in written],
        },
        _lines(made, written),
        next=_next(written),
    )


def _written(made: Imported, policy: Path, *, force: bool) -> list[Path]:
    """Write the policy, and the rules for prune where there are some."""
    texts = {policy: json.dumps(made.policy, indent=2)}
    if made.rules:
        rules = policy.with_name(f"{policy.name.removesuffix('.json')}.prune.json")
        texts[rules] = json.dumps({"rules": rules_as_json(made.rules)}, indent=2)
    refuse_existing(texts, force)
    for path, text in texts.items():
        write_file(path, f"{text}\n")
    return list(texts)


def _lines(made: Imported, written: list[Path]) -> list[str]:
    policy = parse_policy(json.dumps(made.policy))
    lines = [tr("policy for ECR:")]
    lines += [f"  {rule.priority}  {policy_words(rule)}" for rule in policy.rules]
    if made.rules:
        lines.append(tr("left to `longshore lifecycle prune`:"))
        lines += [f"  {rule.name}  {rule_words(rule)}" for rule in made.rules]
    if made.lost:
        lines.append(tr("not carried over, or not exactly:"))
        lines += [f"  {one.what}: {one.why}" for one in made.lost]
    return [*lines, *(tr("wrote {file}", file=path) for path in written)]


def _next(written: list[Path]) -> str:
    if not written:
        return ""
    return f"longshore lifecycle simulate REPOSITORY --policy {written[0]}"
