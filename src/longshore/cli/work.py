"""What a command that works from the file needs: config, target, registries, journal. I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.interrupts import interruptible
from longshore.cli.stores import Opener
from longshore.errors import AwsError
from longshore.events import Notice
from longshore.journey.images import Job, stores_of
from longshore.journey.wishes import image_wishes
from longshore.oci.digest import Digest
from longshore.oci.reference import DOCKER_HUB
from longshore.oci.store import PullAllowance
from longshore.text import tr
from longshore.transfer.budget import ECR_PUT_IMAGE_PER_S, PullBudget, Widths
from longshore.transfer.carry import Stores
from longshore.transfer.journal import Journal
from longshore.transfer.plan import Mounting, PairPlan
from longshore.transfer.run import CopyOptions, CopyResult, CopyRun

if TYPE_CHECKING:
    from longshore.provision.settings import Config, Target

DEFAULT_JOBS = 24


@dataclass
class Work:
    """One run's surroundings; `config_folder` is where the file's relative paths start."""

    app: App
    config: Config
    opened: wiring.OpenTarget
    opener: Opener
    journal: Journal
    jobs: int = DEFAULT_JOBS

    @property
    def target(self) -> Target:
        """The target with what is really there: kind, account and region."""
        named = self.config.target(None if self.opened.local else self.app.settings.target)
        end = self.opened.endpoint
        return replace(
            named, name=self.opened.name, kind=end.kind, account=end.account, region=end.region
        )

    @property
    def config_folder(self) -> Path:
        """Where relative paths of the config start."""
        return Path(self.config.filename).parent

    def image_jobs(self, only: Sequence[str] = (), *, must_exist: bool = False) -> list[Job]:
        """The config's image rules, opened; `must_exist`: their repositories have to be there."""
        wishes = image_wishes(self.config, self.opened.endpoint, self.mounting(), only)
        return [
            Job(
                replace(one.wish, target_may_be_absent=not must_exist),
                Stores(self.opener.source(one.source), self.opener.target(one.target)),
            )
            for one in wishes
        ]

    def mounting(self) -> Mounting:
        """Whether ECR mounts blobs across repositories; unknown counts as no."""
        try:
            enabled = self.opened.ecr.get_account_setting("BLOB_MOUNTING") == "ENABLED"
        except AwsError:
            return "never"
        return "after-manifest" if enabled else "never"

    def copy_options(self) -> CopyOptions:
        """As fast as the target allows."""
        rate = None if self.opened.endpoint.embedded else ECR_PUT_IMAGE_PER_S
        sources = self.config.sources.values()
        bounds = {one.host: one.pulls for one in sources if isinstance(one.pulls, int)}
        return CopyOptions(Widths(self.jobs), put_rate=rate, max_pulls=bounds)


def open_work(app: App, jobs: int = DEFAULT_JOBS) -> Work:
    """Read the config, open the target (which checks the account), prepare the rest."""
    config = wiring.need_config(app.settings, app.environ)
    opened = wiring.open_target(app.settings, app.environ)
    opener = Opener(app.settings, app.environ, jobs, opened, config, app.output.show)
    journal = Journal(wiring.state_dir(app.environ) / "copy")
    return Work(app, config, opened, opener, journal, jobs)


@contextmanager
def only_writer(journal: Journal, jobs: Sequence[Job]) -> Iterator[None]:
    """Nobody else writes the jobs' targets meanwhile."""
    with journal.writing(job.wish.pair.target for job in jobs):
        yield


def run_copy(
    app: App,
    plans: Sequence[PairPlan],
    jobs: Sequence[Job],
    journal: Journal,
    options: CopyOptions,
    opener: Opener,
) -> CopyResult:
    """Copy with progress on screen; Ctrl-C stops it and keeps the state."""
    left = tell_budget(app, plans, jobs, journal)

    def pulls() -> tuple[int, int | None]:
        spent = opener.traffic("source").pulls
        return spent, None if left is None else max(0, left - spent)

    run = CopyRun(plans, stores_of(jobs), journal, options, pulls)
    with interruptible(run.interrupt):
        for event in run.events():
            app.output.show(event)
    assert run.result is not None  # noqa: S101 - events() ended
    return run.result


def tell_budget(
    app: App, plans: Sequence[PairPlan], jobs: Sequence[Job], journal: Journal
) -> int | None:
    """Say before the start how many pulls are needed and left; gives those left."""
    allowance = read_allowance(plans, jobs)
    if allowance is None:
        return None
    budget = PullBudget(pulls_needed(plans, journal), allowance, exact=False)
    app.output.show(Notice(pull_sentence(budget), "info" if budget.fits else "warning"))
    return allowance.remaining


def read_allowance(plans: Sequence[PairPlan], jobs: Sequence[Job]) -> PullAllowance | None:
    """What Docker Hub has left, when images are to be copied from there."""
    for plan, job in zip(plans, jobs, strict=True):
        if plan.pair.source_registry == DOCKER_HUB and plan.to_copy:
            return job.stores.source.read_allowance()
    return None


def pulls_needed(plans: Sequence[PairPlan], journal: Journal) -> int:
    """Manifests that are not kept yet, an index's own too, as far as the listings tell."""
    wanted: set[str] = set()
    for plan in plans:
        for step in plan.to_copy:
            wanted |= {step.digest, *step.children} if step.digest else set()
    return sum(journal.recall(Digest(digest)) is None for digest in wanted)


def pull_sentence(budget: PullBudget) -> str:
    """The budget in words; signatures that are found on the way come on top."""
    left = budget.allowance
    if left is None:
        return tr("pulls: at least {needed} needed; no limit seen", needed=budget.needed)
    sentence = tr(
        "pulls: at least {needed} needed, {left} of {limit} left",
        needed=budget.needed,
        left=left.remaining,
        limit=left.limit,
    )
    if budget.fits:
        return sentence
    windows = tr(
        "; this takes {windows} windows of {hours} h: the same command goes on each time",
        windows=budget.windows,
        hours=left.window_s // 3600,
    )
    return sentence + windows
