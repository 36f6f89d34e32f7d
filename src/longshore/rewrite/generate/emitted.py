"""A file that was written for the tree, and what its reader has to know. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftOut:
    """A step that is not in the file, and why."""

    step: str
    reason: str


@dataclass(frozen=True)
class Remark:
    """Something to look at; the file works, or says itself what is missing."""

    code: str
    message: str


@dataclass(frozen=True)
class Emitted:
    """A file of the tree: its path, its whole text, and what is to be said about it.

    `needs` are images of Docker Hub that the file expects at the target, as `name:tag`.
    """

    path: str
    text: str
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[Remark, ...] = ()
    needs: tuple[str, ...] = ()
