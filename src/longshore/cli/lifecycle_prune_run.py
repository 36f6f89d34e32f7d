"""One run of `lifecycle prune`: plans each repository, refuses, asks, acts, tells. I/O."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.in_use import Uses, gather_uses
from longshore.cli.interrupts import interruptible
from longshore.cli.lifecycle_prune_rules import Limit
from longshore.cli.lifecycle_prune_view import document, lines, question, talk
from longshore.errors import (
    AwsError,
    InterruptedByUser,
    LimitError,
    LongshoreError,
    PartialError,
    RefusedError,
    Where,
)
from longshore.facts import ImageSeen, Unread
from longshore.policy.lifecycle.pruning import (
    BACKUP_RULE,
    PrunePlan,
    PruneRule,
    indexes_to_read,
    plan_prune,
)
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.prune_journal import Outcome
    from longshore.provision.settings import Config


@dataclass
class Pruned:
    """One repository: what is to go, where that stands, and what came of it."""

    name: str
    rules: tuple[PruneRule, ...]
    plan: PrunePlan
    record: Path
    remarks: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    error: LongshoreError | None = None


# Why an image stays that something holds which runs.
_HELD = frozenset({"in-use", "belongs-to-protected", "in-index", "index-not-read"})

# How long what is known of use counts; then it is asked again, before the next repository.
FRESH_S = 60.0


class Pruning:
    """One run of the command."""

    def __init__(
        self,
        app: App,
        target: wiring.OpenTarget,
        config: Config | None,
        own: tuple[PruneRule, ...],
        read_indexes: bool,
        dry_run: bool,
    ) -> None:
        self.app = app
        self.target = target
        self.config = config
        self.own = own
        self.read_indexes = read_indexes
        self.dry_run = dry_run
        self.now = wiring.target_now(target)
        self.run_name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        self.uses: Uses = gather_uses(app, target, config, run_commands=not dry_run)
        self._looked_at = time.monotonic()

    def all_names(self) -> list[str]:
        """The repositories that the file names and that are there; without a file, all."""
        there = {seen.name for seen in self.target.ecr.describe_repositories()}
        if self.config is None:
            return sorted(there)
        named = {*self.config.repositories, *(rule.target for rule in self.config.images)}
        return sorted(there & named)

    def plan(self, name: str) -> Pruned:
        """What goes of one repository."""
        rules, protected, remarks = self._rules(name)
        images = self.target.ecr.describe_images(name) if rules else []
        in_use = [one for one in self.uses.seen.uses if one.repository == name]
        patterns = (*protected, *self.uses.patterns)
        if unread := indexes_to_read(rules, images, in_use, self.now, patterns):
            images, said = self._with_children(name, images, unread)
            remarks += said
        plan = plan_prune(rules, images, in_use, self.now, patterns)
        return Pruned(name, rules, plan, self._record(name), remarks)

    def _rules(self, name: str) -> tuple[tuple[PruneRule, ...], tuple[str, ...], list[str]]:
        """The rules, the patterns that the config protects, and what is to be said of them."""
        rules: tuple[PruneRule, ...] = (BACKUP_RULE,)
        protected: tuple[str, ...] = ()
        remarks: list[str] = []
        if self.config is not None:
            from longshore.provision.desired import compile_repository
            from longshore.provision.policy_files import read_policy_files

            files = read_policy_files(self.config, Path(self.config.filename).parent)
            made = compile_repository(self.config, name, files)
            if made is not None:
                rules, protected = made.prune, made.protected
                if not rules and not self.own:
                    remarks.append(tr("its lifecycle in longshore.yaml leaves nothing to prune"))
        return self.own or rules, protected, remarks

    def _with_children(
        self, name: str, images: Sequence[ImageSeen], unread: Sequence[str]
    ) -> tuple[list[ImageSeen], list[str]]:
        """The images, the indexes with what they name, unless that would falsify pull times."""
        if not self.read_indexes and self._goes_by_pulls(name):
            said = tr(
                "what {count} indexes contain was not read: the repository's policy goes by pull "
                "times, or could not be looked at (ecr:GetLifecyclePolicy), and reading renews "
                "these times (--read-indexes reads them all the same)",
                count=len(unread),
            )
            return list(images), [said]
        children = self.target.ecr.index_children(name, unread)
        return [replace(one, children=children.get(one.digest, one.children)) for one in images], []

    def _goes_by_pulls(self, name: str) -> bool:
        """Whether it may be that the repository's policy asks when images were pulled."""
        try:
            text = self.target.ecr.get_lifecycle_policy(name)
        except AwsError as error:
            if error.code != "access-denied":
                raise
            return True
        return text is not None and "sinceImagePulled" in text

    def _record(self, name: str) -> Path:
        end = self.target.endpoint
        folder = wiring.state_dir(self.app.environ) / "prune"
        return folder / f"{end.kind}-{end.account}-{end.region}" / f"{name}.jsonl"

    # --- showing and acting ---------------------------------------------------------------------

    def show(self, found: list[Pruned], limit: Limit, allowed: frozenset[str]) -> None:
        """Show, refuse, ask, carry out, and tell what came of it."""
        from longshore.provision.prune_journal import has_unsettled

        todo = [
            one
            for one in found
            if one.plan.steps or (not self.dry_run and has_unsettled(one.record))
        ]
        for line in talk(found, verbose=self.app.settings.verbose):
            self.app.output.say(line)
        self._say_where_not_looked()
        if any(one.plan.steps for one in todo):
            self._refuse(found, limit, allowed)
        if todo and not self.dry_run:
            if any(one.plan.steps for one in todo):
                self.app.output.confirm(
                    question(found),
                    talk(found, verbose=True) if self.app.settings.quiet else (),
                )
                if not self.app.settings.yes:
                    self._look_again(todo)
                    self._refuse(todo, limit, allowed)
            self._carry_out(todo, limit, allowed)
        self._tell(found, applied=bool(todo) and not self.dry_run)

    def _say_where_not_looked(self) -> None:
        for words in self.uses.not_looked:
            self.app.output.say(tr("not looked for images in use: {where}", where=words))

    def _look_again(self, todo: Sequence[Pruned]) -> None:
        """Answers and other repositories take their time: what came into use meanwhile stays."""
        self.uses = gather_uses(self.app, self.target, self.config, run_commands=True)
        self._looked_at = time.monotonic()
        for one in todo:
            held = {
                kept.digest: kept.reason
                for kept in self.plan(one.name).plan.kept
                if kept.because in _HELD
            }
            for step in one.plan.steps:
                if step.digest in held:
                    self.app.output.warn(
                        tr(
                            "{name}: {tags} stays: {why}",
                            name=one.name,
                            tags=" ".join(step.tags),
                            why=held[step.digest],
                        )
                    )
            left = tuple(step for step in one.plan.steps if step.digest not in held)
            one.plan = replace(one.plan, steps=left)

    def _refuse(self, found: Sequence[Pruned], limit: Limit, allowed: frozenset[str]) -> None:
        """Raise RefusedError when a guard says no; its hint names the flag."""
        for one in found:
            unread = [other for other in self.uses.unread_of(one.name) if other.by not in allowed]
            if one.plan.steps and unread:
                raise _unknown(one, unread[0])
            most = limit.of(one.plan.images)
            if len(one.plan.deleted) > most:
                raise _too_much(one, most)

    def _carry_out(self, todo: Sequence[Pruned], limit: Limit, allowed: frozenset[str]) -> None:
        """Repository by repository; one that AWS refuses does not stop the others."""
        from longshore.provision.prune_journal import PruneRecord
        from longshore.provision.pruning import PruneRun

        for one in todo:
            try:
                if time.monotonic() - self._looked_at > FRESH_S:
                    self._look_again([one])
                    self._refuse([one], limit, allowed)
            except LongshoreError as error:
                one.error = error
                break
            with PruneRecord(one.record) as record:
                run = PruneRun(one.plan, one.name, self.target.ecr, record, self.run_name)
                one.outcomes = run.outcomes
                with interruptible(run.interrupt):
                    try:
                        for event in run.events():
                            self.app.output.show(event)
                    except LongshoreError as error:
                        one.error = error
            if run.stopped:
                raise InterruptedByUser(
                    tr("stopped; what was deleted is in {file}", file=one.record),
                    tr("run the same command again; it goes on"),
                )
            if one.error is not None and not isinstance(one.error, AwsError):
                break

    def _tell(self, found: Sequence[Pruned], *, applied: bool) -> None:
        errors = [one for one in found if one.error is not None]
        if errors and not any(one.outcomes for one in found):
            assert errors[0].error is not None  # noqa: S101
            raise errors[0].error
        error = self._partial(found)
        if error is not None and not self.app.output.machine:
            for line in lines(found, applied=applied, dry_run=self.dry_run):
                self.app.output.say(line)
            raise error
        whole = document(found, self.uses, self.now, applied=applied, dry_run=self.dry_run)
        if error is not None:
            whole["error"] = {"code": error.code, "message": error.what, "hint": error.hint}
        self.app.output.result(
            whole,
            lines(found, applied=applied, dry_run=self.dry_run),
            place=self.target.place,
            next=self._next(found, applied=applied),
        )
        if error is not None:
            click.get_current_context().exit(error.exit_code)

    def _partial(self, found: Sequence[Pruned]) -> PartialError | None:
        """What was not done for another reason than a change since the plan."""
        for one in found:
            if one.error is not None:
                what = tr("{name} is pruned in part: {why}", name=one.name, why=one.error.what)
                hint = one.error.hint or tr("run the same command again; it goes on")
                if isinstance(one.error, LimitError):
                    hint = tr("run the same command again in a minute; it goes on")
                return PartialError(what, hint, where=Where(resource=one.name))
            failed = [outcome for outcome in one.outcomes if outcome.failed]
            if failed:
                tag, why = failed[0].left[0]
                return PartialError(
                    tr("{count} images of {name} stayed", count=len(failed), name=one.name),
                    tr("{tag}: {why}; run the same command again", tag=tag, why=why),
                    where=Where(resource=one.name),
                )
        return None

    def _next(self, found: Sequence[Pruned], *, applied: bool) -> str:
        name = found[0].name if found else ""
        if self.dry_run and any(one.plan.steps for one in found):
            if self.own:
                return ""  # rules of flags or a file: the bare command would do something else
            return f"longshore lifecycle prune {name}" if len(found) == 1 else ""
        return f"longshore tags ls {name}" if len(found) == 1 and applied else ""


def _unknown(one: Pruned, unread: Unread) -> RefusedError:
    return RefusedError(
        tr(
            "{by} ({where}) could not be read, so what is in use is not known: {why}",
            by=unread.by,
            where=unread.where,
            why=unread.why,
        ),
        tr("nothing was deleted; to go on without it: --allow-unread {by}", by=unread.by),
        code="in-use-unknown",
        where=Where(resource=one.name),
    )


def _too_much(one: Pruned, most: int) -> RefusedError:
    deleted = len(one.plan.deleted)
    return RefusedError(
        tr(
            "{count} of the {images} images of {name} would be deleted; at most {most} go at once",
            count=deleted,
            images=one.plan.images,
            name=one.name,
            most=most,
        ),
        tr("nothing was deleted; if it is right: --at-most {count}", count=deleted),
        code="prune-too-much",
        where=Where(resource=one.name),
    )
