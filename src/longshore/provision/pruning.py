"""Carries out a prune: looks again, writes down, deletes, says what came of it. I/O.

A hundred tags at a time. Each image is read again right before ECR is asked; one that has changed
since the plan stays. From an image that stays, a tag is taken by its name alone: that is the one
way of which ECR's documents say that the image stays. An image that goes, goes by digest and tag
together, so that a tag that moves in the last moment is refused (ImageTagDoesNotMatchDigest); what
ECR does with the rest of an image that is named by both is not documented, and here nothing is to
be left of it. What is to be deleted stands in the record first, with its manifest.

After a kill the same command plans anew from what is there; what the record leaves open is settled
first. Nothing is printed; events are yielded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from longshore.errors import AwsError
from longshore.events import Event, Notice, StepDone, StepStarted
from longshore.facts import ImageSeen, ManifestSeen
from longshore.oci.digest import digest_of
from longshore.policy.lifecycle.pruning import PrunePlan, PruneStep
from longshore.policy.lifecycle.words import short
from longshore.provision.prune_journal import Outcome, PruneRecord, Removal
from longshore.remote.ecr import Ecr
from longshore.text import tr

BATCH = 100
_CHANGED = {"ImageReferencedByManifestList", "ImageTagDoesNotMatchDigest", "ImageNotFound"}


class PruneRun:
    """One prune of one repository; `run` names it in the record. `outcomes` grow as it goes."""

    def __init__(
        self, plan: PrunePlan, repository: str, ecr: Ecr, record: PruneRecord, run: str
    ) -> None:
        self.outcomes: list[Outcome] = []
        self.stopped = False
        self._plan = plan
        self._name = repository
        self._ecr = ecr
        self._record = record
        self._run = run
        self._stayed: set[str] = set()

    def interrupt(self) -> None:
        """Stop after the batch that is under way."""
        self.stopped = True

    def events(self) -> Iterator[Event]:
        """Carry the plan out. Raises AwsError, LoginError, LimitError or FileError; what was done
        until then is in `outcomes`, and the same plan made anew has the rest."""
        yield from settle_earlier(self._name, self._ecr, self._record)
        for batch in batches(self._plan.steps):
            if self.stopped:
                return
            yield StepStarted(tr("prune"), self._name)
            for outcome in self._delete(batch):
                yield _event(self._name, outcome)

    def _delete(self, batch: Sequence[PruneStep]) -> list[Outcome]:
        seen = read_images(self._ecr, self._name, [step.digest for step in batch])
        found: list[Outcome] = []
        todo: list[PruneStep] = []
        for step in batch:
            if why := self._why_not(step, seen.get(step.digest)):
                found.append(_left(step, why))
            else:
                todo.append(step)
        manifests = self._manifests(todo)
        for step in [one for one in todo if one.deletes_image and one.digest not in manifests]:
            todo.remove(step)
            found.append(_left(step, tr("its manifest could not be read, so it could not be kept")))
        if todo:
            found += self._ask(todo, manifests)
        self._stayed |= {one.digest for one in found if not one.deleted}
        self.outcomes += found
        return found

    def _ask(
        self, steps: Sequence[PruneStep], manifests: Mapping[str, ManifestSeen]
    ) -> list[Outcome]:
        """Write down, delete, write down what came of it."""
        removals = [_removal(step, manifests.get(step.digest)) for step in steps]
        self._record.intend(self._run, removals)
        staying = [tag for step in steps if not step.deletes_image for tag in step.tags]
        pairs = [(step.digest, tag) for step in steps if step.deletes_image for tag in step.tags]
        failed = dict(self._ecr.batch_delete_image(self._name, tags=staying, pairs=pairs))
        failed = {tag: code for tag, code in failed.items() if not self._is_gone(tag, code)}
        found = [_outcome(step, failed) for step in steps]
        self._record.settle(self._run, found)
        return found

    def _is_gone(self, tag: str, code: str) -> bool:
        """Whether a tag that could not be removed is not there: a request sent twice looks so."""
        if code not in ("ImageNotFound", "ImageTagDoesNotMatchDigest"):
            return False
        try:
            return not self._ecr.describe_images(self._name, tags=[tag])
        except AwsError as error:
            if error.code != "image-not-found":
                raise
        return True

    def _why_not(self, step: PruneStep, seen: ImageSeen | None) -> str:
        """Why a step is not done after all; empty when nothing speaks against it."""
        if seen is None:
            return tr("the image is gone already")
        if moved := sorted(set(step.tags) - set(seen.tags)):
            return tr("{tag} is not on this image any more", tag=moved[0])
        if new := sorted(set(seen.tags) - set(step.image.tags)):
            return tr("it got the tag {tag} meanwhile", tag=new[0])
        if set(step.image.tags) - set(seen.tags):
            return tr("it lost another tag meanwhile")
        if seen.status != "ACTIVE":
            return tr("it was archived meanwhile")
        if any(digest in self._stayed for digest in step.behind):
            return tr("an index that names it stays")
        return ""

    def _manifests(self, steps: Sequence[PruneStep]) -> dict[str, ManifestSeen]:
        """The manifests of the images that go, as far as they are what their digests say."""
        going = [step.digest for step in steps if step.deletes_image]
        if not going:
            return {}
        found = self._ecr.batch_get_image(self._name, going)
        return {one.digest: one for one in found if digest_of(one.content) == one.digest}


def batches(steps: Sequence[PruneStep]) -> Iterator[list[PruneStep]]:
    """At most a hundred tags; what an index names comes in a later batch than the index."""
    batch: list[PruneStep] = []
    tags = 0
    for step in steps:
        here = {one.digest for one in batch}
        if batch and (tags + len(step.tags) > BATCH or here & set(step.behind)):
            yield batch
            batch, tags = [], 0
        batch.append(step)
        tags += len(step.tags)
    if batch:
        yield batch


def settle_earlier(name: str, ecr: Ecr, record: PruneRecord) -> Iterator[Event]:
    """Find out what became of the removals that an interrupted run had begun."""
    unsettled = record.unsettled()
    if not unsettled:
        return
    yield Notice(
        tr("an earlier prune of {name} was stopped; looking at what it did", name=name), "warning"
    )
    seen = read_images(ecr, name, [digest for _, digest in unsettled])
    for (run, digest), removal in unsettled.items():
        outcome = _found_after(removal, seen.get(digest))
        record.settle(run, [outcome])
        if outcome.removed:
            yield _event(name, outcome)


def read_images(ecr: Ecr, name: str, digests: Sequence[str]) -> dict[str, ImageSeen]:
    """Those of the images that are there, archived ones too."""
    found: dict[str, ImageSeen] = {}
    for start in range(0, len(digests), BATCH):
        batch = digests[start : start + BATCH]
        for one in _described(ecr, name, batch):
            found[one.digest] = one
    return found


def _described(ecr: Ecr, name: str, digests: Sequence[str]) -> list[ImageSeen]:
    """ECR answers for all that are named or for none; then the batch is halved."""
    try:
        return ecr.describe_images(name, digests=digests)
    except AwsError as error:
        if error.code != "image-not-found":
            raise
    if len(digests) == 1:
        return []
    half = len(digests) // 2
    return _described(ecr, name, digests[:half]) + _described(ecr, name, digests[half:])


def _removal(step: PruneStep, manifest: ManifestSeen | None) -> Removal:
    image = step.image
    return Removal(
        step.digest,
        step.tags,
        step.deletes_image,
        step.rule,
        step.reason,
        image.size,
        image.pushed_at.isoformat() if image.pushed_at else "",
        (manifest.media_type if manifest else "") or image.media_type,
        manifest.content.decode() if manifest else None,
    )


def _left(step: PruneStep, why: str) -> Outcome:
    return Outcome(step.digest, (), tuple((tag, why) for tag in step.tags))


def _outcome(step: PruneStep, failed: Mapping[str, str]) -> Outcome:
    left = tuple((tag, _failure(failed[tag])) for tag in step.tags if tag in failed)
    removed = tuple(tag for tag in step.tags if tag not in failed)
    return Outcome(
        step.digest,
        removed,
        left,
        deleted=step.deletes_image and not left,
        failed=any(failed[tag] not in _CHANGED for tag, _ in left),
    )


def _failure(code: str) -> str:
    match code:
        case "ImageReferencedByManifestList":
            return tr("an index names the image (ImageReferencedByManifestList)")
        case "ImageTagDoesNotMatchDigest":
            return tr("the tag moved to another image in the last moment")
        case _:
            return tr("ECR refused: {code}", code=code)


def _found_after(removal: Removal, seen: ImageSeen | None) -> Outcome:
    there = set(seen.tags) if seen else set()
    removed = tuple(tag for tag in removal.tags if tag not in there)
    left = tuple((tag, tr("the run was stopped")) for tag in removal.tags if tag in there)
    return Outcome(removal.digest, removed, left, deleted=seen is None, earlier=True)


def _event(name: str, outcome: Outcome) -> Event:
    tags = " ".join(outcome.removed)
    if outcome.left:
        tag, why = outcome.left[0]
        return StepDone(tr("left"), f"{name}:{tag}", why)
    if outcome.deleted:
        return StepDone(tr("deleted"), f"{name}@{short(outcome.digest)}", tags)
    return StepDone(tr("untagged"), f"{name}@{short(outcome.digest)}", tags)
