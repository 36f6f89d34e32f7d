"""The order of a copy: outcomes in, steps out, nothing done here. Pure.

Rules, each held by a test:

* A manifest is written after its blobs and children; a referrer after its subject.
* A tag is written last: after its manifest's whole closure, its referrers and its companions
  (cosign-scheme tags), so that no reader ever sees a half image under a name.
* Where nothing has to come between, the manifest is written together with its first tag.
* Where a plan says so, images are written oldest first, one after the other; their blobs are not
  held back.
* Each manifest is fetched once and each blob copied once per repository; other repositories of the
  same registry mount it (`logistics.py`).
* One image's failure fails what needs it and nothing else. A pull limit parks what is still to be
  read and lets everything else finish. A wrong login ends the run.

    start() -> Turn            the first steps
    handle(outcome) -> Turn    what follows from an outcome

It stands in one file because tags, manifests and blobs call each other all the way round; what
could be taken apart is: who waits for whom in `waiting.py`, blobs in `logistics.py`, what is kept
of each in `nodes.py`, counts and events in `tally.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from longshore.errors import (
    InterruptedByUser,
    LimitError,
    LoginError,
    LongshoreError,
    RefusedError,
    RegistryError,
)
from longshore.events import TagDone
from longshore.oci.digest import Digest
from longshore.oci.manifest import Descriptor, Manifest
from longshore.text import tr
from longshore.transfer import steps as st
from longshore.transfer.logistics import Logistics, blob_key
from longshore.transfer.nodes import ManifestNode, TagNode, Turn
from longshore.transfer.plan import Action, Pair, PairPlan, TagStep
from longshore.transfer.tally import Tally, Totals
from longshore.transfer.waiting import Key, Ledger

MAX_ATTEMPTS = 3


class Schedule:
    """One copy of many images, as a state machine without clock, thread or socket."""

    def __init__(self, plans: Sequence[PairPlan]) -> None:
        self._plans = {plan.pair: plan for plan in plans}
        self._ledger = Ledger()
        self._logistics = Logistics()
        self._nodes: dict[Key, ManifestNode] = {}
        self._tags: dict[Key, TagNode] = {}
        self._before: dict[Key, Key] = {}
        self._by_source: dict[tuple[Pair, str], list[Key]] = {}
        self._by_stored: dict[tuple[Pair, Digest], list[ManifestNode]] = {}
        self._tally = Tally()
        self._steps: list[st.Step] = []
        self._outstanding = 0
        self.parked: list[st.FetchManifest] = []
        self.limit: LimitError | None = None
        self.fatal: LongshoreError | None = None
        self.errors: list[LongshoreError] = []

    # -- the door -------------------------------------------------------------------------------

    def start(self) -> Turn:
        """The first steps."""
        for plan in self._plans.values():
            for step in self._in_order(plan):
                self._add_tag(step)
        self._when_idle()
        return self._take()

    def handle(self, outcome: st.Outcome) -> Turn:
        """What follows from an outcome."""
        self._outstanding -= 1
        match outcome:
            case st.Failed(step, error):
                self._on_failed(step, error)
            case st.Fetched(st.FetchManifest() as step, manifest):
                self._on_fetched(step, manifest)
            case st.Peeked(st.PeekManifest() as step, manifest):
                self._on_peeked(step, manifest)
            case st.Found(st.FindManifest() as step, present):
                self._on_found(step, present)
            case st.ReferrersFound(st.FindReferrers() as step, referrers, companions):
                self._on_companions(step, companions)
                self._on_referrers(step, referrers)
            case st.Checked(st.CheckBlobs() as step, missing):
                self._on_checked(step, missing)
            case st.Mounted(st.MountBlob() as step, mounted):
                self._on_mounted(step, mounted)
            case st.Done(st.CopyBlob() as step, how):
                self._blob_there(step.pair, step.blob, how)
            case st.Done(st.PutManifest() as step):
                self._on_put(step)
        self._when_idle()
        return self._take()

    def _when_idle(self) -> None:
        """Nothing moves: copy what waits for a mount in vain, then companions that nobody needs."""
        if self._outstanding or self.fatal is not None or self.limit is not None:
            return
        steps = self._logistics.break_deadlock()
        if steps:
            self._emit(*steps)
            return
        for plan in self._plans.values():
            if plan.orphans:
                for step in (step for found in plan.companions.values() for step in found):
                    self._add_tag(step)

    @property
    def done(self) -> bool:
        """Whether no step is under way."""
        return self._outstanding == 0

    def totals(self) -> Totals:
        """Counts so far."""
        return self._tally.totals()

    @property
    def failures(self) -> list[TagDone]:
        """The tags that failed, with the reason."""
        return self._tally.failures

    def finish(self) -> Turn:
        """After the last step: name the tags that a limit or an end left undone."""
        for tag in self._tags.values():
            if not tag.outcome:
                reason = tr("left for the next run")
                if self.limit is not None:
                    reason = tr("the pull limit was reached first")
                self._close(tag, "left", reason)
        for plan in self._plans.values():
            for found in plan.companions.values():
                for step in found:
                    if ("tag", step.pair, step.target_tag) not in self._tags:
                        reason = tr("belongs to an image that is not copied")
                        self._tally.tag(replace(step, reason=reason), "skipped", reason)
        return self._take()

    # -- order ----------------------------------------------------------------------------------

    def _in_order(self, plan: PairPlan) -> list[TagStep]:
        """The steps, oldest first; where order matters each image waits for the one before it."""
        if not plan.in_order:
            return list(plan.steps)
        dated = [step for step in plan.steps if step.pushed_at and step.action == "copy"]
        dated.sort(key=lambda step: (step.pushed_at, step.source_tag))
        for before, after in pairwise(dated):
            key: Key = ("tag", after.pair, after.target_tag)
            self._before[key] = ("tag", before.pair, before.target_tag)
        return dated + [step for step in plan.steps if step not in dated]

    def _wait_for_turn(self, tag: TagNode, node: ManifestNode) -> None:
        before = self._before.get(tag.key)
        if before is not None and not node.present:
            self._ledger.wait(tag.key, [("turn", before)])

    def _has_turn(self, node: ManifestNode) -> bool:
        """Whether one of the tags that point to the manifest has its turn, or none does."""
        own = [key for key in node.roots if key in self._tags and self._tags[key].root == node.key]
        turns = [("turn", self._before[key]) for key in own if key in self._before]
        return len(turns) < len(own) or not own or any(t in self._ledger.finished for t in turns)

    # -- tags -----------------------------------------------------------------------------------

    def _add_tag(self, step: TagStep, there: Digest | None = None) -> Key:
        key: Key = ("tag", step.pair, step.target_tag)
        if key in self._tags:
            return key
        there = there or self._plans[step.pair].view.tags.get(step.target_tag)
        tag = self._tags[key] = TagNode(step, key, there)
        self._by_source.setdefault((step.pair, step.source_tag), []).append(key)
        if step.action == "skip":
            self._close(tag, "skipped", step.reason)
        elif step.digest is None:
            self._ledger.wait(key, [("fetch", key)])
            self._emit(st.FetchManifest(step.pair, None, step.source_tag))
        else:
            self._root(tag, self._want(step.pair, step.digest, [key], step.source_tag))
        return key

    def _root(self, tag: TagNode, node: ManifestNode) -> None:
        tag.root = node.key
        self._wait_for_turn(tag, node)
        self._check_tag(tag)

    def _companions(self, node: ManifestNode, tags: Iterable[Key]) -> None:
        plan = self._plans[node.pair]
        for step in plan.companions.get(node.digest.partition(":")[2], ()):
            self._goes_before(self._add_tag(step), tags)

    def _goes_before(self, companion: Key, tags: Iterable[Key]) -> None:
        for key in tags:
            if key != companion and not self._depends(companion, key):
                self._ledger.wait(key, [companion])
                if companion in self._ledger.failed:
                    self._fail_tag(self._tags[key], self._ledger.failed[companion])

    def _depends(self, waiter: Key, key: Key) -> bool:
        """Whether `waiter` waits for `key`, so that the other way round would never end."""
        seen, todo = set(), [waiter]
        while todo:
            for found in self._ledger.waits_of(todo.pop()):
                if found == key:
                    return True
                if found not in seen:
                    seen.add(found)
                    todo.append(found)
        return False

    def _check_tag(self, tag: TagNode) -> None:
        """Write the tag if all that it waits for is there."""
        if tag.outcome or tag.put_pending or tag.root is None:
            return
        node = self._nodes[tag.root]
        waits = self._ledger.waits_of(tag.key)
        if not waits and node.present:
            self._write_tag(tag, node)
        elif node.ready:
            self._offer(node)

    def _write_tag(self, tag: TagNode, node: ManifestNode) -> None:
        if tag.there == node.stored:
            self._close(tag, "unchanged", tr("the target's tag has the same digest"))
        elif not node.readable:
            if node.reading:
                return
            node.reading = True
            self._emit(st.FetchManifest(node.pair, node.digest, tag.step.source_tag, "target"))
        else:
            tag.put_pending = True
            self._emit(st.PutManifest(node.pair, node.stored, tag.step.target_tag))

    def _close(self, tag: TagNode, outcome: str, reason: str = "") -> None:
        if tag.outcome:
            return
        tag.outcome = outcome
        node = self._nodes.get(tag.root) if tag.root else None
        self._tally.tag(tag.step, outcome, reason, node.stored if node else tag.step.digest or "")
        if outcome == "failed":
            for waiter in self._ledger.fail(tag.key, reason):
                self._fail_key(waiter, reason)
        else:
            self._release(self._ledger.finish(tag.key))
        if outcome != "left":
            self._release(self._ledger.finish(("turn", tag.key)))

    def _fail_tag(self, tag: TagNode, reason: str) -> None:
        self._close(tag, "failed", reason)

    # -- manifests ------------------------------------------------------------------------------

    def _want(
        self,
        pair: Pair,
        digest: Digest,
        tags: Iterable[Key],
        source_tag: str | None = None,
        *,
        there: bool = False,
        attests: bool = False,
    ) -> ManifestNode:
        """The node of a manifest, made and set going if it is new; `tags` wait for it.

        `there` says that the target holds it, for a child of something that the target holds;
        `attests` that it is an attestation inside an index, which nobody signs.
        """
        key: Key = ("manifest", pair, digest)
        node = self._nodes.get(key)
        if node is not None:
            self._adopt(node, tags)
            return node
        node = self._new_node(pair, digest)
        node.is_attestation = attests
        self._adopt(node, tags)
        if there or self._plans[pair].view.has(digest):
            self._already_there(node)
        elif self._plans[pair].view.has(digest) is None:
            self._emit(st.FindManifest(pair, digest))
        else:
            self._emit(st.FetchManifest(pair, digest, source_tag))
        return node

    def _new_node(self, pair: Pair, digest: Digest) -> ManifestNode:
        key: Key = ("manifest", pair, digest)
        node = self._nodes[key] = ManifestNode(pair, digest, key, digest)
        self._by_stored.setdefault((pair, digest), []).append(node)
        return node

    def _adopt(self, node: ManifestNode, tags: Iterable[Key]) -> None:
        """Make tags wait for a node and for all that is known to belong to it."""
        new = [key for key in tags if key not in node.roots]
        if not new:
            return
        node.roots.update(dict.fromkeys(new))
        for key in new:
            self._ledger.wait(key, [node.key, ("referrers", node.key)])
            reason = self._ledger.failed.get(node.key)
            if reason is not None and key in self._tags:
                self._fail_tag(self._tags[key], reason)
        for child in node.children:
            self._adopt(self._nodes[child], new)
        if self._keeps_digest(node):
            self._companions(node, new)
        self._wake(node.key)

    def _keeps_digest(self, node: ManifestNode) -> bool:
        """Whether the image is known to arrive under its own digest, so that signatures fit it."""
        known = node.present or node.readable or not node.pair.platforms
        return known and node.stored == node.digest

    def _already_there(self, node: ManifestNode) -> None:
        node.present = True
        if node.pair.platforms:
            self._companions(node, list(node.roots))
        self._look_for_referrers(node)
        if self._with_referrers(node):
            self._ledger.wait(("referrers", node.key), [("peek", node.key)])
            self._emit(st.PeekManifest(node.pair, node.digest))
        self._release(self._ledger.finish(node.key))

    def _with_referrers(self, node: ManifestNode) -> bool:
        return self._plans[node.pair].referrers and not node.is_attestation

    def _look_for_referrers(self, node: ManifestNode) -> None:
        if self._with_referrers(node):
            self._ledger.wait(("referrers", node.key), [("find", node.key)])
            by_name = self._plans[node.pair].companions_to_ask(node.digest)
            self._emit(st.FindReferrers(node.pair, node.digest, by_name))
        else:
            self._release(self._ledger.finish(("referrers", node.key)))

    def _on_found(self, step: st.FindManifest, present: bool) -> None:
        node = self._nodes["manifest", step.pair, step.digest]
        if present:
            self._already_there(node)
        else:
            self._emit(st.FetchManifest(step.pair, step.digest))

    def _on_fetched(self, step: st.FetchManifest, manifest: Manifest) -> None:
        if step.digest is None:
            self._on_fetched_by_tag(step, manifest)
            return
        node = self._nodes["manifest", step.pair, step.digest]
        if node.present:
            node.readable = True
            for key in list(node.roots):
                if key in self._tags and self._tags[key].root == node.key:
                    self._check_tag(self._tags[key])
            return
        self._learn(node, manifest)

    def _on_fetched_by_tag(self, step: st.FetchManifest, manifest: Manifest) -> None:
        for tag in self._asking(step):
            node = self._nodes.get(("manifest", step.pair, manifest.digest))
            if node is None:
                node = self._new_node(step.pair, manifest.digest)
                self._adopt(node, [tag.key])
                self._learn(node, manifest)
            else:
                self._adopt(node, [tag.key])
            self._ledger.forget(("fetch", tag.key))
            self._root(tag, node)

    def _asking(self, step: st.FetchManifest) -> list[TagNode]:
        """The tags that wait for this manifest by their name."""
        keys = self._by_source.get((step.pair, step.tag or ""), [])
        waiting = [key for key in keys if ("fetch", key) in self._ledger.waits_of(key)]
        return [self._tags[key] for key in waiting]

    def _learn(self, node: ManifestNode, manifest: Manifest) -> None:
        """The manifest is known: want what it refers to."""
        node.stored, node.readable = manifest.digest, True
        if node.stored != node.digest:
            self._by_stored.setdefault((node.pair, node.stored), []).append(node)
        elif node.pair.platforms:
            self._companions(node, list(node.roots))
        if self._plans[node.pair].view.has(manifest.digest):
            node.present = True
            self._want_children(node, manifest)
            if self._keeps_digest(node):
                self._look_for_referrers(node)
            else:
                self._release(self._ledger.finish(("referrers", node.key)))
            self._release(self._ledger.finish(node.key))
            return
        self._want_children(node, manifest)
        self._want_blobs(node, manifest.blobs)
        self._look_after_subject(node)
        if node.stored == node.digest:
            self._ledger.wait(node.key, [("referrers", node.key)])
            self._look_for_referrers(node)
        else:
            self._release(self._ledger.finish(("referrers", node.key)))
        self._check_node(node)

    def _look_after_subject(self, node: ManifestNode) -> None:
        if node.subject_key is not None:
            self._ledger.wait(node.key, [node.subject_key])
            self._wake(node.subject_key)

    def _want_children(self, node: ManifestNode, manifest: Manifest) -> None:
        for child in manifest.children:
            found = self._want(node.pair, child.digest, node.roots, attests=child.is_attestation)
            node.children.append(found.key)
            if not node.present:
                self._ledger.wait(node.key, [found.key])
                self._wake(found.key)
                if found.key in self._ledger.failed:
                    self._fail_key(node.key, self._ledger.failed[found.key])

    def _on_peeked(self, step: st.PeekManifest, manifest: Manifest | None) -> None:
        node = self._nodes["manifest", step.pair, step.digest]
        if manifest is not None:
            node.readable = True
            for child in manifest.children:
                if not child.is_attestation:
                    found = self._want(node.pair, child.digest, node.roots, there=True)
                    node.children.append(found.key)
        self._release(self._ledger.finish(("peek", node.key)))

    def _on_companions(self, step: st.FindReferrers, found: Sequence[st.Companion]) -> None:
        node = self._nodes["manifest", step.pair, step.digest]
        for one in found:
            action: Action = "unchanged" if one.there == one.digest else "copy"
            reason = tr("belongs to {digest}", digest=step.digest)
            wanted = TagStep(step.pair, one.tag, one.tag, action, one.digest, reason)
            self._goes_before(self._add_tag(wanted, one.there), list(node.roots))

    def _on_referrers(self, step: st.FindReferrers, referrers: Sequence[Descriptor]) -> None:
        node = self._nodes["manifest", step.pair, step.digest]
        for referrer in referrers:
            if ("manifest", step.pair, referrer.digest) == node.key:
                continue
            subject = None if node.present else node.key
            self._want_referrer(node, referrer.digest, subject)
        self._release(self._ledger.finish(("find", node.key)))

    def _want_referrer(self, node: ManifestNode, digest: Digest, subject: Key | None) -> None:
        key: Key = ("manifest", node.pair, digest)
        known = key in self._nodes
        found = self._want(node.pair, digest, node.roots)
        node.children.append(found.key)
        if not known and not found.present:
            found.subject_key = subject

    def _check_node(self, node: ManifestNode) -> None:
        """Write the manifest if all that it refers to is there."""
        failed = node.key in self._ledger.failed
        if failed or node.present or not node.readable or self._ledger.is_waiting(node.key):
            return
        node.ready = True
        self._offer(node)

    def _offer(self, node: ManifestNode) -> None:
        """Write a ready manifest: for whoever needs it by digest, else with its first free tag."""
        if node.put_pending or node.present:
            return
        free: TagNode | None = None
        waiters = self._ledger.waiters_of(node.key)
        for waiter in waiters:
            tag = self._tags.get(waiter)
            if tag is None and self._refers_to(waiter, node) and not self._has_turn(node):
                continue
            if tag is None or tag.root not in (None, node.key):
                node.put_pending = True
                self._emit(st.PutManifest(node.pair, node.stored))
                return
            if tag.root == node.key and self._ledger.waits_of(waiter) <= {node.key}:
                free = free or (None if tag.outcome else tag)
        if free is not None:
            node.put_pending = free.put_pending = True
            self._emit(st.PutManifest(node.pair, node.stored, free.step.target_tag))

    def _refers_to(self, waiter: Key, node: ManifestNode) -> bool:
        found = self._nodes.get(waiter)
        return found is not None and found.subject_key == node.key

    def _wake(self, key: Key) -> None:
        node = self._nodes.get(key)
        if node is not None and node.ready:
            self._offer(node)

    def _on_put(self, step: st.PutManifest) -> None:
        tag = self._tags.get(("tag", step.pair, step.tag)) if step.tag else None
        for node in self._stored_as(step):
            if not node.present:
                self._tally.manifest()
                node.present, node.put_pending = True, False
                self._emit(*self._logistics.committed(node.pair, node.blobs))
                self._release(self._ledger.finish(node.key))
        if tag is not None:
            self._close(tag, "copied")

    def _stored_as(self, step: st.PutManifest) -> list[ManifestNode]:
        found = self._by_stored.get((step.pair, step.digest), ())
        return [node for node in found if node.stored == step.digest]

    # -- blobs ----------------------------------------------------------------------------------

    def _want_blobs(self, node: ManifestNode, blobs: Sequence[Descriptor]) -> None:
        fresh = self._plans[node.pair].view.fresh
        unknown: list[Digest] = []
        node.blobs = [blob.digest for blob in blobs]
        for blob in blobs:
            key = blob_key(node.pair, blob.digest)
            new = self._logistics.expect(node.pair, blob)
            self._ledger.wait(node.key, [key])
            if key in self._ledger.failed:
                self._fail_key(node.key, self._ledger.failed[key])
            elif new:
                self._tally.expect(blob)
                if fresh:
                    self._emit(*self._logistics.obtain(node.pair, blob.digest))
                else:
                    unknown.append(blob.digest)
        if unknown:
            self._emit(st.CheckBlobs(node.pair, tuple(unknown)))

    def _on_checked(self, step: st.CheckBlobs, missing: frozenset[Digest]) -> None:
        for digest in step.digests:
            if digest in missing:
                self._emit(*self._logistics.obtain(step.pair, digest))
            else:
                load = self._logistics.loads[blob_key(step.pair, digest)]
                self._blob_there(step.pair, load.blob, "existing")

    def _on_mounted(self, step: st.MountBlob, mounted: bool) -> None:
        if mounted:
            self._blob_there(step.pair, step.blob, "mounted")
        else:
            self._emit(*self._logistics.refused(step.pair, step.blob.digest))

    def _blob_there(self, pair: Pair, blob: Descriptor, how: str) -> None:
        self._tally.blob(pair, blob, how)
        self._emit(*self._logistics.arrived(pair, blob.digest))
        self._release(self._ledger.finish(blob_key(pair, blob.digest)))

    # -- failures -------------------------------------------------------------------------------

    def _on_failed(self, step: st.Step, error: LongshoreError) -> None:
        if isinstance(error, LoginError | RefusedError | InterruptedByUser):
            self.fatal = self.fatal or error
        elif isinstance(error, LimitError):
            self.limit = self.limit or error
            if isinstance(step, st.FetchManifest):
                self.parked.append(step)
        elif isinstance(error, RegistryError) and error.temporary and step.attempt < MAX_ATTEMPTS:
            self._emit(replace(step, attempt=step.attempt + 1))
        else:
            self.errors.append(error)
            self._give_up(step, error)

    def _give_up(self, step: st.Step, error: LongshoreError) -> None:
        reason = str(error)
        match step:
            case st.PutManifest(tag=str() as name):
                self._put_refused(self._tags["tag", step.pair, name], step, reason)
            case st.PutManifest(digest=digest):
                for node in self._stored_as(step):
                    self._fail_key(node.key, reason)
            case st.FetchManifest(digest=None):
                for tag in self._asking(step):
                    self._fail_tag(tag, reason)
            case st.FetchManifest(digest=str() as digest):
                self._fetch_failed(step, Digest(digest), error)
            case st.FindReferrers(digest=digest) | st.FindManifest(digest=digest):
                self._fail_key(("manifest", step.pair, digest), reason)
            case st.CheckBlobs(digests=digests):
                for digest in digests:
                    self._fail_key(blob_key(step.pair, digest), reason)
            case st.MountBlob(blob=blob):
                self._emit(*self._logistics.refused(step.pair, blob.digest))
            case st.CopyBlob(blob=blob):
                self._fail_key(blob_key(step.pair, blob.digest), reason)
                self._emit(*self._logistics.lost(step.pair, blob.digest))
            case _:
                raise AssertionError(f"no way to give up {step}")

    def _fetch_failed(self, step: st.FetchManifest, digest: Digest, error: LongshoreError) -> None:
        """A listing may be stale: ask once more by tag. Else it is a failure."""
        node = self._nodes["manifest", step.pair, digest]
        gone = isinstance(error, RegistryError) and error.status == 404
        stale = gone and step.side == "source" and step.tag
        roots = [self._tags[key] for key in node.roots if key in self._tags]
        if not stale or any(tag.root not in (None, node.key) for tag in roots):
            self._fail_key(node.key, str(error))
            return
        del self._nodes[node.key]
        for key in (node.key, ("referrers", node.key)):
            self._ledger.forget(key)
        for tag in roots:
            tag.step, tag.root = replace(tag.step, digest=None), None
            self._ledger.wait(tag.key, [("fetch", tag.key)])
            self._emit(st.FetchManifest(step.pair, None, tag.step.source_tag))

    def _put_refused(self, tag: TagNode, step: st.PutManifest, reason: str) -> None:
        self._fail_tag(tag, reason)
        for node in self._stored_as(step):
            if not node.present:
                node.put_pending = False
                self._offer(node)

    def _fail_key(self, key: Key, reason: str) -> None:
        if key in self._tags:
            self._fail_tag(self._tags[key], reason)
            return
        waiters = self._ledger.fail(key, reason)
        node = self._nodes.get(key)
        if node is not None:
            for tag in list(node.roots):
                if tag in self._tags:
                    self._fail_tag(self._tags[tag], reason)
        for waiter in waiters:
            self._fail_key(waiter, reason)

    # -- the turn -------------------------------------------------------------------------------

    def _release(self, freed: Sequence[Key]) -> None:
        for key in freed:
            if key in self._tags:
                self._check_tag(self._tags[key])
            elif key in self._nodes:
                self._check_node(self._nodes[key])
            elif key[0] == "referrers" and not self._ledger.is_waiting(key):
                self._release(self._ledger.finish(key))

    def _emit(self, *steps: st.Step) -> None:
        self._steps.extend(steps)
        self._outstanding += len(steps)

    def _take(self) -> Turn:
        steps, self._steps = self._steps, []
        if self.fatal is not None:
            self._outstanding -= len(steps)
            steps = []
        return Turn(steps, self._tally.take())
