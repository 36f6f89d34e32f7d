"""Reads what is at AWS, as far as a plan needs it. I/O.

All repositories are listed; tags and policies cost a call each and are read for the wanted
repositories only. Others are asked for their tags, to find those that longshore made, up to
LOOK_LIMIT of them; how many were not asked is said. A caller who may not list everything still
gets a plan for the repositories that the config names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from longshore.errors import AwsError
from longshore.facts import AlertSeen, RepositorySeen
from longshore.provision.differences import encryption_diff
from longshore.provision.resources import (
    MANAGED,
    MANAGED_TAG,
    AccountSetting,
    Actual,
    Alert,
    Desired,
    Repository,
    Resource,
)
from longshore.remote.alerts import AlertTools
from longshore.remote.ecr import Ecr

LOOK_LIMIT = 100
_THREADS = 8

T = TypeVar("T")
R = TypeVar("R")


def read_actual(ecr: Ecr, wanted: Desired) -> Actual:
    """What is, in the same terms as what is wanted. Raises AwsError, LoginError, LimitError."""
    named = {one.name: one for one in wanted.resources if isinstance(one, Repository)}
    found, is_whole = _read_repositories(ecr, named)
    managed = {(one.kind, one.name) for one in wanted.resources}

    def details(name: str) -> RepositorySeen:
        seen = _with_tags(ecr, found[name])
        is_replaced = bool(encryption_diff(named[name], seen))
        if is_replaced or ("lifecycle", name) in managed:
            seen = replace(seen, lifecycle_policy=ecr.get_lifecycle_policy(name))
        if is_replaced or ("repository-policy", name) in managed:
            seen = replace(seen, repository_policy=ecr.get_repository_policy(name))
        return seen

    known = _each(details, [name for name in named if name in found])
    others = sorted(set(found) - set(named))
    asked = _each(lambda name: _tags_if_allowed(ecr, found[name]), others[:LOOK_LIMIT])
    looked_at = [seen for seen in asked if seen is not None]
    repositories = {seen.name: seen for seen in (*known, *looked_at)}
    return Actual(
        repositories,
        _count_images(ecr, named, known, looked_at),
        _read_settings(ecr, wanted.resources),
        len(others) - len(looked_at) if is_whole else None,
        _read_alerts(ecr, wanted.resources),
    )


def _read_repositories(ecr: Ecr, named: Iterable[str]) -> tuple[dict[str, RepositorySeen], bool]:
    """Repositories by name, and whether these are all."""
    try:
        return {seen.name: seen for seen in ecr.describe_repositories()}, True
    except AwsError as error:
        if error.code != "access-denied":
            raise
    found = [seen for names in _each(lambda name: _find(ecr, name), list(named)) for seen in names]
    return {seen.name: seen for seen in found}, False


def _find(ecr: Ecr, name: str) -> list[RepositorySeen]:
    try:
        return ecr.describe_repositories([name])
    except AwsError as error:
        if error.code == "repository-not-found":
            return []
        raise


def _with_tags(ecr: Ecr, seen: RepositorySeen) -> RepositorySeen:
    return replace(seen, tags=ecr.list_tags_for_resource(seen.arn))


def _tags_if_allowed(ecr: Ecr, seen: RepositorySeen) -> RepositorySeen | None:
    try:
        return _with_tags(ecr, seen)
    except AwsError as error:
        if error.code in {"access-denied", "repository-not-found"}:
            return None
        raise


def _count_images(
    ecr: Ecr,
    named: Mapping[str, Repository],
    known: Iterable[RepositorySeen],
    others: Iterable[RepositorySeen],
) -> dict[str, int | None]:
    """How many images the repositories hold that might go; None where that cannot be read."""
    at_risk = [seen.name for seen in known if encryption_diff(named[seen.name], seen)]
    at_risk += [seen.name for seen in others if MANAGED_TAG in dict(seen.tags)]
    return dict(zip(at_risk, _each(lambda name: _count(ecr, name), at_risk), strict=True))


def _count(ecr: Ecr, name: str) -> int | None:
    """Images of every storage class; archived ones count too."""
    try:
        return len(ecr.describe_images(name, status="ANY"))
    except AwsError:
        return None


def _read_settings(ecr: Ecr, resources: Iterable[Resource]) -> dict[str, str]:
    names = [one.name for one in resources if isinstance(one, AccountSetting)]
    return {name: ecr.get_account_setting(name) for name in names}


def _read_alerts(ecr: Ecr, resources: Iterable[Resource]) -> dict[str, AlertSeen]:
    names = [one.name for one in resources if isinstance(one, Alert)]
    if not names:
        return {}
    tools = AlertTools(ecr.session, ecr.account, MANAGED)
    found = zip(names, _each(tools.read, names), strict=True)
    return {name: seen for name, seen in found if seen is not None}


def _each(ask: Callable[[T], R], items: list[T]) -> list[R]:
    """Ask about many things at once; the first error ends it."""
    if not items:
        return []
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(ask, items))
