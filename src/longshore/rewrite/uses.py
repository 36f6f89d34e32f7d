"""A judged mention: which image, whose registry, and what is known about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from longshore.oci.reference import DEFAULT_TAG, DOCKER_HUB
from longshore.rewrite.mentions import Mention

Status = Literal["hub", "other", "local", "unresolved"]


@dataclass(frozen=True)
class Use:
    """One place that names an image, with its verdict.

    `image` is the full name without tag and digest (`docker.io/library/node`), None when not even
    that is known. `status`: `hub` (Docker Hub), `other` (another registry), `local` (built in this
    tree), `unresolved` (a variable stays open; `reason` says what would resolve it).
    """

    file: str
    line: int
    column: int
    mention: Mention
    status: Status
    image: str | None = None
    registry: str | None = None
    tag: str | None = None
    digest: str | None = None
    reason: str = ""

    @property
    def reference(self) -> str:
        """The image with tag and digest as far as they are known."""
        text = self.image or self.mention.text
        text += f":{self.tag}" if self.tag else ""
        return text + (f"@{self.digest}" if self.digest else "")

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that may be fetched: one, those of a matrix, or none when a tag stays open.

        Without tag and digest it is `latest`.
        """
        if self.tag is not None or self.digest is not None:
            return (self.tag,) if self.tag else ()
        if self.mention.tags:
            return self.mention.tags
        return () if ":" in self.mention.expanded.rpartition("/")[2] else (DEFAULT_TAG,)

    @property
    def tag_is_open(self) -> bool:
        """Whether a tag is written that is not known."""
        return not self.tags and self.digest is None

    @property
    def pulls_hub(self) -> bool:
        """Whether this place fetches from Docker Hub."""
        return self.status == "hub" and self.mention.role == "pull" and self.registry == DOCKER_HUB

    def as_json(self) -> dict[str, Any]:
        """One entry of `references` (longshore.assess/1)."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "text": self.mention.text,
            "image": self.image,
            "tag": self.tag,
            "digest": self.digest,
            "registry": self.registry,
            "status": self.status,
            "kind": self.mention.kind,
            "role": self.mention.role,
            "pulled": self.mention.pulled,
            "reason": self.reason,
            "tags": list(self.tags),
        }
