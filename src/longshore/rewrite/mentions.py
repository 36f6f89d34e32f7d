"""What finders say: here stands the name of an image. Nothing is judged yet. Pure.

A finder gives a `Mention` for each place that names an image, with what the file itself knows
filled in. What stays open (a variable that nobody sets, an expression) is the character `OPEN` in
`value`. `survey` judges it: which image, whose registry, built here or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from longshore.rewrite.source import Span

OPEN = "\ufffc"

Role = Literal["pull", "push", "login", "cache", "tag", "build-output"]
Pulled = Literal["build", "setup", "job-start", "host", "node", "test"]
Part = Literal["reference", "registry", "repository", "tag", "digest"]


@dataclass(frozen=True)
class Piece:
    """Characters that decide (a part of) a reference, for whoever wants to change it.

    `file` may be another file than the mention's (`.env`). `part` says which of it stands here:
    the whole reference, or only registry, repository, tag or digest (Helm's split values).
    `prefix` is what stands before the reference within the same text and is kept
    (`docker-image://`, `docker://`).
    """

    file: str
    span: Span
    text: str
    part: Part = "reference"


@dataclass(frozen=True)
class Mention:
    """One place that names an image.

    `span` and `text` are the characters as written at the place of use, unexpanded (without quotes,
    without `docker://`). `value` is the text with all that the file knows filled in and `OPEN` for
    what it does not; None means the text itself. One place that can name several images (a matrix
    composed into a name) gives several mentions with the same span.

    `pulled` says when and by whom it is fetched: build, setup (an action's own image, buildx and
    binfmt), job-start (before the first step), host (a server, or a developer's machine), node
    (a cluster's), test; None for roles that fetch nothing.

    `job` names who pulls within the file: a workflow's job id, a compose service, a stage. `times`
    is how often one pipeline run pulls it there (the matrix).

    `pieces` are where an edit belongs when it is not simply `span`: the ARG default, the `.env`
    line, Helm's three keys. Empty and `implicit`: nothing is written (a tool's own default).

    `tags` are the tags that an open one stands for, when all of them are known (a matrix).

    `needs` says what would resolve an open value ("build argument BASE"). `built` is a name that
    this place builds and does not push. `condition` is a remark for people ("profile: debug").
    """

    kind: str
    role: Role
    span: Span
    text: str
    value: str | None = None
    pulled: Pulled | None = None
    job: str = ""
    times: int = 1
    pieces: tuple[Piece, ...] = ()
    implicit: bool = False
    needs: str = ""
    built: bool = False
    condition: str = ""
    tags: tuple[str, ...] = ()

    @property
    def expanded(self) -> str:
        """The text with what is known filled in."""
        return self.text if self.value is None else self.value


@dataclass(frozen=True)
class BuildArgument:
    """Some file gives `name` a value when `dockerfile` (a path of the tree) is built.

    `value` may hold `OPEN`. `span` is the value's place in `file`.
    """

    dockerfile: str
    name: str
    value: str
    file: str
    span: Span


Sighting = Mention | BuildArgument
