"""List both sides of a pair and judge it. I/O.

Costs no pull: listings, and HEADs for tags that are on both sides without a digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from longshore.errors import RegistryError, UsageError
from longshore.oci.digest import Digest
from longshore.oci.store import Readable, TagSeen, Writable
from longshore.text import tr
from longshore.transfer.carry import Stores
from longshore.transfer.journal import Journal
from longshore.transfer.narrow import narrow
from longshore.transfer.plan import (
    Pair,
    PairPlan,
    TargetView,
    Wish,
    companion_of,
    plan_pair,
    tags_without_digest,
)


def gather(wish: Wish, stores: Stores, journal: Journal, jobs: int = 16) -> PairPlan:
    """The plan of one pair. Raises RegistryError when a side cannot be listed."""
    with ThreadPoolExecutor(jobs, thread_name_prefix="longshore-list") as pool:
        if wish.tags is not None and len(wish.tags) == 1:
            plan = _gather_one(wish, wish.tags[0], stores, pool)
            return replace(plan, in_order=wish.in_order, referrers=wish.referrers)
        listing = pool.submit(stores.source.list_tags)
        view = read_view(stores.target, wish, journal)
        seen = _chosen(listing.result(), wish)
        names = tags_without_digest(seen, view)
        if wish.metered:
            names = [tag.tag for tag in seen if tag.digest is None]
        seen = _with_digests(seen, _heads(stores.source, names, pool))
        unknown = [name for name in _targets(seen, wish) if name in view.tags]
        unknown = [name for name in unknown if view.tags[name] is None]
        found = _heads(stores.target, unknown, pool)
        view = replace(view, tags={**view.tags, **found})
    skipped = dict(wish.choose(_own(seen))) if wish.choose else {}
    if not wish.referrers:
        skipped |= {tag.tag: tr("signatures stay out") for tag in seen if companion_of(tag.tag)}
    narrowed = _narrowed(wish.pair, seen, journal)
    plan = plan_pair(wish.pair, seen, view, skipped, wish.rename, wish.referrers, narrowed=narrowed)
    orphans = plan.orphans and wish.tags is None
    return replace(plan, in_order=wish.in_order, referrers=wish.referrers, orphans=orphans)


def _narrowed(pair: Pair, seen: Sequence[TagSeen], journal: Journal) -> dict[Digest, Digest]:
    """What the chosen platforms make of each index, as far as earlier runs kept them."""
    found: dict[Digest, Digest] = {}
    for digest in {Digest(tag.digest) for tag in seen if tag.digest} if pair.platforms else ():
        kept = journal.recall(digest)
        if kept is not None:
            with suppress(UsageError):
                found[digest] = narrow(kept, pair.platforms).digest
    return found


def read_view(target: Writable, wish: Wish, journal: Journal) -> TargetView:
    """What the target holds; a repository that is not there yet counts as empty if it may."""
    name = wish.pair.target
    try:
        held = target.read_holdings()
    except RegistryError as error:
        if error.code != "repository-not-found" or not wish.target_may_be_absent:
            raise
        return TargetView({}, frozenset(), fresh=not journal.is_open(name))
    empty = not held.tags and not held.digests
    return TargetView(held.tags, held.digests, fresh=empty and not journal.is_open(name))


def _gather_one(wish: Wish, tag: str, stores: Stores, pool: ThreadPoolExecutor) -> PairPlan:
    """One image by name: a HEAD at the target and, if it is there, at the source.

    Its companions are looked for in the source's listing, a request for most registries. Docker Hub
    may have thousands of tags in small pages: there they are asked for by name.
    """
    names = (wish.rename or {}).get(tag, (tag,))
    digest = Digest(tag) if ":" in tag else None
    listing = None if wish.metered or not wish.referrers else pool.submit(stores.source.list_tags)
    asked = {name: pool.submit(stores.target.resolve, name) for name in names}
    if digest is None and wish.metered:
        held = stores.source.resolve(tag)
        digest = held.digest if held else _missing(wish, tag)
    found = {name: held.result() for name, held in asked.items()}
    if digest is None and any(found.values()):
        held = stores.source.resolve(tag)
        digest = held.digest if held else _missing(wish, tag)
    view = TargetView({name: held.digest for name, held in found.items() if held})
    seen = [TagSeen(tag, digest)]
    served = None
    if listing is not None:
        served = frozenset(one.tag for one in listing.result() if companion_of(one.tag))
    return plan_pair(wish.pair, seen, view, {}, {tag: names}, companions=False, unjudged=served)


def _missing(wish: Wish, tag: str) -> Digest:
    raise RegistryError(
        tr("{source} has no tag {tag}", source=wish.pair.source, tag=tag),
        tr("look at its tags with `longshore tags ls {source}`", source=wish.pair.source),
        side="source",
        status=404,
        registry_code="MANIFEST_UNKNOWN",
        code="manifest-not-found",
    )


def _chosen(seen: Sequence[TagSeen], wish: Wish) -> list[TagSeen]:
    if wish.tags is None:
        return list(seen)
    names = set(wish.tags)
    listed = {tag.tag for tag in seen}
    absent = [TagSeen(name) for name in sorted(names - listed)]
    wanted = [tag for tag in seen if tag.tag in names or companion_of(tag.tag)]
    return wanted + absent


def _own(seen: Sequence[TagSeen]) -> list[TagSeen]:
    return [tag for tag in seen if companion_of(tag.tag) is None]


def _targets(seen: Sequence[TagSeen], wish: Wish) -> list[str]:
    rename = wish.rename or {}
    return [name for tag in seen for name in rename.get(tag.tag, (tag.tag,))]


def _heads(
    store: Readable, names: Iterable[str], pool: ThreadPoolExecutor
) -> dict[str, Digest | None]:
    asked = [(name, pool.submit(store.resolve, name)) for name in names]
    found = [(name, answer.result()) for name, answer in asked]
    return {name: held.digest if held else None for name, held in found}


def _with_digests(seen: Sequence[TagSeen], found: Mapping[str, Digest | None]) -> list[TagSeen]:
    return [replace(tag, digest=found[tag.tag]) if tag.tag in found else tag for tag in seen]
