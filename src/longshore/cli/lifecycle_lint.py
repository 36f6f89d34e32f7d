"""`longshore lifecycle lint`: what is wrong with a policy, and the corrected rules. I/O."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import click

from longshore import __version__
from longshore.cli.files import refuse_existing, write_file
from longshore.cli.frame import App, command
from longshore.cli.lifecycle_inputs import Asked, with_inputs
from longshore.cli.lifecycle_lint_inputs import (
    Gathered,
    Looked,
    StrategyChoice,
    gather_texts,
)
from longshore.cli.lifecycle_lint_view import Linted, as_json, as_sarif, lines_of, summary
from longshore.cli.output import to_json
from longshore.errors import FindingsError, LongshoreError, UsageError
from longshore.policy.lifecycle.grammar import find_flaws
from longshore.policy.lifecycle.lint import Report, corrected, lint
from longshore.text import tr


@command(
    "lint",
    help=tr(
        "Checks a lifecycle policy before ECR acts on it: rules that never act, lists that mean "
        "AND where OR was meant, tags that no rule reaches, rules that can delete latest, what "
        "runs, or the last backup. Each finding with its place and the corrected rule. Of a file "
        "or preset alone, of what longshore.yaml wants, of repositories of the target, or by the "
        "images of a saved `aws ecr describe-images`. Where there is a longshore.yaml, also by "
        "the tags that its builds get. Ends with exit 3 when there are high findings."
    ),
    examples=[
        "longshore lifecycle lint --policy policy.json",
        "longshore lifecycle lint --policy policy.json --images images.json --json",
        "longshore lifecycle lint shop --in-force",
        "longshore lifecycle lint --all",
        "longshore lifecycle lint --policy policy.json --fix -o better.json",
        "longshore lifecycle lint --preset standard --strategy standard",
    ],
)
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option("--all", "every", is_flag=True, help=tr("every repository of the target"))
@with_inputs
@click.option(
    "--strategy",
    type=click.Choice(get_args(StrategyChoice)),
    help=tr("the tags that builds get: standard, as `tags compute` makes them, or none"),
)
@click.option("--fix", is_flag=True, help=tr("print the corrected policy instead"))
@click.option("-o", "--output", "file", metavar="FILE", help=tr("write the corrected policy there"))
@click.option("--force", is_flag=True, help=tr("replace the file of -o"))
@click.option("--sarif", metavar="FILE", help=tr("also write the findings as SARIF"))
def lint_policy(
    app: App,
    repositories: tuple[str, ...],
    every: bool,
    asked: Asked,
    strategy: StrategyChoice | None,
    fix: bool,
    file: str | None,
    force: bool,
    sarif: str | None,
) -> None:
    if file is not None and not fix:
        raise UsageError(tr("-o is where --fix writes the corrected policy"), tr("add --fix"))
    if file is not None:
        refuse_existing([Path(file)], force)
    found = gather_texts(app, asked, repositories, strategy, every=every)
    linted = [Linted(one, _judge(one)) for one in found.looked]
    for one in found.looked:
        for remark in one.remarks:
            app.output.warn(remark)
    if sarif is not None:
        write_file(Path(sarif), to_json(as_sarif(linted, __version__), indent=2) + "\n")
        app.output.say(tr("wrote {file}", file=sarif))
    if fix:
        _fix(app, found, linted, file)
        return
    app.output.result(
        as_json(linted, found.missed),
        lines_of(linted, found.missed),
        place=found.target.place if found.target else None,
        next=_next(linted, asked),
    )
    _end(app, linted, bool(found.missed))


def _judge(looked: Looked) -> Report:
    return lint(looked.policy.text, looked.given) if looked.policy else Report(())


def _next(linted: list[Linted], asked: Asked) -> str:
    if any(one.report.findings for one in linted) and asked.policy not in (None, "-"):
        return f"longshore lifecycle lint --policy {asked.policy} --fix"
    codes = [one.finding.code for each in linted for one in each.report.findings]
    return f"longshore explain {codes[0]}" if codes else ""


def _fix(app: App, found: Gathered, linted: list[Linted], file: str | None) -> None:
    """The corrected policy on stdout or in a file; what is left to say, on stderr."""
    if len(linted) != 1 or linted[0].looked.policy is None:
        raise UsageError(
            tr("--fix corrects one policy"), tr("name one repository, or one file with --policy")
        )
    (one,) = linted
    policy = linted[0].looked.policy
    rules = corrected(policy.text, one.looked.given)
    text = json.dumps({"rules": rules}, indent=2, ensure_ascii=False)
    left = Linted(one.looked, lint(text, one.looked.given))
    if file is not None:
        write_file(Path(file), text + "\n")
        app.output.say(tr("wrote {file}", file=file))
    if app.output.machine:
        document = as_json([left], found.missed)
        app.output.result({**document, "corrected": {"rules": rules}, "file": file})
    elif file is None:
        app.output.text(text)
    app.output.say(tr("before: {findings}", findings=summary([one])))
    app.output.say(tr("after: {findings}", findings=summary([left])))
    if find_flaws(policy.text):
        app.output.say(tr("the policy was refused by ECR as it stood"))
    _end(app, [left], bool(found.missed))


def _end(app: App, linted: list[Linted], missed: bool) -> None:
    """Exit 3 on high findings, else 1 when something could not be checked."""
    error: LongshoreError | None = None
    high = sum(len(one.report.of("high")) for one in linted)
    if high:
        error = FindingsError(
            tr("1 finding is high") if high == 1 else tr("{count} findings are high", count=high),
            tr("`longshore explain CODE` says more about each"),
            code="lifecycle-unsafe",
        )
    elif missed or any(one.report.unfinished for one in linted):
        error = LongshoreError(
            tr("not everything could be checked"),
            tr("the answer names what, and why"),
            code="lifecycle-unchecked",
        )
    if error is None:
        return
    if app.output.machine:
        click.get_current_context().exit(error.exit_code)
    raise error
