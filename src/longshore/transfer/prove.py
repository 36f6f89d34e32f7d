"""Read what `verify.py` judges: digests, closures, referrers, and an actual pull. I/O.

Spends no pull at the source: manifests come from the journal or, checked by digest, from the
target. (Reading a manifest at ECR renews its last pull time.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Literal

from longshore.errors import RegistryError
from longshore.events import Event, StepDone
from longshore.oci.digest import Digest
from longshore.oci.manifest import Manifest
from longshore.text import tr
from longshore.transfer.carry import Carrier, Stores
from longshore.transfer.journal import Journal
from longshore.transfer.narrow import narrow
from longshore.transfer.plan import Pair, PairPlan, TagStep
from longshore.transfer.verify import ClosureSeen, Item, judge, sample, tags_to_prove

PullTest = Literal["none", "sample", "all"]


@dataclass(frozen=True)
class ProveOptions:
    """How thorough: `pull` reads whole images from the target."""

    pull: PullTest = "sample"
    jobs: int = 16


class Proof:
    """One verification. Iterate `events()` to its end, then read `items`."""

    def __init__(
        self,
        plans: Sequence[PairPlan],
        stores: Mapping[Pair, Stores],
        journal: Journal,
        carrier: Carrier,
        options: ProveOptions,
    ) -> None:
        self._plans = plans
        self._stores = stores
        self._journal = journal
        self._carrier = carrier
        self._options = options
        self.items: list[Item] = []

    def events(self) -> Iterator[Event]:
        """Prove tag after tag."""
        with ThreadPoolExecutor(self._options.jobs, thread_name_prefix="longshore-verify") as pool:
            for plan in self._plans:
                steps = tags_to_prove(plan)
                tested = sample(steps) if self._options.pull == "sample" else None
                tasks = [
                    pool.submit(
                        self._prove, plan, step, self._options.pull == "all" or step is tested
                    )
                    for step in steps
                ]
                found = [task.result() for task in as_completed(tasks)]
                found.sort(key=lambda item: item.target)
                self.items += found
                equal = sum(item.status == "equal" for item in found)
                yield StepDone(
                    tr("verify"),
                    plan.pair.target,
                    tr("{equal} of {all} tags equal", equal=equal, all=len(found)),
                )

    def _prove(self, plan: PairPlan, step: TagStep, pull: bool) -> Item:
        stores = self._stores[plan.pair]
        expected = step.digest or _resolved(stores.source.resolve(step.source_tag))
        found = plan.view.tags.get(step.target_tag)
        if found is None:
            found = _resolved(stores.target.resolve(step.target_tag))
        if expected is not None and plan.pair.platforms:
            expected = narrow(self._source_bytes(stores, expected), plan.pair.platforms).digest
        if expected is None or found != expected:
            return judge(step, expected, found, ClosureSeen())
        seen = self._closure(plan, stores, expected, pull)
        return judge(step, expected, found, seen)

    def _source_bytes(self, stores: Stores, digest: Digest) -> Manifest:
        return self._journal.recall(digest) or stores.source.fetch_manifest(digest)

    def _closure(self, plan: PairPlan, stores: Stores, root: Digest, pull: bool) -> ClosureSeen:
        """Walk from the root over children and referrers, and ask the target for each part."""
        seen = ClosureSeen()
        todo: list[tuple[Digest, bool]] = [(root, False)]
        known: set[Digest] = set()
        pulled = not pull
        while todo:
            digest, is_referrer = todo.pop(0)
            if digest in known:
                continue
            known.add(digest)
            manifest = self._target_bytes(plan, stores, digest)
            if manifest is None:
                seen = replace(seen, absent=(*seen.absent, digest))
                continue
            missing = stores.target.missing_blobs([blob.digest for blob in manifest.blobs])
            seen = replace(
                seen,
                manifests=seen.manifests + 1,
                blobs=seen.blobs + len(manifest.blobs),
                referrers=seen.referrers + is_referrer,
                absent=(*seen.absent, *sorted(missing)),
            )
            if not pulled and not manifest.is_index and not missing:
                pulled = True
                seen = replace(seen, pulled_bytes=self._pull(stores, manifest))
            todo += [(child.digest, False) for child in manifest.children]
            if plan.referrers:
                found = stores.source.list_referrers(digest, by_tag=False)
                todo += [(referrer.digest, True) for referrer in found]
        return seen

    def _target_bytes(self, plan: PairPlan, stores: Stores, digest: Digest) -> Manifest | None:
        """The manifest's bytes if the target holds it."""
        kept = self._journal.recall(digest)
        held = plan.view.digests
        try:
            if kept is None:
                return stores.target.fetch_manifest(digest)
            if held is not None:
                return kept if digest in held else None
            return kept if stores.target.resolve(digest) is not None else None
        except RegistryError as error:
            if error.status == 404:
                return None
            raise

    def _pull(self, stores: Stores, manifest: Manifest) -> int:
        """Read the whole image from the target, hashing every blob. Raises ContentError."""
        fetched = stores.target.fetch_manifest(manifest.digest)
        size = len(fetched.content)
        for blob in fetched.blobs:
            for piece in self._carrier.content_of(blob, stores.target)():
                size += len(piece)
        return size


def _resolved(found: object) -> Digest | None:
    digest = getattr(found, "digest", None)
    return Digest(digest) if digest else None
