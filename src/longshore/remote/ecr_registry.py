"""ECR as a registry: listings and blob checks by its API, bytes over `/v2/`. I/O.

ECR speaks the distribution protocol with Basic auth, user `AWS`, and a password of twelve hours
that is renewed after eleven, once for all threads. What its API answers a thousand at a time is
asked there: no manifest is fetched to compare, for that would count as a pull in ECR's own books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from longshore.errors import AwsError, RefusedError, RegistryError, Side
from longshore.oci.challenge import Challenge
from longshore.oci.digest import Digest
from longshore.oci.store import Holdings, TagSeen
from longshore.remote.ecr import Ecr
from longshore.remote.registry import Registry, RegistryRepository
from longshore.remote.transport import Transport
from longshore.remote.uploads import UploadOptions
from longshore.text import tr

Result = TypeVar("Result")


class EcrRegistry(Registry):
    """One account's ECR in one region, as a registry."""

    lists_referrers = True

    def __init__(
        self,
        ecr: Ecr,
        transport: Transport,
        side: Side = "target",
        *,
        uploads: UploadOptions | None = None,
    ) -> None:
        super().__init__(
            ecr.registry_host,
            transport,
            lambda _: ecr.authorization_token(),
            side,
            challenge=Challenge("basic"),
            uploads=uploads,
        )
        self.ecr = ecr.listening(lambda _: self.traffic.add_request())

    def list_repositories(self, namespace: str | None = None) -> list[str]:
        """All repositories (below a namespace) by the API; `_catalog` is not to be relied on."""
        found = self.asked(self.ecr.describe_repositories)
        names = [repository.name for repository in found]
        return [name for name in names if not namespace or name.startswith(f"{namespace}/")]

    def asked(self, call: Callable[[], Result]) -> Result:
        """What an API call gives; an AwsError becomes this side's RegistryError."""
        try:
            return call()
        except AwsError as error:
            raise RegistryError(
                error.what,
                error.hint,
                side=self.side,
                registry_code=error.aws_code,
                request=error.operation,
                temporary=error.temporary,
                code=error.code,
                where=error.where,
            ) from None

    def _new_repository(self, name: str) -> EcrRepository:
        return EcrRepository(self, name)


class EcrRepository(RegistryRepository):
    """One repository of ECR."""

    def __init__(self, registry: EcrRegistry, name: str) -> None:
        super().__init__(registry, name)
        self._ecr_registry = registry
        self._ecr = registry.ecr

    def list_tags(self) -> list[TagSeen]:
        """By DescribeImages: digests, sizes and times, a thousand a call."""
        images = self._ecr_registry.asked(
            lambda: self._ecr.describe_images(self.name, status="ACTIVE", tagged_only=True)
        )
        return [
            TagSeen(tag, image.digest, image.size, image.pushed_at, image.media_type or None)
            for image in images
            for tag in image.tags
        ]

    def read_holdings(self) -> Holdings:
        """Tags and all manifests that can be pulled, by one DescribeImages."""
        images = self._ecr_registry.asked(
            lambda: self._ecr.describe_images(self.name, status="ACTIVE")
        )
        tags = {tag: Digest(image.digest) for image in images for tag in image.tags}
        return Holdings(tags, frozenset(Digest(image.digest) for image in images))

    def missing_blobs(self, digests: Iterable[Digest]) -> set[Digest]:
        """By BatchCheckLayerAvailability, a hundred a call."""
        wanted = set(digests)
        if not wanted:
            return set()
        return wanted - self._ecr_registry.asked(
            lambda: self._ecr.batch_check_layers(self.name, sorted(wanted))
        )

    def delete_tag(self, tag: str) -> None:
        """Remove a tag that is not its image's last one; for the last would delete the image.

        Raises RefusedError `last-tag`.
        """
        images = self._ecr_registry.asked(lambda: self._ecr.describe_images(self.name, tags=[tag]))
        if any(set(image.tags) <= {tag} for image in images):
            raise RefusedError(
                tr("{tag} is the last tag of its image in {name}", tag=tag, name=self.name),
                tr("put another tag on the image first; ECR deletes an image with its last tag"),
                code="last-tag",
            )
        failed = self._ecr_registry.asked(
            lambda: self._ecr.batch_delete_image(self.name, tags=[tag])
        )
        if failed:
            raise RegistryError(
                tr("ECR did not remove the tag {tag}: {why}", tag=tag, why=failed[0][1]),
                tr("look at it: longshore tags show {name}:{tag}", name=self.name, tag=tag),
                side=self.registry.side,
                request="BatchDeleteImage",
                code="tag-not-deleted",
            )
