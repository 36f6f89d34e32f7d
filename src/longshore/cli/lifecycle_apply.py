"""`longshore lifecycle apply`: gives a repository a policy, showing first what goes. I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import click

from longshore.cli import wiring
from longshore.cli.frame import App, command
from longshore.cli.in_use import COLLECTORS, IMAGES, gather_uses
from longshore.cli.in_use_guard import LookedAt, look_at
from longshore.cli.lifecycle_apply_view import (
    Going,
    View,
    going,
    looked_lines,
    nothing_looked_at,
    question,
)
from longshore.cli.lifecycle_policies import Chosen, of_config, of_file, of_preset
from longshore.cli.one_repository import plan_one, read_repository
from longshore.cli.typeset import moment
from longshore.errors import AwsError, RefusedError, Where
from longshore.facts import RepositorySeen
from longshore.policy.lifecycle.flaws import PolicyRefused
from longshore.policy.lifecycle.grammar import find_size_flaws
from longshore.policy.lifecycle.preset import PRESETS, canonical_text
from longshore.policy.reach import Ahead
from longshore.provision.changes import Limits, Plan
from longshore.provision.resources import LifecyclePolicy
from longshore.text import tr

_REASONS = 3


@command(
    "apply",
    help=tr(
        "Gives a repository a lifecycle policy: that of a file, that of longshore.yaml, or the "
        "standard one. Shows how its rules differ from what is there and which images go by it, "
        "and asks. Refuses a policy that reaches an image in use, now or soon. The standard "
        "policy keeps what is tagged live-*, rollback-* or latest, 10 production images, 5 of "
        "branches and 3 of pull requests; untagged images go after a day. Backups go by "
        "longshore lifecycle prune."
    ),
    examples=[
        "longshore lifecycle apply github-actions-demo-day2",
        "longshore lifecycle apply shop --policy policy.json --dry-run",
        "longshore lifecycle apply shop --preset standard --yes --json",
    ],
)
@click.argument("repository")
@click.option("--preset", type=click.Choice(PRESETS), help=tr("a policy of ours (standard)"))
@click.option("--policy", "file", metavar="FILE", help=tr("a file with ECR's policy text"))
@click.option("--region", metavar="REGION", help=tr("the AWS Region, if not the target's"))
@click.option("--allow-in-use", is_flag=True, help=tr("even if it reaches images in use"))
@click.option(
    "--allow-unread",
    multiple=True,
    type=click.Choice([*COLLECTORS, IMAGES]),
    help=tr("even if this place could not be read"),
)
@click.option(
    "--ahead-days",
    type=click.IntRange(0, 3650),
    default=30,
    help=tr("look so many days ahead (30)"),
)
@click.option(
    "--ahead-pushes",
    type=click.IntRange(0, 9998),
    default=30,
    help=tr("look so many pushes ahead (30)"),
)
@click.option(
    "--read-indexes",
    is_flag=True,
    help=tr("read what indexes contain even if that renews their pull times"),
)
@click.option("--dry-run", is_flag=True, help=tr("only show what would change"))
def apply(
    app: App,
    repository: str,
    preset: str | None,
    file: str | None,
    region: str | None,
    allow_in_use: bool,
    allow_unread: tuple[str, ...],
    ahead_days: int,
    ahead_pushes: int,
    read_indexes: bool,
    dry_run: bool,
) -> None:
    if preset is not None and file is not None:
        raise click.UsageError(tr("--preset and --policy exclude each other"))
    config = wiring.find_config(app.settings, app.environ)
    told = of_file(file) if file is not None else None
    target = wiring.open_target(app.settings, app.environ, region=region)
    chosen = told or (of_config(config, repository) if config and preset is None else None)
    chosen = chosen or of_preset(preset or "standard", config)
    seen = read_repository(target, repository)
    if seen is None:
        raise _no_repository(repository)
    text = canonical_text(json.loads(chosen.text))
    if flaws := find_size_flaws(text):
        raise PolicyRefused(flaws, chosen.source)
    planned = plan_one(target, seen, (LifecyclePolicy(repository, text),))
    planned = replace(planned, notes=())  # those are about the repository itself
    made = _Applying(app, target, seen, chosen, text, planned, dry_run)
    if not planned.changes:
        made.show(None, [tr("{name} has this policy already; nothing to do", name=repository)])
        return

    def look() -> LookedAt:
        return look_at(
            target,
            gather_uses(app, target, config, run_commands=not dry_run),
            repository,
            chosen.policy,
            read_indexes=read_indexes,
            ahead=Ahead(ahead_days, ahead_pushes),
        )

    allowed = frozenset({repository}) if allow_in_use else frozenset()
    limits = Limits(allow_in_use=allowed, allow_unread=frozenset(allow_unread))
    made.carry_out(look, limits)


@dataclass(frozen=True)
class _Applying:
    """One run: what was chosen for which repository, and the change it needs."""

    app: App
    target: wiring.OpenTarget
    seen: RepositorySeen
    chosen: Chosen
    text: str
    planned: Plan
    dry_run: bool

    def carry_out(self, look: Callable[[], LookedAt], limits: Limits) -> None:
        """Show, refuse, ask, look again when the answer took its time, write down, apply."""
        from longshore.provision.render import render_plan

        looked = look()
        shown = self._view(looked, limits)
        lines = [
            tr("caller: {arn}", arn=self.target.identity.arn),
            *render_plan(self.planned).rstrip().splitlines(),
            *(f"i {note}" for note in self.chosen.notes),
            *looked_lines(shown),
        ]
        for line in lines:
            self.app.output.say(line)
        if shown.refused:
            self.show(shown, [], error=self._refusal(shown))
            return
        if self.dry_run:
            self.show(shown, [tr("nothing was changed (--dry-run)")])
            return
        self.app.output.confirm(question(shown.gone), lines if self.app.settings.quiet else ())
        if not self.app.settings.yes:
            looked = look()
            shown = self._view(looked, limits)
            if shown.refused:
                self.show(shown, [], error=self._refusal(shown))
                return
        record = self._apply(looked, shown.gone, limits)
        done = tr("the lifecycle policy is on {name}", name=self.seen.name)
        self.show(shown, [done, tr("recorded in {file}", file=record)], record=record)

    def _view(self, looked: LookedAt, limits: Limits) -> View:
        gone = going(looked.evaluation, looked.images)
        return View(self.chosen.policy, looked.images, gone, looked.guarded, limits)

    def _apply(self, looked: LookedAt, gone: Sequence[Going], limits: Limits) -> str:
        """Put it there; who, when, the policy before and after and what goes are written first."""
        from longshore.provision.apply import apply as apply_plan
        from longshore.provision.journal import Journal

        end, name = self.target.endpoint, self.seen.name
        folder = wiring.state_dir(self.app.environ) / "lifecycle"
        path = folder / f"{end.kind}-{end.account}-{end.region}.jsonl"
        memory = {
            "by": self.target.identity.arn,
            "at": moment(looked.evaluation.at),
            "from": self.chosen.source,
            "before": self.seen.lifecycle_policy,
            "after": self.text,
            "expires": [one.as_json() for one in gone],
            "in_use": [one.image.digest for one in looked.guarded.judgement.found.direct],
            "allowed_in_use": sorted(limits.allow_in_use),
            "allowed_unread": sorted(limits.allow_unread),
        }
        with Journal(path) as journal:
            run = self.planned.checksum
            journal.begin(run, f"lifecycle-apply/{name}", "record", memory)
            for event in apply_plan(self.planned, self.target.ecr, journal):
                self.app.output.show(event)
            journal.done(run, f"lifecycle-apply/{name}", "record")
        return str(path)

    def _refusal(self, shown: View) -> RefusedError:
        """The error that the exit code is of."""
        reasons = [one.reason for one in shown.refused]
        what = tr("refused: {reason}", reason="; ".join(reasons[:_REASONS]))
        if len(reasons) > _REASONS:
            what = tr("{what}; and {count} more", what=what, count=len(reasons) - _REASONS)
        flags = " ".join(dict.fromkeys(one.flag for one in shown.refused))
        hint = tr("nothing was changed; to allow it, add {flags}", flags=flags)
        if command := next((one.remedy for one in shown.refused if one.remedy), ""):
            hint = tr("protect what runs: {command}; {otherwise}", command=command, otherwise=hint)
        code = "image-in-use" if any(one.hit for one in shown.refused) else "in-use-unknown"
        return RefusedError(what, hint, code=code, where=Where(resource=self.seen.name))

    def show(
        self,
        shown: View | None,
        lines: Sequence[str],
        *,
        record: str | None = None,
        error: RefusedError | None = None,
    ) -> None:
        """The answer; a refusal is part of it for programs, and an error for people."""
        if error is not None and not self.app.output.machine:
            raise error
        name = self.seen.name
        document = {
            "schema": "longshore.lifecycle.apply/1",
            "repository": name,
            "applied": record is not None,
            "dry_run": self.dry_run,
            "changes": [change.as_json() for change in self.planned.changes],
            "policy": json.loads(self.text),
            "from": self.chosen.source,
            "notes": list(self.chosen.notes),
            **(shown.as_json() if shown else nothing_looked_at()),
            "record": record,
        }
        if error is not None:
            known = {"code": error.code, "message": error.what, "hint": error.hint}
            document["error"] = known
        following = (
            f"longshore lifecycle simulate {name}" if error else f"longshore repo show {name}"
        )
        self.app.output.result(document, lines, place=self.target.place, next=following)
        if error is not None:
            click.get_current_context().exit(error.exit_code)


def _no_repository(name: str) -> AwsError:
    return AwsError(
        tr("there is no repository {name}", name=name),
        tr("create it first: longshore repo create {name}", name=name),
        operation="DescribeRepositories",
        aws_code="RepositoryNotFoundException",
        iam_action="ecr:DescribeRepositories",
        code="repository-not-found",
        where=Where(resource=name),
    )
