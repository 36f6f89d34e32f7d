"""What was not looked into, and why: a value for each, so that a report can tell. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from longshore.text import tr

SkipReason = Literal[
    "too-large", "binary", "unreadable", "vanished", "special", "symlink", "symlink-outside",
    "submodule", "clone", "generated", "bug",
]  # fmt: skip


@dataclass(frozen=True, order=True)
class Skipped:
    """A file or folder of the tree (path relative to it) that nothing was read from.

    `detail` is what the system said; for `bug`, the end of the traceback.
    """

    path: str
    reason: SkipReason
    detail: str = ""

    @property
    def expected(self) -> bool:
        """Whether it is left out by design (links, vendored folders), not for some trouble."""
        return self.reason in ("symlink", "submodule", "clone", "generated", "special")

    @property
    def sentence(self) -> str:
        """The reason for people."""
        return _sentence(self.reason)

    def as_json(self) -> dict[str, Any]:
        """One entry of `skipped`."""
        return {
            "path": self.path,
            "reason": self.reason,
            "message": self.sentence,
            "detail": self.detail,
        }


def _sentence(reason: SkipReason) -> str:
    sentences = {
        "too-large": tr("larger than --max-file-size"),
        "binary": tr("not text"),
        "unreadable": tr("cannot be read"),
        "vanished": tr("went away while it was to be read"),
        "special": tr("neither file nor folder"),
        "symlink": tr("a symbolic link; what it names in the tree is read there"),
        "symlink-outside": tr("a symbolic link that leads out of the tree"),
        "submodule": tr("a submodule; --nested looks into it"),
        "clone": tr("another clone inside the tree; --nested looks into it"),
        "generated": tr("vendored or generated; --generated looks into it"),
        "bug": tr("a mistake of ours; --verbose shows it"),
    }
    return sentences[reason]
