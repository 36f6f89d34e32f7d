"""A small world of images in memory: what a source holds, and a target that checks every write.

The target refuses what a real registry refuses (blobs or children missing) and, stricter than
any registry, a tag whose referrers and companions are not there yet.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from longshore.errors import ContentError, LimitError, LongshoreError, RegistryError
from longshore.oci.digest import Digest, digest_of
from longshore.oci.manifest import OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest, parse_manifest
from longshore.oci.store import TagSeen
from longshore.transfer import steps as st
from longshore.transfer.plan import Pair, companion_of

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def blob(name: str) -> dict:
    content = name.encode()
    return {"mediaType": LAYER, "digest": digest_of(content), "size": len(content)}


def image(
    *layers: str,
    subject: Manifest | None = None,
    note: str = "",
    config: str = "config",
) -> Manifest:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {**blob(config), "mediaType": CONFIG},
        "layers": [blob(layer) for layer in layers],
    }
    if subject is not None:
        document["subject"] = {
            "mediaType": subject.media_type,
            "digest": subject.digest,
            "size": len(subject.content),
        }
        document["artifactType"] = "application/vnd.example.signature"
    if note:
        document["annotations"] = {"note": note}
    return parse_manifest(json.dumps(document).encode(), OCI_MANIFEST)


def index(*children: Manifest, platforms: list[dict] | None = None, note: str = "") -> Manifest:
    entries = []
    for place, child in enumerate(children):
        entry = {
            "mediaType": child.media_type,
            "digest": child.digest,
            "size": len(child.content),
        }
        if platforms is not None and platforms[place]:
            entry |= platforms[place]
        entries.append(entry)
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    if note:
        document["annotations"] = {"note": note}
    return parse_manifest(json.dumps(document).encode(), OCI_INDEX)


@dataclass
class Holder:
    """One repository: manifests, blobs, tags."""

    manifests: dict[Digest, Manifest] = field(default_factory=dict)
    blobs: set[Digest] = field(default_factory=set)
    tags: dict[str, Digest] = field(default_factory=dict)

    def add(self, manifest: Manifest, *tags: str) -> Manifest:
        self.manifests[manifest.digest] = manifest
        self.blobs |= {b.digest for b in manifest.blobs}
        for tag in tags:
            self.tags[tag] = manifest.digest
        return manifest

    def referrers(self, digest: Digest) -> list[Descriptor]:
        return [
            m.descriptor
            for m in self.manifests.values()
            if m.subject is not None and m.subject.digest == digest
        ]

    def seen(self, digests: bool = True) -> list[TagSeen]:
        return [TagSeen(tag, digest if digests else None) for tag, digest in self.tags.items()]

    def closure(self, digest: Digest) -> set[Digest]:
        """The manifest, its children and all their referrers, transitively."""
        found: set[Digest] = set()
        todo = [digest]
        while todo:
            here = todo.pop()
            if here in found or here not in self.manifests:
                continue
            found.add(here)
            todo += [child.digest for child in self.manifests[here].children]
            todo += [referrer.digest for referrer in self.referrers(here)]
        return found


@dataclass
class World:
    """Sources and targets by name, with scripted failures and counts of what was done."""

    sources: dict[str, Holder]
    targets: dict[str, Holder]
    referrers: bool = True
    mount: str = "after-blob"
    fails: dict[str, list[LongshoreError]] = field(default_factory=dict)
    pulls: list[Digest] = field(default_factory=list)
    copied: list[tuple[str, Digest]] = field(default_factory=list)
    puts: list[tuple[str, Digest, str | None]] = field(default_factory=list)
    kept: dict[Digest, Manifest] = field(default_factory=dict)

    def carry(self, step: st.Step) -> st.Outcome:
        try:
            return self._carry(step)
        except LongshoreError as error:
            return st.Failed(step, error)

    def _trip(self, name: str) -> None:
        errors = self.fails.get(name)
        if errors:
            raise errors.pop(0)

    def _carry(self, step: st.Step) -> st.Outcome:
        source, target = self.sources[step.pair.source], self.targets[step.pair.target]
        match step:
            case st.FetchManifest(digest=digest, tag=tag, side=side):
                if digest in self.kept:
                    return st.Fetched(step, self.kept[digest])
                self._trip(f"fetch {digest or tag}")
                holder = source if side == "source" else target
                manifest = holder.manifests.get(digest or holder.tags.get(tag or "", ""))
                if manifest is None:
                    raise RegistryError("no such manifest", code="manifest-unknown", status=404)
                if side == "source":
                    self.pulls.append(manifest.digest)
                self.kept[manifest.digest] = manifest
                return st.Fetched(step, manifest)
            case st.PeekManifest(digest=digest):
                return st.Peeked(step, self.kept.get(digest))
            case st.FindManifest(digest=digest):
                return st.Found(step, digest in target.manifests)
            case st.FindReferrers(digest=digest):
                self._trip(f"referrers {digest}")
                return st.ReferrersFound(step, tuple(source.referrers(digest)))
            case st.CheckBlobs(digests=digests):
                return st.Checked(step, frozenset(set(digests) - target.blobs))
            case st.CopyBlob(blob=wanted):
                self._trip(f"blob {wanted.digest}")
                assert wanted.digest in source.blobs
                assert wanted.digest not in target.blobs, "a blob was copied twice"
                target.blobs.add(wanted.digest)
                self.copied.append((step.pair.target, wanted.digest))
                return st.Done(step)
            case st.MountBlob(blob=wanted, holder=holder):
                held = self.targets[holder.target]
                referred = any(
                    wanted.digest in {b.digest for b in m.blobs} for m in held.manifests.values()
                )
                able = wanted.digest in held.blobs
                if self.mount == "after-manifest":
                    able = able and referred
                if able and self.mount != "refuse":
                    target.blobs.add(wanted.digest)
                    return st.Mounted(step, True)
                return st.Mounted(step, False)
            case st.PutManifest(digest=digest, tag=tag):
                self._trip(f"put {tag or digest}")
                self._put(step.pair, source, target, digest, tag)
                return st.Done(step)
        raise AssertionError(step)

    def _put(
        self, pair: Pair, source: Holder, target: Holder, digest: Digest, tag: str | None
    ) -> None:
        manifest = self.kept[digest]
        assert {b.digest for b in manifest.blobs} <= target.blobs, "blobs are missing"
        for child in manifest.children:
            assert child.digest in target.manifests, "a child is missing"
        if tag is not None:
            below = source.closure(digest) - {digest} if self.referrers else set()
            assert below <= set(target.manifests), "a half image became visible"
            for name, companion in source.tags.items():
                served = companion_of(name)
                if served and served in {d.partition(":")[2] for d in source.closure(digest)}:
                    assert name == tag or target.tags.get(name) == companion, "companion missing"
            target.tags[tag] = digest
        own = digest in source.tags.values() or any(
            digest in {child.digest for child in m.children} for m in source.manifests.values()
        )
        if manifest.subject is not None and not own:
            assert manifest.subject.digest in target.manifests, "a referrer before its subject"
        target.manifests[digest] = manifest
        self.puts.append((pair.target, digest, tag))


def drive(schedule, world: World, seed: int = 0, max_steps: int = 20_000):
    """Carry out the steps in a random order until nothing is left; all events."""
    dice = random.Random(seed)
    turn = schedule.start()
    todo, events = list(turn.steps), list(turn.events)
    for _ in range(max_steps):
        if not todo:
            break
        step = todo.pop(dice.randrange(len(todo)))
        turn = schedule.handle(world.carry(step))
        todo += turn.steps
        events += turn.events
    assert not todo, "the schedule does not end"
    assert schedule.done
    events += schedule.finish().events
    return events


def content_error() -> ContentError:
    return ContentError("wrong bytes", side="source")


def limit_error() -> LimitError:
    return LimitError("no pulls left", retry_at="2026-11-23T06:00:00Z", code="hub-pull-limit")
