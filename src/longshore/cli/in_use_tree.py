"""Images in use that the files of a tree name: compose files, Kubernetes manifests. Pure.

A name with open variables counts as far as it is known: `${REGISTRY}/shop:v2` is taken for the
target's `shop`, and `${REGISTRY}/shop:${TAG}` says that of `shop` something is in use, nobody
knows what (`Unread`). So does a file that could not be read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from longshore.facts import InUse, Unread, UsesSeen
from longshore.oci.reference import is_repository, is_tag
from longshore.rewrite.mentions import OPEN
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.remote.workloads import Watched
    from longshore.rewrite.scan import ScanResult
    from longshore.rewrite.skipped import Skipped
    from longshore.rewrite.uses import Use

_TROUBLE = ("too-large", "unreadable", "vanished", "symlink-outside", "bug")
# Templates stay open by themselves; what fills them is a place of its own (values files).
_FILLED_ELSEWHERE = ("helm-template",)
_YAML = re.compile(r".*\.(ya?ml|json|tpl|env)|[^.]*", re.IGNORECASE | re.DOTALL)


def uses_of_tree(scanned: ScanResult, by: str, kinds: Sequence[str], watched: Watched) -> UsesSeen:
    """What the places of these kinds name, as far as it is the target's."""
    found = UsesSeen(unread=tuple(_unread(one, by) for one in scanned.skipped if _matters(one)))
    for use in scanned.uses:
        if use.mention.kind in kinds and use.mention.role == "pull":
            found += _of_use(use, by, watched)
    return found


def _matters(one: Skipped) -> bool:
    name = one.path.rpartition("/")[2]
    return one.reason in _TROUBLE and _YAML.fullmatch(name) is not None


def _unread(one: Skipped, by: str) -> Unread:
    return Unread(by, one.path, one.sentence)


def _of_use(use: Use, by: str, watched: Watched) -> UsesSeen:
    where = f"{use.file}:{use.line}"
    if use.image is None:
        return _of_open_name(use, by, where, watched)
    named = watched.use(use.image, by, where)
    if named is None:
        return UsesSeen()
    if use.digest:
        return UsesSeen((replace(named, digest=use.digest, tag=use.tag),))
    if use.tag_is_open:
        return UsesSeen(unread=(_open_tag(use, by, where, named.repository),))
    return UsesSeen(tuple(replace(named, tag=tag) for tag in use.tags))


def _of_open_name(use: Use, by: str, where: str, watched: Watched) -> UsesSeen:
    """A name of which variables stay open: nobody's, the target's, or nobody knows whose."""
    if use.status == "local" or (use.registry and not _may_be(use.registry, watched)):
        return UsesSeen()
    text = use.mention.expanded
    host, slash, rest = text.partition("/")
    path, at, digest = rest.partition("@")
    name, colon, tag = path.rpartition(":")
    repository = name if colon else path
    if use.mention.kind in _FILLED_ELSEWHERE:
        return UsesSeen()
    if not slash or OPEN not in host or not is_repository(repository):
        why = tr("{text} names no image as it stands", text=use.mention.text)
        return UsesSeen(unread=(Unread(by, where, why),))
    if at and OPEN not in digest:
        return UsesSeen((InUse(repository, by, where, digest),))
    if at or (colon and not is_tag(tag)):
        return UsesSeen(unread=(_open_tag(use, by, where, repository),))
    return UsesSeen((InUse(repository, by, where, None, tag if colon else "latest"),))


def _may_be(registry: str, watched: Watched) -> bool:
    """Whether a host with open parts can be one of the target's."""
    parts = (re.escape(part) for part in registry.split(OPEN))
    shape = re.compile(".*".join(parts), re.IGNORECASE)
    return any(shape.fullmatch(host) for host in watched.hosts)


def _open_tag(use: Use, by: str, where: str, repository: str) -> Unread:
    why = tr("the tag in {text} is not known", text=use.mention.text)
    return Unread(by, where, why, repository)
