"""How a blob gets into a target repository: copied, mounted, or there already. Pure.

The first repository that needs a blob uploads it and leads; others of the same registry follow and
mount it once the leader's copy can be mounted. ECR mounts a blob only when a manifest of the
holding repository refers to it, other registries as soon as it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from longshore.oci.digest import Digest
from longshore.oci.manifest import Descriptor
from longshore.transfer.plan import Pair
from longshore.transfer.steps import CopyBlob, MountBlob, Step

BlobKey = tuple[str, str, Digest]


def blob_key(pair: Pair, digest: Digest) -> BlobKey:
    """Blobs are one per target repository."""
    return ("blob", pair.target, digest)


@dataclass
class Load:
    """One blob on its way into one repository."""

    pair: Pair
    blob: Descriptor
    followers: list[Load] = field(default_factory=list)
    mountable: bool = False
    failed: bool = False


@dataclass
class Logistics:
    """Leaders and followers of each blob in each target registry."""

    loads: dict[BlobKey, Load] = field(default_factory=dict)
    _leaders: dict[tuple[str, Digest], Load] = field(default_factory=dict)
    _waiting: dict[BlobKey, Load] = field(default_factory=dict)

    def expect(self, pair: Pair, blob: Descriptor) -> bool:
        """Note that a repository needs a blob; False when that is known already."""
        key = blob_key(pair, blob.digest)
        if key in self.loads:
            return False
        self.loads[key] = Load(pair, blob)
        return True

    def obtain(self, pair: Pair, digest: Digest) -> list[Step]:
        """The repository lacks the blob: mount it, wait for its leader, or copy it."""
        load = self.loads[blob_key(pair, digest)]
        leader = self._leaders.get((pair.target_registry, digest))
        if pair.mounting == "never" or leader is None or leader.failed:
            self._leaders[pair.target_registry, digest] = load
            return [CopyBlob(pair, load.blob)]
        if leader.mountable:
            return [MountBlob(pair, load.blob, leader.pair)]
        leader.followers.append(load)
        self._waiting[blob_key(pair, digest)] = load
        return []

    def arrived(self, pair: Pair, digest: Digest) -> list[Step]:
        """The blob is in the repository."""
        if pair.mounting != "after-blob":
            return []
        return self._release(self.loads[blob_key(pair, digest)])

    def committed(self, pair: Pair, digests: list[Digest]) -> list[Step]:
        """A manifest that refers to the blobs is in the repository."""
        steps: list[Step] = []
        for digest in digests:
            load = self.loads.get(blob_key(pair, digest))
            if load is not None:
                steps += self._release(load)
        return steps

    def refused(self, pair: Pair, digest: Digest) -> list[Step]:
        """The registry did not mount the blob: copy it."""
        return [CopyBlob(pair, self.loads[blob_key(pair, digest)].blob)]

    def lost(self, pair: Pair, digest: Digest) -> list[Step]:
        """The leader cannot deliver: the next one copies, the others follow it."""
        load = self.loads[blob_key(pair, digest)]
        load.failed = True
        followers, load.followers = load.followers, []
        steps: list[Step] = []
        for follower in followers:
            self._waiting.pop(blob_key(follower.pair, digest), None)
            steps += self.obtain(follower.pair, digest)
        return steps

    def break_deadlock(self) -> list[Step]:
        """Nothing moves, yet somebody waits for a mount: the first of them copies instead."""
        for key, load in self._waiting.items():
            del self._waiting[key]
            leader = self._leaders[load.pair.target_registry, load.blob.digest]
            leader.followers.remove(load)
            return [CopyBlob(load.pair, load.blob)]
        return []

    def _release(self, leader: Load) -> list[Step]:
        leader.mountable = True
        if self._leaders.get((leader.pair.target_registry, leader.blob.digest)) is not leader:
            return []
        followers, leader.followers = leader.followers, []
        for follower in followers:
            self._waiting.pop(blob_key(follower.pair, follower.blob.digest), None)
        return [MountBlob(load.pair, load.blob, leader.pair) for load in followers]
